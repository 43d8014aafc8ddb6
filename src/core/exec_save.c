// SPDX-License-Identifier: Apache-2.0
// The record of execs. Ended ones are written in groups a moment after their answer, so that the
// database is not on an exec's path; background ones also before they start, since their id is
// given out. What is told before it is in the database is in the journal. A record whose job is in
// flight is not changed and not freed.
#include "workspace_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>

#define SAVE_MS 100   // gathered for this long
#define SAVE_MAX 256  // in one job
#define RETRY_MS 2000 // after a failed write

static void row_of(const struct execution *x, struct store_exec *r)
{
    const struct exec *p = &x->pub;
    *r = (struct store_exec){
        .id = p->id,
        .workspace = p->workspace,
        .image = p->image,
        .profile = p->profile,
        .shell = p->command != NULL,
        .argv = {x->argv->packed, x->argv->packed_len},
        .cwd = x->cwd,
        .user = x->user,
        .tty = p->tty,
        .background = p->background,
        .status = x->handed && p->status < EXEC_RUNNING ? EXEC_RUNNING : p->status,
        .created_ms = p->created_ms,
        .started_ms = p->started_ms,
        .ended_ms = p->ended_ms,
        .timeout_ms = p->timeout_ms,
        .reason = p->end.reason,
        .exit_code = p->end.exit_code,
        .signal = p->end.signal,
        .timed_out = p->end.timed_out,
        .oom_killed = p->end.oom_killed,
        .duration_ms = p->end.duration_ms,
        .cpu_us = p->end.cpu_us,
        .max_memory_bytes = p->end.max_memory_bytes,
        .detail = p->end.detail,
        .box = x->box_name,
    };
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        r->out[i] = (struct store_stream){
            .total = x->source.out[i].total,
            .kept = x->source.out[i].kept,
            .first = x->source.out[i].first,
            .in_file = x->source.out[i].in_file,
        };
}

void exec_note(struct execution *x)
{
    struct core *c = x->core;
    struct store_exec row;
    struct journal_exec j = {.row = &row};
    struct err e = {0};
    row_of(x, &row);
    for (unsigned i = 0; x->source.ended && i < EXEC_STREAMS; i++)
        if (!x->source.out[i].in_file)
            j.out[i] = (struct store_blob){x->source.out[i].mem.data, x->source.out[i].mem.len};
    bool failed = journal_put(c->journal, &j, &x->journaled, &e) != 0;
    if (failed && !c->journal_failing)
        core_notice(c, true, "%s; what is told now is safe from a kill a moment later", e.text);
    c->journal_failing = failed;
    x->noted = true;
}

// --- before it starts -------------------------------------------------------------------------

struct early_save {
    struct db_job job; // first member
    struct execution *x;
    struct store_exec row; // strings are the record's
    void (*on_done)(struct execution *x, const struct err *err);
};

static int early_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_exec_put(s, &((struct early_save *)j)->row, e);
}

// A job has ended: what waited for that?
static void after_save(struct execution *x)
{
    if (x->saving || x->live)
        return;
    if (x->deleting)
        exec_delete_now(x);
    else if (x->ws)
        ws_exec_ended(x->ws);
}

static void early_done(struct db_job *j)
{
    struct early_save *s = (struct early_save *)j;
    struct execution *x = s->x;
    if (s->on_done && !x->core->closing)
        s->on_done(x, &j->err); // still counted as saving: it stays
    x->saving--;
    if (x->live && !x->saving && !j->err.code)
        journal_settle(x->core->journal, &x->journaled);
    after_save(x);
    free(s);
}

void exec_save_early(struct execution *x, void (*on_done)(struct execution *, const struct err *))
{
    struct early_save *s = xcalloc(1, sizeof(*s));
    s->job = (struct db_job){.run = early_run, .done = early_done};
    s->x = x;
    s->on_done = on_done;
    exec_note(x);
    row_of(x, &s->row);
    x->saving++;
    db_push(x->core, &s->job);
}

// --- after its end ----------------------------------------------------------------------------

struct group_save {
    struct db_job job; // first member
    size_t n;
    struct execution *xs[SAVE_MAX];
};

static int save_one(const struct execution *x, struct store *s, struct err *e)
{
    struct store_exec row;
    row_of(x, &row);
    if (store_exec_put(s, &row, e))
        return -1;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        const struct output *o = &x->source.out[i];
        struct store_blob data = {o->mem.data, o->mem.len};
        if (!o->in_file && data.len && store_output_put(s, x->pub.id, i, data, e))
            return -1;
    }
    return 0;
}

static int group_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct group_save *g = (const struct group_save *)j;
    for (size_t i = 0; i < g->n; i++)
        if (save_one(g->xs[i], s, e))
            return -1;
    return 0;
}

static void on_save_timer(struct timer *t)
{
    execs_save(container_of(t, struct core, save_timer));
}

static void group_done(struct db_job *j)
{
    struct group_save *g = (struct group_save *)j;
    struct core *c = j->core;
    c->saving = false;
    for (size_t i = 0; i < g->n; i++) {
        struct execution *x = g->xs[i];
        x->saving--;
        if (j->err.code && !x->deleting) {
            list_add_tail(&c->unsaved, &x->queue);
            continue;
        }
        x->saved = true;
        journal_settle(c->journal, &x->journaled);
        source_forget_memory(&x->source);
        exec_forget_end(x);
        execs_trim(c, x->ws);
        after_save(x);
    }
    if (!list_empty(&c->unsaved) && !c->closing)
        loop_timer_set(c->loop, &c->save_timer, j->err.code ? RETRY_MS : SAVE_MS, on_save_timer);
    free(g);
}

void execs_save(struct core *c)
{
    if (c->saving || list_empty(&c->unsaved))
        return;
    struct group_save *g = xcalloc(1, sizeof(*g));
    g->job = (struct db_job){.run = group_run, .done = group_done};
    while (g->n < SAVE_MAX && !list_empty(&c->unsaved)) {
        struct execution *x = container_of(c->unsaved.next, struct execution, queue);
        list_del(&x->queue);
        x->saving++;
        g->xs[g->n++] = x;
    }
    c->saving = true;
    db_push(c, &g->job);
}

static void on_settled(struct source *s)
{
    struct execution *x = container_of(s, struct execution, source);
    struct core *c = x->core;
    s->on_settled = NULL;
    exec_totals(x); // a full disk may have kept less than was seen
    if (x->deleting || (x->ws && x->ws->op == OP_DELETE))
        return;
    list_add_tail(&c->unsaved, &x->queue);
    if (!c->saving && !c->save_timer.slot)
        loop_timer_set(c->loop, &c->save_timer, SAVE_MS, on_save_timer);
}

void exec_save_later(struct execution *x)
{
    if (source_settled(&x->source))
        on_settled(&x->source);
    else
        x->source.on_settled = on_settled; // its files first, then the row that names them
}

// --- forgetting -------------------------------------------------------------------------------

static void remove_record(struct execution *x)
{
    struct core *c = x->core;
    bool files = false;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        files |= x->source.out[i].stale_file || x->source.out[i].trail;
        if (x->source.out[i].in_file) {
            files = true;
            uint64_t n = x->source.out[i].written;
            c->output_file_bytes -= n < c->output_file_bytes ? n : c->output_file_bytes;
        }
    }
    if (files)
        source_unlink(c, x->pub.id, STREAMS_ALL);
    journal_delete(c->journal, x->pub.id);
    journal_settle(c->journal, &x->journaled);
    (void)map_del(c->execs, x->pub.id);
    list_del(&x->all);
    list_del(&x->queue);
    if (x->ws)
        list_del(&x->of_ws);
}

static void count_ended(struct execution *x, int by)
{
    x->core->n_execs_ended += (unsigned)by;
    if (x->ws)
        x->ws->n_execs_ended += (unsigned)by;
}

void exec_drop(struct execution *x)
{
    struct list waiters;
    list_take(&x->deleters, &waiters);
    count_ended(x, -1);
    remove_record(x);
    execution_free(x);
    waiters_done(&waiters, NULL);
}

struct exec_delete {
    struct db_job job; // first member
    char id[ID_MAX];
    struct execution *x; // NULL: nobody waits
};

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_exec_delete(s, ((struct exec_delete *)j)->id, e);
}

static void delete_done(struct db_job *j)
{
    struct exec_delete *d = (struct exec_delete *)j;
    struct execution *x = d->x;
    if (x) {
        struct core *c = x->core;
        struct list waiters;
        list_take(&x->deleters, &waiters);
        x->saving--;
        if (j->err.code) {
            x->deleting = false; // it is all still there
            count_ended(x, 1);
            waiters_fail(&waiters, &j->err);
        } else {
            remove_record(x);
            execution_free(x);
            waiters_done(&waiters, NULL);
            if (!c->closing)
                execs_trim(c, NULL); // there may be more over the budget of files
        }
    }
    free(d);
}

void exec_delete_now(struct execution *x)
{
    struct exec_delete *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = delete_run, .done = delete_done};
    TEXT_PUT(d->id, x->pub.id);
    d->x = x;
    x->deleting = true;
    x->saving++;
    count_ended(x, -1);
    list_del(&x->queue); // unsaved it stays
    db_push(x->core, &d->job);
}

static bool may_forget(const struct execution *x)
{
    return !x->live && !x->saving && !x->deleting && x->saved && !x->run &&
           list_empty(&x->source.followers);
}

static struct execution *oldest_of(struct core *c, struct ws *ws, bool with_file)
{
    struct list *head = ws ? &ws->execs : &c->exec_list;
    list_for (it, head) {
        struct execution *x = ws ? container_of(it, struct execution, of_ws)
                                 : container_of(it, struct execution, all);
        bool file = x->source.out[0].in_file || x->source.out[1].in_file;
        if (may_forget(x) && (file || !with_file))
            return x;
    }
    return NULL;
}

// Over what is remembered: the oldest go.
void execs_trim(struct core *c, struct ws *ws)
{
    for (int i = 0; i < 64; i++) {
        bool files = c->output_file_bytes > c->conf.output_total_bytes;
        struct execution *x = NULL;
        if (ws && ws->n_execs_ended > c->conf.execs_kept_workspace)
            x = oldest_of(c, ws, false);
        else if (c->n_execs_ended > c->conf.execs_kept || files)
            x = oldest_of(c, NULL, files);
        if (!x)
            return;
        exec_delete_now(x);
        if (files)
            return; // one, then see what it freed
    }
}
