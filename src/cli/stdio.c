// SPDX-License-Identifier: Apache-2.0
// One command in a running box, with its input and output relayed.
//
// The command gets pipes (or a terminal of the box), never our own descriptors: those could be
// opened anew through /proc/self/fd inside, with other rights than they have.
#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pinfold/box.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/wire.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>

#define CHUNK 65536

// One direction: what came from `from` and is not yet written to `to`.
struct relay {
    int from, to; // -1: closed
    bool own_from;
    size_t most; // of one write: what poll promises that a blocking descriptor takes
    char data[CHUNK];
    size_t at, len;
};
struct session {
    struct box *box;
    const struct box_run *run;
    struct relay in, out, err;
    int signal_fd;
    bool ended, timed_out, cancelled;
    struct msg_exec_exited end;
    uint64_t deadline_ms; // 0: none
    struct termios saved;
    bool raw;
    struct wire_msg msg;
};

// --- starting -------------------------------------------------------------------------------

static int put_strings(struct buf *b, char *const *list, uint32_t *ret_n)
{
    for (; *list; list++, ++*ret_n)
        if (buf_append(b, *list, strlen(*list) + 1))
            return -1;
    return 0;
}

static int args_file(const struct buf *b, struct err *e)
{
    own_fd int fd = memfd_create("args", MFD_CLOEXEC);
    if (fd < 0 || io_write_full(fd, b->data, b->len) || lseek(fd, 0, SEEK_SET) < 0)
        return err_sys(e, "hand over the arguments");
    return fd_steal(&fd);
}

static int send_exec(struct session *s, const int *stdio, struct err *e)
{
    const struct box_run *r = s->run;
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    struct msg_exec m = {
        .exec = 1, .uid = r->uid, .gid = r->gid, .tty = r->tty, .program = r->tool};
    int fds[4];
    size_t n = 0;
    own_buf struct buf args;
    own_fd int memfd = -1;
    buf_init(&args, 2u << 20);
    if (put_strings(&args, r->argv, &m.n_argv) || put_strings(&args, r->env, &m.n_env))
        return err_set(e, ERR_LIMIT, "arguments and environment are larger than 2 MiB");
    (void)snprintf(m.cwd, sizeof(m.cwd), "%s", r->cwd);
    (void)snprintf(m.user, sizeof(m.user), "%s", r->user);
    if (r->tty && !ioctl(r->in_fd, TIOCGWINSZ, &size) && size.ws_row) {
        m.rows = size.ws_row;
        m.cols = size.ws_col;
    }
    for (int i = 0; !r->tty && i < 3; i++)
        fds[n++] = stdio[i];
    if (args.len > WIRE_MAX - sizeof(m) - 256)
        fds[n++] = memfd = args_file(&args, e);
    else
        m.args = (struct wire_bytes){args.data, args.len};
    m.n_fds = (uint32_t)n;
    return n && fds[n - 1] < 0 ? -1 : wire_send(s->box->control_fd, MSG_EXEC, 1, &m, fds, n, e);
}

// Init's answer: 0, or the exit code for why not.
static int await_start(struct session *s, struct err *e)
{
    struct pollfd p = {.fd = s->box->control_fd, .events = POLLIN};
    int r;
    while (!(r = wire_recv(p.fd, PEER_INIT, PEER_SERVER, &s->msg, e)))
        (void)poll(&p, 1, -1); // an interrupted wait is tried again
    if (r < 0)
        return EXIT_NOT_STARTED;
    const struct msg_exec_started *m = &s->msg.body.exec_started;
    if (s->msg.row->type != MSG_EXEC_STARTED)
        err_set(e, ERR_INTERNAL, "unexpected message %s", s->msg.row->name);
    else if (m->code != ERR_NONE)
        err_set(e, (enum err_code)m->code, "%s: %s", s->run->argv[0], m->text);
    else
        return 0;
    // Only the last step is about the program; the others are about what it was to run in.
    if (s->msg.row->type != MSG_EXEC_STARTED || strncmp(m->text, "exec:", 5))
        return EXIT_NOT_STARTED;
    return m->sys == ENOENT   ? EXIT_NO_COMMAND
           : m->sys == EACCES ? EXIT_NOT_EXECUTABLE
                              : EXIT_NOT_STARTED;
}

static void take_terminal(struct session *s)
{
    int master = wire_take_fd(&s->msg, 0);
    s->out.from = master;
    s->out.own_from = true;
    s->in.to = fcntl(master, F_DUPFD_CLOEXEC, 3);
    struct termios t;
    if (tcgetattr(s->run->in_fd, &s->saved))
        return;
    t = s->saved;
    cfmakeraw(&t);
    s->raw = !tcsetattr(s->run->in_fd, TCSANOW, &t);
}

static int start(struct session *s, struct err *e)
{
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, code = EXIT_NOT_STARTED;
    bool tty = s->run->tty, bad = false;
    for (int i = 0; !tty && i < 3; i++)
        bad = bad || pipe2(pipes[i], O_CLOEXEC);
    const int far[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
    if (bad)
        err_sys(e, "make pipes");
    else if (!send_exec(s, far, e))
        code = await_start(s, e);
    for (int i = 0; i < 3; i++)
        fd_close(&pipes[i][i ? 1 : 0]);
    s->in.to = pipes[0][1];
    s->out.from = pipes[1][0];
    s->err.from = pipes[2][0];
    s->out.own_from = s->err.own_from = true;
    if (!code && tty)
        take_terminal(s);
    wire_release(&s->msg);
    return code;
}

// --- relaying -------------------------------------------------------------------------------

static void close_in(struct session *s)
{
    s->in.from = -1;
    fd_close(&s->in.to);
}

static void close_from(struct relay *r)
{
    if (r->own_from)
        fd_close(&r->from);
    r->from = -1;
}

// Move what can be moved without waiting.
static void move(struct relay *r, bool can_read, bool can_write)
{
    if (can_read && r->at == r->len) {
        ssize_t n = read(r->from, r->data, sizeof(r->data));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        r->at = 0;
        r->len = n > 0 ? (size_t)n : 0;
        if (n <= 0)
            close_from(r); // the end; EIO is how a terminal says that nobody has it open
        return;
    }
    if (can_write && r->at < r->len) {
        size_t left = r->len - r->at;
        ssize_t n = write(r->to, r->data + r->at, left < r->most ? left : r->most);
        if (n > 0) {
            r->at += (size_t)n;
        } else if (errno != EAGAIN && errno != EINTR) {
            r->at = r->len = 0;
            close_from(r); // nobody reads it any more
        }
    }
}

static struct pollfd wanted(const struct relay *r)
{
    bool full = r->at < r->len;
    return (struct pollfd){.fd = full ? r->to : r->from, .events = full ? POLLOUT : POLLIN};
}

static void run_relay(struct relay *r, const struct pollfd *p)
{
    if (p->revents)
        move(r, p->events == POLLIN, p->events == POLLOUT);
}

static void end_all(struct session *s)
{
    struct msg_exec_kill k = {.exec = 1, .signal = SIGKILL, .whole = 1};
    (void)wire_send(s->box->control_fd, MSG_EXEC_KILL, 2, &k, NULL, 0, NULL); // or it is gone
}

static void on_signal(struct session *s)
{
    struct signalfd_siginfo si;
    if (read(s->signal_fd, &si, sizeof(si)) != sizeof(si))
        return;
    struct winsize size;
    if (si.ssi_signo == SIGWINCH) {
        if (!s->run->tty || ioctl(s->run->in_fd, TIOCGWINSZ, &size))
            return;
        struct msg_exec_resize r = {.exec = 1, .rows = size.ws_row, .cols = size.ws_col};
        (void)wire_send(s->box->control_fd, MSG_EXEC_RESIZE, 3, &r, NULL, 0, NULL);
    } else if (s->cancelled) {
        end_all(s); // asked a second time
    } else {
        struct msg_exec_kill k = {.exec = 1, .signal = si.ssi_signo};
        s->cancelled = true;
        (void)wire_send(s->box->control_fd, MSG_EXEC_KILL, 2, &k, NULL, 0, NULL);
    }
}

static int on_control(struct session *s, struct err *e)
{
    int r = wire_recv(s->box->control_fd, PEER_INIT, PEER_SERVER, &s->msg, e);
    if (r < 0)
        return err_wrap(e, "the sandbox ended");
    if (r > 0 && s->msg.row->type == MSG_EXEC_EXITED) {
        s->end = s->msg.body.exec_exited;
        s->ended = true; // everything it started is dead, so its pipes end by themselves
    }
    if (r > 0)
        wire_release(&s->msg);
    return 0;
}

static int time_left(struct session *s)
{
    uint64_t due = s->deadline_ms, now = clock_mono_ms();
    if (!due || s->ended)
        return -1;
    return due <= now ? 0 : due - now > 1000000 ? 1000000 : (int)(due - now);
}

static bool over(const struct session *s)
{
    return s->ended && s->out.from < 0 && s->err.from < 0 && s->out.at == s->out.len &&
           s->err.at == s->err.len;
}

static int turn(struct session *s, struct err *e)
{
    struct pollfd p[] = {wanted(&s->in),
                         wanted(&s->out),
                         wanted(&s->err),
                         {.fd = s->ended ? -1 : s->box->control_fd, .events = POLLIN},
                         {.fd = s->signal_fd, .events = POLLIN}};
    int n = poll(p, N_ELEMS(p), time_left(s));
    if (n < 0 && errno != EINTR)
        return err_sys(e, "wait for the command");
    if (n < 0)
        return 0;
    if (!time_left(s)) {
        s->timed_out = true;
        s->deadline_ms = 0;
        end_all(s);
    }
    run_relay(&s->in, &p[0]);
    run_relay(&s->out, &p[1]);
    run_relay(&s->err, &p[2]);
    if (s->in.to >= 0 && s->in.from < 0 && s->in.at == s->in.len)
        close_in(s);
    if (p[4].revents)
        on_signal(s);
    return p[3].revents ? on_control(s, e) : 0;
}

static int code_of(const struct session *s)
{
    if (s->timed_out)
        return EXIT_TIMED_OUT;
    return s->end.exited ? (int)s->end.exit_code : 128 + (int)s->end.signal;
}

static int watch_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGQUIT);
    (void)sigaddset(&set, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// A pipe that poll calls writable takes PIPE_BUF bytes at once; a file takes all.
static size_t most_of(int fd)
{
    struct stat st;
    return !fstat(fd, &st) && S_ISREG(st.st_mode) ? CHUNK : PIPE_BUF;
}

static void set_ends(struct session *s)
{
    const struct box_run *r = s->run;
    s->in.from = r->in_fd;
    s->out.to = r->out_fd;
    s->err.to = r->err_fd;
    s->in.most = CHUNK;
    s->out.most = most_of(r->out_fd);
    s->err.most = most_of(r->err_fd);
    // Our own pipe or terminal; the caller's descriptors are shared and stay as they are.
    (void)io_set_nonblock(s->in.to, true);
}

int box_run_command(struct box *b, const struct box_run *r, struct err *e)
{
    static struct session s; // its buffers are large, and there is one at a time
    memset(&s, 0, sizeof(s));
    s.box = b;
    s.run = r;
    s.signal_fd = watch_signals();
    s.in.from = s.in.to = s.out.from = s.out.to = s.err.from = s.err.to = -1;
    int code = s.signal_fd < 0 ? (err_sys(e, "watch signals"), EXIT_NOT_STARTED) : start(&s, e);
    if (!code) {
        set_ends(&s);
        s.deadline_ms = r->timeout_ms ? clock_mono_ms() + r->timeout_ms : 0;
        while (!code && !over(&s))
            if (turn(&s, e))
                code = EXIT_NOT_STARTED;
    }
    if (s.raw)
        (void)tcsetattr(r->in_fd, TCSANOW, &s.saved);
    close_from(&s.out);
    close_from(&s.err);
    fd_close(&s.in.to);
    fd_close(&s.signal_fd);
    return code ? code : code_of(&s);
}
