// SPDX-License-Identifier: Apache-2.0
// Structs out by shapes.
#include <pinfold/json_show.h>

#include <string.h>

static void show_env(struct json_out *o, const char *name, const char *const *env)
{
    json_begin(o, name);
    for (; env && *env; env++) {
        char key[256];
        size_t n = strcspn(*env, "=");
        if (n >= sizeof(key) || !(*env)[n])
            continue; // no variable that we let in
        memcpy(key, *env, n);
        key[n] = '\0';
        json_str(o, key, *env + n + 1);
    }
    json_end(o);
}

static void show_strings(struct json_out *o, const char *name, const char *const *list)
{
    json_begin_array(o, name);
    for (; list && *list; list++)
        json_str(o, NULL, *list);
    json_end_array(o);
}

static void show_number(struct json_out *o, const struct json_show *row, uint64_t v)
{
    if (!v && row->flags & SHOW_EMPTY_NULL)
        json_null(o, row->name);
    else
        json_u64(o, row->name, v);
}

static void show_text(struct json_out *o, const struct json_show *row, const char *s)
{
    json_str(o, row->name, s && !*s && row->flags & SHOW_EMPTY_NULL ? NULL : s);
}

static void show_list(struct json_out *o, const struct json_show *row, const char *const *list)
{
    if (!list && row->flags & SHOW_EMPTY_NULL)
        json_null(o, row->name);
    else if (row->type == SHOW_ENV)
        show_env(o, row->name, list);
    else
        show_strings(o, row->name, list);
}

static void show_row(struct json_out *o, const struct json_show *row, const char *base)
{
    const void *at = base + row->offset;
    switch (row->type) {
    case SHOW_BOOL:
        json_bool(o, row->name, *(const bool *)at);
        break;
    case SHOW_I32:
        if (*(const int *)at < 0 && row->flags & SHOW_EMPTY_NULL)
            json_null(o, row->name);
        else
            json_i64(o, row->name, *(const int *)at);
        break;
    case SHOW_U32:
        show_number(o, row, *(const uint32_t *)at);
        break;
    case SHOW_U64:
        show_number(o, row, *(const uint64_t *)at);
        break;
    case SHOW_CHARS:
        show_text(o, row, at);
        break;
    case SHOW_STRING:
        show_text(o, row, *(const char *const *)at);
        break;
    case SHOW_TIME:
        json_time(o, row->name, *(const uint64_t *)at);
        break;
    case SHOW_WORD:
        json_str(o, row->name, row->word(*(const uint32_t *)at));
        break;
    case SHOW_ENV:
    case SHOW_STRINGS:
        show_list(o, row, *(const char *const *const *)at);
        break;
    case SHOW_OBJECT:
        json_show(o, row->name, row->sub, at);
        break;
    case SHOW_CALL:
        row->call(o, row->name, base);
        break;
    }
}

void json_show_members(struct json_out *o, const struct json_shape *shape, const void *at)
{
    for (uint32_t i = 0; i < shape->n_rows; i++)
        show_row(o, &shape->rows[i], at);
}

void json_show(struct json_out *o, const char *name, const struct json_shape *shape, const void *at)
{
    json_begin(o, name);
    json_show_members(o, shape, at);
    json_end(o);
}
