// SPDX-License-Identifier: Apache-2.0
// The request line, against a table of routes; and the header fields that have a grammar of their
// own. The first byte says which.
#include "../../src/http/route_int.h"

#include <pinfold/own.h>
#include <stdint.h>
#include <string.h>

static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/v1/things"},
    {.method = HTTP_POST, .pattern = "/v1/things"},
    {.method = HTTP_GET, .pattern = "/v1/things/{id}"},
    {.method = HTTP_GET, .pattern = "/v1/things/{id}/files/*"},
    {.method = HTTP_PUT, .pattern = "/v1/things/{id}/parts/{part}"},
};
static const struct http_api api = {
    .name = "v1", .base = "/v1", .routes = routes, .n_routes = N_ELEMS(routes)};

static void check_path(const char *raw, size_t n)
{
    static struct router router;
    struct err e;
    struct path p;
    struct match m;
    own_free char *room = xmalloc(n + 1);
    if (!router.n && router_add(&router, &api, "", &e))
        abort();
    if (path_split(raw, n, room, &p))
        return;
    for (unsigned i = 0; i < p.n; i++)
        if (strchr(p.at[i], '/') || !strcmp(p.at[i], ".."))
            abort();
    router_find(&router, HTTP_GET, &p, &m);
    for (unsigned i = 0; i < m.n && i < 1; i++) { // joining a tail changes the path
        struct http_req r = {0};
        router_params(m.rows[i], &p, &r);
        for (unsigned k = 0; k < r.n_params; k++)
            if (strlen(r.params[k]) > n)
                abort();
    }
}

static void check_query(const char *raw, size_t n)
{
    struct http_query q[HTTP_QUERY_MAX];
    unsigned n_q;
    own_free char *room = xmalloc(n + 1);
    size_t total = 0;
    if (query_split(raw, n, room, q, &n_q))
        return;
    for (unsigned i = 0; i < n_q; i++)
        total += strlen(q[i].name) + strlen(q[i].value);
    if (n_q > HTTP_QUERY_MAX || total > n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json", "text/event-stream", NULL};
    uint64_t from, to;
    if (size < 2)
        return 0;
    own_free char *text = xmemdup0(data + 2, size - 2);
    switch (data[0] % 5) {
    case 0:
        check_path(text, size - 2);
        break;
    case 1:
        check_query(text, size - 2);
        break;
    case 2:
        (void)http_etag_in(text, "\"abc\"");
        break;
    case 3:
        if (!http_range(text, data[1], &from, &to) && (from >= to || to > data[1]))
            abort();
        break;
    default:
        if (http_accepts(text, types) > 1)
            abort();
        break;
    }
    return 0;
}
