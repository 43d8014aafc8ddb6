// SPDX-License-Identifier: Apache-2.0
// Repository URLs: from what people write to one canonical form, or a sentence that says why not.
#include "repo_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct scheme {
    const char *name;
    enum repo_scheme scheme;
    uint16_t port;
} schemes[] = {
    {"https", REPO_HTTPS, 443},
    {"http", REPO_HTTP, 80},
    {"git", REPO_GIT, 9418},
    {"file", REPO_FILE, 0},
};

static bool is_ssh(const char *p, size_t len)
{
    static const char *const names[] = {"ssh", "git+ssh", "ssh+git"};
    for (size_t i = 0; i < N_ELEMS(names); i++)
        if (strlen(names[i]) == len && !strncasecmp(names[i], p, len))
            return true;
    return false;
}

static int refuse_ssh(struct err *e)
{
    return err_set(e, ERR_BAD_REQUEST,
                   "ssh URLs are not supported: use the repository's https URL, with a token as "
                   "password if it is private");
}

static int too_long(struct err *e)
{
    return err_set(e, ERR_LIMIT, "the repository URL is longer than %d bytes", REPO_URL_MAX - 1);
}

static int check_bytes(const char *text, size_t len, struct err *e)
{
    if (len == 0)
        return err_set(e, ERR_BAD_REQUEST, "the repository URL is empty");
    if (len >= REPO_URL_MAX)
        return too_long(e);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return err_set(e, ERR_BAD_REQUEST, "the repository URL holds a control byte");
    if (text[0] == '-')
        return err_set(e, ERR_BAD_REQUEST, "the repository URL starts with a hyphen");
    return 0;
}

// Is `path` beneath a root? By whole parts: /srv does not hold /srvx.
static bool below_root(const char *path, const char *roots)
{
    for (const char *p = roots + strspn(roots, " "); *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " "), root = n;
        while (root > 0 && p[root - 1] == '/')
            root--;
        if (!strncmp(path, p, root) && path[root] == '/')
            return true;
        p += n;
    }
    return false;
}

static int local_finish(struct repo_url *u, const struct repo_rules *rules, struct err *e)
{
    size_t len = strlen(u->path);
    while (len > 1 && u->path[len - 1] == '/')
        u->path[--len] = '\0';
    if (repo_path_check(u->path, e) < 0)
        return -1;
    const char *roots = rules->roots ? rules->roots : "";
    if (!below_root(u->path, roots))
        return err_set(e, ERR_DENIED, "local repositories must lie beneath one of: %.120s",
                       roots[0] ? roots : "(no directory is set)");
    memcpy(u->canonical, "file://", 8);
    return repo_path_encode(u->path, u->canonical + 7, sizeof(u->canonical) - 7, e);
}

static int parse_file(const char *rest, size_t len, const struct repo_rules *rules,
                      struct repo_url *u, struct err *e)
{
    static const char local[] = "localhost/";
    if (len >= sizeof(local) - 1 && !strncasecmp(rest, local, sizeof(local) - 1)) {
        rest += sizeof(local) - 2;
        len -= sizeof(local) - 2;
    }
    if (len == 0 || rest[0] != '/')
        return err_set(e, ERR_BAD_REQUEST, "a file URL names no host: write file:///path");
    if (memchr(rest, '?', len) || memchr(rest, '#', len))
        return err_set(e, ERR_BAD_REQUEST, "a repository URL has no query and no fragment");
    if (repo_percent_decode(rest, len, u->path, sizeof(u->path), e) < 0)
        return -1;
    return local_finish(u, rules, e);
}

static int put_canonical(const struct scheme *s, struct repo_url *u, struct err *e)
{
    bool v6 = strchr(u->host, ':') != NULL;
    char port[8] = "";
    if (u->port != s->port)
        (void)snprintf(port, sizeof(port), ":%u", u->port); // five digits fit
    int n = snprintf(u->canonical, sizeof(u->canonical), "%s://%s%s%s%s%s", s->name, v6 ? "[" : "",
                     u->host, v6 ? "]" : "", port, u->path);
    return n < 0 || (size_t)n >= sizeof(u->canonical) ? too_long(e) : 0;
}

static int parse_remote(const struct scheme *s, const char *rest, size_t len, struct repo_url *u,
                        struct err *e)
{
    const char *slash = memchr(rest, '/', len);
    size_t authority = slash ? (size_t)(slash - rest) : len;
    u->port = s->port;
    if (repo_authority_parse(rest, authority, u, e) < 0)
        return -1;
    if (memchr(rest, '?', len) || memchr(rest, '#', len))
        return err_set(e, ERR_BAD_REQUEST, "a repository URL has no query and no fragment");
    size_t path_len = len - authority;
    while (path_len > 1 && slash[path_len - 1] == '/')
        path_len--;
    if (path_len == 0)
        return err_set(e, ERR_BAD_REQUEST, "the URL has no path to a repository");
    if (repo_path_normalize(slash, path_len, u->path, sizeof(u->path), e) < 0 ||
        repo_path_check(u->path, e) < 0)
        return -1;
    return put_canonical(s, u, e);
}

static int parse_url(const char *text, size_t scheme_len, size_t len,
                     const struct repo_rules *rules, struct repo_url *u, struct err *e)
{
    const char *rest = text + scheme_len + 3;
    size_t rest_len = len - scheme_len - 3;
    for (size_t i = 0; i < N_ELEMS(schemes); i++) {
        const struct scheme *s = &schemes[i];
        if (strlen(s->name) != scheme_len || strncasecmp(s->name, text, scheme_len) != 0)
            continue;
        u->scheme = s->scheme;
        return s->scheme == REPO_FILE ? parse_file(rest, rest_len, rules, u, e)
                                      : parse_remote(s, rest, rest_len, u, e);
    }
    if (is_ssh(text, scheme_len))
        return refuse_ssh(e);
    return err_set(e, ERR_BAD_REQUEST, "the URL's scheme is not one of https, http, git, file");
}

static bool short_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

// owner/repo or group/subgroup/project
static bool short_name_ok(const char *text, size_t len)
{
    bool slash = false;
    for (size_t i = 0; i < len; i++) {
        bool first = i == 0 || text[i - 1] == '/';
        if (text[i] == '/') {
            if (first || i + 1 == len)
                return false;
            slash = true;
        } else if (!short_char(text[i]) || (first && (text[i] == '.' || text[i] == '-'))) {
            return false;
        }
    }
    return slash;
}

static int parse_short(const char *text, size_t len, const struct repo_rules *rules,
                       struct repo_url *u, struct err *e)
{
    char full[REPO_URL_MAX];
    const char *base = rules->base_url ? rules->base_url : "";
    size_t base_len = strlen(base);
    while (base_len > 0 && base[base_len - 1] == '/')
        base_len--;
    const char *mark = strstr(base, "://");
    if (!mark || !strncasecmp(base, "file", 4))
        return err_set(e, ERR_BAD_REQUEST,
                       "no base URL for short names like owner/repo is set: write a whole URL");
    if (base_len + 1 + len >= sizeof(full))
        return too_long(e);
    memcpy(full, base, base_len);
    full[base_len] = '/';
    memcpy(full + base_len + 1, text, len);
    return parse_url(full, (size_t)(mark - base), base_len + 1 + len, rules, u, e);
}

int repo_url_parse(const char *text, size_t len, const struct repo_rules *rules,
                   struct repo_url *ret, struct err *e)
{
    struct repo_url u = {0};
    if (check_bytes(text, len, e) < 0)
        return -1;
    const char *mark = memmem(text, len, "://", 3);
    const char *colon = memchr(text, ':', len), *slash = memchr(text, '/', len);
    int r;
    if (text[0] == '/') {
        u.scheme = REPO_FILE;
        memcpy(u.path, text, len);
        r = local_finish(&u, rules, e);
    } else if (mark && mark == colon) {
        r = parse_url(text, (size_t)(mark - text), len, rules, &u, e);
    } else if (colon && (!slash || colon < slash)) {
        r = refuse_ssh(e); // host:path, git's short form of an ssh URL
    } else if (short_name_ok(text, len)) {
        r = parse_short(text, len, rules, &u, e);
    } else {
        r = err_set(e, ERR_BAD_REQUEST,
                    "the repository is neither a URL (https, http, git, file) nor an absolute "
                    "path nor owner/repo");
    }
    if (r == 0)
        *ret = u;
    return r;
}

bool repo_url_same_server(const struct repo_url *a, const struct repo_url *b)
{
    if (a->scheme == REPO_FILE || b->scheme == REPO_FILE || strcmp(a->host, b->host) != 0)
        return false;
    if (a->scheme == b->scheme)
        return a->port == b->port;
    return a->scheme == REPO_HTTP && b->scheme == REPO_HTTPS &&
           (a->port == b->port || (a->port == 80 && b->port == 443));
}

void repo_url_key(const struct repo_url *u,
                  void (*sha256)(const void *p, size_t len, unsigned char out[32]),
                  char out[REPO_KEY_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char sum[32];
    sha256(u->canonical, strlen(u->canonical), sum);
    for (size_t i = 0; i < sizeof(sum); i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[REPO_KEY_MAX - 1] = '\0';
}
