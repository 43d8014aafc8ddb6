// SPDX-License-Identifier: Apache-2.0
// Describing what is at a path, and getting records and bytes out.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/sendfile.h>

#define SINK_ROOM (256 * 1024)
#define SINK_DIRECT (32 * 1024) // from this size on, sendfile costs less than two copies

static int64_t ns_of(struct timespec t)
{
    int64_t ns;
    // A user may set any time; what does not fit is as far as it goes.
    if (__builtin_mul_overflow(t.tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, t.tv_nsec, &ns))
        return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

void entry_of(const struct stat *st, struct tool_entry *ret)
{
    *ret = (struct tool_entry){
        .type = S_ISREG(st->st_mode)   ? TOOL_FILE
                : S_ISDIR(st->st_mode) ? TOOL_DIR
                : S_ISLNK(st->st_mode) ? TOOL_SYMLINK
                                       : TOOL_OTHER,
        .mode = st->st_mode & 07777,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .size = (uint64_t)st->st_size,
        .ino = st->st_ino,
        .mtime_ns = ns_of(st->st_mtim),
        .ctime_ns = ns_of(st->st_ctim),
        .path = "",
        .target = "",
    };
}

int entry_at(int dir_fd, const char *name, struct tool_entry *ret, struct entry_text *text,
             struct stat *ret_st)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return -1;
    entry_of(&st, ret);
    if (ret->type == TOOL_SYMLINK) {
        ssize_t n = readlinkat(dir_fd, name, text->target, TOOL_PATH_MAX);
        ret->target = text->target;
        ret->target_len = n > 0 ? (uint32_t)n : 0; // gone or replaced since: no target
    }
    if (ret_st)
        *ret_st = st;
    return 0;
}

void sink_init(struct sink *s, int fd)
{
    s->fd = fd;
    buf_init(&s->buf, SINK_ROOM);
}

void sink_release(struct sink *s)
{
    buf_release(&s->buf);
}

int sink_flush(struct sink *s, struct err *e)
{
    if (s->buf.len && io_write_full(s->fd, s->buf.data, s->buf.len))
        return files_sys(e, "write the answer");
    buf_clear(&s->buf);
    return 0;
}

int sink_bytes(struct sink *s, const void *p, size_t n, struct err *e)
{
    if (!buf_append(&s->buf, p, n))
        return 0;
    if (sink_flush(s, e))
        return -1;
    return buf_append(&s->buf, p, n) ? err_set(e, ERR_INTERNAL, "%zu bytes at once", n) : 0;
}

int sink_record(struct sink *s, const struct tool_record *rec, struct err *e)
{
    if (!tool_record_put(&s->buf, rec))
        return 0;
    if (sink_flush(s, e))
        return -1;
    return tool_record_put(&s->buf, rec) ? err_set(e, ERR_INTERNAL, "record does not fit") : 0;
}

// Through the buffer: small files, and where sendfile is not to be had.
static int copy_buffered(struct sink *s, int file_fd, uint64_t *n, struct err *e)
{
    while (*n) {
        char chunk[16384];
        ssize_t r = read(file_fd, chunk, *n < sizeof(chunk) ? *n : sizeof(chunk));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return files_sys(e, "read the file");
        if (r == 0)
            return 1;
        if (sink_bytes(s, chunk, (size_t)r, e))
            return -1;
        *n -= (uint64_t)r;
    }
    return 0;
}

int sink_file(struct sink *s, int file_fd, uint64_t n, uint64_t *ret_missing, struct err *e)
{
    bool direct = n >= SINK_DIRECT;
    if (direct && sink_flush(s, e))
        return -1;
    int r = 0;
    while (direct && n) {
        ssize_t sent = sendfile(s->fd, file_fd, NULL, n < (1u << 30) ? n : 1u << 30);
        if (sent < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM))
            break; // this pair of descriptors or this sandbox does not have it
        if (sent < 0 && errno != EINTR)
            return files_sys(e, "send the file");
        if (sent == 0)
            r = 1;
        if (sent == 0)
            break;
        n -= sent > 0 ? (uint64_t)sent : 0;
    }
    if (!r)
        r = copy_buffered(s, file_fd, &n, e);
    *ret_missing = n;
    return r;
}

int answer_entry(struct files *f, int dir_fd, const char *name, const char *path, struct err *e)
{
    struct entry_text text;
    struct tool_record rec = {.type = TOOL_REC_ENTRY};
    if (entry_at(dir_fd, name, &rec.entry, &text, NULL))
        return files_sys(e, "stat %s", path);
    rec.entry.path = path;
    rec.entry.path_len = (uint32_t)strlen(path);
    own_sink struct sink s;
    sink_init(&s, f->out_fd);
    return sink_record(&s, &rec, e) || sink_flush(&s, e) ? -1 : 0;
}

int answer_end(struct files *f, const struct tool_end *end, struct err *e)
{
    struct tool_record rec = {.type = TOOL_REC_END, .end = *end};
    own_sink struct sink s;
    sink_init(&s, f->out_fd);
    return sink_record(&s, &rec, e) || sink_flush(&s, e) ? -1 : 0;
}
