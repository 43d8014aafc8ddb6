// SPDX-License-Identifier: Apache-2.0
// Codex: its app-server, which is talked to; in a terminal codex exec --json.
#include "codex_int.h"

#include <pinfold/own.h>

#include <string.h>

// Over whatever its configuration file says. The sandbox is ours: codex's own needs nested user
// namespaces and fails every command without them. Values are TOML; a JSON string is one too.
static void plan_settings(struct planner *p)
{
    static const char *const always[] = {"-c", "model_provider=\"pinfold\"", "-c",
                                         "check_for_update_on_startup=false", "-c",
                                         "analytics.enabled=false",
                                         // its list of plugins is asked for at three hosts
                                         "-c", "features.plugins=false", "-c", NULL};
    const struct agent_wish *w = p->wish;
    plan_args(p, always);
    plan_arg(p, plan_text(p,
                          "model_providers.pinfold={name=\"pinfold\",base_url=%s,"
                          "env_key=\"PINFOLD_MODEL_KEY\",wire_api=\"responses\"}",
                          plan_json(p, w->base_url)));
    if (w->effort) {
        plan_arg(p, "-c");
        plan_arg(p, plan_text(p, "model_reasoning_effort=%s", plan_json(p, w->effort)));
    }
}

static void plan_server(struct planner *p)
{
    own_buf struct buf b;
    buf_init(&b, 4 * 1024 * 1024); // what is in it has limits far below
    plan_arg(p, "app-server");
    plan_settings(p);
    plan_arg(p, "-c"); // else it tries, as it begins, whether its own sandbox would work
    plan_arg(p, "sandbox_mode=\"danger-full-access\"");
    codex_first_lines(&b, p->wish);
    p->plan->input = plan_text(p, "%s", b.data);
    p->plan->first = p->wish->prompt;
}

static void plan_one_hook(struct planner *p, const char *event, const char *matcher, bool ask)
{
    plan_arg(p, "-c");
    plan_arg(p, plan_text(p, "hooks.%s=[{%shooks=[{type=\"command\",timeout=86400,command=%s}]}]",
                          event, matcher, plan_json(p, plan_hook(p, ask))));
}

// What the lines of codex exec do not tell, and its questions; the app-server has all of it. The
// repository's own are not trusted all the same, since its .codex is not.
static void plan_hooks(struct planner *p)
{
    plan_arg(p, "--dangerously-bypass-hook-trust"); // else ours are not run either
    plan_one_hook(p, "SubagentStart", "", false);
    plan_one_hook(p, "SubagentStop", "", false);
    plan_one_hook(p, "PreCompact", "", false);
    if (p->wish->ask)
        plan_one_hook(p, "PreToolUse", "matcher=\"Bash|apply_patch|mcp__.*\",", true);
}

static void plan_exec(struct planner *p)
{
    static const char *const always[] = {"--json", "--dangerously-bypass-approvals-and-sandbox",
                                         "--skip-git-repo-check", "-m", NULL};
    const struct agent_wish *w = p->wish;
    plan_arg(p, "exec");
    if (w->session)
        plan_arg(p, "resume");
    plan_args(p, always);
    plan_arg(p, w->model);
    plan_settings(p);
    if (w->token)
        plan_hooks(p);
    plan_arg(p, "--");
    if (w->session)
        plan_arg(p, w->session);
    plan_arg(p, w->prompt);
}

static int plan(struct planner *p, struct err *e)
{
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_arg(p, "codex");
    if (w->talk)
        plan_server(p);
    else
        plan_exec(p);
    plan_env(p, "PINFOLD_MODEL_KEY=%s", w->api_key ? w->api_key : "none");
    return 0;
}

// TOML, of which a JSON string is a part.
static int subagent(struct planner *p, const char *const *sub, struct buf *ret, struct err *e)
{
    if (*sub[SUB_TOOLS] || *sub[SUB_WITHOUT] || *sub[SUB_TURNS])
        return err_set(e, ERR_BAD_REQUEST,
                       "agent codex cannot limit the tools or turns of sub-agent %s",
                       sub[SUB_NAME]);
    subagent_line(p, ret, "name = ", sub[SUB_NAME]);
    subagent_line(p, ret, "description = ", sub[SUB_DESCRIPTION]);
    subagent_line(p, ret, "developer_instructions = ", sub[SUB_PROMPT]);
    subagent_line(p, ret, "model = ", sub[SUB_MODEL]);
    return 0;
}

// --- lines ------------------------------------------------------------------------------------

static void on_item(struct agent_reader *r, const struct json_node *item, bool completed)
{
    struct json_out o;
    struct json_text none = {0}, type = json_text_at(item, "type");
    if (json_is(item, "type", "agent_message") || json_is(item, "type", "reasoning")) {
        bool message = json_is(item, "type", "agent_message");
        if (!completed)
            return;
        event_words(r, message ? EV_AGENT_MESSAGE : EV_AGENT_THINKING, json_text_at(item, "text"),
                    none);
        if (message)
            seen_result(r, json_text_at(item, "text")); // no line holds the result by itself
        return;
    }
    if (json_is(item, "type", "error")) { // a warning, not the end
        struct json_text text = json_text_at(item, "message");
        if (completed)
            event_note(r, "%.*s", (int)(text.len < 300 ? text.len : 300), text.p ? text.p : "");
        return;
    }
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(item, "id"));
    event_text(&o, "name", type);
    if (!completed) {
        event_raw(&o, "input", item);
        event_end(r, &o, EV_AGENT_TOOL_CALL);
        return;
    }
    const struct json_node *code = json_at(item, "exit_code");
    json_bool(&o, "is_error", json_is(item, "status", "failed"));
    event_raw(&o, "exit_code", code && code->kind == JSON_NUMBER ? code : NULL);
    event_raw(&o, "changes", json_at(item, "changes"));
    event_raw(&o, "output", json_at(item, "aggregated_output"));
    event_end(r, &o, EV_AGENT_TOOL_RESULT);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

// Input has the cached part in it, output the reasoning; after a resume the numbers are the whole
// thread's.
static void count(struct agent_reader *r, const struct json_node *u)
{
    const struct run_usage *b = &r->expect.before;
    uint64_t cached = json_u64_at(u, "cached_input_tokens");
    if (!u)
        return;
    r->totals = (struct run_usage){
        .input_tokens = less(json_u64_at(u, "input_tokens"), cached),
        .cached_tokens = cached,
        .output_tokens = json_u64_at(u, "output_tokens"),
        .reasoning_tokens = json_u64_at(u, "reasoning_output_tokens"),
        .known = true,
    };
    r->usage = (struct run_usage){
        .input_tokens = less(r->totals.input_tokens, b->input_tokens),
        .cached_tokens = less(cached, b->cached_tokens),
        .output_tokens = less(r->totals.output_tokens, b->output_tokens),
        .reasoning_tokens = less(r->totals.reasoning_tokens, b->reasoning_tokens),
        .known = true,
    };
}

void codex_failed(struct agent_reader *r, struct json_text text)
{
    bool cut = text.p && memmem(text.p, text.len, "max_output_tokens", 17);
    seen_failure(r, cut ? WHY_TOKEN_LIMIT : WHY_API_ERROR, text, "its turn failed");
}

struct codex *codex_of(struct agent_reader *r)
{
    if (!r->own)
        r->own = xcalloc(1, sizeof(struct codex));
    return r->own;
}

static void on_line(struct agent_reader *r, const struct json_node *line)
{
    if (codex_on_talk(r, line))
        return;
    if (json_is(line, "type", "thread.started")) {
        seen_init(r, json_text_at(line, "thread_id"), (struct json_text){0});
    } else if (json_is(line, "type", "turn.started")) {
        r->done = false;
    } else if (json_is(line, "type", "item.started")) {
        on_item(r, json_at(line, "item"), false);
    } else if (json_is(line, "type", "item.completed")) {
        on_item(r, json_at(line, "item"), true);
    } else if (json_is(line, "type", "error")) { // a retry, not the end
        struct json_text text = json_text_at(line, "message");
        event_note(r, "%.*s", (int)(text.len < 300 ? text.len : 300), text.p ? text.p : "");
    } else if (json_is(line, "type", "turn.completed")) {
        r->done = true;
        r->failed = WHY_NONE;
        count(r, json_at(line, "usage"));
    } else if (json_is(line, "type", "turn.failed")) {
        codex_failed(r, json_text_at(line, "error.message"));
    }
}

const struct agent_adapter agent_codex = {
    .name = "codex",
    .program = "codex",
    .doc = "Codex CLI, by its app-server; on a terminal headless.",
    .state_dir = ".codex",
    .skills = ".codex/skills/%s/SKILL.md",
    .commands = ".codex/prompts/%s.md",
    .agents = ".codex/agents/%s.toml",
    .subagent = subagent,
    .ignores = "the repository's .codex, which it does not trust by itself",
    .needs_provider = true,
    .needs_prompt = true,
    .resumes = true,
    .plan = plan,
    .on_line = on_line,
    .say = codex_say,
    .answer = codex_answer,
    .interrupt = codex_interrupt,
    .call_done = codex_call_done,
    .caught_up = codex_caught_up,
    .forgets = true,
    .keeps_tools = true,
    .hooks = true,
};
