// SPDX-License-Identifier: Apache-2.0
// Approvals: what agents ask before they do it.
#include "routes_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/core_approval.h>
#include <string.h>

static const char *status_word(uint32_t v)
{
    return approval_status_name((enum approval_status)v);
}

static void write_input(struct json_out *o, const char *name, const void *at)
{
    const struct approval *a = at;
    json_raw(o, name, a->input, strlen(a->input)); // it was read as JSON
}

#define AP(m, t, ...) JSON_SHOW(struct approval, m, t, ##__VA_ARGS__)
#define AP_AS(m, n, t, ...) JSON_SHOW_AS(struct approval, m, n, t, ##__VA_ARGS__)
static const struct json_show approval_rows[] = {
    AP(id, SHOW_CHARS),
    AP_AS(run, "run_id", SHOW_CHARS),
    AP(status, SHOW_WORD, .word = status_word, .n_words = APPROVAL_N),
    AP(tool, SHOW_CHARS, .doc = "that its agent wants to use"),
    {.name = "input",
     .type = SHOW_CALL,
     .call = write_input,
     .like = SHOW_ENV,
     .doc = "with what: an object, by tool"},
    AP(message, SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "of who answered"),
    AP_AS(created_ms, "created_at", SHOW_TIME),
    AP_AS(expires_ms, "expires_at", SHOW_TIME, .doc = "then the answer is no"),
    AP_AS(answered_ms, "answered_at", SHOW_TIME),
};
const struct json_shape v1_approval_shape = {"Approval", approval_rows, N_ELEMS(approval_rows)};

struct answer_body {
    uint32_t decision;
    const char *message;
    const char *input;
};
static const char *const decisions[] = {"deny", "allow", NULL};
static const struct json_field answer_fields[] = {
    JSON_FIELD(struct answer_body, decision, JSON_ENUM, .flags = JSON_REQUIRED, .names = decisions),
    JSON_FIELD(struct answer_body, message, JSON_STRING, .max = APPROVAL_MESSAGE_BYTES,
               .doc = "why not, for the agent"),
    JSON_FIELD(struct answer_body, input, JSON_RAW, .max = AGENT_INPUT_MAX,
               .doc = "what it is to do instead of what it asked: a JSON object"),
};
const struct json_table v1_answer_table = {"AnswerBody", answer_fields, N_ELEMS(answer_fields),
                                           sizeof(struct answer_body), -1};

static struct approval *find(struct http_req *r)
{
    struct err e;
    struct approval *a = core_approval_find(v1_of(r)->core, r->params[0], &e);
    if (!a)
        v1_err(r, &e);
    return a;
}

void v1_approvals_list(struct http_req *r)
{
    struct page page;
    struct approval *all[PAGE_MAX];
    struct approval_filter f = {.run = http_query(r, "run")};
    const char *status = http_query(r, "status");
    if (v1_page_parse(r, &page))
        return;
    if (status && approval_status_parse(status, &f.status)) {
        v1_bad_param(r, "status", "is none of the states of an approval");
        return;
    }
    f.status_given = status;
    size_t n = core_approval_list(v1_of(r)->core, &f, page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_approval_shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_approvals_get(struct http_req *r)
{
    const struct approval *a = find(r);
    if (a)
        v1_answer_show(r, 200, &v1_approval_shape, a);
}

struct answer_call {
    struct call c; // first member
    char approval[ID_MAX];
};

// What it waited for was the commit of its run.
static void on_answered(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct answer_call *ac = container_of(c, struct answer_call, c);
    struct err e;
    const struct approval *a = core_approval_find(c->v->core, ac->approval, &e);
    if (w->err.code || !a)
        v1_call_err(c, w->err.code ? &w->err : &e);
    else
        v1_call_show(c, 200, &v1_approval_shape, a);
}

static void answer(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct answer_body b = {0};
    json_pool_init(&pool);
    if (v1_read_body(c->r, &v1_answer_table, &pool, &b)) {
        v1_call_refused(c);
        return;
    }
    struct approval *a = find(c->r);
    if (!a) {
        v1_call_refused(c);
        return;
    }
    const struct approval_answer given = {
        .allow = b.decision == 1, .message = b.message, .input = b.input};
    memcpy(container_of(c, struct answer_call, c)->approval, a->id, sizeof(a->id));
    c->w.on_done = on_answered;
    (void)v1_call_started(c, core_approval_answer(c->v->core, a, &given, &c->w, &e), &e);
}

void v1_approvals_answer(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct answer_call)), answer);
}
