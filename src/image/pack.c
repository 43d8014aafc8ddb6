// SPDX-License-Identifier: Apache-2.0
// Copy steps: a file or a directory as a tar archive that depends on names and contents only.
#include "image_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <pinfold/buf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK 512
#define ENTRIES_MAX 4096 // names of one copy step

// POSIX.1-1988 ustar, the fields in their order.
struct ustar {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

struct pack {
    int dir_fd;
    const char *src, *dst; // dst without its leading slash
    struct strings todo;   // paths beneath src, "" first; a directory adds its entries at the end
    struct buf out;
};

// A long name is cut at a slash into prefix and name.
static int put_name(struct ustar *h, const char *path, struct err *e)
{
    size_t n = strlen(path), cut = 0;
    if (n > sizeof(h->name)) {
        for (size_t i = 0; i < n && i <= sizeof(h->prefix); i++)
            if (path[i] == '/' && n - i - 1 <= sizeof(h->name) && i + 1 < n) {
                cut = i;
                break;
            }
        if (!cut)
            return err_set(e, ERR_LIMIT, "the path %.100s is too long", path);
        memcpy(h->prefix, path, cut++);
    }
    memcpy(h->name, path + cut, n - cut);
    return 0;
}

static int put_header(struct pack *p, const char *path, const struct stat *sb, struct err *e)
{
    struct ustar h = {0};
    bool dir = S_ISDIR(sb->st_mode);
    if (put_name(&h, path, e))
        return -1;
    (void)snprintf(h.mode, sizeof(h.mode), "%07o", dir || sb->st_mode & 0111 ? 0755u : 0644u);
    (void)snprintf(h.uid, sizeof(h.uid), "%07o", 0u);
    (void)snprintf(h.gid, sizeof(h.gid), "%07o", 0u);
    (void)snprintf(h.size, sizeof(h.size), "%011llo", dir ? 0ull : (unsigned long long)sb->st_size);
    (void)snprintf(h.mtime, sizeof(h.mtime), "%011llo", IMAGE_SOURCE_TIME);
    h.type = dir ? '5' : '0';
    memcpy(h.magic, "ustar", 6);
    memcpy(h.version, "00", 2);
    memset(h.sum, ' ', sizeof(h.sum)); // counted as blanks, says the format
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(h); i++)
        sum += ((unsigned char *)&h)[i];
    (void)snprintf(h.sum, sizeof(h.sum), "%06o", sum);
    return buf_append(&p->out, &h, sizeof(h))
               ? err_set(e, ERR_LIMIT, "larger than %zu bytes", p->out.max)
               : 0;
}

static int put_file(struct pack *p, int fd, const struct stat *sb, struct err *e)
{
    size_t size = (size_t)sb->st_size, room = (size + BLOCK - 1) / BLOCK * BLOCK;
    char *to = sb->st_size > (off_t)p->out.max ? NULL : buf_reserve(&p->out, room + 1);
    if (!to)
        return err_set(e, ERR_LIMIT, "larger than %zu bytes", p->out.max);
    ssize_t n = io_read_full(fd, to, size);
    if (n < 0)
        return err_sys(e, "read");
    if ((size_t)n != size)
        return err_set(e, ERR_CONFLICT, "it became shorter while it was read");
    memset(to + size, 0, room - size);
    buf_commit(&p->out, room);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_dir(struct pack *p, int *fd, const char *at, struct err *e)
{
    own_dir DIR *d = fdopendir(*fd);
    if (!d)
        return err_sys(e, "list");
    (void)fd_steal(fd); // the stream has it now
    unsigned first = p->todo.n;
    for (struct dirent *de; (de = readdir(d));) {
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (p->todo.n == ENTRIES_MAX)
            return err_set(e, ERR_LIMIT, "more than %d files", ENTRIES_MAX);
        own_free char *path = xasprintf("%s%s%s", at, *at ? "/" : "", de->d_name);
        strings_add(&p->todo, path);
    }
    if (p->todo.n > first)
        qsort(p->todo.v + first, p->todo.n - first, sizeof(*p->todo.v), by_name);
    return 0;
}

// One entry; a directory's own entries are added to the list.
static int put(struct pack *p, const char *at, struct err *e)
{
    own_free char *from = xasprintf("%s%s%s", p->src, *at ? "/" : "", at);
    own_free char *to = xasprintf("%s%s%s", p->dst, *at && *p->dst ? "/" : "", at);
    struct stat sb;
    // Not blocking: a fifo would wait for a writer before it can be refused.
    own_fd int fd = io_open_beneath(p->dir_fd, from, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 || fstat(fd, &sb))
        return err_sys(e, "%s", from);
    if (!S_ISDIR(sb.st_mode) && !S_ISREG(sb.st_mode))
        return err_set(e, ERR_BAD_REQUEST, "%s is neither a file nor a directory", from);
    if (*to && put_header(p, to, &sb, e))
        return err_wrap(e, "%s", from);
    int r = S_ISDIR(sb.st_mode) ? list_dir(p, &fd, at, e) : put_file(p, fd, &sb, e);
    return r ? err_wrap(e, "%s", from) : 0;
}

int image_pack(int dir_fd, const char *src, const char *dst, char **ret, size_t *ret_len,
               struct err *e)
{
    // "/etc/" as the place of the file motd means /etc/motd, as cp has it.
    const char *base = strrchr(src, '/') ? strrchr(src, '/') + 1 : src;
    struct stat sb;
    bool into = dst[strlen(dst) - 1] == '/' && !fstatat(dir_fd, src, &sb, AT_SYMLINK_NOFOLLOW) &&
                S_ISREG(sb.st_mode);
    own_free char *to = xasprintf("%s%s", dst + strspn(dst, "/"), into ? base : "");
    for (size_t n = strlen(to); n && to[n - 1] == '/'; n--)
        to[n - 1] = '\0';
    struct pack p = {.dir_fd = dir_fd, .src = src, .dst = to};
    static const char zeros[2 * BLOCK]; // the end of an archive
    buf_init(&p.out, IMAGE_INPUT_MAX);
    strings_add(&p.todo, "");
    int r = 0;
    for (unsigned i = 0; i < p.todo.n && !r; i++)
        r = put(&p, p.todo.v[i], e);
    if (!r && buf_append(&p.out, zeros, sizeof(zeros)))
        r = err_set(e, ERR_LIMIT, "%s: larger than %zu bytes", src, p.out.max);
    if (!r)
        *ret = buf_steal(&p.out, ret_len);
    buf_release(&p.out);
    strings_free(p.todo.v);
    return r;
}
