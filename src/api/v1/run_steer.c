// SPDX-License-Identifier: Apache-2.0
// What a person does to a run that was begun: cancel, pause, continue, say something.
#include "routes_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/core_run.h>

struct said_body {
    uint64_t given;
    const char *text;
    uint32_t mode;
    struct json_objects tools;
};
enum { F_TEXT, F_MODE, F_TOOLS };
static const struct json_field continue_fields[] = {
    [F_TEXT] = JSON_FIELD_AS(struct said_body, text, "message", JSON_STRING, .max = RUN_SAY_BYTES,
                             .doc = "what it is to do; one that was paused may go without"),
    [F_MODE] = JSON_FIELD(struct said_body, mode, JSON_ENUM, .names = v1_run_modes,
                          .doc = "from this turn on; as it was"),
    [F_TOOLS] = JSON_FIELD(struct said_body, tools, JSON_OBJECTS, .sub = &v1_tool_table,
                           .max = AGENT_TOOLS_MAX, .doc = "instead of those it has"),
};
const struct json_table v1_continue_table = {"ContinueBody", continue_fields,
                                             N_ELEMS(continue_fields), sizeof(struct said_body),
                                             offsetof(struct said_body, given)};
static const struct json_field message_fields[] = {
    JSON_FIELD_AS(struct said_body, text, "content", JSON_STRING, .flags = JSON_REQUIRED, .min = 1,
                  .max = RUN_SAY_BYTES, .doc = "given at the end of the turn, as the next one"),
};
const struct json_table v1_message_table = {"MessageBody", message_fields, N_ELEMS(message_fields),
                                            sizeof(struct said_body),
                                            offsetof(struct said_body, given)};

static const struct json_field interrupt_fields[] = {
    JSON_FIELD_AS(struct said_body, text, "message", JSON_STRING, .max = RUN_SAY_BYTES,
                  .doc = "what it is to do instead"),
};
const struct json_table v1_interrupt_table = {"InterruptBody", interrupt_fields,
                                              N_ELEMS(interrupt_fields), sizeof(struct said_body),
                                              offsetof(struct said_body, given)};

// --- ending and pausing ---------------------------------------------------------------------

static void stop(struct http_req *r, int (*verb)(struct core *c, struct run *run, struct err *e))
{
    struct err e;
    uint64_t wait_ms;
    struct run *run = v1_find_run(r);
    if (!run || v1_param_wait(r, &wait_ms))
        return;
    if (verb(v1_of(r)->core, run, &e)) {
        v1_err(r, &e);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->status = wait_ms ? 200 : 202;
    c->wait_ms = wait_ms;
    v1_run_show_or_wait(c, run);
}

void v1_runs_cancel(struct http_req *r)
{
    stop(r, core_run_cancel);
}

void v1_runs_pause(struct http_req *r)
{
    stop(r, core_run_pause);
}

// --- saying something -----------------------------------------------------------------------

static int read_said(struct call *c, const struct json_table *t, struct json_pool *pool,
                     struct said_body *ret)
{
    json_pool_init(pool);
    c->w.on_done = v1_run_recorded;
    if (!v1_param_wait(c->r, &c->wait_ms) && !v1_read_body(c->r, t, pool, ret)) {
        c->status = c->wait_ms ? 200 : 202;
        return 0;
    }
    v1_call_refused(c);
    return -1;
}

static void go_on(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct said_body b = {0};
    if (read_said(c, &v1_continue_table, &pool, &b))
        return;
    struct run *run = v1_find_run(c->r);
    const struct run_more more = {.message = b.text && *b.text ? b.text : NULL,
                                  .mode_given = b.given & JSON_GIVEN(F_MODE),
                                  .mode = (enum run_mode)b.mode,
                                  .tools = b.given & JSON_GIVEN(F_TOOLS) ? v1_tools(&b.tools, &pool)
                                                                         : NULL,
                                  .n_tools = b.tools.n};
    if (run)
        (void)v1_call_started(c, core_run_continue(c->v->core, run, &more, &c->w, &e), &e);
    else
        v1_call_refused(c);
}

static void say(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct said_body b = {0};
    if (read_said(c, &v1_message_table, &pool, &b))
        return;
    struct run *run = v1_find_run(c->r);
    if (run)
        (void)v1_call_started(c, core_run_say(c->v->core, run, b.text, &c->w, &e), &e);
    else
        v1_call_refused(c);
}

static void interrupt(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct said_body b = {0};
    if (read_said(c, &v1_interrupt_table, &pool, &b))
        return;
    struct run *run = v1_find_run(c->r);
    if (run)
        (void)v1_call_started(
            c, core_run_interrupt(c->v->core, run, b.text && *b.text ? b.text : NULL, &c->w, &e),
            &e);
    else
        v1_call_refused(c);
}

void v1_runs_interrupt(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), interrupt);
}

void v1_runs_continue(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), go_on);
}

void v1_runs_messages(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), say);
}
