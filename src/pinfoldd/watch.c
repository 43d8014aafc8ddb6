// SPDX-License-Identifier: Apache-2.0
// When children are started, restarted and stopped.
//
// Theory of operation. All children are started together. When they are ready, the one
// line on stdout says where the server listens. A child that ends is started again, after a pause
// that doubles while it keeps dying young; until all have been ready, the end of one that never was
// is the end of everything, so that a start that cannot work says so, unless it was killed. To stop, the server goes first
// (it finishes its answers), then the launcher (it takes the sandboxes down) and egress; who takes longer
// than StopTimeout= is killed.
#include "pinfoldd_int.h"

#include <errno.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MIN_MS 100
// Who lived this long has started well: the next pause is the shortest again.
#define YOUNG_MS 30000
// Cleaning up after an earlier life can take the launcher long.
#define START_LIMIT_MS 120000
// Above StopTimeout=, which the child keeps itself.
#define KILL_EXTRA_MS 2000
// A second signal that comes later than this after the first means it.
#define IMPATIENT_MS 1000

static void on_exit_fd(struct watch *w, uint32_t events);
static void on_ready_fd(struct watch *w, uint32_t events);

static void give_up(struct super *s)
{
    s->exit_code = 1;
    super_stop(s);
}

static int launch(struct child *c, struct err *e)
{
    struct super *s = c->super;
    struct loop *l = s->loop;
    if (c == &s->children[SERVER]) // the other end of what the one before it had
        c->handover_fd = c->handover_fd == s->handover[0] ? s->handover[1] : s->handover[0];
    if (child_start(c, e))
        return -1;
    if (loop_watch(l, &c->exit_watch, c->pidfd, EPOLLIN, on_exit_fd, e) ||
        loop_watch(l, &c->ready_watch, c->ready_fd, EPOLLIN, on_ready_fd, e))
        abort(); // only lack of memory
    log_info("%s started pid=%d", c->role, (int)c->pid);
    return 0;
}

static void on_restart(struct timer *t)
{
    struct child *c = container_of(t, struct child, restart);
    struct err e;
    if (!launch(c, &e))
        return;
    log_error("%s cannot be restarted: %s", c->role, e.text);
    c->backoff_ms = c->super->conf.restart_pause_max_ms;
    loop_timer_set(c->super->loop, &c->restart, c->backoff_ms, on_restart);
}

static void restart_later(struct child *c)
{
    bool young = clock_mono_ms() - c->started_ms < YOUNG_MS;
    c->backoff_ms = young ? c->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (c->backoff_ms < BACKOFF_MIN_MS)
        c->backoff_ms = BACKOFF_MIN_MS;
    if (c->backoff_ms > c->super->conf.restart_pause_max_ms)
        c->backoff_ms = c->super->conf.restart_pause_max_ms;
    loop_timer_set(c->super->loop, &c->restart, c->backoff_ms, on_restart);
}

static void log_end(const struct child *c, const siginfo_t *si, bool wanted)
{
    const char *role = c->role;
    if (si->si_code == CLD_EXITED && si->si_status == 0 && wanted)
        log_info("%s stopped", role);
    else if (si->si_code == CLD_EXITED)
        log_error("%s ended with exit code %d", role, si->si_status);
    else
        log_error("%s was ended by SIG%s", role, sigabbrev_np(si->si_status));
}

// --- stopping -------------------------------------------------------------------------------

static void on_kill(struct timer *t)
{
    struct child *c = container_of(t, struct child, kill);
    log_error("%s does not stop: killed", c->role);
    child_signal(c, SIGKILL);
}

void super_kill_after(struct child *c, uint64_t ms)
{
    loop_timer_set(c->super->loop, &c->kill, ms + KILL_EXTRA_MS, on_kill);
}

static void stop_child(struct child *c)
{
    loop_timer_cancel(c->super->loop, &c->restart);
    child_signal(c, SIGTERM);
    super_kill_after(c, c->super->conf.stop_timeout_ms);
}

// Go on to the next child that still runs.
static void stop_next(struct super *s)
{
    if (s->phase == STOPPING_SERVER && !s->children[SERVER].pid) {
        s->phase = STOPPING_OTHERS;
        for (int i = 0; i < SERVER; i++)
            if (s->children[i].pid)
                stop_child(&s->children[i]);
    }
    if (s->phase == STOPPING_OTHERS && !s->children[LAUNCHER].pid && !s->children[EGRESS].pid) {
        s->phase = STOPPED;
        loop_stop(s->loop);
    }
}

void super_stop(struct super *s)
{
    if (s->phase >= STOPPING_SERVER)
        return;
    notify_systemd("STOPPING=1");
    s->phase = STOPPING_SERVER;
    s->stop_ms = clock_mono_ms();
    loop_timer_cancel(s->loop, &s->start_limit);
    for (int i = 0; i < N_CHILDREN; i++)
        loop_timer_cancel(s->loop, &s->children[i].restart);
    if (s->children[SERVER].pid)
        stop_child(&s->children[SERVER]);
    stop_next(s);
}

// It has left: its successor, at once. After one that did not leave in order as after a crash.
static void succeed(struct child *c, bool in_order)
{
    struct err e;
    c->super->left_ms = clock_mono_ms();
    if (!in_order)
        fd_close(&c->turn_fd);
    int bad = launch(c, &e);
    fd_close(&c->turn_fd); // a further one would be a restart
    if (!bad)
        return;
    log_error("%s cannot be started: %s", c->role, e.text);
    restart_later(c);
}

// --- events ---------------------------------------------------------------------------------

static void on_exit_fd(struct watch *w, uint32_t events)
{
    (void)events;
    struct child *c = container_of(w, struct child, exit_watch);
    struct super *s = c->super;
    siginfo_t si = {0};
    if (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) || !si.si_pid)
        return;
    bool left = c->leaving, was_ready = c->ready;
    bool killed = si.si_code == CLD_KILLED && si.si_status == SIGKILL;
    c->leaving = false;
    loop_timer_cancel(s->loop, &c->kill);
    child_ended(c);
    log_end(c, &si, s->phase >= STOPPING_SERVER || left);
    if (s->phase == RUNNING && s->turn && !left && !was_ready)
        turn_end(s, "failed: the new %s does not start; see the log", c->role);
    if (s->phase == RUNNING && left)
        succeed(c, si.si_code == CLD_EXITED && si.si_status == 0);
    else if (s->phase == RUNNING || (s->phase == STARTING && (was_ready || killed)))
        restart_later(c);
    else if (s->phase == STARTING)
        give_up(s);
    else
        stop_next(s);
}

static void on_ready_fd(struct watch *w, uint32_t events)
{
    (void)events;
    struct child *c = container_of(w, struct child, ready_watch);
    struct super *s = c->super;
    char byte;
    ssize_t n = read(c->ready_fd, &byte, 1);
    loop_unwatch(&c->ready_watch); // our end stays open: its closing is how children see us gone
    if (n != 1)
        return; // it ended; the pidfd tells
    c->ready = true;
    log_info("%s is ready after %llu ms", c->role,
             (unsigned long long)(clock_mono_ms() - c->started_ms));
    turn_ready(c);
    int ready = 0;
    for (int i = 0; i < N_CHILDREN; i++)
        ready += s->children[i].ready;
    if (s->phase != STARTING || ready < N_CHILDREN)
        return;
    s->phase = RUNNING;
    loop_timer_cancel(s->loop, &s->start_limit);
    printf("listening on %s\n", s->url);
    (void)fflush(stdout); // a closed stdout is no reason to stop
    status_write(s, "ok: started");
    notify_systemd("READY=1");
}

static void on_start_limit(struct timer *t)
{
    struct super *s = container_of(t, struct super, start_limit);
    for (int i = 0; i < N_CHILDREN; i++)
        if (!s->children[i].ready)
            log_error("%s is not ready after %d s", s->children[i].role, START_LIMIT_MS / 1000);
    give_up(s);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct super *s = container_of(w, struct super, signal_watch);
    int signal = loop_signal(w);
    if (!signal)
        return;
    // Of a terminal that is gone it is the end, as ever; else it is asked for.
    if (signal == SIGHUP && (!s->on_terminal || isatty(STDIN_FILENO))) {
        super_reload(s);
        return;
    }
    if (s->phase < STOPPING_SERVER) {
        log_info("stopping on SIG%s", sigabbrev_np(signal));
        super_stop(s);
        return;
    }
    // Ctrl-C reaches a whole terminal group, and a script that forwards it sends it once more.
    if (clock_mono_ms() - s->stop_ms < IMPATIENT_MS)
        return;
    log_warn("told to stop a second time: not waiting any longer");
    for (int i = 0; i < N_CHILDREN; i++)
        child_signal(&s->children[i], SIGKILL);
}

int super_start(struct super *s, struct err *e)
{
    if (loop_watch_signals(s->loop, &s->signal_watch, on_signal, e))
        return -1;
    for (int i = 0; i < N_CHILDREN; i++)
        if (launch(&s->children[i], e))
            return -1;
    loop_timer_set(s->loop, &s->start_limit, START_LIMIT_MS, on_start_limit);
    return 0;
}
