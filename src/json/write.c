// SPDX-License-Identifier: Apache-2.0
// The writer.
#include "escape.h"
#include <pinfold/json_out.h>

#include <assert.h>
#include <math.h>
#include <pinfold/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 60 // levels of one document we write; bits of `arrays`

void json_out_init(struct json_out *o, struct buf *b)
{
    *o = (struct json_out){.b = b};
}

static void quoted(struct buf *b, const char *s, size_t n);

static bool in_array(const struct json_out *o)
{
    return o->arrays >> o->depth & 1;
}

// What stands before a value: a comma, a name. Overflow of the buffer is its own sticky flag.
static void before(struct json_out *o, const char *name)
{
    assert(!o->done);
    assert((name != NULL) == (o->depth > 0 && !in_array(o)));
    if (o->comma)
        (void)buf_putc(o->b, ',');
    o->comma = true;
    if (!name)
        return;
    quoted(o->b, name, strlen(name));
    (void)buf_putc(o->b, ':');
}

static void after(struct json_out *o)
{
    if (!o->depth)
        o->done = true;
}

static void begin(struct json_out *o, const char *name, bool array)
{
    before(o, name);
    assert(o->depth < DEPTH_MAX);
    o->depth++;
    o->arrays = (o->arrays & ~(UINT64_C(1) << o->depth)) | (uint64_t)array << o->depth;
    o->comma = false;
    (void)buf_putc(o->b, array ? '[' : '{');
}

static void end(struct json_out *o, bool array)
{
    assert(o->depth && in_array(o) == array);
    (void)buf_putc(o->b, array ? ']' : '}');
    o->depth--;
    o->comma = true;
    after(o);
}

void json_begin(struct json_out *o, const char *name)
{
    begin(o, name, false);
}

void json_end(struct json_out *o)
{
    end(o, false);
}

void json_begin_array(struct json_out *o, const char *name)
{
    begin(o, name, true);
}

void json_end_array(struct json_out *o)
{
    end(o, true);
}

static void value(struct json_out *o, const char *name, const char *text, size_t n)
{
    before(o, name);
    (void)buf_append(o->b, text, n);
    after(o);
}

// --- strings --------------------------------------------------------------------------------

// s is valid UTF-8. Room for the worst case is made for a piece at a time.
#define PIECE 4096
static void escaped(struct buf *b, const char *s, size_t n)
{
    while (n) {
        size_t piece = n < PIECE ? n : PIECE;
        if (b->max - b->len < piece * ESCAPE_WORST) // near the maximum every byte counts
            piece = 1;
        size_t room = piece > 1 ? piece * ESCAPE_WORST : json_escape_len((unsigned char)*s);
        char *to = buf_reserve(b, room);
        if (!to)
            return;
        buf_commit(b, json_escape(s, piece, to));
        s += piece;
        n -= piece;
    }
}

static void quoted(struct buf *b, const char *s, size_t n)
{
    (void)buf_putc(b, '"');
    while (n) {
        bool cut;
        size_t good = json_utf8_prefix(s, n, &cut);
        escaped(b, s, good);
        s += good;
        n -= good;
        if (n) { // one byte that is not UTF-8
            (void)buf_append(b, "\xef\xbf\xbd", 3);
            s++;
            n--;
        }
    }
    (void)buf_putc(b, '"');
}

void json_strn(struct json_out *o, const char *name, const void *s, size_t n)
{
    before(o, name);
    quoted(o->b, s, n);
    after(o);
}

void json_str(struct json_out *o, const char *name, const char *s)
{
    if (s)
        json_strn(o, name, s, strlen(s));
    else
        json_null(o, name);
}

static void base64(struct json_out *o, const char *name, const void *p, size_t n)
{
    char long_name[80];
    int len = snprintf(long_name, sizeof(long_name), "%s_base64", name);
    assert(len > 0 && (size_t)len < sizeof(long_name));
    before(o, long_name);
    (void)buf_putc(o->b, '"');
    char *to = buf_reserve(o->b, json_base64_len(n));
    if (to) {
        json_base64(p, n, to);
        buf_commit(o->b, json_base64_len(n));
    }
    (void)buf_putc(o->b, '"');
    after(o);
}

// Would it be longer as text with its escapes than as base 64? By a sample, which only decides
// how it travels.
#define SAMPLE 512
static bool longer_as_text(const unsigned char *p, size_t n)
{
    size_t step = n / SAMPLE + 1, seen = 0, more = 0;
    for (size_t i = 0; i < n; i += step, seen++)
        more += json_escape_len(p[i]) - 1;
    return more > seen / 2;
}

#define SHORT 64 // below this it does not matter, and text is easier to read
void json_bytes_short(struct json_out *o, const char *name, const void *p, size_t n)
{
    if (n >= SHORT && longer_as_text(p, n))
        base64(o, name, p, n);
    else
        json_bytes(o, name, p, n);
}

void json_bytes(struct json_out *o, const char *name, const void *p, size_t n)
{
    if (json_utf8_ok(p, n)) {
        before(o, name);
        (void)buf_putc(o->b, '"');
        escaped(o->b, p, n);
        (void)buf_putc(o->b, '"');
        after(o);
        return;
    }
    base64(o, name, p, n);
}

// --- the rest -------------------------------------------------------------------------------

void json_u64(struct json_out *o, const char *name, uint64_t v)
{
    char digits[20], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    value(o, name, p, (size_t)(digits + sizeof(digits) - p));
}

void json_i64(struct json_out *o, const char *name, int64_t v)
{
    if (v >= 0) {
        json_u64(o, name, (uint64_t)v);
        return;
    }
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)v);
    value(o, name, text, (size_t)n);
}

void json_f64(struct json_out *o, const char *name, double v)
{
    if (!isfinite(v)) {
        json_null(o, name);
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) { // the shortest that reads back the same
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    value(o, name, text, strlen(text));
}

void json_bool(struct json_out *o, const char *name, bool v)
{
    value(o, name, v ? "true" : "false", v ? 4 : 5);
}

void json_null(struct json_out *o, const char *name)
{
    value(o, name, "null", 4);
}

void json_time(struct json_out *o, const char *name, uint64_t wall_ms)
{
    char text[CLOCK_TEXT_MAX];
    if (wall_ms)
        json_str(o, name, clock_format(wall_ms, text));
    else
        json_null(o, name);
}

void json_raw(struct json_out *o, const char *name, const char *text, size_t n)
{
    value(o, name, text, n);
}

bool json_done(const struct json_out *o)
{
    return o->done && !o->b->overflow;
}
