// SPDX-License-Identifier: Apache-2.0
// When children are started, restarted and stopped.
//
// Theory of operation. Launcher and server are started together. When both are ready, the one
// line on stdout says where the server listens. A child that ends is started again, after a pause
// that doubles while it keeps dying young; before the first time that both are ready, its end is
// the end of everything, so that a start that cannot work says so. To stop, the server goes first
// (it finishes its answers), then the launcher (it takes the sandboxes down); who takes longer
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
#include <sys/signalfd.h>
#include <sys/wait.h>

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 10000
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
    struct loop *l = c->super->loop;
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
    c->backoff_ms = BACKOFF_MAX_MS;
    loop_timer_set(c->super->loop, &c->restart, c->backoff_ms, on_restart);
}

static void restart_later(struct child *c)
{
    bool young = clock_mono_ms() - c->started_ms < YOUNG_MS;
    c->backoff_ms = young ? c->backoff_ms * 2 : BACKOFF_MIN_MS;
    if (c->backoff_ms < BACKOFF_MIN_MS)
        c->backoff_ms = BACKOFF_MIN_MS;
    if (c->backoff_ms > BACKOFF_MAX_MS)
        c->backoff_ms = BACKOFF_MAX_MS;
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

static void stop_child(struct child *c)
{
    loop_timer_cancel(c->super->loop, &c->restart);
    child_signal(c, SIGTERM);
    loop_timer_set(c->super->loop, &c->kill, c->super->conf.stop_timeout_ms + KILL_EXTRA_MS,
                   on_kill);
}

// Go on to the next child that still runs.
static void stop_next(struct super *s)
{
    if (s->phase == STOPPING_SERVER && !s->children[SERVER].pid) {
        s->phase = STOPPING_LAUNCHER;
        if (s->children[LAUNCHER].pid)
            stop_child(&s->children[LAUNCHER]);
    }
    if (s->phase == STOPPING_LAUNCHER && !s->children[LAUNCHER].pid) {
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

// --- events ---------------------------------------------------------------------------------

static void on_exit_fd(struct watch *w, uint32_t events)
{
    (void)events;
    struct child *c = container_of(w, struct child, exit_watch);
    struct super *s = c->super;
    siginfo_t si = {0};
    if (waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) || !si.si_pid)
        return;
    loop_timer_cancel(s->loop, &c->kill);
    child_ended(c);
    log_end(c, &si, s->phase >= STOPPING_SERVER);
    if (s->phase == RUNNING)
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
    if (s->phase != STARTING || !s->children[LAUNCHER].ready || !s->children[SERVER].ready)
        return;
    s->phase = RUNNING;
    loop_timer_cancel(s->loop, &s->start_limit);
    printf("listening on %s\n", s->url);
    (void)fflush(stdout); // a closed stdout is no reason to stop
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
    struct signalfd_siginfo si;
    if (read(s->signal_fd, &si, sizeof(si)) != sizeof(si))
        return;
    if (s->phase < STOPPING_SERVER) {
        log_info("stopping on SIG%s", sigabbrev_np((int)si.ssi_signo));
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

static int watch_signals(struct super *s, struct err *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    struct sigaction ign = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ign, NULL); // stdout and stderr may go away
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return err_sys(e, "make a signalfd");
    return loop_watch(s->loop, &s->signal_watch, s->signal_fd, EPOLLIN, on_signal, e);
}

int super_start(struct super *s, struct err *e)
{
    if (watch_signals(s, e))
        return -1;
    for (int i = 0; i < N_CHILDREN; i++)
        if (launch(&s->children[i], e))
            return -1;
    loop_timer_set(s->loop, &s->start_limit, START_LIMIT_MS, on_start_limit);
    return 0;
}
