// SPDX-License-Identifier: Apache-2.0
// Packing a copy of the database and the files it names, on a worker's thread.
#pragma once
#include "core_int.h"

#include <pinfold/crypt.h>

#define BACKUP_DIR "backup" // in the server's directory: the copy, while it is packed

struct pack_file {
    char name[ID_MAX + 8];
    char exec[ID_MAX]; // whose record goes when the file is not there; "" for a log
};
struct pack {
    int dir_fd, output_fd;
    struct store *copy;
    struct pack_file *files;
    size_t n_files, at, n_packed;
    int fd; // being packed
    uint64_t left, padding;
    struct sha256 sum;
    enum { PACK_OUTPUT, PACK_DATABASE, PACK_MANIFEST, PACK_ENDED } part;
    struct buf out; // of the last pack_fill
};
// Check the copy in dir_fd, take out what is not to leave, list the files.
int pack_open(struct pack *p, int take_dir_fd, int output_fd, struct err *e);
// Some more bytes into p->out; part PACK_ENDED after the last.
int pack_fill(struct pack *p, struct err *e);
void pack_close(struct pack *p);

void backup_free(struct core *c); // its workers are gone
