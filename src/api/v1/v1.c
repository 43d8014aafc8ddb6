// SPDX-License-Identifier: Apache-2.0
// The API as an object to mount.
#include "routes_int.h"

static size_t body_limit(size_t kind, const struct v1_conf *conf)
{
    return kind == BODY_JSON ? conf->max_body : kind == BODY_UPLOAD ? conf->max_upload : 0;
}

struct v1 *v1_new(struct core *core, struct loop *loop, const struct v1_conf *conf)
{
    struct v1 *v = xcalloc(1, sizeof(*v));
    v->core = core;
    v->loop = loop;
    v->conf = *conf;
    list_init(&v->calls);
    v->routes = xcalloc(n_v1_routes, sizeof(*v->routes));
    memcpy(v->routes, v1_routes, n_v1_routes * sizeof(*v->routes));
    for (unsigned i = 0; i < n_v1_routes; i++)
        v->routes[i].max_body = body_limit(v1_routes[i].max_body, conf);
    v->api = (struct http_api){
        .name = "v1",
        .base = "/v1",
        .routes = v->routes,
        .n_routes = n_v1_routes,
        .arg = v,
        .gate = v1_gate,
        .refuse = v1_refuse,
    };
    return v;
}

void v1_free(struct v1 *v)
{
    if (!v)
        return;
    // Those whose client left but whose answer was to be kept for a repetition.
    list_for_safe (it, &v->calls) {
        struct call *c = container_of(it, struct call, link);
        waiter_cancel(&c->w);
        waiter_cancel(&c->idem.w);
        http_drop(c->r);
        v1_call_free(c);
    }
    buf_release(&v->openapi);
    free(v->routes);
    free(v);
}

const struct http_api *v1_api(const struct v1 *v)
{
    return &v->api;
}
