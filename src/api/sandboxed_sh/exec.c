// SPDX-License-Identifier: Apache-2.0
// One command, collected. The answer has the four documented members and no more; what else is
// true of it (why it ended, that output was cut) is in headers.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <string.h>

#define TIMEOUT_DEFAULT 300
#define TIMEOUT_MAX 600
#define ANSWER_STREAM (4ull << 20) // of each stream; JSON may make six bytes of one

struct body {
    const char *command, *cwd;
    struct json_text stdin_text;
    uint64_t timeout_secs;
    struct json_map env;
};
static const struct json_field fields[] = {
    JSON_FIELD(struct body, command, JSON_STRING),
    JSON_FIELD(struct body, cwd, JSON_STRING, .max = 4096),
    JSON_FIELD_AS(struct body, stdin_text, "stdin", JSON_TEXT),
    JSON_FIELD(struct body, timeout_secs, JSON_U64),
    JSON_FIELD(struct body, env, JSON_MAP, .max = 1024, .item_max = WS_ENV_BYTES),
};
static const struct json_table table = {"ExecRequest", fields, N_ELEMS(fields), sizeof(struct body),
                                        -1};

static void set_headers(struct http_req *r, const struct exec *x)
{
    http_set_header(r, "x-pinfold-reason", end_reason_name(x->end.reason));
    for (int i = 0; i < EXEC_STREAMS; i++)
        if (x->out[i].total > x->data_len[i])
            http_set_header(r, "x-pinfold-truncated", i == EXEC_STDOUT ? "stdout" : "stderr");
}

static void print_end(struct json_out *o, const struct exec *x)
{
    json_begin(o, NULL);
    json_i64(o, "exit_code", x->end.reason == END_EXITED ? x->end.exit_code : -1);
    json_strn(o, "stdout", x->data[EXEC_STDOUT], x->data_len[EXEC_STDOUT]);
    json_strn(o, "stderr", x->data[EXEC_STDERR], x->data_len[EXEC_STDERR]);
    json_bool(o, "timed_out", x->end.timed_out);
    json_end(o);
}

static void on_ended(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code) {
        call_fail(c, &w->err);
        return;
    }
    const struct exec *x = w->result;
    set_headers(c->r, x);
    if (x->end.reason == END_START_FAILED || x->end.reason == END_LOST) {
        reply_text(c->r, 500, "Command execution failed: %s",
                   x->end.detail[0] ? x->end.detail : "the sandbox was lost");
    } else {
        own_buf struct buf b;
        struct json_out o;
        buf_init(&b, ANSWER_MAX);
        json_out_init(&o, &b);
        print_end(&o, x);
        reply_json(c->r, &b);
    }
    dialect_call_free(c);
}

// What a client knows as the workspace's path is /workspace inside.
static const char *cwd_inside(const struct workspace *ws, const char *cwd)
{
    const char *path = label_get(ws->labels, LABEL_PATH);
    size_t n = path ? strlen(path) : 0;
    while (n && path[n - 1] == '/')
        n--;
    if (!cwd || !*cwd)
        return NULL;
    if (!n || *path != '/' || strncmp(cwd, path, n) || (cwd[n] && cwd[n] != '/'))
        return cwd;
    cwd += n;
    cwd += strspn(cwd, "/");
    return *cwd ? cwd : NULL;
}

static bool refused(struct http_req *r, const struct workspace *ws, const struct body *b)
{
    if (!b->command)
        reply_text(r, 422,
                   "Failed to deserialize the JSON body into the target type: "
                   "missing field `command`");
    else if (ws->status != WS_READY)
        reply_text(r, 400, "%s is not ready (status: %s).%s",
                   is_container(ws) ? "Container workspace" : "Workspace", status_title(ws->status),
                   is_container(ws) ? " Build it first." : "");
    else if (blank(b->command))
        reply_text(r, 400, "Command is empty");
    else
        return false;
    return true;
}

static uint64_t timeout_ms(const struct sandboxed_sh *s, uint64_t secs)
{
    uint64_t max = core_conf(s->core)->exec_timeout_max_ms;
    uint64_t ms = (!secs ? TIMEOUT_DEFAULT : secs > TIMEOUT_MAX ? TIMEOUT_MAX : secs) * 1000;
    return ms < max ? ms : max;
}

void on_exec(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    own_json_pool struct json_pool pool;
    struct body body = {0};
    struct err e;
    json_pool_init(&pool);
    struct workspace *ws = workspace_of(r);
    if (!ws || !read_body(r, &table, 0, &pool, &body) || refused(r, ws, &body))
        return;
    uint64_t answer_max = core_conf(s->core)->answer_max_bytes;
    const char *const argv[] = {"/bin/bash", "-c", body.command, NULL};
    struct exec_spec spec = {
        .argv = argv,
        .cwd = cwd_inside(ws, body.cwd),
        .env = env_of(&pool, &body.env),
        .stdin_data = body.stdin_text.p,
        .stdin_len = body.stdin_text.len,
        .timeout_ms = timeout_ms(s, body.timeout_secs),
        .answer_bytes = answer_max < ANSWER_STREAM ? answer_max : ANSWER_STREAM,
    };
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_ended);
    if (!core_exec_start(s->core, ws, &spec, &c->w, &e))
        call_fail(c, &e);
}
