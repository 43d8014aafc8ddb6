// SPDX-License-Identifier: Apache-2.0
// Webhooks of runs: what was delivered, and what it is signed with.
#include "routes_int.h"

#include <pinfold/core_hook.h>
#include <stdio.h>

static const char *status_word(uint32_t v)
{
    static const char *const names[] = {"pending", "delivered", "failed"};
    return v < N_ELEMS(names) ? names[v] : "unknown";
}

static const char *event_word(uint32_t v)
{
    return event_type_name((enum event_type)v);
}

#define DL(m, t, ...) JSON_SHOW(struct delivery, m, t, ##__VA_ARGS__)
#define DL_AS(m, n, t, ...) JSON_SHOW_AS(struct delivery, m, n, t, ##__VA_ARGS__)
static const struct json_show delivery_rows[] = {
    DL(id, SHOW_CHARS, .doc = "sent as X-Pinfold-Delivery: the same in every try"),
    DL(event, SHOW_WORD, .word = event_word, .n_words = EV_N),
    DL(status, SHOW_WORD, .word = status_word, .n_words = DELIVERY_FAILED + 1),
    DL(attempts, SHOW_U32),
    DL(http_status, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    DL(error, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    DL_AS(created_ms, "created_at", SHOW_TIME),
    DL_AS(next_ms, "next_at", SHOW_TIME),
    DL_AS(ended_ms, "ended_at", SHOW_TIME),
};
const struct json_shape v1_delivery_shape = {"Delivery", delivery_rows, N_ELEMS(delivery_rows)};

void v1_runs_deliveries(struct http_req *r)
{
    struct answer a;
    struct run *run = v1_find_run(r);
    if (!run)
        return;
    v1_page_begin(&a);
    for (const struct delivery *d = NULL; (d = core_run_delivery_next(run, d));)
        json_show(&a.o, NULL, &v1_delivery_shape, d);
    v1_page_send(r, &a, NULL);
}

void v1_webhooks_secret(struct http_req *r)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char key[32];
    char text[2 * sizeof(key) + 1];
    struct answer a;
    core_secret(v1_of(r)->core, HOOK_PURPOSE, key);
    for (size_t i = 0; i < sizeof(key); i++) {
        text[2 * i] = digits[key[i] >> 4];
        text[2 * i + 1] = digits[key[i] & 15];
    }
    text[2 * sizeof(key)] = '\0';
    v1_answer_begin(&a);
    json_str(&a.o, "secret", text);
    v1_answer_send(r, 200, &a);
}
