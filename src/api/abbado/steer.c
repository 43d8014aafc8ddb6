// SPDX-License-Identifier: Apache-2.0
// What is done to a run: cancel, pause, continue, notify.
#include "abbado_int.h"

#include <pinfold/own.h>
#include <string.h>

#define STOP_MS 30000 // for the end of what was stopped

static void on_stopped(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct run *run = w->result;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
    } else if (!run_state_at_rest(run->state)) {
        dialect_call_fail(c, &(struct err){ERR_TIMEOUT, 0, "the run has not stopped yet"});
    } else {
        http_reply_empty(c->r, 200);
        dialect_call_free(c);
    }
}

static void stop(struct http_req *r, int (*verb)(struct core *c, struct run *run, struct err *e))
{
    struct err e;
    struct run *run = abbado_run(r);
    if (!run)
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_stopped);
    if (verb(c->core, run, &e) || core_run_wait(c->core, run, STOP_MS, &c->w, &e))
        dialect_call_fail(c, &e);
}

void abbado_runs_cancel(struct http_req *r)
{
    stop(r, core_run_cancel);
}

void abbado_runs_pause(struct http_req *r)
{
    stop(r, core_run_pause);
}

struct body {
    const char *message;
    bool notify;
};
static const struct json_field continue_fields[] = {
    JSON_FIELD(struct body, message, JSON_STRING, .flags = JSON_REQUIRED, .min = 1,
               .max = RUN_SAY_BYTES),
};
static const struct json_table continue_table = {"Continue", continue_fields, 1,
                                                 sizeof(struct body), -1};
static const struct json_field notify_fields[] = {
    JSON_FIELD(struct body, notify, JSON_BOOL, .flags = JSON_REQUIRED),
};
static const struct json_table notify_table = {"Notify", notify_fields, 1, sizeof(struct body), -1};

static void on_going(struct waiter *w)
{
    dialect_call_done(w, 200, abbado_run_write);
}

void abbado_runs_continue(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct run *run = abbado_run(r);
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!run || !dialect_body(r, &continue_table, &pool, &b))
        return;
    const struct agent_adapter *tool = agent_find(run->agent);
    if (run_state_at_rest(run->state) && tool && agent_resumes(tool) && !*run->session) {
        dialect_error(r, 409, "the run has no session_id to go on with");
        return;
    }
    const struct run_more more = {.message = b.message};
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_going);
    if (core_run_continue(c->core, run, &more, &c->w, &e))
        dialect_call_fail(c, &e);
}

static void on_noted(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    http_reply_empty(c->r, 200);
    dialect_call_free(c);
}

void abbado_runs_notify(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct run *run = abbado_run(r);
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!run || !dialect_body(r, &notify_table, &pool, &b))
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_noted);
    (void)core_run_notify(c->core, run, b.notify, &c->w, &e); // never refuses
}
