// SPDX-License-Identifier: Apache-2.0
// The root of image `host`: directories, and an /etc made of a few public facts about the host,
// under which the host's /usr is shown read-only. Made anew, in the trash, when what it is made from
// has changed, and swapped in by rename. Sandboxes that live have the old one as a layer and look
// its files up by name, so it stays whole beside the new one, until the next change.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/id.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static const struct {
    const char *path;
    mode_t mode;
    uid_t owner;
} dirs[] = {
    {"dev", 0755, 0},          {"etc", 0755, 0},     {"home", 0755, 0},
    {"home/user", 0755, 1000}, {"mnt", 0755, 0},     {"opt", 0755, 0},
    {"proc", 0555, 0},         {"root", 0700, 0},    {"run", 0755, 0},
    {"run/pinfold", 0755, 0},  {"srv", 0755, 0},     {"tmp", 01777, 0},
    {"usr", 0755, 0},          {"var", 0755, 0},     {"var/cache", 0755, 0},
    {"var/lib", 0755, 0},      {"var/log", 0755, 0}, {"var/tmp", 01777, 0},
    {"workspace", 0755, 1000}, {"etc/apt", 0755, 0}, {"etc/ssl", 0755, 0},
    {"var/lib/dpkg", 0755, 0},
};
static const char *const links[][2] = {
    {"usr/bin", "bin"},
    {"usr/sbin", "sbin"},
    {"usr/lib", "lib"},
    {"usr/lib64", "lib64"},
    {"usr/lib32", "lib32"},
    {"/run", "var/run"},
    {"/proc/self/mounts", "etc/mtab"},
};
static const char *const texts[][2] = {
    {"etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                   "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                   "man:x:6:12:man:/var/cache/man:/usr/sbin/nologin\n"
                   "_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n"
                   "user:x:1000:1000:user:/home/user:/bin/sh\n"
                   "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
    {"etc/group", "root:x:0:\ndaemon:x:1:\nadm:x:4:\ntty:x:5:\nman:x:12:\nshadow:x:42:\n"
                  "utmp:x:43:\nstaff:x:50:\nusers:x:100:\nuser:x:1000:\nnogroup:x:65534:\n"},
    {"etc/hosts", "127.0.0.1 localhost pinfold\n::1 localhost\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n"},
    {"etc/resolv.conf", ""},
    {"etc/hostname", "pinfold\n"},
    {"etc/npmrc", ""},
};
// Public files that programs under /usr look for; what is missing on the host is left out.
static const char *const copies[] = {
    "etc/ld.so.cache",    "etc/ld.so.conf", "etc/services",   "etc/protocols",  "etc/mime.types",
    "etc/debian_version", "etc/profile",    "etc/login.defs", "etc/ethertypes", "etc/magic",
};
static const char *const copied_trees[] = {"etc/alternatives", "etc/ssl/certs", "etc/ld.so.conf.d",
                                           "etc/ca-certificates"};

static int put_text(int root, const char *path, const char *text, size_t n, struct err *e)
{
    own_fd int fd = io_open_beneath(root, path, O_CREAT | O_EXCL | O_WRONLY, 0644);
    return fd < 0 || io_write_full(fd, text, n) ? err_sys(e, "write %s", path) : 0;
}

static int put_copy(int root, const char *path, struct err *e)
{
    own_buf struct buf b;
    buf_init(&b, 8u << 20);
    char from[300];
    (void)snprintf(from, sizeof(from), "/%s", path);
    struct stat sb;
    // Only what everybody may read: the skeleton is shown to strangers.
    if (stat(from, &sb) || !S_ISREG(sb.st_mode) || !(sb.st_mode & S_IROTH))
        return 0;
    return io_read_file(AT_FDCWD, from, &b, e) ? -1 : put_text(root, path, b.data, b.len, e);
}

static int put_tree(int root, const char *path, struct err *e)
{
    char from[300];
    (void)snprintf(from, sizeof(from), "/%s", path);
    own_dir DIR *d = opendir(from);
    own_fd int made = d ? io_mkdir_beneath(root, path, 0755, e) : -1;
    if (!d)
        return 0;
    if (made < 0)
        return -1;
    for (struct dirent *de; (de = readdir(d));) {
        char sub[300], to[4096];
        if (de->d_name[0] == '.' ||
            snprintf(sub, sizeof(sub), "%s/%s", path, de->d_name) >= (int)sizeof(sub))
            continue;
        ssize_t n = readlinkat(dirfd(d), de->d_name, to, sizeof(to) - 1);
        if (n < 0) {
            if (put_copy(root, sub, e))
                return -1;
            continue;
        }
        to[n] = '\0';
        if (symlinkat(to, made, de->d_name))
            return err_sys(e, "link %s", sub);
    }
    return 0;
}

static int fill(int root, struct err *e)
{
    for (unsigned i = 0; i < N_ELEMS(dirs); i++)
        if ((mkdirat(root, dirs[i].path, 0755) && errno != EEXIST) ||
            fchmodat(root, dirs[i].path, dirs[i].mode, 0) ||
            fchownat(root, dirs[i].path, dirs[i].owner, dirs[i].owner, 0))
            return err_sys(e, "make %s", dirs[i].path);
    for (unsigned i = 0; i < N_ELEMS(links); i++)
        if (symlinkat(links[i][0], root, links[i][1]))
            return err_sys(e, "link %s", links[i][1]);
    for (unsigned i = 0; i < N_ELEMS(texts); i++)
        if (put_text(root, texts[i][0], texts[i][1], strlen(texts[i][1]), e))
            return -1;
    for (unsigned i = 0; i < N_ELEMS(copies); i++)
        if (put_copy(root, copies[i], e))
            return -1;
    for (unsigned i = 0; i < N_ELEMS(copied_trees); i++)
        if (put_tree(root, copied_trees[i], e))
            return -1;
    return 0;
}

static int make_at(int dir_fd, const char *name, struct err *e)
{
    if (mkdirat(dir_fd, name, 0755))
        return err_sys(e, "make the host skeleton");
    own_fd int root = io_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
    return root < 0 ? err_sys(e, "open the host skeleton") : fill(root, e);
}

// --- is the one from before still right? -------------------------------------------------------

#define STAMP_XATTR "trusted.pinfold.stamp"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
    for (const unsigned char *at = p; n--; at++)
        h = (h ^ *at) *
            0x100000001b3u; // FNV-1a: nobody gains by a collision of the host's own files
    return h;
}

static uint64_t mix_file(uint64_t h, int at, const char *path)
{
    struct stat sb;
    if (fstatat(at, path, &sb, AT_SYMLINK_NOFOLLOW))
        return mix(h, "-", 1);
    h = mix(h, path, strlen(path));
    h = mix(h, &sb.st_ino, sizeof(sb.st_ino));
    h = mix(h, &sb.st_size, sizeof(sb.st_size));
    return mix(h, &sb.st_ctim, sizeof(sb.st_ctim));
}

// Of everything a skeleton is made from: the tables above and the host's files.
static uint64_t stamp_of_host(void)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (unsigned i = 0; i < N_ELEMS(dirs); i++) {
        h = mix(h, dirs[i].path, strlen(dirs[i].path));
        h = mix(mix(h, &dirs[i].mode, sizeof(mode_t)), &dirs[i].owner, sizeof(uid_t));
    }
    for (unsigned i = 0; i < N_ELEMS(links); i++)
        h = mix(mix(h, links[i][0], strlen(links[i][0])), links[i][1], strlen(links[i][1]));
    for (unsigned i = 0; i < N_ELEMS(texts); i++)
        h = mix(mix(h, texts[i][0], strlen(texts[i][0])), texts[i][1], strlen(texts[i][1]));
    own_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < N_ELEMS(copies); i++)
        h = mix_file(h, root, copies[i]);
    for (unsigned i = 0; i < N_ELEMS(copied_trees); i++) {
        int fd = openat(root, copied_trees[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
        uint64_t sum = 0; // readdir has no order, so what it gives is added up
        for (struct dirent *de; d && (de = readdir(d));)
            sum += mix_file(i, fd, de->d_name);
        h = mix(h, &sum, sizeof(sum));
    }
    return h;
}

int skeleton_make(int layers_fd, int trash_fd, struct err *e)
{
    char id[ID_MAX];
    uint64_t want = stamp_of_host(), have = 0;
    own_fd int old_fd =
        openat(layers_fd, LAYER_HOST, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (old_fd >= 0 && fgetxattr(old_fd, STAMP_XATTR, &have, sizeof(have)) == sizeof(have) &&
        have == want)
        return 0;
    mode_t old = umask(022);
    int r = make_at(trash_fd, id_make("host", id), e);
    own_fd int new_fd =
        r ? -1 : openat(trash_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (new_fd >= 0) // without it the next start makes another one
        (void)fsetxattr(new_fd, STAMP_XATTR, &want, sizeof(want), 0);
    struct err ignored;
    if (!r && !renameat2(trash_fd, id, layers_fd, LAYER_HOST, RENAME_EXCHANGE)) {
        (void)io_remove_tree(layers_fd, LAYER_HOST ".previous", &ignored);
        (void)renameat(trash_fd, id, layers_fd,
                       LAYER_HOST ".previous"); // or it goes with the trash
    } else if (!r && renameat(trash_fd, id, layers_fd, LAYER_HOST)) {
        r = err_sys(e, "put the host skeleton in place");
    }
    umask(old);
    if (r)
        (void)io_remove_tree(trash_fd, id, &ignored); // what a failure left
    // A full disk is no reason not to start when there is one from before, which was whole.
    return r && e->code == ERR_FULL && old_fd >= 0 ? 0 : r;
}
