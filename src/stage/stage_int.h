// SPDX-License-Identifier: Apache-2.0
// Private to the room stage: what the steps work with.
#pragma once
#include <pinfold/mnt.h>
#include <pinfold/stage.h>

#include <fcntl.h>
#include <unistd.h>

struct stage {         // descriptors only
    int trees[TREE_N]; // detached mounts, -1 when not wanted
    int base_fd, root_fd, null_fd;
    int rules_fd;   // Landlock's, while they are collected
    uint32_t holes; // of struct plan, less what a step has filled
};

#define STEP_FN(name) int name(const struct plan *p, const struct step *s, struct stage *st)
STEP_FN(act_private);
STEP_FN(act_stage);
STEP_FN(act_upper);
STEP_FN(act_root);
STEP_FN(act_tree);
STEP_FN(act_files);
STEP_FN(act_tmpfs);
STEP_FN(act_proc);
STEP_FN(act_dev);
STEP_FN(act_pts);
STEP_FN(act_hide);
STEP_FN(act_read_only);
STEP_FN(act_pivot);
STEP_FN(act_core_sched);
STEP_FN(act_writable);
STEP_FN(act_landlock);
