// SPDX-License-Identifier: Apache-2.0
// Workspaces: finding them, waiting, their states.
#include "checkout_int.h"
#include "snapshot_int.h"

#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/profile.h>

const char *workspace_status_name(enum workspace_status s)
{
    static const char *const names[WS_N] = {"pending", "building", "ready", "error", "deleting"};
    return s < WS_N ? names[s] : "unknown";
}

struct ws *ws_of(struct workspace *w)
{
    return container_of(w, struct ws, pub);
}

// --- its sandbox ------------------------------------------------------------------------------

int ws_fill(struct ws *ws, const struct profile *profile, struct msg_box_start *m, struct err *e)
{
    if (!ws->set.image || !ws->set.profile)
        return err_set(e, ERR_NOT_FOUND, "its image or profile does not exist any more");
    if (image_present(ws->core, ws->set.image, e))
        return -1;
    struct limits l;
    image_fill(ws->set.image, m);
    // A build step is not bound by the workspace's own limits but by its profile's, except the disk,
    // which is the workspace's.
    if (profile == ws->set.profile)
        limits_fill(&ws->pub.limits_effective, m);
    else {
        l = (struct limits){.disk_bytes = ws->pub.limits_effective.disk_bytes,
                            .inodes = ws->pub.limits_effective.inodes};
        limits_narrow(&l, &profile->limits, &l);
        limits_fill(&l, m);
    }
    TEXT_PUT(m->dir, ws->pub.id);
    TEXT_PUT(m->profile, profile->name);
    TEXT_PUT(m->mirror, ws->mirror);
    TEXT_PUT(m->hostname, ws->set.name);
    m->network = ws->set.network;
    return 0;
}

// Rules that cannot be made any more (a preset that is gone) allow nothing.
static void set_rules(struct ws *ws)
{
    own_buf struct buf rules;
    own_free struct strings *allow = run_guest_rules(ws);
    struct err e;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (ws->set.network == NET_LIST &&
        network_rules(ws->core, ws->set.profile, allow->list, ws->repo_url, &rules, &e)) {
        core_notice(ws->core, true, "workspace %s: %s", ws->pub.id, e.text);
        buf_clear(&rules);
    }
    free(ws->sb.net_rules);
    ws->sb.net_rules = xstrdup(rules.data);
}

void ws_network_changed(struct ws *ws)
{
    bool begun = ws->sb.state == SB_LIVE || ws->sb.state == SB_STARTING;
    if (!ws->set.profile)
        return;
    network_again(ws);
    if (!begun)
        return; // it gets them when it starts
    set_rules(ws);
    egress_tell(&ws->sb, false);
}

static int fill_own(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    struct ws *ws = sb->owner;
    if (ws_fill(ws, ws->set.profile, m, e))
        return -1;
    m->files_read_only = run_reads_only(ws->core, ws->pub.run);
    set_rules(ws);
    return 0;
}

static void on_box_gone(struct sandbox *sb)
{
    struct ws *ws = sb->owner;
    void (*fn)(struct ws *) = ws->when_down;
    ws->when_down = NULL;
    if (fn)
        fn(ws);
    waiters_done(&ws->stoppers, &ws->pub);
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

void ws_when_down(struct ws *ws, void (*fn)(struct ws *ws))
{
    if (ws->sb.state == SB_NONE) {
        fn(ws);
        return;
    }
    ws->when_down = fn;
    sandbox_stop(&ws->sb);
}

// --- the object -------------------------------------------------------------------------------

struct ws *ws_new(struct core *c, const char *id)
{
    struct ws *ws = xcalloc(1, sizeof(*ws));
    ws->core = c;
    TEXT_PUT(ws->pub.id, id);
    ws->pub.init_exit_code = -1;
    ws->repos = strings_copy(NULL);
    list_init(&ws->execs);
    list_init(&ws->file_jobs);
    list_init(&ws->waiters);
    list_init(&ws->deleters);
    list_init(&ws->stoppers);
    list_init(&ws->debuggers);
    list_init(&ws->creators);
    list_init(&ws->snapshots);
    sandbox_init(&ws->sb, c, id, fill_own, ws);
    ws->sb.on_gone = on_box_gone;
    source_init(&ws->init_log, c, id, 1);
    ws->init_log.ended = true; // nothing was ever logged
    return ws;
}

void ws_insert(struct ws *ws)
{
    struct core *c = ws->core;
    list_add_tail(&c->workspaces, &ws->all);
    (void)map_put(c->ws_by_id, ws->pub.id, ws);
    (void)map_put(c->ws_by_name, ws->set.name, ws);
}

static void wipe(char *secret)
{
    if (secret)
        crypt_wipe(secret, strlen(secret));
    free(secret);
}

void ws_free(struct ws *ws)
{
    struct core *c = ws->core;
    struct err gone = {0};
    err_set(&gone, ERR_GONE, "workspace %s was deleted", ws->pub.id);
    if (ws->all.next) {
        list_del(&ws->all);
        (void)map_del(c->ws_by_id, ws->pub.id);
        if (map_get(c->ws_by_name, ws->set.name) == ws)
            (void)map_del(c->ws_by_name, ws->set.name);
    }
    loop_timer_cancel(c->loop, &ws->retry);
    sandbox_leave(&ws->sb);
    waiters_fail(&ws->waiters, &gone);
    waiters_fail(&ws->stoppers, &gone);
    while (!list_empty(&ws->debuggers)) {
        struct waiter *w = container_of(ws->debuggers.next, struct waiter, link);
        w->on_cancel(w);
        waiter_fail(w, &gone);
    }
    snapshots_free(ws);
    clone_free(ws);
    source_release(&ws->init_log);
    settings_release(&ws->set);
    network_log_free(ws->net_log);
    free(ws->repo_url);
    free(ws->repo_ref);
    free(ws->repos);
    wipe(ws->repo_user);
    wipe(ws->repo_password);
    free(ws);
}

void ws_publish(struct ws *ws)
{
    struct workspace *p = &ws->pub;
    const struct ws_settings *s = &ws->set;
    struct limits want = s->limits;
    TEXT_PUT(p->name, s->name);
    TEXT_PUT(p->image, s->image_name);
    TEXT_PUT(p->profile, s->profile_name);
    p->network = s->network;
    p->allow = s->allow->list;
    p->learn = s->learn;
    p->limits = s->limits;
    for (unsigned i = 0; i < n_limit_rows; i++)
        if (!limit_get(&want, &limit_rows[i]))
            limit_put(&want, &limit_rows[i],
                      limit_get(&ws->core->conf.limits_default, &limit_rows[i]));
    if (s->profile)
        limits_narrow(&p->limits_effective, &s->profile->limits, &want);
    // A workspace has a disk of its own only when it asked for one.
    if (!ws_wants_disk(s))
        p->limits_effective.disk_bytes = p->limits_effective.inodes = 0;
    p->repo_url = ws->repo_url;
    p->repo_ref = ws->repo_ref;
    p->env = s->env->list;
    p->labels = s->labels->list;
    p->init_script = s->init_script;
}

// --- operations -------------------------------------------------------------------------------

int ws_busy_check(struct ws *ws, struct err *e)
{
    static const char *const doing[] = {"",
                                        "being made",
                                        "being set up",
                                        "being built",
                                        "running its init script",
                                        "being copied",
                                        "being kept as a snapshot",
                                        "being restored",
                                        "being deleted"};
    if (ws->pub.status == WS_DELETING)
        return err_set(e, ERR_GONE, "workspace %s is being deleted", ws->set.name);
    if (ws->op != OP_NONE)
        return err_set(e, ERR_CONFLICT, "workspace %s is %s", ws->set.name, doing[ws->op]);
    return 0;
}

int ws_op_check(struct ws *ws, struct err *e)
{
    if (ws_busy_check(ws, e))
        return -1;
    if (ws->pub.execs_running || !sandbox_idle(&ws->sb))
        return err_set(e, ERR_CONFLICT, "commands run in workspace %s", ws->set.name);
    return 0;
}

void ws_op_begin(struct ws *ws, enum ws_op op)
{
    ws->op = op;
    ws->pub.busy = true;
}

void ws_set_status(struct ws *ws, enum workspace_status status, const char *error)
{
    struct workspace *p = &ws->pub;
    if (p->status == WS_DELETING)
        return; // nothing leads back from there
    if (p->status != status)
        p->status_ms = clock_wall_ms();
    p->status = status;
    TEXT_PUT(p->error, error);
}

static void on_settled(struct ws *ws, const struct err *err)
{
    ws->op = OP_NONE;
    ws->pub.busy = false;
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
    else if (err->code)
        waiters_fail(&ws->waiters, err);
    else
        waiters_done(&ws->waiters, &ws->pub);
}

void ws_settle(struct ws *ws, enum workspace_status status, const char *error)
{
    ws_set_status(ws, status, error);
    ws_save(ws, on_settled);
}

int ws_runnable(struct ws *ws, struct err *e)
{
    const struct workspace *p = &ws->pub;
    if (p->status == WS_DELETING)
        return err_set(e, ERR_GONE, "workspace %s is being deleted", ws->set.name);
    if (ws->op != OP_NONE)
        return err_set(e, ERR_CONFLICT, "workspace %s is busy (%s); wait until it is ready",
                       ws->set.name, workspace_status_name(p->status));
    if (!ws->set.image || !ws->set.profile)
        return err_set(e, ERR_CONFLICT, "its image or profile does not exist any more");
    if (p->status == WS_PENDING)
        return err_set(e, ERR_CONFLICT, "workspace %s is pending; build it first", ws->set.name);
    // After a failed clone or init script one may look into it, as far as there is a root.
    if (!ws->dir_made || (p->status != WS_READY && image_present(ws->core, ws->set.image, NULL)))
        return err_set(e, ERR_CONFLICT, "workspace %s has no root: %s", ws->set.name, p->error);
    return 0;
}

void ws_exec_ended(struct ws *ws)
{
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
    snapshot_restore_step(ws);
}

// --- the verbs --------------------------------------------------------------------------------

static struct workspace *refresh(struct ws *ws)
{
    ws->pub.alive = ws->sb.state == SB_LIVE;
    return &ws->pub;
}

struct workspace *core_workspace_find(struct core *c, const char *ref, struct err *e)
{
    struct ws *ws = map_get(c->ws_by_id, ref);
    if (!ws)
        ws = map_get(c->ws_by_name, ref);
    if (!ws || ws->op == OP_CREATE) {
        err_set(e, ERR_NOT_FOUND, "there is no workspace '%.64s'", ref);
        return NULL;
    }
    return refresh(ws);
}

size_t core_workspace_list(struct core *c, const char *after, struct workspace **ret, size_t max,
                           bool *ret_more)
{
    struct cursor cursor;
    struct ws *at = map_get(c->ws_by_id, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.next : c->workspaces.next; it != &c->workspaces;
         it = it->next) {
        struct ws *ws = container_of(it, struct ws, all);
        if (ws->op == OP_CREATE || ws->pub.run[0] ||
            (!at && !cursor_newer(&cursor, ws->pub.id, ws->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = refresh(ws);
    }
    return n;
}

int core_workspace_wait(struct core *c, struct workspace *pub, uint64_t ms, struct waiter *w,
                        struct err *e)
{
    struct ws *ws = ws_of(pub);
    (void)e;
    if (!pub->busy)
        waiter_later(c, w, pub, NULL);
    else
        waiter_add_timed(c, w, &ws->waiters, pub, ms);
    return 0;
}

int core_workspace_stop(struct core *c, struct workspace *pub, struct waiter *w, struct err *e)
{
    struct ws *ws = ws_of(pub);
    if (ws_op_check(ws, e))
        return -1;
    if (ws->sb.state == SB_NONE) {
        waiter_later(c, w, pub, NULL);
        return 0;
    }
    waiter_add(w, &ws->stoppers, ws, NULL);
    sandbox_stop(&ws->sb);
    return 0;
}
