// SPDX-License-Identifier: Apache-2.0
// The server itself: loop, listeners, limits, TLS, stopping. One per process.
#pragma once
#include <pinfold/http.h>
#include <pinfold/loop.h>

struct http_limits {
    size_t header_bytes;  // of one request together; 431
    size_t path_bytes;    // path and query; 414
    size_t body_bytes;    // the most that any route may allow; 413
    size_t body_budget;   // of all requests being received together; the greediest are cut
    unsigned connections; // open at a time; for a further one the oldest idle one of the
                          // address that has most is closed, else it waits in the kernel's queue
    unsigned connections_per_address; // 0: as many as may be; a Unix socket has no address
    uint32_t keep_alive_ms;           // idle, and the longest a request may take to arrive
};
void http_limits_init(struct http_limits *l);

struct http_server;
// l is turned by http_server_run. Make it before the process gives up its rights: the HTTP library
// opens descriptors of its own.
struct http_server *http_server_new(struct loop *l, const struct http_limits *limits,
                                    struct err *e);
// Serve an API's routes, as they stand or beneath a prefix ("/v0" before every pattern). The first
// mounted one also answers for paths that belong to none. Borrowed for the server's life.
int http_server_mount(struct http_server *s, const struct http_api *api, const char *prefix,
                      struct err *e);

struct http_tls {
    const char *certificate, *key; // PEM text: the chain, the private key
    size_t certificate_len, key_len;
    bool http2; // also offer HTTP/2
};
// Serve a listening socket, which is taken. name is static; tls may be NULL.
int http_server_listen(struct http_server *s, int take_fd, const char *name,
                       const struct http_tls *tls, struct err *e);
// Serve one connection that comes out of a sandbox, which is taken: only routes of HTTP_INSIDE.
void http_server_take(struct http_server *s, int take_fd);
// Run the loop until a stop is complete.
int http_server_run(struct http_server *s, struct err *e);
// Accept nothing more, let requests end for at most grace_ms, then cut them. Callable from any
// callback; http_server_run returns when it is done.
void http_server_stop(struct http_server *s, uint64_t grace_ms);
// Stop for a successor: as http_server_stop, but connections without TLS are given to it through
// handover_fd (a SOCK_SEQPACKET socket) once they are at rest, and their clients notice nothing.
// Streams and WebSockets are told by on_stop; http_leaving says that their clients can come back.
// The process must end afterwards without closing connections in another way.
void http_server_leave(struct http_server *s, int handover_fd, uint64_t grace_ms);
// Serve the connections that a predecessor gave; after the listeners were added in the same order.
int http_server_take_over(struct http_server *s, int handover_fd, struct err *e);
void http_server_free(struct http_server *s);

struct http_counters {
    uint64_t connections, connections_total, requests, requests_total; // open now, ever
    uint64_t by_status[6]; // [1]: 1xx ... [5]: 5xx; [0]: no answer
    uint64_t body_bytes, refused_bodies, resets;
    uint64_t refused, evicted; // connections: over their address's share; idle ones for new ones
    uint64_t streams, websockets;
};
const struct http_counters *http_server_counters(const struct http_server *s);
