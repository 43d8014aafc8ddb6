// SPDX-License-Identifier: Apache-2.0
// Making tar archives by hand, right and wrong ones: every field is as the test says, only the
// checksum is computed.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

struct made {
    char type;
    const char *name, *link, *data; // data: contents of a file or extension
    unsigned mode;
    const char *magic; // "" for old V7, NULL for ustar
    const char *prefix;
    long long size; // announced instead of strlen(data) when not 0
};

static void made_checksum(char block[512])
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)block[i];
    (void)snprintf(block + 148, 8, "%06o", sum & 0777777);
}

static void made_put(struct buf *b, const struct made *m)
{
    char block[512] = {0};
    const char *data = m->data ? m->data : "", *magic = m->magic ? m->magic : "ustar";
    size_t len = strlen(data);
    memcpy(block, m->name, strnlen(m->name, 100));
    (void)snprintf(block + 100, 8, "%07o", m->mode ? m->mode & 07777777 : 0644);
    (void)snprintf(block + 124, 13, "%011llo", m->size ? m->size : (long long)len);
    (void)snprintf(block + 136, 12, "%011o", 1000000);
    block[156] = m->type;
    if (m->link)
        memcpy(block + 157, m->link, strnlen(m->link, 100));
    memcpy(block + 257, magic, strlen(magic));
    if (!strcmp(magic, "ustar"))
        memcpy(block + 263, "00", 2);
    if (m->prefix)
        memcpy(block + 345, m->prefix, strnlen(m->prefix, 155));
    made_checksum(block);
    (void)buf_append(b, block, 512);
    static const char zero[512];
    (void)buf_append(b, data, len);
    (void)buf_append(b, zero, (512 - len % 512) % 512);
}

__attribute__((unused)) static void made_end(struct buf *b)
{
    static const char zero[1024];
    (void)buf_append(b, zero, 1024);
}
