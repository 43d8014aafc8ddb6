// SPDX-License-Identifier: Apache-2.0
// The pieces of a URL: percent escapes, paths, host and port.
#include "repo_int.h"

#include <arpa/inet.h>
#include <pinfold/num.h>
#include <string.h>

static bool is_alnum(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_unreserved(unsigned char c)
{
    return is_alnum(c) || (c && strchr("-._~", c));
}

// RFC 3986's pchar and the slash, without the percent sign.
static bool is_path_char(unsigned char c)
{
    return is_unreserved(c) || (c && strchr("/!$&'()*+,;=:@", c));
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// The byte at p[*i], decoded if it is an escape; *i moves behind it. -1 if it is malformed.
static int next_byte(const char *p, size_t len, size_t *i, bool *ret_escaped)
{
    *ret_escaped = p[*i] == '%';
    if (!*ret_escaped)
        return (unsigned char)p[(*i)++];
    if (len - *i < 3) {
        *i = len;
        return -1;
    }
    int hi = hex_value((unsigned char)p[*i + 1]), lo = hex_value((unsigned char)p[*i + 2]);
    *i += 3;
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

static int bad_byte(int c, struct err *e)
{
    if (c < 0)
        return err_set(e, ERR_BAD_REQUEST, "the URL has a malformed percent escape");
    return err_set(e, ERR_BAD_REQUEST, "the URL holds a control byte");
}

static int too_long(struct err *e)
{
    return err_set(e, ERR_LIMIT, "the repository URL is longer than %d bytes", REPO_URL_MAX - 1);
}

int repo_percent_decode(const char *p, size_t len, char *ret, size_t room, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        bool escaped;
        int c = next_byte(p, len, &i, &escaped);
        if (c < 0x20 || c == 0x7f)
            return bad_byte(c, e);
        if (n + 1 >= room)
            return too_long(e);
        ret[n++] = (char)c;
    }
    ret[n] = '\0';
    return 0;
}

static int put_byte(int c, bool escape, char *ret, size_t *n, size_t room, struct err *e)
{
    static const char digits[] = "0123456789ABCDEF";
    if (*n + (escape ? 3 : 1) >= room)
        return too_long(e);
    if (escape) {
        ret[(*n)++] = '%';
        ret[(*n)++] = digits[c >> 4];
        ret[(*n)++] = digits[c & 15];
    } else {
        ret[(*n)++] = (char)c;
    }
    ret[*n] = '\0';
    return 0;
}

int repo_path_normalize(const char *p, size_t len, char *ret, size_t room, struct err *e)
{
    size_t n = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < len;) {
        bool escaped;
        int c = next_byte(p, len, &i, &escaped);
        if (c < 0x20 || c == 0x7f)
            return bad_byte(c, e);
        // A decoded slash or backslash would let one name mean two paths.
        if (escaped && (c == '/' || c == '\\'))
            return err_set(e, ERR_BAD_REQUEST, "the URL's path holds an escaped slash");
        if (!escaped && !is_path_char((unsigned char)c))
            return err_set(e, ERR_BAD_REQUEST,
                           "the URL's path holds a byte that must be percent-escaped");
        if (put_byte(c, escaped && !is_unreserved((unsigned char)c), ret, &n, room, e) < 0)
            return -1;
    }
    return 0;
}

int repo_path_encode(const char *path, char *ret, size_t room, struct err *e)
{
    size_t n = 0;
    ret[0] = '\0';
    for (const char *p = path; *p; p++)
        if (put_byte((unsigned char)*p, !is_path_char((unsigned char)*p), ret, &n, room, e) < 0)
            return -1;
    return 0;
}

int repo_path_check(const char *path, struct err *e)
{
    if (path[0] != '/' || !path[1])
        return err_set(e, ERR_BAD_REQUEST, "the URL has no path to a repository");
    for (const char *p = path; p;) {
        p++;
        const char *next = strchr(p, '/');
        size_t n = next ? (size_t)(next - p) : strlen(p);
        if (n == 0)
            return err_set(e, ERR_BAD_REQUEST, "the URL's path has an empty part");
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return err_set(e, ERR_BAD_REQUEST, "the URL's path has a dot or dot-dot part");
        p = next;
    }
    return 0;
}

static int host_check(const char *host, struct err *e)
{
    size_t label = 0;
    for (const char *p = host;; p++) {
        if (*p == '.' || !*p) {
            if (label == 0 || label > 63)
                return err_set(e, ERR_BAD_REQUEST, "the URL's host name is malformed");
            label = 0;
            if (!*p)
                return 0;
        } else if (is_alnum((unsigned char)*p) || *p == '_' || (*p == '-' && label > 0)) {
            label++;
        } else {
            return err_set(e, ERR_BAD_REQUEST,
                           "the URL's host name is malformed (write other scripts in punycode)");
        }
    }
}

static int host6_parse(const char *p, size_t len, char *ret, struct err *e)
{
    char text[64];
    struct in6_addr a;
    if (len >= sizeof(text))
        return err_set(e, ERR_BAD_REQUEST, "the URL's IPv6 address is malformed");
    memcpy(text, p, len);
    text[len] = '\0';
    if (inet_pton(AF_INET6, text, &a) != 1 || !inet_ntop(AF_INET6, &a, ret, REPO_HOST_MAX))
        return err_set(e, ERR_BAD_REQUEST, "the URL's IPv6 address is malformed");
    return 0;
}

static int port_parse(const char *p, size_t len, uint16_t *ret, struct err *e)
{
    char text[8] = "";
    uint64_t v;
    if (len > 0 && len < sizeof(text))
        memcpy(text, p, len);
    if (num_parse_u64(text, 1, 65535, &v, NULL) < 0)
        return err_set(e, ERR_BAD_REQUEST, "the URL's port is not a number from 1 to 65535");
    *ret = (uint16_t)v;
    return 0;
}

static int host_parse(const char *p, size_t len, struct repo_url *ret, struct err *e)
{
    if (len == 0 || len >= sizeof(ret->host))
        return err_set(e, ERR_BAD_REQUEST, "the URL's host name is empty or too long");
    for (size_t i = 0; i < len; i++)
        ret->host[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : p[i];
    ret->host[len] = '\0';
    return host_check(ret->host, e);
}

int repo_authority_parse(const char *p, size_t len, struct repo_url *ret, struct err *e)
{
    const char *end = p + len, *colon;
    if (memchr(p, '@', len))
        return err_set(e, ERR_BAD_REQUEST,
                       "credentials in the URL are refused, since it is shown and logged: send "
                       "user name and password or token in their own fields");
    if (len > 0 && p[0] == '[') {
        const char *close = memchr(p, ']', len);
        if (!close || (close + 1 < end && close[1] != ':'))
            return err_set(e, ERR_BAD_REQUEST, "the URL's IPv6 address is malformed");
        if (host6_parse(p + 1, (size_t)(close - p) - 1, ret->host, e) < 0)
            return -1;
        colon = close + 1 < end ? close + 1 : NULL;
    } else {
        colon = memchr(p, ':', len);
        if (host_parse(p, colon ? (size_t)(colon - p) : len, ret, e) < 0)
            return -1;
    }
    return colon ? port_parse(colon + 1, (size_t)(end - colon) - 1, &ret->port, e) : 0;
}
