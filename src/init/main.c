// SPDX-License-Identifier: Apache-2.0
// Init's loop. Theory of operation: init_int.h.
#include "init_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/stage.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static struct init the_init; // the one state of this process

void answer(enum wire_type type, uint64_t id, const void *body, const int *fds, size_t n)
{
    struct err e;
    // A server that does not read its answers loses them; it asks again after its restart.
    (void)wire_send(INIT_FD_CONTROL, type, id, body, fds, n, &e);
}

// --- requests -------------------------------------------------------------------------------

static void on_exec(struct init *in, struct launch *l)
{
    struct wire_msg *m = &l->m;
    uint64_t exec = m->body.exec.exec;
    struct msg_exec_started ret = {.exec = exec};
    struct exec_slot *x = slot_find(in, 0);
    if (!exec || slot_find(in, exec) || !x) {
        ret.code = x ? ERR_CONFLICT : ERR_LIMIT;
        (void)snprintf(ret.text, sizeof(ret.text),
                       x ? "arguments: the number is in use" : "arguments: %d commands run already",
                       EXECS_MAX);
        answer(MSG_EXEC_STARTED, m->id, &ret, NULL, 0);
        return;
    }
    *x = (struct exec_slot){.exec = exec, .master_fd = -1};
    spawn(in, x, l, &ret);
    bool tty = x->pid && x->master_fd >= 0;
    keep_begin(&in->keep, m, &ret, tty ? x->master_fd : -1);
    if (x->pid && !ret.code && !tty && m->body.exec.hold)
        slot_hold(in, x);
    else
        answer(MSG_EXEC_STARTED, m->id, &ret, &x->master_fd, tty ? 1 : 0);
    if (!x->pid)
        slot_release(in, x);
    else
        in->n_execs++;
}

static void on_kill(struct init *in, const struct msg_exec_kill *k)
{
    struct exec_slot *x = k->exec ? slot_find(in, k->exec) : NULL;
    if (!x)
        return; // it has ended; the end was reported
    if (k->whole)
        group_kill(&x->group);
    else if (x->pid)
        (void)kill(-x->pid, (int)k->signal); // the command leads a session of its own
}

static void on_resize(struct init *in, const struct msg_exec_resize *r)
{
    struct exec_slot *x = r->exec ? slot_find(in, r->exec) : NULL;
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
    struct launch *l = launch_free();
    struct wire_msg *m = &l->m;
    int r = wire_recv(INIT_FD_CONTROL, PEER_SERVER, PEER_INIT, m, &e);
    if (r < 0 && (e.code != ERR_LOST || keep_wait(&in->keep)))
        _exit(e.code == ERR_LOST ? 0 : 1); // nobody to work for; the kernel ends what is inside
    if (r < 0)
        end_unkept(in);
    if (r <= 0)
        return;
    // One that ended meanwhile was told; nothing more will come to be kept.
    if (m->row->type != MSG_EXEC_KEEP || slot_find(in, m->body.exec_is.exec))
        keep_handle(&in->keep, m);
    switch (m->row->type) {
    case MSG_EXEC:
        on_exec(in, l);
        break;
    case MSG_EXEC_KILL:
        on_kill(in, &m->body.exec_kill);
        break;
    case MSG_EXEC_RESIZE:
        on_resize(in, &m->body.exec_resize);
        break;
    case MSG_DENIALS:
        on_denials(in, m->id);
        break;
    default: // the table lets nothing else through
        break;
    }
    wire_release(m);
}

// --- start ------------------------------------------------------------------------------------

static _Noreturn void fail(uint32_t step, int sys)
{
    struct box_report r = {.step = step, .sys = sys};
    (void)send(INIT_FD_REPORT, &r, sizeof(r), MSG_NOSIGNAL);
    _exit(1);
}

static int set_up(struct init *in)
{
    sigset_t all;
    for (int fd = INIT_FD_CONTROL; fd < INIT_FD_END; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) && errno != EBADF)
            return -1;
    who_init(&in->who);
    keep_init(&in->keep, INIT_FD_CONTROL, INIT_FD_SPARE, in->start.linger_ms);
    (void)prctl(PR_SET_NAME, "pinfold-init");
    // Commands start with every signal as it is by default: exec keeps what is ignored.
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int s = 1; s < 32; s++)
        (void)sigaction(s, &dfl, NULL); // two of them cannot be set, and need not
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
    uint32_t step;
    if (stage_act(&in->start, &step))
        fail(step, errno);
    if (set_up(in))
        fail(REPORT_INIT, errno);
    groups_prepare(in);
    sigset_t child;
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    int signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pollfd fds[] = {
        {.fd = INIT_FD_CONTROL, .events = POLLIN},
        {.fd = signal_fd, .events = POLLIN},
        {.fd = in->notify_fd, .events = POLLIN},
        {.fd = in->who.fd, .events = POLLIN},
    };
    for (;;) {
        int n = poll(fds, N_ELEMS(fds), in->n_held ? HOLD_MS : keep_patience(&in->keep));
        if ((n < 0 && errno != EINTR) || !keep_patience(&in->keep))
            _exit(1); // or nobody came
        if (fds[1].revents)
            on_child(in, signal_fd);
        if (fds[2].revents & POLLIN)
            denials_notify(in);
        else if (fds[2].revents)
            fds[2].fd = -1; // nobody carries the filter any more; cannot be while we live
        if (fds[0].revents)
            on_control(in);
        if (fds[3].revents) {
            who_serve(&in->who, &launch_free()->m);
            fds[3].fd = in->who.fd;
        }
        if (in->n_held)
            tell_held(in);
    }
}
