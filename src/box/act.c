// SPDX-License-Identifier: Apache-2.0
// Theory of operation. The caller clones a child into all namespaces at once and keeps it waiting
// on a socket while it writes the id maps, joins the v1 groups and prepares the mount trees, which
// need the child's user namespace. Then the child walks the plan's steps, each a row of the table
// below, and executes init. Between clone and exec nothing is allocated and nothing is logged: the
// first step that fails is reported as {step, errno} and the child is gone.
//
// Privileges: after the clone the child has every capability, but only over its own namespaces.
// Host objects it can still touch are exactly the descriptors in struct stage.
#include "act_int.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/stat.h>

static STEP_FN(act_ids)
{
    (void)p, (void)s, (void)st;
    if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
        return -1;
    uid_t r, e, x;
    if (getresuid(&r, &e, &x) || r || e || x) {
        errno = EPERM;
        return -1;
    }
    umask(022);
    // The id change makes a process dumpable by its own ids again.
    return prctl(PR_SET_DUMPABLE, 0);
}

static STEP_FN(act_keyring)
{
    (void)p, (void)s, (void)st;
    long r = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    return r < 0 && errno != ENOSYS ? -1 : 0; // a kernel without keyrings has none to share
}

static STEP_FN(act_cgroup_ns)
{
    (void)p, (void)s, (void)st;
    return unshare(CLONE_NEWCGROUP);
}

static STEP_FN(act_hostname)
{
    (void)s, (void)st;
    return sethostname(p->hostname, strlen(p->hostname)) || setdomainname("", 0) ? -1 : 0;
}

static STEP_FN(act_loopback)
{
    (void)p, (void)s, (void)st;
    own_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    return sock < 0 ? -1 : ioctl(sock, SIOCSIFFLAGS, &req);
}

static STEP_FN(act_listen)
{
    (void)p, (void)s;
    static const struct {
        int type;
        in_addr_t address;
        in_port_t port;
    } rows[NET_SOCK_N] = {
        [NET_SOCK_PROXY] = {SOCK_STREAM, INADDR_LOOPBACK, NET_PROXY_PORT},
        [NET_SOCK_HTTP] = {SOCK_STREAM, INADDR_ANY, 80},
        [NET_SOCK_TLS] = {SOCK_STREAM, INADDR_ANY, 443},
        [NET_SOCK_DNS] = {SOCK_DGRAM, INADDR_LOOPBACK, 53},
        [NET_SOCK_DNS_TCP] = {SOCK_STREAM, INADDR_LOOPBACK, 53},
    };
    for (unsigned i = 0; i < NET_SOCK_N; i++) {
        const struct sockaddr_in a = {.sin_family = AF_INET,
                                      .sin_port = htons(rows[i].port),
                                      .sin_addr.s_addr = htonl(rows[i].address)};
        int fd = socket(AF_INET, rows[i].type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        st->inherit[INIT_FD_NET + i] = fd; // init keeps them, so that they outlive all of us
        if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
            (rows[i].type == SOCK_STREAM && listen(fd, 128)))
            return -1;
    }
    return 0;
}

static STEP_FN(act_no_userns)
{
    (void)p, (void)s;
    struct err e;
    if (io_write_file(st->root_fd, "proc/sys/user/max_user_namespaces", "0", &e)) {
        errno = e.sys;
        return -1;
    }
    return 0;
}

static int lower_limit(int resource, rlim_t want)
{
    struct rlimit now;
    if (getrlimit(resource, &now))
        return -1;
    if (now.rlim_max != RLIM_INFINITY && now.rlim_max < want)
        want = now.rlim_max;
    struct rlimit lim = {want, want};
    return setrlimit(resource, &lim);
}

static STEP_FN(act_rlimits)
{
    (void)s, (void)st;
    // CORE 1, not 0: with a piped core_pattern a limit of 0 still starts the host's crash helper,
    // while 1 stops the dump (fs/coredump.c).
    const struct {
        int resource;
        rlim_t value;
    } rows[] = {
        {RLIMIT_CORE, 1},
        {RLIMIT_MEMLOCK, 8u << 20},
        {RLIMIT_MSGQUEUE, 819200},
        {RLIMIT_SIGPENDING, 4096},
        {RLIMIT_RTPRIO, 0},
        {RLIMIT_NICE, 0},
        {RLIMIT_NOFILE, p->limits.open_files ? p->limits.open_files : 65536},
    };
    for (unsigned i = 0; i < N_ELEMS(rows); i++)
        if (lower_limit(rows[i].resource, rows[i].value))
            return -1;
    return 0;
}

static STEP_FN(act_no_new_privs)
{
    (void)p, (void)s, (void)st;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// Put what init inherits on its numbers: first everything out of the way, then into place.
static int place_descriptors(struct stage *st)
{
    st->inherit[INIT_FD_REPORT] = st->report_fd;
    for (int i = INIT_FD_CONTROL; i < INIT_FD_END; i++)
        if (st->inherit[i] >= 0) {
            st->inherit[i] = fcntl(st->inherit[i], F_DUPFD_CLOEXEC, INIT_FD_END + 32);
            if (st->inherit[i] < 0)
                return -1;
        }
    st->report_fd = st->inherit[INIT_FD_REPORT];
    st->init_fd = fcntl(st->init_fd, F_DUPFD_CLOEXEC, INIT_FD_END + 32);
    st->null_fd = fcntl(st->null_fd, F_DUPFD_CLOEXEC, INIT_FD_END + 32);
    if (st->init_fd < 0 || st->null_fd < 0)
        return -1;
    for (int i = 0; i < INIT_FD_CONTROL; i++)
        if (dup2(st->null_fd, i) < 0)
            return -1;
    for (int i = INIT_FD_CONTROL; i < INIT_FD_END; i++) {
        (void)close(i);
        if (st->inherit[i] >= 0 && dup2(st->inherit[i], i) < 0)
            return -1;
    }
    return 0;
}

static STEP_FN(act_init)
{
    (void)p, (void)s;
    static char name[] = "pinfold-init";
    static char *const argv[] = {name, NULL}, *const envp[] = {NULL};
    if (place_descriptors(st) || close_range(INIT_FD_END, ~0u, CLOSE_RANGE_CLOEXEC))
        return -1;
    return (int)syscall(SYS_execveat, st->init_fd, "", argv, envp, AT_EMPTY_PATH);
}

const struct step_row step_rows[STEP_N_KINDS] = {
    [STEP_IDS] = {"ids", act_ids, "root of the new user namespace is nobody outside"},
    [STEP_KEYRING] = {"keyring", act_keyring, "keyrings are not namespaced, so it gets a new one"},
    [STEP_CGROUP_NS] = {"cgroup_ns", act_cgroup_ns,
                        "made after joining, so its root is the box's own group"},
    [STEP_PRIVATE] = {"private", act_private, "only this new mount namespace changes"},
    [STEP_STAGE] = {"stage", act_stage, "covers /tmp in this mount namespace only"},
    [STEP_UPPER] = {"upper", act_upper, "a fresh tmpfs, or the one directory the caller opened"},
    [STEP_ROOT] = {"root", act_root,
                   "mounted with this user namespace's rights over trees mapped to its ids"},
    [STEP_TREE] = {"tree", act_tree, "the caller opened it and set it read-only where wanted"},
    [STEP_FILES] = {"files", act_files,
                    "nosuid, nodev; mapped to this box's ids; strata are read-only below"},
    [STEP_TMPFS] = {"tmpfs", act_tmpfs, "bounded in bytes and inodes, charged to the box"},
    [STEP_PROC] = {"proc", act_proc, "shows this pid namespace"},
    [STEP_DEV] = {"dev", act_dev, "six harmless devices, each proved by its number"},
    [STEP_PTS] = {"pts", act_pts, "a terminal instance of its own"},
    [STEP_HIDE] = {"hide", act_hide, "covers with our own inode, by descriptor"},
    [STEP_READ_ONLY] = {"read_only", act_read_only, "takes rights away"},
    [STEP_PIVOT] = {"pivot", act_pivot, "the old root is detached and / proved to be ours"},
    [STEP_HOSTNAME] = {"hostname", act_hostname, "its own uts namespace"},
    [STEP_LOOPBACK] = {"loopback", act_loopback, "lo of its own network namespace"},
    [STEP_LISTEN] = {"listen", act_listen, "sockets of its own network namespace, which has lo"},
    [STEP_NO_USERNS] = {"no_userns", act_no_userns, "takes rights away"},
    [STEP_RLIMITS] = {"rlimits", act_rlimits, "only ever lowers"},
    [STEP_CORE_SCHED] = {"core_sched", act_core_sched, "a cookie of its own keeps others away"},
    [STEP_NO_NEW_PRIVS] = {"no_new_privs", act_no_new_privs, "takes rights away"},
    [STEP_WRITABLE] = {"writable", act_writable, "only leaves out what the next step takes away"},
    [STEP_LANDLOCK] = {"landlock", act_landlock, "takes rights away"},
    [STEP_INIT] = {"init", act_init, "a sealed copy of our own program, named by descriptor"},
};

static _Noreturn void fail(const struct stage *st, unsigned step, int sys)
{
    struct box_report r = {.step = step, .sys = sys};
    (void)send(st->report_fd, &r, sizeof(r), MSG_NOSIGNAL); // the caller sees the end in any case
    _exit(1);
}

// Wait for the caller's word and the trees it prepared.
static int wait_go(struct stage *st)
{
    uint32_t mask;
    int fds[IO_FDS_MAX];
    size_t n = IO_FDS_MAX, at = 0;
    if (io_recv_fds(st->report_fd, &mask, sizeof(mask), fds, &n, 0) != sizeof(mask))
        return -1;
    for (unsigned t = 0; t < TREE_N; t++)
        st->trees[t] = mask & 1u << t && at < n ? fds[at++] : -1;
    return 0;
}

_Noreturn void act(const struct plan *p, struct stage *st)
{
    // Until exec nobody may trace or read this process: it still holds host descriptors
    // (CVE-2016-9962, CVE-2026-41163).
    if (prctl(PR_SET_DUMPABLE, 0) || setsid() < 0 || wait_go(st))
        fail(st, STEP_IDS, errno);
    for (unsigned i = 0; i < p->n_steps; i++) {
        const struct step *s = &p->steps[i];
        if (step_rows[s->kind].act(p, s, st))
            fail(st, s->kind, errno);
    }
    fail(st, STEP_INIT, errno);
}
