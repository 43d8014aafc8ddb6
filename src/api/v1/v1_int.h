// SPDX-License-Identifier: Apache-2.0
// Shared inside api/v1.
//
// Theory of operation. A route's handler parses, calls a verb of core and answers. What must wait
// lives in a `struct call`, which knows the request and the waiter: when the client leaves first,
// the waiter is cancelled and the call freed; when the verb is done first, the call answers and
// frees itself. Answers are written from shapes (json_show.h), bodies are read by tables (json.h),
// and the OpenAPI document is printed from both.
#pragma once
#include <pinfold/api_v1.h>
#include <pinfold/core.h>
#include <pinfold/core_build.h>
#include <pinfold/core_exec.h>
#include <pinfold/core_token.h>
#include <pinfold/core_workspace.h>
#include <pinfold/http_stream.h>
#include <pinfold/http_ws.h>
#include <pinfold/json_show.h>
#include <pinfold/list.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <assert.h>
#include <string.h>

#define ANSWER_MAX (96 * 1024 * 1024) // of any JSON answer: two streams of 16 MiB, escaped
#define PAGE_DEFAULT 50
#define PAGE_MAX 500
#define PING_MS 15000 // of streams of events

struct v1 {
    struct core *core;
    struct loop *loop;
    struct v1_conf conf;
    struct http_api api;
    struct http_route *routes; // the table with the limits of conf filled in
    struct list calls;         // all that wait
    struct buf openapi;        // the document, once it was asked for
};
static inline struct v1 *v1_of(const struct http_req *r)
{
    return r->api->arg;
}

// --- problems (problem.c) ---------------------------------------------------------------------

// Each finishes the request with an RFC 9457 document.
void v1_refuse(struct http_req *r, const struct http_refusal *why);
void v1_err(struct http_req *r, const struct err *e);
void v1_fault(struct http_req *r, const struct json_fault *f);
// A fault of one member, found after reading: 422.
void v1_bad(struct http_req *r, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// A bad query parameter: 400.
void v1_bad_param(struct http_req *r, const char *name, const char *what);
// The members of an error, for streams' last event.
void v1_err_members(struct v1 *v, const char *request_id, struct json_out *o, const struct err *e);

// --- answers (answer.c) -----------------------------------------------------------------------

struct answer {
    struct buf b;
    struct json_out o;
};
// Begin an outermost object; its writer is &a->o. v1_answer_send closes it and finishes the request.
void v1_answer_begin(struct answer *a);
void v1_answer_send(struct http_req *r, int status, struct answer *a);
void v1_answer_show(struct http_req *r, int status, const struct json_shape *shape, const void *at);

struct page {
    size_t limit;
    const char *after;
    bool more; // there are others behind
    char cursor[CURSOR_MAX];
};
int v1_page_parse(struct http_req *r, struct page *ret); // -1: the request is finished
// A page of n things of one shape; `all` is an array of pointers to them.
void v1_page_show(struct http_req *r, const struct json_shape *shape, const void *all, size_t n,
                  const char *next);
// Where the page after the one in `all` begins; NULL: there is none.
#define PAGE_NEXT(p, all, n)                                                                       \
    ((p)->more ? core_cursor((all)[(n)-1]->id, (all)[(n)-1]->created_ms, (p)->cursor) : NULL)
// Items are written between these; next: id for the next page or NULL.
void v1_page_begin(struct answer *a);
void v1_page_send(struct http_req *r, struct answer *a, const char *next);

// Query parameters; -1: the request is finished.
int v1_param_bool(struct http_req *r, const char *name, bool def, bool *ret);
int v1_param_u64(struct http_req *r, const char *name, uint64_t def, uint64_t max, uint64_t *ret);
int v1_param_wait(struct http_req *r, uint64_t *ret_ms); // ?wait=SECONDS, cut to what is allowed
// Read the body by a table; -1: the request is finished.
int v1_read_body(struct http_req *r, const struct json_table *t, struct json_pool *pool, void *ret);

struct workspace *v1_find_workspace(struct http_req *r); // by params[0]; NULL: finished
struct exec *v1_find_exec(struct http_req *r);
struct build *v1_find_build(struct http_req *r);

// --- calls that wait (call.c) -----------------------------------------------------------------

struct call {
    struct list link; // in v1.calls
    struct http_req *r;
    struct v1 *v;
    struct waiter w;
    struct idem_request idem;
    bool idem_new; // the answer is to be kept
    int status;
    uint64_t wait_ms;
    const char *location; // what stands before the id in the Location header, or NULL
    char id[ID_MAX];      // of what was made
    struct buf kept;      // the answer while it is being recorded
    struct buf shown;     // sent instead, when not all of the answer may be kept
    char head[160];
    void (*next)(struct call *c);
};
// size: of the caller's struct, whose first member it is. Freed by whatever ends it.
void *v1_call_new(struct http_req *r, size_t size);
// Go on with next, at once or once it is known that the request's Idempotency-Key is new.
void v1_call_begin(struct call *c, void (*next)(struct call *c));
// Ends: each finishes the request and frees the call.
void v1_call_err(struct call *c, const struct err *e);
void v1_call_answer(struct call *c, int status, struct answer *a);
// The same, but what is kept for a repetition is `kept`, without what is shown only once.
void v1_call_answer_once(struct call *c, int status, struct answer *a, struct answer *kept);
void v1_call_show(struct call *c, int status, const struct json_shape *shape, const void *at);
void v1_call_empty(struct call *c, int status);
void v1_call_done_empty(struct waiter *w); // of a call's waiter: 204, or the error
// The request was finished already, by a refusal.
void v1_call_refused(struct call *c);
void v1_call_free(struct call *c); // without finishing the request
// What a verb returned: on failure the call is ended.
bool v1_call_started(struct call *c, int result, const struct err *e);

// --- shapes (shapes.c) ------------------------------------------------------------------------

extern const struct json_shape v1_workspace_shape, v1_exec_shape, v1_build_shape, v1_image_shape,
    v1_profile_shape, v1_token_shape, v1_user_shape, v1_limits_shape, v1_repository_shape,
    v1_entry_shape, v1_network_view_shape, v1_snapshot_shape;
struct exec_view { // an exec as it is shown
    const struct exec *x;
    const char *id, *workspace, *image, *profile, *command, *cwd, *user, *reason, *signal, *detail;
    const char *const *argv;
    bool tty, background, stdin_open, timed_out, oom_killed;
    uint32_t status;
    uint64_t created_ms, started_ms, ended_ms, timeout_ms;
    int exit_code;
    uint32_t signal_number;
    uint64_t duration_ms, cpu_ms, max_memory_bytes, stdout_bytes, stderr_bytes;
    struct exec_truncated {
        bool out, err;
    } truncated;
};
void v1_exec_view_of(const struct exec *x, struct exec_view *ret);
// A JSON member's map as NAME=value strings in the pool; NULL after a fault (finished).
const char *const *v1_map_to_env(struct http_req *r, struct json_pool *pool, const char *pointer,
                                 const struct json_map *map);

// --- bodies shared by routes (exec_body.c) ----------------------------------------------------

struct network_body {
    uint64_t given;
    uint32_t mode;
    struct json_strings allow;
    bool learn;
};
enum { NETWORK_MODE, NETWORK_ALLOW, NETWORK_LEARN };
extern const struct json_table v1_limits_table, v1_network_table, v1_exec_table, v1_once_table;
struct exec_body {
    uint64_t given;
    const char *command;
    struct json_strings argv;
    const char *cwd;
    struct json_map env;
    struct json_text input, input_base64;
    bool stdin_open, tty, background, detach;
    uint64_t timeout_ms, max_output_bytes, keep_output_bytes;
    const char *user;
    uint32_t rows, cols;
    struct limits limits;
    const char *image, *profile;
    struct network_body network;
    struct json_strings secrets;
    const char *files;
};
// From a body that was read to what core wants; -1 with *f filled.
int v1_exec_spec_of(const struct exec_body *b, struct json_pool *pool, struct exec_spec *ret,
                    struct json_fault *f);
const char *const *v1_strings(const struct json_strings *list, struct json_pool *pool);
// *ret_allow stays NULL when no list is given.
int v1_network_of(const struct network_body *b, struct json_pool *pool, enum net_mode *ret,
                  const char *const **ret_allow, struct json_fault *f);
int v1_check_limits(const struct limits *l, struct json_fault *f);
int v1_json_fault_at(struct json_fault *f, const char *pointer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
