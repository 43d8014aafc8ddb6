// SPDX-License-Identifier: Apache-2.0
// From our checkout of one commit to that of another: what both have stays as it is, the rest goes,
// and .git with it. Both plans are in order, so one walk over the two finds the difference; what
// git would compare a file with is read from the checkout's index.
//
// The checkout is as much the remote's as the commit is, so it is handled as that: by descriptors,
// following nothing.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

struct update {
    const struct plan *old;
    struct plan *new;
    git_index *index;
    int root_fd, dir_fd; // dir_fd: of the directory `dir`
    uint32_t dir;
    bool same_filters;
    struct err *e;
};

static int compare_entries(const struct update *u, size_t i, size_t k)
{
    if (i == u->old->n_entries || k == u->new->n_entries)
        return i == u->old->n_entries ? 1 : -1;
    return strcmp(plan_path(u->old, u->old->entries[i].path),
                  plan_path(u->new, u->new->entries[k].path));
}

// A directory stands where its path with a slash would.
static int compare_dirs(const struct update *u, size_t i, size_t k)
{
    if (i == u->old->n_dirs || k == u->new->n_dirs)
        return i == u->old->n_dirs ? 1 : -1;
    const char *a = plan_path(u->old, u->old->dirs[i].path);
    const char *b = plan_path(u->new, u->new->dirs[k].path);
    for (; *a && *a == *b; a++, b++)
        ;
    if (*a == *b)
        return 0;
    int x = *a ? (unsigned char)*a : '/', y = *b ? (unsigned char)*b : '/';
    return x != y ? x - y : *a ? 1 : -1;
}

static bool is_attributes(const struct plan *p, const struct entry *en)
{
    return en->mode == 0100644 && !strcmp(plan_path(p, en->path) + en->name, ".gitattributes");
}

// Do both commits say the same about line ends and the like? Then equal blobs are equal files.
static bool same_attributes(const struct update *u)
{
    size_t i = 0, k = 0;
    if (!u->old->has_attributes && !u->new->has_attributes)
        return true;
    while (i < u->old->n_entries || k < u->new->n_entries) {
        int c = compare_entries(u, i, k);
        const struct entry *a = c <= 0 ? &u->old->entries[i++] : NULL;
        const struct entry *b = c >= 0 ? &u->new->entries[k++] : NULL;
        bool one = a && is_attributes(u->old, a), two = b && is_attributes(u->new, b);
        if (one != two || (one && !git_oid_equal(&a->id, &b->id)))
            return false;
    }
    return true;
}

// true: the file is what the new commit has, and *to knows all that its index needs.
static bool keep(const struct update *u, const struct entry *was, struct entry *to)
{
    const char *path = plan_path(u->new, to->path);
    bool filtered = to->mode != 0120000 && to->mode != 0160000 && !u->same_filters;
    if (filtered || was->mode != to->mode || !git_oid_equal(&was->id, &to->id))
        return false;
    const git_index_entry *is = git_index_get_bypath(u->index, path, 0);
    if (!is || is->mode != to->mode || !git_oid_equal(&is->id, &to->id))
        return false;
    to->ctime = is->ctime;
    to->mtime = is->mtime;
    to->ino = is->ino;
    to->dev = is->dev;
    to->uid = is->uid;
    to->gid = is->gid;
    to->size = is->file_size;
    return to->kept = true;
}

static int drop(struct update *u, const struct entry *en)
{
    const char *path = plan_path(u->old, en->path), *dir;
    if (u->dir_fd < 0 || u->dir != en->dir) {
        fd_close(&u->dir_fd);
        dir = plan_path(u->old, u->old->dirs[en->dir].path);
        u->dir_fd =
            io_open_beneath(u->root_fd, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        u->dir = en->dir;
    }
    if (u->dir_fd < 0 ||
        unlinkat(u->dir_fd, path + en->name, en->mode == 0160000 ? AT_REMOVEDIR : 0) < 0)
        return err_sys(u->e, "remove '%.100s'", path);
    return 0;
}

static int drop_files(struct update *u)
{
    for (size_t i = 0, k = 0; i < u->old->n_entries || k < u->new->n_entries;) {
        int c = compare_entries(u, i, k);
        const struct entry *was = c <= 0 ? &u->old->entries[i++] : NULL;
        struct entry *to = c >= 0 ? &u->new->entries[k++] : NULL;
        if (was && !(to && keep(u, was, to)) && drop(u, was) < 0)
            return -1;
    }
    return 0;
}

// Those that hold nothing any more, the innermost first; the others are marked in the new plan.
static int drop_dirs(struct update *u)
{
    own_free bool *stays = xcalloc(u->old->n_dirs + 1, sizeof(*stays));
    for (size_t i = 0, k = 0; i < u->old->n_dirs && k < u->new->n_dirs;) {
        int c = compare_dirs(u, i, k);
        if (c == 0 && u->old->dirs[i].used && u->new->dirs[k].used)
            stays[i] = u->new->dirs[k].there = true;
        i += c <= 0;
        k += c >= 0;
    }
    for (size_t i = u->old->n_dirs; i-- > 1;) {
        const char *path = plan_path(u->old, u->old->dirs[i].path);
        if (!u->old->dirs[i].used || stays[i])
            continue;
        own_free char *above = xstrdup(path);
        char *slash = strrchr(above, '/');
        *(slash ? slash : above) = '\0';
        own_fd int fd = io_open_beneath(u->root_fd, *above ? above : ".",
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd < 0 || unlinkat(fd, slash ? slash + 1 : path, AT_REMOVEDIR) < 0)
            return err_sys(u->e, "remove the directory '%.100s'", path);
    }
    return 0;
}

static int drop_all(struct job *j, struct update *u)
{
    // Without one nothing is kept.
    if (git_index_open(&u->index, REPO_WORKSPACE_DIR "/.git/index") < 0)
        return lib_fail(j, u->e, "the checkout's index cannot be read");
    u->same_filters = same_attributes(u);
    return drop_files(u) < 0 || drop_dirs(u) < 0 || io_remove_tree(u->root_fd, ".git", u->e) < 0
               ? -1
               : 0;
}

int update_begin(struct job *j, git_repository *repo, int root_fd, struct plan *p, struct err *e)
{
    git_oid base;
    struct plan old = {0};
    struct update u = {.old = &old, .new = p, .root_fd = root_fd, .dir_fd = -1, .e = e};
    if (git_oid_fromstr(&base, j->q.base) < 0)
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is no commit", j->q.base);
    int r = plan_build(j, repo, &base, &old, e);
    if (r == 0)
        r = drop_all(j, &u);
    git_index_free(u.index);
    fd_close(&u.dir_fd);
    plan_release(&old);
    return r;
}
