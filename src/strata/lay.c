// SPDX-License-Identifier: Apache-2.0
// One tree laid over another as overlayfs would show them, both filled by a stranger and at rest:
// by descriptors, following nothing. Files become hard links, so what it takes depends on the
// number of names and not on their bytes. Whiteouts and opaque directories stay, since the result
// may stand on more.
#include "strata_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MAX 512 // deeper than PATH_MAX's 4096 bytes allow anything useful
#define OPAQUE "user.overlay.opaque"

// What is the sandbox's own: security.* and trusted.* are the host's to give, overlay's marks
// belong to the layer that they were made in.
static bool is_kept(const char *name)
{
    return (!strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13)) ||
           !strncmp(name, "system.posix_acl_", 17);
}

static int copy_xattrs(int from, int to)
{
    char names[4096], value[4096];
    ssize_t n = flistxattr(from, names, sizeof(names));
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1) {
        if (!is_kept(names + at))
            continue;
        ssize_t v = fgetxattr(from, names + at, value, sizeof(value));
        if (v < 0 || fsetxattr(to, names + at, value, (size_t)v, 0))
            return -1;
    }
    return n < 0 && errno != ENOTSUP ? -1 : 0;
}

int copy_attributes(int from, int to)
{
    struct stat sb;
    if (fstat(from, &sb) || copy_xattrs(from, to))
        return -1;
    const struct timespec times[2] = {sb.st_atim, sb.st_mtim};
    // Owner before mode: chown clears setuid.
    return fchown(to, sb.st_uid, sb.st_gid) || fchmod(to, sb.st_mode & 07777) || futimens(to, times)
               ? -1
               : 0;
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

// The directory's own attributes last, since filling it changes its times.
static int leave(struct level *l)
{
    int bad = copy_attributes(dirfd(l->from), l->to);
    (void)closedir(l->from);
    fd_close(&l->to);
    return bad;
}

// Both sides of a directory as the next level. What it hides below goes.
static int descend(struct level *here, struct level *below, const char *name)
{
    char mark[2];
    struct stat sb;
    own_fd int from =
        openat(dirfd(here->from), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return -1;
    bool opaque = fgetxattr(from, OPAQUE, mark, sizeof(mark)) == 1 && mark[0] == 'y';
    bool there = !fstatat(here->to, name, &sb, AT_SYMLINK_NOFOLLOW);
    if (there && (opaque || !S_ISDIR(sb.st_mode))) {
        if (io_remove_tree(here->to, name, NULL))
            return -1;
        opaque = true;
        there = false;
    }
    if (!there && mkdirat(here->to, name, 0700))
        return -1;
    own_fd int to = openat(here->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0 || (opaque && fsetxattr(to, OPAQUE, "y", 1, 0)))
        return -1;
    return enter(below, fd_steal(&from), fd_steal(&to));
}

static int lay_entry(struct level *here, const char *name)
{
    int from = dirfd(here->from);
    if (!linkat(from, name, here->to, name, 0))
        return 0;
    return errno != EEXIST || io_remove_tree(here->to, name, NULL) ||
                   linkat(from, name, here->to, name, 0)
               ? -1
               : 0;
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
                return err_sys(e, "lay a directory");
            continue;
        }
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (fstatat(dirfd(here->from), de->d_name, &sb, AT_SYMLINK_NOFOLLOW))
            return err_sys(e, "stat %.80s", de->d_name);
        if (!S_ISDIR(sb.st_mode)) {
            if (lay_entry(here, de->d_name))
                return err_sys(e, "lay %.80s", de->d_name);
            continue;
        }
        if (*depth == DEPTH_MAX)
            return err_set(e, ERR_LIMIT, "directories nest deeper than %d", DEPTH_MAX);
        if (descend(here, here + 1, de->d_name))
            return err_sys(e, "lay directory %.80s", de->d_name);
        ++*depth;
    }
    return 0;
}

int lay_tree(int from_fd, int to_fd, struct err *e)
{
    own_free struct level *levels = xcalloc(DEPTH_MAX + 1, sizeof(*levels));
    unsigned depth = 0;
    int from = openat(from_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0 || enter(&levels[0], from, to))
        return err_sys(e, "open a tree");
    depth = 1;
    int r = walk(levels, &depth, e);
    while (depth) {
        depth--;
        (void)closedir(levels[depth].from);
        fd_close(&levels[depth].to);
    }
    return r;
}
