// SPDX-License-Identifier: Apache-2.0
// Missions: tasks with a conversation, which is a run. Made, listed, loaded, deleted.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 200
#define BACKEND_DEFAULT "claudecode"

// --- found and shown ----------------------------------------------------------------------------

static bool is_mission(const struct item *it)
{
    const char *source = it ? item_label(it, LABEL_SOURCE) : NULL;
    return source && !strcmp(source, SOURCE_MISSION);
}

struct item *mission_find(struct sandboxed_sh *s, const char *uuid)
{
    char id[ID_MAX];
    bool nil;
    struct err e;
    if (!uuid_parse(item_prefix(ITEM_TASK), uuid, id, &nil) || !*id)
        return NULL;
    struct item *it = core_item_find(s->core, ITEM_TASK, id, &e);
    return is_mission(it) ? it : NULL;
}

struct item *mission_of(struct http_req *r)
{
    struct item *it = mission_find(dialect_of(r), r->params[0]);
    if (!it)
        reply_text(r, 404, "Mission not found");
    return it;
}

struct item *mission_loaded(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    struct err e;
    const char *id = map_get(s->loaded, r->who_id);
    struct item *it = id ? core_item_find(s->core, ITEM_TASK, id, &e) : NULL;
    return is_mission(it) ? it : NULL;
}

static void print_workspace(struct json_out *o, struct sandboxed_sh *s, const struct item *it)
{
    const char *id = item_label(it, LABEL_WORKSPACE);
    char uuid[UUID_MAX];
    struct err e;
    const struct workspace *ws = id ? core_workspace_find(s->core, id, &e) : default_find(s);
    json_str(o, "workspace_id", id ? uuid_of("ws", id, uuid) : UUID_NIL);
    json_str(o, "workspace_name", ws ? workspace_name(ws) : NULL);
}

void mission_print(struct json_out *o, struct sandboxed_sh *s, const struct item *it)
{
    char uuid[UUID_MAX];
    const struct run *run = core_task_run(s->core, it);
    json_begin(o, NULL);
    json_str(o, "id", uuid_of(item_prefix(ITEM_TASK), it->id, uuid));
    json_str(o, "status", mission_status(it->status));
    json_str(o, "title", *it->name ? it->name : NULL);
    print_workspace(o, s, it);
    json_str(o, "agent", item_label(it, LABEL_AGENT));
    json_str(o, "model_override", item_label(it, LABEL_MODEL));
    json_str(o, "model_effort", item_label(it, LABEL_EFFORT));
    json_str(o, "backend", item_label(it, LABEL_BACKEND));
    json_str(o, "session_id", run && *run->session ? run->session : NULL);
    dialect_time(o, "created_at", it->created_ms);
    dialect_time(o, "updated_at", it->updated_ms);
    json_end(o);
}

void mission_reply(struct dialect_call *c, const struct item *it)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    mission_print(&a.o, dialect_of(c->r), it);
    dialect_call_send(c, 200, &a);
}

void reply_ok(struct dialect_call *c, const char *name, const char *uuid)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_bool(&a.o, "ok", true);
    if (name)
        json_str(&a.o, name, uuid);
    json_end(&a.o);
    dialect_call_send(c, 200, &a);
}

void on_mission_get(struct http_req *r)
{
    const struct item *it = mission_of(r);
    if (it)
        mission_reply(dialect_call_new(r, sizeof(struct dialect_call), NULL), it);
}

// --- list ---------------------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
    const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
    if (x->updated_ms != y->updated_ms)
        return x->updated_ms > y->updated_ms ? -1 : 1;
    return strcmp(y->id, x->id);
}

static size_t gather(struct core *c, const char *status, const struct item ***ret)
{
    size_t n = 0, room = 0;
    *ret = NULL;
    for (const struct item *it = NULL; (it = core_item_next(c, ITEM_TASK, it));) {
        if (!is_mission(it) || (status && strcmp(mission_status(it->status), status)))
            continue;
        if (n == room) {
            room = room ? 2 * room : 64;
            *ret = xrealloc(*ret, room * sizeof(**ret));
        }
        (*ret)[n++] = it;
    }
    if (n)
        qsort(*ret, n, sizeof(**ret), compare);
    return n;
}

void on_missions(struct http_req *r)
{
    own_free const struct item **all = NULL;
    uint64_t limit = LIMIT_DEFAULT, offset = 0;
    struct dialect_answer a;
    if (!dialect_query_u64(r, "limit", 1, LIMIT_MAX, &limit) ||
        !dialect_query_u64(r, "offset", 0, UINT32_MAX, &offset))
        return;
    size_t n = gather(dialect_core(r), http_query(r, "status"), &all);
    dialect_answer_begin(&a);
    json_begin_array(&a.o, NULL);
    for (size_t i = offset; i < n && i < offset + limit; i++)
        mission_print(&a.o, dialect_of(r), all[i]);
    json_end_array(&a.o);
    dialect_answer_send(r, 200, &a);
}

// --- create -------------------------------------------------------------------------------------

struct body {
    const char *title, *workspace_id, *agent, *model_override, *model_effort, *backend;
    uint32_t status;
};
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(title, JSON_STRING, .max = 1000),
    F(workspace_id, JSON_STRING, .max = 64),
    F(agent, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    F(model_override, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    F(model_effort, JSON_STRING, .max = 64),
    F(backend, JSON_STRING, .max = NAME_MAX_LEN),
};
static const struct json_table table = {"CreateMissionRequest", fields, N_ELEMS(fields),
                                        sizeof(struct body), -1};

static bool effort_ok(const char *effort)
{
    return !effort || !strcmp(effort, "low") || !strcmp(effort, "medium") ||
           !strcmp(effort, "high");
}

// The core's id of the workspace that is meant, "" for the default one. False: answered.
static bool workspace_meant(struct http_req *r, const char *uuid, char ret[ID_MAX])
{
    bool nil = true;
    struct err e;
    *ret = '\0';
    if (!uuid)
        return true;
    if (!uuid_parse("ws", uuid, ret, &nil)) {
        reply_text(r, 400, "workspace_id: '%.60s' is no UUID", uuid);
        return false;
    }
    if (nil || (*ret && core_workspace_find(dialect_core(r), ret, &e))) {
        if (nil)
            *ret = '\0';
        return true;
    }
    reply_text(r, 404, "Workspace %s not found", uuid);
    return false;
}

static void on_made(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else
        mission_reply(c, w->result);
}

static void create(struct http_req *r, const struct body *b, const char *workspace,
                   struct json_pool *pool)
{
    const struct {
        const char *name, *value;
    } all[] = {{LABEL_BACKEND, b->backend},
               {LABEL_WORKSPACE, workspace},
               {LABEL_AGENT, b->agent},
               {LABEL_MODEL, b->model_override},
               {LABEL_EFFORT, b->model_effort}};
    const char *labels[N_ELEMS(all) + 2] = {LABEL_SOURCE "=" SOURCE_MISSION};
    unsigned n = 1;
    struct err e;
    for (size_t i = 0; i < N_ELEMS(all); i++)
        if (all[i].value && *all[i].value)
            labels[n++] = json_pool_printf(pool, "%s=%s", all[i].name, all[i].value);
    const struct item_spec spec = {
        .name = b->title, .agent = backend_tool(b->backend), .labels = labels};
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_made);
    if (core_item_create(c->core, ITEM_TASK, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}

void on_mission_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {.backend = BACKEND_DEFAULT};
    char workspace[ID_MAX];
    json_pool_init(&pool);
    if (!read_body(r, &table, JSON_EMPTY_OK, &pool, &b))
        return;
    b.backend = b.backend && *b.backend ? b.backend : BACKEND_DEFAULT;
    if (!backend_tool(b.backend))
        reply_text(r, 400, "Unknown backend: %s", b.backend);
    else if (!effort_ok(b.model_effort))
        reply_text(r, 400,
                   "Invalid model_effort for backend '%s': %s. Supported: low, medium, high",
                   b.backend, b.model_effort);
    else if (workspace_meant(r, b.workspace_id, workspace))
        create(r, &b, workspace, &pool);
}

// --- load, status, delete -------------------------------------------------------------------------

void on_mission_load(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    const struct item *it = mission_of(r);
    if (!it)
        return;
    free(map_put(s->loaded, r->who_id, xstrdup(it->id)));
    mission_reply(dialect_call_new(r, sizeof(struct dialect_call), NULL), it);
}

static const struct json_field status_fields[] = {
    F(status, JSON_ENUM, .flags = JSON_REQUIRED, .names = mission_states),
};
static const struct json_table status_table = {"StatusRequest", status_fields, 1,
                                               sizeof(struct body), -1};

static void on_said(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else
        reply_ok(c, NULL, NULL);
}

void on_mission_status(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    struct item *it = mission_of(r);
    if (!it || !read_body(r, &status_table, 0, &pool, &b))
        return;
    const struct item_spec spec = {.status_given = true, .status = mission_statuses[b.status]};
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_said);
    if (core_item_change(c->core, it, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}

static void on_erased(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else
        reply_ok(c, "deleted", c->r->params[0]);
}

static void on_run_gone(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    struct item *it = w->err.code ? NULL : mission_find(dialect_of(c->r), c->r->params[0]);
    struct err e;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
    } else if (!it) {
        reply_ok(c, "deleted", c->r->params[0]);
    } else {
        c->w = (struct waiter){.on_done = on_erased};
        (void)core_item_delete(c->core, it, &c->w, &e); // never refuses
    }
}

void on_mission_delete(struct http_req *r)
{
    struct item *it = mission_of(r);
    struct err e;
    if (!it)
        return;
    struct run *run = core_task_run(dialect_core(r), it);
    if (run && !run_state_at_rest(run->state)) {
        reply_text(r, 409, "Cannot delete a running mission. Cancel it first.");
        return;
    }
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), run ? on_run_gone : on_erased);
    if (!run)
        (void)core_item_delete(c->core, it, &c->w, &e); // never refuses
    else if (core_run_delete(c->core, run, &c->w, &e))
        dialect_call_fail(c, &e);
}
