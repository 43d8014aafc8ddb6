// SPDX-License-Identifier: Apache-2.0
// The gate that every request passes: credential, scope, rate.
#include "routes_int.h"

#include <pinfold/clock.h>
#include <stdio.h>

struct bucket { // requests of one token: refilled all the time, holds one second's worth
    uint64_t level_us, at_us;
};
#define BUCKETS_MAX 4096

static void empty_buckets(struct v1 *v)
{
    size_t cursor = 0;
    for (struct bucket *b; (b = map_next(v->buckets, &cursor, NULL));)
        free(b);
    map_free(v->buckets);
    v->buckets = map_new();
}

static bool within_rate(struct v1 *v, const char *token)
{
    uint64_t rate = v->conf.requests_per_second, now = clock_mono_ns() / 1000;
    if (!rate)
        return true;
    struct bucket *b = map_get(v->buckets, token);
    if (!b) {
        if (map_count(v->buckets) >= BUCKETS_MAX) // tokens that are no more: begin anew
            empty_buckets(v);
        b = xcalloc(1, sizeof(*b));
        *b = (struct bucket){1000000, now};
        (void)map_put(v->buckets, token, b);
    }
    b->level_us += now - b->at_us;
    b->at_us = now;
    if (b->level_us > 1000000)
        b->level_us = 1000000;
    if (b->level_us < 1000000 / rate)
        return false;
    b->level_us -= 1000000 / rate;
    return true;
}

static void refuse(struct http_req *r, int status, const char *code, const char *detail)
{
    v1_refuse(r, &(struct http_refusal){status, code, detail, NULL, 0});
}

bool v1_gate(struct http_req *r)
{
    struct err e;
    struct v1 *v = v1_of(r);
    if (r->route->flags & HTTP_PUBLIC)
        return true;
    const char *text = http_token(r);
    const struct token *t = *text ? core_token_verify(v->core, text, strlen(text), &e) : NULL;
    if (!t) {
        http_set_header(r, "www-authenticate",
                        *text ? "Bearer realm=\"pinfold\", error=\"invalid_token\""
                              : "Bearer realm=\"pinfold\"");
        refuse(r, 401, "unauthorized",
               *text ? "the token is unknown or has expired"
                     : "a token is needed: Authorization: Bearer TOKEN, or X-API-Key: TOKEN");
        return false;
    }
    (void)snprintf(r->who_id, sizeof(r->who_id), "%s", t->id);
    r->scope = t->scopes;
    if ((t->scopes & r->route->scope) != r->route->scope) {
        char detail[80];
        (void)snprintf(detail, sizeof(detail), "the token lacks the scope %s",
                       token_scope_name((enum token_scope)r->route->scope));
        refuse(r, 403, "insufficient_scope", detail);
        return false;
    }
    if (!within_rate(v, t->id)) {
        http_set_header(r, "retry-after", "1");
        v1_refuse(r, &(struct http_refusal){429, "rate_limited", "too many requests in a second",
                                            "requests_per_second", v->conf.requests_per_second});
        return false;
    }
    return true;
}
