// SPDX-License-Identifier: Apache-2.0
// Talking to a tool while it runs, by lines on its standard input: what it is told, what it may do,
// that it is to stop. For tools that take such lines; the others are told at the end of their turn.
#pragma once
#include <pinfold/agent.h>
#include <pinfold/json.h>

#define AGENT_ID_MAX 64             // of a question, a message, an interrupt
#define AGENT_INPUT_MAX (32 * 1024) // of what it asks to do

bool agent_talks(const struct agent_adapter *a);

// It asks whether it may. Borrowed for the call; input is a JSON object, cut to nothing ("{}") when it
// is larger than AGENT_INPUT_MAX.
struct agent_question {
    const char *id;   // the tool's own
    const char *name; // of what it wants to use
    const char *input;
    size_t input_len;
};
struct agent_answer {
    const char *id; // of the question
    bool allow;
    const char *message; // why not; NULL: none
    const char *input;   // JSON object: what it is to do
};
// Tools that are not its own, served to it as an MCP server over the same lines. What it calls is
// answered later, once; everything else of the protocol is answered here.
#define AGENT_TOOLS_MAX 50
struct agent_tool {
    const char *name, *description;
    const char *schema; // JSON object, of what it takes
};
struct agent_call {
    const char *id;   // of the request
    const char *rpc;  // the protocol's own id: a JSON number or string
    const char *name; // of the tool; one there is
    const char *arguments;
    size_t arguments_len; // JSON object of at most AGENT_INPUT_MAX bytes
};
void agent_call_done(const struct agent_adapter *a, struct buf *ret, const struct agent_call *call,
                     struct json_text text, bool is_error);
// The same for a tool that asks by the door of its sandbox: a request, of which nothing is left in *ret
// when there is nothing to answer (a notification) or when on_call was called, once, within. Of x are
// tools, n_tools, on_call and arg. Then the answer to the call.
int agent_mcp_ask(const struct agent_expect *x, const void *body, size_t len, struct buf *ret,
                  struct err *e);
void agent_mcp_done(struct buf *ret, const char *rpc, struct json_text text, bool is_error);
// Can it be served tools, when it is talked to, or when there is a door?
bool agent_serves(const struct agent_adapter *a, bool talk, bool door);
// Its arguments as a URL's query, appended to *ret.
void agent_call_query(const struct agent_call *call, struct buf *ret);
// Lines, each with its end, appended to *ret. false: it has no session yet, on_ready comes.
bool agent_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text);
void agent_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *answer);
void agent_interrupt(const struct agent_reader *r, struct buf *ret, const char *id);
// What it was told and has not taken is not told to it by itself after an interrupt.
bool agent_forgets(const struct agent_adapter *a);
bool agent_keeps_tools(const struct agent_adapter *a); // a session has those that it began with
bool agent_takes_input(const struct agent_adapter *a); // a yes may be for something else
// Of one that `replays`: what it has printed from here on is new. May write.
void agent_reader_caught_up(struct agent_reader *r);
// The id of the n-th message of a turn, and back; -1 when it is none.
void agent_message_id(uint32_t turn, uint32_t n, char ret[AGENT_ID_MAX]);
int agent_message_number(const char *id, size_t len, uint32_t *ret_turn, uint32_t *ret_n);
