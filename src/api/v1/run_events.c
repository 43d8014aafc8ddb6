// SPDX-License-Identifier: Apache-2.0
// Events of runs: a page, or replayed and then live, one by one. The last one of a stream is `end`
// with the run's status, `reconnect` when another server follows this one, or `error`.
#include "live_int.h"
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <pinfold/http_server.h>
#include <pinfold/num.h>
#include <stdio.h>

static void write_event(struct json_out *o, const struct run_event *ev)
{
    json_u64(o, "id", ev->id);
    json_u64(o, "sequence", ev->seq);
    json_str(o, "type", event_type_name(ev->type));
    json_raw(o, "payload", ev->payload, ev->len);
    json_time(o, "created_at", ev->created_ms);
}

static const struct json_show event_rows[] = {
    {.name = "id", .type = SHOW_U64, .doc = "grows over all runs; `after` takes it"},
    {.name = "sequence", .type = SHOW_U64, .doc = "1, 2, 3 ... in its run"},
    {.name = "type", .type = SHOW_STRING},
    {.name = "payload", .type = SHOW_ENV, .doc = "an object, by type"},
    {.name = "created_at", .type = SHOW_TIME},
};
const struct json_shape v1_event_shape = {"RunEvent", event_rows, N_ELEMS(event_rows)};

// --- what is asked for ----------------------------------------------------------------------

static int types_of(struct http_req *r, uint64_t *ret)
{
    const char *at = http_query(r, "types");
    *ret = 0;
    while (at && *at) {
        char word[64];
        enum event_type type;
        size_t n = strcspn(at, ",");
        (void)snprintf(word, sizeof(word), "%.*s", (int)(n < 63 ? n : 63), at);
        if (event_type_parse(word, &type)) {
            v1_bad_param(r, "types", "has a type that no event is of");
            return -1;
        }
        *ret |= UINT64_C(1) << type;
        at += n + (at[n] == ',');
    }
    return 0;
}

static int after_of(struct http_req *r, uint64_t *ret)
{
    const char *last = http_header(r, "last-event-id");
    const char *name = http_query(r, "cursor") ? "cursor" : "after";
    if (v1_param_u64(r, name, 0, INT64_MAX, ret))
        return -1;
    uint64_t id;
    if (*last && !num_parse_u64(last, 0, INT64_MAX, &id, NULL))
        *ret = id;
    return 0;
}

// --- a page ---------------------------------------------------------------------------------

struct page_call {
    struct call call; // first member
    struct run_page page;
};

static void on_page(struct waiter *w)
{
    struct run_page *p = container_of(w, struct run_page, w);
    struct page_call *pc = container_of(p, struct page_call, page);
    struct http_req *r = pc->call.r;
    struct answer a;
    char next[24];
    if (w->err.code) {
        v1_call_err(&pc->call, &w->err);
        return;
    }
    v1_page_begin(&a);
    for (size_t i = 0; i < p->n; i++) {
        json_begin(&a.o, NULL);
        write_event(&a.o, &p->at[i]);
        json_end(&a.o);
    }
    if (p->more)
        (void)snprintf(next, sizeof(next), "%llu", (unsigned long long)p->at[p->n - 1].id);
    v1_page_send(r, &a, p->more ? next : NULL);
    v1_call_free(&pc->call);
}

static void page_gone(struct http_req *r)
{
    struct page_call *pc = r->user;
    waiter_cancel(&pc->page.w);
    http_drop(r);
    v1_call_free(&pc->call);
}

static void send_page(struct http_req *r, struct run *run, uint64_t after, uint64_t types)
{
    struct err e;
    uint64_t limit;
    if (v1_param_u64(r, "limit", PAGE_DEFAULT, RUN_EVENTS_MAX, &limit))
        return;
    struct page_call *pc = v1_call_new(r, sizeof(*pc));
    r->on_gone = page_gone;
    pc->page = (struct run_page){
        .w.on_done = on_page, .after = after, .types = types, .max = limit ? (size_t)limit : 1};
    (void)v1_call_started(&pc->call, core_run_events(v1_of(r)->core, run, &pc->page, &e), &e);
}

// --- a stream -------------------------------------------------------------------------------

struct run_stream {
    struct v1 *v;
    struct http_req *r;
    struct run_listener l;
};

static void on_event(struct run_listener *l, const struct run_event *ev)
{
    struct run_stream *s = container_of(l, struct run_stream, l);
    struct json_out o;
    char id[24];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_out_init(&o, http_event_begin(s->r, event_type_name(ev->type), id));
    json_begin(&o, NULL);
    write_event(&o, ev);
    json_end(&o);
    http_event_end(s->r);
    if (http_stream_full(s->r))
        core_run_listener_pause(l);
}

static void stream_over(struct run_stream *s)
{
    struct http_req *r = s->r;
    core_run_listener_stop(&s->l);
    free(s);
    http_stream_end(r);
}

static void on_end(struct run_listener *l)
{
    struct run_stream *s = container_of(l, struct run_stream, l);
    struct json_out o;
    const char *reason = run_reason_name(l->run->reason);
    json_out_init(&o, http_event_begin(s->r, "end", NULL));
    json_begin(&o, NULL);
    json_str(&o, "type", "end");
    json_str(&o, "status", run_state_name(l->run->state));
    json_str(&o, "reason", *reason ? reason : NULL);
    json_end(&o);
    http_event_end(s->r);
    stream_over(s);
}

static void stream_gone(struct http_req *r)
{
    stream_over(r->user);
}

static void stream_writable(struct http_req *r)
{
    core_run_listener_resume(&((struct run_stream *)r->user)->l);
}

static void stream_stop(struct http_req *r)
{
    static const struct err stopping = {ERR_BUSY, 0, "the server is stopping"};
    struct run_stream *s = r->user;
    struct json_out o;
    bool leaving = http_leaving(r);
    const char *event = leaving ? "reconnect" : "error";
    if (s->l.run->state == RUN_RUNNING && !leaving) // it is ended, which is told
        return;
    json_out_init(&o, http_event_begin(r, event, NULL));
    json_begin(&o, NULL);
    json_str(&o, "type", event);
    if (!leaving)
        v1_err_members(s->v, r->id, &o, &stopping);
    json_end(&o);
    http_event_end(r);
    stream_over(s);
}

static const struct http_stream_ops stream_ops = {stream_writable, stream_stop};

static void send_stream(struct http_req *r, struct run *run, uint64_t after, uint64_t types)
{
    struct run_stream *s = xcalloc(1, sizeof(*s));
    s->v = v1_of(r);
    s->r = r;
    s->l = (struct run_listener){
        .on_event = on_event, .on_end = on_end, .after = after, .types = types};
    r->user = s;
    r->on_gone = stream_gone;
    if (!http_stream_begin(r, 200, http_wants(r) == HTTP_NDJSON ? HTTP_NDJSON : HTTP_SSE, NULL,
                           &stream_ops)) {
        free(s);
        return;
    }
    http_stream_heartbeat(r, PING_MS);
    (void)core_run_listen(s->v->core, run, &s->l, NULL); // never refuses
}

void v1_runs_events(struct http_req *r)
{
    struct err e;
    uint64_t after, types;
    enum http_format format = http_wants(r);
    struct run *run = core_run_find(v1_of(r)->core, r->params[0], &e);
    if (!run)
        v1_err(r, &e);
    if (!run || after_of(r, &after) || types_of(r, &types))
        return;
    if (format != HTTP_SSE && format != HTTP_NDJSON)
        send_page(r, run, after, types);
    else if (!v1_streams_exhausted(r))
        send_stream(r, run, after, types);
}
