// SPDX-License-Identifier: Apache-2.0
// Whom the programs of a sandbox trust whose TLS is opened: one more certificate, beside those that
// the sandbox's root trusts anyway. Two files in a directory of root's own: CA_FILE the one alone,
// BUNDLE_FILE all of them.
#include "files_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <unistd.h>

#define PEM_MAX (16 * 1024)
#define BUNDLE_MAX (4 * 1024 * 1024)

// A directory that somebody made before is not ours: what is in it could be changed.
static int open_own(const struct files *f, const char *path, struct err *e)
{
    struct stat st;
    if (mkdirat(f->root_fd, path, 0755) && errno != EEXIST)
        return files_sys(e, "make /%s", path);
    own_fd int fd = io_open_beneath(f->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 || fstat(fd, &st))
        return files_sys(e, "open /%s", path);
    if (st.st_uid != getuid())
        return err_set(e, ERR_CONFLICT, "/%s is another user's", path);
    return fchmod(fd, 0755) ? files_sys(e, "open /%s", path) : fd_steal(&fd);
}

// Where distributions keep theirs; a root without any trusts the one alone.
static void add_bundle(const struct files *f, struct buf *out)
{
    static const char *const places[] = {
        "etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
        "etc/ca-certificates/extracted/tls-ca-bundle.pem", "etc/ssl/cert.pem"};
    for (size_t i = 0; i < N_ELEMS(places) && !out->len; i++) {
        own_fd int fd = io_open_in_root(f->root_fd, places[i], O_RDONLY | O_NONBLOCK, 0);
        char chunk[65536];
        ssize_t n = 0;
        while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
            if (buf_append(out, chunk, (size_t)n))
                break;
        if (n) // not to be read, or no end: as if it were not there
            buf_clear(out);
    }
    if (out->len && out->data[out->len - 1] != '\n')
        (void)buf_putc(out, '\n'); // there is room, as for what follows
}

int files_trust(struct files *f, const char *dir, struct err *e)
{
    char *pem = (char[PEM_MAX]){0};
    own_buf struct buf all;
    buf_init(&all, BUNDLE_MAX + PEM_MAX);
    ssize_t n = io_read_full(f->in_fd, pem, PEM_MAX);
    if (n <= 0 || n == PEM_MAX)
        return err_set(e, ERR_BAD_REQUEST, "there is no certificate, or a large one");
    own_fd int fd = open_own(f, dir, e);
    if (fd < 0)
        return -1;
    add_bundle(f, &all);
    if (buf_append(&all, pem, (size_t)n))
        return err_set(e, ERR_LIMIT, "the root trusts too many");
    return io_replace_file(fd, TOOL_TRUST_ONE, pem, (size_t)n, 0644, e) ||
                   io_replace_file(fd, TOOL_TRUST_ALL, all.data, all.len, 0644, e)
               ? -1
               : 0;
}
