// SPDX-License-Identifier: Apache-2.0
#include <pinfold/own.h>
#include <pinfold/repo.h>
#include <string.h>
#include "tap.h"

static const struct {
    const char *ref;
    int kind; // -1: refused
} rows[] = {
    {"", REPO_REF_DEFAULT},
    {"HEAD", REPO_REF_DEFAULT},
    {"main", REPO_REF_NAME},
    {"v1.2.3", REPO_REF_NAME},
    {"feature/x-1", REPO_REF_NAME},
    {"a@b", REPO_REF_NAME},
    {"refs", REPO_REF_NAME},
    {"gr\xc3\xbc\xc3\x9f", REPO_REF_NAME},
    {"1234567", REPO_REF_NAME},
    {"0123456789abcdef0123456789ABCDEF01234567", REPO_REF_COMMIT},
    {"0123456789abcdef0123456789abcdef0123456g", REPO_REF_NAME},
    {"refs/heads/main", REPO_REF_FULL},
    {"refs/pull/1/head", REPO_REF_FULL},
    {"refs/main", -1},
    {"refs/", -1},
    {"/main", -1},
    {"main/", -1},
    {"a//b", -1},
    {".hidden", -1},
    {"a/.b", -1},
    {"a..b", -1},
    {"a.", -1},
    {"a.lock", -1},
    {"a.lock/b", -1},
    {"@", -1},
    {"a@{1}", -1},
    {"-x", -1},
    {"--upload-pack=id", -1},
    {"a b", -1},
    {"a~1", -1},
    {"a^", -1},
    {"a:b", -1},
    {"a?", -1},
    {"a*", -1},
    {"a[b", -1},
    {"a\\b", -1},
    {"a\nb", -1},
    {"a\x7f", -1},
};

int main(void)
{
    char long_ref[REPO_REF_MAX + 1];
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        enum repo_ref_kind kind = REPO_REF_DEFAULT;
        struct err e = {0};
        int r = repo_ref_check(rows[i].ref, strlen(rows[i].ref), &kind, &e);
        is_int(r < 0 ? -1 : (int)kind, rows[i].kind, "the reference '%s'", rows[i].ref);
    }
    memset(long_ref, 'a', sizeof(long_ref));
    is_int(repo_ref_check(long_ref, REPO_REF_MAX - 1, NULL, NULL), 0, "the longest reference");
    is_int(repo_ref_check(long_ref, REPO_REF_MAX, NULL, NULL), -1, "one byte more is refused");
    is_int(repo_ref_check("a\0b", 3, NULL, NULL), -1, "a NUL is refused");
    return done_testing();
}
