// SPDX-License-Identifier: Apache-2.0
// Shared inside the http room: what stands between our requests and the library's.
//
// Theory of operation. A `struct request` has two holders, the handler that must finish it and
// the library that must dispose of it; whichever is last frees it. The library's side is a small
// object in its own memory pool whose destructor tells us. Nothing of ours keeps a library pointer
// beyond that, and every call into the library is made from within its loop.
//
// The library stops reading from an HTTP/1 connection while it answers, so a client that leaves is
// not noticed. Requests that last longer than a moment therefore have their connection watched
// for the peer's end of file in our own loop, which needs no second descriptor since it is another
// epoll set.
#pragma once
#include <h2o.h>

#include "route_int.h"
#include <pinfold/http_server.h>
#include <pinfold/http_stream.h>
#include <pinfold/http_ws.h>
#include <pinfold/list.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <sys/epoll.h>

#define STREAM_HIGH (512 * 1024)      // more than this waits: the writer is asked to pause
#define STREAM_MAX (64 * 1024 * 1024) // more than this: the writer did not; the answer is cut
#define SWEEP_MS 100                  // how often lasting requests and bodies are looked at
#define PIPELINE_MAX 64               // requests of one HTTP/1 connection in one turn of the loop
#define RESETS_MAX 100                // streams one HTTP/2 connection may open and give up

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    h2o_globalconf_t config;
    h2o_context_t h2o;
    h2o_socket_t *loop_sock; // our loop's descriptor, watched by the library's loop
    struct router router;
    const struct http_api **apis;
    unsigned n_apis;
    struct listener *inside;                      // of connections that are given; NULL: none yet
    struct list listeners, conns, fresh, watched; // fresh, watched: unfinished requests
    struct list sockets;                          // open WebSockets
    struct map *peers;                            // by address
    struct conn *making_room;                     // shut, and soon gone
    struct timer sweep, grace, resume, look;
    bool leaving;    // a successor comes
    int handover_fd; // where connections at rest go while leaving; -1
    bool sweeping, accepting, stopping, stopped;
    bool given_up; // the grace period is over: what is still open is left to the kernel
    struct http_counters counters;
    uint64_t turn; // of the library's loop
    uint64_t id_seed, id_next;
};
struct listener {
    struct list link;
    struct http_server *server;
    h2o_socket_t *sock;
    h2o_accept_ctx_t accept;
    const char *name;
    bool tls;
};
struct peer; // crowd.c
struct conn {
    struct list link, peer_link;
    struct peer *peer;
    struct http_server *server;
    const char *listener_name;
    bool tls, upgraded; // upgraded: a WebSocket has it
    struct listener *listener;
    h2o_socket_t *sock;
    // while leaving: not at rest; no longer read; the successor has it too
    enum { CONN_BUSY, CONN_STILL, CONN_GIVEN } rest;
    h2o_socket_cb on_read; // of CONN_STILL
    unsigned open;         // requests being answered
    uint64_t quiet_ms;     // since when there is none, monotonic
    unsigned resets;       // of an HTTP/2 connection
    unsigned in_turn;      // requests of the loop's turn below
    uint64_t turn;
};

struct request {
    struct http_req pub;
    struct http_server *server;
    struct conn *conn;
    h2o_req_t *h2o; // NULL once the library has disposed of its request
    bool finished;  // the handler is done with it
    bool capturing; // only a vessel for the API's words, see refusal.c
    bool *freed;    // set when it is, for who still has it in hand; or NULL
    bool streaming, chunked, sending, ending, full, flush_linked;
    bool sized; // with a length instead of chunks
    uint64_t length_left;
    enum http_format format;
    const struct http_stream_ops *ops;
    struct buf out, flight; // being written by the handler; being sent
    size_t event_at;        // where in out the event that is being written begins
    char chunk_head[24];
    h2o_generator_t generator;
    h2o_timeout_entry_t flush;
    struct list link;
    struct watch watch;
    uint32_t heartbeat_ms;
    struct timer heartbeat;
    uint64_t sent_ms;
    char *room; // what path and query are decoded into, when they are long
    char small_room[768];
};
static inline struct request *request_of(struct http_req *r)
{
    return container_of(r, struct request, pub);
}

// The library's own word that an answer was cut; on_dispose tells us the same. It also marks the
// answers that are ours.
void request_on_stop(h2o_generator_t *g, h2o_req_t *req);
int request_on_req(h2o_handler_t *self, h2o_req_t *req);
// The client left or is made to: tell the handler, once.
void request_gone(struct request *r);
void request_watch(struct request *r);
void request_done(struct request *r); // the handler is done; may free it
void request_shut(struct request *r); // no byte goes over its connection any more
struct conn *request_conn(h2o_req_t *req);
void request_set_id(struct request *r);
void request_free(struct request *r);
const struct http_api *request_owner(const struct http_server *s, const char *path);
void request_refuse(struct request *r, const struct http_refusal *why);
void refusal_register(struct http_server *s, h2o_pathconf_t *fallback);
void reply_headers(struct request *r, int status, const char *type);
void stream_dispose(struct request *r);
void stream_stop(struct request *r);

void server_take_conn(struct listener *ln, h2o_socket_t *sock);
// crowd.c: connections by address. crowd_full: may this address have no more?
bool crowd_full(struct http_server *s, h2o_socket_t *sock);
void crowd_join(struct conn *c);
void crowd_leave(struct conn *c);
// false: nobody has been quiet long enough to give way; ask again after CROWD_QUIET_MS.
bool crowd_make_room(struct http_server *s);
#define CROWD_QUIET_MS 250 // who has just connected is about to ask

void server_sweep(struct http_server *s);
void server_check_stop(struct http_server *s);
bool ws_handshake_ok(struct request *r);
void ws_stop_all(struct http_server *s);
void ws_cut_all(struct http_server *s);

SSL_CTX *tls_context(const struct http_tls *tls, struct err *e);
