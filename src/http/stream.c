// SPDX-License-Identifier: Apache-2.0
// Streamed answers. Two buffers take turns: one is filled by the writer while the other is on its
// way. What is written in one turn of the loop leaves in one write at its end. Chunks are framed
// here, since the library's own filter keeps the headers back until there is data.
#include "http_int.h"

#include <endian.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>

#define FRAMES_TYPE "application/vnd.pinfold.frames"
#define KEEP_ROOM (2 * STREAM_HIGH) // a buffer that grew beyond this is given back

enum http_format http_wants(struct http_req *r)
{
    static const char *const types[] = {
        "application/json",         "text/event-stream",  "application/x-ndjson",
        "application/octet-stream", "application/ndjson", "application/jsonl",
        "application/json-seq",     FRAMES_TYPE,          NULL};
    static const enum http_format formats[] = {HTTP_JSON,   HTTP_SSE,    HTTP_NDJSON, HTTP_BYTES,
                                               HTTP_NDJSON, HTTP_NDJSON, HTTP_NDJSON, HTTP_FRAMES};
    int i = http_accepts(http_header(r, "accept"), types);
    return i < 0 ? HTTP_JSON : formats[i];
}

bool http_wants_events(struct http_req *r)
{
    enum http_format f = http_wants(r);
    return f == HTTP_SSE || f == HTTP_NDJSON || f == HTTP_FRAMES;
}

enum http_format http_events_wanted(struct http_req *r)
{
    return http_wants_events(r) ? http_wants(r) : HTTP_SSE;
}

static void pump(struct request *r)
{
    if (r->sending || !r->h2o || (!r->out.len && !r->ending))
        return;
    struct buf swap = r->flight;
    r->flight = r->out;
    r->out = swap;
    buf_clear(&r->out);
    h2o_iovec_t v[3];
    size_t n = 0;
    if (r->flight.len) {
        if (r->chunked) {
            int len = snprintf(r->chunk_head, sizeof(r->chunk_head), "%zx\r\n", r->flight.len);
            v[n++] = h2o_iovec_init(r->chunk_head, (size_t)len);
        }
        v[n++] = h2o_iovec_init(r->flight.data, r->flight.len);
    }
    if (r->chunked)
        v[n++] = !r->ending      ? h2o_iovec_init(H2O_STRLIT("\r\n"))
                 : r->flight.len ? h2o_iovec_init(H2O_STRLIT("\r\n0\r\n\r\n"))
                                 : h2o_iovec_init(H2O_STRLIT("0\r\n\r\n"));
    r->sending = true;
    r->sent_ms = clock_mono_ms();
    r->length_left -= r->sized ? r->flight.len : 0;
    h2o_send(r->h2o, v, n, r->ending ? H2O_SEND_STATE_FINAL : H2O_SEND_STATE_IN_PROGRESS);
}

static void on_flush(h2o_timeout_entry_t *entry)
{
    struct request *r = container_of(entry, struct request, flush);
    r->flush_linked = false;
    pump(r);
}

void http_stream_flush(struct http_req *pub)
{
    struct request *r = request_of(pub);
    if (pub->gone) // to a peer that left only the end is sent: it fails and closes the connection
        buf_clear(&r->out);
    if (r->flush_linked || r->sending || !r->h2o || (pub->gone && !r->ending))
        return;
    r->flush_linked = true;
    h2o_timeout_link(r->server->h2o.loop, &r->server->h2o.zero_timeout, &r->flush);
}

static void on_proceed(h2o_generator_t *g, h2o_req_t *req)
{
    (void)req;
    struct request *r = container_of(g, struct request, generator);
    r->sending = false;
    if (r->flight.cap > KEEP_ROOM)
        buf_release(&r->flight);
    else
        buf_clear(&r->flight);
    bool freed = false;
    r->freed = &freed; // the library may dispose of what was sent to its end at once
    pump(r);
    if (freed)
        return;
    r->freed = NULL;
    if (r->full && r->out.len == 0 && !r->finished) {
        r->full = false;
        if (r->ops && r->ops->on_writable)
            r->ops->on_writable(&r->pub);
    }
}

static const char *const format_types[] = {
    [HTTP_JSON] = "application/json",          [HTTP_SSE] = "text/event-stream",
    [HTTP_NDJSON] = "application/x-ndjson",    [HTTP_FRAMES] = FRAMES_TYPE,
    [HTTP_BYTES] = "application/octet-stream",
};

void http_stream_length(struct http_req *pub, uint64_t n)
{
    struct request *r = request_of(pub);
    r->sized = true;
    r->length_left = n;
}

bool http_stream_begin(struct http_req *pub, int status, enum http_format format, const char *type,
                       const struct http_stream_ops *ops)
{
    struct request *r = request_of(pub);
    h2o_req_t *req = r->h2o;
    if (!req || pub->gone) {
        http_drop(pub);
        return false;
    }
    if (r->sized)
        req->res.content_length = r->length_left;
    if (pub->head) {
        reply_headers(r, status, type ? type : format_types[format]);
        h2o_start_response(req, &r->generator);
        request_done(r);
        h2o_send(req, NULL, 0, H2O_SEND_STATE_FINAL);
        return false;
    }
    r->streaming = true;
    r->ops = ops;
    r->format = format;
    r->chunked = req->version == 0x101 && !r->sized;
    if (r->chunked)
        h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_TRANSFER_ENCODING, NULL,
                       H2O_STRLIT("chunked"));
    else if (!r->sized)
        req->http1_is_persistent = 0; // an older client knows the end by the connection's
    if (format == HTTP_SSE)           // proxies that collect answers would hold events back
        http_set_header(pub, "x-accel-buffering", "no");
    reply_headers(r, status, type ? type : format_types[format]);
    r->generator.proceed = on_proceed;
    r->flush.cb = on_flush;
    r->server->counters.streams++;
    h2o_start_response(req, &r->generator);
    r->sending = true;
    h2o_send(req, NULL, 0, H2O_SEND_STATE_IN_PROGRESS);
    return true;
}

void http_stream_write(struct http_req *pub, const void *p, size_t n)
{
    struct request *r = request_of(pub);
    (void)buf_append(&r->out, p, n); // past its maximum: http_stream_full cuts
    http_stream_flush(pub);
}

struct buf *http_stream_buf(struct http_req *pub)
{
    return &request_of(pub)->out;
}

bool http_stream_full(struct http_req *pub)
{
    struct request *r = request_of(pub);
    if (r->out.overflow) // never silently leave something out
        request_shut(r);
    if (!r->h2o || pub->gone)
        return false; // nothing is kept any more, so the writer may go on
    size_t waiting = r->out.len + (r->sending ? r->flight.len : 0);
    if (waiting > STREAM_HIGH)
        r->full = true;
    return r->full;
}

void http_stream_end(struct http_req *pub)
{
    struct request *r = request_of(pub);
    if (r->out.overflow || (r->sized && r->out.len != r->length_left)) {
        http_stream_cut(pub);
        return;
    }
    r->ending = true;
    http_stream_flush(pub);
    request_done(r);
}

void http_stream_cut(struct http_req *pub)
{
    struct request *r = request_of(pub);
    h2o_req_t *req = r->h2o;
    request_shut(r);
    if (!req || r->sending) { // what is being sent fails, which disposes of the request
        request_done(r);
        return;
    }
    r->ending = true;
    request_done(r);
    r->sending = true;
    h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
}

// The library has disposed of the request: no timer of it may fire.
void stream_dispose(struct request *r)
{
    if (r->flush_linked)
        h2o_timeout_unlink(&r->flush);
    r->flush_linked = false;
    if (r->streaming)
        r->server->counters.streams--;
}

void stream_stop(struct request *r)
{
    if (r->streaming && r->ops && r->ops->on_stop && !r->finished)
        r->ops->on_stop(&r->pub);
}

// --- events ---------------------------------------------------------------------------------

static void frame_head(char *at, enum http_frame kind, size_t n)
{
    uint32_t length = htobe32((uint32_t)n); // far below what a buffer may hold
    memset(at, 0, HTTP_FRAME_HEAD);
    at[0] = (char)kind;
    memcpy(at + HTTP_FRAME_HEAD - sizeof(length), &length, sizeof(length));
}

void http_frame_write(struct http_req *pub, enum http_frame kind, const void *p, size_t n)
{
    char head[HTTP_FRAME_HEAD];
    frame_head(head, kind, n);
    (void)buf_append(&request_of(pub)->out, head, sizeof(head));
    http_stream_write(pub, p, n);
}

struct buf *http_event_begin(struct http_req *pub, const char *event, const char *id)
{
    struct request *r = request_of(pub);
    r->event_at = r->out.len;
    if (r->format == HTTP_FRAMES)
        (void)buf_append(&r->out, (const char[HTTP_FRAME_HEAD]){0}, HTTP_FRAME_HEAD);
    if (r->format == HTTP_SSE) {
        if (event)
            (void)buf_printf(&r->out, "event: %s\n", event);
        if (id)
            (void)buf_printf(&r->out, "id: %s\n", id);
        (void)buf_puts(&r->out, "data: ");
    }
    return &r->out;
}

void http_event_end(struct http_req *pub)
{
    struct request *r = request_of(pub);
    size_t head = r->event_at + HTTP_FRAME_HEAD;
    if (r->format == HTTP_FRAMES && r->out.len >= head)
        frame_head(r->out.data + r->event_at, HTTP_FRAME_EVENT, r->out.len - head);
    else
        (void)buf_puts(&r->out, r->format == HTTP_SSE ? "\n\n" : "\n");
    http_stream_flush(pub);
}

static void on_heartbeat(struct timer *t)
{
    struct request *r = container_of(t, struct request, heartbeat);
    uint64_t quiet = clock_mono_ms() - r->sent_ms;
    if (quiet >= r->heartbeat_ms && !r->out.len && !r->sending) {
        static const char ping[] = "{\"event\":\"ping\"}";
        struct buf *b = http_event_begin(&r->pub, "ping", NULL);
        (void)buf_append(b, ping, sizeof(ping) - 1);
        http_event_end(&r->pub);
        quiet = 0;
    }
    uint64_t next = quiet < r->heartbeat_ms ? r->heartbeat_ms - quiet : r->heartbeat_ms;
    loop_timer_set(r->server->loop, t, next, on_heartbeat);
}

void http_stream_heartbeat(struct http_req *pub, uint32_t ms)
{
    struct request *r = request_of(pub);
    r->heartbeat_ms = ms;
    loop_timer_set(r->server->loop, &r->heartbeat, ms, on_heartbeat);
}
