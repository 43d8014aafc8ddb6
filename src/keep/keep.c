// SPDX-License-Identifier: Apache-2.0
#include <pinfold/keep.h>

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM_MS 1000 // for a server to read on while it is told what there is

static struct kept *find(struct keep *k, uint64_t exec)
{
    for (unsigned i = 0; i < k->top; i++)
        if (k->all[i].exec == exec)
            return &k->all[i];
    return NULL;
}

bool keep_has(const struct keep *k, uint64_t exec)
{
    for (unsigned i = 0; i < k->top; i++)
        if (k->all[i].exec == exec)
            return true;
    return false;
}

static void forget(struct keep *k, struct kept *x)
{
    for (unsigned i = 0; i < N_ELEMS(x->fds); i++)
        fd_close(&x->fds[i]);
    x->exec = 0;
    while (k->top && !k->all[k->top - 1].exec)
        k->top--;
}

static struct kept *place(struct keep *k)
{
    struct kept *x = find(k, 0);
    if (x)
        return x;
    if (k->top < KEPT_MAX)
        return &k->all[k->top++];
    for (unsigned i = 0; i < KEPT_MAX; i++)
        if (k->all[i].ended) { // a server that has forgotten it itself
            forget(k, &k->all[i]);
            return place(k);
        }
    return NULL;
}

void keep_begin(struct keep *k, struct wire_msg *m, const struct msg_exec_started *s, int master)
{
    const struct msg_exec *e = &m->body.exec;
    if (!e->tag[0] || e->n_kept > 3 || e->n_kept > m->n_fds)
        return;
    struct kept *x = place(k);
    if (!x)
        return;
    *x = (struct kept){
        .exec = e->exec,
        .fds = {-1, -1, -1},
        .tty = master >= 0,
        .ended = !s->pid,
        .started_ns = clock_mono_ns(),
        .kill_reason = END_N,
        .start = *s,
    };
    memcpy(x->tag, e->tag, sizeof(x->tag));
    if (x->tty)
        x->fds[0] = fcntl(master, F_DUPFD_CLOEXEC, 3);
    for (unsigned i = 0; !x->tty && i < e->n_kept; i++)
        x->fds[i] = wire_take_fd(m, m->n_fds - e->n_kept + i);
}

static void keep_late(struct keep *k, struct wire_msg *m)
{
    const struct msg_exec_is *e = &m->body.exec_is;
    struct kept *x = e->exec && e->tag[0] && !find(k, e->exec) ? place(k) : NULL;
    if (!x)
        return;
    *x = (struct kept){
        .exec = e->exec,
        .fds = {-1, -1, -1},
        .started_ns = e->started_ns,
        .kill_reason = END_N,
        .start = {.exec = e->exec},
    };
    memcpy(x->tag, e->tag, sizeof(x->tag));
    for (unsigned i = 0; i < m->n_fds && i < N_ELEMS(x->fds); i++)
        x->fds[i] = wire_take_fd(m, i);
}

void keep_end(struct keep *k, struct msg_exec_exited *m)
{
    struct kept *x = find(k, m->exec);
    if (!x)
        return;
    m->ended_ns = clock_mono_ns();
    x->end = *m;
    x->ended = true;
}

// --- telling the server ---------------------------------------------------------------------

static void tell(const struct keep *k, enum wire_type type, uint64_t id, const void *body,
                 const int *fds, size_t n)
{
    struct err e;
    struct pollfd pfd = {.fd = k->control, .events = POLLOUT};
    while (wire_send(k->control, type, id, body, fds, n, &e) && e.code == ERR_BUSY &&
           poll(&pfd, 1, ROOM_MS) > 0)
        continue;
}

static void tell_one(const struct keep *k, const struct kept *x, uint64_t id)
{
    struct msg_exec_is is = {
        .exec = x->exec,
        .started_ns = x->started_ns,
        .kill_reason = x->kill_reason,
        .tty = x->tty,
        .code = x->start.code,
    };
    memcpy(is.tag, x->tag, sizeof(is.tag));
    memcpy(is.text, x->start.text, sizeof(is.text));
    size_t n = 0;
    while (n < N_ELEMS(x->fds) && x->fds[n] >= 0)
        n++;
    tell(k, MSG_EXEC_IS, id, &is, x->fds, n);
    if (x->ended && !is.code)
        tell(k, MSG_EXEC_EXITED, 0, &x->end, NULL, 0);
}

static void list(const struct keep *k, uint64_t id)
{
    struct msg_done done = {.code = ERR_NONE};
    for (unsigned i = 0; i < k->top; i++)
        if (k->all[i].exec)
            tell_one(k, &k->all[i], id);
    tell(k, MSG_DONE, id, &done, NULL, 0);
}

// --- the socket -----------------------------------------------------------------------------

int keep_wait(struct keep *k)
{
    int pair[2];
    if (!k->linger_ms ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return -1;
    own_fd int ours = pair[0], theirs = pair[1];
    if (dup3(ours, k->control, O_CLOEXEC) < 0 || dup3(theirs, k->spare, O_CLOEXEC) < 0)
        return -1;
    k->waiting_ms = clock_mono_ms() + k->linger_ms;
    return 0;
}

// Nothing is there yet, but the number is taken: what is opened next would get it, and a launcher
// looks at it.
static void cover(struct keep *k)
{
    (void)dup3(STDIN_FILENO, k->spare, O_CLOEXEC); // both are good numbers: cannot fail
}

void keep_init(struct keep *k, int control, int spare, uint32_t linger_ms)
{
    k->control = control;
    k->spare = spare;
    k->linger_ms = linger_ms;
    cover(k);
}

// Somebody speaks: its copy of the other end becomes the only one, so that its end is seen.
static void found(struct keep *k)
{
    k->waiting_ms = 0;
    cover(k);
}

int keep_patience(const struct keep *k)
{
    uint64_t now = k->waiting_ms ? clock_mono_ms() : 0;
    if (!k->waiting_ms)
        return -1;
    return k->waiting_ms > now ? (int)(k->waiting_ms - now) : 0;
}

void keep_handle(struct keep *k, struct wire_msg *m)
{
    const struct msg_exec_kill *kill = &m->body.exec_kill;
    const struct msg_exec_forget *f = &m->body.exec_forget;
    struct kept *x;
    if (k->waiting_ms)
        found(k);
    switch (m->row->type) {
    case MSG_EXEC_LIST:
        list(k, m->id);
        return;
    case MSG_EXEC_KILL:
        x = kill->whole && kill->exec ? find(k, kill->exec) : NULL;
        if (x && x->kill_reason == END_N)
            x->kill_reason = kill->reason;
        return;
    case MSG_EXEC_KEEP:
        keep_late(k, m);
        return;
    case MSG_EXEC_FORGET:
        x = f->exec ? find(k, f->exec) : NULL;
        if (x && f->only_stdin)
            fd_close(&x->fds[2]);
        else if (x)
            forget(k, x);
        return;
    default:
        return;
    }
}
