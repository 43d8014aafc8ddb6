// SPDX-License-Identifier: Apache-2.0
// A working tree with its .git, made where nothing is, or from our checkout of another commit.
#include "git_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

// lost+found is what mkfs leaves in a workspace that is a file system of its own.
static int check_empty(int fd, const struct workdir *w, struct err *e)
{
    own_fd int listed = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    own_dir DIR *d = listed < 0 ? NULL : fdopendir(listed);
    if (!d)
        return err_sys(e, "list the workspace");
    listed = -1; // the stream owns it
    for (const struct dirent *entry; (entry = readdir(d));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
            (w->path[0] || strcmp(entry->d_name, "lost+found")))
            return err_set(e, ERR_CONFLICT,
                           "the workspace is not empty: a repository is checked out only into an "
                           "empty one");
    return 0;
}

int workdir_make(struct job *j, struct mirror *m, const struct target *t, const struct workdir *w,
                 struct plan *plan, struct err *e)
{
    own_fd int top = open(REPO_WORKSPACE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top < 0)
        return err_sys(e, "open the workspace");
    own_fd int root =
        io_open_beneath(top, w->path[0] ? w->path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0)
        return err_sys(e, "open the workspace's directory %.100s", w->path);
    if (!j->q.base[0] && check_empty(root, w, e) < 0)
        return -1;
    if (!t->empty && plan_build(j, m->repo, &t->commit, plan, e) < 0)
        return -1;
    if (j->q.base[0] && update_begin(j, m->repo, root, plan, e) < 0)
        return -1;
    if (!t->empty && plan_write(j, plan, m->path, root, e) < 0)
        return -1;
    return gitdir_make(j, m, t, w, plan, e);
}
