// SPDX-License-Identifier: Apache-2.0
// Profiles from a directory.
#include "profile_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

#define SUFFIX ".profile"
#define TEXT_MAX (256 * 1024) // a profile is a page of text
#define FILES_MAX 256

struct texts {
    int dir_fd;
    struct buf base; // of what the file at hand extends
    struct err err;
};

static int read_text(int at, const char *path, struct buf *ret, struct err *e)
{
    buf_clear(ret);
    if (io_read_file(at, path, ret, e) || buf_puts(ret, ""))
        return err_wrap(e, "profile %s", path);
    if (memchr(ret->data, 0, ret->len))
        return err_set(e, ERR_BAD_REQUEST, "profile %s holds a NUL byte", path);
    return 0;
}

static const char *lookup(void *arg, const char *name)
{
    struct texts *t = arg;
    char path[NAME_MAX_LEN + sizeof(SUFFIX)];
    (void)snprintf(path, sizeof(path), "%s" SUFFIX, name);
    return read_text(t->dir_fd, path, &t->base, &t->err) ? NULL : t->base.data;
}

// "dir/strict.profile" to "strict"; false when it is not a profile file's name.
static bool name_of(const char *path, char ret[NAME_MAX_LEN + 1])
{
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    size_t n = strlen(file), suffix = strlen(SUFFIX);
    if (n <= suffix || n - suffix > NAME_MAX_LEN || strcmp(file + n - suffix, SUFFIX))
        return false;
    memcpy(ret, file, n - suffix);
    ret[n - suffix] = '\0';
    return name_ok(ret);
}

static int load(int at, const char *path, int dir_fd, struct profile *ret, struct err *e)
{
    struct texts t = {.dir_fd = dir_fd};
    struct buf text;
    char name[NAME_MAX_LEN + 1];
    if (!name_of(path, name))
        return err_set(e, ERR_BAD_REQUEST, "%s is not called NAME" SUFFIX, path);
    buf_init(&text, TEXT_MAX);
    buf_init(&t.base, TEXT_MAX);
    int r = read_text(at, path, &text, e);
    if (!r)
        r = profile_parse(name, text.data, lookup, &t, ret, e);
    if (r && t.err.code && t.err.code != ERR_NOT_FOUND && e)
        *e = t.err; // the base could not be read, which says more than "does not exist"
    buf_release(&t.base);
    buf_release(&text);
    return r;
}

int profile_load_file(int at, const char *path, int dir_fd, struct profile **ret, struct err *e)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    if (load(at, path, dir_fd, p, e))
        return -1;
    *ret = ptr_steal(&p);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct profile *x = a, *y = b;
    return strcmp(x->name, y->name);
}

int profile_load_dir(int dir_fd, struct profile **ret, unsigned *ret_n, struct err *e)
{
    own_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return err_sys(e, "directory of profiles");
    (void)fd_steal(&fd); // the DIR has it now
    own_free struct profile *all = NULL;
    unsigned n = 0;
    char name[NAME_MAX_LEN + 1];
    struct dirent *d;
    while (errno = 0, (d = readdir(dir))) {
        if (!name_of(d->d_name, name))
            continue;
        if (n == FILES_MAX)
            return err_set(e, ERR_LIMIT, "more than %d profiles", FILES_MAX);
        all = xrealloc(all, (n + 1) * sizeof(*all));
        if (load(dir_fd, d->d_name, dir_fd, &all[n], e))
            return -1;
        n++;
    }
    if (errno)
        return err_sys(e, "directory of profiles");
    if (!n)
        return err_set(e, ERR_NOT_FOUND, "no *" SUFFIX " in the directory of profiles");
    qsort(all, n, sizeof(*all), by_name);
    *ret = ptr_steal(&all);
    *ret_n = n;
    return 0;
}

const struct profile *profile_find(const struct profile *all, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(all[i].name, name))
            return &all[i];
    return NULL;
}
