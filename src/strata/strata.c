// SPDX-License-Identifier: Apache-2.0
// Theory of operation: strata.h.
#include "strata_int.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *const parts[] = {"upper", "files"}, *const works[] = {"work", "files_work"};

static int stratum_below(int at, const char *mark, char ret[ID_MAX], struct err *e)
{
    ssize_t n = readlinkat(at, mark, ret, ID_MAX - 1);
    ret[n < 0 ? 0 : n] = '\0';
    if (n >= 0 && id_ok(ret, "str"))
        return 1;
    return n < 0 && errno == ENOENT ? 0 : err_sys(e, "read what a directory stands on");
}

static int open_stratum(const struct strata_place *p, const char *id, struct err *e)
{
    int fd = io_open_beneath(p->strata_fd, id, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? err_sys(e, "open stratum %s", id) : fd;
}

int strata_chain(const struct strata_place *p, int dir_fd, struct strata *ret, struct err *e)
{
    own_fd int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    for (ret->n = 0;; ret->n++) {
        char id[ID_MAX];
        int r = stratum_below(at, "below", id, e);
        if (r <= 0)
            return r;
        if (ret->n == N_ELEMS(ret->ids))
            return err_set(e, ERR_INTERNAL, "more than %d strata", STRATA_MAX);
        memcpy(ret->ids[ret->n], id, sizeof(id));
        fd_close(&at);
        if ((at = open_stratum(p, id, e)) < 0)
            return -1;
    }
}

static bool is_empty(int dir_fd, const char *part)
{
    int fd = io_open_beneath(dir_fd, part, O_RDONLY | O_DIRECTORY, 0);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *de; d && (de = readdir(d));)
        if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
            return false;
    return d != NULL;
}

// The parts of a new directory: empty, and for the rest as they are in `model`. Each part has the
// directory that overlayfs works in beside it.
static int parts_like(int fd, int model, struct err *e)
{
    for (unsigned i = 0; i < N_ELEMS(parts); i++) {
        own_fd int from = io_open_beneath(model, parts[i], O_RDONLY | O_DIRECTORY, 0);
        if (from < 0 || mkdirat(fd, parts[i], 0755) || mkdirat(fd, works[i], 0755))
            return err_sys(e, "make %s", parts[i]);
        own_fd int to = io_open_beneath(fd, parts[i], O_RDONLY | O_DIRECTORY, 0);
        if (to < 0 || copy_attributes(from, to))
            return err_sys(e, "copy the attributes of %s", parts[i]);
    }
    return 0;
}

// A stratum in the making: without a mark, or with one that nobody links, a start removes it.
static int stratum_make(const struct strata_place *p, char id[ID_MAX], struct err *e)
{
    return mkdirat(p->strata_fd, id_make("str", id), 0755) ? err_sys(e, "make a stratum")
                                                           : open_stratum(p, id, e);
}

// All strata above the lowest one, which may be large, laid into one that stands on it.
static int lay_strata(const struct strata_place *p, const struct strata *s, int fd, struct err *e)
{
    for (unsigned k = s->n - 1; k-- > 0;) {
        own_fd int from = open_stratum(p, s->ids[k], e);
        if (from < 0)
            return -1;
        for (unsigned i = 0; i < N_ELEMS(parts); i++) {
            own_fd int a = io_open_beneath(from, parts[i], O_RDONLY | O_DIRECTORY, 0);
            if (a < 0 || (mkdirat(fd, parts[i], 0755) && errno != EEXIST))
                return err_sys(e, "make a stratum's %s", parts[i]);
            own_fd int b = io_open_beneath(fd, parts[i], O_RDONLY | O_DIRECTORY, 0);
            if (b < 0)
                return err_sys(e, "open a stratum's %s", parts[i]);
            if (lay_tree(a, b, e))
                return -1;
        }
    }
    return 0;
}

// That one becomes what the directory stands on; what it stood on goes to the trash, by way of a
// directory there that stands on it instead.
static int put_below(const struct strata_place *p, int stratum_fd, int dir_fd, struct err *e)
{
    char old[ID_MAX];
    if (mkdirat(p->trash_fd, id_make("old", old), 0700))
        return err_sys(e, "make a directory");
    own_fd int gone = io_open_beneath(p->trash_fd, old, O_RDONLY | O_DIRECTORY, 0);
    return gone < 0 || linkat(stratum_fd, "self", gone, "below", 0) ||
                   renameat2(gone, "below", dir_fd, "below", RENAME_EXCHANGE)
               ? err_sys(e, "put a stratum in place")
               : 0;
}

static int merge(const struct strata_place *p, const struct strata *s, int dir_fd, struct err *e)
{
    char id[ID_MAX], lowest[ID_MAX + 8];
    own_fd int fd = stratum_make(p, id, e);
    (void)snprintf(lowest, sizeof(lowest), "%s/self", s->ids[s->n - 1]);
    int bad = fd < 0 ? -1 : 0;
    if (!bad && (symlinkat(id, fd, "self") || linkat(p->strata_fd, lowest, fd, "below", 0)))
        bad = err_sys(e, "mark a stratum");
    bad = bad || lay_strata(p, s, fd, e) || put_below(p, fd, dir_fd, e);
    if (bad)
        (void)io_remove_tree(p->strata_fd, id, NULL); // the first error is the one to report
    return bad ? -1 : 0;
}

// What was written becomes a stratum. *dir_fd is what stands under the name afterwards.
static int freeze(const struct strata_place *p, const char *dir, int *dir_fd, struct err *e)
{
    char id[ID_MAX];
    struct strata s;
    if (is_empty(*dir_fd, "upper") && is_empty(*dir_fd, "files"))
        return 0; // what it stands on says all
    if (strata_chain(p, *dir_fd, &s, e) || (s.n == STRATA_MAX && merge(p, &s, *dir_fd, e)))
        return -1;
    own_fd int fd = stratum_make(p, id, e);
    (void)unlinkat(*dir_fd, "self", 0); // of a try that was cut off
    int bad = fd < 0 || parts_like(fd, *dir_fd, e);
    if (!bad && (symlinkat(id, *dir_fd, "self") || linkat(*dir_fd, "self", fd, "below", 0) ||
                 renameat2(p->strata_fd, id, p->dirs_fd, dir, RENAME_EXCHANGE)))
        bad = err_sys(e, "freeze directory %s", dir);
    if (bad) {
        (void)io_remove_tree(p->strata_fd, id, NULL);
        return -1;
    }
    fd_close(dir_fd);
    *dir_fd = fd_steal(&fd);
    return 0;
}

int strata_copy(const struct strata_place *p, const char *from, int *from_fd, int to_fd,
                struct err *e)
{
    if (freeze(p, from, from_fd, e) || parts_like(to_fd, *from_fd, e))
        return -1;
    return linkat(*from_fd, "below", to_fd, "below", 0) && errno != ENOENT // it was never used
               ? err_sys(e, "stand on what %s stands on", from)
               : 0;
}

static bool is_used(const struct strata_place *p, const char *id)
{
    char mark[NAME_MAX + sizeof("/self")];
    struct stat sb;
    (void)snprintf(mark, sizeof(mark), "%s/self", id);
    return !fstatat(p->strata_fd, mark, &sb, AT_SYMLINK_NOFOLLOW) && sb.st_nlink > 1;
}

int strata_discard(const struct strata_place *p, const char *name, struct err *e)
{
    char mark[ID_MAX + 8], below[ID_MAX];
    (void)snprintf(mark, sizeof(mark), "%s/below", name);
    for (;;) {
        int r = stratum_below(p->trash_fd, mark, below, e);
        if (r < 0 || io_remove_tree(p->trash_fd, name, e))
            return -1;
        if (!r || is_used(p, below))
            return 0;
        if (renameat(p->strata_fd, below, p->trash_fd, name))
            return errno == ENOENT ? 0 : err_sys(e, "move stratum %s to the trash", below);
    }
}

int strata_discard_old(const struct strata_place *p, struct err *e)
{
    int fd = openat(p->trash_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d || flock(dirfd(d), LOCK_EX)) // two would take the names from under each other
        return err_sys(e, "list the trash");
    for (struct dirent *de; (de = readdir(d));)
        if (id_ok(de->d_name, "old") && strata_discard(p, de->d_name, e))
            return -1;
    return 0;
}

int strata_sweep(const struct strata_place *p, struct err *e)
{
    int fd = openat(p->strata_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the strata");
    for (struct dirent *de; (de = readdir(d));) {
        if (de->d_name[0] == '.' || is_used(p, de->d_name))
            continue;
        if (renameat(p->strata_fd, de->d_name, p->trash_fd, de->d_name) && errno != ENOENT)
            return err_sys(e, "move stratum %s to the trash", de->d_name);
        if (strata_discard(p, de->d_name, e))
            return -1;
    }
    return 0;
}
