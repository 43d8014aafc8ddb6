// SPDX-License-Identifier: Apache-2.0
// The state directory: made at the first start, owned by who may use it, one pinfoldd at a time.
#include "pinfoldd_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/id.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

#define EARLIER_MAX_MS 30000 // above what a server and a launcher take to stop
#define BIRTH_MAX_MS 1000    // above what a child takes from its fork to its exec

// Make the directory and those above it that are missing; open it and see that only root can
// change what is in it.
static int open_state(const char *path, struct err *e)
{
    own_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    own_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        own_free char *copy = xstrdup(path);
        char *slash = strrchr(copy, '/');
        while (slash && slash > copy && !slash[1]) { // a trailing slash names the same
            *slash = '\0';
            slash = strrchr(copy, '/');
        }
        *slash = '\0';
        own_fd int parent = io_mkdir_beneath(root, copy, 0755, e);
        if (parent < 0)
            return -1;
        if (mkdirat(parent, slash + 1, 0700) && errno != EEXIST)
            return err_sys(e, "make %s", path);
        fd = openat(parent, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, "open %s", path);
    if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(e, ERR_DENIED, "%.120s must belong to root and be writable by root alone",
                       path);
    return fd_steal(&fd);
}

// What the server made as its former user goes to the new one; only plain files and directories
// that were that user's, so nothing that it could have linked here changes hands.
static int hand_over(int dir_fd, uid_t from, uid_t to, int depth, struct err *e)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the server's directory");
    for (struct dirent *de; (de = readdir(d));) {
        struct stat st;
        own_fd int sub = openat(fd, de->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (*de->d_name == '.' || sub < 0 || fstat(sub, &st) || st.st_uid != from)
            continue;
        bool is_dir = S_ISDIR(st.st_mode);
        if (!is_dir && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
            continue;
        if (fchown(sub, to, to))
            return err_sys(e, "give %.100s to user id %u", de->d_name, (unsigned)to);
        if (is_dir && depth && hand_over(sub, from, to, depth - 1, e))
            return -1;
    }
    return 0;
}

// A directory in the state directory with just this owner. Safe because only root can write into
// the state directory, so the name is the directory we made.
static int open_part(int state_fd, const char *name, uint64_t id, struct err *e)
{
    if (mkdirat(state_fd, name, 0700) && errno != EEXIST)
        return err_sys(e, "make the directory %s", name);
    own_fd int fd = openat(state_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || fchmod(fd, 0700))
        return err_sys(e, "open the directory %s", name);
    if (st.st_uid != id && st.st_uid != 0 && hand_over(fd, st.st_uid, (uid_t)id, 3, e))
        return -1;
    // Last, so that an interrupted hand-over is seen and begun again.
    if ((st.st_uid != id || st.st_gid != id) && fchown(fd, (uid_t)id, (gid_t)id))
        return err_sys(e, "give the directory %s to user id %llu", name, (unsigned long long)id);
    return fd_steal(&fd);
}

static int read_token(int fd, struct conf *c, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(e, "stat admin.token");
    if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(e, ERR_DENIED, "admin.token must be a file of root with mode 0600");
    ssize_t n = io_read_full(fd, c->admin_token, sizeof(c->admin_token) - 1);
    if (n < 0)
        return err_sys(e, "read admin.token");
    c->admin_token[n] = '\0';
    c->admin_token[strcspn(c->admin_token, "\r\n")] = '\0';
    if (strlen(c->admin_token) < 20)
        return err_set(e, ERR_BAD_REQUEST,
                       "admin.token holds less than 20 characters; remove it to get a new one");
    return 0;
}

// The token of the first start. Whoever can read the file is root already.
int state_token(int state_fd, struct conf *c, struct err *e)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    own_fd int fd = openat(state_fd, "admin.token", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return read_token(fd, c, e);
    if (errno != ENOENT)
        return err_sys(e, "open admin.token");
    unsigned char raw[52]; // of 5 bits each: 260
    id_random_bytes(raw, sizeof(raw));
    char text[sizeof(raw) + 5] = "pft_";
    for (size_t i = 0; i < sizeof(raw); i++)
        text[4 + i] = digits[raw[i] & 31];
    memcpy(c->admin_token, text, sizeof(text));
    text[sizeof(text) - 1] = '\n';
    int r = io_replace_file(state_fd, "admin.token", text, sizeof(text), 0600, e);
    explicit_bzero(text, sizeof(text));
    return r;
}

// A child inherits the description of its directory and with it this lock, which so ends with the
// last process that has it: ours, the child, and what the child forked. After an earlier pinfoldd
// was killed its children end by themselves, but not before the kernel has done with them.
static int lock_part(const struct super *s, int fd, struct err *e)
{
    if (!io_lock(fd, 0))
        return 0;
    log_info("waiting for the processes of an earlier pinfoldd");
    if (!io_lock(fd, EARLIER_MAX_MS))
        return 0;
    return errno != EWOULDBLOCK
               ? err_sys(e, "lock %s", s->conf.state_dir)
               : err_set(e, ERR_BUSY, "processes of an earlier pinfoldd still use %.150s",
                         s->conf.state_dir);
}

int state_open(struct super *s, struct err *e)
{
    s->state_fd = open_state(s->conf.state_dir, e);
    if (s->state_fd < 0)
        return -1;
    static const char *const parts[] = {"layers", "dirs", "mirrors"};
    for (size_t i = 0; i < N_ELEMS(parts); i++) {
        own_fd int fd = open_part(s->state_fd, parts[i], 0, e);
        if (fd < 0)
            return -1;
    }
    // This lock is on a description of its own that no child keeps: it ends with this process, or
    // when a child that it was about to start executes.
    s->lock_fd = open_part(s->state_fd, "layers", 0, e);
    if (s->lock_fd < 0)
        return -1;
    if (io_lock(s->lock_fd, BIRTH_MAX_MS))
        return err_set(e, ERR_CONFLICT, "another pinfoldd uses %.150s", s->conf.state_dir);
    int server_fd = open_part(s->state_fd, "server", s->conf.server_uid, e);
    s->children[SERVER].state_fd = server_fd;
    s->children[LAUNCHER].state_fd = s->state_fd;
    if (server_fd < 0 || lock_part(s, server_fd, e) || lock_part(s, s->state_fd, e))
        return -1;
    io_remove_temporaries(s->state_fd); // nobody else is here now
    return state_token(s->state_fd, &s->conf, e);
}
