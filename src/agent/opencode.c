// SPDX-License-Identifier: Apache-2.0
// opencode run --format json.
#include "agent_int.h"

#include <stdio.h>
#include <string.h>

// Its provider knows no models but those that are named here.
static const char *models(struct planner *p)
{
    const char *list = plan_text(p, "%s:{\"tool_call\":true}", plan_json(p, p->wish->model));
    for (const char *const *sub = p->wish->agents; sub && *sub; sub += SUB_TEXTS)
        if (*sub[SUB_MODEL] && strcmp(sub[SUB_MODEL], p->wish->model) != 0)
            list = plan_text(p, "%s,%s:{\"tool_call\":true}", list, plan_json(p, sub[SUB_MODEL]));
    return list;
}

// Modules that a repository brings are run by this version whatever it is told (OPENCODE_PURE stops
// others, OPENCODE_DISABLE_PROJECT_CONFIG what else such a file says): those in two directories, and
// those that a file names. To hide them would have them deleted by the next commit, so the tool is
// not begun. A backslash may spell the word otherwise.
#define OWN_PLUGINS "PINFOLD_REPOSITORY_PLUGINS"
#define LOOK_FOR_PLUGINS                                                                           \
    "found=; for f in .opencode/plugin .opencode/plugins; do"                                      \
    " [ -e $f ] && found=\"$found $f\"; done;"                                                     \
    " for d in . .opencode; do for f in $d/opencode.json $d/opencode.jsonc; do"                    \
    " [ -e $f ] && grep -aqE 'plugin|\\\\u' $f && found=\"$found $f\"; done; done;"                \
    " if [ -n \"$found\" ] && [ \"$" OWN_PLUGINS "\" != yes ]; then"                               \
    " printf '{\"type\":\"pinfold\",\"refused\":\"%s\"}\\n' \"$found\"; exit 1; fi; "

// In a file, which what it starts does not find in its environment.
#define TOOLS_FILE ".pinfold/opencode.json"
static void plan_tools(struct planner *p)
{
    const struct agent_wish *w = p->wish;
    plan_file(
        p, TOOLS_FILE,
        plan_text(p,
                  "{\"mcp\":{\"pinfold\":{\"type\":\"remote\",\"enabled\":true,\"oauth\":false,"
                  "\"timeout\":120000,\"url\":\"http://127.0.0.1:3128/run/%s/mcp\","
                  "\"headers\":{\"Authorization\":\"Bearer %s\"}}}}",
                  w->run, w->token));
}

static int plan(struct planner *p, struct err *e)
{
    // It takes its prompt apart when that is an argument: one with a blank gets quotes, and a
    // backslash before each of its own. By a pipe it comes as it is.
    static const char *const from_stdin[] = {
        "sh", "-c",
        LOOK_FOR_PLUGINS
        "[ -e \"$HOME/" TOOLS_FILE "\" ] && export OPENCODE_CONFIG=\"$HOME/" TOOLS_FILE "\"; "
        "printf %s \"$PINFOLD_PROMPT\" | opencode run --format json --thinking \"$@\"",
        "sh", NULL};
    const struct agent_wish *w = p->wish;
    const char *path = plan_json(p, plan_text(p, "pinfold/%s", w->model));
    (void)e;
    plan_args(p, from_stdin);
    if (w->tools)
        plan_tools(p);
    if (w->session) {
        plan_arg(p, "--session");
        plan_arg(p, w->session);
    }
    plan_env(p, "PINFOLD_PROMPT=%s", w->prompt);
    plan_env(p,
             "OPENCODE_CONFIG_CONTENT={\"autoupdate\":false,\"share\":\"disabled\",\"snapshot\":"
             "false,\"model\":%s,"
             "\"small_model\":%s,\"enabled_providers\":[\"pinfold\"],\"provider\":{\"pinfold\":{"
             "\"npm\":\"@ai-sdk/openai-compatible\",\"options\":{\"baseURL\":%s,\"apiKey\":%s},"
             "\"models\":{%s}}},\"permission\":\"allow\"}",
             path, path, plan_json(p, w->base_url), plan_json(p, w->api_key ? w->api_key : "none"),
             models(p));
    plan_env(p, "OPENCODE_DISABLE_PROJECT_CONFIG=1");
    plan_env(p, "OPENCODE_PURE=1"); // no plugins but its own
    plan_env(p, "OPENCODE_DISABLE_DEFAULT_PLUGINS=1");
    plan_env(p, "OPENCODE_DISABLE_MODELS_FETCH=1");
    plan_env(p, "OPENCODE_DISABLE_AUTOUPDATE=1");
    plan_env(p, "OPENCODE_DISABLE_LSP_DOWNLOAD=1");
    return 0;
}

static bool is_among(const char *names, const char *name, size_t len)
{
    for (size_t n; *names; names += n, names += strspn(names, ", ")) {
        n = strcspn(names, ",");
        if (n == len && !memcmp(names, name, n))
            return true;
    }
    return false;
}

// Names with a comma between them, as keys of one value; a key of the others' is not repeated.
static void put_tools(struct planner *p, struct buf *ret, const char *names, const char *others,
                      const char *value)
{
    for (size_t n; *names; names += n, names += strspn(names, ", ")) {
        n = strcspn(names, ",");
        if (!is_among(others, names, n))
            (void)buf_printf(ret, "  %s: %s\n", plan_json(p, plan_text(p, "%.*s", (int)n, names)),
                             value);
    }
}

// What stands in front is YAML, of which a JSON string is a part.
static int subagent(struct planner *p, const char *const *sub, struct buf *ret, struct err *e)
{
    (void)e;
    (void)buf_puts(ret, "---\nmode: subagent\n");
    subagent_line(p, ret, "description: ", sub[SUB_DESCRIPTION]);
    if (*sub[SUB_MODEL])
        subagent_line(p, ret, "model: ", plan_text(p, "pinfold/%s", sub[SUB_MODEL]));
    if (*sub[SUB_TURNS])
        (void)buf_printf(ret, "steps: %s\n", sub[SUB_TURNS]);
    if (*sub[SUB_TOOLS] || *sub[SUB_WITHOUT])
        (void)buf_puts(ret, "tools:\n");
    if (*sub[SUB_TOOLS])
        (void)buf_puts(ret, "  \"*\": false\n");
    put_tools(p, ret, sub[SUB_TOOLS], sub[SUB_WITHOUT], "true");
    put_tools(p, ret, sub[SUB_WITHOUT], "", "false");
    (void)buf_printf(ret, "---\n%s\n", sub[SUB_PROMPT]);
    return 0;
}

// --- lines ------------------------------------------------------------------------------------

// A tool's line comes when it has ended: call and result in one.
static void on_tool(struct agent_reader *r, const struct json_node *part)
{
    struct json_out o;
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(part, "callID"));
    event_text(&o, "name", json_text_at(part, "tool"));
    event_raw(&o, "input", json_at(part, "state.input"));
    event_end(r, &o, EV_AGENT_TOOL_CALL);
    r->usage_partial |= json_is(part, "tool", "task"); // a sub-agent's steps are not in its lines
    const struct json_node *code = json_at(part, "state.metadata.exit");
    event_begin(r, &o);
    event_text(&o, "id", json_text_at(part, "callID"));
    event_text(&o, "name", json_text_at(part, "tool"));
    json_bool(&o, "is_error", json_is(part, "state.status", "error"));
    event_raw(&o, "exit_code", code && code->kind == JSON_NUMBER ? code : NULL);
    event_text(&o, "output", json_text_at(part, "state.output"));
    event_text(&o, "error", json_text_at(part, "state.error"));
    event_end(r, &o, EV_AGENT_TOOL_RESULT);
}

// Numbers are a step's. Input is without the cached part, output without the reasoning.
static void count(struct agent_reader *r, const struct json_node *part)
{
    struct run_usage *both[] = {&r->usage, &r->totals};
    uint64_t reasoning = json_u64_at(part, "tokens.reasoning");
    uint64_t cost = micro_usd(part, "cost");
    for (unsigned i = 0; i < 2; i++) {
        both[i]->input_tokens +=
            json_u64_at(part, "tokens.input") + json_u64_at(part, "tokens.cache.write");
        both[i]->cached_tokens += json_u64_at(part, "tokens.cache.read");
        both[i]->output_tokens += json_u64_at(part, "tokens.output") + reasoning;
        both[i]->reasoning_tokens += reasoning;
        both[i]->cost_microusd += cost;
        both[i]->cost_known |= cost > 0; // 0 is what it says of models it has no price of
        both[i]->known = true;
    }
}

static void on_step_finish(struct agent_reader *r, const struct json_node *part)
{
    struct json_text none = {0};
    count(r, part);
    r->done = json_is(part, "reason", "stop");
    if (json_is(part, "reason", "length"))
        seen_failure(r, WHY_TOKEN_LIMIT, none, "the answer of its model was cut");
    else if (json_is(part, "reason", "content-filter"))
        seen_failure(r, WHY_REFUSED, none, "its model refused");
}

static void refused_plugins(struct agent_reader *r, struct json_text found)
{
    char text[300];
    (void)snprintf(
        text, sizeof(text),
        "the repository has plugins, which opencode would run:%.*s; to let it, set " OWN_PLUGINS
        "=yes in the run's env",
        (int)(found.len < 150 ? found.len : 150), found.p ? found.p : "");
    seen_failure(r, WHY_SETUP_FAILED, (struct json_text){0}, text);
}

static void on_line(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *part = json_at(line, "part");
    struct json_text none = {0};
    if (json_is(line, "type", "pinfold")) {
        refused_plugins(r, json_text_at(line, "refused"));
        return;
    }
    if (r->session[0]) // it is on every line, and there is no line that begins
        seen_session(r, json_text_at(line, "sessionID"));
    else
        seen_init(r, json_text_at(line, "sessionID"), none);
    if (json_is(line, "type", "step_start")) {
        r->done = false;
    } else if (json_is(line, "type", "text")) {
        event_words(r, EV_AGENT_MESSAGE, json_text_at(part, "text"), none);
        seen_result(r, json_text_at(part, "text")); // the last one is the result
    } else if (json_is(line, "type", "reasoning")) {
        event_words(r, EV_AGENT_THINKING, json_text_at(part, "text"), none);
    } else if (json_is(line, "type", "tool_use")) {
        on_tool(r, part);
    } else if (json_is(line, "type", "step_finish")) {
        on_step_finish(r, part);
    } else if (json_is(line, "type", "error")) {
        struct json_text text = json_text_at(line, "error.data.message");
        bool refused = json_is(line, "error.name", "ContentFilterError");
        seen_failure(r, refused ? WHY_REFUSED : WHY_API_ERROR,
                     text.p ? text : json_text_at(line, "error.name"), "it failed");
    }
}

const struct agent_adapter agent_opencode = {
    .name = "opencode",
    .program = "opencode",
    .doc = "OpenCode, headless.",
    .state_dir = ".local/share/opencode",
    .skills = ".config/opencode/skill/%s/SKILL.md",
    .commands = ".config/opencode/command/%s.md",
    .agents = ".config/opencode/agent/%s.md",
    .subagent = subagent,
    .ignores =
        "the repository's opencode.json (base URLs, commands); with plugins it does not begin",
    .needs_provider = true,
    .needs_prompt = true,
    .resumes = true,
    .plan = plan,
    .on_line = on_line,
    .mcp = true,
};
