// SPDX-License-Identifier: Apache-2.0
// The room's own parts.
#pragma once
#include <pinfold/api_dialect.h>

struct mounted {
    const struct dialect *dialect;
    struct dialects *all;
    struct http_api root, prefixed;
    char prefix[40];
    void *state;
};
struct dialects {
    struct dialects_conf conf;
    struct list calls; // struct dialect_call: those that wait
    unsigned n;
    struct mounted at[];
};
static inline const struct mounted *mounted_of(const struct http_req *r)
{
    return r->api->arg;
}
bool dialect_gate(struct http_req *r);
