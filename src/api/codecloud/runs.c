// SPDX-License-Identifier: Apache-2.0
// Agent runs: make, list, look at.
#include "codecloud_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/own.h>
#include <string.h>

#define PROMPT_MAX 100000
#define LIST_DEFAULT 50
#define LIST_MAX 100

// --- as they are shown ----------------------------------------------------------------------

static void put(struct json_out *o, const char *name, const char *text)
{
    if (text && *text)
        json_str(o, name, text);
}

static void put_time(struct json_out *o, const char *name, uint64_t ms)
{
    if (ms)
        json_time(o, name, ms);
}

static const char *asked(const struct run *run)
{
    return run->prompt ? run->prompt : run->command ? run->command : "";
}

static void print_summary(struct json_out *o, const struct run *run)
{
    char title[DIALECT_TITLE_MAX];
    json_str(o, "id", run->id);
    put(o, "title", dialect_title(asked(run), title));
    json_str(o, "status", codecloud_status(run->state));
    put(o, "model", run->model);
    put(o, "provider", run->provider);
    put(o, "repo", codecloud_repo(run));
    json_time(o, "createdAt", run->created_ms);
    put_time(o, "completedAt", run->ended_ms);
}

static void print_end(struct json_out *o, const struct run *run)
{
    char error[sizeof(run->error)];
    if (run->state == RUN_SUCCEEDED && run->result)
        json_strn(o, run->mode == RUN_PLAN ? "plan" : "result", run->result, run->result_len);
    if (!strcmp(codecloud_status(run->state), "failed")) {
        (void)codecloud_error(run, error, sizeof(error));
        json_str(o, "error", error);
    }
    if (run->usage.known) {
        json_u64(o, "input_tokens", run->usage.input_tokens);
        json_u64(o, "output_tokens", run->usage.output_tokens);
    }
}

static void print_detail(struct json_out *o, const struct run *run)
{
    print_summary(o, run);
    json_str(o, "mode", codecloud_modes[run->mode]);
    json_str(o, "prompt", asked(run));
    print_end(o, run);
    json_begin_array(o, "prs"); // none is made yet
    json_end_array(o);
    put_time(o, "startedAt", run->started_ms);
}

struct run *codecloud_run(struct http_req *r)
{
    struct err e;
    const char *id = r->params[0];
    struct run *run = id_ok(id, "run") ? core_run_find(dialect_core(r), id, &e) : NULL;
    if (!id_ok(id, "run"))
        dialect_error(r, 400, "Invalid run ID format");
    else if (!run)
        dialect_error(r, 404, "Run not found");
    return run;
}

void codecloud_get(struct http_req *r)
{
    struct dialect_answer a;
    const struct run *run = codecloud_run(r);
    if (!run)
        return;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    print_detail(&a.o, run);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}

// --- list -----------------------------------------------------------------------------------

static void print_list(struct http_req *r, const struct run_filter *f, uint64_t skip, size_t limit)
{
    struct run *all[LIST_MAX];
    char after[ID_MAX] = "";
    struct dialect_answer a;
    bool more = true;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin_array(&a.o, "runs");
    while (more && limit) {
        size_t n = core_run_list(dialect_core(r), f, after, all, N_ELEMS(all), &more);
        for (size_t i = skip < n ? (size_t)skip : n; i < n && limit; i++, limit--) {
            json_begin(&a.o, NULL);
            print_summary(&a.o, all[i]);
            json_end(&a.o);
        }
        skip -= skip < n ? skip : n;
        if (n)
            memcpy(after, all[n - 1]->id, sizeof(after));
    }
    json_end_array(&a.o);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}

void codecloud_list(struct http_req *r)
{
    uint64_t limit = LIST_DEFAULT, offset = 0;
    struct run_filter f = {0};
    const char *status = http_query(r, "status");
    if (!dialect_query_u64(r, "limit", 1, LIST_MAX, &limit) ||
        !dialect_query_u64(r, "offset", 0, UINT32_MAX, &offset))
        return;
    if (status && !codecloud_states(status, &f.states))
        dialect_error(r, 400, "status: must be one of queued, running, completed, failed");
    else
        print_list(r, &f, offset, (size_t)limit);
}

// --- create ---------------------------------------------------------------------------------

struct body {
    const char *repo, *prompt, *model, *provider, *branch, *webhook_url, *agent_provider;
    struct json_objects tools, agents;
    uint32_t mode;
    bool blank_workspace;
};
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(repo, JSON_STRING, .max = 300),
    F(prompt, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = PROMPT_MAX),
    F(model, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    F(provider, JSON_STRING, .max = NAME_MAX_LEN),
    F(branch, JSON_STRING, .max = 255, .flags = JSON_NO_CONTROL),
    F(webhook_url, JSON_STRING, .max = 2000, .flags = JSON_NO_CONTROL),
    F(mode, JSON_ENUM, .names = codecloud_modes),
    F(blank_workspace, JSON_BOOL),
    F(agent_provider, JSON_STRING, .max = NAME_MAX_LEN),
    F(tools, JSON_OBJECTS, .sub = &codecloud_tool_table, .max = AGENT_TOOLS_MAX),
    F(agents, JSON_OBJECTS, .sub = &codecloud_subagent_table, .max = AGENT_LIBRARY_MAX),
};
static const struct json_table table = {"CreateAgentRunRequest", fields, N_ELEMS(fields),
                                        sizeof(struct body), -1};

static bool refused(struct http_req *r, const struct body *b)
{
    if (!b->blank_workspace && !b->repo)
        dialect_error(r, 400,
                      "repo: is missing, and this server has no default repository; give one, or "
                      "set blank_workspace");
    else if (!b->blank_workspace && !dialect_owner_repo(b->repo))
        dialect_error(r, 400, "repo: repo must be in format: owner/repo");
    else if (!agent_find(b->agent_provider))
        dialect_error(r, 400, "agent_provider: must be opencode or claude-code");
    else
        return false;
    return true;
}

static void on_created(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    struct dialect_answer a;
    char title[DIALECT_TITLE_MAX];
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    const struct run *run = w->result;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_str(&a.o, "id", run->id);
    put(&a.o, "title", dialect_title(asked(run), title));
    json_str(&a.o, "status", "queued");
    json_str(&a.o, "message",
             *run->repo_url ? "Agent run is queued. Pull requests are not made by this server yet: "
                              "what it changes stays in its workspace"
                            : "Agent run is queued");
    json_end(&a.o);
    dialect_call_send(c, 201, &a);
}

static void create(struct dialect_call *c)
{
    own_json_pool struct json_pool pool;
    struct body b = {.agent_provider = "opencode"};
    struct err e;
    json_pool_init(&pool);
    if (!dialect_body(c->r, &table, &pool, &b) || refused(c->r, &b)) {
        dialect_call_refused(c);
        return;
    }
    dialect_default_model(c->core, b.agent_provider, &b.provider, &b.model);
    const struct run_spec spec = {
        .agent = b.agent_provider,
        .prompt = b.prompt,
        .provider = b.provider,
        .model = b.model,
        .repo_url = b.blank_workspace ? NULL : b.repo,
        .repo_ref = b.blank_workspace ? NULL : b.branch,
        .keep_workspace = true, // it can be told more
        .mode = (enum run_mode)b.mode,
        .webhook_url = b.webhook_url,
        .notify = dialect_conf(c->r)->progress,
        .hook_style = codecloud_hooks.name,
        .tools = codecloud_tools(&b.tools, &pool),
        .n_tools = b.tools.n,
        .agents = codecloud_subagents(b.agent_provider, &b.agents, &pool),
    };
    if (core_run_create(c->core, &spec, &c->w, &e)) {
        if (e.code == ERR_DENIED) // an address that is none for a webhook or a tool
            e.code = ERR_BAD_REQUEST;
        dialect_call_fail(c, &e);
    }
}

void codecloud_create(struct http_req *r)
{
    dialect_call_once(dialect_call_new(r, sizeof(struct dialect_call), on_created),
                      http_header(r, "idempotency-key"), create);
}
