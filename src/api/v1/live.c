// SPDX-License-Identifier: Apache-2.0
// Output while it comes: started, stdout, stderr, gap, ping and, always last, exit, end or error.
// Text that is cut in the middle of a character by a read is put together again before it is
// shown, so that only output that really is not UTF-8 travels as base 64.
#include "live_int.h"

#include <pinfold/http_server.h>
#include <pinfold/num.h>
#include <stdio.h>

#define RECONNECT_MS 500 // a new server is there after a moment

static const char *const stream_names[EXEC_STREAMS] = {"stdout", "stderr"};

// --- sinks ----------------------------------------------------------------------------------

struct buf *v1_sink_begin(struct sink *s, const char *event, const char *id)
{
    if (s->r)
        return http_event_begin(s->r, event, id);
    buf_clear(&s->b);
    return &s->b;
}

void v1_sink_end(struct sink *s)
{
    if (s->r)
        http_event_end(s->r);
    else if (s->ws)
        http_ws_send(s->ws, true, s->b.data, s->b.len);
}

bool v1_sink_full(struct sink *s)
{
    return s->r ? http_stream_full(s->r) : s->ws ? http_ws_full(s->ws) : false;
}

// --- events ---------------------------------------------------------------------------------

static void event_begin(struct live *l, const char *event, struct json_out *o)
{
    char id[48];
    (void)snprintf(id, sizeof(id), "%llu-%llu", (unsigned long long)l->next[EXEC_STDOUT],
                   (unsigned long long)l->next[EXEC_STDERR]);
    json_out_init(o, v1_sink_begin(&l->sink, event, id));
    json_begin(o, NULL);
    json_str(o, "event", event);
}

static void event_end(struct live *l, struct json_out *o)
{
    json_end(o);
    v1_sink_end(&l->sink);
}

void v1_live_started(struct live *l, const struct exec *x)
{
    struct json_out o;
    struct exec_view v;
    v1_exec_view_of(x, &v);
    event_begin(l, "started", &o);
    json_show_members(&o, &v1_exec_shape, &v);
    event_end(l, &o);
}

void v1_live_error(struct live *l, const struct err *e)
{
    struct json_out o;
    event_begin(l, "error", &o);
    v1_err_members(l->v, l->request_id, &o, e);
    event_end(l, &o);
}

// Another server follows: where it goes on there.
void v1_live_reconnect(struct live *l)
{
    struct json_out o;
    const struct follower *f = &l->f;
    own_free char *path = f->exec    ? xasprintf("/v1/execs/%s/output", f->exec->id)
                          : f->build ? xasprintf("/v1/builds/%s/log", f->build->id)
                                     : NULL;
    if (l->sink.r && http_events_wanted(l->sink.r) == HTTP_SSE) {
        char retry[32]; // for browsers, which come back by themselves with the event's id
        int n = snprintf(retry, sizeof(retry), "retry: %d\n", RECONNECT_MS);
        http_stream_write(l->sink.r, retry, (size_t)n);
    }
    event_begin(l, "reconnect", &o);
    json_str(&o, "exec_id", f->exec ? f->exec->id : NULL);
    json_str(&o, "path", path);
    json_u64(&o, "offset", l->next[EXEC_STDOUT]);
    json_u64(&o, "stderr_offset", l->next[EXEC_STDERR]);
    json_u64(&o, "retry_ms", RECONNECT_MS);
    event_end(l, &o);
}

static void show_data(struct live *l, enum exec_stream s, uint64_t offset, const char *p, size_t n)
{
    struct json_out o;
    l->next[s] = offset + n;
    if (l->sink.binary) {
        http_ws_send(l->sink.ws, false, p, n);
        return;
    }
    if (l->sink.frames) {
        http_frame_write(l->sink.r, s == EXEC_STDERR ? HTTP_FRAME_STDERR : HTTP_FRAME_STDOUT, p, n);
        return;
    }
    event_begin(l, l->log ? "log" : stream_names[s], &o);
    json_u64(&o, "offset", offset);
    json_bytes_short(&o, "data", p, n);
    event_end(l, &o);
}

static void flush_carry(struct live *l, enum exec_stream s)
{
    struct carry *c = &l->carry[s];
    if (!c->len)
        return;
    size_t n = c->len;
    c->len = 0;
    show_data(l, s, l->next[s], c->bytes, n);
}

// The second stream of a terminal is not what it shows.
static bool is_recording(const struct follower *f, enum exec_stream s)
{
    return f->exec && f->exec->tty && s == EXEC_STDERR;
}

static void on_data(struct follower *f, enum exec_stream s, uint64_t offset, const void *p,
                    size_t n)
{
    struct live *l = container_of(f, struct live, f);
    struct carry *c = &l->carry[s];
    const char *text = p;
    bool cut = false;
    if (is_recording(f, s))
        return;
    if (c->len) {
        buf_clear(&l->joined);
        (void)buf_append(&l->joined, c->bytes,
                         c->len); // both fit: one read is far below the maximum
        (void)buf_append(&l->joined, p, n);
        offset -= c->len;
        n += c->len;
        text = l->joined.data;
        c->len = 0;
    }
    size_t good = l->sink.binary || l->sink.frames ? n : json_utf8_prefix(text, n, &cut);
    if (cut && n - good < sizeof(c->bytes)) {
        c->len = n - good;
        memcpy(c->bytes, text + good, c->len);
        n = good;
    }
    if (n)
        show_data(l, s, offset, text, n);
    if (v1_sink_full(&l->sink))
        core_follow_pause(&l->f);
}

static void on_gap(struct follower *f, enum exec_stream s, uint64_t from, uint64_t to)
{
    struct live *l = container_of(f, struct live, f);
    struct json_out o;
    if (is_recording(f, s))
        return;
    flush_carry(l, s);
    l->next[s] = to;
    event_begin(l, "gap", &o);
    json_str(&o, "stream", stream_names[s]);
    json_u64(&o, "from", from);
    json_u64(&o, "to", to);
    event_end(l, &o);
}

static void on_end(struct follower *f)
{
    struct live *l = container_of(f, struct live, f);
    struct json_out o;
    l->following = false;
    flush_carry(l, EXEC_STDOUT);
    flush_carry(l, EXEC_STDERR);
    event_begin(l, f->exec ? "exit" : "end", &o);
    if (f->exec) {
        struct exec_view v;
        v1_exec_view_of(f->exec, &v);
        json_show_members(&o, &v1_exec_shape, &v);
    } else if (f->build) {
        json_show_members(&o, &v1_build_shape, f->build);
    }
    event_end(l, &o);
    l->on_end(l);
}

// --- its life -------------------------------------------------------------------------------

void v1_live_init(struct live *l, struct v1 *v, struct http_req *r)
{
    l->v = v;
    memcpy(l->request_id, r->id, sizeof(l->request_id));
    buf_init(&l->sink.b, 8 * 1024 * 1024);
    buf_init(&l->joined, 4 * 1024 * 1024);
    l->f.on_data = on_data;
    l->f.on_gap = on_gap;
    l->f.on_end = on_end;
}

void v1_live_release(struct live *l)
{
    if (l->following)
        core_follow_stop(&l->f);
    l->following = false;
    buf_release(&l->sink.b);
    buf_release(&l->joined);
}

void v1_live_writable(struct live *l)
{
    if (l->following)
        core_follow_resume(&l->f);
}

bool v1_live_will_end(const struct live *l)
{
    return l->following && l->f.exec;
}

// --- over HTTP ------------------------------------------------------------------------------

static void stream_gone(struct http_req *r)
{
    struct live *l = r->user;
    v1_live_release(l); // ends a foreground exec whose client this was
    http_stream_end(r);
    free(l);
}

static void stream_writable(struct http_req *r)
{
    v1_live_writable(r->user);
}

static void stream_over(struct live *l)
{
    struct http_req *r = l->sink.r;
    v1_live_release(l);
    http_stream_end(r);
    free(l);
}

static void stream_stop(struct http_req *r)
{
    static const struct err stopping = {ERR_BUSY, 0, "the server is stopping"};
    struct live *l = r->user;
    if (http_leaving(r)) {
        v1_live_reconnect(l);
        stream_over(l);
        return;
    }
    if (v1_live_will_end(l))
        return;
    v1_live_error(l, &stopping);
    stream_over(l);
}

static const struct http_stream_ops stream_ops = {stream_writable, stream_stop};

static struct live *stream_new(struct http_req *r, bool log)
{
    struct live *l = xcalloc(1, sizeof(*l));
    v1_live_init(l, v1_of(r), r);
    l->sink.r = r;
    l->sink.frames = http_wants(r) == HTTP_FRAMES;
    l->log = log;
    l->on_end = stream_over;
    r->user = l;
    return l;
}

// After the verb accepted: from here on errors are events. False: the client is gone already.
static bool stream_begin(struct live *l)
{
    struct http_req *r = l->sink.r;
    r->on_gone = stream_gone;
    l->following = true;
    if (!http_stream_begin(r, 200, http_events_wanted(r), NULL, &stream_ops)) {
        l->sink.r = NULL;
        v1_live_release(l);
        free(l);
        return false;
    }
    http_stream_heartbeat(r, PING_MS);
    return true;
}

static void stream_refused(struct live *l, const struct err *e)
{
    struct http_req *r = l->sink.r;
    v1_live_release(l);
    free(l);
    v1_err(r, e);
}

void v1_live_exec(struct http_req *r, struct workspace *ws, struct exec_spec *spec)
{
    struct err e;
    struct live *l = stream_new(r, false);
    spec->follower = &l->f;
    const struct exec *x = core_exec_start(v1_of(r)->core, ws, spec, NULL, &e);
    if (!x)
        stream_refused(l, &e);
    else if (stream_begin(l))
        v1_live_started(l, x);
}

int v1_live_offsets(struct http_req *r, uint64_t from[EXEC_STREAMS])
{
    unsigned long long a, b;
    const char *last = http_header(r, "last-event-id");
    if (v1_param_u64(r, "offset", 0, UINT64_MAX, &from[EXEC_STDOUT]) ||
        v1_param_u64(r, "stderr_offset", 0, UINT64_MAX, &from[EXEC_STDERR]))
        return -1;
    if (*last && sscanf(last, "%20llu-%20llu", &a, &b) == 2) {
        from[EXEC_STDOUT] = a;
        from[EXEC_STDERR] = b;
    }
    return 0;
}

void v1_live_stream(struct http_req *r, bool log, live_attach_fn *attach)
{
    struct err e;
    uint64_t from[EXEC_STREAMS];
    if (v1_streams_exhausted(r) || v1_live_offsets(r, from))
        return;
    struct live *l = stream_new(r, log);
    memcpy(l->f.from, from, sizeof(from));
    memcpy(l->next, from, sizeof(from));
    if (attach(r, &l->f, &e))
        stream_refused(l, &e);
    else
        (void)stream_begin(l);
}

bool v1_streams_exhausted(struct http_req *r)
{
    static const struct err full = {ERR_BUSY, 0, "too many answers stream already"};
    const struct v1_conf *c = &v1_of(r)->conf;
    if (!c->counters || c->counters->streams + c->counters->websockets < c->max_streams)
        return false;
    v1_err(r, &full);
    return true;
}
