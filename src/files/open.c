// SPDX-License-Identifier: Apache-2.0
// From a path to descriptors. The root is the sandbox's own, so a symlink that leads anywhere
// leads inside it; RESOLVE_IN_ROOT keeps that true even where the process's root is another, and
// RESOLVE_NO_MAGICLINKS keeps /proc/PID/{root,fd} from being a way around a mount.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

static enum err_code code_of(int sys, enum err_code otherwise)
{
    switch (sys) {
    case EACCES:
    case EPERM:
    case EROFS:
    case ETXTBSY:
        return ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:
    case EBUSY:
        return ERR_CONFLICT;
    case ENAMETOOLONG:
    case EINVAL:
        return ERR_BAD_REQUEST;
    case EFBIG:
    case EMLINK:
        return ERR_LIMIT;
    case EPIPE:
        return ERR_GONE;
    default:
        return otherwise;
    }
}

int files_sys(struct err *e, const char *fmt, ...)
{
    int sys = errno;
    char what[sizeof(e->text)];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap); // cut at the size on purpose
    va_end(ap);
    errno = sys;
    err_sys(e, "%s", what);
    e->code = code_of(sys, e->code);
    return -1;
}

void place_release(struct place *p)
{
    fd_close(&p->dir_fd);
}

int dir_sync(int dir_fd)
{
    own_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES ? 0 : -1;
    // Filesystems without something to sync (proc, overlays in memory) say EINVAL.
    return fsync(fd) && errno != EINVAL ? -1 : 0;
}

// Open directory `path`, making what is missing. Existing symlinks on the way are followed, but
// never the thing just made, so a race cannot make a directory elsewhere.
static int open_made(int root_fd, char *path, struct err *e)
{
    own_fd int at = io_open_in_root(root_fd, ".", O_PATH | O_DIRECTORY, 0);
    for (char *end = path; at >= 0 && end;) {
        char *start = end == path ? path : end + 1;
        end = strchr(start, '/');
        if (end)
            *end = 0;
        int next = io_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);
        if (next < 0 && errno == ENOENT) {
            if (mkdirat(at, start, 0755) && errno != EEXIST)
                return files_sys(e, "make directory %s", path);
            if (dir_sync(at))
                return files_sys(e, "sync the directory of %s", path);
            next = io_open_beneath(at, start, O_PATH | O_DIRECTORY, 0);
        }
        if (next < 0)
            return files_sys(e, "open directory %s", path);
        fd_close(&at);
        at = next;
        if (end)
            *end = '/';
    }
    return at < 0 ? files_sys(e, "open directory %s", path) : fd_steal(&at);
}

static int open_parent(const struct files *f, struct place *p, unsigned how, struct err *e)
{
    char copy[TOOL_PATH_MAX + 1];
    memcpy(copy, p->path, sizeof(copy));
    const char *dir, *name;
    path_cut(copy, &dir, &name);
    p->name = p->path + (name - copy);
    fd_close(&p->dir_fd);
    p->dir_fd = io_open_in_root(f->root_fd, dir, O_PATH | O_DIRECTORY, 0);
    if (p->dir_fd < 0 && errno == ENOENT && (how & PLACE_PARENTS))
        return (p->dir_fd = open_made(f->root_fd, copy, e)) < 0 ? -1 : 0;
    return p->dir_fd < 0 ? files_sys(e, "open directory %s", dir) : 0;
}

// If the place is a symlink, move it to where the link points: 1, else 0. The new path is text
// (directory of the link, slash, target): the kernel resolves it from the root as it would have
// resolved the link, so ".." in a target means what it should.
static int follow(struct place *p, struct err *e)
{
    char target[TOOL_PATH_MAX + 1], next[2 * sizeof(target)];
    ssize_t n = readlinkat(p->dir_fd, p->name, target, sizeof(target));
    if (n < 0)
        return errno == EINVAL || errno == ENOENT ? 0 : files_sys(e, "read link %s", p->path);
    if (n == 0 || (size_t)n == sizeof(target))
        return err_set(e, ERR_BAD_REQUEST, "link %s is too long", p->path);
    target[n] = 0;
    int dir_len = target[0] == '/' ? 0 : (int)(p->name - p->path);
    int len = snprintf(next, sizeof(next), "%.*s%s", dir_len, p->path,
                       target + strspn(target, target[0] == '/' ? "/" : ""));
    while (len > 1 && next[len - 1] == '/')
        next[--len] = 0;
    if (len > TOOL_PATH_MAX)
        return err_set(e, ERR_BAD_REQUEST, "link %s leads to a path that is too long", p->path);
    memcpy(p->path, len ? next : ".", len ? (size_t)len + 1 : 2);
    return 1;
}

int place_open(const struct files *f, const char *path, unsigned how, struct place *ret,
               struct err *e)
{
    ret->dir_fd = -1;
    if (path_normal(f->base, path, ret->path, e))
        return -1;
    for (int links = 0;; links++) {
        if (open_parent(f, ret, how, e))
            return -1;
        int more = how & PLACE_FOLLOW ? follow(ret, e) : 0;
        if (more <= 0)
            return more;
        if (links == 40) // as many as the kernel follows
            return err_set(e, ERR_CONFLICT, "%s: too many symbolic links", path);
    }
}

int place_is_base(const struct files *f, const struct place *p)
{
    return !strcmp(p->path, f->base) || !strcmp(p->path, ".");
}
