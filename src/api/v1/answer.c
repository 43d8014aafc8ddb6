// SPDX-License-Identifier: Apache-2.0
// What handlers share: reading parameters and bodies, finding things, writing answers and pages.
#include "v1_int.h"

#include <pinfold/num.h>
#include <stdio.h>

// --- answers --------------------------------------------------------------------------------

void v1_answer_begin(struct answer *a)
{
    buf_init(&a->b, ANSWER_MAX);
    json_out_init(&a->o, &a->b);
    json_begin(&a->o, NULL);
}

static void send(struct http_req *r, int status, struct answer *a)
{
    static const struct err too_much = {ERR_INTERNAL, 0, "the answer does not fit"};
    if (json_done(&a->o))
        http_reply_take(r, status, "application/json", &a->b);
    else
        v1_err(r, &too_much);
    buf_release(&a->b);
}

void v1_answer_send(struct http_req *r, int status, struct answer *a)
{
    json_end(&a->o);
    send(r, status, a);
}

void v1_answer_show(struct http_req *r, int status, const struct json_shape *shape, const void *at)
{
    struct answer a;
    v1_answer_begin(&a);
    json_show_members(&a.o, shape, at);
    v1_answer_send(r, status, &a);
}

void v1_page_begin(struct answer *a)
{
    v1_answer_begin(a);
    json_begin_array(&a->o, "items");
}

void v1_page_send(struct http_req *r, struct answer *a, const char *next)
{
    json_end_array(&a->o);
    json_str(&a->o, "next_cursor", next);
    if (next) {
        char link[300];
        (void)snprintf(link, sizeof(link), "<%s?cursor=%s>; rel=\"next\"", r->path, next);
        http_set_header(r, "link", link);
    }
    v1_answer_send(r, 200, a);
}

void v1_page_show(struct http_req *r, const struct json_shape *shape, const void *all, size_t n,
                  const char *next)
{
    struct answer a;
    v1_page_begin(&a);
    for (size_t i = 0; i < n; i++) {
        const void *at;
        memcpy(&at, (const char *)all + i * sizeof(at), sizeof(at)); // whatever it points to
        json_show(&a.o, NULL, shape, at);
    }
    v1_page_send(r, &a, next);
}

int v1_page_parse(struct http_req *r, struct page *ret)
{
    uint64_t limit;
    if (v1_param_u64(r, "limit", PAGE_DEFAULT, PAGE_MAX, &limit))
        return -1;
    ret->more = false;
    ret->limit = limit ? (size_t)limit : 1;
    ret->after = http_query(r, "cursor");
    if (!ret->after)
        ret->after = "";
    if (strlen(ret->after) >= CURSOR_MAX) {
        v1_bad_param(r, "cursor", "is none that was given out");
        return -1;
    }
    return 0;
}

// --- parameters -----------------------------------------------------------------------------

int v1_param_bool(struct http_req *r, const char *name, bool def, bool *ret)
{
    const char *v = http_query(r, name);
    *ret = def;
    if (!v)
        return 0;
    if (!*v || !strcmp(v, "1") || !strcmp(v, "true") || !strcmp(v, "yes"))
        *ret = true;
    else if (!strcmp(v, "0") || !strcmp(v, "false") || !strcmp(v, "no"))
        *ret = false;
    else {
        v1_bad_param(r, name, "must be true or false");
        return -1;
    }
    return 0;
}

int v1_param_u64(struct http_req *r, const char *name, uint64_t def, uint64_t max, uint64_t *ret)
{
    const char *v = http_query(r, name);
    struct err e;
    *ret = def;
    if (!v || !num_parse_u64(v, 0, max, ret, &e))
        return 0;
    char what[80];
    (void)snprintf(what, sizeof(what), "must be a whole number up to %llu",
                   (unsigned long long)max);
    v1_bad_param(r, name, what);
    return -1;
}

int v1_param_wait(struct http_req *r, uint64_t *ret_ms)
{
    const char *v = http_query(r, "wait");
    uint64_t max = v1_of(r)->conf.max_wait_ms;
    struct err e;
    *ret_ms = 0;
    if (!v)
        return 0;
    if (!*v || !strcmp(v, "true")) {
        *ret_ms = max;
        return 0;
    }
    if (num_parse_duration_ms(v, ret_ms, &e)) {
        v1_bad_param(r, "wait", "must be a number of seconds");
        return -1;
    }
    if (*ret_ms > max)
        *ret_ms = max;
    return 0;
}

int v1_read_body(struct http_req *r, const struct json_table *t, struct json_pool *pool, void *ret)
{
    struct json_fault f;
    if (!json_read(t, r->body, r->body_len, JSON_EMPTY_OK, pool, ret, &f))
        return 0;
    v1_fault(r, &f);
    return -1;
}

// --- things ---------------------------------------------------------------------------------

struct workspace *v1_find_workspace(struct http_req *r)
{
    struct err e;
    struct workspace *ws = core_workspace_find(v1_of(r)->core, r->params[0], &e);
    if (!ws)
        v1_err(r, &e);
    return ws;
}

struct exec *v1_find_exec(struct http_req *r)
{
    struct err e;
    struct exec *x = core_exec_find(v1_of(r)->core, r->params[0], &e);
    if (!x)
        v1_err(r, &e);
    return x;
}

struct build *v1_find_build(struct http_req *r)
{
    struct err e;
    struct build *b = core_build_find(v1_of(r)->core, r->params[0], &e);
    if (!b)
        v1_err(r, &e);
    return b;
}
