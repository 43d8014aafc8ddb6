// SPDX-License-Identifier: Apache-2.0
// Runs: made, listed, deleted, and as they are shown.
#include "abbado_int.h"

#include <pinfold/own.h>
#include <string.h>

#define COLS 120
#define ROWS 30
#define PAGE 100

// The branch that its changes will be pushed to.
#define BRANCH "abbado/run-"
#define BRANCH_DIGITS 8

const char *abbado_branch(const struct run *run)
{
    const char *ref = *run->repos ? run->repos[1] : run->repo_ref; // the same of all
    return *ref ? ref : BRANCH_DEFAULT;
}

void abbado_run_write(struct json_out *o, const void *shown)
{
    const struct run *run = shown;
    char uuid[UUID_MAX], branch[sizeof(BRANCH) + BRANCH_DIGITS] = BRANCH;
    const struct run_usage *u = &run->usage;
    uint64_t at = run->ended_ms     ? run->ended_ms
                  : run->started_ms ? run->started_ms
                                    : run->created_ms;
    (void)uuid_of("run", run->id, uuid);
    for (unsigned i = 0, n = strlen(BRANCH); i < BRANCH_DIGITS; i++) // the last ones differ most
        branch[n + i] = uuid[19 + i + (i >= 4)];
    json_begin(o, NULL);
    json_str(o, "id", uuid);
    abbado_uuid(o, "project_id", item_prefix(ITEM_PROJECT), run->project);
    abbado_uuid(o, "agent_id", item_prefix(ITEM_AGENT), run->definition);
    json_str(o, "task", run->prompt ? run->prompt : "");
    json_str(o, "status", abbado_status(run->state));
    json_str(o, "source_branch", abbado_branch(run));
    json_str(o, "run_branch", branch);
    json_str(o, "cli_name", run->agent);
    json_str(o, "session_id", *run->session ? run->session : NULL);
    json_str(o, "error", *run->error ? run->error : NULL);
    dialect_time(o, "created_at", run->created_ms);
    dialect_time(o, "updated_at", at);
    json_u64(o, "tokens_in", u->input_tokens + u->cached_tokens);
    json_u64(o, "tokens_out", u->output_tokens);
    json_f64(o, "cost_usd", (double)u->cost_microusd / 1e6);
    json_null(o, "parent_run_id");
    json_bool(o, "notify", run->notify);
    json_end(o);
}

void abbado_runs_get(struct http_req *r)
{
    const struct run *run = abbado_run(r);
    struct dialect_answer a;
    if (!run)
        return;
    dialect_answer_begin(&a);
    abbado_run_write(&a.o, run);
    dialect_answer_send(r, 200, &a);
}

// Those of agents that are defined: others have nothing that a client here could look up.
void abbado_runs_list(struct http_req *r)
{
    const struct run_filter all = {0};
    struct run *page[PAGE];
    char after[ID_MAX] = "";
    struct dialect_answer a;
    bool more = true;
    dialect_answer_begin(&a);
    json_begin_array(&a.o, NULL);
    while (more) {
        size_t n = core_run_list(dialect_core(r), &all, after, page, PAGE, &more);
        for (size_t i = 0; i < n; i++)
            if (*page[i]->definition)
                abbado_run_write(&a.o, page[i]);
        if (n)
            memcpy(after, page[n - 1]->id, sizeof(after));
    }
    json_end_array(&a.o);
    dialect_answer_send(r, 200, &a);
}

void abbado_runs_delete(struct http_req *r)
{
    struct run *run = abbado_run(r);
    struct err e;
    if (!run)
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), abbado_empty);
    if (core_run_delete(c->core, run, &c->w, &e))
        dialect_call_fail(c, &e);
}

// --- create ---------------------------------------------------------------------------------

struct body {
    const char *agent_id, *task, *source_branch;
};
#define F(m, t, ...) JSON_FIELD(struct body, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(agent_id, JSON_STRING, .flags = JSON_REQUIRED, .max = 64),
    F(task, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = RUN_TEXT_BYTES),
    F(source_branch, JSON_STRING, .flags = JSON_NO_CONTROL, .max = 255),
};
static const struct json_table table = {"Run", fields, N_ELEMS(fields), sizeof(struct body), -1};

// All of the agent's project, each in a directory of its name when there are several. False: answered.
static bool repositories_of(struct http_req *r, const struct item *agent, const char *branch,
                            struct run_repo ret[RUN_REPOS_MAX], unsigned *ret_n)
{
    unsigned n = 0;
    for (const struct item *s = NULL; (s = core_item_next(dialect_core(r), ITEM_SOURCE, s));) {
        if (strcmp(s->project, agent->project))
            continue;
        if (n < RUN_REPOS_MAX)
            ret[n] = (struct run_repo){.url = s->text, .ref = branch, .dir = s->name};
        n++;
    }
    *ret_n = n;
    if (n <= RUN_REPOS_MAX)
        return true;
    dialect_error(r, 400, "the project has %u repositories; a run is over at most %d", n,
                  RUN_REPOS_MAX);
    return false;
}

static void on_created(struct waiter *w)
{
    dialect_call_done(w, 201, abbado_run_write);
}

void abbado_runs_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {.source_branch = BRANCH_DEFAULT};
    struct err e;
    struct run_repo repos[RUN_REPOS_MAX];
    unsigned n;
    json_pool_init(&pool);
    if (!dialect_body(r, &table, &pool, &b))
        return;
    const struct item *agent = abbado_item(r, ITEM_AGENT, b.agent_id);
    const bool head = !b.source_branch || !strcmp(b.source_branch, BRANCH_DEFAULT);
    if (!agent || !repositories_of(r, agent, head ? NULL : b.source_branch, repos, &n))
        return;
    const char *provider = item_label(agent, AGENT_PROVIDER),
               *model = item_label(agent, AGENT_MODEL);
    dialect_default_model(dialect_core(r), agent->agent, &provider, &model);
    const struct run_spec spec = {
        .agent = agent->id,
        .prompt = b.task,
        .provider = provider,
        .model = model,
        .repo_url = n == 1 ? repos[0].url : NULL,
        .repo_ref = n == 1 ? repos[0].ref : NULL,
        .repos = n > 1 ? repos : NULL,
        .n_repos = n > 1 ? n : 0,
        .keep_workspace = true,
        .rows = ROWS,
        .cols = COLS,
        .shared = true,
    };
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_created);
    if (core_run_create(c->core, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}
