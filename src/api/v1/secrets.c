// SPDX-License-Identifier: Apache-2.0
// Secrets and providers. Their values come in and are never shown; the memory that they passed
// through is wiped as soon as they are sealed.
#include "routes_int.h"

#include <pinfold/core_secret.h>
#include <stdio.h>

// --- as they are shown ----------------------------------------------------------------------

#define S(m, t, ...) JSON_SHOW(struct secret_info, m, t, ##__VA_ARGS__)
#define S_AS(m, n, t, ...) JSON_SHOW_AS(struct secret_info, m, n, t, ##__VA_ARGS__)
#define SHARED_ROWS                                                                                \
    S(header, SHOW_STRING, .doc = "that carries it"),                                              \
        S(format, SHOW_STRING, .doc = "of the header's value; {} stands for it"),                  \
        S(sealed_with, SHOW_CHARS, .doc = "name of the key"),                                      \
        S(usable, SHOW_BOOL, .doc = "that key is in the key file"),                                \
        S_AS(created_ms, "created_at", SHOW_TIME), S_AS(updated_ms, "updated_at", SHOW_TIME),      \
        S(requests, SHOW_U64, .doc = "since the server started"),                                  \
        S(failures, SHOW_U64, .doc = "of them, without an answer or with an error's status")

static const struct json_show secret_rows[] = {
    S(name, SHOW_CHARS),
    S(hosts, SHOW_STRINGS),
    SHARED_ROWS,
};
const struct json_shape v1_secret_shape = {"Secret", secret_rows, N_ELEMS(secret_rows)};
static const struct json_show provider_rows[] = {
    S(name, SHOW_CHARS),
    S(kind, SHOW_STRING),
    S(base_url, SHOW_STRING),
    S(models, SHOW_STRINGS),
    SHARED_ROWS,
    S(input_tokens, SHOW_U64, .doc = "as answers counted them; without what came from a cache"),
    S(output_tokens, SHOW_U64),
    S(cached_tokens, SHOW_U64),
};
const struct json_shape v1_provider_shape = {"Provider", provider_rows, N_ELEMS(provider_rows)};

// --- as they are given ----------------------------------------------------------------------

struct secret_body {
    const char *value, *header, *format, *kind, *base_url;
    struct json_strings hosts, models;
};
#define F(m, t, ...) JSON_FIELD(struct secret_body, m, t, ##__VA_ARGS__)
static const struct json_field secret_fields[] = {
    F(value, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = 4096,
      .doc = "never shown again"),
    F(hosts, JSON_STRINGS, .flags = JSON_REQUIRED, .min = 1, .max = SECRET_LIST_MAX,
      .item_max = 300,
      .doc = "example.org or *.example.org, with :PORT or 443; reached by TLS, or with http:// "
             "before it what AllowPrivate= lists"),
    F(header, JSON_STRING, .max = 127, .flags = JSON_NO_CONTROL, .doc = "Authorization"),
    F(format, JSON_STRING, .max = 255, .flags = JSON_NO_CONTROL, .doc = "Bearer {}"),
};
const struct json_table v1_secret_table = {"SecretBody", secret_fields, N_ELEMS(secret_fields),
                                           sizeof(struct secret_body), -1};
static const struct json_field provider_fields[] = {
    F(kind, JSON_STRING, .flags = JSON_REQUIRED, .max = 30,
      .doc = "anthropic, openai, openai-compatible, gemini"),
    F(base_url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL, .min = 8, .max = 1023,
      .doc = "https://HOST[:PORT][/PATH], or http:// of what AllowPrivate= lists"),
    JSON_FIELD_AS(struct secret_body, value, "api_key", JSON_STRING, .max = 4096,
                  .doc = "never shown again; kind openai-compatible may have none"),
    F(models, JSON_STRINGS, .max = SECRET_LIST_MAX, .item_max = 200),
};
const struct json_table v1_provider_table = {
    "ProviderBody", provider_fields, N_ELEMS(provider_fields), sizeof(struct secret_body), -1};

static void on_put(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    const struct secret_info *s = w->result;
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, 200, s->provider ? &v1_provider_shape : &v1_secret_shape, s);
}

static void put(struct http_req *r, bool provider)
{
    struct err e = {0};
    struct secret_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    int bad = v1_read_body(r, provider ? &v1_provider_table : &v1_secret_table, &pool, &b);
    if (bad)
        return;
    const struct secret_spec spec = {
        .provider = provider,
        .name = r->params[0],
        .value = b.value,
        .kind = b.kind,
        .base_url = b.base_url,
        .models = v1_strings(&b.models, &pool),
        .hosts = v1_strings(&b.hosts, &pool),
        .header = b.header,
        .format = b.format,
    };
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_put;
    bad = core_secret_put(c->v->core, &spec, &c->w, &e);
    json_pool_wipe(&pool);
    http_wipe_body(r);
    (void)v1_call_started(c, bad, &e);
}

void v1_secrets_put(struct http_req *r)
{
    put(r, false);
}

void v1_providers_put(struct http_req *r)
{
    put(r, true);
}

// --- look, delete ---------------------------------------------------------------------------

static struct secret_info *find(struct http_req *r, bool provider)
{
    struct err e;
    struct secret_info *s = core_secret_find(v1_of(r)->core, provider, r->params[0], &e);
    if (!s)
        v1_err(r, &e);
    return s;
}

void v1_secrets_get(struct http_req *r)
{
    const struct secret_info *s = find(r, false);
    if (s)
        v1_answer_show(r, 200, &v1_secret_shape, s);
}

void v1_providers_get(struct http_req *r)
{
    const struct secret_info *s = find(r, true);
    if (s)
        v1_answer_show(r, 200, &v1_provider_shape, s);
}

static void list(struct http_req *r, bool provider)
{
    struct secret_info *all[SECRETS_MAX];
    struct answer a;
    size_t n = core_secret_list(v1_of(r)->core, provider, all);
    v1_page_begin(&a);
    for (size_t i = 0; i < n; i++)
        json_show(&a.o, NULL, provider ? &v1_provider_shape : &v1_secret_shape, all[i]);
    v1_page_send(r, &a, NULL);
}

void v1_secrets_list(struct http_req *r)
{
    list(r, false);
}

void v1_providers_list(struct http_req *r)
{
    list(r, true);
}

static void on_done(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_empty(c, 204);
}

static void remove_one(struct http_req *r, bool provider)
{
    struct err e;
    struct secret_info *s = find(r, provider);
    if (!s)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_done;
    (void)v1_call_started(c, core_secret_delete(c->v->core, s, &c->w, &e), &e);
}

void v1_secrets_delete(struct http_req *r)
{
    remove_one(r, false);
}

void v1_providers_delete(struct http_req *r)
{
    remove_one(r, true);
}

void v1_secrets_rotate(struct http_req *r)
{
    struct err e;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_done;
    (void)v1_call_started(c, core_secret_rotate(c->v->core, &c->w, &e), &e);
}
