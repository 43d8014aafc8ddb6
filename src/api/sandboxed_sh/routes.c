// SPDX-License-Identifier: Apache-2.0
// The documented paths.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>

#define K 1024
#define ROUTE(m, path, fl, sc, body, fn, text)                                                     \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .flags = fl, .scope = sc, .max_body = body,           \
        .handle = fn, .doc = text                                                                  \
    }
const struct http_route sandboxed_sh_routes[] = {
    ROUTE(POST, "/api/auth/login", HTTP_PUBLIC, 0, 4 * K, on_login,
          "a token for a password, or for a user's name and password"),
    ROUTE(GET, "/api/auth/verify", 0, SCOPE_READ, 0, on_verify,
          "is the token good, and until when"),
    ROUTE(GET, "/api/health", HTTP_PUBLIC, 0, 0, on_health,
          "is the server up, how does one log in"),
    ROUTE(GET, "/api/stats", 0, SCOPE_READ, 0, on_stats,
          "processor, memory, disk and network of the machine; counts of commands"),
    ROUTE(GET, "/api/workspaces", 0, SCOPE_READ, 0, on_list, "all workspaces"),
    ROUTE(POST, "/api/workspaces", 0, SCOPE_EXEC, 1024 * K, on_create, "make a workspace"),
    ROUTE(GET, "/api/workspaces/{id}", 0, SCOPE_READ, 0, on_get, "one workspace"),
    ROUTE(PUT, "/api/workspaces/{id}", 0, SCOPE_EXEC, 1024 * K, on_update,
          "change what the body names"),
    ROUTE(DELETE, "/api/workspaces/{id}", 0, SCOPE_EXEC, 0, on_delete,
          "delete a workspace with all in it"),
    ROUTE(POST, "/api/workspaces/{id}/build", 0, SCOPE_EXEC, 4 * K, on_build,
          "build a container's root in the background"),
    ROUTE(POST, "/api/workspaces/{id}/exec", 0, SCOPE_EXEC, 2048 * K, on_exec,
          "run a command and wait for its end"),
    ROUTE(POST, "/api/workspaces/{id}/sync", 0, SCOPE_EXEC, 4 * K, on_sync,
          "copy skills and tools from the library"),
    ROUTE(GET, "/api/workspaces/{id}/debug", 0, SCOPE_READ, 0, on_debug,
          "what there is of a container"),
    ROUTE(GET, "/api/workspaces/{id}/init-log", 0, SCOPE_READ, 0, on_init_log,
          "the last lines of the init script's output"),
    ROUTE(POST, "/api/workspaces/{id}/rerun-init", 0, SCOPE_EXEC, 4 * K, on_rerun_init,
          "run the init script again without a build"),
};
const unsigned n_sandboxed_sh_routes = N_ELEMS(sandboxed_sh_routes);
