// SPDX-License-Identifier: Apache-2.0
// One connection: its two sockets, its two buffers, its timer.
#include "egress_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define ASK_MS 30000 // to say where to; not extended by single bytes

static void on_client(struct watch *w, uint32_t events);
static void on_server(struct watch *w, uint32_t events);

// --- bytes on their way -------------------------------------------------------------------------

static void make_room(struct flow *f)
{
    if (!f->data)
        f->data = xmalloc(FLOW_ROOM + FLOW_SLACK);
    if (f->at) {
        memmove(f->data, f->data + f->at, f->len);
        f->at = 0;
    }
}

int flow_read(struct flow *f, struct side *s)
{
    make_room(f);
    if (f->len >= FLOW_ROOM)
        return 0;
    size_t before = f->len;
    ssize_t n;
    do { // what TLS holds already is no event of the socket
        char *to = f->data + f->len;
        size_t room = FLOW_ROOM - f->len;
        n = s->tls ? tls_read(s->tls, to, room) : recv(s->fd, to, room, 0);
        f->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 && tls_pending(s->tls) && f->len < FLOW_ROOM);
    size_t more = f->len - before;
    f->total += more;
    if (n < 0 && !more)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        f->eof = true;
    return (int)more;
}

int flow_write(struct flow *f, struct side *s)
{
    while (f->len) {
        const char *from = f->data + f->at;
        ssize_t n =
            s->tls ? tls_write(s->tls, from, f->len) : send(s->fd, from, f->len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        f->at += (size_t)n;
        f->len -= (size_t)n;
    }
    f->at = 0;
    if (f->eof && !f->shut) {
        f->shut = true;
        tls_bye(s->tls);
        (void)shutdown(s->fd, SHUT_WR); // a peer that is gone needs no telling
    }
    return 0;
}

int flow_put(struct flow *f, const void *p, size_t n)
{
    make_room(f);
    if (n > FLOW_ROOM + FLOW_SLACK - f->len)
        return -1;
    memcpy(f->data + f->len, p, n);
    f->len += n;
    return 0;
}

void flow_drop(struct flow *f, size_t n)
{
    f->at += n;
    f->len -= n;
}

// --- the connection -----------------------------------------------------------------------------

static void begin(struct conn *c)
{
    c->phase = PHASE_ASKING;
    conn_timeout(c, ASK_MS);
    conn_arm(c);
}

static void on_who(struct who *w)
{
    begin(container_of(w, struct conn, who));
}

void conn_new(struct abox *b, int fd, enum net_socket by, const struct sockaddr_in *from)
{
    struct sockaddr_in to = {0};
    socklen_t len = sizeof(to);
    struct conn *c = xcalloc(1, sizeof(*c));
    *c = (struct conn){.box = b,
                       .loop = b->eg->loop,
                       .id = ++b->eg->next_conn,
                       .by = by,
                       .who = {.box = b},
                       .client = {.conn = c, .fd = fd},
                       .server = {.conn = c, .fd = -1}};
    if (by == NET_SOCK_DNS_TCP)
        c->speak = SPEAK_DNS;
    list_add_tail(&b->conns, &c->link);
    b->n_conns++;
    b->eg->n_conns++;
    if (!getsockname(fd, (struct sockaddr *)&to, &len) && who_ask(&c->who, from, &to, false))
        who_wait(&c->who, on_who);
    else
        begin(c);
}

void conn_hang_up(struct conn *c)
{
    loop_unwatch(&c->server.watch);
    tls_free(ptr_steal(&c->server.tls));
    fd_close(&c->server.fd);
}

void conn_free(struct conn *c)
{
    struct abox *b = c->box;
    if (c->told)
        tell_end(c);
    if (c->told && c->answer)
        tell_count(c);
    if (c->lookup)
        lookup_cancel(c->lookup);
    who_drop(&c->who);
    loop_timer_cancel(c->loop, &c->timer);
    loop_unwatch(&c->client.watch);
    tls_free(ptr_steal(&c->client.tls));
    conn_hang_up(c);
    fd_close(&c->client.fd);
    if (c->answer && c->up.data)
        crypt_wipe(c->up.data, FLOW_ROOM + FLOW_SLACK); // a secret was in it
    free(c->answer);
    free(c->up.data);
    free(c->down.data);
    list_del(&c->link);
    free(c);
    b->n_conns--;
    b->eg->n_conns--;
    box_conn_ended(b);
}

static void on_timeout(struct timer *t)
{
    struct conn *c = container_of(t, struct conn, timer);
    uint64_t idle = c->box->eg->conf.egress_idle_ms, since = clock_mono_ms() - c->used_ms;
    if (c->phase == PHASE_RELAY && since < idle)
        conn_timeout(c, idle - since);
    else if (c->phase == PHASE_CONNECTING)
        conn_dial_event(c);
    else if (c->phase == PHASE_RESOLVING)
        conn_refuse(c, NO_TIME, "the name was not resolved in time");
    else if (c->phase == PHASE_HANDSHAKE)
        conn_refuse(c, NO_TIME, "its TLS handshake took too long");
    else
        conn_free(c);
}

void conn_timeout(struct conn *c, uint64_t ms)
{
    loop_timer_set(c->loop, &c->timer, ms, on_timeout);
}

// Without anything to wait for a socket is not watched at all: an error that is already there
// would be told again and again.
static void arm(struct side *s, uint32_t events, void (*on_event)(struct watch *, uint32_t))
{
    struct err e;
    if (s->fd < 0 || !events)
        loop_unwatch(&s->watch);
    else if (s->watch.loop)
        loop_watch_events(&s->watch, events);
    else if (loop_watch(s->conn->loop, &s->watch, s->fd, events, on_event, &e))
        abort(); // only lack of memory
}

void conn_arm(struct conn *c)
{
    const struct flow *up = &c->up, *down = &c->down;
    bool reads = c->phase == PHASE_ASKING || c->phase == PHASE_RELAY || c->phase == PHASE_LINGER;
    bool room = up->len < FLOW_ROOM || c->phase == PHASE_LINGER;
    uint32_t client = (reads && !up->eof && room ? EPOLLIN : 0) | (down->len ? EPOLLOUT : 0);
    uint32_t server = 0;
    if (c->phase == PHASE_CONNECTING)
        server = EPOLLOUT;
    else if (c->phase == PHASE_OPENING)
        client = tls_wants_write(c->client.tls) ? EPOLLOUT : EPOLLIN;
    else if (c->phase == PHASE_HANDSHAKE)
        server = tls_wants_write(c->server.tls) ? EPOLLOUT : EPOLLIN;
    else if (c->phase == PHASE_RELAY)
        server = (up->len && !c->sniffing ? EPOLLOUT : 0) |
                 (!down->eof && down->len < FLOW_ROOM ? EPOLLIN : 0);
    arm(&c->client, client, on_client);
    arm(&c->server, server, on_server);
}

static void discard(struct conn *c)
{
    c->up.len = c->up.at = 0;
    int n = flow_read(&c->up, &c->client);
    if (n < 0 || c->up.eof || flow_write(&c->down, &c->client))
        conn_free(c);
    else
        conn_arm(c);
}

static void on_client(struct watch *w, uint32_t events)
{
    struct conn *c = container_of(w, struct side, watch)->conn;
    switch (c->phase) {
    case PHASE_ASKING:
        if ((events & EPOLLIN && flow_read(&c->up, &c->client) < 0) ||
            flow_write(&c->down, &c->client)) {
            conn_free(c);
            return;
        }
        conn_ask(c);
        return;
    case PHASE_OPENING:
        conn_open_event(c);
        return;
    case PHASE_RELAY:
        conn_relay_event(c, &c->client, events);
        return;
    case PHASE_LINGER:
        discard(c);
        return;
    case PHASE_WHO: // it is not watched
        return;
    case PHASE_RESOLVING:
    case PHASE_CONNECTING:
    case PHASE_HANDSHAKE:
        if (flow_write(&c->down, &c->client))
            conn_free(c);
        else
            conn_arm(c);
    }
}

static void on_server(struct watch *w, uint32_t events)
{
    struct conn *c = container_of(w, struct side, watch)->conn;
    if (c->phase == PHASE_CONNECTING)
        conn_dial_event(c);
    else if (c->phase == PHASE_HANDSHAKE)
        conn_handshake_event(c);
    else
        conn_relay_event(c, &c->server, events);
}
