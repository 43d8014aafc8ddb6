// SPDX-License-Identifier: Apache-2.0
// Webhooks in codecloud's form: agent.completed, agent.failed and, where that is switched on,
// agent.progress.
#include "codecloud_int.h"

#include <pinfold/clock.h>
#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <string.h>

#define RESULT_MAX 40000 // of a result, so that the body fits however it is escaped
#define BIT(t) (UINT64_C(1) << (t))

static const char *event(enum event_type t)
{
    return t == EV_RUN_COMPLETED                         ? "agent.completed"
           : t == EV_RUN_FAILED || t == EV_RUN_CANCELLED ? "agent.failed"
                                                         : "agent.progress";
}

static void write_result(struct json_out *o, const struct run *run)
{
    bool cut;
    size_t n = run->result_len;
    if (n > RESULT_MAX)
        n = json_utf8_prefix(run->result, RESULT_MAX, &cut);
    json_strn(o, run->mode == RUN_PLAN ? "plan" : "result", run->result, n);
    if (n < run->result_len || run->result_cut)
        json_bool(o, "truncated", true);
}

static void write_end(struct json_out *o, const struct run *run, bool completed)
{
    char error[sizeof(run->error)];
    json_str(o, "status", completed ? "completed" : "failed");
    json_str(o, "mode", codecloud_modes[run->mode]);
    if (codecloud_repo(run))
        json_str(o, "repo", codecloud_repo(run));
    if (completed && run->result)
        write_result(o, run);
    if (!completed) {
        (void)codecloud_error(run, error, sizeof(error));
        json_str(o, "error", error);
    }
    if (run->usage.known) {
        json_begin(o, "usage");
        json_u64(o, "input_tokens", run->usage.input_tokens);
        json_u64(o, "output_tokens", run->usage.output_tokens);
        json_end(o);
    }
    json_time(o, "created_at", run->created_ms);
    json_time(o, "completed_at", clock_wall_ms());
}

// False: there is nothing in it that a client is told.
static bool write_progress(struct json_out *o, const struct hook_news *n)
{
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    const struct json_node *p = json_tree(n->payload, n->len, 10000, &pool);
    struct json_text text = json_text_at(p, "text"), name = json_text_at(p, "name");
    const struct json_node *input = json_at(p, "input");
    json_str(o, "status", "running");
    if (n->type != EV_AGENT_TOOL_CALL && n->type != EV_AGENT_TOOL_RESULT) {
        if (text.p)
            json_strn(o, "thinking", text.p, text.len < RESULT_MAX ? text.len : RESULT_MAX);
        return text.p;
    }
    json_begin(o, "tool_call");
    json_strn(o, "name", name.p ? name.p : "", name.len);
    if (input && input->kind == JSON_OBJ && input->raw.len < RESULT_MAX) {
        json_raw(o, "arguments", input->raw.p, input->raw.len);
    } else {
        json_begin(o, "arguments");
        json_end(o);
    }
    json_str(o, "status",
             n->type == EV_AGENT_TOOL_CALL ? "running"
             : json_true_at(p, "is_error") ? "error"
                                           : "completed");
    json_end(o);
    return name.p;
}

static int write_news(const struct hook_news *n, struct buf *ret)
{
    struct json_out o;
    bool told = true;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    json_str(&o, "event", event(n->type));
    json_str(&o, "run_id", n->run->id);
    if (n->type == EV_RUN_PAUSED)
        told = false; // there is no word for that
    else if (n->type == EV_RUN_COMPLETED || n->type == EV_RUN_FAILED || n->type == EV_RUN_CANCELLED)
        write_end(&o, n->run, n->type == EV_RUN_COMPLETED);
    else
        told = write_progress(&o, n);
    json_end(&o);
    return told && json_done(&o) ? 0 : -1;
}

#define PROGRESS                                                                                   \
    (BIT(EV_AGENT_MESSAGE) | BIT(EV_AGENT_THINKING) | BIT(EV_AGENT_TOOL_CALL) |                    \
     BIT(EV_AGENT_TOOL_RESULT))
const struct hook_style codecloud_hooks = {
    .name = "codecloud",
    .user_agent = "codecloud-Webhooks/1.0",
    .header = "X-Codecloud",
    .signature = "",
    .id_per_try = true,
    .notify = PROGRESS,
    .fleeting = PROGRESS,
    .event = event,
    .write = write_news,
};
