// SPDX-License-Identifier: Apache-2.0
// The programs in the kernel: each is loaded in a child, which then makes calls. No rights are
// needed: no_new_privs is enough.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pinfold/filter.h>
#include <pinfold/guard.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tap.h"

#define HIGH 0xffffffff00000000ul

static int load(const struct filter *f, unsigned flags)
{
    struct sock_fprog program = {.len = (unsigned short)f->n, .filter = f->insns};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

static unsigned long load_us(const struct filter *f)
{
    struct timespec a, b;
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    if (load(f, 0))
        return 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    return (unsigned long)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000) + 1;
}

static bool fails(long r, int want)
{
    return r == -1 && errno == want;
}

static void *on_thread(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

// The number of the first expectation that failed, or 0.
struct count {
    unsigned n, failed;
};
static void must(struct count *c, bool good)
{
    c->n++;
    if (!good && !c->failed)
        c->failed = c->n;
}

static void try_refused(struct count *c)
{
    must(c, fails(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM));
    must(c, fails(syscall(SYS_io_uring_setup, 1, NULL), EPERM));
    must(c, fails(syscall(SYS_bpf, 0, NULL, 0), EPERM));
    must(c, fails(syscall(SYS_ioctl, -1, TIOCSTI, "x"), EPERM));
    must(c, fails(syscall(SYS_ioctl, -1, TIOCSTI | HIGH, "x"), EPERM));
    must(c, fails(syscall(SYS_ioctl, -1, FIONREAD, NULL), EBADF));
    must(c, fails(syscall(SYS_ioctl, -1, FIONREAD | HIGH, NULL), EBADF));
    must(c, fails(socket(AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT));
    must(c, fails(socket(AF_NETLINK, SOCK_RAW, 9), EAFNOSUPPORT));
    must(c, fails(syscall(SYS_socket, AF_VSOCK | HIGH, SOCK_STREAM, 0), EAFNOSUPPORT));
    must(c, fails(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM));
    must(c, fails(syscall(SYS_unshare, CLONE_NEWUSER), EPERM));
    must(c, fails(syscall(SYS_personality, 0x0400000), EPERM));
    must(c, fails(syscall(600), ENOSYS));
    must(c, fails(syscall(451, -1, NULL, NULL, 0), ENOSYS));
    must(c, fails(syscall(0x40000000 | SYS_getpid), ENOSYS));
}

static void try_allowed(struct count *c)
{
    pthread_t t;
    int ran = 0, status = -1;
    must(c, pthread_create(&t, NULL, on_thread, &ran) == 0 && pthread_join(t, NULL) == 0 && ran);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl("/bin/sh", "sh", "-c", "test \"$(echo a | cat)\" = a", (char *)NULL);
        _exit(99);
    }
    must(c, pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
    own_fd int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(c, local >= 0);
    own_fd int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    must(c, file >= 0 && write(file, "x", 1) == 1);
}

struct loaded {
    unsigned long us;
    unsigned failed_refused, failed_allowed, failed_command;
};

static void in_child(const struct filter *f, struct loaded *ret)
{
    struct count refused = {0}, allowed = {0}, command = {0};
    const struct guard_key key = {1, 2};
    struct sock_filter insns[GUARD_INSNS + 1];
    guard_write(&key, insns);
    insns[GUARD_INSNS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct filter on_top = {insns, N_ELEMS(insns)};
    ret->us = load_us(f);
    try_refused(&refused);
    try_allowed(&allowed);
    must(&command, load(&on_top, 0) == 0);
    must(&command, fails(syscall(SYS_clone3, NULL, 0, 1, 3), ENOSYS));
    must(&command, fails(syscall(SYS_clone3, NULL, 0, 1, 2), EINVAL));
    try_allowed(&command);
    ret->failed_refused = refused.failed;
    ret->failed_allowed = allowed.failed;
    ret->failed_command = command.failed;
}

static void test_calls(const struct profile *p)
{
    struct filter f = {0};
    struct err e = {0};
    struct loaded got = {0, 99, 99, 99};
    int pipe_fds[2];
    if (filter_compile(p, false, &f, &e) || pipe2(pipe_fds, O_CLOEXEC)) {
        ok(false, "%s: %s", p->name, e.text);
        return;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        in_child(&f, &got);
        _exit(io_write_full(pipe_fds[1], &got, sizeof(got)) != 0);
    }
    (void)close(pipe_fds[1]);
    (void)io_read_full(pipe_fds[0], &got, sizeof(got));
    (void)close(pipe_fds[0]);
    int status = -1;
    (void)waitpid(pid, &status, 0);
    is_int(status, 0, "%s: lives", p->name);
    ok(got.us, "%s: is loaded", p->name);
    printf("# %s: %u instructions, loaded in %lu us\n", p->name, f.n, got.us);
    is_int(got.failed_refused, 0, "%s: refused calls are refused", p->name);
    is_int(got.failed_allowed, 0, "%s: allowed calls work", p->name);
    is_int(got.failed_command, 0, "%s: and with the guard, which wants its key", p->name);
    filter_release(&f);
}

#if defined(__x86_64__)
static void test_32_bit(const struct profile *p)
{
    struct filter f = {0};
    struct err e = {0};
    if (filter_compile(p, false, &f, &e)) {
        ok(false, "%s", e.text);
        return;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        long r = 20;                    // getpid of i386
        (void)signal(SIGSEGV, SIG_DFL); // a sanitizer's would turn it into an exit code
        if (load(&f, 0))
            _exit(1);
        __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
        _exit(2);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    // SIGSEGV: a kernel without 32-bit calls
    ok(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV),
       "a 32-bit call kills the process");
    filter_release(&f);
}
#endif

static int answer(int listener)
{
    struct seccomp_notif request = {0};
    struct seccomp_notif_resp response = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
        return -1;
    response.id = request.id;
    response.error = -EPERM;
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) ? -1 : request.data.nr;
}

static void test_notify(const struct profile *p)
{
    struct filter f = {0};
    struct err e = {0};
    int pair[2];
    if (filter_compile(p, true, &f, &e) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        ok(false, "%s", e.text);
        return;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int listener = load(&f, SECCOMP_FILTER_FLAG_NEW_LISTENER);
        char byte = 0;
        if (listener < 0 || io_send_fds(pair[1], &byte, 1, &listener, 1) != 1)
            _exit(1);
        (void)close(listener);
        _exit(!fails(syscall(SYS_keyctl, 0, 0, 0, 0, 0), EPERM));
    }
    own_fd int listener = -1;
    char byte;
    size_t n = 1;
    (void)close(pair[1]);
    if (io_recv_fds(pair[0], &byte, 1, &listener, &n, 0) != 1 || n != 1)
        ok(false, "the listener arrived");
    else
        is_int(answer(listener), SYS_keyctl, "a refused call is notified with its number");
    int status = -1;
    (void)waitpid(pid, &status, 0);
    (void)close(pair[0]);
    is_int(status, 0, "and gets the answer");
    filter_release(&f);
}

int main(void)
{
    own_free struct profile *all = NULL;
    unsigned n = 0;
    struct err e = {0};
    own_fd int fd = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!ok(!profile_load_dir(fd, &all, &n, &e), "profiles load %s", e.text))
        return done_testing();
    for (unsigned i = 0; i < n; i++)
        test_calls(&all[i]);
#if defined(__x86_64__)
    test_32_bit(profile_find(all, n, "default"));
#endif
    test_notify(profile_find(all, n, "default"));
    return done_testing();
}
