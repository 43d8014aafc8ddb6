// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <tap.h>

static int work_fd;
static char work[] = "/tmp/pinfold-unit.XXXXXX";

static int opens(int (*how)(int, const char *, int, mode_t), int at, const char *path)
{
    int fd = how(at, path, O_RDONLY, 0);
    int sys = fd < 0 ? errno : 0;
    fd_close(&fd);
    return sys;
}

static void resolution(void)
{
    struct err e;
    own_fd int sub = io_mkdir_beneath(work_fd, "a/b/c", 0700, &e);
    ok(sub >= 0, "directories are made one below another");
    own_fd int again = io_mkdir_beneath(work_fd, "/a/b//c/", 0700, &e);
    ok(again >= 0, "those that exist are fine, slashes too");
    ok(!symlinkat("/etc", work_fd, "a/out") && !symlinkat("b", work_fd, "a/in") &&
           !symlinkat("../../..", work_fd, "a/b/up"),
       "links that lead out and in");
    is_int(opens(io_open_beneath, work_fd, "a/b"), 0, "a path beneath opens");
    is_int(opens(io_open_beneath, work_fd, "a/in"), ELOOP, "no link is followed beneath");
    is_int(opens(io_open_beneath, work_fd, "a/../../etc"), EXDEV, "nor .. out of it");
    is_int(opens(io_open_beneath, work_fd, "/etc"), EXDEV, "nor an absolute path");
    is_int(opens(io_open_in_root, work_fd, "a/in"), 0, "in a root a link inside is followed");
    is_int(opens(io_open_in_root, work_fd, "a/out/passwd"), ENOENT, "/etc is the root's own");
    is_int(opens(io_open_in_root, work_fd, "a/b/up/../../a"), 0, ".. stops at the root");
    is_int(opens(io_open_in_root, work_fd, "/a"), 0, "an absolute path starts at the root");
    own_fd int bad = io_mkdir_beneath(work_fd, "a/out/x", 0700, &e);
    ok(bad < 0, "no directory is made through a link that leads out");
    own_fd int fd = io_open_beneath(work_fd, "a", O_RDONLY, 0);
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "what is opened is close-on-exec");
}

static void files(void)
{
    struct err e;
    own_buf struct buf b;
    buf_init(&b, 10);
    is_int(io_replace_file(work_fd, "f", "hello", 5, 0640, &e), 0, "a file is written");
    is_int(io_replace_file(work_fd, "f", "hello you", 9, 0600, &e), 0, "and replaced");
    struct stat st;
    ok(!fstatat(work_fd, "f", &st, 0) && (st.st_mode & 0777) == 0600, "with its mode");
    is_int(io_read_file(work_fd, "f", &b, &e), 0, "it is read");
    is_str(b.data, "hello you", "whole");
    is_int(io_read_file(work_fd, "f", &b, &e), -1, "a file past the buffer's maximum is refused");
    is_int(e.code, ERR_LIMIT, "as over a limit");
    is_int(io_read_file(work_fd, "none", &b, &e), -1, "a missing file is an error");
    is_int(e.code, ERR_NOT_FOUND, "not found");
    is_int(io_write_file(work_fd, "none", "x", &e), -1, "writing makes no file");
    is_int(io_write_file(work_fd, "f", "HE", &e), 0, "writing in place");
    buf_clear(&b);
    (void)io_read_file(work_fd, "f", &b, &e);
    is_str(b.data, "HEllo you", "does not cut");
    ok(!symlinkat("f", work_fd, "l") && io_write_file(work_fd, "l", "x", &e), "nor follow a link");
    DIR *d = fdopendir(openat(work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int temporaries = 0;
    for (struct dirent *de; (de = readdir(d));)
        temporaries += strstr(de->d_name, "tmp") != NULL;
    (void)closedir(d);
    is_int(temporaries, 0, "no temporary is left");
}

static void pipes(void)
{
    int p[2];
    char got[16] = "";
    ok(!pipe2(p, O_CLOEXEC) && !io_write_full(p[1], "abc", 3) && !io_write_full(p[1], "defg", 4),
       "two writes");
    (void)close(p[1]);
    is_int(io_read_full(p[0], got, 5), 5, "are read as asked");
    is_int(io_read_full(p[0], got, 5), 2, "until the end");
    is_int(io_read_full(p[0], got, 5), 0, "and nothing after it");
    ok(!io_set_nonblock(p[0], true) && fcntl(p[0], F_GETFL) & O_NONBLOCK, "non-blocking is set");
    ok(!io_set_nonblock(p[0], false) && !(fcntl(p[0], F_GETFL) & O_NONBLOCK), "and cleared");
    (void)close(p[0]);
}

static void locks(void)
{
    char name[] = "/tmp/pinfold-lock-XXXXXX";
    own_fd int a = mkostemp(name, O_CLOEXEC);
    own_fd int b = open(name, O_RDONLY | O_CLOEXEC);
    (void)unlink(name);
    ok(!io_lock(a, 0), "a lock that is free");
    ok(io_lock(b, 0) && errno == EWOULDBLOCK, "is another's then");
    fd_close(&a);
    ok(!io_lock(b, 1000), "until that one is closed");
}

static int open_fds(void)
{
    own_dir DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d))
        n++;
    return n;
}

static void descriptors(void)
{
    int s[2], fds[IO_FDS_MAX], got[IO_FDS_MAX];
    char text[16];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s))
        abort();
    for (int i = 0; i < IO_FDS_MAX; i++)
        fds[i] = work_fd;
    int before = open_fds();
    is_int(io_send_fds(s[0], "hi", 2, fds, 3), 2, "a datagram with three descriptors is sent");
    size_t n = IO_FDS_MAX;
    is_int(io_recv_fds(s[1], text, sizeof(text), got, &n, 0), 2, "and received");
    ok(n == 3 && fcntl(got[2], F_GETFD) & FD_CLOEXEC, "all three, close-on-exec");
    for (size_t i = 0; i < n; i++)
        (void)close(got[i]);

    (void)io_send_fds(s[0], "hi", 2, fds, 3);
    n = 2;
    is_int(io_recv_fds(s[1], text, sizeof(text), got, &n, 0), -1, "more than there is room for");
    ok(errno == EMSGSIZE && n == 0 && open_fds() == before, "is refused, and all are closed");

    (void)io_send_fds(s[0], "0123456789abcdefg", 17, fds, 1);
    n = 4;
    is_int(io_recv_fds(s[1], text, sizeof(text), got, &n, 0), -1, "a datagram that would be cut");
    ok(errno == EMSGSIZE && open_fds() == before, "is refused, its descriptors closed");

    is_int(io_send_fds(s[0], "x", 1, fds, IO_FDS_MAX + 1), -1, "too many to send are refused");
    n = 4;
    is_int(io_recv_fds(s[1], text, sizeof(text), got, &n, 0), -1, "nothing there");
    is_int(errno, EAGAIN, "is no error to wait for");
    (void)close(s[0]);
    n = 4;
    is_int(io_recv_fds(s[1], text, sizeof(text), got, &n, 0), 0, "the end is 0");
    is_int(io_send_fds(s[1], "x", 1, NULL, 0), -1, "sending to nobody is an error, not a signal");
    (void)close(s[1]);
}

int main(void)
{
    if (!mkdtemp(work) || (work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    resolution();
    files();
    pipes();
    locks();
    descriptors();
    (void)io_remove_tree(AT_FDCWD, work, NULL);
    return done_testing();
}
