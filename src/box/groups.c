// SPDX-License-Identifier: Apache-2.0
// One sandbox's cgroups: made with their limits before the process exists, joined at its birth,
// read while it lives, removed after it.
//
//     <our group>/<box>        limits; owned by root
//     <our group>/<box>/d      v2 with controllers only: delegated to the sandbox's root
//     .../x<n>                 one per exec, made by init
#include "cgroup_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int write_number(int fd, const char *file, uint64_t n, struct err *e)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, n);
    return io_write_file(fd, file, text, e);
}

static bool read_text(int fd, const char *file, char *out, size_t room)
{
    own_fd int f = openat(fd, file, O_RDONLY | O_CLOEXEC);
    ssize_t n = f < 0 ? -1 : io_read_full(f, out, room - 1);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

uint64_t group_number(int fd, const char *file)
{
    char text[32];
    return read_text(fd, file, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

uint64_t group_key(int fd, const char *file, const char *key)
{
    char text[2048];
    if (!read_text(fd, file, text, sizeof(text)))
        return 0;
    size_t n = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += !!at)
        if (!strncmp(at, key, n) && at[n] == ' ')
            return strtoull(at + n, NULL, 10);
    return 0;
}

// The limit of each controller, for v2 and for v1.
static int limit_memory(int fd, bool v2, const struct limits *l, struct err *e)
{
    if (!l->memory_bytes)
        return 0;
    if (v2) {
        (void)io_write_file(fd, "memory.swap.max", "0", NULL); // absent without swap accounting
        return write_number(fd, "memory.max", l->memory_bytes, e);
    }
    if (write_number(fd, "memory.limit_in_bytes", l->memory_bytes, e))
        return -1;
    // Memory plus swap at the same value is no swap; the file is absent without accounting.
    (void)write_number(fd, "memory.memsw.limit_in_bytes", l->memory_bytes, NULL);
    return 0;
}

static int limit_pids(int fd, bool v2, const struct limits *l, struct err *e)
{
    (void)v2; // the same file in both
    // One more for init, which is not the user's.
    return l->pids ? write_number(fd, "pids.max", l->pids + 1u, e) : 0;
}

// A quota of all there is would only cost: the kernel looks at every group of the machine to set it.
static int limit_cpu(int fd, bool v2, const struct limits *l, struct err *e)
{
    char text[48];
    long cpus = sysconf(_SC_NPROCESSORS_CONF); // those that may yet come, too
    if (!l->cpu_percent || (cpus > 0 && l->cpu_percent >= 100ull * (unsigned long)cpus))
        return 0;
    const uint64_t period = 100000; // microseconds, the kernel's default
    uint64_t quota = period / 100 * l->cpu_percent;
    if (!v2)
        return write_number(fd, "cpu.cfs_quota_us", quota, e);
    (void)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, quota, period);
    return io_write_file(fd, "cpu.max", text, e);
}

static int (*const set_limit[CTL_N])(int, bool, const struct limits *,
                                     struct err *) = {limit_memory, limit_pids, limit_cpu};

// Give a group to the sandbox's root: it may make groups below and move its processes between
// them. Safe because the files with limits stay root's.
static int delegate(int fd, bool v2, uint32_t uid, struct err *e)
{
    static const char *const files[2][5] = {
        {".", "cgroup.procs", "tasks"},
        {".", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}};
    for (const char *const *f = files[v2]; *f; f++)
        if (fchownat(fd, *f, uid, uid, AT_SYMLINK_NOFOLLOW))
            return err_sys(e, "delegate a cgroup's %s", *f);
    return 0;
}

static int make_v2(struct box_groups *g, uint32_t uid, struct err *e)
{
    g->top_fd = group_child(g->c->v2_fd, g->id, e);
    if (g->top_fd < 0)
        return -1;
    bool any = false;
    for (int i = 0; i < CTL_N; i++) {
        char word[16];
        if (!g->c->on_v2[i])
            continue;
        any = true;
        (void)snprintf(word, sizeof(word), "+%s", controller_names[i]);
        if (set_limit[i](g->top_fd, true, &g->limits, e) ||
            io_write_file(g->top_fd, "cgroup.subtree_control", word, e))
            return -1;
    }
    g->v2_fd = any ? group_child(g->top_fd, "d", e) : fcntl(g->top_fd, F_DUPFD_CLOEXEC, 3);
    return g->v2_fd < 0 ? -1 : delegate(g->v2_fd, true, uid, e);
}

static int make_v1(struct box_groups *g, uint32_t uid, struct err *e)
{
    for (int i = 0; i < CTL_N; i++) {
        if (g->c->v1_fd[i] < 0 || (i == CTL_CPU && !g->limits.cpu_percent))
            continue;
        g->on_v1[i] = true;
        g->v1_fd[i] = group_child(g->c->v1_fd[i], g->id, e);
        if (g->v1_fd[i] < 0 || set_limit[i](g->v1_fd[i], false, &g->limits, e))
            return -1;
        if (i != CTL_CPU && delegate(g->v1_fd[i], false, uid, e))
            return -1;
    }
    return 0;
}

struct box_groups *groups_make(struct cgroups *c, const char *id, const struct limits *l,
                               uint32_t uid_base, struct err *e)
{
    struct box_groups *g = xcalloc(1, sizeof(*g));
    *g = (struct box_groups){.c = c, .top_fd = -1, .v2_fd = -1, .limits = *l};
    (void)snprintf(g->id, sizeof(g->id), "%s", id);
    for (int i = 0; i < CTL_N; i++)
        g->v1_fd[i] = -1;
    if (make_v1(g, uid_base, e) || make_v2(g, uid_base, e)) {
        groups_remove(g);
        return NULL;
    }
    return g;
}

static int open_group(int at, const char *id)
{
    return at < 0 ? -1 : io_open_beneath(at, id, O_RDONLY | O_DIRECTORY, 0);
}

// trusted.*: neither the sandbox nor the server can write it.
#define RECORD_XATTR "trusted.pinfold.box"

int groups_record(const struct box_groups *g, const void *p, size_t n, struct err *e)
{
    return fsetxattr(g->top_fd, RECORD_XATTR, p, n, 0) ? err_sys(e, "record box %s", g->id) : 0;
}

bool cgroups_record(const struct cgroups *c, const char *id, void *p, size_t n)
{
    own_fd int fd = open_group(c->v2_fd, id);
    return fd >= 0 && fgetxattr(fd, RECORD_XATTR, p, n) == (ssize_t)n;
}

// Is pid in the v2 group, or in one below it?
static bool is_member(const char *id, pid_t pid)
{
    char path[48], want[ID_MAX + 2], text[4096];
    (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    (void)snprintf(want, sizeof(want), "/%s", id);
    if (!read_text(AT_FDCWD, path, text, sizeof(text)))
        return false;
    const char *line = strstr(text, "0::"), *at = line ? strstr(line, want) : NULL;
    return at && strchr("/\n", at[strlen(want)]);
}

void groups_rest(struct box_groups *g)
{
    fd_close(&g->top_fd);
    fd_close(&g->v2_fd);
    for (int i = 0; i < CTL_N; i++)
        fd_close(&g->v1_fd[i]);
}

struct box_groups *groups_reopen(struct cgroups *c, const char *id, pid_t pid,
                                 const struct limits *l)
{
    struct box_groups *g = xcalloc(1, sizeof(*g));
    *g = (struct box_groups){.c = c, .top_fd = open_group(c->v2_fd, id), .v2_fd = -1, .limits = *l};
    (void)snprintf(g->id, sizeof(g->id), "%s", id);
    for (int i = 0; i < CTL_N; i++)
        g->on_v1[i] = (g->v1_fd[i] = open_group(c->v1_fd[i], id)) >= 0;
    bool good = g->top_fd >= 0 && is_member(id, pid);
    groups_rest(g);
    if (good)
        return g;
    free(g); // not this box's: leave the groups to the removal of leftovers
    return NULL;
}

const struct limits *groups_limits(const struct box_groups *g)
{
    return &g->limits;
}

int groups_v2_fd(const struct box_groups *g)
{
    return g->v2_fd;
}

int groups_open_v2(const struct box_groups *g)
{
    bool any = false;
    for (int i = 0; i < CTL_N; i++)
        any |= g->c->on_v2[i];
    own_fd int top = open_group(g->c->v2_fd, g->id);
    return any && top >= 0 ? open_group(top, "d") : fd_steal(&top);
}

// By tasks, not cgroup.procs: one thread that moves itself waits for nobody, while to move another
// process the kernel stops every fork and exit of the machine.
int groups_join_fds(const struct box_groups *g, int fds[JOIN_MAX], struct err *e)
{
    for (int i = 0; i < CTL_N; i++) {
        fds[i] = g->v1_fd[i] < 0 ? -1 : openat(g->v1_fd[i], "tasks", O_WRONLY | O_CLOEXEC);
        if (g->v1_fd[i] >= 0 && fds[i] < 0)
            return err_sys(e, "open a cgroup's tasks");
    }
    return 0;
}
_Static_assert(JOIN_MAX >= (int)CTL_N, "one for each controller");

int groups_init_fds(struct box_groups *g, int fds[INIT_FD_END], struct init_start *st,
                    struct err *e)
{
    int mem = g->v1_fd[CTL_MEMORY], pids = g->v1_fd[CTL_PIDS];
    st->memory_on_v2 = g->c->on_v2[CTL_MEMORY];
    st->pids_on_v2 = g->c->on_v2[CTL_PIDS];
    fds[INIT_FD_CGROUP] = fcntl(g->v2_fd, F_DUPFD_CLOEXEC, 3);
    fds[INIT_FD_OOM] = mem >= 0 ? openat(mem, "memory.oom_control", O_RDONLY | O_CLOEXEC)
                                : openat(g->top_fd, "memory.events", O_RDONLY | O_CLOEXEC);
    fds[INIT_FD_PIDS] = openat(pids >= 0 ? pids : g->top_fd, "pids.events", O_RDONLY | O_CLOEXEC);
    if (fds[INIT_FD_CGROUP] < 0 || fds[INIT_FD_OOM] < 0 || fds[INIT_FD_PIDS] < 0)
        return err_sys(e, "open a cgroup's counters");
    fds[INIT_FD_V1_MEMORY] = mem >= 0 ? fcntl(mem, F_DUPFD_CLOEXEC, 3) : -1;
    fds[INIT_FD_V1_PIDS] = pids >= 0 ? fcntl(pids, F_DUPFD_CLOEXEC, 3) : -1;
    return 0;
}

void groups_kill(struct box_groups *g)
{
    own_fd int top = g ? open_group(g->c->v2_fd, g->id) : -1;
    if (top >= 0)
        (void)io_write_file(top, "cgroup.kill", "1", NULL); // empty groups take it too
}

uint64_t groups_oom_kills(const struct box_groups *g)
{
    bool v1 = g->on_v1[CTL_MEMORY];
    own_fd int fd = open_group(v1 ? g->c->v1_fd[CTL_MEMORY] : g->c->v2_fd, g->id);
    return fd < 0 ? 0 : group_key(fd, v1 ? "memory.oom_control" : "memory.events", "oom_kill");
}

int groups_stat(struct box_groups *g, struct box_stat *ret, struct err *e)
{
    own_fd int top = open_group(g->c->v2_fd, g->id);
    own_fd int mem = g->on_v1[CTL_MEMORY] ? open_group(g->c->v1_fd[CTL_MEMORY], g->id) : -1;
    own_fd int pids = open_group(g->on_v1[CTL_PIDS] ? g->c->v1_fd[CTL_PIDS] : g->c->v2_fd, g->id);
    struct box_stat s = {.limits = g->limits};
    if (top < 0 || pids < 0)
        return err_set(e, ERR_GONE, "the sandbox's groups are gone");
    s.cpu_us = group_key(top, "cpu.stat", "usage_usec");
    if (mem >= 0) {
        s.memory_bytes = group_number(mem, "memory.usage_in_bytes");
        s.memory_peak_bytes = group_number(mem, "memory.max_usage_in_bytes");
    } else {
        s.memory_bytes = group_number(top, "memory.current");
        s.memory_peak_bytes = group_number(top, "memory.peak"); // since Linux 5.19
    }
    s.oom_kills = groups_oom_kills(g);
    s.pids = group_number(pids, "pids.current");
    s.pids_refused = group_key(pids, "pids.events", "max");
    *ret = s;
    return 0;
}

void groups_remove(struct box_groups *g)
{
    if (!g)
        return;
    groups_rest(g);
    group_remove_tree(g->c->v2_fd, g->id);
    for (int i = 0; i < CTL_N; i++)
        if (g->on_v1[i])
            group_remove_tree(g->c->v1_fd[i], g->id);
    free(g);
}
