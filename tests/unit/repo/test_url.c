// SPDX-License-Identifier: Apache-2.0
#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>
#include "tap.h"

static const struct repo_rules rules = {"https://forge.example/base/", "/srv /tmp/repos/"};

static const struct good {
    const char *text, *canonical, *host, *path;
    enum repo_scheme scheme;
    unsigned port;
} goods[] = {
    {"https://Forge.Example/a/b.git", "https://forge.example/a/b.git", "forge.example", "/a/b.git",
     REPO_HTTPS, 443},
    {"HTTPS://forge.example:443/a/b/", "https://forge.example/a/b", "forge.example", "/a/b",
     REPO_HTTPS, 443},
    {"http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a", "127.0.0.1", "/a", REPO_HTTP, 8080},
    {"http://h:80/a", "http://h/a", "h", "/a", REPO_HTTP, 80},
    {"git://h/a", "git://h/a", "h", "/a", REPO_GIT, 9418},
    {"http://[::1]:99/a", "http://[::1]:99/a", "::1", "/a", REPO_HTTP, 99},
    {"http://[2001:DB8:0::1]/a", "http://[2001:db8::1]/a", "2001:db8::1", "/a", REPO_HTTP, 80},
    {"https://h/%7euser/a%20b%c3%a4", "https://h/~user/a%20b%C3%A4", "h", "/~user/a%20b%C3%A4",
     REPO_HTTPS, 443},
    {"https://h/a@b:c", "https://h/a@b:c", "h", "/a@b:c", REPO_HTTPS, 443},
    {"file:///srv/r.git", "file:///srv/r.git", "", "/srv/r.git", REPO_FILE, 0},
    {"file://localhost/srv/r.git/", "file:///srv/r.git", "", "/srv/r.git", REPO_FILE, 0},
    {"file:///srv/a%20b", "file:///srv/a%20b", "", "/srv/a b", REPO_FILE, 0},
    {"/srv/a b%", "file:///srv/a%20b%25", "", "/srv/a b%", REPO_FILE, 0},
    {"/tmp/repos/x", "file:///tmp/repos/x", "", "/tmp/repos/x", REPO_FILE, 0},
    {"owner/repo", "https://forge.example/base/owner/repo", "forge.example", "/base/owner/repo",
     REPO_HTTPS, 443},
    {"g/sub.group/pro-ject_1.git", "https://forge.example/base/g/sub.group/pro-ject_1.git",
     "forge.example", "/base/g/sub.group/pro-ject_1.git", REPO_HTTPS, 443},
};

static const struct bad {
    const char *text;
    enum err_code code;
    const char *says;
} bads[] = {
    {"", ERR_BAD_REQUEST, "empty"},
    {"repo", ERR_BAD_REQUEST, "neither"},
    {"ssh://git@h/a", ERR_BAD_REQUEST, "https"},
    {"git+ssh://h/a", ERR_BAD_REQUEST, "https"},
    {"git@h:a/b.git", ERR_BAD_REQUEST, "https"},
    {"h:a/b", ERR_BAD_REQUEST, "https"},
    {"ext::sh -c id", ERR_BAD_REQUEST, "https"},
    {"ftp://h/a", ERR_BAD_REQUEST, "scheme"},
    {"://h/a", ERR_BAD_REQUEST, "scheme"},
    {"https://user:secret@h/a", ERR_BAD_REQUEST, "fields"},
    {"https://token@h/a", ERR_BAD_REQUEST, "fields"},
    {"https://@h/a", ERR_BAD_REQUEST, "fields"},
    {"-oProxyCommand=x/y", ERR_BAD_REQUEST, "hyphen"},
    {"--upload-pack=x/y", ERR_BAD_REQUEST, "hyphen"},
    {"owner/-x", ERR_BAD_REQUEST, "neither"},
    {"owner/../x", ERR_BAD_REQUEST, "neither"},
    {"owner/.git", ERR_BAD_REQUEST, "neither"},
    {"owner//x", ERR_BAD_REQUEST, "neither"},
    {"owner/x/", ERR_BAD_REQUEST, "neither"},
    {"./owner/x", ERR_BAD_REQUEST, "neither"},
    {"https://-h/a", ERR_BAD_REQUEST, "host"},
    {"https:///a", ERR_BAD_REQUEST, "host"},
    {"https://h..x/a", ERR_BAD_REQUEST, "host"},
    {"https://h x/a", ERR_BAD_REQUEST, "host"},
    {"https://h\xc3\xa4/a", ERR_BAD_REQUEST, "punycode"},
    {"https://[::1/a", ERR_BAD_REQUEST, "IPv6"},
    {"https://[::1]x/a", ERR_BAD_REQUEST, "IPv6"},
    {"https://[fe80::1%25eth0]/a", ERR_BAD_REQUEST, "IPv6"},
    {"https://h:/a", ERR_BAD_REQUEST, "port"},
    {"https://h:0/a", ERR_BAD_REQUEST, "port"},
    {"https://h:65536/a", ERR_BAD_REQUEST, "port"},
    {"https://h:+1/a", ERR_BAD_REQUEST, "port"},
    {"https://h", ERR_BAD_REQUEST, "path"},
    {"https://h/", ERR_BAD_REQUEST, "path"},
    {"https://h//", ERR_BAD_REQUEST, "path"},
    {"https://h/a//b", ERR_BAD_REQUEST, "empty part"},
    {"https://h/a/../b", ERR_BAD_REQUEST, "dot"},
    {"https://h/a/%2e%2E/b", ERR_BAD_REQUEST, "dot"},
    {"https://h/./b", ERR_BAD_REQUEST, "dot"},
    {"https://h/a%2fb", ERR_BAD_REQUEST, "slash"},
    {"https://h/a%5cb", ERR_BAD_REQUEST, "slash"},
    {"https://h/a\\b", ERR_BAD_REQUEST, "percent"},
    {"https://h/a b", ERR_BAD_REQUEST, "percent"},
    {"https://h/a%00", ERR_BAD_REQUEST, "control"},
    {"https://h/a%0a", ERR_BAD_REQUEST, "control"},
    {"git://h/a%0ahost=evil", ERR_BAD_REQUEST, "control"},
    {"https://h/a\n", ERR_BAD_REQUEST, "control"},
    {"https://h/a%", ERR_BAD_REQUEST, "escape"},
    {"https://h/a%4", ERR_BAD_REQUEST, "escape"},
    {"https://h/a%zz", ERR_BAD_REQUEST, "escape"},
    {"https://h/a?b=c", ERR_BAD_REQUEST, "query"},
    {"https://h/a#b", ERR_BAD_REQUEST, "query"},
    {"file://host/srv/x", ERR_BAD_REQUEST, "no host"},
    {"file://srv/x", ERR_BAD_REQUEST, "no host"},
    {"file:/srv/x", ERR_BAD_REQUEST, "https"},
    {"file:///etc/passwd", ERR_DENIED, "/srv"},
    {"file:///srv", ERR_DENIED, "/srv"},
    {"file:///srvx/r", ERR_DENIED, "/srv"},
    {"file:///srv/../etc", ERR_BAD_REQUEST, "dot"},
    {"file:///srv/%2e%2e/etc", ERR_BAD_REQUEST, "dot"},
    {"file:///srv/a%2f..%2f..%2fetc", ERR_BAD_REQUEST, "dot"},
    {"/etc/passwd", ERR_DENIED, "/srv"},
    {"/srv/../etc", ERR_BAD_REQUEST, "dot"},
    {"/", ERR_BAD_REQUEST, "path"},
    {"/tmp/x", ERR_DENIED, "/srv"},
};

static void test_good(void)
{
    for (size_t i = 0; i < N_ELEMS(goods); i++) {
        const struct good *g = &goods[i];
        struct repo_url u, again;
        struct err e = {0};
        if (!ok(!repo_url_parse(g->text, strlen(g->text), &rules, &u, &e), "%s is taken",
                g->text)) {
            printf("# %s\n", e.text);
            continue;
        }
        is_str(u.canonical, g->canonical, "%s: canonical form", g->text);
        is_str(u.host, g->host, "%s: host", g->text);
        is_str(u.path, g->path, "%s: path", g->text);
        is_int(u.scheme, g->scheme, "%s: scheme", g->text);
        is_int(u.port, g->port, "%s: port", g->text);
        ok(!repo_url_parse(u.canonical, strlen(u.canonical), &rules, &again, &e) &&
               !strcmp(u.canonical, again.canonical) && !strcmp(u.path, again.path),
           "%s: the canonical form of the canonical form is itself", g->text);
    }
}

static void test_bad(void)
{
    for (size_t i = 0; i < N_ELEMS(bads); i++) {
        const struct bad *b = &bads[i];
        struct repo_url u;
        struct err e = {0};
        bool refused = repo_url_parse(b->text, strlen(b->text), &rules, &u, &e) < 0;
        if (!ok(refused && e.code == b->code && strstr(e.text, b->says), "'%s' is refused: %s",
                b->text, b->says))
            printf("# %d %s: %s\n", refused, err_code_name(e.code), e.text);
        ok(!strstr(e.text, "secret") && !strstr(e.text, "token@"), "no secret in the sentence");
    }
}

static void test_length(void)
{
    char long_url[REPO_URL_MAX + 1];
    struct repo_url u;
    struct err e = {0};
    memset(long_url, 'a', sizeof(long_url));
    memcpy(long_url, "https://h/", 10);
    is_int(repo_url_parse(long_url, REPO_URL_MAX - 1, &rules, &u, &e), 0, "the longest URL");
    ok(repo_url_parse(long_url, REPO_URL_MAX, &rules, &u, &e) < 0 && e.code == ERR_LIMIT,
       "one byte more is refused");
    ok(repo_url_parse("https://h/a\0b", 13, &rules, &u, &e) < 0, "a NUL is refused");
    memset(long_url + 1, ' ', REPO_URL_MAX);
    memcpy(long_url, "/srv/", 5);
    ok(repo_url_parse(long_url, 600, &rules, &u, &e) < 0 && e.code == ERR_LIMIT,
       "a path that grows too long by escaping is refused");
}

static void test_rules(void)
{
    static const struct repo_rules none = {NULL, NULL}, empty = {"", ""},
                                   local = {"file:///srv", "/"};
    struct repo_url u;
    struct err e = {0};
    ok(repo_url_parse("o/r", 3, &none, &u, &e) < 0 && strstr(e.text, "whole URL"),
       "no base URL, no short names");
    ok(repo_url_parse("/srv/r", 6, &empty, &u, &e) < 0 && e.code == ERR_DENIED,
       "no roots, no local repositories");
    ok(repo_url_parse("o/r", 3, &local, &u, &e) < 0, "the base URL may not be local");
    is_int(repo_url_parse("/etc/r", 6, &local, &u, &e), 0, "the root / holds all");
}

static void test_same_server(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"https://h/a", "https://h/b", true},          {"https://h/a", "https://h:444/b", false},
        {"https://h/a", "https://g/a", false},         {"http://h/a", "https://h/a", true},
        {"https://h/a", "http://h/a", false},          {"http://h:8080/a", "https://h/a", false},
        {"http://h:8080/a", "https://h:8080/a", true}, {"git://h/a", "git://h/a", true},
        {"git://h/a", "https://h/a", false},           {"/srv/a", "/srv/a", false},
        {"https://h/a", "https://h.evil/a", false},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        struct repo_url a, b;
        if (repo_url_parse(rows[i].a, strlen(rows[i].a), &rules, &a, NULL) < 0 ||
            repo_url_parse(rows[i].b, strlen(rows[i].b), &rules, &b, NULL) < 0)
            ok(false, "row %zu parses", i);
        else
            is_int(repo_url_same_server(&a, &b), rows[i].same, "credentials of %s for %s",
                   rows[i].a, rows[i].b);
    }
}

static void test_key(void)
{
    char one[REPO_KEY_MAX], two[REPO_KEY_MAX];
    struct repo_url a, b;
    if (!ok(!repo_url_parse("HTTPS://H:443/x/", 16, &rules, &a, NULL) &&
                !repo_url_parse("https://h/x", 11, &rules, &b, NULL),
            "two spellings parse"))
        return;
    repo_url_key(&a, sha256_of, one);
    repo_url_key(&b, sha256_of, two);
    is_str(one, two, "two spellings have one key");
    is_int(strlen(one), 64, "of 64 digits");
    is_str(one, "29c7358107b5adaa7556089816b5ca38ac6875c87d0e7bbbb0f487ea09ee736d",
           "which is the SHA-256 of the canonical form");
}

static void test_submodule(void)
{
    static const struct {
        const char *parent, *text, *canonical; // NULL: refused
    } rows[] = {
        {"https://h/a/b.git", "../c.git", "https://h/a/c.git"},
        {"https://h/a/b.git", "./c", "https://h/a/b.git/c"},
        {"https://h/a/b.git", "../../x/y", "https://h/x/y"},
        {"https://h/a/b.git", "../../../y", NULL},
        {"https://h/a/b.git", "../../..", NULL},
        {"https://h/a/b.git", "../c/../../d", NULL},
        {"https://h/a/b.git", "https://g/c", "https://g/c"},
        {"https://h/a/b.git", "git@h:x/y.git", "https://h/x/y.git"},
        {"https://h/a/b.git", "ssh://git@h/x/y", "https://h/x/y"},
        {"https://h/a/b.git", "ssh://git@h:22/x/y", "https://h/x/y"},
        {"https://h/a/b.git", "ssh://git@h:2222/x/y", NULL},
        {"https://h/a/b.git", "git@g:x/y.git", NULL},
        {"https://h/a/b.git", "/srv/c", NULL},
        {"https://h/a/b.git", "file:///srv/c", NULL},
        {"https://h/a/b.git", "o/r", NULL},
        {"https://h/a/b.git", "c", NULL},
        {"https://h/a/b.git", "", NULL},
        {"https://h/a/b.git", "-u./x", NULL},
        {"https://h/a/b.git", "https://u:p@g/c", NULL},
        {"/srv/a/b", "../c", "file:///srv/a/c"},
        {"/srv/a/b", "/srv/c", "file:///srv/c"},
        {"/srv/a/b", "../../../etc/x", NULL},
        {"/srv/a/b", "https://g/c", "https://g/c"},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        struct repo_url parent, u = {0};
        struct err e = {0};
        if (repo_url_parse(rows[i].parent, strlen(rows[i].parent), &rules, &parent, &e) < 0) {
            ok(false, "row %zu: the parent parses", i);
            continue;
        }
        int r = repo_url_parse_submodule(rows[i].text, &parent, &rules, &u, &e);
        if (rows[i].canonical)
            is_str(u.canonical, rows[i].canonical, "%s in %s", rows[i].text, rows[i].parent);
        else
            is_int(r, -1, "%s in %s is refused", rows[i].text, rows[i].parent);
    }
}

int main(void)
{
    test_good();
    test_bad();
    test_length();
    test_rules();
    test_same_server();
    test_key();
    test_submodule();
    return done_testing();
}
