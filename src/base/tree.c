// SPDX-License-Identifier: Apache-2.0
// Removing a tree that a stranger may have filled: by descriptors, depth bounded by descriptors
// kept rather than by the stack, never through a symlink, never across a mount.
#include <pinfold/io.h>

#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

// Remove the entries of dir that are not directories; name one directory in *ret_sub (to free) if
// there is any. Returns 0 or -1 (errno).
static int sweep(int dir_fd, char **ret_sub)
{
    *ret_sub = NULL;
    int dup_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dup_fd < 0)
        return -1;
    own_dir DIR *d = fdopendir(dup_fd);
    if (!d) {
        fd_close(&dup_fd);
        return -1;
    }
    for (struct dirent *de; (errno = 0, de = readdir(d));) {
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (!unlinkat(dir_fd, de->d_name, 0) || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM)
            return -1;
        if (!unlinkat(dir_fd, de->d_name, AT_REMOVEDIR))
            continue;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -1;
        if (!*ret_sub)
            *ret_sub = xstrdup(de->d_name);
    }
    return errno ? -1 : 0;
}

// One pass goes down the first chain of directories to its end, emptying on the way; the caller
// repeats until the root is empty. Moving each deep directory up keeps descriptors at two.
static int remove_pass(int root_fd, dev_t dev, bool *ret_done)
{
    own_free char *sub = NULL;
    if (sweep(root_fd, &sub))
        return -1;
    *ret_done = !sub;
    if (!sub)
        return 0;
    own_fd int fd = openat(root_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 && errno == EACCES && !fchmodat(root_fd, sub, 0700, 0))
        fd = openat(root_fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st))
        return -1;
    if (st.st_dev != dev) {
        errno = EXDEV;
        return -1;
    }
    for (unsigned n = 0;; n++) {
        own_free char *deep = NULL;
        if (sweep(fd, &deep))
            return -1;
        if (!deep)
            return unlinkat(root_fd, sub, AT_REMOVEDIR);
        // Lift the grandchild to the top, so that depth never grows: PATH_MAX-deep trees are a
        // known way to make removal fail.
        char name[32];
        (void)snprintf(name, sizeof(name), ".pinfold-rm-%u", n);
        if (renameat2(fd, deep, root_fd, name, RENAME_NOREPLACE) && errno != EEXIST)
            return -1;
    }
}

int io_remove_tree(int dir_fd, const char *name, struct err *e)
{
    own_fd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        if (errno == ENOENT || ((errno == ENOTDIR || errno == ELOOP) && !unlinkat(dir_fd, name, 0)))
            return 0;
        return err_sys(e, "open %s to remove it", name);
    }
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(e, "stat %s", name);
    for (bool done = false; !done;)
        if (remove_pass(fd, st.st_dev, &done))
            return err_sys(e, "remove what is in %s", name);
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) && errno != ENOENT)
        return err_sys(e, "remove %s", name);
    return 0;
}
