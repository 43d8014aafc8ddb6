// SPDX-License-Identifier: Apache-2.0
// Classes of addresses, from IANA's special-purpose registries. Of IPv6 only what is given out for
// the Internet is public; all else, known or not, is refused.
#include <pinfold/policy.h>

#include <arpa/inet.h>
#include <pinfold/own.h>
#include <string.h>

struct block {
    unsigned char bytes[16];
    unsigned bits;
    const char *word;
};

static const struct block v4[] = {
    {{0}, 8, "unspecified"},
    {{10}, 8, "private"},
    {{100, 100, 100, 200}, 32, "metadata"}, // of one cloud
    {{100, 64}, 10, "private"},             // shared by carriers, RFC 6598
    {{127}, 8, "loopback"},
    {{169, 254}, 16, "link-local"}, // and the metadata service of most clouds
    {{172, 16}, 12, "private"},
    {{192, 0, 0}, 24, "reserved"}, // a metadata service too
    {{192, 0, 2}, 24, "documentation"},
    {{192, 88, 99}, 24, "6to4"},
    {{192, 168}, 16, "private"},
    {{198, 18}, 15, "private"}, // benchmarks
    {{198, 51, 100}, 24, "documentation"},
    {{203, 0, 113}, 24, "documentation"},
    {{168, 63, 129, 16}, 32, "metadata"},
    {{224}, 4, "multicast"},
    {{240}, 4, "reserved"}, // broadcast too
};

// Inside 2000::/3.
static const struct block v6[] = {
    {{0x20, 0x01, 0x00}, 23, "reserved"}, // protocols: Teredo, ORCHID, ...
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x3f, 0xff}, 20, "documentation"},
};

static const struct block v6_other[] = {
    {{[15] = 1}, 128, "loopback"},
    {{0}, 128, "unspecified"},
    {{[10] = 0xff, [11] = 0xff}, 96, "mapped"},
    {{0}, 96, "compatible"},
    {{0x00, 0x64, 0xff, 0x9b}, 96, "nat64"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "nat64"},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "private"},
    {{0xff}, 8, "multicast"},
};

static bool inside(const unsigned char *a, const struct block *b)
{
    unsigned whole = b->bits / 8, rest = b->bits % 8;
    if (memcmp(a, b->bytes, whole))
        return false;
    unsigned mask = 0xff00u >> rest & 0xff;
    return !rest || (a[whole] & mask) == (b->bytes[whole] & mask);
}

static const char *find(const unsigned char *a, const struct block *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (inside(a, &b[i]))
            return b[i].word;
    return NULL;
}

const char *address_class(const struct address *a)
{
    if (!a->six)
        return find(a->bytes, v4, N_ELEMS(v4));
    if (a->bytes[0] >> 5 == 1)
        return find(a->bytes, v6, N_ELEMS(v6));
    const char *word = find(a->bytes, v6_other, N_ELEMS(v6_other));
    return word ? word : "reserved";
}

bool address_near(const struct address *a)
{
    const char *word = address_class(a);
    return !word || !strcmp(word, "private") || !strcmp(word, "loopback");
}

void address_from4(struct address *ret, const void *bytes4)
{
    *ret = (struct address){0};
    memcpy(ret->bytes, bytes4, 4);
}

void address_from6(struct address *ret, const void *bytes16)
{
    static const struct block mapped = {{[10] = 0xff, [11] = 0xff}, 96, ""};
    const unsigned char *p = bytes16;
    if (inside(p, &mapped)) {
        address_from4(ret, p + 12);
        return;
    }
    *ret = (struct address){.six = true};
    memcpy(ret->bytes, p, 16);
}

void address_text(const struct address *a, char ret[HOST_ROOM])
{
    ret[0] = '\0';
    (void)inet_ntop(a->six ? AF_INET6 : AF_INET, a->bytes, ret, HOST_ROOM); // the room is enough
}
