// SPDX-License-Identifier: Apache-2.0
// What is done to a run that was made: told more, stopped.
#include "codecloud_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/own.h>
#include <string.h>

#define STOP_MS 30000 // for the end of what was cancelled

static void print(struct dialect_call *c, const struct run *run, const char *status,
                  const char *message)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_str(&a.o, "id", run->id);
    json_str(&a.o, "status", status);
    json_str(&a.o, "message", message);
    json_end(&a.o);
    dialect_call_send(c, 200, &a);
}

// --- message --------------------------------------------------------------------------------

struct body {
    uint64_t given;
    const char *prompt, *idempotency_key;
    struct json_objects tools;
    uint32_t mode;
    bool update_pr;
};
enum { F_MODE, F_TOOLS };
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    [F_MODE] = F(mode, JSON_ENUM, .names = codecloud_modes),
    [F_TOOLS] = F(tools, JSON_OBJECTS, .sub = &codecloud_tool_table, .max = AGENT_TOOLS_MAX),
    F(prompt, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = 100000),
    F(update_pr, JSON_BOOL),
    F(idempotency_key, JSON_STRING, .max = IDEM_KEY_MAX),
};
static const struct json_table table = {"ResumeAgentRunRequest", fields, N_ELEMS(fields),
                                        sizeof(struct body), offsetof(struct body, given)};

static void on_told(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else
        print(c, w->result, "running", "The follow-up is scheduled");
}

static bool refused(struct http_req *r, const struct run *run, const struct body *b)
{
    bool plan = b->given & JSON_GIVEN(F_MODE) ? b->mode == RUN_PLAN : run->mode == RUN_PLAN;
    if (run->state != RUN_SUCCEEDED)
        dialect_error(r, 400, "Run cannot be resumed: its status is %s, not completed",
                      codecloud_status(run->state));
    else if (b->update_pr && plan)
        dialect_error(r, 400, "update_pr: is only valid for mode execute");
    else
        return false;
    return true;
}

static void tell(struct dialect_call *c)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    struct run *run = codecloud_run(c->r);
    if (!run || !dialect_body(c->r, &table, &pool, &b) || refused(c->r, run, &b)) {
        dialect_call_refused(c);
        return;
    }
    const struct run_more more = {
        .message = b.prompt,
        .mode_given = b.given & JSON_GIVEN(F_MODE),
        .mode = (enum run_mode)b.mode,
        .tools = b.given & JSON_GIVEN(F_TOOLS) ? codecloud_tools(&b.tools, &pool) : NULL,
        .n_tools = b.tools.n};
    if (core_run_continue(c->core, run, &more, &c->w, &e)) {
        if (e.code == ERR_DENIED) // an address that is none for a tool
            e.code = ERR_BAD_REQUEST;
        dialect_call_fail(c, &e);
    }
}

void codecloud_message(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    json_pool_init(&pool);
    if (!codecloud_run(r) || !dialect_body(r, &table, &pool, &b))
        return;
    dialect_call_once(dialect_call_new(r, sizeof(struct dialect_call), on_told),
                      b.idempotency_key ? b.idempotency_key : http_header(r, "idempotency-key"),
                      tell);
}

// --- stop -----------------------------------------------------------------------------------

static void on_stopped(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct run *run = w->result;
    if (w->err.code)
        dialect_call_fail(c, &w->err);
    else if (!run_state_final(run->state))
        dialect_call_fail(c, &(struct err){ERR_TIMEOUT, 0, "The run has not ended yet"});
    else
        print(c, run, codecloud_status(run->state),
              run->state == RUN_CANCELLED ? "Run was cancelled" : "Run had ended");
}

void codecloud_stop(struct http_req *r)
{
    struct err e;
    struct run *run = codecloud_run(r);
    if (!run)
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_stopped);
    if (run_state_final(run->state))
        print(c, run, codecloud_status(run->state), "Run has ended already");
    else if (core_run_cancel(c->core, run, &e) || core_run_wait(c->core, run, STOP_MS, &c->w, &e))
        dialect_call_fail(c, &e);
}
