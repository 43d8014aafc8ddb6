// SPDX-License-Identifier: Apache-2.0
#include <pinfold/ustar.h>

#include <tap.h>

static void round_trip(const char *name, uint64_t size)
{
    char block[USTAR_BLOCK];
    struct err e = {0};
    struct ustar f = {.size = size, .mtime_s = 1700000000}, got;
    memcpy(f.name, name, strlen(name));
    ustar_put(&f, block);
    is_int(ustar_get(block, &got, &e), 1, "a file of %llu bytes is read", (unsigned long long)size);
    is_str(got.name, name, "with its name");
    is_int(got.size, size, "its size");
    is_int(got.mtime_s, f.mtime_s, "and its time");
}

int main(void)
{
    static const uint64_t sizes[] = {0, 1, 511, 8589934591, 8589934592, 1ull << 50};
    char block[USTAR_BLOCK] = {0}, longest[USTAR_NAME_MAX + 1];
    struct err e = {0};
    struct ustar f = {.name = "a", .size = 5}, got;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        round_trip("output/exec_1.0", sizes[i]);
    memset(longest, 'x', USTAR_NAME_MAX);
    longest[USTAR_NAME_MAX] = '\0';
    round_trip(longest, 7);
    is_int(ustar_get(block, &got, &e), 0, "zeros are the end");
    int bad = 0, at = 0;
    for (at = 0; at < USTAR_BLOCK; at++) {
        ustar_put(&f, block);
        block[at] ^= 1;
        bad += ustar_get(block, &got, &e) != 1;
    }
    // The checksum's own unused bytes are not covered by it.
    ok(bad >= USTAR_BLOCK - 2, "any changed bit is seen: %d of %d", bad, at);
    ustar_put(&f, block);
    block[156] = '2';
    is_int(ustar_get(block, &got, &e), -1, "a link is refused");
    is_int(ustar_padding(0), 0, "nothing needs no padding");
    is_int(ustar_padding(513), 511, "and one byte too many needs a block");
    return done_testing();
}
