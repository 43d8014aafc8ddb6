// SPDX-License-Identifier: Apache-2.0
// The child's side of the start contract, and the files that settings name.
#include "conf_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SETTINGS_MAX (1u << 20)

static int load_file(const struct conf_row *row, struct conf_file *f, struct err *e)
{
    own_fd int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, "%s: open %s", row->name, f->path);
    // Every file but the certificate is a secret; one that others can read is no longer one.
    bool secret = row->offset != offsetof(struct conf, tls_certificate);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_BAD_REQUEST, "%s: %s is not a file", row->name, f->path);
    if (secret && (st.st_uid != 0 || st.st_mode & (S_IRWXG | S_IRWXO)))
        return err_set(e, ERR_DENIED, "%s: %s must belong to root with mode 0600", row->name,
                       f->path);
    own_buf struct buf b;
    buf_init(&b, row->max);
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (io_read_file(AT_FDCWD, path, &b, e))
        return err_wrap(e, "%s", row->name);
    free(f->text);
    f->text = buf_steal(&b, &f->len);
    return 0;
}

int conf_load_files(struct conf *c, struct err *e)
{
    for (unsigned i = 0; i < n_conf_rows; i++) {
        if (conf_rows[i].type != CONF_FILE)
            continue;
        struct conf_file *f = (void *)((char *)c + conf_rows[i].offset);
        if (*f->path && load_file(&conf_rows[i], f, e))
            return -1;
    }
    return 0;
}

static int close_on_exec(int fd, struct err *e)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC))
        return err_sys(e, "descriptor %d of the start contract; was this started by pinfoldd?", fd);
    return 0;
}

int conf_inherit(struct conf *ret, struct err *e)
{
    for (int fd = START_PEER; fd < START_LISTEN; fd++)
        if (close_on_exec(fd, e))
            return -1;
    own_fd int fd = START_SETTINGS;
    int seals = fcntl(fd, F_GET_SEALS), want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    if (seals < 0 || (seals & want) != want)
        return err_set(e, ERR_INTERNAL, "descriptor %d is not a sealed memfd", fd);
    own_buf struct buf b;
    buf_init(&b, SETTINGS_MAX);
    char chunk[4096];
    ssize_t n;
    off_t at = 0; // pread: a restarted child gets the same memfd, whose offset is shared
    while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0 && !buf_append(&b, chunk, (size_t)n))
        at += n;
    explicit_bzero(chunk, sizeof(chunk));
    if (n)
        return err_set(e, ERR_INTERNAL, "the settings cannot be read");
    conf_init(ret);
    int r = conf_parse_start(ret, b.data, b.len, e);
    explicit_bzero(b.data, b.len);
    for (uint64_t i = 0; !r && i < ret->listen_sockets; i++)
        r = close_on_exec(START_LISTEN + (int)i, e);
    return r;
}

int conf_ready(struct err *e)
{
    if (write(START_READY, "", 1) != 1)
        return err_sys(e, "tell pinfoldd that we are ready");
    return 0;
}

int conf_bin_dir(struct err *e)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    if (n <= 0)
        return err_sys(e, "read /proc/self/exe");
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash)
        return err_set(e, ERR_INTERNAL, "%.100s has no directory", exe);
    *slash = '\0';
    int dir = open(*exe ? exe : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? err_sys(e, "open %.100s", exe) : dir;
}

int conf_data_dir(const char *name, struct err *e)
{
    // build/bin/pinfold has build/share/pinfold; PREFIX/libexec/pinfold/pinfold has
    // PREFIX/share/pinfold.
    static const char *const places[] = {"../share/pinfold", "../../share/pinfold"};
    own_fd int dir = conf_bin_dir(e);
    if (dir < 0)
        return -1;
    for (size_t i = 0; i < N_ELEMS(places); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", places[i], name);
        int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            return fd;
    }
    return err_sys(e, "find the directory of %s that belongs to this binary", name);
}
