// SPDX-License-Identifier: Apache-2.0
// Sandboxes outlive the process that started them. Each has a record, an extended attribute of its
// group, which goes with the group and costs no disk; a new launcher takes up those whose init is proved to be the same process (start time, and member
// of the group that was made for it), and removes what is left of all others.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/proc.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// In the attribute as it is: only launchers of this machine write and read it. What changes here
// changes VERSION, and a launcher that meets another one ends the box.
#define VERSION 1u
struct record {
    uint32_t version, uid_base;
    uint64_t start;
    pid_t pid;
    struct limits limits;
    char profile[NAME_MAX_LEN + 1], address[48], dir[ID_MAX];
};

int box_record(const struct box *b, struct err *e)
{
    struct record r = {.version = VERSION,
                       .uid_base = b->uid_base,
                       .start = proc_start_time(b->pid),
                       .pid = b->pid,
                       .limits = *groups_limits(b->groups)};
    (void)snprintf(r.profile, sizeof(r.profile), "%s", b->profile);
    (void)snprintf(r.address, sizeof(r.address), "%s", b->address);
    (void)snprintf(r.dir, sizeof(r.dir), "%s", b->dir);
    return groups_record(b->groups, &r, sizeof(r), e);
}

void box_rest(struct box *b)
{
    groups_rest(b->groups);
}

static bool read_record(struct box_host *h, const char *id, struct box *b, struct record *r)
{
    *b = (struct box){.pidfd = -1, .control_fd = -1};
    if (strlen(id) >= sizeof(b->id) || !cgroups_record(h->cgroups, id, r, sizeof(*r)) ||
        r->version != VERSION || r->pid < 2)
        return false;
    b->pid = r->pid;
    b->uid_base = r->uid_base;
    (void)snprintf(b->id, sizeof(b->id), "%s", id);
    (void)snprintf(b->profile, sizeof(b->profile), "%s", r->profile);
    (void)snprintf(b->address, sizeof(b->address), "%s", r->address);
    (void)snprintf(b->dir, sizeof(b->dir), "%s", r->dir);
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
        b->adopted = b->listens = true;
        if (!b->dir[0] || !disk_reopen(h, b->dir, b->pid))
            return true;
    }
    groups_remove(ptr_steal(&b->groups));
    fd_close(&b->pidfd);
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

// Safe as above; and of such sockets at these numbers init has no others.
size_t box_net_fds(const struct box *b, int fds[NET_SOCK_N])
{
    int domain = 0;
    socklen_t len = sizeof(domain);
    for (unsigned i = 0; b->listens && i < NET_SOCK_N; i++) {
        fds[i] = (int)syscall(SYS_pidfd_getfd, b->pidfd, INIT_FD_NET + i, 0); // close-on-exec
        if (fds[i] >= 0 && !getsockopt(fds[i], SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
            domain == (i == NET_SOCK_WHO ? AF_UNIX : AF_INET))
            continue;
        fd_close(&fds[i]);
        if (i == NET_SOCK_WHO) // of an earlier version
            return i;
        while (i-- > 0)
            fd_close(&fds[i]);
        return 0;
    }
    return b->listens ? NET_SOCK_N : 0;
}

int box_recover(struct box_host *h, void (*on_box)(void *arg, const struct box *b), void *arg,
                struct err *e)
{
    own_dir DIR *d = cgroups_list(h->cgroups);
    if (!d)
        return err_sys(e, "list the groups of boxes");
    for (struct dirent *de; (de = readdir(d));) {
        struct box b;
        if (de->d_type != DT_DIR || de->d_name[0] == '.' || !adopt(h, de->d_name, &b))
            continue;
        cgroups_keep(h->cgroups, de->d_name);
        on_box(arg, &b);
    }
    cgroups_remove_leftovers(h->cgroups);
    net_sweep(h->conf.id_ranges); // after those are dead whose namespaces may hold a pair
    return box_trash_empty(h, e);
}
