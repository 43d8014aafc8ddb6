// SPDX-License-Identifier: Apache-2.0
// Builds: the queue, the order of their parts, their ends.
#include "build_int.h"
#include "script_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

struct bld *bld_of(struct build *b)
{
    return container_of(b, struct bld, pub);
}

static bool over(const struct bld *b)
{
    return b->pub.status != BUILD_QUEUED && b->pub.status != BUILD_RUNNING;
}

// --- its end ----------------------------------------------------------------------------------

static void trim(struct core *c)
{
    list_for_safe (it, &c->build_list) {
        if (c->n_builds_ended <= c->conf.builds_kept)
            return;
        struct bld *b = container_of(it, struct bld, all);
        if (over(b) && !b->saving && list_empty(&b->log.followers))
            build_forget(b);
    }
}

static void on_end_recorded(struct bld *b, const struct err *err)
{
    struct core *c = b->core;
    (void)err; // its row is not what anything depends on; waiters are told the truth as it is
    waiters_done(&b->waiters, &b->pub);
    trim(c);
}

static void finish(struct bld *b, enum build_status status, const char *error)
{
    struct core *c = b->core;
    struct ws *ws = b->ws;
    b->pub.status = status;
    b->pub.ended_ms = clock_wall_ms();
    b->pub.doing[0] = '\0';
    TEXT_PUT(b->pub.error, error);
    if (*error)
        source_printf(&b->log, "%s\n", error);
    source_end(&b->log);
    b->pub.log_total = b->log.out[0].total;
    b->pub.log_kept = b->log.out[0].kept;
    c->n_builds_ended++;
    c->stats.builds_done += status == BUILD_SUCCEEDED;
    c->stats.builds_failed += status == BUILD_FAILED;
    if (b->placed) {
        b->placed = false;
        c->builds_running--;
    }
    b->ws = NULL;
    if (ws) {
        ws->build = NULL;
        ws->built |= status == BUILD_SUCCEEDED;
        ws_settle(ws, status == BUILD_SUCCEEDED ? WS_READY : WS_ERROR, error);
    }
    build_save(b, on_end_recorded);
    builds_admit(c);
    budget_look(c);
}

void build_fail(struct bld *b, const char *text)
{
    char copy[200];
    TEXT_PUT(copy, text); // it may be the build's own
    finish(b, b->cancelled ? BUILD_CANCELLED : BUILD_FAILED,
           b->cancelled ? "the build was cancelled" : copy);
}

static void on_provisioned(struct ws *ws, const char *error)
{
    struct bld *b = ws->build;
    if (error)
        build_fail(b, error);
    else
        finish(b, BUILD_SUCCEEDED, "");
}

// The image's part is done; the workspace's follows.
void build_image_done(struct bld *b)
{
    struct ws *ws = b->ws;
    if (b->cancelled) {
        build_fail(b, "");
        return;
    }
    if (!ws) {
        finish(b, BUILD_SUCCEEDED, "");
        return;
    }
    if (ws->built && !b->pub.rebuild) {
        source_printf(&b->log, "the workspace is as it was: nothing to do\n");
        finish(b, BUILD_SUCCEEDED, "");
        return;
    }
    b->pub.step = b->pub.n_steps;
    TEXT_PUT(b->pub.doing, "repository and init script");
    ws_provision(ws, &b->log, on_provisioned);
}

// --- the queue --------------------------------------------------------------------------------

static void run(struct bld *b)
{
    struct core *c = b->core;
    b->placed = true;
    c->builds_running++;
    b->pub.status = BUILD_RUNNING;
    b->pub.started_ms = clock_wall_ms();
    build_save(b, NULL);
    build_image(b);
}

void builds_admit(struct core *c)
{
    while (!list_empty(&c->build_queue) && c->layers_known && !c->closing &&
           c->builds_running < c->conf.builds_running_max) {
        struct bld *b = container_of(c->build_queue.next, struct bld, queue);
        list_del(&b->queue);
        c->stats.builds_queued--;
        run(b);
    }
}

static void leave_queue(struct bld *b)
{
    if (b->queue.next && !list_empty(&b->queue)) {
        list_del(&b->queue);
        b->core->stats.builds_queued--;
    }
}

static void on_recorded(struct bld *b, const struct err *err)
{
    if (err->code) {
        waiters_fail(&b->creators, err);
        build_fail(b, err->text);
        return;
    }
    waiters_done(&b->creators, &b->pub);
    if (over(b))
        return; // cancelled meanwhile
    list_add_tail(&b->core->build_queue, &b->queue);
    b->core->stats.builds_queued++;
    builds_admit(b->core);
}

static unsigned steps_of(const struct image *image, const struct ws *ws)
{
    const char *layers[IMAGE_LAYERS_MAX];
    return image_layers(image, layers) + (ws && (ws->repo_url[0] || ws->set.init_script[0]));
}

static int check_queue(struct core *c, struct err *e)
{
    if (c->stopping)
        return err_set(e, ERR_BUSY, "the server is stopping");
    if (core_disk_room(c, e))
        return -1;
    if (c->stats.builds_queued < c->conf.builds_queued_max)
        return 0;
    c->stats.denied_limit++;
    return err_set(e, ERR_LIMIT, "%u builds wait already; no more may", c->conf.builds_queued_max);
}

static struct bld *make(struct core *c, struct ws *ws, const struct image *image, bool rebuild)
{
    struct bld *b = xcalloc(1, sizeof(*b));
    (void)id_make("bld", b->pub.id);
    build_init(b, c);
    b->ws = ws;
    b->image = image;
    b->pub.rebuild = rebuild;
    b->pub.created_ms = clock_wall_ms();
    b->pub.n_steps = steps_of(image, ws);
    b->log.out[0].eager = true;
    TEXT_PUT(b->pub.image, image->name);
    if (ws)
        TEXT_PUT(b->pub.workspace, ws->pub.id);
    build_insert(b);
    return b;
}

int core_build_start(struct core *c, struct workspace *pub, bool rebuild, struct waiter *w,
                     struct err *e)
{
    struct ws *ws = ws_of(pub);
    if (check_queue(c, e) || ws_op_check(ws, e))
        return -1;
    if (!ws->set.image || !ws->set.profile)
        return err_set(e, ERR_CONFLICT, "its image or profile does not exist any more");
    struct bld *b = make(c, ws, ws->set.image, rebuild);
    ws_op_begin(ws, OP_BUILD);
    ws->build = b;
    TEXT_PUT(pub->build, b->pub.id);
    ws_set_status(ws, WS_BUILDING, "");
    ws_save(ws, NULL);
    waiter_add(w, &b->creators, b, NULL);
    build_save(b, on_recorded);
    return 0;
}

static int check_unused(struct core *c, const struct image *image, struct err *e)
{
    list_for (it, &c->workspaces) {
        const struct ws *ws = container_of(it, struct ws, all);
        if (ws->set.image && image_shares(ws->set.image, image))
            return err_set(e, ERR_CONFLICT,
                           "workspace %s stands on the layers of %s; delete it to build them again",
                           ws->set.name, image->name);
    }
    list_for (it, &c->boxes)
        if (container_of(it, struct sandbox, link)->temporary)
            return err_set(e, ERR_BUSY, "a sandbox may stand on the layers of %s; try again",
                           image->name);
    return 0;
}

int core_image_build(struct core *c, const char *name, bool rebuild, struct waiter *w,
                     struct err *e)
{
    const struct image *image = image_named(c, name);
    if (!image)
        return err_set(e, ERR_NOT_FOUND, "there is no image '%.64s'", name);
    if (check_queue(c, e) || (rebuild && check_unused(c, image, e)))
        return -1;
    struct bld *b = make(c, NULL, image, rebuild);
    if (rebuild)
        b->n_to_delete = b->pub.n_steps;
    waiter_add(w, &b->creators, b, NULL);
    build_save(b, on_recorded);
    return 0;
}

void build_cancel(struct bld *b)
{
    if (over(b) || b->cancelled)
        return;
    b->cancelled = true;
    if (b->pub.status == BUILD_QUEUED) {
        leave_queue(b);
        if (!list_empty(&b->creators))
            return; // its record is on its way; on_recorded comes here again
        build_fail(b, "");
        return;
    }
    if (b->ws && b->ws->provisioned)
        ws_provision_cancel(b->ws);
    else if (b->waits_for_layer)
        builds_recheck(b->core);
    else if (b->sb)
        proc_kill(&b->proc, END_CANCELLED);
}

// --- the verbs --------------------------------------------------------------------------------

struct build *core_build_find(struct core *c, const char *id, struct err *e)
{
    struct bld *b = map_get(c->builds, id);
    if (!b) {
        err_set(e, ERR_NOT_FOUND, "there is no build '%.40s'", id);
        return NULL;
    }
    b->pub.log_total = b->log.out[0].total;
    b->pub.log_kept = b->log.out[0].kept;
    return &b->pub;
}

size_t core_build_list(struct core *c, const char *workspace, const char *after, struct build **ret,
                       size_t max, bool *ret_more)
{
    struct cursor cursor;
    struct bld *at = map_get(c->builds, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.prev : c->build_list.prev; it != &c->build_list;
         it = it->prev) {
        struct bld *b = container_of(it, struct bld, all);
        if ((*workspace && strcmp(b->pub.workspace, workspace)) ||
            (!at && !cursor_older(&cursor, b->pub.id, b->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = &b->pub;
    }
    return n;
}

int core_build_wait(struct core *c, struct build *pub, uint64_t ms, struct waiter *w, struct err *e)
{
    struct bld *b = bld_of(pub);
    (void)e;
    if (over(b) && !b->saving)
        waiter_later(c, w, pub, NULL);
    else
        waiter_add_timed(c, w, &b->waiters, pub, ms);
    return 0;
}

int core_build_cancel(struct core *c, struct build *pub, struct err *e)
{
    (void)c;
    if (over(bld_of(pub)))
        return err_set(e, ERR_GONE, "build %s has ended", pub->id);
    build_cancel(bld_of(pub));
    return 0;
}

int core_build_log_read(struct core *c, struct build *pub, struct output_read *r, struct err *e)
{
    (void)c;
    return source_read(&bld_of(pub)->log, r, e);
}

int core_build_log_follow(struct core *c, struct build *pub, struct follower *f, struct err *e)
{
    (void)c;
    return source_follow(&bld_of(pub)->log, f, false, e);
}
