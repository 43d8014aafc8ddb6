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
const struct json_table v1_build_table = {"BuildBody", build_fields, 1, sizeof(struct build_body),
                                          -1};

// --- starting -------------------------------------------------------------------------------

static void show_build(struct call *c, const struct build *b)
{
    bool over = b->status != BUILD_QUEUED && b->status != BUILD_RUNNING;
    memcpy(c->id, b->id, sizeof(c->id));
    c->location = "/v1/builds/";
    v1_call_show(c, over && c->wait_ms ? 200 : 202, &v1_build_shape, b);
}

static void on_waited(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        show_build(c, w->result);
}

static void on_started(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    struct build *b = w->result;
    struct err e;
    if (w->err.code) {
        v1_call_err(c, &w->err);
    } else if (c->wait_ms) {
        c->w.on_done = on_waited;
        (void)v1_call_started(c, core_build_wait(c->v->core, b, c->wait_ms, &c->w, &e), &e);
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
    bool image = c->r->route->handle == v1_images_build;
    struct workspace *ws = NULL;
    if (v1_param_wait(c->r, &c->wait_ms) || v1_read_body(c->r, &v1_build_table, &pool, &b) ||
        (!image && !(ws = v1_find_workspace(c->r)))) {
        v1_call_refused(c);
        return;
    }
    c->w.on_done = on_started;
    int bad = image ? core_image_build(c->v->core, c->r->params[0], b.rebuild, &c->w, &e)
                    : core_build_start(c->v->core, ws, b.rebuild, &c->w, &e);
    (void)v1_call_started(c, bad, &e);
}

void v1_workspaces_build(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), start);
}

void v1_images_build(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), start);
}

// --- looking --------------------------------------------------------------------------------

static void on_looked(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, 200, &v1_build_shape, w->result);
}

static void get(struct http_req *r, struct build *b)
{
    struct err e;
    uint64_t wait_ms;
    if (v1_param_wait(r, &wait_ms))
        return;
    if (!wait_ms || (b->status != BUILD_QUEUED && b->status != BUILD_RUNNING)) {
        v1_answer_show(r, 200, &v1_build_shape, b);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_looked;
    (void)v1_call_started(c, core_build_wait(c->v->core, b, wait_ms, &c->w, &e), &e);
}

void v1_builds_get(struct http_req *r)
{
    struct build *b = v1_find_build(r);
    if (b)
        get(r, b);
}

void v1_workspaces_build_get(struct http_req *r)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
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

void v1_builds_list(struct http_req *r)
{
    struct page page;
    struct build *all[PAGE_MAX];
    struct err e;
    const char *in = http_query(r, "workspace");
    struct v1 *v = v1_of(r);
    const struct workspace *ws = in ? core_workspace_find(v->core, in, &e) : NULL;
    if (in && !ws) {
        v1_err(r, &e);
        return;
    }
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_build_list(v->core, ws ? ws->id : "", page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_build_shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_builds_cancel(struct http_req *r)
{
    struct err e;
    struct build *b = v1_find_build(r);
    if (!b)
        return;
    if (core_build_cancel(v1_of(r)->core, b, &e))
        v1_err(r, &e);
    else
        http_reply_empty(r, 204);
}

// --- images ---------------------------------------------------------------------------------

void v1_images_list(struct http_req *r)
{
    struct v1 *v = v1_of(r);
    struct answer a;
    struct image_info info;
    v1_page_begin(&a);
    for (unsigned i = 0; i < core_n_images(v->core); i++) {
        core_image_at(v->core, i, &info);
        json_show(&a.o, NULL, &v1_image_shape, &info);
    }
    v1_page_send(r, &a, NULL);
}

void v1_images_get(struct http_req *r)
{
    struct err e;
    struct image_info info;
    if (core_image_find(v1_of(r)->core, r->params[0], &info, &e))
        v1_err(r, &e);
    else
        v1_answer_show(r, 200, &v1_image_shape, &info);
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
const struct json_table v1_fetch_table = {"FetchBody", fetch_fields, N_ELEMS(fetch_fields),
                                          sizeof(struct fetch_body), -1};

static void on_fetched(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct repository *repo = w->result;
    if (w->err.code) {
        v1_call_err(c, &w->err);
        return;
    }
    memcpy(c->id, repo->id, sizeof(c->id));
    c->location = "/v1/repositories/";
    v1_call_show(c, 200, &v1_repository_shape, repo);
}

static void on_changed(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, 200, &v1_repository_shape, w->result);
}

void v1_repositories_fetch(struct http_req *r)
{
    struct err e;
    struct fetch_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (v1_read_body(r, &v1_fetch_table, &pool, &b))
        return;
    struct repo_spec spec = {.url = b.url, .user = b.username, .password = b.password};
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_fetched;
    (void)v1_call_started(c, core_repo_fetch(c->v->core, &spec, &c->w, &e), &e);
}

void v1_repositories_list(struct http_req *r)
{
    struct page page;
    struct repository *all[PAGE_MAX];
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_repo_list(v1_of(r)->core, page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_repository_shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_repositories_get(struct http_req *r)
{
    struct err e;
    struct repository *repo = core_repo_find(v1_of(r)->core, r->params[0], &e);
    if (repo)
        v1_answer_show(r, 200, &v1_repository_shape, repo);
    else
        v1_err(r, &e);
}

struct repo_network {
    uint64_t given;
    struct json_strings allow;
};
static const struct json_field repo_network_fields[] = {
    JSON_FIELD(struct repo_network, allow, JSON_STRINGS, .flags = JSON_REQUIRED, .max = 256,
               .item_max = 300, .doc = "as a workspace's; @git has its own server"),
};
static const struct json_table repo_network_table = {
    "RepositoryNetworkBody", repo_network_fields, N_ELEMS(repo_network_fields),
    sizeof(struct repo_network), offsetof(struct repo_network, given)};
struct repo_body {
    uint64_t given;
    struct repo_network network;
};
static const struct json_field repo_fields[] = {
    JSON_FIELD(struct repo_body, network, JSON_OBJECT, .sub = &repo_network_table,
               .doc = "what its workspaces may reach at most; null: no such list"),
};
const struct json_table v1_repository_body_table = {"RepositoryBody", repo_fields,
                                                    N_ELEMS(repo_fields), sizeof(struct repo_body),
                                                    offsetof(struct repo_body, given)};

void v1_repositories_patch(struct http_req *r)
{
    struct err e;
    struct repo_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (v1_read_body(r, &v1_repository_body_table, &pool, &b))
        return;
    struct repository *repo = core_repo_find(v1_of(r)->core, r->params[0], &e);
    if (!repo) {
        v1_err(r, &e);
        return;
    }
    if (!b.given) {
        v1_answer_show(r, 200, &v1_repository_shape, repo);
        return;
    }
    const char *const *allow = b.network.given ? v1_strings(&b.network.allow, &pool) : NULL;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_changed;
    (void)v1_call_started(c, core_repo_network(c->v->core, repo, allow, &c->w, &e), &e);
}

void v1_repositories_delete(struct http_req *r)
{
    struct err e;
    struct repository *repo = core_repo_find(v1_of(r)->core, r->params[0], &e);
    if (!repo) {
        v1_err(r, &e);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    (void)v1_call_started(c, core_repo_delete(c->v->core, repo, &c->w, &e), &e);
}
