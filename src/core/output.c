// SPDX-License-Identifier: Apache-2.0
// Keeping what commands print: memory first, then a file. One write of a stream is in flight at a
// time; what comes meanwhile is gathered for the next.
#include "output_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct output_write {
    struct job job; // first member
    struct core *core;
    struct source *source; // NULL: it is gone, nobody is to be told
    unsigned stream;
    char name[ID_MAX + 8];
    char *data;
    size_t len;
    uint64_t at;
    bool sync;
    struct err err;
};

void output_file_name(const char *id, unsigned stream, char ret[ID_MAX + 8])
{
    text_put(ret, ID_MAX, id);
    size_t n = strlen(ret);
    ret[n] = '.';
    ret[n + 1] = (char)('0' + stream); // there are two
    ret[n + 2] = '\0';
}

void source_init(struct source *s, struct core *c, const char *id, unsigned n)
{
    *s = (struct source){.core = c, .n = n};
    TEXT_PUT(s->id, id);
    list_init(&s->followers);
    list_init(&s->readers);
    for (unsigned i = 0; i < n; i++) {
        s->out[i].keep_max = c->conf.output_keep_bytes;
        s->out[i].mem_max = OUTPUT_MEM;
        s->out[i].trail_fd = -1;
        buf_init(&s->out[i].mem, SIZE_MAX / 2);     // bounded by mem_max or OUTPUT_RING
        buf_init(&s->out[i].pending, SIZE_MAX / 2); // bounded by keep_max and source_flow
    }
}

void source_release(struct source *s)
{
    struct err gone = {0};
    err_set(&gone, ERR_GONE, "it was deleted");
    s->ended = s->closed = true;
    while (!list_empty(&s->readers)) {
        struct waiter *w = container_of(s->readers.next, struct waiter, link);
        w->on_cancel(w);
        waiter_fail(w, &gone);
    }
    while (!list_empty(&s->followers)) {
        struct follower *f = container_of(s->followers.next, struct follower, link);
        core_follow_stop(f);
        f->on_end(f);
    }
    for (unsigned i = 0; i < s->n; i++) {
        struct output *o = &s->out[i];
        if (o->writing)
            o->writing->source = NULL;
        o->writing = NULL;
        trail_end(o);
        buf_release(&o->mem);
        buf_release(&o->pending);
    }
}

// --- the file, on the worker -----------------------------------------------------------------

static int write_out(const struct output_write *w, struct err *e)
{
    own_fd int fd =
        openat(w->core->output_fd, w->name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct statvfs fs;
    if (fd < 0)
        return err_sys(e, "output file");
    if (w->len && !fstatvfs(fd, &fs) &&
        (uint64_t)fs.f_bavail * fs.f_frsize < w->core->conf.disk_reserve_bytes + w->len)
        return err_set(e, ERR_FULL, "output file: less than the disk's reserve is free");
    for (size_t done = 0; done < w->len;) {
        ssize_t n = pwrite(fd, w->data + done, w->len - done, (off_t)(w->at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, "output file");
        done += (size_t)n;
    }
    return w->sync && fdatasync(fd) ? err_sys(e, "output file") : 0;
}

static void write_work(struct job *j)
{
    struct output_write *w = (struct output_write *)j;
    if (write_out(w, &w->err) && !w->err.code)
        w->err.code = ERR_KERNEL;
}

static void flush_output(struct source *s, unsigned i);

void source_failed(struct source *s, unsigned i, const struct err *err)
{
    struct output *o = &s->out[i];
    if (o->failed)
        return;
    o->failed = true;
    o->kept = o->written;
    if (o->mem.len > o->kept)
        o->mem.len = (size_t)o->kept;
    buf_clear(&o->pending);
    core_notice(s->core, true, "%s of %s", err->text, s->id);
}

static void write_done(struct job *j)
{
    struct output_write *w = (struct output_write *)j;
    struct core *c = w->core;
    struct source *s = w->source;
    c->disk_jobs--;
    if (s) {
        struct output *o = &s->out[w->stream];
        o->writing = NULL;
        if (w->err.code) {
            source_failed(s, w->stream, &w->err);
        } else {
            o->written += w->len;
            c->output_file_bytes += w->len;
            o->synced = w->sync;
        }
        flush_output(s, w->stream);
        source_flow(s);
        if (s->on_written && source_written(s))
            s->on_written(s);
        else if (source_settled(s) && s->on_settled)
            s->on_settled(s);
    }
    free(w->data);
    free(w);
}

static void flush_output(struct source *s, unsigned i)
{
    struct output *o = &s->out[i];
    bool last = s->ended && !o->synced && !o->failed;
    if (!o->in_file || o->writing || (!o->pending.len && !last))
        return;
    struct output_write *w = xcalloc(1, sizeof(*w));
    w->job = (struct job){.work = write_work, .done = write_done};
    w->core = s->core;
    w->source = s;
    w->stream = i;
    output_file_name(s->id, i, w->name);
    w->at = o->written;
    w->data = buf_steal(&o->pending, &w->len);
    w->sync = s->ended && !w->len; // who is told once it is written need not wait for the disk
    o->writing = w;
    disk_push(s->core, &w->job);
}

bool source_written(const struct source *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct output *o = &s->out[i];
        if (o->in_file && !o->failed && o->written < o->kept)
            return false;
    }
    return true;
}

bool source_settled(const struct source *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        const struct output *o = &s->out[i];
        if (o->in_file && !o->failed && !o->synced)
            return false;
    }
    return s->ended;
}

// --- appending -------------------------------------------------------------------------------

static void go_to_file(struct output *o)
{
    o->in_file = true;
    // Bounded: what is in memory is at most mem_max bytes.
    (void)buf_append(&o->pending, o->mem.data, o->mem.len);
}

static void keep_ring(struct output *o, const char *p, size_t n)
{
    if (n > OUTPUT_RING) {
        p += n - OUTPUT_RING;
        n = OUTPUT_RING;
    }
    (void)buf_append(&o->mem, p, n); // bounded by the next lines
    // Twice the size before it is cut, so that moving costs little for each byte.
    if (o->mem.len > 2 * OUTPUT_RING)
        buf_drop_front(&o->mem, o->mem.len - OUTPUT_RING);
    o->kept = o->mem.len;
    o->first = o->total - o->kept;
}

static void keep_head(struct source *s, unsigned i, const char *p, size_t n)
{
    struct output *o = &s->out[i];
    uint64_t room = o->keep_max - o->kept;
    if (o->failed || !room)
        return;
    if (n > room)
        n = (size_t)room;
    o->kept += n;
    size_t mem_room = o->mem_max - o->mem.len;
    // Gathered in whole: once a byte is only in the file, memory gets no more.
    bool contiguous = o->kept - n == o->mem.len;
    size_t to_mem = !contiguous ? 0 : n < mem_room ? n : mem_room;
    if (!o->in_file && (o->eager || o->kept > OUTPUT_MEM))
        go_to_file(o);
    if (to_mem)
        (void)buf_append(&o->mem, p, to_mem); // below mem_max
    if (o->in_file) {
        (void)buf_append(&o->pending, p, n); // bounded by source_flow
        flush_output(s, i);
    }
}

static void give_live(struct source *s, unsigned i, uint64_t offset, const void *p, size_t n)
{
    // Taken out one by one, since a callback may stop any of them.
    struct list all;
    list_take(&s->followers, &all);
    while (!list_empty(&all)) {
        struct follower *f = container_of(all.next, struct follower, link);
        list_del(&f->link);
        list_add_tail(&s->followers, &f->link);
        if (f->paused || f->reading || f->fresh || f->at[i] != offset)
            continue; // behind: served from what is kept
        f->at[i] += n;
        f->on_data(f, (enum exec_stream)i, offset, p, n);
    }
}

void source_spilled(struct source *s, unsigned stream, const void *p, size_t n)
{
    struct output *o = &s->out[stream];
    uint64_t offset = o->total;
    if (p && o->kept == o->mem.len && n <= o->mem_max - o->mem.len)
        (void)buf_append(&o->mem, p, n); // below mem_max
    o->in_file = true;
    o->total += n;
    o->kept += n;
    o->written += n;
    s->core->output_file_bytes += n;
    s->core->stats.output_bytes += n;
    if (p && !list_empty(&s->followers))
        give_live(s, stream, offset, p, n);
    source_flow(s);
}

void source_append(struct source *s, unsigned stream, const void *p, size_t n)
{
    struct output *o = &s->out[stream];
    uint64_t offset = o->total;
    o->total += n;
    s->core->stats.output_bytes += n;
    if (o->ring)
        keep_ring(o, p, n);
    else
        keep_head(s, stream, p, n);
    trail_add(s, stream, p, n);
    if (!list_empty(&s->followers))
        give_live(s, stream, offset, p, n);
    source_flow(s);
}

void source_make_eager(struct source *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        struct output *o = &s->out[i];
        o->eager = true;
        if (!o->in_file && o->kept)
            go_to_file(o);
        flush_output(s, i);
        trail_add(s, i, NULL, 0);
    }
}

void source_printf(struct source *s, const char *fmt, ...)
{
    char line[600];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n > 0)
        source_append(s, 0, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void source_flow(struct source *s)
{
    bool pause = false;
    for (unsigned i = 0; i < s->n; i++)
        pause |= s->out[i].pending.len > OUTPUT_PENDING;
    list_for (it, &s->followers) {
        const struct follower *f = container_of(it, struct follower, link);
        pause |= f->lossless && f->paused && !s->no_wait;
    }
    if (pause == s->flow_paused)
        return;
    s->flow_paused = pause;
    if (s->on_flow)
        s->on_flow(s, pause);
}

// A small output is in memory as a whole: the database gets it, and its file need not be synced.
static void drop_file(struct source *s, struct output *o)
{
    if (!o->in_file || o->writing || o->pending.len || o->kept != o->mem.len ||
        o->kept > OUTPUT_MEM)
        return;
    o->in_file = false;
    o->stale_file = true;
    s->core->output_file_bytes -= o->written;
    o->written = 0;
}

void source_seal(struct source *s)
{
    s->ended = true;
    for (unsigned i = 0; i < s->n; i++) {
        struct output *o = &s->out[i];
        if (o->ring && o->mem.len > OUTPUT_RING) {
            buf_drop_front(&o->mem, o->mem.len - OUTPUT_RING);
            o->kept = o->mem.len;
            o->first = o->total - o->kept;
        }
        if (!o->in_file && o->kept > OUTPUT_MEM)
            go_to_file(o);
        drop_file(s, o);
        trail_end(o);
        flush_output(s, i);
    }
}

void source_end(struct source *s)
{
    source_seal(s);
    struct list all;
    list_take(&s->followers, &all);
    while (!list_empty(&all)) {
        struct follower *f = container_of(all.next, struct follower, link);
        list_del(&f->link);
        list_add_tail(&s->followers, &f->link);
        follower_pump(f);
    }
    if (source_settled(s) && s->on_settled)
        s->on_settled(s);
}

// --- removing --------------------------------------------------------------------------------

struct output_unlink {
    struct job job; // first member
    struct core *core;
    char id[ID_MAX];
    unsigned streams;
};

static void unlink_work(struct job *j)
{
    struct output_unlink *u = (struct output_unlink *)j;
    char name[ID_MAX + 8];
    for (unsigned i = 0; i < OUTPUT_FILES; i++) {
        output_file_name(u->id, i, name);
        if (u->streams & 1u << i)
            (void)unlinkat(u->core->output_fd, name, 0); // a leftover is found at the next start
    }
}

static void unlink_done(struct job *j)
{
    struct output_unlink *u = (struct output_unlink *)j;
    u->core->disk_jobs--;
    free(u);
}

void source_unlink(struct core *c, const char *id, unsigned streams)
{
    struct output_unlink *u = xcalloc(1, sizeof(*u));
    u->job = (struct job){.work = unlink_work, .done = unlink_done};
    u->core = c;
    TEXT_PUT(u->id, id);
    u->streams = streams;
    disk_push(c, &u->job);
}

void source_forget_memory(struct source *s)
{
    unsigned stale = 0;
    for (unsigned i = 0; i < s->n; i++) {
        struct output *o = &s->out[i];
        o->in_db = !o->in_file;
        buf_release(&o->mem);
        stale |= (o->stale_file ? 1u << i : 0) | (o->trail ? 1u << (EXEC_STREAMS + i) : 0);
        o->stale_file = o->trail = false;
    }
    if (stale)
        source_unlink(s->core, s->id, stale);
}
