// SPDX-License-Identifier: Apache-2.0
// What goes between codex and who runs its app-server: JSON-RPC, a line each. A thread is a session; what
// it is told begins a turn of it, or joins the one that goes on. Its requests are questions whether it may
// do something, and calls of tools that are not its own.
#include "codex_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

// Ids of our requests; those of messages are their own.
#define ID_HELLO "hello"
#define ID_SESSION "session"
#define ID_FIRST "first"
#define ID_STOP "stop"
#define ID_LOOK "look"

static void request(struct json_out *o, struct buf *b, const char *id, const char *method)
{
    json_out_init(o, b);
    json_begin(o, NULL);
    if (id)
        json_str(o, "id", id);
    json_str(o, "method", method);
    json_begin(o, "params");
}

static void request_end(struct json_out *o, struct buf *b)
{
    json_end(o);
    json_end(o);
    (void)buf_putc(b, '\n');
}

// --- lines to it --------------------------------------------------------------------------------

// What comes in pieces comes whole at its end; and none of it is to fill the log.
static const char *const unwanted[] = {
    "item/agentMessage/delta",
    "item/plan/delta",
    "item/commandExecution/outputDelta",
    "item/fileChange/outputDelta",
    "item/fileChange/patchUpdated",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/textDelta",
    "item/reasoning/summaryPartAdded",
    "turn/diff/updated",
    "account/rateLimits/updated",
    "thread/status/changed",
    "thread/readState/changed",
};

static void put_hello(struct buf *b)
{
    struct json_out o;
    request(&o, b, ID_HELLO, "initialize");
    json_begin(&o, "clientInfo");
    json_str(&o, "name", "pinfold");
    json_str(&o, "version", "1");
    json_end(&o);
    json_begin(&o, "capabilities");
    json_bool(&o, "experimentalApi", true); // tools that are not its own
    json_begin_array(&o, "optOutNotificationMethods");
    for (size_t i = 0; i < N_ELEMS(unwanted); i++)
        json_str(&o, NULL, unwanted[i]);
    json_end_array(&o);
    json_end(&o);
    request_end(&o, b);
    (void)buf_puts(b, "{\"method\":\"initialized\"}\n");
}

static void put_tools(struct json_out *o, const struct agent_wish *w)
{
    json_begin_array(o, "dynamicTools");
    for (unsigned i = 0; i < w->n_tools; i++) {
        const struct agent_tool *t = &w->tool_list[i];
        json_begin(o, NULL);
        json_str(o, "type", "function");
        json_str(o, "name", t->name);
        json_str(o, "description", t->description);
        json_raw(o, "inputSchema", t->schema, strlen(t->schema));
        json_end(o);
    }
    json_end_array(o);
}

// The sandbox is ours, as with codex exec. A thread keeps its tools.
static void put_session(struct buf *b, const struct agent_wish *w)
{
    struct json_out o;
    request(&o, b, ID_SESSION, w->session ? "thread/resume" : "thread/start");
    if (w->session) {
        json_str(&o, "threadId", w->session);
        json_bool(&o, "excludeTurns", true);
    }
    json_str(&o, "model", w->model);
    json_str(&o, "approvalPolicy", w->ask ? "untrusted" : "never");
    json_str(&o, "sandbox", "danger-full-access");
    if (w->n_tools && !w->session)
        put_tools(&o, w);
    request_end(&o, b);
}

void codex_first_lines(struct buf *b, const struct agent_wish *w)
{
    put_hello(b);
    put_session(b, w);
}

bool codex_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text)
{
    struct json_out o;
    if (!r->session[0])
        return false;
    request(&o, ret, id ? id : ID_FIRST, "turn/start"); // or joins the one that goes on
    json_str(&o, "threadId", r->session);
    if (id)
        json_str(&o, "clientUserMessageId", id);
    json_begin_array(&o, "input");
    json_begin(&o, NULL);
    json_str(&o, "type", "text");
    json_str(&o, "text", text);
    json_begin_array(&o, "text_elements");
    json_end_array(&o);
    json_end(&o);
    json_end_array(&o);
    request_end(&o, ret);
    return true;
}

// Whichever turn goes on then, if any does.
void codex_interrupt(const struct agent_reader *r, struct buf *ret, const char *id)
{
    struct json_out o;
    (void)id;
    request(&o, ret, ID_STOP, "turn/interrupt");
    json_str(&o, "threadId", r->session);
    json_str(&o, "turnId", "");
    request_end(&o, ret);
}

static void reply(struct json_out *o, struct buf *b, const char *id, size_t len)
{
    json_out_init(o, b);
    json_begin(o, NULL);
    json_raw(o, "id", id, len);
    json_begin(o, "result");
}

// The reason of a no goes as words beside it: the answer itself has no place for one.
void codex_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *a)
{
    struct json_out o;
    reply(&o, ret, a->id, strcspn(a->id, "@"));
    json_str(&o, "decision", a->allow ? "accept" : "decline");
    request_end(&o, ret);
    if (a->allow || !a->message)
        return;
    own_buf struct buf words;
    buf_init(&words, 64 * 1024);
    (void)buf_printf(&words, "That was not permitted: %s", a->message);
    (void)codex_say(r, ret, NULL, words.data);
}

void codex_call_done(struct buf *ret, const struct agent_call *call, const struct json_text *text,
                     bool is_error)
{
    struct json_out o;
    reply(&o, ret, call->rpc, strlen(call->rpc));
    json_begin_array(&o, "contentItems");
    json_begin(&o, NULL);
    json_str(&o, "type", "inputText");
    json_strn(&o, "text", text->p, text->len);
    json_end(&o);
    json_end_array(&o);
    json_bool(&o, "success", !is_error);
    request_end(&o, ret);
}

// --- its beginning --------------------------------------------------------------------------------

static void tell_first(struct agent_reader *r)
{
    struct codex *c = codex_of(r);
    own_buf struct buf b;
    buf_init(&b, 4 * 1024 * 1024); // a prompt has a limit far below
    if (!r->live || !r->first || !r->session[0] || !r->expect.write)
        return;
    if (!c->told)
        (void)codex_say(r, &b, NULL, r->first);
    if (!c->told)
        r->expect.write(r->expect.arg, &b);
    c->told = true;
    if (r->expect.on_ready)
        r->expect.on_ready(r->expect.arg);
}

// What was it told before the server was replaced, and has not said so yet? What it is asked now, it
// answers behind that.
void codex_caught_up(struct agent_reader *r)
{
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    if (!r->session[0] || !r->expect.write)
        return;
    request(&o, &b, ID_LOOK, "thread/read");
    json_str(&o, "threadId", r->session);
    request_end(&o, &b);
    r->expect.write(r->expect.arg, &b);
}

// --- answers to ours ------------------------------------------------------------------------------

static void on_refusal(struct agent_reader *r, struct json_text why)
{
    seen_failure(r, WHY_AGENT_ERROR, why, "it does not take what it is told");
    if (why.p)
        agent_reader_feed(r, 1, why.p, why.len); // words about the failure, whatever it is
    if (r->expect.on_over)
        r->expect.on_over(r->expect.arg);
}

static void on_response(struct agent_reader *r, const struct json_node *line)
{
    bool failed = json_at(line, "error") != NULL;
    struct json_text id = json_text_at(line, "id");
    uint32_t turn, n;
    if (json_is(line, "id", ID_LOOK)) {
        tell_first(r);
    } else if (failed && !json_is(line, "id", ID_STOP)) { // of nothing that goes on: it has ended
        on_refusal(r, json_text_at(line, "error.message"));
    } else if (json_is(line, "id", ID_SESSION)) {
        seen_init(r, json_text_at(line, "result.thread.id"), json_text_at(line, "result.model"));
        tell_first(r);
    } else if (json_is(line, "id", ID_FIRST)) {
        codex_of(r)->told = true;
    } else if (id.p && !agent_message_number(id.p, id.len, &turn, &n) && r->expect.on_said) {
        r->expect.on_said(r->expect.arg, turn, n);
    }
}

// --- its questions ----------------------------------------------------------------------------------

// Its numbers begin anew with each run of the program: with its first turn they are a run's own.
static bool question_id(struct agent_reader *r, const struct json_node *id, char ret[AGENT_ID_MAX])
{
    if (!id || id->kind != JSON_NUMBER || id->text.len > 12)
        return false;
    (void)snprintf(ret, AGENT_ID_MAX, "%.*s@%s", (int)id->text.len, id->text.p,
                   codex_of(r)->first_turn);
    return true;
}

static void ask(struct agent_reader *r, const char *id, const char *name, const struct buf *input)
{
    bool fits = !input->overflow && input->len <= AGENT_INPUT_MAX;
    const struct agent_question q = {.id = id,
                                     .name = name,
                                     .input = fits ? input->data : "{}",
                                     .input_len = fits ? input->len : 2};
    if (r->expect.on_asked)
        r->expect.on_asked(r->expect.arg, &q);
}

static void on_command_question(struct agent_reader *r, const char *id, const struct json_node *p)
{
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4 * AGENT_INPUT_MAX);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    event_text(&o, "command", json_text_at(p, "command"));
    event_text(&o, "cwd", json_text_at(p, "cwd"));
    event_text(&o, "reason", json_text_at(p, "reason"));
    json_end(&o);
    ask(r, id, "command_execution", &b);
}

// The question names only the change, which was told before.
static void on_change_question(struct agent_reader *r, const char *id, const struct json_node *p)
{
    const struct codex *c = codex_of(r);
    own_buf struct buf b;
    buf_init(&b, AGENT_INPUT_MAX);
    (void)buf_puts(&b, json_is(p, "itemId", c->change_id) ? c->change : "{}");
    ask(r, id, "file_change", &b);
}

static void on_call(struct agent_reader *r, const char *id, const struct json_node *line)
{
    const struct json_node *arguments = json_at(line, "params.arguments");
    struct json_text name = json_text_at(line, "params.tool"), rpc = json_at(line, "id")->text;
    const struct agent_tool *t = agent_tool_find(&r->expect, name);
    bool fits = arguments && arguments->kind == JSON_OBJ && arguments->raw.len <= AGENT_INPUT_MAX;
    own_free char *number = xmemdup0(rpc.p, rpc.len);
    const struct agent_call call = {.id = id,
                                    .rpc = number,
                                    .name = t ? t->name : "",
                                    .arguments = fits ? arguments->raw.p : "{}",
                                    .arguments_len = fits ? arguments->raw.len : 2};
    static const char none[] = "there is no such tool, or its arguments are too many";
    const struct json_text text = {none, sizeof(none) - 1};
    if (t && fits && r->expect.on_call) {
        r->expect.on_call(r->expect.arg, &call);
    } else if (r->expect.write) {
        own_buf struct buf b;
        buf_init(&b, 4096);
        codex_call_done(&b, &call, &text, true);
        r->expect.write(r->expect.arg, &b);
    }
}

// Nothing is left without an answer: it would wait for one.
static void on_other_question(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *id = json_at(line, "id");
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    event_begin(r, &o);
    json_str(&o, "text", "it asks for what it cannot be given here");
    event_text(&o, "name", json_text_at(line, "method"));
    event_raw(&o, "input", json_at(line, "params"));
    event_end(r, &o, EV_AGENT_NEEDS_ATTENTION);
    if (id->kind != JSON_NUMBER || !r->expect.write)
        return;
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_raw(&o, "id", id->text.p, id->text.len);
    json_begin(&o, "error");
    json_i64(&o, "code", -32601);
    json_str(&o, "message", "nobody is there to answer that");
    request_end(&o, &b);
    r->expect.write(r->expect.arg, &b);
}

static void on_request(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *p = json_at(line, "params");
    char id[AGENT_ID_MAX];
    bool known = question_id(r, json_at(line, "id"), id);
    if (known && json_is(line, "method", "item/commandExecution/requestApproval"))
        on_command_question(r, id, p);
    else if (known && json_is(line, "method", "item/fileChange/requestApproval"))
        on_change_question(r, id, p);
    else if (known && json_is(line, "method", "item/tool/call"))
        on_call(r, id, line);
    else
        on_other_question(r, line);
}

static void on_resolved(struct agent_reader *r, const struct json_node *p)
{
    char id[AGENT_ID_MAX];
    if (question_id(r, json_at(p, "requestId"), id) && r->expect.on_withdrawn)
        r->expect.on_withdrawn(r->expect.arg, id); // or it has heard the answer
}

// --- what it tells ----------------------------------------------------------------------------------

static void on_turn_started(struct agent_reader *r, const struct json_node *p)
{
    struct codex *c = codex_of(r);
    struct json_text id = json_text_at(p, "turn.id");
    if (!c->first_turn[0] && id.len < sizeof(c->first_turn))
        (void)snprintf(c->first_turn, sizeof(c->first_turn), "%.*s", (int)id.len, id.p ? id.p : "");
    if (!codex_is_main(r, p)) {
        codex_part(r, p, EV_AGENT_SUBAGENT_START);
        return;
    }
    c->told = true;
    r->done = false;
    r->failed = WHY_NONE;
}

static void on_turn_completed(struct agent_reader *r, const struct json_node *p)
{
    struct json_text text = json_text_at(p, "turn.error.message");
    if (!codex_is_main(r, p)) {
        codex_part(r, p, EV_AGENT_SUBAGENT_STOP);
        return;
    }
    if (json_is(p, "turn.status", "completed")) {
        r->done = true;
        r->failed = WHY_NONE;
    } else if (json_is(p, "turn.status", "interrupted")) {
        seen_failure(r, WHY_ABORTED, text, "it was interrupted in the middle of a turn");
    } else {
        codex_failed(r, text);
    }
    if (r->expect.on_idle)
        r->expect.on_idle(r->expect.arg);
}

static void note(struct agent_reader *r, struct json_text text)
{
    event_note(r, "%.*s", (int)(text.len < 300 ? text.len : 300), text.p ? text.p : "");
}

static void on_error(struct agent_reader *r, const struct json_node *p)
{
    if (json_true_at(p, "willRetry")) // else its turn says so
        note(r, json_text_at(p, "error.message"));
}

static void on_warning(struct agent_reader *r, const struct json_node *p)
{
    note(r, json_text_at(p, "message"));
}

static const struct {
    const char *method;
    void (*fn)(struct agent_reader *r, const struct json_node *params);
} told[] = {
    {"turn/started", on_turn_started},
    {"turn/completed", on_turn_completed},
    {"item/started", codex_item_started},
    {"item/completed", codex_item_completed},
    {"thread/tokenUsage/updated", codex_count},
    {"serverRequest/resolved", on_resolved},
    {"error", on_error},
    {"warning", on_warning},
};

bool codex_on_talk(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *id = json_at(line, "id"), *p = json_at(line, "params");
    struct json_text method = json_text_at(line, "method");
    if (!method.p && !id)
        return false;
    if (!method.p)
        on_response(r, line);
    else if (id)
        on_request(r, line);
    for (size_t i = 0; method.p && !id && i < N_ELEMS(told); i++)
        if (json_is(line, "method", told[i].method))
            told[i].fn(r, p);
    return true;
}
