// SPDX-License-Identifier: Apache-2.0
// A first mirror of a local repository: its packs and loose objects, file by file. The library
// would put every object into a new pack, which takes ten times as long.
//
// The source belongs to somebody else: only regular files with the names that git gives are
// taken, no symlink is followed (CVE-2022-39253), and everything counts against the limits.
#include "git_int.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

#define ALTERNATES_MAX 16
#define TEMPORARY "tmp_copy"

struct copy {
    struct job *job;
    int to; // the mirror's objects directory
    struct err *e;
    char *dirs[ALTERNATES_MAX]; // object directories still to visit, and visited
    size_t n_dirs;
};

static int count_bytes(struct copy *c, uint64_t n)
{
    struct repo_result *r = &c->job->r;
    r->bytes += n;
    if (r->bytes > c->job->q.limits.bytes)
        return err_set(c->e, ERR_LIMIT,
                       "the repository is over its limit: more than %" PRIu64 " bytes of objects",
                       c->job->q.limits.bytes);
    return 0;
}

static int count_objects(struct copy *c, uint64_t n)
{
    struct repo_result *r = &c->job->r;
    r->objects += n;
    if (r->objects > c->job->q.limits.objects)
        return err_set(c->e, ERR_LIMIT,
                       "the repository is over its limit: more than %" PRIu64 " objects",
                       c->job->q.limits.objects);
    return 0;
}

static int copy_bytes(int from, int to, uint64_t size)
{
    own_free char *chunk = NULL;
    while (size > 0) {
        ssize_t n = chunk ? -1 : copy_file_range(from, NULL, to, NULL, size, 0);
        if (n < 0) { // between file systems, or not on this one
            chunk = chunk ? chunk : xmalloc(1 << 17);
            n = read(from, chunk, 1 << 17);
            if (n > 0 && io_write_full(to, chunk, (size_t)n) < 0)
                return -1;
        }
        if (n < 0)
            return -1;
        if (n == 0) { // cut while we read it
            errno = EIO;
            return -1;
        }
        size -= (uint64_t)n < size ? (uint64_t)n : size;
    }
    return 0;
}

// One file; 1 when it is there already.
static int copy_file(struct copy *c, int from_dir, int to_dir, const char *name, bool sync)
{
    struct stat st, old;
    own_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0 || fstat(from, &st) < 0)
        return err_sys(c->e, "read the local repository's object %.60s", name);
    if (!S_ISREG(st.st_mode))
        return err_set(c->e, ERR_DENIED, "the local repository's object %.60s is not a file", name);
    if (fstatat(to_dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0 && old.st_size == st.st_size)
        return 1;
    if (count_bytes(c, (uint64_t)st.st_size) < 0)
        return -1;
    (void)unlinkat(to_dir, TEMPORARY, 0); // a killed predecessor's, not writable
    own_fd int to = openat(to_dir, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (to < 0)
        return err_sys(c->e, "write the mirror's object %.60s", name);
    if (copy_bytes(from, to, (uint64_t)st.st_size) < 0 || (sync && fsync(to) < 0) ||
        renameat(to_dir, TEMPORARY, to_dir, name) < 0) {
        (void)err_sys(c->e, "copy the object %.60s", name);
        (void)unlinkat(to_dir, TEMPORARY, 0);
        return -1;
    }
    say_progress(REPO_RECEIVING, c->job->r.objects, 0, c->job->r.bytes);
    return 0;
}

// An index ends its table of 256 counts with the number of objects.
static int count_pack(struct copy *c, int dir, const char *name)
{
    uint32_t n;
    own_fd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || pread(fd, &n, sizeof(n), 8 + 255 * 4) != sizeof(n))
        return err_set(c->e, ERR_BAD_REQUEST, "the local repository's %.60s is damaged", name);
    return count_objects(c, be32toh(n));
}

// A directory of objects that is something else has no objects.
static bool nothing_there(void)
{
    return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
}

static bool hex_name(const char *name, size_t digits)
{
    return strlen(name) == digits && strspn(name, "0123456789abcdef") == digits;
}

// An index stands for its pack, which is copied first: who finds an index looks for the pack.
static int copy_pack(struct copy *c, int from, int to, const char *index)
{
    char pack[64];
    (void)snprintf(pack, sizeof(pack), "%.45s.pack", index); // its length was checked
    if (copy_file(c, from, to, pack, true) < 0)
        return -1;
    int r = copy_file(c, from, to, index, true);
    return r == 0 ? count_pack(c, to, index) : r < 0 ? -1 : 0;
}

static DIR *list(int at, const char *name)
{
    own_fd int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d)
        fd = -1; // the stream owns it
    return d;
}

static int copy_packs(struct copy *c, int objects)
{
    own_dir DIR *d = list(objects, "pack");
    if (!d)
        return nothing_there() ? 0 : err_sys(c->e, "list the local repository's packs");
    own_fd int to = openat(c->to, "pack", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return err_sys(c->e, "open the mirror's packs");
    for (const struct dirent *entry; (entry = readdir(d));) {
        const char *name = entry->d_name;
        size_t len = strlen(name);
        if (len > 9 && !strcmp(name + len - 9, ".promisor"))
            return err_set(c->e, ERR_BAD_REQUEST,
                           "the local repository is a partial clone: it lacks objects");
        char hex[41] = "";
        if (len == 49 && !strncmp(name, "pack-", 5) && !strcmp(name + 45, ".idx"))
            memcpy(hex, name + 5, 40);
        if (hex_name(hex, 40) && copy_pack(c, dirfd(d), to, name) < 0)
            return -1;
    }
    return 0;
}

static int copy_loose_dir(struct copy *c, int objects, const char *two)
{
    own_dir DIR *d = list(objects, two);
    if (!d)
        return nothing_there() ? 0 : err_sys(c->e, "list the local repository's objects/%s", two);
    if (mkdirat(c->to, two, 0755) < 0 && errno != EEXIST)
        return err_sys(c->e, "make the mirror's objects/%s", two);
    own_fd int to = openat(c->to, two, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return err_sys(c->e, "open the mirror's objects/%s", two);
    for (const struct dirent *entry; (entry = readdir(d));) {
        if (!hex_name(entry->d_name, 38))
            continue;
        int r = copy_file(c, dirfd(d), to, entry->d_name, false);
        if (r < 0 || (r == 0 && count_objects(c, 1) < 0))
            return -1;
    }
    return 0;
}

// Lines of objects/info/alternates join the list; the box shows nothing but the roots to them.
static int add_alternates(struct copy *c, int objects, const char *path)
{
    own_buf struct buf b = {0};
    struct err missing = {0};
    buf_init(&b, 64 * 1024);
    if (io_read_file(objects, "info/alternates", &b, &missing) < 0)
        return missing.code == ERR_NOT_FOUND ? 0 : (*c->e = missing, -1);
    char *rest = b.data;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (!line[0] || line[0] == '#')
            continue;
        if (c->n_dirs == ALTERNATES_MAX)
            return err_set(c->e, ERR_LIMIT, "the local repository has more than %d alternates",
                           ALTERNATES_MAX - 1);
        c->dirs[c->n_dirs++] = line[0] == '/' ? xstrdup(line) : xasprintf("%s/%s", path, line);
    }
    return 0;
}

static int copy_dir(struct copy *c, const char *path)
{
    own_fd int objects = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (objects < 0)
        return err_sys(c->e, "open the local repository's objects");
    if (add_alternates(c, objects, path) < 0 || copy_packs(c, objects) < 0)
        return -1;
    for (unsigned i = 0; i < 256; i++) {
        char two[3];
        (void)snprintf(two, sizeof(two), "%02x", i); // fits
        if (copy_loose_dir(c, objects, two) < 0)
            return -1;
    }
    return 0;
}

int local_copy(struct job *j, struct mirror *m, const char *objects, struct err *e)
{
    own_fd int to = openat(m->fd, "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct copy c = {.job = j, .to = to, .e = e};
    int r = to < 0 ? err_sys(e, "open the mirror's objects") : 0;
    c.dirs[c.n_dirs++] = xstrdup(objects);
    for (size_t i = 0; r == 0 && i < c.n_dirs; i++)
        r = copy_dir(&c, c.dirs[i]);
    for (size_t i = 0; i < c.n_dirs; i++)
        free(c.dirs[i]);
    // Loose objects are many and small: one flush for all. Packs were flushed one by one.
    if (r == 0)
        (void)syncfs(to); // a kernel that refuses costs a new fetch after a power loss
    return r;
}
