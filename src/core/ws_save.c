// SPDX-License-Identifier: Apache-2.0
// The record of workspaces: written with every change, read at start.
#include "snapshot_int.h"

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <sys/stat.h>

#define RETRY_MS 2000

// The row and a copy of all that it points to, since the workspace may change meanwhile.
struct ws_saving {
    struct db_job job; // first member
    struct ws *ws;
    struct store_workspace row;
    void (*on_done)(struct ws *ws, const struct err *err);
    char bytes[];
};

#define TEXT(m) offsetof(struct store_workspace, m)
static const uint16_t texts[] = {
    TEXT(id),       TEXT(name),        TEXT(image),  TEXT(profile),     TEXT(repo_url),
    TEXT(repo_ref), TEXT(repo_commit), TEXT(mirror), TEXT(init_script), TEXT(error),
    TEXT(build),    TEXT(forked_from), TEXT(run),
};

static struct store_workspace row_of(const struct ws *ws)
{
    const struct workspace *p = &ws->pub;
    return (struct store_workspace){
        .id = p->id,
        .name = ws->set.name,
        .image = ws->set.image_name,
        .profile = ws->set.profile_name,
        .network = ws->set.network,
        .allow = {ws->set.allow->packed, ws->set.allow->packed_len},
        .learn = ws->set.learn,
        .limits = ws->set.limits,
        .repo_url = ws->repo_url,
        .repo_ref = ws->repo_ref,
        .repo_commit = p->repo_commit,
        .mirror = ws->mirror,
        .submodules = p->submodules,
        .env = {ws->set.env->packed, ws->set.env->packed_len},
        .labels = {ws->set.labels->packed, ws->set.labels->packed_len},
        .init_script = ws->set.init_script,
        .status = p->status,
        .created_ms = p->created_ms,
        .updated_ms = p->updated_ms,
        .status_ms = p->status_ms,
        .used_ms = p->used_ms,
        .error = p->error,
        .build = p->build,
        .forked_from = p->forked_from,
        .init_exit_code = p->init_exit_code,
        .init_ms = p->init_ms,
        .built = ws->built,
        .dir_made = ws->dir_made,
        .run = p->run,
    };
}

static const char **text_at(struct store_workspace *row, unsigned i)
{
    return (const char **)(void *)((char *)row + texts[i]);
}

static struct ws_saving *copy_row(const struct ws *ws)
{
    struct store_workspace row = row_of(ws);
    size_t n = row.env.len + row.labels.len + row.allow.len;
    for (unsigned i = 0; i < N_ELEMS(texts); i++)
        n += strlen(*text_at(&row, i)) + 1;
    struct ws_saving *s = xcalloc(1, sizeof(*s) + n);
    char *to = s->bytes;
    s->row = row;
    for (unsigned i = 0; i < N_ELEMS(texts); i++) {
        size_t len = strlen(*text_at(&row, i)) + 1;
        memcpy(to, *text_at(&row, i), len);
        *text_at(&s->row, i) = to;
        to += len;
    }
    struct store_blob *blobs[] = {&s->row.env, &s->row.labels, &s->row.allow};
    for (unsigned i = 0; i < N_ELEMS(blobs); i++) {
        if (blobs[i]->len)
            memcpy(to, blobs[i]->p, blobs[i]->len);
        blobs[i]->p = to;
        to += blobs[i]->len;
    }
    return s;
}

static int save_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_workspace_put(s, &((struct ws_saving *)j)->row, e);
}

static void on_retry(struct timer *t)
{
    ws_save_dirty(container_of(t, struct core, retry_timer));
}

static void save_done(struct db_job *j)
{
    struct ws_saving *s = (struct ws_saving *)j;
    struct ws *ws = s->ws;
    struct core *c = ws->core;
    void (*on_done)(struct ws *, const struct err *) = s->on_done;
    struct err err = j->err;
    free(s);
    ws->saving--;
    if (err.code) {
        ws->dirty = true;
        if (!c->closing && !c->retry_timer.slot)
            loop_timer_set(c->loop, &c->retry_timer, RETRY_MS, on_retry);
    }
    if (c->closing)
        return;
    if (on_done)
        on_done(ws, &err);
    else if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

void ws_save(struct ws *ws, void (*on_done)(struct ws *ws, const struct err *err))
{
    struct ws_saving *s = copy_row(ws);
    s->job = (struct db_job){.run = save_run, .done = save_done};
    s->ws = ws;
    s->on_done = on_done;
    ws->saving++;
    ws->dirty = false;
    db_push(ws->core, &s->job);
}

void ws_save_dirty(struct core *c)
{
    list_for (it, &c->workspaces) {
        struct ws *ws = container_of(it, struct ws, all);
        if (ws->dirty && ws->op != OP_CREATE && ws->op != OP_DELETE)
            ws_save(ws, NULL);
    }
}

// --- at start ---------------------------------------------------------------------------------

static void load_init_log(struct ws *ws)
{
    struct output *o = &ws->init_log.out[0];
    char name[ID_MAX + 8];
    struct stat st;
    output_file_name(ws->pub.id, 0, name);
    ws->init_log.ended = true;
    if (fstatat(ws->core->output_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return;
    o->in_file = o->synced = true;
    o->total = o->kept = o->written = (uint64_t)st.st_size;
}

static void load_settings(struct ws *ws, const struct store_workspace *r)
{
    struct ws_settings *s = &ws->set;
    TEXT_PUT(s->name, r->name);
    TEXT_PUT(s->image_name, r->image);
    TEXT_PUT(s->profile_name, r->profile);
    s->image = image_named(ws->core, r->image);
    s->profile = core_profile_find(ws->core, r->profile);
    s->network = r->network < NET_HOST ? (enum net_mode)r->network : NET_NONE;
    s->allow = strings_unpack(r->allow.p, r->allow.len);
    s->learn = r->learn;
    s->limits = r->limits;
    s->env = strings_unpack(r->env.p, r->env.len);
    s->labels = strings_unpack(r->labels.p, r->labels.len);
    s->init_script = xstrdup(r->init_script);
}

static int on_row(void *arg, const struct store_workspace *r)
{
    struct core *c = arg;
    if (!id_ok(r->id, "ws") || map_get(c->ws_by_id, r->id) || map_get(c->ws_by_name, r->name))
        return 0;
    struct ws *ws = ws_new(c, r->id);
    struct workspace *p = &ws->pub;
    load_settings(ws, r);
    ws->repo_url = xstrdup(r->repo_url);
    ws->repo_ref = xstrdup(r->repo_ref);
    TEXT_PUT(p->repo_commit, r->repo_commit);
    TEXT_PUT(ws->mirror, r->mirror);
    p->submodules = r->submodules;
    p->status = r->status < WS_N ? (enum workspace_status)r->status : WS_ERROR;
    p->created_ms = r->created_ms;
    p->updated_ms = r->updated_ms;
    p->status_ms = r->status_ms;
    p->used_ms = r->used_ms;
    TEXT_PUT(p->error, r->error);
    TEXT_PUT(p->build, r->build);
    TEXT_PUT(p->forked_from, r->forked_from);
    TEXT_PUT(p->run, r->run);
    p->init_exit_code = r->init_exit_code;
    p->init_ms = r->init_ms;
    ws->built = r->built;
    ws->dir_made = r->dir_made;
    ws_insert(ws);
    ws_publish(ws);
    load_init_log(ws);
    return 0;
}

int workspaces_load(struct core *c, struct err *e)
{
    return store_workspace_each(c->db.store, on_row, c, e);
}

// An answer was given for these, so they go on: a creation is taken up where it stood, a deletion
// is finished, a build that was cut off says so.
static void resume(struct ws *ws)
{
    snapshots_resume(ws);
    switch (ws->pub.status) {
    case WS_DELETING:
        ws_delete_step(ws);
        return;
    case WS_BUILDING:
        ws_set_status(ws, WS_ERROR, "the server restarted while it was built; build it again");
        ws_save(ws, NULL);
        return;
    case WS_PENDING:
    case WS_READY:
        if (ws->pub.forked_from[0] && !ws->dir_made) {
            ws->pub.status = WS_DELETING; // a copy that was never finished, nor answered
            ws_delete_step(ws);
        } else if (ws->set.image && !image_needs_build(ws->set.image) && !ws->built) {
            // Ready means that there may be a person's files in it; pending, that there are none.
            ws->fresh_dir = ws->pub.status == WS_READY;
            ws_setup(ws);
        }
        return;
    case WS_ERROR:
    case WS_N:
        return;
    }
}

void workspaces_resume(struct core *c)
{
    list_for_safe (it, &c->workspaces)
        resume(container_of(it, struct ws, all));
}
