// SPDX-License-Identifier: Apache-2.0
// See pool_int.h.
#include "exec_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <poll.h>
#include <string.h>

#define LATELY_MS 10000 // then one makes room for a kind that did
#define PAUSE_MS 10     // while some wait, making more does not slow a burst down

#define WARM_MS 5000         // for a shell that does nothing
#define BYTES_MIN (1u << 20) // what the kernel and init hold of one, as `make bench` measures it

struct pool_box {
    struct list link; // pool.boxes
    struct sandbox *sb;
    struct pool_kind *kind;
    struct proc proc; // the first command in a sandbox finds nothing cached: it is this one
    struct packed args;
    uint64_t bytes;
    bool warming, ready;
};

static void on_timer(struct timer *t);

// --- kinds -----------------------------------------------------------------------------------

static struct pool_kind *kind_of(struct pool *p, const struct msg_box_start *want)
{
    for (unsigned i = 0; i < POOL_KINDS; i++)
        if (p->kinds[i].used_ms && !memcmp(&p->kinds[i].want, want, sizeof(*want)))
            return &p->kinds[i];
    return NULL;
}

static void remember(struct pool *p, const struct msg_box_start *want)
{
    struct pool_kind *k = kind_of(p, want);
    for (unsigned i = 0; !k && i < POOL_KINDS; i++)
        if (!p->kinds[i].used_ms && !p->kinds[i].n)
            k = &p->kinds[i];
    if (!k)
        return; // as many kinds as there may be: those that come no more are forgotten in time
    memcpy(&k->want, want, sizeof(*want));
    k->used_ms = clock_mono_ms();
    k->failed = false;
}

static unsigned share(const struct core *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < POOL_KINDS; i++)
        n += c->pool.kinds[i].used_ms != 0;
    return n && c->conf.warm_pool / n ? c->conf.warm_pool / n : 1;
}

// --- those that wait -------------------------------------------------------------------------

// It is no longer the pool's.
static struct sandbox *take_out(struct pool_box *b)
{
    struct sandbox *sb = b->sb;
    sb->on_live = sb->on_gone = NULL;
    sb->owner = NULL;
    if (b->warming && !b->ready)
        proc_abandon(&b->proc);
    buf_release(&b->args.bytes);
    list_del(&b->link);
    b->kind->n--;
    sb->core->pool.bytes -= b->bytes;
    sb->core->pool.n--;
    free(b);
    return sb;
}

static void on_warm_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    (void)p, (void)stream, (void)data, (void)n;
}

// However it ended: an image without a shell has sandboxes too.
static void on_warm(struct proc *p, const struct outcome *o)
{
    struct pool_box *b = container_of(p, struct pool_box, proc);
    struct pool *pool = &p->core->pool;
    b->ready = true;
    b->bytes = BYTES_MIN + o->max_memory_bytes;
    pool->bytes += b->bytes;
    if (pool->largest < b->bytes)
        pool->largest = b->bytes;
    pool_refill(p->core);
}

static void on_live(struct sandbox *sb)
{
    struct pool_box *b = sb->owner;
    struct err e = {0};
    if (b->warming)
        return;
    buf_init(&b->args.bytes, WIRE_MAX);
    if (packed_shell(&b->args, ":", &e))
        abort(); // it is short
    b->warming = true;
    proc_init(&b->proc, sb->core);
    b->proc.args = (struct wire_bytes){b->args.bytes.data, b->args.bytes.len};
    b->proc.n_argv = b->args.n_argv;
    b->proc.brief = true;
    b->proc.timeout_ms = WARM_MS;
    b->proc.on_output = on_warm_output;
    b->proc.on_end = on_warm;
    proc_start(&b->proc, sb);
}

static void on_gone(struct sandbox *sb)
{
    struct pool_box *b = sb->owner;
    if (!sb->was_live)
        b->kind->failed = true;
    (void)take_out(b); // temporary: it frees itself
    pool_refill(sb->core);
}

static int fill(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    const struct pool_box *b = sb->owner;
    char box[ID_MAX];
    (void)e;
    TEXT_PUT(box, m->box);
    memcpy(m, &b->kind->want, sizeof(*m));
    TEXT_PUT(m->box, box);
    return 0;
}

static void start_one(struct core *c, struct pool_kind *k)
{
    char id[ID_MAX];
    struct pool_box *b = xcalloc(1, sizeof(*b));
    b->kind = k;
    b->sb = sandbox_new(c, id_make("pool", id), fill, b);
    b->sb->on_live = on_live;
    b->sb->on_gone = on_gone;
    list_add_tail(&c->pool.boxes, &b->link);
    k->n++;
    c->pool.n++;
    sandbox_start(b->sb); // may fail at once, which frees b
}

static void stop_one(struct pool_box *b)
{
    sandbox_release(take_out(b));
}

// One of a kind that has more than its share, or of any (share 0), or that did not come lately.
static struct pool_box *spare(struct pool *p, unsigned share)
{
    uint64_t now = clock_mono_ms();
    list_for (it, &p->boxes) {
        struct pool_box *b = container_of(it, struct pool_box, link);
        if (b->kind->n > share || b->kind->used_ms + LATELY_MS < now)
            return b;
    }
    return NULL;
}

bool pool_give_up(struct core *c)
{
    struct pool_box *b = spare(&c->pool, 0);
    if (b)
        stop_one(b);
    return b != NULL;
}

void pool_empty(struct core *c)
{
    while (pool_give_up(c))
        ;
}

// It may have died without the loop having been told yet.
static bool alive(const struct sandbox *sb)
{
    struct pollfd p = {.fd = sb->init_fd};
    return sb->state == SB_LIVE && !sb->broken && poll(&p, 1, 0) == 0;
}

struct sandbox *pool_take(struct core *c, const struct msg_box_start *want)
{
    struct pool *p = &c->pool;
    if (!c->conf.warm_pool)
        return NULL;
    remember(p, want);
    list_for (it, &p->boxes) {
        struct pool_box *b = container_of(it, struct pool_box, link);
        if (b->ready && !memcmp(&b->kind->want, want, sizeof(*want)) && alive(b->sb)) {
            c->stats.boxes_warm_used++;
            return take_out(b);
        }
    }
    return NULL;
}

// --- filling ---------------------------------------------------------------------------------

unsigned pool_ready(const struct core *c)
{
    unsigned n = 0;
    list_for (it, &c->pool.boxes)
        n += container_of(it, struct pool_box, link)->ready;
    return n;
}

// The kind that was used last of those that have less than their share.
static struct pool_kind *wanting(struct pool *p, unsigned share)
{
    struct pool_kind *best = NULL;
    for (unsigned i = 0; i < POOL_KINDS; i++) {
        struct pool_kind *k = &p->kinds[i];
        if (k->used_ms && !k->failed && k->n < share && (!best || k->used_ms > best->used_ms))
            best = k;
    }
    return best;
}

// Forget kinds that nobody used for long. The time until the next may be; 0: there is none.
static uint64_t forget(struct core *c)
{
    uint64_t now = clock_mono_ms(), next = 0;
    struct pool *p = &c->pool;
    for (unsigned i = 0; i < POOL_KINDS; i++) {
        struct pool_kind *k = &p->kinds[i];
        uint64_t left = k->used_ms + c->conf.idle_stop_ms;
        if (k->used_ms && left <= now)
            k->used_ms = 0;
        else if (k->used_ms && (!next || left - now < next))
            next = left - now;
    }
    list_for_safe (it, &p->boxes) {
        struct pool_box *b = container_of(it, struct pool_box, link);
        if (!b->kind->used_ms)
            stop_one(b);
    }
    return next;
}

static bool has_room(const struct core *c)
{
    const struct pool *p = &c->pool;
    uint64_t one = p->largest ? p->largest : BYTES_MIN;
    return p->n < c->conf.warm_pool && p->bytes + one <= c->conf.warm_pool_bytes;
}

static void on_timer(struct timer *t)
{
    struct pool *p = container_of(t, struct pool, timer);
    struct core *c = container_of(p, struct core, pool);
    uint64_t next = forget(c);
    unsigned each = share(c);
    struct pool_kind *k = wanting(p, each);
    struct pool_box *over = k && !has_room(c) ? spare(p, each) : NULL;
    if (over)
        stop_one(over);
    // One at a time: a one-shot that finds none must not wait behind many.
    if (k && has_room(c) && pool_ready(c) == p->n && !c->stopping &&
        c->n_boxes - c->n_stopping < c->conf.boxes_max)
        start_one(c, k); // when it lives, or is gone, the next is looked for
    if (next && !t->slot)
        loop_timer_set(c->loop, t, next, on_timer);
}

void pool_refill(struct core *c)
{
    if (c->conf.warm_pool && !c->closing)
        loop_timer_set(c->loop, &c->pool.timer, pool_ready(c) ? PAUSE_MS : 0, on_timer);
}
