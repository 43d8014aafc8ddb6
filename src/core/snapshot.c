// SPDX-License-Identifier: Apache-2.0
// Snapshots. One is a directory that no sandbox ever uses; its row is written first, so that what
// a crash leaves is found and removed. Making and restoring are operations of the workspace.
#include "snapshot_int.h"

#include <pinfold/clock.h>
#include <pinfold/list.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

static struct snap *snap_of(struct snapshot *s)
{
    return container_of(s, struct snap, pub);
}

// --- the record -------------------------------------------------------------------------------

struct snap_job {
    struct db_job job; // first member
    struct snap *snap;
    struct snapshot copy;
    bool made;
    void (*done)(struct snap *s, const struct err *err);
};

static int put_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct snap_job *d = (struct snap_job *)j;
    const struct store_snapshot row = {.id = d->copy.id,
                                       .workspace = d->copy.workspace,
                                       .name = d->copy.name,
                                       .image = d->copy.image,
                                       .created_ms = d->copy.created_ms,
                                       .made = d->made};
    return store_snapshot_put(s, &row, e);
}

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_snapshot_delete(s, ((struct snap_job *)j)->copy.id, e);
}

static void job_done(struct db_job *j)
{
    struct snap_job *d = (struct snap_job *)j;
    struct snap *s = d->snap;
    struct err err = j->err;
    void (*done)(struct snap *, const struct err *) = d->done;
    free(d);
    s->ws->saving--;
    if (!s->ws->core->closing)
        done(s, &err);
}

static void push(struct snap *s, int (*run)(struct db_job *, struct store *, struct err *),
                 void (*done)(struct snap *, const struct err *))
{
    struct snap_job *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = run, .done = job_done};
    d->snap = s;
    d->copy = s->pub;
    d->made = s->made;
    d->done = done;
    s->ws->saving++;
    db_push(s->ws->core, &d->job);
}

static struct snap *snap_new(struct ws *ws, const char *id, const char *name)
{
    struct snap *s = xcalloc(1, sizeof(*s));
    s->ws = ws;
    TEXT_PUT(s->pub.id, id);
    TEXT_PUT(s->pub.name, name);
    TEXT_PUT(s->pub.workspace, ws->pub.id);
    list_init(&s->waiters);
    list_add_tail(&ws->snapshots, &s->link);
    return s;
}

static void snap_free(struct snap *s)
{
    list_del(&s->link);
    free(s);
}

static int on_row(void *arg, const struct store_snapshot *r)
{
    struct core *c = arg;
    struct ws *ws = map_get(c->ws_by_id, r->workspace);
    if (!ws || !id_ok(r->id, "snap"))
        return 0;
    struct snap *s = snap_new(ws, r->id, r->name);
    TEXT_PUT(s->pub.image, r->image);
    s->pub.created_ms = r->created_ms;
    s->made = r->made;
    return 0;
}

int snapshots_load(struct core *c, struct err *e)
{
    return store_snapshot_each(c->db.store, on_row, c, e);
}

void snapshots_free(struct ws *ws)
{
    list_for_safe (it, &ws->snapshots)
        snap_free(container_of(it, struct snap, link));
}

// --- deleting -----------------------------------------------------------------------------------

static void not_dropped(struct snap *s, const struct err *err)
{
    struct list waiters;
    list_take(&s->waiters, &waiters);
    s->dropping = false;
    core_notice(s->ws->core, true, "delete snapshot %s: %s", s->pub.id, err->text);
    if (s->ws->pub.status == WS_DELETING)
        ws_delete_failed(s->ws, err);
    waiters_fail(&waiters, err);
}

static void on_dropped(struct snap *s, const struct err *err)
{
    struct ws *ws = s->ws;
    struct list waiters;
    if (err->code) {
        not_dropped(s, err);
        return;
    }
    list_take(&s->waiters, &waiters);
    snap_free(s);
    waiters_done(&waiters, NULL);
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

static void on_dir_deleted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct snap *s = container_of(a, struct snap, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND)
        not_dropped(s, &e);
    else
        push(s, delete_run, on_dropped);
}

static void ask(struct snap *s, enum wire_type type, const char *dir, const char *source,
                void (*on_answer)(struct ask *, struct wire_msg *, const struct err *))
{
    struct msg_dir m = {.replace = source == s->pub.id};
    TEXT_PUT(m.dir, dir);
    TEXT_PUT(m.source, source);
    s->ask.long_work = true;
    launcher_ask(s->ws->core, &s->ask, type, &m, on_answer);
}

static void drop(struct snap *s)
{
    if (s->dropping)
        return;
    s->dropping = true;
    ask(s, MSG_DIR_DELETE, s->pub.id, "", on_dir_deleted);
}

bool snapshots_drop(struct ws *ws)
{
    list_for (it, &ws->snapshots)
        drop(container_of(it, struct snap, link));
    return list_empty(&ws->snapshots);
}

void snapshots_resume(struct ws *ws)
{
    list_for (it, &ws->snapshots) {
        struct snap *s = container_of(it, struct snap, link);
        if (!s->made)
            drop(s);
    }
}

int core_snapshot_delete(struct core *c, struct snapshot *pub, struct waiter *w, struct err *e)
{
    struct snap *s = snap_of(pub);
    (void)c;
    if (ws_busy_check(s->ws, e))
        return -1;
    waiter_add(w, &s->waiters, s, NULL);
    drop(s);
    return 0;
}

// --- making -------------------------------------------------------------------------------------

static void op_end(struct ws *ws)
{
    ws->op = OP_NONE;
    ws->pub.busy = false;
    ws->snap = NULL;
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

static void not_made(struct snap *s, const struct err *err)
{
    struct ws *ws = s->ws;
    struct list waiters;
    list_take(&s->waiters, &waiters);
    s->made = false;
    drop(s);
    waiters_fail(&waiters, err);
    op_end(ws);
}

static void on_made(struct snap *s, const struct err *err)
{
    if (err->code) {
        not_made(s, err);
        return;
    }
    waiters_done(&s->waiters, &s->pub);
    op_end(s->ws);
}

static void on_copied(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct snap *s = container_of(a, struct snap, ask);
    struct err e = {0};
    if (ask_result(m, err, &e)) {
        not_made(s, &e);
        return;
    }
    s->made = true;
    push(s, put_run, on_made);
}

static void make_when_down(struct ws *ws)
{
    ask(ws->snap, MSG_DIR_COPY, ws->snap->pub.id, ws->pub.id, on_copied);
}

static void on_recorded(struct snap *s, const struct err *err)
{
    struct ws *ws = s->ws;
    if (!err->code) {
        ws_when_down(ws, make_when_down);
        return;
    }
    struct list waiters;
    list_take(&s->waiters, &waiters);
    snap_free(s);
    waiters_fail(&waiters, err);
    op_end(ws);
}

static int check_new(struct ws *ws, const char *name, struct err *e)
{
    const struct core *c = ws->core;
    size_t n = 0;
    if (ws_op_check(ws, e) || core_disk_room(c, e))
        return -1;
    if (ws->pub.status != WS_READY || !ws->dir_made)
        return err_set(e, ERR_CONFLICT, "workspace %s is not ready", ws->set.name);
    if (name && (!name_ok(name) || !strncmp(name, "snap_", 5)))
        return err_set(e, ERR_BAD_REQUEST, "'%.64s' cannot be a snapshot's name", name);
    list_for (it, &ws->snapshots) {
        n++;
        if (name && !strcmp(container_of(it, struct snap, link)->pub.name, name))
            return err_set(e, ERR_CONFLICT, "workspace %s has a snapshot '%s'", ws->set.name, name);
    }
    return n < c->conf.snapshots_max
               ? 0
               : err_set(e, ERR_LIMIT,
                         "workspace %s has %zu snapshots, MaxSnapshots= allows %u; delete one",
                         ws->set.name, n, c->conf.snapshots_max);
}

int core_snapshot_create(struct core *c, struct workspace *pub, const char *name, struct waiter *w,
                         struct err *e)
{
    struct ws *ws = ws_of(pub);
    char id[ID_MAX];
    (void)c;
    if (check_new(ws, name, e))
        return -1;
    (void)id_make("snap", id);
    struct snap *s = snap_new(ws, id, name ? name : id);
    TEXT_PUT(s->pub.image, ws->set.image_name);
    s->pub.created_ms = clock_wall_ms();
    ws->snap = s;
    ws_op_begin(ws, OP_SNAPSHOT);
    waiter_add(w, &s->waiters, s, NULL);
    push(s, put_run, on_recorded);
    return 0;
}

// --- looking ------------------------------------------------------------------------------------

static bool is_shown(const struct snap *s)
{
    return s->made && !s->dropping && s->ws->snap != s;
}

struct snapshot *core_snapshot_next(struct workspace *pub, struct snapshot *prev)
{
    struct ws *ws = ws_of(pub);
    struct list *it = prev ? snap_of(prev)->link.next : ws->snapshots.next;
    for (; it != &ws->snapshots; it = it->next) {
        struct snap *s = container_of(it, struct snap, link);
        if (is_shown(s))
            return &s->pub;
    }
    return NULL;
}

struct snapshot *core_snapshot_find(struct workspace *pub, const char *ref, struct err *e)
{
    for (struct snapshot *s = NULL; (s = core_snapshot_next(pub, s));)
        if (!strcmp(s->id, ref) || !strcmp(s->name, ref))
            return s;
    err_set(e, ERR_NOT_FOUND, "workspace %s has no snapshot '%.64s'", pub->name, ref);
    return NULL;
}

// --- going back -----------------------------------------------------------------------------------

static void on_restored(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct snap *s = container_of(a, struct snap, ask);
    struct ws *ws = s->ws;
    struct err e = {0};
    ws->snap = NULL;
    if (ask_result(m, err, &e)) {
        waiters_fail(&ws->waiters, &e);
        op_end(ws);
        return;
    }
    ws->pub.updated_ms = clock_wall_ms();
    ws_settle(ws, WS_READY, "");
}

static void restore_when_down(struct ws *ws)
{
    ask(ws->snap, MSG_DIR_COPY, ws->pub.id, ws->snap->pub.id, on_restored);
}

void snapshot_restore_step(struct ws *ws)
{
    if (!ws->restore_waits || ws->pub.execs_running)
        return;
    ws->restore_waits = false;
    ws_when_down(ws, restore_when_down);
}

static int check_image(const struct ws *ws, const struct snapshot *s, struct err *e)
{
    return strcmp(ws->set.image_name, s->image)
               ? err_set(e, ERR_CONFLICT, "snapshot %s is of image %s, workspace %s has %s now",
                         s->name, s->image, ws->set.name, ws->set.image_name)
               : 0;
}

int core_snapshot_restore(struct core *c, struct snapshot *pub, bool force, struct waiter *w,
                          struct err *e)
{
    struct snap *s = snap_of(pub);
    struct ws *ws = s->ws;
    (void)c;
    if ((force ? ws_busy_check(ws, e) : ws_op_check(ws, e)) || check_image(ws, pub, e))
        return -1;
    ws_op_begin(ws, OP_RESTORE);
    ws->snap = s;
    ws->restore_waits = true;
    waiter_add(w, &ws->waiters, ws, NULL);
    list_for_safe (it, &ws->execs) {
        struct execution *x = container_of(it, struct execution, of_ws);
        if (x->live)
            exec_cancel(x);
    }
    snapshot_restore_step(ws);
    return 0;
}

int snapshot_source(struct ws *ws, const char *ref, const char **ret_dir, struct err *e)
{
    const struct snapshot *s = core_snapshot_find(&ws->pub, ref, e);
    if (!s || ws_busy_check(ws, e) || check_image(ws, s, e))
        return -1;
    *ret_dir = s->id;
    return 0;
}
