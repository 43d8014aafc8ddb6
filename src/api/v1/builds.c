// SPDX-License-Identifier: Apache-2.0
// Builds of workspaces and images, images, repositories.
#include "routes_int.h"

#include <pinfold/core_repo.h>
#include <pinfold/image.h>

struct build_body {
    bool rebuild;
};
static const struct json_field build_fields[] = {
    JSON_FIELD(struct build_body, rebuild, JSON_BOOL, .doc = "throw away what is there first"),
};
const struct json_table build_table = {"BuildBody", build_fields, 1, sizeof(struct build_body), -1};

// --- starting -------------------------------------------------------------------------------

static void show_build(struct call *c, const struct build *b)
{
    bool over = b->status != BUILD_QUEUED && b->status != BUILD_RUNNING;
    memcpy(c->id, b->id, sizeof(c->id));
    c->location = "/v1/builds/";
    call_show(c, over && c->wait_ms ? 200 : 202, &build_shape, b);
}

static void on_waited(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        call_err(c, &w->err);
    else
        show_build(c, w->result);
}

static void on_started(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    struct build *b = w->result;
    struct err e;
    if (w->err.code) {
        call_err(c, &w->err);
    } else if (c->wait_ms) {
        c->w.on_done = on_waited;
        (void)call_started(c, core_build_wait(c->v->core, b, c->wait_ms, &c->w, &e), &e);
    } else {
        show_build(c, b);
    }
}

static void start(struct call *c)
{
    struct err e;
    struct build_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    bool image = c->r->route->handle == images_build;
    struct workspace *ws = NULL;
    if (param_wait(c->r, &c->wait_ms) || read_body(c->r, &build_table, &pool, &b) ||
        (!image && !(ws = find_workspace(c->r)))) {
        call_refused(c);
        return;
    }
    c->w.on_done = on_started;
    int bad = image ? core_image_build(c->v->core, c->r->params[0], b.rebuild, &c->w, &e)
                    : core_build_start(c->v->core, ws, b.rebuild, &c->w, &e);
    (void)call_started(c, bad, &e);
}

void workspaces_build(struct http_req *r)
{
    call_begin(call_new(r, sizeof(struct call)), start);
}

void images_build(struct http_req *r)
{
    call_begin(call_new(r, sizeof(struct call)), start);
}

// --- looking --------------------------------------------------------------------------------

static void on_looked(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        call_err(c, &w->err);
    else
        call_show(c, 200, &build_shape, w->result);
}

static void get(struct http_req *r, struct build *b)
{
    struct err e;
    uint64_t wait_ms;
    if (param_wait(r, &wait_ms))
        return;
    if (!wait_ms || (b->status != BUILD_QUEUED && b->status != BUILD_RUNNING)) {
        answer_show(r, 200, &build_shape, b);
        return;
    }
    struct call *c = call_new(r, sizeof(*c));
    c->w.on_done = on_looked;
    (void)call_started(c, core_build_wait(c->v->core, b, wait_ms, &c->w, &e), &e);
}

void builds_get(struct http_req *r)
{
    struct build *b = find_build(r);
    if (b)
        get(r, b);
}

void workspaces_build_get(struct http_req *r)
{
    struct err e;
    struct workspace *ws = find_workspace(r);
    if (!ws)
        return;
    struct build *b = *ws->build ? core_build_find(v1_of(r)->core, ws->build, &e) : NULL;
    if (!*ws->build)
        err_set(&e, ERR_NOT_FOUND, "workspace %s has not been built", ws->name);
    if (b)
        get(r, b);
    else
        v1_err(r, &e);
}

void builds_list(struct http_req *r)
{
    struct page page;
    struct build *all[PAGE_MAX];
    bool more;
    char cursor[CURSOR_MAX];
    struct answer a;
    struct err e;
    const char *in = http_query(r, "workspace");
    struct v1 *v = v1_of(r);
    const struct workspace *ws = in ? core_workspace_find(v->core, in, &e) : NULL;
    if (in && !ws) {
        v1_err(r, &e);
        return;
    }
    if (page_parse(r, &page))
        return;
    size_t n = core_build_list(v->core, ws ? ws->id : "", page.after, all, page.limit, &more);
    page_begin(&a);
    for (size_t i = 0; i < n; i++)
        json_show(&a.o, NULL, &build_shape, all[i]);
    page_send(r, &a, more ? core_cursor(all[n - 1]->id, all[n - 1]->created_ms, cursor) : NULL);
}

void builds_cancel(struct http_req *r)
{
    struct err e;
    struct build *b = find_build(r);
    if (!b)
        return;
    if (core_build_cancel(v1_of(r)->core, b, &e))
        v1_err(r, &e);
    else
        http_reply_empty(r, 204);
}

// --- images ---------------------------------------------------------------------------------

void images_list(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    struct answer a;
    struct image_info info;
    page_begin(&a);
    for (unsigned i = 0; i < core_n_images(v->core); i++) {
        core_image_at(v->core, i, &info);
        json_show(&a.o, NULL, &image_shape, &info);
    }
    page_send(r, &a, NULL);
}

void images_get(struct http_req *r)
{
    struct err e;
    struct image_info info;
    if (core_image_find(v1_of(r)->core, r->params[0], &info, &e))
        v1_err(r, &e);
    else
        answer_show(r, 200, &image_shape, &info);
}

// --- repositories ---------------------------------------------------------------------------

struct fetch_body {
    const char *url, *username, *password;
};
static const struct json_field fetch_fields[] = {
    JSON_FIELD(struct fetch_body, url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL,
               .min = 1, .max = WS_URL_BYTES - 1),
    JSON_FIELD(struct fetch_body, username, JSON_STRING, .max = 255,
               .doc = "for this fetch only; not kept"),
    JSON_FIELD(struct fetch_body, password, JSON_STRING, .max = 4096),
};
const struct json_table fetch_table = {"FetchBody", fetch_fields, N_ELEMS(fetch_fields),
                                       sizeof(struct fetch_body), -1};

static void on_fetched(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct repository *repo = w->result;
    if (w->err.code) {
        call_err(c, &w->err);
        return;
    }
    memcpy(c->id, repo->id, sizeof(c->id));
    c->location = "/v1/repositories/";
    call_show(c, 200, &repository_shape, repo);
}

void repositories_fetch(struct http_req *r)
{
    struct err e;
    struct fetch_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (read_body(r, &fetch_table, &pool, &b))
        return;
    struct repo_spec spec = {.url = b.url, .user = b.username, .password = b.password};
    struct call *c = call_new(r, sizeof(*c));
    c->w.on_done = on_fetched;
    (void)call_started(c, core_repo_fetch(c->v->core, &spec, &c->w, &e), &e);
}

void repositories_list(struct http_req *r)
{
    struct page page;
    struct repository *all[PAGE_MAX];
    bool more;
    char cursor[CURSOR_MAX];
    struct answer a;
    if (page_parse(r, &page))
        return;
    size_t n = core_repo_list(v1_of(r)->core, page.after, all, page.limit, &more);
    page_begin(&a);
    for (size_t i = 0; i < n; i++)
        json_show(&a.o, NULL, &repository_shape, all[i]);
    page_send(r, &a, more ? core_cursor(all[n - 1]->id, all[n - 1]->created_ms, cursor) : NULL);
}

void repositories_get(struct http_req *r)
{
    struct err e;
    struct repository *repo = core_repo_find(v1_of(r)->core, r->params[0], &e);
    if (repo)
        answer_show(r, 200, &repository_shape, repo);
    else
        v1_err(r, &e);
}

static void on_deleted(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        call_err(c, &w->err);
    else
        call_empty(c, 204);
}

void repositories_delete(struct http_req *r)
{
    struct err e;
    struct repository *repo = core_repo_find(v1_of(r)->core, r->params[0], &e);
    if (!repo) {
        v1_err(r, &e);
        return;
    }
    struct call *c = call_new(r, sizeof(*c));
    c->w.on_done = on_deleted;
    (void)call_started(c, core_repo_delete(c->v->core, repo, &c->w, &e), &e);
}
