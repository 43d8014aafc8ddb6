// SPDX-License-Identifier: Apache-2.0
// Providers of models, those that are configured.
#include "sandboxed_sh_int.h"

#include <pinfold/core_secret.h>

static void print_models(struct json_out *o, const struct secret_info *p)
{
    json_begin_array(o, "models");
    for (const char *const *m = p->models; m && *m; m++) {
        json_begin(o, NULL);
        json_str(o, "id", *m);
        json_str(o, "name", *m);
        json_end(o);
    }
    json_end_array(o);
}

void on_providers(struct http_req *r)
{
    struct secret_info *all[SECRETS_MAX];
    size_t n = core_secret_list(dialect_core(r), true, all);
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin_array(&a.o, "providers");
    for (size_t i = 0; i < n; i++) {
        json_begin(&a.o, NULL);
        json_str(&a.o, "id", all[i]->name);
        json_str(&a.o, "name", all[i]->name);
        json_str(&a.o, "billing", "pay-per-token"); // by a key: there are no logins
        json_str(&a.o, "description", all[i]->kind);
        print_models(&a.o, all[i]);
        json_end(&a.o);
    }
    json_end_array(&a.o);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}

static void write_removed(struct json_out *o, const void *unused)
{
    (void)unused;
    json_begin(o, NULL);
    json_bool(o, "success", true);
    json_str(o, "message", "Authentication removed");
    json_end(o);
}

static void on_removed(struct waiter *w)
{
    dialect_call_done(w, 200, write_removed);
}

// Here a provider is its key and its address: both go.
void on_provider_unauth(struct http_req *r)
{
    struct err e;
    struct secret_info *p = core_secret_find(dialect_core(r), true, r->params[0], &e);
    if (!p) {
        reply_text(r, 404, "Provider %s not found", r->params[0]);
        return;
    }
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_removed);
    if (core_secret_delete(c->core, p, &c->w, &e))
        dialect_call_fail(c, &e);
}

// No provider of /v1 is reached by a login.
void on_provider_auth(struct http_req *r)
{
    reply_text(r, 501, "Logins at providers are not served: PUT /v1/providers/%s takes a key",
               r->params[0]);
}
