// SPDX-License-Identifier: Apache-2.0
// Splitting and decoding what stands in the request line.
#include "route_int.h"

#include <string.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte behind a '%' at raw[0]; -1 when it is not two hexadecimal digits.
static int percent(const char *raw, const char *end)
{
    if (end - raw < 3 || hex(raw[1]) < 0 || hex(raw[2]) < 0)
        return -1;
    return hex(raw[1]) << 4 | hex(raw[2]);
}

// RFC 3986 pchar.
static bool path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~!$&'()*+,;=:@", c));
}

static bool is_dots(const char *s)
{
    return !strcmp(s, ".") || !strcmp(s, "..");
}

const char *path_split(const char *raw, size_t n, char *dst, struct path *ret)
{
    const char *end = raw + n;
    ret->n = 0;
    if (!n || *raw != '/')
        return "the path does not begin with a slash";
    for (raw++;; raw++) {
        if (ret->n == SEGMENTS_MAX)
            return "the path has too many segments";
        char *begin = ret->at[ret->n++] = dst;
        for (; raw < end && *raw != '/'; raw++) {
            int c = *raw == '%' ? percent(raw, end) : path_char(*raw) ? *raw : -1;
            if (c < 0)
                return *raw == '%' ? "the path has a broken percent escape"
                                   : "the path has a character that must be percent-encoded";
            if (c == 0 || (*raw == '%' && c == '/'))
                return "the path has an encoded NUL or slash";
            if (*raw == '%')
                raw += 2;
            *dst++ = (char)c;
        }
        *dst++ = '\0';
        if (is_dots(begin))
            return "the path has a . or .. segment";
        if (raw >= end)
            return NULL;
    }
}

// One name or value up to `stop1` or `stop2`; leaves *raw there.
static const char *query_part(const char **raw, const char *end, const char *stops, char **dst)
{
    const char *p = *raw;
    for (; p < end && (!*p || !strchr(stops, *p)); p++) { // strchr finds the NUL of stops too
        int c = *p == '%' ? percent(p, end) : *p == '+' ? ' ' : (unsigned char)*p;
        if (c <= 0)
            return c ? "the query has a broken percent escape" : "the query has a NUL";
        if (*p == '%')
            p += 2;
        *(*dst)++ = (char)c;
    }
    *(*dst)++ = '\0';
    *raw = p;
    return NULL;
}

const char *query_split(const char *raw, size_t n, char *dst, struct http_query *ret,
                        unsigned *ret_n)
{
    const char *end = raw + n, *bad;
    *ret_n = 0;
    while (raw < end) {
        if (*raw == '&') {
            raw++;
            continue;
        }
        if (*ret_n == HTTP_QUERY_MAX)
            return "the query has too many parameters";
        struct http_query *q = &ret[(*ret_n)++];
        *q = (struct http_query){dst, ""};
        if ((bad = query_part(&raw, end, "=&", &dst)))
            return bad;
        if (raw < end && *raw == '=') {
            raw++;
            q->value = dst;
            if ((bad = query_part(&raw, end, "&", &dst)))
                return bad;
        }
    }
    return NULL;
}

const char *http_query(const struct http_req *r, const char *name)
{
    for (unsigned i = 0; i < r->n_query; i++)
        if (!strcmp(r->query[i].name, name))
            return r->query[i].value;
    return NULL;
}
