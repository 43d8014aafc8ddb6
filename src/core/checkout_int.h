// SPDX-License-Identifier: Apache-2.0
// Checkouts that are kept, and how a workspace gets its repository's files.
#pragma once
#include "repo_int.h"

// Theory of operation. For runs, and with conf.workspace_checkouts for all workspaces, a repository's
// files are written once for each commit: the first workspace of it is copied, before anything runs there, into a directory that no sandbox ever uses (room
// strata, constant time), and every later one is a copy of that. A commit that is not there starts
// from the checkout that was used last and changes what differs.
//
// Every workspace asks the remote first, with its own credentials, so nobody is given what he could
// not have cloned. What decides the content (commit, branch, references) decides the id. A row is
// written before the directory is made, so what a crash leaves is found. Nothing is flushed to the
// disk, so those from before the machine's restart go.
struct clone;
enum checkout_state { CHECKOUT_MAKING, CHECKOUT_MADE, CHECKOUT_GOING };
struct checkout {
    struct core *core;
    struct list all; // the one used last is the last
    char id[ID_MAX], mirror[LAYER_NAME_MAX], commit[REPO_OID_MAX], branch[REPO_REF_MAX];
    uint64_t bytes, used_ms; // bytes: written for it
    uint32_t depth;          // strata that it stands on
    enum checkout_state state;
    bool recorded;
    unsigned users, saving; // users: copies of it in the making
    struct list waiting;    // MAKING: clones that want it
    struct clone *maker;
    struct ask ask;
};
int checkouts_load(struct core *c, struct err *e);
void checkouts_resume(struct core *c); // remove what is not to be kept
void checkouts_free(struct core *c);
// Over a limit, or when the disk has no room, those go that were used longest ago.
void checkouts_tidy(struct core *c);
void checkouts_stats(const struct core *c, struct core_stats *ret);
// Those of a mirror that is deleted.
void checkouts_drop_mirror(struct core *c, const char *mirror);

// For clone.c. The one with these files, in any state; begin makes it when there is none.
const char *checkout_id(const char *mirror, const struct repo_result *r, char ret[ID_MAX]);
struct checkout *checkout_find(struct core *c, const char *id);
struct checkout *checkout_begin(struct core *c, const char *id, const char *mirror);
// What a new one of the mirror is best made from; NULL: from nothing.
struct checkout *checkout_base(struct core *c, const char *mirror, const char *branch);
void checkout_hold(struct checkout *o); // it stays while it is copied
void checkout_let_go(struct checkout *o, bool bad);
// A copy of the maker's directory; clone_kept is told, and those who wait. Commit, branch, bytes
// and depth are set.
void checkout_keep(struct checkout *o);
void checkout_give_up(struct checkout *o); // it is not made: who waits begins anew

// clone.c: the files of a workspace whose sandbox is down and whose directory is empty.
struct clone {
    struct ws *ws;
    struct ask ask;
    struct list link; // in waiting
    struct timer timer;
    struct repo_result result;
    char mirror[LAYER_NAME_MAX];
    struct checkout *from; // a copy of it, whole or to begin with
    struct checkout *make; // being made, or waited for; NULL: what is made is not kept
};
void clone_start(struct ws *ws);
void clone_cancel(struct ws *ws);
void clone_kept(struct clone *k);
void clone_again(struct clone *k); // what it waited for is made, or will not be
void clone_free(struct ws *ws);
void ws_cloned(struct ws *ws, const struct clone *k, const char *error); // ws_provision.c
