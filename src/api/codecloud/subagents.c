// SPDX-License-Identifier: Apache-2.0
// Subagents, as the dialect describes them.
#include "codecloud_int.h"

#include <pinfold/buf.h>
#include <pinfold/json_tree.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TOOLS_BYTES (16 * 1024)

struct sub {
    const char *name, *description, *prompt, *tools;
    uint32_t mode, max_turns;
};
static const char *const modes[] = {"subagent", NULL};
static const struct json_field fields[] = {
    JSON_FIELD(struct sub, name, JSON_STRING, .flags = JSON_REQUIRED, .max = NAME_MAX_LEN),
    JSON_FIELD(struct sub, description, JSON_STRING, .flags = JSON_REQUIRED, .max = 1024),
    JSON_FIELD(struct sub, mode, JSON_ENUM, .flags = JSON_REQUIRED, .names = modes),
    JSON_FIELD(struct sub, prompt, JSON_STRING, .flags = JSON_REQUIRED,
               .max = AGENT_SUBAGENT_BYTES),
    JSON_FIELD(struct sub, tools, JSON_RAW, .flags = JSON_REQUIRED, .max = TOOLS_BYTES),
    JSON_FIELD(struct sub, max_turns, JSON_U32, .min = 1),
};
const struct json_table codecloud_subagent_table = {"Subagent", fields, N_ELEMS(fields),
                                                    sizeof(struct sub), -1};

// The same tools have other names in Claude Code.
static const char *const claude_names[] = {"Bash", "Read",     "Edit",      "Write", "Glob",
                                           "Grep", "WebFetch", "WebSearch", "Task",  "TodoWrite"};

static struct json_text tool_name(struct json_text t, bool claude)
{
    for (unsigned i = 0; claude && i < N_ELEMS(claude_names); i++)
        if (strlen(claude_names[i]) == t.len && !strncasecmp(claude_names[i], t.p, t.len))
            return (struct json_text){claude_names[i], t.len};
    return t;
}

// Those whose value is the wanted one, with a comma between them.
static const char *names(const struct json_node *tools, bool wanted, bool claude,
                         struct json_pool *pool)
{
    own_buf struct buf b;
    buf_init(&b, TOOLS_BYTES);
    (void)buf_puts(&b, "");
    for (const struct json_node *n = tools ? tools->first : NULL; n; n = n->next) {
        struct json_text name = tool_name(n->name, claude);
        if (n->kind == JSON_TRUE || n->kind == JSON_FALSE)
            if ((n->kind == JSON_TRUE) == wanted)
                (void)buf_printf(&b, "%s%.*s", b.len ? ", " : "", (int)name.len, name.p);
    }
    char *text = json_pool_alloc(pool, b.len + 1);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    return text;
}

const char *const *codecloud_subagents(const char *agent, const struct json_objects *in,
                                       struct json_pool *pool)
{
    const struct sub *all = in->at;
    bool claude = !strcmp(agent, "claude-code");
    const char **list = json_pool_alloc(pool, ((size_t)in->n * SUB_TEXTS + 1) * sizeof(*list));
    for (uint32_t i = 0; i < in->n; i++) {
        const char **one = list + (size_t)i * SUB_TEXTS;
        const struct json_node *tools =
            json_tree(all[i].tools, strlen(all[i].tools), TOOLS_BYTES, pool);
        char *turns = json_pool_alloc(pool, 12);
        (void)snprintf(turns, 12, "%u", all[i].max_turns);
        one[SUB_NAME] = all[i].name;
        one[SUB_DESCRIPTION] = all[i].description;
        one[SUB_PROMPT] = all[i].prompt;
        one[SUB_TOOLS] = names(tools, true, claude, pool);
        one[SUB_WITHOUT] = names(tools, false, claude, pool);
        one[SUB_MODEL] = "";
        one[SUB_TURNS] = all[i].max_turns ? turns : "";
    }
    list[(size_t)in->n * SUB_TEXTS] = NULL;
    return list;
}
