// SPDX-License-Identifier: Apache-2.0
// Events of missions, as they are stored and as they are streamed.
#include "sandboxed_sh_int.h"

#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX 20000
#define LIMIT_DEFAULT 50000

uint64_t mission_event_types(const struct run *run)
{
    const struct agent_adapter *tool = agent_find(run->agent);
    // What an agent said last is its result; of a command nothing else is told.
    bool twice = tool && agent_resumes(tool);
    return twice ? mission_events & ~(UINT64_C(1) << EV_RUN_RESULT) : mission_events;
}

// An object or array as it stands, or the text of a string.
static struct json_text text_of(const struct json_node *p, const char *const *paths)
{
    struct json_text t = {0};
    for (; *paths && !t.p; paths++) {
        const struct json_node *n = json_at(p, *paths);
        if (n && (n->kind == JSON_OBJ || n->kind == JSON_ARR))
            t = n->raw;
        else
            t = json_text_at(p, *paths);
    }
    return t;
}

static struct json_text content_of(const struct run *run, const struct run_event *ev,
                                   const struct json_node *p)
{
    static const char *const paths[] = {"text", "input", "output", "error", "result", "plan", NULL};
    const char *prompt = run->prompt ? run->prompt : "";
    if (ev->type == EV_RUN_CREATED)
        return (struct json_text){prompt, strlen(prompt)};
    return text_of(p, paths);
}

static void put(struct json_out *o, const char *name, struct json_text t)
{
    if (t.p)
        json_strn(o, name, t.p, t.len);
    else
        json_null(o, name);
}

static void put_mission(struct json_out *o, const struct run *run)
{
    char uuid[UUID_MAX];
    json_str(o, "mission_id", uuid_of(item_prefix(ITEM_TASK), run->task, uuid));
}

// --- stored -------------------------------------------------------------------------------------

static void write_stored(struct json_out *o, const struct run *run, const struct run_event *ev)
{
    own_json_pool struct json_pool pool;
    char id[24];
    json_pool_init(&pool);
    const struct json_node *p = json_tree(ev->payload, ev->len, NODES_MAX, &pool);
    struct json_text content = content_of(run, ev, p);
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_begin(o, NULL);
    json_u64(o, "id", ev->id);
    put_mission(o, run);
    json_u64(o, "sequence", ev->seq);
    json_str(o, "event_type", mission_event(ev->type));
    dialect_time(o, "timestamp", ev->created_ms);
    json_str(o, "event_id", id);
    put(o, "tool_call_id", json_text_at(p, "id"));
    put(o, "tool_name", json_text_at(p, "name"));
    json_strn(o, "content", content.p ? content.p : "", content.len);
    json_begin(o, "metadata");
    json_end(o);
    json_end(o);
}

void on_mission_events(struct http_req *r)
{
    struct run_view view = {.write = write_stored, .max = LIMIT_DEFAULT};
    const struct item *it = mission_of(r);
    const char *types = http_query(r, "types");
    uint64_t chosen = mission_events;
    if (!it || !dialect_query_u64(r, "limit", 1, UINT32_MAX, &view.max) ||
        !dialect_query_u64(r, "offset", 0, UINT32_MAX, &view.skip))
        return;
    struct run *run = core_task_run(dialect_core(r), it);
    bool known = !types || !*types || mission_types(types, &chosen);
    view.types = run ? chosen & mission_event_types(run) : 0;
    if (run && known && view.types)
        dialect_events(r, run, &view);
    else
        http_reply(r, 200, "application/json", "[]", 2);
}

// --- streamed -----------------------------------------------------------------------------------

static void put_call(struct json_out *o, const struct run_event *ev, const struct json_node *p)
{
    static const char *const input[] = {"input", NULL}, *const output[] = {"output", "error", NULL};
    const struct json_node *args = json_at(p, "input");
    put(o, "tool_call_id", json_text_at(p, "id"));
    put(o, "name", json_text_at(p, "name"));
    if (ev->type == EV_AGENT_TOOL_RESULT)
        put(o, "result", text_of(p, output));
    else if (args && args->kind == JSON_OBJ)
        json_raw(o, "args", args->raw.p, args->raw.len);
    else
        put(o, "args", text_of(p, input));
}

void mission_event_data(struct json_out *o, const struct run *run, const struct run_event *ev)
{
    own_json_pool struct json_pool pool;
    char id[24];
    json_pool_init(&pool);
    const struct json_node *p = json_tree(ev->payload, ev->len, NODES_MAX, &pool);
    const char *type = mission_event(ev->type);
    struct json_text content = content_of(run, ev, p);
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_begin(o, NULL);
    json_str(o, "type", type);
    json_str(o, "id", id);
    put_mission(o, run);
    if (!strcmp(type, "tool_call") || !strcmp(type, "tool_result"))
        put_call(o, ev, p);
    else
        put(o, !strcmp(type, "error") ? "message" : "content", content);
    if (!strcmp(type, "assistant_message"))
        json_bool(o, "success", true);
    if (!strcmp(type, "thinking"))
        json_bool(o, "done", true);
    json_end(o);
}
