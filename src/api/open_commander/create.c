// SPDX-License-Identifier: Apache-2.0
// A task is made, and begun when it has an agent.
#include "open_commander_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

struct body {
    const char *body, *agentId, *repository, *mountPoint;
};
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(body, JSON_STRING, .max = RUN_TEXT_BYTES),
    F(agentId, JSON_STRING, .max = 64),
    F(repository, JSON_STRING, .max = 300),
    F(mountPoint, JSON_STRING, .max = 1000, .flags = JSON_NO_CONTROL),
};
static const struct json_table table = {"Task", fields, N_ELEMS(fields), sizeof(struct body), -1};

static void send(struct dialect_call *c, const struct item *task, const struct run *run)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin(&a.o, "task");
    oc_write_task(&a.o, task);
    json_end(&a.o);
    if (run) {
        json_begin(&a.o, "execution");
        json_str(&a.o, "id", run->id);
        json_str(&a.o, "status", "pending");
        json_end(&a.o);
    } else {
        json_null(&a.o, "execution");
    }
    json_end(&a.o);
    dialect_call_send(c, 201, &a);
}

// --- its run --------------------------------------------------------------------------------

struct create_call {
    struct dialect_call c; // first member
    char task[ID_MAX];
};

static struct item *task_of(const struct create_call *cc)
{
    struct err e;
    return core_item_find(cc->c.core, ITEM_TASK, cc->task, &e);
}

// What cannot be begun is not made.
static void take_back(struct create_call *cc, const struct err *e)
{
    struct err ignored;
    struct item *task = task_of(cc);
    if (task)
        (void)core_item_delete(cc->c.core, task, NULL, &ignored); // never refuses
    dialect_call_fail(&cc->c, e);
}

static void on_begun(struct waiter *w)
{
    struct create_call *cc = container_of(dialect_call_of(w), struct create_call, c);
    const struct item *task = task_of(cc);
    if (w->err.code)
        take_back(cc, &w->err);
    else if (!task)
        dialect_call_fail(&cc->c, &(struct err){ERR_NOT_FOUND, 0, "Task not found"});
    else
        send(&cc->c, task, w->result);
}

static void on_made(struct waiter *w)
{
    struct create_call *cc = container_of(dialect_call_of(w), struct create_call, c);
    struct core *core = cc->c.core;
    const struct item *task = w->result;
    const char *provider = NULL, *model = NULL;
    struct err e;
    if (w->err.code) {
        dialect_call_fail(&cc->c, &w->err);
        return;
    }
    if (!*task->agent) {
        send(&cc->c, task, NULL);
        return;
    }
    memcpy(cc->task, task->id, sizeof(cc->task));
    dialect_default_model(core, task->agent, &provider, &model);
    const struct run_spec spec = {
        .agent = task->agent,
        .task = task->id,
        .prompt = task->text,
        .provider = provider,
        .model = model,
        .repo_url = item_label(task, LABEL_REPOSITORY),
        .keep_workspace = true,
    };
    cc->c.w = (struct waiter){.on_done = on_begun};
    if (core_run_create(core, &spec, &cc->c.w, &e))
        take_back(cc, &e);
}

// --- the task -------------------------------------------------------------------------------

// A member that is empty is as one that is not there.
static void tidy(struct body *b)
{
    const char **members[] = {&b->agentId, &b->repository, &b->mountPoint};
    for (size_t i = 0; i < N_ELEMS(members); i++)
        if (*members[i] && !**members[i])
            *members[i] = NULL;
}

static bool refused(struct http_req *r, struct body *b)
{
    size_t n;
    tidy(b);
    if (!b->body || (oc_trim(b->body, &n), !n))
        dialect_error(r, 400, "Task body is required");
    else if (b->agentId && !oc_agent(b->agentId))
        dialect_error(r, 400, "Invalid agentId. Must be one of: opencode, claude, codex, cursor");
    else if (b->repository && !dialect_owner_repo(b->repository))
        dialect_error(r, 400,
                      "Invalid repository format. Use 'owner/repo' format (e.g., "
                      "'octocat/hello-world')");
    else
        return false;
    return true;
}

void oc_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    struct err e;
    char title[DIALECT_TITLE_MAX];
    const char *labels[4] = {LABEL_SOURCE "=" SOURCE_API};
    unsigned n = 1;
    size_t len;
    json_pool_init(&pool);
    if (!dialect_body(r, &table, &pool, &b) || refused(r, &b))
        return;
    const char *at = oc_trim(b.body, &len);
    char *text = json_pool_alloc(&pool, len + 1);
    memcpy(text, at, len);
    text[len] = '\0';
    if (b.repository)
        labels[n++] = json_pool_printf(&pool, "%s=%s", LABEL_REPOSITORY, b.repository);
    if (b.mountPoint)
        labels[n++] = json_pool_printf(&pool, "%s=%s", LABEL_MOUNT, b.mountPoint);
    const struct item_spec spec = {.name = dialect_title(text, title),
                                   .text = text,
                                   .agent = b.agentId ? oc_agent(b.agentId) : NULL,
                                   .labels = labels,
                                   .status_given = true,
                                   .status = b.agentId ? TASK_DOING : TASK_TODO};
    struct create_call *cc = dialect_call_new(r, sizeof(*cc), on_made);
    if (core_item_create(cc->c.core, ITEM_TASK, &spec, &cc->c.w, &e))
        dialect_call_fail(&cc->c, &e);
}

// --- GitHub ---------------------------------------------------------------------------------

static void reply_no_access(struct http_req *r, int status, const char *error)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_bool(&a.o, "hasAccess", false);
    json_str(&a.o, "error", error);
    json_end(&a.o);
    dialect_answer_send(r, status, &a);
}

void oc_verify(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    json_pool_init(&pool);
    if (!dialect_body(r, &table, &pool, &b))
        return;
    if (!b.repository || !*b.repository)
        reply_no_access(r, 400, "Repository is required (format: owner/repo)");
    else if (!dialect_owner_repo(b.repository))
        reply_no_access(r, 400, "Invalid repository format. Use 'owner/repo' format.");
    else
        reply_no_access(r, 500, "GitHub token is not configured on the server (GITHUB_TOKEN)");
}
