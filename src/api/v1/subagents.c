// SPDX-License-Identifier: Apache-2.0
// Sub-agents, as runs and definitions bring them.
#include "routes_int.h"

#include <pinfold/core_item.h>
#include <pinfold/num.h>
#include <stdio.h>
#include <string.h>

#define TOOLS_MAX 64

struct sub_body {
    const char *name, *description, *prompt, *model;
    struct json_strings tools, without;
    uint32_t max_turns;
};
#define F(m, t, ...) JSON_FIELD(struct sub_body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(name, JSON_STRING, .flags = JSON_REQUIRED, .max = NAME_MAX_LEN),
    F(description, JSON_STRING, .flags = JSON_REQUIRED, .max = 1024,
      .doc = "when it is to be used"),
    F(prompt, JSON_STRING, .flags = JSON_REQUIRED, .max = AGENT_SUBAGENT_BYTES),
    F(tools, JSON_STRINGS, .max = TOOLS_MAX, .item_max = 256,
      .doc = "that it may use, as the agent's tool names them; else all"),
    JSON_FIELD_AS(struct sub_body, without, "disallowed_tools", JSON_STRINGS, .max = TOOLS_MAX,
                  .item_max = 256, .doc = "that it may not use"),
    F(model, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL, .doc = "else the run's"),
    F(max_turns, JSON_U32, .min = 1),
};
const struct json_table v1_subagent_table = {"SubagentBody", fields, N_ELEMS(fields),
                                             sizeof(struct sub_body), -1};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

// With a comma between them. NULL: one has a comma itself.
static const char *join(const struct json_strings *s, struct json_pool *pool)
{
    size_t room = 1, at = 0;
    for (uint32_t i = 0; i < s->n; i++)
        room += strlen(s->at[i]) + 2;
    char *text = json_pool_alloc(pool, room);
    text[0] = '\0';
    for (uint32_t i = 0; i < s->n; i++) {
        if (!*s->at[i] || strchr(s->at[i], ','))
            return NULL;
        at += (size_t)snprintf(text + at, room - at, "%s%s", i ? ", " : "", s->at[i]);
    }
    return text;
}

const char *const *v1_subagents(struct http_req *r, const struct json_objects *in,
                                struct json_pool *pool)
{
    const struct sub_body *all = in->at;
    const char **list = json_pool_alloc(pool, ((size_t)in->n * SUB_TEXTS + 1) * sizeof(*list));
    for (uint32_t i = 0; i < in->n; i++) {
        const char **sub = list + (size_t)i * SUB_TEXTS;
        char *turns = json_pool_alloc(pool, 12);
        (void)snprintf(turns, 12, "%u", all[i].max_turns);
        sub[SUB_NAME] = all[i].name;
        sub[SUB_DESCRIPTION] = all[i].description;
        sub[SUB_PROMPT] = all[i].prompt;
        sub[SUB_TOOLS] = join(&all[i].tools, pool);
        sub[SUB_WITHOUT] = join(&all[i].without, pool);
        sub[SUB_MODEL] = or_empty(all[i].model);
        sub[SUB_TURNS] = all[i].max_turns ? turns : "";
        if (!sub[SUB_TOOLS] || !sub[SUB_WITHOUT]) {
            v1_bad(r, "/agents", "the name of a tool is empty or has a comma");
            return NULL;
        }
    }
    list[(size_t)in->n * SUB_TEXTS] = NULL;
    return list;
}

// --- as they are shown ----------------------------------------------------------------------

static void write_tools(struct json_out *o, const char *name, const char *text)
{
    json_begin_array(o, name);
    for (size_t n; *text; text += n, text += strspn(text, ", ")) {
        n = strcspn(text, ",");
        json_strn(o, NULL, text, n);
    }
    json_end_array(o);
}

void v1_write_subagents(struct json_out *o, const char *name, const void *at)
{
    const struct item *it = at;
    json_begin_array(o, name);
    for (const char *const *sub = it->agents; *sub; sub += SUB_TEXTS) {
        uint64_t turns;
        json_begin(o, NULL);
        json_str(o, "name", sub[SUB_NAME]);
        json_str(o, "description", sub[SUB_DESCRIPTION]);
        json_str(o, "prompt", sub[SUB_PROMPT]);
        write_tools(o, "tools", sub[SUB_TOOLS]);
        write_tools(o, "disallowed_tools", sub[SUB_WITHOUT]);
        json_str(o, "model", *sub[SUB_MODEL] ? sub[SUB_MODEL] : NULL);
        if (*sub[SUB_TURNS] && !num_parse_u64(sub[SUB_TURNS], 1, UINT32_MAX, &turns, NULL))
            json_u64(o, "max_turns", turns);
        else
            json_null(o, "max_turns");
        json_end(o);
    }
    json_end_array(o);
}

static const struct json_show rows[] = {
    {.name = "name", .type = SHOW_STRING},
    {.name = "description", .type = SHOW_STRING},
    {.name = "prompt", .type = SHOW_STRING},
    {.name = "tools", .type = SHOW_STRINGS, .doc = "none: all"},
    {.name = "disallowed_tools", .type = SHOW_STRINGS},
    {.name = "model", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "max_turns", .type = SHOW_U32, .flags = SHOW_EMPTY_NULL},
};
const struct json_shape v1_subagent_shape = {"Subagent", rows, N_ELEMS(rows)};
