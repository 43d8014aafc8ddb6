// SPDX-License-Identifier: Apache-2.0
// Init's loop. Theory of operation: init_int.h.
#include "init_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>

static struct init the_init; // the one state of this process
static struct wire_msg message;

static void answer(enum wire_type type, uint64_t id, const void *body, const int *fds, size_t n)
{
    struct err e;
    // A server that does not read its answers loses them; it asks again after its restart.
    (void)wire_send(INIT_FD_CONTROL, type, id, body, fds, n, &e);
}

static struct exec_slot *find(struct init *in, uint64_t exec)
{
    for (unsigned i = 0; i < EXECS_MAX; i++)
        if (in->execs[i].exec == exec)
            return &in->execs[i];
    return NULL;
}

// --- requests -------------------------------------------------------------------------------

static void on_exec(struct init *in, struct wire_msg *m)
{
    uint64_t exec = m->body.exec.exec;
    struct msg_exec_started ret = {.exec = exec};
    struct exec_slot *x = find(in, 0);
    if (!exec || find(in, exec) || !x) {
        ret.code = x ? ERR_CONFLICT : ERR_LIMIT;
        (void)snprintf(ret.text, sizeof(ret.text),
                       x ? "arguments: the number is in use" : "arguments: %d commands run already",
                       EXECS_MAX);
        answer(MSG_EXEC_STARTED, m->id, &ret, NULL, 0);
        return;
    }
    *x = (struct exec_slot){.exec = exec, .master_fd = -1};
    spawn(in, x, m, &ret);
    bool tty = x->pid && x->master_fd >= 0;
    answer(MSG_EXEC_STARTED, m->id, &ret, &x->master_fd, tty ? 1 : 0);
    if (!x->pid)
        x->exec = 0;
}

static void on_kill(struct init *in, const struct msg_exec_kill *k)
{
    struct exec_slot *x = k->exec ? find(in, k->exec) : NULL;
    if (!x)
        return; // it has ended; the end was reported
    x->killed = true;
    if (k->whole)
        group_kill(&x->group);
    else if (x->pid)
        (void)kill(-x->pid, (int)k->signal); // the command leads a session of its own
}

static void on_resize(struct init *in, const struct msg_exec_resize *r)
{
    struct exec_slot *x = r->exec ? find(in, r->exec) : NULL;
    struct winsize size = {.ws_row = (unsigned short)r->rows, .ws_col = (unsigned short)r->cols};
    if (x && x->master_fd >= 0)
        (void)ioctl(x->master_fd, TIOCSWINSZ, &size); // a terminal that hung up keeps its size
}

static void on_denials(struct init *in, uint64_t id)
{
    struct msg_denials d = {
        .rows = {.p = in->denials, .len = in->n_denials * sizeof(in->denials[0])},
        .total = in->denied_total,
    };
    answer(MSG_DENIALS_ARE, id, &d, NULL, 0);
}

static void on_control(struct init *in)
{
    struct err e;
    int r = wire_recv(INIT_FD_CONTROL, PEER_SERVER, PEER_INIT, &message, &e);
    if (r < 0)
        _exit(e.code == ERR_LOST ? 0 : 1); // nobody to work for; the kernel ends what is inside
    if (r == 0)
        return;
    switch (message.row->type) {
    case MSG_EXEC:
        on_exec(in, &message);
        break;
    case MSG_EXEC_KILL:
        on_kill(in, &message.body.exec_kill);
        break;
    case MSG_EXEC_RESIZE:
        on_resize(in, &message.body.exec_resize);
        break;
    case MSG_DENIALS:
        on_denials(in, message.id);
        break;
    default: // the table lets nothing else through
        break;
    }
    wire_release(&message);
}

// --- ends ---------------------------------------------------------------------------------------

static void report_end(struct init *in, struct exec_slot *x)
{
    bool exited = WIFEXITED(x->status);
    uint64_t peak = group_peak_bytes(&x->group);
    struct statfs disk = {.f_bavail = UINT32_MAX, .f_ffree = UINT32_MAX, .f_bsize = 4096};
    (void)statfs("/workspace", &disk); // a workspace that was moved away is not full
    struct msg_exec_exited m = {
        .exec = x->exec,
        .exited = exited,
        .exit_code = exited ? (uint32_t)WEXITSTATUS(x->status) : 0,
        .signal = exited ? 0 : (uint32_t)WTERMSIG(x->status),
        .cpu_us = group_cpu_us(&x->group),
        .max_memory_bytes = peak ? peak : x->rss_bytes,
        .oom_kills = (uint32_t)(group_oom_kills(&x->group) - x->oom_base),
        .pids_refused = (uint32_t)(group_pids_refused(&x->group) - x->pids_base),
        .disk_free_bytes = (uint64_t)disk.f_bavail * (uint64_t)disk.f_bsize,
        .disk_free_inodes = (uint64_t)disk.f_ffree,
    };
    fd_close(&x->master_fd);
    group_give_back(in, x);
    x->exec = 0;
    answer(MSG_EXEC_EXITED, 0, &m, NULL, 0);
}

// What a command leaves behind ends with it; it is reported once nothing of it is left.
static void settle(struct init *in)
{
    for (unsigned i = 0; i < EXECS_MAX; i++) {
        struct exec_slot *x = &in->execs[i];
        if (!x->exec || x->pid)
            continue;
        if (group_populated(&x->group))
            group_kill(&x->group);
        else
            report_end(in, x);
    }
}

static void on_child(struct init *in, int signal_fd)
{
    struct signalfd_siginfo info;
    if (read(signal_fd, &info, sizeof(info)) < 0 && errno == EAGAIN)
        return;
    int status;
    struct rusage use;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &use)) > 0;)
        for (unsigned i = 0; i < EXECS_MAX; i++)
            if (in->execs[i].exec && in->execs[i].pid == pid) {
                in->execs[i].pid = 0;
                in->execs[i].status = status;
                in->execs[i].rss_bytes = (uint64_t)use.ru_maxrss * 1024;
                break;
            }
    settle(in);
}

// --- start ------------------------------------------------------------------------------------

static _Noreturn void fail(int sys)
{
    struct box_report r = {.step = 0xfffe, .sys = sys};
    (void)send(INIT_FD_REPORT, &r, sizeof(r), MSG_NOSIGNAL);
    _exit(1);
}

static int set_up(struct init *in)
{
    sigset_t all;
    if (recv(INIT_FD_REPORT, &in->start, sizeof(in->start), 0) != sizeof(in->start))
        return -1;
    for (int fd = INIT_FD_CONTROL; fd < INIT_FD_END; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) && errno != EBADF)
            return -1;
    (void)prctl(PR_SET_NAME, "pinfold-init");
    (void)sigfillset(&all);
    if (io_set_nonblock(INIT_FD_CONTROL, true) || sigprocmask(SIG_SETMASK, &all, NULL) ||
        groups_init(in) || power_drop(in) || power_filter(in))
        return -1;
    struct box_report r = {.step = REPORT_READY};
    if (send(INIT_FD_REPORT, &r, sizeof(r), MSG_NOSIGNAL) != sizeof(r))
        return -1;
    return close(INIT_FD_REPORT);
}

int main(void)
{
    struct init *in = &the_init;
    if (getpid() != 1)
        return 2; // only ever pid 1 of a sandbox
    if (set_up(in))
        fail(errno);
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    int signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd fds[] = {
        {.fd = INIT_FD_CONTROL, .events = POLLIN},
        {.fd = signal_fd, .events = POLLIN},
        {.fd = in->notify_fd, .events = POLLIN},
    };
    for (;;) {
        if (poll(fds, N_ELEMS(fds), -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[1].revents)
            on_child(in, signal_fd);
        if (fds[2].revents & POLLIN)
            denials_notify(in);
        else if (fds[2].revents)
            fds[2].fd = -1; // nobody carries the filter any more; cannot be while we live
        if (fds[0].revents)
            on_control(in);
    }
}
