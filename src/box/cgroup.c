// SPDX-License-Identifier: Apache-2.0
// Where the host's cgroups are. v2 is always used to clone into and to kill (any kernel we run on
// has it, mounted or not); memory, pids and cpu are taken from v2 or, on hybrid and v1 hosts, from
// their v1 hierarchies. Groups are made under the group this process is in, never at the root of a
// hierarchy above it, so that limits an administrator set for us hold for the sandboxes too.
#include "cgroup_int.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <poll.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

const char *const controller_names[CTL_N] = {"memory", "pids", "cpu"};

// Is word one of the comma-separated words of list?
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0' || at[n] == '\n'))
            return true;
    return false;
}

// The mount point of the v1 hierarchy with this controller, or of cgroup2 (NULL controller).
static bool find_mount(const char *mountinfo, const char *ctl, char *out, size_t room)
{
    own_free char *copy = xstrdup(mountinfo);
    char *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char point[256], type[32], super[512];
        const char *dash = strstr(line, " - ");
        if (!dash || sscanf(line, "%*s %*s %*s %*s %255s", point) != 1 ||
            sscanf(dash, " - %31s %*s %511s", type, super) != 2)
            continue;
        bool hit = ctl ? !strcmp(type, "cgroup") && has_word(super, ctl) : !strcmp(type, "cgroup2");
        if (hit) {
            (void)snprintf(out, room, "%s", point);
            return true;
        }
    }
    return false;
}

// Our own path in a hierarchy, from /proc/self/cgroup ("0::/path" for v2).
static bool find_path(const char *self, const char *ctl, char *out, size_t room)
{
    own_free char *copy = xstrdup(self);
    char *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        list++;
        if (ctl ? has_word(list, ctl) : !*list) {
            (void)snprintf(out, room, ".%s", path);
            return true;
        }
    }
    return false;
}

static int open_v2_root(const char *mountinfo, struct err *e)
{
    char point[256];
    int fd;
    if (find_mount(mountinfo, NULL, point, sizeof(point)))
        fd = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    else {
        // Not mounted by the host: a detached mount of our own shows the same hierarchy.
        own_fd int fs = fsopen("cgroup2", FSOPEN_CLOEXEC);
        fd = fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
                 ? -1
                 : fsmount(fs, FSMOUNT_CLOEXEC, 0);
    }
    return fd < 0 ? err_sys(e, "open the unified cgroup hierarchy") : fd;
}

int group_child(int at, const char *name, struct err *e)
{
    if (mkdirat(at, name, 0755) && errno != EEXIST)
        return err_sys(e, "make cgroup %s", name);
    int fd = io_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? err_sys(e, "open cgroup %s", name) : fd;
}

// v2 hands a controller down only from a group that holds no process. When ours does (a systemd
// service with Delegate=), its processes move to a leaf beside the boxes first.
static int make_room(int own_fd_, struct err *e)
{
    own_fd int leaf = group_child(own_fd_, "daemon", e);
    own_buf struct buf pids;
    buf_init(&pids, 1u << 20);
    if (leaf < 0 || io_read_file(own_fd_, "cgroup.procs", &pids, e))
        return -1;
    char *save = NULL;
    for (char *pid = strtok_r(pids.data, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
        if (io_write_file(leaf, "cgroup.procs", pid, e) && e->sys != ESRCH)
            return err_wrap(e, "move process %s to the leaf group", pid);
    return 0;
}

static int hand_down(int fd, const struct cgroups *c, struct err *e)
{
    for (int i = 0; i < CTL_N; i++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "+%s", controller_names[i]);
        if (c->on_v2[i] && io_write_file(fd, "cgroup.subtree_control", word, e))
            return -1;
    }
    return 0;
}

static int open_v2(struct cgroups *c, const char *group, const char *mountinfo, const char *self,
                   struct err *e)
{
    char path[512], have[256] = "";
    own_fd int root = open_v2_root(mountinfo, e);
    if (root < 0)
        return -1;
    if (!find_path(self, NULL, path, sizeof(path)))
        (void)snprintf(path, sizeof(path), ".");
    own_fd int own = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return err_sys(e, "open our cgroup %s", path);
    own_buf struct buf b;
    buf_init(&b, sizeof(have) - 1);
    if (io_read_file(own, "cgroup.controllers", &b, e))
        return -1;
    for (size_t i = 0; i < b.len; i++)
        have[i] = isspace((unsigned char)b.data[i]) ? ',' : b.data[i];
    for (int i = 0; i < CTL_N; i++)
        c->on_v2[i] = c->v1_fd[i] < 0 && has_word(have, controller_names[i]);
    if (hand_down(own, c, e) && (e->sys != EBUSY || make_room(own, e) || hand_down(own, c, e)))
        return err_wrap(e, "hand cgroup controllers down");
    c->v2_fd = group_child(own, group, e);
    return c->v2_fd < 0 ? -1 : hand_down(c->v2_fd, c, e);
}

static int open_v1(struct cgroups *c, const char *group, const char *mountinfo, const char *self,
                   struct err *e)
{
    for (int i = 0; i < CTL_N; i++) {
        char point[256], path[512];
        if (!find_mount(mountinfo, controller_names[i], point, sizeof(point)) ||
            !find_path(self, controller_names[i], path, sizeof(path)))
            continue;
        own_fd int root = open(point, O_PATH | O_DIRECTORY | O_CLOEXEC);
        own_fd int own = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0 || own < 0)
            return err_sys(e, "open our %s cgroup", controller_names[i]);
        if ((c->v1_fd[i] = group_child(own, group, e)) < 0)
            return -1;
    }
    return 0;
}

// The next directory below fd that is not . or .., into name; false at the end.
static bool next_group(DIR *d, char *name, size_t room)
{
    for (struct dirent *de; (de = readdir(d));)
        if (de->d_type == DT_DIR && de->d_name[0] != '.') {
            (void)snprintf(name, room, "%s", de->d_name);
            return true;
        }
    return false;
}

void group_remove_tree(int at, const char *name)
{
    if (!unlinkat(at, name, AT_REMOVEDIR) || errno == ENOENT)
        return;
    int fd = io_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    char sub[256];
    // Groups nest three deep at most: box, delegated, exec.
    while (d && next_group(d, sub, sizeof(sub))) {
        int below = io_open_beneath(fd, sub, O_RDONLY | O_DIRECTORY, 0);
        own_dir DIR *d2 = below < 0 ? NULL : fdopendir(below);
        char leaf[256];
        while (d2 && next_group(d2, leaf, sizeof(leaf)))
            (void)unlinkat(below, leaf, AT_REMOVEDIR);
        (void)unlinkat(fd, sub, AT_REMOVEDIR);
    }
    (void)unlinkat(at, name, AT_REMOVEDIR); // what could not go now goes at the next start
}

// Kill what an earlier life left and wait until the kernel says it is empty, five seconds at most.
static void end_leftover(int at, const char *name)
{
    own_fd int fd = io_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0);
    own_fd int events = fd < 0 ? -1 : openat(fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    if (events < 0)
        return;
    (void)io_write_file(fd, "cgroup.kill", "1", NULL);
    uint64_t end = clock_mono_ms() + 5000;
    while (group_key(fd, "cgroup.events", "populated") && clock_mono_ms() < end) {
        struct pollfd pfd = {.fd = events, .events = POLLPRI};
        (void)poll(&pfd, 1, 100);
    }
}

DIR *cgroups_list(const struct cgroups *c)
{
    int fd = openat(c->v2_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? NULL : fdopendir(fd);
}

void cgroups_keep(struct cgroups *c, const char *id)
{
    (void)map_put(c->keep, id, c);
}

// First everything is ended, through v2; then the empty groups go from all hierarchies.
void cgroups_remove_leftovers(struct cgroups *c)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = -1; i < CTL_N; i++) {
            int at = i < 0 ? c->v2_fd : c->v1_fd[i];
            int dup_fd = at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            own_dir DIR *d = dup_fd < 0 ? NULL : fdopendir(dup_fd);
            char name[256];
            while (d && next_group(d, name, sizeof(name))) {
                if (map_get(c->keep, name))
                    continue;
                if (pass == 0 && i < 0)
                    end_leftover(at, name);
                else if (pass == 1)
                    group_remove_tree(at, name);
            }
        }
}

// May others be about to use it still? Its time is when it was made, as long as its maker has it open.
static bool is_old(int at, const char *name)
{
    struct stat sb;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return !fstatat(at, name, &sb, AT_SYMLINK_NOFOLLOW) &&
           now.tv_sec - sb.st_ctim.tv_sec > BOX_START_MS / 1000;
}

void cgroups_remove_empty(struct cgroups *c)
{
    for (int i = -1; i < CTL_N; i++) {
        int at = i < 0 ? c->v2_fd : c->v1_fd[i];
        int dup_fd = at < 0 ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        own_dir DIR *d = dup_fd < 0 ? NULL : fdopendir(dup_fd);
        char name[256];
        while (d && next_group(d, name, sizeof(name))) {
            // In v1 a group goes after its twin in v2, which alone says what is in it.
            own_fd int v2 = io_open_beneath(c->v2_fd, name, O_RDONLY | O_DIRECTORY, 0);
            bool used = v2 >= 0 && (i >= 0 || group_key(v2, "cgroup.events", "populated"));
            if (!used && is_old(at, name))
                group_remove_tree(at, name);
        }
    }
}

struct cgroups *cgroups_open(const char *group, struct err *e)
{
    own_buf struct buf mounts;
    own_buf struct buf self;
    buf_init(&mounts, 4u << 20);
    buf_init(&self, 64u << 10);
    if (io_read_file(AT_FDCWD, "/proc/self/mountinfo", &mounts, e) ||
        io_read_file(AT_FDCWD, "/proc/self/cgroup", &self, e))
        return NULL;
    struct cgroups *c = xcalloc(1, sizeof(*c));
    c->v2_fd = -1;
    c->keep = map_new();
    for (int i = 0; i < CTL_N; i++)
        c->v1_fd[i] = -1;
    if (open_v1(c, group, mounts.data, self.data, e) ||
        open_v2(c, group, mounts.data, self.data, e)) {
        cgroups_free(c);
        return NULL;
    }
    bool v1 = false, v2 = false;
    for (int i = 0; i < CTL_N; i++) {
        v1 |= c->v1_fd[i] >= 0;
        v2 |= c->on_v2[i];
        if (c->v1_fd[i] < 0 && !c->on_v2[i]) {
            err_set(e, ERR_KERNEL, "no cgroup hierarchy offers the %s controller to us",
                    controller_names[i]);
            cgroups_free(c);
            return NULL; // a limit that cannot be kept is an error, never a silence
        }
    }
    (void)snprintf(c->kind, sizeof(c->kind), "%s", v1 && v2 ? "mixed" : v1 ? "hybrid" : "v2");
    return c;
}

void cgroups_leave(struct cgroups *c, const char *group)
{
    for (int i = -1; i < CTL_N; i++) {
        int at = i < 0 ? c->v2_fd : c->v1_fd[i];
        own_fd int up = at < 0 ? -1 : openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up >= 0)
            (void)unlinkat(up, group, AT_REMOVEDIR); // refused while anything is in it
    }
}

void cgroups_free(struct cgroups *c)
{
    if (!c)
        return;
    fd_close(&c->v2_fd);
    for (int i = 0; i < CTL_N; i++)
        fd_close(&c->v1_fd[i]);
    map_free(c->keep);
    free(c);
}

const char *cgroups_kind(const struct cgroups *c)
{
    return c->kind;
}
