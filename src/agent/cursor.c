// SPDX-License-Identifier: Apache-2.0
// cursor-agent -p --output-format stream-json: by its documents, since it cannot be had to be tried.
#include "agent_int.h"

#include <string.h>

static int plan_cursor(struct planner *p, struct err *e)
{
    static const char *const always[] = {"cursor-agent", "-p",      "--output-format",
                                         "stream-json",  "--force", NULL};
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_args(p, always);
    if (w->model) {
        plan_arg(p, "--model");
        plan_arg(p, w->model);
    }
    if (w->session) {
        plan_arg(p, "--resume");
        plan_arg(p, w->session);
    }
    plan_arg(p, "--");
    plan_arg(p, w->prompt);
    if (w->api_key)
        plan_env(p, "CURSOR_API_KEY=%s", w->api_key);
    return 0;
}

// {"shellToolCall": {"args": .., "result": {"success" | "failure" | "rejected" | "error": ..}}}
static void on_tool_call(struct agent_reader *r, const struct json_node *line)
{
    struct json_out o;
    const struct json_node *call = json_at(line, "tool_call");
    call = call ? call->first : NULL;
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(line, "call_id"));
    event_text(&o, "name", call ? call->name : (struct json_text){0});
    if (json_is(line, "subtype", "started")) {
        event_raw(&o, "input", json_at(call, "args"));
        event_end(r, &o, EV_AGENT_TOOL_CALL);
        return;
    }
    json_bool(&o, "is_error", !json_at(call, "result.success"));
    event_raw(&o, "output", json_at(call, "result"));
    event_end(r, &o, EV_AGENT_TOOL_RESULT);
    if (json_at(call, "result.rejected"))
        r->denials++;
}

static void on_cursor_line(struct agent_reader *r, const struct json_node *line)
{
    struct json_text none = {0};
    if (json_is(line, "type", "system") && json_is(line, "subtype", "init")) {
        seen_init(r, json_text_at(line, "session_id"), json_text_at(line, "model"));
    } else if (json_is(line, "type", "assistant")) {
        event_words(r, EV_AGENT_MESSAGE, json_text_at(line, "message.content.0.text"), none);
    } else if (json_is(line, "type", "tool_call")) {
        on_tool_call(r, line);
    } else if (json_is(line, "type", "result")) {
        seen_session(r, json_text_at(line, "session_id"));
        seen_result(r, json_text_at(line, "result"));
        if (json_is(line, "subtype", "success") && !json_true_at(line, "is_error"))
            r->done = true;
        else
            seen_failure(r, WHY_AGENT_ERROR, json_text_at(line, "result"), "it failed");
    }
}

const struct agent_adapter agent_cursor = {
    .name = "cursor",
    .program = "cursor-agent",
    .doc = "Cursor's command line, headless.",
    .state_dir = ".cursor",
    .ignores = "",
    .needs_prompt = true,
    .resumes = true,
    .plan = plan_cursor,
    .on_line = on_cursor_line,
};
