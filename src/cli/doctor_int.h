// SPDX-License-Identifier: Apache-2.0
// Inside doctor: a probe looks at one thing and says whether it is there; the table says what it is
// worth.
#pragma once
#include "cli_int.h"

#define DETAIL_MAX 200
struct doctor {
    const struct cli *cli;
    char detail[DETAIL_MAX]; // what the probe saw
};
// 1: it is there, 0: it is not, -1: it could not be found out (the detail says why).
int probe_root(struct doctor *d);
int probe_kernel(struct doctor *d);
int probe_userns(struct doctor *d);
int probe_namespaces(struct doctor *d);
int probe_time_namespace(struct doctor *d);
int probe_overlay(struct doctor *d);
int probe_idmap(struct doctor *d);
int probe_seccomp(struct doctor *d);
int probe_landlock(struct doctor *d);
int probe_cgroup_v2(struct doctor *d);
int probe_cgroup_controllers(struct doctor *d);
int probe_cgroup_kill(struct doctor *d);
int probe_netfilter(struct doctor *d);
int probe_loop(struct doctor *d);
int probe_core_sched(struct doctor *d);
int probe_cpu_bugs(struct doctor *d);

int probe_ids(struct doctor *d);
int probe_server_user(struct doctor *d);
int probe_egress_user(struct doctor *d);
int probe_state_dir(struct doctor *d);
int probe_state_space(struct doctor *d);
int probe_open_files(struct doctor *d);
int probe_pids(struct doctor *d);
int probe_namespace_limits(struct doctor *d);
int probe_keys(struct doctor *d);
int probe_memory(struct doctor *d);
int probe_helpers(struct doctor *d);
int probe_profiles(struct doctor *d);
int probe_mmdebstrap(struct doctor *d);
int probe_pacstrap(struct doctor *d);
int probe_mke2fs(struct doctor *d);
int probe_apt_sources(struct doctor *d);

int probe_tiocsti(struct doctor *d);
int probe_ptrace_scope(struct doctor *d);
int probe_protected_links(struct doctor *d);
int probe_core_pattern(struct doctor *d);
int probe_bpf(struct doctor *d);
int probe_kernel_pointers(struct doctor *d);

// The number in a file of /proc or /sys: 0, or -1.
int read_number(const char *path, uint64_t *ret);
// Its text, one line, cut at the room.
int read_line(const char *path, char *out, size_t room);
// Run a function in a child process and give back what it returned, 0 to 100, or -1. What it does to
// its namespaces ends with it.
int in_child(int (*f)(void *arg), void *arg);
