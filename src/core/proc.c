// SPDX-License-Identifier: Apache-2.0
// One command in a sandbox: handed to init with its pipes, read until both it and its output have
// ended. WAITING -> SENT -> RUNNING -> DRAINING -> DONE; DRAINING is when init has reported the
// end (or the sandbox is gone) and what was left in the pipes is still being read.
#include "sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define ARGS_INLINE (WIRE_MAX - 512) // what stays for the arguments beside numbers and headers
#define READS_A_TURN 4               // then others get theirs
#define DISK_FULL_BYTES (2 << 20)    // what a full ext4 may count as free: it refuses by the folio
#define TERMINAL_LEFT (1024 * 1024)  // more than a terminal's buffers hold

static void on_timer(struct timer *t);

void proc_init(struct proc *p, struct core *c)
{
    *p = (struct proc){.core = c, .in_fd = -1, .stdin_fd = -1, .kill_reason = END_N};
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        p->out[i].fd = p->out[i].watch.fd = -1;
    buf_init(&p->in, STDIN_QUEUE_MAX);
    p->end.exit_code = -1;
}

// --- the end ---------------------------------------------------------------------------------

// What is inside may fill or empty a pipe behind our back. Done when the loop needs it: most
// commands print nothing. A new pipe has no other flags to keep.
static int unblock(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void close_stream(struct proc_stream *s)
{
    loop_unwatch(&s->watch);
    spill_drop(ptr_steal(&s->spill));
    fd_close(&s->fd);
}

void proc_abandon(struct proc *p)
{
    loop_timer_cancel(p->core->loop, &p->timer);
    list_del(&p->link);
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        close_stream(&p->out[i]);
    proc_close_stdin(p);
    fd_close(&p->stdin_fd);
    buf_release(&p->in);
    p->state = PROC_DONE;
}

static void finish(struct proc *p)
{
    proc_abandon(p);
    p->on_end(p, &p->end);
}

static bool drained(const struct proc *p)
{
    return p->state == PROC_DRAINING && p->out[0].fd < 0 && p->out[1].fd < 0;
}

// Read once what is there now. false when the stream has ended.
static bool read_once(struct proc *p, unsigned i, size_t *ret)
{
    struct proc_stream *s = &p->out[i];
    char *buf = p->core->read_buf;
    ssize_t n;
    do
        n = read(s->fd, buf, READ_BUF);
    while (n < 0 && errno == EINTR);
    *ret = n > 0 ? (size_t)n : 0;
    if (n < 0 && errno == EAGAIN)
        return p->state != PROC_DRAINING; // what was in the pipe has been taken by others inside
    if (n <= 0)
        return false; // end of file; EIO from a terminal whose other end is closed
    if (p->state == PROC_DRAINING) {
        s->drain_left -= (size_t)n < s->drain_left ? (size_t)n : s->drain_left;
        p->on_output(p, i, buf, (size_t)n);
        return s->drain_left > 0;
    }
    p->on_output(p, i, buf, (size_t)n);
    return true;
}

static void read_stream(struct proc *p, unsigned i)
{
    struct proc_stream *s = &p->out[i];
    if (spill_start(p, i))
        return;
    for (int round = 0; round < READS_A_TURN && s->fd >= 0 && !s->paused; round++) {
        size_t n;
        if (!read_once(p, i, &n)) {
            close_stream(s);
            return;
        }
        if (n < READ_BUF / 8)
            return; // most likely all there was; if not, the loop tells again
    }
}

static void read_all(struct proc *p)
{
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        while (p->state == PROC_DRAINING && p->out[i].fd >= 0 && !p->out[i].paused) {
            size_t n;
            if (spill_start(p, i))
                break;
            if (!read_once(p, i, &n))
                close_stream(&p->out[i]);
        }
    if (drained(p))
        finish(p);
}

// What it wrote is in the pipe; a process elsewhere in the sandbox may hold it open and write on,
// so only as much as is there now is read.
static void measure(struct proc *p, struct proc_stream *s)
{
    int left = TERMINAL_LEFT; // a terminal tells its end itself, with EIO
    if (s->fd >= 0 && !p->tty && (ioctl(s->fd, FIONREAD, &left) || left <= 0 || unblock(s->fd)))
        close_stream(s);
    s->drain_left = (uint64_t)(left > 0 ? left : 0);
}

static void begin_drain(struct proc *p)
{
    struct sandbox *sb = p->sb;
    uint64_t now = clock_mono_ns(), end = p->ended_ns;
    if (end < p->started_ns || end > now)
        end = p->ended_ns = now;
    p->end.duration_ms = p->started_ns ? (end - p->started_ns) / 1000000 : 0;
    p->state = PROC_DRAINING;
    list_del(&p->link);
    p->sb = NULL;
    loop_timer_cancel(p->core->loop, &p->timer);
    proc_close_stdin(p);
    if (sb && sandbox_idle(sb))
        sandbox_became_idle(sb);
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        if (p->out[i].spill)
            p->out[i].drain_left = SPILL_UNKNOWN; // what the worker takes is not known yet
        else
            measure(p, &p->out[i]);
    read_all(p);
}

static void watch_stream(struct proc *p, unsigned i);

// The worker has moved n bytes, which the owner knows of already.
void proc_spilled(struct proc *p, unsigned i, size_t n, bool eof, bool failed)
{
    struct proc_stream *s = &p->out[i];
    if (eof)
        close_stream(s);
    if (p->state != PROC_DRAINING) {
        watch_stream(p, i);
        return;
    }
    if (s->drain_left == SPILL_UNKNOWN) {
        measure(p, s);
    } else {
        s->drain_left -= n < s->drain_left ? n : s->drain_left;
        if (!s->drain_left || (!n && !failed)) // all is taken, or others inside have taken it
            close_stream(s);
    }
    read_all(p);
}

static void decide(struct proc *p, const struct msg_exec_exited *m)
{
    struct outcome *o = &p->end;
    o->cpu_us = m->cpu_us;
    o->max_memory_bytes = m->max_memory_bytes;
    o->oom_killed = m->oom_kills > 0;
    o->exit_code = m->exited ? (int)(m->exit_code & 255) : -1;
    o->signal = m->exited ? 0 : (int)(m->signal & 127);
    bool good = m->exited && o->exit_code == 0;
    bool full = m->disk_free_bytes < DISK_FULL_BYTES || !m->disk_free_inodes;
    if (!m->exited && p->kill_reason != END_N)
        o->reason = p->kill_reason;
    else if (o->oom_killed && !good)
        o->reason = END_OOM;
    else if (m->pids_refused && !good)
        o->reason = END_PIDS_LIMIT;
    else if (full && !good && p->program == PROGRAM_NONE) // our own tools say it themselves
        o->reason = END_DISK_FULL;
    else
        o->reason = m->exited ? END_EXITED : END_SIGNALED;
    o->timed_out = o->reason == END_TIMED_OUT;
}

void proc_exited(struct proc *p, const struct msg_exec_exited *m)
{
    p->ended_ns = m->ended_ns;
    decide(p, m);
    begin_drain(p);
}

void proc_lost(struct proc *p, enum end_reason why, const char *detail)
{
    bool ours = p->kill_reason != END_N && why != END_START_FAILED;
    p->end.reason = ours ? p->kill_reason : why;
    p->end.timed_out = p->end.reason == END_TIMED_OUT;
    p->end.oom_killed = why == END_OOM;
    if (!ours)
        TEXT_PUT(p->end.detail, detail);
    begin_drain(p);
}

// --- running ---------------------------------------------------------------------------------

static void on_stream(struct watch *w, uint32_t events)
{
    (void)events;
    struct proc_stream *s = container_of(w, struct proc_stream, watch);
    struct proc *p = s->proc;
    read_stream(p, s == &p->out[1]);
    if (drained(p))
        finish(p);
}

static void watch_stream(struct proc *p, unsigned i)
{
    struct proc_stream *s = &p->out[i];
    struct err e = {0};
    s->proc = p;
    if (s->fd < 0 || s->paused || s->spill || s->watch.loop)
        return;
    if (!p->tty && unblock(s->fd))
        err_sys(&e, "prepare it");
    if (e.code || loop_watch(p->core->loop, &s->watch, s->fd, EPOLLIN, on_stream, &e)) {
        core_notice(p->core, true, "output of a command: %s", e.text);
        proc_kill(p, END_LOST); // its output cannot be read, so its end would not be the truth
    }
}

void proc_pause(struct proc *p, unsigned stream)
{
    struct proc_stream *s = &p->out[stream];
    s->paused = true;
    loop_unwatch(&s->watch); // not only masked: a closed other end is always reported
}

void proc_resume(struct proc *p, unsigned stream)
{
    struct proc_stream *s = &p->out[stream];
    if (!s->paused)
        return;
    s->paused = false;
    if (p->state == PROC_RUNNING)
        watch_stream(p, stream);
    else if (p->state == PROC_DRAINING)
        // On the next turn: the caller may be inside a callback that was given the read buffer.
        loop_timer_set(p->core->loop, &p->timer, 0, on_timer);
}

static void begin_run(struct proc *p, struct wire_msg *m)
{
    p->state = PROC_RUNNING;
    if (p->tty) {
        p->out[0].fd = wire_take_fd(m, 0);
        p->in_fd = p->out[0].fd < 0 ? -1 : fcntl(p->out[0].fd, F_DUPFD_CLOEXEC, 3);
        if (p->in_fd < 0 || io_set_nonblock(p->out[0].fd, true)) { // the two share the flag
            proc_kill(p, END_LOST);
            return;
        }
        proc_write_stdin(p);
    }
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        watch_stream(p, i);
}

void proc_started(struct proc *p, struct wire_msg *m)
{
    const struct msg_exec_started *s = &m->body.exec_started;
    if (p->state != PROC_SENT)
        return;
    if (s->code != ERR_NONE) {
        p->kill_reason = END_N;
        proc_lost(p, END_START_FAILED, s->text);
        return;
    }
    begin_run(p, m);
    if (p->state == PROC_RUNNING && p->on_start)
        p->on_start(p);
}

void proc_adopt(struct proc *p, struct sandbox *sb, struct wire_msg *m)
{
    const struct msg_exec_is *is = &m->body.exec_is;
    uint64_t now = clock_mono_ns(), ms = p->timeout_ms;
    p->sb = sb;
    p->number = is->exec;
    p->started_ns = is->started_ns < now ? is->started_ns : now;
    p->state = PROC_SENT;
    list_add_tail(&sb->procs, &p->link);
    loop_timer_cancel(p->core->loop, &sb->idle);
    if (is->code) {
        proc_lost(p, END_START_FAILED, is->text);
        return;
    }
    uint64_t ran_ms = (now - p->started_ns) / 1000000;
    if (is->kill_reason < END_N) { // it was told to end; its end is waited for anew
        p->kill_reason = (enum end_reason)is->kill_reason;
        loop_timer_set(p->core->loop, &p->timer, p->core->conf.kill_grace_ms, on_timer);
    } else if (ms) {
        loop_timer_set(p->core->loop, &p->timer, ms > ran_ms ? ms - ran_ms : 0, on_timer);
    }
    p->tty = is->tty;
    p->want_stdin = is->tty || m->n_fds == 3;
    if (!p->tty) {
        p->out[0].fd = wire_take_fd(m, 0);
        p->out[1].fd = wire_take_fd(m, 1);
        p->in_fd = wire_take_fd(m, 2);
    }
    begin_run(p, m);
}

// --- handing it to init ----------------------------------------------------------------------

struct child_fds {
    int fds[WIRE_FDS_MAX];
    size_t n;
    bool owned[WIRE_FDS_MAX];
};

static void close_child(struct child_fds *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (f->owned[i])
            fd_close(&f->fds[i]);
}

static void add_fd(struct child_fds *f, int fd, bool owned)
{
    f->owned[f->n] = owned;
    f->fds[f->n++] = fd;
}

static int make_pipe(struct child_fds *child, bool child_reads, int *ret_ours)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return -1;
    *ret_ours = fds[child_reads];
    add_fd(child, fds[!child_reads], true);
    return 0;
}

static int make_stdio(struct proc *p, struct child_fds *child, struct err *e)
{
    int bad = 0;
    if (p->tty)
        return 0;
    if (p->stdin_fd >= 0)
        add_fd(child, p->stdin_fd, false);
    else if (p->want_stdin)
        bad = make_pipe(child, true, &p->in_fd) || unblock(p->in_fd);
    else
        add_fd(child, p->core->null_fd, false);
    for (unsigned i = 0; i < EXEC_STREAMS && !bad; i++)
        bad = make_pipe(child, false, &p->out[i].fd);
    return bad ? err_sys(e, "pipes") : 0;
}

static int put_args(struct proc *p, struct child_fds *child, struct wire_bytes *ret, struct err *e)
{
    size_t others = (p->cwd ? strlen(p->cwd) : 0) + (p->user ? strlen(p->user) : 0);
    if (p->args.len + others <= ARGS_INLINE) {
        *ret = p->args;
        return 0;
    }
    int fd = memfd_create("args", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_sys(e, "arguments");
    add_fd(child, fd, true);
    if (io_write_full(fd, p->args.p, p->args.len) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
        return err_sys(e, "arguments");
    *ret = (struct wire_bytes){0};
    return 0;
}

static int send_exec(struct proc *p, struct child_fds *child, struct err *e)
{
    struct msg_exec m; // only its fields are sent, so its 4 KiB need no clearing
    if (make_stdio(p, child, e) || put_args(p, child, &m.args, e))
        return -1;
    m.exec = p->number;
    m.n_argv = p->n_argv;
    m.n_env = p->n_env;
    m.program = p->program;
    m.uid = m.gid = p->root ? 0 : UINT32_MAX;
    m.tty = p->tty;
    m.rows = p->rows;
    m.cols = p->cols;
    m.memory_bytes = p->memory_bytes;
    m.pids = p->pids;
    m.hold = p->brief && !p->tty;
    m.n_fds = (uint32_t)child->n;
    m.n_kept = 0;
    TEXT_PUT(m.tag, p->tag ? p->tag : "");
    const int ours[] = {p->out[0].fd, p->out[1].fd, p->in_fd};
    for (unsigned i = 0; p->tag && i < N_ELEMS(ours) && ours[i] >= 0; i++, m.n_kept++)
        add_fd(child, ours[i], false);
    TEXT_PUT(m.cwd, p->cwd ? p->cwd : "");
    m.user[0] = '\0';
    uint64_t uid;
    if (p->user && !num_parse_u64(p->user, 0, 65535, &uid, NULL))
        m.uid = (uint32_t)uid;
    else if (p->user)
        TEXT_PUT(m.user, p->user);
    return wire_send(p->sb->init_fd, MSG_EXEC, p->number, &m, child->fds, child->n, e);
}

// As a pipe is whose end was read already.
static int ended_pipe(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC))
        return -1;
    fd_close(&fds[1]);
    return fds[0];
}

int proc_keep(struct proc *p, struct err *e)
{
    struct child_fds fds = {0};
    struct msg_exec_is m = {.exec = p->number, .started_ns = p->started_ns, .kill_reason = END_N};
    bool goes_on = (p->state == PROC_SENT || p->state == PROC_RUNNING) && p->kill_reason == END_N;
    if (!goes_on || p->tty || proc_stdin_left(p))
        return err_set(e, ERR_CONFLICT, "it cannot be left alone");
    TEXT_PUT(m.tag, p->tag);
    int bad = 0;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        bool open = p->out[i].fd >= 0;
        add_fd(&fds, open ? p->out[i].fd : ended_pipe(), !open);
        bad |= fds.fds[i] < 0;
    }
    if (p->in_fd >= 0)
        add_fd(&fds, p->in_fd, false);
    bad = bad ? err_sys(e, "pipes")
              : wire_send(p->sb->init_fd, MSG_EXEC_KEEP, p->number, &m, fds.fds, fds.n, e);
    close_child(&fds);
    return bad;
}

int proc_send(struct proc *p, struct err *e)
{
    struct child_fds child = {0};
    if (p->on_hand)
        p->on_hand(p);
    p->started_ns = clock_mono_ns();
    int bad = send_exec(p, &child, e);
    close_child(&child);
    if (bad) {
        fd_close(&p->in_fd);
        for (unsigned i = 0; i < EXEC_STREAMS; i++)
            fd_close(&p->out[i].fd);
        return -1;
    }
    fd_close(&p->stdin_fd);
    list_del(&p->link);
    list_add_tail(&p->sb->procs, &p->link);
    p->state = PROC_SENT;
    loop_timer_cancel(p->core->loop, &p->sb->idle);
    if (p->timeout_ms)
        loop_timer_set(p->core->loop, &p->timer, p->timeout_ms, on_timer);
    if (!p->tty && p->in_fd >= 0)
        proc_write_stdin(p);
    return 0;
}

void proc_start(struct proc *p, struct sandbox *sb)
{
    struct err e = {0};
    p->sb = sb;
    p->number = ++p->core->next_exec;
    p->state = PROC_WAITING;
    bool first = p->ahead || (list_empty(&sb->waiting) && !sb->gated);
    list_add_tail(&sb->waiting, &p->link);
    if (sb->state != SB_LIVE) {
        sandbox_start(sb);
        return;
    }
    if (!first || !proc_send(p, &e))
        return; // behind others that wait for room, or on its way
    if (e.code == ERR_BUSY || e.code == ERR_LOST) {
        // Room comes with EPOLLOUT; a lost init is told by its socket, and it starts again.
        loop_watch_events(&sb->watch, EPOLLIN | EPOLLOUT);
        return;
    }
    proc_end_later(p, END_START_FAILED, e.text);
}

// --- ending it, signals, size ----------------------------------------------------------------

bool proc_flush(struct proc *p)
{
    struct err e = {0};
    if (p->kill_unsent) {
        struct msg_exec_kill m = {
            .exec = p->number, .signal = SIGKILL, .whole = 1, .reason = p->kill_reason};
        p->kill_unsent = wire_send(p->sb->init_fd, MSG_EXEC_KILL, p->number, &m, NULL, 0, &e) &&
                         e.code == ERR_BUSY;
    }
    if (p->resize_unsent) {
        struct msg_exec_resize m = {.exec = p->number, .rows = p->rows, .cols = p->cols};
        p->resize_unsent = wire_send(p->sb->init_fd, MSG_EXEC_RESIZE, p->number, &m, NULL, 0, &e) &&
                           e.code == ERR_BUSY;
    }
    if (p->stdin_unsent) {
        struct msg_exec_forget m = {.exec = p->number, .only_stdin = 1};
        p->stdin_unsent = wire_send(p->sb->init_fd, MSG_EXEC_FORGET, p->number, &m, NULL, 0, &e) &&
                          e.code == ERR_BUSY;
    }
    bool unsent = p->kill_unsent || p->resize_unsent || p->stdin_unsent;
    if (unsent)
        loop_watch_events(&p->sb->watch, EPOLLIN | EPOLLOUT);
    return unsent;
}

static void on_timer(struct timer *t)
{
    struct proc *p = container_of(t, struct proc, timer);
    if (p->state == PROC_DRAINING)
        read_all(p);
    else if (p->kill_reason == END_N)
        proc_kill(p, END_TIMED_OUT);
    else if (p->sb)
        sandbox_break(p->sb); // init did not report the end of what it was told to kill
}

void proc_end_later(struct proc *p, enum end_reason why, const char *detail)
{
    list_del(&p->link);
    p->end.reason = why;
    p->end.timed_out = why == END_TIMED_OUT;
    TEXT_PUT(p->end.detail, detail);
    p->state = PROC_DRAINING;
    loop_timer_set(p->core->loop, &p->timer, 0, on_timer);
}

void proc_kill(struct proc *p, enum end_reason why)
{
    switch (p->state) {
    case PROC_WAITING:
        proc_end_later(p, why, "");
        return;
    case PROC_SENT:
    case PROC_RUNNING:
        if (p->kill_reason != END_N)
            return;
        p->kill_reason = why;
        p->kill_unsent = true;
        loop_timer_set(p->core->loop, &p->timer, p->core->conf.kill_grace_ms, on_timer);
        if (p->sb->init_fd >= 0)
            (void)proc_flush(p); // what is unsent goes when there is room
        return;
    case PROC_NEW:
    case PROC_DRAINING:
    case PROC_DONE:
        return;
    }
}

int proc_signal(struct proc *p, int signal, struct err *e)
{
    if (p->state != PROC_SENT && p->state != PROC_RUNNING)
        return err_set(e, p->state == PROC_WAITING ? ERR_CONFLICT : ERR_GONE, "it does not run");
    struct msg_exec_kill m = {.exec = p->number, .signal = (uint32_t)signal};
    return wire_send(p->sb->init_fd, MSG_EXEC_KILL, p->number, &m, NULL, 0, e);
}

int proc_resize(struct proc *p, uint16_t rows, uint16_t cols, struct err *e)
{
    if (!p->tty)
        return err_set(e, ERR_CONFLICT, "it has no terminal");
    p->rows = rows;
    p->cols = cols;
    if (p->state == PROC_SENT || p->state == PROC_RUNNING) {
        p->resize_unsent = true;
        if (p->sb->init_fd >= 0)
            (void)proc_flush(p); // as above
    }
    return 0;
}
