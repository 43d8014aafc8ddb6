// SPDX-License-Identifier: Apache-2.0
// Unpacking a tar that a stranger made. Every directory on the way to a member is opened or made
// without following symlinks, so an archive cannot write through a link that it (or the workspace)
// holds; everything else is refused by the header reader. Modes and times of directories are set
// at the end, so that a read-only directory can be filled.
#include "files_int.h"
#include "tar_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

struct late_dir {
    char *path;
    uint32_t mode;
    int64_t mtime;
};
struct unpack {
    const struct files_tar_in *how;
    int in_fd, base_fd;
    struct tar_reader reader;
    struct tool_end done;
    uint64_t headers; // extension headers too
    char name[TOOL_PATH_MAX + 1];
    char parent[TOOL_PATH_MAX + 1]; // whose descriptor is kept, since members come by directory
    int parent_fd;
    struct late_dir *late;
    size_t n_late, late_room;
    char chunk[65536];
};

static void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n_late; i++)
        free(u->late[i].path);
    free(u->late);
    fd_close(&u->parent_fd);
    fd_close(&u->base_fd);
    free(u);
}
static void own_unpack_cleanup(struct unpack **u)
{
    unpack_free(*u);
}
#define own_unpack __attribute__((cleanup(own_unpack_cleanup)))

// Open (or make) the directory of u->name; sets *ret_name to the last component.
static int enter_parent(struct unpack *u, const char **ret_name, struct err *e)
{
    char copy[TOOL_PATH_MAX + 1];
    const char *dir, *name;
    memcpy(copy, u->name, sizeof(copy));
    path_cut(copy, &dir, &name);
    *ret_name = u->name + (name - copy);
    if (u->parent_fd >= 0 && !strcmp(dir, u->parent))
        return 0;
    fd_close(&u->parent_fd);
    u->parent_fd = io_open_beneath(u->base_fd, dir, O_PATH | O_DIRECTORY, 0);
    if (u->parent_fd < 0 && errno == ENOENT)
        u->parent_fd = io_mkdir_beneath(u->base_fd, dir, 0755, e);
    else if (u->parent_fd < 0)
        files_sys(e, "%s", dir);
    if (u->parent_fd < 0) {
        errno = e->sys;
        return e->sys == ELOOP || e->sys == ENOTDIR
                   ? err_set(e, ERR_CONFLICT, "%.120s is no directory (a symlink, perhaps)", dir)
                   : files_sys(e, "open directory %s", dir);
    }
    (void)snprintf(u->parent, sizeof(u->parent), "%s", dir); // same size
    return 0;
}

// Something else may stand where the member goes: what is no directory is replaced.
static int make_room(struct unpack *u, const char *name, struct err *e)
{
    if (!unlinkat(u->parent_fd, name, 0) || errno == ENOENT)
        return 0;
    if (errno == EISDIR)
        return err_set(e, ERR_CONFLICT, "%.120s is a directory here and none in the archive",
                       u->name);
    return files_sys(e, "replace %s", u->name);
}

static int copy_data(struct unpack *u, int fd, uint64_t size, struct err *e)
{
    uint64_t padded = size + tar_padding(size);
    for (uint64_t left = padded; left;) {
        size_t want = left < sizeof(u->chunk) ? (size_t)left : sizeof(u->chunk);
        ssize_t n = io_read_full(u->in_fd, u->chunk, want);
        if (n < 0)
            return files_sys(e, "read the archive");
        if ((size_t)n < want)
            return err_set(e, ERR_BAD_REQUEST, "the archive is cut short inside %.120s", u->name);
        uint64_t data_left = left > padded - size ? left - (padded - size) : 0;
        size_t data = data_left < want ? (size_t)data_left : want;
        if (fd >= 0 && io_write_full(fd, u->chunk, data))
            return files_sys(e, "write %s", u->name);
        left -= want;
    }
    return 0;
}

static int unpack_file(struct unpack *u, const char *name, const struct tar_member *m,
                       struct err *e)
{
    if (m->size > u->how->max_bytes || u->done.bytes > u->how->max_bytes - m->size)
        return err_set(e, ERR_LIMIT, "the archive holds more than %llu bytes",
                       (unsigned long long)u->how->max_bytes);
    u->done.bytes += m->size;
    if (make_room(u, name, e))
        return -1;
    own_fd int fd =
        openat(u->parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return files_sys(e, "create %s", u->name);
    if (copy_data(u, fd, m->size, e))
        return -1;
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = m->mtime}};
    if (fchmod(fd, m->mode) || futimens(fd, times))
        return files_sys(e, "set mode and time of %s", u->name);
    return 0;
}

static int unpack_dir(struct unpack *u, const char *name, const struct tar_member *m, struct err *e)
{
    struct stat st;
    // 0700 until the end, whatever the archive says: what is inside comes later.
    if (mkdirat(u->parent_fd, name, 0700)) {
        if (errno != EEXIST)
            return files_sys(e, "make directory %s", u->name);
        if (fstatat(u->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW))
            return files_sys(e, "stat %s", u->name);
        if (!S_ISDIR(st.st_mode))
            return err_set(e, ERR_CONFLICT, "%.120s is no directory here but one in the archive",
                           u->name);
    }
    if (u->n_late == u->late_room) {
        u->late_room = u->late_room ? u->late_room * 2 : 64;
        u->late = xrealloc(u->late, u->late_room * sizeof(*u->late));
    }
    u->late[u->n_late++] = (struct late_dir){xstrdup(u->name), m->mode, m->mtime};
    return 0;
}

static int unpack_symlink(struct unpack *u, const char *name, const struct tar_member *m,
                          struct err *e)
{
    // Any target is fine: inside the sandbox the user could make the same link by hand, and
    // nothing here follows it.
    if (!*m->link)
        return err_set(e, ERR_BAD_REQUEST, "%.120s is a symlink to nothing", u->name);
    if (make_room(u, name, e))
        return -1;
    if (symlinkat(m->link, u->parent_fd, name))
        return files_sys(e, "make symlink %s", u->name);
    struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = m->mtime}};
    (void)utimensat(u->parent_fd, name, times, AT_SYMLINK_NOFOLLOW); // not worth failing for
    return 0;
}

static int unpack_hardlink(struct unpack *u, const char *name, const struct tar_member *m,
                           struct err *e)
{
    char target[TOOL_PATH_MAX + 1];
    const char *dir, *last;
    struct stat st;
    if (tar_check_name(m->link, target, e))
        return err_wrap(e, "%.60s links to", u->name);
    if (!strcmp(target, u->name))
        return 0;
    path_cut(target, &dir, &last);
    // Beneath the archive's own directory and through no symlink; the link itself is made by
    // name without following, so at worst a symlink gets a second name.
    own_fd int dir_fd = io_open_beneath(u->base_fd, dir, O_PATH | O_DIRECTORY, 0);
    if (dir_fd < 0 || fstatat(dir_fd, last, &st, AT_SYMLINK_NOFOLLOW))
        return files_sys(e, "target of hard link %.100s", u->name);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_BAD_REQUEST, "hard link %.100s does not lead to a file", u->name);
    if (make_room(u, name, e))
        return -1;
    return linkat(dir_fd, last, u->parent_fd, name, 0) ? files_sys(e, "hard link %s", u->name) : 0;
}

static int unpack_member(struct unpack *u, const struct tar_member *m, struct err *e)
{
    const char *name;
    if (tar_check_name(m->name, u->name, e))
        return -1;
    u->done.entries++;
    if (!strcmp(u->name, "."))
        return m->kind == TAR_DIR ? 0 : err_set(e, ERR_BAD_REQUEST, "the top is no directory");
    if (enter_parent(u, &name, e))
        return -1;
    switch (m->kind) {
    case TAR_FILE:
        return unpack_file(u, name, m, e);
    case TAR_DIR:
        return unpack_dir(u, name, m, e);
    case TAR_SYMLINK:
        return unpack_symlink(u, name, m, e);
    case TAR_HARDLINK:
        return unpack_hardlink(u, name, m, e);
    }
    return -1;
}

static int read_extension(struct unpack *u, size_t size, struct err *e)
{
    own_free char *data = xmalloc(size + TAR_BLOCK);
    size_t padded = size + tar_padding(size);
    ssize_t n = io_read_full(u->in_fd, data, padded);
    if (n < 0)
        return files_sys(e, "read the archive");
    if ((size_t)n < padded)
        return err_set(e, ERR_BAD_REQUEST, "the archive is cut short in an extension header");
    return tar_read_extension(&u->reader, data, size, e);
}

static int unpack_all(struct unpack *u, struct err *e)
{
    for (;;) {
        unsigned char block[TAR_BLOCK];
        struct tar_member m;
        ssize_t n = io_read_full(u->in_fd, block, sizeof(block));
        if (n < 0)
            return files_sys(e, "read the archive");
        // Writers that pad badly leave one zero block instead of two; less is a cut archive.
        if (n == 0 && u->reader.zero_blocks)
            return 0;
        if (n < (ssize_t)sizeof(block))
            return err_set(e, ERR_BAD_REQUEST, "the archive is cut short: it has no end");
        int next = tar_read_block(&u->reader, block, &m, e);
        if (next < 0)
            return -1;
        if (next == TAR_END)
            return 0;
        if (next == TAR_AGAIN)
            continue;
        if (u->headers++ >= u->how->max_files * 3 || u->done.entries >= u->how->max_files)
            return err_set(e, ERR_LIMIT, "the archive has more than %llu entries",
                           (unsigned long long)u->how->max_files);
        if (next == TAR_MEMBER ? unpack_member(u, &m, e) : read_extension(u, m.size, e))
            return -1;
    }
}

// Deepest first, so that no directory is closed before what is in it is done.
static int set_late(struct unpack *u, struct err *e)
{
    while (u->n_late) {
        struct late_dir *d = &u->late[u->n_late - 1];
        own_fd int fd = io_open_beneath(u->base_fd, d->path, O_RDONLY | O_DIRECTORY, 0);
        struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = d->mtime}};
        if (fd < 0 || fchmod(fd, d->mode) || futimens(fd, times))
            return files_sys(e, "set mode and time of %s", d->path);
        free(ptr_steal(&d->path));
        u->n_late--;
    }
    return 0;
}

static int drain(int fd, char *chunk, size_t room)
{
    // Some writers pad to 10 KiB: read on, so that they see no broken pipe. More is not looked at.
    for (size_t total = 0; total < 1024 * 1024;) {
        ssize_t n = read(fd, chunk, room);
        if (n <= 0)
            break;
        total += (size_t)n;
    }
    return 0;
}

int files_tar_in(struct files *f, const char *path, const struct files_tar_in *how, struct err *e)
{
    char normal[TOOL_PATH_MAX + 1];
    if (path_normal(f->base, path, normal, e))
        return -1;
    own_unpack struct unpack *u = xcalloc(1, sizeof(*u));
    u->how = how;
    u->in_fd = f->in_fd;
    u->parent_fd = -1;
    u->base_fd = io_open_in_root(f->root_fd, normal, O_RDONLY | O_DIRECTORY, 0);
    if (u->base_fd < 0 && errno == ENOENT && how->parents) {
        own_place struct place p = PLACE_NONE;
        if (place_open(f, path, PLACE_PARENTS, &p, e))
            return -1;
        if (mkdirat(p.dir_fd, p.name, 0755) && errno != EEXIST)
            return files_sys(e, "make directory %s", path);
        u->base_fd = io_open_beneath(p.dir_fd, p.name, O_RDONLY | O_DIRECTORY, 0);
    }
    if (u->base_fd < 0)
        return files_sys(e, "open directory %s", path);
    if (unpack_all(u, e) || set_late(u, e))
        return err_wrap(e, "unpack");
    (void)drain(f->in_fd, u->chunk, sizeof(u->chunk)); // never fails
    // One sync for all: a sync for each of five thousand files takes minutes on a disk.
    if (syncfs(u->base_fd) && errno != ENOSYS && errno != EPERM)
        return files_sys(e, "sync %s", path);
    return answer_end(f, &u->done, e);
}
