// SPDX-License-Identifier: Apache-2.0
// The URLs of .gitmodules: relative ones, and ssh ones to the parent's own host.
#include "repo_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// git@HOST:PATH or ssh://[USER@]HOST[:22]/PATH with the parent's host: the path, else NULL. Such a
// submodule is nearly always readable over the https that the parent came by.
static const char *ssh_path_of_parent(const char *text, const struct repo_url *parent)
{
    bool scp = true;
    if (parent->scheme != REPO_HTTPS && parent->scheme != REPO_HTTP)
        return NULL;
    if (!strncmp(text, "ssh://", 6)) {
        text += 6;
        scp = false;
    } else if (strstr(text, "://")) {
        return NULL;
    }
    const char *at = strchr(text, '@');
    const char *host = at ? at + 1 : text;
    size_t n = strlen(parent->host);
    if (strncasecmp(host, parent->host, n) != 0)
        return NULL;
    const char *p = host + n;
    if (scp)
        return *p == ':' ? p + 1 : NULL;
    if (!strncmp(p, ":22/", 4))
        p += 3;
    return *p == '/' ? p + 1 : NULL;
}

// The length of "scheme://host:port" in a canonical URL.
static size_t origin_len(const struct repo_url *u)
{
    const char *mark = strstr(u->canonical, "://");
    const char *slash = mark ? strchr(mark + 3, '/') : NULL;
    return slash ? (size_t)(slash - u->canonical) : strlen(u->canonical);
}

static int join(const struct repo_url *parent, size_t len, const char *path, char *ret,
                struct err *e)
{
    int n = snprintf(ret, REPO_URL_MAX, "%.*s/%s", (int)len, parent->canonical, path);
    if (n < 0 || n >= REPO_URL_MAX)
        return err_set(e, ERR_LIMIT, "the submodule's URL is longer than %d bytes",
                       REPO_URL_MAX - 1);
    return 0;
}

static int join_relative(const char *text, const struct repo_url *parent, char *ret, struct err *e)
{
    size_t len = strlen(parent->canonical), origin = origin_len(parent);
    for (;;) {
        if (!strncmp(text, "./", 2)) {
            text += 2;
            continue;
        }
        if (strncmp(text, "../", 3) != 0)
            return join(parent, len, text, ret, e);
        text += 3;
        while (len > origin && parent->canonical[len - 1] != '/')
            len--;
        if (len <= origin)
            return err_set(e, ERR_BAD_REQUEST, "the submodule's URL climbs above its host");
        len--; // the slash
    }
}

int repo_url_parse_submodule(const char *text, const struct repo_url *parent,
                             const struct repo_rules *rules, struct repo_url *ret, struct err *e)
{
    char full[REPO_URL_MAX];
    struct repo_url u;
    const char *path = ssh_path_of_parent(text, parent);
    if (path) {
        if (join(parent, origin_len(parent), path, full, e) < 0)
            return -1;
        text = full;
    } else if (!strncmp(text, "./", 2) || !strncmp(text, "../", 3)) {
        if (join_relative(text, parent, full, e) < 0)
            return -1;
        text = full;
    } else if (text[0] != '/' && !strchr(text, ':')) {
        return err_set(e, ERR_BAD_REQUEST, "the submodule's URL is neither whole nor relative");
    }
    if (repo_url_parse(text, strlen(text), rules, &u, e) < 0)
        return -1;
    if (u.scheme == REPO_FILE && parent->scheme != REPO_FILE)
        return err_set(e, ERR_DENIED,
                       "a submodule of a remote repository may not name a local path");
    *ret = u;
    return 0;
}
