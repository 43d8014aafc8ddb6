// SPDX-License-Identifier: Apache-2.0
// Paths and routes: pure, on the path as it was sent. The library's own normalised path is not
// used, since there %2f is a slash, %00 ends strings and ".." climbs.
#pragma once
#include <pinfold/http.h>

#define SEGMENTS_MAX 128
struct path {
    char *at[SEGMENTS_MAX]; // decoded, one behind the other with a NUL between
    unsigned n;
};
// Decode the n bytes of a path into dst (n + 1 bytes) and split it. NULL, or what is wrong with it.
const char *path_split(const char *raw, size_t n, char *dst, struct path *ret);
// The same for a query string; dst needs n + 1 bytes.
const char *query_split(const char *raw, size_t n, char *dst, struct http_query *ret,
                        unsigned *ret_n);

struct row {
    const struct http_api *api;
    const struct http_route *route;
    const char *prefix;
    struct piece {
        const char *p; // literal, NULL for {x}
        uint16_t len;
    } pieces[16];
    unsigned n;
    bool tail; // ends with *
};
struct router {
    struct row *rows;
    unsigned n, cap;
};
// Add an API's routes; an error when two of them can match the same request.
int router_add(struct router *t, const struct http_api *api, const char *prefix, struct err *e);
void router_release(struct router *t);

#define CANDIDATES_MAX 8
struct match {
    const struct row *rows[CANDIDATES_MAX]; // equally good ones, at most one of each API
    unsigned n;
    unsigned allow; // bit for each method that has a row for this path
};
void router_find(const struct router *t, enum http_method m, const struct path *p,
                 struct match *ret);
// Fill params from the path; a tail is joined again, in place.
void router_params(const struct row *row, struct path *p, struct http_req *r);
