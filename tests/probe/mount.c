// SPDX-License-Identifier: Apache-2.0
// Mounting, unmounting, changing root, making namespaces and device nodes.
#include "probe.h"
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

// TYPE TARGET [OPTIONS]
static int m_mount(char **arg)
{
    return verdict(mount("none", arg[1], arg[0], 0, arg[2] ? arg[2] : NULL), arg[0]);
}
static int m_bind(char **arg)
{
    return verdict(mount(arg[0], arg[1], NULL, MS_BIND | MS_REC, NULL), "bind");
}
static int m_remount(char **arg)
{
    return verdict(mount(NULL, arg[0], NULL, MS_REMOUNT | MS_BIND, NULL), "remount writable");
}
static int m_umount(char **arg)
{
    return verdict(umount2(arg[0], MNT_DETACH), "unmount");
}
static int m_pivot(char **arg)
{
    (void)arg;
    return verdict(syscall(SYS_pivot_root, ".", "."), "pivot_root");
}

// The classic way out of a chroot: hold a descriptor of the old root, chroot deeper, walk up.
static int m_chroot(char **arg)
{
    (void)arg;
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat before, after;
    fstat(root, &before);
    mkdir("/tmp/deeper", 0755);
    if (chroot("/tmp/deeper"))
        return refused("chroot");
    if (fchdir(root))
        return refused("fchdir");
    for (int i = 0; i < 100; i++)
        if (chdir(".."))
            return refused("chdir");
    if (chroot(".") || stat("/", &after))
        return refused("chroot to the top");
    if (before.st_dev == after.st_dev && before.st_ino == after.st_ino) {
        errno = ENOENT;
        return refused("get above the root");
    }
    return worked("above the root");
}

static int m_fsopen(char **arg)
{
    return verdict(syscall(SYS_fsopen, arg[0], 0), "fsopen");
}
static int m_open_tree(char **arg)
{
    return verdict(syscall(SYS_open_tree, AT_FDCWD, arg[0], OPEN_TREE_CLONE | AT_RECURSIVE),
                   "open_tree");
}
static int m_move_mount(char **arg)
{
    return verdict(syscall(SYS_move_mount, AT_FDCWD, arg[0], AT_FDCWD, arg[1], 0), "move_mount");
}
static int m_setattr(char **arg)
{
    struct mount_attr a = {.attr_clr = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    return verdict(syscall(SYS_mount_setattr, AT_FDCWD, arg[0], AT_RECURSIVE, &a, sizeof(a)),
                   "clear mount attributes");
}
static int m_fspick(char **arg)
{
    return verdict(syscall(SYS_fspick, AT_FDCWD, arg[0], 0), "fspick");
}

static const struct {
    const char *name;
    unsigned long flag;
} namespaces[] = {{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},  {"pid", CLONE_NEWPID},
                  {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC}, {"uts", CLONE_NEWUTS},
                  {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};

static unsigned long flag_of(const char *name)
{
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
        if (!strcmp(namespaces[i].name, name))
            return namespaces[i].flag;
    return strtoul(name, NULL, 0);
}

static int m_unshare(char **arg)
{
    return verdict(syscall(SYS_unshare, flag_of(arg[0])), "unshare");
}
// By the raw call, so that bits above the 32nd arrive as well.
static int m_clone(char **arg)
{
    unsigned long flags = flag_of(arg[0]) | SIGCHLD;
    if (arg[1])
        flags |= strtoul(arg[1], NULL, 0);
    long pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return verdict(pid, "clone");
}
static int m_clone3(char **arg)
{
    struct clone_args a = {.flags = flag_of(arg[0]), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &a, sizeof(a));
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return verdict(pid, "clone3");
}
static int m_uid_map(char **arg)
{
    int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refused("open uid_map");
    return verdict(write(fd, arg[0], strlen(arg[0])), "write uid_map");
}

// c|b MAJOR MINOR PATH: make the node and open it.
static int m_mknod(char **arg)
{
    mode_t kind = arg[0][0] == 'c' ? S_IFCHR : S_IFBLK;
    if (mknod(arg[3], kind | 0666, makedev((unsigned)atoi(arg[1]), (unsigned)atoi(arg[2]))))
        return refused("mknod");
    int fd = open(arg[3], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return verdict(fd, "open the made device");
}
static int m_device(char **arg)
{
    return verdict(open(arg[0], O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), arg[0]);
}

static const struct probe_row rows[] = {
    {"mount", 2, true, m_mount, "TYPE TARGET [OPTIONS]"},
    {"bind", 2, true, m_bind, "FROM TO"},
    {"remount", 1, true, m_remount, "PATH"},
    {"umount", 1, true, m_umount, "PATH"},
    {"pivot", 0, true, m_pivot, ""},
    {"chroot", 0, true, m_chroot, ""},
    {"fsopen", 1, true, m_fsopen, "TYPE"},
    {"open-tree", 1, true, m_open_tree, "PATH"},
    {"move-mount", 2, true, m_move_mount, "FROM TO"},
    {"setattr", 1, true, m_setattr, "PATH"},
    {"fspick", 1, true, m_fspick, "PATH"},
    {"unshare", 1, true, m_unshare, "NAMESPACE|FLAGS"},
    {"clone", 1, true, m_clone, "NAMESPACE|FLAGS [MORE]"},
    {"clone3", 1, true, m_clone3, "NAMESPACE|FLAGS"},
    {"uid-map", 1, true, m_uid_map, "TEXT"},
    {"mknod", 4, true, m_mknod, "c|b MAJOR MINOR PATH"},
    {"device", 1, true, m_device, "PATH"},
};

int main(int argc, char **argv)
{
    return probe_main(argc, argv, rows, sizeof(rows) / sizeof(rows[0]));
}
