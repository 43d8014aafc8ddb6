// SPDX-License-Identifier: Apache-2.0
// Mirrors of repositories and the git operations on them, one at a time for each mirror.
#pragma once
#include "exec_int.h"

#include <pinfold/core_repo.h>
#include <pinfold/repo.h>

struct ws;

struct rep {
    struct repository pub;
    struct core *core;
    struct list all;
    char *url;
    struct list jobs; // git jobs, the first one runs
    struct ask ask;
    struct list deleters;
    bool deleting;
    unsigned saving;
    struct strings *allow; // NULL: it has no list
};

// One run of pinfold-git. Made and freed here; the owner keeps the pointer until on_done.
struct gitjob {
    struct core *core;
    struct rep *rep;
    struct ws *ws;    // for whom; its directory is at /workspace, but for MIRROR; NULL: nobody
    struct list link; // in its mirror's jobs, or in `same` of one that runs
    struct list same; // jobs that get its result
    struct repo_request request; // wiped with it
    enum repo_op op;
    enum repo_status status_before; // of its mirror
    struct sandbox *sb;
    struct proc proc;
    struct packed args;
    struct repo_reply *reply;
    struct buf text; // standard error
    struct ask ask;
    struct source *log; // progress goes there; NULL
    enum repo_phase phase;
    unsigned tenth;
    bool dials, again;     // it needs a network; the way out was replaced once
    uint64_t egress_start; // by which it goes
    struct egress_doubt doubt;
    bool begun, broken, cancelled;
    struct err err;
    struct repo_result result;
    void (*on_done)(struct gitjob *g, void *owner, const struct err *err);
    void *owner;
};
struct git_spec {
    enum repo_op op;
    const char *url, *ref, *user, *password;
    const char *base; // as repo.h; NULL: none
    const char *dir;  // of the workspace, where it is not alone; NULL
    bool submodules;
    struct ws *ws;
    struct source *log;
    void (*on_done)(struct gitjob *g, void *owner, const struct err *err); // result when code is 0
    void *owner;
};
void git_rules(const struct core *c, struct repo_rules *ret); // of URLs, by the settings
// Checks everything; -1 with *e when refused.
int git_check(const struct core *c, const struct git_spec *s, struct repo_request *ret,
              struct err *e);
struct gitjob *git_start(struct core *c, const struct git_spec *s, struct err *e);
void git_jobs_free(struct rep *r); // those that never ran, at the end
void git_cancel(struct gitjob *g); // on_done follows
int repos_load(struct core *c, struct err *e);
void repos_free(struct core *c);
// Of this URL, if it is known; NULL.
struct rep *rep_of_url(const struct core *c, const char *url);
struct rep *rep_for(struct core *c, const char *mirror, const char *url); // made when missing
void rep_save(struct rep *r);
uint32_t rep_users(const struct rep *r);
