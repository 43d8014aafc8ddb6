// SPDX-License-Identifier: Apache-2.0
// Steps that a profile asks for where the kernel has them: core scheduling and Landlock. Both hold
// for init and all it starts, so that commands pay nothing at their start.
#include "stage_int.h"

#include <errno.h>
#include <linux/prctl.h>
#include <pinfold/io.h>
#include <pinfold/landlock.h>
#include <pinfold/own.h>
#include <sys/syscall.h>

STEP_FN(act_core_sched)
{
    (void)p, (void)st;
    // ENODEV: no processor here has sibling threads, so there is nothing to keep apart.
    if (!syscall(SYS_prctl, PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0,
                 PR_SCHED_CORE_SCOPE_THREAD_GROUP, 0) ||
        errno == ENODEV || s->optional)
        return 0;
    return -1;
}

static struct landlock_rules rules = {.fs = LANDLOCK_FS_WRITE | LANDLOCK_FS_NODES |
                                            LANDLOCK_FS_IOCTL_DEV,
                                      .scoped = LANDLOCK_SCOPE_UNIX | LANDLOCK_SCOPE_SIGNAL};

// Version 1 would refuse every rename to another directory, also beneath what is writable.
static int begin(const struct step *s, struct stage *st)
{
    if (landlock_abi() < 2) {
        errno = EOPNOTSUPP;
        return s->optional ? 0 : -1;
    }
    st->rules_fd = landlock_make(&rules);
    if (st->rules_fd < 0)
        return -1;
    own_fd int dev = io_open_beneath(st->root_fd, "dev", O_PATH | O_DIRECTORY, 0);
    if (dev < 0 || landlock_grant(st->rules_fd, &rules, dev,
                                  LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_FS_IOCTL_DEV))
        return -1;
    // Init's own: the groups of its commands, by descriptors that no command gets.
    static const int groups[] = {INIT_FD_CGROUP, INIT_FD_V1_MEMORY, INIT_FD_V1_PIDS};
    for (unsigned i = 0; i < N_ELEMS(groups); i++)
        if (!(st->holes & 1u << groups[i]) &&
            landlock_grant(st->rules_fd, &rules, groups[i], LANDLOCK_FS_WRITE))
            return -1;
    return 0;
}

STEP_FN(act_writable)
{
    (void)p;
    if (st->rules_fd < 0 && begin(s, st))
        return -1;
    // A link that the sandbox's root put there grants nothing, and neither does what is missing.
    own_fd int fd = io_open_beneath(st->root_fd, s->path, O_PATH, 0);
    return st->rules_fd < 0 || fd < 0 ? 0
                                      : landlock_grant(st->rules_fd, &rules, fd, LANDLOCK_FS_WRITE);
}

STEP_FN(act_landlock)
{
    (void)p, (void)s;
    return st->rules_fd < 0 ? 0 : landlock_enforce(st->rules_fd);
}
