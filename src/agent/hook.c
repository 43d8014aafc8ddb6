// SPDX-License-Identifier: Apache-2.0
// Hooks, whose shapes Claude Code and Codex share.
#include <pinfold/agent_hook.h>

#include "agent_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX 20000
#define PREFIX "hook:"

static const struct {
    const char *name;
    enum agent_hook_kind kind;
    enum event_type type;
    const char *text;
} rows[] = {
    {"PreToolUse", HOOK_QUESTION, EV_N, NULL},
    {"Notification", HOOK_EVENT, EV_AGENT_NEEDS_ATTENTION, NULL},
    {"PreCompact", HOOK_EVENT, EV_RUN_NOTE, "its context is made smaller"},
    {"SubagentStart", HOOK_EVENT, EV_AGENT_SUBAGENT_START, NULL},
    {"SubagentStop", HOOK_EVENT, EV_AGENT_SUBAGENT_STOP, NULL},
};

// An event that the tool's lines have not told is known by its source: they do not tell it again.
static void write_event(struct buf *b, const struct json_node *n, const char *text)
{
    struct json_out o;
    json_out_init(&o, b);
    json_begin(&o, NULL);
    json_str(&o, "source", "hook");
    if (text)
        json_str(&o, "text", text);
    else
        event_text(&o, "text", json_text_at(n, "message"));
    event_text(&o, "kind", json_text_at(n, "notification_type"));
    event_text(&o, "trigger", json_text_at(n, "trigger"));
    event_text(&o, "id", json_text_at(n, "agent_id"));
    event_text(&o, "description", json_text_at(n, "agent_type"));
    json_end(&o);
}

static int read_question(const struct json_node *n, struct agent_hook *ret, struct err *e)
{
    struct json_text id = json_text_at(n, "tool_use_id"), tool = json_text_at(n, "tool_name");
    const struct json_node *input = json_at(n, "tool_input");
    if (!id.len || id.len + sizeof(PREFIX) > sizeof(ret->id) || memchr(id.p, 0, id.len))
        return err_set(e, ERR_BAD_REQUEST, "tool_use_id is missing, or too long");
    (void)snprintf(ret->id, sizeof(ret->id), PREFIX "%.*s", (int)id.len, id.p);
    (void)snprintf(ret->tool, sizeof(ret->tool), "%.*s",
                   (int)(tool.len < NAME_MAX_LEN ? tool.len : NAME_MAX_LEN), tool.p ? tool.p : "");
    bool fits = input && input->kind == JSON_OBJ && input->raw.len <= AGENT_INPUT_MAX;
    (void)buf_append(&ret->input, fits ? input->raw.p : "{}", fits ? input->raw.len : 2);
    for (size_t i = 0; i < ret->input.len; i++) // an event is one line
        if (strchr("\n\r", ret->input.data[i]))
            ret->input.data[i] = ' ';
    return 0;
}

int agent_hook_read(const void *body, size_t len, struct agent_hook *ret, struct err *e)
{
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    *ret = (struct agent_hook){0};
    buf_init(&ret->payload, 4 * AGENT_HOOK_BYTES);
    buf_init(&ret->input, AGENT_INPUT_MAX);
    if (len > AGENT_HOOK_BYTES)
        return err_set(e, ERR_LIMIT, "a hook's object is of at most %d bytes", AGENT_HOOK_BYTES);
    const struct json_node *n = len ? json_tree(body, len, NODES_MAX, &pool) : NULL;
    if (!n || n->kind != JSON_OBJ || !json_text_at(n, "hook_event_name").p)
        return err_set(e, ERR_BAD_REQUEST, "the body is no object with hook_event_name");
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        if (!json_is(n, "hook_event_name", rows[i].name))
            continue;
        ret->kind = rows[i].kind;
        ret->type = rows[i].type;
        if (rows[i].kind == HOOK_QUESTION)
            return read_question(n, ret, e);
        write_event(&ret->payload, n, rows[i].text);
    }
    return 0;
}

void agent_hook_release(struct agent_hook *h)
{
    buf_release(&h->payload);
    buf_release(&h->input);
}

void agent_hook_answer(struct buf *ret, const struct agent_answer *a)
{
    struct json_out o;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    json_begin(&o, "hookSpecificOutput");
    json_str(&o, "hookEventName", "PreToolUse");
    json_str(&o, "permissionDecision", a->allow ? "allow" : "deny");
    if (!a->allow)
        json_str(&o, "permissionDecisionReason", a->message ? a->message : "it is not permitted");
    else if (a->input)
        json_raw(&o, "updatedInput", a->input, strlen(a->input));
    json_end(&o);
    json_end(&o);
}

bool agent_hook_asked(const char *id)
{
    return !strncmp(id, PREFIX, sizeof(PREFIX) - 1);
}

// --- what the tool starts -----------------------------------------------------------------------

#define SCRIPT ".pinfold/hook"

// Without an answer nothing is permitted, and an event is lost.
static const char script[] =
    "export LC_ALL=C\n"
    "body=$(cat)\n"
    "while exec 3<>/dev/tcp/127.0.0.1/3128; do\n"
    "    printf 'POST /run/%s/hook HTTP/1.1\\r\\nHost: 127.0.0.1:3128\\r\\n"
    "Authorization: Bearer %s\\r\\nContent-Type: application/json\\r\\n"
    "Content-Length: %d\\r\\n\\r\\n%s' \"$run\" \"$token\" \"${#body}\" \"$body\" >&3\n"
    "    answer=$(cat <&3)\n"
    "    exec 3<&-\n"
    "    case $answer in\n"
    "    'HTTP/1.1 200 '*) printf %s \"${answer#*$'\\r\\n\\r\\n'}\"; exit 0 ;;\n"
    "    'HTTP/1.1 202 '*) ;; # nobody has decided yet\n"
    "    *) break ;;\n"
    "    esac\n"
    "done 2>/dev/null\n"
    "[ \"$1\" = ask ] || exit 0\n"
    "echo 'nobody could be asked whether this is permitted' >&2\n"
    "exit 2\n";

const char *plan_hook(struct planner *p, bool ask)
{
    const struct agent_wish *w = p->wish;
    if (!p->hooked)
        plan_file(p, SCRIPT, plan_text(p, "run=%s token=%s\n%s", w->run, w->token, script));
    p->hooked = true;
    return ask ? "bash \"$HOME/" SCRIPT "\" ask" : "bash \"$HOME/" SCRIPT "\"";
}
