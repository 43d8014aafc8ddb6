// SPDX-License-Identifier: Apache-2.0
// From a name that is allowed to a connection: resolve, leave out the addresses that may not be,
// try the others in turn. The address that was checked is the one that is dialled.
#include "egress_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/socket.h>

#define RESOLVE_MS 20000
#define CONNECT_MS 10000 // for one address

union where {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t fill(union where *w, const struct address *a, uint16_t port)
{
    memset(w, 0, sizeof(*w));
    if (!a->six) {
        w->v4.sin_family = AF_INET;
        w->v4.sin_port = htons(port);
        memcpy(&w->v4.sin_addr, a->bytes, 4);
        return sizeof(w->v4);
    }
    w->v6.sin6_family = AF_INET6;
    w->v6.sin6_port = htons(port);
    memcpy(&w->v6.sin6_addr, a->bytes, 16);
    return sizeof(w->v6);
}

static struct address read_back(const union where *w)
{
    struct address a;
    if (w->any.sa_family == AF_INET)
        address_from4(&a, &w->v4.sin_addr);
    else
        address_from6(&a, &w->v6.sin6_addr);
    return a;
}

static bool is_named(const struct conn *c)
{
    return policy_match(&c->box->named, &c->name, c->port);
}

static bool allowed(const struct conn *c, const struct address *a)
{
    return policy_address_ok(&c->box->eg->private_list, &c->name, a, c->port) ||
           (is_named(c) && address_near(a));
}

// Is that an address of this machine itself? Then the kernel has taken it for both ends. What
// listens here (this server's own API) is no sandbox's to reach, on a public address neither.
static bool is_own(int fd, struct address *ret)
{
    union where here, there;
    socklen_t n = sizeof(here), m = sizeof(there);
    if (getsockname(fd, &here.any, &n) || getpeername(fd, &there.any, &m))
        return true;
    struct address a = read_back(&here);
    *ret = read_back(&there);
    return a.six == ret->six && !memcmp(a.bytes, ret->bytes, sizeof(a.bytes));
}

static void refuse_address(struct conn *c, const char *word)
{
    tell_refused(&c->who, &c->name, c->port, "private_address");
    conn_refuse(c, NO_ADDRESS, "it lies at a %s address, which AllowPrivate= does not list", word);
}

static void try_next(struct conn *c, int sys)
{
    union where w;
    while (c->at_address < c->n_addresses) {
        const struct address *a = &c->addresses[c->at_address++];
        socklen_t len = fill(&w, a, c->port);
        int on = 1, fd = socket(w.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || !allowed(c, a)) {
            sys = fd < 0 ? errno : EACCES;
            fd_close(&fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); // slower without, no worse
        if (connect(fd, &w.any, len) && errno != EINPROGRESS) {
            sys = errno;
            fd_close(&fd);
            continue;
        }
        c->server.fd = fd;
        c->phase = PHASE_CONNECTING;
        conn_timeout(c, CONNECT_MS);
        conn_arm(c);
        return;
    }
    conn_refuse(c, sys == ETIMEDOUT ? NO_TIME : NO_ANSWER, "%s", strerrordesc_np(sys));
}

void conn_dial_event(struct conn *c)
{
    int sys = 0;
    socklen_t len = sizeof(sys);
    struct address there;
    union where peer;
    socklen_t peer_len = sizeof(peer);
    bool connected = !getpeername(c->server.fd, &peer.any, &peer_len);
    if (!connected && !getsockopt(c->server.fd, SOL_SOCKET, SO_ERROR, &sys, &len) && !sys)
        sys = ETIMEDOUT; // the timer's call
    if (!connected) {
        conn_hang_up(c);
        try_next(c, sys);
        return;
    }
    // Once more what it really is connected to.
    bool own = is_own(c->server.fd, &there);
    if (!allowed(c, &there) ||
        (own && !is_named(c) && !policy_match(&c->box->eg->private_list, &c->name, c->port) &&
         !policy_address_ok(&c->box->eg->private_list, &(struct host){.numeric = true}, &there,
                            c->port))) {
        refuse_address(c, own ? "local" : "private");
        return;
    }
    tell_allowed(c);
    c->told = true;
    if (!c->by_tls) {
        conn_relay(c);
        return;
    }
    c->server.tls = tls_new(c->box->eg->tls, c->server.fd, &c->name);
    c->phase = PHASE_HANDSHAKE;
    conn_timeout(c, CONNECT_MS);
    conn_handshake_event(c);
}

void conn_handshake_event(struct conn *c)
{
    struct err e = {0};
    int r = tls_handshake(c->server.tls, &e);
    if (r < 0)
        conn_refuse(c, NO_ANSWER, "%s", e.text);
    else if (r)
        conn_relay(c);
    else
        conn_arm(c);
}

static void on_resolved(void *arg, const struct address *a, unsigned n, const char *why)
{
    struct conn *c = arg;
    const char *word = NULL;
    c->lookup = NULL;
    for (unsigned i = 0; i < n && c->n_addresses < ADDRESSES_MAX; i++) {
        if (allowed(c, &a[i]))
            c->addresses[c->n_addresses++] = a[i];
        else
            word = address_class(&a[i]);
    }
    if (c->n_addresses)
        try_next(c, 0);
    else if (n)
        refuse_address(c, word ? word : "private");
    else
        conn_refuse(c, NO_NAME, "%s", why);
}

void conn_dial(struct conn *c)
{
    if (c->name.numeric) {
        if (!allowed(c, &c->name.address)) {
            const char *word = address_class(&c->name.address);
            refuse_address(c, word ? word : "numeric");
            return;
        }
        c->addresses[c->n_addresses++] = c->name.address;
        try_next(c, 0);
        return;
    }
    c->phase = PHASE_RESOLVING;
    conn_timeout(c, RESOLVE_MS);
    c->lookup = lookup_start(c->box->eg->resolver, c->name.text, on_resolved, c);
    conn_arm(c);
}
