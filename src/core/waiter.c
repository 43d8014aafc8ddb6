// SPDX-License-Identifier: Apache-2.0
// Waiters: a caller's place in a list of those who want to be told.
#include "core_int.h"

#include <pinfold/own.h>

bool waiter_pending(const struct waiter *w)
{
    return w->link.next && !list_empty(&w->link);
}

static void leave(struct waiter *w)
{
    list_del(&w->link);
    if (w->timer) {
        loop_timer_cancel(w->timer->core->loop, &w->timer->timer);
        list_del(&w->timer->link);
        free(w->timer);
        w->timer = NULL;
    }
}

void waiter_cancel(struct waiter *w)
{
    if (!waiter_pending(w))
        return;
    leave(w);
    if (w->on_cancel)
        w->on_cancel(w);
}

void waiter_add(struct waiter *w, struct list *head, void *subject,
                void (*on_cancel)(struct waiter *w))
{
    if (!w)
        return;
    w->err = (struct err){0};
    w->result = NULL;
    w->subject = subject;
    w->on_cancel = on_cancel;
    w->timer = NULL;
    list_add_tail(head, &w->link);
}

static void on_wait_timer(struct timer *t)
{
    struct wait_timer *wt = container_of(t, struct wait_timer, timer);
    waiter_done(wt->waiter, wt->result);
}

void waiter_add_timed(struct core *c, struct waiter *w, struct list *head, void *result,
                      uint64_t ms)
{
    waiter_add(w, head, NULL, NULL);
    struct wait_timer *wt = xcalloc(1, sizeof(*wt));
    *wt = (struct wait_timer){.core = c, .waiter = w, .result = result};
    w->timer = wt;
    list_add_tail(&c->waiting, &wt->link);
    loop_timer_set(c->loop, &wt->timer, ms, on_wait_timer);
}

void waiters_end_timed(struct core *c)
{
    while (!list_empty(&c->waiting))
        on_wait_timer(&container_of(c->waiting.next, struct wait_timer, link)->timer);
}

void waiter_done(struct waiter *w, void *result)
{
    if (!w)
        return;
    leave(w);
    w->result = result;
    w->on_done(w);
}

void waiter_fail(struct waiter *w, const struct err *err)
{
    if (!w)
        return;
    w->err = *err;
    waiter_done(w, NULL);
}

void waiters_done(struct list *head, void *result)
{
    struct list all;
    list_take(head, &all);
    while (!list_empty(&all))
        waiter_done(container_of(all.next, struct waiter, link), result);
}

void waiters_fail(struct list *head, const struct err *err)
{
    struct list all;
    struct err copy = *err; // it may live in what a callback frees
    list_take(head, &all);
    while (!list_empty(&all))
        waiter_fail(container_of(all.next, struct waiter, link), &copy);
}

void waiter_later(struct core *c, struct waiter *w, void *result, const struct err *err)
{
    if (!w)
        return;
    waiter_add(w, &c->later, NULL, NULL);
    w->result = result;
    if (err)
        w->err = *err;
    core_wake(c);
}
