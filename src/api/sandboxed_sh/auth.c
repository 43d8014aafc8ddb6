// SPDX-License-Identifier: Apache-2.0
// Who calls: a token from a login here, or one of pinfold's own.
#include "sandboxed_sh_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

struct who {
    char name[NAME_MAX_LEN + 1], id[ID_MAX];
    unsigned scopes;
    uint64_t expires_ms; // 0: never
    struct user *user;   // or
    struct token *token;
};

static const char *session_who(struct sandboxed_sh *s, const char *text, struct who *ret)
{
    struct jwt jwt;
    struct err e;
    if (!jwt_read(s->key, text, &jwt) || jwt.exp <= clock_wall_ms() / 1000)
        return "Invalid or expired token";
    struct user *u = core_user_find(s->core, jwt.usr, &e);
    if (!u || strcmp(u->id, jwt.sub))
        return "Invalid user";
    memcpy(ret->name, u->name, sizeof(ret->name));
    memcpy(ret->id, u->id, sizeof(ret->id));
    ret->scopes = u->scopes;
    ret->user = u;
    ret->expires_ms = jwt.exp * 1000;
    return NULL;
}

// What is wrong, or NULL.
static const char *identify(struct http_req *r, struct who *ret)
{
    struct sandboxed_sh *s = dialect_of(r);
    const char *text = http_token(r);
    struct err e;
    if (!*text)
        return "Missing Authorization header";
    if (jwt_looks_like(text))
        return session_who(s, text, ret);
    struct token *t = core_token_verify(s->core, text, strlen(text), &e);
    if (!t)
        return "Invalid or expired token";
    memcpy(ret->name, t->name, sizeof(ret->name));
    memcpy(ret->id, t->id, sizeof(ret->id));
    ret->scopes = t->scopes;
    ret->token = t;
    ret->expires_ms = t->expires_ms;
    return NULL;
}

static bool within_rate(struct core *c, const struct who *who)
{
    return who->user ? core_user_within_rate(c, who->user) : core_token_within_rate(c, who->token);
}

bool gate(struct http_req *r)
{
    struct who who = {0};
    if (r->route->flags & HTTP_PUBLIC)
        return true;
    const char *fault = identify(r, &who);
    if (fault) {
        http_set_header(r, "www-authenticate", "Bearer");
        reply_text(r, 401, "%s", fault);
        return false;
    }
    if (r->route->scope & ~who.scopes) {
        reply_text(r, 403, "This token may not do that");
        return false;
    }
    if (!within_rate(dialect_core(r), &who)) {
        http_set_header(r, "retry-after", "1");
        reply_text(r, 429, "Too many requests in a second (requests_per_second is %u)",
                   core_conf(dialect_core(r))->requests_per_second);
        return false;
    }
    r->scope = who.scopes;
    (void)snprintf(r->who_id, sizeof(r->who_id), "%s", who.id);
    return (strncmp(r->route->pattern, "/api/workspaces", 15) &&
            strncmp(r->route->pattern, "/api/control/m", 14)) ||
           default_ready(r);
}

void on_verify(struct http_req *r)
{
    struct who who;
    const char *fault = identify(r, &who);
    if (fault) { // it ran out a moment ago
        reply_text(r, 401, "%s", fault);
        return;
    }
    own_buf struct buf b;
    struct json_out o;
    char at[TIME_MAX];
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_bool(&o, "valid", true);
    json_str(&o, "user", who.name);
    json_str(&o, "expires_at", who.expires_ms ? time_text(who.expires_ms, at) : NULL);
    json_end(&o);
    reply_json(r, &b);
}

// --- login -----------------------------------------------------------------------------------

struct login_body {
    const char *username, *password;
};
static const struct json_field login_fields[] = {
    JSON_FIELD(struct login_body, username, JSON_STRING, .max = 256),
    JSON_FIELD(struct login_body, password, JSON_STRING, .flags = JSON_REQUIRED, .max = 1024),
};
static const struct json_table login_table = {"LoginRequest", login_fields, 2,
                                              sizeof(struct login_body), -1};
struct login_call {
    struct dialect_call call;
    bool named;
};

static void reply_session(struct http_req *r, const struct user *u)
{
    struct sandboxed_sh *s = dialect_of(r);
    struct jwt jwt = {.iat = clock_wall_ms() / 1000};
    char text[JWT_MAX], at[TIME_MAX];
    jwt.exp = jwt.iat + s->conf->session_ms / 1000;
    memcpy(jwt.sub, u->id, sizeof(jwt.sub));
    memcpy(jwt.usr, u->name, sizeof(jwt.usr));
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_str(&o, "token", jwt_make(s->key, &jwt, text));
    json_str(&o, "expires_at", time_text(jwt.exp * 1000, at));
    json_u64(&o, "exp", jwt.exp);
    json_end(&o);
    http_set_header(r, "cache-control", "no-store");
    reply_json(r, &b);
}

static void reply_denied(struct http_req *r, const struct err *e, bool named)
{
    if (e->code == ERR_DENIED)
        reply_text(r, 401, "%s", named ? "Invalid username or password" : "Invalid password");
    else
        reply_err(r, e);
}

static void on_logged_in(struct waiter *w)
{
    struct login_call *c = container_of(w, struct login_call, call.w);
    if (w->err.code)
        reply_denied(c->call.r, &w->err, c->named);
    else
        reply_session(c->call.r, w->result);
    dialect_call_free(&c->call);
}

static bool has_users(struct sandboxed_sh *s)
{
    struct user *one;
    bool more;
    return core_user_list(s->core, "", &one, 1, &more) > 0;
}

// A login without a name needs the one password.
static bool refuse_nameless(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    if (s->conf->password)
        return false;
    if (has_users(s))
        reply_text(r, 401, "Username required");
    else
        reply_text(r, 500, "No login is configured: set PasswordFile= or UsersFile=");
    return true;
}

void on_login(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct login_body body = {0};
    struct err e;
    json_pool_init(&pool);
    if (!read_body(r, &login_table, 0, &pool, &body))
        return;
    bool named = body.username && !blank(body.username);
    if (!body.password) {
        reply_text(r, 422,
                   "Failed to deserialize the JSON body into the target type: "
                   "missing field `password`");
        return;
    }
    if (!named && refuse_nameless(r))
        return;
    struct login_call *c = dialect_call_new(r, sizeof(*c), on_logged_in);
    c->named = named;
    if (core_login(dialect_of(r)->core, named ? body.username : NULL, body.password, &c->call.w,
                   &e)) {
        reply_denied(r, &e, named);
        dialect_call_free(&c->call);
    }
}
