// SPDX-License-Identifier: Apache-2.0
// What the kernel can do, tried rather than read from its version where a try is harmless. What
// changes a namespace is tried in a child process, and ends with it.
#include "doctor_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <pinfold/io.h>
#include <pinfold/landlock.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

int in_child(int (*f)(void *arg), void *arg)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0)
        _exit(f(arg));
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int probe_root(struct doctor *d)
{
    static const struct {
        int cap;
        const char *name;
    } needed[] = {
        {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
        {CAP_SETUID, "CAP_SETUID"},
        {CAP_SETGID, "CAP_SETGID"},
        {CAP_SETPCAP, "CAP_SETPCAP"},
        {CAP_CHOWN, "CAP_CHOWN"},
        {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE"},
        {CAP_FOWNER, "CAP_FOWNER"},
        {CAP_MKNOD, "CAP_MKNOD"},
        {CAP_KILL, "CAP_KILL"},
        {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
        {CAP_SYS_CHROOT, "CAP_SYS_CHROOT"},
        {CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"},
    };
    size_t at = 0;
    for (size_t i = 0; i < N_ELEMS(needed) && at < DETAIL_MAX - 40; i++)
        if (prctl(PR_CAPBSET_READ, needed[i].cap) != 1)
            at += (size_t)snprintf(d->detail + at, DETAIL_MAX - at, "%s%s", at ? ", " : "lacks ",
                                   needed[i].name);
    if (geteuid() == 0 && !at)
        (void)snprintf(d->detail, DETAIL_MAX, "root, with the capabilities it needs");
    if (geteuid() != 0)
        (void)snprintf(d->detail, DETAIL_MAX,
                       "started by user id %u; much of the rest cannot be tried",
                       (unsigned)geteuid());
    return geteuid() == 0 && !at;
}

int probe_kernel(struct doctor *d)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
        return -1;
    (void)snprintf(d->detail, DETAIL_MAX, "Linux %.100s", u.release);
    return major > 5 || (major == 5 && minor >= 19);
}

static int try_unshare(void *arg)
{
    return unshare(*(int *)arg) ? (errno == ENOSPC ? 2 : 1) : 0;
}

int probe_userns(struct doctor *d)
{
    int flags = CLONE_NEWUSER, r = in_child(try_unshare, &flags);
    uint64_t max = 0;
    (void)read_number("/proc/sys/user/max_user_namespaces", &max);
    (void)snprintf(d->detail, DETAIL_MAX,
                   r ? "cannot be made; user.max_user_namespaces is %llu"
                     : "can be made, up to %llu",
                   (unsigned long long)max);
    return r == 0;
}

int probe_namespaces(struct doctor *d)
{
    static const struct {
        int flag;
        const char *name;
    } kinds[] = {{CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"}, {CLONE_NEWNET, "net"},
                 {CLONE_NEWIPC, "ipc"},  {CLONE_NEWUTS, "uts"}, {CLONE_NEWCGROUP, "cgroup"}};
    size_t at = 0;
    for (size_t i = 0; i < N_ELEMS(kinds); i++) {
        int flags = CLONE_NEWUSER | kinds[i].flag;
        if (in_child(try_unshare, &flags))
            at += (size_t)snprintf(d->detail + at, DETAIL_MAX - at, "%s%s",
                                   at ? ", " : "cannot be made: ", kinds[i].name);
    }
    if (!at)
        (void)snprintf(d->detail, DETAIL_MAX, "mount, pid, net, ipc, uts, cgroup");
    return !at;
}

int probe_time_namespace(struct doctor *d)
{
    int there = !access("/proc/self/ns/time", F_OK);
    (void)snprintf(d->detail, DETAIL_MAX, there ? "can be made" : "the kernel has none");
    return there;
}

static int try_overlay(void *arg)
{
    (void)arg;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", "/tmp", "tmpfs", 0, "size=1m"))
        return 1;
    if (mkdir("/tmp/l", 0700) || mkdir("/tmp/u", 0700) || mkdir("/tmp/w", 0700) ||
        mkdir("/tmp/m", 0700))
        return 1;
    return mount("none", "/tmp/m", "overlay", 0,
                 "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w,userxattr")
               ? 2
               : 0;
}

int probe_overlay(struct doctor *d)
{
    int r = in_child(try_overlay, NULL);
    (void)snprintf(d->detail, DETAIL_MAX, "%s",
                   r == 0   ? "mounts"
                   : r == 2 ? "the kernel refuses to mount it"
                            : "could not be tried without root");
    return r == 0 ? 1 : r == 2 ? 0 : -1;
}

static int hold_userns(void *arg)
{
    int *pipe_fds = arg;
    char byte = unshare(CLONE_NEWUSER) ? 'n' : 'y';
    if (write(pipe_fds[1], &byte, 1) != 1)
        return 1;
    (void)pause(); // until killed: somebody must hold the namespace while it is opened
    return 0;
}

// A user namespace with a map of its own, as a descriptor.
static int make_userns(struct err *e)
{
    int pipe_fds[2];
    char byte = 'n', path[64];
    if (pipe2(pipe_fds, O_CLOEXEC))
        return err_sys(e, "make a pipe");
    own_fd int in = pipe_fds[0], out = pipe_fds[1];
    pid_t pid = fork();
    if (pid == 0)
        _exit(hold_userns(pipe_fds));
    if (pid < 0)
        return err_sys(e, "fork");
    fd_close(&out);
    own_fd int ns = -1;
    if (read(in, &byte, 1) == 1 && byte == 'y') {
        (void)snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)pid);
        int bad = io_write_file(AT_FDCWD, path, "0 1879048192 65536", e);
        (void)snprintf(path, sizeof(path), "/proc/%d/gid_map", (int)pid);
        bad = bad || io_write_file(AT_FDCWD, path, "0 1879048192 65536", e);
        (void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
        ns = bad ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    } else {
        (void)err_set(e, ERR_KERNEL, "no user namespace to try it with");
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0); // ours, and killed
    return fd_steal(&ns);
}

int probe_idmap(struct doctor *d)
{
    struct err e = {0};
    bool there;
    own_fd int state = host_state_look(d->cli, &there, &e), ns = state < 0 ? -1 : make_userns(&e);
    own_fd int tree = ns < 0 ? -1
                             : (int)syscall(SYS_open_tree, state, "",
                                            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0) {
        (void)snprintf(d->detail, DETAIL_MAX, "%s", e.text[0] ? e.text : "open_tree is refused");
        return -1;
    }
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)(unsigned)ns};
    int r = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr));
    (void)snprintf(d->detail, DETAIL_MAX,
                   r ? "the state directory's file system refuses: %s"
                     : "the state directory's file system has them",
                   strerrordesc_np(errno));
    return r == 0;
}

int probe_seccomp(struct doctor *d)
{
    char actions[128] = "";
    (void)read_line("/proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions));
    (void)snprintf(d->detail, DETAIL_MAX, "actions: %s", *actions ? actions : "none");
    return strstr(actions, "errno") && strstr(actions, "user_notif");
}

int probe_landlock(struct doctor *d)
{
    int abi = landlock_abi();
    (void)snprintf(d->detail, DETAIL_MAX,
                   abi > 1    ? "version %d"
                   : abi == 1 ? "version %d: sandboxes need 2"
                              : "the kernel has none",
                   abi);
    return abi > 1;
}

int probe_core_sched(struct doctor *d)
{
    unsigned long long cookie;
    bool there = !prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie);
    bool alone = !there && errno == ENODEV;
    (void)snprintf(d->detail, DETAIL_MAX, "%s",
                   there   ? "the kernel has it"
                   : alone ? "not needed: no processor here has sibling threads"
                           : "the kernel has none");
    return there || alone;
}

int probe_netfilter(struct doctor *d)
{
    own_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    (void)snprintf(d->detail, DETAIL_MAX,
                   fd < 0 ? "the kernel has none, or its module is not loaded" : "answers");
    return fd >= 0;
}

int probe_loop(struct doctor *d)
{
    own_fd int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    (void)snprintf(d->detail, DETAIL_MAX, "/dev/loop-control: %s",
                   fd < 0 ? strerrordesc_np(errno) : "opens");
    return fd >= 0 ? 1 : errno == EACCES || errno == EPERM ? -1 : 0;
}

int probe_cpu_bugs(struct doctor *d)
{
    static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
    own_dir DIR *list = opendir(dir);
    size_t at = 0;
    for (struct dirent *de; list && (de = readdir(list)) && at < DETAIL_MAX - 40;) {
        char path[320], line[64];
        (void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
        if (*de->d_name != '.' && !read_line(path, line, sizeof(line)) &&
            !strncmp(line, "Vulnerable", 10))
            at += (size_t)snprintf(d->detail + at, DETAIL_MAX - at, "%s%s",
                                   at ? ", " : "open: ", de->d_name);
    }
    if (!at)
        (void)snprintf(d->detail, DETAIL_MAX, list ? "none is open" : "the kernel does not say");
    return list ? !at : -1;
}

// --- cgroups --------------------------------------------------------------------------------

// Mount point of the first hierarchy of this type whose options hold `word` ("" for any).
static int cgroup_mount(const char *type, const char *word, char *out, size_t room)
{
    own_buf struct buf mounts;
    buf_init(&mounts, 1u << 20);
    char *save = NULL;
    if (io_read_file(AT_FDCWD, "/proc/self/mounts", &mounts, NULL))
        return -1;
    for (char *line = strtok_r(mounts.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char point[256], fs[32], options[512];
        if (sscanf(line, "%*s %255s %31s %511s", point, fs, options) != 3 || strcmp(fs, type))
            continue;
        char *word_save = NULL;
        for (char *w = strtok_r(options, ",", &word_save); w; w = strtok_r(NULL, ",", &word_save))
            if (!*word || !strcmp(w, word)) {
                (void)snprintf(out, room, "%s", point);
                return 0;
            }
    }
    return -1;
}

int probe_cgroup_v2(struct doctor *d)
{
    char point[256] = "";
    own_fd int fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
    bool mounted = !cgroup_mount("cgroup2", "", point, sizeof(point));
    (void)snprintf(d->detail, DETAIL_MAX, "%s%.150s", mounted ? "mounted at " : "",
                   mounted   ? point
                   : fs >= 0 ? "not mounted; pinfold mounts its own"
                             : "the kernel has none");
    return mounted || fs >= 0;
}

int probe_cgroup_controllers(struct doctor *d)
{
    static const char *const names[] = {"memory", "pids", "cpu"};
    char point[256] = "", path[300], v2[256] = "", lacks[64] = "";
    size_t at = 0;
    if (!cgroup_mount("cgroup2", "", point, sizeof(point))) {
        (void)snprintf(path, sizeof(path), "%s/cgroup.controllers", point);
        (void)read_line(path, v2, sizeof(v2));
    }
    for (size_t i = 0; i < N_ELEMS(names); i++) {
        const char *hit = strstr(v2, names[i]);
        bool on_v1 = !cgroup_mount("cgroup", names[i], point, sizeof(point));
        // "cpu" must not be found in "cpuset".
        bool on_v2 = hit && (hit[strlen(names[i])] == ' ' || !hit[strlen(names[i])]);
        at += (size_t)snprintf(d->detail + at, DETAIL_MAX - at, "%s%s %s", at ? ", " : "", names[i],
                               on_v1   ? "on v1"
                               : on_v2 ? "on v2"
                                       : "NOWHERE");
        if (!on_v1 && !on_v2)
            (void)snprintf(lacks, sizeof(lacks), "%s", names[i]);
    }
    return !*lacks;
}

int probe_cgroup_kill(struct doctor *d)
{
    struct utsname u;
    unsigned major = 0, minor = 0;
    if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
        return -1;
    bool there = major > 5 || (major == 5 && minor >= 14);
    (void)snprintf(d->detail, DETAIL_MAX, there ? "the kernel has it" : "the kernel is too old");
    return there;
}
