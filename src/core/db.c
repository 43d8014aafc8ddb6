// SPDX-License-Identifier: Apache-2.0
// Jobs for the database. All jobs that are queued when the worker looks are one transaction: they
// are acknowledged together or fail together.
#include "core_int.h"

#include <pinfold/own.h>
#include <string.h>

static void on_batch_begin(void *arg)
{
    struct db *db = arg;
    db->batch = NULL;
    db->begin_err = (struct err){0};
    if (store_begin(db->store, &db->begin_err) && !db->begin_err.code)
        db->begin_err.code = ERR_INTERNAL;
}

static void on_batch_end(void *arg)
{
    struct db *db = arg;
    struct err err = db->begin_err;
    if (!err.code && store_commit(db->store, &err) && !err.code)
        err.code = ERR_INTERNAL;
    for (struct db_job *j = db->batch; j; j = j->batch_next) {
        if (err.code && !j->err.code)
            j->err = err;
        if (j->after && !j->err.code && j->after(j, db->store, &j->err) && !j->err.code)
            j->err.code = ERR_INTERNAL;
    }
}

static void db_work(struct job *job)
{
    struct db_job *j = (struct db_job *)job;
    struct db *db = &j->core->db;
    j->batch_next = db->batch;
    db->batch = j;
    if (!db->begin_err.code && j->run && j->run(j, db->store, &j->err) && !j->err.code)
        j->err.code = ERR_INTERNAL;
}

static void db_done(struct job *job)
{
    struct db_job *j = (struct db_job *)job;
    struct core *c = j->core;
    bool failed = j->err.code != ERR_NONE;
    c->db.in_flight--;
    if (!j->after && failed != c->db.failing) { // a backup's failure says nothing of the database
        c->db.failing = failed;
        core_notice(c, failed, "database: %s", failed ? j->err.text : "writes work again");
    }
    j->done(j);
}

void db_push(struct core *c, struct db_job *j)
{
    j->core = c;
    j->err = (struct err){0};
    j->job = (struct job){.work = db_work, .done = db_done};
    c->db.in_flight++;
    worker_push(c->db.worker, &j->job);
}

static int tidy_run(struct db_job *j, struct store *s, struct err *e)
{
    (void)j;
    return store_shrink(s, e);
}

static void tidy_done(struct db_job *j)
{
    free(j);
}

void db_tidy(struct core *c)
{
    struct db_job *j = xcalloc(1, sizeof(*j));
    *j = (struct db_job){.run = tidy_run, .done = tidy_done};
    db_push(c, j);
}

int db_open(struct core *c, int dir_fd, struct err *e)
{
    c->db.store = store_open(dir_fd, e);
    if (!c->db.store)
        return -1;
    c->db.worker = worker_new(c->loop, on_batch_begin, on_batch_end, &c->db, e);
    return c->db.worker ? 0 : -1;
}

void db_close(struct core *c)
{
    worker_free(c->db.worker);
    store_copy_free(c->db.copy);
    store_close(c->db.store);
    c->db = (struct db){0};
}
