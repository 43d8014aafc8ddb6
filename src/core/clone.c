// SPDX-License-Identifier: Apache-2.0
// A workspace's files from a repository: ask the remote, then a copy of the checkout that is kept of
// this commit, or a checkout that will be.
#include "checkout_int.h"
#include "workspace_int.h"

#include <pinfold/crypt.h>
#include <pinfold/own.h>

static void choose(struct clone *k);

static void wipe(char **secret)
{
    if (*secret)
        crypt_wipe(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

// --- its end ----------------------------------------------------------------------------------

void clone_free(struct ws *ws)
{
    struct clone *k = ptr_steal(&ws->clone);
    if (!k)
        return;
    loop_timer_cancel(ws->core->loop, &k->timer);
    free(k);
}

static void end(struct clone *k, const char *error)
{
    struct ws *ws = k->ws;
    if (k->from)
        checkout_let_go(k->from, false);
    if (k->make && k->make->maker == k)
        checkout_give_up(k->make);
    ws->clone = NULL;
    wipe(&ws->repo_user);
    wipe(&ws->repo_password);
    ws_cloned(ws, k, error);
    free(k);
}

static void on_cancelled(struct timer *t)
{
    end(container_of(t, struct clone, timer), "it was cancelled");
}

void clone_cancel(struct ws *ws)
{
    struct clone *k = ws->clone;
    if (ws->git) {
        git_cancel(ws->git);
    } else if (k->make && k->make->maker != k) { // it waits
        list_del(&k->link);
        k->make = NULL;
        loop_timer_set(ws->core->loop, &k->timer, 0, on_cancelled);
    }
}

// --- git --------------------------------------------------------------------------------------

static void start_git(struct clone *k, struct git_spec s)
{
    struct ws *ws = k->ws;
    const char *const *several = ws->repos->n ? ws->repos->list + 4 * ws->repo_at : NULL;
    struct err e = {0};
    s.url = several ? several[0] : ws->repo_url;
    s.ref = several ? several[1] : ws->repo_ref;
    s.dir = several ? several[2] : NULL;
    s.ws = ws;
    s.log = ws->clone_log;
    s.owner = k;
    ws->git = git_start(ws->core, &s, &e);
    if (!ws->git)
        end(k, e.text);
}

// --- a copy of what there is ------------------------------------------------------------------

static void copy(struct clone *k, struct checkout *from,
                 void (*on_copied)(struct ask *, struct wire_msg *, const struct err *))
{
    struct msg_dir m = {.replace = 1};
    TEXT_PUT(m.dir, k->ws->pub.id);
    TEXT_PUT(m.source, from->id);
    checkout_hold(from);
    k->from = from;
    k->ask.long_work = true;
    launcher_ask(k->ws->core, &k->ask, MSG_DIR_COPY, &m, on_copied);
}

// One that cannot be copied is of no use.
static int let_go(struct clone *k, struct wire_msg *m, const struct err *err)
{
    struct err e = {0};
    int bad = ask_result(m, err, &e);
    if (bad)
        core_notice(k->ws->core, false, "checkout %s is not copied: %s", k->from->id, e.text);
    checkout_let_go(ptr_steal(&k->from), bad && m);
    return bad;
}

static void on_given(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct clone *k = container_of(a, struct clone, ask);
    if (let_go(k, m, err))
        choose(k);
    else
        end(k, NULL);
}

// --- a checkout that will be kept ---------------------------------------------------------------

void clone_kept(struct clone *k)
{
    k->make = NULL;
    end(k, NULL);
}

static void check_out(struct clone *k, const char *base);

static void on_emptied(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct clone *k = container_of(a, struct clone, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_CONFLICT)
        end(k, e.text);
    else
        check_out(k, "");
}

static void on_removed(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct clone *k = container_of(a, struct clone, ask);
    struct msg_dir create = {0};
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        end(k, e.text);
        return;
    }
    TEXT_PUT(create.dir, k->ws->pub.id);
    launcher_ask(k->ws->core, &k->ask, MSG_DIR_CREATE, &create, on_emptied);
}

// What was begun from another checkout and failed is begun once more, from nothing.
static void from_nothing(struct clone *k)
{
    struct msg_dir m = {0};
    TEXT_PUT(m.dir, k->ws->pub.id);
    k->ask.long_work = true;
    launcher_ask(k->ws->core, &k->ask, MSG_DIR_DELETE, &m, on_removed);
}

static void on_checked_out(struct gitjob *g, void *owner, const struct err *err)
{
    struct clone *k = owner;
    struct checkout *o = k->make;
    char id[ID_MAX];
    k->ws->git = NULL;
    if (err->code && k->from && !k->ws->cancelled) {
        checkout_let_go(ptr_steal(&k->from), true);
        from_nothing(k);
        return;
    }
    if (err->code) {
        end(k, err->text);
        return;
    }
    k->result = g->result;
    // Another fetch of the mirror may have come between: then it is not what was promised.
    if (!o || strcmp(checkout_id(o->mirror, &k->result, id), o->id) != 0) {
        end(k, NULL);
        return;
    }
    TEXT_PUT(o->commit, k->result.commit);
    TEXT_PUT(o->branch, k->result.branch);
    o->bytes = k->result.tree_bytes;
    o->depth = k->from ? k->from->depth + 1 : 1;
    checkout_keep(o);
}

static void check_out(struct clone *k, const char *base)
{
    start_git(k, (struct git_spec){
                     .op = REPO_OP_CHECKOUT, .base = base, .ws = k->ws, .on_done = on_checked_out});
}

static void on_based(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct clone *k = container_of(a, struct clone, ask);
    if (m && !ask_result(m, err, NULL)) {
        check_out(k, k->from->commit);
    } else {
        (void)let_go(k, m, err);
        from_nothing(k);
    }
}

// --- which --------------------------------------------------------------------------------------

void clone_again(struct clone *k)
{
    k->make = NULL;
    choose(k);
}

static void choose(struct clone *k)
{
    struct core *c = k->ws->core;
    const char *mirror = k->mirror;
    char id[ID_MAX];
    if (k->ws->cancelled) {
        end(k, "it was cancelled");
        return;
    }
    struct checkout *o = checkout_find(c, checkout_id(mirror, &k->result, id));
    if (o && o->state == CHECKOUT_MADE) {
        copy(k, o, on_given);
        return;
    }
    if (o && o->state == CHECKOUT_MAKING) {
        k->make = o;
        list_add_tail(&o->waiting, &k->link);
        return;
    }
    struct checkout *base = checkout_base(c, mirror, k->result.branch);
    k->make = o ? NULL : checkout_begin(c, id, mirror); // o goes, and has to be gone first
    if (k->make)
        k->make->maker = k;
    if (base)
        copy(k, base, on_based);
    else
        check_out(k, "");
}

static void on_asked(struct gitjob *g, void *owner, const struct err *err)
{
    struct clone *k = owner;
    k->ws->git = NULL;
    if (err->code) {
        end(k, err->text);
        return;
    }
    k->result = g->result;
    TEXT_PUT(k->mirror, g->rep->pub.mirror);
    TEXT_PUT(k->ws->mirror, k->mirror); // it stays while it is needed
    choose(k);
}

static void on_cloned(struct gitjob *g, void *owner, const struct err *err)
{
    struct clone *k = owner;
    k->ws->git = NULL;
    if (!err->code) {
        k->result = g->result;
        TEXT_PUT(k->mirror, g->rep->pub.mirror);
    }
    end(k, err->code ? err->text : NULL);
}

// Who lives long in a workspace renames directories, which a copy of a checkout does not allow. A disk of
// its own shares nothing, one of several repositories has its objects in the workspace, and a submodule
// has a remote of its own, which must be asked.
static bool is_shared(const struct ws *ws)
{
    const struct core_conf *conf = &ws->core->conf;
    return conf->checkouts_kept && (*ws->pub.run || conf->workspace_checkouts) &&
           !ws_wants_disk(&ws->set) && !ws->pub.submodules && !ws->repos->n;
}

void clone_start(struct ws *ws)
{
    struct clone *k = xcalloc(1, sizeof(*k));
    bool shared = is_shared(ws);
    k->ws = ws;
    ws->clone = k;
    start_git(k, (struct git_spec){.op = shared ? REPO_OP_MIRROR : REPO_OP_CLONE,
                                   .user = ws->repo_user,
                                   .password = ws->repo_password,
                                   .submodules = ws->pub.submodules >> ws->repo_at & 1,
                                   .on_done = shared ? on_asked : on_cloned});
}
