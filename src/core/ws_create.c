// SPDX-License-Identifier: Apache-2.0
// Making workspaces: new ones and copies.
#include "build_int.h"
#include "repo_int.h"
#include "snapshot_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

// --- a new one --------------------------------------------------------------------------------

static void on_provisioned(struct ws *ws, const char *error)
{
    ws->built = !error;
    ws_settle(ws, error ? WS_ERROR : WS_READY, error ? error : "");
}

void ws_setup(struct ws *ws)
{
    ws_op_begin(ws, OP_SETUP);
    ws_set_status(ws, WS_PENDING, "");
    ws_provision(ws, NULL, on_provisioned);
}

// Nothing of it stays: neither row nor directory.
static void on_unmade(struct ws *ws, const struct err *err)
{
    (void)err;
    ws_delete_step(ws);
}

static void give_up(struct ws *ws, const struct err *err)
{
    waiters_fail(&ws->creators, err);
    ws->pub.status = WS_DELETING;
    ws->op = OP_NONE;
    ws_save(ws, on_unmade);
}

static void created(struct ws *ws)
{
    struct err e = {0};
    bool needs_build = image_needs_build(ws->set.image);
    bool more = ws->repo_url[0] || ws->repos->n || ws->set.init_script[0];
    ws->op = OP_NONE;
    ws->pub.busy = false;
    if (!needs_build && !more) {
        ws->built = true;
        ws_set_status(ws, WS_READY, "");
        ws_save(ws, NULL); // its row says ready already; should this one be lost, nothing is
    } else if (!needs_build) {
        ws_setup(ws);
    } else if (ws->wants_build && core_build_start(ws->core, &ws->pub, false, NULL, &e)) {
        ws_set_status(ws, WS_ERROR, e.text);
        ws->dirty = true;
    }
    waiters_done(&ws->creators, &ws->pub);
}

static void on_dir(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct ws *ws = container_of(a, struct ws, ask);
    struct err e = {0};
    if (ask_result(m, err, &e)) {
        give_up(ws, &e);
        return;
    }
    ws->dir_made = ws->fresh_dir = true;
    created(ws);
}

static void on_recorded(struct ws *ws, const struct err *err)
{
    if (err->code) {
        waiters_fail(&ws->creators, err);
        ws_free(ws);
        return;
    }
    ws_dir_ask(ws, MSG_DIR_CREATE, "", on_dir);
}

static int check_repo(struct core *c, const struct workspace_spec *s, struct err *e)
{
    struct git_spec g = {.op = REPO_OP_CLONE,
                         .url = s->repo_url,
                         .ref = s->repo_ref,
                         .user = s->repo_user,
                         .password = s->repo_password};
    own_free struct repo_request *request = xcalloc(1, sizeof(*request));
    if (!s->repo_url || !*s->repo_url) {
        if (s->repo_ref && *s->repo_ref)
            return err_set(e, ERR_BAD_REQUEST, "repository.ref is given without repository.url");
        return 0;
    }
    int bad = git_check(c, &g, request, e);
    repo_request_wipe(request);
    return bad;
}

static int check_room(struct core *c, bool for_run, struct err *e)
{
    if (c->stopping)
        return err_set(e, ERR_BUSY, "the server is stopping");
    if (core_disk_room(c, e))
        return -1;
    if (for_run || map_count(c->ws_by_id) < c->conf.workspaces_max)
        return 0; // runs have limits of their own
    c->stats.denied_limit++;
    return err_set(e, ERR_LIMIT, "there are %zu workspaces; at most %u may be",
                   map_count(c->ws_by_id), c->conf.workspaces_max);
}

static struct ws *make(struct core *c, const char *id, struct ws_settings *set)
{
    struct ws *ws = ws_new(c, id);
    ws->set = *set;
    *set = (struct ws_settings){0};
    ws->pub.created_ms = ws->pub.updated_ms = ws->pub.status_ms = clock_wall_ms();
    return ws;
}

static char *copy(const char *s)
{
    return xstrdup(s ? s : "");
}

int core_workspace_create(struct core *c, const struct workspace_spec *spec, struct waiter *w,
                          struct err *e)
{
    char id[ID_MAX];
    struct ws_settings set = {0};
    struct ws_wish wish = {
        .name = spec->name && *spec->name ? spec->name : NULL,
        .image = spec->image,
        .profile = spec->profile,
        .init_script = spec->init_script,
        .env = spec->env,
        .labels = spec->labels,
        .network = {spec->network_given, spec->network, spec->allow, spec->secrets, spec->provider,
                    spec->keep},
        .learn = spec->learn,
        .repo_url = spec->repo_url,
        .limits = spec->limits,
    };
    if (check_room(c, spec->run != NULL, e) || check_repo(c, spec, e) ||
        settings_make(c, &wish, id_make("ws", id), &set, e))
        return -1;
    if (!spec->run) // a run's were made with the run
        settings_default_disk(&set, c->conf.workspace_disk_bytes);
    struct ws *ws = make(c, id, &set);
    ws->repo_url = copy(spec->repo_url);
    ws->repo_ref = copy(spec->repo_ref);
    free(ws->repos);
    ws->repos = strings_copy(spec->repos);
    ws->repo_user = spec->repo_user ? xstrdup(spec->repo_user) : NULL;
    ws->repo_password = spec->repo_password ? xstrdup(spec->repo_password) : NULL;
    ws->pub.submodules = spec->submodules;
    ws->wants_build = spec->build;
    TEXT_PUT(ws->pub.run, spec->run ? spec->run : "");
    // A host workspace without more to do is ready as soon as it is made: recorded as such at once.
    bool ready = !image_needs_build(ws->set.image) && !ws->repo_url[0] && !ws->repos->n &&
                 !ws->set.init_script[0];
    ws->pub.status = ready ? WS_READY : WS_PENDING;
    ws_publish(ws);
    ws_insert(ws);
    ws_op_begin(ws, OP_CREATE);
    waiter_add(w, &ws->creators, ws, NULL);
    ws_save(ws, on_recorded);
    return 0;
}

// --- a copy -----------------------------------------------------------------------------------

static void forked(struct ws *ws, const struct err *err)
{
    struct ws *source = ws->fork_of;
    ws->fork_of = NULL;
    source->op = OP_NONE;
    source->pub.busy = false;
    if (source->pub.status == WS_DELETING)
        ws_delete_step(source);
    else
        waiters_done(&source->waiters, &source->pub);
    if (err && err->code) {
        give_up(ws, err);
        return;
    }
    ws->op = OP_NONE;
    ws->pub.busy = false;
    waiters_done(&ws->creators, &ws->pub);
}

static void on_fork_recorded(struct ws *ws, const struct err *err)
{
    forked(ws, err);
}

static void on_copied(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct ws *ws = container_of(a, struct ws, ask);
    struct err e = {0};
    if (ask_result(m, err, &e)) {
        forked(ws, &e);
        return;
    }
    ws->dir_made = true;
    ws->built = ws->fork_of->built;
    ws_set_status(ws, ws->fork_of->pub.status == WS_DELETING ? WS_READY : ws->fork_of->pub.status,
                  ws->fork_of->pub.error);
    ws_save(ws, on_fork_recorded);
}

static void copy_when_down(struct ws *source)
{
    list_for (it, &source->core->workspaces) {
        struct ws *ws = container_of(it, struct ws, all);
        if (ws->fork_of == source) {
            ws_dir_ask(ws, MSG_DIR_COPY, ws->fork_dir ? ws->fork_dir : source->pub.id, on_copied);
            return;
        }
    }
}

static void on_fork_begun(struct ws *ws, const struct err *err)
{
    if (err->code) {
        struct ws *source = ws->fork_of;
        source->op = OP_NONE;
        source->pub.busy = false;
        waiters_fail(&ws->creators, err);
        ws_free(ws);
        if (source->pub.status == WS_DELETING)
            ws_delete_step(source);
        return;
    }
    if (ws->fork_dir) // its commands go on
        copy_when_down(ws->fork_of);
    else
        ws_when_down(ws->fork_of, copy_when_down);
}

int core_workspace_fork(struct core *c, struct workspace *pub, const struct fork_spec *spec,
                        struct waiter *w, struct err *e)
{
    const char *dir = NULL;
    struct ws *source = ws_of(pub);
    char id[ID_MAX];
    struct ws_settings set = {0};
    const struct ws_wish wish = {
        .name = spec->name,
        .image = source->set.image_name,
        .profile = source->set.profile_name,
        .init_script = source->set.init_script,
        .env = source->set.env->list,
        .labels = source->set.labels->list,
        .network = {true, source->set.network, source->set.allow->list,
                    .keep = source->set.allow->list},
        .learn = source->set.learn,
        .repo_url = source->repo_url,
        .limits = source->set.limits,
    };
    if (check_room(c, false, e) ||
        (spec->snapshot ? snapshot_source(source, spec->snapshot, &dir, e)
                        : ws_op_check(source, e)))
        return -1;
    if (!source->dir_made)
        return err_set(e, ERR_CONFLICT, "workspace %s is not ready", source->set.name);
    if (settings_make(c, &wish, id_make("ws", id), &set, e))
        return -1;
    struct ws *ws = make(c, id, &set);
    ws->repo_url = copy(source->repo_url);
    ws->repo_ref = copy(source->repo_ref);
    TEXT_PUT(ws->mirror, source->mirror);
    TEXT_PUT(ws->pub.repo_commit, source->pub.repo_commit);
    TEXT_PUT(ws->pub.forked_from, source->pub.id);
    ws->pub.submodules = source->pub.submodules;
    ws->pub.init_exit_code = source->pub.init_exit_code;
    ws->pub.init_ms = source->pub.init_ms;
    ws->pub.status = WS_PENDING;
    ws->fork_of = source;
    ws->fork_dir = dir;
    ws_publish(ws);
    ws_insert(ws);
    ws_op_begin(ws, OP_CREATE);
    ws_op_begin(source, OP_FORK);
    waiter_add(w, &ws->creators, ws, NULL);
    ws_save(ws, on_fork_begun);
    return 0;
}
