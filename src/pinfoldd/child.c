// SPDX-License-Identifier: Apache-2.0
// One child process: its settings, the descriptors it inherits, fork and exec.
#include "pinfoldd_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int child_settings(const struct child *c, const struct conf *conf, int *ret, struct err *e)
{
    own_buf struct buf text;
    buf_init(&text, 1 << 20);
    if (conf_format(conf, c->who, &text))
        return err_set(e, ERR_LIMIT, "the settings are larger than %zu bytes", text.max);
    own_fd int fd = memfd_create("pinfold-settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool bad = fd < 0 || io_write_full(fd, text.data, text.len) ||
               fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    explicit_bzero(text.data, text.len); // it holds the admin token
    if (bad)
        return err_sys(e, "write the settings of %s", c->role);
    fd_close(ret);
    *ret = fd_steal(&fd);
    return 0;
}

// --- between fork and exec: system calls only -----------------------------------------------

#define FDS_MAX (START_LISTEN + LISTEN_MAX)
// Above all numbers of the contract, so that moving one down cannot overwrite another's source.
#define FD_PARK 64

static _Noreturn void die(int where)
{
    static const char text[] = "pinfoldd: the child cannot be started, step ";
    char digit = (char)('0' + where), nl = '\n';
    (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)!write(STDERR_FILENO, &digit, 1);
    (void)!write(STDERR_FILENO, &nl, 1);
    _exit(127);
}

static void place_fds(const int *from, int n)
{
    int parked[FDS_MAX];
    for (int i = 0; i < n; i++) {
        parked[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_PARK);
        if (parked[i] < 0)
            die(1);
    }
    for (int i = 0; i < n; i++)
        if (dup2(parked[i], i) < 0) // clears close-on-exec on the number of the contract
            die(2);
    if (close_range((unsigned)n, ~0u, CLOSE_RANGE_CLOEXEC))
        die(3);
}

static void default_signals(void)
{
    // An ignored signal stays ignored over exec; children start with a clean slate.
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &dfl, NULL); // KILL, STOP and libc's own refuse: fine
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void run_child(const struct child *c, pid_t parent, const int *fds, int n)
{
    int bin_fd = fcntl(c->super->bin_fd, F_DUPFD_CLOEXEC, FD_PARK + FDS_MAX);
    place_fds(fds, n);
    default_signals();
    if (setsid() < 0) // Ctrl-C in a terminal is pinfoldd's to handle, in order
        die(4);
    // At once: what runs in sandboxes goes on, and the next pinfoldd's children take it up.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        die(5);
    if (chdir("/"))
        die(6);
    char *const argv[] = {(char *)(uintptr_t)c->binary, NULL}, *const envp[] = {NULL};
    (void)syscall(SYS_execveat, bin_fd, c->binary, argv, envp, 0);
    die(7);
}

// --- in the parent --------------------------------------------------------------------------

static int list_fds(const struct child *c, int log_fd, int ready_fd, int fds[FDS_MAX])
{
    const struct super *s = c->super;
    int n = 0;
    fds[n++] = s->null_fd;
    fds[n++] = log_fd;
    fds[n++] = log_fd;
    fds[n++] = c->peer_fd;
    fds[n++] = c->state_fd;
    fds[n++] = s->profiles_fd;
    fds[n++] = s->images_fd;
    fds[n++] = c->turn_fd >= 0 ? c->turn_fd : c->settings_fd;
    fds[n++] = ready_fd;
    fds[n++] = c->handover_fd >= 0 ? c->handover_fd : s->null_fd;
    fds[n++] = c->egress_fd;
    for (unsigned i = 0; c->listens && i < s->n_listen; i++)
        fds[n++] = s->listen_fds[i];
    return n;
}

int child_start(struct child *c, struct err *e)
{
    int log_pipe[2], ready_pipe[2], fds[FDS_MAX];
    if (pipe2(log_pipe, O_CLOEXEC))
        return err_sys(e, "make the log pipe of %s", c->role);
    own_fd int log_in = log_pipe[0], log_out = log_pipe[1];
    if (pipe2(ready_pipe, O_CLOEXEC))
        return err_sys(e, "make the ready pipe of %s", c->role);
    own_fd int ready_in = ready_pipe[0], ready_out = ready_pipe[1];
    int n = list_fds(c, log_out, ready_out, fds);
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return err_sys(e, "fork %s", c->role);
    if (pid == 0)
        run_child(c, parent, fds, n);
    c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (c->pidfd < 0)
        abort(); // our own unreaped child: only lack of descriptors or memory
    c->pid = pid;
    c->ready = false;
    c->ready_fd = fd_steal(&ready_in);
    c->started_ms = clock_mono_ms();
    child_log_open(c, fd_steal(&log_in));
    return 0;
}

void child_ended(struct child *c)
{
    loop_unwatch(&c->exit_watch);
    loop_unwatch(&c->ready_watch);
    fd_close(&c->pidfd);
    fd_close(&c->ready_fd);
    child_log_close(c);
    c->pid = 0;
    c->ready = false;
}

void child_signal(const struct child *c, int sig)
{
    if (c->pid)
        (void)syscall(SYS_pidfd_send_signal, c->pidfd, sig, NULL, 0); // it may have just ended
}
