// SPDX-License-Identifier: Apache-2.0
// Theory of operation. The caller clones a child into all namespaces at once, which executes init and
// comes here. It waits on the report socket while the caller writes the id maps and prepares the
// mount trees, which need the child's user namespace. Then it walks the plan's steps, each a row of
// the table below. The first that fails is reported as {step, errno} and the child is gone.
//
// Privileges: the capabilities that box left it are over its own namespaces only. Host objects it
// can touch are exactly the descriptors that came by their numbers or with the plan.
#include "stage_int.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
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

static int keep_as(struct stage *st, int fd, unsigned number)
{
    if (fd < 0 || dup3(fd, (int)number, O_CLOEXEC) < 0)
        return -1;
    st->holes &= ~(1u << number); // init keeps them, so that they outlive all of us
    return 0;
}

// For the egress process to ask init whom it talks to.
static int ask_who(struct stage *st)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return -1;
    own_fd int ours = pair[0], theirs = pair[1];
    own_fd int diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (keep_as(st, ours, INIT_FD_WHO) || keep_as(st, theirs, INIT_FD_NET + NET_SOCK_WHO))
        return -1;
    return diag < 0 ? 0 : keep_as(st, diag, INIT_FD_DIAG); // a kernel without it tells of nobody
}

static STEP_FN(act_listen)
{
    (void)p, (void)s;
    static const struct {
        int type;
        in_addr_t address;
        in_port_t port;
    } rows[NET_SOCK_WHO] = {
        [NET_SOCK_PROXY] = {SOCK_STREAM, INADDR_LOOPBACK, NET_PROXY_PORT},
        [NET_SOCK_HTTP] = {SOCK_STREAM, INADDR_ANY, 80},
        [NET_SOCK_TLS] = {SOCK_STREAM, INADDR_ANY, 443},
        [NET_SOCK_DNS] = {SOCK_DGRAM, INADDR_LOOPBACK, 53},
        [NET_SOCK_DNS_TCP] = {SOCK_STREAM, INADDR_LOOPBACK, 53},
    };
    for (unsigned i = 0; i < N_ELEMS(rows); i++) {
        const struct sockaddr_in a = {.sin_family = AF_INET,
                                      .sin_port = htons(rows[i].port),
                                      .sin_addr.s_addr = htonl(rows[i].address)};
        own_fd int fd = socket(AF_INET, rows[i].type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) ||
            (rows[i].type == SOCK_STREAM && listen(fd, 128)) || keep_as(st, fd, INIT_FD_NET + i))
            return -1;
    }
    return ask_who(st);
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

static STEP_FN(act_init)
{
    (void)p, (void)s;
    for (int i = 0; i < INIT_FD_END; i++)
        if (i < INIT_FD_CONTROL ? dup2(st->null_fd, i) < 0 : (st->holes & 1u << i) && close(i))
            return -1;
    return (int)syscall(SYS_close_range, INIT_FD_END, ~0u, 0);
}

static const struct {
    int (*act)(const struct plan *p, const struct step *s, struct stage *st); // 0 or -1 (errno)
    const char *safe_because;
} step_rows[STEP_N_KINDS] = {
    [STEP_IDS] = {act_ids, "root of the new user namespace is nobody outside"},
    [STEP_KEYRING] = {act_keyring, "keyrings are not namespaced, so it gets a new one"},
    [STEP_CGROUP_NS] = {act_cgroup_ns, "joined before, so its root is the box's own group"},
    [STEP_PRIVATE] = {act_private, "only this new mount namespace changes"},
    [STEP_STAGE] = {act_stage, "covers /tmp in this mount namespace only"},
    [STEP_UPPER] = {act_upper, "a fresh tmpfs, or the one directory the caller opened"},
    [STEP_ROOT] = {act_root,
                   "mounted with this user namespace's rights over trees mapped to its ids"},
    [STEP_TREE] = {act_tree, "the caller opened it and set it read-only where wanted"},
    [STEP_FILES] = {act_files,
                    "nosuid, nodev; mapped to this box's ids; strata are read-only below"},
    [STEP_TMPFS] = {act_tmpfs, "bounded in bytes and inodes, charged to the box"},
    [STEP_PROC] = {act_proc, "shows this pid namespace"},
    [STEP_DEV] = {act_dev, "six harmless devices, each proved by its number"},
    [STEP_PTS] = {act_pts, "a terminal instance of its own"},
    [STEP_HIDE] = {act_hide, "covers with our own inode, by descriptor"},
    [STEP_READ_ONLY] = {act_read_only, "takes rights away"},
    [STEP_PIVOT] = {act_pivot, "the old root is detached and / proved to be ours"},
    [STEP_HOSTNAME] = {act_hostname, "its own uts namespace"},
    [STEP_LOOPBACK] = {act_loopback, "lo of its own network namespace"},
    [STEP_LISTEN] = {act_listen, "sockets of its own network namespace, which has lo"},
    [STEP_NO_USERNS] = {act_no_userns, "takes rights away"},
    [STEP_RLIMITS] = {act_rlimits, "only ever lowers"},
    [STEP_CORE_SCHED] = {act_core_sched, "a cookie of its own keeps others away"},
    [STEP_NO_NEW_PRIVS] = {act_no_new_privs, "takes rights away"},
    [STEP_WRITABLE] = {act_writable, "only leaves out what the next step takes away"},
    [STEP_LANDLOCK] = {act_landlock, "takes rights away"},
    [STEP_INIT] = {act_init, "takes away all that is not init's"},
};

// Wait for the caller's word, which is the plan, and for the trees it prepared.
static int wait_plan(struct plan *p, struct stage *st)
{
    int fds[IO_FDS_MAX];
    size_t n = IO_FDS_MAX, at = 0;
    ssize_t got = io_recv_fds(INIT_FD_REPORT, p, sizeof(*p), fds, &n, 0);
    if (got < (ssize_t)offsetof(struct plan, steps) || p->n_steps > STEPS_MAX ||
        (size_t)got != offsetof(struct plan, steps) + p->n_steps * sizeof(p->steps[0])) {
        errno = got < 0 ? errno : EPROTO;
        return -1;
    }
    for (unsigned t = 0; t < TREE_N; t++)
        st->trees[t] = p->trees & 1u << t && at < n ? fds[at++] : -1;
    st->holes = p->holes;
    return 0;
}

int stage_act(struct init_start *ret, uint32_t *ret_step)
{
    struct plan p; // on the stack: its pages are used again by what comes after
    struct stage st;
    memset(&st, 0xff, sizeof(st)); // every descriptor -1
    *ret_step = STEP_IDS;
    // Nobody may trace or read this process: it still holds host descriptors (CVE-2016-9962,
    // CVE-2026-41163).
    if (prctl(PR_SET_DUMPABLE, 0) || setsid() < 0 || wait_plan(&p, &st))
        return -1;
    for (unsigned i = 0; i < p.n_steps; i++) {
        const struct step *s = &p.steps[i];
        *ret_step = s->kind;
        if (s->kind >= STEP_N_KINDS || step_rows[s->kind].act(&p, s, &st))
            return -1;
    }
    *ret = p.start;
    return 0;
}
