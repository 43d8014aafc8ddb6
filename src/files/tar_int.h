// SPDX-License-Identifier: Apache-2.0
// Tar headers as text: POSIX ustar and pax, and what GNU tar writes for long names. Own code and
// not libarchive, which linked statically brings a dozen libraries into a binary that runs in
// every sandbox, and by default creates devices and follows symlinks.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/tool.h>
#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_EXTENSION_MAX (64 * 1024) // a pax header or long name

// One member, after all extension headers before it. Text points into the reader.
struct tar_member {
    enum tar_kind { TAR_FILE, TAR_DIR, TAR_SYMLINK, TAR_HARDLINK } kind;
    const char *name, *link;
    uint32_t mode; // 0777 at most
    uint64_t size; // of the data that follows; 0 unless TAR_FILE
    int64_t mtime;
};

// Feed it header blocks and extension data; it says what to do next.
struct tar_reader {
    char name[TOOL_PATH_MAX + 1], link[TOOL_PATH_MAX + 1];
    bool have_name, have_link, have_size, have_mtime; // from extension headers
    uint64_t size;
    int64_t mtime;
    char extension; // type of the extension whose data is next
    unsigned zero_blocks;
};
enum tar_next {
    TAR_MEMBER,    // *ret is filled, its data follows
    TAR_EXTENSION, // ret->size bytes of data (padded to blocks) go to tar_read_extension
    TAR_AGAIN,     // nothing yet: next block
    TAR_END,       // the archive is complete
};
// Returns enum tar_next, or -1 for what is malformed or refused.
int tar_read_block(struct tar_reader *r, const unsigned char block[TAR_BLOCK],
                   struct tar_member *ret, struct err *e);
int tar_read_extension(struct tar_reader *r, const char *data, size_t len, struct err *e);
// The member's name without "./" and trailing slashes, "." for the top itself; refuses absolute
// names, "..", empty names, and more levels than TOOL_TREE_DEPTH_MAX.
int tar_check_name(const char *name, char out[TOOL_PATH_MAX + 1], struct err *e);

// Append the header blocks of a member: a pax header first where ustar is too small.
int tar_write_header(struct buf *out, const struct tar_member *m);
int tar_write_end(struct buf *out);
static inline size_t tar_padding(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}
