// SPDX-License-Identifier: Apache-2.0
// The record of builds.
#include "build_int.h"
#include "workspace_int.h"

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <sys/stat.h>

const char *build_status_name(enum build_status s)
{
    static const char *const names[BUILD_N] = {"queued", "running",   "succeeded",
                                               "failed", "cancelled", "lost"};
    return s < BUILD_N ? names[s] : "unknown";
}

void build_init(struct bld *b, struct core *c)
{
    b->core = c;
    b->pub.end.exit_code = -1;
    source_init(&b->log, c, b->pub.id, 1);
    b->log.build = &b->pub;
    list_init(&b->waiters);
    list_init(&b->creators);
}

void build_insert(struct bld *b)
{
    (void)map_put(b->core->builds, b->pub.id, b);
    list_add_tail(&b->core->build_list, &b->all);
}

static void remove_build(struct bld *b)
{
    struct err gone = {0};
    err_set(&gone, ERR_GONE, "build %s was deleted", b->pub.id);
    (void)map_del(b->core->builds, b->pub.id);
    list_del(&b->all);
    waiters_fail(&b->waiters, &gone);
    source_release(&b->log);
    buf_release(&b->args.bytes);
    free(b);
}

// --- writing ----------------------------------------------------------------------------------

struct build_saving {
    struct db_job job; // first member
    struct bld *b;
    struct build copy;
    struct store_build row;
    void (*on_done)(struct bld *b, const struct err *err);
};

static int save_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_build_put(s, &((struct build_saving *)j)->row, e);
}

static void save_done(struct db_job *j)
{
    struct build_saving *s = (struct build_saving *)j;
    struct bld *b = s->b;
    b->saving--;
    if (s->on_done && !b->core->closing)
        s->on_done(b, &j->err);
    free(s);
}

void build_save(struct bld *b, void (*on_done)(struct bld *b, const struct err *err))
{
    struct build_saving *s = xcalloc(1, sizeof(*s));
    s->job = (struct db_job){.run = save_run, .done = save_done};
    s->b = b;
    s->on_done = on_done;
    s->copy = b->pub;
    const struct build *p = &s->copy;
    s->row = (struct store_build){
        .id = p->id,
        .workspace = p->workspace,
        .image = p->image,
        .rebuild = p->rebuild,
        .status = p->status,
        .n_steps = p->n_steps,
        .step = p->step,
        .n_cached = p->n_cached,
        .doing = p->doing,
        .created_ms = p->created_ms,
        .started_ms = p->started_ms,
        .ended_ms = p->ended_ms,
        .log_total = p->log_total,
        .log_kept = p->log_kept,
        .reason = p->end.reason,
        .exit_code = p->end.exit_code,
        .signal = p->end.signal,
        .detail = p->end.detail,
        .error = p->error,
    };
    b->saving++;
    db_push(b->core, &s->job);
}

// --- forgetting -------------------------------------------------------------------------------

struct build_delete {
    struct db_job job; // first member
    char id[ID_MAX];
};

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_build_delete(s, ((struct build_delete *)j)->id, e);
}

static void delete_done(struct db_job *j)
{
    free(j); // a row that stayed is trimmed after the next start
}

void build_forget(struct bld *b)
{
    struct core *c = b->core;
    struct build_delete *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = delete_run, .done = delete_done};
    TEXT_PUT(d->id, b->pub.id);
    source_unlink(c, b->pub.id, 1);
    c->n_builds_ended--;
    remove_build(b);
    db_push(c, &d->job);
}

void builds_drop(struct core *c, const char *workspace)
{
    list_for_safe (it, &c->build_list) {
        struct bld *b = container_of(it, struct bld, all);
        if (strcmp(b->pub.workspace, workspace))
            continue;
        b->pub.workspace[0] = '\0';
        if (!b->saving)
            build_forget(b);
    }
}

// --- at start ---------------------------------------------------------------------------------

static void load_log(struct bld *b)
{
    struct output *o = &b->log.out[0];
    char name[ID_MAX + 8];
    struct stat st;
    output_file_name(b->pub.id, 0, name);
    b->log.ended = true;
    if (fstatat(b->core->output_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return;
    o->in_file = o->synced = true;
    o->kept = o->written = (uint64_t)st.st_size;
    o->total = b->pub.log_total > o->kept ? b->pub.log_total : o->kept;
}

static int on_row(void *arg, const struct store_build *r)
{
    struct core *c = arg;
    if (!id_ok(r->id, "bld") || map_get(c->builds, r->id))
        return 0;
    struct bld *b = xcalloc(1, sizeof(*b));
    struct build *p = &b->pub;
    TEXT_PUT(p->id, r->id);
    build_init(b, c);
    TEXT_PUT(p->workspace, r->workspace);
    TEXT_PUT(p->image, r->image);
    p->rebuild = r->rebuild;
    p->status = r->status < BUILD_N ? (enum build_status)r->status : BUILD_LOST;
    p->n_steps = r->n_steps;
    p->step = r->step;
    p->n_cached = r->n_cached;
    TEXT_PUT(p->doing, r->doing);
    p->created_ms = r->created_ms;
    p->started_ms = r->started_ms;
    p->ended_ms = r->ended_ms;
    p->log_total = r->log_total;
    p->log_kept = r->log_kept;
    p->end = (struct outcome){.exit_code = r->exit_code, .signal = r->signal};
    p->end.reason = r->reason < END_N ? (enum end_reason)r->reason : END_LOST;
    TEXT_PUT(p->end.detail, r->detail);
    TEXT_PUT(p->error, r->error);
    build_insert(b);
    c->n_builds_ended++;
    load_log(b);
    return 0;
}

int builds_load(struct core *c, struct err *e)
{
    return store_build_each(c->db.store, on_row, c, e);
}

void builds_resume(struct core *c)
{
    list_for (it, &c->build_list) {
        struct bld *b = container_of(it, struct bld, all);
        if (b->pub.status != BUILD_QUEUED && b->pub.status != BUILD_RUNNING)
            continue;
        b->pub.status = BUILD_LOST;
        b->pub.ended_ms = clock_wall_ms();
        TEXT_PUT(b->pub.error, "the server restarted while it was built; build it again");
        b->pub.end = (struct outcome){.reason = END_LOST, .exit_code = -1};
        build_save(b, NULL);
        if (c->launcher.fd >= 0)
            build_dir_delete(c, b->pub.id);
    }
}

void builds_free(struct core *c)
{
    list_for_safe (it, &c->build_list)
        remove_build(container_of(it, struct bld, all));
}
