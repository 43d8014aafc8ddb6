// SPDX-License-Identifier: Apache-2.0
// System calls in groups, the words of SystemCallFilter=. A group holds calls that are allowed
// whatever their arguments: the kernel answers those from a bitmap without running the program. The
// few calls whose arguments matter (clone, ioctl, personality, socket, socketpair) are in no group,
// each profile names them with their conditions. What is left out, and why, is in left_out.c; a
// test finds a call that is in neither.
#include "profile_int.h"

#include <pinfold/own.h>
#include <string.h>

const struct profile_group profile_groups[] = {
    {"@init", "what pinfold-init needs, which runs under its sandbox's own program",
     "accept4 arch_prctl bind brk capget capset chdir clock_gettime clock_nanosleep clone3 close "
     "close_range dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 execve "
     "execveat exit exit_group faccessat faccessat2 fchdir fchmod fchmodat fchown fchownat fcntl "
     "fstat fstatfs ftruncate futex getdents64 getegid geteuid getgid getpid getppid getrandom "
     "getresgid getresuid getsockopt gettid getuid kill listen lseek madvise memfd_create mkdir "
     "mkdirat mmap mprotect mremap munmap nanosleep newfstatat open openat openat2 pidfd_open "
     "pidfd_send_signal pipe2 poll ppoll prctl pread64 prlimit64 pselect6 pwrite64 read readlink "
     "readlinkat readv recvfrom recvmsg restart_syscall rmdir rseq rt_sigaction rt_sigpending "
     "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait sched_yield "
     "seccomp sendmsg sendto set_robust_list set_tid_address setgid setgroups setpgid setresgid "
     "setresuid setsid setsockopt setuid shutdown sigaltstack signalfd4 stat statfs statx "
     "symlinkat tgkill timerfd_create timerfd_settime umask uname unlink unlinkat utimensat "
     "wait4 waitid write writev"},

    {"@process", "start, end and look at processes; their own settings",
     "arch_prctl capget capset clone3 execve execveat exit exit_group fork get_robust_list getcpu "
     "getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getresgid "
     "getresuid getrlimit getrusage getsid gettid getuid kill membarrier pidfd_open "
     "pidfd_send_signal prctl prlimit64 restart_syscall rseq set_robust_list set_tid_address "
     "setpgid setpriority setrlimit setsid sysinfo tgkill times tkill umask uname uprobe "
     "uretprobe vfork wait4 waitid"},

    {"@memory", "a process's own memory",
     "brk madvise map_shadow_stack memfd_create mincore mlock mlock2 mlockall mmap mprotect "
     "mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect"},

    {"@signal", "signals and waiting on locks",
     "futex futex_requeue futex_wait futex_waitv futex_wake pause rt_sigaction rt_sigpending "
     "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
     "rt_tgsigqueueinfo sched_yield sigaltstack signalfd signalfd4"},

    {"@timer", "reading clocks, sleeping, timers",
     "alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer "
     "time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create "
     "timerfd_gettime timerfd_settime"},

    {"@io", "on descriptors: read, write, wait, duplicate, copy",
     "close close_range copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl "
     "epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 fadvise64 fallocate fcntl fdatasync "
     "flock fsync ftruncate getrandom lseek pipe pipe2 poll ppoll pread64 preadv preadv2 pselect6 "
     "pwrite64 pwritev pwritev2 read readahead readv select sendfile splice sync sync_file_range "
     "syncfs tee write writev"},

    {"@aio", "the old asynchronous input and output; databases and fio use it",
     "io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit"},

    {"@files", "names in the file tree: open, stat, make, rename, remove, watch",
     "access chdir chmod chown creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown "
     "fchownat fgetxattr file_getattr flistxattr fremovexattr fsetxattr fstat fstatfs futimesat "
     "getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init "
     "inotify_init1 inotify_rm_watch lchown lgetxattr link linkat listxattr listxattrat "
     "llistxattr lremovexattr lsetxattr lstat mkdir mkdirat mknod mknodat name_to_handle_at "
     "newfstatat open openat openat2 readlink readlinkat removexattr removexattrat rename renameat "
     "renameat2 rmdir setxattr setxattrat stat statfs statx symlink symlinkat truncate unlink "
     "unlinkat utime utimensat utimes"},

    {"@sockets", "on a socket that one has; making one is socket and socketpair, by family",
     "accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg "
     "recvmsg sendmmsg sendmsg sendto setsockopt shutdown"},

    {"@ipc", "System V and POSIX message queues, semaphores, shared memory; of the own namespace",
     "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv "
     "msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget"},

    {"@sched", "processor affinity and priorities, as far as the kernel lets an unprivileged user",
     "ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min sched_getaffinity "
     "sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity "
     "sched_setattr sched_setparam sched_setscheduler"},

    {"@setuid", "changing user and group ids; without capabilities only to what one is",
     "setfsgid setfsuid setgid setgroups setregid setresgid setresuid setreuid setuid"},

    {"@sandbox", "giving up rights; harmless under no_new_privs",
     "landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp"},

    {"@mount", "building a file tree; needs capabilities, internal profiles only",
     "fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr "
     "pivot_root umount2"},

    {"@trace", "looking into other processes of the same pid namespace and user",
     "kcmp process_vm_readv process_vm_writev ptrace"},
};
const unsigned n_profile_groups = N_ELEMS(profile_groups);

bool groups_next_word(const char **rest, char word[CALL_NAME_MAX])
{
    *rest += strspn(*rest, " ");
    size_t n = strcspn(*rest, " ");
    if (!n || n >= CALL_NAME_MAX)
        return false;
    memcpy(word, *rest, n);
    word[n] = '\0';
    *rest += n;
    return true;
}

const struct profile_group *groups_find(const char *name)
{
    for (unsigned i = 0; i < n_profile_groups; i++)
        if (!strcmp(profile_groups[i].name, name))
            return &profile_groups[i];
    return NULL;
}

const struct profile_group *groups_of_call(int nr)
{
    const char *name = profile_call_name(nr);
    for (unsigned i = 1; name && i < n_profile_groups; i++) { // 0 is @init, a part of the others
        const char *rest = profile_groups[i].calls;
        char word[CALL_NAME_MAX];
        while (groups_next_word(&rest, word))
            if (!strcmp(word, name))
                return &profile_groups[i];
    }
    return NULL;
}
