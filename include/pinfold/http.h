// SPDX-License-Identifier: Apache-2.0
// HTTP as the APIs see it: routes in tables, requests, answers. No type of the HTTP library shows
// here, so another one can take its place. All on the thread of the server's loop.
//
// A request is handed to its route's handler, which owns the duty to finish it exactly once: with
// http_reply*, or with a stream (http_stream.h) or WebSocket (http_ws.h). Until then it stays
// valid, whatever the client does. When the client leaves earlier, `gone` is set, the body and
// the headers are no longer there, and on_gone is called if the handler set it; the handler still
// finishes the request, which then only frees it.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD, // never in a route: a GET whose body is not sent
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS, // never in a route: answered here
    HTTP_N_METHODS
};
const char *http_method_name(enum http_method m);
const char *http_status_text(int status);

struct http_req;
enum http_route_flags {
    HTTP_PUBLIC = 1,    // for the API's gate: no credential is needed
    HTTP_STREAM = 2,    // may answer with a stream of events
    HTTP_WEBSOCKET = 4, // only as a WebSocket; another request gets 426
    HTTP_EITHER = 8,    // as a WebSocket too, when it is asked for (http_ws_wanted)
    HTTP_INSIDE = 16,   // may be asked for out of a sandbox (http_server_take)
};
struct http_route {
    enum http_method method;
    const char *pattern; // "/v1/workspaces/{id}/files/*": {x} one segment, * the rest of the path
    unsigned flags;
    unsigned scope;  // the API's own: what a credential must allow
    size_t max_body; // 0: a body is refused
    void (*handle)(struct http_req *r);
    const char *doc;   // one sentence
    const void *extra; // the API's own: what its documents need
};

// What the generic part refuses; the API writes it in its own form.
struct http_refusal {
    int status;
    const char *code;   // static: "not_found", "body_too_large"
    const char *detail; // one sentence
    const char *limit;  // name of the limit, or NULL
    uint64_t limit_value;
};
struct http_api {
    const char *name; // static, as "v1"
    const char *base; // refusals of unknown paths beneath it are this API's: "/v1"
    const struct http_route *routes;
    unsigned n_routes;
    void *arg;
    // Called before each handler, after the route is found. False: it has finished the request.
    bool (*gate)(struct http_req *r);
    void (*refuse)(struct http_req *r, const struct http_refusal *why);
    // Several APIs have this route: is the request meant for this one? NULL: no.
    bool (*claims)(struct http_req *r);
};

#define HTTP_PARAMS_MAX 4
#define HTTP_QUERY_MAX 32
#define HTTP_ID_MAX 64
struct http_req {
    const struct http_api *api;
    const struct http_route *route;
    enum http_method method; // HTTP_GET for HEAD
    bool head;
    const char *path;                    // as sent, without the query
    const char *params[HTTP_PARAMS_MAX]; // decoded, in the pattern's order
    unsigned n_params;
    struct http_query {
        const char *name, *value;
    } query[HTTP_QUERY_MAX];
    unsigned n_query;
    const char *body; // borrowed until the request is finished or gone
    size_t body_len;
    char id[HTTP_ID_MAX + 1]; // X-Request-Id, the client's or made here
    const char *listener;     // name of the listener it came in by
    bool tls;
    bool gone;
    uint64_t begun_ns; // monotonic

    // for the gate and the handler
    void *who;
    unsigned scope;
    char who_id[40];
    void *user;
    void (*on_gone)(struct http_req *r);
};

// The first header of that name (lower case), "" when there is none. Borrowed like the body.
const char *http_header(struct http_req *r, const char *name);
// The query parameter, or NULL.
const char *http_query(const struct http_req *r, const char *name);
// The token of "Authorization: Bearer", else of X-API-Key, else of a WebSocket's sub-protocol
// "pinfold.token.TOKEN"; "" without one.
const char *http_token(struct http_req *r);
// The peer's address without port; "local" for a Unix socket.
const char *http_peer(struct http_req *r, char out[64]);

// Is this server leaving for a successor?
bool http_leaving(const struct http_req *r);

// Add a header to the coming answer. Control characters in the value are dropped.
void http_set_header(struct http_req *r, const char *name, const char *value);
void http_wipe_body(struct http_req *r); // it held a secret: what is left of it are zeros
// Finish. The body is copied; with _take the buffer's storage is taken and the buffer is empty.
void http_reply(struct http_req *r, int status, const char *type, const void *body, size_t n);
void http_reply_take(struct http_req *r, int status, const char *type, struct buf *take);
void http_reply_empty(struct http_req *r, int status);
// Finish without an answer: the connection is closed.
void http_drop(struct http_req *r);

// --- conditions and ranges ------------------------------------------------------------------

// Does a header of entity tags (If-None-Match, If-Match) name this tag, given with its quotes?
bool http_etag_in(const char *header, const char *etag);
// "bytes=5-" of a Range header against a size: 0 one range in *from, *to (exclusive); 1 there is
// none or it is to be ignored; -1 it cannot be satisfied (416).
int http_range(const char *header, uint64_t size, uint64_t *from, uint64_t *to);
// Which of a comma-separated list of media types does Accept name first? -1 none; "*/*" is 0.
int http_accepts(const char *accept, const char *const *types);
