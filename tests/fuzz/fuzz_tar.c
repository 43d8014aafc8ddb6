// SPDX-License-Identifier: Apache-2.0
// Archives: whatever the reader accepts names nothing outside, and no member is larger than what
// it said.
#include "../../src/files/tar_int.h"

#include <pinfold/own.h>
#include <stdint.h>
#include <string.h>

static void check_member(const struct tar_member *m)
{
    char name[TOOL_PATH_MAX + 1];
    struct err e;
    if (strlen(m->name) > TOOL_PATH_MAX || strlen(m->link) > TOOL_PATH_MAX || m->mode > 0777)
        abort();
    if (tar_check_name(m->name, name, &e))
        return;
    if (*name == '/' || !strcmp(name, "..") || !strncmp(name, "../", 3) || strstr(name, "/../"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tar_reader r;
    struct tar_member m;
    struct err e;
    memset(&r, 0, sizeof(r));
    for (size_t at = 0; size - at >= TAR_BLOCK;) {
        // The checksum is what a fuzzer would never guess.
        unsigned char block[TAR_BLOCK];
        unsigned sum = 0;
        memcpy(block, data + at, TAR_BLOCK);
        memset(block + 148, ' ', 8);
        for (unsigned i = 0; i < TAR_BLOCK; i++)
            sum += block[i];
        bool zero = sum == 8 * ' ';
        if (zero)
            memset(block + 148, 0, 8);
        else
            (void)snprintf((char *)block + 148, 8, "%06o", sum);
        int next = tar_read_block(&r, block, &m, &e);
        at += TAR_BLOCK;
        if (next < 0 || next == TAR_END)
            return 0;
        uint64_t skip = next == TAR_MEMBER ? m.size : next == TAR_EXTENSION ? r.size : 0;
        if (next == TAR_MEMBER)
            check_member(&m);
        if (skip > size - at)
            return 0;
        if (next == TAR_EXTENSION) {
            own_free char *copy = xmemdup0(data + at, (size_t)skip);
            if (tar_read_extension(&r, copy, (size_t)skip, &e))
                return 0;
        }
        skip += tar_padding(skip);
        if (skip > size - at)
            return 0;
        at += (size_t)skip;
    }
    return 0;
}
