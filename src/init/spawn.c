// SPDX-License-Identifier: Apache-2.0
// Starting one command. The child shares init's memory until it executes (CLONE_VM | CLONE_VFORK),
// as posix_spawn does, so a start costs no page-table copy; it is born in its cgroup.
#include "init_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pinfold/clone_apart.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define STRINGS_MAX 16384u  // argv and env entries together
#define BULK_MAX (4u << 20) // a little above ARG_MAX's usual 2 MiB

// Shared with the child until its exec; static, since only one command is started at a time.
static struct launch {
    const struct msg_exec *m;
    char *strings[STRINGS_MAX + 8];
    char **argv, **envp;
    struct passwd_user who;
    char home_env[272];
    char path[PATH_MAX];
    int program_fd; // >= 0: execute this descriptor
    int in, out, err;
    bool tty;
    int v1_memory, v1_pids; // directories to join, or -1
    const char *step;       // where the child was when it failed
    int sys;
} L;

static const char *env_get(const char *name)
{
    size_t n = strlen(name);
    for (char **e = L.envp; *e; e++)
        if (!strncmp(*e, name, n) && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

// --- in the child -------------------------------------------------------------------------------

static bool join_v1(int dir_fd)
{
    int fd = openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, "0", 1) == 1;
    if (fd >= 0)
        (void)close(fd);
    return done;
}

static bool take_stdio(void)
{
    int fds[3] = {L.in, L.out, L.err};
    for (int i = 0; i < 3; i++) // out of the way first: a source may sit on a target's number
        if (fds[i] < 3)
            fds[i] = fcntl(fds[i], F_DUPFD, 20);
    for (int i = 0; i < 3; i++)
        if (fds[i] < 0 || dup2(fds[i], i) < 0)
            return false;
    return !L.tty || !ioctl(0, TIOCSCTTY, 0);
}

static bool become_user(void)
{
    gid_t group = L.who.gid;
    // Not by libc, which would look for other threads in the memory that is init's still.
    return !syscall(SYS_setgroups, 1, &group) && !syscall(SYS_setresgid, group, group, group) &&
           !syscall(SYS_setresuid, L.who.uid, L.who.uid, L.who.uid);
}

static void execute_on_path(const char *name)
{
    const char *path = env_get("PATH");
    int found = ENOENT;
    if (strchr(name, '/')) {
        execve(name, L.argv, L.envp);
        return;
    }
    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t n = strcspn(at, ":");
        if (n && n + 1 + strlen(name) < sizeof(L.path)) {
            memcpy(L.path, at, n);
            L.path[n] = '/';
            memcpy(L.path + n + 1, name, strlen(name) + 1);
            execve(L.path, L.argv, L.envp);
            if (errno != ENOENT && errno != ENOTDIR)
                found = errno;
        }
        at += n + (at[n] == ':');
    }
    errno = found;
}

// After init's descriptors are closed, and through no magic link: /proc/self/fd/N of a directory of
// init's own would be a way out of the sandbox (CVE-2024-21626).
static bool enter(const char *dir)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, dir, &how, sizeof(how));
    return fd >= 0 && !fchdir(fd) && !close(fd);
}

static void child(void *unused)
{
    (void)unused;
    sigset_t none;
    (void)sigemptyset(&none);
    L.step = "cgroup";
    if ((L.v1_memory >= 0 && !join_v1(L.v1_memory)) || (L.v1_pids >= 0 && !join_v1(L.v1_pids)))
        goto failed;
    L.step = "session";
    if (setsid() < 0)
        goto failed;
    L.step = "stdio";
    if (!take_stdio())
        goto failed;
    L.step = "user";
    if (!become_user())
        goto failed;
    L.step = "descriptors";
    // A program given by descriptor must survive until exec; everything else goes for real.
    if ((L.program_fd >= 0 && dup2(L.program_fd, 3) < 0) ||
        syscall(SYS_close_range, L.program_fd >= 0 ? 4 : 3, ~0u, 0) ||
        (L.program_fd >= 0 && fcntl(3, F_SETFD, FD_CLOEXEC)))
        goto failed;
    L.step = "cwd"; // after the change of user: resolved with the command's own rights
    if (!enter(L.m->cwd[0] ? L.m->cwd : "/workspace"))
        goto failed;
    L.step = "exec";
    if (sigprocmask(SIG_SETMASK, &none, NULL))
        goto failed;
    if (L.program_fd >= 0)
        (void)syscall(SYS_execveat, 3, "", L.argv, L.envp, AT_EMPTY_PATH);
    else
        execute_on_path(L.argv[0]);
failed:
    L.sys = errno;
    _exit(127);
}

// --- in init ------------------------------------------------------------------------------------

// Turn the packed strings into argv and envp; the bytes stay where they are.
static bool unpack(const struct msg_exec *m, char *bytes, size_t len)
{
    size_t n = 0, want = (size_t)m->n_argv + m->n_env;
    if (!m->n_argv || want > STRINGS_MAX || (len && bytes[len - 1]))
        return false;
    L.argv = L.strings;
    for (size_t at = 0; at < len && n < want; n++) {
        // one place is kept between the two lists for argv's NULL
        L.strings[n + (n >= m->n_argv)] = bytes + at;
        at += strlen(bytes + at) + 1;
    }
    if (n != want)
        return false;
    L.strings[m->n_argv] = NULL;
    L.envp = L.strings + m->n_argv + 1;
    L.envp[m->n_env] = NULL;
    return true;
}

static int find_user(const struct init *in, const struct msg_exec *m)
{
    uint32_t uid = m->uid == UINT32_MAX ? in->start.uid : m->uid;
    if (!user_find(m->user, uid, &L.who)) {
        if (!m->user[0] && m->gid != UINT32_MAX)
            L.who.gid = m->gid;
    } else if (m->user[0]) {
        errno = ENOENT;
        return -1;
    } else {
        // An id without an entry is as good as one with.
        L.who =
            (struct passwd_user){.uid = uid, .gid = m->gid == UINT32_MAX ? in->start.gid : m->gid};
        (void)snprintf(L.who.home, sizeof(L.who.home), uid ? "/workspace" : "/root");
    }
    if (L.who.uid > 65535 || L.who.gid > 65535) {
        errno = EINVAL;
        return -1;
    }
    // HOME by default is the user's; the request's own value comes first in the list and wins.
    size_t n = m->n_env;
    if (!env_get("HOME")) {
        (void)snprintf(L.home_env, sizeof(L.home_env), "HOME=%s", L.who.home);
        L.envp[n++] = L.home_env;
        L.envp[n] = NULL;
    }
    return 0;
}

static int open_terminal(const struct msg_exec *m, int *ret_master, int *ret_slave)
{
    // The slave belongs to who opens the master, by file system id.
    (void)setfsuid(L.who.uid);
    own_fd int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    (void)setfsuid(0);
    int unlock = 0;
    struct winsize size = {.ws_row = (unsigned short)(m->rows ? m->rows : 24),
                           .ws_col = (unsigned short)(m->cols ? m->cols : 80)};
    if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCSWINSZ, &size))
        return -1;
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return -1;
    *ret_master = fd_steal(&master);
    *ret_slave = slave;
    return 0;
}

static int clone_into(const struct guard_key *key, const struct exec_group *g, pid_t *ret)
{
    static char stack[64u << 10] __attribute__((aligned(16)));
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof(stack),
        .cgroup = (uint64_t)g->dir_fd,
    };
    long r = clone_apart(&args, (const uint64_t[]){key->a, key->b}, child, NULL);
    if (r < 0) {
        errno = (int)-r;
        return -1;
    }
    *ret = (pid_t)r;
    return 0;
}

// The command's strings, from the message or from its memory file. NULL on a malformed one.
static char *strings_of(struct wire_msg *m, size_t *ret_len, void **ret_map)
{
    const struct msg_exec *x = &m->body.exec;
    size_t fixed = x->tty ? 0 : 3, kept = x->n_kept < 4 ? x->n_kept : 3;
    if (m->n_fds == fixed + kept) {
        *ret_len = x->args.len;
        return m->raw + ((const char *)x->args.p - m->raw);
    }
    struct stat sb;
    if (m->n_fds != fixed + 1 + kept || fstat(m->fds[fixed], &sb) || !S_ISREG(sb.st_mode) ||
        sb.st_size <= 0 || sb.st_size > (off_t)BULK_MAX)
        return NULL;
    void *p = mmap(NULL, (size_t)sb.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, m->fds[fixed], 0);
    if (p == MAP_FAILED)
        return NULL;
    *ret_map = p;
    *ret_len = (size_t)sb.st_size;
    return p;
}

static void refuse(struct msg_exec_started *ret, enum err_code code, int sys, const char *step)
{
    ret->code = code;
    ret->sys = (uint32_t)sys;
    (void)snprintf(ret->text, sizeof(ret->text), "%s: %s", step, strerror(sys));
}

static enum err_code code_of(int sys)
{
    return sys == ENOENT || sys == ENOTDIR ? ERR_NOT_FOUND
           : sys == EACCES || sys == EPERM ? ERR_DENIED
                                           : ERR_KERNEL;
}

static int prepare(struct init *in, struct exec_slot *x, struct wire_msg *m, char *bytes,
                   size_t len, int *ret_slave)
{
    const struct msg_exec *e = &m->body.exec;
    L.m = e;
    L.step = "arguments";
    errno = EINVAL;
    if (!bytes || !unpack(e, bytes, len))
        return -1;
    L.step = "user";
    if (find_user(in, e))
        return -1;
    L.step = "program";
    L.program_fd = e->program == 1 ? INIT_FD_TOOL : e->program == 2 ? INIT_FD_GIT : -1;
    if (e->program > 2 || (L.program_fd >= 0 && fcntl(L.program_fd, F_GETFD) < 0))
        return -1;
    L.step = "terminal";
    L.tty = e->tty;
    if (e->tty && open_terminal(e, &x->master_fd, ret_slave))
        return -1;
    L.in = e->tty ? *ret_slave : m->fds[0];
    L.out = e->tty ? *ret_slave : m->fds[1];
    L.err = e->tty ? *ret_slave : m->fds[2];
    L.step = "cgroup";
    return group_take(in, e, x);
}

static int v1_dir(int parent, const struct exec_slot *x, bool wanted)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "x%u", x->group.number);
    return wanted ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

void spawn(struct init *in, struct exec_slot *x, struct wire_msg *m, struct msg_exec_started *ret)
{
    void *map = NULL;
    size_t len = 0;
    own_fd int slave = -1;
    char *bytes = strings_of(m, &len, &map);
    L.v1_memory = L.v1_pids = -1;
    L.sys = 0;
    if (prepare(in, x, m, bytes, len, &slave)) {
        refuse(ret, code_of(errno), errno, L.step);
        fd_close(&x->master_fd);
    } else {
        L.v1_memory =
            v1_dir(INIT_FD_V1_MEMORY, x, m->body.exec.memory_bytes && !in->start.memory_on_v2);
        L.v1_pids = v1_dir(INIT_FD_V1_PIDS, x, m->body.exec.pids && !in->start.pids_on_v2);
        pid_t pid = -1;
        L.step = "clone";
        int sys = clone_into(&in->key, &x->group, &pid) ? errno : L.sys;
        fd_close(&L.v1_memory);
        fd_close(&L.v1_pids);
        x->pid = pid > 0 ? pid : 0;
        ret->pid = (uint32_t)x->pid;
        if (sys)
            refuse(ret, code_of(sys), sys, L.step);
        if (pid < 0) {
            fd_close(&x->master_fd);
            group_give_back(in, x);
        }
    }
    if (map)
        (void)munmap(map, len);
}
