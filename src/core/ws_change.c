// SPDX-License-Identifier: Apache-2.0
// Changing a workspace, running its init script again, deleting it.
#include "build_int.h"
#include "snapshot_int.h"

#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

// --- patch ------------------------------------------------------------------------------------

struct ws_patching {
    struct ws_settings old;
    enum workspace_status old_status;
    bool old_built;
    struct list waiters;
};

static bool differs(const struct ws_settings *a, const struct ws_settings *b)
{
    return a->profile != b->profile || a->network != b->network || a->image != b->image ||
           memcmp(&a->limits, &b->limits, sizeof(a->limits)) || strcmp(a->name, b->name);
}

static void on_patched(struct ws *ws, const struct err *err)
{
    struct core *c = ws->core;
    struct ws_patching *p = ws->patch;
    ws->patch = NULL;
    if (err->code) { // as if it had not been asked
        (void)map_del(c->ws_by_name, ws->set.name);
        settings_release(&ws->set);
        ws->set = p->old;
        ws->built = p->old_built;
        (void)map_put(c->ws_by_name, ws->set.name, ws);
        ws_set_status(ws, p->old_status, ws->pub.error);
        ws_publish(ws);
        ws->dirty = false;
        waiters_fail(&p->waiters, err);
    } else {
        bool restart = differs(&p->old, &ws->set);
        if (strcmp(p->old.name, ws->set.name))
            (void)map_del(c->ws_by_name, p->old.name);
        settings_release(&p->old);
        ws_network_changed(ws);
        if (restart && ws->sb.state == SB_LIVE && sandbox_idle(&ws->sb))
            sandbox_stop(&ws->sb); // starts again as it is now
        waiters_done(&p->waiters, &ws->pub);
    }
    free(p);
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

int core_workspace_patch(struct core *c, struct workspace *pub, const struct workspace_patch *patch,
                         struct waiter *w, struct err *e)
{
    struct ws *ws = ws_of(pub);
    struct ws_settings set;
    if (pub->status == WS_DELETING)
        return err_set(e, ERR_GONE, "workspace %s is being deleted", pub->name);
    if (ws->patch)
        return err_set(e, ERR_BUSY, "workspace %s is being changed", pub->name);
    bool image_changes = patch->image && strcmp(patch->image, ws->set.image_name);
    if ((image_changes && ws_op_check(ws, e)) || settings_change(ws, patch, &set, e))
        return -1;
    struct ws_patching *p = xcalloc(1, sizeof(*p));
    p->old = ws->set;
    p->old_status = pub->status;
    p->old_built = ws->built;
    list_init(&p->waiters);
    waiter_add(w, &p->waiters, ws, NULL);
    ws->patch = p;
    ws->set = set;
    (void)map_put(c->ws_by_name, set.name, ws); // the old name stays taken until it is recorded
    if (image_changes) { // what is in it belongs to the other image: a build begins from nothing
        ws->built = false;
        ws_set_status(ws, WS_PENDING, "");
    }
    pub->updated_ms = clock_wall_ms();
    ws_publish(ws);
    ws_save(ws, on_patched);
    return 0;
}

// --- the init script again --------------------------------------------------------------------

static void on_init_done(struct ws *ws, const char *error)
{
    ws_settle(ws, error ? WS_ERROR : WS_READY, error ? error : "");
}

int core_workspace_rerun_init(struct core *c, struct workspace *pub, struct waiter *w,
                              struct err *e)
{
    struct ws *ws = ws_of(pub);
    (void)c;
    if (ws_op_check(ws, e))
        return -1;
    if (!ws->set.init_script[0])
        return err_set(e, ERR_CONFLICT, "workspace %s has no init script", pub->name);
    // Without its root there is nothing to run it in: the build comes first.
    if (!ws->set.image || !ws->dir_made || image_present(ws->core, ws->set.image, e))
        return err_set(e, ERR_CONFLICT, "workspace %s has no root yet; build it first", pub->name);
    ws_op_begin(ws, OP_INIT);
    waiter_add(w, &ws->waiters, ws, NULL);
    ws_run_script(ws, on_init_done);
    return 0;
}

int core_init_log_read(struct core *c, struct workspace *pub, struct output_read *r, struct err *e)
{
    (void)c;
    return source_read(&ws_of(pub)->init_log, r, e);
}

int core_init_log_follow(struct core *c, struct workspace *pub, struct follower *f, struct err *e)
{
    (void)c;
    return source_follow(&ws_of(pub)->init_log, f, false, e);
}

// --- deletion ---------------------------------------------------------------------------------

#define DELETE_RETRY_MS 5000

struct ws_delete {
    struct db_job job; // first member
    struct ws *ws;
};

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_workspace_delete(s, ((struct ws_delete *)j)->ws->pub.id, e);
}

static void on_delete_retry(struct timer *t)
{
    ws_delete_step(container_of(t, struct ws, retry));
}

// Those who wait are told; it is tried again by itself, since it was promised.
void ws_delete_failed(struct ws *ws, const struct err *err)
{
    core_notice(ws->core, true, "delete workspace %s: %s", ws->pub.id, err->text);
    ws->op = OP_NONE;
    if (!ws->core->closing)
        loop_timer_set(ws->core->loop, &ws->retry, DELETE_RETRY_MS, on_delete_retry);
    waiters_fail(&ws->deleters, err);
}

static void forget_execs(struct ws *ws)
{
    struct core *c = ws->core;
    list_for_safe (it, &ws->execs) {
        struct execution *x = container_of(it, struct execution, of_ws);
        exec_drop(x);
    }
    source_unlink(c, ws->pub.id, 1);
    builds_drop(c, ws->pub.id);
}

static void delete_done(struct db_job *j)
{
    struct ws_delete *d = (struct ws_delete *)j;
    struct ws *ws = d->ws;
    struct err err = j->err;
    free(d);
    ws->saving--;
    if (ws->core->closing)
        return;
    if (err.code) {
        ws_delete_failed(ws, &err);
        return;
    }
    struct list deleters;
    list_take(&ws->deleters, &deleters);
    struct core *c = ws->core;
    forget_execs(ws);
    if (ws->mirror[0])
        budget_used(c, BUDGET_MIRRORS, ws->mirror, false);
    ws_free(ws);
    waiters_done(&deleters, NULL);
    budget_look(c);
}

static void on_dir_deleted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct ws *ws = container_of(a, struct ws, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        ws_delete_failed(ws, &e);
        return;
    }
    struct ws_delete *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = delete_run, .done = delete_done};
    d->ws = ws;
    ws->saving++;
    db_push(ws->core, &d->job);
}

// Is any command of it still in flight? Those that are, are ended.
static bool execs_hold(struct ws *ws)
{
    bool hold = false;
    list_for_safe (it, &ws->execs) {
        struct execution *x = container_of(it, struct execution, of_ws);
        if (x->live)
            exec_cancel(x);
        hold |= x->live || x->saving;
    }
    return hold;
}

// Called again by whatever it waited for, until nothing is left.
void ws_delete_step(struct ws *ws)
{
    if (ws->op == OP_DELETE || ws->core->closing)
        return;
    if (ws->op != OP_NONE) {
        ws_provision_cancel(ws);
        if (ws->build)
            build_cancel(ws->build);
        return;
    }
    file_jobs_end(ws);
    if (execs_hold(ws) || ws->n_file_jobs || ws->patch || ws->saving)
        return;
    if (ws->sb.state != SB_NONE) {
        sandbox_stop(&ws->sb);
        return;
    }
    if (!snapshots_drop(ws))
        return;
    list_for (it, &ws->execs) // their rows go with the workspace's: none is written any more
        list_del(&container_of(it, struct execution, of_ws)->queue);
    ws->op = OP_DELETE;
    loop_timer_cancel(ws->core->loop, &ws->retry);
    ws_dir_ask(ws, MSG_DIR_DELETE, "", on_dir_deleted);
}

static void on_delete_recorded(struct ws *ws, const struct err *err)
{
    if (err->code) {
        ws->pub.status = ws->built ? WS_READY : WS_ERROR; // it was not promised: nothing happens
        ws->dirty = false;
        waiters_fail(&ws->deleters, err);
        return;
    }
    ws_delete_step(ws);
}

void ws_delete(struct ws *ws, struct waiter *w)
{
    waiter_add(w, &ws->deleters, ws, NULL);
    if (ws->pub.status == WS_DELETING)
        return;
    ws_set_status(ws, WS_DELETING, "");
    ws->pub.busy = true;
    ws_save(ws, on_delete_recorded);
}

int core_workspace_delete(struct core *c, struct workspace *pub, struct waiter *w, struct err *e)
{
    (void)c;
    if (pub->run[0])
        return err_set(e, ERR_CONFLICT, "workspace %s belongs to run %s; delete the run", pub->id,
                       pub->run);
    ws_delete(ws_of(pub), w);
    return 0;
}
