// SPDX-License-Identifier: Apache-2.0
// Operations that change names: mkdir, move, delete. None follows a final symlink.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <linux/fs.h>

int files_mkdir(struct files *f, const char *path, uint32_t mode, bool parents, struct err *e)
{
    own_place struct place p = PLACE_NONE;
    if (mode > 0777)
        return err_set(e, ERR_BAD_REQUEST, "mode %o is not 0 to 777", mode);
    if (place_open(f, path, parents ? PLACE_PARENTS : 0, &p, e))
        return -1;
    if (mkdirat(p.dir_fd, p.name, mode)) {
        struct stat st;
        int sys = errno;
        bool fine = sys == EEXIST && parents &&
                    !fstatat(p.dir_fd, p.name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
        errno = sys;
        if (!fine)
            return files_sys(e, "make directory %s", path);
    }
    if (dir_sync(p.dir_fd))
        return files_sys(e, "sync the directory of %s", path);
    return answer_entry(f, p.dir_fd, p.name, path, e);
}

int files_move(struct files *f, const char *src, const char *dst, const struct files_move *how,
               struct err *e)
{
    own_place struct place from = PLACE_NONE, to = PLACE_NONE;
    struct stat st;
    if (place_open(f, src, 0, &from, e))
        return -1;
    if (place_is_base(f, &from))
        return err_set(e, ERR_BAD_REQUEST, "%s itself cannot be moved", src);
    // Look first, so that a missing source makes no directories.
    if (fstatat(from.dir_fd, from.name, &st, AT_SYMLINK_NOFOLLOW))
        return files_sys(e, "move %s", src);
    if (place_open(f, dst, how->parents ? PLACE_PARENTS : 0, &to, e))
        return -1;
    if (syscall(SYS_renameat2, from.dir_fd, from.name, to.dir_fd, to.name,
                how->replace ? 0 : RENAME_NOREPLACE))
        return files_sys(e, "move %.80s to %.80s", src, dst);
    if (dir_sync(to.dir_fd) || dir_sync(from.dir_fd))
        return files_sys(e, "sync the directory of %s", dst);
    return answer_entry(f, to.dir_fd, to.name, dst, e);
}

int files_delete(struct files *f, const char *path, bool recursive, struct err *e)
{
    own_place struct place p = PLACE_NONE;
    struct stat st;
    if (place_open(f, path, 0, &p, e))
        return -1;
    if (place_is_base(f, &p))
        return err_set(e, ERR_BAD_REQUEST, "%s itself cannot be deleted", path);
    if (fstatat(p.dir_fd, p.name, &st, AT_SYMLINK_NOFOLLOW))
        return files_sys(e, "delete %s", path);
    if (S_ISDIR(st.st_mode) && recursive) {
        if (io_remove_tree(p.dir_fd, p.name, e)) {
            errno = e->sys;
            return files_sys(e, "delete all in %s", path);
        }
    } else if (unlinkat(p.dir_fd, p.name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0)) {
        return files_sys(e, "delete %s", path);
    }
    if (dir_sync(p.dir_fd))
        return files_sys(e, "sync the directory of %s", path);
    return answer_end(f, &(struct tool_end){.entries = 1}, e);
}
