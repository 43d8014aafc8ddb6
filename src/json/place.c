// SPDX-License-Identifier: Apache-2.0
// One scalar of a document into one field of a struct, with all its checks.
#include "json_int.h"

#include <pinfold/own.h>
#include <limits.h>
#include <string.h>

const char *json_type_words(enum json_type t)
{
    switch (t) {
    case JSON_BOOL:
        return "true or false";
    case JSON_U32:
    case JSON_U64:
    case JSON_I64:
        return "a whole number";
    case JSON_MS:
        return "a number of seconds";
    case JSON_ENUM:
    case JSON_CHARS:
    case JSON_STRING:
    case JSON_TEXT:
        return "a string";
    case JSON_BASE64:
        return "a base 64 string";
    case JSON_STRINGS:
        return "an array of strings";
    case JSON_MAP:
        return "an object of strings";
    case JSON_OBJECT:
        return "an object";
    case JSON_OBJECTS:
        return "an array of objects";
    case JSON_RAW:
        return "a value";
    }
    return "a value";
}

static int wrong_type(struct reader *r, const struct json_field *f)
{
    return reader_fail(r, JSON_WRONG, "must be %s", json_type_words(f->type));
}

const char *place_copy(struct reader *r, const char *s, size_t n)
{
    if (memchr(s, '\0', n)) {
        reader_fail(r, JSON_WRONG, "must not contain a NUL character");
        return NULL;
    }
    char *copy = json_pool_alloc(r->pool, n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static int place_enum(struct reader *r, const struct json_field *f, char *to, const char *s,
                      size_t n)
{
    char all[120] = "";
    size_t used = 0;
    for (uint32_t i = 0; f->names[i]; i++) {
        if (strlen(f->names[i]) == n && !memcmp(f->names[i], s, n)) {
            *(uint32_t *)(void *)to = i;
            return 1;
        }
        int w = snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", f->names[i]);
        used = used + (size_t)w < sizeof(all) ? used + (size_t)w : sizeof(all) - 1;
    }
    return reader_fail(r, JSON_WRONG, "must be one of %s", all);
}

static int place_base64(struct reader *r, char *to, const char *s, size_t n)
{
    char *out = json_pool_alloc(r->pool, n / 4 * 3 + 4);
    ssize_t len = json_base64_decode(s, n, out);
    if (len < 0)
        return reader_fail(r, JSON_WRONG, "is not base 64");
    out[len] = '\0';
    *(struct json_text *)(void *)to = (struct json_text){out, (size_t)len};
    return 1;
}

static bool has_control(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return true;
    return false;
}

static int check_length(struct reader *r, const struct json_field *f, size_t n)
{
    uint64_t max = f->max;
    if (f->type == JSON_BASE64)
        max = json_base64_len(max);
    if (f->max && n > max)
        return reader_over(r, f->name, f->max, "is longer than %llu bytes",
                           (unsigned long long)f->max);
    if (n < f->min)
        return f->min == 1 ? reader_fail(r, JSON_WRONG, "must not be empty")
                           : reader_fail(r, JSON_WRONG, "is shorter than %llu bytes",
                                         (unsigned long long)f->min);
    return 1;
}

int place_string(struct reader *r, const struct json_field *f, char *base, const char *s, size_t n)
{
    char *to = base + f->offset;
    if (f->type == JSON_ENUM)
        return place_enum(r, f, to, s, n);
    if (f->type != JSON_CHARS && f->type != JSON_STRING && f->type != JSON_TEXT &&
        f->type != JSON_BASE64)
        return wrong_type(r, f);
    if (!check_length(r, f, n))
        return 0;
    if (f->flags & JSON_NO_CONTROL && has_control(s, n))
        return reader_fail(r, JSON_WRONG, "must not contain control characters");
    if (f->type == JSON_BASE64)
        return place_base64(r, to, s, n);
    if (f->type == JSON_TEXT) {
        char *copy = json_pool_alloc(r->pool, n + 1);
        memcpy(copy, s, n);
        copy[n] = '\0';
        *(struct json_text *)(void *)to = (struct json_text){copy, n};
        return 1;
    }
    if (f->type == JSON_STRING)
        return (*(const char **)(void *)to = place_copy(r, s, n)) != NULL;
    if (memchr(s, '\0', n))
        return reader_fail(r, JSON_WRONG, "must not contain a NUL character");
    memcpy(to, s, n); // fits: a JSON_CHARS field has room for max + 1
    to[n] = '\0';
    return 1;
}

static int out_of_bounds(struct reader *r, const struct json_field *f)
{
    if (f->type == JSON_I64)
        return reader_fail(r, JSON_WRONG, "does not fit into 64 bits");
    if (!f->max)
        return reader_fail(r, JSON_WRONG, "must be between %llu and %llu",
                           (unsigned long long)f->min,
                           f->type == JSON_U32 ? (unsigned long long)UINT32_MAX : ULLONG_MAX);
    return reader_over(r, f->name, f->max, "must be between %llu and %llu",
                       (unsigned long long)f->min, (unsigned long long)f->max);
}

// Whole numbers only: digits, no fraction, no exponent. -1 when it is none, 1 on overflow.
static int whole(const char *s, size_t n, uint64_t *ret)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s[i] - '0'), &v))
            return 1;
    }
    *ret = v;
    return n ? 0 : -1;
}

static int place_signed(struct reader *r, const struct json_field *f, char *to, const char *s,
                        size_t n)
{
    uint64_t v;
    bool minus = s[0] == '-';
    int bad = whole(s + minus, n - minus, &v);
    if (bad < 0)
        return wrong_type(r, f);
    if (bad || v > (uint64_t)INT64_MAX)
        return out_of_bounds(r, f);
    *(int64_t *)(void *)to = minus ? -(int64_t)v : (int64_t)v;
    return 1;
}

// Seconds with up to three decimals that count; further ones are cut off.
static int seconds(const char *s, size_t n, uint64_t *ret)
{
    const char *dot = memchr(s, '.', n);
    size_t whole_len = dot ? (size_t)(dot - s) : n;
    uint64_t v, ms = 0, scale = 100;
    int bad = whole(s, whole_len, &v);
    if (bad || __builtin_mul_overflow(v, 1000, &v))
        return bad < 0 ? -1 : 1;
    for (size_t i = whole_len + 1; i < n; i++, scale /= 10) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        ms += scale * (uint64_t)(s[i] - '0');
    }
    return __builtin_add_overflow(v, ms, ret) ? 1 : 0;
}

int place_number(struct reader *r, const struct json_field *f, char *base, const char *s, size_t n)
{
    char *to = base + f->offset;
    uint64_t v;
    if (f->type == JSON_I64)
        return place_signed(r, f, to, s, n);
    if (f->type != JSON_U32 && f->type != JSON_U64 && f->type != JSON_MS)
        return wrong_type(r, f);
    int bad = f->type == JSON_MS ? seconds(s, n, &v) : whole(s, n, &v);
    if (bad < 0)
        return s[0] == '-' ? out_of_bounds(r, f) : wrong_type(r, f);
    // bounds of a JSON_MS field are in seconds, as the client writes them
    uint64_t unit = f->type == JSON_MS ? 1000 : 1;
    if (bad || v < f->min * unit || (f->max && v > f->max * unit) ||
        (f->type == JSON_U32 && v > UINT32_MAX))
        return out_of_bounds(r, f);
    if (f->type == JSON_U32)
        *(uint32_t *)(void *)to = (uint32_t)v;
    else
        *(uint64_t *)(void *)to = v;
    return 1;
}

int place_bool(struct reader *r, const struct json_field *f, char *base, bool v)
{
    if (f->type != JSON_BOOL)
        return wrong_type(r, f);
    *(bool *)(void *)(base + f->offset) = v;
    return 1;
}
