// SPDX-License-Identifier: Apache-2.0
// What the set-up hands to a sandbox's init: the descriptors by number, and what the
// plan (stage.h) says to init itself.
#pragma once
#include <pinfold/run.h>
#include <stdint.h>

enum init_fd {
    INIT_FD_CONTROL = 3,    // SEQPACKET: requests from the server
    INIT_FD_REPORT = 4,     // SEQPACKET: the plan in, struct box_report out, then closed
    INIT_FD_CGROUP = 5,     // the delegated v2 directory
    INIT_FD_FILTER = 6,     // sock_filter[] in a sealed memfd
    INIT_FD_TOOL = 7,       // pinfold-tool in a sealed memfd
    INIT_FD_GIT = 8,        // pinfold-git, or closed
    INIT_FD_RANGE = 9,      // holds the lock on the id range for as long as init lives
    INIT_FD_OOM = 10,       // v1 memory.oom_control or v2 memory.events
    INIT_FD_PIDS = 11,      // pids.events
    INIT_FD_V1_MEMORY = 12, // delegated v1 directories for limits of one exec, or closed
    INIT_FD_V1_PIDS = 13,
    INIT_FD_SPARE = 14, // while there is no server: the other end of CONTROL, for the next one
    INIT_FD_NET = 15,   // with an allow-list, enum net_socket: kept for whoever asks again
    INIT_FD_WHO = INIT_FD_NET + NET_SOCK_N, // the other end of NET_SOCK_WHO, which init serves
    INIT_FD_DIAG,                           // NETLINK_SOCK_DIAG of the sandbox's network
    INIT_FD_END
};
struct init_start {
    uint64_t capabilities;             // bounding set of the commands
    uint32_t uid, gid;                 // of commands that name no user
    uint32_t open_files;               // RLIMIT_NOFILE
    uint32_t memory_on_v2, pids_on_v2; // controllers to hand down to exec groups
    uint32_t linger_ms;                // how long to go on without a server; 0: not at all
};
// The only thing a failing set-up says: which step, errno.
#define REPORT_READY 0xffffu // init is ready
#define REPORT_INIT 0xfffeu  // the steps are done, what init does after them failed
struct box_report {
    uint32_t step;
    int32_t sys;
};
