// SPDX-License-Identifier: Apache-2.0
// Who calls: by a token of pinfold; or, where the operator has opened a dialect whose clients have
// none, whoever is on this machine.
#include "dialect_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

static bool is_named(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list ? list : ""; *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        if (strcspn(p, " ") == n && !strncmp(p, name, n))
            return true;
    }
    return false;
}

static bool is_loopback(const char *host)
{
    static const char *const names[] = {"localhost", "127.", "[::1]", "::1"};
    for (size_t i = 0; i < N_ELEMS(names); i++) {
        size_t n = strlen(names[i]);
        bool whole = names[i][n - 1] != '.';
        if (!strncmp(host, names[i], n) && (!whole || !host[n] || host[n] == ':'))
            return whole || host[strspn(host, "0123456789.:")] == '\0';
    }
    return false;
}

// A web page that a person of this machine looks at is not to use it: browsers name another origin,
// or, when a name was made to point here, another host.
static bool is_open(struct http_req *r)
{
    const struct mounted *m = mounted_of(r);
    char peer[64];
    (void)http_peer(r, peer);
    const char *origin = http_header(r, "origin");
    const char *at = strstr(origin, "://");
    return m->dialect->tokenless && is_named(m->all->conf.open, m->dialect->name) &&
           (!strcmp(peer, "local") || is_loopback(peer)) && is_loopback(http_header(r, "host")) &&
           (!*origin || (at && !strcmp(at + 3, http_header(r, "host"))));
}

bool dialect_gate(struct http_req *r)
{
    const struct dialect *d = mounted_of(r)->dialect;
    struct err e;
    if (r->route->flags & HTTP_PUBLIC)
        return true;
    const char *text = http_token(r);
    if (!*text && is_open(r)) {
        r->scope = SCOPE_EXEC | SCOPE_READ;
        (void)snprintf(r->who_id, sizeof(r->who_id), "%s", d->name);
        return true;
    }
    struct token *t = *text ? core_token_verify(dialect_core(r), text, strlen(text), &e) : NULL;
    if (!t) {
        http_set_header(r, "www-authenticate", "Bearer");
        dialect_error(r, 401, "%s", *text ? d->bad_token : d->no_token);
        return false;
    }
    r->scope = t->scopes;
    (void)snprintf(r->who_id, sizeof(r->who_id), "%s", t->id);
    if (r->route->scope & ~t->scopes) {
        dialect_error(r, 403, "This token may not do that");
        return false;
    }
    if (!core_token_within_rate(dialect_core(r), t)) {
        dialect_error(r, 429, "Too many requests in a second (requests_per_second is %u)",
                      core_conf(dialect_core(r))->requests_per_second);
        return false;
    }
    return true;
}
