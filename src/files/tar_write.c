// SPDX-License-Identifier: Apache-2.0
// Writing tar headers: ustar, with a pax header before it where a name, link, size or time does
// not fit. Pure.
#include "tar_int.h"

#include <stdio.h>
#include <string.h>

// Offsets and lengths in a header block (POSIX.1-2017, pax, "ustar Interchange Format").
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHKSUM = 148,
    AT_TYPE = 156,
    AT_LINK = 157,
    AT_MAGIC = 257,
    NAME_LEN = 100,
    OCTAL_MAX_DIGITS = 11,
};

static void put_octal(char *field, int digits, uint64_t v)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)v); // fits
    memcpy(field, text, (size_t)digits);
}

static bool fits_octal(int64_t v)
{
    return v >= 0 && (uint64_t)v < (uint64_t)1 << (3 * OCTAL_MAX_DIGITS);
}

static int put_block(struct buf *out, char type, const struct tar_member *m)
{
    char block[TAR_BLOCK] = {0};
    memcpy(block + AT_NAME, m->name, strnlen(m->name, NAME_LEN));
    memcpy(block + AT_LINK, m->link, strnlen(m->link, NAME_LEN));
    put_octal(block + AT_MODE, 7, m->mode);
    put_octal(block + AT_UID, 7, 0); // numbers inside mean nothing elsewhere
    put_octal(block + AT_GID, 7, 0);
    put_octal(block + AT_SIZE, OCTAL_MAX_DIGITS, fits_octal((int64_t)m->size) ? m->size : 0);
    put_octal(block + AT_MTIME, OCTAL_MAX_DIGITS, fits_octal(m->mtime) ? (uint64_t)m->mtime : 0);
    block[AT_TYPE] = type;
    memcpy(block + AT_MAGIC, "ustar\00000", 8);
    memset(block + AT_CHKSUM, ' ', 8);
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    put_octal(block + AT_CHKSUM, 6, sum);
    block[AT_CHKSUM + 6] = 0;
    return buf_append(out, block, TAR_BLOCK);
}

static int put_attribute(struct buf *pax, const char *key, const char *value)
{
    // The length counts its own digits: try until it agrees with itself.
    size_t rest = strlen(key) + strlen(value) + 3, n = rest;
    for (int digits; n != rest + (size_t)(digits = snprintf(NULL, 0, "%zu", n));)
        n = rest + (size_t)digits;
    return buf_printf(pax, "%zu %s=%s\n", n, key, value);
}

static int put_pax(struct buf *out, const struct buf *pax)
{
    static const char zero[TAR_BLOCK];
    struct tar_member m = {.name = "PaxHeader", .link = "", .mode = 0644, .size = pax->len};
    return put_block(out, 'x', &m) || buf_append(out, pax->data, pax->len) ||
                   buf_append(out, zero, tar_padding(pax->len))
               ? -1
               : 0;
}

int tar_write_header(struct buf *out, const struct tar_member *m)
{
    static const char types[] = {
        [TAR_FILE] = '0', [TAR_DIR] = '5', [TAR_SYMLINK] = '2', [TAR_HARDLINK] = '1'};
    char number[32];
    own_buf struct buf pax;
    buf_init(&pax, TAR_EXTENSION_MAX);
    int r = 0;
    if (strlen(m->name) > NAME_LEN)
        r |= put_attribute(&pax, "path", m->name);
    if (strlen(m->link) > NAME_LEN)
        r |= put_attribute(&pax, "linkpath", m->link);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)m->size); // fits
    if (!fits_octal((int64_t)m->size))
        r |= put_attribute(&pax, "size", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)m->mtime); // fits
    if (!fits_octal(m->mtime))
        r |= put_attribute(&pax, "mtime", number);
    if (r || (pax.len && put_pax(out, &pax)))
        return -1;
    return put_block(out, types[m->kind], m);
}

int tar_write_end(struct buf *out)
{
    static const char zero[2 * TAR_BLOCK];
    return buf_append(out, zero, sizeof(zero));
}
