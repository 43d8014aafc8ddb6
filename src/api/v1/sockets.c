// SPDX-License-Identifier: Apache-2.0
// WebSockets: a command with live input, and a terminal.
//
// exec: the first text message is the body of an exec; then text messages are control events and
// binary ones standard input. The server sends the events of a stream.
// terminal: bytes travel as binary messages both ways; text messages are control events, and the
// server sends started, exit and error as text.
// Control events: {"event":"stdin","data"|"data_base64"}, {"event":"stdin_close"},
// {"event":"resize","rows","cols"}, {"event":"signal","signal"}, {"event":"cancel"}.
#include "live_int.h"
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <stdio.h>

struct socket {
    struct live live; // first member
    char workspace[ID_MAX], exec[ID_MAX];
    struct waiter fed; // the last input is taken
    bool feeding, terminal;
    bool of_run; // one of several that are connected: who types is decided
    bool view;   // it only looks
};
struct control {
    const char *event;
    struct json_text data, data_base64;
    uint32_t rows, cols;
    const char *signal;
};
static const struct json_field control_fields[] = {
    JSON_FIELD(struct control, event, JSON_STRING, .flags = JSON_REQUIRED, .max = 20),
    JSON_FIELD(struct control, data, JSON_TEXT),
    JSON_FIELD(struct control, data_base64, JSON_BASE64),
    JSON_FIELD(struct control, rows, JSON_U32, .min = 1, .max = 1000),
    JSON_FIELD(struct control, cols, JSON_U32, .min = 1, .max = 1000),
    JSON_FIELD(struct control, signal, JSON_STRING, .max = 16),
};
static const struct json_table control_table = {"Control", control_fields, N_ELEMS(control_fields),
                                                sizeof(struct control), -1};

static struct exec *exec_of(struct socket *s)
{
    struct err e;
    return *s->exec ? core_exec_find(s->live.v->core, s->exec, &e) : NULL;
}

static void socket_free(struct socket *s)
{
    struct exec *x = s->of_run ? exec_of(s) : NULL;
    if (x)
        core_exec_unclaim(x, s);
    waiter_cancel(&s->fed);
    v1_live_release(&s->live);
    free(s);
}

static void over(struct live *l)
{
    struct socket *s = container_of(l, struct socket, live);
    struct http_ws *ws = l->sink.ws;
    socket_free(s);
    http_ws_close(ws, WS_CLOSE_NORMAL, "");
}

static void fail(struct socket *s, const struct err *e)
{
    struct http_ws *ws = s->live.sink.ws;
    v1_live_error(&s->live, e);
    socket_free(s);
    http_ws_close(ws, WS_CLOSE_BAD_DATA, "");
}

// --- input ----------------------------------------------------------------------------------

static void on_fed(struct waiter *w)
{
    struct socket *s = container_of(w, struct socket, fed);
    s->feeding = false;
    http_ws_pause(s->live.sink.ws, false);
}

// Nothing of one that may not type is taken, which it is told each time.
static bool may_type(struct socket *s, struct exec *x)
{
    struct json_out o;
    if (!s->of_run || (!s->view && core_exec_claim(x, s)))
        return true;
    json_out_init(&o, v1_sink_begin(&s->live.sink, "read_only", NULL));
    json_begin(&o, NULL);
    json_str(&o, "event", "read_only");
    json_str(&o, "detail", s->view ? "this connection only looks" : "another connection types");
    json_end(&o);
    v1_sink_end(&s->live.sink);
    return false;
}

// A command that reads slowly holds the client back: nothing more is taken from the socket until
// its pipe has taken this. What had arrived already is queued, up to core's limit.
static void feed(struct socket *s, const void *p, size_t n, bool close)
{
    struct err e;
    struct exec *x = exec_of(s);
    bool wait = !s->feeding;
    s->fed.on_done = on_fed;
    if (!x || !may_type(s, x) ||
        core_exec_stdin(s->live.v->core, x, p, n, close, wait ? &s->fed : NULL, &e))
        return; // it has ended or closed its input: the exit event tells
    if (!wait)
        return;
    s->feeding = true;
    http_ws_pause(s->live.sink.ws, true);
}

static void control(struct socket *s, const struct control *c)
{
    struct err e;
    int signal;
    struct core *core = s->live.v->core;
    struct exec *x = exec_of(s);
    if (!x)
        return;
    if (!strcmp(c->event, "stdin")) {
        const struct json_text *t = c->data_base64.p ? &c->data_base64 : &c->data;
        feed(s, t->p ? t->p : "", t->len, false);
    } else if (!strcmp(c->event, "stdin_close")) {
        feed(s, "", 0, true);
    } else if (!may_type(s, x)) {
        return;
    } else if (!strcmp(c->event, "resize") && c->rows && c->cols) {
        (void)core_exec_resize(core, x, (uint16_t)c->rows, (uint16_t)c->cols, &e); // may be over
    } else if (!strcmp(c->event, "signal") && c->signal && !signal_parse(c->signal, &signal, &e)) {
        (void)core_exec_signal(core, x, signal, &e);
    } else if (!strcmp(c->event, "cancel")) {
        (void)core_exec_cancel(core, x, &e);
    } else {
        fail(s, &(struct err){ERR_BAD_REQUEST, 0, "this is no control event"});
    }
}

// --- a command ------------------------------------------------------------------------------

static void begin_exec(struct socket *s, const char *text, size_t n)
{
    struct err e;
    struct json_fault f;
    struct exec_body b = {0};
    struct exec_spec spec;
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    struct core *core = s->live.v->core;
    if (json_read(&v1_exec_table, text, n, 0, &pool, &b, &f) ||
        v1_exec_spec_of(&b, &pool, &spec, &f)) {
        err_set(&e, ERR_BAD_REQUEST, "%s %s", f.pointer, f.detail);
        fail(s, &e);
        return;
    }
    struct workspace *ws = core_workspace_find(core, s->workspace, &e);
    spec.follower = &s->live.f;
    const struct exec *x = ws ? core_exec_start(core, ws, &spec, NULL, &e) : NULL;
    if (!x) {
        fail(s, &e);
        return;
    }
    s->live.following = true;
    memcpy(s->exec, x->id, sizeof(s->exec));
    v1_live_started(&s->live, x);
}

static void on_message(struct http_ws *ws, void *arg, bool text, const void *p, size_t n)
{
    (void)ws;
    struct socket *s = arg;
    struct json_fault f;
    struct control c = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (!text && *s->exec)
        feed(s, p, n, false);
    else if (!*s->exec)
        begin_exec(s, p, n);
    else if (!json_read(&control_table, p, n, 0, &pool, &c, &f))
        control(s, &c);
    else if (s->terminal) // a terminal that sends its keys as text
        feed(s, p, n, false);
    else
        fail(s, &(struct err){ERR_BAD_REQUEST, 0, "this is no control event"});
}

static void on_writable(struct http_ws *ws, void *arg)
{
    (void)ws;
    v1_live_writable(&((struct socket *)arg)->live);
}

static void on_gone(struct http_ws *ws, void *arg, unsigned code)
{
    (void)code;
    socket_free(arg); // ends a foreground exec
    http_ws_close(ws, WS_CLOSE_NORMAL, "");
}

static void on_stop(struct http_ws *ws, void *arg)
{
    static const struct err stopping = {ERR_BUSY, 0, "the server is stopping"};
    struct socket *s = arg;
    if (http_ws_leaving(ws)) {
        if (s->live.following)
            v1_live_reconnect(&s->live);
        socket_free(s);
        http_ws_close(ws, WS_CLOSE_RESTART, "the server is replaced; connect again");
        return;
    }
    if (v1_live_will_end(&s->live))
        return;
    v1_live_error(&s->live, &stopping);
    socket_free(s);
    http_ws_close(ws, WS_CLOSE_GOING_AWAY, "the server is stopping");
}

static const struct http_ws_ops ops = {on_message, on_writable, on_gone, on_stop};

const char *v1_socket_protocol(struct http_req *r)
{
    return strstr(http_header(r, "sec-websocket-protocol"), "pinfold.v1") ? "pinfold.v1" : NULL;
}

static struct socket *socket_new(struct http_req *r, const char *workspace)
{
    struct socket *s = xcalloc(1, sizeof(*s));
    v1_live_init(&s->live, v1_of(r), r);
    s->live.on_end = over;
    memcpy(s->workspace, workspace, sizeof(s->workspace));
    return s;
}

// False: the client has left, everything is freed.
static bool accept_socket(struct http_req *r, struct socket *s)
{
    s->live.sink.ws = http_ws_accept(r, v1_socket_protocol(r), &ops, s);
    if (s->live.sink.ws)
        return true;
    socket_free(s);
    return false;
}

void v1_exec_socket(struct http_req *r)
{
    const struct workspace *ws = v1_find_workspace(r);
    if (ws && !v1_streams_exhausted(r))
        (void)accept_socket(r, socket_new(r, ws->id));
}

// --- a terminal -----------------------------------------------------------------------------

static const char shell[] = "if [ -x /bin/bash ]; then exec /bin/bash -l; else exec /bin/sh -l; fi";

static int terminal_spec(struct http_req *r, struct exec_spec *ret)
{
    static const char *const env[] = {"TERM=xterm-256color", NULL};
    uint64_t rows, cols;
    const char *command = http_query(r, "command");
    *ret = (struct exec_spec){
        .command = command && *command ? command : shell,
        .cwd = http_query(r, "cwd"),
        .user = http_query(r, "user"),
        .env = env,
        .tty = true,
        .stdin_open = true,
    };
    if (v1_param_u64(r, "rows", 24, 1000, &rows) || v1_param_u64(r, "cols", 80, 1000, &cols) ||
        v1_param_bool(r, "detach", false, &ret->detach))
        return -1;
    ret->rows = (uint16_t)(rows ? rows : 1);
    ret->cols = (uint16_t)(cols ? cols : 1);
    ret->timeout_ms = core_conf(v1_of(r)->core)->exec_timeout_max_ms;
    return 0;
}

// A new terminal, or with ?exec=ID one that goes on since its client left.
static struct exec *attach(struct http_req *r, struct workspace *ws, struct socket *s,
                           struct exec_spec *spec, struct err *e)
{
    struct core *core = v1_of(r)->core;
    const char *id = http_query(r, "exec");
    if (!id) {
        spec->follower = &s->live.f;
        return core_exec_start(core, ws, spec, NULL, e);
    }
    struct exec *x = core_exec_find(core, id, e);
    if (x && (strcmp(x->workspace, ws->id) || !x->tty)) {
        err_set(e, ERR_CONFLICT, "exec %s is no terminal of this workspace", x->id);
        return NULL;
    }
    return x && !core_exec_follow(core, x, &s->live.f, e) ? x : NULL;
}

void v1_terminal_socket(struct http_req *r)
{
    struct err e;
    struct exec_spec spec;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_streams_exhausted(r) || terminal_spec(r, &spec))
        return;
    struct socket *s = socket_new(r, ws->id);
    s->terminal = s->live.sink.binary = true;
    const struct exec *x = attach(r, ws, s, &spec, &e);
    if (!x) {
        socket_free(s);
        v1_err(r, &e);
        return;
    }
    s->live.following = true;
    memcpy(s->exec, x->id, sizeof(s->exec));
    if (accept_socket(r, s))
        v1_live_started(&s->live, x);
}

// --- of a run -------------------------------------------------------------------------------

void v1_runs_terminal(struct http_req *r)
{
    struct err e;
    bool view;
    struct run *run = v1_find_run(r);
    if (!run || v1_param_bool(r, "view", false, &view) || v1_streams_exhausted(r))
        return;
    struct exec *x = *run->exec ? core_exec_find(v1_of(r)->core, run->exec, &e) : NULL;
    if (!x || !x->tty) {
        err_set(&e, ERR_CONFLICT,
                run->rows ? "run %s is %s: it has not begun"
                          : "run %s is %s and has no terminal: make it with one",
                run->id, run_state_name(run->state));
        v1_err(r, &e);
        return;
    }
    struct socket *s = socket_new(r, run->workspace);
    s->terminal = s->live.sink.binary = s->of_run = true;
    s->view = view;
    memcpy(s->exec, x->id, sizeof(s->exec));
    s->live.f.from[EXEC_STDERR] = UINT64_MAX; // its recording
    if (core_exec_follow(v1_of(r)->core, x, &s->live.f, &e)) {
        socket_free(s);
        v1_err(r, &e);
        return;
    }
    s->live.following = true;
    if (accept_socket(r, s))
        v1_live_started(&s->live, x);
}
