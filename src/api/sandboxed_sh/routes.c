// SPDX-License-Identifier: Apache-2.0
// The documented paths, and what the dialect remembers.
#include "sandboxed_sh_int.h"

#include <pinfold/crypt.h>
#include <pinfold/own.h>

#define K 1024
#define ROUTE(m, path, fl, sc, body, fn, text)                                                     \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .flags = fl, .scope = sc, .max_body = body,           \
        .handle = fn, .doc = text                                                                  \
    }
static const struct http_route routes[] = {
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
    ROUTE(GET, "/api/control/missions", 0, SCOPE_READ, 0, on_missions,
          "missions, what changed last first"),
    ROUTE(POST, "/api/control/missions", 0, SCOPE_EXEC, 64 * K, on_mission_create,
          "make a mission"),
    ROUTE(GET, "/api/control/missions/{id}", 0, SCOPE_READ, 0, on_mission_get, "one mission"),
    ROUTE(DELETE, "/api/control/missions/{id}", 0, SCOPE_EXEC, 0, on_mission_delete,
          "delete a mission that does not run"),
    ROUTE(POST, "/api/control/missions/{id}/load", 0, SCOPE_EXEC, 4 * K, on_mission_load,
          "messages are for this one from now on"),
    ROUTE(POST, "/api/control/missions/{id}/cancel", 0, SCOPE_EXEC, 4 * K, on_mission_cancel,
          "end what runs of a mission"),
    ROUTE(POST, "/api/control/missions/{id}/status", 0, SCOPE_EXEC, 4 * K, on_mission_status,
          "say what has become of it"),
    ROUTE(POST, "/api/control/missions/{id}/resume", 0, SCOPE_EXEC, 4 * K, on_mission_resume,
          "go on with one that was interrupted or failed"),
    ROUTE(GET, "/api/control/missions/{id}/events", HTTP_STREAM, SCOPE_READ, 0, on_mission_events,
          "what has happened in it"),
    ROUTE(POST, "/api/control/message", 0, SCOPE_EXEC, 512 * K, on_message,
          "say something in a mission: it begins, goes on, or hears it next"),
    ROUTE(POST, "/api/control/cancel", 0, SCOPE_EXEC, 4 * K, on_cancel,
          "end what runs of the loaded mission"),
    ROUTE(GET, "/api/control/stream", HTTP_STREAM, SCOPE_READ, 0, on_control_stream,
          "what happens in all missions, as SSE"),
    ROUTE(GET, "/api/control/tree", 0, SCOPE_READ, 0, on_tree,
          "the loaded mission's agent and its subagents, while it runs"),
    ROUTE(GET, "/api/providers", 0, SCOPE_READ, 0, on_providers,
          "providers of models that are configured"),
    ROUTE(POST, "/api/providers/{id}/auth", 0, SCOPE_ADMIN, 4 * K, on_provider_auth,
          "not yet, 501"),
    ROUTE(DELETE, "/api/providers/{id}/auth", 0, SCOPE_ADMIN, 0, on_provider_unauth,
          "delete a provider and its key"),
};

static void error(struct http_req *r, int status, const char *text)
{
    reply_text(r, status, "%s", text);
}

static bool claims(struct http_req *r)
{
    (void)r;
    return true;
}

static void *begin(const struct dialects_conf *conf)
{
    struct sandboxed_sh *s = xcalloc(1, sizeof(*s));
    s->core = conf->core;
    s->conf = conf;
    core_secret(s->core, "sandboxed_sh login", s->key);
    list_init(&s->default_waiting);
    s->loaded = map_new();
    return s;
}

static void end(void *state)
{
    struct sandboxed_sh *s = state;
    size_t cursor = 0;
    for (char *id; (id = map_next(s->loaded, &cursor, NULL));)
        free(id);
    map_free(s->loaded);
    waiter_cancel(&s->default_made);
    crypt_wipe(s->key, sizeof(s->key));
    free(s);
}

const struct dialect sandboxed_sh_dialect = {
    .name = "sandboxed_sh",
    .title = "sandboxed.sh",
    .base = "/api",
    .routes = routes,
    .n_routes = N_ELEMS(routes),
    .error = error,
    .claims = claims,
    .gate = gate,
    .begin = begin,
    .end = end,
};
