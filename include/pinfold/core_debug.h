// SPDX-License-Identifier: Apache-2.0
// Looking into a workspace: everything that helps to see what is wrong, gathered from the
// launcher, from init and from inside, each part with its own error when it could not be had.
#pragma once
#include <pinfold/core.h>
#include <pinfold/tool.h>

struct workspace;
struct exec;

#define DEBUG_EXECS_MAX 20
#define DEBUG_LOG_BYTES 4096
#define DEBUG_DENIED_MAX 64

struct debug_use {
    bool known; // the sandbox runs and the launcher answered
    uint64_t memory_bytes, memory_peak_bytes, cpu_us, oom_kills, pids, pids_refused;
    uint64_t memory_limit, pids_limit, cpu_percent_limit;
    char cgroup[16];
};
struct debug_denied {
    char syscall[32]; // its number as text when it has no name here
    uint32_t nr, count;
    char comm[16];
};
struct debug_log {
    const char *text;
    size_t len;
    uint64_t offset, total; // text is [offset, total)
};
// The caller zeroes it, sets on_done in w and keeps it until on_done or waiter_cancel(&d->w).
// Everything out of it is valid in on_done only.
struct debug_request {
    struct waiter w;
    const struct workspace *workspace;
    const char *problem;         // what was wrong, one sentence; "" when nothing is
    const char *sandbox;         // "none", "starting", "live", "stopping"
    uint64_t sandbox_ms;         // in this state since, wall clock
    uint32_t init_pid, uid_base; // on the host; 0 when not live
    const char *address;         // inside, with network full; else ""
    const char *const *layers;   // keys, lowest first, NULL at the end
    bool host_usr;
    const char *const *namespaces; // "pid:[4026531836]", NULL at the end
    const char *mounts;            // /proc/self/mountinfo as seen inside
    size_t mounts_len;
    struct debug_use use;
    const struct tool_process *processes;
    size_t n_processes;
    const struct exec *execs[DEBUG_EXECS_MAX]; // newest first
    size_t n_execs;
    struct debug_denied denied[DEBUG_DENIED_MAX];
    size_t n_denied;
    uint64_t denied_total;
    struct debug_log build_log, init_log;
    const char *missing; // which parts could not be had and why; "" when all are there
    void *job;           // core's own
};
// Does not start a sandbox that does not run. Answers within 5 s, with what it has by then.
int core_debug(struct core *c, struct workspace *ws, struct debug_request *d, struct err *e);
