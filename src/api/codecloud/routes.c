// SPDX-License-Identifier: Apache-2.0
// The documented paths, and how errors are written.
#include "codecloud_int.h"

#include <pinfold/own.h>

#define K 1024
#define ROUTE(m, path, fl, sc, body, fn, text)                                                     \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .flags = fl, .scope = sc, .max_body = body,           \
        .handle = fn, .doc = text                                                                  \
    }
static const struct http_route routes[] = {
    ROUTE(POST, "/api/v1/agents", 0, SCOPE_EXEC, 1024 * K, codecloud_create, "make an agent run"),
    ROUTE(GET, "/api/v1/agents", 0, SCOPE_READ, 0, codecloud_list, "agent runs, newest first"),
    ROUTE(GET, "/api/v1/agents/run/{id}", 0, SCOPE_READ, 0, codecloud_get, "one agent run"),
    ROUTE(POST, "/api/v1/agents/run/{id}/message", 0, SCOPE_EXEC, 1024 * K, codecloud_message,
          "go on with a run that completed"),
    ROUTE(POST, "/api/v1/agents/run/{id}/stop", 0, SCOPE_EXEC, 4 * K, codecloud_stop, "end a run"),
    ROUTE(GET, "/api/v1/providers", HTTP_PUBLIC, 0, 0, codecloud_providers,
          "kinds of providers of models, and what they need"),
    ROUTE(GET, "/api/v1/models", HTTP_PUBLIC, 0, 0, codecloud_models,
          "models of the providers that are configured"),
};

static void error(struct http_req *r, int status, const char *text)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_str(&a.o, "error", status == 400 ? "Validation Error" : http_status_text(status));
    json_str(&a.o, "message", text);
    json_end(&a.o);
    dialect_answer_send(r, status, &a);
}

const struct dialect codecloud_dialect = {
    .name = "codecloud",
    .title = "codecloud",
    .base = "/api/v1",
    .routes = routes,
    .n_routes = N_ELEMS(routes),
    .error = error,
    .no_token = "Invalid or missing API key",
    .bad_token = "Invalid or missing API key",
    .hooks = &codecloud_hooks,
};
