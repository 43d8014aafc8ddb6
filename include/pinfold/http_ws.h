// SPDX-License-Identifier: Apache-2.0
// WebSocket, for terminals and commands with live input. The owner closes it exactly once with
// http_ws_close, also after on_gone; until then it stays valid.
#pragma once
#include <pinfold/http.h>

struct http_ws;
struct http_ws_ops {
    // One whole message, at most HTTP_WS_MESSAGE_MAX bytes; text is valid UTF-8.
    void (*on_message)(struct http_ws *ws, void *arg, bool text, const void *p, size_t n);
    void (*on_writable)(struct http_ws *ws, void *arg); // after http_ws_full said true; or NULL
    // The peer said close, left, broke the protocol or is silent for too long; code 1006 without
    // a close frame. Called at most once.
    void (*on_gone)(struct http_ws *ws, void *arg, unsigned code);
    void (*on_stop)(struct http_ws *ws, void *arg); // the server stops; or NULL
};
#define HTTP_WS_MESSAGE_MAX (1024 * 1024)

bool http_ws_wanted(struct http_req *r);
// Finish the request, whose route is HTTP_WEBSOCKET or, when it is wanted, HTTP_EITHER, by upgrading it. `protocol` is the
// sub-protocol to agree on, or NULL. NULL when the client has left already.
struct http_ws *http_ws_accept(struct http_req *r, const char *protocol,
                               const struct http_ws_ops *ops, void *arg);
void http_ws_send(struct http_ws *ws, bool text, const void *p, size_t n);
bool http_ws_full(struct http_ws *ws);
// While paused no message arrives and the peer is held back.
void http_ws_pause(struct http_ws *ws, bool paused);
bool http_ws_leaving(const struct http_ws *ws); // as http_leaving
// Send what is queued, then a close frame; the owner must not use ws any more.
void http_ws_close(struct http_ws *ws, unsigned code, const char *reason);
