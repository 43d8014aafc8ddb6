// SPDX-License-Identifier: Apache-2.0
// Answers, errors and what is asked for, each in the dialect's own words.
#include "dialect_int.h"

#include <pinfold/clock.h>
#include <pinfold/core_secret.h>
#include <pinfold/http_server.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

static const struct {
    enum err_code code;
    int status;
} statuses[] = {
    {ERR_BAD_REQUEST, 400}, {ERR_NOT_FOUND, 404}, {ERR_GONE, 409}, {ERR_CONFLICT, 409},
    {ERR_LIMIT, 429},       {ERR_DENIED, 403},    {ERR_BUSY, 503}, {ERR_TIMEOUT, 504},
    {ERR_FULL, 507},        {ERR_KERNEL, 500},    {ERR_LOST, 500}, {ERR_INTERNAL, 500},
};

const struct dialects_conf *dialect_conf(const struct http_req *r)
{
    return &mounted_of(r)->all->conf;
}

void *dialect_state(const struct http_req *r)
{
    return mounted_of(r)->state;
}

struct core *dialect_core(const struct http_req *r)
{
    return dialect_conf(r)->core;
}

void dialect_answer_begin(struct dialect_answer *a)
{
    buf_init(&a->b, DIALECT_ANSWER_MAX);
    json_out_init(&a->o, &a->b);
}

void dialect_answer_send(struct http_req *r, int status, struct dialect_answer *a)
{
    if (json_done(&a->o))
        http_reply_take(r, status, "application/json", &a->b);
    else
        dialect_error(r, 500, "The answer is too large");
    buf_release(&a->b);
}

void dialect_error(struct http_req *r, int status, const char *fmt, ...)
{
    own_buf struct buf b;
    va_list ap;
    buf_init(&b, 4096); // none comes near
    va_start(ap, fmt);
    (void)buf_vprintf(&b, fmt, ap);
    va_end(ap);
    if (status == 429 || status == 503)
        http_set_header(r, "retry-after", "1");
    mounted_of(r)->dialect->error(r, status, b.data ? b.data : "");
}

void dialect_err(struct http_req *r, const struct err *e)
{
    const struct dialects_conf *conf = dialect_conf(r);
    int status = 500;
    for (size_t i = 0; i < N_ELEMS(statuses); i++)
        if (statuses[i].code == e->code)
            status = statuses[i].status;
    if (e->code != ERR_KERNEL && e->code != ERR_INTERNAL) {
        dialect_error(r, status, "%s", e->text);
        return;
    }
    // What a kernel or a broken invariant says is for the log.
    if (conf->on_internal)
        conf->on_internal(conf->arg, r->id, e);
    dialect_error(r, 500, "Internal server error");
}

bool dialect_body(struct http_req *r, const struct json_table *t, struct json_pool *pool, void *ret)
{
    struct json_fault f;
    if (!json_read(t, r->body, r->body_len, JSON_IGNORE_UNKNOWN | JSON_EMPTY_OK, pool, ret, &f))
        return true;
    if (f.pointer[0])
        dialect_error(r, 400, "%s: %s", f.pointer + 1, f.detail);
    else
        dialect_error(r, 400, "body: %s", f.detail);
    return false;
}

bool dialect_query_u64(struct http_req *r, const char *name, uint64_t min, uint64_t max,
                       uint64_t *value)
{
    const char *text = http_query(r, name);
    if (!text || !num_parse_u64(text, min, max, value, NULL))
        return true;
    dialect_error(r, 400, "%s: must be a whole number from %llu to %llu", name,
                  (unsigned long long)min, (unsigned long long)max);
    return false;
}

bool dialect_streams_exhausted(struct http_req *r)
{
    const struct dialects_conf *conf = dialect_conf(r);
    if (conf->counters->streams + conf->counters->websockets < conf->max_streams)
        return false;
    dialect_error(r, 429, "%llu answers stream already; no more may (max_streams)",
                  (unsigned long long)conf->max_streams);
    return true;
}

bool dialect_owner_repo(const char *s)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t owner = strspn(s, ok);
    if (!owner || s[owner] != '/')
        return false;
    const char *repo = s + owner + 1;
    return *repo && !repo[strspn(repo, ok)] && *s != '.' && *repo != '.';
}

const char *dialect_title(const char *text, char ret[DIALECT_TITLE_MAX])
{
    bool cut;
    text = text ? text : "";
    text += strspn(text, " \t\r\n");
    size_t n = strcspn(text, "\r\n"), max = DIALECT_TITLE_MAX - 4;
    if (n <= max) {
        memcpy(ret, text, n);
        ret[n] = '\0';
        return ret;
    }
    n = json_utf8_prefix(text, max, &cut);
    memcpy(ret, text, n);
    memcpy(ret + n, "...", 4);
    return ret;
}

void dialect_time(struct json_out *o, const char *name, uint64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];
    if (!wall_ms) {
        json_null(o, name);
        return;
    }
    (void)clock_format(wall_ms, text);
    size_t n = strcspn(text, ".");
    text[n] = 'Z';
    json_strn(o, name, text, n + 1);
}

void dialect_default_model(struct core *c, const char *agent, const char **provider,
                           const char **model)
{
    struct secret_info *all[SECRETS_MAX];
    struct err e;
    const struct agent_adapter *a = agent_find(agent);
    if (!a || !agent_needs_provider(a))
        return;
    if (!*provider && core_secret_list(c, true, all))
        *provider = all[0]->name;
    const struct secret_info *p = *provider ? core_secret_find(c, true, *provider, &e) : NULL;
    if (!*model && p && p->models)
        *model = p->models[0];
}
