// SPDX-License-Identifier: Apache-2.0
// Rules about single requests: methods and paths.
#include "policy_int.h"

#include <pinfold/own.h>
#include <string.h>
#include <strings.h>

#define SCHEME "https://"

bool web_rule_is(const char *s, size_t n)
{
    return memmem(s, n, "://", 3) != NULL;
}

static int check_methods(const char *s, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        bool letter = s[i] >= 'A' && s[i] <= 'Z';
        if (!letter && (s[i] != ',' || !i || i + 1 == n || s[i - 1] == ','))
            return err_set(e, ERR_BAD_REQUEST,
                           "'%.*s' are no methods; write them as in GET,HEAD https://...",
                           n > 40 ? 40 : (int)n, s);
    }
    return 0;
}

// Only what every reader reads alike: no escape, no query, no dots that lead up.
static int check_path(const char *s, size_t n, struct err *e)
{
    const struct web_request q = {.path = s, .path_len = n};
    for (size_t i = 0; i < n; i++)
        if (s[i] <= ' ' || s[i] > '~' || strchr("?#%\\", s[i]) || (s[i] == '*' && i + 1 < n))
            return err_set(e, ERR_BAD_REQUEST,
                           "the path '%.*s' holds more than plain characters and a star at its end",
                           n > 60 ? 60 : (int)n, s);
    return web_path_plain(&q)
               ? 0
               : err_set(e, ERR_BAD_REQUEST, "the path '%.*s' leads up", n > 60 ? 60 : (int)n, s);
}

int web_rule_parse(const char *s, size_t n, struct rule *ret, struct err *e)
{
    const char *plus = memchr(s, '+', n), *at = memmem(s, n, "://", 3);
    size_t methods = plus && plus < at ? (size_t)(plus - s) : 0;
    const char *url = methods ? plus + 1 : s;
    size_t len = n - (size_t)(url - s);
    if (len <= strlen(SCHEME) || memcmp(url, SCHEME, strlen(SCHEME)))
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.*s' does not begin with https://; plain http is allowed by its host",
                       n > 60 ? 60 : (int)n, s);
    const char *host = url + strlen(SCHEME), *path = memchr(host, '/', len - strlen(SCHEME));
    size_t path_len = path ? n - (size_t)(path - s) : 0;
    if (!path)
        return err_set(e, ERR_BAD_REQUEST, "'%.*s' has no path; /* is all of them",
                       n > 60 ? 60 : (int)n, s);
    if (check_methods(s, methods, e) || check_path(path, path_len, e) ||
        rule_parse(host, (size_t)(path - host), ret, e))
        return -1;
    if (methods + 1 + path_len >= RULE_WEB_ROOM)
        return err_set(e, ERR_LIMIT, "methods and path are longer than %d bytes",
                       RULE_WEB_ROOM - 2);
    if (!ret->port)
        ret->port = 443;
    (void)snprintf(ret->web, sizeof(ret->web), "%.*s+%.*s", (int)methods, s, (int)path_len, path);
    return 0;
}

// Segments of dots, double slashes, and escapes of what makes them: the next reader may see another
// path in it.
bool web_path_plain(const struct web_request *q)
{
    static const char *const escapes[] = {"2e", "2f", "5c", "25", "00"};
    for (size_t i = 0; i < q->path_len; i++) {
        const char *p = q->path + i;
        size_t left = q->path_len - i;
        if (*p == '\\' || (*p == '/' && left > 1 && (p[1] == '/' || p[1] == ';')))
            return false;
        if (*p == '/' && left > 1 && p[1] == '.' &&
            (left == 2 || p[2] == '/' || p[2] == '.' || p[2] == ';'))
            return false;
        for (unsigned k = 0; *p == '%' && k < N_ELEMS(escapes); k++)
            if (left < 3 || !strncasecmp(p + 1, escapes[k], 2))
                return false;
    }
    return q->path_len && *q->path == '/';
}

static bool method_in(const char *list, size_t n, const struct web_request *q)
{
    if (!n)
        return true;
    while (n) {
        const char *comma = memchr(list, ',', n);
        size_t len = comma ? (size_t)(comma - list) : n;
        if (len == q->method_len && !memcmp(list, q->method, len))
            return true;
        n -= comma ? len + 1 : len;
        list += len + 1;
    }
    return false;
}

bool web_rule_allows(const struct rule *r, const struct web_request *q)
{
    size_t methods = strcspn(r->web, "+");
    const char *path = r->web + methods + 1;
    size_t n = strlen(path);
    bool star = path[n - 1] == '*';
    if (!method_in(r->web, methods, q))
        return false;
    if (!strcmp(path, "/*"))
        return true;
    n -= star;
    return web_path_plain(q) && (star ? q->path_len >= n : q->path_len == n) &&
           !memcmp(q->path, path, n);
}
