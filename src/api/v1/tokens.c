// SPDX-License-Identifier: Apache-2.0
// Who may call: tokens and users.
#include "routes_int.h"

#include <pinfold/clock.h>
#include <stdio.h>
#include <time.h>

// --- tokens ---------------------------------------------------------------------------------

struct token_body {
    char name[NAME_MAX_LEN + 1];
    struct json_strings scopes;
    const char *expires_at, *prefix;
    uint64_t expires_in_ms;
};
static const struct json_field token_fields[] = {
    JSON_FIELD(struct token_body, name, JSON_CHARS, .flags = JSON_REQUIRED, .min = 1,
               .max = NAME_MAX_LEN),
    JSON_FIELD(struct token_body, scopes, JSON_STRINGS, .max = 3,
               .doc = "of read, exec and admin, each of which has those before it; read without"),
    JSON_FIELD(struct token_body, expires_at, JSON_STRING, .max = 40,
               .doc = "RFC 3339; without it, it does not expire"),
    JSON_FIELD(struct token_body, prefix, JSON_STRING, .min = 1, .max = 12,
               .doc = "what it begins with: oc_sk, cc ... where clients look at that; pft"),
    JSON_FIELD_AS(struct token_body, expires_in_ms, "expires_in_secs", JSON_MS, .max = 3155760000),
};
const struct json_table v1_token_table = {"TokenBody", token_fields, N_ELEMS(token_fields),
                                          sizeof(struct token_body), -1};

static int parse_scopes(struct http_req *r, const struct json_strings *list, unsigned *ret)
{
    struct err e;
    *ret = list->n ? 0 : SCOPE_READ;
    for (uint32_t i = 0; i < list->n; i++) {
        enum token_scope s;
        if (token_scope_parse(list->at[i], &s, &e)) {
            v1_bad(r, "/scopes", "must be of read, exec and admin");
            return -1;
        }
        *ret |= s;
    }
    if (*ret & SCOPE_ADMIN)
        *ret |= SCOPE_EXEC;
    if (*ret & SCOPE_EXEC)
        *ret |= SCOPE_READ;
    return 0;
}

// RFC 3339 with Z or an offset, to milliseconds since 1970.
static int parse_time(const char *s, uint64_t *ret)
{
    struct tm tm = {0};
    int used = 0, hours = 0, minutes = 0;
    char sign[2] = "Z";
    if (sscanf(s, "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
        return -1;
    s += used;
    if (*s == '.')
        s += 1 + strspn(s + 1, "0123456789");
    if (*s != 'Z' && *s != 'z' && sscanf(s, "%1[+-]%2d:%2d", sign, &hours, &minutes) != 3)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t t = timegm(&tm);
    int offset = (hours * 60 + minutes) * 60;
    t -= *sign == '+' ? offset : *sign == '-' ? -offset : 0;
    if (t < 0)
        return -1;
    *ret = (uint64_t)t * 1000;
    return 0;
}

static int token_spec_of(struct http_req *r, const struct token_body *b, struct token_spec *ret)
{
    if (parse_scopes(r, &b->scopes, &ret->scopes))
        return -1;
    ret->name = b->name;
    ret->prefix = b->prefix;
    if (!name_ok(b->name)) {
        v1_bad(r, "/name", "must be 1 to 64 of letters, digits, dot, underscore and hyphen");
        return -1;
    }
    if (b->expires_at && parse_time(b->expires_at, &ret->expires_ms)) {
        v1_bad(r, "/expires_at", "is no time as 2026-01-02T03:04:05Z");
        return -1;
    }
    if (b->expires_in_ms)
        ret->expires_ms = clock_wall_ms() + b->expires_in_ms;
    return 0;
}

struct token_call {
    struct call c; // first member
    char text[TOKEN_TEXT_MAX];
};

static void on_created(struct waiter *w)
{
    struct token_call *tc = container_of(container_of(w, struct call, w), struct token_call, c);
    struct answer shown, kept;
    if (w->err.code) {
        v1_call_err(&tc->c, &w->err);
        return;
    }
    const struct token *t = w->result;
    memcpy(tc->c.id, t->id, sizeof(tc->c.id));
    tc->c.location = "/v1/tokens/";
    v1_answer_begin(&shown);
    json_show_members(&shown.o, &v1_token_shape, t);
    json_str(&shown.o, "token", tc->text);
    v1_answer_begin(&kept); // a repetition learns that it was made, but not the token
    json_show_members(&kept.o, &v1_token_shape, t);
    json_null(&kept.o, "token");
    v1_call_answer_once(&tc->c, 201, &shown, &kept);
}

static void create(struct call *c)
{
    struct err e;
    struct token_call *tc = container_of(c, struct token_call, c);
    struct token_body b = {0};
    struct token_spec spec = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (v1_read_body(c->r, &v1_token_table, &pool, &b) || token_spec_of(c->r, &b, &spec)) {
        v1_call_refused(c);
        return;
    }
    c->w.on_done = on_created;
    (void)v1_call_started(c, core_token_create(c->v->core, &spec, tc->text, &c->w, &e), &e);
}

void v1_tokens_create(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct token_call)), create);
}

void v1_tokens_list(struct http_req *r)
{
    struct page page;
    struct token *all[PAGE_MAX];
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_token_list(v1_of(r)->core, page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_token_shape, all, n, PAGE_NEXT(&page, all, n));
}

static struct token *find_token(struct http_req *r)
{
    struct err e;
    // "self" has a route of its own, but a token can be revoked by that word, too.
    bool own = !r->n_params || !strcmp(r->params[0], "self");
    struct token *t = core_token_find(v1_of(r)->core, own ? r->who_id : r->params[0], &e);
    if (!t)
        v1_err(r, &e);
    return t;
}

void v1_tokens_get(struct http_req *r)
{
    const struct token *t = find_token(r);
    if (t)
        v1_answer_show(r, 200, &v1_token_shape, t);
}

void v1_tokens_delete(struct http_req *r)
{
    struct err e;
    struct token *t = find_token(r);
    if (!t)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    (void)v1_call_started(c, core_token_delete(c->v->core, t, &c->w, &e), &e);
}

// --- users ----------------------------------------------------------------------------------

struct user_body {
    const char *password;
    struct json_strings scopes;
};
static const struct json_field user_fields[] = {
    JSON_FIELD(struct user_body, password, JSON_STRING, .flags = JSON_REQUIRED, .min = 8,
               .max = PASSWORD_MAX - 1),
    JSON_FIELD(struct user_body, scopes, JSON_STRINGS, .max = 3),
};
const struct json_table v1_user_table = {"UserBody", user_fields, N_ELEMS(user_fields),
                                         sizeof(struct user_body), -1};

static void on_put(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_show(c, 200, &v1_user_shape, w->result);
}

void v1_users_put(struct http_req *r)
{
    struct err e;
    unsigned scopes;
    struct user_body b = {0};
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    if (v1_read_body(r, &v1_user_table, &pool, &b) || parse_scopes(r, &b.scopes, &scopes))
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_put;
    int bad = core_user_put(c->v->core, r->params[0], b.password, scopes, &c->w, &e);
    (void)v1_call_started(c, bad, &e);
}

void v1_users_list(struct http_req *r)
{
    struct page page;
    struct user *all[PAGE_MAX];
    if (v1_page_parse(r, &page))
        return;
    size_t n = core_user_list(v1_of(r)->core, page.after, all, page.limit, &page.more);
    v1_page_show(r, &v1_user_shape, all, n, PAGE_NEXT(&page, all, n));
}

void v1_users_delete(struct http_req *r)
{
    struct err e;
    struct user *u = core_user_find(v1_of(r)->core, r->params[0], &e);
    if (!u) {
        v1_err(r, &e);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = v1_call_done_empty;
    if (core_user_delete(c->v->core, u, &c->w, &e))
        v1_call_err(c, &e);
}
