// SPDX-License-Identifier: Apache-2.0
// WebSocket over wslay's event interface, on the socket that the library hands over after the
// upgrade. The library's own glue is not used: it frees what a callback still stands in, and its
// send queue has no bound.
#include "http_int.h"

#include <h2o/http1.h>
#include <openssl/sha.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <wslay/wslay.h>

#define PING_MS (30 * 1000)
#define SILENT_MS (75 * 1000) // nothing heard for so long: the peer is gone
#define CLOSE_MS (5 * 1000)   // to answer our close frame
#define DRAIN_MS (30 * 1000)  // to take what was sent before it
#define PIECE (64 * 1024)     // of frames written at once

struct http_ws {
    struct http_server *server;
    struct list link;
    h2o_socket_t *sock; // NULL before the upgrade is complete and after the end
    wslay_event_context_ptr wslay;
    const struct http_ws_ops *ops;
    void *arg;
    bool upgrading, ended; // ended: nothing goes over it any more
    bool closed;           // by its owner
    bool close_queued;     // wslay has the close frame
    uint16_t close_code;
    char close_reason[124]; // a control frame holds 125 bytes
    bool full, paused;
    bool busy; // inside run(): freeing waits until it is left
    struct buf out;
    struct timer timer;
    uint64_t heard_ms, closed_ms;
};

static void run(struct http_ws *ws);
static void on_timer(struct timer *t);

// --- the end --------------------------------------------------------------------------------

static void free_if_over(struct http_ws *ws)
{
    if (!ws->ended || !ws->closed || ws->busy || ws->upgrading)
        return;
    struct http_server *s = ws->server;
    list_del(&ws->link);
    loop_timer_cancel(s->loop, &ws->timer);
    wslay_event_context_free(ws->wslay);
    buf_release(&ws->out);
    free(ws);
    s->counters.websockets--;
    server_check_stop(s);
}

// Nothing more can be exchanged. The owner is told unless it closed it itself.
static void end(struct http_ws *ws, unsigned code)
{
    if (ws->ended)
        return;
    ws->ended = true;
    loop_timer_cancel(ws->server->loop, &ws->timer);
    if (ws->sock)
        h2o_socket_close(ws->sock);
    ws->sock = NULL;
    bool was = ws->busy;
    ws->busy = true; // on_gone may close it
    if (!ws->closed)
        ws->ops->on_gone(ws, ws->arg, code);
    ws->busy = was;
    free_if_over(ws);
}

// --- between the socket and wslay -----------------------------------------------------------

static ssize_t on_want_bytes(wslay_event_context_ptr ctx, uint8_t *to, size_t n, int flags,
                             void *arg)
{
    (void)flags;
    struct http_ws *ws = arg;
    if (!ws->sock || ws->paused || !ws->sock->input->size) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (n > ws->sock->input->size)
        n = ws->sock->input->size;
    memcpy(to, ws->sock->input->bytes, n);
    h2o_buffer_consume(&ws->sock->input, n);
    return (ssize_t)n;
}

static ssize_t on_have_bytes(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags,
                             void *arg)
{
    (void)flags;
    struct http_ws *ws = arg;
    size_t room = ws->out.len < PIECE ? PIECE - ws->out.len : 0;
    if (n > room)
        n = room;
    if (!n) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    (void)buf_append(&ws->out, p, n); // its maximum is PIECE
    return (ssize_t)n;
}

static void on_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *msg,
                     void *arg)
{
    (void)ctx;
    struct http_ws *ws = arg;
    bool text = msg->opcode == WSLAY_TEXT_FRAME;
    if ((text || msg->opcode == WSLAY_BINARY_FRAME) && !ws->closed)
        ws->ops->on_message(ws, ws->arg, text, msg->msg, msg->msg_length);
}

static void on_read(h2o_socket_t *sock, const char *err)
{
    struct http_ws *ws = sock->data;
    ws->heard_ms = clock_mono_ms();
    if (err)
        end(ws, 1006);
    else
        run(ws);
}

static void on_written(h2o_socket_t *sock, const char *err)
{
    struct http_ws *ws = sock->data;
    buf_clear(&ws->out);
    if (err)
        end(ws, 1006);
    else
        run(ws);
}

static size_t waiting(const struct http_ws *ws)
{
    return ws->out.len + wslay_event_get_queued_msg_length(ws->wslay);
}

// wslay sends control frames before messages that wait, so the close frame waits here for them.
static void queue_close(struct http_ws *ws)
{
    if (!ws->closed || ws->close_queued || wslay_event_get_queued_msg_count(ws->wslay))
        return;
    ws->close_queued = true;
    loop_timer_set(ws->server->loop, &ws->timer, CLOSE_MS, on_timer);
    // It fails when the peer's close frame was answered already, which is as good.
    (void)wslay_event_queue_close(ws->wslay, ws->close_code, (const uint8_t *)ws->close_reason,
                                  strlen(ws->close_reason));
}

// One step in each direction; false when nothing moved, -1 cannot be told apart from the end.
static bool step(struct http_ws *ws)
{
    bool moved = false;
    queue_close(ws);
    if (!h2o_socket_is_writing(ws->sock) && wslay_event_want_write(ws->wslay)) {
        if (wslay_event_send(ws->wslay)) {
            end(ws, 1006);
            return false;
        }
        if (ws->out.len) {
            h2o_iovec_t v = h2o_iovec_init(ws->out.data, ws->out.len);
            h2o_socket_write(ws->sock, &v, 1, on_written);
            moved = true;
        }
    }
    size_t had = ws->sock->input->size;
    if (had && !ws->paused && wslay_event_want_read(ws->wslay)) {
        if (wslay_event_recv(ws->wslay)) {
            end(ws, 1006);
            return false;
        }
        moved = moved || ws->sock->input->size != had;
    }
    return moved;
}

static void settle(struct http_ws *ws)
{
    bool reading = wslay_event_want_read(ws->wslay);
    bool writing = h2o_socket_is_writing(ws->sock) || wslay_event_want_write(ws->wslay);
    if (!reading && !writing) {
        unsigned code = wslay_event_get_status_code_received(ws->wslay);
        end(ws, code ? code : 1006);
        return;
    }
    if (reading && !ws->paused)
        h2o_socket_read_start(ws->sock, on_read);
    else
        h2o_socket_read_stop(ws->sock);
    if (ws->full && !ws->closed && waiting(ws) <= STREAM_HIGH / 4) {
        ws->full = false;
        if (ws->ops->on_writable)
            ws->ops->on_writable(ws, ws->arg);
    }
}

static void run(struct http_ws *ws)
{
    if (ws->busy || !ws->sock)
        return;
    ws->busy = true;
    do
        while (ws->sock && step(ws))
            ;
    while (ws->sock && (settle(ws), ws->sock) && !h2o_socket_is_writing(ws->sock) &&
           wslay_event_want_write(ws->wslay));
    ws->busy = false;
    free_if_over(ws);
}

static void on_timer(struct timer *t)
{
    struct http_ws *ws = container_of(t, struct http_ws, timer);
    uint64_t now = clock_mono_ms();
    if (ws->closed) { // it did not answer the close frame
        end(ws, 1006);
        return;
    }
    if (ws->paused)
        ws->heard_ms = now;
    if (now - ws->heard_ms >= SILENT_MS) {
        end(ws, 1006);
        return;
    }
    loop_timer_set(ws->server->loop, t, PING_MS, on_timer);
    struct wslay_event_msg ping = {.opcode = WSLAY_PING, .msg = NULL, .msg_length = 0};
    if (now - ws->heard_ms >= PING_MS - 1000 && !wslay_event_queue_msg(ws->wslay, &ping))
        run(ws);
}

// --- the beginning --------------------------------------------------------------------------

bool ws_handshake_ok(struct request *r)
{
    return strlen(http_header(&r->pub, "sec-websocket-key")) == 24 &&
           !strcmp(http_header(&r->pub, "sec-websocket-version"), "13");
}

static void accept_key(const char *key, char out[32])
{
    char text[24 + 36 + 1];
    unsigned char digest[SHA_DIGEST_LENGTH];
    // the GUID of RFC 6455
    (void)snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    SHA1((const unsigned char *)text, 60, digest);
    out[h2o_base64_encode(out, digest, sizeof(digest), 0)] = '\0';
}

static void on_upgraded(void *arg, h2o_socket_t *sock, size_t reqsize)
{
    struct http_ws *ws = arg;
    ws->upgrading = false;
    ws->heard_ms = clock_mono_ms();
    if (!sock) {
        end(ws, 1006);
        return;
    }
    ws->sock = sock;
    sock->data = ws;
    h2o_buffer_consume(&sock->input, reqsize);
    run(ws);
}

struct http_ws *http_ws_accept(struct http_req *pub, const char *protocol,
                               const struct http_ws_ops *ops, void *arg)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_want_bytes,
        .send_callback = on_have_bytes,
        .on_msg_recv_callback = on_frame,
    };
    struct request *r = request_of(pub);
    h2o_req_t *req = r->h2o;
    if (!req || pub->gone) {
        http_drop(pub);
        return NULL;
    }
    struct http_ws *ws = xcalloc(1, sizeof(*ws));
    *ws = (struct http_ws){.server = r->server, .ops = ops, .arg = arg, .upgrading = true};
    buf_init(&ws->out, PIECE);
    if (wslay_event_context_server_init(&ws->wslay, &callbacks, ws))
        abort(); // out of memory is its only failure
    wslay_event_config_set_max_recv_msg_length(ws->wslay, HTTP_WS_MESSAGE_MAX);
    list_add_tail(&r->server->sockets, &ws->link);
    r->server->counters.websockets++;
    r->server->counters.by_status[1]++;
    loop_timer_set(r->server->loop, &ws->timer, PING_MS, on_timer);

    char key[32];
    accept_key(http_header(pub, "sec-websocket-key"), key);
    http_set_header(pub, "upgrade", "websocket");
    http_set_header(pub, "sec-websocket-accept", key);
    http_set_header(pub, "x-request-id", pub->id);
    if (protocol)
        http_set_header(pub, "sec-websocket-protocol", protocol);
    req->res.status = 101;
    req->res.reason = http_status_text(101);
    r->conn->upgraded = true;
    request_done(r);
    h2o_http1_upgrade(req, NULL, 0, on_upgraded, ws);
    return ws;
}

// --- what its owner does --------------------------------------------------------------------

void http_ws_send(struct http_ws *ws, bool text, const void *p, size_t n)
{
    if (ws->ended || ws->closed)
        return;
    struct wslay_event_msg msg = {
        .opcode = text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, .msg = p, .msg_length = n};
    if (wslay_event_queue_msg(ws->wslay, &msg))
        return; // a close frame was queued already: nothing may follow it
    run(ws);
}

bool http_ws_full(struct http_ws *ws)
{
    if (ws->ended)
        return false;
    if (waiting(ws) > STREAM_HIGH)
        ws->full = true;
    return ws->full;
}

void http_ws_pause(struct http_ws *ws, bool paused)
{
    if (ws->paused == paused)
        return;
    ws->paused = paused;
    ws->heard_ms = clock_mono_ms();
    run(ws);
}

bool http_ws_leaving(const struct http_ws *ws)
{
    return ws->server->leaving;
}

void http_ws_close(struct http_ws *ws, unsigned code, const char *reason)
{
    ws->closed = true;
    ws->paused = false;
    ws->close_code = (uint16_t)code;
    (void)snprintf(ws->close_reason, sizeof(ws->close_reason), "%s", reason);
    if (ws->ended) {
        free_if_over(ws);
        return;
    }
    loop_timer_set(ws->server->loop, &ws->timer, DRAIN_MS, on_timer);
    run(ws);
}

void ws_stop_all(struct http_server *s)
{
    list_for_safe (it, &s->sockets) {
        struct http_ws *ws = container_of(it, struct http_ws, link);
        if (!ws->closed && !ws->ended && ws->ops->on_stop)
            ws->ops->on_stop(ws, ws->arg);
    }
}

void ws_cut_all(struct http_server *s)
{
    list_for_safe (it, &s->sockets) {
        end(container_of(it, struct http_ws, link), 1001);
    }
}
