// SPDX-License-Identifier: Apache-2.0
// The documented paths, and how errors are written: as text.
#include "abbado_int.h"

#include <pinfold/own.h>
#include <string.h>

#define K 1024
#define ROUTE(m, path, fl, sc, body, fn, text)                                                     \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .flags = fl, .scope = sc, .max_body = body,           \
        .handle = fn, .doc = text                                                                  \
    }
#define READ(path, fn, text) ROUTE(GET, path, 0, SCOPE_READ, 0, fn, text)
#define DO(m, path, fn, text) ROUTE(m, path, 0, SCOPE_EXEC, 512 * K, fn, text)
#define P "/api/projects"
#define A "/api/agents"
#define R "/api/runs"
static const struct http_route routes[] = {
    DO(POST, P, abbado_projects_create, "make a project"),
    READ(P, abbado_projects_list, "all projects with their repositories"),
    READ(P "/{id}", abbado_projects_get, "one project"),
    DO(DELETE, P "/{id}", abbado_projects_delete, "delete a project; its runs stay"),
    DO(POST, P "/{id}/repos", abbado_repos_create,
       "add a repository by its path, below RepositoryRoots="),
    DO(DELETE, P "/{id}/repos/{repo}", abbado_repos_delete, "take a repository out"),
    READ(P "/{id}/agents", abbado_agents_list, "a project's agents"),
    DO(POST, A, abbado_agents_create, "make an agent"),
    READ(A "/{id}", abbado_agents_get, "one agent"),
    DO(PUT, A "/{id}", abbado_agents_put, "change what the body names"),
    DO(DELETE, A "/{id}", abbado_agents_delete, "delete an agent"),
    DO(POST, R, abbado_runs_create, "run an agent over its project's repository, on a terminal"),
    READ(R, abbado_runs_list, "all runs of agents, newest first"),
    READ(R "/{id}", abbado_runs_get, "one run"),
    DO(DELETE, R "/{id}", abbado_runs_delete, "delete a run that is at rest, with all of it"),
    DO(POST, R "/{id}/cancel", abbado_runs_cancel, "end a run"),
    DO(POST, R "/{id}/pause", abbado_runs_pause, "stop a run and keep what it has done"),
    DO(POST, R "/{id}/continue", abbado_runs_continue, "go on with a run, in its session"),
    DO(POST, R "/{id}/notify", abbado_runs_notify, "shall it tell of itself"),
    DO(POST, R "/{id}/hook", abbado_runs_hook, "what a hook of its tool says, as events"),
    READ(R "/{id}/events", abbado_runs_events, "what has happened"),
    ROUTE(GET, R "/{id}/events/stream", HTTP_STREAM, SCOPE_READ, 0, abbado_runs_stream,
          "the same as SSE, then live"),
    READ(R "/{id}/tasks", abbado_runs_tasks, "its list of things to do, from its calls of tools"),
    ROUTE(GET, R "/{id}/logs", HTTP_STREAM, SCOPE_READ, 0, abbado_runs_logs, "what it has printed"),
    ROUTE(GET, "/api/terminal", HTTP_WEBSOCKET, SCOPE_EXEC, 0, abbado_terminal,
          "a run's terminal, or a new one in a fresh sandbox"),
    ROUTE(GET, "/api/health", HTTP_PUBLIC, 0, 0, abbado_health, "is the server up"),

    READ(R "/{id}/changes", abbado_later, "not yet, 501"),
    READ(R "/{id}/diff-stats", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/commit", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/push", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/pull-request", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/rename-branch", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/accept", abbado_later, "not yet, 501"),
    DO(POST, R "/{id}/revert", abbado_later, "not yet, 501"),
    READ(P "/{id}/branches", abbado_later, "not yet, 501"),
    DO(DELETE, P "/{id}/branches", abbado_later, "not yet, 501"),
    DO(POST, P "/{id}/branches/merge", abbado_later, "not yet, 501"),
    DO(POST, P "/{id}/branches/rebase", abbado_later, "not yet, 501"),
    READ(P "/{id}/branches/pr-status", abbado_later, "not yet, 501"),
    READ("/api/settings/models", abbado_later, "not yet, 501"),
    DO(PUT, "/api/settings/models", abbado_later, "not yet, 501"),
    READ("/api/settings/notifications", abbado_later, "not yet, 501"),
    DO(PUT, "/api/settings/notifications", abbado_later, "not yet, 501"),
};

static void error(struct http_req *r, int status, const char *text)
{
    http_reply(r, status, "text/plain; charset=utf-8", text, strlen(text));
}

void abbado_later(struct http_req *r)
{
    dialect_error(r, 501, "%s is not served yet", r->route->pattern);
}

void abbado_health(struct http_req *r)
{
    http_reply(r, 200, "application/json", "\"ok\"", 4);
}

const struct dialect abbado_dialect = {
    .name = "abbado",
    .title = "Abbado",
    .base = "/abbado",
    .routes = routes,
    .n_routes = N_ELEMS(routes),
    .error = error,
    .no_token = "a token is needed: Authorization: Bearer TOKEN",
    .bad_token = "the token is unknown or has expired",
    .tokenless = true,
};
