// SPDX-License-Identifier: Apache-2.0
// A request that waits for a verb.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>

static void on_gone(struct http_req *r)
{
    struct call *c = r->user;
    if (c->waiting)
        waiter_cancel(c->waiting);
    http_drop(r);
    call_free(c);
}

void *call_new(struct http_req *r, size_t size, void (*on_done)(struct waiter *))
{
    struct call *c = xcalloc(1, size);
    c->s = dialect_of(r);
    c->r = r;
    c->w.on_done = on_done;
    c->waiting = &c->w;
    list_init(&c->link);
    r->user = c;
    r->on_gone = on_gone;
    return c;
}

struct call *call_of(struct waiter *w)
{
    return container_of(w, struct call, w);
}

void call_free(struct call *c)
{
    list_del(&c->link);
    if (c->release)
        c->release(c);
    free(c);
}

void call_fail(struct call *c, const struct err *e)
{
    reply_err(c->r, e);
    call_free(c);
}
