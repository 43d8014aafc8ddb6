// SPDX-License-Identifier: Apache-2.0
// The life of a sandbox, seen from the caller: reserve, clone, prepare what needs the child's user
// namespace, let it go, wait until its init says that it is ready; later kill, reap, clean up.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pinfold/clone_apart.h>
#include <pinfold/io.h>
#include <pinfold/mnt.h>
#include <pinfold/own.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define RANGE_IDS 65536u

// What a start has in hand; everything is given back by start_release.
struct box_start {
    struct box_host *h;
    const struct box_spec *spec; // until it is begun
    const struct profile *profile;
    struct plan *plan;
    int trees[TREE_N];        // detached mounts, -1 when not wanted
    int inherit[INIT_FD_END]; // what init gets, by its number there
    int join[JOIN_MAX];
    struct box_groups *groups;
    int slot, report_fd, control_fd, pidfd;
    char id[ID_MAX], profile_name[NAME_MAX_LEN + 1], dir[ID_MAX];
    bool listens;
    int sys; // why the child could not become init: it shares our memory until then
    uint32_t uid_base;
    pid_t pid;
    char address[48];
    bool disk; // the directory's disk is in use by this start
};

static void start_release(struct box_start *s)
{
    if (s->pid > 0) {
        (void)kill(s->pid, SIGKILL); // unreaped, so the number is still this child's
        (void)waitpid(s->pid, NULL, 0);
    }
    for (int t = 0; t < TREE_N; t++)
        fd_close(&s->trees[t]);
    for (int i = 0; i < INIT_FD_END; i++)
        fd_close(&s->inherit[i]);
    for (int i = 0; i < JOIN_MAX; i++)
        fd_close(&s->join[i]);
    fd_close(&s->report_fd);
    fd_close(&s->control_fd);
    fd_close(&s->pidfd);
    groups_remove(s->groups);
    if (s->disk)
        disk_unuse(s->h, s->dir);
    free(s->plan);
    free(s);
}

static int reserve(struct box_start *s, struct err *e)
{
    const struct box_host_conf *c = &s->h->conf;
    int *inherit = s->inherit;
    s->slot = range_take(s->h, &inherit[INIT_FD_RANGE], e);
    if (s->slot < 0)
        return -1;
    s->uid_base = c->id_base + (uint32_t)s->slot * RANGE_IDS;
    s->plan->start.linger_ms = c->linger_ms;
    s->groups = groups_make(s->h->cgroups, s->spec->id, &s->plan->limits, s->uid_base, e);
    if (!s->groups || groups_init_fds(s->groups, inherit, &s->plan->start, e) ||
        groups_join_fds(s->groups, s->join, e))
        return -1;
    int control[2], report[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control))
        return err_sys(e, "make init's socket");
    s->control_fd = control[0];
    inherit[INIT_FD_CONTROL] = control[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report))
        return err_sys(e, "make the report socket");
    s->report_fd = report[0];
    inherit[INIT_FD_REPORT] = report[1];
    unsigned which = (unsigned)(s->profile - c->profiles);
    inherit[INIT_FD_FILTER] = fcntl(s->h->filter_fds[which], F_DUPFD_CLOEXEC, 3);
    inherit[INIT_FD_TOOL] = fcntl(s->h->tool_fd, F_DUPFD_CLOEXEC, 3);
    if (s->profile->internal && !strcmp(s->profile->name, "git") && s->h->git_fd >= 0)
        inherit[INIT_FD_GIT] = fcntl(s->h->git_fd, F_DUPFD_CLOEXEC, 3);
    for (int i = INIT_FD_CONTROL; i < INIT_FD_END; i++)
        s->plan->holes |= inherit[i] < 0 ? 1u << i : 0;
    return 0;
}

// --- in the child, until it is init ---------------------------------------------------------------

static int join_groups(const int fds[JOIN_MAX])
{
    for (int i = 0; i < JOIN_MAX; i++)
        if (fds[i] >= 0 && write(fds[i], "0", 1) != 1)
            return -1;
    return 0;
}

// All that the new user namespace gave it stays over the exec; init's power.c takes it away again.
// Safe because it is power over the new namespaces only.
static int keep_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data))
        return -1;
    for (int i = 0; i < 2; i++)
        data[i].inheritable = data[i].permitted;
    if (syscall(SYS_capset, &head, data))
        return -1;
    int c = 0;
    while (!prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0))
        c++;
    return errno == EINVAL && c > CAP_SETPCAP ? 0 : -1; // the kernel's last was the one before
}

// Put what init inherits on its numbers: first everything out of the way, then into place. What is
// not init's is filled, so that nothing comes to lie there; the rest goes with the exec.
static int place_descriptors(int inherit[INIT_FD_END], int *init_fd)
{
    for (int i = INIT_FD_CONTROL; i < INIT_FD_END; i++)
        if (inherit[i] >= 0 &&
            (inherit[i] = fcntl(inherit[i], F_DUPFD_CLOEXEC, INIT_FD_END + 32)) < 0)
            return -1;
    *init_fd = fcntl(*init_fd, F_DUPFD_CLOEXEC, INIT_FD_END + 32);
    for (int i = 0; i < INIT_FD_END; i++)
        if (dup2(inherit[i] >= 0 ? inherit[i] : inherit[INIT_FD_REPORT], i) < 0)
            return -1;
    return *init_fd < 0 ? -1 : 0;
}

static void become_init(void *arg)
{
    struct box_start *s = arg;
    static char name[] = "pinfold-init";
    static char *const argv[] = {name, NULL}, *const envp[] = {NULL};
    int init_fd = s->h->init_fd, inherit[INIT_FD_END];
    memcpy(inherit, s->inherit, sizeof(inherit));
    // Safe because what is executed is a sealed copy of our own program, named by descriptor.
    if (!join_groups(s->join) && !keep_capabilities() && !place_descriptors(inherit, &init_fd))
        (void)syscall(SYS_execveat, init_fd, "", argv, envp, AT_EMPTY_PATH);
    s->sys = errno;
    (void)syscall(SYS_exit_group, 1);
}

// --- the clone ------------------------------------------------------------------------------------

static int clone_child(struct box_start *s, struct err *e)
{
    static char stack[32u << 10] __attribute__((aligned(16)));
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                 CLONE_PIDFD | CLONE_INTO_CGROUP | CLONE_CLEAR_SIGHAND | CLONE_VM | CLONE_VFORK |
                 (s->spec->network == NET_HOST ? 0 : CLONE_NEWNET),
        .pidfd = (uint64_t)(uintptr_t)&s->pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof(stack),
        .cgroup = (uint64_t)groups_v2_fd(s->groups),
    };
    long pid = clone_apart(&args, (const uint64_t[2]){0, 0}, become_init, s);
    if (pid > 0)
        s->pid = (pid_t)pid;
    errno = pid < 0 ? (int)-pid : s->sys;
    if (errno)
        return err_sys(e, pid < 0 ? "clone a sandbox" : "start a sandbox's init");
    // The child has its own copies; ours go, so that its end is seen on the report socket.
    fd_close(&s->inherit[INIT_FD_REPORT]);
    fd_close(&s->inherit[INIT_FD_CONTROL]);
    fd_close(&s->inherit[INIT_FD_RANGE]);
    return 0;
}

static int write_identity(const struct box_start *s, struct err *e)
{
    char path[64], map[64];
    static const char *const files[] = {"uid_map", "gid_map"};
    (void)snprintf(map, sizeof(map), "0 %u %u", s->uid_base, RANGE_IDS);
    for (unsigned i = 0; i < N_ELEMS(files); i++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)s->pid, files[i]);
        if (io_write_file(AT_FDCWD, path, map, e))
            return -1;
    }
    // The kernel's choice when the machine runs out is a sandbox, not a daemon.
    (void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)s->pid);
    return io_write_file(AT_FDCWD, path, "500", e);
}

// --- mount trees that need the child's user namespace -------------------------------------------

struct tree_want {
    enum tree tree;
    int at;
    const char *path;
    bool read_only, idmap, optional;
};

static int make_tree(struct box_start *s, int userns_fd, const struct tree_want *w, struct err *e)
{
    int *slot = &s->trees[w->tree];
    unsigned flags = OPEN_TREE_CLONE | (*w->path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH);
    *slot = mnt_open_tree(w->at, w->path, flags);
    if (*slot < 0)
        return w->optional ? 0 : err_sys(e, "open %s", *w->path ? w->path : "a directory");
    struct mount_attr a = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                       (w->read_only ? MOUNT_ATTR_RDONLY : 0) |
                                       (w->idmap ? MOUNT_ATTR_IDMAP : 0),
                           .userns_fd = w->idmap ? (uint64_t)userns_fd : 0};
    if (mnt_mount_setattr(*slot, AT_EMPTY_PATH, &a)) {
        // A file system without id mapping (an overlay or a network mount as /usr) is shown with
        // its ids as nobody's, which only matters for reading what is not world-readable.
        a.attr_set &= ~(uint64_t)MOUNT_ATTR_IDMAP;
        if (!w->optional || mnt_mount_setattr(*slot, AT_EMPTY_PATH, &a))
            return err_sys(e, "set the attributes of %s", *w->path ? w->path : "a directory");
    }
    return 0;
}

// The directory's own tree, or the mount of its disk.
static int make_dir_tree(struct box_start *s, int userns_fd, struct err *e)
{
    int disk_fd = -1;
    if (s->plan->memory_upper)
        return 0;
    own_fd int dir = io_open_beneath(s->h->dirs_fd, s->spec->dir, O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return err_sys(e, "open directory %s", s->spec->dir);
    if (disk_use(s->h, s->spec->dir, dir, &disk_fd, e))
        return -1;
    s->disk = disk_fd >= 0;
    struct tree_want w = {TREE_DIR, s->disk ? disk_fd : dir, "", false, true, false};
    return make_tree(s, userns_fd, &w, e);
}

static int make_caller_tree(struct box_start *s, struct err *e)
{
    const struct box_spec *sp = s->spec;
    if (sp->dir_fd < 0)
        return 0;
    own_fd int userns = sp->dir_idmap(sp, s->uid_base, e);
    struct tree_want w = {TREE_CALLER_DIR, sp->dir_fd, "", false, true, false};
    return userns < 0 ? -1 : make_tree(s, userns, &w, e);
}

// resolv.conf as sandboxes can use it: a stub resolver on loopback is not theirs to reach.
static struct tree_want resolv_tree(const struct box_host *h, enum net_mode network)
{
    if (network == NET_LIST)
        return (struct tree_want){TREE_RESOLV, h->conf.state_fd, RESOLV_INSIDE, true, false, true};
    struct stat sb;
    static const char *const upstream = "/run/systemd/resolve/resolv.conf";
    bool own = h->conf.name_servers && *h->conf.name_servers;
    const char *path = own ? RESOLV_FILE : stat(upstream, &sb) ? "/etc/resolv.conf" : upstream;
    return (struct tree_want){TREE_RESOLV, own ? h->conf.state_fd : AT_FDCWD, path, true, false,
                              true};
}

static int make_repo_roots(struct box_start *s, int userns_fd, struct err *e)
{
    for (unsigned i = 0; i < s->plan->n_steps; i++) {
        const struct step *st = &s->plan->steps[i];
        char path[72];
        if (st->kind != STEP_TREE || st->tree < TREE_REPO_ROOT || st->tree > TREE_REPO_ROOT_LAST)
            continue;
        (void)snprintf(path, sizeof(path), "/%s", st->path);
        struct tree_want w = {st->tree, AT_FDCWD, path, true, true, true};
        if (make_tree(s, userns_fd, &w, e))
            return -1;
    }
    return 0;
}

static int make_trees(struct box_start *s, int userns_fd, struct err *e)
{
    const struct box_spec *sp = s->spec;
    struct box_host *h = s->h;
    bool bootstrap = s->profile->internal && strcmp(s->profile->name, "git");
    const struct {
        bool wanted;
        struct tree_want want;
    } rows[] = {
        {true, {TREE_LAYERS, h->layers_fd, "", true, true, false}},
        {s->plan->files[0], {TREE_STRATA, h->strata_fd, "", true, true, false}},
        {sp->host_usr, {TREE_USR, AT_FDCWD, "/usr", true, true, true}},
        {sp->mirror && *sp->mirror,
         {TREE_MIRROR, h->mirrors_fd, sp->mirror, !sp->mirror_write, true, false}},
        {bootstrap, {TREE_APT, AT_FDCWD, "/etc/apt", true, false, true}},
        {bootstrap, {TREE_NPMRC, AT_FDCWD, "/etc/npmrc", true, false, true}},
        {sp->network != NET_NONE, resolv_tree(h, sp->network)},
    };
    for (unsigned i = 0; i < N_ELEMS(rows); i++)
        if (rows[i].wanted && make_tree(s, userns_fd, &rows[i].want, e))
            return -1;
    return make_caller_tree(s, e) || make_dir_tree(s, userns_fd, e) ||
                   make_repo_roots(s, userns_fd, e)
               ? -1
               : 0;
}

static int prepare_child(struct box_start *s, struct err *e)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)s->pid);
    own_fd int userns = open(path, O_RDONLY | O_CLOEXEC);
    if (userns < 0)
        return err_sys(e, "open the sandbox's user namespace");
    if (write_identity(s, e) || make_trees(s, userns, e))
        return -1;
    if (s->spec->network != NET_FULL)
        return 0;
    if (!s->h->net && !(s->h->net = net_new(s->h->conf.net_pool, e)))
        return -1;
    return net_attach(s->h->net, (unsigned)s->slot, s->pid, s->address, e);
}

// The plan is the word to go; the trees come with it.
static int release_child(struct box_start *s, struct err *e)
{
    int fds[TREE_N];
    size_t n = 0;
    for (unsigned t = 0; t < TREE_N; t++)
        if (s->trees[t] >= 0) {
            s->plan->trees |= 1u << t;
            fds[n++] = s->trees[t];
        }
    size_t size = offsetof(struct plan, steps) + s->plan->n_steps * sizeof(s->plan->steps[0]);
    return io_send_fds(s->report_fd, s->plan, size, fds, n) < 0 ? err_sys(e, "release the sandbox")
                                                                : 0;
}

static int take_report(struct box_start *s, char step[32], struct err *e)
{
    struct box_report r;
    ssize_t got = recv(s->report_fd, &r, sizeof(r), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return err_set(e, ERR_TIMEOUT, "the sandbox was not ready within %d s",
                       BOX_START_MS / 1000);
    if (got != sizeof(r))
        return err_set(e, ERR_LOST, "the sandbox's set-up died without a word");
    if (r.step == REPORT_READY)
        return 0;
    const char *name = r.step < STEP_N_KINDS ? step_names[r.step] : "init";
    (void)snprintf(step, 32, "%s", name);
    errno = r.sys;
    return err_sys(e, "sandbox set-up step '%s'", name);
}

// What the directory stands on, for the plan.
static int find_strata(const struct box_host *h, const char *dir, char *out, struct err *e)
{
    struct strata s;
    out[0] = '\0';
    if (!dir || !*dir)
        return 0;
    own_fd int fd = io_open_beneath(h->dirs_fd, dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_sys(e, "open directory %s", dir);
    struct strata_place place = strata_place(h);
    if (strata_chain(&place, fd, &s, e))
        return -1;
    for (unsigned i = 0; i < s.n; i++)
        out += snprintf(out, ID_MAX, "%s%s", i ? ":" : "", s.ids[i]);
    return 0;
}

static int begin(struct box_start *s, const struct box_spec *asked, struct err *e)
{
    char strata[STRATA_MAX * ID_MAX];
    struct box_spec spec = *asked;
    s->profile = profile_find(s->h->conf.profiles, s->h->conf.n_profiles, spec.profile);
    if (!s->profile)
        return err_set(e, ERR_NOT_FOUND, "no profile '%.64s'", spec.profile);
    if (find_strata(s->h, spec.dir, strata, e))
        return -1;
    spec.strata = strata;
    s->spec = &spec;
    (void)snprintf(s->id, sizeof(s->id), "%s", spec.id);
    (void)snprintf(s->profile_name, sizeof(s->profile_name), "%s", spec.profile);
    (void)snprintf(s->dir, sizeof(s->dir), "%s", spec.dir ? spec.dir : "");
    s->listens = spec.network == NET_LIST;
    s->plan = xcalloc(1, sizeof(*s->plan));
    int bad = plan_make(&spec, s->profile, s->h->conf.repo_roots, s->plan, e) || reserve(s, e) ||
              clone_child(s, e) || prepare_child(s, e) || release_child(s, e);
    s->spec = NULL;
    return bad ? -1 : 0;
}

struct box_start *box_start_begin(struct box_host *h, const struct box_spec *spec, char step[32],
                                  struct err *e)
{
    struct box_start *s = xmalloc(sizeof(*s));
    *s = (struct box_start){.h = h, .slot = -1, .report_fd = -1, .control_fd = -1, .pidfd = -1};
    memset(s->trees, 0xff, sizeof(s->trees)); // every descriptor -1
    memset(s->inherit, 0xff, sizeof(s->inherit));
    memset(s->join, 0xff, sizeof(s->join));
    (void)snprintf(step, 32, "prepare");
    if (!begin(s, spec, e))
        return s;
    start_release(s);
    return NULL;
}

int box_start_fd(const struct box_start *s)
{
    return s->report_fd;
}

int box_start_finish(struct box_start *s, struct box *ret, char step[32], struct err *e)
{
    if (take_report(s, step, e))
        return -1;
    *ret = (struct box){.pid = s->pid,
                        .pidfd = fd_steal(&s->pidfd),
                        .control_fd = fd_steal(&s->control_fd),
                        .uid_base = s->uid_base,
                        .listens = s->listens,
                        .groups = ptr_steal(&s->groups)};
    memcpy(ret->id, s->id, sizeof(ret->id));
    memcpy(ret->profile, s->profile_name, sizeof(ret->profile));
    memcpy(ret->address, s->address, sizeof(ret->address));
    if (s->disk)
        memcpy(ret->dir, s->dir, sizeof(ret->dir));
    s->disk = false;
    s->pid = 0; // the box's from here on
    step[0] = '\0';
    return 0;
}

void box_start_abort(struct box_start *s)
{
    start_release(s);
}

void box_start_close(struct box_start *s)
{
    fd_close(&s->report_fd);
    fd_close(&s->control_fd);
}

int box_start(struct box_host *h, const struct box_spec *spec, struct box *ret, char step[32],
              struct err *e)
{
    struct box_start *s = box_start_begin(h, spec, step, e);
    if (!s)
        return -1;
    struct pollfd pfd = {.fd = s->report_fd, .events = POLLIN};
    while (poll(&pfd, 1, BOX_START_MS) < 0 && errno == EINTR)
        ;
    int r = box_start_finish(s, ret, step, e);
    start_release(s);
    return r;
}

void box_kill(struct box_host *h, struct box *b)
{
    (void)h;
    if (b->pidfd >= 0)
        (void)syscall(SYS_pidfd_send_signal, b->pidfd, SIGKILL, NULL, 0); // gone already is fine
    groups_kill(b->groups);
}

void box_reap(struct box_host *h, struct box *b, int *ret_status, uint64_t *ret_oom_kills)
{
    *ret_oom_kills = b->groups ? groups_oom_kills(b->groups) : 0;
    *ret_status = 0;
    // An adopted box is another process's child; its status went there.
    while (!b->adopted && waitpid(b->pid, ret_status, 0) < 0 && errno == EINTR)
        ;
    groups_remove(ptr_steal(&b->groups));
    if (b->dir[0])
        disk_unuse(h, b->dir);
    fd_close(&b->pidfd);
    fd_close(&b->control_fd);
}

int box_cgroup_fd(const struct box *b)
{
    return groups_open_v2(b->groups);
}

int box_stat(struct box_host *h, const struct box *b, struct box_stat *ret, struct err *e)
{
    (void)h;
    return groups_stat(b->groups, ret, e);
}
