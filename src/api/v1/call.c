// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a verb, and those that may be repeated under one Idempotency-Key.
#include "v1_int.h"

#include <stdio.h>

void v1_call_free(struct call *c)
{
    list_del(&c->link);
    buf_release(&c->kept);
    buf_release(&c->shown);
    free(c);
}

// The client left: nobody needs the answer. With an Idempotency-Key it is still wanted, for the
// repetition, so on_gone is not set then.
static void on_gone(struct http_req *r)
{
    struct call *c = r->user;
    waiter_cancel(&c->w);
    http_drop(r);
    v1_call_free(c);
}

void *v1_call_new(struct http_req *r, size_t size)
{
    struct call *c = xcalloc(1, size);
    c->r = r;
    c->v = v1_of(r);
    buf_init(&c->kept, ANSWER_MAX);
    buf_init(&c->shown, ANSWER_MAX);
    list_add_tail(&c->v->calls, &c->link);
    r->user = c;
    r->on_gone = on_gone;
    return c;
}

bool v1_call_started(struct call *c, int result, const struct err *e)
{
    if (!result)
        return true;
    v1_call_err(c, e);
    return false;
}

// --- Idempotency-Key ------------------------------------------------------------------------

static void replay(struct call *c)
{
    if (*c->idem.out_head)
        http_set_header(c->r, "location", c->idem.out_head);
    http_set_header(c->r, "idempotency-replayed", "true");
    http_reply(c->r, c->idem.out_status, "application/json", c->idem.out_body,
               c->idem.out_body_len);
    v1_call_free(c);
}

static void on_idem(struct waiter *w)
{
    static const struct http_refusal running = {
        409, "request_in_progress",
        "the first request with this Idempotency-Key is not answered yet", NULL, 0};
    static const struct http_refusal other = {422, "idempotency_key_reused",
                                              "this Idempotency-Key was used with another request",
                                              NULL, 0};
    struct call *c = container_of(container_of(w, struct idem_request, w), struct call, idem);
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    switch (c->idem.out_state) {
    case IDEM_NEW:
        c->idem_new = true;
        if (c->r->gone) // its body is gone, too
            v1_call_err(c, &(struct err){ERR_GONE, 0, "the client left"});
        else
            c->next(c);
        break;
    case IDEM_REPLAY:
        replay(c);
        break;
    case IDEM_RUNNING:
        v1_refuse(c->r, &running);
        v1_call_free(c);
        break;
    case IDEM_OTHER:
        v1_refuse(c->r, &other);
        v1_call_free(c);
        break;
    }
}

void v1_call_begin(struct call *c, void (*next)(struct call *c))
{
    struct err e;
    const char *key = http_header(c->r, "idempotency-key");
    if (!*key) {
        next(c);
        return;
    }
    char route[200];
    (void)snprintf(route, sizeof(route), "%s %.180s", http_method_name(c->r->method), c->r->path);
    c->next = next;
    c->r->on_gone = NULL;
    c->idem = (struct idem_request){.w.on_done = on_idem,
                                    .token = c->r->who_id,
                                    .route = route,
                                    .key = key,
                                    .body = c->r->body,
                                    .body_len = c->r->body_len};
    (void)v1_call_started(c, core_idem_begin(c->v->core, &c->idem, &e), &e);
}

// --- ends -----------------------------------------------------------------------------------

void v1_call_err(struct call *c, const struct err *e)
{
    if (c->idem_new)
        core_idem_abandon(c->v->core, &c->idem);
    v1_err(c->r, e);
    v1_call_free(c);
}

static void send_kept(struct call *c)
{
    if (*c->head)
        http_set_header(c->r, "location", c->head);
    struct buf *body = c->shown.len ? &c->shown : &c->kept;
    if (body->len)
        http_reply_take(c->r, c->status, "application/json", body);
    else
        http_reply_empty(c->r, c->status);
    v1_call_free(c);
}

static void on_recorded(struct waiter *w)
{
    // A failing record is no reason to hide what was done: the answer is sent all the same.
    send_kept(container_of(container_of(w, struct idem_request, w), struct call, idem));
}

static void finish(struct call *c, int status)
{
    c->status = status;
    if (c->location && *c->id)
        (void)snprintf(c->head, sizeof(c->head), "%s%s", c->location, c->id); // both are short
    if (c->idem_new) {
        c->idem.w.on_done = on_recorded;
        if (!core_idem_finish(c->v->core, &c->idem, status, c->head, c->kept.data, c->kept.len))
            return;
    }
    send_kept(c);
}

void v1_call_answer(struct call *c, int status, struct answer *a)
{
    json_end(&a->o);
    if (!json_done(&a->o)) {
        buf_release(&a->b);
        v1_call_err(c, &(struct err){ERR_INTERNAL, 0, "the answer does not fit"});
        return;
    }
    c->kept = a->b;
    finish(c, status);
}

void v1_call_answer_once(struct call *c, int status, struct answer *a, struct answer *kept)
{
    json_end(&a->o);
    c->shown = a->b;
    v1_call_answer(c, status, kept);
}

void v1_call_show(struct call *c, int status, const struct json_shape *shape, const void *at)
{
    struct answer a;
    v1_answer_begin(&a);
    json_show_members(&a.o, shape, at);
    v1_call_answer(c, status, &a);
}

void v1_call_empty(struct call *c, int status)
{
    finish(c, status);
}

void v1_call_done_empty(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_empty(c, 204);
}

void v1_call_refused(struct call *c)
{
    if (c->idem_new)
        core_idem_abandon(c->v->core, &c->idem);
    v1_call_free(c);
}
