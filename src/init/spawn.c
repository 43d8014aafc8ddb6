// SPDX-License-Identifier: Apache-2.0
// Starting commands. The child (birth.h) shares init's memory until it executes (CLONE_VM), as that
// of posix_spawn does, so a start costs no page-table copy; it is born in its cgroup. Init goes on
// meanwhile and starts others: each start has a struct launch of its own.
#include "init_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pinfold/clone_apart.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define BULK_MAX (4u << 20) // a little above ARG_MAX's usual 2 MiB

static struct launch launches[LAUNCHES_MAX];

static bool is_over(const struct launch *l)
{
    return !__atomic_load_n(&l->tid, __ATOMIC_ACQUIRE);
}

// Until the child has executed or ended, which the kernel tells in tid, and wakes who waits there.
static void wait_for(const struct launch *l)
{
    for (uint32_t tid; (tid = __atomic_load_n(&l->tid, __ATOMIC_ACQUIRE));)
        (void)syscall(SYS_futex, &l->tid, FUTEX_WAIT, tid, NULL, NULL, 0);
}

struct launch *launch_free(void)
{
    static unsigned last;
    for (unsigned i = 0; i < LAUNCHES_MAX; i++)
        if (is_over(&launches[i]))
            return &launches[i];
    // The one that has waited longest, about.
    struct launch *l = &launches[last++ % LAUNCHES_MAX];
    wait_for(l);
    return l;
}

bool spawn_over(const struct exec_slot *x)
{
    return !x->launch || x->launch->slot != x || is_over(x->launch);
}

// Turn the packed strings into argv and envp; the bytes stay where they are.
static bool unpack(struct launch *l, char *bytes, size_t len)
{
    const struct msg_exec *m = &l->m.body.exec;
    size_t n = 0, want = (size_t)m->n_argv + m->n_env;
    if (!m->n_argv || want > STRINGS_MAX || (len && bytes[len - 1]))
        return false;
    l->birth.argv = l->strings;
    for (size_t at = 0; at < len && n < want; n++) {
        // one place is kept between the two lists for argv's NULL
        l->strings[n + (n >= m->n_argv)] = bytes + at;
        at += strlen(bytes + at) + 1;
    }
    if (n != want)
        return false;
    l->strings[m->n_argv] = NULL;
    l->birth.envp = l->strings + m->n_argv + 1;
    l->birth.envp[m->n_env] = NULL;
    return true;
}

static int find_user(const struct init *in, struct launch *l)
{
    const struct msg_exec *m = &l->m.body.exec;
    uint32_t uid = m->uid == UINT32_MAX ? in->start.uid : m->uid;
    if (!user_find(m->user, uid, &l->birth.who)) {
        if (!m->user[0] && m->gid != UINT32_MAX)
            l->birth.who.gid = m->gid;
    } else if (m->user[0]) {
        errno = ENOENT;
        return -1;
    } else {
        // An id without an entry is as good as one with.
        l->birth.who =
            (struct passwd_user){.uid = uid, .gid = m->gid == UINT32_MAX ? in->start.gid : m->gid};
        (void)snprintf(l->birth.who.home, sizeof(l->birth.who.home), uid ? "/workspace" : "/root");
    }
    if (l->birth.who.uid > 65535 || l->birth.who.gid > 65535) {
        errno = EINVAL;
        return -1;
    }
    // HOME by default is the user's; the request's own value comes first in the list and wins.
    size_t n = m->n_env;
    if (!birth_env(&l->birth, "HOME")) {
        (void)snprintf(l->home_env, sizeof(l->home_env), "HOME=%s", l->birth.who.home);
        l->birth.envp[n++] = l->home_env;
        l->birth.envp[n] = NULL;
    }
    return 0;
}

static int open_terminal(const struct launch *l, int *ret_master, int *ret_slave)
{
    const struct msg_exec *m = &l->m.body.exec;
    // The slave belongs to who opens the master, by file system id.
    (void)setfsuid(l->birth.who.uid);
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

// wait: until it has executed or ended.
static pid_t clone_into(const struct guard_key *key, struct launch *l, bool wait)
{
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_INTO_CGROUP | CLONE_CHILD_CLEARTID | (wait ? CLONE_VFORK : 0),
        .child_tid = (uint64_t)(uintptr_t)&l->tid,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)l->stack,
        .stack_size = sizeof(l->stack),
        .cgroup = (uint64_t)l->slot->group.dir_fd,
    };
    l->tid = 1; // until the kernel makes it 0
    long r = clone_apart(&args, (const uint64_t[]){key->a, key->b}, birth, &l->birth);
    if (r < 0) {
        l->tid = 0;
        errno = (int)-r;
    }
    return r < 0 ? -1 : (pid_t)r;
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

static enum err_code code_of(int sys)
{
    return sys == ENOENT || sys == ENOTDIR ? ERR_NOT_FOUND
           : sys == EACCES || sys == EPERM ? ERR_DENIED
                                           : ERR_KERNEL;
}

static int prepare(struct init *in, struct launch *l, char *bytes, size_t len, int *ret_slave)
{
    const struct msg_exec *e = &l->m.body.exec;
    l->slot->failure.step = "arguments";
    errno = EINVAL;
    if (!bytes || !unpack(l, bytes, len))
        return -1;
    l->slot->failure.step = "user";
    if (find_user(in, l))
        return -1;
    l->slot->failure.step = "program";
    l->birth.program_fd = e->program == 1 ? INIT_FD_TOOL : e->program == 2 ? INIT_FD_GIT : -1;
    if (e->program > 2 || (l->birth.program_fd >= 0 && fcntl(l->birth.program_fd, F_GETFD) < 0))
        return -1;
    l->slot->failure.step = "terminal";
    l->birth.tty = e->tty;
    if (e->tty && open_terminal(l, &l->slot->master_fd, ret_slave))
        return -1;
    l->birth.in = e->tty ? *ret_slave : l->m.fds[0];
    l->birth.out = e->tty ? *ret_slave : l->m.fds[1];
    l->birth.err = e->tty ? *ret_slave : l->m.fds[2];
    l->birth.cwd = e->cwd[0] ? e->cwd : "/workspace";
    l->birth.failure = &l->slot->failure;
    l->slot->failure.step = "cgroup";
    return group_take(in, e, l->slot);
}

static int v1_dir(int parent, const struct exec_slot *x, bool wanted)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "x%u", x->group.number);
    return wanted ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static int start(struct init *in, struct launch *l, bool wait)
{
    struct exec_slot *x = l->slot;
    const struct msg_exec *e = &l->m.body.exec;
    own_fd int memory = v1_dir(INIT_FD_V1_MEMORY, x, e->memory_bytes && !in->start.memory_on_v2);
    own_fd int pids = v1_dir(INIT_FD_V1_PIDS, x, e->pids && !in->start.pids_on_v2);
    l->birth.v1_memory = memory; // the child has copies
    l->birth.v1_pids = pids;
    x->failure.step = NULL; // from here on the child's
    pid_t pid = clone_into(&in->key, l, wait);
    if (pid > 0) {
        x->pid = pid;
        return 0;
    }
    x->failure.step = "clone";
    int saved = errno;
    group_give_back(in, x);
    errno = saved;
    return -1;
}

bool spawn_failed(const struct exec_slot *x, struct msg_exec_started *ret)
{
    const struct birth_failure *f = &x->failure;
    if (!f->step)
        return false;
    ret->code = code_of(f->sys);
    ret->sys = (uint32_t)f->sys;
    (void)snprintf(ret->text, sizeof(ret->text), "%s: %s", f->step, strerror(f->sys));
    return true;
}

void spawn(struct init *in, struct exec_slot *x, struct launch *l, struct msg_exec_started *ret)
{
    void *map = NULL;
    size_t len = 0;
    own_fd int slave = -1;
    l->slot = x;
    x->launch = l;
    char *bytes = strings_of(&l->m, &len, &map);
    // Beside others init goes on at once. Where one comes after the other it has nothing else to do,
    // and a child that it waits for starts where it ran itself, on a warm processor.
    bool alone = !in->n_execs, wait = map || !l->m.body.exec.hold || (alone && in->was_alone);
    in->was_alone = alone;
    if (prepare(in, l, bytes, len, &slave) || start(in, l, wait)) {
        x->failure.sys = errno;
        fd_close(&x->master_fd);
    }
    if (map)
        (void)munmap(map, len);
    ret->pid = (uint32_t)x->pid;
    if (!x->pid || wait)
        (void)spawn_failed(x, ret);
}
