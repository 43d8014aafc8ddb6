// SPDX-License-Identifier: Apache-2.0
// Nothing here touches what is not its own birth's, or calls what sets errno, which is init's.
#include <pinfold/birth.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pinfold/clone_apart.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

const char *birth_env(const struct birth *b, const char *name)
{
    size_t n = strlen(name);
    for (char **e = b->envp; *e; e++)
        if (!strncmp(*e, name, n) && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

static long join_v1(int dir_fd)
{
    if (dir_fd < 0)
        return 0;
    long fd = apart(SYS_openat, dir_fd, (long)"cgroup.procs", O_WRONLY | O_CLOEXEC);
    long r = fd < 0 ? fd : apart(SYS_write, fd, (long)"0", 1);
    return r < 0 ? r : apart(SYS_close, fd);
}

static long join_groups(struct birth *b)
{
    long r = join_v1(b->v1_memory);
    return r < 0 ? r : join_v1(b->v1_pids);
}

static long lead_session(struct birth *b)
{
    (void)b;
    return apart(SYS_setsid);
}

static long take_stdio(struct birth *b)
{
    long fds[3] = {b->in, b->out, b->err}, r = 0;
    for (int i = 0; i < 3; i++) // out of the way first: a source may sit on a target's number
        if (fds[i] < 3)
            fds[i] = apart(SYS_fcntl, fds[i], F_DUPFD, 20);
    for (int i = 0; i < 3 && r >= 0; i++)
        r = fds[i] < 0 ? fds[i] : apart(SYS_dup2, fds[i], i);
    return r < 0 || !b->tty ? r : apart(SYS_ioctl, 0, TIOCSCTTY, 0);
}

static long become_user(struct birth *b)
{
    gid_t group = b->who.gid;
    uid_t user = b->who.uid;
    long r = apart(SYS_setgroups, 1, (long)&group);
    r = r < 0 ? r : apart(SYS_setresgid, group, group, group);
    return r < 0 ? r : apart(SYS_setresuid, user, user, user);
}

// A program given by descriptor must survive until exec; everything else goes for real.
static long drop_descriptors(struct birth *b)
{
    bool given = b->program_fd >= 0;
    long r = given ? apart(SYS_dup2, b->program_fd, 3) : 0;
    r = r < 0 ? r : apart(SYS_close_range, given ? 4 : 3, ~0u, 0);
    return r < 0 || !given ? r : apart(SYS_fcntl, 3, F_SETFD, FD_CLOEXEC);
}

// After init's descriptors are closed, and through no magic link: /proc/self/fd/N of a directory of
// init's own would be a way out of the sandbox (CVE-2024-21626).
static long enter(struct birth *b)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_NO_MAGICLINKS};
    long fd = apart(SYS_openat2, AT_FDCWD, (long)b->cwd, (long)&how, sizeof(how));
    long r = fd < 0 ? fd : apart(SYS_fchdir, fd);
    return r < 0 ? r : apart(SYS_close, fd);
}

static long execute_on_path(struct birth *b, const char *name)
{
    const char *path = birth_env(b, "PATH");
    long found = -ENOENT;
    if (strchr(name, '/'))
        return apart(SYS_execve, (long)name, (long)b->argv, (long)b->envp);
    for (const char *at = path ? path : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t n = strcspn(at, ":");
        if (n && n + 1 + strlen(name) < sizeof(b->path)) {
            memcpy(b->path, at, n);
            b->path[n] = '/';
            memcpy(b->path + n + 1, name, strlen(name) + 1);
            long r = apart(SYS_execve, (long)b->path, (long)b->argv, (long)b->envp);
            if (r != -ENOENT && r != -ENOTDIR)
                found = r;
        }
        at += n + (at[n] == ':');
    }
    return found;
}

static long execute(struct birth *b)
{
    uint64_t none = 0;
    long r = apart(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof(none));
    if (r < 0)
        return r;
    if (b->program_fd >= 0)
        return apart(SYS_execveat, 3, (long)"", (long)b->argv, (long)b->envp, AT_EMPTY_PATH);
    return execute_on_path(b, b->argv[0]);
}

static const struct {
    const char *name;
    long (*act)(struct birth *); // 0 or more, or -errno
} steps[] = {
    {"cgroup", join_groups},
    {"session", lead_session},
    {"stdio", take_stdio},
    {"user", become_user},
    {"descriptors", drop_descriptors},
    {"cwd", enter}, // after the change of user: resolved with the command's own rights
    {"exec", execute},
};

void birth(void *birth)
{
    struct birth *b = birth;
    for (unsigned i = 0; i < N_ELEMS(steps); i++) {
        long r = steps[i].act(b);
        if (r >= 0)
            continue;
        *b->failure = (struct birth_failure){steps[i].name, (int)-r};
        break;
    }
    for (;;)
        (void)apart(SYS_exit_group, 127);
}
