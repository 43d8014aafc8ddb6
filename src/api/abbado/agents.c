// SPDX-License-Identifier: Apache-2.0
// Agents: a tool with a model, instructions and limits.
#include "abbado_int.h"

#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define TOOLS_DEFAULT "Read,Edit,Write,Bash,Glob,Grep"
#define MAX_TURNS_DEFAULT 100

struct body {
    uint64_t given;
    const char *project_id, *name, *cli_name, *model, *instructions, *allowed_tools, *role;
    const char *provider_config; // as sent
    uint32_t max_turns;
};
enum { F_MODEL, F_MAX_TURNS };
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    [F_MODEL] = F(model, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    [F_MAX_TURNS] = F(max_turns, JSON_U32, .min = 1, .max = 1000000),
    F(project_id, JSON_STRING, .max = 64),
    F(name, JSON_STRING, .min = 1, .max = 200, .flags = JSON_NO_CONTROL),
    F(cli_name, JSON_STRING, .max = NAME_MAX_LEN),
    F(instructions, JSON_STRING, .max = 60000),
    F(allowed_tools, JSON_STRING, .max = 4000),
    F(role, JSON_STRING, .max = 200),
    F(provider_config, JSON_RAW),
};
static const struct json_table table = {"Agent", fields, N_ELEMS(fields), sizeof(struct body),
                                        offsetof(struct body, given)};

// --- as they are shown ----------------------------------------------------------------------

static const char *label(const struct item *it, const char *name, const char *otherwise)
{
    const char *text = item_label(it, name);
    return text ? text : otherwise;
}

static void write_agent(struct json_out *o, const void *at)
{
    const struct item *it = at;
    const char *config = label(it, LABEL_CONFIG, "{}");
    uint64_t turns = MAX_TURNS_DEFAULT;
    (void)num_parse_u64(label(it, AGENT_MAX_TURNS, ""), 1, UINT32_MAX, &turns, NULL); // or that
    json_begin(o, NULL);
    abbado_uuid(o, "id", item_prefix(ITEM_AGENT), it->id);
    abbado_uuid(o, "project_id", item_prefix(ITEM_PROJECT), it->project);
    json_str(o, "name", it->name);
    json_str(o, "cli_name", it->agent);
    json_str(o, "model", item_label(it, AGENT_MODEL));
    json_str(o, "instructions", it->text);
    json_str(o, "allowed_tools", label(it, LABEL_TOOLS, TOOLS_DEFAULT));
    json_u64(o, "max_turns", turns);
    json_raw(o, "provider_config", config, strlen(config));
    json_str(o, "role", label(it, LABEL_ROLE, "builder"));
    dialect_time(o, "created_at", it->created_ms);
    dialect_time(o, "updated_at", it->updated_ms);
    json_end(o);
}

void abbado_agents_list(struct http_req *r)
{
    struct core *c = dialect_core(r);
    const struct item *project = abbado_item(r, ITEM_PROJECT, r->params[0]);
    struct dialect_answer a;
    if (!project)
        return;
    dialect_answer_begin(&a);
    json_begin_array(&a.o, NULL);
    for (const struct item *it = NULL; (it = core_item_next(c, ITEM_AGENT, it));)
        if (!strcmp(it->project, project->id))
            write_agent(&a.o, it);
    json_end_array(&a.o);
    dialect_answer_send(r, 200, &a);
}

void abbado_agents_get(struct http_req *r)
{
    const struct item *it = abbado_item(r, ITEM_AGENT, r->params[0]);
    struct dialect_answer a;
    if (!it)
        return;
    dialect_answer_begin(&a);
    write_agent(&a.o, it);
    dialect_answer_send(r, 200, &a);
}

void abbado_agents_delete(struct http_req *r)
{
    struct item *it = abbado_item(r, ITEM_AGENT, r->params[0]);
    struct err e;
    if (!it)
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), abbado_empty);
    (void)core_item_delete(c->core, it, &c->w, &e); // never refuses
}

// --- what is asked for ----------------------------------------------------------------------

// The labels that there are, with those that the body names in their place.
static const char *const *labels_of(const struct item *old, const struct body *b,
                                    struct json_pool *pool)
{
    char turns[24] = "";
    const struct {
        const char *name, *value;
    } news[] = {
        {AGENT_MODEL, b->given & JSON_GIVEN(F_MODEL) && !b->model ? "" : b->model},
        {AGENT_MAX_TURNS, b->given & JSON_GIVEN(F_MAX_TURNS) ? turns : NULL},
        {LABEL_TOOLS, b->allowed_tools},
        {LABEL_ROLE, b->role},
        {LABEL_CONFIG, b->provider_config},
    };
    const char **list = json_pool_alloc(pool, (N_ELEMS(news) + 1) * sizeof(*list));
    unsigned n = 0;
    (void)snprintf(turns, sizeof(turns), "%u", b->max_turns);
    for (size_t i = 0; i < N_ELEMS(news); i++) {
        const char *value = news[i].value ? news[i].value
                            : old         ? item_label(old, news[i].name)
                                          : NULL;
        if (value && *value)
            list[n++] = json_pool_printf(pool, "%s=%s", news[i].name, value);
    }
    list[n] = NULL;
    return list;
}

static bool refused(struct http_req *r, const struct body *b)
{
    if (b->cli_name && !agent_find(b->cli_name))
        dialect_error(r, 400, "cli_name: there is no tool '%s' here; GET /v1/agents lists them",
                      b->cli_name);
    else if (b->provider_config && *b->provider_config != '{' && strcmp(b->provider_config, "null"))
        dialect_error(r, 400, "provider_config: must be an object");
    else
        return false;
    return true;
}

static void on_saved(struct waiter *w)
{
    dialect_call_done(w, dialect_call_of(w)->r->method == HTTP_POST ? 201 : 200, write_agent);
}

void abbado_agents_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {.cli_name = CLI_DEFAULT};
    struct err e;
    json_pool_init(&pool);
    if (!dialect_body(r, &table, &pool, &b) || refused(r, &b))
        return;
    if (!b.name || !b.project_id) {
        dialect_error(r, 400, "%s: is missing", b.name ? "project_id" : "name");
        return;
    }
    const struct item *project = abbado_item(r, ITEM_PROJECT, b.project_id);
    if (!project)
        return;
    const struct item_spec spec = {
        .project = project->id,
        .name = b.name,
        .text = b.instructions,
        .agent = b.cli_name,
        .labels = labels_of(NULL, &b, &pool),
    };
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_saved);
    if (core_item_create(c->core, ITEM_AGENT, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}

void abbado_agents_put(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct item *it = abbado_item(r, ITEM_AGENT, r->params[0]);
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!it || !dialect_body(r, &table, &pool, &b) || refused(r, &b))
        return;
    const struct item_spec spec = {
        .name = b.name,
        .text = b.instructions,
        .agent = b.cli_name,
        .labels = labels_of(it, &b, &pool),
    };
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_saved);
    if (core_item_change(c->core, it, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}
