// SPDX-License-Identifier: Apache-2.0
// Private to the cgroup files of the room box.
#pragma once
#include "box_int.h"

#include <pinfold/map.h>

// The controllers pinfold limits with, each on whichever hierarchy the host has it.
enum controller { CTL_MEMORY, CTL_PIDS, CTL_CPU, CTL_N };
struct cgroups {
    int v2_fd;        // our group on the unified hierarchy: always there
    int v1_fd[CTL_N]; // our group on a v1 hierarchy, or -1
    bool on_v2[CTL_N];
    char kind[8];
    struct map *keep; // ids that are not leftovers
};
struct box_groups {
    const struct cgroups *c;
    char id[ID_MAX];
    // While it starts; of one that lives none is open (groups_rest).
    int top_fd, v2_fd; // v2: the box's group; the delegated one (the same without controllers)
    int v1_fd[CTL_N];
    bool on_v1[CTL_N]; // there is one
    struct limits limits;
};
extern const char *const controller_names[CTL_N];
int group_child(int at, const char *name, struct err *e);      // make and open a group
void group_remove_tree(int at, const char *name);              // rmdir it and what is below
uint64_t group_number(int fd, const char *file);               // whole-file number, 0 if none
uint64_t group_key(int fd, const char *file, const char *key); // "key N" lines
