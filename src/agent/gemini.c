// SPDX-License-Identifier: Apache-2.0
// gemini -o stream-json. Its answers come in pieces, its thoughts not at all; one that was cut and a
// refusal look like any other. After its result it may print one more object, without a type.
#include "agent_int.h"

#include <string.h>

static int plan(struct planner *p, struct err *e)
{
    // A repository's own settings are those of a folder that it was not told to trust.
    static const char settings[] = "{\"security\":{\"auth\":{\"selectedType\":\"gemini-api-key\"}},"
                                   "\"privacy\":{\"usageStatisticsEnabled\":false},"
                                   "\"model\":{\"maxSessionTurns\":%lld}}\n";
    static const char *const always[] = {"gemini", "-y", "--skip-trust", "-o", "stream-json",
                                         "-m",     NULL};
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_args(p, always);
    plan_arg(p, w->model);
    if (w->session) {
        plan_arg(p, "--resume");
        plan_arg(p, w->session);
    }
    plan_arg(p, "-p");
    plan_arg(p, w->prompt);
    plan_env(p, "GEMINI_API_KEY=%s", w->api_key ? w->api_key : "none");
    plan_env(p, "GOOGLE_GEMINI_BASE_URL=%s", w->base_url);
    plan_file(p, ".gemini/settings.json",
              plan_text(p, settings, w->max_turns ? (long long)w->max_turns : -1));
    return 0;
}

// What was said in pieces, whole.
static void said(struct agent_reader *r)
{
    struct json_text text = {r->result.data, r->result.len}, none = {0};
    if (text.len)
        event_words(r, EV_AGENT_MESSAGE, text, none);
}

// Of this process alone. Input has the cached part in it; thoughts are in the sum only.
static void count(struct agent_reader *r, const struct json_node *line)
{
    uint64_t input = json_u64_at(line, "stats.input_tokens");
    uint64_t cached = json_u64_at(line, "stats.cached");
    uint64_t output = json_u64_at(line, "stats.output_tokens");
    uint64_t all = json_u64_at(line, "stats.total_tokens");
    uint64_t thoughts = all > input + output ? all - input - output : 0;
    r->usage = (struct run_usage){.input_tokens = input > cached ? input - cached : 0,
                                  .cached_tokens = cached,
                                  .output_tokens = output + thoughts,
                                  .reasoning_tokens = thoughts,
                                  .known = json_at(line, "stats") != NULL};
    r->totals = r->usage;
}

static void on_end(struct agent_reader *r, const struct json_node *line)
{
    static const char model[] = "[API Error";
    struct json_text text = json_text_at(line, "error.message");
    bool failed = text.len >= strlen(model) && !memcmp(text.p, model, strlen(model));
    said(r);
    count(r, line);
    if (json_is(line, "status", "success"))
        r->done = true;
    else
        seen_failure(r, failed ? WHY_API_ERROR : WHY_AGENT_ERROR, text, "it failed");
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
        said(r);
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
    .ignores = "the repository's .gemini/settings.json (servers, hooks, commands)",
    .turn_limit_code = 53,
    .counts_turns = true,
    .needs_provider = true,
    .needs_prompt = true,
    .resumes = true,
    .plan = plan,
    .on_line = on_line,
};
