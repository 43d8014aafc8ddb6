// SPDX-License-Identifier: Apache-2.0
// Hostile probes do not start in the initial user namespace, nor where they cannot tell.
#include "../../probe/probe.h"
#include <tap.h>

static int ran;
static int hostile(char **arg)
{
    (void)arg;
    ran++;
    return 0;
}

static const struct probe_row rows[] = {{"harm", 0, true, hostile, ""},
                                        {"look", 0, false, hostile, ""}};

int main(void)
{
    static const char init_ns[] = "user:[4026531837]", other[] = "user:[4026532999]";
    static const char full[] = "         0          0 4294967295\n";
    ok(probe_is_initial(full, init_ns), "the machine itself is outside");
    ok(probe_is_initial(full, other), "a full identity map is outside, whatever the number");
    ok(probe_is_initial("0 1000 1\n", init_ns), "the initial number is outside, whatever the map");
    ok(probe_is_initial(NULL, other), "without a map one cannot tell: outside");
    ok(probe_is_initial("0 100000 65536\n", NULL), "without a number one cannot tell: outside");
    ok(probe_is_initial("0 100000 65536\n", ""), "nor with an empty one");
    ok(probe_is_initial("garbage\n", other), "nor with a map that is none");
    ok(!probe_is_initial("0 100000 65536\n", other), "a range of a sandbox is inside");
    ok(!probe_is_initial("0 0 65536\n", other), "so is a part of the identity");
    ok(!probe_is_initial("", other), "so is a namespace without a map yet");

    char *harm[] = {(char[]){"probe"}, (char[]){"harm"}, NULL};
    char *look[] = {(char[]){"probe"}, (char[]){"look"}, NULL};
    if (probe_outside()) {
        is_int(probe_main(2, harm, rows, 2), 3, "a hostile probe ends with code 3 here");
        is_int(ran, 0, "before it did anything");
        is_int(probe_main(2, look, rows, 2), 0, "a harmless one runs");
        is_int(ran, 1, "here too");
    } else {
        skip("a hostile probe ends with code 3 here", "this is a user namespace of its own");
    }
    return done_testing();
}
