// SPDX-License-Identifier: Apache-2.0
// The dialect's words and what they are here.
#include "abbado_int.h"

#include <pinfold/own.h>
#include <string.h>

static const char *const statuses[RUN_STATES] = {
    [RUN_QUEUED] = "queued",       [RUN_BLOCKED] = "queued",      [RUN_STARTING] = "queued",
    [RUN_RUNNING] = "running",     [RUN_WAITING] = "paused",      [RUN_NEEDS_INPUT] = "paused",
    [RUN_PAUSED] = "paused",       [RUN_SUCCEEDED] = "completed", [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "cancelled", [RUN_INTERRUPTED] = "failed",  [RUN_TIMED_OUT] = "failed",
};

const char *abbado_status(enum run_state s)
{
    return s < RUN_STATES ? statuses[s] : "failed";
}

#define BIT(t) (UINT64_C(1) << EV_##t)
const uint64_t abbado_events = BIT(RUN_CREATED) | BIT(RUN_STARTED) | BIT(RUN_COMPLETED) |
                               BIT(RUN_FAILED) | BIT(RUN_CANCELLED) | BIT(RUN_PAUSED) |
                               BIT(RUN_RESULT) | BIT(SESSION_INIT) | BIT(AGENT_TOKEN) |
                               BIT(AGENT_MESSAGE) | BIT(AGENT_TOOL_CALL) | BIT(AGENT_TOOL_RESULT) |
                               BIT(AGENT_NEEDS_ATTENTION) | BIT(AGENT_SUBAGENT_START) |
                               BIT(AGENT_SUBAGENT_STOP) | BIT(USER_MESSAGE);

static const struct {
    const char *name;
    enum event_type type;
} hooks[] = {
    {"PreToolUse", EV_AGENT_TOOL_CALL},
    {"PostToolUse", EV_AGENT_TOOL_RESULT},
    {"PostToolUseFailure", EV_AGENT_TOOL_RESULT},
    {"Notification", EV_AGENT_NEEDS_ATTENTION},
    {"PermissionRequest", EV_AGENT_NEEDS_ATTENTION},
    {"SubagentStart", EV_AGENT_SUBAGENT_START},
    {"SubagentStop", EV_AGENT_SUBAGENT_STOP},
    {"SessionStart", EV_SESSION_INIT},
};

enum event_type abbado_hook_event(const char *name)
{
    for (size_t i = 0; i < N_ELEMS(hooks); i++)
        if (!strcmp(hooks[i].name, name))
            return hooks[i].type;
    return EV_N;
}
