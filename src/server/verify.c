// SPDX-License-Identifier: Apache-2.0
// `pinfold-server --verify DIR`: is the database in a directory whole, and of a version that this
// server knows? For pinfold restore, which links no database. It reads a file that came from
// elsewhere, so it first becomes the directory's owner, confined as the server is.
#include "server_int.h"

#include <fcntl.h>
#include <pinfold/confine.h>
#include <pinfold/own.h>
#include <pinfold/store.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int verify_in(const char *dir, struct err *e)
{
    struct stat st;
    own_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, "open %.150s", dir);
    bool root = geteuid() == 0;
    if (root && !st.st_uid)
        return err_set(e, ERR_DENIED, "%.150s belongs to root; the server's database must not",
                       dir);
    const struct confine_path paths[] = {{.fd = fd, .writable = true}};
    const struct confine how = {.uid = root ? st.st_uid : CONFINE_KEEP_ID,
                                .gid = root ? st.st_gid : CONFINE_KEEP_ID,
                                .paths = paths,
                                .n_paths = N_ELEMS(paths)};
    return confine_self(CONFINE_SERVER, &how, e) || store_verify(fd, e) ? -1 : 0;
}

int verify(const char *dir)
{
    struct err e = {0};
    if (!verify_in(dir, &e))
        return 0;
    (void)fprintf(stderr, "%s\n", e.text);
    return 1;
}
