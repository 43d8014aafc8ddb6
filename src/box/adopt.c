// SPDX-License-Identifier: Apache-2.0
// Sandboxes outlive the process that started them. Each has a record in the state directory; a
// new launcher takes up those whose init is proved to be the same process (start time, and member
// of the group that was made for it), and removes what is left of all others.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/proc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

int box_record(struct box_host *h, const struct box *b, struct err *e)
{
    char text[512];
    const struct limits *l = groups_limits(b->groups);
    int n =
        snprintf(text, sizeof(text),
                 "pid=%d\nstart=%llu\nuid_base=%u\nprofile=%s\naddress=%s\ndir=%s\n"
                 "memory=%llu\npids=%u\ncpu=%u\n",
                 (int)b->pid, (unsigned long long)proc_start_time(b->pid), b->uid_base, b->profile,
                 b->address, b->dir, (unsigned long long)l->memory_bytes, l->pids, l->cpu_percent);
    own_fd int fd = io_open_beneath(h->boxes_fd, b->id, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    // Not synced: after a power loss no sandbox is left to be taken up.
    return fd < 0 || io_write_full(fd, text, (size_t)n) ? err_sys(e, "record box %s", b->id) : 0;
}

void box_forget(struct box_host *h, const char *id)
{
    (void)unlinkat(h->boxes_fd, id, 0); // never recorded is fine
}

static bool value_of(const char *text, const char *key, char *out, size_t room)
{
    size_t n = strlen(key);
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += !!at)
        if (!strncmp(at, key, n) && at[n] == '=') {
            size_t len = strcspn(at + n + 1, "\n");
            if (len >= room)
                return false;
            memcpy(out, at + n + 1, len);
            out[len] = '\0';
            return true;
        }
    return false;
}

static bool number_of(const char *text, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
    char word[24];
    return value_of(text, key, word, sizeof(word)) && !num_parse_u64(word, min, max, ret, NULL);
}

struct record {
    struct limits limits;
    uint64_t start;
};

static bool read_record(struct box_host *h, const char *id, struct box *b, struct record *r)
{
    own_buf struct buf text;
    uint64_t pid, uid, memory, pids, cpu;
    buf_init(&text, 4096);
    *b = (struct box){.pidfd = -1, .control_fd = -1, .cgroup_fd = -1};
    if (strlen(id) >= sizeof(b->id) || io_read_file(h->boxes_fd, id, &text, NULL) ||
        !value_of(text.data, "profile", b->profile, sizeof(b->profile)) ||
        !value_of(text.data, "address", b->address, sizeof(b->address)) ||
        !value_of(text.data, "dir", b->dir, sizeof(b->dir)) ||
        !number_of(text.data, "pid", 2, INT32_MAX, &pid) ||
        !number_of(text.data, "start", 1, UINT64_MAX, &r->start) ||
        !number_of(text.data, "uid_base", 1, UINT32_MAX, &uid) ||
        !number_of(text.data, "memory", 0, UINT64_MAX, &memory) ||
        !number_of(text.data, "pids", 0, UINT32_MAX, &pids) ||
        !number_of(text.data, "cpu", 0, UINT32_MAX, &cpu))
        return false;
    (void)snprintf(b->id, sizeof(b->id), "%s", id);
    b->pid = (pid_t)pid;
    b->uid_base = (uint32_t)uid;
    r->limits = (struct limits){
        .memory_bytes = memory, .pids = (uint32_t)pids, .cpu_percent = (uint32_t)cpu};
    return true;
}

static bool adopt(struct box_host *h, const char *id, struct box *b)
{
    struct record r;
    if (!read_record(h, id, b, &r))
        return false;
    // The pidfd first: what is proved after it holds for the process it names.
    b->pidfd = (int)syscall(SYS_pidfd_open, b->pid, 0);
    if (b->pidfd >= 0 && proc_start_time(b->pid) == r.start &&
        (b->groups = groups_reopen(h->cgroups, id, b->pid, &r.limits))) {
        b->cgroup_fd = fcntl(groups_v2_fd(b->groups), F_DUPFD_CLOEXEC, 3);
        b->adopted = true;
        if (!b->dir[0] || !disk_reopen(h, b->dir, b->pid))
            return true;
    }
    groups_remove(ptr_steal(&b->groups));
    fd_close(&b->pidfd);
    fd_close(&b->cgroup_fd);
    return false;
}

// Safe because the pidfd names an init that is proved to be ours; without a server it has one there.
int box_control(const struct box *b)
{
    int type = 0;
    socklen_t len = sizeof(type);
    own_fd int fd = (int)syscall(SYS_pidfd_getfd, b->pidfd, INIT_FD_SPARE, 0); // close-on-exec
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)
        return -1;
    return fd_steal(&fd);
}

int box_recover(struct box_host *h, void (*on_box)(void *arg, const struct box *b), void *arg,
                struct err *e)
{
    int fd = openat(h->boxes_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the records of boxes");
    for (struct dirent *de; (de = readdir(d));) {
        struct box b;
        if (de->d_name[0] == '.')
            continue;
        if (adopt(h, de->d_name, &b)) {
            cgroups_keep(h->cgroups, de->d_name);
            on_box(arg, &b);
        } else
            box_forget(h, de->d_name);
    }
    cgroups_remove_leftovers(h->cgroups);
    return box_trash_empty(h, e);
}
