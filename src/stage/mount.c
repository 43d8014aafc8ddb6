// SPDX-License-Identifier: Apache-2.0
// The steps that build the file system, by descriptors: each mount is made detached, given its
// attributes, and moved onto a descriptor beneath the root that is being built. Places are opened
// without following symlinks, since an image or an earlier command may have planted some
// (CVE-2026-41579, CVE-2026-47766: an image's /dev was a symlink).
#include "stage_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

// Open s->path beneath the new root, making missing directories on the way. With file set, the
// last component is a regular file, made empty if missing. -1 (errno).
static int open_place(const struct stage *st, const char *path, bool file)
{
    char part[64];
    int at = fcntl(st->root_fd, F_DUPFD_CLOEXEC, 0);
    while (at >= 0 && *path) {
        size_t n = strcspn(path, "/");
        if (n >= sizeof(part)) {
            errno = ENAMETOOLONG;
            fd_close(&at);
            return -1;
        }
        memcpy(part, path, n);
        part[n] = '\0';
        path += n + (path[n] == '/');
        bool last_file = file && !*path;
        int next;
        if (last_file) {
            int made = io_open_beneath(at, part, O_CREAT | O_EXCL | O_WRONLY, 0644);
            fd_close(&made);
        } else if (mkdirat(at, part, 0755) && errno != EEXIST) {
            fd_close(&at);
            return -1;
        }
        next = io_open_beneath(at, part, O_PATH | (last_file ? 0 : O_DIRECTORY), 0);
        fd_close(&at);
        at = next;
    }
    return at;
}

// A detached mount of a new file system with up to four options, key and value in turn.
static int new_mount(const char *fs, const char *const *options, unsigned attrs)
{
    own_fd int fd = mnt_fsopen(fs);
    if (fd < 0)
        return -1;
    for (; options && options[0]; options += 2)
        if (mnt_fsconfig(fd, options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0],
                         options[1]))
            return -1;
    if (mnt_fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL))
        return -1;
    return mnt_fsmount(fd, attrs);
}

static int move_onto(int mount_fd, const struct stage *st, const char *path, bool file)
{
    own_fd int place = open_place(st, path, file);
    return place < 0 ? -1 : mnt_move_mount(mount_fd, place, "");
}

static int set_attrs(int fd, uint64_t attrs, bool recursive)
{
    struct mount_attr a = {.attr_set = attrs};
    return mnt_mount_setattr(fd, AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a);
}

STEP_FN(act_private)
{
    (void)p, (void)s, (void)st;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

STEP_FN(act_stage)
{
    (void)p, (void)s;
    static const char *const options[] = {"size", "1m", "nr_inodes", "64", "mode", "0755", NULL};
    own_fd int m = new_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    // /tmp is there on every host and is only covered in this namespace.
    own_fd int place = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (m < 0 || place < 0 || mnt_move_mount(m, place, ""))
        return -1;
    st->base_fd = fd_steal(&m); // a detached mount's descriptor is its root directory
    static const char *const dirs[] = {"u", "l", "s", "r", "usr", "empty"};
    for (unsigned i = 0; i < N_ELEMS(dirs); i++)
        if (mkdirat(st->base_fd, dirs[i], 0755))
            return -1;
    return fchdir(st->base_fd);
}

#define LOWER_ROOM 256 // fsconfig's bound

static int memory_upper(const struct plan *p, const struct stage *st)
{
    char bytes[24], inodes[24];
    (void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)p->disk_bytes);
    (void)snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)p->inodes);
    const char *const options[] = {"size", bytes, "nr_inodes", inodes, "mode", "0755", NULL};
    own_fd int m = new_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (m < 0 || mnt_move_mount(m, st->base_fd, "u") || mkdirat(m, "upper", 0755) ||
        mkdirat(m, "work", 0755) || mkdirat(m, "files", 0755))
        return -1;
    return fchownat(m, "files", p->start.uid ? p->start.uid : 1000,
                    p->start.gid ? p->start.gid : 1000, AT_SYMLINK_NOFOLLOW);
}

STEP_FN(act_upper)
{
    (void)s;
    if (p->memory_upper)
        return memory_upper(p, st);
    return mnt_move_mount(st->trees[TREE_DIR], st->base_fd, "u");
}

// A value of fsconfig has at most 255 bytes, no more than three layers' names, and layers can be
// given one at a time only from Linux 6.7. So each gets a link of three characters in the stage.
static int short_layers(const char *layers, int base_fd, char kind, char lower[LOWER_ROOM])
{
    size_t n = 0;
    for (unsigned i = 0; *layers; i++) {
        char target[LAYER_ROOM];
        size_t len = strcspn(layers, ":");
        if (len >= sizeof(target) || n + 5 > LOWER_ROOM)
            return (errno = E2BIG, -1);
        memcpy(target, layers, len);
        target[len] = '\0';
        char *link = lower + n + (n > 0);
        if (n)
            lower[n] = ':';
        n += (size_t)snprintf(link, 4, "%c%02u", kind, i % 100) + (n > 0);
        if (symlinkat(target, base_fd, link))
            return -1;
        layers += len + (layers[len] == ':');
    }
    lower[n] = '\0';
    return 0;
}

STEP_FN(act_root)
{
    (void)s;
    char lower[LOWER_ROOM];
    if (mnt_move_mount(st->trees[TREE_LAYERS], st->base_fd, "l") ||
        (p->files[0] && mnt_move_mount(st->trees[TREE_STRATA], st->base_fd, "s")) ||
        short_layers(p->layers, st->base_fd, 'r', lower))
        return -1;
    // Paths are relative to the stage, our working directory. userxattr: a user namespace's
    // overlay may not use trusted.*.
    const char *const options[] = {"lowerdir", lower,       "upperdir", "u/upper", "workdir",
                                   "u/work",   "userxattr", NULL,       NULL};
    own_fd int m = new_mount("overlay", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (m < 0 || mnt_move_mount(m, st->base_fd, "r"))
        return -1;
    st->root_fd = fd_steal(&m);
    return 0;
}

// The machine's own /usr, read-only, through an overlay of the sandbox's: by a plain bind it would
// share inodes with the machine, and with them file locks, leases (which make an open wait) and
// what inotify tells about who opens what.
static int own_inodes(int *tree, const struct stage *st)
{
    static const char *const options[] = {"lowerdir", "usr:empty", "userxattr", NULL, NULL};
    if (mnt_move_mount(*tree, st->base_fd, "usr"))
        return -1;
    own_fd int m =
        new_mount("overlay", options, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (m < 0)
        return -1;
    fd_close(tree);
    *tree = fd_steal(&m);
    return 0;
}

STEP_FN(act_tree)
{
    (void)p;
    struct stat sb;
    if (st->trees[s->tree] < 0)
        return s->optional ? 0 : (errno = ENOENT, -1);
    if (s->tree == TREE_USR && own_inodes(&st->trees[TREE_USR], st))
        return -1;
    int fd = st->trees[s->tree];
    if (fstat(fd, &sb))
        return -1;
    int r = move_onto(fd, st, s->path, !S_ISDIR(sb.st_mode));
    // An image whose /etc/resolv.conf is a symlink keeps it.
    return r && s->optional && (errno == ELOOP || errno == ENOTDIR || errno == ENOENT) ? 0 : r;
}

// /workspace of a directory that stands on strata.
static int files_on_strata(const struct plan *p, const struct stage *st)
{
    char lower[LOWER_ROOM];
    if (short_layers(p->files, st->base_fd, 'f', lower))
        return -1;
    const char *const options[] = {"lowerdir",     lower,       "upperdir", "u/files", "workdir",
                                   "u/files_work", "userxattr", NULL,       NULL};
    return new_mount("overlay", options, 0);
}

STEP_FN(act_files)
{
    own_fd int own = s->tree == TREE_CALLER_DIR ? -1
                     : p->files[0]              ? files_on_strata(p, st)
                                   : mnt_open_tree(st->base_fd, "u/files", OPEN_TREE_CLONE);
    int fd = s->tree == TREE_CALLER_DIR ? st->trees[TREE_CALLER_DIR] : own;
    if (fd < 0)
        return -1;
    uint64_t attrs = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (set_attrs(fd, attrs | (s->read_only ? MOUNT_ATTR_RDONLY : 0), false))
        return -1;
    return move_onto(fd, st, s->path, false);
}

STEP_FN(act_tmpfs)
{
    (void)p;
    char bytes[24], inodes[24];
    (void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)s->bytes);
    (void)snprintf(inodes, sizeof(inodes), "%llu", (unsigned long long)s->inodes);
    const char *const options[] = {"size", bytes, "nr_inodes", inodes, "mode", "1777", NULL};
    own_fd int m = new_mount(
        "tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (s->exec ? 0 : MOUNT_ATTR_NOEXEC));
    return m < 0 ? -1 : move_onto(m, st, s->path, false);
}

STEP_FN(act_proc)
{
    (void)p;
    // A procfs of the new pid namespace; made after the clone, so it cannot show another one.
    own_fd int m =
        new_mount("proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return m < 0 ? -1 : move_onto(m, st, s->path, false);
}

static const struct {
    const char *name;
    unsigned major, minor;
} dev_rows[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};
static const char *const dev_links[][2] = {
    {"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"},
    {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"},
};

// One device: the host's node, proved to be the device it is named after, on an empty file.
static int show_device(int dev_fd, const char *name, dev_t want)
{
    char path[32];
    struct stat sb;
    (void)snprintf(path, sizeof(path), "/dev/%s", name);
    own_fd int m = mnt_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE);
    if (m < 0 || fstat(m, &sb))
        return -1;
    if (!S_ISCHR(sb.st_mode) || sb.st_rdev != want) {
        errno = ENODEV;
        return -1;
    }
    own_fd int file = openat(dev_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0);
    return file < 0 ? -1 : mnt_move_mount(m, dev_fd, name);
}

STEP_FN(act_dev)
{
    (void)p, (void)s;
    static const char *const options[] = {"size", "64k", "nr_inodes", "64", "mode", "0755", NULL};
    own_fd int dev = new_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (dev < 0 || move_onto(dev, st, "dev", false))
        return -1;
    for (unsigned i = 0; i < N_ELEMS(dev_rows); i++)
        if (show_device(dev, dev_rows[i].name, makedev(dev_rows[i].major, dev_rows[i].minor)))
            return -1;
    for (unsigned i = 0; i < N_ELEMS(dev_links); i++)
        if (symlinkat(dev_links[i][0], dev, dev_links[i][1]))
            return -1;
    st->null_fd = openat(dev, "null", O_RDWR | O_CLOEXEC);
    return st->null_fd < 0 ? -1 : 0;
}

STEP_FN(act_pts)
{
    (void)p, (void)s;
    // gid 5 is tty in every distribution we build
    static const char *const options[] = {"ptmxmode", "0666", "mode", "0620", "gid", "5", NULL};
    own_fd int m = new_mount("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    return m < 0 ? -1 : move_onto(m, st, "dev/pts", false);
}

STEP_FN(act_hide)
{
    (void)p;
    own_fd int place = io_open_beneath(st->root_fd, s->path, O_PATH, 0);
    if (place < 0 && (errno == ENOENT || errno == EXDEV))
        return errno == ENOENT ? 0 : -1;
    struct stat sb;
    if (place < 0 || fstat(place, &sb))
        return -1;
    // The cover is our own null device or our own empty directory, by descriptor: runc's masks
    // went by the container's path of /dev/null and could be turned (CVE-2025-31133).
    own_fd int cover = S_ISDIR(sb.st_mode) ? mnt_open_tree(st->base_fd, "empty", OPEN_TREE_CLONE)
                                           : mnt_open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE);
    if (cover < 0 ||
        set_attrs(cover, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false))
        return -1;
    return mnt_move_mount(cover, place, "");
}

STEP_FN(act_read_only)
{
    (void)p;
    own_fd int place = io_open_beneath(st->root_fd, s->path, O_PATH, 0);
    if (place < 0)
        return errno == ENOENT ? 0 : -1;
    own_fd int m = mnt_open_tree(place, "", OPEN_TREE_CLONE | AT_RECURSIVE | AT_EMPTY_PATH);
    if (m < 0 || set_attrs(m, MOUNT_ATTR_RDONLY, true))
        return -1;
    return mnt_move_mount(m, place, "");
}

STEP_FN(act_pivot)
{
    (void)p, (void)s;
    struct stat want, got;
    if (fstat(st->root_fd, &want) || fchdir(st->root_fd) || syscall(SYS_pivot_root, ".", ".") ||
        umount2(".", MNT_DETACH) || chdir("/") || stat("/", &got))
        return -1;
    if (want.st_dev != got.st_dev || want.st_ino != got.st_ino) {
        errno = EXDEV;
        return -1;
    }
    return 0;
}
