// SPDX-License-Identifier: Apache-2.0
// A terminal over a WebSocket.
#include "dialect_int.h"

#include <pinfold/http_ws.h>
#include <pinfold/json.h>
#include <pinfold/own.h>
#include <string.h>

enum { CLOSE_NORMAL = 1000, CLOSE_GOING_AWAY = 1001, CLOSE_RESTART = 1012 }; // RFC 6455

struct terminal {
    struct core *core;
    struct http_ws *ws;
    struct follower f;
    struct waiter fed; // the last input is taken
    bool feeding;
    char exec[ID_MAX];
};

struct control {
    const char *type;
    struct json_text data;
    uint32_t rows, cols;
};
static const struct json_field fields[] = {
    JSON_FIELD(struct control, type, JSON_STRING, .flags = JSON_REQUIRED, .max = 20),
    JSON_FIELD(struct control, data, JSON_TEXT),
    JSON_FIELD(struct control, rows, JSON_U32, .min = 1, .max = 1000),
    JSON_FIELD(struct control, cols, JSON_U32, .min = 1, .max = 1000),
};
static const struct json_table table = {"Control", fields, N_ELEMS(fields), sizeof(struct control),
                                        -1};

static void terminal_over(struct terminal *t, unsigned code, const char *why)
{
    struct err e;
    struct http_ws *ws = t->ws;
    struct exec *x = core_exec_find(t->core, t->exec, &e);
    if (x)
        core_exec_unclaim(x, t);
    core_follow_stop(&t->f); // ends what was begun for this connection
    waiter_cancel(&t->fed);
    free(t);
    if (ws)
        http_ws_close(ws, code, why);
}

// --- what it shows --------------------------------------------------------------------------------

static void on_data(struct follower *f, enum exec_stream s, uint64_t offset, const void *p,
                    size_t n)
{
    struct terminal *t = container_of(f, struct terminal, f);
    (void)offset;
    if (s != EXEC_STDOUT) // the other one is its recording
        return;
    http_ws_send(t->ws, false, p, n);
    if (http_ws_full(t->ws))
        core_follow_pause(f);
}

static void on_end(struct follower *f)
{
    struct terminal *t = container_of(f, struct terminal, f);
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_str(&o, "type", "exit");
    json_i64(&o, "exit_code", f->exec->end.exit_code);
    json_str(&o, "reason", end_reason_name(f->exec->end.reason));
    if (f->exec->end.detail[0])
        json_str(&o, "detail", f->exec->end.detail);
    json_end(&o);
    http_ws_send(t->ws, true, b.data, b.len);
    terminal_over(t, CLOSE_NORMAL, "");
}

// --- what is typed --------------------------------------------------------------------------------

static void on_fed(struct waiter *w)
{
    struct terminal *t = container_of(w, struct terminal, fed);
    t->feeding = false;
    http_ws_pause(t->ws, false);
}

// A program that reads slowly holds the client back.
static void feed(struct terminal *t, struct exec *x, const void *p, size_t n)
{
    struct err e;
    bool wait = !t->feeding;
    t->fed.on_done = on_fed;
    if (!core_exec_claim(x, t) ||
        core_exec_stdin(t->core, x, p, n, false, wait ? &t->fed : NULL, &e) || !wait)
        return; // another types, or it has ended, which is told
    t->feeding = true;
    http_ws_pause(t->ws, true);
}

static void on_message(struct http_ws *ws, void *arg, bool text, const void *p, size_t n)
{
    struct terminal *t = arg;
    struct err e;
    struct control c = {0};
    struct json_fault fault;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    (void)ws;
    struct exec *x = core_exec_find(t->core, t->exec, &e);
    if (!x)
        return;
    if (!text || !n || *(const char *)p != '{' ||
        json_read(&table, p, n, JSON_IGNORE_UNKNOWN, &pool, &c, &fault))
        feed(t, x, p, n);
    else if (!strcmp(c.type, "resize") && c.rows && c.cols)
        (void)core_exec_resize(t->core, x, (uint16_t)c.rows, (uint16_t)c.cols, &e); // may be over
    else if (!strcmp(c.type, "input") && c.data.p)
        feed(t, x, c.data.p, c.data.len);
}

static void on_writable(struct http_ws *ws, void *arg)
{
    (void)ws;
    core_follow_resume(&((struct terminal *)arg)->f);
}

static void on_gone(struct http_ws *ws, void *arg, unsigned code)
{
    (void)ws, (void)code;
    terminal_over(arg, CLOSE_NORMAL, "");
}

static void on_stop(struct http_ws *ws, void *arg)
{
    if (http_ws_leaving(ws))
        terminal_over(arg, CLOSE_RESTART, "the server is replaced; connect again");
    else
        terminal_over(arg, CLOSE_GOING_AWAY, "the server is stopping");
}
static const struct http_ws_ops ops = {on_message, on_writable, on_gone, on_stop};

// --- connecting ---------------------------------------------------------------------------------

static struct terminal *terminal_new(struct http_req *r)
{
    struct terminal *t = xcalloc(1, sizeof(*t));
    t->core = dialect_core(r);
    t->f = (struct follower){.on_data = on_data, .on_end = on_end};
    t->f.from[EXEC_STDERR] = UINT64_MAX;
    return t;
}

// What the follower is told comes on a later turn of the loop.
static void accept_terminal(struct http_req *r, struct terminal *t, const struct exec *x)
{
    memcpy(t->exec, x->id, sizeof(t->exec));
    t->ws = http_ws_accept(r, NULL, &ops, t);
    if (!t->ws)
        terminal_over(t, CLOSE_NORMAL, "");
}

void dialect_terminal(struct http_req *r, struct exec *x)
{
    struct err e;
    if (dialect_streams_exhausted(r))
        return;
    struct terminal *t = terminal_new(r);
    if (!core_exec_follow(t->core, x, &t->f, &e)) {
        accept_terminal(r, t, x);
        return;
    }
    free(t);
    dialect_err(r, &e);
}

void dialect_terminal_new(struct http_req *r, struct exec_spec *spec)
{
    struct err e;
    if (dialect_streams_exhausted(r))
        return;
    struct terminal *t = terminal_new(r);
    spec->follower = &t->f;
    const struct exec *x = core_exec_start(t->core, NULL, spec, NULL, &e);
    if (x) {
        accept_terminal(r, t, x);
        return;
    }
    free(t);
    dialect_err(r, &e);
}
