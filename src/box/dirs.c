// SPDX-License-Identifier: Apache-2.0
// Directories of workspaces and builds, image layers, repository mirrors: named by id beneath
// descriptors that were opened at the start. What a stranger filled is moved to the trash first
// and then removed by descriptors, so a name is free at once and an interrupted removal is
// finished at the next start. What is new is made in the trash too and named when it is whole.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

// On disk the sandbox's ids are unshifted; 1000 is its user.
#define FILES_OWNER 1000

bool layer_name_ok(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

// Ids of directories: a prefix, an underscore, letters and digits. Checked by the server too.
static int check_dir(const char *dir, struct err *e)
{
    size_t n = strlen(dir);
    if (n < 3 || n >= ID_MAX || strspn(dir, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
        return err_set(e, ERR_BAD_REQUEST, "'%.31s' is not a directory's id", dir);
    return 0;
}

static int check_layer(const char *layer, struct err *e)
{
    return layer_name_ok(layer) ? 0 : err_set(e, ERR_BAD_REQUEST, "'%.20s' is not a layer", layer);
}

int dir_parts_make(int fd, struct err *e)
{
    static const char *const parts[] = {"upper", "work", "files"};
    for (unsigned i = 0; i < N_ELEMS(parts); i++)
        if (mkdirat(fd, parts[i], 0755) || fchmodat(fd, parts[i], 0755, 0))
            return err_sys(e, "make %s", parts[i]);
    if (fchownat(fd, "files", FILES_OWNER, FILES_OWNER, AT_SYMLINK_NOFOLLOW))
        return err_sys(e, "give files to the sandbox's user");
    return 0;
}

// A new directory without a name yet: should this process die, it is trash. Its descriptor or -1.
static int unnamed_make(struct box_host *h, char id[ID_MAX], struct err *e)
{
    if (mkdirat(h->trash_fd, id_make("new", id), 0755))
        return err_sys(e, "make a directory");
    int fd = io_open_beneath(h->trash_fd, id, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? err_sys(e, "open a new directory") : fd;
}

// Give it its name, or remove it when it could not be filled.
static int unnamed_finish(struct box_host *h, const char *id, const char *dir, int bad,
                          struct err *e)
{
    if (!bad && renameat2(h->trash_fd, id, h->dirs_fd, dir, RENAME_NOREPLACE))
        bad = errno == EEXIST ? err_set(e, ERR_CONFLICT, "directory %s exists", dir)
                              : err_sys(e, "name directory %s", dir);
    if (bad)
        (void)io_remove_tree(h->trash_fd, id, NULL); // the first error is the one to report
    return bad ? -1 : 0;
}

int box_dir_create(struct box_host *h, const char *dir, uint64_t disk_bytes, uint64_t inodes,
                   struct err *e)
{
    char id[ID_MAX];
    if (check_dir(dir, e))
        return -1;
    own_fd int fd = unnamed_make(h, id, e);
    int bad = fd < 0       ? -1
              : disk_bytes ? disk_make(h, fd, disk_bytes, inodes, e)
                           : dir_parts_make(fd, e);
    return unnamed_finish(h, id, dir, bad, e);
}

struct strata_place strata_place(const struct box_host *h)
{
    return (struct strata_place){h->dirs_fd, h->strata_fd, h->trash_fd};
}

static int to_trash(struct box_host *h, int at, const char *name, struct err *e)
{
    char id[ID_MAX];
    (void)id_make("gone", id);
    if (renameat(at, name, h->trash_fd, id))
        return errno == ENOENT ? 0 : err_sys(e, "move %s to the trash", name);
    struct strata_place place = strata_place(h);
    return strata_discard(&place, id, e);
}

int box_dir_delete(struct box_host *h, const char *dir, struct err *e)
{
    return check_dir(dir, e) ? -1 : to_trash(h, h->dirs_fd, dir, e);
}

// Let the new directory take the place of one that is there, which becomes trash.
static int replace_dir(struct box_host *h, const char *id, const char *dir, int bad, struct err *e)
{
    char old[ID_MAX];
    if (!bad && renameat2(h->trash_fd, id, h->dirs_fd, dir, RENAME_EXCHANGE))
        bad = err_sys(e, "replace directory %s", dir);
    if (!bad)
        return renameat(h->trash_fd, id, h->trash_fd, id_make("old", old))
                   ? err_sys(e, "name what was replaced")
                   : 0;
    (void)io_remove_tree(h->trash_fd, id, NULL); // the first error is the one to report
    return -1;
}

int box_dir_copy(struct box_host *h, const char *from, const char *to, bool replace, struct err *e)
{
    if (check_dir(from, e) || check_dir(to, e))
        return -1;
    own_fd int src = io_open_beneath(h->dirs_fd, from, O_RDONLY | O_DIRECTORY, 0);
    if (src < 0)
        return err_sys(e, "open directory %s", from);
    char id[ID_MAX];
    struct strata_place place = strata_place(h);
    own_fd int dst = unnamed_make(h, id, e);
    int bad = dst < 0 ? -1 : disk_copy(src, dst, e);
    if (bad > 0)
        bad = strata_copy(&place, from, &src, dst, e);
    return replace ? replace_dir(h, id, to, bad, e) : unnamed_finish(h, id, to, bad, e);
}

int box_layer_commit(struct box_host *h, const char *dir, bool from_files, const char *layer,
                     struct err *e)
{
    const char *part = from_files ? "files/root" : "upper";
    if (check_dir(dir, e) || check_layer(layer, e))
        return -1;
    own_fd int d = io_open_beneath(h->dirs_fd, dir, O_RDONLY | O_DIRECTORY, 0);
    own_fd int tree = d < 0 ? -1 : io_open_beneath(d, part, O_RDONLY | O_DIRECTORY, 0);
    if (tree < 0)
        return err_sys(e, "open %s of %s", part, dir);
    // What a layer holds is on disk before its name says that it is there.
    if (fchmod(tree, 0755) || syncfs(tree))
        return err_sys(e, "sync layer %.12s", layer);
    if (renameat2(d, part, h->layers_fd, layer, RENAME_NOREPLACE) && errno != EEXIST)
        return err_sys(e, "name layer %.12s", layer);
    return fsync(h->layers_fd) ? err_sys(e, "sync the layers") : 0;
}

int box_layer_hold(const struct box_host *h, const char *layer, struct err *e)
{
    if (check_layer(layer, e))
        return -1;
    int fd = io_open_beneath(h->layers_fd, layer, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 && !flock(fd, LOCK_SH))
        return fd;
    int r = errno == ENOENT ? err_set(e, ERR_NOT_FOUND, "there is no layer %.12s", layer)
                            : err_sys(e, "hold layer %.12s", layer);
    fd_close(&fd);
    return r;
}

int box_layer_delete(struct box_host *h, const char *layer, struct err *e)
{
    if (check_layer(layer, e))
        return -1;
    own_fd int fd = io_open_beneath(h->layers_fd, layer, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK
                   ? err_set(e, ERR_BUSY, "a pinfold run or build on this machine uses the layer")
                   : err_sys(e, "lock layer %.12s", layer);
    return to_trash(h, h->layers_fd, layer, e);
}

int box_mirror_create(struct box_host *h, const char *mirror, struct err *e)
{
    if (check_layer(mirror, e))
        return -1;
    if (mkdirat(h->mirrors_fd, mirror, 0755) && errno != EEXIST)
        return err_sys(e, "make mirror %.12s", mirror);
    if (fchmodat(h->mirrors_fd, mirror, 0755, 0) ||
        fchownat(h->mirrors_fd, mirror, FILES_OWNER, FILES_OWNER, AT_SYMLINK_NOFOLLOW))
        return err_sys(e, "set up mirror %.12s", mirror);
    return 0;
}

int box_mirror_delete(struct box_host *h, const char *mirror, struct err *e)
{
    return check_layer(mirror, e) ? -1 : to_trash(h, h->mirrors_fd, mirror, e);
}

// Strangers' names and links are only looked at. A file of several names counts once, as far as the
// others are in the tree too.
static int tree_use(int at, const char *name, uint64_t *ret_bytes, struct err *e)
{
    char path[ID_MAX + 64]; // checked: it fits
    char *const paths[] = {path, NULL};
    uint64_t bytes = 0;
    int bad = 0;
    (void)snprintf(path, sizeof(path), "%s", name);
    FTS *fts = fchdir(at) ? NULL : fts_open(paths, FTS_PHYSICAL | FTS_XDEV, NULL);
    if (!fts)
        return err_sys(e, "look into %.12s", name);
    for (FTSENT *f; errno = 0, (f = fts_read(fts));) {
        bool dir = f->fts_info == FTS_D;
        if (dir || f->fts_info == FTS_F || f->fts_info == FTS_SL || f->fts_info == FTS_DEFAULT)
            bytes += (uint64_t)f->fts_statp->st_blocks * 512 / (dir ? 1 : f->fts_statp->st_nlink);
        else if (f->fts_info != FTS_DP && !f->fts_level) // what goes meanwhile is not missed
            bad = f->fts_errno;
    }
    errno = errno ? errno : bad;
    bad = errno ? err_sys(e, "look into %.12s", name) : 0;
    (void)fts_close(fts); // it only read
    if (!bad)
        *ret_bytes = bytes;
    return bad;
}

int box_layer_use(struct box_host *h, const char *layer, uint64_t *ret_bytes, struct err *e)
{
    return check_layer(layer, e) ? -1 : tree_use(h->layers_fd, layer, ret_bytes, e);
}

int box_mirror_use(struct box_host *h, const char *mirror, uint64_t *ret_bytes, struct err *e)
{
    return check_layer(mirror, e) ? -1 : tree_use(h->mirrors_fd, mirror, ret_bytes, e);
}

int box_trash_old(struct box_host *h, struct err *e)
{
    struct strata_place place = strata_place(h);
    return strata_discard_old(&place, e);
}

int box_trash_empty(struct box_host *h, struct err *e)
{
    int fd = openat(h->trash_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the trash");
    for (struct dirent *de; (de = readdir(d));)
        if (de->d_name[0] != '.' && io_remove_tree(h->trash_fd, de->d_name, e))
            return -1;
    struct strata_place place = strata_place(h);
    return strata_sweep(&place, e);
}
