// SPDX-License-Identifier: Apache-2.0
// Which route a request is for. A scan over all rows: with a few hundred of them that costs less
// than parsing the request did.
#include "route_int.h"

#include <pinfold/own.h>
#include <string.h>

static int add_pieces(struct row *row, const char *p, struct err *e)
{
    while (*p) {
        if (*p != '/' || row->tail || row->n == N_ELEMS(row->pieces))
            return err_set(e, ERR_INTERNAL, "pattern '%s' cannot be routed", row->route->pattern);
        const char *begin = ++p;
        p += strcspn(p, "/");
        if (p - begin == 1 && *begin == '*')
            row->tail = true;
        else if (*begin == '{')
            row->pieces[row->n++] = (struct piece){NULL, 0};
        else
            row->pieces[row->n++] = (struct piece){begin, (uint16_t)(p - begin)};
    }
    return 0;
}

static bool same_shape(const struct row *a, const struct row *b)
{
    if (a->api != b->api || a->route->method != b->route->method || a->n != b->n ||
        a->tail != b->tail || strcmp(a->prefix, b->prefix))
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        const struct piece *x = &a->pieces[i], *y = &b->pieces[i];
        if (!x->p != !y->p || (x->p && (x->len != y->len || memcmp(x->p, y->p, x->len))))
            return false;
    }
    return true;
}

int router_add(struct router *t, const struct http_api *api, const char *prefix, struct err *e)
{
    for (unsigned i = 0; i < api->n_routes; i++) {
        struct row row = {.api = api, .route = &api->routes[i], .prefix = prefix};
        if (add_pieces(&row, prefix, e) || add_pieces(&row, api->routes[i].pattern, e))
            return -1;
        for (unsigned k = 0; k < t->n; k++)
            if (same_shape(&t->rows[k], &row))
                return err_set(e, ERR_INTERNAL, "two routes for %s %s%s",
                               http_method_name(row.route->method), prefix, row.route->pattern);
        if (t->n == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 64;
            t->rows = xrealloc(t->rows, t->cap * sizeof(*t->rows));
        }
        t->rows[t->n++] = row;
    }
    return 0;
}

void router_release(struct router *t)
{
    free(t->rows);
    *t = (struct router){0};
}

static bool matches(const struct row *row, const struct path *p)
{
    if (row->tail ? p->n < row->n + 1 : p->n != row->n)
        return false;
    for (unsigned i = 0; i < row->n; i++) {
        const struct piece *x = &row->pieces[i];
        if (x->p ? strncmp(x->p, p->at[i], x->len) || p->at[i][x->len] : !*p->at[i])
            return false;
    }
    return true;
}

// Below 0 when a is the more exact of two rows that match the same path: it has a literal where
// the other first has a parameter or its tail.
static int compare(const struct row *a, const struct row *b)
{
    unsigned n = a->n > b->n ? a->n : b->n;
    for (unsigned i = 0; i < n; i++) {
        int x = i < a->n ? (a->pieces[i].p ? 0 : 1) : 2;
        int y = i < b->n ? (b->pieces[i].p ? 0 : 1) : 2;
        if (x != y)
            return x - y;
    }
    return (int)a->tail - (int)b->tail;
}

void router_find(const struct router *t, enum http_method m, const struct path *p,
                 struct match *ret)
{
    ret->n = 0;
    ret->allow = 0;
    for (unsigned i = 0; i < t->n; i++) {
        const struct row *row = &t->rows[i];
        if (!matches(row, p))
            continue;
        ret->allow |= 1u << row->route->method;
        if (row->route->method != m)
            continue;
        int c = ret->n ? compare(row, ret->rows[0]) : -1;
        if (c < 0)
            ret->n = 0;
        if (c <= 0 && ret->n < CANDIDATES_MAX)
            ret->rows[ret->n++] = row;
    }
    if (ret->allow & 1u << HTTP_GET)
        ret->allow |= 1u << HTTP_HEAD;
}

void router_params(const struct row *row, struct path *p, struct http_req *r)
{
    r->n_params = 0;
    for (unsigned i = 0; i < row->n; i++)
        if (!row->pieces[i].p && r->n_params < HTTP_PARAMS_MAX)
            r->params[r->n_params++] = p->at[i];
    if (!row->tail || r->n_params == HTTP_PARAMS_MAX)
        return;
    r->params[r->n_params++] = p->at[row->n];
    unsigned last = p->n - 1;
    if (last > row->n && !*p->at[last])
        last--; // a slash at the end says "directory", which is found out anyway
    for (unsigned i = row->n + 1; i <= last; i++)
        p->at[i][-1] = '/';
}
