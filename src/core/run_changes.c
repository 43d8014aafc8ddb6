// SPDX-License-Identifier: Apache-2.0
// What a run changed: its working trees against the commits that they were made from, looked at by
// the git helper when nothing of it runs any more and before its end is told.
#include "repo_int.h"
#include "run_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>
#include <stdio.h>

static void look_at_next(struct runrec *r);

static struct ws *ws_here(const struct runrec *r)
{
    return map_get(r->core->ws_by_id, r->pub.workspace);
}

static void done(struct runrec *r, const char *problem)
{
    struct ws *ws = ws_here(r);
    struct run_look look = r->look;
    r->look.now = false;
    r->look.done = true;
    r->pub.changes_known = !problem;
    if (problem)
        run_event_words(r, EV_RUN_NOTE, "text", problem);
    ws->op = OP_NONE;
    ws->pub.busy = false;
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
    else
        waiters_done(&ws->waiters, &ws->pub);
    run_turn_over(r, look.to, look.why, look.error);
}

static void take(struct runrec *r, struct gitjob *g)
{
    const char *dir = r->repos->n ? r->repos->list[4 * r->look.at + 2] : "";
    const struct buf *all = repo_reply_changes(g->reply);
    own_buf struct buf with;
    buf_init(&with, REPO_CHANGES_BYTES);
    (void)buf_append(&with, r->changes->packed, r->changes->packed_len); // it was no larger
    for (size_t i = 0; i < all->len; i += strlen(all->data + i) + 1) {
        const char *path = all->data + i + 1;
        if (with.len + strlen(dir) + strlen(path) + 4 > with.max)
            break; // the rest is counted
        (void)buf_printf(&with, "%c%s%s%s", path[-1], dir, *dir ? "/" : "", path);
        (void)buf_append(&with, "", 1);
    }
    free(r->changes);
    r->changes = strings_unpack(with.data, with.len);
    r->pub.changes = r->changes->list;
    r->pub.n_changes += g->result.files;
}

static void on_seen(struct gitjob *g, void *owner, const struct err *err)
{
    struct runrec *r = owner;
    char problem[300];
    if (err->code) {
        (void)snprintf(problem, sizeof(problem), "what it changed is not known: %.200s", err->text);
        done(r, problem);
        return;
    }
    take(r, g);
    r->look.at++;
    look_at_next(r);
}

static void look_at_next(struct runrec *r)
{
    struct err e = {0};
    size_t n = r->repos->n ? r->repos->n / 4 : 1;
    for (; r->look.at < n; r->look.at++) {
        const char *const *one = r->repos->n ? r->repos->list + 4 * r->look.at : NULL;
        const struct git_spec s = {
            .op = REPO_OP_CHANGES,
            .url = one ? one[0] : r->repo_url,
            .ref = one ? one[3] : r->pub.repo_commit,
            .dir = one ? one[2] : NULL,
            .ws = ws_here(r),
            .on_done = on_seen,
            .owner = r,
        };
        if (!*s.ref)
            continue; // an empty one has no commit to compare with
        if (!git_start(r->core, &s, &e))
            done(r, e.text);
        return;
    }
    done(r, NULL);
}

static void when_down(struct ws *ws)
{
    look_at_next(map_get(ws->core->runs, ws->pub.run));
}

bool run_look(struct runrec *r, enum run_state to, enum run_reason why, const char *error)
{
    struct ws *ws = ws_here(r);
    struct run *p = &r->pub;
    if (r->look.done || r->core->stopping || r->core->closing || !ws || !run_began(r) ||
        why == WHY_LOST || (!*r->repo_url && !r->repos->n))
        return false;
    free(r->changes);
    r->changes = strings_copy(NULL);
    p->changes = r->changes->list;
    p->n_changes = 0;
    p->changes_known = p->mode == RUN_PLAN; // it could change nothing
    if (p->mode == RUN_PLAN || ws->pub.status != WS_READY || ws_op_check(ws, NULL))
        return false; // somebody works in it: what is there is not this run's alone
    ws_op_begin(ws, OP_CHANGES);
    r->look = (struct run_look){.now = true, .to = to, .why = why};
    TEXT_PUT(r->look.error, error);
    ws_when_down(ws, when_down);
    return true;
}
