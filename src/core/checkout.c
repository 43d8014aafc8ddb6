// SPDX-License-Identifier: Apache-2.0
// Checkouts that are kept: their records, which go first, and what is made from which.
#include "checkout_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/own.h>

#define DEPTH_MAX 8    // a look for a name goes through all strata
#define TOUCH_MS 60000 // what was used is written down this often

// --- the record -------------------------------------------------------------------------------

struct checkout_job {
    struct db_job job; // first member
    struct checkout *checkout;
    struct checkout copy;
    void (*done)(struct checkout *o, const struct err *err);
};

static int put_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct checkout *o = &((struct checkout_job *)j)->copy;
    const struct store_checkout row = {.id = o->id,
                                       .mirror = o->mirror,
                                       .repo_commit = o->commit,
                                       .branch = o->branch,
                                       .bytes = o->bytes,
                                       .used_ms = o->used_ms,
                                       .depth = o->depth,
                                       .made = o->state == CHECKOUT_MADE};
    return store_checkout_put(s, &row, e);
}

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_checkout_delete(s, ((struct checkout_job *)j)->copy.id, e);
}

static void job_done(struct db_job *j)
{
    struct checkout_job *d = (struct checkout_job *)j;
    struct checkout *o = d->checkout;
    struct err err = j->err;
    void (*done)(struct checkout *, const struct err *) = d->done;
    free(d);
    o->saving--;
    if (done && !o->core->closing)
        done(o, &err);
}

static void push(struct checkout *o, int (*run)(struct db_job *, struct store *, struct err *),
                 void (*done)(struct checkout *, const struct err *))
{
    struct checkout_job *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = run, .done = job_done};
    d->checkout = o;
    d->copy = *o;
    d->done = done;
    o->saving++;
    db_push(o->core, &d->job);
}

static struct checkout *new_one(struct core *c, const char *id, const char *mirror)
{
    struct checkout *o = xcalloc(1, sizeof(*o));
    o->core = c;
    TEXT_PUT(o->id, id);
    TEXT_PUT(o->mirror, mirror);
    list_init(&o->waiting);
    list_add_tail(&c->checkouts, &o->all);
    return o;
}

static void free_one(struct checkout *o)
{
    list_del(&o->all);
    free(o);
}

static int on_row(void *arg, const struct store_checkout *r)
{
    struct core *c = arg;
    if (!id_ok(r->id, "co"))
        return 0;
    struct checkout *o = new_one(c, r->id, r->mirror);
    TEXT_PUT(o->commit, r->repo_commit);
    TEXT_PUT(o->branch, r->branch);
    o->bytes = r->bytes;
    o->used_ms = r->used_ms;
    o->depth = r->depth;
    o->recorded = true;
    o->state = r->made && !c->rebooted ? CHECKOUT_MADE : CHECKOUT_GOING;
    // Into its place by its last use: there are few.
    struct list *at = o->all.prev;
    while (at != &c->checkouts && container_of(at, struct checkout, all)->used_ms > o->used_ms)
        at = at->prev;
    list_del(&o->all);
    list_add_tail(at->next, &o->all);
    return 0;
}

int checkouts_load(struct core *c, struct err *e)
{
    return store_checkout_each(c->db.store, on_row, c, e);
}

void checkouts_free(struct core *c)
{
    list_for_safe (it, &c->checkouts)
        free_one(container_of(it, struct checkout, all));
}

// --- going ------------------------------------------------------------------------------------

// Should its row stay, the next start tries again.
static void on_forgotten(struct checkout *o, const struct err *err)
{
    if (err->code)
        core_notice(o->core, true, "forget checkout %s: %s", o->id, err->text);
    free_one(o); // the worker keeps the order, so this was the last job
}

static void remove_dir(struct checkout *o);

static void on_dir_gone(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct checkout *o = container_of(a, struct checkout, ask);
    struct err e = {0};
    if (!m && launcher_there(o->core)) {
        remove_dir(o); // the launcher restarted, and may have begun
        return;
    }
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        // Its record stays, so that the next start tries again.
        core_notice(o->core, true, "delete checkout %s: %s", o->id, e.text);
        return;
    }
    push(o, delete_run, on_forgotten);
}

static void remove_dir(struct checkout *o)
{
    struct msg_dir m = {0};
    TEXT_PUT(m.dir, o->id);
    o->ask.long_work = true;
    launcher_ask(o->core, &o->ask, MSG_DIR_DELETE, &m, on_dir_gone);
}

static void drop(struct checkout *o)
{
    o->state = CHECKOUT_GOING;
    if (!o->recorded)
        free_one(o);
    else if (!o->users && !o->ask.id)
        remove_dir(o);
}

void checkouts_stats(const struct core *c, struct core_stats *ret)
{
    ret->checkouts = ret->checkouts_bytes = 0;
    list_for (it, &c->checkouts) {
        const struct checkout *o = container_of(it, struct checkout, all);
        ret->checkouts += o->state == CHECKOUT_MADE;
        ret->checkouts_bytes += o->state == CHECKOUT_MADE ? o->bytes : 0;
    }
}

void checkouts_tidy(struct core *c)
{
    struct core_stats s;
    checkouts_stats(c, &s);
    bool full = core_disk_room(c, NULL) != 0;
    list_for_safe (it, &c->checkouts) {
        struct checkout *o = container_of(it, struct checkout, all);
        if (!full && s.checkouts <= c->conf.checkouts_kept &&
            s.checkouts_bytes <= c->conf.checkouts_total_bytes)
            return;
        if (o->state != CHECKOUT_MADE || o->users)
            continue;
        s.checkouts--;
        s.checkouts_bytes -= o->bytes;
        drop(o);
    }
}

void checkouts_resume(struct core *c)
{
    list_for_safe (it, &c->checkouts) {
        struct checkout *o = container_of(it, struct checkout, all);
        if (o->state == CHECKOUT_GOING)
            drop(o);
    }
    checkouts_tidy(c);
}

void checkouts_drop_mirror(struct core *c, const char *mirror)
{
    list_for_safe (it, &c->checkouts) {
        struct checkout *o = container_of(it, struct checkout, all);
        if (o->state == CHECKOUT_MADE && !strcmp(o->mirror, mirror))
            drop(o);
    }
}

// --- which ------------------------------------------------------------------------------------

const char *checkout_id(const char *mirror, const struct repo_result *r, char ret[ID_MAX])
{
    unsigned char digest[32];
    own_buf struct buf b;
    buf_init(&b, 4096);
    const char *const all[] = {mirror, r->commit, r->branch, r->default_branch, r->refs_digest};
    for (unsigned i = 0; i < N_ELEMS(all); i++)
        (void)buf_append(&b, all[i], strlen(all[i]) + 1); // each has its maximum: they fit
    sha256_of(b.data, b.len, digest);
    return id_from("co", digest, ret);
}

struct checkout *checkout_find(struct core *c, const char *id)
{
    list_for (it, &c->checkouts) {
        struct checkout *o = container_of(it, struct checkout, all);
        if (!strcmp(o->id, id))
            return o;
    }
    return NULL;
}

struct checkout *checkout_begin(struct core *c, const char *id, const char *mirror)
{
    return new_one(c, id, mirror);
}

struct checkout *checkout_base(struct core *c, const char *mirror, const char *branch)
{
    struct checkout *best = NULL;
    list_for (it, &c->checkouts) {
        struct checkout *o = container_of(it, struct checkout, all);
        if (o->state != CHECKOUT_MADE || strcmp(o->mirror, mirror) != 0 || !o->commit[0])
            continue;
        if (!best || !strcmp(o->branch, branch) || strcmp(best->branch, branch) != 0)
            best = o; // of equals the one used last
    }
    // From time to time one begins from nothing, so that the strata stay few and the difference small.
    return best && best->depth < DEPTH_MAX ? best : NULL;
}

void checkout_hold(struct checkout *o)
{
    uint64_t now = clock_wall_ms();
    bool old = now - o->used_ms > TOUCH_MS;
    o->users++;
    o->used_ms = now;
    list_del(&o->all);
    list_add_tail(&o->core->checkouts, &o->all);
    if (old)
        push(o, put_run, NULL);
}

void checkout_let_go(struct checkout *o, bool bad)
{
    o->users--;
    if (bad || o->state == CHECKOUT_GOING)
        drop(o);
}

// --- making one -------------------------------------------------------------------------------

static void wake(struct checkout *o)
{
    struct list waiting;
    list_take(&o->waiting, &waiting);
    o->maker = NULL;
    while (!list_empty(&waiting)) {
        struct clone *k = container_of(waiting.next, struct clone, link);
        list_del(&k->link);
        clone_again(k);
    }
}

void checkout_give_up(struct checkout *o)
{
    o->state = CHECKOUT_GOING;
    wake(o);
    drop(o);
}

static void finish(struct checkout *o, const struct err *err)
{
    struct clone *maker = o->maker;
    if (err->code) {
        core_notice(o->core, false, "keep checkout %s: %s", o->id, err->text);
        checkout_give_up(o);
    } else {
        o->state = CHECKOUT_MADE;
        push(o, put_run, NULL);
        wake(o);
        checkouts_tidy(o->core);
    }
    clone_kept(maker);
}

static void on_copied(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct checkout *o = container_of(a, struct checkout, ask);
    struct err e = {0};
    (void)ask_result(m, err, &e);
    finish(o, &e);
}

static void on_recorded(struct checkout *o, const struct err *err)
{
    o->recorded = !err->code;
    if (err->code) {
        finish(o, err);
        return;
    }
    struct msg_dir m = {0};
    TEXT_PUT(m.dir, o->id);
    TEXT_PUT(m.source, o->maker->ws->pub.id);
    o->ask.long_work = true;
    launcher_ask(o->core, &o->ask, MSG_DIR_COPY, &m, on_copied);
}

void checkout_keep(struct checkout *o)
{
    o->used_ms = clock_wall_ms();
    push(o, put_run, on_recorded);
}
