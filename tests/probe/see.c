// SPDX-License-Identifier: Apache-2.0
// Looking only: what a process in a sandbox is born with. Harmless anywhere.
#include "probe.h"
#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

extern char **environ;

static int see_fds(char **arg)
{
    (void)arg;
    // Numbers by asking each, not by listing /proc, whose own descriptor would show up.
    for (int fd = 0; fd < 65536; fd++) {
        char path[40], link[300];
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        link[n < 0 ? 0 : n] = 0;
        printf("%d %s\n", fd, link);
    }
    return 0;
}

static int see_env(char **arg)
{
    (void)arg;
    for (char **e = environ; *e; e++)
        puts(*e);
    return 0;
}

static int see_signals(char **arg)
{
    (void)arg;
    sigset_t set;
    sigprocmask(SIG_SETMASK, NULL, &set);
    int blocked = 0, handled = 0;
    for (int s = 1; s < 65; s++) {
        struct sigaction a;
        blocked += sigismember(&set, s) == 1;
        if (!sigaction(s, NULL, &a))
            handled += a.sa_handler != SIG_DFL;
    }
    printf("blocked=%d not-default=%d\n", blocked, handled);
    return 0;
}

static int see_process(char **arg)
{
    (void)arg;
    mode_t mask = umask(0);
    int death = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    printf(
        "pid=%d ppid=%d leader=%d group=%d umask=%03o dumpable=%d securebits=%d death=%d tty=%d\n",
        getpid(), getppid(), getsid(0) == getpid(), getpgrp() == getpid(), mask,
        prctl(PR_GET_DUMPABLE), prctl(PR_GET_SECUREBITS), death,
        open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) >= 0);
    return 0;
}

static int see_limits(char **arg)
{
    (void)arg;
    static const struct {
        int r;
        const char *name;
    } rows[] = {{RLIMIT_CORE, "core"},
                {RLIMIT_NOFILE, "nofile"},
                {RLIMIT_MEMLOCK, "memlock"},
                {RLIMIT_MSGQUEUE, "msgqueue"},
                {RLIMIT_RTPRIO, "rtprio"},
                {RLIMIT_NICE, "nice"},
                {RLIMIT_SIGPENDING, "sigpending"},
                {RLIMIT_NPROC, "nproc"},
                {RLIMIT_FSIZE, "fsize"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rlimit l;
        getrlimit(rows[i].r, &l);
        printf("%s %lld %lld\n", rows[i].name, (long long)l.rlim_cur, (long long)l.rlim_max);
    }
    return 0;
}

static int see_groups(char **arg)
{
    (void)arg;
    uid_t r, e, s;
    gid_t gr, ge, gs, list[64];
    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    int n = getgroups(64, list);
    printf("uid=%u,%u,%u gid=%u,%u,%u groups=", r, e, s, gr, ge, gs);
    for (int i = 0; i < n; i++)
        printf("%s%u", i ? "," : "", list[i]);
    printf("\n");
    return 0;
}

static int see_dev(char **arg)
{
    DIR *d = opendir(arg[0]);
    for (struct dirent *de; d && (de = readdir(d));) {
        struct stat st;
        if (de->d_name[0] == '.' || fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
            printf("%s %c %u:%u\n", de->d_name, S_ISCHR(st.st_mode) ? 'c' : 'b',
                   (unsigned)(st.st_rdev >> 8 & 0xfff), (unsigned)(st.st_rdev & 0xff));
    }
    return 0;
}

// The cookie of core scheduling: processes of one cookie, and no others, share a core.
static int see_core(char **arg)
{
    (void)arg;
    unsigned long long cookie = 0;
    if (prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie))
        return printf("none: %s\n", strerrorname_np(errno)) < 0;
    printf("%llu\n", cookie);
    return 0;
}

// For tests of the guard itself: hostile by name, does nothing.
static int see_nothing(char **arg)
{
    (void)arg;
    return worked("a hostile probe that does nothing");
}

static const struct probe_row rows[] = {
    {"fds", 0, false, see_fds, "open descriptors"},
    {"env", 0, false, see_env, "the environment"},
    {"signals", 0, false, see_signals, "how many are blocked, how many not at their default"},
    {"process", 0, false, see_process, "pid, session, umask, dumpable"},
    {"limits", 0, false, see_limits, "resource limits"},
    {"ids", 0, false, see_groups, "real, effective, saved ids and groups"},
    {"devices", 1, false, see_dev, "DIR: device nodes in it"},
    {"core", 0, false, see_core, "the cookie of core scheduling"},
    {"nothing", 0, true, see_nothing, ""},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
