// SPDX-License-Identifier: Apache-2.0
// Events of runs: a page, or replayed and then live, one by one, as a stream or as text messages of
// a WebSocket. The last one of a stream is `end`
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

int v1_param_contains(struct http_req *r, char ret[CONTAINS_JSON], size_t *ret_len)
{
    const char *text = http_query(r, "contains");
    struct json_out o;
    own_buf struct buf b;
    buf_init(&b, CONTAINS_JSON);
    *ret_len = 0;
    ret[0] = '\0';
    if (!text)
        return 0;
    if (!*text || strlen(text) > CONTAINS_MAX) {
        v1_bad_param(r, "contains", "must have 1 to 256 bytes");
        return -1;
    }
    json_out_init(&o, &b);
    json_str(&o, NULL, text);
    *ret_len = b.len - 2; // the quotes
    memcpy(ret, b.data + 1, *ret_len);
    ret[*ret_len] = '\0';
    return 0;
}

// --- a page ---------------------------------------------------------------------------------

struct page_call {
    struct call call; // first member
    struct run_page page;
    char contains[CONTAINS_JSON];
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
    char contains[CONTAINS_JSON];
    size_t len;
    if (v1_param_u64(r, "limit", PAGE_DEFAULT, RUN_EVENTS_MAX, &limit) ||
        v1_param_contains(r, contains, &len))
        return;
    struct page_call *pc = v1_call_new(r, sizeof(*pc));
    r->on_gone = page_gone;
    pc->page = (struct run_page){
        .w.on_done = on_page, .after = after, .types = types, .max = limit ? (size_t)limit : 1};
    memcpy(pc->contains, contains, len + 1);
    pc->page.contains = len ? pc->contains : NULL;
    (void)v1_call_started(&pc->call, core_run_events(v1_of(r)->core, run, &pc->page, &e), &e);
}

// --- a stream -------------------------------------------------------------------------------

struct run_stream {
    struct v1 *v;
    struct sink sink;
    struct run_listener l;
    char request_id[HTTP_ID_MAX + 1];
};

static void on_event(struct run_listener *l, const struct run_event *ev)
{
    struct run_stream *s = container_of(l, struct run_stream, l);
    struct json_out o;
    char id[24];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_out_init(&o, v1_sink_begin(&s->sink, event_type_name(ev->type), id));
    json_begin(&o, NULL);
    write_event(&o, ev);
    json_end(&o);
    v1_sink_end(&s->sink);
    if (v1_sink_full(&s->sink))
        core_run_listener_pause(l);
}

static void stream_over(struct run_stream *s, unsigned code, const char *why)
{
    struct http_req *r = s->sink.r;
    struct http_ws *ws = s->sink.ws;
    core_run_listener_stop(&s->l);
    buf_release(&s->sink.b);
    free(s);
    if (r)
        http_stream_end(r);
    else
        http_ws_close(ws, code, why);
}

// The last event; the caller adds members.
static void last_begin(struct run_stream *s, struct json_out *o, const char *event)
{
    json_out_init(o, v1_sink_begin(&s->sink, event, NULL));
    json_begin(o, NULL);
    json_str(o, "type", event);
}

static void last_end(struct run_stream *s, struct json_out *o)
{
    json_end(o);
    v1_sink_end(&s->sink);
}

static void on_end(struct run_listener *l)
{
    struct run_stream *s = container_of(l, struct run_stream, l);
    struct json_out o;
    const char *reason = run_reason_name(l->run->reason);
    last_begin(s, &o, "end");
    json_str(&o, "status", run_state_name(l->run->state));
    json_str(&o, "reason", *reason ? reason : NULL);
    last_end(s, &o);
    stream_over(s, WS_CLOSE_NORMAL, "");
}

static void stop(struct run_stream *s, bool leaving)
{
    static const struct err stopping = {ERR_BUSY, 0, "the server is stopping"};
    struct json_out o;
    if (s->l.run->state == RUN_RUNNING && !leaving) // it is ended, which is told
        return;
    last_begin(s, &o, leaving ? "reconnect" : "error");
    if (!leaving)
        v1_err_members(s->v, s->request_id, &o, &stopping);
    last_end(s, &o);
    stream_over(s, leaving ? WS_CLOSE_RESTART : WS_CLOSE_GOING_AWAY, "the server is stopping");
}

static void stream_gone(struct http_req *r)
{
    stream_over(r->user, WS_CLOSE_NORMAL, "");
}

static void stream_writable(struct http_req *r)
{
    core_run_listener_resume(&((struct run_stream *)r->user)->l);
}

static void stream_stop(struct http_req *r)
{
    stop(r->user, http_leaving(r));
}

static const struct http_stream_ops stream_ops = {stream_writable, stream_stop};

static void socket_message(struct http_ws *ws, void *arg, bool text, const void *p, size_t n)
{
    (void)ws, (void)arg, (void)text, (void)p, (void)n; // nothing is to be said here
}

static void socket_writable(struct http_ws *ws, void *arg)
{
    (void)ws;
    core_run_listener_resume(&((struct run_stream *)arg)->l);
}

static void socket_gone(struct http_ws *ws, void *arg, unsigned code)
{
    (void)ws, (void)code;
    stream_over(arg, WS_CLOSE_NORMAL, "");
}

static void socket_stop(struct http_ws *ws, void *arg)
{
    stop(arg, http_ws_leaving(ws));
}

static const struct http_ws_ops socket_ops = {socket_message, socket_writable, socket_gone,
                                              socket_stop};

static bool stream_begin(struct http_req *r, struct run_stream *s)
{
    if (http_ws_wanted(r)) {
        s->sink.r = NULL;
        s->sink.ws = http_ws_accept(r, v1_socket_protocol(r), &socket_ops, s);
        return s->sink.ws;
    }
    r->user = s;
    r->on_gone = stream_gone;
    if (!http_stream_begin(r, 200, http_events_wanted(r), NULL, &stream_ops))
        return false;
    http_stream_heartbeat(r, PING_MS);
    return true;
}

static void send_stream(struct http_req *r, struct run *run, uint64_t after, uint64_t types)
{
    struct run_stream *s = xcalloc(1, sizeof(*s));
    s->v = v1_of(r);
    s->sink.r = r;
    buf_init(&s->sink.b, 8 * 1024 * 1024);
    memcpy(s->request_id, r->id, sizeof(s->request_id));
    s->l = (struct run_listener){
        .on_event = on_event, .on_end = on_end, .after = after, .types = types};
    struct core *core = s->v->core;
    if (stream_begin(r, s))
        (void)core_run_listen(core, run, &s->l, NULL); // never refuses
    else
        free(s);
}

void v1_runs_events(struct http_req *r)
{
    struct err e;
    uint64_t after, types;
    struct run *run = core_run_find(v1_of(r)->core, r->params[0], &e);
    if (!run)
        v1_err(r, &e);
    if (!run || after_of(r, &after) || types_of(r, &types))
        return;
    if (!http_wants_events(r) && !http_ws_wanted(r))
        send_page(r, run, after, types);
    else if (http_query(r, "contains"))
        v1_bad_param(r, "contains", "is for a page: take types for what is streamed");
    else if (!v1_streams_exhausted(r))
        send_stream(r, run, after, types);
}
