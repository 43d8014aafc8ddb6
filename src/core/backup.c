// SPDX-License-Identifier: Apache-2.0
// A backup: the database is copied a few pages at a time between its transactions, so that nothing
// waits for it longer than for one of those; then a worker of its own checks and packs the copy.
#include "backup_int.h"

#include <fcntl.h>
#include <pinfold/core_backup.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/stat.h>

#define COPY_PAGES 256 // 1 MiB, some milliseconds

struct backup {
    struct core *core;
    struct backup_reader *reader; // NULL: nobody wants it any more
    struct db_job step;           // of copying
    struct job job;               // on the packer
    struct err err;
    int dir_fd;
    bool opened, more, filling;
    struct pack pack;
};

static struct backup *of_job(struct job *j)
{
    return container_of(j, struct backup, job);
}

static void push(struct backup *b, void (*work)(struct job *), void (*done)(struct job *))
{
    b->job = (struct job){.work = work, .done = done};
    worker_push(b->core->packer, &b->job);
}

// --- the end ----------------------------------------------------------------------------------

static void clean_work(struct job *j)
{
    struct backup *b = of_job(j);
    if (b->opened)
        pack_close(&b->pack);
    fd_close(&b->dir_fd);
    (void)io_remove_tree(b->core->state_fd, BACKUP_DIR, NULL); // again at the next start
}

static void clean_done(struct job *j)
{
    struct backup *b = of_job(j);
    b->core->backup = NULL;
    free(b);
}

static void finish(struct backup *b, const struct err *err)
{
    struct backup_reader *r = b->reader;
    b->reader = NULL;
    if (r) {
        r->job = NULL;
        r->on_end(r, err);
    }
    if (!b->core->closing)
        push(b, clean_work, clean_done);
}

// --- packing ----------------------------------------------------------------------------------

static void fill_work(struct job *j)
{
    struct backup *b = of_job(j);
    b->err = (struct err){0};
    if (!b->opened) {
        b->opened = true;
        if (pack_open(&b->pack, fd_steal(&b->dir_fd), b->core->output_fd, &b->err))
            return;
    }
    (void)pack_fill(&b->pack, &b->err); // tells of its failure by err
}

static void fill_done(struct job *j);

static void fill(struct backup *b)
{
    b->filling = true;
    push(b, fill_work, fill_done);
}

static void fill_done(struct job *j)
{
    struct backup *b = of_job(j);
    b->filling = false;
    if (!b->err.code && b->reader && b->pack.out.len)
        b->reader->on_data(b->reader, b->pack.out.data, b->pack.out.len);
    if (!b->reader || b->err.code || b->pack.part == PACK_ENDED)
        finish(b, &b->err);
    else if (!b->reader->paused)
        fill(b);
}

// --- copying ----------------------------------------------------------------------------------

// On the database's thread, between transactions.
static int step_run(struct db_job *j, struct store *s, struct err *e)
{
    struct backup *b = container_of(j, struct backup, step);
    struct db *db = &b->core->db;
    if (!db->copy && !(db->copy = store_copy_new(s, b->dir_fd, e)))
        return -1;
    int r = store_copy_step(db->copy, COPY_PAGES, e);
    b->more = r > 0;
    if (r <= 0)
        store_copy_free(ptr_steal(&db->copy));
    return r < 0 ? -1 : 0;
}

static int drop_run(struct db_job *j, struct store *s, struct err *e)
{
    (void)s, (void)e;
    store_copy_free(ptr_steal(&container_of(j, struct backup, step)->core->db.copy));
    return 0;
}

static void step_done(struct db_job *j)
{
    struct backup *b = container_of(j, struct backup, step);
    if (b->core->closing)
        return;
    bool dropped = j->after == drop_run;
    if (b->more && !dropped && !j->err.code) {
        *j = (struct db_job){.after = b->reader ? step_run : drop_run, .done = step_done};
        db_push(b->core, j);
    } else if (dropped || j->err.code || !b->reader) {
        finish(b, &j->err);
    } else {
        fill(b);
    }
}

static void prepare_work(struct job *j)
{
    struct backup *b = of_job(j);
    int at = b->core->state_fd;
    if (io_remove_tree(at, BACKUP_DIR, &b->err))
        return;
    if (mkdirat(at, BACKUP_DIR, 0700) ||
        (b->dir_fd = openat(at, BACKUP_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        err_sys(&b->err, "make the directory of a backup");
}

static void prepare_done(struct job *j)
{
    struct backup *b = of_job(j);
    if (b->core->closing)
        return;
    if (b->err.code || !b->reader) {
        finish(b, &b->err);
        return;
    }
    b->step = (struct db_job){.after = step_run, .done = step_done};
    db_push(b->core, &b->step);
}

// --- the verbs --------------------------------------------------------------------------------

int core_backup(struct core *c, struct backup_reader *r, struct err *e)
{
    if (c->backup)
        return err_set(e, ERR_CONFLICT, "a backup is being made; there can be one at a time");
    if (c->stopping)
        return err_set(e, ERR_BUSY, "the server is stopping");
    if (core_disk_room(c, e))
        return -1;
    struct backup *b = xcalloc(1, sizeof(*b));
    *b = (struct backup){.core = c, .reader = r, .dir_fd = -1};
    c->backup = b;
    r->job = b;
    r->paused = false;
    push(b, prepare_work, prepare_done);
    return 0;
}

void core_backup_pause(struct backup_reader *r)
{
    r->paused = true;
}

void core_backup_resume(struct backup_reader *r)
{
    struct backup *b = r->job;
    if (!b || !r->paused)
        return;
    r->paused = false;
    if (b->opened && !b->filling) // else it goes on by itself
        fill(b);
}

void core_backup_stop(struct backup_reader *r)
{
    struct backup *b = r->job;
    if (!b)
        return;
    r->job = NULL;
    b->reader = NULL;
    if (r->paused && b->opened && !b->filling)
        finish(b, &(struct err){0}); // nothing is under way that would see it
}

void backup_free(struct core *c)
{
    struct backup *b = c->backup;
    if (!b)
        return;
    if (b->opened)
        pack_close(&b->pack);
    fd_close(&b->dir_fd);
    free(b);
    c->backup = NULL;
}
