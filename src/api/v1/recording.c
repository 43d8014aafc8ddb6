// SPDX-License-Identifier: Apache-2.0
// Recordings of runs' terminals as asciicast version 2: a header, then a line for each piece of
// output with its time. Made from core's records (core_exec.h) as they are read.
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <pinfold/num.h>
#include <stdio.h>

#define READ_MAX (256 * 1024)
#define PIECE_MAX (4 * 1024 * 1024) // of one record: far more than is read at once

struct cast {
    struct http_req *r;
    struct exec *x;
    struct output_read o;
    struct buf in;   // records whose end is not here yet
    struct buf text; // of a character, and what follows it
    bool headed, begun;
};

static void cast_free(struct cast *k)
{
    waiter_cancel(&k->o.w);
    buf_release(&k->in);
    buf_release(&k->text);
    free(k);
}

// --- lines ----------------------------------------------------------------------------------

static void write_header(struct cast *k, struct json_out *o, unsigned cols, unsigned rows)
{
    json_begin(o, NULL);
    json_u64(o, "version", 2);
    json_u64(o, "width", cols);
    json_u64(o, "height", rows);
    json_u64(o, "timestamp", k->x->started_ms / 1000);
    json_begin(o, "env");
    json_str(o, "TERM", "xterm-256color");
    json_end(o);
    json_end(o);
}

static void write_line(struct json_out *o, uint64_t ms, const char *kind, const char *p, size_t n)
{
    json_begin_array(o, NULL);
    json_f64(o, NULL, (double)ms / 1000);
    json_str(o, NULL, kind);
    json_strn(o, NULL, p, n);
    json_end_array(o);
}

// A character that is cut by the end of a piece comes with the next one.
static void write_output(struct cast *k, struct json_out *o, uint64_t ms, const char *p, size_t n)
{
    bool cut;
    (void)buf_append(&k->text, p, n); // bounded by one record and a character
    size_t good = json_utf8_prefix(k->text.data, k->text.len, &cut);
    if (!cut || k->text.len - good > 3)
        good = k->text.len; // what is no text is replaced
    write_line(o, ms, "o", k->text.data, good);
    buf_drop_front(&k->text, good);
}

static void write_record(struct cast *k, char kind, uint64_t ms, const char *p, size_t n)
{
    struct buf *out = http_stream_buf(k->r);
    struct json_out o;
    char size[24] = "";
    unsigned cols = 80, rows = 24;
    json_out_init(&o, out);
    if (kind == 's') {
        memcpy(size, p, n < sizeof(size) - 1 ? n : sizeof(size) - 1);
        (void)sscanf(size, "%5ux%5u", &cols, &rows);
    }
    if (!k->headed)
        write_header(k, &o, cols, rows);
    else if (kind == 's')
        write_line(&o, ms, "r", size, strlen(size));
    else
        write_output(k, &o, ms, p, n);
    k->headed = true;
    (void)buf_putc(out, '\n');
    http_stream_flush(k->r);
}

// Whole records at the front of `in`.
static void write_records(struct cast *k)
{
    size_t at = 0;
    for (;;) {
        const char *head = k->in.data + at;
        const char *end = k->in.len > at ? memchr(head, '\n', k->in.len - at) : NULL;
        char line[RECORD_HEAD_MAX] = "";
        unsigned long long ms, n;
        char kind;
        if (!end || end - head >= (ptrdiff_t)sizeof(line))
            break;
        memcpy(line, head, (size_t)(end - head));
        if (sscanf(line, "%c %20llu %20llu", &kind, &ms, &n) != 3 || n > PIECE_MAX)
            break;
        size_t from = at + (size_t)(end - head) + 1;
        if (k->in.len - from < n)
            break;
        write_record(k, kind, ms, k->in.data + from, n);
        at = from + n;
    }
    buf_drop_front(&k->in, at);
}

// --- reading --------------------------------------------------------------------------------

static void read_more(struct cast *k)
{
    struct err e;
    if (!core_exec_read(v1_of(k->r)->core, k->x, &k->o, &e))
        return;
    http_stream_cut(k->r);
    cast_free(k);
}

static void on_gone(struct http_req *r)
{
    struct cast *k = r->user;
    if (k->begun)
        http_stream_end(r);
    else
        http_drop(r);
    cast_free(k);
}

static void on_writable(struct http_req *r)
{
    struct cast *k = r->user;
    if (!waiter_pending(&k->o.w))
        read_more(k);
}
static const struct http_stream_ops stream_ops = {.on_writable = on_writable};

static void on_read(struct waiter *w)
{
    struct cast *k = container_of(container_of(w, struct output_read, w), struct cast, o);
    struct http_req *r = k->r;
    if (w->err.code) {
        http_stream_cut(r);
        cast_free(k);
        return;
    }
    (void)buf_append(&k->in, k->o.data, k->o.len); // bounded by two records
    write_records(k);
    k->o.offset += k->o.len;
    if (!k->o.len || k->o.offset >= k->o.kept_end) {
        http_stream_end(r);
        cast_free(k);
    } else if (!http_stream_full(r)) {
        read_more(k);
    }
}

void v1_runs_recording(struct http_req *r)
{
    struct err e;
    uint64_t turn;
    const struct run *run = v1_find_run(r);
    if (!run || v1_param_u64(r, "turn", run->turn, run->turn, &turn))
        return;
    struct exec *x = v1_run_exec(r, run, turn, &e);
    if (x && !x->tty) {
        err_set(&e, ERR_NOT_FOUND, "run %s has no terminal", run->id);
        x = NULL;
    }
    if (!x) {
        v1_err(r, &e);
        return;
    }
    struct cast *k = xcalloc(1, sizeof(*k));
    k->r = r;
    k->x = x;
    k->o.stream = EXEC_STDERR;
    k->o.max = READ_MAX;
    k->o.w.on_done = on_read;
    buf_init(&k->in, PIECE_MAX + READ_MAX + RECORD_HEAD_MAX);
    buf_init(&k->text, PIECE_MAX + 16);
    r->user = k;
    r->on_gone = on_gone;
    k->begun = true;
    if (http_stream_begin(r, 200, HTTP_BYTES, "application/x-asciicast", &stream_ops))
        read_more(k);
    else
        cast_free(k);
}
