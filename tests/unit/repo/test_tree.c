// SPDX-License-Identifier: Apache-2.0
#include <pinfold/own.h>
#include <pinfold/repo_tree.h>
#include <string.h>
#include "tap.h"

static const char *const good_names[] = {
    "a",        ".gitignore",   ".gitattributes",
    ".github",  "git",          ".gitx",
    "..a",      "...",          "a b",
    "-x",       "git~2",        ".git~1",
    "a\nb",     "a\\b",         ".gi",
    "x.git",    ".git\xe2\x80", "gr\xc3\xbc",
    ".git\x01", ".gitmodules",
};
static const char *const bad_names[] = {
    "",
    ".",
    "..",
    ".git",
    ".GIT",
    ".Git",
    "git~1",
    "GIT~1",
    ".git ",
    ".git.",
    ".git...  ",
    ".git::$INDEX_ALLOCATION",
    ".git:x",
    "git~1.",
    ".g\xe2\x80\x8cit",
    "\xef\xbb\xbf.git",
    ".gi\xe2\x80\xaat",
    ".git\xe2\x81\xaf",
    "a/b",
    "/",
};

static void test_names(void)
{
    char long_name[257];
    for (size_t i = 0; i < N_ELEMS(good_names); i++)
        is_int(repo_name_check(good_names[i], false, NULL), 0, "good name %zu", i);
    for (size_t i = 0; i < N_ELEMS(bad_names); i++)
        is_int(repo_name_check(bad_names[i], false, NULL), -1, "bad name %zu", i);
    is_int(repo_name_check(".gitmodules", true, NULL), -1, ".gitmodules as a symlink");
    is_int(repo_name_check(".GITMODULES", true, NULL), -1, "in any case");
    memset(long_name, 'a', 256);
    long_name[256] = '\0';
    is_int(repo_name_check(long_name, false, NULL), -1, "256 bytes are too long");
    long_name[255] = '\0';
    is_int(repo_name_check(long_name, false, NULL), 0, "255 are not");
}

static int parse(const char *text, struct repo_modules *m, struct err *e)
{
    return repo_modules_parse(text, strlen(text), 3, m, e);
}

static void test_modules(void)
{
    struct repo_modules m = {0};
    struct err e = {0};
    int r = parse("# a remark\n"
                  "[core]\n\tautocrlf = true\n"
                  "[submodule \"lib/a\"]\r\n\tpath = lib/a\r\n\turl = ../a.git ; remark\r\n"
                  "[Submodule \"b c\"] path = \"b c\"\n"
                  "  URL = https://h/\"b#\"\\\"x\\\n/y   # z\n"
                  "  shallow\n"
                  "[submodule \"lib/a\"]\n\turl = ./other\n",
                  &m, &e);
    if (!ok(r == 0, "a file is read"))
        printf("# %s\n", e.text);
    if (!ok(m.n == 2, "with its two submodules"))
        return;
    is_str(m.list[0].name, "lib/a", "name");
    is_str(m.list[0].path, "lib/a", "path");
    is_str(m.list[0].url, "./other", "the last url counts");
    is_str(m.list[1].name, "b c", "a name with a blank");
    is_str(m.list[1].path, "b c", "a quoted path");
    is_str(m.list[1].url, "https://h/b#\"x/y", "quotes, escapes and a continued line");
    repo_modules_release(&m);
    is_int(parse("", &m, &e), 0, "an empty file");
    is_int(m.n, 0, "has none");
}

static void test_bad_modules(void)
{
    static const char *const rows[] = {
        "[submodule \"../x\"]\npath=x\n",
        "[submodule \"a/../../x\"]\npath=x\n",
        "[submodule \"a//x\"]\npath=x\n",
        "[submodule \"/x\"]\npath=x\n",
        "[submodule \"\"]\npath=x\n",
        "[submodule \"-x\"]\npath=x\n",
        "[submodule \"x/.git\"]\npath=x\n",
        "[submodule \"x\"]\npath=../x\n",
        "[submodule \"x\"]\npath=/etc\n",
        "[submodule \"x\"]\npath=a/.git/hooks\n",
        "[submodule \"x\"]\npath=-a\n",
        "[submodule \"x\"]\npath=\n",
        "[submodule \"x\n\"]\n",
        "[submodule \"x\"\n",
        "[submodule \"x",
        "[submodule \"x\\",
        "[",
        "= x\n",
        "[submodule \"x\"]\nurl = \"open\n",
        "[submodule \"x\"]\nurl = a\\qb\n",
        "[submodule \"x\"]\nurl = a\\",
        "[submodule \"a\"]\n[submodule \"b\"]\n[submodule \"c\"]\n[submodule \"d\"]\n",
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        struct repo_modules m = {0};
        struct err e = {0};
        ok(parse(rows[i], &m, &e) < 0 && e.code != ERR_NONE, "bad file %zu is refused", i);
        repo_modules_release(&m);
    }
    struct repo_modules m = {0};
    ok(repo_modules_parse("[submodule \"x\"]\nurl=a\0b\n", 25, 3, &m, NULL) < 0,
       "a NUL in a value is refused");
    own_free char *big = xcalloc(1, REPO_MODULES_TEXT_MAX + 1);
    ok(repo_modules_parse(big, REPO_MODULES_TEXT_MAX + 1, 3, &m, NULL) < 0, "a huge file too");
}

int main(void)
{
    test_names();
    test_modules();
    test_bad_modules();
    return done_testing();
}
