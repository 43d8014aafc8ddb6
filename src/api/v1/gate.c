// SPDX-License-Identifier: Apache-2.0
// The gate that every request passes: credential, scope, rate.
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <stdio.h>
#include <string.h>

static void refuse(struct http_req *r, int status, const char *code, const char *detail)
{
    v1_refuse(r, &(struct http_refusal){status, code, detail, NULL, 0});
}

// A tool's own, out of its sandbox: good for the routes of its run that are made for it.
static bool run_token_ok(struct http_req *r, const char *text)
{
    struct err e;
    bool inside = r->route->flags & HTTP_INSIDE && r->n_params &&
                  !strncmp(text, RUN_TOKEN_PREFIX, sizeof(RUN_TOKEN_PREFIX) - 1);
    const struct run *run = inside ? core_run_find(v1_of(r)->core, r->params[0], &e) : NULL;
    return run && core_run_token_ok(v1_of(r)->core, run, text);
}

bool v1_gate(struct http_req *r)
{
    struct err e;
    struct v1 *v = v1_of(r);
    if (r->route->flags & HTTP_PUBLIC)
        return true;
    const char *text = http_token(r);
    if (run_token_ok(r, text))
        return true;
    struct token *t = *text ? core_token_verify(v->core, text, strlen(text), &e) : NULL;
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
    if (!core_token_within_rate(v->core, t)) {
        http_set_header(r, "retry-after", "1");
        v1_refuse(r, &(struct http_refusal){429, "rate_limited", "too many requests in a second",
                                            "requests_per_second",
                                            core_conf(v->core)->requests_per_second});
        return false;
    }
    return true;
}
