// SPDX-License-Identifier: Apache-2.0
// What the threads of codex's app-server do, as events: its own, and those of its sub-agents.
#include "codex_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

// --- threads ------------------------------------------------------------------------------------

bool codex_is_main(const struct agent_reader *r, const struct json_node *params)
{
    return json_is(params, "threadId", r->session);
}

static bool fits(struct json_text t, size_t size)
{
    return t.p && t.len && t.len < size && !memchr(t.p, '\0', t.len);
}

// NULL: there are too many of them.
static struct codex_thread *thread_of(struct codex *c, struct json_text id)
{
    for (unsigned i = 0; i < c->n_threads; i++)
        if (strlen(c->threads[i].id) == id.len && !memcmp(c->threads[i].id, id.p, id.len))
            return &c->threads[i];
    if (c->n_threads == CODEX_THREADS_MAX || !fits(id, sizeof(c->threads[0].id)))
        return NULL;
    struct codex_thread *t = &c->threads[c->n_threads++];
    memcpy(t->id, id.p, id.len); // the rest is zero
    return t;
}

// The call that began the thread; none: it is the main one.
static struct json_text parent_of(struct agent_reader *r, const struct json_node *params)
{
    struct json_text id = json_text_at(params, "threadId");
    if (!id.p || codex_is_main(r, params))
        return (struct json_text){0};
    const struct codex_thread *t = thread_of(codex_of(r), id);
    return t && t->call[0] ? (struct json_text){t->call, strlen(t->call)} : id;
}

void codex_part(struct agent_reader *r, const struct json_node *params, enum event_type type)
{
    struct json_out o;
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(params, "threadId"));
    event_text(&o, "tool_call_id", parent_of(r, params));
    event_end(r, &o, type);
}

static void on_spawned(struct agent_reader *r, const struct json_node *item)
{
    const struct json_node *ids = json_at(item, "receiverThreadIds");
    struct json_text call = json_text_at(item, "id");
    for (const struct json_node *n = ids ? ids->first : NULL; n; n = n->next) {
        struct codex_thread *t = n->kind == JSON_STR ? thread_of(codex_of(r), n->text) : NULL;
        if (t && fits(call, sizeof(t->call)))
            (void)snprintf(t->call, sizeof(t->call), "%.*s", (int)call.len, call.p);
    }
}

// --- tokens ---------------------------------------------------------------------------------------

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

// Numbers are a thread's, from its beginning on: input has the cached part in it, output the reasoning.
void codex_count(struct agent_reader *r, const struct json_node *params)
{
    const struct json_node *n = json_at(params, "tokenUsage.total");
    struct codex *c = codex_of(r);
    const struct run_usage *b = &r->expect.before;
    uint64_t cached = json_u64_at(n, "cachedInputTokens");
    const struct run_usage sum = {.input_tokens = less(json_u64_at(n, "inputTokens"), cached),
                                  .cached_tokens = cached,
                                  .output_tokens = json_u64_at(n, "outputTokens"),
                                  .reasoning_tokens = json_u64_at(n, "reasoningOutputTokens"),
                                  .known = true};
    struct json_text id = json_text_at(params, "threadId");
    struct codex_thread *t = id.p && !codex_is_main(r, params) ? thread_of(c, id) : NULL;
    if (t)
        t->sum = sum;
    else if (codex_is_main(r, params))
        r->totals = sum; // a further run takes it off
    r->usage = (struct run_usage){
        .input_tokens = less(r->totals.input_tokens, b->input_tokens),
        .cached_tokens = less(r->totals.cached_tokens, b->cached_tokens),
        .output_tokens = less(r->totals.output_tokens, b->output_tokens),
        .reasoning_tokens = less(r->totals.reasoning_tokens, b->reasoning_tokens),
        .known = true,
    };
    for (unsigned i = 0; i < c->n_threads; i++)
        run_usage_add(&r->usage, &c->threads[i].sum);
}

// --- items ----------------------------------------------------------------------------------------

// commandExecution: command_execution, as codex exec has it.
static void put_name(struct json_out *o, const struct json_node *item)
{
    struct json_text tool = json_text_at(item, "tool"), type = json_text_at(item, "type");
    char name[64];
    size_t n = 0;
    if (json_is(item, "type", "dynamicToolCall")) {
        event_text(o, "name", tool);
        return;
    }
    for (size_t i = 0; i < type.len && n + 2 < sizeof(name); i++) {
        bool upper = type.p[i] >= 'A' && type.p[i] <= 'Z';
        if (upper)
            name[n++] = '_';
        name[n++] = upper ? (char)(type.p[i] - 'A' + 'a') : type.p[i];
    }
    json_strn(o, "name", name, n);
}

static void put_changes(struct json_out *o, const struct json_node *item, bool diffs)
{
    const struct json_node *all = json_at(item, "changes");
    if (!all || all->kind != JSON_ARR)
        return;
    json_begin_array(o, "changes");
    for (const struct json_node *c = all->first; c; c = c->next) {
        json_begin(o, NULL);
        event_text(o, "path", json_text_at(c, "path"));
        event_text(o, "kind", json_text_at(c, "kind.type"));
        if (diffs)
            event_text(o, "diff", json_text_at(c, "diff"));
        json_end(o);
    }
    json_end_array(o);
}

static void keep_change(struct agent_reader *r, const struct json_node *item)
{
    struct codex *c = codex_of(r);
    struct json_text id = json_text_at(item, "id");
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, AGENT_INPUT_MAX - 1);
    for (int diffs = 1; diffs >= 0; diffs--) { // without them when they are too large
        buf_clear(&b);
        b.overflow = false;
        json_out_init(&o, &b);
        json_begin(&o, NULL);
        put_changes(&o, item, diffs);
        json_end(&o);
        if (json_done(&o))
            break;
    }
    (void)snprintf(c->change, sizeof(c->change), "%s", json_done(&o) ? b.data : "{}");
    (void)snprintf(c->change_id, sizeof(c->change_id), "%.*s",
                   fits(id, sizeof(c->change_id)) ? (int)id.len : 0, id.p ? id.p : "");
}

// What stands for itself in an item of this kind; others are told whole.
static void put_input(struct json_out *o, const struct json_node *item)
{
    static const char *const parts[] = {"command", "cwd",   "server", "tool",
                                        "prompt",  "query", "path",   NULL};
    const struct json_node *arguments = json_at(item, "arguments");
    if (json_is(item, "type", "dynamicToolCall")) {
        event_raw(o, "input", arguments);
        return;
    }
    json_begin(o, "input");
    for (const char *const *p = parts; *p; p++)
        event_text(o, *p, json_text_at(item, *p));
    event_raw(o, "arguments", arguments);
    put_changes(o, item, false);
    json_end(o);
}

static void put_output(struct json_out *o, const struct json_node *item)
{
    const struct json_node *code = json_at(item, "exitCode");
    const struct json_node *content = json_at(item, "contentItems");
    const struct json_node *text = json_at(item, "aggregatedOutput");
    event_raw(o, "exit_code", code && code->kind == JSON_NUMBER ? code : NULL);
    put_changes(o, item, false);
    if (content && content->first && !content->first->next)
        event_text(o, "output", json_text_at(content, "0.text"));
    else if (content && content->kind == JSON_ARR)
        event_raw(o, "output", content);
    else if (text && text->kind == JSON_STR)
        event_text(o, "output", text->text);
    else if (text) // it printed nothing
        json_str(o, "output", "");
    else
        event_raw(o, "output", json_at(item, "result.content"));
    event_text(o, "error", json_text_at(item, "error.message"));
}

static bool is_failure(const struct json_node *item)
{
    const struct json_node *success = json_at(item, "success");
    return json_is(item, "status", "failed") || json_is(item, "status", "declined") ||
           (success && success->kind == JSON_FALSE);
}

static const char *const no_tools[] = {
    "userMessage",
    "hookPrompt",
    "agentMessage",
    "functionCallOutput",
    "plan",
    "reasoning",
    "enteredReviewMode",
    "exitedReviewMode",
    "contextCompaction",
    "subAgentActivity",
};

static bool is_tool(const struct json_node *item)
{
    for (size_t i = 0; i < N_ELEMS(no_tools); i++)
        if (json_is(item, "type", no_tools[i]))
            return false;
    return json_text_at(item, "type").p != NULL;
}

void codex_item_started(struct agent_reader *r, const struct json_node *params)
{
    const struct json_node *item = json_at(params, "item");
    struct json_out o;
    if (json_is(item, "type", "userMessage") && codex_is_main(r, params))
        seen_taken(r, json_text_at(item, "clientId"));
    if (json_is(item, "type", "fileChange"))
        keep_change(r, item);
    if (!is_tool(item))
        return;
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(item, "id"));
    put_name(&o, item);
    put_input(&o, item);
    event_text(&o, "parent_tool_call_id", parent_of(r, params));
    event_end(r, &o, EV_AGENT_TOOL_CALL);
}

static void on_thought(struct agent_reader *r, const struct json_node *item,
                       struct json_text parent)
{
    static const char *const parts[] = {"summary", "content"};
    own_buf struct buf b;
    buf_init(&b, AGENT_LINE_MAX);
    for (size_t i = 0; i < N_ELEMS(parts) && !b.len; i++) {
        const struct json_node *all = json_at(item, parts[i]);
        for (const struct json_node *n = all ? all->first : NULL; n; n = n->next) {
            (void)buf_puts(&b, b.len ? "\n" : "");
            (void)buf_append(&b, n->text.p, n->kind == JSON_STR ? n->text.len : 0);
        }
    }
    event_words(r, EV_AGENT_THINKING, (struct json_text){b.data, b.len}, parent);
}

void codex_item_completed(struct agent_reader *r, const struct json_node *params)
{
    const struct json_node *item = json_at(params, "item");
    struct json_text parent = parent_of(r, params);
    struct json_out o;
    if (json_is(item, "type", "agentMessage")) {
        event_words(r, EV_AGENT_MESSAGE, json_text_at(item, "text"), parent);
        if (codex_is_main(r, params))
            seen_result(r, json_text_at(item, "text")); // no line holds the result by itself
    } else if (json_is(item, "type", "reasoning")) {
        on_thought(r, item, parent);
    } else if (json_is(item, "type", "collabAgentToolCall")) {
        on_spawned(r, item);
    }
    if (!is_tool(item))
        return;
    r->denials += json_is(item, "status", "declined");
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(item, "id"));
    put_name(&o, item);
    json_bool(&o, "is_error", is_failure(item));
    put_output(&o, item);
    event_text(&o, "parent_tool_call_id", parent);
    event_end(r, &o, EV_AGENT_TOOL_RESULT);
}
