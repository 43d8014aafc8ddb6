// SPDX-License-Identifier: Apache-2.0
// Snapshots, as core's other files see them.
#pragma once
#include "workspace_int.h"

#include <pinfold/core_snapshot.h>

struct snap {
    struct snapshot pub;
    struct ws *ws;
    struct list link, waiters;
    struct ask ask;
    bool made, dropping;
};
int snapshots_load(struct core *c, struct err *e); // after the workspaces
void snapshots_resume(struct ws *ws);              // remove what was never finished
void snapshots_free(struct ws *ws);
bool snapshots_drop(struct ws *ws);        // of a workspace that is deleted; true when none is left
void snapshot_restore_step(struct ws *ws); // when a command of it has ended
// The directory to fork from. ERR_NOT_FOUND, ERR_CONFLICT.
int snapshot_source(struct ws *ws, const char *ref, const char **ret_dir, struct err *e);
