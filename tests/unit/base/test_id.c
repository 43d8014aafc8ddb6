// SPDX-License-Identifier: Apache-2.0
#include <pinfold/clock.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <tap.h>

int main(void)
{
    static const struct {
        const char *name;
        bool good;
    } names[] = {
        {"a", true},         {"Debian-12.x_y", true},
        {"0", true},         {"_x", true},
        {"", false},         {".", false},
        {"..", false},       {".x", false},
        {"-x", false},       {"a/b", false},
        {"a b", false},      {"a\n", false},
        {"\xc3\xa9", false}, {"a:b", false},
        {"a\\b", false},
    };
    for (size_t i = 0; i < N_ELEMS(names); i++)
        ok(name_ok(names[i].name) == names[i].good, "the name '%s' is %s", names[i].name,
           names[i].good ? "good" : "refused");
    char longest[NAME_MAX_LEN + 2];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[NAME_MAX_LEN + 1] = '\0';
    ok(!name_ok(longest), "a name of %d characters is refused", NAME_MAX_LEN + 1);
    longest[NAME_MAX_LEN] = '\0';
    ok(name_ok(longest), "one of %d is good", NAME_MAX_LEN);

    char a[ID_MAX], b[ID_MAX];
    ok(id_ok(id_make("ws", a), "ws"), "a made id is one");
    ok(strcmp(a, id_make("ws", b)), "two are not the same");
    for (uint64_t from = clock_mono_ns(); clock_mono_ns() < from + 2000;)
        continue; // two microseconds later
    ok(strcmp(a, id_make("ws", b)) < 0, "they sort by when they were made");
    ok(!id_ok(a, "w") && !id_ok(a, "run"), "it is not one of another type");
    ok(!id_ok("ws_", "ws") && !id_ok("ws", "ws") && !id_ok("", "ws"), "its part must be there");
    a[5] = '/';
    ok(!id_ok(a, "ws"), "a slash is not in the alphabet");
    a[5] = 'U';
    ok(!id_ok(a, "ws"), "nor is an upper-case letter");
    char longer[ID_MAX + 4];
    snprintf(longer, sizeof(longer), "%s0", b);
    ok(!id_ok(longer, "ws"), "one character more is refused");
    return done_testing();
}
