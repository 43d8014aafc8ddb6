// SPDX-License-Identifier: Apache-2.0
// A cgroup for each command, beneath the one that was delegated to this sandbox.
#include "init_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

static int write_at(int dir_fd, const char *file, const char *text)
{
    own_fd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

static int write_number(int dir_fd, const char *file, uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
    return write_at(dir_fd, file, text);
}

int groups_init(struct init *in)
{
    in->oom_last = io_counter(INIT_FD_OOM, "oom_kill");
    in->pids_last = io_counter(INIT_FD_PIDS, "max");
    if (!in->start.memory_on_v2 && !in->start.pids_on_v2)
        return 0;
    // v2 hands controllers down only from a group without processes: init moves to a leaf.
    if (mkdirat(INIT_FD_CGROUP, "init", 0755) || write_at(INIT_FD_CGROUP, "init/cgroup.procs", "0"))
        return -1;
    if (in->start.memory_on_v2 && write_at(INIT_FD_CGROUP, "cgroup.subtree_control", "+memory"))
        return -1;
    return in->start.pids_on_v2 && write_at(INIT_FD_CGROUP, "cgroup.subtree_control", "+pids");
}

static void group_close(struct exec_group *g)
{
    fd_close(&g->dir_fd);
    fd_close(&g->events_fd);
    fd_close(&g->kill_fd);
    fd_close(&g->cpu_fd);
    fd_close(&g->peak_fd);
    fd_close(&g->oom_fd);
    fd_close(&g->pids_fd);
}

static int group_make(struct init *in, struct exec_group *g)
{
    char name[16];
    memset(g, 0xff, sizeof(*g)); // each descriptor -1
    g->number = ++in->next_group;
    g->cpu_base_us = 0;
    g->in_use = true;
    g->spent = false;
    (void)snprintf(name, sizeof(name), "x%u", g->number);
    if (mkdirat(INIT_FD_CGROUP, name, 0755))
        return -1;
    g->dir_fd = openat(INIT_FD_CGROUP, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g->events_fd = openat(g->dir_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    g->kill_fd = openat(g->dir_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    g->cpu_fd = openat(g->dir_fd, "cpu.stat", O_RDONLY | O_CLOEXEC);
    g->peak_fd = openat(g->dir_fd, "memory.peak", O_RDONLY | O_CLOEXEC); // may be absent
    if (in->start.pids_on_v2)
        g->pids_fd = openat(g->dir_fd, "pids.events", O_RDONLY | O_CLOEXEC);
    if (g->dir_fd >= 0 && g->events_fd >= 0 && g->kill_fd >= 0 && g->cpu_fd >= 0) {
        // An exec that outgrows its memory dies as a whole, not by its largest process.
        (void)write_at(g->dir_fd, "memory.oom.group", "1"); // absent without the controller
        return 0;
    }
    int saved = errno;
    group_close(g);
    (void)unlinkat(INIT_FD_CGROUP, name, AT_REMOVEDIR);
    errno = saved;
    return -1;
}

static void group_remove(struct exec_group *g)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "x%u", g->number);
    group_close(g);
    (void)unlinkat(INIT_FD_CGROUP, name, AT_REMOVEDIR); // it is empty; the launcher has the rest
    g->in_use = false;
}

// Limits of one exec: in its own group on v2, in a v1 group of the same number otherwise, which
// the command joins itself.
static int set_limits(struct init *in, const struct msg_exec *m, struct exec_slot *x)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "x%u", x->group.number);
    if (m->memory_bytes) {
        if (in->start.memory_on_v2) {
            (void)write_number(x->group.dir_fd, "memory.swap.max", 0);
            if (write_number(x->group.dir_fd, "memory.max", m->memory_bytes))
                return -1;
        } else {
            own_fd int fd = mkdirat(INIT_FD_V1_MEMORY, name, 0755)
                                ? -1
                                : openat(INIT_FD_V1_MEMORY, name, O_RDONLY | O_CLOEXEC);
            if (fd < 0 || write_number(fd, "memory.limit_in_bytes", m->memory_bytes))
                return -1;
            (void)write_number(fd, "memory.memsw.limit_in_bytes", m->memory_bytes);
            x->group.oom_fd = openat(fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
        }
    }
    if (m->pids) {
        if (in->start.pids_on_v2)
            return write_number(x->group.dir_fd, "pids.max", m->pids);
        own_fd int fd = mkdirat(INIT_FD_V1_PIDS, name, 0755)
                            ? -1
                            : openat(INIT_FD_V1_PIDS, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || write_number(fd, "pids.max", m->pids))
            return -1;
        x->group.pids_fd = openat(fd, "pids.events", O_RDONLY | O_CLOEXEC);
    }
    return 0;
}

int group_take(struct init *in, const struct msg_exec *m, struct exec_slot *x)
{
    x->limited = m->memory_bytes || m->pids;
    // memory.peak cannot be reset on older kernels, so a group that has one is not reused.
    if (in->n_idle && !x->limited)
        x->group = in->idle[--in->n_idle];
    else if (group_make(in, &x->group))
        return -1;
    x->group.in_use = true;
    if (x->limited && set_limits(in, m, x)) {
        int saved = errno;
        group_give_back(in, x);
        errno = saved;
        return -1;
    }
    // Nothing has run since the last exec ended: its counters are still true.
    bool known = !in->n_execs && x->group.oom_fd < 0 && x->group.pids_fd < 0;
    x->oom_base = known ? in->oom_last : group_oom_kills(in, &x->group);
    x->pids_base = known ? in->pids_last : group_pids_refused(in, &x->group);
    return 0;
}

// Kernels differ in whether an event is counted in the group that it happened in, in the one
// whose limit was reached or in all above: both ends are read, and only a change matters.
uint64_t group_oom_kills(struct init *in, const struct exec_group *g)
{
    in->oom_last = io_counter(INIT_FD_OOM, "oom_kill");
    return in->oom_last + (g->oom_fd >= 0 ? io_counter(g->oom_fd, "oom_kill") : 0);
}

uint64_t group_pids_refused(struct init *in, const struct exec_group *g)
{
    in->pids_last = io_counter(INIT_FD_PIDS, "max");
    return in->pids_last + (g->pids_fd >= 0 ? io_counter(g->pids_fd, "max") : 0);
}

bool group_populated(const struct exec_group *g)
{
    return io_counter(g->events_fd, "populated") != 0;
}

void group_kill(struct exec_group *g)
{
    g->spent = true;
    if (write(g->kill_fd, "1", 1) < 0)
        return; // only fails for a group that is gone, and then nothing is left in it
}

// Asked once, when all of an exec has ended: a group that is reused goes on from there.
uint64_t group_cpu_us(struct exec_group *g)
{
    uint64_t base = g->cpu_base_us, now = io_counter(g->cpu_fd, "usage_usec");
    g->cpu_base_us = now;
    return now > base ? now - base : 0;
}

uint64_t group_peak_bytes(const struct exec_group *g)
{
    return g->peak_fd >= 0 ? io_counter(g->peak_fd, NULL) : 0;
}

void groups_prepare(struct init *in)
{
    if (!group_make(in, &in->idle[0]))
        in->n_idle = 1; // else the first command tries itself, and tells
}

void group_give_back(struct init *in, struct exec_slot *x)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "x%u", x->group.number);
    if (x->limited) {
        (void)unlinkat(INIT_FD_V1_MEMORY, name, AT_REMOVEDIR); // absent on v2
        (void)unlinkat(INIT_FD_V1_PIDS, name, AT_REMOVEDIR);
    }
    if (x->limited || x->group.spent || x->group.peak_fd >= 0 || in->n_idle == GROUPS_IDLE_MAX) {
        group_remove(&x->group);
        return;
    }
    x->group.in_use = false;
    in->idle[in->n_idle++] = x->group;
}
