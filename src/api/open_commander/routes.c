// SPDX-License-Identifier: Apache-2.0
// The documented paths, how errors are written, and which requests are meant for it.
#include "open_commander_int.h"

#include <pinfold/own.h>
#include <string.h>

#define K 1024
#define ROUTE(m, path, sc, body, fn, text)                                                         \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .scope = sc, .max_body = body, .handle = fn,          \
        .doc = text                                                                                \
    }
static const struct http_route routes[] = {
    ROUTE(GET, "/api/tasks", SCOPE_READ, 0, oc_list, "tasks with their latest execution"),
    ROUTE(POST, "/api/tasks", SCOPE_EXEC, 512 * K, oc_create,
          "make a task; with an agent it is begun at once, over its repository"),
    ROUTE(GET, "/api/tasks/{id}", SCOPE_READ, 0, oc_get, "one task with all its executions"),
    ROUTE(POST, "/api/github/verify-access", SCOPE_EXEC, 16 * K, oc_verify,
          "no token of GitHub's is configured here, which the answer says"),
};

static void error(struct http_req *r, int status, const char *text)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_str(&a.o, "error", text);
    json_end(&a.o);
    dialect_answer_send(r, status, &a);
}

// The other dialects with tasks have keys of another kind, or none.
static bool claims(struct http_req *r)
{
    static const char mark[] = "oc_sk_";
    return !strncmp(http_token(r), mark, sizeof(mark) - 1);
}

const struct dialect open_commander_dialect = {
    .name = "open_commander",
    .title = "Open Commander",
    .base = "/open_commander",
    .routes = routes,
    .n_routes = N_ELEMS(routes),
    .error = error,
    .no_token = "Missing or invalid Authorization header",
    .bad_token = "Invalid API key",
    .claims = claims,
};
