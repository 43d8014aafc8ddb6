// SPDX-License-Identifier: Apache-2.0
// Landlock, as much of it as the kernel has: where the process may still open things, and that it
// binds and dials nothing it should not. The header of Debian 12 knows the first version only, so
// the later bits stand here with the version that brought them.
#include "confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pinfold/own.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_REFER (1ull << 13)     // version 2
#define FS_TRUNCATE (1ull << 14)  // 3
#define FS_IOCTL_DEV (1ull << 15) // 5
#define NET_BIND_TCP (1ull << 0)  // 4
#define NET_CONNECT_TCP (1ull << 1)
#define SCOPE_ABSTRACT_UNIX (1ull << 0) // 6
#define SCOPE_SIGNAL (1ull << 1)

#define FS_VERSION_1 ((1ull << 13) - 1)
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                                   \
    (FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                     \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)
// What can be granted on something that is no directory.
#define FS_OF_FILES                                                                                \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

// Of version 6; older kernels take a prefix.
struct ruleset {
    uint64_t fs, net, scoped;
};

int confine_landlock_abi(void)
{
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return v < 0 ? 0 : (int)v;
}

static size_t size_for(int abi)
{
    return abi < 4 ? 8 : abi < 6 ? 16 : 24;
}

static struct ruleset rules_for(int abi, enum role_net net)
{
    struct ruleset r = {.fs = FS_VERSION_1};
    if (abi >= 2)
        r.fs |= FS_REFER;
    if (abi >= 3)
        r.fs |= FS_TRUNCATE;
    if (abi >= 4)
        r.net = net == ROLE_NET_DIALS ? NET_BIND_TCP : NET_BIND_TCP | NET_CONNECT_TCP;
    if (abi >= 5)
        r.fs |= FS_IOCTL_DEV;
    if (abi >= 6)
        r.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
    return r;
}

static int grant(int rules_fd, const struct ruleset *r, int fd, bool writable, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(e, "a path of the role");
    uint64_t want = writable ? FS_WRITE : FS_READ;
    if (!S_ISDIR(st.st_mode))
        want &= FS_OF_FILES;
    struct landlock_path_beneath_attr at = {.allowed_access = want & r->fs, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_RULE_PATH_BENEATH, &at, 0))
        return err_sys(e, "landlock rule");
    return 0;
}

static int grant_named(int rules_fd, const struct ruleset *r, const char *const *paths,
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
    int abi = confine_landlock_abi();
    if (!abi)
        return 0; // an older kernel: the filter and the ids have to do
    struct ruleset r = rules_for(abi, role->net);
    own_fd int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size_for(abi), 0);
    if (fd < 0)
        return err_sys(e, "landlock rules");
    if (grant_named(fd, &r, role->read_paths, false, e) ||
        grant_named(fd, &r, role->write_paths, true, e))
        return -1;
    for (unsigned i = 0; i < how->n_paths; i++)
        if (grant(fd, &r, how->paths[i].fd, how->paths[i].writable, e))
            return -1;
    if (syscall(SYS_landlock_restrict_self, fd, 0))
        return err_sys(e, "landlock");
    return 0;
}
