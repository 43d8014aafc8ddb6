// SPDX-License-Identifier: Apache-2.0
// Runs: create, look at, wait, cancel, delete. How they are shown is in run_shape.c, their events are
// in run_events.c, their output in output.c.
#include "routes_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/core_approval.h>
#include <stdio.h>

// --- as they are asked for ------------------------------------------------------------------

struct worktree_body {
    const char *url, *ref, *name;
    bool submodules;
};
static const struct json_field worktree_fields[] = {
    JSON_FIELD(struct worktree_body, url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL,
               .min = 1, .max = WS_URL_BYTES - 1,
               .doc = "https, http, git or file URL, or owner/repo"),
    JSON_FIELD(struct worktree_body, ref, JSON_STRING, .flags = JSON_NO_CONTROL,
               .max = WS_REF_BYTES - 1, .doc = "branch, tag or commit"),
    JSON_FIELD(struct worktree_body, name, JSON_STRING, .max = NAME_MAX_LEN,
               .doc = "of several: its directory below /workspace; else its URL's last part"),
    JSON_FIELD(struct worktree_body, submodules, JSON_BOOL),
};
static const struct json_table worktree_table = {
    "WorktreeBody", worktree_fields, N_ELEMS(worktree_fields), sizeof(struct worktree_body), -1};

struct terminal_body {
    uint32_t rows, cols;
    bool shared;
};
static const struct json_field terminal_fields[] = {
    JSON_FIELD(struct terminal_body, rows, JSON_U32, .min = 1, .max = 1000, .doc = "24"),
    JSON_FIELD(struct terminal_body, cols, JSON_U32, .min = 1, .max = 1000, .doc = "80"),
    JSON_FIELD(struct terminal_body, shared, JSON_BOOL,
               .doc = "all who are connected may type, not one at a time"),
};
static const struct json_table terminal_table = {
    "RunTerminalBody", terminal_fields, N_ELEMS(terminal_fields), sizeof(struct terminal_body), -1};

struct run_body {
    uint64_t given;
    const char *agent, *task, *workspace, *prompt, *command, *provider, *model, *effort, *image,
        *profile;
    struct json_strings argv;
    struct worktree_body repository;
    struct json_objects repositories;
    struct terminal_body terminal;
    const char *webhook_url;
    bool notify;
    uint32_t mode, permissions;
    uint64_t approval_ms, max_millusd;
    uint32_t max_turns;
    struct json_map env, skills, commands;
    struct json_objects tools, agents;
    struct network_body network;
    struct json_strings secrets;
    struct limits limits;
    uint64_t timeout_ms, silence_ms;
    int64_t priority;
};
static const char *const permission_words[] = {"bypass", "ask", NULL};
const char *const v1_run_modes[] = {"execute", "plan", NULL}; // in the order of enum run_mode
#define RB(m, t, ...) JSON_FIELD(struct run_body, m, t, ##__VA_ARGS__)
#define RB_AS(m, n, t, ...) JSON_FIELD_AS(struct run_body, m, n, t, ##__VA_ARGS__)
enum { F_NETWORK, F_REPOSITORIES, F_TERMINAL, F_AGENTS, F_MAX_COST };
static const struct json_field run_fields[] = {
    [F_NETWORK] = RB(network, JSON_OBJECT, .sub = &v1_network_table),
    [F_REPOSITORIES] = RB(repositories, JSON_OBJECTS, .sub = &worktree_table, .max = RUN_REPOS_MAX,
                          .doc = "several, each in /workspace/NAME; one is /workspace itself; none "
                                 "at all: an empty workspace is kept all the same"),
    [F_TERMINAL] = RB(terminal, JSON_OBJECT, .sub = &terminal_table,
                      .doc = "it runs on one, which is recorded"),
    [F_AGENTS] = RB(agents, JSON_OBJECTS, .sub = &v1_subagent_table, .max = AGENT_LIBRARY_MAX,
                    .doc = "sub-agents that its agent finds; else those of its definition"),
    [F_MAX_COST] =
        RB_AS(max_millusd, "max_cost_usd", JSON_MS,
              .doc = "what each turn of the run may cost, from 0.001 on; of claude-code"),
    RB(agent, JSON_STRING, .max = NAME_MAX_LEN,
       .doc = "command, shell, cursor ..., or the id of a definition; command"),
    RB(task, JSON_STRING, .max = ID_MAX, .doc = "id of the task that it carries out"),
    RB(workspace, JSON_STRING, .min = 1, .max = NAME_MAX_LEN,
       .doc = "id or name of a workspace to run in, with its files, settings and network; it stays "
              "when the run is deleted"),
    RB(prompt, JSON_STRING, .max = RUN_TEXT_BYTES, .doc = "what it is to do"),
    RB(command, JSON_STRING, .min = 1, .max = RUN_TEXT_BYTES,
       .doc = "of agent command: text for /bin/sh -c"),
    RB(argv, JSON_STRINGS, .min = 1, .max = 8192, .item_max = RUN_TEXT_BYTES,
       .doc = "program and arguments, instead of command"),
    RB(provider, JSON_STRING, .min = 1, .max = NAME_MAX_LEN, .doc = "of its model"),
    RB(secrets, JSON_STRINGS, .max = 64, .item_max = NAME_MAX_LEN,
       .doc = "names of those that it may use; needs mode allow-list"),
    RB(model, JSON_STRING, .max = 256, .flags = JSON_NO_CONTROL),
    RB(effort, JSON_STRING, .max = 64, .flags = JSON_NO_CONTROL),
    RB(repository, JSON_OBJECT, .sub = &worktree_table),
    RB(mode, JSON_ENUM, .names = v1_run_modes,
       .doc = "plan: /workspace is read-only, and what it says is a plan"),
    RB(image, JSON_STRING, .max = NAME_MAX_LEN),
    RB(profile, JSON_STRING, .max = NAME_MAX_LEN),
    RB(tools, JSON_OBJECTS, .sub = &v1_tool_table, .max = AGENT_TOOLS_MAX,
       .doc = "addresses that its agent may call by way of pinfold, as tools of an MCP server"),
    RB(skills, JSON_MAP, .max = AGENT_LIBRARY_MAX, .item_max = RUN_SKILL_BYTES,
       .doc = "by name, the text of its SKILL.md: put where the agent's tool looks for it"),
    RB(commands, JSON_MAP, .max = AGENT_LIBRARY_MAX, .item_max = RUN_SKILL_BYTES,
       .doc = "the same for commands, in Markdown"),
    RB(env, JSON_MAP, .max = WS_ENV_MAX, .item_max = WS_ENV_BYTES),
    RB(limits, JSON_OBJECT, .sub = &v1_limits_table),
    RB(webhook_url, JSON_STRING, .max = WS_URL_BYTES - 1, .flags = JSON_NO_CONTROL,
       .doc = "told of its end, its pauses and its questions, signed"),
    RB(permissions, JSON_ENUM, .names = permission_words,
       .doc = "ask: what it wants to do waits in /v1/approvals for an answer"),
    RB_AS(approval_ms, "approval_timeout_secs", JSON_MS,
          .doc = "after which nobody's answer is no; 3600"),
    RB(max_turns, JSON_U32, .min = 1, .max = 100000,
       .doc = "turns of its model in each turn of the run; of claude-code, gemini and qwen"),
    RB(notify, JSON_BOOL, .doc = "tell it of each turn's beginning and each message too"),
    RB_AS(timeout_ms, "timeout_secs", JSON_MS, .doc = "from its start; then it is killed whole"),
    RB_AS(silence_ms, "silence_secs", JSON_MS, .doc = "the longest it may print nothing"),
    RB(priority, JSON_I64, .doc = "-100 to 100; the greater goes first"),
};
const struct json_table v1_run_table = {"RunBody", run_fields, N_ELEMS(run_fields),
                                        sizeof(struct run_body), offsetof(struct run_body, given)};

static const char *const *pairs_of(const struct json_map *m, struct json_pool *pool)
{
    const char **list = json_pool_alloc(pool, (2 * (size_t)m->n + 1) * sizeof(*list));
    for (uint32_t i = 0; i < m->n; i++) {
        list[2 * i] = m->at[i].name;
        list[2 * i + 1] = m->at[i].value ? m->at[i].value : "";
    }
    list[2 * (size_t)m->n] = NULL;
    return list;
}

// The last part of a URL, as git names a clone's directory.
static const char *name_of(const char *url, struct json_pool *pool)
{
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    if (n > 4 && !strncmp(url + n - 4, ".git", 4))
        n -= 4;
    const char *slash = memrchr(url, '/', n), *from = slash ? slash + 1 : url;
    size_t len = (size_t)(url + n - from);
    char *name = json_pool_alloc(pool, len + 1);
    memcpy(name, from, len);
    name[len] = '\0';
    return name;
}

static int take_repositories(struct http_req *r, struct run_body *b, struct json_pool *pool,
                             struct run_spec *ret)
{
    const struct worktree_body *all = b->repositories.at;
    if (b->repositories.n && b->repository.url) {
        v1_bad(r, "/repositories", "is given besides repository");
        return -1;
    }
    if (b->repositories.n == 1) {
        ret->repo_url = all->url;
        ret->repo_ref = all->ref;
        ret->submodules = all->submodules;
    }
    if (b->repositories.n < 2)
        return 0;
    struct run_repo *list = json_pool_alloc(pool, b->repositories.n * sizeof(*list));
    for (size_t i = 0; i < b->repositories.n; i++) {
        ret->submodules |= (uint32_t)all[i].submodules << i;
        list[i] = (struct run_repo){all[i].url, all[i].ref,
                                    all[i].name ? all[i].name : name_of(all[i].url, pool)};
    }
    ret->repos = list;
    ret->n_repos = (unsigned)b->repositories.n;
    return 0;
}

static int check_cost(struct http_req *r, const struct run_body *b)
{
    if (!(b->given & JSON_GIVEN(F_MAX_COST)) || b->max_millusd)
        return 0;
    v1_bad(r, "/max_cost_usd", "must be 0.001 or more");
    return -1;
}

static int spec_of(struct http_req *r, struct run_body *b, struct json_pool *pool,
                   struct run_spec *ret)
{
    struct json_fault f;
    *ret = (struct run_spec){
        .agent = b->agent,
        .task = b->task,
        .workspace = b->workspace,
        .prompt = b->prompt,
        .command = b->command,
        .argv = b->argv.n ? v1_strings(&b->argv, pool) : NULL,
        .provider = b->provider,
        .secrets = b->secrets.n ? v1_strings(&b->secrets, pool) : NULL,
        .model = b->model,
        .effort = b->effort,
        .repo_url = b->repository.url,
        .repo_ref = b->repository.ref,
        .submodules = b->repository.submodules,
        .webhook_url = b->webhook_url,
        .notify = b->notify,
        .skills = pairs_of(&b->skills, pool),
        .commands = pairs_of(&b->commands, pool),
        .approval_ms = !b->permissions  ? 0
                       : b->approval_ms ? b->approval_ms
                                        : APPROVAL_DEFAULT_MS,
        .max_turns = b->max_turns,
        .max_millusd = b->max_millusd,
        .keep_workspace = b->given & JSON_GIVEN(F_REPOSITORIES),
        .mode = (enum run_mode)b->mode,
        .image = b->image,
        .profile = b->profile,
        .network_given = b->given & JSON_GIVEN(F_NETWORK),
        .limits = b->limits,
        .timeout_ms = b->timeout_ms,
        .silence_ms = b->silence_ms,
        .priority =
            b->priority > INT32_MAX || b->priority < INT32_MIN ? INT32_MAX : (int)b->priority,
    };
    if (b->given & JSON_GIVEN(F_TERMINAL)) {
        ret->rows = b->terminal.rows ? (uint16_t)b->terminal.rows : 24;
        ret->cols = b->terminal.cols ? (uint16_t)b->terminal.cols : 80;
        ret->shared = b->terminal.shared;
    }
    ret->tools = v1_tools(&b->tools, pool);
    ret->n_tools = b->tools.n;
    if (b->given & JSON_GIVEN(F_AGENTS) && !(ret->agents = v1_subagents(r, &b->agents, pool)))
        return -1;
    if (check_cost(r, b) || take_repositories(r, b, pool, ret))
        return -1;
    if (v1_network_of(&b->network, pool, &ret->network, &ret->allow, &f) ||
        v1_check_limits(&b->limits, &f)) {
        v1_fault(r, &f);
        return -1;
    }
    ret->env = v1_map_to_env(r, pool, "/env", &b->env);
    return ret->env ? 0 : -1;
}

// --- handlers -------------------------------------------------------------------------------

struct run *v1_find_run(struct http_req *r)
{
    struct err e;
    struct run *run = core_run_find(v1_of(r)->core, r->params[0], &e);
    if (!run)
        v1_err(r, &e);
    return run;
}

static void on_waited(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, c->status, &v1_run_shape, w->result);
}

void v1_run_show_or_wait(struct call *c, struct run *run)
{
    struct err e;
    if (!c->wait_ms) {
        v1_call_show(c, c->status, &v1_run_shape, run);
        return;
    }
    c->w = (struct waiter){.on_done = on_waited};
    (void)v1_call_started(c, core_run_wait(c->v->core, run, c->wait_ms, &c->w, &e), &e);
}

void v1_run_recorded(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    struct run *run = w->result;
    struct err e;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    memcpy(c->id, run->id, sizeof(c->id));
    (void)core_run_find(c->v->core, run->id, &e); // its place in the queue
    v1_run_show_or_wait(c, run);
}

static void create(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct run_body b = {0};
    struct run_spec spec;
    json_pool_init(&pool);
    if (v1_param_wait(c->r, &c->wait_ms) || v1_read_body(c->r, &v1_run_table, &pool, &b) ||
        spec_of(c->r, &b, &pool, &spec)) {
        v1_call_refused(c);
        return;
    }
    c->w.on_done = v1_run_recorded;
    c->status = 201;
    c->location = "/v1/runs/";
    (void)v1_call_started(c, core_run_create(c->v->core, &spec, &c->w, &e), &e);
}

void v1_runs_create(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), create);
}

static int filter_of(struct http_req *r, struct run_filter *ret)
{
    const char *status = http_query(r, "status");
    enum run_state state;
    *ret = (struct run_filter){.agent = http_query(r, "agent"),
                               .repository = http_query(r, "repository"),
                               .task = http_query(r, "task")};
    if (!status)
        return 0;
    if (run_state_parse(status, &state)) {
        v1_bad_param(r, "status", "is none of the states of a run");
        return -1;
    }
    ret->states = UINT64_C(1) << state;
    return 0;
}

void v1_runs_list(struct http_req *r)
{
    struct page page;
    struct run_filter filter;
    struct run *all[PAGE_MAX];
    if (v1_page_parse(r, &page) || filter_of(r, &filter))
        return;
    size_t n = core_run_list(v1_of(r)->core, &filter, page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_run_shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_runs_get(struct http_req *r)
{
    uint64_t wait_ms;
    struct run *run = v1_find_run(r);
    if (!run || v1_param_wait(r, &wait_ms))
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->status = 200;
    c->wait_ms = wait_ms;
    v1_run_show_or_wait(c, run);
}

void v1_runs_delete(struct http_req *r)
{
    struct err e;
    struct run *run = v1_find_run(r);
    if (!run)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    (void)v1_call_started(c, core_run_delete(c->v->core, run, &c->w, &e), &e);
}
