// SPDX-License-Identifier: Apache-2.0
// Which route a path is for.
#include "../../../src/http/route_int.h"
#include <pinfold/own.h>
#include <tap.h>

static const struct http_route one[] = {
    {.method = HTTP_GET, .pattern = "/v1/things"},
    {.method = HTTP_POST, .pattern = "/v1/things"},
    {.method = HTTP_GET, .pattern = "/v1/things/{id}"},
    {.method = HTTP_GET, .pattern = "/v1/things/all"},
    {.method = HTTP_DELETE, .pattern = "/v1/things/{id}"},
    {.method = HTTP_GET, .pattern = "/v1/things/{id}/files"},
    {.method = HTTP_GET, .pattern = "/v1/things/{id}/files/*"},
    {.method = HTTP_GET, .pattern = "/"},
};
static const struct http_route two[] = {
    {.method = HTTP_GET, .pattern = "/api/tasks"},
    {.method = HTTP_GET, .pattern = "/api/{x}"},
};
static const struct http_route three[] = {
    {.method = HTTP_GET, .pattern = "/api/tasks"},
    {.method = HTTP_POST, .pattern = "/api/tasks"},
};
static const struct http_route twice[] = {
    {.method = HTTP_GET, .pattern = "/x/{a}"},
    {.method = HTTP_GET, .pattern = "/x/{b}"},
};
static const struct http_api api1 = {.name = "one", .routes = one, .n_routes = N_ELEMS(one)};
static const struct http_api api2 = {.name = "two", .routes = two, .n_routes = N_ELEMS(two)};
static const struct http_api api3 = {.name = "three", .routes = three, .n_routes = N_ELEMS(three)};
static const struct http_api bad = {.name = "bad", .routes = twice, .n_routes = N_ELEMS(twice)};

static struct router t;
static struct match m;
static struct http_req r;

static const char *find(enum http_method method, const char *path)
{
    static char dst[1000];
    struct path p;
    m.n = 0;
    if (path_split(path, strlen(path), dst, &p))
        return "bad path";
    router_find(&t, method, &p, &m);
    if (!m.n)
        return m.allow ? "405" : "404";
    router_params(m.rows[0], &p, &r);
    return m.rows[0]->route->pattern;
}

static void one_api(void)
{
    is_str(find(HTTP_GET, "/v1/things"), "/v1/things", "a literal path");
    is_str(find(HTTP_POST, "/v1/things"), "/v1/things", "by method");
    ok(m.rows[0]->route == &one[1], "the other row");
    is_str(find(HTTP_PUT, "/v1/things"), "405", "a method that has no row");
    is_int(m.allow, 1 << HTTP_GET | 1 << HTTP_HEAD | 1 << HTTP_POST, "what is allowed");
    is_str(find(HTTP_GET, "/v1/things/t_1"), "/v1/things/{id}", "a parameter");
    ok(r.n_params == 1 && !strcmp(r.params[0], "t_1"), "its value");
    is_str(find(HTTP_GET, "/v1/things/all"), "/v1/things/all", "a literal wins over a parameter");
    is_str(find(HTTP_DELETE, "/v1/things/all"), "/v1/things/{id}", "but only with its method");
    is_str(find(HTTP_GET, "/v1/thing"), "404", "a prefix of a literal is none");
    is_str(find(HTTP_GET, "/v1/thingsx"), "404", "nor is a longer one");
    is_str(find(HTTP_GET, "/v1/things/"), "404", "a parameter is not empty");
    is_str(find(HTTP_GET, "/v1"), "404", "a shorter path");
    is_str(find(HTTP_GET, "/"), "/", "the root");
    is_str(find(HTTP_GET, "/v1/things/a/files"), "/v1/things/{id}/files", "no tail");
    is_str(find(HTTP_GET, "/v1/things/a/files/x/y%20z"), "/v1/things/{id}/files/*", "a tail");
    ok(r.n_params == 2 && !strcmp(r.params[1], "x/y z"), "its value is joined");
    find(HTTP_GET, "/v1/things/a/files//etc/hosts");
    is_str(r.params[1], "/etc/hosts", "a second slash makes it absolute");
    find(HTTP_GET, "/v1/things/a/files/dir/");
    is_str(r.params[1], "dir", "a slash at its end is dropped");
    find(HTTP_GET, "/v1/things/a/files/");
    is_str(r.params[1], "", "an empty tail");
}

static void several(void)
{
    struct err e;
    ok(!router_add(&t, &api2, "", &e) && !router_add(&t, &api3, "", &e), "more APIs");
    ok(!router_add(&t, &api3, "/three", &e), "one of them beneath a prefix too");
    is_str(find(HTTP_GET, "/api/tasks"), "/api/tasks", "a path of two APIs");
    is_int(m.n, 2, "both are candidates");
    is_str(find(HTTP_POST, "/api/tasks"), "/api/tasks", "a method of one of them");
    is_int(m.n, 1, "is clear");
    is_str(find(HTTP_GET, "/three/api/tasks"), "/api/tasks", "beneath the prefix");
    ok(m.n == 1 && m.rows[0]->api == &api3, "it is clear too");
    is_str(find(HTTP_GET, "/api/other"), "/api/{x}", "the less exact row of one API");
    ok(router_add(&t, &bad, "", &e) && strstr(e.text, "two routes"),
       "rows that match the same are an error");
}

int main(void)
{
    struct err e;
    ok(!router_add(&t, &api1, "", &e), "routes are added");
    one_api();
    several();
    router_release(&t);
    return done_testing();
}
