// SPDX-License-Identifier: Apache-2.0
// Which run is next: by priority, then by age, as far as there are places, over all and for one
// repository.
#include "run_int.h"

#include <pinfold/own.h>

#define ADMIT_RETRY_MS 1000 // when there was no room for a sandbox

static struct runrec *at_place(struct list *it)
{
    return container_of(it, struct runrec, place);
}

static bool before(const struct runrec *a, const struct runrec *b)
{
    if (a->pub.priority != b->pub.priority)
        return a->pub.priority > b->pub.priority;
    return strcmp(a->pub.id, b->pub.id) < 0; // ids are in the order of making
}

// From the end, where most belong.
void run_enqueue(struct runrec *r)
{
    struct core *c = r->core;
    struct list *at = c->run_queue.prev;
    while (at != &c->run_queue && before(r, at_place(at)))
        at = at->prev;
    list_add_tail(at->next, &r->place); // behind `at`
    c->n_runs_queued++;
}

void run_leave(struct runrec *r)
{
    struct core *c = r->core;
    if (!r->place.next || list_empty(&r->place))
        return;
    list_del(&r->place);
    if (r->pub.state == RUN_QUEUED)
        c->n_runs_queued--;
    else
        c->n_runs_placed--;
}

uint32_t run_position(const struct runrec *r)
{
    uint32_t n = 1;
    if (r->pub.state != RUN_QUEUED)
        return 0;
    list_for (it, &r->core->run_queue) {
        if (at_place(it) == r)
            return n;
        n++;
    }
    return 0;
}

static bool repo_has_room(const struct runrec *r)
{
    const struct core *c = r->core;
    unsigned n = 0;
    if (!r->repo_key[0])
        return true;
    list_for (it, &c->run_placed)
        n += !strcmp(at_place(it)->repo_key, r->repo_key);
    return n < c->conf.runs_per_repository;
}

static void on_retry(struct timer *t)
{
    runs_admit(container_of(t, struct core, run_timer));
}

void runs_retry_later(struct core *c)
{
    loop_timer_set(c->loop, &c->run_timer, ADMIT_RETRY_MS, on_retry);
}

static void place(struct runrec *r)
{
    struct core *c = r->core;
    run_leave(r);
    list_add_tail(&c->run_placed, &r->place);
    c->n_runs_placed++;
    id_make("exec", r->pub.exec);
    // What it will be known by is on the disk before it runs: after a crash it is seen whether it
    // did, so that nothing runs twice.
    run_set_state(r, RUN_STARTING);
    run_when_committed(r, run_begin);
}

void runs_admit(struct core *c)
{
    if (c->stopping)
        return;
    list_for_safe (it, &c->run_queue) {
        struct runrec *r = at_place(it);
        if (c->n_runs_placed >= c->conf.runs_running_max)
            return;
        if (!r->recorded || !repo_has_room(r))
            continue;
        if (!run_wants_workspace(r) && !sandbox_room(c)) {
            runs_retry_later(c);
            return;
        }
        place(r);
    }
}

void run_admit_all(struct runrec *r)
{
    runs_admit(r->core);
}
