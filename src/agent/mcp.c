// SPDX-License-Identifier: Apache-2.0
// The Model Context Protocol as far as a server of tools speaks it: inside Claude Code's control lines,
// and as requests that come by the door of a sandbox.
#include "agent_int.h"

#include <pinfold/own.h>
#include <string.h>

#define REPLY_MAX (1024 * 1024) // of one line: all tools with their schemas, or one answer

// id: of the control request; NULL: there is none around it.
static void begin(struct json_out *o, struct buf *b, const char *id)
{
    json_out_init(o, b);
    json_begin(o, NULL);
    if (!id) {
        json_str(o, "jsonrpc", "2.0");
        return;
    }
    json_str(o, "type", "control_response");
    json_begin(o, "response");
    json_str(o, "subtype", "success");
    json_str(o, "request_id", id);
    json_begin(o, "response");
    json_begin(o, "mcp_response");
    json_str(o, "jsonrpc", "2.0");
}

static void end(struct json_out *o, struct buf *b, const char *id)
{
    for (unsigned i = 0; i < (id ? 4 : 1); i++)
        json_end(o);
    (void)buf_putc(b, '\n');
}

void mcp_call_done(struct buf *ret, const struct agent_call *call, const struct json_text *text,
                   bool is_error)
{
    struct json_out o;
    begin(&o, ret, call->id);
    json_raw(&o, "id", call->rpc, strlen(call->rpc));
    json_begin(&o, "result");
    json_begin_array(&o, "content");
    json_begin(&o, NULL);
    json_str(&o, "type", "text");
    json_strn(&o, "text", text->p, text->len);
    json_end(&o);
    json_end_array(&o);
    json_bool(&o, "isError", is_error);
    json_end(&o);
    end(&o, ret, call->id);
}

static void put_tools(struct json_out *o, const struct agent_tool *tools, unsigned n)
{
    json_begin_array(o, "tools");
    for (unsigned i = 0; i < n; i++) {
        const struct agent_tool *t = &tools[i];
        json_begin(o, NULL);
        json_str(o, "name", t->name);
        json_str(o, "description", t->description);
        json_raw(o, "inputSchema", t->schema, strlen(t->schema));
        json_end(o);
    }
    json_end_array(o);
}

static void put_result(struct json_out *o, const struct agent_tool *tools, unsigned n,
                       const struct json_node *message)
{
    struct json_text version = json_text_at(message, "params.protocolVersion");
    if (json_is(message, "method", "initialize")) {
        json_begin(o, "result");
        json_strn(o, "protocolVersion", version.p ? version.p : "2025-06-18",
                  version.p ? version.len : 10);
        json_begin(o, "capabilities");
        json_begin(o, "tools");
        json_end(o);
        json_end(o);
        json_begin(o, "serverInfo");
        json_str(o, "name", "pinfold");
        json_str(o, "version", "1");
        json_end(o);
        json_end(o);
    } else if (json_is(message, "method", "tools/list")) {
        json_begin(o, "result");
        put_tools(o, tools, n);
        json_end(o);
    } else if (!json_at(message, "id") || json_is(message, "method", "ping")) {
        json_begin(o, "result");
        json_end(o);
    } else {
        json_begin(o, "error");
        json_i64(o, "code", -32601);
        json_str(o, "message", "there is no such method or tool");
        json_end(o);
    }
}

// As it stands in the line, so that it can be said again.
static char *rpc_id(const struct json_node *message)
{
    own_buf struct buf b;
    struct json_out o;
    const struct json_node *id = json_at(message, "id");
    buf_init(&b, 1024);
    json_out_init(&o, &b);
    if (id && id->kind == JSON_NUMBER)
        json_raw(&o, NULL, id->text.p, id->text.len);
    else if (id && id->kind == JSON_STR && id->text.len < 100)
        json_strn(&o, NULL, id->text.p, id->text.len);
    else
        json_u64(&o, NULL, 0); // a notification, which has none
    return xmemdup0(b.data, b.len);
}

void mcp_on_message(struct agent_reader *r, const char *id, const struct json_node *message)
{
    const struct agent_tool *t = agent_tool_find(&r->expect, json_text_at(message, "params.name"));
    const struct json_node *arguments = json_at(message, "params.arguments");
    bool fits =
        !arguments || (arguments->kind == JSON_OBJ && arguments->raw.len <= AGENT_INPUT_MAX);
    own_free char *rpc = rpc_id(message);
    if (!r->adapter->call_done || !r->expect.write || !r->expect.on_call || strlen(rpc) > 200)
        return;
    if (t && fits && json_is(message, "method", "tools/call")) {
        const struct agent_call call = {.id = id,
                                        .rpc = rpc,
                                        .name = t->name,
                                        .arguments = arguments ? arguments->raw.p : "{}",
                                        .arguments_len = arguments ? arguments->raw.len : 2};
        r->expect.on_call(r->expect.arg, &call);
        return;
    }
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, REPLY_MAX);
    begin(&o, &b, id);
    json_raw(&o, "id", rpc, strlen(rpc));
    put_result(&o, r->expect.tools, r->expect.n_tools, message);
    end(&o, &b, id);
    if (!b.overflow)
        r->expect.write(r->expect.arg, &b);
}

// --- by the door ----------------------------------------------------------------------------------

#define NODES_MAX 20000

int agent_mcp_ask(const struct agent_expect *x, const void *body, size_t len, struct buf *ret,
                  struct err *e)
{
    own_json_pool struct json_pool pool;
    struct json_out o;
    json_pool_init(&pool);
    const struct json_node *n = len ? json_tree(body, len, NODES_MAX, &pool) : NULL;
    if (!n || n->kind != JSON_OBJ || !json_text_at(n, "method").p)
        return err_set(e, ERR_BAD_REQUEST, "the body is no request of the protocol");
    if (!json_at(n, "id"))
        return 0; // a notification
    const struct agent_tool *t = agent_tool_find(x, json_text_at(n, "params.name"));
    const struct json_node *in = json_at(n, "params.arguments");
    bool fits = !in || (in->kind == JSON_OBJ && in->raw.len <= AGENT_INPUT_MAX);
    own_free char *rpc = rpc_id(n);
    if (strlen(rpc) > 200)
        return err_set(e, ERR_BAD_REQUEST, "id is too long");
    if (t && fits && json_is(n, "method", "tools/call")) {
        const struct agent_call call = {.rpc = rpc,
                                        .name = t->name,
                                        .arguments = in ? in->raw.p : "{}",
                                        .arguments_len = in ? in->raw.len : 2};
        x->on_call(x->arg, &call);
        return 0;
    }
    begin(&o, ret, NULL);
    json_raw(&o, "id", rpc, strlen(rpc));
    put_result(&o, x->tools, x->n_tools, n);
    end(&o, ret, NULL);
    return 0;
}

void agent_mcp_done(struct buf *ret, const char *rpc, struct json_text text, bool is_error)
{
    mcp_call_done(ret, &(struct agent_call){.rpc = rpc}, &text, is_error);
}

bool agent_serves(const struct agent_adapter *a, bool talk, bool door)
{
    return (talk && a->call_done) || (door && a->mcp);
}
