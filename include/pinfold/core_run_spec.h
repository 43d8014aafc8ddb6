// SPDX-License-Identifier: Apache-2.0
// What a run is to be: what core_run_create of core_run.h takes.
#pragma once
#include <pinfold/core.h>
#include <pinfold/run_state.h>

struct run_repo {
    const char *url, *ref; // ref NULL: its default
    const char *dir;       // below /workspace
};
// An address that its agent may call by way of us, with the arguments as JSON; or, with GET and DELETE,
// in the query.
extern const char *const run_tool_methods[]; // "POST" first; NULL at the end
struct run_tool {
    const char *name, *description, *url;
    const char *method;         // one of them; NULL: POST
    const char *schema;         // JSON object
    const char *const *headers; // "Name: value", NULL at the end; no sandbox of it sees them
};
// NULL and 0 mean "not given". Everything is borrowed for the call.
struct run_spec {
    const char *agent; // "command"; or the id of a definition, whose project it then has
    const char *task;  // id; its status follows the run's
    const char *prompt, *command;
    const char *const *argv;
    const char *provider, *model, *effort;
    const char *repo_url, *repo_ref;
    const struct run_repo *repos; // several, instead of the one
    unsigned n_repos;
    uint32_t submodules;   // bits: 1 of the one repository, 1 << i of the i-th of several
    const char *workspace; // id or name: it runs in that one, which is not its own
    bool keep_workspace;   // without a repository too: what is left of it can be gone on with
    enum run_mode mode;
    uint16_t rows, cols;     // of the terminal that it gets; 0: none
    const char *webhook_url; // told of its end, its pauses and its questions; NULL: nobody
    bool notify;             // of its turns' beginnings and of what the agent says too
    const char *hook_style;  // how it is told; NULL: as pinfold does
    bool shared;             // everybody who is connected to that may type
    const char *image, *profile;
    bool network_given;
    enum net_mode network;
    const char *const *allow;   // of mode allow-list; NULL: the profile's
    const char *const *secrets; // names of those it may use, NULL-terminated or NULL
    struct limits limits;
    const char *const *env;
    uint64_t timeout_ms; // conf's run_timeout_ms
    uint64_t silence_ms;
    int priority;
    uint64_t approval_ms;                        // as in run
    uint32_t max_turns;                          // the same
    uint64_t max_millusd;                        // the same
    const char *const *skills, *const *commands; // names and texts, as an agent is to find them
    const char *const *agents; // sub-agents, as an agent_wish has them; NULL: its definition's
    const struct run_tool *tools;
    unsigned n_tools;
};
