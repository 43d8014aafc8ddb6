// SPDX-License-Identifier: Apache-2.0
// A hard limit for one directory on a host whose file system has no project quotas: the directory
// holds an ext4 image of the wanted size, sparse, mounted through a loop device while a sandbox
// uses it. Its bytes are only ever written through the mount, never by a stranger, so mounting it
// is as safe as mounting the host's own disk. Two mounts of one image would destroy it: the one
// mount is kept here and shared by all boxes of the directory.
#include "box_int.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <pinfold/io.h>
#include <pinfold/list.h>
#include <pinfold/mnt.h>
#include <pinfold/own.h>
#include <string.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define IMAGE "disk.img"

struct disk {
    struct list link;
    char dir[ID_MAX];
    int mount_fd;
    unsigned uses;
    bool taken_up; // only a reference to a box's mount: no second box can start on it
};

void disks_init(struct box_host *h)
{
    list_init(&h->disks);
}

// Run mke2fs on the image, as the child of a task; its output is of no interest, its status is.
static int make_ext4(int image_fd, uint64_t inodes, struct err *e)
{
    char path[32], count[24];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", image_fd);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)inodes);
    // A small journal keeps the directory whole through a power loss; no blocks kept for root,
    // since root inside is nobody.
    const char *how = "lazy_itable_init=1,nodiscard,root_owner=0:0";
    const char *argv[17] = {"mke2fs", "-q",     "-F", "-t",   "ext4", "-m", "0",
                            "-J",     "size=4", "-b", "4096", "-E",   how};
    unsigned n = 13;
    if (inodes) {
        argv[n++] = "-N";
        argv[n++] = count;
    }
    argv[n] = path; // and a NULL behind it
    pid_t task = getpid(), pid = fork();
    if (pid == 0) {
        static char *const envp[] = {NULL};
        // Nobody is at work for a launcher that has gone: the next one removes the image.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != task)
            _exit(127);
        (void)fcntl(image_fd, F_SETFD, 0); // for mke2fs to find by /proc/self/fd
        union {                            // execve's prototype predates const
            const char **in;
            char **out;
        } args = {.in = argv};
        execve("/usr/sbin/mke2fs", args.out, envp);
        execve("/sbin/mke2fs", args.out, envp);
        _exit(127);
    }
    int status = 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        return err_sys(e, "start mke2fs");
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(e, ERR_KERNEL, "mke2fs failed with status %d", WEXITSTATUS(status));
    return 0;
}

static int format_disk(int dir_fd, uint64_t bytes, uint64_t inodes, struct err *e)
{
    own_fd int image = openat(dir_fd, IMAGE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    // ext4's own tables and journal come on top, so that what was asked for can be written.
    uint64_t size = bytes + bytes / 50 + (8u << 20) + inodes * 256;
    if (image < 0 || ftruncate(image, (off_t)(size & ~4095ull)))
        return err_sys(e, "make a disk of %llu bytes", (unsigned long long)bytes);
    return make_ext4(image, inodes, e);
}

static int attach_loop(int image_fd, struct err *e)
{
    own_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return err_sys(e, "open /dev/loop-control");
    for (int tries = 0; tries < 16; tries++) {
        char path[32];
        int n = ioctl(control, LOOP_CTL_GET_FREE);
        (void)snprintf(path, sizeof(path), "/dev/loop%d", n);
        own_fd int loop = n < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
        // AUTOCLEAR: the device is given back when the last mount of it is gone, whoever dies.
        struct loop_config c = {.fd = (uint32_t)image_fd, .info.lo_flags = LO_FLAGS_AUTOCLEAR};
        if (loop >= 0 && !ioctl(loop, LOOP_CONFIGURE, &c))
            return fd_steal(&loop);
        if (loop >= 0 && errno != EBUSY) // else somebody took it between the two calls
            break;
    }
    return err_sys(e, "attach a loop device");
}

static int mount_image(int dir_fd, struct err *e)
{
    own_fd int image = io_open_beneath(dir_fd, IMAGE, O_RDWR, 0);
    own_fd int loop = image < 0 ? err_sys(e, "open the disk") : attach_loop(image, e);
    char path[32];
    struct stat sb;
    if (loop < 0 || fstat(loop, &sb))
        return -1;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", loop);
    own_fd int fs = mnt_fsopen("ext4");
    if (fs < 0 || mnt_fsconfig(fs, FSCONFIG_SET_STRING, "source", path) ||
        mnt_fsconfig(fs, FSCONFIG_SET_STRING, "errors", "remount-ro") ||
        mnt_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL))
        return err_sys(e, "mount the disk");
    int m = mnt_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    return m < 0 ? err_sys(e, "mount the disk") : m;
}

// --- making one -------------------------------------------------------------------------------

// Formatting takes 30 ms and writes megabytes of nothing. So a disk of a size is formatted once, with
// its directories, and copied from then on: 4 KiB where there is something, holes elsewhere. Masters
// lie in the trash, which the next start empties; sizes that many ask for push out the others.
#define MASTERS_MAX 16
#define MASTER "master-"

static bool is_zero(const char *p, size_t n)
{
    return !*p && !memcmp(p, p + 1, n - 1);
}

static int copy_filled(int from, int to, struct err *e)
{
    enum { BLOCK = 4096, CHUNK = 64 * BLOCK };
    own_free char *p = xmalloc(CHUNK);
    struct stat sb;
    if (fstat(from, &sb) || ftruncate(to, sb.st_size))
        return err_sys(e, "size a disk");
    for (off_t at = 0; (at = lseek(from, at, SEEK_DATA)) >= 0;) {
        ssize_t n = pread(from, p, CHUNK, at &= ~(off_t)(BLOCK - 1));
        for (ssize_t i = 0; i < n; i += BLOCK) {
            size_t len = n - i < BLOCK ? (size_t)(n - i) : BLOCK;
            if (!is_zero(p + i, len) && pwrite(to, p + i, len, at + i) != (ssize_t)len)
                return err_sys(e, "copy a disk");
        }
        if (n <= 0)
            return err_sys(e, "read a disk");
        at += n;
    }
    // ENXIO: no data after here. On the disk before anybody is told that there is one.
    return errno == ENXIO && !fdatasync(to) ? 0 : err_sys(e, "copy a disk");
}

static void drop_oldest_master(const struct box_host *h)
{
    int fd = openat(h->trash_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    char oldest[64] = "";
    time_t when = 0;
    unsigned n = 0;
    for (struct dirent *de; d && (de = readdir(d));) {
        struct stat sb;
        if (strncmp(de->d_name, MASTER, strlen(MASTER)) || fstatat(dirfd(d), de->d_name, &sb, 0))
            continue;
        n++;
        if (!*oldest || sb.st_mtime < when) {
            when = sb.st_mtime;
            (void)snprintf(oldest, sizeof(oldest), "%.60s", de->d_name);
        }
    }
    if (n >= MASTERS_MAX)
        (void)unlinkat(h->trash_fd, oldest, 0); // who copies it has it open
}

static int make_master(struct box_host *h, const char *name, uint64_t bytes, uint64_t inodes,
                       struct err *e)
{
    char id[ID_MAX];
    if (mkdirat(h->trash_fd, id_make("new", id), 0700))
        return err_sys(e, "make a directory");
    own_fd int dir = io_open_beneath(h->trash_fd, id, O_RDONLY | O_DIRECTORY, 0);
    int bad = dir < 0 ? err_sys(e, "open a new directory") : format_disk(dir, bytes, inodes, e);
    own_fd int m = bad ? -1 : mount_image(dir, e);
    bad = m < 0 || dir_parts_make(m, e);
    fd_close(&m); // unmounts it, so that all is in the image
    own_fd int from = bad ? -1 : io_open_beneath(dir, IMAGE, O_RDONLY, 0);
    own_fd int to = bad ? -1 : openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!bad && (from < 0 || to < 0))
        bad = err_sys(e, "make a disk's master");
    bad = bad || copy_filled(from, to, e);
    drop_oldest_master(h);
    if (!bad && renameat(dir, name, h->trash_fd, name))
        bad = err_sys(e, "name a disk's master");
    (void)io_remove_tree(h->trash_fd, id, NULL); // trash as it is
    return bad ? -1 : 0;
}

int disk_make(struct box_host *h, int dir_fd, uint64_t bytes, uint64_t inodes, struct err *e)
{
    char name[64];
    (void)snprintf(name, sizeof(name), MASTER "%llu-%llu", (unsigned long long)bytes,
                   (unsigned long long)inodes);
    own_fd int master = io_open_beneath(h->trash_fd, name, O_RDONLY, 0);
    if (master < 0 && (errno != ENOENT || make_master(h, name, bytes, inodes, e)))
        return errno == ENOENT ? -1 : err_sys(e, "open a disk's master");
    if (master < 0)
        master = io_open_beneath(h->trash_fd, name, O_RDONLY, 0);
    own_fd int image = openat(dir_fd, IMAGE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (master < 0 || image < 0)
        return err_sys(e, "make a disk of %llu bytes", (unsigned long long)bytes);
    return copy_filled(master, image, e);
}

int disk_use(struct box_host *h, const char *dir, int dir_fd, int *ret_fd, struct err *e)
{
    struct stat sb;
    *ret_fd = -1;
    if (fstatat(dir_fd, IMAGE, &sb, AT_SYMLINK_NOFOLLOW))
        return 0; // without a limit of its own
    list_for (it, &h->disks) {
        struct disk *d = container_of(it, struct disk, link);
        if (!strcmp(d->dir, dir)) {
            if (d->taken_up)
                return err_set(e, ERR_BUSY, "the disk of %s is held by an earlier box", dir);
            d->uses++;
            *ret_fd = d->mount_fd;
            return 0;
        }
    }
    int m = mount_image(dir_fd, e);
    if (m < 0)
        return -1;
    struct disk *d = xcalloc(1, sizeof(*d));
    *d = (struct disk){.mount_fd = m, .uses = 1};
    (void)snprintf(d->dir, sizeof(d->dir), "%s", dir);
    list_add_tail(&h->disks, &d->link);
    *ret_fd = m;
    return 0;
}

int disk_reopen(struct box_host *h, const char *dir, pid_t pid)
{
    char path[48];
    struct stat sb;
    own_fd int dir_fd = io_open_beneath(h->dirs_fd, dir, O_RDONLY | O_DIRECTORY, 0);
    if (dir_fd < 0 || fstatat(dir_fd, IMAGE, &sb, AT_SYMLINK_NOFOLLOW))
        return -1;
    // A reference to the box's own mount, so that the disk is known to be in use. The path is
    // walked from init's root; /workspace is a mount point there, which its tenant cannot replace.
    (void)snprintf(path, sizeof(path), "/proc/%d/root/workspace", (int)pid);
    own_fd int tree = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tree < 0)
        return -1;
    struct disk *d = xcalloc(1, sizeof(*d));
    *d = (struct disk){.mount_fd = fd_steal(&tree), .uses = 1, .taken_up = true};
    (void)snprintf(d->dir, sizeof(d->dir), "%s", dir);
    list_add_tail(&h->disks, &d->link);
    return 0;
}

void disk_unuse(struct box_host *h, const char *dir)
{
    list_for_safe (it, &h->disks) {
        struct disk *d = container_of(it, struct disk, link);
        if (strcmp(d->dir, dir) || --d->uses)
            continue;
        list_del(&d->link);
        fd_close(&d->mount_fd);
        free(d);
        return;
    }
}

bool box_dir_in_use(const struct box_host *h, const char *dir)
{
    list_for (it, &h->disks)
        if (!strcmp(container_of(it, struct disk, link)->dir, dir))
            return true;
    return false;
}

// Copy data and leave the holes.
static int copy_sparse(int from, int to, struct err *e)
{
    struct stat sb;
    if (fstat(from, &sb) || ftruncate(to, sb.st_size))
        return err_sys(e, "size the copy of a disk");
    if (!ioctl(to, FICLONE, from))
        return 0;
    for (off_t at = 0; (at = lseek(from, at, SEEK_DATA)) >= 0;) {
        off_t end = lseek(from, at, SEEK_HOLE), to_at = at;
        while (at < end) {
            ssize_t n = copy_file_range(from, &at, to, &to_at, (size_t)(end - at), 0);
            if (n <= 0)
                return err_sys(e, "copy a disk");
        }
    }
    return errno == ENXIO ? 0 : err_sys(e, "copy a disk"); // ENXIO: no data after here
}

int disk_copy(int src_fd, int dst_fd, struct err *e)
{
    own_fd int src = io_open_beneath(src_fd, IMAGE, O_RDONLY, 0);
    if (src < 0)
        return errno == ENOENT ? 1 : err_sys(e, "open the disk");
    own_fd int dst = openat(dst_fd, IMAGE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (dst < 0)
        return err_sys(e, "make the copy of a disk");
    return copy_sparse(src, dst, e);
}
