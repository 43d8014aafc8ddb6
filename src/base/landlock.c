// SPDX-License-Identifier: Apache-2.0
#include <pinfold/landlock.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int landlock_abi(void)
{
    long v = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return v < 0 ? 0 : (int)v;
}

int landlock_make(struct landlock_rules *r)
{
    int abi = landlock_abi();
    r->fs &= ~((abi < 2 ? LANDLOCK_FS_REFER : 0) | (abi < 3 ? LANDLOCK_FS_TRUNCATE : 0) |
               (abi < 5 ? LANDLOCK_FS_IOCTL_DEV : 0));
    if (abi < 4)
        r->net = 0;
    if (abi < 6)
        r->scoped = 0;
    size_t known = abi < 4 ? 8 : abi < 6 ? 16 : 24;
    return (int)syscall(SYS_landlock_create_ruleset, r, known, 0);
}

int landlock_grant(int rules_fd, const struct landlock_rules *r, int fd, uint64_t access)
{
    struct stat st;
    if (fstat(fd, &st))
        return -1;
    if (!S_ISDIR(st.st_mode))
        access &= LANDLOCK_FS_OF_FILES;
    struct landlock_path_beneath_attr at = {.allowed_access = access & r->fs, .parent_fd = fd};
    if (!at.allowed_access)
        return 0; // the kernel takes no rule that grants nothing
    return (int)syscall(SYS_landlock_add_rule, rules_fd, LANDLOCK_RULE_PATH_BENEATH, &at, 0);
}

int landlock_enforce(int rules_fd)
{
    return (int)syscall(SYS_landlock_restrict_self, rules_fd, 0);
}
