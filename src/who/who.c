// SPDX-License-Identifier: Apache-2.0
// Who connected. The kernel is asked for the inode of the client's socket by its two addresses
// (sock_diag; /proc/net/tcp walks the machine's whole table, which takes milliseconds), then it is
// looked for among the descriptors of the sandbox's processes. A process that has ended, or lets nobody
// look, is not found. What is looked at is bounded: who hides behind thousands of descriptors is not
// found either, and costs nobody else anything, since init runs on its sandbox's own account.
#include <pinfold/who.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <pinfold/init_start.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define LOOKS_MAX 4096 // descriptors, some 2 us each

struct look {
    char link[32]; // "socket:[INODE]"
    unsigned left;
    uint32_t pid; // found
};
struct entry { // of getdents64
    uint64_t ino;
    int64_t off;
    unsigned short len;
    unsigned char type;
    char name[];
};

// --- the socket -----------------------------------------------------------------------------------

static void fill_id(const struct msg_who *q, struct inet_diag_sockid *id)
{
    // For datagrams the kernel has source and destination the other way round.
    bool turned = q->udp;
    id->idiag_sport = htons((uint16_t)(turned ? q->to_port : q->port));
    id->idiag_dport = htons((uint16_t)(turned ? q->port : q->to_port));
    id->idiag_src[0] = htonl(turned ? q->to_address : q->address);
    id->idiag_dst[0] = htonl(turned ? q->address : q->to_address);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
}

// 0: there is none.
static uint32_t inode_of(int diag, const struct msg_who *q)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 req;
    } ask = {
        .head = {.nlmsg_len = sizeof(ask),
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .req = {.sdiag_family = AF_INET,
                .sdiag_protocol = q->udp ? IPPROTO_UDP : IPPROTO_TCP,
                .idiag_states = ~0u},
    };
    struct {
        struct nlmsghdr head;
        struct inet_diag_msg msg;
        char attributes[512];
    } got;
    fill_id(q, &ask.req.id);
    // The answer, or the error, is there when the question was taken.
    if (send(diag, &ask, sizeof(ask), MSG_DONTWAIT) != sizeof(ask))
        return 0;
    ssize_t n = recv(diag, &got, sizeof(got), MSG_DONTWAIT);
    return n >= (ssize_t)offsetof(typeof(got), attributes) &&
                   got.head.nlmsg_type == SOCK_DIAG_BY_FAMILY
               ? got.msg.idiag_inode
               : 0;
}

// --- its holder -----------------------------------------------------------------------------------

// Calls `each` for the entries of a directory until it says true.
static bool walk(int dir, struct look *l, bool (*each)(int dir, const char *name, struct look *l))
{
    uint64_t room[256]; // aligned as the kernel's entries are
    char *buf = (char *)room;
    for (long n; (n = syscall(SYS_getdents64, dir, buf, sizeof(room))) > 0;)
        for (long at = 0; at < n;) {
            const struct entry *de = (const struct entry *)(const void *)(buf + at);
            if (de->name[0] != '.' && each(dir, de->name, l))
                return true;
            at += de->len;
        }
    return false;
}

static bool is_it(int dir, const char *name, struct look *l)
{
    char link[sizeof(l->link)];
    if (!l->left)
        return false;
    l->left--;
    ssize_t n = readlinkat(dir, name, link, sizeof(link));
    return n == (ssize_t)strlen(l->link) && !memcmp(link, l->link, (size_t)n);
}

// Init has no right to look into processes of other users but as one of them. Safe because only the
// effective ids change: nobody is owner of all three of init's then, so that none may trace it, and it
// is not dumpable at once again.
static int look_as(uid_t uid, gid_t gid)
{
    int bad = syscall(SYS_setresgid, -1, gid, -1) || syscall(SYS_setresuid, -1, uid, -1);
    return prctl(PR_SET_DUMPABLE, 0) || bad ? -1 : 0;
}

static void look_again_as_init(void)
{
    if (syscall(SYS_setresuid, -1, 0, -1) || syscall(SYS_setresgid, -1, 0, -1) ||
        prctl(PR_SET_DUMPABLE, 0))
        _exit(1); // cannot be: it is the real id
}

static bool holds(int proc, const char *name, struct look *l)
{
    char path[32];
    struct stat st;
    uint64_t pid;
    if (num_parse_u64(name, 2, INT32_MAX, &pid, NULL) || !l->left ||
        fstatat(proc, name, &st, AT_SYMLINK_NOFOLLOW))
        return false;
    (void)snprintf(path, sizeof(path), "%s/fd", name);
    bool other = st.st_uid || st.st_gid, found = false;
    if (!other || !look_as(st.st_uid, st.st_gid)) {
        own_fd int dir = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        found = dir >= 0 && walk(dir, l, is_it);
    }
    if (other)
        look_again_as_init();
    if (found)
        l->pid = (uint32_t)pid;
    return found;
}

static void find(struct who *w, uint32_t inode, struct msg_who_is *ret)
{
    struct look l = {.left = LOOKS_MAX};
    char name[32];
    (void)snprintf(l.link, sizeof(l.link), "socket:[%u]", inode);
    (void)snprintf(name, sizeof(name), "%u", w->last);
    own_fd int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // The one that was found last often asks again.
    if (proc < 0 || (!holds(proc, name, &l) && !walk(proc, &l, holds)))
        return;
    w->last = l.pid;
    who_name(l.pid, ret->name);
    ret->pid = l.pid;
}

void who_name(uint32_t pid, char ret[COMM_ROOM])
{
    char path[32];
    (void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret, COMM_ROOM - 1);
    ret[n > 0 ? n - (ret[n - 1] == '\n') : 0] = '\0';
}

void who_init(struct who *w)
{
    *w = (struct who){.fd = fcntl(INIT_FD_WHO, F_GETFD) < 0 ? -1 : INIT_FD_WHO,
                      .diag_fd = INIT_FD_DIAG};
}

void who_serve(struct who *w, struct wire_msg *m)
{
    struct msg_who_is ret = {0};
    struct err e;
    int r = wire_recv(w->fd, PEER_EGRESS, PEER_INIT, m, &e);
    if (r < 0)
        w->fd = -1; // it is not answered any more
    if (r <= 0)
        return;
    uint32_t inode = inode_of(w->diag_fd, &m->body.egress.who);
    if (inode)
        find(w, inode, &ret);
    // Who does not read the answer goes without.
    (void)wire_send(w->fd, MSG_WHO_IS, m->id, &ret, NULL, 0, &e);
    wire_release(m);
}
