// SPDX-License-Identifier: Apache-2.0
// Reading agents: lines shaped as the real tools print them, and the traps they set. Exit code 0
// proves nothing, neither does the word "success".
#include <pinfold/agent.h>
#include <pinfold/own.h>
#include <tap.h>

struct seen {
    struct buf events; // "type payload\n"
    unsigned n;
};
static struct seen S;
static struct agent_verdict V;
static char session[AGENT_SESSION_MAX], result[AGENT_RESULT_MAX + 1];

static void on_event(void *arg, enum event_type type, const char *payload, size_t len)
{
    struct seen *s = arg;
    s->n++;
    (void)buf_printf(&s->events, "%s ", event_type_name(type));
    (void)buf_append(&s->events, payload, len);
    (void)buf_putc(&s->events, '\n');
}

static bool event(const char *text)
{
    if (strstr(S.events.data, text))
        return true;
    printf("# no '%s' in:\n# %.600s\n", text, S.events.data);
    return false;
}

// Everything that is read: in one piece, then byte by byte; both must give the same.
static void read_in(const char *agent, const char *resume, const struct run_usage *before,
                    const char *lines, const struct outcome *o, size_t piece)
{
    struct agent_expect x = {.session = resume, .on_event = on_event, .arg = &S};
    if (before)
        x.before = *before;
    buf_clear(&S.events);
    (void)buf_puts(&S.events, "");
    S.n = 0;
    struct agent_reader *r = agent_reader_new(agent_find(agent), &x);
    for (size_t at = 0, len = strlen(lines), n; at < len; at += n) {
        n = piece < len - at ? piece : len - at;
        agent_reader_feed(r, 0, lines + at, n);
    }
    if (o->exit_code)
        agent_reader_feed(r, 1, "first words\nlast words\n", 23);
    agent_reader_finish(r, o, &V);
    (void)snprintf(session, sizeof(session), "%s", agent_reader_session(r));
    (void)snprintf(result, sizeof(result), "%.*s", (int)V.result_len, V.result);
    V.result = NULL;
    agent_reader_free(r);
}

static void reads_from(const char *agent, const char *resume, const struct run_usage *before,
                       const char *lines, int code)
{
    const struct outcome o = {.reason = END_EXITED, .exit_code = code};
    read_in(agent, resume, before, lines, &o, 1);
    own_free char *first = xstrdup(S.events.data);
    struct agent_verdict v = V;
    read_in(agent, resume, before, lines, &o, strlen(lines));
    if (strcmp(first, S.events.data) || v.reason != V.reason)
        ok(false, "lines that come in pieces are the same lines");
}

static void reads(const char *agent, const char *lines, int code)
{
    reads_from(agent, NULL, NULL, lines, code);
}

#define VERDICT(why, sentence) is_str(run_reason_name(V.reason), run_reason_name(why), sentence)

// --- claude -----------------------------------------------------------------------------------

#define C_INIT                                                                                     \
    "{\"cwd\":\"/w\",\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s-1\",\"model\":"   \
    "\"m\"}\n"
#define C_TEXT                                                                                     \
    "{\"type\":\"assistant\",\"message\":{\"id\":\"msg_1\",\"content\":[{\"type\":\"text\","       \
    "\"text\":\"hello\"}],\"usage\":{\"input_tokens\":1000,\"output_tokens\":1}},"                 \
    "\"parent_tool_use_id\":null,\"session_id\":\"s-1\"}\n"
#define C_TOOL                                                                                     \
    "{\"type\":\"assistant\",\"message\":{\"id\":\"msg_1\",\"content\":[{\"type\":\"tool_use\","   \
    "\"id\":\"t1\",\"name\":\"Bash\",\"input\":{\"command\":\"ls\"}}],\"usage\":{\"input_tokens\"" \
    ":1000}},\"session_id\":\"s-1\"}\n"
#define C_RESULT(more)                                                                             \
    "{\"duration_api_ms\":1,\"session_id\":\"s-1\"," more ",\"type\":\"result\"}\n"
#define C_GOOD                                                                                     \
    C_RESULT("\"is_error\":false,\"subtype\":\"success\",\"terminal_reason\":\"completed\","       \
             "\"result\":\"done it\",\"total_cost_usd\":0.5,\"permission_denials\":[],"            \
             "\"usage\":{\"input_tokens\":1000,\"output_tokens\":50,"                              \
             "\"cache_read_input_tokens\":800},"                                                   \
             "\"modelUsage\":{\"m\":{\"inputTokens\":1100,\"outputTokens\":60,"                    \
             "\"cacheReadInputTokens\":900,\"costUSD\":0.5}}")

static void test_claude(void)
{
    reads("claude-code", C_INIT C_TEXT C_TOOL C_GOOD, 0);
    ok(V.succeeded, "claude: a result that says so is success");
    VERDICT(WHY_COMPLETED, "and completed");
    is_str(session, "s-1", "its session is known");
    is_str(result, "done it", "its result is the final text");
    ok(event("session.init {\"session_id\":\"s-1\",\"model\":\"m\"}"), "the session is an event");
    ok(event("agent.message {\"text\":\"hello\"}"), "so is what it says");
    ok(event("agent.tool_call {\"id\":\"t1\",\"name\":\"Bash\",\"input\":{\"command\":\"ls\"}}"),
       "and what it calls");
    is_int(V.usage.input_tokens, 1100, "sub-agents are counted, repeated messages are not");
    is_int(V.usage.cached_tokens, 900, "what came from the cache is beside the input");
    is_int(V.usage.cost_microusd, 500000, "and the cost is known");

    reads("claude-code", C_INIT C_TEXT, 0);
    ok(!V.succeeded, "claude: exit 0 without a result is no success");
    VERDICT(WHY_NO_RESULT, "but a lost result");
    reads("claude-code",
          C_INIT C_RESULT("\"is_error\":true,\"subtype\":\"success\",\"result\":\"API Error: 400\","
                          "\"api_error_status\":400"),
          1);
    VERDICT(WHY_API_ERROR, "claude: subtype success with is_error is a failure of its model");
    is_str(V.error, "API Error: 400", "and says which");
    reads("claude-code",
          C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"error_during_execution\","
                          "\"terminal_reason\":\"aborted_tools\""),
          0);
    VERDICT(WHY_ABORTED, "claude: exit 0 after an interrupt is not success");
    reads("claude-code", C_INIT C_RESULT("\"is_error\":true,\"subtype\":\"error_max_turns\""), 1);
    VERDICT(WHY_TURN_LIMIT, "claude: too many turns");
    reads("claude-code", C_INIT C_RESULT("\"is_error\":true,\"subtype\":\"error_max_budget_usd\""),
          1);
    VERDICT(WHY_COST_LIMIT, "claude: too much money");
    reads("claude-code",
          C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"success\",\"result\":\"well\","
                          "\"permission_denials\":[{\"tool_name\":\"Bash\"}]"),
          0);
    ok(V.succeeded, "claude: a run with refused tools ended");
    VERDICT(WHY_PERMISSION_DENIED, "but it is said that tools were refused");
    ok(event("agent.needs_attention"), "which is an event too");
    // terminal_reason says api_error for each of these
#define C_FAILED(more)                                                                             \
    C_RESULT("\"is_error\":true,\"subtype\":\"success\",\"terminal_reason\":\"api_error\"," more)
    reads("claude-code", C_INIT C_FAILED("\"result\":\"API Error: 500\""), 1);
    VERDICT(WHY_API_ERROR, "claude: an error of its model is no interrupt");
    reads("claude-code", C_INIT C_FAILED("\"stop_reason\":\"refusal\""), 1);
    VERDICT(WHY_REFUSED, "claude: nor is a refusal");
    reads("claude-code",
          C_INIT "{\"type\":\"assistant\",\"message\":{\"content\":[]},"
                 "\"error\":\"max_output_tokens\"}\n" C_FAILED("\"result\":\"API Error\""),
          1);
    VERDICT(WHY_TOKEN_LIMIT, "claude: nor an answer that was cut");
    reads("claude-code", C_INIT C_GOOD, 143);
    ok(!V.succeeded, "claude: a good result with a bad exit code is no success");
}

// The end of a sub-agent in the background begins another turn, with its own init and result.
#define C_PART(since)                                                                              \
    C_RESULT("\"is_error\":false,\"subtype\":\"success\",\"terminal_reason\":\"completed\","       \
             "\"result\":\"r\",\"total_cost_usd\":0.5,\"usage\":{\"input_tokens\":1000},"          \
             "\"modelUsage\":{\"m\":{\"inputTokens\":9000}},"                                      \
             "\"model_usage_since_last_result\":" since)
static void test_claude_turns(void)
{
    reads("claude-code",
          C_INIT C_PART("{\"m\":{\"inputTokens\":5000,\"costUSD\":0.4}}")
              C_INIT C_PART("{\"m\":{\"inputTokens\":1000,\"costUSD\":0.1}}") C_PART("{}"),
          0);
    ok(V.succeeded, "claude: a run with several results");
    is_int(V.usage.input_tokens, 6000, "each is counted once");
    is_int(V.usage.cost_microusd, 500000, "with its cost");
    char *first = strstr(S.events.data, "session.init");
    ok(first && !strstr(first + 1, "session.init"), "and begins once");
}

static void test_claude_resume(void)
{
    struct run_usage before = {.cost_microusd = 400000, .input_tokens = 1000, .known = true};
    reads_from("claude-code", "s-1", &before, C_INIT C_GOOD, 0);
    ok(V.succeeded, "claude: a resume into the same session");
    is_int(V.usage.cost_microusd, 500000, "an older version's numbers are this run's");
    reads_from("claude-code", "s-1", &before,
               C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"success\",\"result\":\"x\","
                               "\"total_cost_usd\":0.7,\"modelUsage\":{\"m\":{\"inputTokens\":"
                               "2000}},\"model_usage_since_last_result\":{\"m\":{\"inputTokens\":"
                               "1000}}"),
               0);
    is_int(V.usage.input_tokens, 1000,
           "a newer version's part since the last result is this run's");
    is_int(V.usage.cost_microusd, 300000, "and so is what the cost grew by");
    is_int(V.totals.input_tokens, 2000, "the session's sum goes on");
    reads_from("claude-code", "s-2", NULL, C_INIT C_GOOD, 0);
    VERDICT(WHY_SESSION_CHANGED, "claude: a resume into another session is found out");
    reads_from("claude-code", "s-1", NULL,
               C_RESULT("\"is_error\":true,\"subtype\":\"error_during_execution\""), 1);
    VERDICT(WHY_SESSION_LOST, "claude: a session that is not there");
}

static void test_claude_lines(void)
{
    reads("claude-code",
          "{\"type\":\"system\",\"subtype\":\"task_started\",\"task_id\":\"a1\",\"tool_use_id\":"
          "\"t1\"}\n"
          "{\"type\":\"user\",\"parent_tool_use_id\":\"t1\",\"message\":{\"content\":[{\"type\":"
          "\"tool_result\",\"tool_use_id\":\"t2\",\"content\":\"out\",\"is_error\":true}]}}\n"
          "{\"type\":\"system\",\"subtype\":\"task_notification\",\"task_id\":\"a1\"}\n"
          "{\"type\":\"system\",\"subtype\":\"task_started\",\"task_id\":\"b1\",\"task_type\":"
          "\"local_bash\"}\n"
          "{\"type\":\"system\",\"subtype\":\"task_notification\",\"task_id\":\"b1\"}\n"
          "{\"type\":\"system\",\"subtype\":\"api_retry\",\"attempt\":1,\"max_retries\":10,"
          "\"error_status\":529,\"error\":\"overloaded\"}\n"
          "warning: not JSON\n\n{\"type\":\"new thing\"}\n",
          0);
    ok(event("agent.subagent_start {\"id\":\"a1\",\"tool_call_id\":\"t1\"}"), "a sub-agent begins");
    ok(!strstr(S.events.data, "\"b1\""), "a command that takes long is none");
    ok(event("agent.tool_result {\"id\":\"t2\",\"is_error\":true,\"output\":\"out\","
             "\"parent_tool_call_id\":\"t1\"}"),
       "what its tools say is its own");
    ok(event("agent.subagent_stop"), "and it ends");
    ok(event("its model does not answer (overloaded, status 529); try 1 of 10"),
       "a retry is a note, not an end");
    ok(event("a line that is not JSON: warning: not JSON"), "words between the lines are notes");
    is_int(S.n, 5, "lines of an unknown type are passed over");
}

// --- codex ------------------------------------------------------------------------------------

#define X_START                                                                                    \
    "{\"type\":\"thread.started\",\"thread_id\":\"th-1\"}\n{\"type\":\"turn.started\"}\n"
#define X_SAY(text)                                                                                \
    "{\"type\":\"item.completed\",\"item\":{\"id\":\"i\",\"type\":\"agent_message\",\"text\":"     \
    "\"" text "\"}}\n"
#define X_DONE(in, cached, out)                                                                    \
    "{\"type\":\"turn.completed\",\"usage\":{\"input_tokens\":" #in                                \
    ",\"cached_input_tokens\":" #cached ",\"output_tokens\":" #out                                 \
    ",\"reasoning_output_tokens\":10}}\n"

static void test_codex(void)
{
    reads("codex",
          X_START
          "{\"type\":\"item.started\",\"item\":{\"id\":\"c\",\"type\":\"command_execution\","
          "\"command\":\"ls\",\"exit_code\":null,\"status\":\"in_progress\"}}\n"
          "{\"type\":\"item.completed\",\"item\":{\"id\":\"c\",\"type\":\"command_execution\","
          "\"aggregated_output\":\"x\",\"exit_code\":1,\"status\":\"failed\"}}\n"
          "{\"type\":\"item.completed\",\"item\":{\"id\":\"e\",\"type\":\"error\",\"message\":"
          "\"unknown model\"}}\n"
          "{\"type\":\"error\",\"message\":\"Reconnecting... 1/1\"}\n" X_SAY("first") X_SAY("last")
              X_DONE(1000, 800, 50),
          0);
    ok(V.succeeded, "codex: a completed turn is success, whatever errors were on the way");
    is_str(result, "last", "its result is the last message");
    is_int(V.usage.input_tokens, 200, "codex: the cached part is taken out of the input");
    is_int(V.usage.output_tokens, 50, "and reasoning is part of the output");
    ok(event("agent.tool_result {\"id\":\"c\",\"name\":\"command_execution\",\"is_error\":true,"
             "\"exit_code\":1,\"output\":\"x\"}"),
       "a command that failed is a result, not the end");
    struct run_usage before = V.totals;
    reads_from("codex", "th-1", &before, X_START X_SAY("x") X_DONE(2100, 1700, 110), 0);
    is_int(V.usage.input_tokens, 200, "codex: after a resume the thread's sum before is taken off");
    is_int(V.usage.output_tokens, 60, "for the output too");
    reads_from("codex", "abc", NULL, X_START X_SAY("x") X_DONE(1, 0, 1), 0);
    ok(!V.succeeded, "codex: exit 0 in a session that was not asked for is no success");
    VERDICT(WHY_SESSION_CHANGED, "it is found out");
    reads_from("codex", "abc", NULL, "", 1);
    VERDICT(WHY_SESSION_LOST, "codex: a resume that prints nothing");
    ok(strstr(V.error, "last words") != NULL, "says what standard error said last");
    reads("codex", X_START "{\"type\":\"turn.failed\",\"error\":{\"message\":\"status 500\"}}\n",
          1);
    VERDICT(WHY_API_ERROR, "codex: a failed turn");
    is_str(V.error, "status 500", "says why");
    reads("codex",
          X_START
          "{\"type\":\"turn.failed\",\"error\":{\"message\":\"Incomplete response returned, "
          "reason: max_output_tokens\"}}\n",
          1);
    VERDICT(WHY_TOKEN_LIMIT, "codex: an answer that was cut");
    reads("codex", X_START X_SAY("half"), 1);
    VERDICT(WHY_NO_RESULT, "codex: an interrupt leaves no last line");
    reads("codex", X_START X_SAY("half"), 0);
    ok(!V.succeeded, "codex: exit 0 without a completed turn is no success");
}

// --- opencode ---------------------------------------------------------------------------------

#define O(type, part) "{\"type\":\"" type "\",\"sessionID\":\"ses_1\",\"part\":" part "}\n"
#define O_FINISH(reason)                                                                           \
    O("step_finish",                                                                               \
      "{\"reason\":\"" reason "\",\"tokens\":{\"input\":200,\"output\":40,\"reasoning\":10,"       \
      "\"cache\":{\"read\":800,\"write\":0}},\"cost\":0}")

static void test_opencode(void)
{
    reads("opencode",
          O("step_start", "{}") O("tool_use", "{\"tool\":\"bash\",\"callID\":\"c1\",\"state\":{"
                                              "\"status\":\"error\",\"input\":{\"command\":\"x\"},"
                                              "\"error\":\"denied\"}}") O_FINISH("tool-calls")
              O("step_start", "{}") O("text", "{\"text\":\"all done\"}") O_FINISH("stop"),
          0);
    ok(V.succeeded, "opencode: a last step that stopped is success");
    is_str(result, "all done", "its result is the last text");
    is_str(session, "ses_1", "its session is on every line");
    is_int(V.usage.input_tokens, 400, "opencode: steps are added up");
    is_int(V.usage.output_tokens, 100, "and reasoning is added to the output");
    ok(event("agent.tool_result {\"id\":\"c1\",\"name\":\"bash\",\"is_error\":true,\"error\":"
             "\"denied\"}"),
       "a denied tool is a result");
    reads("opencode", O("step_start", "{}") O("text", "{\"text\":\"cut of\"}") O_FINISH("length"),
          0);
    ok(!V.succeeded, "opencode: exit 0 with an answer that was cut is no success");
    VERDICT(WHY_TOKEN_LIMIT, "but the limit of tokens");
    reads("opencode", O("step_start", "{}") O_FINISH("content-filter"), 1);
    VERDICT(WHY_REFUSED, "opencode: a refusal");
    reads("opencode", "", 0);
    VERDICT(WHY_NO_RESULT, "opencode: not a single line is no success");
    reads("opencode", O("step_start", "{}") O_FINISH("tool-calls"), 0);
    VERDICT(WHY_NO_RESULT, "opencode: an end after a tool is no success");
    reads("opencode",
          "{\"type\":\"error\",\"sessionID\":\"ses_1\",\"error\":{\"name\":\"APIError\",\"data\":{"
          "\"message\":\"bad request\",\"statusCode\":400}}}\n",
          1);
    VERDICT(WHY_API_ERROR, "opencode: an error line");
    is_str(V.error, "bad request", "says what it was");
    reads_from("opencode", "ses_0", NULL, O("step_start", "{}") O_FINISH("stop"), 0);
    VERDICT(WHY_SESSION_CHANGED, "opencode: another session than asked for");
    reads_from("opencode", "ses_1", NULL,
               "{\"type\":\"pinfold\",\"refused\":\" .opencode/plugin\"}\n", 1);
    VERDICT(WHY_SETUP_FAILED, "opencode: a repository with plugins, not a session that is lost");
}

// --- the others -------------------------------------------------------------------------------

static void test_cursor(void)
{
    reads("cursor",
          "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"u-1\",\"model\":\"auto\"}\n"
          "{\"type\":\"tool_call\",\"subtype\":\"started\",\"call_id\":\"k\",\"tool_call\":{"
          "\"shellToolCall\":{\"args\":{\"command\":\"ls\"}}}}\n"
          "{\"type\":\"tool_call\",\"subtype\":\"completed\",\"call_id\":\"k\",\"tool_call\":{"
          "\"shellToolCall\":{\"args\":{},\"result\":{\"rejected\":{\"reason\":\"no\"}}}}}\n"
          "{\"type\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}}"
          "\n{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"hi\","
          "\"session_id\":\"u-1\"}\n",
          0);
    ok(V.succeeded, "cursor: a result is success");
    VERDICT(WHY_PERMISSION_DENIED, "cursor: a rejected call is said");
    ok(event("agent.tool_call {\"id\":\"k\",\"name\":\"shellToolCall\",\"input\":{\"command\":"
             "\"ls\"}}"),
       "cursor: a call has its tool's name");
    reads("cursor", "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"u-1\"}\n", 1);
    VERDICT(WHY_NO_RESULT, "cursor: no result line on failure");
}

static void test_gemini_and_qwen(void)
{
    reads("gemini",
          "{\"type\":\"init\",\"session_id\":\"g\",\"model\":\"m\"}\n"
          "{\"type\":\"message\",\"role\":\"user\",\"content\":\"do\"}\n"
          "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"a\",\"delta\":true}\n"
          "{\"type\":\"message\",\"role\":\"assistant\",\"content\":\"b\",\"delta\":true}\n"
          "{\"type\":\"result\",\"status\":\"success\",\"stats\":{\"input_tokens\":5}}\n"
          "{\"result\":\"\"}\n",
          0);
    ok(V.succeeded, "gemini: a result, and one more line without a type");
    is_str(result, "ab", "gemini: pieces are one result");
    reads("gemini",
          "{\"type\":\"init\",\"session_id\":\"g\",\"model\":\"m\"}\n"
          "{\"type\":\"result\",\"status\":\"error\",\"error\":{\"type\":\"unknown\",\"message\":"
          "\"[API Error: 500]\"},\"stats\":{\"total_tokens\":1850,\"input_tokens\":1800,"
          "\"output_tokens\":40,\"cached\":800}}\n",
          144);
    VERDICT(WHY_API_ERROR, "gemini: a model that failed");
    is_int(V.usage.output_tokens, 50, "gemini: thoughts are in the sum alone");
    reads("gemini", "", 53);
    VERDICT(WHY_TURN_LIMIT, "gemini: too many turns are an exit code");
    reads("qwen", C_INIT C_TEXT C_GOOD, 0);
    ok(V.succeeded, "qwen: lines of claude's shape");
    reads("qwen",
          C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"success\","
                          "\"result\":\"[API Error: 400 bad]\""),
          0);
    VERDICT(WHY_API_ERROR, "qwen: exit 0, success and no error, and its model failed");
    struct run_usage before = {.input_tokens = 2000, .cached_tokens = 1600, .output_tokens = 100};
    reads_from("qwen", "s-1", &before,
               C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"success\",\"result\":\"x\","
                               "\"usage\":{\"input_tokens\":7200,\"output_tokens\":200,"
                               "\"cache_read_input_tokens\":3200}"),
               0);
    is_int(V.usage.input_tokens, 2000, "qwen: the session's sum before is taken off");
}

static void test_programs(void)
{
    const struct outcome killed = {.reason = END_SIGNALED, .exit_code = -1, .signal = 9};
    const struct outcome slow = {.reason = END_TIMED_OUT, .exit_code = -1};
    reads("command", "some output\n", 0);
    ok(V.succeeded && !strcmp(result, "some output\n"), "command: its output is its result");
    reads("command", "", 3);
    VERDICT(WHY_EXITED, "command: another exit code is a failure");
    is_str(V.error, "the command failed (code 3): last words", "which says how");
    read_in("command", NULL, NULL, "", &killed, 1);
    VERDICT(WHY_SIGNALED, "command: a signal");
    read_in("claude-code", NULL, NULL, C_INIT C_GOOD, &slow, 100);
    VERDICT(WHY_WALL_LIMIT, "what the kernel says about the end comes first");
    own_free char *much = xmalloc(300001);
    memset(much, 'x', 300000);
    much[300000] = '\0';
    memcpy(much + 299996, "end\n", 4);
    reads("command", much, 0);
    ok(V.result_cut && V.result_len == AGENT_RESULT_MAX, "of much output the end is kept");
    ok(!strcmp(result + V.result_len - 4, "end\n"), "to its last byte");
}

static void test_long_lines(void)
{
    size_t n = AGENT_LINE_MAX - 400;
    own_free char *lines = xmalloc(n + 4096);
    int at = sprintf(lines, "%s",
                     C_INIT C_RESULT("\"is_error\":false,\"subtype\":\"success\","
                                     "\"result\":\""));
    at -= (int)strlen(",\"type\":\"result\"}\n"); // the text goes on
    memset(lines + at, 'y', n);
    (void)strcpy(lines + at + n, "\",\"type\":\"result\"}\n");
    const struct outcome o = {.reason = END_EXITED};
    read_in("claude-code", NULL, NULL, lines, &o, 65536);
    ok(V.succeeded && V.result_cut, "a result line of nearly 16 MiB is not lost");
    is_int(V.result_len, AGENT_RESULT_MAX, "its text is cut to what is kept");
    own_free char *over = xmalloc((size_t)AGENT_LINE_MAX + 4096);
    memset(over, 'z', (size_t)AGENT_LINE_MAX + 1);
    (void)strcpy(over + AGENT_LINE_MAX + 1, "\n" C_INIT C_GOOD);
    read_in("claude-code", NULL, NULL, over, &o, 65536);
    ok(V.succeeded, "a longer line costs only itself");
    ok(event("run.note {\"text\":\"a line of more than 16777216 bytes was cut"), "and is told of");
}

// --- calls ------------------------------------------------------------------------------------

static int plan(const char *agent, const struct agent_wish *w, struct agent_plan *p, struct err *e)
{
    agent_plan_release(p);
    return agent_plan_make(agent_find(agent), w, p, e);
}

static bool has(const char *const *list, const char *word)
{
    for (; list && *list; list++)
        if (!strncmp(*list, word, strlen(word)))
            return true;
    return false;
}

static void test_plans(void)
{
    struct agent_plan p = {0};
    struct err e = {0};
    struct agent_wish w = {.prompt = "-fix \"it\"",
                           .model = "m\"1",
                           .base_url = "http://10.0.0.1:1/v1",
                           .session = "s-1"};
    for (unsigned i = 0; i < agent_count(); i++) {
        const struct agent_adapter *a = agent_at(i);
        struct agent_wish first = w;
        first.session = NULL;
        ok(agent_find(agent_name(a)) == a && *agent_doc(a), "%s is in the table", agent_name(a));
        if (!strcmp(agent_name(a), "command"))
            first.command = "true";
        if (plan(agent_name(a), &first, &p, &e))
            ok(false, "%s: %s", agent_name(a), e.text);
        ok(!p.command == !!p.argv, "%s has a call of one kind", agent_name(a));
        first.prompt = first.command = NULL;
        is_int(plan(agent_name(a), &first, &p, &e), -1, "%s wants to be told what to do",
               agent_name(a));
    }
    ok(!plan("claude-code", &w, &p, &e), "claude goes on");
    ok(has(p.argv, "--setting-sources") && has(p.argv, "--strict-mcp-config"),
       "claude does not obey the repository's settings");
    ok(has(p.argv, "--resume") && has(p.argv, "-fix"), "it gets session and prompt");
    ok(has(p.env, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1"), "and asks no other host");
    ok(!plan("opencode", &w, &p, &e) && has(p.env, "OPENCODE_DISABLE_PROJECT_CONFIG=1"),
       "opencode does not obey the repository's settings");
    ok(has(p.env, "OPENCODE_CONFIG_CONTENT={") && strstr(p.env[1], "\"pinfold/m\\\"1\""),
       "a model's name cannot break out of its configuration");
    ok(has(p.env, "PINFOLD_PROMPT=-fix \"it\""), "its prompt comes as it is");
    ok(!plan("codex", &w, &p, &e) &&
           has(p.argv,
               "model_providers.pinfold={name=\"pinfold\",base_url=\"http://10.0.0.1:1/v1\""),
       "codex is told its model, over all files");
    w.max_turns = 7;
    w.max_millusd = 1250;
    ok(!plan("claude-code", &w, &p, &e) && has(p.argv, "--max-turns") && has(p.argv, "1.250"),
       "a limit of turns and of money is claude's own");
    ok(!plan("qwen", &w, &p, &e) && has(p.argv, "--max-session-turns"), "of turns is qwen's");
    w.session = "--help";
    ok(plan("codex", &w, &p, &e) && e.code == ERR_BAD_REQUEST,
       "a session's id cannot be an option");
    w.session = "s-1";
    ok(plan("shell", &w, &p, &e), "a shell has no session");
    w.session = w.model = NULL;
    ok(plan("codex", &w, &p, &e) && strstr(e.text, "model is missing"),
       "an agent that needs a model says so");
    agent_plan_release(&p);
}

// What its file says, as the command's variable; NULL: it is not there.
static const char *file_of(const struct agent_plan *p, const char *path)
{
    for (const char *const *v = p->env; v && *v; v++) {
        const char *at = strchr(*v, '=');
        if (!strncmp(*v, "PINFOLD_FILE_", 13) && !strncmp(at + 1, path, strlen(path)) &&
            at[1 + strlen(path)] == '\n')
            return at + strlen(path) + 2;
    }
    return NULL;
}

static int check(const char *name, const char *description, const char *prompt, const char *tools)
{
    const char *const two[] = {"other",     "d",    "p",   "", "", "", "",  name,
                               description, prompt, tools, "", "", "", NULL};
    struct err e;
    return agent_subagents_check(two, &e);
}

static void test_subagents(void)
{
    static const char *const subs[] = {
        "helper", "helps \"well\"", "Help.\n", "Read, Bash", "Write", "m2", "7", NULL};
    static const char *const plain[] = {"helper", "helps \"well\"", "Help.\n", "", "", "m2", "",
                                        NULL};
    static char large[AGENT_SUBAGENT_BYTES + 2];
    struct agent_plan p = {0};
    struct err e = {0};
    struct agent_wish w = {
        .prompt = "go", .model = "m", .base_url = "http://10.0.0.1:1/v1", .agents = subs};
    memset(large, '"', sizeof(large) - 1);
    ok(!plan("claude-code", &w, &p, &e), "claude has sub-agents");
    is_str(file_of(&p, ".claude/agents/helper.md"),
           "---\nname: \"helper\"\ndescription: \"helps \\\"well\\\"\"\ntools: \"Read, Bash\"\n"
           "disallowedTools: \"Write\"\nmodel: \"m2\"\nmaxTurns: 7\n---\nHelp.\n\n",
           "each a file that it finds");
    ok(!plan("opencode", &w, &p, &e), "opencode has them");
    is_str(file_of(&p, ".config/opencode/agent/helper.md"),
           "---\nmode: subagent\ndescription: \"helps \\\"well\\\"\"\nmodel: \"pinfold/m2\"\n"
           "steps: 7\ntools:\n  \"*\": false\n  \"Read\": true\n  \"Bash\": true\n"
           "  \"Write\": false\n---\nHelp.\n\n",
           "in its own words");
    ok(strstr(p.env[1], "\"m2\":{"), "and knows their models");
    ok(plan("codex", &w, &p, &e) && strstr(e.text, "cannot limit the tools"),
       "codex cannot keep one from a tool, and says so");
    w.agents = plain;
    ok(!plan("codex", &w, &p, &e), "codex has them");
    is_str(file_of(&p, ".codex/agents/helper.toml"),
           "name = \"helper\"\ndescription = \"helps \\\"well\\\"\"\n"
           "developer_instructions = \"Help.\\n\"\nmodel = \"m2\"\n",
           "as TOML");
    ok(plan("cursor", &w, &p, &e) && strstr(e.text, "looks for no sub-agents"),
       "who has none says so");
    agent_plan_release(&p);
    is_int(check("a", "d", "p", "Bash(git log *)"), 0, "a sub-agent is well-formed");
    is_int(check("../a", "d", "p", ""), -1, "its name is no path");
    is_int(check("other", "d", "p", ""), -1, "nor another's");
    is_int(check("a", "", "p", ""), -1, "it has a description");
    is_int(check("a", "d\ntools: x", "p", ""), -1, "of one line");
    is_int(check("a", "d", "", ""), -1, "and a prompt");
    is_int(check("a", "d", large, ""), -1, "which is not too large");
    large[AGENT_SUBAGENT_BYTES] = '\0';
    is_int(check("a", "d", large, ""), 0, "but may be as large as is said");
    is_int(check("a", "d", "p", "Read\", x"), -1, "its tools are names");
    is_int(agent_subagents_check(NULL, &e), 0, "none are fine");
    const char *many[(AGENT_LIBRARY_MAX + 1) * SUB_TEXTS + 1] = {NULL};
    char names[AGENT_LIBRARY_MAX + 1][8];
    for (unsigned i = 0; i <= AGENT_LIBRARY_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "n%u", i);
        for (unsigned k = 0; k < SUB_TEXTS; k++)
            many[i * SUB_TEXTS + k] = !k ? names[i] : k < SUB_TOOLS ? "x" : "";
    }
    ok(agent_subagents_check(many, &e) && e.code == ERR_LIMIT, "there are not too many");
    many[AGENT_LIBRARY_MAX * SUB_TEXTS] = NULL;
    is_int(agent_subagents_check(many, &e), 0, "but as many as is said");
}

int main(void)
{
    buf_init(&S.events, 64 * 1024 * 1024);
    test_claude();
    test_claude_turns();
    test_claude_resume();
    test_claude_lines();
    test_codex();
    test_opencode();
    test_cursor();
    test_gemini_and_qwen();
    test_programs();
    test_long_lines();
    test_plans();
    test_subagents();
    buf_release(&S.events);
    return done_testing();
}
