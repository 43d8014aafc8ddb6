// SPDX-License-Identifier: Apache-2.0
// What dialects share that needs no server: names of repositories, titles.
#include "../../../../src/api/dialect/dialect_int.h"

#include <tap.h>

int main(void)
{
    char title[DIALECT_TITLE_MAX];
    static const char *const good[] = {"owner/repo", "a/b", "A-1/x.y_z", "octocat/hello-world"};
    static const char *const bad[] = {"",     "repo", "/repo",  "owner/", "a/b/c",     "a b/c",
                                      "../x", "a/..", "a/.git", "a/b\n",  "http://a/b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        ok(dialect_owner_repo(good[i]), "%s is owner/repo", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ok(!dialect_owner_repo(bad[i]), "bad name %zu is none", i);
    is_str(dialect_title("  one\ntwo", title), "one", "a title is the first line");
    is_str(dialect_title(NULL, title), "", "of nothing there is none");
    char text[300] = "";
    for (int i = 0; i < 140; i++)
        strcat(text, "\xc3\xa9");
    dialect_title(text, title);
    ok(strlen(title) == 83 && json_utf8_ok(title, strlen(title)) && !strcmp(title + 80, "..."),
       "a long one is cut between characters");
    return done_testing();
}
