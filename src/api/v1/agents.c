// SPDX-License-Identifier: Apache-2.0
// Agents: the adapters, and where the tool of each comes from.
#include "routes_int.h"

#include <pinfold/agent.h>
#include <pinfold/agent_source.h>
#include <pinfold/agent_talk.h>
#include <string.h>

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static void show(struct json_out *o, const struct core_conf *conf, const struct agent_adapter *g)
{
    static const struct agent_source none;
    const struct agent_source *from = &none;
    for (unsigned i = 0; i < conf->n_agents; i++)
        if (!strcmp(conf->agents[i].name, agent_name(g)))
            from = &conf->agents[i];
    json_str(o, "name", agent_name(g));
    json_str(o, "description", agent_doc(g));
    json_str(o, "program", or_null(agent_program(g)));
    json_bool(o, "needs_provider", agent_needs_provider(g));
    json_bool(o, "resumes", agent_resumes(g));
    json_bool(o, "steerable", agent_talks(g));
    json_bool(o, "served_tools", agent_serves(g, true, true));
    json_str(o, "state_directory", or_null(agent_state_dir(g)));
    json_str(o, "does_not_obey", or_null(agent_ignores(g)));
    json_str(o, "packages", or_null(from->packages));
    json_str(o, "license", or_null(from->licence));
}

void v1_agents_list(struct http_req *r)
{
    struct answer a;
    v1_page_begin(&a);
    for (unsigned i = 0; i < agent_count(); i++) {
        json_begin(&a.o, NULL);
        show(&a.o, core_conf(v1_of(r)->core), agent_at(i));
        json_end(&a.o);
    }
    v1_page_send(r, &a, NULL);
}

void v1_agents_get(struct http_req *r)
{
    struct err e;
    struct answer a;
    const struct agent_adapter *g = agent_find(r->params[0]);
    if (!g) {
        err_set(&e, ERR_NOT_FOUND, "there is no agent '%.64s'", r->params[0]);
        v1_err(r, &e);
        return;
    }
    v1_answer_begin(&a);
    show(&a.o, core_conf(v1_of(r)->core), g);
    v1_answer_send(r, 200, &a);
}

static const struct json_show agent_rows[] = {
    {.name = "name", .type = SHOW_STRING},
    {.name = "description", .type = SHOW_STRING},
    {.name = "program",
     .type = SHOW_STRING,
     .flags = SHOW_EMPTY_NULL,
     .doc = "what has to be on PATH in the image"},
    {.name = "needs_provider", .type = SHOW_BOOL},
    {.name = "resumes", .type = SHOW_BOOL, .doc = "has sessions that can be gone on with"},
    {.name = "steerable",
     .type = SHOW_BOOL,
     .doc = "hears messages in the middle of a turn, unless it runs on a terminal; can ask for "
            "permissions, on a terminal with a provider only"},
    {.name = "served_tools", .type = SHOW_BOOL, .doc = "can call the tools that a run brings"},
    {.name = "state_directory", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "below HOME"},
    {.name = "does_not_obey",
     .type = SHOW_STRING,
     .flags = SHOW_EMPTY_NULL,
     .doc = "what of a repository it is kept from obeying"},
    {.name = "packages",
     .type = SHOW_STRING,
     .flags = SHOW_EMPTY_NULL,
     .doc = "of npm, that the image step Agent= installs"},
    {.name = "license", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "of the tool"},
};
const struct json_shape v1_agent_shape = {"Agent", agent_rows, N_ELEMS(agent_rows)};
