// SPDX-License-Identifier: Apache-2.0
#include <pinfold/ustar.h>
#include <string.h>

// Offsets and lengths in a head (POSIX.1-2017, pax, "ustar Interchange Format").
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHKSUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    SIZE_DIGITS = 11,
};
#define SIZE_OCTAL_MAX (UINT64_C(1) << (3 * SIZE_DIGITS))

static void put_octal(char *field, int digits, uint64_t v)
{
    for (int i = digits - 1; i >= 0; i--, v >>= 3)
        field[i] = (char)('0' + (v & 7));
}

static unsigned sum_of(const char *block)
{
    unsigned sum = 0;
    for (int i = 0; i < USTAR_BLOCK; i++)
        sum += i >= AT_CHKSUM && i < AT_CHKSUM + 8 ? ' ' : (unsigned char)block[i];
    return sum;
}

void ustar_put(const struct ustar *f, char ret[USTAR_BLOCK])
{
    memset(ret, 0, USTAR_BLOCK);
    memcpy(ret, f->name, strnlen(f->name, USTAR_NAME_MAX));
    put_octal(ret + AT_MODE, 7, 0600);
    put_octal(ret + AT_UID, 7, 0);
    put_octal(ret + AT_GID, 7, 0);
    if (f->size < SIZE_OCTAL_MAX) {
        put_octal(ret + AT_SIZE, SIZE_DIGITS, f->size);
    } else { // base 256, big-endian, marked by the first bit
        uint64_t v = f->size;
        for (int i = SIZE_DIGITS; i > 0; i--, v >>= 8)
            ret[AT_SIZE + i] = (char)(v & 0xff);
        ret[AT_SIZE] = (char)0x80;
    }
    put_octal(ret + AT_MTIME, SIZE_DIGITS, f->mtime_s);
    ret[AT_TYPE] = '0';
    memcpy(ret + AT_MAGIC, "ustar\00000", 8);
    put_octal(ret + AT_CHKSUM, 6, sum_of(ret));
    ret[AT_CHKSUM + 7] = ' ';
}

static int get_octal(const char *field, int digits, uint64_t *ret)
{
    uint64_t v = 0;
    int i = 0;
    for (; i < digits && field[i] >= '0' && field[i] <= '7'; i++)
        v = v << 3 | (uint64_t)(field[i] - '0');
    *ret = v;
    return i && (i == digits || field[i] == ' ' || field[i] == '\0') ? 0 : -1;
}

static int get_size(const char *field, uint64_t *ret)
{
    if (((unsigned char)field[0] & 0x80) == 0)
        return get_octal(field, SIZE_DIGITS, ret);
    uint64_t v = 0;
    for (int i = 0; i <= SIZE_DIGITS; i++) {
        unsigned char byte = (unsigned char)field[i] & (i ? 0xff : 0x7f);
        if (v >> 55) // would not be a file's size
            return -1;
        v = v << 8 | byte;
    }
    *ret = v;
    return 0;
}

int ustar_get(const char block[USTAR_BLOCK], struct ustar *ret, struct err *e)
{
    uint64_t sum;
    *ret = (struct ustar){0};
    int at = 0;
    while (at < USTAR_BLOCK && !block[at])
        at++;
    if (at == USTAR_BLOCK)
        return 0;
    if (get_octal(block + AT_CHKSUM, 7, &sum) || sum != sum_of(block))
        return err_set(e, ERR_BAD_REQUEST, "a head in the archive is damaged");
    memcpy(ret->name, block, USTAR_NAME_MAX);
    if ((block[AT_TYPE] != '0' && block[AT_TYPE]) || get_size(block + AT_SIZE, &ret->size) ||
        get_octal(block + AT_MTIME, SIZE_DIGITS, &ret->mtime_s))
        return err_set(e, ERR_BAD_REQUEST, "'%.100s' in the archive is no plain file", ret->name);
    return 1;
}
