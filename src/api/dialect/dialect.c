// SPDX-License-Identifier: Apache-2.0
// Dialects: mounted twice each, and which of them a request is for.
#include "dialect_int.h"

#include <pinfold/http_server.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

static void refuse(struct http_req *r, const struct http_refusal *why)
{
    if (why->limit)
        dialect_error(r, why->status, "%s (%s is %llu)", why->detail, why->limit,
                      (unsigned long long)why->limit_value);
    else
        dialect_error(r, why->status, "%s", why->detail);
}

static bool claims(struct http_req *r)
{
    const struct mounted *m = mounted_of(r);
    int host = dialects_by_host(m->all, r, m->dialect->name);
    return host < 0 ? m->dialect->claims && m->dialect->claims(r) : host;
}

struct dialects *dialects_new(const struct dialects_conf *conf, const struct dialect *const *table,
                              unsigned n)
{
    struct dialects *d = xcalloc(1, sizeof(*d) + n * sizeof(d->at[0]));
    d->conf = *conf;
    d->n = n;
    list_init(&d->calls);
    for (unsigned i = 0; i < n; i++) {
        struct mounted *m = &d->at[i];
        m->dialect = table[i];
        m->all = d;
        (void)snprintf(m->prefix, sizeof(m->prefix), "/%s", table[i]->name);
        m->root = (struct http_api){
            .name = table[i]->name,
            .base = table[i]->base,
            .routes = table[i]->routes,
            .n_routes = table[i]->n_routes,
            .arg = m,
            .gate = table[i]->gate ? table[i]->gate : dialect_gate,
            .refuse = refuse,
            .claims = claims,
        };
        m->prefixed = m->root;
        m->prefixed.base = m->prefix;
        m->state = table[i]->begin ? table[i]->begin(&d->conf) : NULL;
        if (table[i]->hooks)
            core_hook_style_add(conf->core, table[i]->hooks);
    }
    return d;
}

// Every word of a setting has the name of a dialect, behind a "=" where there is one.
static int check_names(const struct dialects *d, const char *list, bool tokenless, struct err *e)
{
    for (const char *p = list ? list : ""; *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        size_t len = strcspn(p, " "), at = tokenless ? 0 : strcspn(p, "=") + 1;
        bool found = !len;
        for (unsigned i = 0; i < d->n && at < len; i++)
            found |= strlen(d->at[i].dialect->name) == len - at &&
                     !strncmp(d->at[i].dialect->name, p + at, len - at) &&
                     (!tokenless || d->at[i].dialect->tokenless);
        if (!found)
            return err_set(e, ERR_BAD_REQUEST, "%s= has '%.*s', which is no dialect%s",
                           tokenless ? "OpenDialects" : "DialectHosts", (int)(len < 60 ? len : 60),
                           p, tokenless ? " whose clients have no tokens" : "");
    }
    return 0;
}

int dialects_mount(struct dialects *d, struct http_server *server, struct err *e)
{
    if (check_names(d, d->conf.hosts, false, e) || check_names(d, d->conf.open, true, e))
        return -1;
    for (unsigned i = 0; i < d->n; i++)
        if (http_server_mount(server, &d->at[i].root, "", e) ||
            http_server_mount(server, &d->at[i].prefixed, d->at[i].prefix, e))
            return -1;
    return 0;
}

void dialects_free(struct dialects *d)
{
    if (!d)
        return;
    // Those whose client left but whose answer was to be kept for a repetition.
    list_for_safe (it, &d->calls) {
        struct dialect_call *c = container_of(it, struct dialect_call, link);
        waiter_cancel(&c->w);
        waiter_cancel(&c->idem.w);
        http_drop(c->r);
        dialect_call_free(c);
    }
    for (unsigned i = 0; i < d->n; i++)
        if (d->at[i].dialect->end)
            d->at[i].dialect->end(d->at[i].state);
    free(d);
}

// An entry of "HOST=NAME HOST:PORT=NAME" that a request's Host is: with its port, which names a
// listener, or whatever its port is.
int dialects_by_host(const struct dialects *d, struct http_req *r, const char *name)
{
    const char *host = http_header(r, "host");
    const char *colon = strrchr(host, ':');
    size_t all = strlen(host), n = colon && !strchr(colon, ']') ? (size_t)(colon - host) : all;
    for (const char *p = d->conf.hosts ? d->conf.hosts : ""; *p;) {
        p += strspn(p, " ");
        size_t len = strcspn(p, " "), at = strcspn(p, "=");
        if (at && (at == n || at == all) && at < len && !strncasecmp(p, host, at))
            return len - at - 1 == strlen(name) && !strncmp(p + at + 1, name, len - at - 1);
        p += len;
    }
    return -1;
}
