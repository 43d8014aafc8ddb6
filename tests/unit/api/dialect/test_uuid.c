// SPDX-License-Identifier: Apache-2.0
// Workspace ids as UUIDs and back.
#include "../../../../src/api/dialect/dialect_int.h"

#include <ctype.h>
#include <tap.h>

static void round_trip(const char *id, const char *what)
{
    char uuid[UUID_MAX], back[ID_MAX];
    bool nil;
    uuid_of("ws", id, uuid);
    ok(uuid_parse("ws", uuid, back, &nil) && !nil, "%s: its UUID can be read", what);
    is_str(back, id, "%s: and is the id's", what);
    ok(uuid[14] == '4' && strchr("89ab", uuid[19]), "%s: version 4, variant of RFC 9562", what);
}

static void good(void)
{
    char id[ID_MAX], uuid[UUID_MAX], back[ID_MAX];
    bool nil;
    round_trip("ws_00000000000000000000", "all zeros");
    round_trip("ws_zzzzzzzzzzzzzzzzzzzz", "all ones");
    round_trip("ws_0c9m4k2v7t1x8b5n3q6j", "some");
    is_str(uuid_of("ws", "ws_zzzzzzzzzzzzzzzzzzzz", uuid), "ffffffff-ffff-4fff-bfff-ffffffc00000",
           "the bits fill it from the left");
    int bad = 0;
    for (int i = 0; i < 10000; i++) {
        id_make("ws", id);
        uuid_of("ws", id, uuid);
        bad += !uuid_parse("ws", uuid, back, &nil) || strcmp(back, id) != 0;
    }
    is_int(bad, 0, "ten thousand random ids come back");
    for (char *p = uuid; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    ok(uuid_parse("ws", uuid, back, &nil), "upper case can be read");
    is_str(back, id, "and is the same id");
}

static void foreign(void)
{
    static const char *const not_uuids[] = {
        "",
        "x",
        "0",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000_0000_0000_0000_000000000000",
        "000000000000-0000-0000-000000000000",
        "g0000000-0000-0000-0000-000000000000",
        "../../../../../../../../../etc/passwd",
    };
    static const char *const others[] = {
        "ffffffff-ffff-4fff-bfff-ffffffc00001", // bits that no id has
        "ffffffff-ffff-1fff-bfff-ffffffc00000", // version
        "ffffffff-ffff-4fff-ffff-ffffffc00000", // variant
        "550e8400-e29b-41d4-a716-446655440000",
    };
    char id[ID_MAX];
    bool nil;
    for (size_t i = 0; i < sizeof(not_uuids) / sizeof(*not_uuids); i++)
        ok(!uuid_parse("ws", not_uuids[i], id, &nil), "'%s' is not a UUID", not_uuids[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        ok(uuid_parse("ws", others[i], id, &nil) && !nil, "%s is a UUID", others[i]);
        is_str(id, "", "but no workspace's");
    }
    ok(uuid_parse("ws", UUID_NIL, id, &nil) && nil, "the nil UUID is known");
    is_str(id, "", "and is no id");
}

int main(void)
{
    good();
    foreign();
    return done_testing();
}
