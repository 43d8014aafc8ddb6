// SPDX-License-Identifier: Apache-2.0
// Reading a file or an archive of a directory as a stream that waits for its reader.
#include "routes_int.h"

#include <pinfold/core_file.h>
#include <stdio.h>
#include <time.h>

struct download {
    struct http_req *r;
    struct file_reader f;
    struct file_request stat; // of HEAD
    char offset[24], length[24];
    bool begun, tar, running;
};

static void download_free(struct download *d)
{
    if (d->running)
        core_file_stop(&d->f);
    waiter_cancel(&d->stat.w);
    free(d);
}

static void on_gone(struct http_req *r)
{
    struct download *d = r->user;
    bool begun = d->begun;
    download_free(d);
    if (begun)
        http_stream_end(r);
    else
        http_drop(r);
}

static void on_writable(struct http_req *r)
{
    struct download *d = r->user;
    core_file_resume(&d->f);
}
static const struct http_stream_ops ops = {.on_writable = on_writable};

// --- headers --------------------------------------------------------------------------------

static void set_number(struct http_req *r, const char *name, const char *fmt, uint64_t a)
{
    char text[32];
    (void)snprintf(text, sizeof(text), fmt, (unsigned long long)a);
    http_set_header(r, name, text);
}

static void entry_headers(struct http_req *r, const struct tool_entry *en, char etag[])
{
    char hex[TOOL_ETAG_MAX], date[40];
    struct tm tm;
    time_t t = (time_t)(en->mtime_ns / 1000000000);
    (void)snprintf(etag, TOOL_ETAG_MAX + 2, "\"%s\"", tool_etag(en, hex));
    http_set_header(r, "etag", etag);
    if (gmtime_r(&t, &tm) && strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm))
        http_set_header(r, "last-modified", date);
    http_set_header(r, "x-file-type", tool_type_name(en->type));
    set_number(r, "x-file-mode", "%04llo", en->mode & 07777u);
}

static const char bytes_type[] = "application/octet-stream";

// --- a file ---------------------------------------------------------------------------------

static void stop_with(struct download *d, int status)
{
    struct http_req *r = d->r;
    download_free(d);
    http_reply_empty(r, status);
}

static void unsatisfiable(struct download *d, uint64_t size)
{
    static const struct http_refusal why = {416, "bad_range", "the range lies outside the file",
                                            NULL, 0};
    struct http_req *r = d->r;
    set_number(r, "content-range", "bytes */%llu", size);
    download_free(d);
    v1_refuse(r, &why);
}

static void on_entry(struct file_reader *f, const struct tool_entry *en)
{
    struct download *d = container_of(f, struct download, f);
    struct http_req *r = d->r;
    char etag[TOOL_ETAG_MAX + 2], range[80];
    uint64_t from = 0, to = en->size;
    entry_headers(r, en, etag);
    http_set_header(r, "accept-ranges", "bytes");
    int ranged = *d->offset ? http_range(http_header(r, "range"), en->size, &from, &to) : 1;
    if (http_etag_in(http_header(r, "if-none-match"), etag)) {
        stop_with(d, 304);
        return;
    }
    if (ranged < 0) {
        unsatisfiable(d, en->size);
        return;
    }
    if (!ranged) {
        (void)snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)from,
                       (unsigned long long)to - 1, (unsigned long long)en->size);
        http_set_header(r, "content-range", range);
    }
    http_stream_length(r, to - from);
    d->begun = true;
    if (!http_stream_begin(r, ranged ? 200 : 206, HTTP_BYTES, bytes_type, &ops))
        download_free(d);
}

static void on_data(struct file_reader *f, const void *p, size_t n)
{
    struct download *d = container_of(f, struct download, f);
    if (!d->begun) { // a tar stream has no entry first
        d->begun = true;
        if (!http_stream_begin(d->r, 200, HTTP_BYTES, "application/x-tar", &ops)) {
            download_free(d);
            return;
        }
    }
    http_stream_write(d->r, p, n);
    if (http_stream_full(d->r))
        core_file_pause(f);
}

static void on_end(struct file_reader *f, const struct err *e)
{
    struct download *d = container_of(f, struct download, f);
    struct http_req *r = d->r;
    bool begun = d->begun, tar = d->tar;
    d->running = false;
    download_free(d);
    if (e->code && begun)
        http_stream_cut(r); // what came is not whole, and the client must see that
    else if (e->code)
        v1_err(r, e);
    else if (begun)
        http_stream_end(r);
    else
        http_reply(r, 200, tar ? "application/x-tar" : bytes_type, "", 0);
}

static struct download *download_new(struct http_req *r, const char *path)
{
    struct download *d = xcalloc(1, sizeof(*d));
    d->r = r;
    d->f.path = path && *path ? path : ".";
    d->f.on_entry = on_entry;
    d->f.on_data = on_data;
    d->f.on_end = on_end;
    r->user = d;
    r->on_gone = on_gone;
    return d;
}

static void start(struct download *d, struct workspace *ws)
{
    struct err e;
    struct http_req *r = d->r;
    struct core *c = v1_of(r)->core;
    d->running = true;
    if (!(d->tar ? core_file_tar_out(c, ws, &d->f, &e) : core_file_read(c, ws, &d->f, &e)))
        return;
    d->running = false;
    download_free(d);
    v1_err(r, &e);
}

// One range is handed to the tool before the size is known; on_entry checks it against the size.
static void set_range(struct download *d, const char *header)
{
    unsigned long long from, to;
    char end;
    int n = sscanf(header, "bytes=%20llu-%20llu%c", &from, &to, &end);
    if (n == 1 && header[strlen(header) - 1] == '-') {
        (void)snprintf(d->offset, sizeof(d->offset), "%llu", from);
        (void)snprintf(d->length, sizeof(d->length), "-");
    } else if (n == 2 && to >= from) {
        (void)snprintf(d->offset, sizeof(d->offset), "%llu", from);
        (void)snprintf(d->length, sizeof(d->length), "%llu", to - from + 1);
    } else if (sscanf(header, "bytes=-%20llu%c", &from, &end) == 1) {
        (void)snprintf(d->offset, sizeof(d->offset), "-%llu", from);
        (void)snprintf(d->length, sizeof(d->length), "-");
    }
    if (*d->offset) {
        d->f.range_offset = d->offset;
        d->f.range_length = d->length;
    }
}

static void on_stat(struct waiter *w)
{
    struct download *d =
        container_of(container_of(w, struct file_request, w), struct download, stat);
    struct http_req *r = d->r;
    char etag[TOOL_ETAG_MAX + 2];
    if (w->err.code) {
        struct err e = w->err; // w is in d
        free(d);
        v1_err(r, &e);
        return;
    }
    entry_headers(r, &d->stat.out_entry, etag);
    http_stream_length(r, d->stat.out_entry.type == TOOL_FILE ? d->stat.out_entry.size : 0);
    free(d);
    (void)http_stream_begin(r, 200, HTTP_BYTES, bytes_type, NULL); // HEAD: this is all
}

void v1_files_get(struct http_req *r)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct download *d = download_new(r, r->params[1]);
    if (!r->head) {
        // Whether an If-Range holds is known only when it is too late: all of the file is right.
        if (!*http_header(r, "if-range"))
            set_range(d, http_header(r, "range"));
        start(d, ws);
        return;
    }
    d->stat.path = d->f.path;
    d->stat.w.on_done = on_stat;
    if (core_file_stat(v1_of(r)->core, ws, &d->stat, &e)) {
        free(d);
        v1_err(r, &e);
    }
}

void v1_archive_get(struct http_req *r)
{
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct download *d = download_new(r, http_query(r, "path"));
    d->tar = true;
    start(d, ws);
}
