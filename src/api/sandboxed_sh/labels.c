// SPDX-License-Identifier: Apache-2.0
// Fields of the dialect that the core does not have are labels of the workspace.
#include "sandboxed_sh_int.h"

#include <string.h>

const char *label_get(const char *const *labels, const char *name)
{
    size_t n = strlen(name);
    for (; labels && *labels; labels++)
        if (!strncmp(*labels, name, n) && (*labels)[n] == '=')
            return *labels + n + 1;
    return NULL;
}

void labels_begin(struct label_set *set, const char *const *old, struct json_pool *pool)
{
    set->n = 0;
    set->pool = pool;
    for (; old && *old && set->n < WS_LABELS_MAX; old++)
        set->at[set->n++] = *old;
    set->at[set->n] = NULL;
}

static void drop(struct label_set *set, const char *name)
{
    size_t n = strlen(name);
    unsigned kept = 0;
    for (unsigned i = 0; i < set->n; i++)
        if (strncmp(set->at[i], name, n) || set->at[i][n] != '=')
            set->at[kept++] = set->at[i];
    set->n = kept;
    set->at[kept] = NULL;
}

void labels_put(struct label_set *set, const char *name, const char *value)
{
    drop(set, name);
    if (!value || !*value || set->n == WS_LABELS_MAX)
        return;
    size_t n = strlen(name), len = strlen(value);
    char *text = json_pool_alloc(set->pool, n + len + 2);
    memcpy(text, name, n);
    text[n] = '=';
    memcpy(text + n + 1, value, len + 1);
    set->at[set->n++] = text;
    set->at[set->n] = NULL;
}

static bool seen(const char *text, const char *item, size_t n)
{
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\n");
        if (len == n && !memcmp(p, item, n))
            return true;
        p += len + (p[len] == '\n');
    }
    return false;
}

void labels_put_list(struct label_set *set, const char *name, const struct json_strings *list)
{
    size_t room = 1;
    for (uint32_t i = 0; i < list->n; i++)
        room += strlen(list->at[i]) + 1;
    char *text = json_pool_alloc(set->pool, room), *to = text;
    *to = '\0';
    for (uint32_t i = 0; i < list->n; i++) {
        size_t n = strlen(list->at[i]);
        if (!n || strchr(list->at[i], '\n') || seen(text, list->at[i], n))
            continue;
        if (to > text)
            *to++ = '\n';
        memcpy(to, list->at[i], n + 1);
        to += n;
    }
    labels_put(set, name, text);
}

void label_print_list(struct json_out *o, const char *member, const char *value)
{
    json_begin_array(o, member);
    for (const char *p = value ? value : ""; *p;) {
        size_t n = strcspn(p, "\n");
        json_strn(o, NULL, p, n);
        p += n + (p[n] == '\n');
    }
    json_end_array(o);
}
