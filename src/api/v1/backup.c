// SPDX-License-Identifier: Apache-2.0
// The backup as a stream.
#include "routes_int.h"

#include <pinfold/core_backup.h>

struct backing_up {
    struct http_req *r;
    struct backup_reader b;
    bool begun;
};

static void on_gone(struct http_req *r)
{
    struct backing_up *u = r->user;
    bool begun = u->begun;
    core_backup_stop(&u->b);
    free(u);
    if (begun)
        http_stream_end(r);
    else
        http_drop(r);
}

static void on_writable(struct http_req *r)
{
    struct backing_up *u = r->user;
    core_backup_resume(&u->b);
}
static const struct http_stream_ops ops = {.on_writable = on_writable};

static void on_data(struct backup_reader *b, const void *p, size_t n)
{
    struct backing_up *u = container_of(b, struct backing_up, b);
    if (!u->begun) {
        http_set_header(u->r, "content-disposition", "attachment; filename=\"pinfold-backup.tar\"");
        u->begun = true;
        if (!http_stream_begin(u->r, 200, HTTP_BYTES, "application/x-tar", &ops)) {
            core_backup_stop(b);
            free(u);
            return;
        }
    }
    http_stream_write(u->r, p, n);
    if (http_stream_full(u->r))
        core_backup_pause(b);
}

static void on_end(struct backup_reader *b, const struct err *e)
{
    struct backing_up *u = container_of(b, struct backing_up, b);
    struct http_req *r = u->r;
    bool begun = u->begun;
    free(u);
    if (!begun)
        v1_err(r, e); // nothing is sent before something is packed, so this is an error
    else if (e->code)
        http_stream_cut(r); // what came is not whole, and the client must see that
    else
        http_stream_end(r);
}

void v1_system_backup(struct http_req *r)
{
    struct err e;
    struct backing_up *u = xcalloc(1, sizeof(*u));
    *u = (struct backing_up){.r = r, .b = {.on_data = on_data, .on_end = on_end}};
    r->user = u;
    r->on_gone = on_gone;
    if (!core_backup(v1_of(r)->core, &u->b, &e))
        return;
    free(u);
    r->on_gone = NULL;
    v1_err(r, &e);
}
