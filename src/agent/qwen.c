// SPDX-License-Identifier: Apache-2.0
// qwen -o stream-json, whose lines are claude's, but for what they say at the end. An answer that was
// cut and a refusal look like any other.
#include "agent_int.h"

#include <pinfold/own.h>
#include <string.h>

static int plan(struct planner *p, struct err *e)
{
    // Bare: else it runs what a repository's .qwen/settings.json names, trusted or not. It has its
    // tools for commands, reading and editing then, and no sub-agents.
    static const char *const always[] = {"qwen",        "--bare",      "-y",     "-o",
                                         "stream-json", "--auth-type", "openai", NULL};
    static const char *const proxies[] = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"};
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_args(p, always);
    if (w->max_turns) {
        plan_arg(p, "--max-session-turns");
        plan_arg(p, plan_text(p, "%u", w->max_turns));
    }
    if (w->session) {
        plan_arg(p, "--resume");
        plan_arg(p, w->session);
    }
    plan_arg(p, "-p");
    plan_arg(p, w->prompt);
    plan_env(p, "OPENAI_BASE_URL=%s", w->base_url);
    plan_env(p, "OPENAI_API_KEY=%s", w->api_key ? w->api_key : "none");
    plan_env(p, "OPENAI_MODEL=%s", w->model);
    // It asks its model by way of a proxy though that is on the list of those that want none.
    for (unsigned i = 0; i < N_ELEMS(proxies); i++)
        plan_env(p, "%s=", proxies[i]);
    return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

// Input has the cached part in it; after a resume the numbers are the whole session's.
static void count(struct agent_reader *r, const struct json_node *line)
{
    const struct run_usage *b = &r->expect.before;
    uint64_t cached = json_u64_at(line, "usage.cache_read_input_tokens");
    r->totals = (struct run_usage){
        .input_tokens = less(json_u64_at(line, "usage.input_tokens"), cached),
        .cached_tokens = cached,
        .output_tokens = json_u64_at(line, "usage.output_tokens"),
        .known = true,
    };
    r->usage = (struct run_usage){
        .input_tokens = less(r->totals.input_tokens, b->input_tokens),
        .cached_tokens = less(cached, b->cached_tokens),
        .output_tokens = less(r->totals.output_tokens, b->output_tokens),
        .known = true,
    };
}

// When its model fails it says so as its answer, with "success", no error and exit code 0.
static void on_line(struct agent_reader *r, const struct json_node *line)
{
    static const char failed[] = "[API Error";
    struct json_text text = json_text_at(line, "result");
    claude_on_line(r, line);
    if (!json_is(line, "type", "result"))
        return;
    count(r, line);
    if (text.len >= strlen(failed) && !memcmp(text.p, failed, strlen(failed)))
        seen_failure(r, WHY_API_ERROR, text, "");
}

const struct agent_adapter agent_qwen = {
    .name = "qwen",
    .program = "qwen",
    .doc = "Qwen Code, headless.",
    .state_dir = ".qwen",
    .ignores = "the repository's .qwen (settings, servers, hooks, commands) and QWEN.md",
    .turn_limit_code = 53,
    .counts_turns = true,
    .needs_provider = true,
    .needs_prompt = true,
    .resumes = true,
    .plan = plan,
    .on_line = on_line,
};
