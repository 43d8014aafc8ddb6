// SPDX-License-Identifier: Apache-2.0
// Words of the protocol: methods, reasons, entity tags, ranges, media types.
#include <pinfold/http.h>

#include <pinfold/own.h>
#include <string.h>
#include <strings.h>

const char *http_method_name(enum http_method m)
{
    static const char *const names[HTTP_N_METHODS] = {
        [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
        [HTTP_OPTIONS] = "OPTIONS",
    };
    return (unsigned)m < HTTP_N_METHODS ? names[m] : "?";
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return status < 400 ? "OK" : "Error";
}

bool http_etag_in(const char *header, const char *etag)
{
    size_t n = strlen(etag);
    for (const char *p = header; *p;) {
        p += strspn(p, " \t,");
        if (*p == '*')
            return true;
        if (!strncmp(p, "W/", 2))
            p += 2; // our tags are made of content: a weak match is a match
        if (!strncmp(p, etag, n) && strchr(" \t,", p[n]))
            return true;
        p += strcspn(p, ",");
    }
    return false;
}

// Digits at *p into *ret; false when there are none or too many.
static bool number(const char **p, uint64_t *ret)
{
    uint64_t v = 0;
    const char *s = *p;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*s - '0'), &v))
            return false;
    bool any = s != *p;
    *p = s;
    *ret = v;
    return any;
}

int http_range(const char *header, uint64_t size, uint64_t *from, uint64_t *to)
{
    uint64_t a, b = UINT64_MAX;
    const char *p = header;
    if (strncasecmp(p, "bytes=", 6))
        return 1;
    p += 6;
    if (*p == '-') { // the last so many bytes
        p++;
        if (!number(&p, &a) || *p)
            return 1;
        if (!a || !size)
            return -1;
        *from = a < size ? size - a : 0;
        *to = size;
        return 0;
    }
    if (!number(&p, &a) || *p++ != '-')
        return 1;
    if (*p && (!number(&p, &b) || *p || b < a))
        return 1; // malformed, or several ranges, which may be answered with the whole
    if (a >= size)
        return -1;
    *from = a;
    *to = b < size - 1 ? b + 1 : size;
    return 0;
}

int http_accepts(const char *accept, const char *const *types)
{
    for (const char *p = accept; *p;) {
        p += strspn(p, " \t,");
        size_t n = strcspn(p, " \t,;");
        if (n == 3 && !memcmp(p, "*/*", 3))
            return 0;
        for (int i = 0; types[i]; i++)
            if (strlen(types[i]) == n && !strncasecmp(types[i], p, n))
                return i;
        p += strcspn(p, ",");
    }
    return -1;
}
