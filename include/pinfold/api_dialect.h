// SPDX-License-Identifier: Apache-2.0
// What dialects share. A dialect is a table of routes, the words of its errors and small functions
// over the verbs of core; the rest is here: who calls, requests that wait, answers, events of runs.
// Each is served at its documented paths and, as paths of two may be the same, beneath /NAME too.
#pragma once
#include <pinfold/core_exec.h>
#include <pinfold/core_hook.h>
#include <pinfold/core_token.h>
#include <pinfold/http.h>
#include <pinfold/json_out.h>

struct http_counters;
struct http_server;

struct dialects_conf;
struct dialect {
    const char *name, *title; // "codecloud"; as people write it
    const char *base; // paths beneath it that no route has are refused in its words: "/api/v1"
    const struct http_route *routes;
    unsigned n_routes;
    void (*error)(struct http_req *r, int status, const char *text);
    const char *no_token, *bad_token; // what 401 says
    // Of those that have the same path: is the request, by its credential, meant for this one?
    bool (*claims)(struct http_req *r); // NULL: no
    bool tokenless;                     // its clients have none: see OpenDialects=
    const struct hook_style *hooks;     // of the webhooks of its runs; NULL: pinfold's own
    bool (*gate)(struct http_req *r);   // instead of asking for a token; NULL
    // What it remembers between requests (dialect_state), made before the first and ended when
    // nothing of it waits for a verb any more. NULL: nothing.
    void *(*begin)(const struct dialects_conf *conf);
    void (*end)(void *state);
};

struct dialects_conf {
    struct core *core;
    const char *hosts; // HOST=NAME or HOST:PORT=NAME, blanks between: who a request for that is for
    const char *open;  // names of the tokenless ones that this machine may use without a token
    bool progress;     // webhooks tell of progress where a dialect has that
    const char *version; // of pinfold; static
    uint64_t session_ms; // how long a login is good for
    bool password;       // PasswordFile= is set: logins without a name are possible
    uint64_t max_streams;
    const struct http_counters *counters;
    // Told of errors that are ours, whose text is not shown to clients; may be NULL.
    void (*on_internal)(void *arg, const char *request_id, const struct err *e);
    void *arg;
};
struct dialects;
// The table and what conf points to are borrowed. Those that stand earlier are asked first.
struct dialects *dialects_new(const struct dialects_conf *conf, const struct dialect *const *table,
                              unsigned n);
int dialects_mount(struct dialects *d, struct http_server *server, struct err *e);
void dialects_free(struct dialects *d); // after http_server_run has returned
// Does the table of hosts say that the request is for `name`? 1 yes, 0 for another, -1 nothing.
int dialects_by_host(const struct dialects *d, struct http_req *r, const char *name);

// --- for dialects -------------------------------------------------------------------------------

struct core *dialect_core(const struct http_req *r);
const struct dialects_conf *dialect_conf(const struct http_req *r);
void *dialect_state(const struct http_req *r);

#define DIALECT_ANSWER_MAX (64u << 20)
struct dialect_answer {
    struct buf b;
    struct json_out o;
};
void dialect_answer_begin(struct dialect_answer *a); // then one value is written to a->o
void dialect_answer_send(struct http_req *r, int status, struct dialect_answer *a);
// Each finishes the request in the dialect's words.
void dialect_error(struct http_req *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void dialect_err(struct http_req *r, const struct err *e);
// Members that the table does not know are ignored, as by the dialects' own servers. No body at all
// reads as {}. False: answered.
bool dialect_body(struct http_req *r, const struct json_table *t, struct json_pool *pool,
                  void *ret);
bool dialect_query_u64(struct http_req *r, const char *name, uint64_t min, uint64_t max,
                       uint64_t *value); // *value stays when there is none; false: answered
// "owner/repo", letters, digits, . _ - in both?
bool dialect_owner_repo(const char *s);
// The first line of a text, as far as it makes a title.
#define DIALECT_TITLE_MAX 84
const char *dialect_title(const char *text, char ret[DIALECT_TITLE_MAX]);

void dialect_time(struct json_out *o, const char *name, uint64_t wall_ms); // whole seconds; 0: null
// What a client leaves out is the server's default: the first provider, its first model.
void dialect_default_model(struct core *c, const char *agent, const char **provider,
                           const char **model);

// An id as a UUID: its 100 bits spread over one of version 4, so that it needs no table and the same
// thing has the same UUID for ever.
#define UUID_MAX 37
#define UUID_NIL "00000000-0000-0000-0000-000000000000"
const char *uuid_of(const char *prefix, const char *id, char out[UUID_MAX]);
// The id of a UUID, in upper or lower case. False: not a UUID. *id is "" for one that cannot be an id's
// and for the nil UUID (then *nil is set).
bool uuid_parse(const char *prefix, const char *s, char id[ID_MAX], bool *nil);

// --- requests that wait --------------------------------------------------------------------------

// The first member of a handler's own struct. When the client leaves, the wait is cancelled.
struct dialect_call {
    struct list link; // of all that wait
    struct http_req *r;
    struct core *core;
    struct waiter w;
    void (*release)(struct dialect_call *c); // of what its owner holds; NULL: nothing
    void (*next)(struct dialect_call *c);
    struct idem_request idem;
    bool idem_new;        // the answer is to be kept
    char subject[ID_MAX]; // what it is about: its owner's own
    int status;
    struct buf kept;
};
// Zeroed memory of `size` bytes; on_done as given.
void *dialect_call_new(struct http_req *r, size_t size, void (*on_done)(struct waiter *));
struct dialect_call *dialect_call_of(struct waiter *w);
// Go on with next, at once or, with a key, once it is known that it is new.
void dialect_call_once(struct dialect_call *c, const char *key,
                       void (*next)(struct dialect_call *c));
// Each finishes the request and frees the call.
void dialect_call_fail(struct dialect_call *c, const struct err *e);
void dialect_call_send(struct dialect_call *c, int status, struct dialect_answer *a);
// In on_done: the error, or what write makes of the verb's result.
void dialect_call_done(struct waiter *w, int status,
                       void (*write)(struct json_out *o, const void *result));
void dialect_call_refused(struct dialect_call *c); // the request was answered already
void dialect_call_free(struct dialect_call *c);    // the same, nothing of it is to be kept

// --- events of runs ------------------------------------------------------------------------------

struct run_view {
    uint64_t after, types;
    uint64_t skip, max;                              // of an array's; max 0: all
    const char *(*name)(const struct run_event *ev); // of its frame in a stream; NULL: it has none
    // The JSON value of one event.
    void (*write)(struct json_out *o, const struct run *run, const struct run_event *ev);
};
// All of them, as one array.
void dialect_events(struct http_req *r, struct run *run, const struct run_view *view);
// Replayed and then live as SSE, with the events' ids; the last frame is `end`.
void dialect_stream(struct http_req *r, struct run *run, const struct run_view *view);
// What a run has printed, of all its turns, as plain text.
void dialect_log(struct http_req *r, const struct run *run);
// A terminal over a WebSocket: what it shows as binary messages, from the beginning of what is kept; the
// client's are {"type": "resize", "rows", "cols"}, {"type": "input", "data"} or what is typed. Of
// an exec that there is, or a new one, which ends with the connection.
void dialect_terminal(struct http_req *r, struct exec *x);
void dialect_terminal_new(struct http_req *r, struct exec_spec *spec);
// Too many streams already? Then the request is finished with 429.
bool dialect_streams_exhausted(struct http_req *r);
