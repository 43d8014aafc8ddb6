// SPDX-License-Identifier: Apache-2.0
// Who holds how many connections. When there are as many as there may be, the oldest idle one of
// the address that has most makes room for the next: somebody who opens connections and says
// nothing keeps nobody else out.
#include "http_int.h"

#include <arpa/inet.h>
#include <pinfold/clock.h>
#include <string.h>

struct peer {
    struct list conns; // oldest first
    unsigned n;
    char key[40];
};

// One IPv4 address, or the network of an IPv6 one, which is what a customer gets.
static void key_of(h2o_socket_t *sock, char out[40])
{
    struct sockaddr_storage sa;
    const unsigned char *a6 = ((struct sockaddr_in6 *)&sa)->sin6_addr.s6_addr;
    socklen_t len = h2o_socket_getpeername(sock, (struct sockaddr *)&sa);
    (void)snprintf(out, 40, "local");
    if (!len || (sa.ss_family != AF_INET && sa.ss_family != AF_INET6))
        return;
    if (sa.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((struct sockaddr_in *)&sa)->sin_addr, out, 40);
    else if (IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&sa)->sin6_addr))
        (void)inet_ntop(AF_INET, a6 + 12, out, 40);
    else
        (void)snprintf(out, 40, "%02x%02x:%02x%02x:%02x%02x:%02x%02x/64", a6[0], a6[1], a6[2],
                       a6[3], a6[4], a6[5], a6[6], a6[7]);
}

bool crowd_full(struct http_server *s, h2o_socket_t *sock)
{
    char key[40];
    key_of(sock, key);
    const struct peer *p = map_get(s->peers, key);
    return s->limits.connections_per_address && p && strcmp(key, "local") &&
           p->n >= s->limits.connections_per_address;
}

void crowd_join(struct conn *c)
{
    char key[40];
    key_of(c->sock, key);
    struct peer *p = map_get(c->server->peers, key);
    if (!p) {
        p = xcalloc(1, sizeof(*p));
        list_init(&p->conns);
        memcpy(p->key, key, sizeof(key));
        (void)map_put(c->server->peers, key, p);
    }
    c->peer = p;
    p->n++;
    list_add_tail(&p->conns, &c->peer_link);
}

void crowd_leave(struct conn *c)
{
    struct peer *p = c->peer;
    list_del(&c->peer_link);
    if (--p->n)
        return;
    (void)map_del(c->server->peers, p->key);
    free(p);
}

// The oldest of its connections that carries no request (one that is still arriving is none yet),
// and has not since that moment.
static struct conn *oldest_idle(const struct peer *p, uint64_t since_ms)
{
    list_for (it, &p->conns) {
        struct conn *c = container_of(it, struct conn, peer_link);
        if (!c->open && !c->upgraded && c->quiet_ms <= since_ms)
            return c;
    }
    return NULL;
}

bool crowd_make_room(struct http_server *s)
{
    uint64_t since_ms = clock_mono_ms() - CROWD_QUIET_MS;
    struct conn *victim = NULL;
    unsigned most = 0;
    size_t cursor = 0;
    if (s->making_room)
        return true; // one at a time: the next is asked for when this one is gone
    for (struct peer *p; (p = map_next(s->peers, &cursor, NULL));)
        if (p->n > most && oldest_idle(p, since_ms)) {
            victim = oldest_idle(p, since_ms);
            most = p->n;
        }
    if (!victim)
        return false;
    s->making_room = victim;
    s->counters.evicted++;
    (void)shutdown(h2o_socket_get_fd(victim->sock), SHUT_RDWR); // its next read ends it
    return true;
}
