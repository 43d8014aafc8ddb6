// SPDX-License-Identifier: Apache-2.0
// Runs: one execution of an agent or a command, in a fresh sandbox and, with a repository, over a
// worktree of its own. They wait for a place by priority. Everything that happens in one is an
// event, which is in the database before anybody sees it.
#pragma once
#include <pinfold/agent.h>
#include <pinfold/core_run_spec.h>
#include <pinfold/run_state.h>

#define RUN_PRIORITY_MAX 100        // from -100 to 100; the greater goes first
#define RUN_TEXT_BYTES (128 * 1024) // of prompt or command
#define RUN_SAY_BYTES (120 * 1024)  // of a message: it fits a variable
#define RUN_SAID_MAX 100            // messages that wait; together a MiB
#define RUN_REPOS_MAX 8
#define RUN_LIBRARY_BYTES (256 * 1024) // of all its skills and commands
#define RUN_SKILL_BYTES (120 * 1024)   // of one: it fits a variable

struct run {
    char id[ID_MAX]; // run_...
    char agent[NAME_MAX_LEN + 1];
    enum run_state state;
    enum run_reason reason; // when it has ended
    enum run_mode mode;
    uint32_t turn;       // from 1 on
    uint32_t n_said;     // messages that wait for the end of the turn
    uint16_t rows, cols; // of its terminal; 0: none
    bool shared;
    int priority;
    uint32_t queue_position;               // 1: the next; 0: it does not wait
    const char *prompt, *command;          // NULL: not given
    const char *const *argv;               // the same
    const char *provider, *model, *effort; // "" for none
    const char *repo_url, *repo_ref;       // "" for none
    char repo_commit[72];
    uint32_t submodules; // bits: 1 of the one repository, 1 << i of the i-th of several
    // Of one over several: url, ref, directory of /workspace and commit of each; never NULL.
    const char *const *repos;
    const char *const *changes; // status and path: "M", "A", "D" or "T" and what follows it
    uint64_t n_changes;         // there may be more than are kept
    bool changes_known;         // of the end of its last turn, against the commits it began with
    char image[NAME_MAX_LEN + 1], profile[NAME_MAX_LEN + 1];
    enum net_mode network;
    const char *const *allow; // rules of mode allow-list; never NULL
    struct limits limits;
    const char *const *env;
    uint64_t timeout_ms, silence_ms; // silence_ms 0: it may be silent
    char workspace[ID_MAX];          // that it ran in; "" for none
    bool guest;                      // which is not its own, and stays
    char exec[ID_MAX];               // of its turn: output is found there; "" before it starts
    const char *const *turns;        // those of earlier turns, NULL at the end
    const char *const *skills, *const *commands; // names and texts; never NULL
    const char *const *agents;                   // SUB_TEXTS texts of each sub-agent; never NULL
    const char *const *tools; // five texts of each, the first its name; never NULL
    char session[AGENT_SESSION_MAX];
    char project[ID_MAX], definition[ID_MAX], task[ID_MAX]; // core_item.h; "" for none
    const char *webhook_url;                                // "" for none
    bool notify;
    uint64_t approval_ms; // 0: it does as it likes; else it asks, and waits so long for an answer
    uint32_t max_turns;   // of its model, in each turn of the run; 0: its definition's, or any
    uint64_t max_millusd; // what each turn may cost, in thousandths of a dollar; 0: anything
    const char *result;   // NULL: none
    size_t result_len;
    bool result_cut;
    char error[400];
    int exit_code, signal; // -1, 0: not by these
    struct run_usage usage;
    uint64_t n_events; // in the database
    uint64_t created_ms, started_ms, ended_ms;
};

// on_done once it is recorded; result: struct run *. ERR_LIMIT when too many wait already.
int core_run_create(struct core *c, const struct run_spec *spec, struct waiter *w, struct err *e);
struct run *core_run_find(struct core *c, const char *id, struct err *e);
struct run_filter {
    uint64_t states;        // bits; 0: all
    const char *agent;      // NULL: any
    const char *repository; // as it was given
    const char *task;       // id
};
// Newest first, those older than `after` ("" from the start).
size_t core_run_list(struct core *c, const struct run_filter *f, const char *after,
                     struct run **ret, size_t max, bool *ret_more);
// on_done when it is recorded that it has ended or paused, or after ms; result: struct run *.
int core_run_wait(struct core *c, struct run *r, uint64_t ms, struct waiter *w, struct err *e);
// It ends as cancelled, with everything it started. ERR_GONE when it has ended already.
int core_run_cancel(struct core *c, struct run *r, struct err *e);
// What runs is killed, and what it has not committed is in a snapshot of its workspace: it can be
// continued. ERR_GONE when it has ended, ERR_CONFLICT when there is no workspace to keep.
int core_run_pause(struct core *c, struct run *r, struct err *e);
// A further turn of one that ended or paused, in the same session and workspace: with a message,
// which one that was paused may go without. What never ran begins as it was to. on_done once it is
// recorded; result: struct run *. ERR_CONFLICT while it goes on, or when no workspace was kept.
struct run_more {
    const char *message; // NULL: none
    bool mode_given;
    enum run_mode mode;
    const struct run_tool *tools; // instead of those it has; NULL: as they are
    unsigned n_tools;
};
int core_run_continue(struct core *c, struct run *r, const struct run_more *m, struct waiter *w,
                      struct err *e);
// It is given at the end of the turn, as the next one, or at once to an agent that takes lines. on_done once it is recorded; result: struct
// run *. ERR_CONFLICT when no turn goes on, ERR_LIMIT when too many wait.
int core_run_say(struct core *c, struct run *r, const char *text, struct waiter *w, struct err *e);
// From now on it tells of turns' beginnings and messages too, or no more. on_done once recorded;
// result: struct run *.
int core_run_notify(struct core *c, struct run *r, bool notify, struct waiter *w, struct err *e);
// What somebody else saw of it, as the hooks of its tool: an event. ERR_CONFLICT when it is at rest,
// ERR_LIMIT for a payload over RUN_SEEN_BYTES.
#define RUN_SEEN_BYTES (256 * 1024)
int core_run_seen(struct core *c, struct run *r, enum event_type type, const char *payload,
                  size_t len, struct waiter *w, struct err *e);
// The token of its tool, for what it says out of its sandbox (HTTP_INSIDE): it is good for this run, as
// long as a turn goes on.
#define RUN_TOKEN_PREFIX "pfr_"
#define RUN_TOKEN_MAX 48
void core_run_token(struct core *c, const struct run *r, char ret[RUN_TOKEN_MAX]);
bool core_run_token_ok(struct core *c, const struct run *r, const char *token);
// Its tool, by the door, asks for what its run brings. on_done once; result: struct buf *, the answer,
// empty for none, valid in it only.
int core_run_mcp(struct core *c, struct run *r, const void *body, size_t len, struct waiter *w,
                 struct err *e);
// The turn that goes on is over: with a message, or others that wait, it goes on with these, else it is
// paused. An agent that takes lines is asked to stop, and killed when it does not. on_done once it is
// recorded; result: struct run *. ERR_CONFLICT when no turn goes on.
int core_run_interrupt(struct core *c, struct run *r, const char *message, struct waiter *w,
                       struct err *e);
// Its events, output, workspace and record. ERR_CONFLICT unless it has ended or paused. Cancelling
// the waiter leaves the deletion.
int core_run_delete(struct core *c, struct run *r, struct waiter *w, struct err *e);

// --- events ----------------------------------------------------------------------------------

#define RUN_EVENTS_MAX 1000 // in one page

struct run_event {
    uint64_t id, seq; // id: over all runs; seq: from 1 on in its run
    enum event_type type;
    const char *payload; // JSON object
    size_t len;
    uint64_t created_ms;
};

// A page. result: this struct, filled; what it points to is valid in on_done only.
struct run_page {
    struct waiter w;
    uint64_t after; // id of the last one seen; 0: from the start
    uint64_t types; // bits; 0: all
    size_t max;
    const char
        *contains; // only those whose payload has it: JSON text without its quotes; NULL: all
    const struct run_event *at;
    size_t n;
    bool more; // there are others behind
    void *job; // core's own
};
int core_run_events(struct core *c, struct run *r, struct run_page *p, struct err *e);

// Replay, then live, with no gap and nothing twice. The caller's memory; set callbacks, `after` and
// `types` as in run_page. Callbacks may pause or stop it, and free it once stopped or in on_end.
struct run_listener {
    void (*on_event)(struct run_listener *l, const struct run_event *ev);
    void (*on_end)(struct run_listener *l); // the run has ended and all was given; `run` is set
    uint64_t after, types;
    // core's own, but for reading
    const struct run *run;
    void *owner, *job;
    struct list link;
    uint64_t seq; // of the last one given or passed over
    bool paused, placed;
};
int core_run_listen(struct core *c, struct run *r, struct run_listener *l, struct err *e);
void core_run_listener_pause(struct run_listener *l);
void core_run_listener_resume(struct run_listener *l); // events may follow, not before it returns
void core_run_listener_stop(struct run_listener *l);   // no-op when it does not listen

// Events of all runs as they are recorded: live only, and with what was lost for a slow reader's own
// account. The caller's memory; the callback may end its own watch.
struct run_watch {
    void (*on_event)(struct run_watch *w, const struct run *run, const struct run_event *ev);
    struct list link;
};
void core_runs_watch(struct core *c, struct run_watch *w);
void core_runs_unwatch(struct run_watch *w); // no-op when it does not watch
