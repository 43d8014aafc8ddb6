// SPDX-License-Identifier: Apache-2.0
// Reaching into other processes: tracing, memory, descriptors, signals, namespaces.
#include "probe.h"
#include <dirent.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

static pid_t pid_arg(const char *s)
{
    return (pid_t)strtol(s, NULL, 10);
}

static int proc_open(const char *pid, const char *what, int flags)
{
    char path[100];
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, what);
    return open(path, flags | O_CLOEXEC);
}

static int p_attach(char **arg)
{
    return verdict(ptrace(PTRACE_ATTACH, pid_arg(arg[0]), 0, 0), "ptrace attach");
}
static int p_seize(char **arg)
{
    return verdict(ptrace(PTRACE_SEIZE, pid_arg(arg[0]), 0, 0), "ptrace seize");
}
// A child of its own: what a debugger needs. CVE-2019-13272 began like this.
static int p_trace_child(char **arg)
{
    (void)arg;
    pid_t child = fork();
    if (!child) {
        long r = ptrace(PTRACE_TRACEME, 0, 0, 0);
        _exit(r < 0 ? errno : 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    return verdict(errno ? -1 : 0, "ptrace of a child");
}

static int p_vm_read(char **arg)
{
    char byte[16];
    struct iovec local = {byte, sizeof(byte)}, remote = {(void *)0x400000, sizeof(byte)};
    return verdict(process_vm_readv(pid_arg(arg[0]), &local, 1, &remote, 1, 0), "read its memory");
}
static int p_vm_write(char **arg)
{
    char byte[16] = {0};
    struct iovec local = {byte, sizeof(byte)}, remote = {(void *)0x400000, sizeof(byte)};
    return verdict(process_vm_writev(pid_arg(arg[0]), &local, 1, &remote, 1, 0),
                   "write its memory");
}

// PID WHAT MODE: open a file of /proc/PID and, for reading, read a byte.
static int p_proc(char **arg)
{
    char byte;
    int flags = strchr(arg[2], 'w') ? O_RDWR : strchr(arg[2], 'd') ? O_DIRECTORY : O_RDONLY;
    int fd = proc_open(arg[0], arg[1], flags);
    if (fd < 0)
        return refused(arg[1]);
    if (flags == O_RDONLY) {
        ssize_t n = read(fd, &byte, 1);
        return n < 0 ? refused(arg[1]) : worked("read %zd bytes of %s", n, arg[1]);
    }
    if (flags == O_DIRECTORY) {
        DIR *d = fdopendir(fd);
        int n = 0;
        while (d && readdir(d))
            n++;
        return n <= 2 ? refused(arg[1]) : worked("%d entries in %s", n - 2, arg[1]);
    }
    return worked("open %s for writing", arg[1]);
}

static int p_readlink(char **arg)
{
    char path[100], link[300];
    snprintf(path, sizeof(path), "/proc/%s/%s", arg[0], arg[1]);
    ssize_t n = readlink(path, link, sizeof(link) - 1);
    if (n < 0)
        return refused(arg[1]);
    link[n] = 0;
    return worked("%s is %s", arg[1], link);
}

static int p_kill(char **arg)
{
    return verdict(kill(pid_arg(arg[0]), atoi(arg[1])), "kill");
}
// Everything it may signal, but for the caller and pid 1: the kernel's own broadcast.
static int p_kill_all(char **arg)
{
    signal(SIGTERM, SIG_IGN);
    return verdict(kill(-1, atoi(arg[0])), "kill everything");
}
static int p_storm(char **arg)
{
    // All signals with a default that ends a process, some of them many times.
    int failed = 0;
    for (int round = 0; round < 20; round++)
        for (int s = 1; s < 65; s++)
            failed += kill(pid_arg(arg[0]), s) < 0;
    return failed == 20 * 64 ? refused("storm") : worked("sent, %d refused", failed);
}
static int p_sigqueue(char **arg)
{
    // A forged origin: the kernel allows si_code >= 0 only to oneself.
    siginfo_t si = {0};
    si.si_code = SI_USER;
    si.si_pid = 1;
    si.si_uid = 0;
    return verdict(syscall(SYS_rt_sigqueueinfo, pid_arg(arg[0]), SIGURG, &si), "forged siginfo");
}

static int p_pidfd(char **arg)
{
    return verdict(syscall(SYS_pidfd_open, pid_arg(arg[0]), 0), "pidfd_open");
}
static int p_pidfd_getfd(char **arg)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid_arg(arg[0]), 0);
    if (pidfd < 0)
        return broken("pidfd_open");
    return verdict(syscall(SYS_pidfd_getfd, pidfd, atoi(arg[1]), 0), "take a descriptor");
}
static int p_kcmp(char **arg)
{
    return verdict(syscall(SYS_kcmp, getpid(), pid_arg(arg[0]), KCMP_VM, 0, 0), "kcmp");
}
static int p_move_pages(char **arg)
{
    void *page = (void *)0x400000;
    int status = 0;
    return verdict(syscall(SYS_move_pages, pid_arg(arg[0]), 1ul, &page, NULL, &status, 0),
                   "move_pages");
}
static int p_madvise(char **arg)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid_arg(arg[0]), 0);
    struct iovec v = {(void *)0x400000, 4096};
    return verdict(syscall(SYS_process_madvise, pidfd, &v, 1ul, 21 /* PAGEOUT */, 0), "madvise");
}
static int p_prlimit(char **arg)
{
    struct rlimit l = {1, 1};
    return verdict(prlimit(pid_arg(arg[0]), RLIMIT_NOFILE, &l, NULL), "change its limits");
}
static int p_setns(char **arg)
{
    char what[40];
    snprintf(what, sizeof(what), "ns/%s", arg[1]);
    int fd = proc_open(arg[0], what, O_RDONLY);
    if (fd < 0)
        return refused(what);
    return verdict(setns(fd, 0), "setns");
}

static int p_nice(char **arg)
{
    (void)arg;
    return verdict(setpriority(PRIO_PROCESS, 0, -20), "raise the priority");
}
static int p_fifo(char **arg)
{
    (void)arg;
    struct sched_param sp = {.sched_priority = 50};
    return verdict(sched_setscheduler(0, SCHED_FIFO, &sp), "real-time scheduling");
}
static int p_oom(char **arg)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open oom_score_adj");
    return verdict(write(fd, arg[0], strlen(arg[0])), "write oom_score_adj");
}
static int p_rlimit(char **arg)
{
    (void)arg;
    struct rlimit l;
    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_max++;
    return verdict(setrlimit(RLIMIT_NOFILE, &l), "raise a hard limit");
}

// SCM_CREDENTIALS that say pid 1, uid 0: what a daemon that trusts them would see.
static int p_credentials(char **arg)
{
    int sv[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sv))
        return broken("socketpair");
    union {
        char room[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } c = {0};
    static char x = 'x';
    struct iovec v = {&x, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof(c.room)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    struct ucred forged = {.pid = pid_arg(arg[0]), .uid = 0, .gid = 0};
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_CREDENTIALS;
    h->cmsg_len = CMSG_LEN(sizeof(forged));
    memcpy(CMSG_DATA(h), &forged, sizeof(forged));
    return verdict(sendmsg(sv[0], &m, 0), "forged credentials");
}

static int p_become(char **arg)
{
    return verdict(setresuid((uid_t)atoi(arg[0]), (uid_t)atoi(arg[0]), (uid_t)atoi(arg[0])),
                   "become another user");
}
static int p_setgroups(char **arg)
{
    (void)arg;
    gid_t g = 0;
    return verdict(syscall(SYS_setgroups, 1, &g), "setgroups");
}
static int p_exe_file(char **arg)
{
    // Pretend to be another program: what /proc/PID/exe would say to an inspector.
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return broken("open %s", arg[0]);
    return verdict(prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), "replace /proc/self/exe");
}
static int p_crash(char **arg)
{
    (void)arg;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return 0;
}
// Try all pids that could be somebody else's: those in our own /proc are ours.
static int p_kill_foreign(char **arg)
{
    int from = atoi(arg[0]), to = atoi(arg[1]), hit = 0;
    for (int pid = from; pid <= to; pid++)
        hit += kill(pid, 0) == 0;
    if (hit)
        return worked("%d foreign processes", hit);
    errno = ESRCH;
    return refused("find a foreign process");
}

static const struct probe_row rows[] = {
    {"attach", 1, true, p_attach, "PID"},
    {"seize", 1, true, p_seize, "PID"},
    {"trace-child", 0, true, p_trace_child, ""},
    {"vm-read", 1, true, p_vm_read, "PID"},
    {"vm-write", 1, true, p_vm_write, "PID"},
    {"proc", 3, true, p_proc, "PID FILE r|w|d"},
    {"link", 2, true, p_readlink, "PID FILE"},
    {"kill", 2, true, p_kill, "PID SIGNAL"},
    {"kill-all", 1, true, p_kill_all, "SIGNAL"},
    {"storm", 1, true, p_storm, "PID"},
    {"sigqueue", 1, true, p_sigqueue, "PID"},
    {"pidfd", 1, true, p_pidfd, "PID"},
    {"pidfd-getfd", 2, true, p_pidfd_getfd, "PID FD"},
    {"kcmp", 1, true, p_kcmp, "PID"},
    {"move-pages", 1, true, p_move_pages, "PID"},
    {"madvise", 1, true, p_madvise, "PID"},
    {"prlimit", 1, true, p_prlimit, "PID"},
    {"setns", 2, true, p_setns, "PID NAMESPACE"},
    {"nice", 0, true, p_nice, ""},
    {"fifo", 0, true, p_fifo, ""},
    {"oom", 1, true, p_oom, "SCORE"},
    {"rlimit", 0, true, p_rlimit, ""},
    {"credentials", 1, true, p_credentials, "PID"},
    {"become", 1, true, p_become, "UID"},
    {"setgroups", 0, true, p_setgroups, ""},
    {"exe-file", 1, true, p_exe_file, "FILE"},
    {"crash", 0, true, p_crash, ""},
    {"kill-foreign", 2, true, p_kill_foreign, "FROM TO"},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
