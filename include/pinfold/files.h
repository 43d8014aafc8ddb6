// SPDX-License-Identifier: Apache-2.0
// File operations beneath a root descriptor, as pinfold-tool does them inside a sandbox; the
// contract of each is in tool.h. They run with the rights of the sandbox's user, beside processes
// that may change any name at any time, so every step works on descriptors: a lost race can
// hit another file of the same user, but no operation follows a symlink that its contract says it
// does not follow, waits on a fifo, or writes where its caller may not.
//
// Life: fill struct files, call one operation, look at `note`.
#pragma once
#include <pinfold/err.h>
#include <pinfold/tool.h>
#include <stdbool.h>
#include <stdint.h>

struct files {
    int root_fd;      // what "/" is: O_PATH is enough
    const char *base; // what a relative path is relative to, from the root, as "workspace"
    int in_fd, out_fd;
    char note[200]; // what was left out, "" for nothing
};

#define FILES_END UINT64_MAX // a length up to the end of the file
#define FILES_MODE_KEEP UINT32_MAX

struct files_write {
    uint32_t mode; // or FILES_MODE_KEEP
    uint64_t size;
    const char *condition; // tool.h, IF
    bool parents;
};

int files_stat(struct files *f, const char *path, struct err *e);
int files_list(struct files *f, const char *path, unsigned depth, uint64_t max, const char *after,
               struct err *e);
// from_end: offset counts back from the end.
int files_read(struct files *f, const char *path, uint64_t offset, bool from_end, uint64_t length,
               struct err *e);
// A condition that does not hold is ERR_CONFLICT with sys = ESTALE, and nothing was changed.
int files_write(struct files *f, const char *path, const struct files_write *how, struct err *e);
int files_mkdir(struct files *f, const char *path, uint32_t mode, bool parents, struct err *e);
struct files_move {
    bool parents, replace;
};
int files_move(struct files *f, const char *src, const char *dst, const struct files_move *how,
               struct err *e);
int files_delete(struct files *f, const char *path, bool recursive, struct err *e);
int files_tar_out(struct files *f, const char *path, struct err *e);
struct files_tar_in {
    uint64_t max_bytes, max_files;
    bool parents;
};
int files_tar_in(struct files *f, const char *path, const struct files_tar_in *how, struct err *e);
// A certificate from in_fd, for tool.h's directory below the root.
int files_trust(struct files *f, const char *dir, struct err *e);
// /proc beneath the root; the calling process itself is left out.
int files_processes(struct files *f, uint64_t max, struct err *e);
