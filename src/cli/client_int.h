// SPDX-License-Identifier: Apache-2.0
// HTTP to the server, over libcurl. Answers are JSON; a problem document becomes an error.
#pragma once
#include "cli_int.h"

#include <pinfold/json_out.h>

#define ANSWER_MAX (64u << 20)

struct client;
// One request and its whole answer. body NULL: none. ERR_* of the server's own code.
int client_call(struct client *cl, const char *method, const char *path, const struct buf *body,
                struct buf *out, struct err *e);
// A streamed answer, line by line; on_line returns -1 with *e filled to end it.
struct client_stream {
    int (*on_line)(struct client_stream *s, const char *line, size_t len, struct err *e);
};
int client_follow(struct client *cl, const char *method, const char *path, const struct buf *body,
                  struct client_stream *s, struct err *e);
// An answer that may be large, as its bytes come. An answer other than success becomes *e.
struct client_sink {
    int (*on_bytes)(struct client_sink *s, const void *p, size_t n, struct err *e);
};
int client_fetch(struct client *cl, const char *path, struct client_sink *s, struct err *e);
// A WebSocket (socket.c). One at a time, and no other request while there is one. NULL with *e.
struct client_socket;
struct client_message {
    bool text;
    const char *p;
    size_t n;
};
struct client_socket *client_socket(struct client *cl, const char *path, struct err *e);
void client_socket_free(struct client_socket *s); // NULL is fine
int client_socket_fd(const struct client_socket *s);
int client_socket_send(struct client_socket *s, bool text, const void *p, size_t n, struct err *e);
// All messages that have come, without waiting. 1: the server closed it, 0: others may come.
int client_socket_read(struct client_socket *s, void (*on_message)(void *, struct client_message *),
                       void *arg, struct err *e);
// Percent-encode one part of a path; free() it.
char *client_part(const char *s);

// show.c
// Indented JSON for people; the text is what the server sent.
void show_pretty(const char *text, size_t len, struct buf *out);
int show_answer(const struct cli *c, const struct buf *answer);
// Pages of a list as lines: each item read by the table into a zeroed struct and shown.
struct show_list {
    const char *path;
    const struct json_table *item;
    const char *heading;
    void (*show)(const void *item, struct buf *out);
};
int show_list(struct cli *c, const struct show_list *l);
// The same of what this host knows itself: begin, an object for each item, end.
void show_local_begin(struct json_out *o, struct buf *answer);
int show_local_end(struct cli *c, const struct show_list *l, struct json_out *o);

// build.c: a build's log on stderr until its end. 0, or EXIT_FAILED and the reason was printed.
int follow_build(struct cli *c, const char *path, const char *what);
