// SPDX-License-Identifier: Apache-2.0
// What goes between Claude Code and who runs it with --input-format stream-json: messages, which it
// takes in the middle of a turn too and repeats once it has, questions whether a tool may be used, and
// an interrupt of the turn.
#include "agent_int.h"

#include <pinfold/own.h>
#include <string.h>

bool claude_say(const struct agent_reader *r, struct buf *ret, const char *id, const char *text)
{
    struct json_out o;
    (void)r;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    json_str(&o, "type", "user");
    if (id)
        json_str(&o, "uuid", id);
    json_begin(&o, "message");
    json_str(&o, "role", "user");
    json_str(&o, "content", text);
    json_end(&o);
    json_null(&o, "parent_tool_use_id");
    json_str(&o, "session_id", "");
    json_end(&o);
    (void)buf_putc(ret, '\n');
    return true;
}

void claude_answer(const struct agent_reader *r, struct buf *ret, const struct agent_answer *a)
{
    struct json_out o;
    (void)r;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    json_str(&o, "type", "control_response");
    json_begin(&o, "response");
    json_str(&o, "subtype", "success");
    json_str(&o, "request_id", a->id);
    json_begin(&o, "response");
    json_str(&o, "behavior", a->allow ? "allow" : "deny");
    if (a->allow)
        json_raw(&o, "updatedInput", a->input, strlen(a->input));
    else
        json_str(&o, "message", a->message ? a->message : "it is not permitted");
    json_end(&o);
    json_end(&o);
    json_end(&o);
    (void)buf_putc(ret, '\n');
}

void claude_interrupt(const struct agent_reader *r, struct buf *ret, const char *id)
{
    struct json_out o;
    (void)r;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    json_str(&o, "type", "control_request");
    json_str(&o, "request_id", id);
    json_begin(&o, "request");
    json_str(&o, "subtype", "interrupt");
    json_end(&o);
    json_end(&o);
    (void)buf_putc(ret, '\n');
}

// --- lines of its own ---------------------------------------------------------------------------

static char *id_of(const struct json_node *line, const char *path)
{
    struct json_text t = json_text_at(line, path);
    bool good = t.p && t.len && t.len < AGENT_ID_MAX && !memchr(t.p, '\0', t.len);
    return good ? xmemdup0(t.p, t.len) : NULL;
}

static void on_question(struct agent_reader *r, const struct json_node *line)
{
    const struct json_node *input = json_at(line, "request.input");
    struct json_text name = json_text_at(line, "request.tool_name");
    bool fits = input && input->kind == JSON_OBJ && input->raw.len <= AGENT_INPUT_MAX;
    own_free char *id = id_of(line, "request_id");
    if (id && json_is(line, "request.subtype", "mcp_message"))
        mcp_on_message(r, id, json_at(line, "request.message"));
    if (!id || !json_is(line, "request.subtype", "can_use_tool") || !r->expect.on_asked)
        return;
    own_free char *tool =
        xmemdup0(name.p ? name.p : "", name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
    const struct agent_question q = {.id = id,
                                     .name = tool,
                                     .input = fits ? input->raw.p : "{}",
                                     .input_len = fits ? input->raw.len : 2};
    r->expect.on_asked(r->expect.arg, &q);
}

bool claude_on_talk(struct agent_reader *r, const struct json_node *line)
{
    if (json_is(line, "type", "control_request")) {
        on_question(r, line);
    } else if (json_is(line, "type", "control_cancel_request")) {
        own_free char *id = id_of(line, "request_id");
        if (id && r->expect.on_withdrawn)
            r->expect.on_withdrawn(r->expect.arg, id);
    } else if (json_is(line, "type", "user") && json_true_at(line, "isReplay")) {
        seen_taken(r, json_text_at(line, "uuid"));
    } else {
        return false;
    }
    return true;
}
