// SPDX-License-Identifier: Apache-2.0
// Reading what was kept: by offset, and as followers that catch up and then go along.
#include "output_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <unistd.h>

// One read of kept bytes, from wherever they are. It stands alone: the source may go away.
struct fetch {
    union {
        struct job disk;
        struct db_job db;
    } u; // first member
    struct core *core;
    char id[ID_MAX];
    unsigned stream;
    uint64_t at; // in what is kept
    size_t max;
    struct buf data;
    struct err err;
    struct list link;                    // core's fetched
    void (*on_fetched)(struct fetch *f); // the fetch is freed after it
    void *reader;                        // follower or output_read; NULL: it has left
    uint64_t gap_to;       // not a read: tell a follower that bytes up to here are not kept
    struct source *source; // valid while reader is
};

static void finish_fetch(struct fetch *f)
{
    if (f->reader)
        f->on_fetched(f);
    buf_release(&f->data);
    free(f);
}

static int read_file(struct fetch *f)
{
    char name[ID_MAX + 8];
    output_file_name(f->id, f->stream, name);
    own_fd int fd = openat(f->core->output_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(&f->err, "output file");
    while (f->data.len < f->max) {
        char *to = buf_reserve(&f->data, f->max - f->data.len);
        ssize_t n = pread(fd, to, f->max - f->data.len, (off_t)(f->at + f->data.len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(&f->err, "output file");
        if (n == 0)
            break;
        buf_commit(&f->data, (size_t)n);
    }
    return 0;
}

static void disk_work(struct job *j)
{
    struct fetch *f = (struct fetch *)j;
    if (read_file(f) && !f->err.code)
        f->err.code = ERR_KERNEL;
}

static void disk_done(struct job *j)
{
    struct fetch *f = (struct fetch *)j;
    f->core->disk_jobs--;
    finish_fetch(f);
}

static int db_run(struct db_job *j, struct store *s, struct err *e)
{
    struct fetch *f = (struct fetch *)j;
    return store_output_get(s, f->id, f->stream, f->at, f->max, &f->data, e);
}

static void db_done(struct db_job *j)
{
    struct fetch *f = (struct fetch *)j;
    f->err = j->err;
    finish_fetch(f);
}

// Copy what memory has of [at, at + max) from a piece that starts at `start`. true: it had some.
static bool copy_piece(struct fetch *f, uint64_t start, const char *p, size_t len)
{
    if (f->at < start || f->at >= start + len)
        return false;
    size_t skip = (size_t)(f->at - start), n = len - skip < f->max ? len - skip : f->max;
    (void)buf_append(&f->data, p + skip, n); // its maximum is f->max
    return true;
}

static bool from_memory(struct fetch *f, const struct output *o)
{
    return copy_piece(f, 0, o->mem.data, o->mem.len) ||
           copy_piece(f, o->kept - o->pending.len, o->pending.data, o->pending.len);
}

// Read at most max bytes of a stream from an offset that is kept.
static struct fetch *fetch_start(struct source *s, unsigned stream, uint64_t offset, size_t max,
                                 void (*on_fetched)(struct fetch *), void *reader)
{
    const struct output *o = &s->out[stream];
    struct fetch *f = xcalloc(1, sizeof(*f));
    uint64_t left = o->first + o->kept - offset;
    f->core = s->core;
    f->source = s;
    TEXT_PUT(f->id, s->id);
    f->stream = stream;
    f->at = offset - o->first;
    f->max = left < max ? (size_t)left : max;
    buf_init(&f->data, f->max);
    f->on_fetched = on_fetched;
    f->reader = reader;
    if (!f->max || from_memory(f, o)) {
        list_add_tail(&s->core->fetched, &f->link);
        core_wake(s->core);
    } else if (o->in_db) {
        f->u.db = (struct db_job){.run = db_run, .done = db_done};
        db_push(s->core, &f->u.db);
    } else {
        // What is being written now is in the file once this job runs: the worker keeps the order.
        f->u.disk = (struct job){.work = disk_work, .done = disk_done};
        disk_push(s->core, &f->u.disk);
    }
    return f;
}

void fetches_finish(struct core *c)
{
    struct list all;
    list_take(&c->fetched, &all);
    while (!list_empty(&all)) {
        struct fetch *f = container_of(all.next, struct fetch, link);
        list_del(&f->link);
        finish_fetch(f);
    }
}

// --- followers -------------------------------------------------------------------------------

static void on_follower_fetched(struct fetch *fetch)
{
    struct follower *f = fetch->reader;
    enum exec_stream i = (enum exec_stream)fetch->stream;
    if (f->paused) { // meanwhile: read again when it goes on
        f->reading = false;
        f->job = NULL;
        return;
    }
    const struct output *o = &fetch->source->out[i];
    uint64_t from = f->at[i], kept_end = o->first + o->kept;
    // Nothing read where something is kept: the file is gone. Say so instead of waiting.
    uint64_t to = fetch->gap_to ? fetch->gap_to : fetch->data.len || kept_end < from ? 0 : kept_end;
    if (to) {
        f->at[i] = to;
        if (f->on_gap)
            f->on_gap(f, i, from, to);
    } else if (fetch->data.len) {
        f->at[i] += fetch->data.len;
        f->on_data(f, i, from, fetch->data.data, fetch->data.len);
    }
    if (!fetch->reader)
        return; // it left in the callback
    f->reading = false;
    f->job = NULL;
    follower_pump(f);
}

// Bring one stream forward. Always by way of a fetch, so that there is one callback at a time
// after which it can be seen whether the follower is still there.
static void pump_stream(struct follower *f, struct source *s, unsigned i)
{
    const struct output *o = &s->out[i];
    uint64_t at = f->at[i], end = o->first + o->kept;
    f->reading = true;
    if (at >= o->first && at < end) {
        f->job = fetch_start(s, i, at, OUTPUT_CHUNK, on_follower_fetched, f);
        return;
    }
    struct fetch *gap = fetch_start(s, i, end, 0, on_follower_fetched, f);
    gap->gap_to = at < o->first ? o->first : o->total;
    f->job = gap;
}

void follower_pump(struct follower *f)
{
    struct source *s = f->source;
    if (!s || f->paused || f->reading || f->fresh)
        return;
    for (unsigned i = 0; i < s->n; i++)
        if (f->at[i] < s->out[i].total) {
            pump_stream(f, s, i);
            return;
        }
    if (!s->ended)
        return;
    list_del(&f->link);
    f->source = NULL;
    f->on_end(f);
}

int source_follow(struct source *s, struct follower *f, bool lossless, struct err *e)
{
    if (f->source)
        return err_set(e, ERR_CONFLICT, "it follows already");
    f->source = s;
    f->exec = s->exec;
    f->build = s->build;
    f->lossless = lossless;
    f->paused = f->stopped = f->reading = false;
    f->job = NULL;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        uint64_t total = i < s->n ? s->out[i].total : 0;
        f->at[i] = f->from[i] == UINT64_MAX || f->from[i] > total ? total : f->from[i];
    }
    list_add_tail(&s->followers, &f->link);
    f->fresh = !lossless; // a lossless one is there from the first byte on
    if (f->fresh) {
        list_add_tail(&s->core->fresh, &f->fresh_link);
        core_wake(s->core);
    }
    return 0;
}

void followers_serve_fresh(struct core *c)
{
    struct list all;
    list_take(&c->fresh, &all);
    while (!list_empty(&all)) {
        struct follower *f = container_of(all.next, struct follower, fresh_link);
        list_del(&f->fresh_link);
        f->fresh = false;
        follower_pump(f);
    }
}

void core_follow_pause(struct follower *f)
{
    if (!f->source || f->paused)
        return;
    f->paused = true;
    if (f->lossless)
        source_flow(f->source);
}

void core_follow_resume(struct follower *f)
{
    if (!f->source || !f->paused)
        return;
    f->paused = false;
    if (f->lossless)
        source_flow(f->source);
    follower_pump(f);
}

void core_follow_stop(struct follower *f)
{
    struct source *s = f->source;
    if (!s)
        return;
    f->source = NULL;
    f->stopped = true;
    list_del(&f->link);
    if (f->fresh)
        list_del(&f->fresh_link);
    f->fresh = false;
    if (f->job)
        ((struct fetch *)f->job)->reader = NULL;
    f->job = NULL;
    f->reading = false;
    if (f->lossless && !s->closed) {
        source_flow(s);
        if (s->on_left)
            s->on_left(s);
    }
}

// --- reads -----------------------------------------------------------------------------------

static void on_read_fetched(struct fetch *fetch)
{
    struct output_read *r = fetch->reader;
    const struct source *s = fetch->source;
    const struct output *o = &s->out[fetch->stream];
    r->job = NULL;
    r->data = fetch->data.data;
    r->len = fetch->data.len;
    r->total = o->total;
    r->kept_end = o->first + o->kept;
    r->ended = s->ended;
    if (fetch->err.code)
        waiter_fail(&r->w, &fetch->err);
    else
        waiter_done(&r->w, r);
}

static void on_read_cancel(struct waiter *w)
{
    struct output_read *r = container_of(w, struct output_read, w);
    if (r->job)
        ((struct fetch *)r->job)->reader = NULL;
    r->job = NULL;
}

int source_read(struct source *s, struct output_read *r, struct err *e)
{
    unsigned i = (unsigned)r->stream;
    if (i >= s->n)
        return err_set(e, ERR_NOT_FOUND, "there is no such stream");
    const struct output *o = &s->out[i];
    uint64_t offset = r->offset < o->first ? o->first : r->offset, end = o->first + o->kept;
    if (offset > end)
        offset = end;
    size_t max = r->max && r->max < OUTPUT_READ_MAX ? r->max : OUTPUT_READ_MAX;
    r->offset = offset;
    waiter_add(&r->w, &s->readers, s, on_read_cancel);
    r->job = fetch_start(s, i, offset, max, on_read_fetched, r);
    return 0;
}
