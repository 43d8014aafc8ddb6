// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes, resolution beneath a directory, descriptors over sockets.
#include <pinfold/io.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <pinfold/clock.h>
#include <sys/file.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

ssize_t io_read_full(int fd, void *p, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, (char *)p + got, n - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

int io_write_full(int fd, const void *p, size_t n)
{
    for (const char *at = p; n;) {
        ssize_t r = write(fd, at, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        at += r;
        n -= (size_t)r;
    }
    return 0;
}

int io_read_file(int at, const char *path, struct buf *b, struct err *e)
{
    own_fd int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, "open %s", path);
    for (;;) {
        char chunk[4096];
        ssize_t r = read(fd, chunk, sizeof(chunk));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, "read %s", path);
        if (r == 0)
            return 0;
        if (buf_append(b, chunk, (size_t)r))
            return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, b->max);
    }
}

int io_write_file(int at, const char *path, const char *text, struct err *e)
{
    own_fd int fd = openat(at, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_sys(e, "open %s", path);
    if (write(fd, text, strlen(text)) < 0)
        return err_sys(e, "write '%.40s' to %s", text, path);
    return 0;
}

int io_replace_file(int at, const char *path, const void *p, size_t n, mode_t mode, struct err *e)
{
    char tmp[64], id[ID_MAX];
    (void)snprintf(tmp, sizeof(tmp), ".%s", id_make("tmp", id));
    own_fd int fd = openat(at, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_sys(e, "create a temporary for %s", path);
    if (io_write_full(fd, p, n) || fchmod(fd, mode) || fsync(fd) || renameat(at, tmp, at, path)) {
        err_sys(e, "write %s", path);
        (void)unlinkat(at, tmp, 0); // the error above is the one to report
        return -1;
    }
    own_fd int dir = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 || fsync(dir))
        return err_sys(e, "sync the directory of %s", path);
    return 0;
}

void io_remove_temporaries(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *de; d && (de = readdir(d));)
        if (!strncmp(de->d_name, ".tmp_", 5))
            (void)unlinkat(dir_fd, de->d_name, 0); // tried again at the next start
}

static int open2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | O_TMPFILE) ? mode : 0,
        .resolve = resolve,
    };
    for (int tries = 0;; tries++) {
        int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        // A rename elsewhere during ".." resolution gives EAGAIN: openat2(2) says try again.
        if (fd >= 0 || errno != EAGAIN || tries == 32)
            return fd;
    }
}

int io_open_beneath(int dir_fd, const char *path, int flags, mode_t mode)
{
    return open2(dir_fd, path, flags, mode,
                 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS);
}

int io_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
    return open2(root_fd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int io_mkdir_beneath(int dir_fd, const char *path, mode_t mode, struct err *e)
{
    own_fd int at = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    own_free char *copy = xstrdup(path);
    char *save = NULL;
    for (char *c = strtok_r(copy, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
        if (mkdirat(at, c, mode) && errno != EEXIST)
            return err_sys(e, "make directory %s", path);
        int next = io_open_beneath(at, c, O_PATH | O_DIRECTORY, 0);
        if (next < 0)
            return err_sys(e, "open directory %s", path);
        fd_close(&at);
        at = next;
    }
    return at < 0 ? err_sys(e, "open directory %s", path) : fd_steal(&at);
}

int io_lock(int fd, uint64_t ms)
{
    uint64_t end = clock_mono_ms() + ms;
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK || clock_mono_ms() >= end)
            return -1;
        (void)poll(NULL, 0, 50); // a lock that is given back sends no event
    }
    return 0;
}

int io_set_nonblock(int fd, bool on)
{
    int fl = fcntl(fd, F_GETFL);
    if (fl < 0)
        return -1;
    return fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK);
}

ssize_t io_send_fds(int sock, const void *p, size_t n, const int *fds, size_t n_fds)
{
    union {
        char room[CMSG_SPACE(sizeof(int) * IO_FDS_MAX)];
        struct cmsghdr align;
    } control = {0};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n}; // only read
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n_fds > IO_FDS_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (n_fds) {
        msg.msg_control = control.room;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    ssize_t r;
    do
        r = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    return r;
}

// Take the descriptors out of a received message; more than fit are closed and counted.
static size_t take_fds(struct msghdr *msg, int *fds, size_t room)
{
    size_t got = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (got < room)
                fds[got] = fd;
            else
                (void)close(fd);
            got++;
        }
    }
    return got;
}

ssize_t io_recv_fds(int sock, void *p, size_t n, int *fds, size_t *n_fds, int flags)
{
    union {
        char room[CMSG_SPACE(sizeof(int) * IO_FDS_MAX)];
        struct cmsghdr align;
    } control;
    struct iovec iov = {.iov_base = p, .iov_len = n};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof(control.room)};
    ssize_t r;
    do
        r = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | flags);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -1;
    size_t room = n_fds ? *n_fds : 0, got = take_fds(&msg, fds, room);
    if (got > room || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        for (size_t i = 0; i < got && i < room; i++)
            (void)close(fds[i]);
        if (n_fds)
            *n_fds = 0;
        errno = EMSGSIZE;
        return -1;
    }
    if (n_fds)
        *n_fds = got;
    return r;
}

uint64_t io_counter(int fd, const char *key)
{
    char text[2048];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (!key)
        return strtoull(text, NULL, 10);
    size_t len = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += !!at)
        if (!strncmp(at, key, len) && at[len] == ' ')
            return strtoull(at + len, NULL, 10);
    return 0;
}
