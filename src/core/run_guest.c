// SPDX-License-Identifier: Apache-2.0
// Runs in a workspace that is not their own: its files, root, settings and sandbox, beside whatever
// else runs in it. To the workspace such a run is a command. What its agent's provider needs is
// allowed in the workspace as long as a turn of it goes on.
#include "repo_int.h"
#include "run_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>

#define WAIT_MS (30ull * 86400 * 1000) // as good as for ever: what it waits for has limits

static int refused(struct err *e, const char *what)
{
    return err_set(e, ERR_BAD_REQUEST, "%s is the workspace's own: a run in it cannot choose",
                   what);
}

static int check(const struct run_spec *s, struct err *e)
{
    const struct {
        bool given;
        const char *name;
    } own[] = {
        {s->image, "image"},
        {s->profile, "profile"},
        {s->network_given, "network"},
        {s->secrets, "secrets"},
        {s->repo_url && *s->repo_url, "repository"},
        {s->n_repos || s->keep_workspace, "repositories"},
    };
    for (unsigned i = 0; i < N_ELEMS(own); i++)
        if (own[i].given)
            return refused(e, own[i].name);
    for (unsigned i = 0; i < n_limit_rows; i++)
        if (limit_get(&s->limits, &limit_rows[i]))
            return refused(e, "limits");
    if (s->mode == RUN_PLAN)
        return err_set(e, ERR_BAD_REQUEST,
                       "mode plan needs a workspace of its own: others may write to this one");
    return 0;
}

struct ws *run_guest_of(struct core *c, const struct run_spec *s, struct err *e)
{
    struct workspace *pub = core_workspace_find(c, s->workspace, e);
    if (!pub || check(s, e))
        return NULL;
    struct ws *ws = ws_of(pub);
    if (pub->run[0])
        err_set(e, ERR_CONFLICT, "workspace %s belongs to run %s: continue that", pub->id,
                pub->run);
    else if (pub->busy || !ws_runnable(ws, e)) // else it is waited for
        return ws;
    return NULL;
}

void run_guest_wish(const struct ws *ws, struct ws_wish *ret)
{
    const struct ws_settings *set = &ws->set;
    ret->image = set->image_name;
    ret->profile = set->profile_name;
    ret->network.given = true;
    ret->network.mode = set->network;
    ret->network.allow = ret->network.keep = set->network == NET_LIST ? set->allow->list : NULL;
}

// --- while a turn goes on ---------------------------------------------------------------------

static bool is_among(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i], word))
            return true;
    return false;
}

struct strings *run_guest_rules(const struct ws *ws)
{
    const char *words[2 * POLICY_RULES_MAX + 1];
    size_t n = 0;
    for (const char *const *w = ws->set.allow->list; *w && n < POLICY_RULES_MAX; w++)
        words[n++] = *w;
    list_for (it, &ws->core->run_placed) {
        const struct runrec *r = container_of(it, struct runrec, place);
        bool here = r->pub.guest && !strcmp(r->pub.workspace, ws->pub.id);
        for (const char *const *w = r->set.allow->list; here && *w; w++)
            if (is_use(*w) && n < N_ELEMS(words) - 1 && !is_among(words, n, *w))
                words[n++] = *w;
    }
    words[n] = NULL;
    return strings_copy(words);
}

static bool needs_provider(const struct runrec *r)
{
    return *r->provider;
}

// One that was started before the workspace had an allow-list cannot reach what the run needs.
static int check_sandbox(const struct runrec *r, struct ws *ws, struct err *e)
{
    struct sandbox *sb = &ws->sb;
    if (!needs_provider(r) || sb->state != SB_LIVE || sb->net_fds[NET_SOCK_PROXY] >= 0)
        return 0;
    if (!sandbox_idle(sb))
        return err_set(e, ERR_CONFLICT,
                       "commands run in workspace %s that began before it had an allow-list; end "
                       "them first",
                       ws->set.name);
    sandbox_stop(sb); // it starts again with the command
    return 0;
}

static void on_ready(struct waiter *w)
{
    struct runrec *r = container_of(w, struct runrec, work);
    struct ws *ws = w->err.code ? NULL : ws_of(w->result);
    struct err e = w->err;
    if (!ws || r->cancelling || r->pausing || ws_runnable(ws, &e) || check_sandbox(r, ws, &e)) {
        run_setup_failed(r, e.text);
        return;
    }
    if (needs_provider(r))
        ws_network_changed(ws);
    run_start(r, ws);
}

void run_guest_begin(struct runrec *r, struct ws *ws)
{
    struct err e;
    r->work = (struct waiter){.on_done = on_ready};
    (void)core_workspace_wait(r->core, &ws->pub, WAIT_MS, &r->work, &e); // never refuses
}

void run_guest_left(struct runrec *r)
{
    struct ws *ws = r->pub.guest && needs_provider(r) ? run_ws(r) : NULL;
    if (ws && ws->pub.status != WS_DELETING)
        ws_network_changed(ws);
}

// Its commands and their output, but nothing else of the workspace. True: w will be told.
bool run_guest_forget(struct runrec *r, struct waiter *w)
{
    struct core *c = r->core;
    struct err e;
    struct execution *last = map_get(c->execs, r->pub.exec);
    for (size_t i = 0; i < r->turns->n; i++) {
        struct execution *x = map_get(c->execs, r->turns->list[i]);
        if (x)
            (void)core_exec_delete(c, &x->pub, NULL, &e); // one that has ended: never refused
    }
    return last && !core_exec_delete(c, &last->pub, w, &e);
}
