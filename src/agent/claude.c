// SPDX-License-Identifier: Apache-2.0
// claude -p --output-format stream-json.
#include "agent_int.h"

#include <pinfold/own.h>
#include <string.h>

static const char *first_line(struct planner *p)
{
    own_buf struct buf b;
    buf_init(&b, 4 * 1024 * 1024); // a prompt has a limit far below
    (void)claude_say(NULL, &b, NULL, p->wish->prompt);
    return plan_text(p, "%s", b.data);
}

// What its lines do not tell, and its questions where they cannot be asked by lines. Its settings are
// words of the call, so that no file of an image is replaced.
static void plan_hooks(struct planner *p)
{
    static const char tools[] =
        "\"matcher\":\"Bash|Write|Edit|MultiEdit|NotebookEdit|WebFetch|mcp__.*\",";
    const struct agent_wish *w = p->wish;
    const char *one = plan_text(p, "\"hooks\":[{\"type\":\"command\",\"command\":%s}]}]",
                                plan_json(p, plan_hook(p, false)));
    const char *asks = "";
    if (w->ask && !w->talk)
        asks = plan_text(p,
                         ",\"PreToolUse\":[{%s\"hooks\":[{\"type\":\"command\",\"timeout\":86400,"
                         "\"command\":%s}]}]",
                         tools, plan_json(p, plan_hook(p, true)));
    plan_arg(p, "--settings");
    plan_arg(p, plan_text(p, "{\"hooks\":{\"Notification\":[{%s,\"PreCompact\":[{%s%s}}", one, one,
                          asks));
}

static int plan_claude(struct planner *p, struct err *e)
{
    static const char *const always[] = {"claude", "-p", "--output-format", "stream-json",
                                         "--verbose",
                                         // the repository's own hooks, variables and servers
                                         "--setting-sources", "user", "--strict-mcp-config", NULL};
    static const char *const talk[] = {"--input-format", "stream-json", "--replay-user-messages",
                                       NULL};
    static const char *const ask[] = {"--permission-mode", "default", "--permission-prompt-tool",
                                      "stdio", NULL};
    static const char *const tools[] = {
        "--mcp-config", "{\"mcpServers\":{\"pinfold\":{\"type\":\"sdk\",\"name\":\"pinfold\"}}}",
        NULL};
    static const char *const skip[] = {"--dangerously-skip-permissions", NULL};
    const struct agent_wish *w = p->wish;
    (void)e;
    plan_args(p, always);
    plan_args(p, w->ask && w->talk ? ask : skip); // else its hook asks, before it skips
    if (w->token)
        plan_hooks(p);
    if (w->tools)
        plan_args(p, tools);
    if (w->talk)
        plan_args(p, talk);
    plan_arg(p, "--model");
    plan_arg(p, w->model);
    if (w->max_turns) {
        plan_arg(p, "--max-turns");
        plan_arg(p, plan_text(p, "%u", w->max_turns));
    }
    if (w->max_millusd) {
        plan_arg(p, "--max-budget-usd");
        plan_arg(p, plan_text(p, "%llu.%03llu", (unsigned long long)w->max_millusd / 1000,
                              (unsigned long long)w->max_millusd % 1000));
    }
    if (w->session) {
        plan_arg(p, "--resume");
        plan_arg(p, w->session);
    }
    if (w->talk) {
        p->plan->input = first_line(p);
    } else {
        plan_arg(p, "--");
        plan_arg(p, w->prompt);
    }
    plan_env(p, "ANTHROPIC_BASE_URL=%s", w->base_url);
    plan_env(p, "ANTHROPIC_API_KEY=%s", w->api_key ? w->api_key : "none");
    // No host is asked but the base URL; updates are a matter of images.
    plan_env(p, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1");
    plan_env(p, "DISABLE_AUTOUPDATER=1");
    if (w->tools)
        plan_env(p, "ENABLE_TOOL_SEARCH=false"); // they are few: its model is told of all of them
    plan_env(p, "IS_SANDBOX=1");                 // else it does not skip permissions as root
    return 0;
}

// --- lines ------------------------------------------------------------------------------------

static void on_content(struct agent_reader *r, const struct json_node *line,
                       const struct json_node *block)
{
    struct json_out o;
    struct json_text parent = json_text_at(line, "parent_tool_use_id");
    if (json_is(block, "type", "text")) {
        event_words(r, EV_AGENT_MESSAGE, json_text_at(block, "text"), parent);
    } else if (json_is(block, "type", "thinking")) {
        event_words(r, EV_AGENT_THINKING, json_text_at(block, "thinking"), parent);
    } else if (json_is(block, "type", "tool_use")) {
        event_begin(r, &o);
        event_text(&o, "id", json_text_at(block, "id"));
        event_text(&o, "name", json_text_at(block, "name"));
        event_raw(&o, "input", json_at(block, "input"));
        event_text(&o, "parent_tool_call_id", parent);
        event_end(r, &o, EV_AGENT_TOOL_CALL);
    } else if (json_is(block, "type", "tool_result")) {
        event_begin(r, &o);
        event_text(&o, "id", json_text_at(block, "tool_use_id"));
        json_bool(&o, "is_error", json_true_at(block, "is_error"));
        event_raw(&o, "output", json_at(block, "content"));
        event_text(&o, "parent_tool_call_id", parent);
        event_end(r, &o, EV_AGENT_TOOL_RESULT);
    }
}

// A command that takes long is a task too, and no sub-agent. Its end does not say that again.
#define COMMANDS_MAX 64
struct claude {
    char commands[COMMANDS_MAX][AGENT_ID_MAX]; // the last ones
    unsigned n;
};

static bool is_command(struct agent_reader *r, const struct json_node *line)
{
    struct claude *c = r->own = r->own ? r->own : xcalloc(1, sizeof(*c));
    struct json_text id = json_text_at(line, "task_id");
    if (!id.p || id.len >= AGENT_ID_MAX)
        return false;
    for (unsigned i = 0; i < COMMANDS_MAX; i++)
        if (strlen(c->commands[i]) == id.len && !memcmp(c->commands[i], id.p, id.len))
            return true;
    if (!json_is(line, "task_type", "local_bash"))
        return false;
    char *at = c->commands[c->n++ % COMMANDS_MAX];
    memcpy(at, id.p, id.len);
    at[id.len] = '\0';
    return true;
}

static void task_event(struct agent_reader *r, const struct json_node *line, enum event_type type)
{
    struct json_out o;
    if (is_command(r, line))
        return;
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(line, "task_id"));
    event_text(&o, "tool_call_id", json_text_at(line, "tool_use_id"));
    event_text(&o, "description", json_text_at(line, "description"));
    event_end(r, &o, type);
}

static void on_system(struct agent_reader *r, const struct json_node *line)
{
    struct json_out o;
    if (json_is(line, "subtype", "init")) {
        seen_init(r, json_text_at(line, "session_id"), json_text_at(line, "model"));
    } else if (json_is(line, "subtype", "api_retry")) {
        struct json_text why = json_text_at(line, "error");
        event_note(r, "its model does not answer (%.*s, status %u); try %u of %u",
                   (int)(why.len < 100 ? why.len : 100), why.p ? why.p : "",
                   (unsigned)json_u64_at(line, "error_status"),
                   (unsigned)json_u64_at(line, "attempt"),
                   (unsigned)json_u64_at(line, "max_retries"));
    } else if (json_is(line, "subtype", "task_started")) {
        task_event(r, line, EV_AGENT_SUBAGENT_START);
    } else if (json_is(line, "subtype", "task_notification")) {
        task_event(r, line, EV_AGENT_SUBAGENT_STOP);
    } else if (json_is(line, "subtype", "permission_denied")) {
        event_begin(r, &o);
        json_str(&o, "text", "a tool was not permitted");
        event_text(&o, "name", json_text_at(line, "tool_name"));
        event_end(r, &o, EV_AGENT_NEEDS_ATTENTION);
    }
}

// --- the result -------------------------------------------------------------------------------

static void add_model(struct run_usage *u, const struct json_node *m)
{
    u->input_tokens += json_u64_at(m, "inputTokens") + json_u64_at(m, "cacheCreationInputTokens");
    u->output_tokens += json_u64_at(m, "outputTokens");
    u->cached_tokens += json_u64_at(m, "cacheReadInputTokens");
    u->cost_microusd += micro_usd(m, "costUSD");
    u->cost_known |= json_at(m, "costUSD") != NULL;
}

// Numbers by model hold the sub-agents' part too. Newer versions let them and the cost grow over
// resumes and give the part since the last result beside them, of which there is one for each turn
// that a sub-agent's end began: these are added up. Older ones begin anew with each run. Lines of
// type assistant repeat a message's numbers for each block: they are not added up.
static void count(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *own = json_at(line, "model_usage_since_last_result");
    const struct json_node *models = own ? own : json_at(line, "modelUsage");
    const struct run_usage *before = &r->expect.before;
    struct run_usage u = own ? r->usage : (struct run_usage){0};
    u.known = true;
    for (const struct json_node *m = models ? models->first : NULL; m; m = m->next)
        add_model(&u, m);
    if (!own && (!models || !models->first)) {
        u.input_tokens = json_u64_at(line, "usage.input_tokens") +
                         json_u64_at(line, "usage.cache_creation_input_tokens");
        u.output_tokens = json_u64_at(line, "usage.output_tokens");
        u.cached_tokens = json_u64_at(line, "usage.cache_read_input_tokens");
    }
    uint64_t cost = micro_usd(line, "total_cost_usd");
    if (json_at(line, "total_cost_usd") && !(own && u.cost_known)) {
        u.cost_microusd =
            own && cost >= before->cost_microusd ? cost - before->cost_microusd : cost;
        u.cost_known = true;
    }
    r->usage = u;
    r->totals = *before;
    r->totals.input_tokens += u.input_tokens;
    r->totals.output_tokens += u.output_tokens;
    r->totals.cached_tokens += u.cached_tokens;
    r->totals.cost_microusd += u.cost_microusd;
    r->totals.known = true;
    r->totals.cost_known = u.cost_known;
}

// "success" with is_error is what it says when its model failed, and the reason is elsewhere.
static void judge(struct agent_reader *r, const struct json_node *line)
{
    struct json_text text = json_text_at(line, "result");
    struct json_text end = json_text_at(line, "terminal_reason");
    if (json_is(line, "subtype", "error_max_turns"))
        seen_failure(r, WHY_TURN_LIMIT, text, "it took more turns than it may");
    else if (json_is(line, "subtype", "error_max_budget_usd"))
        seen_failure(r, WHY_COST_LIMIT, text, "it cost more than it may");
    else if (json_is(line, "stop_reason", "refusal"))
        seen_failure(r, WHY_REFUSED, text, "its model refused");
    else if (r->answer_cut)
        seen_failure(r, WHY_TOKEN_LIMIT, text, "the answer of its model was cut");
    else if (json_is(line, "subtype", "success") && json_true_at(line, "is_error"))
        seen_failure(r, WHY_API_ERROR, text, "its model failed");
    else if (end.len && !json_is(line, "terminal_reason", "completed"))
        seen_failure(r, WHY_ABORTED, text, "it was interrupted in the middle of a turn");
    else if (!json_is(line, "subtype", "success") || json_true_at(line, "is_error"))
        seen_failure(r, WHY_AGENT_ERROR, text, "it failed while it ran");
    else
        r->done = true;
}

static void on_result(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *denials = json_at(line, "permission_denials");
    struct json_out o;
    // A resume that failed gives the id it was asked for, without having begun.
    if (r->session[0])
        seen_session(r, json_text_at(line, "session_id"));
    r->failed = WHY_NONE;
    r->done = false;
    judge(r, line);
    seen_result(r, json_text_at(line, "result"));
    count(r, line);
    r->denials = 0;
    for (const struct json_node *d = denials ? denials->first : NULL; d; d = d->next)
        r->denials++;
    if (!r->denials)
        return;
    event_begin(r, &o);
    json_str(&o, "text", "tools were not permitted");
    event_raw(&o, "denials", denials);
    event_end(r, &o, EV_AGENT_NEEDS_ATTENTION);
}

void claude_on_line(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *content = json_at(line, "message.content");
    if (claude_on_talk(r, line))
        return;
    if (json_is(line, "type", "system")) {
        on_system(r, line);
    } else if (json_is(line, "type", "assistant") || json_is(line, "type", "user")) {
        r->answer_cut = json_is(line, "error", "max_output_tokens");
        if (content && content->kind == JSON_ARR)
            for (const struct json_node *b = content->first; b; b = b->next)
                on_content(r, line, b);
    } else if (json_is(line, "type", "stream_event")) {
        event_words(r, EV_AGENT_TOKEN, json_text_at(line, "event.delta.text"),
                    json_text_at(line, "parent_tool_use_id"));
    } else if (json_is(line, "type", "result")) {
        on_result(r, line);
        if (r->expect.on_idle)
            r->expect.on_idle(r->expect.arg);
    }
}

const struct agent_adapter agent_claude = {
    .name = "claude-code",
    .program = "claude",
    .doc = "Claude Code, headless.",
    .state_dir = ".claude",
    .skills = ".claude/skills/%s/SKILL.md",
    .commands = ".claude/commands/%s.md",
    .agents = ".claude/agents/%s.md",
    .subagent = claude_subagent,
    .ignores = "the repository's .claude/settings.json (hooks, variables) and .mcp.json",
    .counts_turns = true,
    .counts_cost = true,
    .needs_provider = true,
    .needs_prompt = true,
    .resumes = true,
    .plan = plan_claude,
    .on_line = claude_on_line,
    .say = claude_say,
    .answer = claude_answer,
    .interrupt = claude_interrupt,
    .call_done = mcp_call_done,
    .takes_input = true,
    .hooks = true,
};
