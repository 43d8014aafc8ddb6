// SPDX-License-Identifier: Apache-2.0
// A launcher and its inits for tests of core: they speak the wire on the test's own loop and run
// harmless commands as plain children, in a temporary directory that stands for a sandbox. No
// rights are needed. What a test wants to go wrong it says in struct fake.
#pragma once
#include <pinfold/clock.h>
#include <pinfold/core.h>
#include <pinfold/core_build.h>
#include <pinfold/core_exec.h>
#include <pinfold/core_file.h>
#include <pinfold/core_token.h>
#include <pinfold/core_workspace.h>
#include <pinfold/image.h>
#include <pinfold/io.h>
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <pinfold/wire.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tap.h>

#include "fake_tools.h"

struct fake_box {
    struct list link, children;
    char id[ID_MAX], dir[ID_MAX], profile[NAME_MAX_LEN + 1];
    uint32_t network;
    uint64_t memory_bytes;
    char layers[400];
    int sock, spare; // spare: the other end, while it has no server
    struct watch watch;
};
struct fake_child {
    struct list link;
    struct fake_box *box;
    uint64_t exec;
    pid_t pid;
    struct watch watch; // its pidfd
    int pidfd, master;
    // with a tag: what the real init keeps
    char tag[EXEC_TAG_MAX];
    int kept[3];
    uint64_t started_ns;
    uint32_t kill_reason;
    struct msg_exec_exited end;
    bool ended;
};
struct fake {
    struct loop *loop;
    struct core *core;
    struct core_conf conf;
    char root[64];         // temporary: dirs/, layers/, server/
    int sock, server_sock; // ours; the one core gets (kept, as pinfoldd does)
    struct watch watch;
    struct list boxes;
    struct wire_msg msg, init_msg;
    // what to do wrong
    const char *fail_start;               // step of a failing BOX_START
    bool hold_starts;                     // no answer to BOX_START
    bool hold_copies, hold_deletes, deaf; // no answer to DIR_COPY; to DIR_DELETE; to anything
    bool ignore_kills;                    // init does not kill
    uint32_t oom_kills, pids_refused;     // for the next exec that ends
    bool disk_full;
    bool linger;            // inits outlive the server
    enum err_code fail_dir; // for DIR_CREATE
    uint64_t disk_use;      // of each layer and mirror
    // what was seen
    unsigned starts, stops, dir_creates, dir_deletes, copies, commits, mirrors, execs, forgets,
        counted;
    char last_network[16], last_profile[NAME_MAX_LEN + 1];
    uint32_t last_program;
};
static struct fake F;

static struct profile fake_profiles[5];
static struct image fake_host, fake_built;
static const struct image *const fake_images[] = {&fake_host, &fake_built};

__attribute__((unused)) static const char *fake_path(const char *a, const char *b)
{
    static char path[300];
    (void)snprintf(path, sizeof(path), "%s/%s/%s", F.root, a, b);
    return path;
}

static void fake_answer(enum wire_type type, uint64_t id, const void *body, const int *fds,
                        size_t n)
{
    struct err e = {0};
    if (wire_send(F.sock, type, id, body, fds, n, &e))
        printf("# fake launcher: %s\n", e.text);
}

static void fake_done(uint64_t id, enum err_code code, const char *text)
{
    struct msg_done d = {.code = code};
    (void)snprintf(d.text, sizeof(d.text), "%s", text);
    fake_answer(MSG_DONE, id, &d, NULL, 0);
}

// --- init -------------------------------------------------------------------------------------

// A child that has not made its own group yet is not found by its group.
static void fake_signal(pid_t pid, int sig)
{
    if (kill(-pid, sig))
        (void)kill(pid, sig);
}

static void fake_child_end(struct fake_child *k)
{
    int status = 0;
    fake_signal(k->pid, SIGKILL); // what it left behind
    (void)waitpid(k->pid, &status, 0);
    struct msg_exec_exited m = {
        .exec = k->exec,
        .exited = WIFEXITED(status),
        .exit_code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0,
        .cpu_us = 1234,
        .max_memory_bytes = 4096,
        .oom_kills = F.oom_kills,
        .pids_refused = F.pids_refused,
        .disk_free_bytes = F.disk_full ? 0 : 1u << 30,
        .disk_free_inodes = 1000,
    };
    F.oom_kills = F.pids_refused = 0;
    struct err e = {0};
    if (k->tag[0]) {
        m.ended_ns = clock_mono_ns();
        k->end = m;
        k->ended = true;
        loop_unwatch(&k->watch);
        (void)wire_send(k->box->sock, MSG_EXEC_EXITED, 0, &m, NULL, 0, &e);
        return;
    }
    (void)wire_send(k->box->sock, MSG_EXEC_EXITED, 0, &m, NULL, 0, &e);
    loop_unwatch(&k->watch);
    (void)close(k->pidfd);
    if (k->master >= 0)
        (void)close(k->master);
    list_del(&k->link);
    free(k);
}

static void on_fake_pidfd(struct watch *w, uint32_t events)
{
    (void)events;
    fake_child_end(container_of(w, struct fake_child, watch));
}

static void fake_child_run(const struct wire_msg *m, const struct fake_box *box, char **argv,
                           char **envp, int slave)
{
    const struct msg_exec *x = &m->body.exec;
    char cwd[4400];
    (void)setsid();
    for (int i = 0; i < 3; i++)
        (void)dup2(slave >= 0 ? slave : m->fds[i], i);
    if (slave >= 0)
        (void)ioctl(0, TIOCSCTTY, 0);
    const char *below = !strncmp(x->cwd, "/workspace", 10) ? x->cwd + 10 : x->cwd;
    (void)snprintf(cwd, sizeof(cwd), "%s/dirs/%s%s", F.root, *box->dir ? box->dir : box->id,
                   x->cwd[0] ? below : "");
    if (chdir(cwd))
        _exit(126);
    (void)close_range(3, ~0u, 0);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (x->program == 1)
        fake_tool(argv);
    else if (x->program == 2)
        fake_git();
    else
        (void)execvpe(argv[0], argv, envp);
    _exit(127);
}

static char **fake_strings(const char *p, size_t n)
{
    static char *list[9000];
    size_t k = 0;
    for (; k < n; k++, p += strlen(p) + 1)
        list[k] = strdup(p);
    list[k] = NULL;
    return list;
}

static bool fake_on_path(const char *name)
{
    char path[300];
    static const char *const dirs[] = {"/bin", "/usr/bin"};
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/%.200s", dirs[i], name);
        if (!access(path, X_OK))
            return true;
    }
    return strchr(name, '/') && !access(name, X_OK);
}

static void fake_exec(struct fake_box *box, struct wire_msg *m)
{
    const struct msg_exec *x = &m->body.exec;
    struct msg_exec_started ret = {.exec = x->exec};
    struct err e = {0};
    size_t fixed = x->tty ? 0 : 3;
    const char *args = x->args.p;
    int master = -1, slave = -1;
    F.execs++;
    F.last_program = x->program;
    if (m->n_fds > fixed + x->n_kept) {
        struct stat st;
        (void)fstat(m->fds[fixed], &st);
        args = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, m->fds[fixed], 0);
    }
    if (!x->program && !fake_on_path(args)) {
        ret.code = ERR_NOT_FOUND;
        (void)snprintf(ret.text, sizeof(ret.text), "exec: No such file or directory");
        (void)wire_send(box->sock, MSG_EXEC_STARTED, m->id, &ret, NULL, 0, &e);
        return;
    }
    if (x->tty) {
        master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        (void)grantpt(master);
        (void)unlockpt(master);
        slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[9000];
        char **all = fake_strings(args, (size_t)x->n_argv + x->n_env);
        memcpy(argv, all, x->n_argv * sizeof(char *));
        argv[x->n_argv] = NULL;
        fake_child_run(m, box, argv, all + x->n_argv, slave);
    }
    struct fake_child *k = xcalloc(1, sizeof(*k));
    k->box = box;
    k->exec = x->exec;
    k->pid = pid;
    k->master = master;
    memcpy(k->tag, x->tag, sizeof(k->tag));
    k->started_ns = clock_mono_ns();
    k->kill_reason = END_N;
    for (unsigned i = 0; i < 3; i++)
        k->kept[i] = k->tag[0] && i < x->n_kept ? wire_take_fd(m, m->n_fds - x->n_kept + i) : -1;
    k->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    list_add_tail(&box->children, &k->link);
    if (slave >= 0)
        (void)close(slave);
    ret.pid = (uint32_t)pid;
    (void)wire_send(box->sock, MSG_EXEC_STARTED, m->id, &ret, &master, x->tty ? 1 : 0, &e);
    (void)loop_watch(F.loop, &k->watch, k->pidfd, EPOLLIN, on_fake_pidfd, &e);
}

static void fake_kill(struct fake_box *box, const struct msg_exec_kill *m)
{
    list_for (it, &box->children) {
        struct fake_child *k = container_of(it, struct fake_child, link);
        if (k->exec != m->exec || k->ended)
            continue;
        if (m->whole)
            k->kill_reason = m->reason;
        if (!F.ignore_kills)
            fake_signal(k->pid, m->whole ? SIGKILL : (int)m->signal);
    }
}

static void fake_child_free(struct fake_child *k)
{
    loop_unwatch(&k->watch);
    (void)close(k->pidfd);
    if (k->master >= 0)
        (void)close(k->master);
    for (unsigned i = 0; i < 3; i++)
        if (k->kept[i] >= 0)
            (void)close(k->kept[i]);
    list_del(&k->link);
    free(k);
}

static void fake_forget(struct fake_box *box, const struct msg_exec_forget *m)
{
    list_for_safe (it, &box->children) {
        struct fake_child *k = container_of(it, struct fake_child, link);
        if (k->exec != m->exec)
            continue;
        F.forgets += !m->only_stdin;
        if (!m->only_stdin && k->ended)
            fake_child_free(k);
        else if (m->only_stdin && k->kept[2] >= 0) {
            (void)close(k->kept[2]);
            k->kept[2] = -1;
        }
    }
}

static void fake_exec_list(struct fake_box *box, uint64_t id)
{
    struct err e = {0};
    struct msg_done done = {0};
    list_for (it, &box->children) {
        struct fake_child *k = container_of(it, struct fake_child, link);
        struct msg_exec_is is = {.exec = k->exec,
                                 .started_ns = k->started_ns,
                                 .kill_reason = k->kill_reason,
                                 .tty = k->master >= 0};
        if (!k->tag[0])
            continue;
        memcpy(is.tag, k->tag, sizeof(is.tag));
        size_t n = k->kept[2] >= 0 ? 3 : 2;
        (void)wire_send(box->sock, MSG_EXEC_IS, id, &is, is.tty ? &k->master : k->kept,
                        is.tty ? 1 : n, &e);
        if (k->ended)
            (void)wire_send(box->sock, MSG_EXEC_EXITED, 0, &k->end, NULL, 0, &e);
    }
    (void)wire_send(box->sock, MSG_DONE, id, &done, NULL, 0, &e);
}

static void fake_box_free(struct fake_box *box)
{
    list_for_safe (it, &box->children) {
        struct fake_child *k = container_of(it, struct fake_child, link);
        fake_signal(k->pid, SIGKILL);
        (void)waitpid(k->pid, NULL, 0);
        fake_child_free(k);
    }
    loop_unwatch(&box->watch);
    if (box->sock >= 0)
        (void)close(box->sock);
    if (box->spare >= 0)
        (void)close(box->spare);
    list_del(&box->link);
    free(box);
}

static void on_fake_init(struct watch *w, uint32_t events);

// As the real one: commands without a tag end, and there is a socket for the next server.
static void fake_orphan(struct fake_box *box)
{
    int pair[2];
    struct err e = {0};
    loop_unwatch(&box->watch);
    (void)close(box->sock);
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    box->sock = pair[0];
    box->spare = pair[1];
    (void)loop_watch(F.loop, &box->watch, box->sock, EPOLLIN, on_fake_init, &e);
    list_for_safe (it, &box->children) {
        struct fake_child *k = container_of(it, struct fake_child, link);
        if (!k->tag[0])
            fake_signal(k->pid, SIGKILL);
    }
}

static void on_fake_init(struct watch *w, uint32_t events)
{
    struct fake_box *box = container_of(w, struct fake_box, watch);
    struct err e = {0};
    (void)events;
    int r = wire_recv(box->sock, PEER_SERVER, PEER_INIT, &F.init_msg, &e);
    if (r < 0 && F.linger) {
        fake_orphan(box);
        return;
    }
    if (r < 0) { // the server is gone: init ends, with all that is inside
        fake_box_free(box);
        return;
    }
    if (r == 0)
        return;
    const union wire_body *b = &F.init_msg.body;
    if (box->spare >= 0) {
        (void)close(box->spare);
        box->spare = -1;
    }
    if (F.init_msg.row->type == MSG_EXEC_LIST) {
        fake_exec_list(box, F.init_msg.id);
    } else if (F.init_msg.row->type == MSG_EXEC_FORGET) {
        fake_forget(box, &b->exec_forget);
    } else if (F.init_msg.row->type == MSG_EXEC) {
        fake_exec(box, &F.init_msg);
    } else if (F.init_msg.row->type == MSG_EXEC_KILL) {
        fake_kill(box, &b->exec_kill);
    } else if (F.init_msg.row->type == MSG_DENIALS) {
        struct denial row = {.syscall = 165, .count = 3, .comm = "mounter"};
        struct msg_denials d = {.rows = {&row, sizeof(row)}, .total = 3};
        (void)wire_send(box->sock, MSG_DENIALS_ARE, F.init_msg.id, &d, NULL, 0, &e);
    }
    wire_release(&F.init_msg);
}

// --- launcher -----------------------------------------------------------------------------------

static struct fake_box *fake_find(const char *id)
{
    list_for (it, &F.boxes) {
        struct fake_box *b = container_of(it, struct fake_box, link);
        if (!strcmp(b->id, id))
            return b;
    }
    return NULL;
}

static void fake_started(uint64_t id, const struct fake_box *box, int server_end)
{
    struct msg_box_started m = {.pid = 4242, .uid_base = 655360};
    (void)snprintf(m.box, sizeof(m.box), "%s", box->id);
    (void)snprintf(m.profile, sizeof(m.profile), "%s", box->profile);
    (void)snprintf(m.address, sizeof(m.address), "10.213.0.2");
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fds[3] = {server_end, null, null};
    fake_answer(MSG_BOX_STARTED, id, &m, fds, 3);
    (void)close(null);
}

static void fake_box_start(uint64_t id, const struct msg_box_start *m)
{
    struct msg_box_started bad = {.code = ERR_KERNEL};
    int pair[2];
    struct err e = {0};
    F.starts++;
    (void)snprintf(F.last_network, sizeof(F.last_network), "%s",
                   net_mode_name((enum net_mode)m->network));
    (void)snprintf(F.last_profile, sizeof(F.last_profile), "%s", m->profile);
    if (F.hold_starts)
        return;
    if (F.fail_start || fake_find(m->box)) {
        (void)snprintf(bad.box, sizeof(bad.box), "%s", m->box);
        (void)snprintf(bad.step, sizeof(bad.step), "%s", F.fail_start ? F.fail_start : "twice");
        (void)snprintf(bad.text, sizeof(bad.text), "it went wrong");
        fake_answer(MSG_BOX_STARTED, id, &bad, NULL, 0);
        return;
    }
    struct fake_box *box = xcalloc(1, sizeof(*box));
    (void)snprintf(box->id, sizeof(box->id), "%s", m->box);
    (void)snprintf(box->dir, sizeof(box->dir), "%s", m->dir);
    (void)snprintf(box->profile, sizeof(box->profile), "%s", m->profile);
    (void)snprintf(box->layers, sizeof(box->layers), "%.390s", m->layers);
    box->network = m->network;
    box->spare = -1;
    box->memory_bytes = m->memory_bytes;
    list_init(&box->children);
    list_add_tail(&F.boxes, &box->link);
    (void)mkdir(fake_path("dirs", *m->dir ? m->dir : m->box), 0700); // a one-shot's has no other
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    box->sock = pair[0];
    (void)loop_watch(F.loop, &box->watch, box->sock, EPOLLIN, on_fake_init, &e);
    fake_started(id, box, pair[1]);
    (void)close(pair[1]);
}

static void fake_list(uint64_t id)
{
    list_for (it, &F.boxes) {
        struct msg_box_started m = {0};
        const struct fake_box *box = container_of(it, struct fake_box, link);
        (void)snprintf(m.box, sizeof(m.box), "%s", box->id);
        (void)snprintf(m.profile, sizeof(m.profile), "%s", box->profile);
        if (box->spare >= 0)
            fake_started(id, box, box->spare);
        else
            fake_answer(MSG_BOX_STARTED, id, &m, NULL, 0);
    }
    fake_done(id, ERR_NONE, "");
}

static void fake_exited(struct fake_box *box, uint32_t oom_kills)
{
    struct msg_box_exited m = {.signal = SIGKILL, .oom_kills = oom_kills};
    (void)snprintf(m.box, sizeof(m.box), "%s", box->id);
    fake_box_free(box);
    fake_answer(MSG_BOX_EXITED, 0, &m, NULL, 0);
}

static void fake_dir_message(uint64_t id, enum wire_type type, const struct msg_dir *m)
{
    struct err e = {0};
    char path[300];
    (void)snprintf(path, sizeof(path), "dirs/%s", m->dir);
    int root = open(F.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (type == MSG_DIR_CREATE) {
        F.dir_creates++;
        if (F.fail_dir)
            fake_done(id, F.fail_dir, "no room for it");
        else if (mkdirat(root, path, 0700))
            fake_done(id, ERR_CONFLICT, "it exists");
        else
            fake_done(id, ERR_NONE, "");
    } else if (type == MSG_DIR_DELETE) {
        F.dir_deletes++;
        (void)io_remove_tree(root, path, &e);
        if (!F.hold_deletes)
            fake_done(id, ERR_NONE, "");
    } else {
        char cmd[700];
        F.copies++;
        (void)snprintf(cmd, sizeof(cmd), "cp -aT '%s/dirs/%s' '%s/dirs/%s'", F.root, m->source,
                       F.root, m->dir);
        (void)fake_shell(cmd);
        if (!F.hold_copies)
            fake_done(id, ERR_NONE, "");
    }
    (void)close(root);
}

static void fake_message(struct wire_msg *m)
{
    const union wire_body *b = &m->body;
    struct fake_box *box;
    struct msg_box_stats stats = {.memory_bytes = 111, .pids = 2, .memory_limit = 222};
    switch (m->row->type) {
    case MSG_BOX_START:
        fake_box_start(m->id, &b->box_start);
        return;
    case MSG_BOX_STOP:
        F.stops++;
        if (!(box = fake_find(b->box_name.box))) {
            fake_done(m->id, ERR_NOT_FOUND, "no such sandbox");
            return;
        }
        fake_exited(box, 0);
        fake_done(m->id, ERR_NONE, "");
        return;
    case MSG_BOX_LIST:
        fake_list(m->id);
        return;
    case MSG_BOX_STAT:
        (void)snprintf(stats.box, sizeof(stats.box), "%s", b->box_name.box);
        (void)snprintf(stats.cgroup, sizeof(stats.cgroup), "v2");
        fake_answer(MSG_BOX_STATS, m->id, &stats, NULL, 0);
        return;
    case MSG_DIR_CREATE:
    case MSG_DIR_DELETE:
    case MSG_DIR_COPY:
        fake_dir_message(m->id, m->row->type, &b->dir);
        return;
    case MSG_LAYER_COMMIT: {
        F.commits++;
        int fd = open(fake_path("layers", b->layer.layer), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        (void)close(fd);
        fake_done(m->id, ERR_NONE, "");
        return;
    }
    case MSG_LAYER_DELETE:
        (void)unlink(fake_path("layers", b->layer.layer));
        fake_done(m->id, ERR_NONE, "");
        return;
    case MSG_LAYER_LIST: {
        int fd = open(fake_path("layers", "."), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct msg_done d = {0};
        fake_answer(MSG_DONE, m->id, &d, &fd, 1);
        (void)close(fd);
        return;
    }
    case MSG_MIRROR_CREATE:
        F.mirrors++;
        fake_done(m->id, ERR_NONE, "");
        return;
    case MSG_DISK_USE:
        F.counted++;
        fake_answer(MSG_DISK_USED, m->id, &(struct msg_disk_used){F.disk_use}, NULL, 0);
        return;
    default:
        fake_done(m->id, ERR_NONE, "");
        return;
    }
}

static void on_fake_launcher(struct watch *w, uint32_t events)
{
    struct err e = {0};
    (void)w, (void)events;
    if (F.deaf || wire_recv(F.sock, PEER_SERVER, PEER_LAUNCHER, &F.msg, &e) <= 0)
        return;
    fake_message(&F.msg);
    wire_release(&F.msg);
}

// It dies, with all its boxes or without telling, and a new one says READY.
__attribute__((unused)) static void fake_restart(void)
{
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    while (recv(F.sock, &F.msg.raw, sizeof(F.msg.raw), MSG_DONTWAIT) > 0)
        continue; // a new launcher drains what was asked of the old one
    fake_answer(MSG_READY, 0, NULL, NULL, 0);
}
