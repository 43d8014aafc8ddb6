// SPDX-License-Identifier: Apache-2.0
// Execs: run and collect, look at, feed, signal, forget. Streams are in live.c.
#include "live_int.h"
#include "routes_int.h"

#include <stdio.h>
#include <strings.h>

// --- run ------------------------------------------------------------------------------------

// The answer's own limit cuts a stream just as what is kept does: both are said.
static void write_collected(struct json_out *o, const struct exec *x)
{
    struct exec_view v;
    v1_exec_view_of(x, &v);
    v.truncated.out = v.truncated.out || x->data_len[EXEC_STDOUT] < x->out[EXEC_STDOUT].total;
    v.truncated.err = v.truncated.err || x->data_len[EXEC_STDERR] < x->out[EXEC_STDERR].total;
    json_show_members(o, &v1_exec_shape, &v);
    json_bytes(o, "stdout", x->data[EXEC_STDOUT] ? x->data[EXEC_STDOUT] : "",
               x->data_len[EXEC_STDOUT]);
    json_bytes(o, "stderr", x->data[EXEC_STDERR] ? x->data[EXEC_STDERR] : "",
               x->data_len[EXEC_STDERR]);
}

static void show_exec(struct call *c, int status, const struct exec *x)
{
    struct exec_view v;
    v1_exec_view_of(x, &v);
    v1_call_show(c, status, &v1_exec_shape, &v);
}

static void show_accepted(struct call *c, const struct exec *x)
{
    memcpy(c->id, x->id, sizeof(c->id));
    c->location = "/v1/execs/";
    show_exec(c, 202, x);
}

static void on_ended(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct exec *x = w->result;
    struct answer a;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    if (x->status != EXEC_ENDED) { // this server leaves, and it goes on
        show_accepted(c, x);
        return;
    }
    v1_answer_begin(&a);
    write_collected(&a.o, w->result);
    v1_call_answer(c, 200, &a);
}

static void on_accepted(struct waiter *w) // a background exec
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        show_accepted(c, w->result);
}

static int read_spec(struct http_req *r, bool once, struct json_pool *pool, struct exec_spec *ret)
{
    struct json_fault f;
    struct exec_body b = {0};
    if (v1_read_body(r, once ? &v1_once_table : &v1_exec_table, pool, &b))
        return -1;
    if (!v1_exec_spec_of(&b, pool, ret, &f))
        return 0;
    v1_fault(r, &f);
    return -1;
}

// A route with a workspace in it runs there, else in a fresh sandbox.
static void start(struct call *c)
{
    struct err e;
    struct workspace *ws = NULL;
    struct exec_spec spec;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    bool once = !c->r->n_params;
    if ((!once && !(ws = v1_find_workspace(c->r))) || read_spec(c->r, once, &pool, &spec)) {
        v1_call_refused(c);
        return;
    }
    if (c->idem_new) // its repetition wants the end
        spec.detach = true;
    spec.may_leave = true;
    c->w.on_done = spec.background ? on_accepted : on_ended;
    struct exec *x = core_exec_start(c->v->core, ws, &spec, &c->w, &e);
    (void)v1_call_started(c, x ? 0 : -1, &e);
}

static void run_streaming(struct http_req *r)
{
    static const struct http_refusal no_key = {
        400, "idempotency_not_possible",
        "a stream cannot be repeated under an Idempotency-Key; run it in the background", NULL, 0};
    if (*http_header(r, "idempotency-key")) {
        v1_refuse(r, &no_key);
        return;
    }
    struct workspace *ws = NULL;
    struct exec_spec spec;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (v1_streams_exhausted(r) || (r->n_params && !(ws = v1_find_workspace(r))) ||
        read_spec(r, !r->n_params, &pool, &spec))
        return;
    v1_live_exec(r, ws, &spec);
}

void v1_exec_run(struct http_req *r)
{
    if (http_wants_events(r))
        run_streaming(r);
    else
        v1_call_begin(v1_call_new(r, sizeof(struct call)), start);
}

void v1_exec_once(struct http_req *r)
{
    v1_exec_run(r);
}

// --- look -----------------------------------------------------------------------------------

static void list(struct http_req *r, const char *workspace)
{
    struct page page;
    struct exec *all[PAGE_MAX];
    struct answer a;
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_exec_list(v1_of(r)->core, workspace, page.after, all, page.limit, &page.more);
    v1_page_begin(&a);
    for (size_t i = 0; i < n; i++) {
        struct exec_view v;
        v1_exec_view_of(all[i], &v);
        json_show(&a.o, NULL, &v1_exec_shape, &v);
    }
    v1_page_send(r, &a, PAGE_NEXT(&page, all, n));
}

void v1_execs_list(struct http_req *r)
{
    list(r, "");
}

void v1_execs_of_workspace(struct http_req *r)
{
    const struct workspace *ws = v1_find_workspace(r);
    if (ws)
        list(r, ws->id);
}

static void on_waited(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        show_exec(c, 200, w->result);
}

static void get(struct http_req *r, uint64_t wait_ms)
{
    struct err e;
    struct exec *x = v1_find_exec(r);
    if (!x)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    if (!wait_ms || x->status == EXEC_ENDED) {
        show_exec(c, 200, x);
        return;
    }
    c->w.on_done = on_waited;
    (void)v1_call_started(c, core_exec_wait(c->v->core, x, wait_ms, &c->w, &e), &e);
}

void v1_execs_get(struct http_req *r)
{
    uint64_t wait_ms;
    if (!v1_param_wait(r, &wait_ms))
        get(r, wait_ms);
}

void v1_execs_wait(struct http_req *r)
{
    uint64_t wait_ms;
    if (!v1_param_wait(r, &wait_ms))
        get(r, http_query(r, "wait") ? wait_ms : v1_of(r)->conf.max_wait_ms);
}

// --- feed and signal ------------------------------------------------------------------------

struct stdin_body {
    struct json_text data, data_base64;
    bool close;
};
static const struct json_field stdin_fields[] = {
    JSON_FIELD(struct stdin_body, data, JSON_TEXT),
    JSON_FIELD(struct stdin_body, data_base64, JSON_BASE64),
    JSON_FIELD(struct stdin_body, close, JSON_BOOL, .doc = "end of file after this"),
};
const struct json_table v1_stdin_table = {"StdinBody", stdin_fields, N_ELEMS(stdin_fields),
                                          sizeof(struct stdin_body), -1};

static void on_empty(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_empty(c, 204);
}

// JSON, or the bytes themselves with any other content type.
void v1_execs_stdin(struct http_req *r)
{
    struct err e;
    struct exec *x = v1_find_exec(r);
    struct stdin_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (!x || v1_param_bool(r, "close", false, &b.close))
        return;
    bool json = !strncasecmp(http_header(r, "content-type"), "application/json", 16);
    if (json && v1_read_body(r, &v1_stdin_table, &pool, &b))
        return;
    struct json_text in = {r->body, r->body_len};
    if (json)
        in = b.data_base64.p ? b.data_base64 : b.data;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_empty;
    int bad = core_exec_stdin(c->v->core, x, in.p ? in.p : "", in.len, b.close, &c->w, &e);
    (void)v1_call_started(c, bad, &e);
}

struct signal_body {
    const char *signal;
};
static const struct json_field signal_fields[] = {
    JSON_FIELD(struct signal_body, signal, JSON_RAW, .flags = JSON_REQUIRED, .max = 24,
               .doc = "a name, as TERM or SIGTERM, or a number"),
};
const struct json_table v1_signal_table = {"SignalBody", signal_fields, 1,
                                           sizeof(struct signal_body), -1};

static void answer_done(struct http_req *r, int bad, const struct err *e)
{
    if (bad)
        v1_err(r, e);
    else
        http_reply_empty(r, 204);
}

void v1_execs_signal(struct http_req *r)
{
    struct err e;
    struct signal_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    struct exec *x = v1_find_exec(r);
    if (!x || v1_read_body(r, &v1_signal_table, &pool, &b))
        return;
    char name[32];
    int signal;
    (void)snprintf(name, sizeof(name), "%s", b.signal + (*b.signal == '"'));
    name[strcspn(name, "\"")] = '\0';
    if (signal_parse(name, &signal, &e))
        v1_bad(r, "/signal", "is no signal");
    else
        answer_done(r, core_exec_signal(v1_of(r)->core, x, signal, &e), &e);
}

void v1_execs_cancel(struct http_req *r)
{
    struct err e;
    struct exec *x = v1_find_exec(r);
    if (x)
        answer_done(r, core_exec_cancel(v1_of(r)->core, x, &e), &e);
}

struct resize_body {
    uint32_t rows, cols;
};
static const struct json_field resize_fields[] = {
    JSON_FIELD(struct resize_body, rows, JSON_U32, .flags = JSON_REQUIRED, .min = 1, .max = 1000),
    JSON_FIELD(struct resize_body, cols, JSON_U32, .flags = JSON_REQUIRED, .min = 1, .max = 1000),
};
const struct json_table v1_resize_table = {"ResizeBody", resize_fields, 2,
                                           sizeof(struct resize_body), -1};

void v1_execs_resize(struct http_req *r)
{
    struct err e;
    struct resize_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    struct exec *x = v1_find_exec(r);
    if (!x || v1_read_body(r, &v1_resize_table, &pool, &b))
        return;
    answer_done(r, core_exec_resize(v1_of(r)->core, x, (uint16_t)b.rows, (uint16_t)b.cols, &e), &e);
}

void v1_execs_delete(struct http_req *r)
{
    struct err e;
    struct exec *x = v1_find_exec(r);
    if (!x)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_empty;
    (void)v1_call_started(c, core_exec_delete(c->v->core, x, &c->w, &e), &e);
}
