// SPDX-License-Identifier: Apache-2.0
// Whose files a directory of the caller's holds, as a sandbox sees them: its owner is the user that
// runs inside, everybody else keeps their number, and the machine's root is nobody. So a sandbox
// never leaves a set-user-id program of root where others could find it.
#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pinfold/box.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ID_LAST 65535u
#define MAP_TEXT 256

// "FIRST-IN-THE-DIRECTORY FIRST-ON-THE-HOST COUNT" lines: owner becomes inner, the rest is the same,
// and root stays root of the machine, which no process inside can be.
static void map_text(uint32_t base, uint32_t owner, uint32_t inner, char ret[MAP_TEXT])
{
    uint32_t low = owner < inner ? owner : inner, high = owner < inner ? inner : owner;
    const uint32_t cuts[] = {0, low, high, ID_LAST + 1};
    int at = snprintf(ret, MAP_TEXT, "%u %u 1\n", owner, base + inner);
    for (int i = 0; i < 3; i++) {
        uint32_t from = cuts[i] + 1, to = cuts[i + 1] > ID_LAST ? ID_LAST + 1 : cuts[i + 1];
        if (from < to)
            at += snprintf(ret + at, MAP_TEXT - (size_t)at, "%u %u %u\n", from, base + from,
                           to - from);
    }
    if (owner)
        (void)snprintf(ret + at, MAP_TEXT - (size_t)at, "0 0 1\n");
}

// A directory above it that others may not enter keeps them out, whatever lies below.
static bool closed_to_others(int dir_fd)
{
    struct stat sb, above;
    own_fd int at = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
    while (at >= 0 && !fstat(at, &sb)) {
        if (!(sb.st_mode & S_IXOTH) && (!(sb.st_mode & S_IXGRP) || sb.st_gid == 0))
            return true;
        int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        bool top =
            up < 0 || fstat(up, &above) || (above.st_ino == sb.st_ino && above.st_dev == sb.st_dev);
        fd_close(&at);
        at = up;
        if (top)
            return false;
    }
    return false;
}

// A user namespace with these maps: a process that only waits in it until its file is open.
static int open_namespace(const char *uids, const char *gids, struct err *e)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)pause();
    }
    if (pid < 0)
        return err_sys(e, "make a user namespace");
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%ld/uid_map", pid);
    int bad = io_write_file(AT_FDCWD, path, uids, e);
    (void)snprintf(path, sizeof(path), "/proc/%ld/gid_map", pid);
    bad = bad || io_write_file(AT_FDCWD, path, gids, e);
    (void)snprintf(path, sizeof(path), "/proc/%ld/ns/user", pid);
    int fd = bad ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (!bad && fd < 0)
        err_sys(e, "open a user namespace");
    (void)kill((pid_t)pid, SIGKILL); // our own child, not reaped yet
    (void)waitpid((pid_t)pid, NULL, 0);
    return fd;
}

int idmap_open(const struct box_spec *s, uint32_t base, struct err *e)
{
    struct stat sb;
    char uids[MAP_TEXT], gids[MAP_TEXT];
    if (fstat(s->dir_fd, &sb))
        return err_sys(e, "look at --workspace");
    bool roots = (!sb.st_uid && !s->dir_uid) || (!sb.st_gid && !s->dir_gid);
    if (roots && !closed_to_others(s->dir_fd))
        return err_set(e, ERR_DENIED,
                       "--workspace belongs to root and others can enter it: what runs as root "
                       "inside could leave them set-user-id programs of root. chmod o-x it, or "
                       "chown it to whom the files are for");
    // Root's own directory for a user inside: nobody there becomes root of the machine.
    uint32_t uid = sb.st_uid || !s->dir_uid ? sb.st_uid : s->dir_uid;
    uint32_t gid = sb.st_gid || !s->dir_gid ? sb.st_gid : s->dir_gid;
    map_text(base, uid, s->dir_uid, uids);
    map_text(base, gid, s->dir_gid, gids);
    return open_namespace(uids, gids, e);
}
