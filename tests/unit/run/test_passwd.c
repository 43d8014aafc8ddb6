// SPDX-License-Identifier: Apache-2.0
// Entries of /etc/passwd are found; what is no entry is passed over.
#include <pinfold/passwd.h>
#include <string.h>
#include <tap.h>

static const char text[] = "root:x:0:0:root:/root:/bin/sh\n"
                           "\n"
                           "cut:x:7\n"
                           "big:x:70000:0::/:/bin/sh\n"
                           "dev:x:1000:1001:dev:/home/dev:/bin/sh\n"
                           "twin:x:1000:9::/twin:\n"
                           "last:x:5:6::/last";

static bool find(const char *name, uint32_t uid, struct passwd_user *ret)
{
    return passwd_find(text, sizeof(text) - 1, name, uid, ret);
}

int main(void)
{
    struct passwd_user u = {0};
    ok(find("root", 9, &u) && u.uid == 0 && !strcmp(u.home, "/root"), "a name, whatever the id");
    ok(find("", 1000, &u) && u.gid == 1001 && !strcmp(u.home, "/home/dev"), "the first of an id");
    ok(find("twin", 0, &u) && u.gid == 9, "the second by its name");
    ok(!find("cut", 0, &u), "a line that is cut is none");
    ok(!find("big", 0, &u), "ids past 65535 are none");
    ok(!find("de", 0, &u) && !find("devel", 0, &u), "a name is the whole name");
    ok(u.gid == 9, "what is not found leaves the result alone");
    ok(find("last", 0, &u) && !strcmp(u.home, "/last"), "the last field needs no end");
    ok(!passwd_find("", 0, "", 0, &u), "nothing in nothing");
    return done_testing();
}
