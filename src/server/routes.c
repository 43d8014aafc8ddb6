// SPDX-License-Identifier: Apache-2.0
// The routes of all APIs as tables for README.md: `pinfold-server --routes`.
#include "server_int.h"

#include <pinfold/api_dialect.h>
#include <pinfold/api_v1.h>
#include <stdio.h>
#include <string.h>

static const char *scope_word(const struct http_route *r)
{
    if (r->flags & HTTP_PUBLIC)
        return "";
    return r->scope & SCOPE_ADMIN ? "admin" : r->scope & SCOPE_EXEC ? "exec" : "read";
}

static const char *method_word(const struct http_route *r)
{
    return r->flags & HTTP_WEBSOCKET ? "WebSocket" : http_method_name(r->method);
}

static void print_table(const char *title, const struct http_route *routes, unsigned n)
{
    (void)printf("**%s**\n\n| method | path | scope | |\n| --- | --- | --- | --- |\n", title);
    for (unsigned i = 0; i < n; i++) {
        size_t len = strlen(routes[i].doc);
        (void)printf("| %s | `%s` | %s | %.*s |\n", method_word(&routes[i]), routes[i].pattern,
                     scope_word(&routes[i]), (int)(len - (routes[i].doc[len - 1] == '.')),
                     routes[i].doc);
    }
}

int print_routes(void)
{
    print_table("pinfold's own API", v1_routes, n_v1_routes);
    for (unsigned i = 0; i < n_dialects; i++) {
        const struct dialect *d = dialect_table[i];
        char title[100];
        (void)snprintf(title, sizeof(title), "the dialect of %s, also beneath `/%s`", d->title,
                       d->name);
        (void)puts("");
        print_table(title, d->routes, d->n_routes);
    }
    return fflush(stdout) ? 1 : 0;
}
