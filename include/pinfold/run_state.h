// SPDX-License-Identifier: Apache-2.0
// Runs: their states, why they end, and the types of their events. Pure tables, shared by the
// adapters of agents, the database, core and the APIs.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// What a run may do to its workspace. Numbers are stored.
enum run_mode {
    RUN_EXECUTE,
    RUN_PLAN, // look at it, and say what it would do
    RUN_MODES
};
const char *run_mode_name(enum run_mode m);

// Numbers are stored: new ones go to the end.
enum run_state {
    RUN_QUEUED,   // waits for a place
    RUN_BLOCKED,  // waits for an approval
    RUN_STARTING, // its sandbox and worktree are being made; nothing of it has run yet
    RUN_RUNNING,
    RUN_WAITING,     // its turn is over and it can be told more
    RUN_NEEDS_INPUT, // it asks something
    RUN_PAUSED,      // stopped, to be continued
    RUN_SUCCEEDED,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_INTERRUPTED, // the server or the machine went away under it
    RUN_TIMED_OUT,   // the wall or the silence limit
    RUN_STATES
};
const char *run_state_name(enum run_state s);
int run_state_parse(const char *s, enum run_state *ret); // -1: there is none of that name
// Does the table allow it? Whoever changes a run's state asks first.
bool run_state_may(enum run_state from, enum run_state to);
bool run_state_final(enum run_state s);
// Nothing of it runs, and nothing will until a person says so: final or paused.
bool run_state_at_rest(enum run_state s);

// Why a run ended as it did. Numbers are stored.
enum run_reason {
    WHY_NONE,
    WHY_COMPLETED,         // seen to be done
    WHY_PERMISSION_DENIED, // done, but tools were refused on the way
    WHY_EXITED,            // with a code other than 0
    WHY_SIGNALED,
    WHY_WALL_LIMIT,
    WHY_SILENCE_LIMIT,
    WHY_OOM,
    WHY_PIDS_LIMIT,
    WHY_DISK_FULL,
    WHY_OUTPUT_LIMIT,
    WHY_CANCELLED,
    WHY_LOST,
    WHY_START_FAILED,
    WHY_SETUP_FAILED,    // no worktree, its init script failed, a tool that may not begin
    WHY_NO_RESULT,       // it ended without saying that it was done
    WHY_AGENT_ERROR,     // it said that it failed
    WHY_API_ERROR,       // its model did
    WHY_TOKEN_LIMIT,     // the answer was cut
    WHY_TURN_LIMIT,      // more turns than allowed
    WHY_COST_LIMIT,      // more money
    WHY_REFUSED,         // the model would not
    WHY_ABORTED,         // interrupted in the middle of a turn
    WHY_SESSION_LOST,    // the session to go on with is not there
    WHY_SESSION_CHANGED, // another one was begun instead, without saying so
    WHY_N
};
const char *run_reason_name(enum run_reason r); // "completed", "silence_limit"; "" for WHY_NONE

// Numbers are stored.
enum event_type {
    EV_RUN_CREATED,
    EV_RUN_QUEUED,
    EV_RUN_STARTED,
    EV_RUN_RESULT,
    EV_RUN_COMPLETED,
    EV_RUN_FAILED,
    EV_RUN_CANCELLED,
    EV_RUN_PAUSED,
    EV_RUN_LIMIT, // a limit was met
    EV_RUN_NOTE,  // something a person may want to know: a retry, a line that was cut
    EV_SESSION_INIT,
    EV_AGENT_TOKEN,
    EV_AGENT_MESSAGE,
    EV_AGENT_THINKING,
    EV_AGENT_TOOL_CALL,
    EV_AGENT_TOOL_RESULT,
    EV_AGENT_NEEDS_ATTENTION,
    EV_AGENT_SUBAGENT_START,
    EV_AGENT_SUBAGENT_STOP,
    EV_USER_MESSAGE,
    EV_NETWORK_DECISION,
    EV_SYSCALL_REFUSED,
    EV_USER_MESSAGE_TAKEN, // an agent that runs has heard it
    EV_APPROVAL_ANSWERED,
    EV_N
};
const char *event_type_name(enum event_type t); // "run.created"
int event_type_parse(const char *s, enum event_type *ret);

// Counted the same for all agents: input without what came from the cache, output with what was
// reasoning. Zero is "nothing is known".
struct run_usage {
    uint64_t input_tokens, output_tokens;
    uint64_t cached_tokens;    // read from the cache, beside input
    uint64_t reasoning_tokens; // of output
    uint64_t cost_microusd;
    bool known, cost_known;
};
void run_usage_add(struct run_usage *sum, const struct run_usage *u);
