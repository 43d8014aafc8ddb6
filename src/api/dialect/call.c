// SPDX-License-Identifier: Apache-2.0
// Requests that wait for a verb, and those that may be repeated under one key.
#include "dialect_int.h"

#include <pinfold/own.h>
#include <stdio.h>

static void on_gone(struct http_req *r)
{
    struct dialect_call *c = r->user;
    waiter_cancel(&c->w);
    http_drop(r);
    dialect_call_free(c);
}

void *dialect_call_new(struct http_req *r, size_t size, void (*on_done)(struct waiter *))
{
    struct dialect_call *c = xcalloc(1, size);
    c->r = r;
    c->core = dialect_core(r);
    list_add_tail(&mounted_of(r)->all->calls, &c->link);
    c->w.on_done = on_done;
    buf_init(&c->kept, DIALECT_ANSWER_MAX);
    r->user = c;
    r->on_gone = on_gone;
    return c;
}

struct dialect_call *dialect_call_of(struct waiter *w)
{
    return container_of(w, struct dialect_call, w);
}

void dialect_call_free(struct dialect_call *c)
{
    list_del(&c->link);
    if (c->release)
        c->release(c);
    buf_release(&c->kept);
    free(c);
}

void dialect_call_refused(struct dialect_call *c)
{
    if (c->idem_new)
        core_idem_abandon(c->core, &c->idem);
    dialect_call_free(c);
}

void dialect_call_fail(struct dialect_call *c, const struct err *e)
{
    dialect_err(c->r, e);
    dialect_call_refused(c);
}

// --- once ---------------------------------------------------------------------------------------

static struct dialect_call *call_of_idem(struct waiter *w)
{
    return container_of(container_of(w, struct idem_request, w), struct dialect_call, idem);
}

static void on_idem(struct waiter *w)
{
    struct dialect_call *c = call_of_idem(w);
    struct http_req *r = c->r;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    switch (c->idem.out_state) {
    case IDEM_NEW:
        c->idem_new = true;
        if (r->gone) // its body is gone, too
            dialect_call_fail(c, &(struct err){ERR_GONE, 0, "the client left"});
        else
            c->next(c);
        return;
    case IDEM_REPLAY:
        http_reply(r, c->idem.out_status, "application/json", c->idem.out_body,
                   c->idem.out_body_len);
        break;
    case IDEM_RUNNING:
        dialect_error(r, 409, "The first request with this idempotency key is not answered yet");
        break;
    case IDEM_OTHER:
        dialect_error(r, 409, "This idempotency key was used with another request");
        break;
    }
    dialect_call_free(c);
}

// The answer is wanted for a repetition even when the client has left, so nothing is cancelled then.
void dialect_call_once(struct dialect_call *c, const char *key,
                       void (*next)(struct dialect_call *c))
{
    struct err e;
    char route[200];
    if (!key || !*key) {
        next(c);
        return;
    }
    (void)snprintf(route, sizeof(route), "%s %.180s", http_method_name(c->r->method), c->r->path);
    c->next = next;
    c->r->on_gone = NULL;
    c->idem = (struct idem_request){.w.on_done = on_idem,
                                    .token = c->r->who_id,
                                    .route = route,
                                    .key = key,
                                    .body = c->r->body,
                                    .body_len = c->r->body_len};
    if (core_idem_begin(c->core, &c->idem, &e))
        dialect_call_fail(c, &e);
}

static void send_kept(struct dialect_call *c)
{
    http_reply_take(c->r, c->status, "application/json", &c->kept);
    dialect_call_free(c);
}

static void on_recorded(struct waiter *w)
{
    // A failing record is no reason to hide what was done: the answer is sent all the same.
    send_kept(call_of_idem(w));
}

void dialect_call_send(struct dialect_call *c, int status, struct dialect_answer *a)
{
    if (!json_done(&a->o)) {
        buf_release(&a->b);
        dialect_call_fail(c, &(struct err){ERR_INTERNAL, 0, "the answer does not fit"});
        return;
    }
    buf_release(&c->kept);
    c->kept = a->b;
    c->status = status;
    if (c->idem_new) {
        c->idem.w.on_done = on_recorded;
        if (!core_idem_finish(c->core, &c->idem, status, "", c->kept.data, c->kept.len))
            return;
    }
    send_kept(c);
}

void dialect_call_done(struct waiter *w, int status,
                       void (*write)(struct json_out *o, const void *at))
{
    struct dialect_call *c = dialect_call_of(w);
    struct dialect_answer a;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    dialect_answer_begin(&a);
    write(&a.o, w->result);
    dialect_call_send(c, status, &a);
}
