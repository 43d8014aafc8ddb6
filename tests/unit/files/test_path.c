// SPDX-License-Identifier: Apache-2.0
// Paths as text.
#include "../../../src/files/files_int.h"
#include <tap.h>

static const char *normal(const char *path)
{
    static char out[TOOL_PATH_MAX + 1];
    struct err e;
    return path_normal("workspace", path, out, &e) ? NULL : out;
}

static int order(const char *a, const char *b)
{
    return path_compare(a, strlen(a), b, strlen(b));
}

static bool above(const char *a, const char *b)
{
    return path_is_above(a, strlen(a), b, strlen(b));
}

int main(void)
{
    is_str(normal("a/b"), "workspace/a/b", "a relative path is in the workspace");
    is_str(normal("."), "workspace", "'.' is the workspace");
    is_str(normal("/etc/x"), "etc/x", "an absolute path is from the root");
    is_str(normal("/"), ".", "'/' is the root");
    is_str(normal("//a//./b//"), "a/b", "doubled slashes, '.' and a last slash go");
    is_str(normal("..a/b.."), "workspace/..a/b..", "dots within a name stay");
    ok(!normal(""), "an empty path is refused");
    ok(!normal(".."), "'..' is refused");
    ok(!normal("a/../b"), "'..' in the middle is refused");
    ok(!normal("a/.."), "'..' at the end is refused");
    ok(!normal("/../etc"), "'..' at the start is refused");

    char longer[5000];
    memset(longer, 'a', 256);
    longer[256] = 0;
    ok(!normal(longer), "a component of 256 bytes is refused");
    longer[255] = 0;
    ok(normal(longer), "one of 255 is fine");
    for (size_t i = 0; i < sizeof(longer) - 2; i += 2)
        memcpy(longer + i, "a/", 3);
    ok(!normal(longer), "a path of 5000 bytes is refused");
    longer[4084] = 0;
    ok(normal(longer), "one that fits with its base is fine");
    longer[4085 + 1] = 0;
    memcpy(longer + 4084, "aa", 3);
    ok(!normal(longer), "one byte more is refused");

    ok(order("a", "b") < 0 && order("b", "a") > 0 && order("a", "a") == 0, "byte order");
    ok(order("a", "a/x") < 0, "a directory comes before what is in it");
    ok(order("a/x", "a-b") < 0, "and that before the directory's next sibling");
    ok(order("a-b", "a/x") > 0, "seen from the other side too");
    ok(order("\xff", "a") > 0, "bytes are unsigned");
    ok(above("a", "a/b") && above("a/b", "a/b") && !above("a", "ab") && !above("a/b", "a"),
       "what is above what");
    return done_testing();
}
