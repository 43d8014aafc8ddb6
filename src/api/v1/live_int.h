// SPDX-License-Identifier: Apache-2.0
// Output of commands and logs: live as events, or what was kept by offset.
#pragma once
#include "v1_int.h"

enum { // codes of RFC 6455
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_BAD_DATA = 1008,
    WS_CLOSE_RESTART = 1012
};
// The sub-protocol to agree on: a browser that sends its token as one needs another in return.
const char *v1_socket_protocol(struct http_req *r);
// Where events go: a stream or a WebSocket.
struct sink {
    struct http_req *r;
    struct http_ws *ws;
    struct buf b; // an event for the WebSocket
    bool binary;  // output as binary messages of the WebSocket instead of events
    bool frames;  // as frames of the stream
};
struct buf *v1_sink_begin(struct sink *s, const char *event, const char *id);
void v1_sink_end(struct sink *s);
bool v1_sink_full(struct sink *s);
// A whole event from one shape; extra members come from the caller through v1_sink_begin.
struct live {
    struct v1 *v;
    struct sink sink;
    struct follower f;
    bool following, log; // log: of a build or init script
    uint64_t next[EXEC_STREAMS];
    struct carry { // the start of a character whose rest has not come yet
        char bytes[4];
        size_t len;
    } carry[EXEC_STREAMS];
    struct buf joined;
    char request_id[HTTP_ID_MAX + 1];
    void (*on_end)(struct live *l); // after the last event was written; frees
};
void v1_live_init(struct live *l, struct v1 *v, struct http_req *r);
void v1_live_release(struct live *l);
void v1_live_started(struct live *l, const struct exec *x);
void v1_live_error(struct live *l, const struct err *e);
void v1_live_reconnect(struct live *l); // the last event of a server that leaves for another
void v1_live_writable(struct live *l);
// Does a command's end come by itself? When the server stops, core ends what runs (core_stop).
bool v1_live_will_end(const struct live *l);
// Too many streams already? Then the request is finished with 429.
bool v1_streams_exhausted(struct http_req *r);
// Offsets to begin at, from ?offset=, ?stderr_offset= or Last-Event-ID; -1: finished.
int v1_live_offsets(struct http_req *r, uint64_t from[EXEC_STREAMS]);

// Follow into a stream of events, as the Accept header wishes. `attach` calls the verb.
typedef int live_attach_fn(struct http_req *r, struct follower *f, struct err *e);
void v1_live_stream(struct http_req *r, bool log, live_attach_fn *attach);
// The exec of `spec` as a stream of events.
void v1_live_exec(struct http_req *r, struct workspace *ws, struct exec_spec *spec);

// Logs and kept output by offset (output.c).
typedef int output_read_fn(struct http_req *r, struct output_read *o, struct err *e);
void v1_output_text(struct http_req *r, const char *type, output_read_fn *read_fn);
void v1_output_json(struct http_req *r, const char *stream, output_read_fn *read_fn);
// The lines of it that have ?contains=, with their offsets (output_search.c).
void v1_output_search(struct http_req *r, output_read_fn *read_fn);
// ?contains=, as it stands in JSON; length 0: not given. -1: the request is finished.
#define CONTAINS_MAX 256
#define CONTAINS_JSON (6 * CONTAINS_MAX + 3)
int v1_param_contains(struct http_req *r, char ret[CONTAINS_JSON], size_t *ret_len);
