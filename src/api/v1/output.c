// SPDX-License-Identifier: Apache-2.0
// Kept output and logs by offset: as they are, or as JSON, or followed while they grow.
#include "live_int.h"
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <pinfold/num.h>
#include <stdio.h>

#define READ_MAX (1024 * 1024)

struct reading {
    struct http_req *r;
    struct output_read o;
    output_read_fn *read_fn;
    const char *type;
    uint64_t left; // of what was asked for
    bool begun;
    const char *stream;
};

static void free_reading(struct reading *g)
{
    waiter_cancel(&g->o.w);
    free(g);
}

static void on_gone(struct http_req *r)
{
    struct reading *g = r->user;
    if (g->begun)
        http_stream_end(r);
    else
        http_drop(r);
    free_reading(g);
}

static struct reading *reading_new(struct http_req *r, output_read_fn *read_fn)
{
    uint64_t offset, limit;
    if (v1_param_u64(r, "offset", 0, UINT64_MAX, &offset) ||
        v1_param_u64(r, "limit", UINT64_MAX, UINT64_MAX, &limit))
        return NULL;
    struct reading *g = xcalloc(1, sizeof(*g));
    g->r = r;
    g->read_fn = read_fn;
    g->o.offset = offset;
    g->left = limit;
    r->user = g;
    r->on_gone = on_gone;
    return g;
}

static void read_more(struct reading *g)
{
    struct err e;
    g->o.max = g->left < READ_MAX ? (size_t)g->left : READ_MAX;
    if (!g->read_fn(g->r, &g->o, &e))
        return;
    struct http_req *r = g->r;
    bool begun = g->begun;
    free(g);
    if (begun)
        http_stream_cut(r);
    else
        v1_err(r, &e);
}

// --- as it is -------------------------------------------------------------------------------

static void on_text(struct waiter *w);

static void on_writable(struct http_req *r)
{
    read_more(r->user);
}
static const struct http_stream_ops text_ops = {.on_writable = on_writable};

static void text_headers(struct reading *g)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)g->o.total);
    http_set_header(g->r, "x-total-bytes", number);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)g->o.offset);
    http_set_header(g->r, "x-offset", number);
    http_set_header(g->r, "x-truncated", g->o.kept_end < g->o.total ? "true" : "false");
}

// The most common case, all of it in one read, is one answer with a length.
static void on_text(struct waiter *w)
{
    struct reading *g = container_of(container_of(w, struct output_read, w), struct reading, o);
    struct http_req *r = g->r;
    if (w->err.code) {
        bool begun = g->begun;
        free(g);
        if (begun)
            http_stream_cut(r);
        else
            v1_err(r, &w->err);
        return;
    }
    g->left -= g->o.len;
    bool last = !g->o.len || !g->left || g->o.offset + g->o.len >= g->o.kept_end;
    if (!g->begun) {
        text_headers(g);
        if (last) {
            http_reply(r, 200, g->type, g->o.data ? g->o.data : "", g->o.len);
            free(g);
            return;
        }
        g->begun = true;
        if (!http_stream_begin(r, 200, HTTP_BYTES, g->type, &text_ops)) {
            free(g);
            return;
        }
    }
    http_stream_write(r, g->o.data, g->o.len);
    g->o.offset += g->o.len;
    if (last) {
        http_stream_end(r);
        free(g);
    } else if (!http_stream_full(r)) {
        read_more(g);
    }
}

void v1_output_text(struct http_req *r, const char *type, output_read_fn *read_fn)
{
    struct reading *g = reading_new(r, read_fn);
    if (!g)
        return;
    g->type = type;
    g->o.w.on_done = on_text;
    read_more(g);
}

// --- as JSON --------------------------------------------------------------------------------

static void on_json(struct waiter *w)
{
    struct reading *g = container_of(container_of(w, struct output_read, w), struct reading, o);
    struct http_req *r = g->r;
    struct answer a;
    if (w->err.code) {
        v1_err(r, &w->err);
        free(g);
        return;
    }
    v1_answer_begin(&a);
    if (g->stream)
        json_str(&a.o, "stream", g->stream);
    json_u64(&a.o, "offset", g->o.offset);
    json_bytes(&a.o, "data", g->o.data ? g->o.data : "", g->o.len);
    json_u64(&a.o, "next_offset", g->o.offset + g->o.len);
    json_u64(&a.o, "total_bytes", g->o.total);
    json_u64(&a.o, "kept_bytes", g->o.kept_end);
    json_bool(&a.o, "truncated", g->o.kept_end < g->o.total);
    json_bool(&a.o, "ended", g->o.ended);
    v1_answer_send(r, 200, &a);
    free(g);
}

void v1_output_json(struct http_req *r, const char *stream, output_read_fn *read_fn)
{
    struct reading *g = reading_new(r, read_fn);
    if (!g)
        return;
    g->stream = stream;
    g->o.w.on_done = on_json;
    read_more(g);
}

// --- of execs -------------------------------------------------------------------------------

static int follow_exec(struct http_req *r, struct follower *f, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct exec *x = core_exec_find(v->core, r->params[0], e);
    return x ? core_exec_follow(v->core, x, f, e) : -1;
}

static int read_exec(struct http_req *r, struct output_read *o, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct exec *x = core_exec_find(v->core, r->params[0], e);
    return x ? core_exec_read(v->core, x, o, e) : -1;
}

static int read_exec_stderr(struct http_req *r, struct output_read *o, struct err *e)
{
    o->stream = EXEC_STDERR;
    return read_exec(r, o, e);
}

static bool wants_events(struct http_req *r)
{
    const char *v = http_query(r, "follow");
    return http_wants_events(r) || (v && strcmp(v, "0") && strcmp(v, "false"));
}

void v1_execs_output(struct http_req *r)
{
    const char *stream = http_query(r, "stream");
    if (wants_events(r))
        v1_live_stream(r, false, follow_exec);
    else if (!stream || !strcmp(stream, "stdout"))
        v1_output_json(r, "stdout", read_exec);
    else if (!strcmp(stream, "stderr"))
        v1_output_json(r, "stderr", read_exec_stderr);
    else
        v1_bad_param(r, "stream", "must be stdout or stderr");
}

void v1_execs_stdout(struct http_req *r)
{
    v1_output_text(r, "application/octet-stream", read_exec);
}

void v1_execs_stderr(struct http_req *r)
{
    v1_output_text(r, "application/octet-stream", read_exec_stderr);
}

// --- of logs --------------------------------------------------------------------------------

// Text unless JSON or events are asked for.
static void show_log(struct http_req *r, output_read_fn *read_fn, live_attach_fn *follow)
{
    static const char *const types[] = {"text/plain", "application/json", NULL};
    if (wants_events(r))
        v1_live_stream(r, true, follow);
    else if (http_accepts(http_header(r, "accept"), types) == 1)
        v1_output_json(r, NULL, read_fn);
    else
        v1_output_text(r, "text/plain; charset=utf-8", read_fn);
}

static int read_build(struct http_req *r, struct output_read *o, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct build *b = core_build_find(v->core, r->params[0], e);
    return b ? core_build_log_read(v->core, b, o, e) : -1;
}

static int follow_build(struct http_req *r, struct follower *f, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct build *b = core_build_find(v->core, r->params[0], e);
    return b ? core_build_log_follow(v->core, b, f, e) : -1;
}

void v1_builds_log(struct http_req *r)
{
    show_log(r, read_build, follow_build);
}

static struct build *last_build(struct http_req *r, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct workspace *ws = core_workspace_find(v->core, r->params[0], e);
    if (!ws)
        return NULL;
    if (*ws->build)
        return core_build_find(v->core, ws->build, e);
    err_set(e, ERR_NOT_FOUND, "workspace %s has not been built", ws->name);
    return NULL;
}

static int read_last_build(struct http_req *r, struct output_read *o, struct err *e)
{
    struct build *b = last_build(r, e);
    return b ? core_build_log_read(v1_of(r)->core, b, o, e) : -1;
}

static int follow_last_build(struct http_req *r, struct follower *f, struct err *e)
{
    struct build *b = last_build(r, e);
    return b ? core_build_log_follow(v1_of(r)->core, b, f, e) : -1;
}

void v1_workspaces_build_log(struct http_req *r)
{
    show_log(r, read_last_build, follow_last_build);
}

static int read_init(struct http_req *r, struct output_read *o, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct workspace *ws = core_workspace_find(v->core, r->params[0], e);
    return ws ? core_init_log_read(v->core, ws, o, e) : -1;
}

static int follow_init(struct http_req *r, struct follower *f, struct err *e)
{
    struct v1 *v = v1_of(r);
    struct workspace *ws = core_workspace_find(v->core, r->params[0], e);
    return ws ? core_init_log_follow(v->core, ws, f, e) : -1;
}

void v1_workspaces_init_log(struct http_req *r)
{
    show_log(r, read_init, follow_init);
}

// --- of runs ----------------------------------------------------------------------------------

struct exec *v1_run_exec(struct http_req *r, const struct run *run, uint64_t turn, struct err *e)
{
    struct core *c = v1_of(r)->core;
    if (turn && turn < run->turn)
        return core_exec_find(c, run->turns[turn - 1], e);
    if (*run->exec && (run->started_ms || run->ended_ms))
        return core_exec_find(c, run->exec, e);
    err_set(e, ERR_CONFLICT, "run %s is %s: it has printed nothing", run->id,
            run_state_name(run->state));
    return NULL;
}

// A run's output is that of its turn's command.
static struct exec *exec_of_run(struct http_req *r, struct err *e)
{
    const struct run *run = core_run_find(v1_of(r)->core, r->params[0], e);
    const char *turn = http_query(r, "turn");
    uint64_t n = 0;
    if (!run || (turn && num_parse_u64(turn, 1, run->turn, &n, e)))
        return NULL;
    return v1_run_exec(r, run, n, e);
}

static int read_run(struct http_req *r, struct output_read *o, struct err *e)
{
    struct exec *x = exec_of_run(r, e);
    const char *stream = http_query(r, "stream");
    o->stream = stream && !strcmp(stream, "stderr") ? EXEC_STDERR : EXEC_STDOUT;
    return x ? core_exec_read(v1_of(r)->core, x, o, e) : -1;
}

static int follow_run(struct http_req *r, struct follower *f, struct err *e)
{
    struct exec *x = exec_of_run(r, e);
    return x ? core_exec_follow(v1_of(r)->core, x, f, e) : -1;
}

void v1_runs_logs(struct http_req *r)
{
    const char *stream = http_query(r, "stream");
    if (stream && strcmp(stream, "stdout") && strcmp(stream, "stderr"))
        v1_bad_param(r, "stream", "must be stdout or stderr");
    else if (wants_events(r))
        v1_live_stream(r, false, follow_run);
    else if (http_query(r, "contains"))
        v1_output_search(r, read_run);
    else
        show_log(r, read_run, follow_run);
}
