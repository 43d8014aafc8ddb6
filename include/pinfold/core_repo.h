// SPDX-License-Identifier: Apache-2.0
// Repositories: bare mirrors, one for each URL, that workspaces' checkouts borrow objects from.
#pragma once
#include <pinfold/core.h>

enum repo_status { REPO_EMPTY, REPO_FETCHING, REPO_READY, REPO_ERROR, REPO_N };
const char *repo_status_name(enum repo_status s);

struct repository {
    char id[ID_MAX]; // repo_...
    char mirror[72]; // key of the mirror
    const char *url; // canonical, without credentials
    enum repo_status status;
    uint64_t created_ms, fetched_ms; // fetched_ms 0: never
    uint64_t bytes, objects;         // as the last fetch reported
    uint32_t workspaces;             // that use it
    char error[200];
    const char *const *allow; // what its workspaces may reach at most; NULL: no such list
};

struct repo_spec {
    const char *url;             // https, http, git, file URL or owner/repo
    const char *user, *password; // for this fetch only, or NULL
};
// Make or refresh a mirror. on_done when it is fetched; result: struct repository *. Cancelling
// leaves the fetch running.
int core_repo_fetch(struct core *c, const struct repo_spec *spec, struct waiter *w, struct err *e);
struct repository *core_repo_find(struct core *c, const char *id, struct err *e);
size_t core_repo_list(struct core *c, const char *after, struct repository **ret, size_t max,
                      bool *ret_more);
// What its workspaces may reach at most, beside its own server for its clone: cut from their lists, in
// sandboxes that run too. NULL: no list any more. ERR_CONFLICT while one has network mode full.
int core_repo_network(struct core *c, struct repository *r, const char *const *allow,
                      struct waiter *w, struct err *e);
// ERR_CONFLICT while a workspace uses it. Its list goes too.
int core_repo_delete(struct core *c, struct repository *r, struct waiter *w, struct err *e);
