// SPDX-License-Identifier: Apache-2.0
// Packing a directory or one file as a tar stream. What is there changes while it is packed, so a
// header promises the size seen at open: a file that shrinks is filled with zeros to keep the
// stream readable, and the operation fails at its end; one that grows is cut at that size.
#include "files_int.h"
#include "tar_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

struct pack {
    struct sink sink;
    uint64_t left_out, unreadable;
    char short_file[100]; // the first file that shrank
    dev_t dev;
};

static int put_header(struct pack *p, const struct tar_member *m, struct err *e)
{
    own_buf struct buf header;
    buf_init(&header, 2 * TAR_EXTENSION_MAX);
    if (tar_write_header(&header, m))
        return err_set(e, ERR_INTERNAL, "header of %.100s does not fit", m->name);
    return sink_bytes(&p->sink, header.data, header.len, e);
}

static int pack_data(struct pack *p, int fd, const struct tar_member *m, struct err *e)
{
    static const char zero[16384];
    uint64_t missing = 0;
    int r = sink_file(&p->sink, fd, m->size, &missing, e);
    if (r < 0)
        return -1;
    if (r && !p->short_file[0])
        (void)snprintf(p->short_file, sizeof(p->short_file), "%s", m->name); // cut is fine
    for (uint64_t left = missing + tar_padding(m->size); left;) {
        size_t n = left < sizeof(zero) ? (size_t)left : sizeof(zero);
        if (sink_bytes(&p->sink, zero, n, e))
            return -1;
        left -= n;
    }
    return 0;
}

static int pack_file(struct pack *p, int dir_fd, const char *name, struct tar_member *m,
                     struct err *e)
{
    struct stat st;
    own_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        p->unreadable++; // or gone, or replaced by something else since
        return 0;
    }
    m->size = (uint64_t)st.st_size;
    return put_header(p, m, e) || pack_data(p, fd, m, e) ? -1 : 0;
}

// Pack what entry describes; 1 when it is a directory whose contents should follow.
static int pack_entry(struct pack *p, int dir_fd, const char *name, const char *path, struct err *e)
{
    struct entry_text text;
    struct tool_entry entry;
    struct stat st;
    if (entry_at(dir_fd, name, &entry, &text, &st))
        return 0; // gone since its name was read
    char dir_name[TOOL_PATH_MAX + 2];
    struct tar_member m = {
        .name = path, .link = "", .mode = entry.mode & 0777, .mtime = st.st_mtim.tv_sec};
    switch (entry.type) {
    case TOOL_FILE:
        m.kind = TAR_FILE;
        return pack_file(p, dir_fd, name, &m, e);
    case TOOL_SYMLINK:
        m.kind = TAR_SYMLINK;
        text.target[entry.target_len] = 0;
        m.link = text.target;
        return put_header(p, &m, e);
    case TOOL_DIR:
        m.kind = TAR_DIR;
        (void)snprintf(dir_name, sizeof(dir_name), "%s/", path); // fits
        m.name = dir_name;
        if (put_header(p, &m, e))
            return -1;
        return st.st_dev == p->dev; // another filesystem mounted here is not the workspace's
    case TOOL_OTHER:
        p->left_out++;
        return 0;
    }
    return 0;
}

static int pack_tree(struct pack *p, int dir_fd, struct err *e)
{
    own_walk struct walk w = {0};
    if (walk_init(&w, dir_fd, TOOL_TREE_DEPTH_MAX, e))
        return -1;
    while (walk_next(&w)) {
        struct err denied = {0};
        int r = pack_entry(p, w.dir_fd, w.name, w.path, e);
        if (r < 0)
            return -1;
        if (r == 1 && walk_enter(&w, &denied)) {
            if (denied.code != ERR_DENIED) {
                *e = denied;
                return -1;
            }
            p->unreadable++;
        }
    }
    p->left_out += w.skipped;
    return 0;
}

static int pack_end(struct files *f, struct pack *p, struct err *e)
{
    own_buf struct buf end;
    buf_init(&end, 4 * TAR_BLOCK);
    (void)tar_write_end(&end); // fits
    if (sink_bytes(&p->sink, end.data, end.len, e) || sink_flush(&p->sink, e))
        return -1;
    if (p->left_out || p->unreadable)
        (void)snprintf(f->note, sizeof(f->note), // fits
                       "left out: %llu special files, %llu that could not be read",
                       (unsigned long long)p->left_out, (unsigned long long)p->unreadable);
    return p->short_file[0]
               ? err_set(e, ERR_CONFLICT, "%s shrank while it was packed", p->short_file)
               : 0;
}

static void own_pack_cleanup(struct pack *p)
{
    sink_release(&p->sink);
}

int files_tar_out(struct files *f, const char *path, struct err *e)
{
    struct stat st;
    own_place struct place place = PLACE_NONE;
    __attribute__((cleanup(own_pack_cleanup))) struct pack p = {0};
    sink_init(&p.sink, f->out_fd);
    if (place_open(f, path, PLACE_FOLLOW, &place, e))
        return -1;
    if (fstatat(place.dir_fd, place.name, &st, AT_SYMLINK_NOFOLLOW))
        return files_sys(e, "pack %s", path);
    p.dev = st.st_dev;
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(e, ERR_CONFLICT, "%s is neither a directory nor a file", path);
    if (S_ISREG(st.st_mode)) {
        if (pack_entry(&p, place.dir_fd, place.name, place.name, e) < 0)
            return -1;
        return pack_end(f, &p, e);
    }
    own_fd int dir =
        openat(place.dir_fd, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return files_sys(e, "open directory %s", path);
    return pack_tree(&p, dir, e) || pack_end(f, &p, e) ? -1 : 0;
}
