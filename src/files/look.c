// SPDX-License-Identifier: Apache-2.0
// Operations that change nothing: stat, list, read.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

int files_stat(struct files *f, const char *path, struct err *e)
{
    own_place struct place p = PLACE_NONE;
    if (place_open(f, path, 0, &p, e))
        return -1;
    return answer_entry(f, p.dir_fd, p.name, path, e);
}

// Entries up to and with `after` were in an earlier answer.
static int list_entry(struct walk *w, struct sink *s, struct tool_record *rec, struct err *e)
{
    rec->entry.path = w->path;
    rec->entry.path_len = (uint32_t)w->path_len;
    return sink_record(s, rec, e);
}

static int list_walk(struct walk *w, uint64_t max, const char *after, struct sink *s, struct err *e)
{
    struct tool_record end = {.type = TOOL_REC_END};
    size_t after_len = strlen(after);
    unsigned depth = w->max_depth;
    while (walk_next(w)) {
        struct entry_text text;
        struct tool_record rec = {.type = TOOL_REC_ENTRY};
        bool seen = path_compare(w->path, w->path_len, after, after_len) <= 0;
        if (seen && !path_is_above(w->path, w->path_len, after, after_len))
            continue;
        if (entry_at(w->dir_fd, w->name, &rec.entry, &text, NULL))
            continue; // gone since its name was read
        if (!seen && end.end.entries == max) {
            end.end.more = true;
            break;
        }
        if (!seen && list_entry(w, s, &rec, e))
            return -1;
        end.end.entries += !seen;
        // A directory that may not be read is listed, what is in it is not.
        struct err ignored = {0};
        if (rec.entry.type == TOOL_DIR && walk_depth(w) < depth && walk_enter(w, &ignored) &&
            ignored.code != ERR_DENIED) {
            *e = ignored;
            return -1;
        }
    }
    return sink_record(s, &end, e) || sink_flush(s, e) ? -1 : 0;
}

int files_list(struct files *f, const char *path, unsigned depth, uint64_t max, const char *after,
               struct err *e)
{
    if (depth < 1 || depth > TOOL_DEPTH_MAX)
        return err_set(e, ERR_BAD_REQUEST, "depth is not 1 to %d", TOOL_DEPTH_MAX);
    if (max < 1 || max > TOOL_LIST_MAX)
        return err_set(e, ERR_BAD_REQUEST, "max is not 1 to %d", TOOL_LIST_MAX);
    char normal[TOOL_PATH_MAX + 1];
    if (path_normal(f->base, path, normal, e))
        return -1;
    own_fd int fd = io_open_in_root(f->root_fd, normal, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return files_sys(e, "open directory %s", path);
    own_walk struct walk w = {0};
    own_sink struct sink s;
    sink_init(&s, f->out_fd);
    if (walk_init(&w, fd, depth, e) || list_walk(&w, max, after, &s, e))
        return err_wrap(e, "list %s", path);
    if (w.skipped)
        (void)snprintf(f->note, sizeof(f->note), "%llu paths are longer than %d bytes",
                       (unsigned long long)w.skipped, TOOL_PATH_MAX); // cut is fine
    return 0;
}

// A regular file, opened without ever opening anything else for reading: the first descriptor
// does not touch the object, and by the time of the second a fifo could only be opened without
// waiting, since O_NONBLOCK is set.
static int open_regular(const struct files *f, const char *path, struct stat *ret_st, struct err *e)
{
    char normal[TOOL_PATH_MAX + 1];
    if (path_normal(f->base, path, normal, e))
        return -1;
    own_fd int look = io_open_in_root(f->root_fd, normal, O_PATH, 0);
    if (look < 0 || fstat(look, ret_st))
        return files_sys(e, "open %s", path);
    if (!S_ISREG(ret_st->st_mode))
        return err_set(e, ERR_CONFLICT, "%s is %s", path,
                       S_ISDIR(ret_st->st_mode) ? "a directory" : "not a regular file");
    own_fd int fd = io_open_in_root(f->root_fd, normal, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 || fstat(fd, ret_st))
        return files_sys(e, "open %s", path);
    if (!S_ISREG(ret_st->st_mode))
        return err_set(e, ERR_CONFLICT, "%s is not a regular file", path);
    return fd_steal(&fd);
}

int files_read(struct files *f, const char *path, uint64_t offset, bool from_end, uint64_t length,
               struct err *e)
{
    struct stat st;
    own_fd int fd = open_regular(f, path, &st, e);
    if (fd < 0)
        return -1;
    struct tool_record rec = {.type = TOOL_REC_ENTRY};
    entry_of(&st, &rec.entry);
    rec.entry.path = path;
    rec.entry.path_len = (uint32_t)strlen(path);
    uint64_t size = rec.entry.size, missing = 0;
    if (from_end)
        offset = offset < size ? size - offset : 0;
    if (offset > size)
        offset = size;
    if (length > size - offset)
        length = size - offset;
    if (offset && lseek(fd, (off_t)offset, SEEK_SET) < 0)
        return files_sys(e, "seek in %s", path);
    own_sink struct sink s;
    sink_init(&s, f->out_fd);
    if (sink_record(&s, &rec, e))
        return -1;
    int r = sink_file(&s, fd, length, &missing, e);
    if (r < 0 || sink_flush(&s, e))
        return -1;
    return r ? err_set(e, ERR_CONFLICT, "%s shrank while it was read: %llu bytes are missing", path,
                       (unsigned long long)missing)
             : 0;
}
