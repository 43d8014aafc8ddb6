// SPDX-License-Identifier: Apache-2.0
// Events of runs: gathered, committed, then given out; and read again from the database.
#include "run_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <pinfold/store_event.h>
#include <stdio.h>

#define RETRY_MS 2000                   // after a failed write
#define UNWRITTEN_MAX (8 * 1024 * 1024) // over it the command waits
#define PAGE_BYTES (4 * 1024 * 1024)    // of one page
#define ALL_TYPES ((UINT64_C(1) << EV_N) - 1)
_Static_assert(EV_N < 63, "a set of event types fits the database's integers");

// --- batches ----------------------------------------------------------------------------------

struct batch_event {
    uint64_t id, seq, created_ms;
    enum event_type type;
    size_t at, len; // in bytes
};
#define AFTER_MAX 4 // run_begin, run_admit_all, and what a run is told or asked to do
struct run_batch {
    struct db_job job; // first member
    struct runrec *r;
    struct batch_event *events;
    size_t n, room;
    struct buf bytes;
    bool row;
    struct run_copy copy;                       // as it is to be written
    struct list waiters;                        // for its commit
    void (*after[AFTER_MAX])(struct runrec *r); // once it is committed, each once
};

static struct run_batch *gather(struct runrec *r)
{
    struct core *c = r->core;
    if (!r->next) {
        r->next = xcalloc(1, sizeof(*r->next));
        r->next->r = r;
        list_init(&r->next->waiters);
        buf_init(&r->next->bytes, SIZE_MAX / 2); // bounded by UNWRITTEN_MAX and one read
    }
    if (!r->dirty.next || list_empty(&r->dirty)) {
        list_add_tail(&c->run_dirty, &r->dirty);
        core_wake(c);
    }
    return r->next;
}

static void free_batch(struct run_batch *b)
{
    buf_release(&b->bytes);
    run_copy_release(&b->copy);
    free(b->events);
    free(b);
}

void run_forget_batch(struct runrec *r)
{
    if (r->next)
        free_batch(ptr_steal(&r->next));
}

static void add(struct runrec *r, enum event_type type, const char *payload, size_t len)
{
    struct run_batch *b = gather(r);
    if (b->n == b->room) {
        b->room = b->room ? 2 * b->room : 8;
        b->events = xrealloc(b->events, b->room * sizeof(*b->events));
    }
    b->events[b->n++] = (struct batch_event){
        .id = r->core->next_event_id++,
        .seq = ++r->seq,
        .created_ms = clock_wall_ms(),
        .type = type,
        .at = b->bytes.len,
        .len = len,
    };
    (void)buf_append(&b->bytes, payload, len); // as above
    r->unwritten += len + sizeof(struct batch_event);
    r->core->stats.run_events++;
}

static bool always_kept(enum event_type type)
{
    return type >= EV_RUN_CREATED && type <= EV_RUN_PAUSED;
}

void run_event_add(struct runrec *r, enum event_type type, const char *payload, size_t len)
{
    if (r->seq >= r->core->conf.run_events_max && !always_kept(type)) {
        if (!r->events_cut) {
            r->events_cut = true;
            char text[120];
            int n =
                snprintf(text, sizeof(text),
                         "{\"text\":\"only the first %u events are kept; the log has the rest\"}",
                         r->core->conf.run_events_max);
            add(r, EV_RUN_NOTE, text, (size_t)n);
        }
        return;
    }
    add(r, type, payload, len);
    if (hook_wants(r, type))
        hook_send(r, type, payload, len);
    if (r->unwritten > UNWRITTEN_MAX)
        core_follow_pause(&r->follower);
}

// Words of ours: neither quote nor backslash is in them.
void run_event_words(struct runrec *r, enum event_type type, const char *name, const char *text)
{
    char payload[200];
    int n = text ? snprintf(payload, sizeof(payload), "{\"%s\":\"%s\"}", name, text)
                 : snprintf(payload, sizeof(payload), "{}");
    run_event_add(r, type, payload, (size_t)n);
}

void run_row_changed(struct runrec *r)
{
    gather(r)->row = true;
}

void run_when_committed(struct runrec *r, void (*fn)(struct runrec *r))
{
    struct run_batch *b = gather(r);
    unsigned i = 0;
    while (i < AFTER_MAX - 1 && b->after[i] && b->after[i] != fn)
        i++;
    b->after[i] = fn;
}

// --- writing ----------------------------------------------------------------------------------

static int write_run(struct db_job *j, struct store *s, struct err *e)
{
    struct run_batch *b = (struct run_batch *)j;
    struct store_run row;
    if (b->row) {
        run_row_of(b->r, &b->copy, &row);
        if (store_run_put(s, &row, e))
            return -1;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct batch_event *v = &b->events[i];
        const struct store_event ev = {
            .run = b->copy.pub.id,
            .id = v->id,
            .seq = v->seq,
            .type = v->type,
            .payload = b->bytes.data + v->at,
            .len = v->len,
            .created_ms = v->created_ms,
        };
        if (store_event_put(s, &ev, e))
            return -1;
    }
    return 0;
}

static struct run_event event_of(const struct run_batch *b, size_t i)
{
    const struct batch_event *v = &b->events[i];
    return (struct run_event){v->id, v->seq, v->type, b->bytes.data + v->at, v->len, v->created_ms};
}

static void give(struct run_listener *l, const struct run_event *ev)
{
    l->seq = ev->seq;
    if (!l->types || l->types >> ev->type & 1)
        l->on_event(l, ev);
}

// To those who have all that was before; the others read it from the database.
static void give_live(struct runrec *r, const struct run_batch *b)
{
    struct list all;
    list_take(&r->listeners, &all);
    while (!list_empty(&all)) {
        struct run_listener *l = container_of(all.next, struct run_listener, link);
        list_del(&l->link);
        list_add_tail(&r->listeners, &l->link);
        bool live = l->placed && !l->job && b->n && l->seq + 1 == b->events[0].seq;
        for (size_t i = 0; live && i < b->n; i++) {
            const struct run_event ev = event_of(b, i);
            // A callback may pause or stop it, and even free it: then it is not the last any more.
            if (l->paused)
                break;
            give(l, &ev);
            live = r->listeners.prev == &l->link;
        }
    }
}

static void listeners_pump(struct runrec *r);
static void run_flush(struct runrec *r);

static void on_run_retry(struct timer *t)
{
    run_flush(container_of(t, struct runrec, retry));
}

// It could not be written: nothing of it is lost, it is tried again, what came since after it.
static void put_back(struct runrec *r, struct run_batch *b)
{
    struct run_batch *later = r->next;
    r->next = b;
    run_copy_release(&b->copy);
    b->copy = (struct run_copy){0};
    if (later) {
        b->events = xrealloc(b->events, (b->n + later->n + 1) * sizeof(*b->events));
        for (size_t i = 0; i < later->n; i++) {
            b->events[b->n] = later->events[i];
            b->events[b->n++].at += b->bytes.len;
        }
        b->room = b->n + 1;
        (void)buf_append(&b->bytes, later->bytes.data, later->bytes.len);
        b->row |= later->row;
        for (unsigned i = 0; i < AFTER_MAX && later->after[i]; i++)
            run_when_committed(r, later->after[i]); // r->next is b
        free_batch(later);
    }
    if (!r->core->closing)
        loop_timer_set(r->core->loop, &r->retry, RETRY_MS, on_run_retry);
}

static void never_made(struct runrec *r, struct run_batch *b, const struct err *err)
{
    struct list creators;
    struct err copy = *err;
    list_take(&b->waiters, &creators);
    free_batch(b);
    run_forget_batch(r);
    runrec_free(r);
    waiters_fail(&creators, &copy);
}

static void give_watches(struct runrec *r, const struct run_batch *b)
{
    list_for_safe (it, &r->core->run_watches) {
        struct run_watch *w = container_of(it, struct run_watch, link);
        // It may end itself in a callback: then its memory is gone.
        for (size_t i = 0; i < b->n && it_n->prev == it; i++) {
            const struct run_event ev = event_of(b, i);
            w->on_event(w, &r->pub, &ev);
        }
    }
}

void core_runs_watch(struct core *c, struct run_watch *w)
{
    list_add_tail(&c->run_watches, &w->link);
}

void core_runs_unwatch(struct run_watch *w)
{
    list_del(&w->link);
}

static void committed(struct runrec *r, struct run_batch *b)
{
    r->committed += b->n;
    r->pub.n_events = r->committed;
    size_t bytes = b->bytes.len + b->n * sizeof(struct batch_event);
    r->unwritten -= bytes < r->unwritten ? bytes : r->unwritten;
    r->recorded = true;
    waiters_done(&b->waiters, &r->pub);
    if (!list_empty(&r->listeners))
        give_live(r, b);
    give_watches(r, b);
    if (b->row && run_state_at_rest(b->copy.pub.state) && !r->settled) {
        r->settled = true;
        r->core->n_runs_settled++;
        waiters_done(&r->waiters, &r->pub);
    }
    if (!list_empty(&r->listeners))
        listeners_pump(r);
}

static void run_written(struct db_job *j)
{
    struct run_batch *b = (struct run_batch *)j;
    struct runrec *r = b->r;
    struct core *c = r->core;
    r->writing = false;
    if (j->err.code && !r->recorded) {
        never_made(r, b, &j->err);
        return;
    }
    if (j->err.code) {
        put_back(r, b);
        return;
    }
    void (*after[AFTER_MAX])(struct runrec *);
    memcpy(after, b->after, sizeof(after));
    if (!c->closing)
        committed(r, b);
    free_batch(b);
    run_flush(r);
    if (c->closing)
        return;
    if (r->unwritten < UNWRITTEN_MAX / 2)
        core_follow_resume(&r->follower); // no-op unless it was paused
    for (unsigned i = 0; i < AFTER_MAX && after[i]; i++)
        after[i](r);
    if (!after[0] && r->settled)
        runs_trim(c);
}

static void run_flush(struct runrec *r)
{
    struct run_batch *b = r->next;
    if (!b || r->writing || r->retry.slot)
        return;
    r->next = NULL;
    list_del(&r->dirty);
    b->copy.pub = r->pub;
    if (b->row)
        run_copy_of(r, &b->copy);
    b->copy.pub.n_events = r->seq;
    while (!list_empty(&r->creators)) {
        struct list *w = r->creators.next;
        list_del(w);
        list_add_tail(&b->waiters, w);
    }
    b->job = (struct db_job){.run = write_run, .done = run_written};
    r->writing = true;
    db_push(r->core, &b->job);
}

void runs_flush(struct core *c)
{
    struct list all;
    list_take(&c->run_dirty, &all);
    while (!list_empty(&all)) {
        struct runrec *r = container_of(all.next, struct runrec, dirty);
        list_del(&r->dirty);
        run_flush(r); // one that is being written goes on when that is done
    }
}

// --- reading ----------------------------------------------------------------------------------

// A page from the database. It stands alone: run, listener and request may go away.
struct page_read {
    struct db_job job; // first member
    char run[ID_MAX];
    uint64_t after_id, after_seq, types, upto;
    char *contains; // NULL: all
    bool by_id;     // first find the seq of after_id
    size_t max, n;
    struct run_event *events;
    struct buf bytes;
    size_t *at;
    bool more;
    void (*on_read)(struct page_read *p); // freed after it
    void *reader;                         // NULL: it has left
};

static int on_page_row(void *arg, const struct store_event *ev)
{
    struct page_read *p = arg;
    if (p->contains && !find_text(ev->payload, ev->len, p->contains, strlen(p->contains)))
        return 0;
    if (p->n == p->max || (p->n && p->bytes.len + ev->len > PAGE_BYTES)) {
        p->more = true;
        return 1;
    }
    p->at[p->n] = p->bytes.len;
    p->events[p->n++] = (struct run_event){
        .id = ev->id,
        .seq = ev->seq,
        .type = ev->type < EV_N ? (enum event_type)ev->type : EV_RUN_NOTE,
        .len = ev->len,
        .created_ms = ev->created_ms,
    };
    (void)buf_append(&p->bytes, ev->payload, ev->len); // bounded by PAGE_BYTES and one event
    return 0;
}

static int read_page(struct db_job *j, struct store *s, struct err *e)
{
    struct page_read *p = (struct page_read *)j;
    if (p->by_id && store_event_seq(s, p->run, p->after_id, &p->after_seq, e))
        return -1;
    const struct store_event after = {.run = p->run, .seq = p->after_seq};
    size_t max = p->contains ? INT64_MAX : p->max + 1;
    if (store_event_page(s, &after, p->types, max, on_page_row, p, e))
        return -1;
    for (size_t i = 0; i < p->n; i++)
        p->events[i].payload = p->bytes.data + p->at[i];
    return 0;
}

static void page_done(struct db_job *j)
{
    struct page_read *p = (struct page_read *)j;
    if (p->reader && !j->core->closing)
        p->on_read(p);
    buf_release(&p->bytes);
    free(p->contains);
    free(p->events);
    free(p->at);
    free(p);
}

static struct page_read *page_new(const char *run, size_t max, void *reader,
                                  void (*on_read)(struct page_read *p))
{
    struct page_read *p = xcalloc(1, sizeof(*p));
    p->job = (struct db_job){.run = read_page, .done = page_done};
    TEXT_PUT(p->run, run);
    p->max = max;
    p->types = ALL_TYPES;
    p->events = xcalloc(max, sizeof(*p->events));
    p->at = xcalloc(max, sizeof(*p->at));
    buf_init(&p->bytes, SIZE_MAX / 2);
    p->reader = reader;
    p->on_read = on_read;
    return p;
}

static void on_events_read(struct page_read *p)
{
    struct run_page *page = p->reader;
    page->job = NULL;
    page->at = p->events;
    page->n = p->n;
    page->more = p->more;
    if (p->job.err.code)
        waiter_fail(&page->w, &p->job.err);
    else
        waiter_done(&page->w, page);
}

static void on_page_left(struct waiter *w)
{
    struct run_page *page = container_of(w, struct run_page, w);
    if (page->job)
        ((struct page_read *)page->job)->reader = NULL;
    page->job = NULL;
}

int core_run_events(struct core *c, struct run *pub, struct run_page *page, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)e;
    size_t max = page->max && page->max < RUN_EVENTS_MAX ? page->max : RUN_EVENTS_MAX;
    waiter_add(&page->w, &r->pages, r, on_page_left);
    struct page_read *p = page_new(pub->id, max, page, on_events_read);
    p->by_id = page->after != 0;
    p->after_id = page->after;
    p->types = page->types ? page->types : ALL_TYPES;
    p->contains = page->contains ? xstrdup(page->contains) : NULL;
    page->job = p;
    db_push(c, &p->job);
    return 0;
}

// --- listeners --------------------------------------------------------------------------------

#define LISTEN_PAGE 200

static void listener_read(struct run_listener *l);

static void listener_end(struct run_listener *l)
{
    list_del(&l->link);
    l->owner = NULL;
    l->on_end(l);
}

static bool has_all(const struct run_listener *l)
{
    const struct runrec *r = l->owner;
    return r->settled && l->placed && l->seq >= r->committed;
}

static void on_listener_read(struct page_read *p)
{
    struct run_listener *l = p->reader;
    l->job = NULL;
    l->placed = true;
    if (l->seq < p->after_seq)
        l->seq = p->after_seq;
    for (size_t i = 0; i < p->n; i++) {
        if (l->paused)
            return; // the rest is read again when it goes on
        l->job = p; // so that stopping it is seen here
        give(l, &p->events[i]);
        if (!p->reader)
            return;
        l->job = NULL;
    }
    if (!p->more && !p->job.err.code && l->seq < p->upto)
        l->seq = p->upto; // what lies between was of other types
    if (has_all(l) || p->job.err.code)
        listener_end(l);
    else if (l->seq < ((struct runrec *)l->owner)->committed)
        listener_read(l);
}

static void listener_read(struct run_listener *l)
{
    struct runrec *r = l->owner;
    struct page_read *p = page_new(r->pub.id, LISTEN_PAGE, l, on_listener_read);
    p->by_id = !l->placed;
    p->after_id = l->after;
    p->after_seq = l->seq;
    p->upto = r->committed;
    if (l->types)
        p->types = l->types;
    l->job = p;
    db_push(r->core, &p->job);
}

// Those that were left behind read on, those that have all are told so.
static void listeners_pump(struct runrec *r)
{
    struct list all;
    list_take(&r->listeners, &all);
    while (!list_empty(&all)) {
        struct run_listener *l = container_of(all.next, struct run_listener, link);
        list_del(&l->link);
        list_add_tail(&r->listeners, &l->link);
        if (l->paused || l->job)
            continue;
        if (has_all(l))
            listener_end(l);
        else if (!l->placed || l->seq < r->committed)
            listener_read(l);
    }
}

int core_run_listen(struct core *c, struct run *pub, struct run_listener *l, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c, (void)e;
    l->run = pub;
    l->owner = r;
    l->job = NULL;
    l->seq = 0;
    l->paused = false;
    l->placed = !l->after;
    list_add_tail(&r->listeners, &l->link);
    if (!l->placed || r->committed || r->settled)
        listener_read(l);
    return 0;
}

void core_run_listener_pause(struct run_listener *l)
{
    l->paused = true;
}

void core_run_listener_resume(struct run_listener *l)
{
    if (!l->owner || !l->paused)
        return;
    l->paused = false;
    if (!l->job)
        listener_read(l); // also when there is nothing more: the end is told from there
}

void core_run_listener_stop(struct run_listener *l)
{
    if (!l->owner)
        return;
    list_del(&l->link);
    l->owner = NULL;
    if (l->job)
        ((struct page_read *)l->job)->reader = NULL;
    l->job = NULL;
}

void run_listeners_end(struct runrec *r)
{
    while (!list_empty(&r->listeners)) {
        struct run_listener *l = container_of(r->listeners.next, struct run_listener, link);
        core_run_listener_stop(l);
        l->on_end(l);
    }
    while (!list_empty(&r->pages)) {
        struct waiter *w = container_of(r->pages.next, struct waiter, link);
        struct err gone = {0};
        err_set(&gone, ERR_GONE, "the run was deleted");
        w->on_cancel(w);
        waiter_fail(w, &gone);
    }
}
