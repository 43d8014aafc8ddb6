// SPDX-License-Identifier: Apache-2.0
// The only user of c-ares: names to addresses over our loop. Names are taken as they are, without
// search domains and aliases; /etc/hosts counts.
#include "egress_int.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>

#define SOCKETS_MAX 64 // c-ares uses one or two a server
#define TIMEOUT_MS 3000
#define TRIES 3

struct resolver {
    struct loop *loop;
    ares_channel channel;
    struct timer timer;
    struct query_socket {
        struct watch watch;
        struct resolver *r;
    } sockets[SOCKETS_MAX];
};
struct lookup {
    struct post post; // its end is told from the loop, never from within lookup_start
    struct loop *loop;
    void (*done)(void *arg, const struct address *a, unsigned n, const char *why);
    void *arg;
    bool cancelled;
    struct address addresses[ADDRESSES_MAX];
    unsigned n;
    const char *why;
};

static void set_timer(struct resolver *r);

static void on_socket(struct watch *w, uint32_t events)
{
    struct resolver *r = container_of(w, struct query_socket, watch)->r;
    int fd = w->fd; // the call may close it
    ares_process_fd(r->channel, events & ~(unsigned)EPOLLOUT ? fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
    set_timer(r);
}

static void on_timer(struct timer *t)
{
    struct resolver *r = container_of(t, struct resolver, timer);
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(r);
}

static void set_timer(struct resolver *r)
{
    struct timeval tv, *t = ares_timeout(r->channel, NULL, &tv);
    if (t)
        loop_timer_set(r->loop, &r->timer,
                       (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_usec / 1000 + 1, on_timer);
    else
        loop_timer_cancel(r->loop, &r->timer);
}

static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = arg;
    struct query_socket *s = NULL, *unused = NULL;
    struct err e;
    for (unsigned i = 0; i < SOCKETS_MAX; i++) {
        struct query_socket *q = &r->sockets[i];
        if (q->watch.loop && q->watch.fd == fd)
            s = q;
        else if (!q->watch.loop)
            unused = q;
    }
    uint32_t events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);
    if (s && events)
        loop_watch_events(&s->watch, events);
    else if (s)
        loop_unwatch(&s->watch);
    else if (events && unused)
        (void)loop_watch(r->loop, &unused->watch, fd, events, on_socket, &e); // else it times out
}

struct resolver *resolver_new(struct loop *l, const char *name_servers, struct err *e)
{
    struct resolver *r = xcalloc(1, sizeof(*r));
    r->loop = l;
    for (unsigned i = 0; i < SOCKETS_MAX; i++)
        r->sockets[i].r = r;
    struct ares_options o = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
                             .timeout = TIMEOUT_MS,
                             .tries = TRIES,
                             .ndomains = 0,
                             .lookups = (char[]){"fb"},
                             .sock_state_cb = on_state,
                             .sock_state_cb_data = r};
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (!rc)
        rc = ares_init_options(&r->channel, &o,
                               ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
    own_free char *list = xstrdup(name_servers);
    for (char *at = list; *at; at++) // blanks between, as the setting has them
        *at = *at == ' ' ? ',' : *at;
    if (!rc && *list)
        rc = ares_set_servers_csv(r->channel, list);
    if (!rc)
        return r;
    err_set(e, ERR_INTERNAL, "the resolver: %s", ares_strerror(rc));
    resolver_free(r);
    return NULL;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    if (r->channel)
        ares_destroy(r->channel);
    loop_timer_cancel(r->loop, &r->timer);
    ares_library_cleanup();
    free(r);
}

static void on_post(struct post *p)
{
    struct lookup *l = container_of(p, struct lookup, post);
    if (!l->cancelled)
        l->done(l->arg, l->addresses, l->n, l->why);
    free(l);
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *all)
{
    struct lookup *l = arg;
    (void)timeouts;
    l->why = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND
                 ? "the name has no address"
                 : "the name cannot be resolved now";
    for (struct ares_addrinfo_node *n = all ? all->nodes : NULL; n && l->n < ADDRESSES_MAX;
         n = n->ai_next) {
        if (n->ai_family == AF_INET)
            address_from4(&l->addresses[l->n++],
                          &((const struct sockaddr_in *)(const void *)n->ai_addr)->sin_addr);
        else if (n->ai_family == AF_INET6)
            address_from6(&l->addresses[l->n++],
                          &((const struct sockaddr_in6 *)(const void *)n->ai_addr)->sin6_addr);
    }
    if (all)
        ares_freeaddrinfo(all);
    l->post.on_post = on_post;
    loop_post(l->loop, &l->post);
}

struct lookup *lookup_start(struct resolver *r, const char *name,
                            void (*done)(void *arg, const struct address *a, unsigned n,
                                         const char *why),
                            void *arg)
{
    struct lookup *l = xcalloc(1, sizeof(*l));
    const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    l->loop = r->loop;
    l->done = done;
    l->arg = arg;
    ares_getaddrinfo(r->channel, name, NULL, &hints, on_addresses, l);
    set_timer(r);
    return l;
}

void lookup_cancel(struct lookup *l)
{
    l->cancelled = true;
}
