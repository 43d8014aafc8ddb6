// SPDX-License-Identifier: Apache-2.0
// The reader: yajl's events drive a stack of frames of fixed size, so neither depth nor size of a
// document costs more than its text. Comments stay off (yajl's default for this parser), strings
// are checked to be UTF-8 by yajl, lone surrogates by us, since yajl turns them into '?'.
#include "json_int.h"

#include <assert.h>
#include <pinfold/own.h>
#include <stdarg.h>
#include <string.h>
#include <yajl/yajl_parse.h>

// --- faults ---------------------------------------------------------------------------------

// One step of the pointer, with ~ and / escaped; cut to what fits.
static size_t add_step(char *out, size_t room, const char *key, size_t n)
{
    size_t used = 0;
    bool cut;
    n = json_utf8_prefix(key, n, &cut);
    if (room < 8)
        return 0;
    out[used++] = '/';
    for (size_t i = 0; i < n && used + 3 < room; i++) {
        if (key[i] == '~' || key[i] == '/') {
            out[used++] = '~';
            out[used++] = key[i] == '~' ? '0' : '1';
        } else {
            out[used++] = key[i];
        }
    }
    used = json_utf8_prefix(out, used, &cut);
    out[used] = '\0';
    return used;
}

static void make_pointer(const struct reader *r, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < r->depth; i++) {
        const struct frame *f = &r->frames[i];
        char number[24];
        if (f->array || f->kind == FRAME_STRINGS || f->kind == FRAME_OBJECTS) {
            int n = snprintf(number, sizeof(number), "%u", f->index);
            used += add_step(out + used, room - used, number, (size_t)n);
        } else if (f->key) {
            used += add_step(out + used, room - used, f->key, f->key_len);
        }
    }
}

static int fail(struct reader *r, enum json_fault_kind kind, const char *fmt, va_list ap)
{
    r->fault->kind = kind;
    make_pointer(r, r->fault->pointer, sizeof(r->fault->pointer));
    (void)vsnprintf(r->fault->detail, sizeof(r->fault->detail), fmt, ap); // cut is fine
    return 0;
}

int reader_fail(struct reader *r, enum json_fault_kind kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(r, kind, fmt, ap);
    va_end(ap);
    return 0;
}

int reader_over(struct reader *r, const char *limit, uint64_t value, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fail(r, JSON_OVER, fmt, ap);
    va_end(ap);
    r->fault->limit = limit;
    r->fault->limit_value = value;
    return 0;
}

// --- frames ---------------------------------------------------------------------------------

// Is the value that comes now none of ours: inside an unknown or raw member, or one itself?
static bool skipping(const struct frame *f)
{
    return f->kind == FRAME_SKIP ||
           (f->kind == FRAME_OBJECT && (!f->field || f->field->type == JSON_RAW));
}

static struct frame *top(struct reader *r)
{
    return r->depth ? &r->frames[r->depth - 1] : NULL;
}

static struct frame *push(struct reader *r, enum frame_kind kind)
{
    if (r->depth >= JSON_DEPTH_MAX) {
        reader_over(r, "json_depth", JSON_DEPTH_MAX, "is nested deeper than %d levels",
                    JSON_DEPTH_MAX);
        return NULL;
    }
    struct frame *f = &r->frames[r->depth++];
    *f = (struct frame){.kind = kind};
    return f;
}

// A value ended: what an element or raw member needs done in the frame it stands in.
static int value_done(struct reader *r)
{
    struct frame *f = top(r);
    if (!f)
        return 1;
    if (f->array || f->kind == FRAME_STRINGS || f->kind == FRAME_OBJECTS) {
        f->index++;
        return 1;
    }
    if (f->kind == FRAME_OBJECT && f->field && f->field->type == JSON_RAW) {
        size_t to = yajl_get_bytes_consumed(r->yajl), from = f->raw_from;
        if (to < from)
            return 1; // a number that the text was cut off behind, which is told as that
        while (from < to && strchr(" \t\r\n:", r->text[from]))
            from++;
        if (f->field->max && to - from > f->field->max)
            return reader_over(r, f->field->name, f->field->max, "is longer than %llu bytes",
                               (unsigned long long)f->field->max);
        *(const char **)(void *)(f->base + f->field->offset) =
            place_copy(r, r->text + from, to - from);
    }
    return 1;
}

// Room for one more element of `size` bytes behind *at, doubling; the old room stays in the pool.
static void *grow(struct reader *r, struct frame *f, void *at, size_t size)
{
    if (f->index < f->cap)
        return at;
    uint32_t cap = f->cap ? f->cap * 2 : 8;
    char *bigger = json_pool_alloc(r->pool, (size_t)cap * size);
    memset(bigger, 0, (size_t)cap * size);
    if (f->index)
        memcpy(bigger, at, f->index * size);
    f->cap = cap;
    return bigger;
}

static int check_count(struct reader *r, const struct frame *f)
{
    if (f->field->max && f->index >= f->field->max)
        return reader_over(r, f->field->name, f->field->max, "has more than %llu elements",
                           (unsigned long long)f->field->max);
    return 1;
}

static int check_item(struct reader *r, const struct frame *f, size_t n)
{
    size_t max = f->field->item_max ? f->field->item_max : 4096;
    if (n > max)
        return reader_over(r, f->field->name, max, "is longer than %zu bytes", max);
    return 1;
}

static int add_string(struct reader *r, struct frame *f, const char *s, size_t n)
{
    struct json_strings *list = (struct json_strings *)(void *)(f->base + f->field->offset);
    if (!check_count(r, f) || !check_item(r, f, n))
        return 0;
    const char *copy = place_copy(r, s, n);
    if (!copy)
        return 0;
    list->at = grow(r, f, list->at, sizeof(*list->at));
    list->at[f->index] = copy;
    list->n = f->index + 1;
    return value_done(r);
}

static int add_pair(struct reader *r, struct frame *f, const char *value, size_t n)
{
    struct json_map *map = (struct json_map *)(void *)(f->base + f->field->offset);
    if (value && !check_item(r, f, n))
        return 0;
    const char *copy = value ? place_copy(r, value, n) : NULL;
    if (value && !copy)
        return 0;
    map->at[f->index].value = copy;
    map->n = ++f->index;
    return 1;
}

// --- events ---------------------------------------------------------------------------------

static int on_null(void *ctx)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    if (!f)
        return reader_fail(r, JSON_WRONG, "must be an object");
    switch (f->kind) {
    case FRAME_MAP:
        return add_pair(r, f, NULL, 0);
    case FRAME_STRINGS:
    case FRAME_OBJECTS:
        return reader_fail(r, JSON_WRONG, "must not be null");
    case FRAME_OBJECT:
        if (f->field && f->field->flags & JSON_REQUIRED)
            return reader_fail(r, JSON_WRONG, "must not be null");
        return f->field && f->field->type == JSON_RAW ? value_done(r) : 1;
    case FRAME_SKIP:
        return value_done(r);
    }
    return 1;
}

// The field a scalar goes to, or NULL with *ret_done: it was skipped (1) or refused (0).
static const struct json_field *scalar_field(struct reader *r, int *ret_done)
{
    struct frame *f = top(r);
    *ret_done = 0;
    if (!f) {
        reader_fail(r, JSON_WRONG, "must be an object");
        return NULL;
    }
    if (skipping(f)) {
        *ret_done = value_done(r);
        return NULL;
    }
    if (f->kind == FRAME_OBJECT)
        return f->field;
    reader_fail(r, JSON_WRONG, "must be %s", f->kind == FRAME_OBJECTS ? "an object" : "a string");
    return NULL;
}

static int on_bool(void *ctx, int v)
{
    struct reader *r = ctx;
    int done;
    const struct json_field *field = scalar_field(r, &done);
    return field ? place_bool(r, field, top(r)->base, v) : done;
}

static int on_number(void *ctx, const char *s, size_t n)
{
    struct reader *r = ctx;
    int done;
    const struct json_field *field = scalar_field(r, &done);
    return field ? place_number(r, field, top(r)->base, s, n) : done;
}

static int on_string(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;
    const char *s = (const char *)text;
    struct frame *f = top(r);
    if (f && f->kind == FRAME_STRINGS)
        return add_string(r, f, s, n);
    if (f && f->kind == FRAME_MAP)
        return add_pair(r, f, s, n);
    int done;
    const struct json_field *field = scalar_field(r, &done);
    return field ? place_string(r, field, f->base, s, n) : done;
}

static int on_key(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    // The key may lie in yajl's scratch buffer, so the pointer needs its own copy.
    char *key = json_pool_alloc(r->pool, n + 1);
    memcpy(key, text, n);
    key[n] = '\0';
    f->key = key;
    f->key_len = (uint32_t)n;
    if (f->kind == FRAME_SKIP)
        return 1;
    if (f->kind == FRAME_MAP) {
        struct json_map *map = (struct json_map *)(void *)(f->base + f->field->offset);
        if (!check_count(r, f) || !check_item(r, f, n))
            return 0;
        if (!n || memchr(key, '\0', n))
            return reader_fail(r, JSON_WRONG, "has an empty name or one with a NUL character");
        for (uint32_t i = 0; i < f->index; i++)
            if (!strcmp(map->at[i].name, key))
                return reader_fail(r, JSON_WRONG, "is given twice");
        map->at = grow(r, f, map->at, sizeof(*map->at));
        map->at[f->index].name = key;
        return 1;
    }
    f->field = NULL;
    for (uint32_t i = 0; i < f->table->n_fields; i++) {
        const struct json_field *field = &f->table->fields[i];
        if (strlen(field->name) != n || memcmp(field->name, key, n) ||
            field->flags & JSON_READ_ONLY)
            continue;
        if (f->seen & JSON_GIVEN(i))
            return reader_fail(r, JSON_WRONG, "is given twice");
        f->seen |= JSON_GIVEN(i);
        f->field = field;
        f->raw_from = yajl_get_bytes_consumed(r->yajl);
        return 1;
    }
    if (r->flags & JSON_IGNORE_UNKNOWN)
        return 1;
    return reader_fail(r, JSON_WRONG, "is not a known field");
}

// An object or array stands where the table wants something else.
static int not_this(struct reader *r)
{
    int done;
    const struct json_field *field = scalar_field(r, &done);
    if (field)
        reader_fail(r, JSON_WRONG, "must be %s", json_type_words(field->type));
    return 0;
}

static int enter_object(struct reader *r, const struct json_table *t, char *base)
{
    struct frame *f = push(r, FRAME_OBJECT);
    if (!f)
        return 0;
    f->table = t;
    f->base = base;
    return 1;
}

static int on_begin_object(void *ctx)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    if (!f)
        return enter_object(r, r->root, r->ret);
    if (f->kind == FRAME_OBJECTS) {
        struct json_objects *list = (struct json_objects *)(void *)(f->base + f->field->offset);
        if (!check_count(r, f))
            return 0;
        list->at = grow(r, f, list->at, f->field->sub->size);
        list->n = f->index + 1;
        return enter_object(r, f->field->sub,
                            (char *)list->at + (size_t)f->index * f->field->sub->size);
    }
    if (f->kind == FRAME_OBJECT && f->field && f->field->type == JSON_OBJECT)
        return enter_object(r, f->field->sub, f->base + f->field->offset);
    if (f->kind == FRAME_OBJECT && f->field && f->field->type == JSON_MAP) {
        struct frame *m = push(r, FRAME_MAP);
        if (!m)
            return 0;
        m->field = f->field;
        m->base = f->base;
        return 1;
    }
    if (skipping(f))
        return push(r, FRAME_SKIP) != NULL;
    return not_this(r);
}

static int on_end_object(void *ctx)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    if (f->kind == FRAME_OBJECT) {
        f->key = NULL;
        for (uint32_t i = 0; i < f->table->n_fields; i++)
            if (f->table->fields[i].flags & JSON_REQUIRED && !(f->seen & JSON_GIVEN(i))) {
                f->key = f->table->fields[i].name;
                f->key_len = (uint32_t)strlen(f->key);
                return reader_fail(r, JSON_WRONG, "is required");
            }
        if (f->table->given >= 0)
            *(uint64_t *)(void *)(f->base + f->table->given) = f->seen;
    }
    r->depth--;
    return value_done(r);
}

static int on_begin_array(void *ctx)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    if (!f)
        return reader_fail(r, JSON_WRONG, "must be an object");
    bool skipped = skipping(f);
    bool list = f->kind == FRAME_OBJECT && f->field &&
                (f->field->type == JSON_STRINGS || f->field->type == JSON_OBJECTS);
    if (!skipped && !list)
        return not_this(r);
    enum frame_kind kind = skipped                          ? FRAME_SKIP
                           : f->field->type == JSON_STRINGS ? FRAME_STRINGS
                                                            : FRAME_OBJECTS;
    const struct json_field *field = f->field;
    char *base = f->base;
    struct frame *a = push(r, kind);
    if (!a)
        return 0;
    a->array = true;
    a->field = field;
    a->base = base;
    return 1;
}

static int on_end_array(void *ctx)
{
    struct reader *r = ctx;
    struct frame *f = top(r);
    r->depth--;
    if ((f->kind == FRAME_STRINGS || f->kind == FRAME_OBJECTS) && f->index < f->field->min)
        return reader_fail(r, JSON_WRONG, "has fewer than %llu elements",
                           (unsigned long long)f->field->min);
    return value_done(r);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_begin_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_object,
    .yajl_start_array = on_begin_array,
    .yajl_end_array = on_end_array,
};

// --- the whole ------------------------------------------------------------------------------

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20;
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

// A backslash stands only inside strings of a valid document, so escapes can be found without
// parsing; an invalid one is refused by the parser anyway.
static bool surrogates_paired(const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    while ((p = memchr(p, '\\', (size_t)(end - p)))) {
        if (end - p < 6 || p[1] != 'u') {
            p += end - p < 2 ? 1 : 2;
            continue;
        }
        int v = hex4(p + 2);
        p += 6;
        if (v >= 0xdc00 && v <= 0xdfff)
            return false;
        if (v < 0xd800 || v > 0xdfff)
            continue;
        int low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        p += 6;
    }
    return true;
}

static void *pool_malloc(void *ctx, size_t n)
{
    size_t *p = json_pool_alloc(ctx, n + 16);
    *p = n;
    return (char *)p + 16;
}

static void *pool_realloc(void *ctx, void *old, size_t n)
{
    void *p = pool_malloc(ctx, n);
    if (old) {
        size_t had = *(size_t *)(void *)((char *)old - 16);
        memcpy(p, old, had < n ? had : n);
    }
    return p;
}

static void pool_free(void *ctx, void *p)
{
    (void)ctx;
    (void)p; // goes with the pool
}

static int parse(struct reader *r)
{
    // yajl's own small objects come from the pool too: a read costs no malloc of its own.
    yajl_alloc_funcs alloc = {pool_malloc, pool_realloc, pool_free, r->pool};
    yajl_handle y = yajl_alloc(&callbacks, &alloc, r);
    r->yajl = y;
    yajl_status st = yajl_parse(y, (const unsigned char *)r->text, r->len);
    bool early = st == yajl_status_ok; // what there is may go on
    if (early)
        st = yajl_complete_parse(y);
    if (st == yajl_status_error) {
        size_t at = yajl_get_bytes_consumed(y);
        r->depth = 0;
        if (early)
            reader_fail(r, JSON_NOT_JSON, "is not whole: the JSON ends in the middle of a value");
        else
            reader_fail(r, JSON_NOT_JSON, "is not valid JSON near byte %zu", at);
    }
    yajl_free(y);
    return st == yajl_status_ok ? 0 : -1;
}

int json_read(const struct json_table *t, const void *text, size_t len, unsigned flags,
              struct json_pool *pool, void *ret, struct json_fault *f)
{
    assert(t->n_fields <= JSON_FIELDS_MAX);
    struct reader r;
    r.pool = pool;
    r.fault = f;
    r.text = len || !(flags & JSON_EMPTY_OK) ? text : "{}";
    r.len = len || !(flags & JSON_EMPTY_OK) ? len : 2;
    r.flags = flags;
    r.root = t;
    r.ret = ret;
    r.depth = 0;
    *f = (struct json_fault){.kind = JSON_FINE};
    if (!r.len) {
        reader_fail(&r, JSON_NOT_JSON, "the body is empty; a JSON object is expected");
        return -1;
    }
    if (!surrogates_paired(r.text, r.len)) {
        reader_fail(&r, JSON_NOT_JSON, "has half a surrogate pair in a string");
        return -1;
    }
    return parse(&r);
}
