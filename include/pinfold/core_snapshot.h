// SPDX-License-Identifier: Apache-2.0
// Snapshots of a workspace: its root and its /workspace as they were. Made and gone back to in
// constant time, unless the workspace has a disk of its own. They go with their workspace.
#pragma once
#include <pinfold/core_workspace.h>

struct snapshot {
    char id[ID_MAX];             // snap_...
    char name[NAME_MAX_LEN + 1]; // unique in its workspace; the id without one
    char workspace[ID_MAX];
    char image[NAME_MAX_LEN + 1]; // what its root stands on
    uint64_t created_ms;
};
// NULL name: its id. ERR_CONFLICT while commands run, ERR_LIMIT. result: struct snapshot *.
int core_snapshot_create(struct core *c, struct workspace *ws, const char *name, struct waiter *w,
                         struct err *e);
// By id or name. NULL with ERR_NOT_FOUND.
struct snapshot *core_snapshot_find(struct workspace *ws, const char *ref, struct err *e);
// Oldest first: the one after prev, or the first. NULL at the end.
struct snapshot *core_snapshot_next(struct workspace *ws, struct snapshot *prev);
int core_snapshot_delete(struct core *c, struct snapshot *s, struct waiter *w, struct err *e);
// The workspace as it was then. ERR_CONFLICT while commands run, unless force, which ends them as
// cancelled, and when its image is another one now. result: the struct workspace *.
int core_snapshot_restore(struct core *c, struct snapshot *s, bool force, struct waiter *w,
                          struct err *e);
