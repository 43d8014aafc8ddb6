// SPDX-License-Identifier: Apache-2.0
// What every profile must allow and refuse, as calls with arguments. A profile that fails here is
// not loaded, so no text anywhere can open what this table closes. Upper halves of arguments that
// the kernel reads as int are set in some rows: a filter that compares 64 bits lets them through
// (CVE-2019-10063).
#include "profile_int.h"

#include <linux/sched.h>
#include <pinfold/own.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#define HIGH 0xffffffff00000000ull
#define INIT "pinfold-init"
#define TTY "puts input into a terminal (CVE-2017-5226)"
#define FAMILY "not namespaced, or a long record of kernel holes"
#define NAMESPACES "nested namespaces"
#define SYSTEM "of the whole machine"

const struct profile_tuple profile_tuples[] = {
    {"recvmsg", {3}, MUST_ALLOW, INIT},
    {"sendmsg", {3}, MUST_ALLOW, INIT},
    {"ppoll", {0}, MUST_ALLOW, INIT},
    {"epoll_create1", {0}, MUST_ALLOW, INIT},
    {"epoll_ctl", {3}, MUST_ALLOW, INIT},
    {"epoll_pwait", {3}, MUST_ALLOW, INIT},
    {"signalfd4", {~0ull}, MUST_ALLOW, INIT},
    {"clone3", {0x7fff0000, 88}, MUST_ALLOW, INIT},
    {"clone", {17}, MUST_ALLOW, INIT},
    {"wait4", {~0ull}, MUST_ALLOW, INIT},
    {"waitid", {0}, MUST_ALLOW, INIT},
    {"read", {3}, MUST_ALLOW, INIT},
    {"write", {3}, MUST_ALLOW, INIT},
    {"openat", {(uint64_t)-100}, MUST_ALLOW, INIT},
    {"mkdirat", {3}, MUST_ALLOW, INIT},
    {"unlinkat", {3}, MUST_ALLOW, INIT},
    {"fchdir", {3}, MUST_ALLOW, INIT},
    {"chdir", {0x7fff0000}, MUST_ALLOW, INIT},
    {"setresuid", {1000, 1000, 1000}, MUST_ALLOW, INIT},
    {"setresgid", {1000, 1000, 1000}, MUST_ALLOW, INIT},
    {"setresuid", {~0ull, 1000, ~0ull}, MUST_ALLOW, INIT},
    {"setresuid", {~0ull, 0, ~0ull}, MUST_ALLOW, INIT},
    {"setresgid", {~0ull, 1000, ~0ull}, MUST_ALLOW, INIT},
    {"setresgid", {~0ull, 0, ~0ull}, MUST_ALLOW, INIT},
    {"setgroups", {0}, MUST_ALLOW, INIT},
    {"getdents64", {3}, MUST_ALLOW, INIT},
    {"readlinkat", {3}, MUST_ALLOW, INIT},
    {"newfstatat", {3}, MUST_ALLOW, INIT},
    {"sendto", {3}, MUST_ALLOW, INIT},
    {"recvfrom", {3}, MUST_ALLOW, INIT},
    {"prctl", {38, 1}, MUST_ALLOW, INIT},
    {"prctl", {4, 0}, MUST_ALLOW, INIT}, // PR_SET_DUMPABLE
    {"capset", {0}, MUST_ALLOW, INIT},
    {"prlimit64", {0}, MUST_ALLOW, INIT},
    {"dup3", {3, 4}, MUST_ALLOW, INIT},
    {"fcntl", {3}, MUST_ALLOW, INIT},
    {"close_range", {3, ~0u}, MUST_ALLOW, INIT},
    {"execve", {0x7fff0000}, MUST_ALLOW, INIT},
    {"execveat", {3}, MUST_ALLOW, INIT},
    {"setsid", {0}, MUST_ALLOW, INIT},
    {"kill", {~0ull, 9}, MUST_ALLOW, INIT},
    {"pidfd_send_signal", {3, 9}, MUST_ALLOW, INIT},
    {"mmap", {0, 4096, 3}, MUST_ALLOW, INIT},
    {"munmap", {0x7fff0000, 4096}, MUST_ALLOW, INIT},
    {"rt_sigaction", {17}, MUST_ALLOW, INIT},
    {"rt_sigprocmask", {2}, MUST_ALLOW, INIT},
    {"rt_sigreturn", {0}, MUST_ALLOW, INIT},
    {"exit_group", {0}, MUST_ALLOW, INIT},
    {"seccomp", {1}, MUST_ALLOW, INIT},
    {"ioctl", {0, TIOCSCTTY}, MUST_ALLOW, INIT},
    {"ioctl", {3, TIOCGPTPEER}, MUST_ALLOW, INIT},
    {"ioctl", {3, TIOCSPTLCK}, MUST_ALLOW, INIT},
    {"ioctl", {3, TIOCSPTLCK | HIGH}, MUST_ALLOW, "musl passes requests as signed int"},
    {"ioctl", {3, TIOCSWINSZ}, MUST_ALLOW, INIT},
    {"ioctl", {3, 0xc0502100}, MUST_ALLOW, INIT}, // SECCOMP_IOCTL_NOTIF_RECV
    {"ioctl", {3, 0xc0182101}, MUST_ALLOW, INIT}, // SECCOMP_IOCTL_NOTIF_SEND
    {"ioctl", {3, 0x40082102}, MUST_ALLOW, INIT}, // SECCOMP_IOCTL_NOTIF_ID_VALID
    {"ioctl", {3, FIONREAD}, MUST_ALLOW, "everybody"},

    {"ioctl", {0, TIOCSTI}, MUST_REFUSE, TTY},
    {"ioctl", {0, TIOCSTI | HIGH}, MUST_REFUSE, TTY},
    {"ioctl", {0, TIOCSTI | 1ull << 32}, MUST_REFUSE, TTY},
    {"ioctl", {0, TIOCLINUX}, MUST_REFUSE, TTY},
    {"ioctl", {0, TIOCLINUX | HIGH}, MUST_REFUSE, TTY},
    {"ioctl", {0, TIOCSETD}, MUST_REFUSE, "loads line disciplines"},
    {"ioctl", {0, TIOCSETD | 1ull << 63}, MUST_REFUSE, "loads line disciplines"},
    {"socket", {AF_ALG, SOCK_SEQPACKET}, MUST_REFUSE, FAMILY},
    {"socket", {AF_ALG | HIGH, SOCK_SEQPACKET}, MUST_REFUSE, FAMILY},
    {"socket", {AF_VSOCK, SOCK_STREAM}, MUST_REFUSE, FAMILY},
    {"socket", {AF_PACKET, SOCK_RAW}, MUST_REFUSE, FAMILY},
    {"socket", {AF_INET, 10}, MUST_REFUSE, "AF_PACKET by its old name"},
    {"socket", {AF_INET, 10 | SOCK_CLOEXEC}, MUST_REFUSE, "AF_PACKET by its old name"},
    {"socket", {AF_KEY, SOCK_RAW}, MUST_REFUSE, FAMILY},
    {"socket", {AF_RXRPC, SOCK_DGRAM}, MUST_REFUSE, FAMILY},
    {"socket", {AF_BLUETOOTH, SOCK_RAW}, MUST_REFUSE, FAMILY},
    {"socket", {AF_CAN, SOCK_RAW}, MUST_REFUSE, FAMILY},
    {"socket", {AF_TIPC, SOCK_STREAM}, MUST_REFUSE, FAMILY},
    {"socket", {AF_XDP, SOCK_RAW}, MUST_REFUSE, FAMILY},
    {"socket", {AF_NETLINK, SOCK_RAW, NETLINK_XFRM}, MUST_REFUSE, FAMILY},
    {"socket", {AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER}, MUST_REFUSE, FAMILY},
    {"socket", {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}, MUST_REFUSE, FAMILY},
    {"socket", {AF_NETLINK, SOCK_RAW, NETLINK_GENERIC}, MUST_REFUSE, FAMILY},
    {"socket", {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT | HIGH}, MUST_REFUSE, FAMILY},
    {"personality", {READ_IMPLIES_EXEC}, MUST_REFUSE, "makes all memory executable"},
    {"personality", {0x0400000 | HIGH}, MUST_REFUSE, "makes all memory executable"},

    {"clone", {CLONE_NEWUSER | 17}, MUST_REFUSE_USERNS, NAMESPACES},
    {"clone", {CLONE_NEWUSER | HIGH}, MUST_REFUSE_USERNS, NAMESPACES},
    {"clone", {CLONE_NEWNET | 17}, MUST_REFUSE_USERNS, NAMESPACES},
    {"unshare", {CLONE_NEWUSER}, MUST_REFUSE_USERNS, NAMESPACES},
    {"unshare", {CLONE_NEWUSER | CLONE_NEWNS}, MUST_REFUSE_USERNS, NAMESPACES},
    {"unshare", {CLONE_NEWNET | HIGH}, MUST_REFUSE_USERNS, NAMESPACES},
    {"setns", {3}, MUST_REFUSE_USERNS, NAMESPACES},
    {"clone", {CLONE_NEWNS | 17}, MUST_REFUSE_MOUNTS, NAMESPACES},
    {"clone", {CLONE_NEWPID | 17}, MUST_REFUSE_MOUNTS, NAMESPACES},
    {"clone", {CLONE_NEWCGROUP | 17}, MUST_REFUSE_MOUNTS, NAMESPACES},
    {"unshare", {CLONE_NEWNS}, MUST_REFUSE_MOUNTS, NAMESPACES},
    {"mount", {0}, MUST_REFUSE_MOUNTS, "mounts"},
    {"umount2", {0}, MUST_REFUSE_MOUNTS, "mounts"},
    {"pivot_root", {0}, MUST_REFUSE_MOUNTS, "mounts"},
    {"fsopen", {0}, MUST_REFUSE_MOUNTS, "mounts"},
    {"fsmount", {3}, MUST_REFUSE_MOUNTS, "mounts"},
    {"move_mount", {3}, MUST_REFUSE_MOUNTS, "mounts"},
    {"open_tree", {3}, MUST_REFUSE_MOUNTS, "mounts"},
    {"open_tree_attr", {3}, MUST_REFUSE_MOUNTS, "mounts"},
    {"mount_setattr", {3}, MUST_REFUSE_MOUNTS, "mounts"},

    {"add_key", {0}, MUST_REFUSE, "keyrings are not namespaced"},
    {"keyctl", {0}, MUST_REFUSE, "keyrings are not namespaced"},
    {"request_key", {0}, MUST_REFUSE, "keyrings are not namespaced"},
    {"io_uring_setup", {1}, MUST_REFUSE, "a way round this filter"},
    {"io_uring_enter", {3}, MUST_REFUSE, "a way round this filter"},
    {"io_uring_register", {3}, MUST_REFUSE, "a way round this filter"},
    {"bpf", {5}, MUST_REFUSE, "loads code into the kernel"},
    {"perf_event_open", {0}, MUST_REFUSE, SYSTEM},
    {"userfaultfd", {0}, MUST_REFUSE, SYSTEM},
    {"open_by_handle_at", {3}, MUST_REFUSE, "opens past every mount"},
    {"init_module", {0}, MUST_REFUSE, SYSTEM},
    {"finit_module", {3}, MUST_REFUSE, SYSTEM},
    {"delete_module", {0}, MUST_REFUSE, SYSTEM},
    {"kexec_load", {0}, MUST_REFUSE, SYSTEM},
    {"kexec_file_load", {3}, MUST_REFUSE, SYSTEM},
    {"reboot", {0xfee1dead}, MUST_REFUSE, SYSTEM},
    {"swapon", {0}, MUST_REFUSE, SYSTEM},
    {"swapoff", {0}, MUST_REFUSE, SYSTEM},
    {"quotactl", {0}, MUST_REFUSE, SYSTEM},
    {"settimeofday", {0}, MUST_REFUSE, SYSTEM},
    {"clock_settime", {0}, MUST_REFUSE, SYSTEM},
    {"syslog", {3}, MUST_REFUSE, SYSTEM},
    {"acct", {0}, MUST_REFUSE, SYSTEM},
    {"iopl", {3}, MUST_REFUSE, SYSTEM},
    {"ioperm", {0}, MUST_REFUSE, SYSTEM},
    {"fanotify_init", {0}, MUST_REFUSE, SYSTEM},
    {"pidfd_getfd", {3}, MUST_REFUSE, "takes descriptors out of init"},
};
const unsigned n_profile_tuples = N_ELEMS(profile_tuples);

enum profile_expect profile_expect(const struct profile *p, const struct profile_tuple *t)
{
    int nr;
    if (!profile_call_find(t->call, &nr) || nr < 0)
        return EXPECT_NOTHING; // not on this processor
    switch (t->must) {
    case MUST_ALLOW:
        return EXPECT_ALLOWED;
    case MUST_REFUSE:
        return EXPECT_REFUSED;
    case MUST_REFUSE_USERNS:
        return p->user_namespaces ? EXPECT_NOTHING : EXPECT_REFUSED;
    case MUST_REFUSE_MOUNTS:
        return p->user_namespaces || p->privileged_mounts ? EXPECT_NOTHING : EXPECT_REFUSED;
    }
    return EXPECT_REFUSED;
}

static int check_tuples(const struct profile *p, struct err *e)
{
    for (unsigned i = 0; i < n_profile_tuples; i++) {
        const struct profile_tuple *t = &profile_tuples[i];
        enum profile_expect expect = profile_expect(p, t);
        int nr;
        if (expect == EXPECT_NOTHING || !profile_call_find(t->call, &nr))
            continue;
        uint64_t args[6] = {t->args[0], t->args[1], t->args[2]};
        if (profile_allows(p, nr, args) != (expect == EXPECT_ALLOWED))
            return err_set(e, ERR_DENIED, "must %s %s(0x%llx, 0x%llx, 0x%llx): %s",
                           expect == EXPECT_ALLOWED ? "allow" : "refuse", t->call,
                           (unsigned long long)args[0], (unsigned long long)args[1],
                           (unsigned long long)args[2], t->why);
    }
    return 0;
}

// Capabilities that stay harmless in a user namespace of one's own without new namespaces or
// mounts. The others reach parts of the kernel that were written for the machine's administrator.
static int check_caps(const struct profile *p, struct err *e)
{
    static const char *const harmless[] = {
        "CAP_CHOWN",           "CAP_DAC_OVERRIDE",
        "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
        "CAP_FSETID",          "CAP_KILL",
        "CAP_SETGID",          "CAP_SETUID",
        "CAP_SETPCAP",         "CAP_NET_BIND_SERVICE",
        "CAP_IPC_OWNER",       "CAP_SYS_CHROOT",
        "CAP_SYS_PTRACE",      "CAP_MKNOD",
        "CAP_LEASE",           "CAP_AUDIT_WRITE",
        "CAP_SETFCAP",         "CAP_SYS_NICE",
    };
    uint64_t mask = 0;
    unsigned bit;
    for (size_t i = 0; i < N_ELEMS(harmless); i++)
        if (profile_cap_find(harmless[i], &bit))
            mask |= 1ull << bit;
    for (bit = 0; profile_cap_name(bit); bit++)
        if (p->capabilities & ~mask & 1ull << bit)
            return err_set(e, ERR_DENIED, "%s is for internal profiles only",
                           profile_cap_name(bit));
    return 0;
}

int must_check(const struct profile *p, struct err *e)
{
    if (!p->internal) {
        if (p->privileged_mounts)
            return err_set(e, ERR_DENIED, "PrivilegedMounts= is for internal profiles only");
        if (p->network == NET_HOST)
            return err_set(e, ERR_DENIED, "Network=host is for internal profiles only");
        if (check_caps(p, e))
            return -1;
    }
    if (p->landlock && (p->user_namespaces || p->privileged_mounts))
        return err_set(e, ERR_BAD_REQUEST,
                       "Landlock= forbids all mounting, which UserNamespaces= and "
                       "PrivilegedMounts= are for");
    if (p->landlock && !*p->write_paths)
        return err_set(e, ERR_BAD_REQUEST,
                       "Landlock= without ReadWritePaths= would leave nothing to write to");
    return check_tuples(p, e);
}
