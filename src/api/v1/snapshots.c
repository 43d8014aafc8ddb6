// SPDX-License-Identifier: Apache-2.0
// Snapshots of workspaces.
#include "routes_int.h"

#include <pinfold/core_snapshot.h>
#include <stdio.h>

struct snapshot_body {
    char name[NAME_MAX_LEN + 1];
};
static const struct json_field snapshot_fields[] = {
    JSON_FIELD(struct snapshot_body, name, JSON_CHARS, .max = NAME_MAX_LEN,
               .doc = "unique in its workspace"),
};
const struct json_table v1_snapshot_table = {"SnapshotBody", snapshot_fields, 1,
                                             sizeof(struct snapshot_body), -1};

struct restore_body {
    char snapshot[NAME_MAX_LEN + 1];
    bool force;
};
static const struct json_field restore_fields[] = {
    JSON_FIELD(struct restore_body, snapshot, JSON_CHARS, .flags = JSON_REQUIRED, .min = 1,
               .max = NAME_MAX_LEN, .doc = "its id or name"),
    JSON_FIELD(struct restore_body, force, JSON_BOOL, .doc = "cancel the commands that run"),
};
const struct json_table v1_restore_table = {"RestoreBody", restore_fields, N_ELEMS(restore_fields),
                                            sizeof(struct restore_body), -1};

static void on_created(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    const struct snapshot *s = w->result;
    memcpy(c->id, s->id, sizeof(c->id));
    v1_call_show(c, 201, &v1_snapshot_shape, s);
}

struct snapshot_call {
    struct call c; // first member
    char location[ID_MAX + 32];
};

static void create(struct call *c)
{
    struct err e;
    struct snapshot_call *sc = container_of(c, struct snapshot_call, c);
    own_json_pool struct json_pool pool;
    struct snapshot_body b = {0};
    json_pool_init(&pool);
    struct workspace *ws = v1_find_workspace(c->r);
    if (!ws || v1_read_body(c->r, &v1_snapshot_table, &pool, &b)) {
        v1_call_refused(c);
        return;
    }
    (void)snprintf(sc->location, sizeof(sc->location), "/v1/workspaces/%s/snapshots/", ws->id);
    c->location = sc->location;
    c->w.on_done = on_created;
    (void)v1_call_started(
        c, core_snapshot_create(c->v->core, ws, *b.name ? b.name : NULL, &c->w, &e), &e);
}

void v1_snapshots_create(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct snapshot_call)), create);
}

void v1_snapshots_list(struct http_req *r)
{
    struct answer a;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    v1_page_begin(&a);
    for (struct snapshot *s = NULL; (s = core_snapshot_next(ws, s));)
        json_show(&a.o, NULL, &v1_snapshot_shape, s);
    v1_page_send(r, &a, NULL);
}

static struct snapshot *find(struct http_req *r, const char *ref)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    struct snapshot *s = ws ? core_snapshot_find(ws, ref, &e) : NULL;
    if (ws && !s)
        v1_err(r, &e);
    return s;
}

void v1_snapshots_get(struct http_req *r)
{
    const struct snapshot *s = find(r, r->params[1]);
    if (s)
        v1_answer_show(r, 200, &v1_snapshot_shape, s);
}

void v1_snapshots_delete(struct http_req *r)
{
    struct err e;
    struct snapshot *s = find(r, r->params[1]);
    if (!s)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    (void)v1_call_started(c, core_snapshot_delete(c->v->core, s, &c->w, &e), &e);
}

static void on_restored(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, 200, &v1_workspace_shape, w->result);
}

void v1_workspaces_restore(struct http_req *r)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct restore_body b = {0};
    json_pool_init(&pool);
    if (v1_read_body(r, &v1_restore_table, &pool, &b))
        return;
    struct snapshot *s = find(r, b.snapshot);
    if (!s)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_restored;
    (void)v1_call_started(c, core_snapshot_restore(c->v->core, s, b.force, &c->w, &e), &e);
}
