// SPDX-License-Identifier: Apache-2.0
// Landlock for our own processes: where one may still open things, and that it binds and dials
// nothing it should not.
#include "confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/landlock.h>
#include <pinfold/own.h>
#include <unistd.h>

#define FS_VERSION_1 ((1ull << 13) - 1)
#define FS_WRITABLE                                                                                \
    ((LANDLOCK_FS_READ | LANDLOCK_FS_WRITE) &                                                      \
     ~(uint64_t)(LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO))

static int grant(int rules_fd, const struct landlock_rules *r, int fd, bool writable, struct err *e)
{
    if (landlock_grant(rules_fd, r, fd, writable ? FS_WRITABLE : LANDLOCK_FS_READ))
        return err_sys(e, "landlock rule");
    return 0;
}

static int grant_named(int rules_fd, const struct landlock_rules *r, const char *const *paths,
                       bool writable, struct err *e)
{
    for (unsigned i = 0; i < ROLE_PATHS_MAX && paths[i]; i++) {
        own_fd int fd = open(paths[i], O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue; // the system has no such thing, or not for us: nothing to grant
        if (grant(rules_fd, r, fd, writable, e))
            return err_wrap(e, "%s", paths[i]);
    }
    return 0;
}

int landlock_apply(const struct role *role, const struct confine *how, struct err *e)
{
    if (!landlock_abi())
        return 0; // an older kernel: the filter and the ids have to do
    struct landlock_rules r = {
        .fs = FS_VERSION_1 | LANDLOCK_FS_REFER | LANDLOCK_FS_TRUNCATE | LANDLOCK_FS_IOCTL_DEV,
        .net = LANDLOCK_NET_BIND | (role->net == ROLE_NET_NONE ? LANDLOCK_NET_CONNECT : 0),
        .scoped = LANDLOCK_SCOPE_UNIX | LANDLOCK_SCOPE_SIGNAL};
    own_fd int fd = landlock_make(&r);
    if (fd < 0)
        return err_sys(e, "landlock rules");
    if (grant_named(fd, &r, role->read_paths, false, e) ||
        grant_named(fd, &r, role->write_paths, true, e))
        return -1;
    for (unsigned i = 0; i < how->n_paths; i++)
        if (grant(fd, &r, how->paths[i].fd, how->paths[i].writable, e))
            return -1;
    return landlock_enforce(fd) ? err_sys(e, "landlock") : 0;
}
