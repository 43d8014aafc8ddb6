// SPDX-License-Identifier: Apache-2.0
// Items as core keeps them.
#pragma once
#include "exec_int.h"

#include <pinfold/core_item.h>

struct itemrec {
    struct item pub;
    struct core *core;
    char *name, *text, *agent;
    struct strings *labels, *agents;
    size_t bytes;
    struct list all; // core's, oldest first
    bool recorded, deleting;
};
int items_load(struct core *c, struct err *e);
void items_resume(struct core *c); // after the runs
void items_free(struct core *c);
// What a run has come to is what its task has come to.
void item_follow_run(struct core *c, const struct run *r);
