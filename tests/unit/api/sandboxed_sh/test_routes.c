// SPDX-License-Identifier: Apache-2.0
// The table of routes: what is documented is there, once, and guarded.
#include "../../../../src/api/sandboxed_sh/sandboxed_sh_int.h"

#include <tap.h>

static const struct {
    enum http_method method;
    const char *path;
} documented[] = {
    {HTTP_POST, "/api/auth/login"},
    {HTTP_GET, "/api/auth/verify"},
    {HTTP_GET, "/api/health"},
    {HTTP_GET, "/api/stats"},
    {HTTP_GET, "/api/workspaces"},
    {HTTP_POST, "/api/workspaces"},
    {HTTP_GET, "/api/workspaces/{id}"},
    {HTTP_PUT, "/api/workspaces/{id}"},
    {HTTP_DELETE, "/api/workspaces/{id}"},
    {HTTP_POST, "/api/workspaces/{id}/build"},
    {HTTP_POST, "/api/workspaces/{id}/exec"},
    {HTTP_POST, "/api/workspaces/{id}/sync"},
    {HTTP_GET, "/api/workspaces/{id}/debug"},
    {HTTP_GET, "/api/workspaces/{id}/init-log"},
    {HTTP_POST, "/api/workspaces/{id}/rerun-init"},
    {HTTP_GET, "/api/control/missions"},
    {HTTP_POST, "/api/control/missions"},
    {HTTP_GET, "/api/control/missions/{id}"},
    {HTTP_DELETE, "/api/control/missions/{id}"},
    {HTTP_POST, "/api/control/missions/{id}/load"},
    {HTTP_POST, "/api/control/missions/{id}/cancel"},
    {HTTP_POST, "/api/control/missions/{id}/status"},
    {HTTP_POST, "/api/control/missions/{id}/resume"},
    {HTTP_GET, "/api/control/missions/{id}/events"},
    {HTTP_POST, "/api/control/message"},
    {HTTP_POST, "/api/control/cancel"},
    {HTTP_GET, "/api/control/stream"},
    {HTTP_GET, "/api/control/tree"},
    {HTTP_GET, "/api/providers"},
    {HTTP_POST, "/api/providers/{id}/auth"},
    {HTTP_DELETE, "/api/providers/{id}/auth"},
};

static int times_there(enum http_method m, const char *path)
{
    int n = 0;
    for (unsigned i = 0; i < sandboxed_sh_dialect.n_routes; i++)
        n += sandboxed_sh_dialect.routes[i].method == m &&
             !strcmp(sandboxed_sh_dialect.routes[i].pattern, path);
    return n;
}

int main(void)
{
    for (size_t i = 0; i < sizeof(documented) / sizeof(*documented); i++)
        is_int(times_there(documented[i].method, documented[i].path), 1, "%s %s",
               http_method_name(documented[i].method), documented[i].path);
    for (unsigned i = 0; i < sandboxed_sh_dialect.n_routes; i++) {
        const struct http_route *r = &sandboxed_sh_dialect.routes[i];
        bool open = r->flags & HTTP_PUBLIC;
        ok(r->handle && r->doc && *r->doc, "%s: has a handler and a sentence", r->pattern);
        ok(open == !r->scope, "%s: is public or needs a scope", r->pattern);
        bool may = !strcmp(r->pattern, "/api/health") || !strcmp(r->pattern, "/api/auth/login");
        ok(open == may, "%s: only health and login are public", r->pattern);
        bool reads = r->method == HTTP_GET;
        ok(open || reads == (r->scope == SCOPE_READ), "%s: only reading needs just read",
           r->pattern);
    }
    return done_testing();
}
