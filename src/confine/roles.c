// SPDX-License-Identifier: Apache-2.0
// What each of our own processes keeps. The lists of calls are what the libraries it links were
// seen to need; one too few shows as a logged EPERM, in strict mode as a dead process in CI.
#include "confine_int.h"

#include <linux/capability.h>
#include <stddef.h>

#define CAP(name) (1ull << CAP_##name)

// Memory, threads, time, signals to itself: every C program.
#define CALLS_BASIC                                                                                \
    "arch_prctl brk clock_getres clock_gettime clock_nanosleep exit exit_group futex getcpu "      \
    "getegid geteuid getgid getgroups getpgrp getpid getppid getrandom getresgid getresuid "       \
    "getrlimit getrusage getsid gettid gettimeofday getuid madvise membarrier mlock mmap "         \
    "mprotect mremap munlock munmap nanosleep prctl prlimit64 restart_syscall rseq rt_sigaction "  \
    "rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_getaffinity "   \
    "sched_yield set_robust_list set_tid_address sigaltstack sysinfo tgkill time times umask "     \
    "uname"

// Descriptors that it has: files, pipes, sockets, timers.
#define CALLS_IO                                                                                   \
    "accept accept4 close close_range copy_file_range dup dup2 dup3 epoll_create1 epoll_ctl "      \
    "epoll_pwait epoll_wait eventfd2 fadvise64 fallocate fcntl fdatasync flock fstat fstatfs "     \
    "fsync ftruncate getpeername getsockname getsockopt lseek memfd_create pipe pipe2 poll ppoll " \
    "pread64 preadv pselect6 pwrite64 pwritev read readv recvfrom recvmsg select sendfile "        \
    "sendmsg sendto setsockopt shutdown signalfd4 splice sync_file_range timerfd_create "          \
    "timerfd_gettime timerfd_settime write writev"

// Names beneath the directories that Landlock leaves.
#define CALLS_FILES                                                                                \
    "access chdir faccessat faccessat2 fchdir fchmod fchmodat fchown getcwd getdents64 lstat "     \
    "mkdir "                                                                                       \
    "mkdirat "                                                                                     \
    "newfstatat open openat openat2 readlink readlinkat rename renameat renameat2 rmdir stat "     \
    "statfs statx truncate unlink unlinkat utimensat"

#define CALLS_GIT                                                                                  \
    "bind chmod connect creat fchmodat futimesat link linkat recvmmsg sendmmsg symlink symlinkat " \
    "syncfs "                                                                                      \
    "utime utimes"

const struct role roles[CONFINE_N_ROLES] = {
    [CONFINE_PINFOLDD] =
        {
            .name = "pinfoldd",
            // What the launcher keeps, and binding ports below 1024.
            .capabilities = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) |
                            CAP(FSETID) | CAP(KILL) | CAP(SETGID) | CAP(SETUID) | CAP(SETPCAP) |
                            CAP(NET_BIND_SERVICE) | CAP(NET_ADMIN) | CAP(SYS_CHROOT) |
                            CAP(SYS_PTRACE) | CAP(SYS_ADMIN) | CAP(SYS_NICE) | CAP(SYS_RESOURCE) |
                            CAP(MKNOD) | CAP(SETFCAP),
            .open_files = 65536,
        },
    [CONFINE_LAUNCHER] =
        {
            .name = "launcher",
            // SYS_ADMIN: mounts, namespaces, idmaps, nested cgroups. SETUID, SETGID, SETFCAP: to
            // write id maps. SETPCAP: to empty bounding sets. CHOWN, DAC_*, FOWNER, FSETID, MKNOD:
            // layers and their whiteouts. NET_ADMIN: veth, NAT. SYS_CHROOT: to enter a mount
            // namespace. SYS_PTRACE: /proc of processes with other ids. SYS_RESOURCE: limits above
            // the hard ones and oom_score_adj below the start's. SYS_NICE: processor sets.
            .capabilities = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) |
                            CAP(FSETID) | CAP(KILL) | CAP(SETGID) | CAP(SETUID) | CAP(SETPCAP) |
                            CAP(NET_ADMIN) | CAP(SYS_CHROOT) | CAP(SYS_PTRACE) | CAP(SYS_ADMIN) |
                            CAP(SYS_NICE) | CAP(SYS_RESOURCE) | CAP(MKNOD) | CAP(SETFCAP),
            .open_files = 65536,
        },
    [CONFINE_SERVER] =
        {
            .name = "server",
            .open_files = 65536,
            .filtered = true,
            .net = ROLE_NET_NONE,
            .calls = {CALLS_BASIC, CALLS_IO, CALLS_FILES},
            .read_paths = {"/proc/self", "/proc/loadavg", "/proc/meminfo", "/proc/stat",
                           "/proc/uptime", "/proc/version", "/proc/sys/kernel", "/proc/pressure",
                           "/sys/devices/system/cpu", "/sys/fs/cgroup", "/etc/localtime",
                           "/etc/os-release", "/etc/ssl", "/usr/lib", "/usr/share/zoneinfo",
                           "/dev/urandom"},
            .write_paths = {"/dev/null"},
        },
    [CONFINE_EGRESS] =
        {
            .name = "egress",
            .open_files = 65536,
            .filtered = true,
            .net = ROLE_NET_INET,
            .calls = {CALLS_BASIC, CALLS_IO, "connect openat newfstatat"},
            .read_paths = {"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf",
                           "/etc/localtime", "/dev/urandom"},
        },
    [CONFINE_GIT] =
        {
            .name = "git",
            .open_files = 1024,
            .filtered = true,
            .net = ROLE_NET_DIALS,
            .calls = {CALLS_BASIC, CALLS_IO, CALLS_FILES, CALLS_GIT},
            .read_paths = {"/proc/self", "/sys/devices/system/cpu", "/etc", "/usr/lib",
                           "/usr/share", "/dev/urandom", "/run/systemd/resolve"},
            .write_paths = {"/dev/null"},
        },
};

const char *confine_role_name(enum confine_role role)
{
    return role < CONFINE_N_ROLES ? roles[role].name : "unknown";
}
