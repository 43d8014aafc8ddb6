// SPDX-License-Identifier: Apache-2.0
// Removing a tree that a stranger may have filled: by descriptors alone, never through a symlink,
// never across a mount, with bounded descriptors and no recursion however deep it is.
//
// Depth first, down to DEPTH_MAX levels; what lies deeper is moved up into the root of the tree
// and found there by the next pass, so a tree deeper than any path can name goes away too.
#include <pinfold/io.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define DEPTH_MAX 64

struct level {
    DIR *dir;
    char name[256]; // in the level above
};
struct removal {
    struct level levels[DEPTH_MAX];
    unsigned depth; // of the level at work, the root is 0
    unsigned n_lifted;
    bool progress; // in this pass
};

static DIR *open_level(int at, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    own_fd int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    if (fd < 0 && errno == EACCES && !fchmodat(at, name, 0700, 0))
        fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return NULL;
    // Who owns a directory may remove it all the same; root has no need of this.
    if ((st.st_mode & S_IRWXU) != S_IRWXU)
        (void)fchmod(fd, 0700); // the removal of what is in it tells
    DIR *d = fdopendir(fd);
    if (d)
        (void)fd_steal(&fd);
    return d;
}

static int push(struct removal *r, const char *name)
{
    DIR *d = open_level(dirfd(r->levels[r->depth].dir), name);
    if (!d)
        return -1;
    struct level *l = &r->levels[++r->depth];
    l->dir = d;
    (void)snprintf(l->name, sizeof(l->name), "%s", name); // NAME_MAX is 255
    return 0;
}

static void pop(struct removal *r)
{
    struct level *l = &r->levels[r->depth--];
    (void)closedir(ptr_steal(&l->dir));
    // Not empty when something in it was moved away from under readdir: the next pass has it.
    if (!unlinkat(dirfd(r->levels[r->depth].dir), l->name, AT_REMOVEDIR))
        r->progress = true;
}

static int lift(struct removal *r, const char *name)
{
    int from = dirfd(r->levels[r->depth].dir), root = dirfd(r->levels[0].dir);
    for (;;) {
        char to[32];
        (void)snprintf(to, sizeof(to), ".pinfold-rm-%u", r->n_lifted++);
        if (!syscall(SYS_renameat2, from, name, root, to, RENAME_NOREPLACE)) {
            r->progress = true;
            return 0;
        }
        if (errno != EEXIST)
            return -1;
    }
}

static int remove_entry(struct removal *r, const char *name)
{
    int at = dirfd(r->levels[r->depth].dir);
    if (!unlinkat(at, name, 0) || errno == ENOENT) {
        r->progress = true;
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) // EPERM: what POSIX says for a directory
        return -1;
    if (!unlinkat(at, name, AT_REMOVEDIR)) {
        r->progress = true;
        return 0;
    }
    if (errno != ENOTEMPTY && errno != EEXIST && errno != EACCES)
        return -1;
    return r->depth + 1 < DEPTH_MAX ? push(r, name) : lift(r, name);
}

// Walk once through what is there. 0, or -1 (errno) with the levels still open.
static int pass(struct removal *r)
{
    for (;;) {
        errno = 0;
        struct dirent *de = readdir(r->levels[r->depth].dir);
        if (!de && errno)
            return -1;
        if (!de && !r->depth)
            return 0;
        if (!de)
            pop(r);
        else if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..") && remove_entry(r, de->d_name))
            return -1;
    }
}

static int remove_all(struct removal *r, int at, const char *name)
{
    for (;;) {
        r->progress = false;
        if (pass(r))
            return -1;
        if (!unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT)
            return 0;
        if ((errno != ENOTEMPTY && errno != EEXIST) || !r->progress)
            return -1;
        rewinddir(r->levels[0].dir);
    }
}

int io_remove_tree(int dir_fd, const char *name, struct err *e)
{
    if (!unlinkat(dir_fd, name, 0) || errno == ENOENT)
        return 0;
    struct removal *r = xcalloc(1, sizeof(*r));
    r->levels[0].dir = open_level(dir_fd, name);
    int bad = !r->levels[0].dir || remove_all(r, dir_fd, name) ? errno : 0;
    for (unsigned i = 0; i < DEPTH_MAX; i++)
        if (r->levels[i].dir)
            (void)closedir(r->levels[i].dir);
    free(r);
    errno = bad;
    return bad ? err_sys(e, "remove %s", name) : 0;
}
