// SPDX-License-Identifier: Apache-2.0
// The tables of run_state.h.
#include <pinfold/run_state.h>

#include <pinfold/own.h>
#include <string.h>

static const char *const state_names[RUN_STATES] = {
    [RUN_QUEUED] = "queued",           [RUN_BLOCKED] = "blocked",
    [RUN_STARTING] = "starting",       [RUN_RUNNING] = "running",
    [RUN_WAITING] = "waiting",         [RUN_NEEDS_INPUT] = "needs_input",
    [RUN_PAUSED] = "paused",           [RUN_SUCCEEDED] = "succeeded",
    [RUN_FAILED] = "failed",           [RUN_CANCELLED] = "cancelled",
    [RUN_INTERRUPTED] = "interrupted", [RUN_TIMED_OUT] = "timed_out",
};

#define S(state) (1u << RUN_##state)
#define ENDS (S(FAILED) | S(CANCELLED) | S(INTERRUPTED))
#define FINAL (S(SUCCEEDED) | S(TIMED_OUT) | ENDS)
// From a state: where it may go. Back to queued goes only what has run nothing yet, and what a
// person told to go on: by a message that waited for the end of the turn, or by continuing what
// had come to rest.
static const unsigned transitions[RUN_STATES] = {
    [RUN_QUEUED] = S(BLOCKED) | S(STARTING) | S(PAUSED) | S(FAILED) | S(CANCELLED),
    [RUN_BLOCKED] = S(QUEUED) | S(FAILED) | S(CANCELLED),
    [RUN_STARTING] = S(QUEUED) | S(RUNNING) | S(PAUSED) | S(TIMED_OUT) | ENDS,
    [RUN_RUNNING] = S(QUEUED) | S(WAITING) | S(NEEDS_INPUT) | S(PAUSED) | FINAL,
    [RUN_WAITING] = S(RUNNING) | S(PAUSED) | FINAL,
    [RUN_NEEDS_INPUT] = S(RUNNING) | S(PAUSED) | S(TIMED_OUT) | ENDS,
    [RUN_PAUSED] = S(QUEUED) | S(FAILED) | S(CANCELLED),
    [RUN_SUCCEEDED] = S(QUEUED),
    [RUN_FAILED] = S(QUEUED),
    [RUN_CANCELLED] = S(QUEUED),
    [RUN_INTERRUPTED] = S(QUEUED),
    [RUN_TIMED_OUT] = S(QUEUED),
};

const char *run_mode_name(enum run_mode m)
{
    return m == RUN_PLAN ? "plan" : "execute";
}

const char *run_state_name(enum run_state s)
{
    return s < RUN_STATES ? state_names[s] : "unknown";
}

static int find(const char *const *names, unsigned n, const char *s)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(names[i], s))
            return (int)i;
    return -1;
}

int run_state_parse(const char *s, enum run_state *ret)
{
    int i = find(state_names, RUN_STATES, s);
    if (i < 0)
        return -1;
    *ret = (enum run_state)i;
    return 0;
}

bool run_state_may(enum run_state from, enum run_state to)
{
    return from < RUN_STATES && to < RUN_STATES && transitions[from] & 1u << to;
}

bool run_state_final(enum run_state s)
{
    return s < RUN_STATES && FINAL >> s & 1;
}

bool run_state_at_rest(enum run_state s)
{
    return s == RUN_PAUSED || run_state_final(s);
}

const char *run_reason_name(enum run_reason r)
{
    static const char *const names[WHY_N] = {
        [WHY_NONE] = "",
        [WHY_COMPLETED] = "completed",
        [WHY_PERMISSION_DENIED] = "permission_denied",
        [WHY_EXITED] = "exited",
        [WHY_SIGNALED] = "signaled",
        [WHY_WALL_LIMIT] = "wall_limit",
        [WHY_SILENCE_LIMIT] = "silence_limit",
        [WHY_OOM] = "oom",
        [WHY_PIDS_LIMIT] = "pids_limit",
        [WHY_DISK_FULL] = "disk_full",
        [WHY_OUTPUT_LIMIT] = "output_limit",
        [WHY_CANCELLED] = "cancelled",
        [WHY_LOST] = "lost",
        [WHY_START_FAILED] = "start_failed",
        [WHY_SETUP_FAILED] = "setup_failed",
        [WHY_NO_RESULT] = "no_result",
        [WHY_AGENT_ERROR] = "agent_error",
        [WHY_API_ERROR] = "api_error",
        [WHY_TOKEN_LIMIT] = "token_limit",
        [WHY_TURN_LIMIT] = "turn_limit",
        [WHY_COST_LIMIT] = "cost_limit",
        [WHY_REFUSED] = "refused",
        [WHY_ABORTED] = "aborted",
        [WHY_SESSION_LOST] = "session_lost",
        [WHY_SESSION_CHANGED] = "session_changed",
    };
    return r < WHY_N ? names[r] : "unknown";
}

static const char *const event_names[EV_N] = {
    [EV_RUN_CREATED] = "run.created",
    [EV_RUN_QUEUED] = "run.queued",
    [EV_RUN_STARTED] = "run.started",
    [EV_RUN_RESULT] = "run.result",
    [EV_RUN_COMPLETED] = "run.completed",
    [EV_RUN_FAILED] = "run.failed",
    [EV_RUN_CANCELLED] = "run.cancelled",
    [EV_RUN_PAUSED] = "run.paused",
    [EV_RUN_LIMIT] = "run.limit",
    [EV_RUN_NOTE] = "run.note",
    [EV_SESSION_INIT] = "session.init",
    [EV_AGENT_TOKEN] = "agent.token",
    [EV_AGENT_MESSAGE] = "agent.message",
    [EV_AGENT_THINKING] = "agent.thinking",
    [EV_AGENT_TOOL_CALL] = "agent.tool_call",
    [EV_AGENT_TOOL_RESULT] = "agent.tool_result",
    [EV_AGENT_NEEDS_ATTENTION] = "agent.needs_attention",
    [EV_AGENT_SUBAGENT_START] = "agent.subagent_start",
    [EV_AGENT_SUBAGENT_STOP] = "agent.subagent_stop",
    [EV_USER_MESSAGE] = "user.message",
    [EV_NETWORK_DECISION] = "network.decision",
    [EV_SYSCALL_REFUSED] = "syscall.refused",
    [EV_USER_MESSAGE_TAKEN] = "user.message_taken",
    [EV_APPROVAL_ANSWERED] = "approval.answered",
};

const char *event_type_name(enum event_type t)
{
    return t < EV_N ? event_names[t] : "unknown";
}

int event_type_parse(const char *s, enum event_type *ret)
{
    int i = find(event_names, EV_N, s);
    if (i < 0)
        return -1;
    *ret = (enum event_type)i;
    return 0;
}

void run_usage_add(struct run_usage *sum, const struct run_usage *u)
{
    sum->input_tokens += u->input_tokens;
    sum->output_tokens += u->output_tokens;
    sum->cached_tokens += u->cached_tokens;
    sum->reasoning_tokens += u->reasoning_tokens;
    sum->cost_microusd += u->cost_microusd;
    sum->known |= u->known;
    sum->cost_known |= u->cost_known;
}
