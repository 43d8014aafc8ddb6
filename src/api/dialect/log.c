// SPDX-License-Identifier: Apache-2.0
// What a run has printed: the kept output of each turn's command, one after another.
#include "dialect_int.h"

#include <pinfold/http_stream.h>
#include <pinfold/own.h>
#include <string.h>

#define READ_MAX (1024 * 1024)

struct log {
    struct http_req *r;
    struct output_read o;
    unsigned at, n; // of the turns
    char (*execs)[ID_MAX];
};

static void log_free(struct log *l)
{
    waiter_cancel(&l->o.w);
    free(l->execs);
    free(l);
}

// The next piece, of this turn or one behind it; what has no output is passed over.
static void read_on(struct log *l)
{
    struct core *core = dialect_core(l->r);
    struct err e;
    for (; l->at < l->n; l->at++, l->o.offset = 0) {
        struct exec *x = core_exec_find(core, l->execs[l->at], &e);
        if (x && !core_exec_read(core, x, &l->o, &e))
            return;
    }
    http_stream_end(l->r);
    log_free(l);
}

static void on_read(struct waiter *w)
{
    struct log *l = container_of(container_of(w, struct output_read, w), struct log, o);
    if (w->err.code) {
        http_stream_cut(l->r);
        log_free(l);
        return;
    }
    if (l->o.len)
        http_stream_write(l->r, l->o.data, l->o.len);
    l->o.offset += l->o.len;
    if (!l->o.len || l->o.offset >= l->o.kept_end) {
        l->at++;
        l->o.offset = 0;
    }
    if (!http_stream_full(l->r))
        read_on(l);
}

static void on_gone(struct http_req *r)
{
    http_stream_end(r);
    log_free(r->user);
}

static void on_writable(struct http_req *r)
{
    struct log *l = r->user;
    if (!waiter_pending(&l->o.w))
        read_on(l);
}
static const struct http_stream_ops ops = {.on_writable = on_writable};

void dialect_log(struct http_req *r, const struct run *run)
{
    if (dialect_streams_exhausted(r))
        return;
    struct log *l = xcalloc(1, sizeof(*l));
    l->r = r;
    l->o = (struct output_read){.w.on_done = on_read, .max = READ_MAX};
    l->execs = xcalloc(run->turn + 1, sizeof(l->execs[0]));
    for (const char *const *t = run->turns; t && *t && l->n < run->turn; t++)
        if (strlen(*t) < ID_MAX)
            memcpy(l->execs[l->n++], *t, strlen(*t) + 1);
    memcpy(l->execs[l->n++], run->exec, ID_MAX);
    r->user = l;
    r->on_gone = on_gone;
    if (http_stream_begin(r, 200, HTTP_BYTES, "text/plain; charset=utf-8", &ops))
        read_on(l);
    else
        log_free(l);
}
