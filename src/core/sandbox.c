// SPDX-License-Identifier: Apache-2.0
// A sandbox's life: NONE -> STARTING -> LIVE -> STOPPING -> NONE. STOPPING ends when the launcher
// says that nothing is left; until then the id cannot be used again, and commands that want to run
// in it wait.
#include "sandbox_int.h"

#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define START_MAX_MS 60000 // a start takes milliseconds; this is for a launcher that hangs
#define RELEASE_MS 10 // the kernel's work at an end would slow down a request that follows at once
#define LIST_MAX_MS 10000 // an init answers in microseconds

static void on_init_socket(struct watch *w, uint32_t events);
static void gone(struct sandbox *sb);

const char *sandbox_state_name(enum sandbox_state s)
{
    static const char *const names[] = {"none", "starting", "live", "stopping"};
    return names[s];
}

void sandbox_init(struct sandbox *sb, struct core *c, const char *id,
                  int (*fill)(struct sandbox *, struct msg_box_start *, struct err *), void *owner)
{
    *sb = (struct sandbox){.core = c, .init_fd = -1, .fill = fill, .owner = owner};
    TEXT_PUT(sb->id, id);
    memset(sb->net_fds, 0xff, sizeof(sb->net_fds)); // each -1
    list_init(&sb->procs);
    list_init(&sb->waiting);
    sb->state_ms = clock_wall_ms();
}

struct sandbox *sandbox_new(struct core *c, const char *id,
                            int (*fill)(struct sandbox *, struct msg_box_start *, struct err *),
                            void *owner)
{
    struct sandbox *sb = xmalloc(sizeof(*sb));
    sandbox_init(sb, c, id, fill, owner);
    sb->temporary = true;
    return sb;
}

bool sandbox_idle(const struct sandbox *sb)
{
    return list_empty(&sb->procs) && list_empty(&sb->waiting);
}

// Its place is free for another.
static bool leaves(const struct sandbox *sb)
{
    return sb->state == SB_STOPPING || (sb->released && sb->state != SB_NONE);
}

static void enter(struct sandbox *sb, enum sandbox_state state)
{
    struct core *c = sb->core;
    if (sb->state == SB_NONE && state != SB_NONE) {
        (void)map_put(c->sandboxes, sb->id, sb);
        list_add_tail(&c->boxes, &sb->link);
        c->n_boxes++;
    } else if (sb->state != SB_NONE && state == SB_NONE) {
        (void)map_del(c->sandboxes, sb->id);
        list_del(&sb->link);
        c->n_boxes--;
        free(ptr_steal(&sb->layers));
    }
    bool before = leaves(sb);
    sb->state = state;
    c->n_stopping += leaves(sb) - before;
    sb->state_ms = clock_wall_ms();
}

// What waits cannot run: each ends with the step and the reason.
static void fail_waiting(struct sandbox *sb, const char *detail)
{
    struct list all;
    list_init(&all);
    list_for_safe (it, &sb->waiting) {
        list_del(it);
        list_add_tail(&all, it);
    }
    while (!list_empty(&all)) {
        struct proc *p = container_of(all.next, struct proc, link);
        proc_lost(p, END_START_FAILED, detail);
    }
}

// --- starting --------------------------------------------------------------------------------

static void not_started(struct sandbox *sb, const char *step, const char *text)
{
    char detail[120];
    (void)snprintf(detail, sizeof(detail), "%s: %s", step[0] ? step : "sandbox", text);
    sb->core->stats.boxes_failed++;
    // Gone first, so that an owner that starts it again does so on a clean one.
    enter(sb, SB_NONE);
    fail_waiting(sb, detail);
    if (sb->state == SB_NONE)
        gone(sb);
}

static int take_init(struct sandbox *sb, struct wire_msg *m, struct err *e)
{
    const struct msg_box_started *s = &m->body.box_started;
    sb->init_fd = wire_take_fd(m, 0); // the pidfd and the cgroup directory go with the message
    if (sb->init_fd < 0)
        return err_set(e, ERR_INTERNAL, "the launcher sent no socket");
    if (io_set_nonblock(sb->init_fd, true))
        return err_sys(e, "prepare init's socket");
    if (loop_watch(sb->core->loop, &sb->watch, sb->init_fd, EPOLLIN, on_init_socket, e))
        return -1;
    sb->pid = s->pid;
    sb->uid_base = s->uid_base;
    TEXT_PUT(sb->address, s->address);
    for (unsigned i = 0; i < NET_SOCK_N; i++)
        sb->net_fds[i] = wire_take_fd(m, 3 + i);
    egress_tell(sb, true);
    return 0;
}

static void sandbox_listed(struct sandbox *sb);

// An init that does not say what it keeps: what is waited for must end all the same.
static void on_unlisted(struct timer *t)
{
    struct sandbox *sb = container_of(t, struct sandbox, list_timer);
    core_notice(sb->core, true, "init of %s does not say what runs in it", sb->id);
    sandbox_listed(sb);
    sandbox_break(sb);
}

int sandbox_take(struct sandbox *sb, struct wire_msg *m, struct err *e)
{
    struct core *c = sb->core;
    if (take_init(sb, m, e) || wire_send(sb->init_fd, MSG_EXEC_LIST, 1, NULL, NULL, 0, e)) {
        loop_unwatch(&sb->watch);
        fd_close(&sb->init_fd);
        return -1;
    }
    free(ptr_steal(&sb->layers));   // what the earlier server asked for
    if (sb->state == SB_STARTING) { // asked for, but not sent yet
        c->n_starting--;
        ask_drop(&sb->ask);
        loop_timer_cancel(c->loop, &sb->idle);
    }
    enter(sb, SB_LIVE);
    sb->listing = true;
    loop_timer_set(c->loop, &sb->list_timer, LIST_MAX_MS, on_unlisted);
    sandbox_flush(sb);
    return 0;
}

static void sandbox_listed(struct sandbox *sb)
{
    if (!sb->listing)
        return;
    sb->listing = false;
    loop_timer_cancel(sb->core->loop, &sb->list_timer);
    execs_not_found(sb);
    if (sb->state == SB_LIVE && sandbox_idle(sb))
        sandbox_became_idle(sb);
}

static int ask_start(struct sandbox *sb, struct err *e);

static void on_started(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct sandbox *sb = container_of(a, struct sandbox, ask);
    struct core *c = sb->core;
    struct err e = {0};
    // The launcher restarted: once more, from the new one. What the old one may have begun is
    // stopped as a leftover before that is sent.
    if (!m && !sb->asked_again && c->launcher.watch.loop) {
        sb->asked_again = true;
        if (!ask_start(sb, &e))
            return;
        err = &e;
    }
    c->n_starting--;
    loop_timer_cancel(c->loop, &sb->idle);
    if (!m || m->row->type != MSG_BOX_STARTED) {
        if (!ask_result(m, err, &e))
            err_set(&e, ERR_INTERNAL, "the launcher gave no sandbox");
        not_started(sb, "launcher", e.text);
        return;
    }
    const struct msg_box_started *s = &m->body.box_started;
    if (s->code != ERR_NONE) {
        not_started(sb, s->step, s->text);
        return;
    }
    enter(sb, SB_LIVE);
    if (take_init(sb, m, &e)) {
        fd_close(&sb->init_fd);
        fail_waiting(sb, e.text);
        sandbox_stop(sb);
        return;
    }
    trust_gate(sb);
    sb->was_live = true;
    c->stats.boxes_started++;
    c->stats.box_start_us_sum += (clock_mono_ns() - sb->start_ns) / 1000;
    sandbox_flush(sb);
    if (sb->state == SB_LIVE && sandbox_idle(sb))
        sandbox_became_idle(sb);
}

static void on_start_late(struct timer *t)
{
    struct sandbox *sb = container_of(t, struct sandbox, idle);
    fail_waiting(sb, "launcher: it did not answer in time");
    sandbox_stop(sb);
}

static int ask_start(struct sandbox *sb, struct err *e)
{
    struct core *c = sb->core;
    struct msg_box_start m = {0};
    TEXT_PUT(m.box, sb->id);
    if (c->launcher.fd < 0)
        return err_set(e, ERR_LOST, "there is no launcher");
    if (sb->fill(sb, &m, e))
        return -1;
    free(sb->layers);
    sb->layers = xstrdup(m.layers);
    budget_layers_used(c, m.layers);
    launcher_ask(c, &sb->ask, MSG_BOX_START, &m, on_started);
    loop_timer_set(c->loop, &sb->idle, START_MAX_MS, on_start_late);
    return 0;
}

void sandbox_start(struct sandbox *sb)
{
    struct core *c = sb->core;
    if (sb->state != SB_NONE)
        return; // LIVE sends at once, STARTING when it is, STOPPING starts again once gone
    struct err e = {0};
    enter(sb, SB_STARTING);
    sb->broken = sb->asked_again = false;
    sb->oom_kills = 0;
    sb->address[0] = '\0';
    sb->start_ns = clock_mono_ns();
    c->n_starting++;
    if (!ask_start(sb, &e))
        return;
    c->n_starting--;
    not_started(sb, "sandbox", e.text);
}

// --- init's socket ---------------------------------------------------------------------------

static struct proc *find_proc(struct sandbox *sb, uint64_t number)
{
    list_for (it, &sb->procs) {
        struct proc *p = container_of(it, struct proc, link);
        if (p->number == number)
            return p;
    }
    return NULL;
}

static void dispatch(struct sandbox *sb, struct wire_msg *m)
{
    struct proc *p;
    switch (m->row->type) {
    case MSG_EXEC_STARTED:
        if ((p = find_proc(sb, m->body.exec_started.exec)))
            proc_started(p, m);
        return;
    case MSG_EXEC_EXITED:
        if ((p = find_proc(sb, m->body.exec_exited.exec)))
            proc_exited(p, &m->body.exec_exited);
        return;
    case MSG_EXEC_IS:
        exec_adopt(sb, m);
        return;
    case MSG_DENIALS_ARE: {
        if (!m->id) {
            run_refused_call(sb->core, sb->id, &m->body.denials);
            return;
        }
        // Dropped before its function runs: that may ask again.
        struct ask *a = sb->denials.subject;
        sb->denials.subject = NULL;
        if (a)
            a->on_answer(a, m, NULL);
        return;
    }
    default: // DONE: of EXEC_LIST
        sandbox_listed(sb);
        return;
    }
}

// Handle what is there. false once the socket is of no more use.
static bool drain(struct sandbox *sb, int max)
{
    struct core *c = sb->core;
    while (max-- > 0 && sb->init_fd >= 0) {
        struct err e = {0};
        int r = wire_recv(sb->init_fd, PEER_INIT, PEER_SERVER, &c->init_msg, &e);
        if (r == 0)
            return true;
        if (r < 0) {
            if (e.code != ERR_LOST)
                core_notice(c, true, "init of %s: %s", sb->id, e.text);
            return false;
        }
        dispatch(sb, &c->init_msg);
        wire_release(&c->init_msg);
    }
    return true;
}

static void on_init_socket(struct watch *w, uint32_t events)
{
    struct sandbox *sb = container_of(w, struct sandbox, watch);
    if ((events & EPOLLOUT) && sb->state == SB_LIVE)
        sandbox_flush(sb);
    if (!drain(sb, 64))
        sandbox_break(sb);
}

void sandbox_flush(struct sandbox *sb)
{
    struct err e = {0};
    bool full = false;
    list_for (it, &sb->procs)
        proc_flush(container_of(it, struct proc, link));
    while (!full && sb->state == SB_LIVE && !sb->gated && !list_empty(&sb->waiting)) {
        struct proc *p = container_of(sb->waiting.next, struct proc, link);
        if (proc_send(p, &e)) {
            full = e.code == ERR_BUSY;
            if (!full)
                proc_lost(p, END_START_FAILED, e.text);
        }
    }
    if (sb->state == SB_LIVE)
        loop_watch_events(&sb->watch, EPOLLIN | (full ? EPOLLOUT : 0));
}

int sandbox_denials(struct sandbox *sb, struct ask *a,
                    void (*on_answer)(struct ask *, struct wire_msg *, const struct err *))
{
    if (sb->state != SB_LIVE || sb->denials.subject)
        return -1;
    struct err e = {0};
    if (wire_send(sb->init_fd, MSG_DENIALS, 1, NULL, NULL, 0, &e))
        return -1;
    a->on_answer = on_answer;
    sb->denials.subject = a;
    return 0;
}

// --- idle ------------------------------------------------------------------------------------

static void on_idle(struct timer *t)
{
    struct sandbox *sb = container_of(t, struct sandbox, idle);
    if (sandbox_idle(sb))
        sandbox_stop(sb);
}

void sandbox_became_idle(struct sandbox *sb)
{
    if (sb->state == SB_LIVE && sb->on_live)
        sb->on_live(sb);
    if (sb->state != SB_LIVE || sb->temporary)
        return;
    sb->state_ms = clock_wall_ms();
    loop_timer_set(sb->core->loop, &sb->idle, sb->core->conf.idle_stop_ms, on_idle);
}

bool sandbox_room(struct core *c)
{
    if (c->n_boxes - c->n_stopping < c->conf.boxes_max) // what stops leaves its place at once
        return true;
    if (pool_give_up(c))
        return true;
    struct sandbox *oldest = NULL;
    list_for (it, &c->boxes) {
        struct sandbox *sb = container_of(it, struct sandbox, link);
        if (sb->state == SB_LIVE && !sb->temporary && sandbox_idle(sb) &&
            (!oldest || sb->state_ms < oldest->state_ms))
            oldest = sb;
    }
    if (oldest)
        sandbox_stop(oldest);
    return oldest != NULL;
}

// --- stopping --------------------------------------------------------------------------------

static void close_init(struct sandbox *sb)
{
    loop_unwatch(&sb->watch);
    fd_close(&sb->init_fd);
    struct ask *a = sb->denials.subject;
    sb->denials.subject = NULL;
    if (a) {
        struct err lost = {0};
        err_set(&lost, ERR_LOST, "the sandbox ended");
        a->on_answer(a, NULL, &lost);
    }
}

// Commands whose end nobody will report any more.
static void lose_procs(struct sandbox *sb)
{
    struct list all;
    list_init(&all);
    list_for_safe (it, &sb->procs) {
        list_del(it);
        list_add_tail(&all, it);
    }
    while (!list_empty(&all)) {
        struct proc *p = container_of(all.next, struct proc, link);
        proc_lost(p, sb->oom_kills ? END_OOM : END_LOST,
                  sb->oom_kills ? "the sandbox ran out of memory"
                                : "the sandbox ended before the command did");
    }
}

// Freed on the next turn, since it may be in use further up the stack.
static void bury(struct sandbox *sb)
{
    if (sb->buried)
        return;
    sb->buried = true;
    list_add_tail(&sb->core->graves, &sb->link);
    core_wake(sb->core);
}

static void gone(struct sandbox *sb)
{
    struct core *c = sb->core;
    loop_timer_cancel(c->loop, &sb->idle);
    close_init(sb);
    trust_forget(sb);
    egress_forget(sb);
    // NONE before anybody is told, so that what they do then starts from there.
    if (sb->state != SB_NONE)
        enter(sb, SB_NONE);
    lose_procs(sb);
    sandbox_listed(sb);
    if (sb->temporary) {
        fail_waiting(sb, "sandbox: it is gone");
        bury(sb);
    }
    if (sb->on_gone)
        sb->on_gone(sb);
    if (!sb->temporary && sb->state == SB_NONE && !list_empty(&sb->waiting) && !c->closing)
        sandbox_start(sb);
}

static void on_stopped(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct sandbox *sb = container_of(a, struct sandbox, ask);
    struct err e = {0};
    if (!m && launcher_there(sb->core)) {
        // The launcher restarted: ask the new one, which may know it still.
        struct msg_box_name name = {0};
        TEXT_PUT(name.box, sb->id);
        launcher_ask(sb->core, &sb->ask, MSG_BOX_STOP, &name, on_stopped);
        return;
    }
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND && e.code != ERR_GONE)
        core_notice(sb->core, true, "stop sandbox %s: %s", sb->id, e.text);
    (void)drain(sb, 1 << 16); // ends that were reported before it died
    gone(sb);
}

void sandbox_stop(struct sandbox *sb)
{
    struct core *c = sb->core;
    if (sb->state == SB_NONE || sb->state == SB_STOPPING)
        return;
    if (sb->state == SB_STARTING) {
        // The launcher takes requests in order: the stop comes after the start.
        c->n_starting--;
        ask_drop(&sb->ask);
    }
    loop_timer_cancel(c->loop, &sb->idle);
    enter(sb, SB_STOPPING);
    struct msg_box_name name = {0};
    TEXT_PUT(name.box, sb->id);
    launcher_ask(c, &sb->ask, MSG_BOX_STOP, &name, on_stopped);
}

void sandbox_break(struct sandbox *sb)
{
    sb->broken = true;
    loop_unwatch(&sb->watch); // or the end of file would be told again and again
    sandbox_stop(sb);
}

void sandbox_leave(struct sandbox *sb)
{
    loop_timer_cancel(sb->core->loop, &sb->idle);
    loop_timer_cancel(sb->core->loop, &sb->list_timer);
}

void sandbox_release(struct sandbox *sb)
{
    sb->on_gone = NULL;
    if (sb->state == SB_NONE)
        bury(sb);
    else
        sandbox_stop(sb);
}

void sandbox_release_soon(struct sandbox *sb)
{
    if (sb->state != SB_LIVE || !sandbox_idle(sb)) {
        sandbox_release(sb);
        return;
    }
    sb->on_gone = NULL;
    sb->released = true;
    sb->core->n_stopping++;
    loop_timer_set(sb->core->loop, &sb->idle, RELEASE_MS, on_idle);
}

void sandbox_abandon(struct sandbox *sb)
{
    ask_drop(&sb->ask);
    if (sb->state == SB_STARTING)
        sb->core->n_starting--;
    enter(sb, SB_NONE);
    fail_waiting(sb, "sandbox: the server stopped");
    gone(sb);
}

void sandbox_exited(struct core *c, const struct msg_box_exited *m)
{
    struct sandbox *sb = map_get(c->sandboxes, m->box);
    if (!sb || (sb->state != SB_LIVE && sb->state != SB_STOPPING))
        return; // of an earlier life
    sb->oom_kills = m->oom_kills;
    if (sb->state == SB_LIVE) {
        if (drain(sb, 1 << 16) && sb->init_fd >= 0)
            loop_unwatch(&sb->watch);
        sandbox_break(sb);
    }
}

void sandboxes_reconcile(struct core *c, const struct map *alive)
{
    // One at a time from the front: telling an owner may change the list.
    for (bool again = true; again;) {
        again = false;
        list_for (it, &c->boxes) {
            struct sandbox *sb = container_of(it, struct sandbox, link);
            if (sb->state == SB_LIVE && !map_get(alive, sb->id)) {
                (void)drain(sb, 1 << 16);
                gone(sb);
                again = true;
                break;
            }
        }
    }
}
