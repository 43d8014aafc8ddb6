// SPDX-License-Identifier: Apache-2.0
// Building a container's root: perhaps another distribution first, then the build.
#include "sandboxed_sh_int.h"

#include <pinfold/core_build.h>
#include <pinfold/own.h>
#include <string.h>

struct body {
    const char *distro;
    bool rebuild;
};
static const struct json_field fields[] = {
    JSON_FIELD(struct body, distro, JSON_STRING, .max = 64),
    JSON_FIELD(struct body, rebuild, JSON_BOOL),
};
static const struct json_table table = {"BuildRequest", fields, 2, sizeof(struct body), -1};

struct build_call {
    struct dialect_call call;
    bool rebuild;
};

static void on_started(struct waiter *w)
{
    struct build_call *c = container_of(w, struct build_call, call.w);
    if (w->err.code) {
        call_fail(&c->call, &w->err);
        return;
    }
    struct workspace *ws = workspace_again(&c->call);
    if (!ws)
        return;
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    // A build of what is there already may be over by now; it was begun all the same.
    workspace_print(&o, dialect_of(c->call.r), ws, status_word(WS_BUILDING));
    reply_json(c->call.r, &b);
    dialect_call_free(&c->call);
}

static void start(struct build_call *c, struct workspace *ws)
{
    struct err e;
    c->call.w = (struct waiter){.on_done = on_started};
    if (core_build_start(dialect_of(c->call.r)->core, ws, c->rebuild, &c->call.w, &e))
        call_fail(&c->call, &e);
}

static void on_image_set(struct waiter *w)
{
    struct build_call *c = container_of(w, struct build_call, call.w);
    if (w->err.code) {
        call_fail(&c->call, &w->err);
        return;
    }
    struct workspace *ws = workspace_again(&c->call);
    if (ws)
        start(c, ws);
}

static bool refused(struct http_req *r, const struct workspace *ws)
{
    if (!is_container(ws))
        reply_text(r, 400, "Workspace is not a container type");
    else if (ws->status == WS_BUILDING)
        reply_text(r, 409, "Workspace build already in progress");
    else
        return false;
    return true;
}

void on_build(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body body = {0};
    struct err e;
    json_pool_init(&pool);
    struct workspace *ws = workspace_of(r);
    if (!ws || refused(r, ws) || !read_body(r, &table, JSON_EMPTY_OK, &pool, &body))
        return;
    const char *image = body.distro ? distro_image(body.distro) : ws->image;
    if (!image) {
        reply_text(r, 400, "Unknown distro '%s'. Supported: %s", body.distro, distro_list);
        return;
    }
    struct build_call *c = dialect_call_new(r, sizeof(*c), on_image_set);
    c->rebuild = body.rebuild;
    memcpy(c->call.subject, ws->id, ID_MAX);
    struct workspace_patch patch = {.image = image};
    if (!strcmp(image, ws->image))
        start(c, ws);
    else if (core_workspace_patch(dialect_of(c->call.r)->core, ws, &patch, &c->call.w, &e))
        call_fail(&c->call, &e);
}
