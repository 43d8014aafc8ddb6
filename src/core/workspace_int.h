// SPDX-License-Identifier: Apache-2.0
// A workspace as core keeps it. One operation on it runs at a time (`op`); while one does, no exec
// starts, and the workspace's own sandbox is down whenever the operation's needs its directory.
#pragma once
#include "exec_int.h"

struct bld;
struct gitjob;
struct script;

enum ws_op { OP_NONE, OP_SETUP, OP_BUILD, OP_INIT, OP_FORK, OP_STOP, OP_DELETE };

struct ws {
    struct workspace pub;
    struct core *core;
    struct list all, execs; // execs: records of it, oldest first
    unsigned n_execs_ended;
    struct sandbox sb;
    enum ws_op op;
    struct strings *env, *labels;
    char *init_script, *repo_url, *repo_ref;
    char mirror[LAYER_NAME_MAX];
    const struct image *image;
    const struct profile *profile;
    bool built, dir_made; // as store.h
    bool dirty;           // changed since it was written
    unsigned saving;
    struct list waiters, deleters, stoppers;
    struct ask ask;    // DIR_* of the running operation
    struct bld *build; // running or queued
    struct script *script;
    struct gitjob *git;
    struct source init_log;
    bool init_log_open;
    struct ws *fork_of; // OP_FORK of the copy: where from
    unsigned forks;     // copies being made of this one
    struct waiter *create_waiter;
    struct waiter *init_waiter_unused;
    bool wants_build;
    char *repo_user, *repo_password; // for the next clone, then wiped
};
struct ws *ws_of(struct workspace *w);
void ws_exec_ended(struct ws *ws); // another of its execs has
// May commands run in it? -1 with the sentence why not.
int ws_runnable(const struct ws *ws, struct err *e);
const char *const *ws_env(const struct ws *ws);
// What its sandboxes are started from: fills box_start for the given profile.
int ws_fill(struct ws *ws, const struct profile *profile, struct msg_box_start *m, struct err *e);
// Roots of sandboxes (roots.c).
const struct image *image_named(const struct core *c, const char *name);
int network_check(bool given, enum net_mode want, const struct profile *profile, enum net_mode *ret,
                  struct err *e);
void limits_fill(const struct limits *l, struct msg_box_start *m);
void image_fill(const struct image *image, struct msg_box_start *m);
// Do all its layers exist? ERR_CONFLICT when not.
int image_present(const struct core *c, const struct image *image, struct err *e);
