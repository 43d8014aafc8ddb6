// SPDX-License-Identifier: Apache-2.0
// Walking a tree that changes while it is walked: by descriptors, one per level, names of a level
// read at once and sorted, no recursion.
#include "files_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <string.h>

#define NAMES_MAX (1u << 20) // in one directory
#define NAMES_BYTES_MAX (64u * 1024 * 1024)

struct walk_level {
    int fd;
    struct buf names;
    uint32_t *at; // offsets of the names, sorted
    size_t n, next;
    size_t prefix; // length of the walk's path without this level's names
};

static int compare_names(const void *a, const void *b, void *names)
{
    return strcmp((const char *)names + *(const uint32_t *)a,
                  (const char *)names + *(const uint32_t *)b);
}

static int read_names(struct walk_level *l, struct err *e)
{
    int dup_fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = dup_fd < 0 ? NULL : fdopendir(dup_fd);
    if (!d) {
        fd_close(&dup_fd);
        return files_sys(e, "read a directory");
    }
    size_t room = 0;
    for (struct dirent *de; (errno = 0, de = readdir(d));) {
        if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
            continue;
        if (l->n == room) {
            room = room ? room * 2 : 64;
            l->at = xrealloc(l->at, room * sizeof(*l->at));
        }
        l->at[l->n] = (uint32_t)l->names.len;
        if (l->n == NAMES_MAX || buf_append(&l->names, de->d_name, strlen(de->d_name) + 1))
            return err_set(e, ERR_LIMIT, "a directory has more than %u entries", NAMES_MAX);
        l->n++;
    }
    if (errno)
        return files_sys(e, "read a directory");
    if (l->n)
        qsort_r(l->at, l->n, sizeof(*l->at), compare_names, l->names.data);
    return 0;
}

static int push(struct walk *w, int *take_fd, struct err *e)
{
    struct walk_level *l = &w->levels[w->depth++];
    *l = (struct walk_level){.fd = fd_steal(take_fd), .prefix = w->path_len};
    buf_init(&l->names, NAMES_BYTES_MAX);
    return read_names(l, e);
}

static void pop(struct walk *w)
{
    struct walk_level *l = &w->levels[--w->depth];
    fd_close(&l->fd);
    buf_release(&l->names);
    free(ptr_steal(&l->at));
}

int walk_init(struct walk *w, int dir_fd, unsigned max_depth, struct err *e)
{
    w->depth = 0;
    w->max_depth = max_depth;
    w->path_len = 0;
    w->path[0] = 0;
    w->dir_fd = -1;
    w->name = NULL;
    w->skipped = 0;
    w->levels = xcalloc(max_depth, sizeof(*w->levels));
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return files_sys(e, "open the directory");
    return push(w, &fd, e);
}

void walk_release(struct walk *w)
{
    while (w->depth)
        pop(w);
    free(ptr_steal(&w->levels));
}

bool walk_next(struct walk *w)
{
    while (w->depth) {
        struct walk_level *l = &w->levels[w->depth - 1];
        if (l->next == l->n) {
            pop(w);
            continue;
        }
        w->name = l->names.data + l->at[l->next++];
        w->dir_fd = l->fd;
        int n = snprintf(w->path + l->prefix, sizeof(w->path) - l->prefix, "%s%s",
                         l->prefix ? "/" : "", w->name);
        w->path_len = l->prefix + (size_t)n;
        if (w->path_len < sizeof(w->path))
            return true;
        w->skipped++;
    }
    return false;
}

int walk_enter(struct walk *w, struct err *e)
{
    if (w->depth == w->max_depth)
        return err_set(e, ERR_LIMIT, "%s is deeper than %u levels", w->path, w->max_depth);
    int fd = openat(w->dir_fd, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return 0;
    if (fd < 0)
        return files_sys(e, "open directory %s", w->path);
    return push(w, &fd, e);
}
