// SPDX-License-Identifier: Apache-2.0
// The dialect of sandboxed.sh: its documented paths, bodies, codes and errors over the same verbs
// as /v1. Served at /api/... and, so that dialects which claim the same paths can live beside it,
// beneath /sandboxed_sh/api/... too.
#pragma once
#include <pinfold/http.h>

struct core;
struct http_server;
struct sandboxed_sh;

struct sandboxed_sh_conf {
    struct core *core;
    const char *version; // what /api/health says; static
    uint64_t session_ms; // how long a login is good for
    bool password;       // PasswordFile= is set: logins without a name are possible
    // Told of errors that are ours, whose text is not shown to clients; may be NULL.
    void (*on_internal)(void *arg, const char *request_id, const struct err *e);
    void *arg;
};
// The core must outlive it.
struct sandboxed_sh *sandboxed_sh_new(const struct sandboxed_sh_conf *conf);
int sandboxed_sh_mount(struct sandboxed_sh *s, struct http_server *server, struct err *e);
// After http_server_run has returned: nothing of it waits for a verb any more.
void sandboxed_sh_free(struct sandboxed_sh *s);

extern const struct http_route sandboxed_sh_routes[];
extern const unsigned n_sandboxed_sh_routes;
