// SPDX-License-Identifier: Apache-2.0
// Shorter forms of the calls that mount by descriptor. Errors are -1 with errno. glibc declares the
// calls and refuses the kernel's header beside its own; musl has no functions for them.
#pragma once
#include <fcntl.h>
#ifdef __GLIBC__
#include <sys/mount.h>
#else
#include <linux/mount.h>
#endif
#include <sys/syscall.h>
#include <unistd.h>

static inline int mnt_fsopen(const char *fs)
{
    return (int)syscall(SYS_fsopen, fs, FSOPEN_CLOEXEC);
}
static inline int mnt_fsconfig(int fd, unsigned cmd, const char *key, const void *value)
{
    return (int)syscall(SYS_fsconfig, fd, cmd, key, value, 0);
}
static inline int mnt_fsmount(int fd, unsigned attrs)
{
    return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attrs);
}
static inline int mnt_move_mount(int from, int to, const char *to_path)
{
    return (int)syscall(SYS_move_mount, from, "", to, to_path,
                        MOVE_MOUNT_F_EMPTY_PATH | (*to_path ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
}
static inline int mnt_open_tree(int at, const char *path, unsigned flags)
{
    return (int)syscall(SYS_open_tree, at, path, flags | OPEN_TREE_CLOEXEC);
}
static inline int mnt_mount_setattr(int fd, unsigned flags, struct mount_attr *attr)
{
    return (int)syscall(SYS_mount_setattr, fd, "", flags, attr, sizeof(*attr));
}
