// SPDX-License-Identifier: Apache-2.0
// pinfold token: who may call the server.
#include "body_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <pinfold/own.h>
#include <string.h>

struct token {
    const char *id, *name, *token, *expires_at, *last_used_at;
    struct json_strings scopes;
};
#define TK(m, t, ...) JSON_FIELD(struct token, m, t, ##__VA_ARGS__)
static const struct json_field token_fields[] = {
    TK(id, JSON_STRING),         TK(name, JSON_STRING),         TK(token, JSON_STRING),
    TK(expires_at, JSON_STRING), TK(last_used_at, JSON_STRING), TK(scopes, JSON_STRINGS, .max = 16),
};
static const struct json_table token_table = {"Token", token_fields, N_ELEMS(token_fields),
                                              sizeof(struct token), -1};

static void show_token(const void *item, struct buf *out)
{
    const struct token *t = item;
    (void)buf_printf(out, "%-24s %-20s %-12s %-25s %s\n", t->id ? t->id : "",
                     t->name ? t->name : "", t->scopes.n ? t->scopes.at[t->scopes.n - 1] : "",
                     t->expires_at ? t->expires_at : "never",
                     t->last_used_at ? t->last_used_at : "never");
}

int cmd_token_list(struct cli *c)
{
    own_free char *heading =
        xasprintf("%-24s %-20s %-12s %-25s %s\n", "ID", "NAME", "SCOPE", "EXPIRES", "USED");
    const struct show_list l = {"/v1/tokens", &token_table, heading, show_token};
    return show_list(c, &l);
}

int cmd_token_create(struct cli *c)
{
    struct err e;
    struct json_out o;
    uint64_t ms = 0;
    own_buf struct buf body, answer;
    own_json_pool struct json_pool pool;
    struct json_fault f;
    struct token t = {0};
    buf_init(&body, 4096);
    buf_init(&answer, ANSWER_MAX);
    json_pool_init(&pool);
    json_out_init(&o, &body);
    json_begin(&o, NULL);
    body_str(&o, c, "name", "name");
    body_str(&o, c, "prefix", "prefix");
    json_begin_array(&o, "scopes");
    json_str(&o, NULL, cli_get(c, "scope") ? cli_get(c, "scope") : "exec");
    json_end_array(&o);
    if (cli_duration(c, "expires", &ms, &e))
        return cli_fail(EXIT_USAGE, &e);
    if (ms)
        json_u64(&o, "expires_in_secs", ms / 1000);
    json_end(&o);
    if (client_call(c->client, "POST", "/v1/tokens", &body, &answer, &e))
        return cli_fail(EXIT_FAILED, &e);
    if (c->json)
        return show_answer(c, &answer);
    if (json_read(&token_table, answer.data, answer.len, JSON_IGNORE_UNKNOWN, &pool, &t, &f) ||
        !t.token) {
        (void)err_set(&e, ERR_INTERNAL, "the server's answer has no token");
        return cli_fail(EXIT_FAILED, &e);
    }
    return puts(t.token) < 0 ? EXIT_FAILED : 0;
}

int cmd_token_delete(struct cli *c)
{
    struct err e;
    own_buf struct buf answer;
    buf_init(&answer, ANSWER_MAX);
    own_free char *part = client_part(c->args[0]);
    own_free char *path = xasprintf("/v1/tokens/%s", part);
    return client_call(c->client, "DELETE", path, NULL, &answer, &e) ? cli_fail(EXIT_FAILED, &e)
                                                                     : 0;
}
