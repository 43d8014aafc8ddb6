// SPDX-License-Identifier: Apache-2.0
// A run as core keeps it.
//
// Theory of operation. What happens to a run is gathered into a batch: its events, and its row when
// that changed. One batch of a run is being written at a time; when it is committed, events are
// given to who listens, and who waits for the state is told. What must not happen before a state
// is on the disk (a command must not start twice) waits for its commit: run_when_committed.
//
// A turn is one execution of its command or tool. A further one, in the same workspace and session,
// waits for a place like a run that is new.
//
//   run_create.c  checks, the record      run_queue.c  order, places
//   run_work.c    workspace, exec, end    run_event.c  batches, pages, listeners
//   run_save.c    rows, loading, deletion run.c        verbs, the one writer of states
//   run_turn.c    pause, continue, messages      run_changes.c  what it changed
//   run_talk.c    lines to an agent that runs     approval.c     what it asks
//   run_say.c     what is told of it              run_tools.c    what it calls by way of us
//   run_guest.c   in a workspace that is not its own
#pragma once
#include "workspace_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/core_hook.h>

struct run_batch;
// What is written of a run, as it was when the writing began.
struct run_copy {
    struct run pub;
    char *message, *result;
    struct strings *turns, *said, *repos, *changes, *approvals, *tools;
    struct run_usage totals;
    uint32_t wishes; // that a person has: RUN_WISH_...
};
enum { RUN_WISH_CANCEL = 1, RUN_WISH_PAUSE = 2, RUN_WISH_INTERRUPT = 4 };
struct runrec {
    struct run pub;
    struct core *core;
    const struct agent_adapter *adapter;
    struct ws_settings set;
    char *prompt, *command, *provider, *model, *effort, *repo_url, *repo_ref, *result;
    struct strings *argv;
    char *message;                // of this turn; "" in the first
    struct strings *turns, *said; // execs of earlier turns; messages that wait
    struct strings *repos, *changes, *skills, *commands, *agents, *tools;
    struct agent_tool agent_tools[AGENT_TOOLS_MAX]; // what of them its agent is told
    unsigned n_tools;
    struct list calls;              // of its tools, under way
    uint64_t read_at, replay_until; // offsets of its output: what comes again after a restart
    bool keep_workspace;
    char *webhook_url;
    char hook_style[24];     // name; "" for pinfold's own
    struct list hooks;       // its deliveries, oldest first
    struct run_usage totals; // of its session, at the end of the last turn
    char repo_key[72];       // the same for all that name one repository; "" for none
    size_t bytes;            // of memory, for the bound on all

    struct list all;                                           // core's runs, oldest first
    struct list place;                                         // core's run_queue or run_placed
    struct list dirty;                                         // core's run_dirty
    struct list creators, waiters, deleters, listeners, pages; // creators: for the next commit
    bool recorded, cancelling, pausing, silent, deleting;
    bool interrupting; // its turn is to end, not the run
    struct timer grace;
    struct list approvals;
    uint64_t approval_ms;
    // Messages of this turn, from 0 on: written to the agent; that it has said to have.
    uint32_t n_sent, n_taken, n_heard; // n_heard: of those that it answers to, in their order
    bool checkpointing;                // its turn is over and its workspace is being copied
    bool settled;                      // that it is at rest is on the disk
    // The end that it comes to when its changes have been looked at.
    struct run_look {
        bool now, done;
        enum run_state to;
        enum run_reason why;
        char error[400];
        size_t at; // of repos
    } look;

    struct run_batch *next; // gathering
    bool writing;
    struct timer retry;
    uint64_t seq, committed;
    size_t unwritten; // bytes of events
    bool events_cut;

    struct agent_reader *reader;
    struct execution *x; // that runs
    struct follower follower;
    struct waiter work; // of the verb that is under way
    struct timer silence;
    uint64_t heard_ms;
    char checkpoint[ID_MAX]; // snapshot of its last pause
    struct use_count used;   // of secrets, all of them
    bool counted;            // its usage is what its provider counted
    char refused[270];       // the last host and port that it may not reach
    uint64_t known_events;   // of its reader, from before a restart: they come again
};
struct runrec *runrec_of(struct run *r);
struct runrec *runrec_new(struct core *c, const char *id);
void runrec_insert(struct runrec *r);
void runrec_free(struct runrec *r);    // out of all lists
void runrec_publish(struct runrec *r); // what callers see, from its own
size_t runrec_bytes(const struct runrec *r);
// Of the variables of a run that name a model of its user's own.
#define RUN_MODEL_URL "PINFOLD_MODEL_URL"
#define RUN_MODEL_KEY "PINFOLD_MODEL_KEY"
const char *run_env(const char *const *env, const char *name); // NULL: not there
// The only writer of a state: the table of transitions is a law.
void run_set_state(struct runrec *r, enum run_state to);

// Queue (run_queue.c).
void run_enqueue(struct runrec *r);
void run_leave(struct runrec *r); // queue or place
void runs_admit(struct core *c);
void run_admit_all(struct runrec *r); // the same, when something of one is committed
void runs_retry_later(struct core *c);
uint32_t run_position(const struct runrec *r);

// Work (run_work.c).
bool run_wants_workspace(const struct runrec *r);
void run_begin(struct runrec *r); // its state is starting, on the disk
void run_adopt(struct runrec *r); // its command goes on after a restart of the server
void run_end(struct runrec *r, enum run_state to, enum run_reason why, const char *error);
struct msg_egress_decision;
struct runrec *run_of_box(const struct core *c, const char *box); // whose command runs in it
void run_network_decision(struct runrec *r, const struct msg_egress_decision *m);
void run_used(struct runrec *r);      // what its provider counted is its own usage
void run_stop_work(struct runrec *r); // it is to end, or to pause

void run_start(struct runrec *r, struct ws *ws);
void run_setup_failed(struct runrec *r, const char *error);
struct ws *run_ws(const struct runrec *r); // NULL: it has none, or it is gone

// In a workspace of others (run_guest.c).
// The one that is asked for. NULL with *e, when the run cannot be in it.
struct ws *run_guest_of(struct core *c, const struct run_spec *s, struct err *e);
void run_guest_wish(const struct ws *ws, struct ws_wish *ret); // its settings are the run's
void run_guest_begin(struct runrec *r, struct ws *ws);
void run_guest_left(struct runrec *r); // its turn is over
bool run_guest_forget(struct runrec *r, struct waiter *w);

// Telling (run_say.c).
void run_say_event(struct runrec *r, enum event_type type, const struct event_word *words,
                   unsigned n);
void run_say_result(struct runrec *r); // of a turn that others follow
void run_say_end(struct runrec *r, enum run_state to);

// Turns (run_turn.c).
// A turn is over, and would end the run so.
void run_turn_over(struct runrec *r, enum run_state to, enum run_reason why, const char *error);
uint32_t run_max_turns(const struct runrec *r); // its own, or its definition's; 0: none
// What its tool is to be told in this turn; may be in *b.
const char *run_words(const struct runrec *r, struct buf *b);
bool run_began(const struct runrec *r);            // this turn: there is a record of its command
int run_check_room(struct core *c, struct err *e); // run_create.c: for one more that waits

// Talking (run_talk.c, approval.c).
bool run_talks(const struct runrec *r);
void run_write(struct runrec *r, const struct buf *b);
void run_send_said(struct runrec *r);
void run_message_taken(struct runrec *r, bool known);
void run_ready(void *arg);
void run_said(void *arg, uint32_t turn, uint32_t n);
void run_over(void *arg);
void run_idle(void *arg);
void run_caught_up(struct runrec *r); // after a restart: what it prints from here on is new
void run_asked(void *arg, const struct agent_question *q);
void run_withdrawn(void *arg, const char *id);
void approvals_end(struct runrec *r); // nothing is asked any more
void approvals_resume(struct runrec *r);
void approvals_tell_again(struct runrec *r); // what it has asked again and seems not to have heard
void approvals_free(struct runrec *r);
struct strings *approvals_pack(const struct runrec *r);
void approvals_unpack(struct runrec *r, const void *p, size_t len);
int run_check_said(const struct runrec *r, const char *text, struct err *e); // run_turn.c
void run_say_more(struct runrec *r, const char *text);                       // the same

// Tools (run_tools.c).
int run_tools_check(const struct core *c, const struct run_tool *tools, unsigned n, struct err *e);
// As it is recorded, its headers sealed. NULL with *e.
struct strings *run_tools_pack(struct core *c, const struct run_tool *tools, unsigned n,
                               struct err *e);
void run_tools_replace(struct runrec *r, struct strings *take_tools);
void run_tools_publish(struct runrec *r);
void run_call(void *arg, const struct agent_call *call);
void run_calls_end(struct runrec *r);
void run_tool_lines(void *arg, const struct buf *lines);

// Their headers (tool_seal.c).
#define TOOL_HEADERS_BYTES (8 * 1024) // of one tool
int tool_seal(struct core *c, const struct run_tool *t, char **ret, struct err *e);
bool tool_is_sealed(const char *text);
int tool_tell(struct core *c, const char *text, const char *url, char ret_id[SECRET_ID_MAX],
              struct buf *ret_url, struct err *e);
void tool_forget(struct core *c, const char *text);

// Changes (run_changes.c). true: run_turn_over comes again when they are known.
bool run_look(struct runrec *r, enum run_state to, enum run_reason why, const char *error);

// Events (run_event.c). payload: a JSON object.
void run_event_add(struct runrec *r, enum event_type type, const char *payload, size_t len);
void run_event_words(struct runrec *r, enum event_type type, const char *name, const char *text);
void run_row_changed(struct runrec *r);
void run_when_committed(struct runrec *r, void (*fn)(struct runrec *r));
void runs_flush(struct core *c);
void run_forget_batch(struct runrec *r); // at the end of core
void run_listeners_end(struct runrec *r);

// Webhooks (hook.c).
int hook_check(const struct core *c, const char *url, struct err *e);
int hook_check_as(const struct core *c, const char *what, const char *url, struct err *e);
// The rule that allows it and nothing else: HOST:PORT. what: for errors.
int hook_rule(const char *what, const char *url, char ret[NETWORK_RULE_MAX], struct err *e);
const struct hook_style *hook_style_find(const struct core *c, const char *name);
bool hook_wants(const struct runrec *r, enum event_type type); // beside the ends of turns
void hook_send(struct runrec *r, enum event_type type, const char *payload, size_t len);
int hooks_load(struct core *c, struct err *e); // after the runs
void hooks_resume(struct runrec *r);
int hooks_delete_rows(struct runrec *r, struct store *s, struct err *e);
void hooks_stop(struct runrec *r);
void hooks_free(struct runrec *r);

// Record (run_save.c).
void run_row_of(const struct runrec *r, const struct run_copy *c, struct store_run *ret);
void run_copy_of(const struct runrec *r, struct run_copy *ret);
void run_copy_release(struct run_copy *c); // zero is fine
int runs_load(struct core *c, struct err *e);
void runs_resume(struct core *c);
void run_delete_now(struct runrec *r);
void runs_trim(struct core *c);
void runs_free(struct core *c);
