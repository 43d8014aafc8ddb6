// SPDX-License-Identifier: Apache-2.0
// What is said in a mission: the first message begins its run, a later one is its next turn. And its
// being stopped and gone on with.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define STOP_MS 30000 // for the end of what was cancelled
#define GO_ON "You were interrupted. Go on with what you were doing."

// --- message ------------------------------------------------------------------------------------

struct message_call {
    struct dialect_call c; // first member
    char id[UUID_MAX], mission[ID_MAX];
    char *content; // of the first
    bool queued;
};
struct body {
    const char *content, *mission_id, *client_message_id;
};
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(content, JSON_STRING, .max = RUN_SAY_BYTES),
    F(mission_id, JSON_STRING, .max = 64),
    F(client_message_id, JSON_STRING, .max = IDEM_KEY_MAX),
};
static const struct json_table table = {"ControlMessageRequest", fields, N_ELEMS(fields),
                                        sizeof(struct body), -1};

static void on_taken(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct message_call *m = container_of(c, struct message_call, c);
    struct dialect_answer a;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_str(&a.o, "id", m->id);
    json_bool(&a.o, "queued", m->queued);
    json_end(&a.o);
    dialect_call_send(c, 200, &a);
}

static int start(struct message_call *m, const struct item *it, const struct workspace *ws,
                 struct err *e)
{
    const char *provider = NULL, *model = item_label(it, LABEL_MODEL);
    dialect_default_model(m->c.core, it->agent, &provider, &model);
    const struct run_spec spec = {
        .agent = it->agent,
        .task = it->id,
        .prompt = m->content,
        .provider = provider,
        .model = model,
        .effort = item_label(it, LABEL_EFFORT),
        .workspace = ws->id,
    };
    m->c.w = (struct waiter){.on_done = on_taken};
    return core_run_create(m->c.core, &spec, &m->c.w, e);
}

static void on_listed(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    struct message_call *m = container_of(c, struct message_call, c);
    struct err e = w->err;
    const struct item *it = e.code ? NULL : core_item_find(c->core, ITEM_TASK, m->mission, &e);
    if (!it || start(m, it, w->result, &e))
        dialect_call_fail(c, &e);
}

// What a tool's provider needs is an allow-list. A workspace without one gets what the machine's own
// presets name, in place of the whole network.
static int list_network(struct message_call *m, struct workspace *ws, struct err *e)
{
    const struct core_conf *conf = core_conf(m->c.core);
    char names[64][sizeof(conf->presets->name) + 1];
    const char *allow[N_ELEMS(names) + 1];
    unsigned n = 0;
    for (unsigned i = 0; ws->network == NET_FULL && i < conf->n_presets; i++)
        if (*conf->presets[i].rules && n < N_ELEMS(names)) {
            (void)snprintf(names[n], sizeof(names[n]), "@%s", conf->presets[i].name);
            allow[n] = names[n];
            n++;
        }
    allow[n] = NULL;
    const struct workspace_patch patch = {
        .network_given = true, .network = NET_LIST, .allow = allow};
    m->c.w = (struct waiter){.on_done = on_listed};
    return core_workspace_patch(m->c.core, ws, &patch, &m->c.w, e);
}

// A mission works in its workspace, beside whatever else does.
static int begin(struct message_call *m, const struct item *it, const char *content, struct err *e)
{
    struct sandboxed_sh *s = dialect_of(m->c.r);
    const char *id = item_label(it, LABEL_WORKSPACE), *provider = NULL, *model = NULL;
    struct workspace *ws = id ? core_workspace_find(s->core, id, e) : default_find(s);
    if (!ws)
        return err_set(e, ERR_CONFLICT, "the mission's workspace is not there any more");
    dialect_default_model(s->core, it->agent, &provider, &model);
    m->content = xstrdup(content);
    memcpy(m->mission, it->id, sizeof(m->mission));
    return provider && ws->network != NET_LIST ? list_network(m, ws, e) : start(m, it, ws, e);
}

static int tell(struct message_call *m, const struct item *it, const char *content, struct err *e)
{
    struct core *core = m->c.core;
    struct run *run = core_task_run(core, it);
    char id[ID_MAX];
    (void)uuid_of("msg", id_make("msg", id), m->id);
    if (!run)
        return begin(m, it, content, e);
    m->queued = !run_state_at_rest(run->state);
    if (m->queued)
        return core_run_say(core, run, content, &m->c.w, e);
    return core_run_continue(core, run, &(struct run_more){.message = content}, &m->c.w, e);
}

static void take(struct dialect_call *c)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!read_body(c->r, &table, 0, &pool, &b)) {
        dialect_call_refused(c);
        return;
    }
    const struct item *it =
        b.mission_id ? mission_find(dialect_of(c->r), b.mission_id) : mission_loaded(c->r);
    if (!it) {
        reply_text(c->r, b.mission_id ? 404 : 400, "%s",
                   b.mission_id ? "Mission not found"
                                : "No mission is loaded: load one first, or give mission_id");
        dialect_call_refused(c);
    } else if (tell(container_of(c, struct message_call, c), it, b.content, &e)) {
        dialect_call_fail(c, &e);
    }
}

static void release(struct dialect_call *c)
{
    free(container_of(c, struct message_call, c)->content);
}

static void take_once(struct http_req *r, const char *key)
{
    struct dialect_call *c = dialect_call_new(r, sizeof(struct message_call), on_taken);
    c->release = release;
    dialect_call_once(c, key, take);
}

void on_message(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    json_pool_init(&pool);
    if (!read_body(r, &table, 0, &pool, &b))
        return;
    if (!b.content || blank(b.content))
        reply_text(r, 400, "content is required");
    else
        take_once(r, b.client_message_id);
}

// --- cancel -------------------------------------------------------------------------------------

static void on_stopped(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct run *run = w->result;
    bool named = c->r->n_params;
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else if (!run_state_final(run->state))
        dialect_call_fail(c, &(struct err){ERR_TIMEOUT, 0, "The mission has not ended yet"});
    else
        reply_ok(c, named ? "cancelled" : NULL, named ? c->r->params[0] : NULL);
}

// What does not run needs no end.
static void cancel(struct http_req *r, const struct item *it)
{
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_stopped);
    struct run *run = it ? core_task_run(c->core, it) : NULL;
    struct err e;
    if (!run || run_state_final(run->state))
        reply_ok(c, r->n_params ? "cancelled" : NULL, r->n_params ? r->params[0] : NULL);
    else if (core_run_cancel(c->core, run, &e) || core_run_wait(c->core, run, STOP_MS, &c->w, &e))
        dialect_call_fail(c, &e);
}

void on_mission_cancel(struct http_req *r)
{
    const struct item *it = mission_of(r);
    if (it)
        cancel(r, it);
}

void on_cancel(struct http_req *r)
{
    cancel(r, mission_loaded(r));
}

// --- resume -------------------------------------------------------------------------------------

struct resume_body {
    bool clean_workspace, skip_message;
};
static const struct json_field resume_fields[] = {
    JSON_FIELD(struct resume_body, clean_workspace, JSON_BOOL),
    JSON_FIELD(struct resume_body, skip_message, JSON_BOOL),
};
static const struct json_table resume_table = {"ResumeRequest", resume_fields, 2,
                                               sizeof(struct resume_body), -1};

static void on_resumed(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct item *it = mission_find(dialect_of(c->r), c->r->params[0]);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else if (!it)
        dialect_call_fail(c, &(struct err){ERR_NOT_FOUND, 0, "Mission not found"});
    else
        mission_reply(c, it);
}

static bool may_resume(const struct item *it, const struct run *run)
{
    return run && run_state_at_rest(run->state) &&
           (it->status == TASK_INTERRUPTED || it->status == TASK_CANCELLED ||
            it->status == TASK_FAILED);
}

void on_mission_resume(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct resume_body b = {0};
    struct err e;
    json_pool_init(&pool);
    const struct item *it = mission_of(r);
    if (!it || !read_body(r, &resume_table, JSON_EMPTY_OK, &pool, &b))
        return;
    struct run *run = core_task_run(dialect_core(r), it);
    if (!may_resume(it, run)) {
        reply_text(r, 400, "Mission %s cannot be resumed (status: %s)", r->params[0],
                   mission_status(it->status));
        return;
    }
    if (b.clean_workspace) {
        reply_text(r, 501, "clean_workspace is not served yet");
        return;
    }
    // One that was paused needs no word; another is told that it goes on.
    const struct run_more more = {.message = run->state == RUN_PAUSED ? NULL : GO_ON};
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_resumed);
    if (core_run_continue(c->core, run, &more, &c->w, &e))
        dialect_call_fail(c, &e);
}
