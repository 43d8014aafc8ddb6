// SPDX-License-Identifier: Apache-2.0
// The dialect's life: made, mounted twice, freed.
#include "sandboxed_sh_int.h"

#include <pinfold/crypt.h>
#include <pinfold/http_server.h>
#include <pinfold/own.h>

#define PREFIX "/sandboxed_sh"

static void refuse(struct http_req *r, const struct http_refusal *why)
{
    if (why->limit)
        reply_text(r, why->status, "%s (%s is %llu)", why->detail, why->limit,
                   (unsigned long long)why->limit_value);
    else
        reply_text(r, why->status, "%s", why->detail);
}

// Of dialects that have the same path this one answers unless another says that it is meant.
static bool claims(struct http_req *r)
{
    (void)r;
    return true;
}

struct sandboxed_sh *sandboxed_sh_new(const struct sandboxed_sh_conf *conf)
{
    struct sandboxed_sh *s = xcalloc(1, sizeof(*s));
    s->conf = *conf;
    s->core = conf->core;
    s->root = (struct http_api){
        .name = "sandboxed_sh",
        .base = "/api",
        .routes = sandboxed_sh_routes,
        .n_routes = n_sandboxed_sh_routes,
        .arg = s,
        .gate = gate,
        .refuse = refuse,
        .claims = claims,
    };
    s->prefixed = s->root;
    s->prefixed.base = PREFIX;
    core_secret(s->core, "sandboxed_sh login", s->key);
    list_init(&s->default_waiting);
    return s;
}

int sandboxed_sh_mount(struct sandboxed_sh *s, struct http_server *server, struct err *e)
{
    if (http_server_mount(server, &s->root, "", e))
        return -1;
    return http_server_mount(server, &s->prefixed, PREFIX, e);
}

void sandboxed_sh_free(struct sandboxed_sh *s)
{
    if (!s)
        return;
    waiter_cancel(&s->default_made);
    crypt_wipe(s->key, sizeof(s->key));
    free(s);
}
