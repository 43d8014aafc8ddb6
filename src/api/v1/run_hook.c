// SPDX-License-Identifier: Apache-2.0
// What a run's tool asks for out of its sandbox: its hooks tell events and ask whether it may, and its
// client of the Model Context Protocol finds the tools that the run brings.
#include "routes_int.h"

#include <pinfold/agent_hook.h>
#include <pinfold/core_approval.h>
#include <pinfold/own.h>

#define ASK_MS 50000 // then it asks again: nothing on the way waits longer

// {} to go on as it would.
static void send(struct call *c, int status, const struct agent_answer *answer)
{
    own_buf struct buf b;
    buf_init(&b, 256 * 1024); // input and message have their limits
    if (answer)
        agent_hook_answer(&b, answer);
    else
        (void)buf_puts(&b, "{}");
    http_reply(c->r, status, "application/json", b.data, b.len);
    v1_call_free(c);
}

static void on_seen(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        send(c, 200, NULL);
}

static void on_decided(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct approval *a = w->result;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    const struct agent_answer answer = {.allow = a->status == APPROVAL_ALLOWED,
                                        .message = a->status == APPROVAL_EXPIRED
                                                       ? "nobody answered in time"
                                                   : *a->message ? a->message
                                                                 : NULL,
                                        .input = a->changed};
    send(c, a->status == APPROVAL_PENDING ? 202 : 200,
         a->status == APPROVAL_PENDING ? NULL : &answer);
}

static void take(struct call *c, struct run *run, const struct agent_hook *h)
{
    struct err e;
    const struct agent_question q = {
        .id = h->id, .name = h->tool, .input = h->input.data, .input_len = h->input.len};
    int r;
    if (h->kind == HOOK_NOTHING) {
        send(c, 200, NULL);
        return;
    }
    c->w.on_done = h->kind == HOOK_EVENT ? on_seen : on_decided;
    if (h->kind == HOOK_EVENT)
        r = core_run_seen(c->v->core, run, h->type, h->payload.data, h->payload.len, &c->w, &e);
    else
        r = core_approval_ask(c->v->core, run, &q, ASK_MS, &c->w, &e);
    (void)v1_call_started(c, r, &e);
}

static void on_reply(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct buf *reply = w->result;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    if (reply->len)
        http_reply(c->r, 200, "application/json", reply->data, reply->len);
    else
        http_reply_empty(c->r, 202);
    v1_call_free(c);
}

void v1_runs_mcp(struct http_req *r)
{
    struct err e;
    struct run *run = v1_find_run(r);
    if (!run)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_reply;
    (void)v1_call_started(c, core_run_mcp(c->v->core, run, r->body, r->body_len, &c->w, &e), &e);
}

void v1_runs_hook(struct http_req *r)
{
    struct agent_hook h;
    struct err e;
    struct run *run = v1_find_run(r);
    if (!run)
        return;
    if (agent_hook_read(r->body, r->body_len, &h, &e))
        v1_err(r, &e);
    else
        take(v1_call_new(r, sizeof(struct call)), run, &h);
    agent_hook_release(&h);
}
