// SPDX-License-Identifier: Apache-2.0
// What the hooks of a tool say, as events of its run.
#include "abbado_int.h"

#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <string.h>

#define NODES_MAX 20000

static void put_text(struct json_out *o, const char *name, const struct json_node *p,
                     const char *path)
{
    struct json_text t = json_text_at(p, path);
    if (t.p)
        json_strn(o, name, t.p, t.len);
}

static void put_any(struct json_out *o, const char *name, const struct json_node *p,
                    const char *path)
{
    const struct json_node *n = json_at(p, path);
    if (n && (n->kind == JSON_OBJ || n->kind == JSON_ARR))
        json_raw(o, name, n->raw.p, n->raw.len);
    else
        put_text(o, name, p, path);
}

static struct json_text name_of(const struct json_node *p)
{
    static const char *const names[] = {"hook_event_name", "event_name", "hookEventName"};
    struct json_text t = {0};
    for (size_t i = 0; i < N_ELEMS(names) && !t.p; i++)
        t = json_text_at(p, names[i]);
    return t;
}

static void write_payload(struct json_out *o, const struct json_node *p, const char *name)
{
    json_begin(o, NULL);
    put_text(o, "id", p, "tool_use_id");
    put_text(o, "name", p, "tool_name");
    put_any(o, "input", p, "tool_input");
    put_any(o, "output", p, "tool_response");
    put_text(o, "error", p, "error");
    if (!strcmp(name, "PostToolUseFailure"))
        json_bool(o, "is_error", true);
    put_text(o, "text", p, "message");
    put_text(o, "kind", p, "notification_type");
    put_text(o, "agent_id", p, "agent_id");
    put_text(o, "agent_type", p, "agent_type");
    put_text(o, "session_id", p, "session_id");
    json_end(o);
}

static void send_empty(struct dialect_call *c)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_end(&a.o);
    dialect_call_send(c, 200, &a);
}

static void on_seen(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else
        send_empty(c);
}

// The answer is what the hook's script gives back to the tool: nothing is decided by it.
void abbado_runs_hook(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    own_buf struct buf b;
    struct json_out o;
    struct err e;
    char name[64] = "";
    json_pool_init(&pool);
    buf_init(&b, 2 * RUN_SEEN_BYTES);
    struct run *run = abbado_run(r);
    const struct json_node *p = run ? json_tree(r->body, r->body_len, NODES_MAX, &pool) : NULL;
    if (!run)
        return;
    struct json_text t = name_of(p);
    if (!p || p->kind != JSON_OBJ || !t.p || t.len >= sizeof(name)) {
        dialect_error(r, 400, "the body is no object with hook_event_name");
        return;
    }
    memcpy(name, t.p, t.len);
    enum event_type type = abbado_hook_event(name);
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_seen);
    if (type == EV_N) { // it says how the tool is, which is known from the tool itself
        send_empty(c);
        return;
    }
    json_out_init(&o, &b);
    write_payload(&o, p, name);
    for (size_t i = 0; i < b.len; i++) // an event is one line; in strings no newline stands as such
        if (b.data[i] == '\n' || b.data[i] == '\r')
            b.data[i] = ' ';
    if (!json_done(&o))
        dialect_call_fail(c, &(struct err){ERR_LIMIT, 0, "the hook's payload is too large"});
    else if (core_run_seen(c->core, run, type, b.data, b.len, &c->w, &e))
        dialect_call_fail(c, &e);
}
