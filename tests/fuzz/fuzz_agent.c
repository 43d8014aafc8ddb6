// SPDX-License-Identifier: Apache-2.0
// What agents' tools print, by each adapter: the first byte chooses it, the rest comes in pieces.
#include <pinfold/agent_hook.h>
#include <pinfold/json_tree.h>
#include <stdlib.h>
#include <string.h>

static void on_event(void *arg, enum event_type type, const char *payload, size_t len)
{
    struct json_pool pool;
    (void)arg;
    json_pool_init(&pool);
    const struct json_node *n = json_tree(payload, len, 1000000, &pool);
    if (type >= EV_N || !n || n->kind != JSON_OBJ || memchr(payload, '\n', len))
        abort();
    json_pool_release(&pool);
}

// What is asked becomes a part of a line of ours.
static void on_asked(void *arg, const struct agent_question *q)
{
    struct json_pool pool;
    (void)arg;
    json_pool_init(&pool);
    const struct json_node *n = json_tree(q->input, q->input_len, 1000000, &pool);
    if (!n || n->kind != JSON_OBJ || memchr(q->input, '\n', q->input_len) || !*q->id ||
        strlen(q->id) >= AGENT_ID_MAX)
        abort();
    json_pool_release(&pool);
}

// Answers are one line of JSON.
static void on_lines(void *arg, const struct buf *lines)
{
    struct json_pool pool;
    (void)arg;
    json_pool_init(&pool);
    if (!lines->len || memchr(lines->data, '\n', lines->len) != lines->data + lines->len - 1 ||
        !json_tree(lines->data, lines->len - 1, 1000000, &pool))
        abort();
    json_pool_release(&pool);
}

static const struct agent_adapter *adapter;

static void on_call(void *arg, const struct agent_call *call)
{
    struct buf b;
    buf_init(&b, 1024 * 1024);
    if (strcmp(call->name, "t"))
        abort();
    agent_call_done(adapter, &b, call, (struct json_text){call->arguments, call->arguments_len},
                    false);
    on_lines(arg, &b);
    buf_release(&b);
}

static void on_withdrawn(void *arg, const char *id)
{
    (void)arg;
    if (!*id)
        abort();
}

static void check_object(const struct buf *b)
{
    struct json_pool pool;
    json_pool_init(&pool);
    const struct json_node *n = json_tree(b->data, b->len, 1000000, &pool);
    if (!n || n->kind != JSON_OBJ || memchr(b->data, '\n', b->len))
        abort();
    json_pool_release(&pool);
}

// What comes by the door of a sandbox.
static void door(const uint8_t *data, size_t size, const struct agent_expect *x)
{
    struct agent_hook h;
    struct buf reply;
    struct err e;
    buf_init(&reply, 1024 * 1024);
    bool good = !agent_hook_read(data, size, &h, &e);
    if (good && h.kind != HOOK_NOTHING)
        check_object(h.kind == HOOK_EVENT ? &h.payload : &h.input);
    if (good && h.kind == HOOK_QUESTION && !agent_hook_asked(h.id))
        abort();
    agent_hook_release(&h);
    adapter = agent_find("claude-code"); // whose answer on_call makes
    if (!agent_mcp_ask(x, data, size, &reply, &e) && reply.len)
        on_lines(NULL, &reply);
    buf_release(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct agent_tool tool = {"t", "", "{}"};
    if (size < 2)
        return 0;
    const struct agent_expect x = {.session = data[1] & 1 ? "abc" : NULL,
                                   .on_event = on_event,
                                   .on_asked = on_asked,
                                   .on_withdrawn = on_withdrawn,
                                   .tools = &tool,
                                   .n_tools = 1,
                                   .on_call = on_call,
                                   .write = on_lines,
                                   .first = "first",
                                   .replays = data[1] & 4};
    const struct outcome o = {.reason = (enum end_reason)(data[1] % END_N),
                              .exit_code = data[1] & 2 ? 1 : 0};
    adapter = agent_at(data[0] % agent_count());
    struct agent_reader *r = agent_reader_new(adapter, &x);
    struct agent_verdict v;
    for (size_t at = 2, n; at < size; at += n) {
        n = 1 + data[at] % 64;
        if (n > size - at)
            n = size - at;
        agent_reader_feed(r, data[at] == 0xff, data + at, n);
    }
    agent_reader_caught_up(r);
    agent_reader_finish(r, &o, &v);
    if (v.result_len > AGENT_RESULT_MAX || (v.succeeded && (o.reason != END_EXITED || o.exit_code)))
        abort();
    agent_reader_free(r);
    door(data + 2, size - 2, &x);
    return 0;
}
