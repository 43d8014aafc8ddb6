// SPDX-License-Identifier: Apache-2.0
// The init script: its log, and running it again.
#include "sandboxed_sh_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <string.h>

#define LOG_PATH "/var/log/sandboxed-init.log" // as documented; the log is kept outside

struct init_call {
    struct dialect_call call;
    struct log_tail log;
    uint64_t begun_ns;
    uint64_t took_ms;
};

static void release(struct dialect_call *call)
{
    struct init_call *c = container_of(call, struct init_call, call);
    log_tail_release(&c->log);
}

static struct init_call *begin(struct http_req *r, const struct workspace *ws,
                               void (*on_done)(struct waiter *))
{
    struct init_call *c = dialect_call_new(r, sizeof(*c), on_done);
    c->call.release = release;
    memcpy(c->call.subject, ws->id, ID_MAX);
    return c;
}

// --- init-log ------------------------------------------------------------------------------------

static void reply_log(struct init_call *c, const struct log_tail *t)
{
    own_buf struct buf b;
    struct json_out o;
    size_t len = 0;
    const char *text = t ? log_tail_lines(t, LOG_LINES, &len) : "";
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_bool(&o, "exists", t);
    json_strn(&o, "content", text, len);
    if (t)
        json_u64(&o, "total_lines", t->lines);
    else
        json_null(&o, "total_lines");
    json_str(&o, "log_path", LOG_PATH);
    json_end(&o);
    reply_json(c->call.r, &b);
    dialect_call_free(&c->call);
}

static void on_build_log(struct log_tail *t, const struct err *err)
{
    struct init_call *c = container_of(t, struct init_call, log);
    reply_log(c, err->code ? NULL : t);
}

// Without a run of the script the build's log is what there is to see.
static void on_script_log(struct log_tail *t, const struct err *err)
{
    struct init_call *c = container_of(t, struct init_call, log);
    struct err e;
    const struct workspace *ws =
        core_workspace_find(dialect_of(c->call.r)->core, c->call.subject, &e);
    if (!err->code && t->text.len)
        reply_log(c, t);
    else if (ws && ws->build[0])
        log_tail_start(t, &c->call, ws->build, on_build_log);
    else
        reply_log(c, NULL);
}

void on_init_log(struct http_req *r)
{
    struct workspace *ws = workspace_of(r);
    if (!ws)
        return;
    struct init_call *c = begin(r, ws, NULL);
    log_tail_start(&c->log, &c->call, "", on_script_log);
}

// --- rerun-init ----------------------------------------------------------------------------------

// Both streams are one log, in the order in which they were written: it is shown as stdout.
static void on_rerun_log(struct log_tail *t, const struct err *err)
{
    struct init_call *c = container_of(t, struct init_call, log);
    struct workspace *ws = workspace_again(&c->call);
    if (!ws)
        return;
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_bool(&o, "success", ws->init_exit_code == 0);
    json_i64(&o, "exit_code", ws->init_exit_code);
    json_strn(&o, "stdout", t->text.data, err->code ? 0 : t->text.len);
    json_str(&o, "stderr", "");
    json_f64(&o, "duration_secs", (double)c->took_ms / 1000);
    json_end(&o);
    reply_json(c->call.r, &b);
    dialect_call_free(&c->call);
}

static void on_rerun(struct waiter *w)
{
    struct init_call *c = container_of(w, struct init_call, call.w);
    if (w->err.code) {
        call_fail(&c->call, &w->err);
        return;
    }
    c->took_ms = (clock_mono_ns() - c->begun_ns) / 1000000;
    log_tail_start(&c->log, &c->call, "", on_rerun_log);
}

static bool refused(struct http_req *r, const struct workspace *ws)
{
    const char *fault = NULL;
    if (!is_container(ws))
        fault = "Rerun init only works for container workspaces";
    else if (ws->status == WS_PENDING || ws->status == WS_BUILDING)
        fault = "Container doesn't exist yet. Build it first.";
    else if (blank(ws->init_script))
        fault = "No init script configured for this workspace";
    if (fault)
        reply_text(r, 400, "%s", fault);
    return fault;
}

void on_rerun_init(struct http_req *r)
{
    struct workspace *ws = workspace_of(r);
    struct err e;
    if (!ws || refused(r, ws))
        return;
    struct init_call *c = begin(r, ws, on_rerun);
    c->begun_ns = clock_mono_ns();
    if (core_workspace_rerun_init(dialect_of(c->call.r)->core, ws, &c->call.w, &e))
        call_fail(&c->call, &e);
}
