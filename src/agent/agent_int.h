// SPDX-License-Identifier: Apache-2.0
// Shared by the adapters.
#pragma once
#include <pinfold/agent_talk.h>
#include <pinfold/buf.h>
#include <pinfold/id.h>
#include <pinfold/json_out.h>
#include <pinfold/json_tree.h>

// A plan while it is written: lists that know their room.
#define PLAN_WORDS 112
#define PLAN_FILES (3 * AGENT_LIBRARY_MAX + 4)
struct agent_adapter;
struct planner {
    const struct agent_wish *wish;
    struct json_pool *pool;
    struct agent_plan *plan;
    const char *argv[PLAN_WORDS], *env[PLAN_WORDS];
    unsigned n_argv, n_env, n_files;
    bool hooked;
};
void plan_arg(struct planner *p, const char *word); // borrowed
void plan_args(struct planner *p, const char *const *words);
void plan_env(struct planner *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A configuration file of the tool, below its HOME. It is written by the command itself, before the
// tool, as its user and in its sandbox: nobody else has to know where HOME is.
void plan_file(struct planner *p, const char *path, const char *text);
// The command of a hook, which puts its program where it is found; the wish has a token.
const char *plan_hook(struct planner *p, bool ask);
// Text in the pool.
const char *plan_text(struct planner *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *plan_json(struct planner *p, const char *s); // as a JSON string, with its quotes
int plan_subagents(struct planner *p, const struct agent_adapter *a, struct err *e);
// NAME and the text as a JSON string, on a line; nothing when it is empty.
void subagent_line(struct planner *p, struct buf *ret, const char *name, const char *text);

struct agent_adapter {
    const char *name, *program, *doc, *state_dir, *ignores;
    // Where it looks below HOME, with %s for a name; NULL: nowhere.
    const char *skills, *commands, *agents;
    // What is in the file of a sub-agent; refuses what the tool cannot do.
    int (*subagent)(struct planner *p, const char *const *sub, struct buf *ret, struct err *e);
    bool needs_provider, needs_prompt, resumes, counts_turns, counts_cost;
    int turn_limit_code; // what it exits with after more turns than it may, with no line; 0: none
    int (*plan)(struct planner *p, struct err *e);
    // A line that is a JSON object. NULL: it prints no such lines, its result is what it printed.
    void (*on_line)(struct agent_reader *r, const struct json_node *line);
    // Lines to it while it runs; NULL: it takes none.
    bool (*say)(const struct agent_reader *r, struct buf *ret, const char *id, const char *text);
    void (*answer)(const struct agent_reader *r, struct buf *ret, const struct agent_answer *a);
    void (*interrupt)(const struct agent_reader *r, struct buf *ret, const char *id);
    void (*call_done)(struct buf *ret, const struct agent_call *call, const struct json_text *text,
                      bool is_error);
    void (*caught_up)(struct agent_reader *r); // NULL: nothing is to be done then
    bool forgets, takes_input, hooks;
    bool mcp;         // finds tools by the door of its sandbox
    bool keeps_tools; // a session has those that it began with
};
extern const struct agent_adapter agent_claude, agent_codex, agent_opencode, agent_cursor,
    agent_gemini, agent_qwen, agent_command, agent_shell;
void claude_on_line(struct agent_reader *r, const struct json_node *line); // qwen's too
bool claude_on_talk(struct agent_reader *r,
                    const struct json_node *line); // false: it is no such line
void mcp_on_message(struct agent_reader *r, const char *id, const struct json_node *message);
void mcp_call_done(struct buf *ret, const struct agent_call *call, const struct json_text *text,
                   bool is_error);
bool claude_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text);
void claude_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *a);
void claude_interrupt(const struct agent_reader *r, struct buf *ret, const char *id);
const struct agent_tool *agent_tool_find(const struct agent_expect *x, struct json_text name);
int claude_subagent(struct planner *p, const char *const *sub, struct buf *ret, struct err *e);

struct agent_reader {
    const struct agent_adapter *adapter;
    struct agent_expect expect;
    char expected[AGENT_SESSION_MAX], session[AGENT_SESSION_MAX];
    struct buf line; // that has no end yet
    bool line_cut;   // and is too long: the rest is passed over
    struct buf result, errors, payload;
    bool result_cut;
    // what was seen
    bool session_changed;
    bool done;              // its turn is over, and well
    enum run_reason failed; // WHY_NONE: nothing went wrong
    char error[400];
    unsigned denials;
    bool answer_cut; // the last one, by its limit of tokens
    bool usage_partial;
    struct run_usage usage, totals;
    uint32_t taken; // messages, by their numbers
    bool live;      // what comes is new
    char *first;    // to be said when there is a session; NULL: nothing
    void *own;      // the adapter's, freed with it
};
// Write one event: begin, members by json_out and the helpers, end.
struct json_out *event_begin(struct agent_reader *r, struct json_out *o);
void event_end(struct agent_reader *r, struct json_out *o, enum event_type type);
// Members cut to AGENT_TEXT_MAX; absent ones are left out.
void event_text(struct json_out *o, const char *name, struct json_text t);
void event_raw(struct json_out *o, const char *name, const struct json_node *n);
void event_note(struct agent_reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void event_words(struct agent_reader *r, enum event_type type, struct json_text text,
                 struct json_text parent); // message, thinking, token
// What an adapter has seen.
void seen_taken(struct agent_reader *r, struct json_text message_id); // with event
void seen_session(struct agent_reader *r, struct json_text id);
void seen_init(struct agent_reader *r, struct json_text id, struct json_text model); // with event
void seen_result(struct agent_reader *r, struct json_text text); // replaces the one before
void seen_failure(struct agent_reader *r, enum run_reason why, struct json_text text,
                  const char *otherwise);
uint64_t micro_usd(const struct json_node *n, const char *path); // of an amount in dollars
