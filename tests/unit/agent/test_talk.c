// SPDX-License-Identifier: Apache-2.0
// Lines between an agent that runs and who runs it.
#include "tap.h"
#include <pinfold/agent_talk.h>
#include <pinfold/own.h>
#include <string.h>

static struct {
    unsigned asked, withdrawn, idle, taken;
    char id[AGENT_ID_MAX], name[128], input[256];
} seen;

static void on_event(void *arg, enum event_type type, const char *payload, size_t len)
{
    (void)arg, (void)payload, (void)len;
    seen.taken += type == EV_USER_MESSAGE_TAKEN;
}
static void on_asked(void *arg, const struct agent_question *q)
{
    (void)arg;
    seen.asked++;
    (void)snprintf(seen.id, sizeof(seen.id), "%s", q->id);
    (void)snprintf(seen.name, sizeof(seen.name), "%s", q->name);
    (void)snprintf(seen.input, sizeof(seen.input), "%.*s", (int)q->input_len, q->input);
}
static void on_withdrawn(void *arg, const char *id)
{
    (void)arg;
    seen.withdrawn += !strcmp(id, "q1");
}
static void on_idle(void *arg)
{
    (void)arg;
    seen.idle++;
}

static void feed(struct agent_reader *r, const char *line)
{
    agent_reader_feed(r, 0, line, strlen(line));
    agent_reader_feed(r, 0, "\n", 1);
}

static void ids(void)
{
    char id[AGENT_ID_MAX];
    uint32_t turn, n;
    agent_message_id(3, 70000, id);
    is_int((int)strlen(id), 36, "a message's id is as long as a UUID: %s", id);
    ok(!agent_message_number(id, strlen(id), &turn, &n) && turn == 3 && n == 70000,
       "and says which it is");
    ok(agent_message_number("11111111-1111-4111-8111-111111111111", 36, &turn, &n) < 0,
       "another's says nothing");
    ok(agent_message_number(id, 35, &turn, &n) < 0, "nor does one that is cut");
    id[35] = 'X';
    ok(agent_message_number(id, 36, &turn, &n) < 0, "nor one with other digits");
}

static void lines(void)
{
    const struct agent_adapter *a = agent_find("claude-code");
    own_buf struct buf b;
    buf_init(&b, 4096);
    ok(agent_talks(a) && !agent_talks(agent_find("cursor")), "some talk");
    struct agent_reader *r = agent_reader_new(a, &(struct agent_expect){0});
    ok(agent_say(r, &b, "i", "two \"words\"\nmore"), "one can be told from the start");
    is_str(b.data,
           "{\"type\":\"user\",\"uuid\":\"i\",\"message\":{\"role\":\"user\",\"content\":\"two "
           "\\\"words\\\"\\nmore\"},\"parent_tool_use_id\":null,\"session_id\":\"\"}\n",
           "a message is a line");
    buf_clear(&b);
    const struct agent_answer yes = {.id = "q", .allow = true, .input = "{\"a\":1}"};
    agent_answer(r, &b, &yes);
    is_str(b.data,
           "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":"
           "\"q\",\"response\":{\"behavior\":\"allow\",\"updatedInput\":{\"a\":1}}}}\n",
           "so is a yes");
    buf_clear(&b);
    const struct agent_answer no = {.id = "q"};
    agent_answer(r, &b, &no);
    ok(strstr(b.data, "\"behavior\":\"deny\",\"message\":\"it is not permitted\"") != NULL,
       "and a no has words");
    agent_reader_free(r);
}

static void questions(void)
{
    const struct agent_expect x = {.on_event = on_event,
                                   .on_idle = on_idle,
                                   .on_asked = on_asked,
                                   .on_withdrawn = on_withdrawn};
    struct agent_reader *r = agent_reader_new(agent_find("claude-code"), &x);
    feed(r, "{\"type\":\"control_request\",\"request_id\":\"q1\",\"request\":{\"subtype\":"
            "\"can_use_tool\",\"tool_name\":\"Bash\",\"input\":{\"command\":\"x\"}}}");
    is_int((int)seen.asked, 1, "it asks");
    is_str(seen.id, "q1", "by an id");
    is_str(seen.name, "Bash", "for a tool");
    is_str(seen.input, "{\"command\":\"x\"}", "with what it would do");
    feed(r, "{\"type\":\"control_request\",\"request_id\":\"q2\",\"request\":{\"subtype\":\"x\"}}");
    feed(r, "{\"type\":\"control_request\",\"request\":{\"subtype\":\"can_use_tool\"}}");
    feed(r, "{\"type\":\"control_request\",\"request_id\":\"a\\u0000b\",\"request\":{\"subtype\":"
            "\"can_use_tool\"}}");
    is_int((int)seen.asked, 1, "other requests, and those without an id, are none");
    feed(r, "{\"type\":\"control_request\",\"request_id\":\"q3\",\"request\":{\"subtype\":"
            "\"can_use_tool\",\"input\":7}}");
    is_str(seen.input, "{}", "what is no object is an empty one");
    feed(r, "{\"type\":\"control_cancel_request\",\"request_id\":\"q1\"}");
    is_int((int)seen.withdrawn, 1, "it wants to know no more");
    feed(r, "{\"type\":\"user\",\"isReplay\":true,\"uuid\":\"70696e66-6f6c-4d00-8000-"
            "000001000000\",\"message\":{\"content\":\"x\"}}");
    feed(r, "{\"type\":\"user\",\"isReplay\":true,\"uuid\":\"ecccc40e-b02c-482d-a1f6-"
            "14a7a5fee53e\",\"message\":{\"content\":\"x\"}}");
    is_int((int)seen.taken, 1, "it has a message");
    feed(r, "{\"type\":\"result\",\"subtype\":\"success\",\"result\":\"x\"}");
    is_int((int)seen.idle, 1, "its turn is over");
    agent_reader_free(r);
}

// --- codex ------------------------------------------------------------------------------------

static struct buf lines_to_it;
static unsigned ready, over, said_n = 99;
static void write_lines(void *arg, const struct buf *b)
{
    (void)arg;
    (void)buf_append(&lines_to_it, b->data, b->len);
}
static void on_ready(void *arg)
{
    (void)arg;
    ready++;
}
static void on_over(void *arg)
{
    (void)arg;
    over++;
}
static void on_said(void *arg, uint32_t turn, uint32_t n)
{
    (void)arg;
    said_n = turn == 1 ? n : 99;
}

#define MSG "70696e66-6f6c-4d00-8000-000001000000"
#define THREAD "{\"id\":\"session\",\"result\":{\"thread\":{\"id\":\"th-1\"},\"model\":\"m\"}}"
#define TURN                                                                                       \
    "{\"method\":\"turn/started\",\"params\":{\"threadId\":\"th-1\",\"turn\":{\"id\":\"t-1\"}}}"
#define FIRST                                                                                      \
    "{\"id\":\"first\",\"method\":\"turn/start\",\"params\":{\"threadId\":\"th-1\",\"input\":"     \
    "[{\"type\":\"text\",\"text\":\"do \\\"it\\\"\",\"text_elements\":[]}]}}\n"
#define LOOK "{\"id\":\"look\",\"method\":\"thread/read\",\"params\":{\"threadId\":\"th-1\"}}\n"

static struct agent_reader *codex_reader(bool replays)
{
    struct agent_expect x = {.on_event = on_event,
                             .on_idle = on_idle,
                             .on_asked = on_asked,
                             .on_withdrawn = on_withdrawn,
                             .on_ready = on_ready,
                             .on_over = on_over,
                             .on_said = on_said,
                             .write = write_lines,
                             .first = "do \"it\"",
                             .replays = replays};
    memset(&seen, 0, sizeof(seen));
    ready = over = 0;
    buf_clear(&lines_to_it);
    return agent_reader_new(agent_find("codex"), &x);
}

static void codex_begins(void)
{
    own_buf struct buf b;
    buf_init(&b, 4096);
    struct agent_reader *r = codex_reader(false);
    feed(r, "{\"id\":\"hello\",\"result\":{}}");
    ok(!agent_say(r, &b, MSG, "x") && !b.len, "codex can be told nothing before it has a session");
    feed(r, THREAD);
    is_str(lines_to_it.data, FIRST, "then it is told what to do");
    is_int((int)ready, 1, "and more can follow");
    feed(r, THREAD);
    is_str(lines_to_it.data, FIRST, "once");
    ok(agent_say(r, &b, MSG, "x") && strstr(b.data, "\"clientUserMessageId\":\"" MSG "\""),
       "a message has its id");
    feed(r, "{\"id\":\"" MSG "\",\"result\":{\"turn\":{\"id\":\"t-1\"}}}");
    is_int((int)said_n, 0, "it has it");
    for (unsigned i = 0; i < 2; i++)
        feed(r, "{\"method\":\"item/started\",\"params\":{\"threadId\":\"th-1\",\"item\":{\"type\":"
                "\"userMessage\",\"clientId\":\"" MSG "\"}}}");
    is_int((int)seen.taken, 1, "and takes it, once, though it was told twice");
    feed(r, "{\"id\":\"stop\",\"error\":{\"message\":\"no turn\"}}");
    is_int((int)over, 0, "an interrupt of nothing is no failure");
    feed(r, "{\"id\":\"" MSG "\",\"error\":{\"message\":\"too much\"}}");
    is_int((int)over, 1, "a message that it does not take is its end");
    agent_reader_free(r);

    r = codex_reader(true);
    feed(r, THREAD);
    is_str(lines_to_it.data, "", "what comes again is not answered again");
    agent_reader_caught_up(r);
    is_str(lines_to_it.data, LOOK, "what it has not said to have is asked for");
    buf_clear(&lines_to_it);
    feed(r, "{\"id\":\"look\",\"result\":{}}");
    is_str(lines_to_it.data, FIRST, "and told when it says nothing of it");
    agent_reader_free(r);

    r = codex_reader(true);
    feed(r, THREAD);
    feed(r, TURN);
    agent_reader_caught_up(r);
    is_str(lines_to_it.data, LOOK, "what it has heard is asked for");
    feed(r, "{\"id\":\"look\",\"result\":{}}");
    is_str(lines_to_it.data, LOOK, "a turn that goes on is not begun again");
    is_int((int)ready, 1, "and more can be said");
    agent_reader_free(r);
}

static void codex_asks(void)
{
    own_buf struct buf b;
    buf_init(&b, 4096);
    struct agent_reader *r = codex_reader(false);
    feed(r, THREAD);
    feed(r, TURN);
    feed(r,
         "{\"id\":0,\"method\":\"item/commandExecution/requestApproval\",\"params\":{\"threadId\":"
         "\"th-1\",\"command\":\"touch \\\"x\\\"\",\"cwd\":\"/workspace\"}}");
    is_str(seen.id, "0@t-1", "codex asks, by an id that no other run of the program has");
    is_str(seen.input, "{\"command\":\"touch \\\"x\\\"\",\"cwd\":\"/workspace\"}",
           "with what it would do");
    const struct agent_answer no = {.id = "0@t-1", .message = "not \"that\""};
    agent_answer(r, &b, &no);
    ok(strstr(b.data, "{\"id\":0,\"result\":{\"decision\":\"decline\"}}\n") == b.data &&
           strstr(b.data, "That was not permitted: not \\\"that\\\""),
       "a no is an answer and words");
    feed(r, "{\"method\":\"item/started\",\"params\":{\"threadId\":\"th-1\",\"item\":{\"type\":"
            "\"fileChange\",\"id\":\"c\",\"changes\":[{\"path\":\"/a\",\"kind\":{\"type\":\"add\"},"
            "\"diff\":\"+x\"}]}}}");
    feed(r,
         "{\"id\":1,\"method\":\"item/fileChange/requestApproval\",\"params\":{\"itemId\":\"c\"}}");
    is_str(seen.input, "{\"changes\":[{\"path\":\"/a\",\"kind\":\"add\",\"diff\":\"+x\"}]}",
           "a change of files shows them");
    feed(r,
         "{\"id\":2,\"method\":\"item/fileChange/requestApproval\",\"params\":{\"itemId\":\"d\"}}");
    is_str(seen.input, "{}", "of another one nothing is known");
    buf_clear(&lines_to_it);
    feed(r, "{\"id\":3,\"method\":\"item/tool/requestUserInput\",\"params\":{}}");
    ok(strstr(lines_to_it.data, "{\"id\":3,\"error\":{\"code\":-32601") == lines_to_it.data,
       "nothing it asks is left without an answer");
    is_int((int)seen.asked, 3, "three questions");
    agent_reader_free(r);
}

static void plans(void)
{
    struct agent_plan p = {0};
    struct err e = {0};
    struct agent_wish w = {.prompt = "a\nb", .model = "m", .base_url = "http://x", .talk = true};
    ok(!agent_plan_make(agent_find("claude-code"), &w, &p, &e), "a call that is talked to");
    ok(p.input && strstr(p.input, "\"content\":\"a\\nb\"") && strchr(p.input, '\n')[1] == '\0',
       "gets its prompt as a line");
    bool skips = false;
    for (const char *const *v = p.argv; *v; v++)
        skips |= !strcmp(*v, "--dangerously-skip-permissions");
    ok(skips, "and asks for nothing");
    agent_plan_release(&p);
    w.ask = true;
    ok(!agent_plan_make(agent_find("claude-code"), &w, &p, &e), "one that asks");
    for (const char *const *v = p.argv; *v; v++)
        ok(strcmp(*v, "--dangerously-skip-permissions"), "does not skip that: %s", *v);
    agent_plan_release(&p);
    w.talk = false;
    ok(agent_plan_make(agent_find("claude-code"), &w, &p, &e), "needs somebody who listens");
    w.talk = true;
    ok(agent_plan_make(agent_find("opencode"), &w, &p, &e) && strstr(e.text, "cannot ask"),
       "and a tool that can");
    const struct agent_tool tool = {"t", "d", "{\"type\":\"object\"}"};
    w.tools = true;
    w.tool_list = &tool;
    w.n_tools = 1;
    ok(!agent_plan_make(agent_find("codex"), &w, &p, &e), "codex asks and is served tools");
    is_str(p.first, "a\nb", "its prompt follows its first lines");
    ok(strstr(p.input, "\"approvalPolicy\":\"untrusted\"") &&
           strstr(p.input, "\"dynamicTools\":[{\"type\":\"function\",\"name\":\"t\""),
       "which say both");
    agent_plan_release(&p);
    w.session = "s-1";
    ok(!agent_plan_make(agent_find("codex"), &w, &p, &e) &&
           strstr(p.input, "\"thread/resume\",\"params\":{\"threadId\":\"s-1\"") &&
           !strstr(p.input, "dynamicTools"),
       "a session goes on with the tools that it has");
    agent_plan_release(&p);
}

int main(void)
{
    ids();
    lines();
    questions();
    buf_init(&lines_to_it, 1024 * 1024);
    codex_begins();
    codex_asks();
    buf_release(&lines_to_it);
    plans();
    return done_testing();
}
