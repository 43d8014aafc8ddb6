// SPDX-License-Identifier: Apache-2.0
// A copy of a tree that a stranger filled, by descriptors, following nothing: files share their
// blocks where the file system can (FICLONE), else the kernel copies them; owners, modes, times,
// overlay marks (user.overlay.*) and whiteouts are kept. Hard links become separate files.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MAX 512 // deeper than PATH_MAX's 4096 bytes allow anything useful

static int copy_xattrs(int from, int to)
{
    char names[4096], value[4096];
    ssize_t n = flistxattr(from, names, sizeof(names));
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
        if (strncmp(names + at, "user.", 5))
            continue; // security.* and trusted.* are the host's to give
        ssize_t v = fgetxattr(from, names + at, value, sizeof(value));
        if (v < 0 || fsetxattr(to, names + at, value, (size_t)v, 0))
            return -1;
    }
    return n < 0 && errno != ENOTSUP ? -1 : 0;
}

static int copy_meta(int to, const struct stat *sb)
{
    const struct timespec times[2] = {sb->st_atim, sb->st_mtim};
    // Owner before mode: chown clears setuid.
    return fchown(to, sb->st_uid, sb->st_gid) || fchmod(to, sb->st_mode & 07777) ||
           futimens(to, times);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *sb)
{
    own_fd int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    own_fd int to =
        openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (from < 0 || to < 0)
        return -1;
    if (ioctl(to, FICLONE, from))
        for (ssize_t n = 1; n > 0;)
            if ((n = copy_file_range(from, NULL, to, NULL, 1u << 30, 0)) < 0)
                return -1;
    return copy_xattrs(from, to) || copy_meta(to, sb);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *sb)
{
    char target[4096];
    ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);
    if (n < 0)
        return -1;
    target[n] = '\0';
    return symlinkat(target, to_dir, name) ||
           fchownat(to_dir, name, sb->st_uid, sb->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_other(int to_dir, const char *name, const struct stat *sb)
{
    // A whiteout is a character device 0:0; other devices cannot have been made inside.
    if (S_ISCHR(sb->st_mode) && sb->st_rdev != 0)
        return 0;
    if (S_ISSOCK(sb->st_mode) || S_ISBLK(sb->st_mode))
        return 0; // a socket's listener is not copied, so neither is its name
    return mknodat(to_dir, name, sb->st_mode, 0) ||
           fchownat(to_dir, name, sb->st_uid, sb->st_gid, AT_SYMLINK_NOFOLLOW);
}

struct level {
    DIR *from;
    int to;
};

static int enter(struct level *l, int from_fd, int to_fd)
{
    l->from = fdopendir(from_fd);
    l->to = to_fd;
    if (l->from)
        return 0;
    fd_close(&from_fd);
    fd_close(&l->to);
    return -1;
}

// Make the directory and open both sides as the next level.
static int descend(struct level *here, struct level *below, const char *name)
{
    own_fd int from =
        openat(dirfd(here->from), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || mkdirat(here->to, name, 0700))
        return -1;
    own_fd int to = openat(here->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return to < 0 ? -1 : enter(below, fd_steal(&from), fd_steal(&to));
}

static int copy_entry(struct level *here, const char *name, const struct stat *sb)
{
    if (S_ISREG(sb->st_mode))
        return copy_file(dirfd(here->from), here->to, name, sb);
    if (S_ISLNK(sb->st_mode))
        return copy_link(dirfd(here->from), here->to, name, sb);
    return copy_other(here->to, name, sb);
}

// Leave a level: the directory's own attributes last, since filling it changes its times.
static int leave(struct level *l)
{
    struct stat sb;
    int bad =
        fstat(dirfd(l->from), &sb) || copy_xattrs(dirfd(l->from), l->to) || copy_meta(l->to, &sb);
    (void)closedir(l->from);
    fd_close(&l->to);
    return bad ? -1 : 0;
}

static int walk(struct level *levels, unsigned *depth, struct err *e)
{
    while (*depth) {
        struct level *here = &levels[*depth - 1];
        errno = 0;
        struct dirent *de = readdir(here->from);
        struct stat sb;
        if (!de) {
            if (errno || ((*depth)--, leave(here)))
                return err_sys(e, "copy a directory");
            continue;
        }
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (fstatat(dirfd(here->from), de->d_name, &sb, AT_SYMLINK_NOFOLLOW))
            return err_sys(e, "stat %.80s", de->d_name);
        if (!S_ISDIR(sb.st_mode)) {
            if (copy_entry(here, de->d_name, &sb))
                return err_sys(e, "copy %.80s", de->d_name);
            continue;
        }
        if (*depth == DEPTH_MAX)
            return err_set(e, ERR_LIMIT, "directories nest deeper than %d", DEPTH_MAX);
        if (descend(here, here + 1, de->d_name))
            return err_sys(e, "copy directory %.80s", de->d_name);
        ++*depth;
    }
    return 0;
}

int copy_tree(int from_fd, int to_fd, struct err *e)
{
    own_free struct level *levels = xcalloc(DEPTH_MAX + 1, sizeof(*levels));
    unsigned depth = 0;
    int from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0 || enter(&levels[0], from, to))
        return err_sys(e, "open a tree to copy");
    depth = 1;
    int r = walk(levels, &depth, e);
    while (depth) {
        depth--;
        (void)closedir(levels[depth].from);
        fd_close(&levels[depth].to);
    }
    return r;
}
