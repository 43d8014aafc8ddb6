// SPDX-License-Identifier: Apache-2.0
// The dialect's words and what they are here.
#include "codecloud_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

const char *const codecloud_modes[] = {"execute", "plan", NULL};

// It has four words: what waits for a person is still running, what was cancelled has failed.
static const char *const statuses[RUN_STATES] = {
    [RUN_QUEUED] = "queued",    [RUN_BLOCKED] = "queued",      [RUN_STARTING] = "queued",
    [RUN_RUNNING] = "running",  [RUN_WAITING] = "running",     [RUN_NEEDS_INPUT] = "running",
    [RUN_PAUSED] = "running",   [RUN_SUCCEEDED] = "completed", [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "failed", [RUN_INTERRUPTED] = "failed",  [RUN_TIMED_OUT] = "failed",
};

const char *codecloud_status(enum run_state s)
{
    return s < RUN_STATES ? statuses[s] : "failed";
}

bool codecloud_states(const char *status, uint64_t *ret)
{
    *ret = 0;
    for (unsigned i = 0; i < RUN_STATES; i++)
        if (!strcmp(statuses[i], status))
            *ret |= UINT64_C(1) << i;
    return *ret;
}

const char *codecloud_repo(const struct run *run)
{
    return dialect_owner_repo(run->repo_url) ? run->repo_url : NULL;
}

size_t codecloud_error(const struct run *run, char *ret, size_t n)
{
    if (run->reason == WHY_CANCELLED)
        return (size_t)snprintf(ret, n, "Run was cancelled");
    return (size_t)snprintf(ret, n, "%s", *run->error ? run->error : run_reason_name(run->reason));
}
