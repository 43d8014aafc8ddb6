// SPDX-License-Identifier: Apache-2.0
// The dialect's words and what they are here.
#include "open_commander_int.h"

#include <pinfold/own.h>
#include <string.h>

// What has failed can be tried again: it is to do.
static const struct {
    const char *word;
    unsigned rank;
} tasks[TASK_STATES] = {
    [TASK_TODO] = {"todo", 0},   [TASK_FAILED] = {"todo", 0}, [TASK_INTERRUPTED] = {"todo", 0},
    [TASK_DOING] = {"doing", 1}, [TASK_DONE] = {"done", 2},   [TASK_CANCELLED] = {"canceled", 3},
};
static const char *const executions[RUN_STATES] = {
    [RUN_QUEUED] = "pending",   [RUN_BLOCKED] = "pending",         [RUN_STARTING] = "pending",
    [RUN_RUNNING] = "running",  [RUN_WAITING] = "running",         [RUN_PAUSED] = "running",
    [RUN_FAILED] = "failed",    [RUN_NEEDS_INPUT] = "needs_input", [RUN_SUCCEEDED] = "completed",
    [RUN_CANCELLED] = "failed", [RUN_INTERRUPTED] = "failed",      [RUN_TIMED_OUT] = "failed",
};
static const struct {
    const char *id, *agent;
} agents[] = {
    {"opencode", "opencode"}, {"claude", "claude-code"}, {"codex", "codex"}, {"cursor", "cursor"}};

const char *oc_task_status(enum task_status s)
{
    return s < TASK_STATES ? tasks[s].word : "todo";
}

unsigned oc_task_rank(enum task_status s)
{
    return s < TASK_STATES ? tasks[s].rank : 0;
}

const char *oc_execution_status(enum run_state s)
{
    return s < RUN_STATES ? executions[s] : "failed";
}

const char *oc_agent(const char *agent_id)
{
    for (size_t i = 0; i < N_ELEMS(agents); i++)
        if (!strcmp(agents[i].id, agent_id))
            return agents[i].agent;
    return NULL;
}

const char *oc_agent_id(const char *agent)
{
    for (size_t i = 0; i < N_ELEMS(agents); i++)
        if (!strcmp(agents[i].agent, agent))
            return agents[i].id;
    return *agent ? agent : NULL;
}

const char *oc_trim(const char *s, size_t *ret_len)
{
    static const char white[] = " \t\r\n\v\f";
    s += strspn(s, white);
    size_t n = strlen(s);
    while (n && strchr(white, s[n - 1]))
        n--;
    *ret_len = n;
    return s;
}

bool oc_is_task(const struct item *it)
{
    const char *source = item_label(it, LABEL_SOURCE);
    return source && !strcmp(source, SOURCE_API);
}
