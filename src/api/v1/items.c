// SPDX-License-Identifier: Apache-2.0
// Projects, their repositories (sources), agents as stored definitions, tasks: a row for each kind.
#include "routes_int.h"

#include <pinfold/core_item.h>
#include <pinfold/num.h>
#include <stdio.h>

// --- as they are shown ----------------------------------------------------------------------

static const char *status_word(uint32_t v)
{
    static const char *const names[TASK_STATES] = {
        [TASK_TODO] = "todo",
        [TASK_DOING] = "doing",
        [TASK_DONE] = "done",
        [TASK_FAILED] = "failed",
        [TASK_INTERRUPTED] = "interrupted",
        [TASK_CANCELLED] = "cancelled",
    };
    return v < TASK_STATES ? names[v] : "unknown";
}
static const char *const statuses[] = {"todo",        "doing",     "done", "failed",
                                       "interrupted", "cancelled", NULL};

// Members that are labels of an agent.
static void write_label(struct json_out *o, const char *name, const void *at)
{
    json_str(o, name, item_label(at, name));
}

static void write_turns(struct json_out *o, const char *name, const void *at)
{
    uint64_t n;
    const char *text = item_label(at, AGENT_MAX_TURNS);
    if (text && !num_parse_u64(text, 1, UINT32_MAX, &n, NULL))
        json_u64(o, name, n);
    else
        json_null(o, name);
}

#define I(m, t, ...) JSON_SHOW(struct item, m, t, ##__VA_ARGS__)
#define I_AS(m, n, t, ...) JSON_SHOW_AS(struct item, m, n, t, ##__VA_ARGS__)
#define I_LABEL(n, text)                                                                           \
    {                                                                                              \
        .name = n, .type = SHOW_CALL, .like = SHOW_STRING, .call = write_label,                    \
        .flags = SHOW_EMPTY_NULL, .doc = text                                                      \
    }
#define I_PROJECT                                                                                  \
    I_AS(project, "project_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL, .doc = "that it belongs to")
#define I_TIMES                                                                                    \
    I(labels, SHOW_ENV), I_AS(created_ms, "created_at", SHOW_TIME),                                \
        I_AS(updated_ms, "updated_at", SHOW_TIME)
static const struct json_show project_rows[] = {I(id, SHOW_CHARS), I(name, SHOW_STRING), I_TIMES};
const struct json_shape v1_project_shape = {"Project", project_rows, N_ELEMS(project_rows)};
static const struct json_show source_rows[] = {I(id, SHOW_CHARS), I_PROJECT, I(name, SHOW_STRING),
                                               I_AS(text, "url", SHOW_STRING), I_TIMES};
const struct json_shape v1_source_shape = {"Source", source_rows, N_ELEMS(source_rows)};
static const struct json_show definition_rows[] = {
    I(id, SHOW_CHARS),
    I_PROJECT,
    I(name, SHOW_STRING),
    I(agent, SHOW_STRING, .doc = "its tool"),
    I_LABEL(AGENT_MODEL, "where a run names none"),
    I_LABEL(AGENT_PROVIDER, "the same"),
    {.name = AGENT_MAX_TURNS,
     .type = SHOW_CALL,
     .like = SHOW_U64,
     .call = write_turns,
     .flags = SHOW_EMPTY_NULL},
    I_AS(text, "instructions", SHOW_STRING, .doc = "said before what it is to do"),
    {.name = "agents",
     .type = SHOW_CALL,
     .call = v1_write_subagents,
     .sub = &v1_subagent_shape,
     .list = true,
     .doc = "sub-agents, of runs that bring none"},
    I_TIMES,
};
const struct json_shape v1_definition_shape = {"Definition", definition_rows,
                                               N_ELEMS(definition_rows)};
static const struct json_show task_rows[] = {
    I(id, SHOW_CHARS),
    I_PROJECT,
    I_AS(name, "title", SHOW_STRING),
    I_AS(text, "prompt", SHOW_STRING),
    I(agent, SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "who is to do it"),
    I(status, SHOW_WORD, .word = status_word, .n_words = TASK_STATES),
    I_TIMES,
};
const struct json_shape v1_task_shape = {"Task", task_rows, N_ELEMS(task_rows)};

// --- as they are given ----------------------------------------------------------------------

struct item_body {
    uint64_t given;
    const char *project, *name, *text, *agent, *model, *provider;
    uint32_t max_turns, status;
    struct json_map labels;
    struct json_objects agents;
};
enum { F_LABELS, F_MODEL, F_PROVIDER, F_MAX_TURNS, F_AGENTS, F_STATUS = 1 };
#define F(m, t, ...) JSON_FIELD(struct item_body, m, t, ##__VA_ARGS__)
#define F_AS(m, n, t, ...) JSON_FIELD_AS(struct item_body, m, n, t, ##__VA_ARGS__)
#define F_LABELS_ROW [F_LABELS] = F(labels, JSON_MAP, .max = ITEM_LABELS_MAX, .item_max = 16384)
#define F_PROJECT F_AS(project, "project_id", JSON_STRING, .max = ID_MAX)
#define F_NAME(n) F_AS(name, n, JSON_STRING, .max = 1000, .flags = JSON_NO_CONTROL)
#define TABLE(name, fields)                                                                        \
    {                                                                                              \
        name, fields, N_ELEMS(fields), sizeof(struct item_body), offsetof(struct item_body, given) \
    }
static const struct json_field project_fields[] = {F_LABELS_ROW, F_NAME("name")};
const struct json_table v1_project_table = TABLE("ProjectBody", project_fields);
static const struct json_field source_fields[] = {
    F_LABELS_ROW, F_PROJECT, F_NAME("name"),
    F_AS(text, "url", JSON_STRING, .max = WS_URL_BYTES - 1, .flags = JSON_NO_CONTROL)};
const struct json_table v1_source_table = TABLE("SourceBody", source_fields);
static const struct json_field definition_fields[] = {
    F_LABELS_ROW,
    [F_MODEL] = F(model, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    [F_PROVIDER] = F(provider, JSON_STRING, .max = NAME_MAX_LEN),
    [F_MAX_TURNS] = F(max_turns, JSON_U32),
    [F_AGENTS] = F(agents, JSON_OBJECTS, .sub = &v1_subagent_table, .max = AGENT_LIBRARY_MAX,
                   .doc = "sub-agents, of runs that bring none"),
    F_PROJECT,
    F_NAME("name"),
    F(agent, JSON_STRING, .max = NAME_MAX_LEN, .doc = "claude-code, codex ...; GET /v1/agents"),
    F_AS(text, "instructions", JSON_STRING, .max = ITEM_TEXT_MAX),
};
const struct json_table v1_definition_table = TABLE("DefinitionBody", definition_fields);
static const struct json_field task_fields[] = {
    F_LABELS_ROW,
    [F_STATUS] = F(status, JSON_ENUM, .names = statuses),
    F_PROJECT,
    F_NAME("title"),
    F_AS(text, "prompt", JSON_STRING, .max = ITEM_TEXT_MAX),
    F(agent, JSON_STRING, .max = NAME_MAX_LEN),
};
const struct json_table v1_task_table = TABLE("TaskBody", task_fields);

static const struct kind {
    enum item_kind kind;
    const char *path;
    const struct json_table *table;
    const struct json_shape *shape;
} kinds[] = {
    {ITEM_PROJECT, "/v1/projects/", &v1_project_table, &v1_project_shape},
    {ITEM_SOURCE, "/v1/sources/", &v1_source_table, &v1_source_shape},
    {ITEM_AGENT, "/v1/definitions/", &v1_definition_table, &v1_definition_shape},
    {ITEM_TASK, "/v1/tasks/", &v1_task_table, &v1_task_shape},
};

static const struct kind *kind_of(const struct http_req *r)
{
    unsigned i = 0;
    while (strncmp(r->route->pattern, kinds[i].path, strlen(kinds[i].path) - 1) != 0)
        i++; // every route of these handlers has a row
    return &kinds[i];
}

// --- labels ---------------------------------------------------------------------------------

// Those that were given, or that there are, with the members of an agent in their place.
static const char *const *labels_of(const struct item *old, const struct item_body *b,
                                    const struct kind *k, struct json_pool *pool)
{
    static const char *const own[] = {AGENT_MODEL, AGENT_PROVIDER, AGENT_MAX_TURNS};
    char turns[24];
    (void)snprintf(turns, sizeof(turns), "%u", b->max_turns);
    const char *const news[] = {b->model, b->provider, b->max_turns ? turns : NULL};
    const char **list = json_pool_alloc(pool, (2 * ITEM_LABELS_MAX + 8) * sizeof(*list));
    unsigned n = 0;
    bool agent = k->kind == ITEM_AGENT, replaced = b->given & JSON_GIVEN(F_LABELS);
    for (uint32_t i = 0; i < b->labels.n; i++)
        if (b->labels.at[i].value)
            list[n++] =
                json_pool_printf(pool, "%s=%s", b->labels.at[i].name, b->labels.at[i].value);
    for (const char *const *l = old && !replaced ? old->labels : NULL; l && *l; l++) {
        bool is_own = false;
        for (unsigned i = 0; agent && i < N_ELEMS(own); i++)
            is_own |= !strncmp(*l, own[i], strlen(own[i])) && (*l)[strlen(own[i])] == '=';
        if (!is_own)
            list[n++] = *l;
    }
    for (unsigned i = 0; agent && i < N_ELEMS(own); i++) {
        bool told = b->given & JSON_GIVEN(F_MODEL + i);
        const char *value = told ? news[i] : old ? item_label(old, own[i]) : NULL;
        if (value && *value)
            list[n++] = json_pool_printf(pool, "%s=%s", own[i], value);
    }
    list[n] = NULL;
    return list;
}

// --- handlers -------------------------------------------------------------------------------

static void on_saved(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct item *it = w->result;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    memcpy(c->id, it->id, sizeof(c->id));
    v1_call_show(c, c->status, kind_of(c->r)->shape, it);
}

static bool refused(struct http_req *r, const struct item_body *b, const struct kind *k, bool fresh)
{
    const char *missing = !fresh ? NULL
                          : (k->kind == ITEM_TASK || k->kind == ITEM_SOURCE) && !b->text
                              ? k->kind == ITEM_TASK ? "/prompt" : "/url"
                          : k->kind != ITEM_TASK && (!b->name || !*b->name) ? "/name"
                          : k->kind == ITEM_AGENT && !b->agent              ? "/agent"
                                                                            : NULL;
    if (missing)
        v1_bad(r, missing, "is missing");
    else if (k->kind == ITEM_AGENT && b->agent && !agent_find(b->agent))
        v1_bad(r, "/agent", "is no tool; GET /v1/agents lists them");
    else
        return false;
    return true;
}

static void save(struct call *c, struct item *old)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct item_body b = {0};
    const struct kind *k = kind_of(c->r);
    json_pool_init(&pool);
    if (v1_read_body(c->r, k->table, &pool, &b) || refused(c->r, &b, k, !old)) {
        v1_call_refused(c);
        return;
    }
    const char *const *agents = NULL;
    if (k->kind == ITEM_AGENT && b.given & JSON_GIVEN(F_AGENTS) &&
        !(agents = v1_subagents(c->r, &b.agents, &pool))) {
        v1_call_refused(c);
        return;
    }
    const struct item_spec spec = {
        .project = b.project,
        .name = b.name,
        .text = b.text,
        .agent = b.agent,
        .labels = labels_of(old, &b, k, &pool),
        .agents = agents,
        .status_given = k->kind == ITEM_TASK && b.given & JSON_GIVEN(F_STATUS),
        .status = (enum task_status)b.status,
    };
    c->w.on_done = on_saved;
    c->status = old ? 200 : 201;
    (void)v1_call_started(c,
                          old ? core_item_change(c->v->core, old, &spec, &c->w, &e)
                              : core_item_create(c->v->core, k->kind, &spec, &c->w, &e),
                          &e);
}

static void create(struct call *c)
{
    save(c, NULL);
}

void v1_items_create(struct http_req *r)
{
    struct call *c = v1_call_new(r, sizeof(*c));
    c->location = kind_of(r)->path;
    v1_call_begin(c, create);
}

static struct item *find(struct http_req *r)
{
    struct err e;
    struct item *it = core_item_find(v1_of(r)->core, kind_of(r)->kind, r->params[0], &e);
    if (!it)
        v1_err(r, &e);
    return it;
}

void v1_items_list(struct http_req *r)
{
    struct page page;
    struct item *all[PAGE_MAX];
    const struct kind *k = kind_of(r);
    const struct item_filter f = {.kind = k->kind, .project = http_query(r, "project")};
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_item_list(v1_of(r)->core, &f, page.after, all, page.limit, &page.more);
    v1_page_show(r, k->shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_items_get(struct http_req *r)
{
    const struct item *it = find(r);
    if (it)
        v1_answer_show(r, 200, kind_of(r)->shape, it);
}

void v1_items_patch(struct http_req *r)
{
    struct item *it = find(r);
    if (it)
        save(v1_call_new(r, sizeof(struct call)), it);
}

void v1_items_delete(struct http_req *r)
{
    struct err e;
    struct item *it = find(r);
    if (!it)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    (void)v1_call_started(c, core_item_delete(c->v->core, it, &c->w, &e), &e);
}
