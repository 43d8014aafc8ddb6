// SPDX-License-Identifier: Apache-2.0
// pinfold's own API, /v1: the verbs of core as HTTP routes. One per process.
#pragma once
#include <pinfold/http.h>

struct core;
struct loop;
struct http_counters;

struct v1_conf {
    uint64_t max_body;   // bytes of a JSON body
    uint64_t max_upload; // bytes of a file, an archive or standard input in one request
    uint64_t max_wait_ms;
    uint64_t max_streams; // answers that stream at a time, over all clients
    const char *version;
    const struct http_counters *counters; // of the server it is mounted on
    // Told of errors that are ours, whose text is not shown to clients; may be NULL.
    void (*on_internal)(void *arg, const char *request_id, const struct err *e);
    void *arg;
};

struct v1;
// core, loop and what conf points to are borrowed for its life.
struct v1 *v1_new(struct core *core, struct loop *loop, const struct v1_conf *conf);
void v1_free(struct v1 *v);
const struct http_api *v1_api(const struct v1 *v); // to mount

extern const struct http_route v1_routes[];
extern const unsigned n_v1_routes;
