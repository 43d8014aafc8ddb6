// SPDX-License-Identifier: Apache-2.0
// The tree: yajl's events hang nodes from the pool below the one that is open.
#include <pinfold/json_tree.h>

#include <pinfold/own.h>
#include <string.h>
#include <yajl/yajl_parse.h>

struct growing {
    struct json_pool *pool;
    const char *text;
    size_t len, n, max;
    unsigned depth;
    struct json_node *root, *open; // open: what the next value belongs to
    struct json_text name;
    yajl_handle yajl;
};

// Strings without escapes lie in the text, others in yajl's scratch buffer.
static struct json_text keep(struct growing *g, const unsigned char *p, size_t n)
{
    const char *s = (const char *)p;
    if (s >= g->text && s + n <= g->text + g->len)
        return (struct json_text){s, n};
    char *copy = json_pool_alloc(g->pool, n + 1);
    memcpy(copy, s, n);
    return (struct json_text){copy, n};
}

static struct json_node *add(struct growing *g, enum json_kind kind)
{
    if (g->n++ >= g->max)
        return NULL;
    struct json_node *n = json_pool_alloc(g->pool, sizeof(*n));
    *n = (struct json_node){.kind = kind, .name = g->name, .parent = g->open};
    g->name = (struct json_text){0};
    if (!g->open)
        g->root = n;
    else if (g->open->last)
        g->open->last->next = n;
    else
        g->open->first = n;
    if (g->open)
        g->open->last = n;
    return n;
}

static int on_null(void *ctx)
{
    return add(ctx, JSON_NULL) != NULL;
}

static int on_bool(void *ctx, int v)
{
    return add(ctx, v ? JSON_TRUE : JSON_FALSE) != NULL;
}

static int add_text(struct growing *g, enum json_kind kind, const unsigned char *p, size_t len)
{
    struct json_node *n = add(g, kind);
    if (n)
        n->text = keep(g, p, len);
    return n != NULL;
}

static int on_number(void *ctx, const char *p, size_t n)
{
    return add_text(ctx, JSON_NUMBER, (const unsigned char *)p, n);
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    return add_text(ctx, JSON_STR, p, n);
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    struct growing *g = ctx;
    g->name = keep(g, p, n);
    return 1;
}

static int begin(struct growing *g, enum json_kind kind)
{
    struct json_node *n = g->depth < JSON_DEPTH_MAX ? add(g, kind) : NULL;
    if (!n)
        return 0;
    g->depth++;
    n->raw.p = g->text + yajl_get_bytes_consumed(g->yajl) - 1;
    g->open = n;
    return 1;
}

static int end(void *ctx)
{
    struct growing *g = ctx;
    struct json_node *n = g->open;
    n->raw.len = (size_t)(g->text + yajl_get_bytes_consumed(g->yajl) - n->raw.p);
    g->open = n->parent;
    g->depth--;
    return 1;
}

static int on_begin_object(void *ctx)
{
    return begin(ctx, JSON_OBJ);
}

static int on_begin_array(void *ctx)
{
    return begin(ctx, JSON_ARR);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_begin_object,
    .yajl_map_key = on_key,
    .yajl_end_map = end,
    .yajl_start_array = on_begin_array,
    .yajl_end_array = end,
};

const struct json_node *json_tree(const void *text, size_t len, size_t max_nodes,
                                  struct json_pool *pool)
{
    struct growing g = {.pool = pool, .text = text, .len = len, .max = max_nodes};
    g.yajl = yajl_alloc(&callbacks, NULL, &g);
    yajl_status st = yajl_parse(g.yajl, text, len);
    if (st == yajl_status_ok)
        st = yajl_complete_parse(g.yajl);
    yajl_free(g.yajl);
    return st == yajl_status_ok ? g.root : NULL;
}

// --- looking into it ------------------------------------------------------------------------

static bool same(struct json_text t, const char *s, size_t n)
{
    return t.len == n && !memcmp(t.p, s, n);
}

static const struct json_node *child(const struct json_node *n, const char *step, size_t len)
{
    const struct json_node *k = n->first;
    if (n->kind == JSON_OBJ) {
        while (k && !same(k->name, step, len))
            k = k->next;
        return k;
    }
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (step[i] < '0' || step[i] > '9' || at > 1000000)
            return NULL;
        at = at * 10 + (size_t)(step[i] - '0');
    }
    while (k && at--)
        k = k->next;
    return k;
}

const struct json_node *json_at(const struct json_node *n, const char *path)
{
    while (n && *path) {
        size_t len = strcspn(path, ".");
        n = child(n, path, len);
        path += len + (path[len] == '.');
    }
    return n;
}

struct json_text json_text_at(const struct json_node *n, const char *path)
{
    const struct json_node *v = json_at(n, path);
    return v && v->kind == JSON_STR ? v->text : (struct json_text){0};
}

bool json_is(const struct json_node *n, const char *path, const char *word)
{
    struct json_text t = json_text_at(n, path);
    return t.p && same(t, word, strlen(word));
}

bool json_true_at(const struct json_node *n, const char *path)
{
    const struct json_node *v = json_at(n, path);
    return v && v->kind == JSON_TRUE;
}

double json_f64_at(const struct json_node *n, const char *path)
{
    char digits[40];
    const struct json_node *v = json_at(n, path);
    if (!v || v->kind != JSON_NUMBER || v->text.len >= sizeof(digits))
        return 0;
    memcpy(digits, v->text.p, v->text.len);
    digits[v->text.len] = '\0';
    return strtod(digits, NULL); // the grammar was checked
}

uint64_t json_u64_at(const struct json_node *n, const char *path)
{
    double v = json_f64_at(n, path);
    return v > 0 && v < 9007199254740992.0 ? (uint64_t)v : 0; // exact below 2^53
}
