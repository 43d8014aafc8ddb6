// SPDX-License-Identifier: Apache-2.0
// Adapters: how the command-line tools of coding agents are run, and how what they print is read.
// Pure: nothing is started, opened or awaited here.
//
// An adapter is one row and a small file. It says how to call the tool, what it needs to find and
// what it must not obey (a repository's own settings are a stranger's input), and turns its lines
// into events, usage and, at the end, the verdict. Exit code 0 or a word like "success" alone
// never makes a run succeed: the tool has to have been seen to finish its turn.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <pinfold/run.h>
#include <pinfold/run_state.h>

struct agent_adapter;
struct json_pool;
unsigned agent_count(void);
const struct agent_adapter *agent_at(unsigned i);
const struct agent_adapter *agent_find(const char *name); // NULL: there is none
const char *agent_name(const struct agent_adapter *a);    // "claude-code"
const char *agent_doc(const struct agent_adapter *a);     // one sentence
const char *agent_program(const struct agent_adapter *a); // what must be on PATH; "" for none
// Where it keeps its sessions, below HOME: what a resume must find again. "" for none.
const char *agent_state_dir(const struct agent_adapter *a);
// What of a repository it would obey and is kept from obeying, in words; "" for nothing.
const char *agent_ignores(const struct agent_adapter *a);
bool agent_needs_provider(const struct agent_adapter *a);
bool agent_resumes(const struct agent_adapter *a); // it has sessions that can be gone on with
// It ends itself after so many turns of its model, or when it has cost so much.
bool agent_counts_turns(const struct agent_adapter *a);
bool agent_counts_cost(const struct agent_adapter *a);

// --- how to call it --------------------------------------------------------------------------

#define AGENT_LIBRARY_MAX 16 // skills, commands, and sub-agents
// A sub-agent: so many texts in a row, "" for what is not given. Tools have a comma between them; those
// of SUB_WITHOUT it may not use, whatever else it may.
enum {
    SUB_NAME,
    SUB_DESCRIPTION,
    SUB_PROMPT,
    SUB_TOOLS,
    SUB_WITHOUT,
    SUB_MODEL,
    SUB_TURNS,
    SUB_TEXTS
};
#define AGENT_SUBAGENT_BYTES (112 * 1024)  // of a prompt: its file fits a variable
#define AGENT_SUBAGENTS_BYTES (256 * 1024) // of all texts of all of them
// Texts of sub-agents, NULL at the end; the error names the one and its member. NULL is fine.
int agent_subagents_check(const char *const *list, struct err *e);
struct agent_tool; // agent_talk.h
// NULL and 0: not given.
struct agent_wish {
    const char *prompt, *model, *effort;
    const char *session;     // go on with this one
    const char *base_url;    // of its model
    const char *api_key;     // what the tool is to send: a placeholder
    const char *command;     // of the agents command and shell; or
    const char *const *argv; // NULL at the end
    uint32_t max_turns;
    uint64_t max_millusd; // what it may cost, in thousandths of a dollar; 0: anything
    // Names and texts, two and two, NULL at the end: put where the tool looks for them. NULL: none.
    const char *const *skills, *const *commands;
    const char *const *agents; // SUB_TEXTS texts of each sub-agent, NULL at the end. NULL: none
    bool plan;                 // it is to say what it would do; its /workspace is read-only
    bool talk;                 // lines come on its standard input, which stays open; agent_talk.h
    bool tools;                // it is served others than its own; with talk
    const struct agent_tool *tool_list; // these
    unsigned n_tools;
    bool ask; // it is to ask before it uses a tool that changes something; with talk or a token
    const char *run, *token; // for its hooks; NULL: there is no door to the server
};
struct agent_plan {
    const char *command;     // for a shell; or
    const char *const *argv; // NULL at the end
    const char *const *env;  // NAME=value, NULL at the end; over the run's own
    const char *input;       // of talk: the first lines; NULL: none
    const char *first;       // that its reader says when there is a session; NULL: it is in these
    struct json_pool *pool;  // what is made for it
};
// ERR_BAD_REQUEST names what is missing or what the tool cannot do. What is not made for the plan
// is borrowed from w. Release it on success.
int agent_plan_make(const struct agent_adapter *a, const struct agent_wish *w,
                    struct agent_plan *ret, struct err *e);
void agent_plan_release(struct agent_plan *p); // zero is fine

// --- reading what it prints ------------------------------------------------------------------

#define AGENT_LINE_MAX (16 * 1024 * 1024) // a longer line is cut, which a note says
#define AGENT_RESULT_MAX (64 * 1024)      // of the result that is kept
#define AGENT_TEXT_MAX (64 * 1024)        // of one text in an event
#define AGENT_SESSION_MAX 128

struct agent_question;
struct agent_call;
struct agent_expect {
    const char *session;     // that it was told to go on with; NULL: a new one
    struct run_usage before; // `totals` of the run it goes on from
    // payload: a JSON object, borrowed for the call.
    void (*on_event)(void *arg, enum event_type type, const char *payload, size_t len);
    void *arg;
    // Of one that is talked to; may be NULL. It can be told something; it has the n-th message of a
    // turn, and will take it. Its turn is over: it waits for more, or for the end of its input. It will
    // take no more. It asks; it wants to know no more, or has the answer.
    void (*on_ready)(void *arg);
    void (*on_said)(void *arg, uint32_t turn, uint32_t n);
    void (*on_idle)(void *arg);
    void (*on_over)(void *arg);
    void (*on_asked)(void *arg, const struct agent_question *q);
    void (*on_withdrawn)(void *arg, const char *id);
    // Its other tools, at `tools` while the reader lives: what it calls, and lines that answer it.
    const struct agent_tool *tools;
    unsigned n_tools;
    void (*on_call)(void *arg, const struct agent_call *call);
    void (*write)(void *arg, const struct buf *lines);
    const char *first; // of its plan; copied
    bool replays;      // what it has printed comes again; agent_reader_caught_up() ends that
};
struct agent_reader;
struct agent_reader *agent_reader_new(const struct agent_adapter *a, const struct agent_expect *x);
void agent_reader_free(struct agent_reader *r); // NULL is fine
// stream: 0 standard output, 1 standard error. Chunks end anywhere.
void agent_reader_feed(struct agent_reader *r, unsigned stream, const void *p, size_t n);
const char *agent_reader_session(const struct agent_reader *r); // "" as long as none was seen

struct agent_verdict {
    bool succeeded;
    enum run_reason reason;
    char error[400];    // one sentence when it did not
    const char *result; // its last word, "" for none; borrowed from the reader
    size_t result_len;
    bool result_cut;
    struct run_usage usage;  // of this run
    bool usage_partial;      // without its sub-agents
    struct run_usage totals; // of the whole session, for the run that goes on from here
};
// It has ended, as `o` says: the last call but free. May still give events.
void agent_reader_finish(struct agent_reader *r, const struct outcome *o,
                         struct agent_verdict *ret);

// The payload of an event that is not an agent's: a JSON object of words and numbers. Text that is
// NULL is left out, and cut to AGENT_TEXT_MAX.
struct event_word {
    const char *name, *text;
    size_t len; // of text; 0: up to its NUL
    bool is_number;
    int64_t number;
};
void event_payload(struct buf *ret, const struct event_word *words, unsigned n);
