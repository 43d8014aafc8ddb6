// SPDX-License-Identifier: Apache-2.0
// The control session: what happens in all missions as a stream, and the tree of agents.
#include "sandboxed_sh_int.h"

#include <pinfold/http_stream.h>
#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define PING_MS 15000

// --- stream -------------------------------------------------------------------------------------

struct stream {
    struct http_req *r;
    struct core *core;
    struct run_watch watch;
    char only[ID_MAX]; // a mission's id; "" for all
    uint64_t dropped;  // for a client that reads slowly
};

static void stream_over(struct stream *s)
{
    struct http_req *r = s->r;
    core_runs_unwatch(&s->watch);
    free(s);
    http_stream_end(r);
}

static void say_status(struct stream *s, const struct run *run)
{
    struct json_out o;
    char uuid[UUID_MAX];
    bool runs = run && !run_state_at_rest(run->state);
    json_out_init(&o, http_event_begin(s->r, "status", NULL));
    json_begin(&o, NULL);
    json_str(&o, "type", "status");
    json_str(&o, "state", runs ? "running" : "idle");
    json_u64(&o, "queue_len", run ? run->n_said : 0);
    json_str(&o, "mission_id", run ? uuid_of(item_prefix(ITEM_TASK), run->task, uuid) : NULL);
    json_end(&o);
    http_event_end(s->r);
}

static bool changes_status(enum event_type t)
{
    return t == EV_RUN_STARTED || (t >= EV_RUN_COMPLETED && t <= EV_RUN_PAUSED);
}

static void say_event(struct stream *s, const struct run *run, const struct run_event *ev)
{
    struct json_out o;
    char id[24];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_out_init(&o, http_event_begin(s->r, mission_event(ev->type), id));
    mission_event_data(&o, run, ev);
    http_event_end(s->r);
}

static void on_event(struct run_watch *w, const struct run *run, const struct run_event *ev)
{
    struct stream *s = container_of(w, struct stream, watch);
    bool told = mission_event_types(run) >> ev->type & 1, status = changes_status(ev->type);
    char uuid[UUID_MAX];
    if (!*run->task || (*s->only && strcmp(s->only, run->task)) || (!told && !status) ||
        !mission_find(dialect_of(s->r), uuid_of(item_prefix(ITEM_TASK), run->task, uuid)))
        return;
    if (http_stream_full(s->r)) {
        s->dropped++;
        return;
    }
    if (told)
        say_event(s, run, ev);
    if (status)
        say_status(s, run);
}

static void stream_gone(struct http_req *r)
{
    stream_over(r->user);
}

static void stream_writable(struct http_req *r)
{
    struct stream *s = r->user;
    if (!s->dropped)
        return;
    (void)buf_printf(http_event_begin(r, "stream_lagged", NULL),
                     "{\"type\":\"stream_lagged\",\"dropped\":%llu}",
                     (unsigned long long)s->dropped);
    s->dropped = 0;
    http_event_end(r);
}

static void stream_stop(struct http_req *r)
{
    (void)buf_puts(http_event_begin(r, http_leaving(r) ? "reconnect" : "end", NULL), "{}");
    http_event_end(r);
    stream_over(r->user);
}
static const struct http_stream_ops ops = {stream_writable, stream_stop};

void on_control_stream(struct http_req *r)
{
    const char *uuid = http_query(r, "mission");
    const struct item *it = uuid ? mission_find(dialect_of(r), uuid) : NULL;
    if (uuid && !it) {
        reply_text(r, 404, "Mission not found");
        return;
    }
    if (dialect_streams_exhausted(r))
        return;
    struct stream *s = xcalloc(1, sizeof(*s));
    s->r = r;
    s->core = dialect_core(r);
    s->watch.on_event = on_event;
    if (it)
        memcpy(s->only, it->id, sizeof(s->only));
    r->user = s;
    r->on_gone = stream_gone;
    if (!http_stream_begin(r, 200, HTTP_SSE, NULL, &ops)) {
        free(s);
        return;
    }
    http_stream_heartbeat(r, PING_MS);
    core_runs_watch(s->core, &s->watch);
    it = it ? it : mission_loaded(r);
    say_status(s, it ? core_task_run(s->core, it) : NULL);
}

// --- tree ---------------------------------------------------------------------------------------

#define SUBAGENTS_MAX 200
#define NODES_MAX 20000

struct tree_call {
    struct dialect_call c; // first member
    struct run *run;
    struct run_page page;
    struct subagent {
        char id[80], name[80];
        bool ended;
    } at[SUBAGENTS_MAX];
    unsigned n;
};

static void release(struct dialect_call *c)
{
    waiter_cancel(&container_of(c, struct tree_call, c)->page.w);
}

static void copy(char *to, size_t room, const struct json_node *p, const char *const *paths)
{
    struct json_text t = {0};
    for (; *paths && !t.p; paths++)
        t = json_text_at(p, *paths);
    (void)snprintf(to, room, "%.*s", (int)(t.p ? t.len : 0), t.p ? t.p : "");
}

static void note(struct tree_call *t, const struct run_event *ev)
{
    static const char *const ids[] = {"id", "agent_id", NULL};
    static const char *const names[] = {"name", "agent_type", "text", NULL};
    own_json_pool struct json_pool pool;
    struct subagent one = {0};
    json_pool_init(&pool);
    const struct json_node *p = json_tree(ev->payload, ev->len, NODES_MAX, &pool);
    copy(one.id, sizeof(one.id), p, ids);
    copy(one.name, sizeof(one.name), p, names);
    if (ev->type == EV_AGENT_SUBAGENT_START && t->n < SUBAGENTS_MAX)
        t->at[t->n++] = one;
    for (unsigned i = 0; ev->type == EV_AGENT_SUBAGENT_STOP && i < t->n; i++)
        t->at[i].ended |= !strcmp(t->at[i].id, one.id);
}

static void node_begin(struct json_out *o, const char *id, const char *type, const char *name)
{
    json_begin(o, NULL);
    json_str(o, "id", id);
    json_str(o, "type", type);
    json_str(o, "name", name);
}

static void write_tree(struct json_out *o, const struct tree_call *t, const struct item *it)
{
    char uuid[UUID_MAX], title[DIALECT_TITLE_MAX];
    const struct run *run = t->run;
    node_begin(o, uuid_of(item_prefix(ITEM_TASK), it->id, uuid), "root",
               *it->name ? it->name : run->agent);
    json_str(o, "description", dialect_title(run->prompt, title));
    json_str(o, "status", run->state == RUN_RUNNING ? "running" : "pending");
    json_u64(o, "budget_allocated", 0); // there is none
    json_u64(o, "budget_spent", run->usage.cost_microusd / 10000);
    if (*run->model)
        json_str(o, "selected_model", run->model);
    json_begin_array(o, "children");
    for (unsigned i = 0; i < t->n; i++) {
        node_begin(o, t->at[i].id, "subagent", t->at[i].name);
        json_str(o, "description", "");
        json_str(o, "status", t->at[i].ended ? "completed" : "running");
        json_u64(o, "budget_allocated", 0);
        json_u64(o, "budget_spent", 0);
        json_begin_array(o, "children");
        json_end_array(o);
        json_end(o);
    }
    json_end_array(o);
    json_end(o);
}

static void on_page(struct waiter *w)
{
    struct run_page *p = container_of(w, struct run_page, w);
    struct tree_call *t = container_of(p, struct tree_call, page);
    const struct item *it = w->err.code ? NULL : mission_loaded(t->c.r);
    struct dialect_answer a;
    struct err e;
    for (size_t i = 0; it && i < p->n; i++)
        note(t, &p->at[i]);
    if (it && p->more) {
        p->after = p->at[p->n - 1].id;
        (void)core_run_events(t->c.core, t->run, p, &e); // never refuses
        return;
    }
    dialect_answer_begin(&a);
    if (it)
        write_tree(&a.o, t, it);
    else
        json_null(&a.o, NULL); // it was deleted meanwhile
    dialect_call_send(&t->c, 200, &a);
}

void on_tree(struct http_req *r)
{
    const struct item *it = mission_loaded(r);
    struct run *run = it ? core_task_run(dialect_core(r), it) : NULL;
    struct err e;
    if (!run || run_state_at_rest(run->state)) {
        http_reply(r, 200, "application/json", "null", 4);
        return;
    }
    struct tree_call *t = dialect_call_new(r, sizeof(*t), NULL);
    t->c.release = release;
    t->run = run;
    t->page = (struct run_page){.w.on_done = on_page,
                                .types = UINT64_C(1) << EV_AGENT_SUBAGENT_START |
                                         UINT64_C(1) << EV_AGENT_SUBAGENT_STOP,
                                .max = SUBAGENTS_MAX};
    (void)core_run_events(t->c.core, run, &t->page, &e); // never refuses
}
