// SPDX-License-Identifier: Apache-2.0
// Private to the acting half of the room box: shorter forms of the mount calls, and the two files
// of steps. Nothing here allocates.
#pragma once
#include "box_int.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

static inline int mnt_fsopen(const char *fs)
{
    return fsopen(fs, FSOPEN_CLOEXEC);
}
static inline int mnt_fsconfig(int fd, unsigned cmd, const char *key, const void *value)
{
    return fsconfig(fd, cmd, key, value, 0);
}
static inline int mnt_fsmount(int fd, unsigned attrs)
{
    return fsmount(fd, FSMOUNT_CLOEXEC, attrs);
}
static inline int mnt_move_mount(int from, int to, const char *to_path)
{
    return move_mount(from, "", to, to_path,
                      MOVE_MOUNT_F_EMPTY_PATH | (*to_path ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
}
static inline int mnt_open_tree(int at, const char *path, unsigned flags)
{
    return open_tree(at, path, flags | OPEN_TREE_CLOEXEC);
}
static inline int mnt_mount_setattr(int fd, unsigned flags, struct mount_attr *attr)
{
    return mount_setattr(fd, "", (int)flags, attr, sizeof(*attr));
}

#define STEP_FN(name) int name(const struct plan *p, const struct step *s, struct stage *st)
STEP_FN(act_private);
STEP_FN(act_stage);
STEP_FN(act_upper);
STEP_FN(act_root);
STEP_FN(act_tree);
STEP_FN(act_files);
STEP_FN(act_tmpfs);
STEP_FN(act_proc);
STEP_FN(act_dev);
STEP_FN(act_pts);
STEP_FN(act_hide);
STEP_FN(act_read_only);
STEP_FN(act_pivot);
STEP_FN(act_core_sched);
STEP_FN(act_writable);
STEP_FN(act_landlock);
