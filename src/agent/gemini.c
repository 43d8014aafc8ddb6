// SPDX-License-Identifier: Apache-2.0
// gemini -o stream-json. After its result it prints one more object, without a type.
#include "agent_int.h"

static int plan(struct planner *p, struct err *e)
{
    static const char settings[] = "{\"security\":{\"auth\":{\"selectedType\":\"gemini-api-key\"}},"
                                   "\"privacy\":{\"usageStatisticsEnabled\":false}}\n";
    static const char *const always[] = {"gemini", "-y", "--skip-trust", "-o", "stream-json",
                                         "-m",     NULL};
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_args(p, always);
    plan_arg(p, w->model);
    plan_arg(p, "-p");
    plan_arg(p, w->prompt);
    plan_env(p, "GEMINI_API_KEY=%s", w->api_key ? w->api_key : "none");
    plan_env(p, "GOOGLE_GEMINI_BASE_URL=%s", w->base_url);
    plan_file(p, ".gemini/settings.json", settings);
    return 0;
}

static void on_end(struct agent_reader *r, const struct json_node *line)
{
    uint64_t input = json_u64_at(line, "stats.input_tokens");
    uint64_t cached = json_u64_at(line, "stats.cached");
    r->usage = (struct run_usage){.input_tokens = input > cached ? input - cached : 0,
                                  .cached_tokens = cached,
                                  .output_tokens = json_u64_at(line, "stats.output_tokens"),
                                  .known = json_at(line, "stats") != NULL};
    r->totals = r->usage;
    if (json_is(line, "status", "success"))
        r->done = true;
    else
        seen_failure(r, WHY_AGENT_ERROR, json_text_at(line, "error.message"), "it failed");
}

static void on_line(struct agent_reader *r, const struct json_node *line)
{
    struct json_out o;
    struct json_text none = {0}, text = json_text_at(line, "content");
    if (json_is(line, "type", "init")) {
        seen_init(r, json_text_at(line, "session_id"), json_text_at(line, "model"));
    } else if (json_is(line, "type", "message") && !json_is(line, "role", "user")) {
        bool delta = json_true_at(line, "delta");
        event_words(r, delta ? EV_AGENT_TOKEN : EV_AGENT_MESSAGE, text, none);
        if (!delta)
            seen_result(r, text);
        else if (text.p && r->result.len + text.len <= AGENT_RESULT_MAX)
            (void)buf_append(&r->result, text.p, text.len); // checked the line before
        else
            r->result_cut = true;
    } else if (json_is(line, "type", "tool_use")) {
        buf_clear(&r->result); // what comes after the last tool is the result
        event_begin(r, &o);
        event_text(&o, "id", json_text_at(line, "tool_id"));
        event_text(&o, "name", json_text_at(line, "tool_name"));
        event_raw(&o, "input", json_at(line, "parameters"));
        event_end(r, &o, EV_AGENT_TOOL_CALL);
    } else if (json_is(line, "type", "tool_result")) {
        event_begin(r, &o);
        event_text(&o, "id", json_text_at(line, "tool_id"));
        json_bool(&o, "is_error", !json_is(line, "status", "success"));
        event_raw(&o, "output", json_at(line, "output"));
        event_end(r, &o, EV_AGENT_TOOL_RESULT);
    } else if (json_is(line, "type", "result")) {
        on_end(r, line);
    }
}

const struct agent_adapter agent_gemini = {
    .name = "gemini",
    .program = "gemini",
    .doc = "Gemini CLI, headless.",
    .state_dir = ".gemini",
    .ignores = "",
    .needs_provider = true,
    .needs_prompt = true,
    .plan = plan,
    .on_line = on_line,
};
