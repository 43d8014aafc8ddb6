// SPDX-License-Identifier: Apache-2.0
// The set-up of a sandbox from inside: the plan that the room box makes and sends, and the steps
// that carry it out. They run in pinfold-init, as its first deed, so that nothing of the caller's
// memory is ever in a sandbox's process. No allocation, no log, one record when a step fails.
#pragma once
#include <pinfold/id.h>
#include <pinfold/init_start.h>
#include <pinfold/run.h>
#include <stdbool.h>
#include <stdint.h>

enum step_kind {
    STEP_IDS,       // become root of the user namespace
    STEP_KEYRING,   // a session keyring of its own
    STEP_CGROUP_NS, // cgroup namespace rooted at the box's group
    STEP_PRIVATE,   // no mount event leaves or enters
    STEP_STAGE,     // the tmpfs everything is assembled on
    STEP_UPPER,     // where writes go: a directory of the state, or a tmpfs
    STEP_ROOT,      // the overlay, or the skeleton
    STEP_TREE,      // show a prepared tree at a place
    STEP_FILES,     // /workspace
    STEP_TMPFS,
    STEP_PROC,
    STEP_DEV,
    STEP_PTS,
    STEP_HIDE,      // cover a file or directory of /proc
    STEP_READ_ONLY, // make a part of /proc read-only
    STEP_PIVOT,
    STEP_HOSTNAME,
    STEP_LOOPBACK,
    STEP_LISTEN, // the sockets of NET_LIST
    STEP_NO_USERNS,
    STEP_RLIMITS,
    STEP_CORE_SCHED, // no sibling thread runs anything else meanwhile
    STEP_NO_NEW_PRIVS,
    STEP_WRITABLE, // a directory that Landlock leaves writable
    STEP_LANDLOCK, // nothing else can be written from here on
    STEP_INIT,     // close what is not init's
    STEP_N_KINDS
};
extern const char *const step_names[STEP_N_KINDS];

enum tree { // what STEP_TREE shows: a detached mount that comes with the plan
    TREE_LAYERS,
    TREE_DIR,
    TREE_STRATA,
    TREE_USR,
    TREE_MIRROR,
    TREE_APT,
    TREE_NPMRC,
    TREE_RESOLV,
    TREE_REPO_ROOT,
    TREE_REPO_ROOT_LAST = TREE_REPO_ROOT + 3,
    TREE_CALLER_DIR,
    TREE_N
};
#define STEPS_MAX 80
#define LAYER_ROOM 72
struct step {
    enum step_kind kind;
    enum tree tree;
    bool read_only, exec, optional;
    uint64_t bytes, inodes;
    char path[64]; // inside, without the leading slash
};
// Sent as it is, as far as the last step: both ends are of one build.
struct plan {
    uint32_t trees; // which come along, by bit and in order
    uint32_t holes; // numbers beneath INIT_FD_END that hold nothing of init's
    uint32_t n_steps;
    bool memory_upper, net_loopback, userns;
    uint64_t disk_bytes, inodes;
    struct limits limits;
    struct init_start start;
    char hostname[NAME_MAX_LEN + 1];
    char files[1024];  // lowerdir of /workspace; "" when it is a plain directory
    char layers[4096]; // that of the root: highest first
    struct step steps[STEPS_MAX];
};

// In the child that box cloned and that has executed init: with every capability over its new
// namespaces and none elsewhere. The plan is read from INIT_FD_REPORT. -1 (errno) with the step.
int stage_act(struct init_start *ret, uint32_t *ret_step);
