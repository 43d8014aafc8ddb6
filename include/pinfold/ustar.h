// SPDX-License-Identifier: Apache-2.0
// The heads of plain files in a tar archive, as backups are written and read. Pure.
#pragma once
#include <pinfold/err.h>
#include <stdint.h>

#define USTAR_BLOCK 512
#define USTAR_NAME_MAX 100 // without a NUL

struct ustar {
    char name[USTAR_NAME_MAX + 1];
    uint64_t size, mtime_s;
};
// A plain file of mode 0600; sizes from 8 GiB on as GNU tar writes them.
void ustar_put(const struct ustar *f, char ret[USTAR_BLOCK]);
// 1 a plain file, 0 the archive's end (a block of zeros), -1 anything else.
int ustar_get(const char block[USTAR_BLOCK], struct ustar *ret, struct err *e);
// Zeros that follow a file's bytes.
static inline uint64_t ustar_padding(uint64_t size)
{
    return (USTAR_BLOCK - size % USTAR_BLOCK) % USTAR_BLOCK;
}
