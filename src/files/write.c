// SPDX-License-Identifier: Apache-2.0
// Replacing a file's contents. The bytes go into an unnamed temporary of the same directory, so
// nothing is left behind when the client or this process goes away half way; only a full and
// synced file gets a name, and then takes the place of the old one in one rename.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pinfold/id.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct temp {
    int dir_fd, fd;
    char name[ID_MAX + 8]; // "" while it has none
};
static void own_temp_cleanup(struct temp *t)
{
    if (t->name[0])
        (void)unlinkat(t->dir_fd, t->name, 0); // the error that brought us here is reported
    fd_close(&t->fd);
}
#define own_temp __attribute__((cleanup(own_temp_cleanup)))

static void temp_name(struct temp *t)
{
    char id[ID_MAX];
    (void)snprintf(t->name, sizeof(t->name), ".%s", id_make("tmp", id)); // fits
}

static int temp_open(struct temp *t, struct err *e)
{
    t->fd = openat(t->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (t->fd >= 0)
        return 0;
    // Overlays of older kernels and some other filesystems have no unnamed files.
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return files_sys(e, "make a temporary");
    temp_name(t);
    t->fd = openat(t->dir_fd, t->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (t->fd >= 0)
        return 0;
    t->name[0] = 0;
    return files_sys(e, "make a temporary");
}

static int temp_rename(struct temp *t, const char *name, unsigned flags, struct err *e)
{
    if (!t->name[0]) {
        char self[40];
        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", t->fd); // fits
        temp_name(t);
        if (linkat(AT_FDCWD, self, t->dir_fd, t->name, AT_SYMLINK_FOLLOW)) {
            t->name[0] = 0;
            return files_sys(e, "name the temporary");
        }
    }
    if (syscall(SYS_renameat2, t->dir_fd, t->name, t->dir_fd, name, flags))
        return files_sys(e, "replace %s", name);
    t->name[0] = 0;
    return 0;
}

static int receive(int in_fd, int fd, uint64_t size, struct err *e)
{
    own_free char *chunk = xmalloc(65536);
    // The length is known, so a full disk shows before the bytes were sent; what cannot
    // reserve (EOPNOTSUPP) finds out while writing.
    if (size && fallocate(fd, 0, 0, (off_t)size) && (errno == ENOSPC || errno == EDQUOT))
        return files_sys(e, "reserve %llu bytes", (unsigned long long)size);
    for (uint64_t left = size; left;) {
        ssize_t n = read(in_fd, chunk, left < 65536 ? left : 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return files_sys(e, "read the contents");
        if (n == 0)
            return err_set(e, ERR_BAD_REQUEST, "contents ended %llu bytes too early",
                           (unsigned long long)left);
        if (io_write_full(fd, chunk, (size_t)n))
            return files_sys(e, "write");
        left -= (uint64_t)n;
    }
    ssize_t more = read(in_fd, chunk, 1);
    return more > 0 ? err_set(e, ERR_BAD_REQUEST, "contents are longer than announced") : 0;
}

// Does the condition hold for what is at the place now? existing: NULL when nothing is.
static int check_condition(const char *want, const struct stat *existing, struct err *e)
{
    char etag[TOOL_ETAG_MAX];
    struct tool_entry entry;
    bool holds = true;
    if (existing)
        entry_of(existing, &entry);
    if (!strcmp(want, "!"))
        holds = !existing;
    else if (!strcmp(want, "*"))
        holds = existing;
    else if (*want)
        holds = existing && !strcmp(want, tool_etag(&entry, etag));
    if (holds)
        return 0;
    err_set(e, ERR_CONFLICT, existing ? "it exists in another state" : "it does not exist");
    e->sys = ESTALE;
    return -1;
}

static int check_place(const struct place *p, const char *condition, struct stat *st,
                       bool *ret_exists, struct err *e)
{
    *ret_exists = !fstatat(p->dir_fd, p->name, st, AT_SYMLINK_NOFOLLOW);
    if (!*ret_exists && errno != ENOENT)
        return files_sys(e, "stat");
    if (*ret_exists && !S_ISREG(st->st_mode))
        return err_set(e, ERR_CONFLICT, "it is %s",
                       S_ISDIR(st->st_mode) ? "a directory" : "not a regular file");
    return check_condition(condition, *ret_exists ? st : NULL, e);
}

static int write_at(struct files *f, const struct place *p, const struct files_write *how,
                    struct err *e)
{
    struct stat st;
    bool exists;
    own_temp struct temp t = {.dir_fd = p->dir_fd, .fd = -1};
    if (check_place(p, how->condition, &st, &exists, e) || temp_open(&t, e) ||
        receive(f->in_fd, t.fd, how->size, e))
        return -1;
    // Again, since receiving took its time. Between here and the rename is a window of
    // microseconds, which only "!" needs closed, and the rename closes that one.
    if (check_place(p, how->condition, &st, &exists, e))
        return -1;
    mode_t keep = exists ? st.st_mode & 0777 : 0644;
    if (fchmod(t.fd, how->mode == FILES_MODE_KEEP ? keep : (mode_t)how->mode) || fsync(t.fd))
        return files_sys(e, "sync");
    bool must_be_new = !strcmp(how->condition, "!");
    if (temp_rename(&t, p->name, must_be_new ? RENAME_NOREPLACE : 0, e)) {
        if (must_be_new && e->sys == EEXIST)
            e->sys = ESTALE;
        return -1;
    }
    return dir_sync(p->dir_fd) ? files_sys(e, "sync the directory") : 0;
}

int files_write(struct files *f, const char *path, const struct files_write *how, struct err *e)
{
    own_place struct place p = PLACE_NONE;
    if (how->mode != FILES_MODE_KEEP && how->mode > 0777)
        return err_set(e, ERR_BAD_REQUEST, "mode %o is not 0 to 777", how->mode);
    if (how->size > INT64_MAX)
        return err_set(e, ERR_BAD_REQUEST, "size is too large");
    if (place_open(f, path, PLACE_FOLLOW | (how->parents ? PLACE_PARENTS : 0), &p, e))
        return -1;
    if (write_at(f, &p, how, e))
        return err_wrap(e, "write %.100s", path);
    return answer_entry(f, p.dir_fd, p.name, path, e);
}
