// SPDX-License-Identifier: Apache-2.0
// Making a run: all of the request is checked before anything is kept.
#include "item_int.h"
#include "repo_int.h"
#include "run_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <stdio.h>

static int check_agent(const struct run_spec *s, const struct agent_adapter *a, struct err *e)
{
    const struct agent_wish wish = {.prompt = s->prompt,
                                    .model = s->model,
                                    .effort = s->effort,
                                    .command = s->command,
                                    .argv = s->argv,
                                    .talk = agent_talks(a) && !s->rows,
                                    .ask = s->approval_ms != 0,
                                    .run = "run",
                                    .token = s->provider ? "token" : NULL,
                                    .skills = s->skills,
                                    .commands = s->commands,
                                    .agents = s->agents,
                                    .tools = s->n_tools != 0,
                                    .base_url = s->provider ? "http://provider"
                                                            : run_env(s->env, RUN_MODEL_URL),
                                    .api_key = run_env(s->env, RUN_MODEL_KEY)};
    struct agent_plan plan = {0};
    if (agent_needs_provider(a) && !wish.base_url)
        return err_set(e, ERR_BAD_REQUEST,
                       "agent %s needs a provider, which PUT /v1/providers/... makes; or give "
                       "env " RUN_MODEL_URL " (and " RUN_MODEL_KEY ", which the sandbox then sees)",
                       agent_name(a));
    if (s->max_turns && !agent_counts_turns(a))
        return err_set(e, ERR_BAD_REQUEST,
                       "agent %s cannot limit its turns: give timeout_secs instead of max_turns",
                       agent_name(a));
    if (s->max_millusd && !agent_counts_cost(a))
        return err_set(e, ERR_BAD_REQUEST,
                       "agent %s does not know what it costs: leave max_cost_usd out",
                       agent_name(a));
    if (agent_plan_make(a, &wish, &plan, e))
        return -1;
    agent_plan_release(&plan);
    return 0;
}

static int check_text(const char *text, const char *name, struct err *e)
{
    if (text && strlen(text) > RUN_TEXT_BYTES)
        return err_set(e, ERR_LIMIT, "%s is larger than %d bytes; put it into a file", name,
                       RUN_TEXT_BYTES);
    return 0;
}

static int check_library(const struct run_spec *s, struct err *e)
{
    size_t bytes = 0;
    const char *const *both[] = {s->skills, s->commands};
    for (unsigned i = 0; i < N_ELEMS(both); i++)
        for (const char *const *v = both[i]; v && *v; v++) {
            bytes += strlen(*v);
            if (strlen(*v) > RUN_SKILL_BYTES)
                return err_set(e, ERR_LIMIT, "a skill or command is larger than %d bytes",
                               RUN_SKILL_BYTES);
        }
    return bytes <= RUN_LIBRARY_BYTES
               ? 0
               : err_set(e, ERR_LIMIT, "skills and commands together are larger than %d bytes",
                         RUN_LIBRARY_BYTES);
}

static int check_numbers(const struct core *c, const struct run_spec *s, struct err *e)
{
    unsigned long long max = c->conf.exec_timeout_max_ms;
    size_t bytes = 0;
    for (const char *const *v = s->argv; v && *v; v++)
        bytes += strlen(*v) + 1;
    if (bytes > RUN_TEXT_BYTES)
        return err_set(e, ERR_LIMIT, "argv is larger than %d bytes", RUN_TEXT_BYTES);
    if (s->timeout_ms > max)
        return err_set(e, ERR_LIMIT, "timeout_secs is %llu; at most %llu are allowed",
                       (unsigned long long)s->timeout_ms / 1000, max / 1000);
    if (s->silence_ms > max)
        return err_set(e, ERR_LIMIT, "silence_secs is %llu; at most %llu are allowed",
                       (unsigned long long)s->silence_ms / 1000, max / 1000);
    if (s->priority < -RUN_PRIORITY_MAX || s->priority > RUN_PRIORITY_MAX)
        return err_set(e, ERR_BAD_REQUEST, "priority is from -%d to %d", RUN_PRIORITY_MAX,
                       RUN_PRIORITY_MAX);
    return check_text(s->prompt, "prompt", e) || check_text(s->command, "command", e) ||
                   check_text(s->model, "model", e) || check_text(s->effort, "effort", e)
               ? -1
               : 0;
}

static int check_repository(const struct core *c, const struct run_spec *s, char ret_key[72],
                            struct err *e)
{
    const struct git_spec g = {.op = REPO_OP_CLONE, .url = s->repo_url, .ref = s->repo_ref};
    ret_key[0] = '\0';
    if (!s->repo_url || !*s->repo_url)
        return s->repo_ref && *s->repo_ref
                   ? err_set(e, ERR_BAD_REQUEST, "repository.ref is given without repository.url")
                   : 0;
    own_free struct repo_request *request = xcalloc(1, sizeof(*request));
    if (git_check(c, &g, request, e))
        return -1;
    repo_url_key(&request->url, sha256_of, ret_key);
    return 0;
}

// Each below /workspace by a name of its own.
static int check_repositories(const struct core *c, const struct run_spec *s, struct err *e)
{
    if (s->n_repos > RUN_REPOS_MAX)
        return err_set(e, ERR_LIMIT, "there are %u repositories; at most %d may be", s->n_repos,
                       RUN_REPOS_MAX);
    for (unsigned i = 0; i < s->n_repos; i++) {
        const struct run_repo *one = &s->repos[i];
        const struct git_spec g = {
            .op = REPO_OP_CLONE, .url = one->url, .ref = one->ref, .dir = one->dir};
        own_free struct repo_request *request = xcalloc(1, sizeof(*request));
        if (!one->dir || !name_ok(one->dir))
            return err_set(e, ERR_BAD_REQUEST, "repositories/%u: '%.64s' is not a directory's name",
                           i, one->dir ? one->dir : "");
        if (git_check(c, &g, request, e))
            return err_wrap(e, "repositories/%u", i);
        for (unsigned k = 0; k < i; k++)
            if (!strcmp(s->repos[k].dir, one->dir))
                return err_set(e, ERR_BAD_REQUEST,
                               "repositories/%u: there is a '%.64s' already; give it another name",
                               i, one->dir);
    }
    return 0;
}

static struct strings *repos_of(const struct run_spec *s)
{
    const char *list[4 * RUN_REPOS_MAX + 1];
    size_t n = 0;
    for (unsigned i = 0; i < s->n_repos; i++) {
        list[n++] = s->repos[i].url;
        list[n++] = s->repos[i].ref ? s->repos[i].ref : "";
        list[n++] = s->repos[i].dir;
        list[n++] = ""; // its commit, when it is there
    }
    list[n] = NULL;
    return strings_copy(list);
}

int run_check_room(struct core *c, struct err *e)
{
    if (c->stopping)
        return err_set(e, ERR_BUSY, "the server is stopping");
    if (core_disk_room(c, e))
        return -1;
    if (c->n_runs_queued < c->conf.runs_queued_max)
        return 0;
    c->stats.denied_limit++;
    return err_set(e, ERR_LIMIT, "%u runs wait already; at most %u may", c->n_runs_queued,
                   c->conf.runs_queued_max);
}

static char *copy(const char *s)
{
    return xstrdup(s ? s : "");
}

static void fill(struct runrec *r, const struct run_spec *s, const struct agent_adapter *a)
{
    struct run *p = &r->pub;
    const struct core_conf *conf = &r->core->conf;
    r->adapter = a;
    r->prompt = copy(s->prompt);
    r->command = copy(s->command);
    r->provider = copy(s->provider);
    r->model = copy(s->model);
    r->effort = copy(s->effort);
    r->repo_url = copy(s->repo_url);
    r->repo_ref = copy(s->repo_ref);
    r->argv = strings_copy(s->argv);
    r->message = copy(NULL);
    r->webhook_url = copy(s->webhook_url);
    TEXT_PUT(r->hook_style, s->hook_style ? s->hook_style : "");
    p->notify = s->notify;
    r->approval_ms = s->approval_ms;
    p->max_turns = s->max_turns;
    p->max_millusd = s->max_millusd;
    r->turns = strings_copy(NULL);
    r->said = strings_copy(NULL);
    r->repos = repos_of(s);
    r->changes = strings_copy(NULL);
    r->skills = strings_copy(s->skills);
    r->commands = strings_copy(s->commands);
    r->agents = strings_copy(s->agents);
    r->keep_workspace = s->keep_workspace;
    p->mode = s->mode;
    p->rows = s->rows;
    p->cols = s->cols;
    p->shared = s->shared;
    p->submodules = s->submodules;
    p->priority = s->priority;
    p->timeout_ms = s->timeout_ms                                      ? s->timeout_ms
                    : conf->run_timeout_ms < conf->exec_timeout_max_ms ? conf->run_timeout_ms
                                                                       : conf->exec_timeout_max_ms;
    p->silence_ms = s->silence_ms;
    p->created_ms = clock_wall_ms();
}

static void say_created(struct runrec *r)
{
    char position[24];
    run_event_words(r, EV_RUN_CREATED, "agent", r->pub.agent);
    (void)snprintf(position, sizeof(position), "%u", run_position(r));
    if (r->core->n_runs_queued > 1 || r->core->n_runs_placed >= r->core->conf.runs_running_max)
        run_event_words(r, EV_RUN_QUEUED, "position", position);
}

// Of a definition: its tool, and its model, provider and sub-agents where the request names none.
static int resolve(struct core *c, struct run_spec *s, const struct item **ret, struct err *e)
{
    *ret = NULL;
    if (s->task && !core_item_find(c, ITEM_TASK, s->task, e))
        return -1;
    if (!s->agent || !id_ok(s->agent, item_prefix(ITEM_AGENT)))
        return 0;
    *ret = core_item_find(c, ITEM_AGENT, s->agent, e);
    if (!*ret)
        return -1;
    s->agent = (*ret)->agent;
    s->model = s->model ? s->model : item_label(*ret, AGENT_MODEL);
    s->provider = s->provider ? s->provider : item_label(*ret, AGENT_PROVIDER);
    s->agents = s->agents ? s->agents : (*ret)->agents;
    return 0;
}

static struct ws_wish wish_of(const struct run_spec *s)
{
    return (struct ws_wish){.image = s->image,
                            .profile = s->profile,
                            .env = s->env,
                            .network = {.given = s->network_given,
                                        .mode = s->network,
                                        .allow = s->allow,
                                        .secrets = s->secrets,
                                        .provider = s->provider},
                            .repo_url = s->repo_url,
                            .limits = s->limits};
}

int core_run_create(struct core *c, const struct run_spec *spec, struct waiter *w, struct err *e)
{
    struct run_spec own = *spec;
    const struct run_spec *s = &own;
    const struct item *definition;
    if (resolve(c, &own, &definition, e))
        return -1;
    const char *name = s->agent ? s->agent : "command";
    const struct agent_adapter *a = agent_find(name);
    char id[ID_MAX], key[72];
    struct ws_settings set = {0};
    struct ws_wish wish = wish_of(s);
    if (!a)
        return err_set(e, ERR_BAD_REQUEST, "there is no agent '%.40s'", name);
    struct ws *guest_of = s->workspace ? run_guest_of(c, s, e) : NULL;
    if (s->workspace && !guest_of)
        return -1;
    if (guest_of)
        run_guest_wish(guest_of, &wish);
    if (run_check_room(c, e) || check_numbers(c, s, e) || check_library(s, e) ||
        run_tools_check(c, s->tools, s->n_tools, e) || agent_subagents_check(s->agents, e) ||
        check_agent(s, a, e) || check_repository(c, s, key, e) || check_repositories(c, s, e) ||
        (s->webhook_url && *s->webhook_url && hook_check(c, s->webhook_url, e)) ||
        settings_make(c, &wish, id_make("run", id), &set, e))
        return -1;
    struct strings *tools = run_tools_pack(c, s->tools, s->n_tools, e);
    if (!tools) {
        settings_release(&set);
        return -1;
    }
    struct runrec *r = runrec_new(c, id);
    r->tools = tools;
    if (guest_of)
        TEXT_PUT(r->pub.workspace, guest_of->pub.id);
    else
        settings_default_disk(&set, c->conf.run_disk_bytes);
    r->pub.guest = guest_of;
    r->set = set;
    TEXT_PUT(r->repo_key, key);
    fill(r, s, a);
    if (definition) {
        TEXT_PUT(r->pub.definition, definition->id);
        TEXT_PUT(r->pub.project, definition->project);
    }
    TEXT_PUT(r->pub.task, s->task ? s->task : "");
    runrec_publish(r);
    runrec_insert(r);
    waiter_add(w, &r->creators, r, NULL);
    run_enqueue(r);
    say_created(r);
    run_row_changed(r);
    run_when_committed(r, run_admit_all);
    return 0;
}
