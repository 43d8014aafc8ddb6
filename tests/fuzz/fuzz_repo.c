// SPDX-License-Identifier: Apache-2.0
// Repository URLs: what is accepted has a canonical form that is accepted again and means the same.
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct repo_rules rules = {"https://example.org/", "/srv /tmp/a"};
    struct repo_url u, v;
    struct err e;
    if (repo_url_parse((const char *)data, size, &rules, &u, &e))
        return 0;
    if (repo_url_parse(u.canonical, strlen(u.canonical), &rules, &v, &e) ||
        strcmp(u.canonical, v.canonical) || u.scheme != v.scheme || u.port != v.port ||
        strcmp(u.host, v.host) || strcmp(u.path, v.path))
        abort();
    if (strchr(u.host, '@') || strstr(u.path, "/../") || strpbrk(u.canonical, "\r\n\t "))
        abort();
    return 0;
}
