// SPDX-License-Identifier: Apache-2.0
// Removal of hostile trees.
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tap.h>

static int work_fd;
static char work[] = "/tmp/pinfold-unit.XXXXXX";

static bool exists(const char *name)
{
    struct stat st;
    return !fstatat(work_fd, name, &st, AT_SYMLINK_NOFOLLOW);
}

static void make_file(int at, const char *name)
{
    own_fd int fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        abort();
}

// A chain of directories, far deeper than PATH_MAX can name, a file in each.
static void deep(int depth)
{
    if (mkdirat(work_fd, "deep", 0700))
        abort();
    int at = openat(work_fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth; i++) {
        make_file(at, "f");
        if (mkdirat(at, "a-directory", 0700))
            abort();
        int next = openat(at, "a-directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fd_close(&at);
        at = next;
    }
    fd_close(&at);
    struct err e;
    struct rlimit old, few;
    (void)getrlimit(RLIMIT_NOFILE, &old);
    few = (struct rlimit){100, old.rlim_max};
    (void)setrlimit(RLIMIT_NOFILE, &few);
    int r = io_remove_tree(work_fd, "deep", &e);
    (void)setrlimit(RLIMIT_NOFILE, &old);
    ok(!r && !exists("deep"), "a tree %d levels deep goes, with 100 descriptors", depth);
}

// A full tree: `width` directories at each of `levels` levels.
static void bushy(int at, int levels, int width)
{
    for (int i = 0; i < width; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        make_file(at, "file");
        if (mkdirat(at, name, 0700))
            abort();
        own_fd int sub = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        make_file(sub, "leaf");
        if (levels > 1)
            bushy(sub, levels - 1, width);
    }
}

static void links_out(void)
{
    struct err e;
    ok(!mkdirat(work_fd, "keep", 0700) && !mkdirat(work_fd, "tree", 0700),
       "a tree beside a treasure");
    own_fd int keep = openat(work_fd, "keep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_fd int tree = openat(work_fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(keep, "treasure");
    ok(!symlinkat("../keep", tree, "out") && !symlinkat("/", tree, "root") &&
           !symlinkat("..", tree, "up") && !symlinkat("loop", tree, "loop"),
       "with links that lead out of the tree");
    ok(!linkat(keep, "treasure", tree, "hard", 0), "and a hard link to the treasure");
    is_int(io_remove_tree(work_fd, "tree", &e), 0, "the tree goes");
    ok(!faccessat(keep, "treasure", F_OK, 0), "the treasure stays");
    ok(!symlinkat("keep", work_fd, "link"), "a link in the tree's own place");
    is_int(io_remove_tree(work_fd, "link", &e), 0, "is removed");
    ok(!exists("link") && !faccessat(keep, "treasure", F_OK, 0), "and not followed");
    is_int(io_remove_tree(work_fd, "keep", &e), 0, "the rest goes too");
}

static void odd_ones(void)
{
    struct err e;
    is_int(io_remove_tree(work_fd, "never-there", &e), 0, "what is missing counts as removed");
    make_file(work_fd, "plain");
    is_int(io_remove_tree(work_fd, "plain", &e), 0, "a plain file goes");
    ok(!exists("plain"), "really");
    ok(!mkdirat(work_fd, "shut", 0700), "a directory");
    own_fd int shut = openat(work_fd, "shut", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok(!mkdirat(shut, "in", 0700), "with one in it");
    own_fd int in = openat(shut, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make_file(in, "f");
    ok(!fchmod(in, 0) && !fchmod(shut, 0), "both without any permission");
    is_int(io_remove_tree(work_fd, "shut", &e), 0, "go");
    ok(!mkdirat(work_fd, "fool", 0700), "a directory");
    own_fd int fool = openat(work_fd, "fool", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok(!mkdirat(fool, ".pinfold-rm-0", 0700), "with a name that removal itself uses");
    own_fd int inner = openat(fool, ".pinfold-rm-0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bushy(inner, 2, 2);
    is_int(io_remove_tree(work_fd, "fool", &e), 0, "goes");
    is_int(io_remove_tree(work_fd, "no/such/path", &e), 0, "a path that leads nowhere is missing");
}

int main(void)
{
    if (!mkdtemp(work) || (work_fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return 1;
    deep(3);
    deep(63);
    deep(64);
    deep(65);
    deep(1500);
    if (mkdirat(work_fd, "bushy", 0700))
        abort();
    own_fd int fd = openat(work_fd, "bushy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bushy(fd, 5, 5);
    struct err e;
    ok(!io_remove_tree(work_fd, "bushy", &e) && !exists("bushy"),
       "a tree of 3905 directories goes");
    links_out();
    odd_ones();
    ok(!rmdir(work), "nothing is left behind");
    return done_testing();
}
