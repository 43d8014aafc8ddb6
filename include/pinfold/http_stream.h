// SPDX-License-Identifier: Apache-2.0
// Answers that are sent bit by bit. What is written waits in memory while the client is slow;
// a writer asks http_stream_full and stops until on_writable. A client that leaves is noticed
// even while nothing is sent.
#pragma once
#include <pinfold/http.h>

// How events are framed.
enum http_format {
    HTTP_JSON,   // collected: no stream
    HTTP_SSE,    // text/event-stream
    HTTP_NDJSON, // application/x-ndjson: one object a line
    HTTP_FRAMES, // application/vnd.pinfold.frames: below
    HTTP_BYTES   // application/octet-stream: no events
};
// As the Accept header wishes; HTTP_JSON when it names none of them.
enum http_format http_wants(struct http_req *r);
// Of an answer made of events, which is SSE unless the header says otherwise.
enum http_format http_events_wanted(struct http_req *r);
bool http_wants_events(struct http_req *r);

// HTTP_FRAMES: a frame is its kind, three bytes 0, its length in four bytes, the highest first, and so
// many bytes. What a program prints is carried as it is. Those who know the frames of Docker's
// attached streams know kinds 1 and 2.
enum http_frame { HTTP_FRAME_EVENT, HTTP_FRAME_STDOUT, HTTP_FRAME_STDERR };
#define HTTP_FRAME_HEAD 8
void http_frame_write(struct http_req *r, enum http_frame kind, const void *p, size_t n);

struct http_stream_ops {
    void (*on_writable)(struct http_req *r); // after http_stream_full said true; may be NULL
    // The server stops (http_leaving: another one follows): write a last event and end, or leave it to be cut. May be NULL.
    void (*on_stop)(struct http_req *r);
};
// Say how many bytes will be streamed, before http_stream_begin: the answer then has that length
// instead of chunks, and ending with fewer bytes cuts the connection.
void http_stream_length(struct http_req *r, uint64_t n);
// Send status and headers. r->on_gone and r->user are as the handler set them. False when there is
// nobody to stream to (HEAD, or already gone): the request is finished then.
bool http_stream_begin(struct http_req *r, int status, enum http_format format, const char *type,
                       const struct http_stream_ops *ops);
void http_stream_write(struct http_req *r, const void *p, size_t n);
bool http_stream_full(struct http_req *r);
// Where bytes can be written directly; http_stream_flush afterwards.
struct buf *http_stream_buf(struct http_req *r);
void http_stream_flush(struct http_req *r);
// Everything is written; finishes the request.
void http_stream_end(struct http_req *r);
// Finish by cutting the connection, so that the client sees that the end is missing.
void http_stream_cut(struct http_req *r);

// One event: the JSON object of it is written into the buffer that event_begin returns. `event` (a
// name is not needed where the object tells) and `id` may be NULL. The object must stand on one line, which json_out.h guarantees.
struct buf *http_event_begin(struct http_req *r, const char *event, const char *id);
void http_event_end(struct http_req *r);
// Send a `ping` event whenever nothing was sent for so long.
void http_stream_heartbeat(struct http_req *r, uint32_t ms);
