// SPDX-License-Identifier: Apache-2.0
// A confined process, for real: each test forks a child that gives up power and then tries things.
// As root it becomes another user; without rights it stays who it is.
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pinfold/confine.h>
#include <pinfold/landlock.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

#define SOMEBODY 12345

struct place {
    char dir[64];
    int fd;
};

static void make_place(struct place *p)
{
    (void)snprintf(p->dir, sizeof(p->dir), "%s", "/tmp/pinfold-confine-XXXXXX");
    if (!mkdtemp(p->dir) || (geteuid() == 0 && chown(p->dir, SOMEBODY, SOMEBODY)))
        exit(1);
    p->fd = open(p->dir, O_PATH | O_CLOEXEC);
}

static struct confine how_for(const struct confine_path *paths, unsigned n_paths)
{
    bool root = geteuid() == 0;
    return (struct confine){.uid = root ? SOMEBODY : getuid(),
                            .gid = root ? SOMEBODY : getgid(),
                            .paths = paths,
                            .n_paths = n_paths,
                            .open_files = 100};
}

// Run try_it in a confined child. Each thing it expects is a bit; the result is the wait status.
static int in_child(enum confine_role role, const struct place *p, bool strict,
                    unsigned (*try_it)(const struct place *))
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct confine_path path = {p->fd, true};
        struct confine how = how_for(&path, 1);
        struct err e;
        how.strict = strict;
        if (confine_self(role, &how, &e)) {
            printf("# %s\n", e.text);
            (void)fflush(stdout);
            _exit(255);
        }
        _exit((int)try_it(p));
    }
    int status = -1;
    (void)waitpid(pid, &status, 0);
    return status;
}

static bool refused(long r, int want)
{
    return r == -1 && errno == want;
}

// A child counts its expectations; its exit code is the number of the first that failed, or 0.
struct count {
    unsigned n, failed;
};
static void must(struct count *c, bool good)
{
    c->n++;
    if (!good && !c->failed)
        c->failed = c->n;
}

static unsigned try_ids(const struct place *p)
{
    (void)p;
    struct count c = {0};
    struct rlimit files, core;
    must(&c, getuid() != 0);
    must(&c, refused(setuid(0), EPERM));
    must(&c, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    must(&c, prctl(PR_GET_DUMPABLE) == 0);
    must(&c, !getrlimit(RLIMIT_NOFILE, &files) && files.rlim_max == 100);
    must(&c, !getrlimit(RLIMIT_CORE, &core) && core.rlim_max == 1);
    return c.failed;
}

static unsigned try_bounding(const struct place *p)
{
    (void)p;
    unsigned left = 0;
    for (int bit = 0; prctl(PR_CAPBSET_READ, bit) >= 0; bit++)
        left += prctl(PR_CAPBSET_READ, bit) == 1;
    return left;
}

static unsigned try_files(const struct place *p)
{
    struct count c = {0};
    int fd = openat(p->fd, "file", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    must(&c, fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0);
    must(&c, renameat(p->fd, "file", p->fd, "other") == 0);
    must(&c, unlinkat(p->fd, "other", 0) == 0);
    must(&c, refused(open("/root", O_RDONLY | O_CLOEXEC), EACCES));
    must(&c, refused(open("/usr/bin/env", O_RDONLY | O_CLOEXEC), EACCES));
    must(&c, refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), EACCES));
    must(&c, refused(mkdir("/tmp/pinfold-confine-outside", 0700), EACCES));
    must(&c, open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0);
    return c.failed;
}

static unsigned try_server_calls(const struct place *p)
{
    (void)p;
    struct count c = {0};
    int pair[2];
    must(&c, refused(socket(AF_INET, SOCK_STREAM, 0), EPERM));
    must(&c, refused(socket(AF_UNIX, SOCK_STREAM, 0), EPERM));
    must(&c, refused(syscall(SYS_execve, "/bin/true", NULL, NULL), EPERM));
    must(&c, refused(syscall(SYS_fork), EPERM));
    must(&c, refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_clone3, NULL, 0), ENOSYS));
    must(&c, refused(ptrace(PTRACE_TRACEME, 0, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_mount, 0, 0, 0, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_capset, NULL, NULL), EPERM));
    must(&c, refused(kill(getppid(), 0), EPERM));
    must(&c, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    return c.failed;
}

#define HIGH 0xffffffff00000000ul

// Calls on a descriptor that is not there: EBADF from the kernel, EPERM from the filter.
static unsigned try_conditions(const struct place *p)
{
    (void)p;
    struct count c = {0};
    must(&c, refused(syscall(SYS_ioctl, -1, FIONREAD, 0), EBADF));
    must(&c, refused(syscall(SYS_ioctl, -1, FIONREAD | HIGH, 0), EBADF));
    must(&c, refused(syscall(SYS_ioctl, -1, TIOCSTI, 0), EPERM));
    must(&c, refused(syscall(SYS_ioctl, -1, TIOCSTI | HIGH, 0), EPERM));
    must(&c, refused(syscall(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_socketpair, AF_TIPC, SOCK_STREAM, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_listen, -1, 5), EPERM));
    must(&c, refused(syscall(SYS_accept4, -1, 0, 0, 0), EBADF));
    must(&c, refused(syscall(SYS_fdatasync, -1), EBADF));
    must(&c, refused(syscall(SYS_pidfd_getfd, -1, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_io_uring_setup, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_unshare, 0), EPERM));
    must(&c, refused(syscall(SYS_setns, -1, 0), EPERM));
    must(&c, refused(syscall(SYS_chroot, "/"), EPERM));
    return c.failed;
}

static unsigned try_server_dial(const struct place *p)
{
    (void)p;
    struct count c = {0};
    must(&c, refused(syscall(SYS_connect, -1, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_bind, -1, 0, 0), EPERM));
    must(&c, refused(syscall(SYS_symlinkat, "x", -1, "y"), EPERM));
    return c.failed;
}

static void *on_thread(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

static unsigned try_work(const struct place *p)
{
    (void)p;
    struct count c = {0};
    pthread_t t;
    int ran = 0;
    must(&c, pthread_create(&t, NULL, on_thread, &ran) == 0);
    must(&c, pthread_join(t, NULL) == 0 && ran);
    char *memory = malloc(8u << 20), random[16];
    memory = realloc(memory, 64u << 20);
    must(&c, memory != NULL);
    free(memory);
    must(&c, syscall(SYS_getrandom, random, sizeof(random), 0) == sizeof(random));
    must(&c, mlock(random, sizeof(random)) == 0);
    return c.failed;
}

static unsigned try_dial(const struct place *p)
{
    (void)p;
    struct count c = {0};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(1), // where nobody listens
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(&c, tcp >= 0);
    must(&c, refused(connect(tcp, (struct sockaddr *)&to, sizeof(to)), ECONNREFUSED));
    must(&c, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) >= 0);
    must(&c, refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), EPERM));
    must(&c, refused(socket(AF_VSOCK, SOCK_STREAM, 0), EPERM));
    must(&c, refused(syscall(SYS_execve, "/bin/true", NULL, NULL), EPERM));
    return c.failed;
}

static unsigned try_forbidden(const struct place *p)
{
    (void)p;
    (void)socket(AF_INET, SOCK_STREAM, 0);
    return 0;
}

static unsigned try_nothing(const struct place *p)
{
    (void)p;
    return 0;
}

static unsigned try_launcher(void)
{
    struct confine how = {.uid = CONFINE_KEEP_ID, .gid = CONFINE_KEEP_ID};
    struct count c = {0};
    struct err e;
    int had_chown = prctl(PR_CAPBSET_READ, CAP_CHOWN);
    must(&c, confine_self(CONFINE_LAUNCHER, &how, &e) == 0);
    must(&c, getuid() == 0);
    must(&c, prctl(PR_CAPBSET_READ, CAP_CHOWN) == had_chown);
    must(&c, prctl(PR_CAPBSET_READ, CAP_SYS_MODULE) == 0);
    must(&c, prctl(PR_CAPBSET_READ, CAP_BPF) == 0);
    must(&c, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    must(&c, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
    return c.failed;
}

static void test_launcher(void)
{
    const char *what = "the launcher stays root with some capabilities and without others";
    if (geteuid() != 0) {
        skip(what, "not root");
        return;
    }
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        _exit((int)try_launcher());
    int status = -1;
    (void)waitpid(pid, &status, 0);
    is_int(status, 0, "%s", what);
}

int main(void)
{
    struct place p;
    struct err e;
    make_place(&p);
    int abi = landlock_abi();
    printf("# landlock version %d\n", abi);

    for (enum confine_role r = 0; r < CONFINE_N_ROLES; r++)
        ok(strcmp(confine_role_name(r), "unknown"), "role %u has a name", r);
    is_str(confine_role_name(CONFINE_N_ROLES), "unknown", "no role beyond the last");

    is_int(in_child(CONFINE_SERVER, &p, false, try_ids), 0,
           "the server is nobody, and its limits are set");
    if (geteuid() == 0) // a process without rights cannot drop from it, nor gain by it
        is_int(in_child(CONFINE_SERVER, &p, false, try_bounding), 0, "its bounding set is empty");
    if (abi)
        is_int(in_child(CONFINE_SERVER, &p, false, try_files), 0,
               "it works with files beneath its directory and with no others");
    is_int(in_child(CONFINE_SERVER, &p, false, try_server_calls), 0,
           "it makes no socket, starts nothing, traces nothing");
    is_int(in_child(CONFINE_SERVER, &p, false, try_conditions), 0,
           "its filter looks at the low half of arguments");
    is_int(in_child(CONFINE_GIT, &p, false, try_conditions), 0, "the git helper's too");
    is_int(in_child(CONFINE_SERVER, &p, false, try_server_dial), 0,
           "it cannot connect what it is handed");
    is_int(in_child(CONFINE_SERVER, &p, false, try_work), 0, "threads and memory work");
    is_int(in_child(CONFINE_GIT, &p, false, try_work), 0, "for the git helper too");
    is_int(in_child(CONFINE_GIT, &p, false, try_dial), 0,
           "the git helper dials TCP and asks for names, and nothing else");
    if (abi)
        is_int(in_child(CONFINE_GIT, &p, false, try_files), 0,
               "the git helper works with files beneath its directory");

    int status = in_child(CONFINE_SERVER, &p, true, try_forbidden);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "strict: a refused call kills");
    (void)setenv("PINFOLD_STRICT", "1", 1);
    status = in_child(CONFINE_SERVER, &p, false, try_forbidden);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "PINFOLD_STRICT=1 does the same");
    is_int(in_child(CONFINE_SERVER, &p, false, try_nothing), 0, "strict alone kills nothing");
    is_int(in_child(CONFINE_SERVER, &p, false, try_work), 0, "nor do threads and memory");
    is_int(in_child(CONFINE_GIT, &p, false, try_work), 0, "in the git helper neither");
    (void)unsetenv("PINFOLD_STRICT");

    test_launcher();

    struct confine_path many[CONFINE_PATHS_MAX + 1] = {{0, false}};
    struct confine how = {.paths = many, .n_paths = CONFINE_PATHS_MAX + 1};
    ok(confine_self(CONFINE_SERVER, &how, &e) && e.code == ERR_LIMIT, "too many paths: %s", e.text);

    (void)rmdir(p.dir);
    return done_testing();
}
