// SPDX-License-Identifier: Apache-2.0
// The server's end of the launcher's socket. The other end may restart at any time: it then says
// READY, all that was asked before is void, and what lives is asked for anew. Until that is known,
// requests that make something wait.
#include "sandbox_int.h"

#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>

#define ROUND_MS 50
#define ROUNDS_MAX 40
#define QUICK_MS 15000 // a launcher that has not answered a short request by then is not well

struct unsent {
    struct list link;
    enum wire_type type;
    uint64_t id;
    union wire_body body;
};

static void on_socket(struct watch *w, uint32_t events);
static void sync_begin(struct core *c);

static struct list *bucket(struct launcher *l, uint64_t id)
{
    return &l->asks[id % ASK_BUCKETS];
}

static struct ask *find_ask(struct launcher *l, uint64_t id)
{
    list_for (it, bucket(l, id)) {
        struct ask *a = container_of(it, struct ask, link);
        if (a->id == id)
            return a;
    }
    return NULL;
}

void ask_drop(struct ask *a)
{
    if (!a->id)
        return;
    list_del(&a->link);
    a->id = 0;
}

int ask_result(const struct wire_msg *m, const struct err *err, struct err *e)
{
    if (!m) {
        if (e)
            *e = *err;
        return -1;
    }
    if (m->row->type != MSG_DONE)
        return err_set(e, ERR_INTERNAL, "the launcher answered with %s", m->row->name);
    const struct msg_done *d = &m->body.done;
    if (d->code == ERR_NONE)
        return 0;
    err_set(e, d->code < ERR_N_CODES ? (enum err_code)d->code : ERR_INTERNAL, "%s", d->text);
    if (e)
        e->sys = (int)d->sys;
    return -1;
}

static void keep(struct list *where, enum wire_type type, uint64_t id, const void *body)
{
    struct unsent *u = xcalloc(1, sizeof(*u));
    u->type = type;
    u->id = id;
    const struct wire_row *row = wire_find(type);
    if (body && row)
        memcpy(&u->body, body, row->size);
    list_add_tail(where, &u->link);
}

static void forget(struct list *where)
{
    if (!where->next)
        return; // never opened
    list_for_safe (it, where) {
        list_del(it);
        free(container_of(it, struct unsent, link));
    }
}

// What did not fit goes out, in order, when there is room again.
static void flush(struct core *c)
{
    struct launcher *l = &c->launcher;
    while (!list_empty(&l->out)) {
        struct unsent *u = container_of(l->out.next, struct unsent, link);
        struct err e = {0};
        if (wire_send(l->fd, u->type, u->id, &u->body, NULL, 0, &e) && e.code == ERR_BUSY)
            break; // another error shows as a request without an answer, until READY voids it
        list_del(&u->link);
        free(u);
    }
    loop_watch_events(&l->watch, EPOLLIN | (list_empty(&l->out) ? 0 : EPOLLOUT));
}

static void send_or_queue(struct core *c, enum wire_type type, uint64_t id, const void *body)
{
    struct launcher *l = &c->launcher;
    struct err e = {0};
    if (list_empty(&l->out) &&
        (!wire_send(l->fd, type, id, body, NULL, 0, &e) || e.code != ERR_BUSY))
        return;
    keep(&l->out, type, id, body);
    loop_watch_events(&l->watch, EPOLLIN | EPOLLOUT);
}

bool launcher_there(const struct core *c)
{
    return c->launcher.fd >= 0 && c->launcher.watch.loop;
}

void launcher_ask(struct core *c, struct ask *a, enum wire_type type, const void *body,
                  void (*on_answer)(struct ask *, struct wire_msg *, const struct err *))
{
    struct launcher *l = &c->launcher;
    a->id = l->next_id;
    l->next_id += 2;
    a->on_answer = on_answer;
    a->sent_ms = clock_mono_ms();
    list_add_tail(bucket(l, a->id), &a->link);
    a->held = !l->synced && type != MSG_BOX_LIST && type != MSG_BOX_STOP;
    if (a->held)
        keep(&l->held, type, a->id, body);
    else
        send_or_queue(c, type, a->id, body);
}

static void answer(struct ask *a, struct wire_msg *m, const struct err *err)
{
    ask_drop(a);
    a->on_answer(a, m, err);
}

// --- what lives ------------------------------------------------------------------------------

static void synced(struct core *c)
{
    struct launcher *l = &c->launcher;
    if (l->stopping || l->synced)
        return;
    l->synced = l->alive = true;
    egress_sync(c);
    list_for_safe (it, &l->held) {
        struct unsent *u = container_of(it, struct unsent, link);
        list_del(it);
        struct ask *a = find_ask(l, u->id);
        if (a) {
            a->held = false;
            a->sent_ms = clock_mono_ms();
            send_or_queue(c, u->type, u->id, &u->body);
        }
        free(u);
    }
}

struct leftover {
    struct ask ask;
    struct core *core;
};

static void on_leftover_stopped(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct leftover *o = container_of(a, struct leftover, ask);
    struct core *c = o->core;
    struct err e = {0};
    if (ask_result(m, err, &e) && m && e.code != ERR_NOT_FOUND)
        core_notice(c, true, "stop a sandbox left over: %s", e.text);
    free(o);
    if (!m)
        return; // void: READY has begun a new round
    c->launcher.stopping--;
    synced(c);
}

static void stop_leftover(struct core *c, const char *id)
{
    struct leftover *o = xcalloc(1, sizeof(*o));
    o->core = c;
    o->ask.alone = true;
    struct msg_box_name name = {0};
    TEXT_PUT(name.box, id);
    c->launcher.stopping++;
    launcher_ask(c, &o->ask, MSG_BOX_STOP, &name, on_leftover_stopped);
}

static void on_again(struct timer *t)
{
    sync_begin(container_of(container_of(t, struct launcher, again), struct core, launcher));
}

// The end of an earlier server reaches an init within microseconds, but on a loaded machine.
static bool ask_again(struct core *c)
{
    struct launcher *l = &c->launcher;
    if (!l->silent || l->rounds++ >= ROUNDS_MAX)
        return false;
    loop_timer_set(c->loop, &l->again, ROUND_MS, on_again);
    return true;
}

// BOX_LIST is answered by one BOX_STARTED for each, then DONE. The question stays until DONE.
static void on_listed(struct core *c, struct wire_msg *m)
{
    struct ask *a = &c->launcher.list_ask;
    struct map *alive = a->subject;
    if (m->row->type == MSG_BOX_STARTED) {
        if (m->body.box_started.box[0])
            (void)map_put(alive, m->body.box_started.box, alive); // a set: any value does
        if (m->n_fds)
            sandbox_adopt(c, m);
        else if (sandbox_wanted(c, &m->body.box_started))
            c->launcher.silent++;
        return;
    }
    ask_drop(a);
    a->subject = NULL;
    if (ask_again(c)) {
        map_free(alive);
        return;
    }
    execs_adopted(c);
    sandboxes_reconcile(c, alive);
    pool_empty(c); // a new launcher may make them from other files of the host
    size_t cursor = 0;
    const char *id;
    while (map_next(alive, &cursor, &id)) {
        const struct sandbox *sb = map_get(c->sandboxes, id);
        if (!sb || (sb->state != SB_LIVE && sb->state != SB_STOPPING))
            stop_leftover(c, id);
    }
    map_free(alive);
    synced(c);
}

static void sync_begin(struct core *c)
{
    struct launcher *l = &c->launcher;
    l->synced = false;
    l->stopping = l->silent = 0;
    loop_timer_cancel(c->loop, &l->again);
    if (l->list_ask.subject)
        map_free(l->list_ask.subject);
    l->list_ask.subject = map_new();
    ask_drop(&l->list_ask);
    launcher_ask(c, &l->list_ask, MSG_BOX_LIST, NULL, NULL);
}

// The launcher has restarted: whatever was asked will not be answered.
static void on_ready(struct core *c)
{
    struct launcher *l = &c->launcher;
    struct err lost = {0};
    err_set(&lost, ERR_LOST, "the launcher restarted");
    struct list all;
    list_init(&all);
    forget(&l->out);
    forget(&l->held);
    ask_drop(&l->list_ask);
    for (unsigned i = 0; i < ASK_BUCKETS; i++)
        list_for_safe (it, &l->asks[i]) {
            list_del(it);
            list_add_tail(&all, it);
        }
    sync_begin(c); // before the callbacks, so that what they ask for is held until it is done
    while (!list_empty(&all))
        answer(container_of(all.next, struct ask, link), NULL, &lost);
}

// --- the socket ------------------------------------------------------------------------------

static void dispatch(struct core *c, struct wire_msg *m)
{
    switch (m->row->type) {
    case MSG_READY:
        core_notice(c, false, "the launcher is ready");
        on_ready(c);
        return;
    case MSG_BOX_EXITED:
        sandbox_exited(c, &m->body.box_exited);
        return;
    default:
        break;
    }
    struct ask *a = find_ask(&c->launcher, m->id);
    c->launcher.alive = true;
    if (!a)
        return; // late, or of an earlier server: dropped with its descriptors
    if (a == &c->launcher.list_ask)
        on_listed(c, m);
    else
        answer(a, m, NULL);
}

static void on_socket(struct watch *w, uint32_t events)
{
    struct launcher *l = container_of(w, struct launcher, watch);
    struct core *c = container_of(l, struct core, launcher);
    if (events & EPOLLOUT)
        flush(c);
    for (int i = 0; i < 64 && l->watch.loop; i++) { // bounded, so that others get their turn
        struct err e = {0};
        int r = wire_recv(l->fd, PEER_LAUNCHER, PEER_SERVER, &c->msg, &e);
        if (r > 0) {
            dispatch(c, &c->msg);
            wire_release(&c->msg);
            continue;
        }
        if (r < 0 && e.code == ERR_LOST) { // both ends are kept by our parent: it is gone too
            loop_unwatch(&l->watch);
            l->alive = l->synced = false;
            core_notice(c, true, "the launcher's socket is closed");
        } else if (r < 0) {
            core_notice(c, true, "from the launcher: %s", e.text);
        }
        return;
    }
}

bool launcher_ok(const struct core *c)
{
    const struct launcher *l = &c->launcher;
    if (!l->alive)
        return false;
    uint64_t now = clock_mono_ms();
    for (unsigned i = 0; i < ASK_BUCKETS; i++)
        list_for (it, &l->asks[i]) {
            const struct ask *a = container_of(it, struct ask, link);
            if (!a->long_work && now - a->sent_ms > QUICK_MS)
                return false;
        }
    return true;
}

int launcher_open(struct core *c, int fd, struct err *e)
{
    struct launcher *l = &c->launcher;
    for (unsigned i = 0; i < ASK_BUCKETS; i++)
        list_init(&l->asks[i]);
    list_init(&l->out);
    list_init(&l->held);
    l->fd = fd;
    // Numbers of an earlier server must not come back: its late answers may still be in the socket.
    id_random_bytes(&l->next_id, sizeof(l->next_id));
    l->next_id = (l->next_id >> 1) | 1;
    if (fd < 0)
        return 0;
    if (io_set_nonblock(fd, true))
        return err_sys(e, "prepare the launcher's socket");
    if (loop_watch(c->loop, &l->watch, fd, EPOLLIN, on_socket, e))
        return -1;
    sync_begin(c);
    return 0;
}

void launcher_close(struct core *c)
{
    struct launcher *l = &c->launcher;
    struct err lost = {0};
    loop_unwatch(&l->watch);
    loop_timer_cancel(c->loop, &l->again);
    err_set(&lost, ERR_LOST, "the server stopped");
    for (unsigned i = 0; i < ASK_BUCKETS && l->asks[i].next; i++)
        list_for_safe (it, &l->asks[i]) {
            struct ask *a = container_of(it, struct ask, link);
            if (a->alone)
                answer(a, NULL, &lost);
        }
    forget(&l->out);
    forget(&l->held);
    if (l->list_ask.subject)
        map_free(l->list_ask.subject);
    fd_close(&l->fd);
}
