// SPDX-License-Identifier: Apache-2.0
// Budgets of what takes room and can be made again: layers of images, mirrors of repositories.
//
// What each takes is counted by the launcher, one at a time, once it was made or fetched. When one
// kind together is over its budget, what was used least recently goes first, one at a time; what
// anything stands on never goes. Kept output has its own (exec_save.c: the oldest commands go).
#pragma once
#include "launcher_int.h"

#include <pinfold/core.h>

enum budget_kind { BUDGET_LAYERS, BUDGET_MIRRORS, BUDGET_N };

struct budget {
    struct map *spent[BUDGET_N]; // name -> struct spent
    struct ask ask;              // counts or removes a layer, or counts a mirror
    struct waiter waiter;        // removes a mirror
    enum budget_kind kind;       // of what is at work
    char name[LAYER_NAME_MAX];
    bool busy, dirty, saving;
    uint64_t last_ms; // of a use
    unsigned removed[BUDGET_N];
};
int budget_load(struct core *c, struct err *e);
void budget_end(struct core *c);  // ask for nothing more
void budget_free(struct core *c); // with the core
// It is used now; `made`: it has also become larger.
void budget_used(struct core *c, enum budget_kind kind, const char *name, bool made);
void budget_layers_used(struct core *c, const char *layers); // joined by ':'
// Something may be over its budget, or free to go: look, one step at a time.
void budget_look(struct core *c);
void budget_tidy(struct core *c); // every now and then: the same, and write what was counted
void budget_stats(const struct core *c, struct core_stats *ret);
