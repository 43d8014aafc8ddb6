// SPDX-License-Identifier: Apache-2.0
// Ids and UUIDs. An id has 20 characters of 5 bits; they fill a version 4 UUID from the
// left, the bits that say version and variant are stepped over, and what remains is 0.
#include "dialect_int.h"

#include <string.h>
#include <strings.h>

#define ID_CHARS 20
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz"; // as in id.c

static bool reserved(unsigned bit)
{
    return (bit >= 48 && bit < 52) || bit == 64 || bit == 65;
}

static void put_bit(unsigned char bytes[16], unsigned bit)
{
    bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
}

static void format(const unsigned char bytes[16], char out[UUID_MAX])
{
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
    *out = '\0';
}

const char *uuid_of(const char *prefix, const char *id, char out[UUID_MAX])
{
    unsigned char bytes[16] = {0};
    bytes[6] = 0x40;
    bytes[8] = 0x80;
    if (!id_ok(id, prefix)) // never made by the core
        return memcpy(out, UUID_NIL, UUID_MAX);
    unsigned bit = 0;
    for (const char *p = id + strlen(prefix) + 1; *p; p++) {
        unsigned v = (unsigned)(strchr(alphabet, *p) - alphabet);
        for (unsigned mask = 16; mask; mask >>= 1, bit++) {
            while (reserved(bit))
                bit++;
            if (v & mask)
                put_bit(bytes, bit);
        }
    }
    format(bytes, out);
    return out;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse(const char *s, unsigned char bytes[16])
{
    unsigned nibble = 0;
    if (strlen(s) != UUID_MAX - 1)
        return false;
    for (unsigned i = 0; s[i]; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int v = dash ? 0 : hex_value(s[i]);
        if (dash ? s[i] != '-' : v < 0)
            return false;
        if (!dash) {
            bytes[nibble / 2] |= (unsigned char)(nibble % 2 ? v : v << 4);
            nibble++;
        }
    }
    return true;
}

bool uuid_parse(const char *prefix, const char *s, char id[ID_MAX], bool *nil)
{
    unsigned char bytes[16] = {0};
    id[0] = '\0';
    *nil = false;
    if (!parse(s, bytes))
        return false;
    *nil = !strcmp(s, UUID_NIL);
    size_t n = strlen(prefix);
    char *to = id + n + 1;
    unsigned bit = 0;
    for (unsigned i = 0; i < ID_CHARS; i++) {
        unsigned v = 0;
        for (unsigned k = 0; k < 5; k++, bit++) {
            while (reserved(bit))
                bit++;
            v = v << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1u);
        }
        *to++ = alphabet[v];
    }
    *to = '\0';
    memcpy(id, prefix, n);
    id[n] = '_';
    char back[UUID_MAX];
    if (strcasecmp(uuid_of(prefix, id, back), s))
        id[0] = '\0'; // some other server's UUID
    return true;
}
