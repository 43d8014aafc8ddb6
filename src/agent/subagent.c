// SPDX-License-Identifier: Apache-2.0
// Sub-agents that a run brings: a file each, where the tool looks for them.
#include "agent_int.h"

#include <pinfold/own.h>
#include <string.h>

#define DESCRIPTION_MAX 1024
#define MODEL_MAX 256
#define FILE_MAX (126 * 1024) // it goes by a variable

static bool is_plain(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    return true;
}

// A tool's name, perhaps with a rule behind it, as in Bash(git log *).
static bool tools_ok(const char *s)
{
    return is_plain(s) && !strpbrk(s, "\"\\");
}

static int check(const char *const *sub, struct err *e)
{
    if (!name_ok(sub[SUB_NAME]) || strchr(sub[SUB_NAME], '.'))
        return err_set(e, ERR_BAD_REQUEST, "'%.64s' is not the name of a sub-agent", sub[SUB_NAME]);
    if (!*sub[SUB_DESCRIPTION] || strlen(sub[SUB_DESCRIPTION]) > DESCRIPTION_MAX ||
        !is_plain(sub[SUB_DESCRIPTION]))
        return err_set(e, ERR_BAD_REQUEST,
                       "description is one line of 1 to %d bytes: when it is to be used",
                       DESCRIPTION_MAX);
    if (!*sub[SUB_PROMPT] || strlen(sub[SUB_PROMPT]) > AGENT_SUBAGENT_BYTES)
        return err_set(e, ERR_BAD_REQUEST, "prompt is of 1 to %d bytes", AGENT_SUBAGENT_BYTES);
    if (strlen(sub[SUB_MODEL]) > MODEL_MAX || !is_plain(sub[SUB_MODEL]))
        return err_set(e, ERR_BAD_REQUEST, "model is a name of at most %d bytes", MODEL_MAX);
    if (!tools_ok(sub[SUB_TOOLS]) || !tools_ok(sub[SUB_WITHOUT]))
        return err_set(e, ERR_BAD_REQUEST,
                       "tools are names, without commas, quotes and control characters");
    return 0;
}

static size_t bytes_of(const char *const *sub)
{
    size_t n = 0;
    for (unsigned i = 0; i < SUB_TEXTS; i++)
        n += strlen(sub[i]);
    return n;
}

int agent_subagents_check(const char *const *list, struct err *e)
{
    size_t n = 0, bytes = 0;
    for (const char *const *sub = list; sub && *sub; sub += SUB_TEXTS, n++) {
        if (n == AGENT_LIBRARY_MAX)
            return err_set(e, ERR_LIMIT, "there are more than %d agents", AGENT_LIBRARY_MAX);
        if (check(sub, e))
            return err_wrap(e, "agents/%zu", n);
        for (const char *const *other = list; other < sub; other += SUB_TEXTS)
            if (!strcmp(*other, *sub))
                return err_set(e, ERR_BAD_REQUEST, "agents/%zu: there is a '%.64s' already", n,
                               *sub);
        bytes += bytes_of(sub);
    }
    return bytes <= AGENT_SUBAGENTS_BYTES
               ? 0
               : err_set(e, ERR_LIMIT, "agents are larger than %d bytes", AGENT_SUBAGENTS_BYTES);
}

int plan_subagents(struct planner *p, const struct agent_adapter *a, struct err *e)
{
    for (const char *const *sub = p->wish->agents; sub && *sub; sub += SUB_TEXTS) {
        own_buf struct buf b;
        const char *at = a->agents ? strstr(a->agents, "%s") : NULL;
        buf_init(&b, FILE_MAX);
        if (!at)
            return err_set(e, ERR_BAD_REQUEST, "agent %s looks for no sub-agents", a->name);
        if (check(sub, e)) // its name becomes a part of a path
            return -1;
        if (a->subagent(p, sub, &b, e))
            return -1;
        if (b.overflow)
            return err_set(e, ERR_LIMIT, "sub-agent %s is larger than %d bytes", sub[SUB_NAME],
                           FILE_MAX);
        plan_file(p, plan_text(p, "%.*s%s%s", (int)(at - a->agents), a->agents, *sub, at + 2),
                  plan_text(p, "%s", b.data));
    }
    return 0;
}

void subagent_line(struct planner *p, struct buf *ret, const char *name, const char *text)
{
    if (*text)
        (void)buf_printf(ret, "%s%s\n", name, plan_json(p, text));
}

// Claude Code's: what stands in front is YAML, of which a JSON string is a part.
int claude_subagent(struct planner *p, const char *const *sub, struct buf *ret, struct err *e)
{
    (void)e;
    (void)buf_puts(ret, "---\n");
    subagent_line(p, ret, "name: ", sub[SUB_NAME]);
    subagent_line(p, ret, "description: ", sub[SUB_DESCRIPTION]);
    subagent_line(p, ret, "tools: ", sub[SUB_TOOLS]);
    subagent_line(p, ret, "disallowedTools: ", sub[SUB_WITHOUT]);
    subagent_line(p, ret, "model: ", sub[SUB_MODEL]);
    if (*sub[SUB_TURNS])
        (void)buf_printf(ret, "maxTurns: %s\n", sub[SUB_TURNS]);
    (void)buf_printf(ret, "---\n%s\n", sub[SUB_PROMPT]);
    return 0;
}
