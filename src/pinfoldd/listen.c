// SPDX-License-Identifier: Apache-2.0
// Listening sockets, opened by root once and kept over restarts of the server, so that no
// connection is refused meanwhile.
#include "pinfoldd_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t fill(union address *a, const char *host, uint16_t port)
{
    *a = (union address){0};
    if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(port);
        return sizeof(a->v4);
    }
    (void)inet_pton(AF_INET6, host, &a->v6.sin6_addr); // conf_parse_address has checked it
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(port);
    return sizeof(a->v6);
}

static int open_one(const char *spec, union address *ret, struct err *e)
{
    char host[64];
    uint16_t port;
    if (conf_parse_address(spec, host, &port, e))
        return -1;
    socklen_t len = fill(ret, host, port);
    own_fd int fd = socket(ret->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
        return err_sys(e, "make a socket for %s", spec);
    if (ret->any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)); // [::] means IPv6 only
    if (bind(fd, &ret->any, len) || listen(fd, 1024))
        return err_sys(e, "listen on %s", spec);
    if (getsockname(fd, &ret->any, &len)) // port 0: the kernel chose one
        return err_sys(e, "name the socket of %s", spec);
    return fd_steal(&fd);
}

static void write_url(char *to, size_t room, const union address *a, bool tls)
{
    char host[INET6_ADDRSTRLEN] = "";
    bool six = a->any.sa_family == AF_INET6;
    const void *from = six ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr;
    (void)inet_ntop(a->any.sa_family, from, host, sizeof(host)); // the room is large enough
    (void)snprintf(to, room, "%s://%s%s%s:%u", tls ? "https" : "http", six ? "[" : "", host,
                   six ? "]" : "", ntohs(six ? a->v6.sin6_port : a->v4.sin_port));
}

int listen_open(struct super *s, struct err *e)
{
    own_free char *copy = xstrdup(s->conf.listen);
    char *rest = copy, *word;
    while (keyfile_word(&rest, &word, e) > 0) {
        union address a;
        if (s->n_listen == LISTEN_MAX)
            return err_set(e, ERR_LIMIT, "Listen= names more than %d addresses", LISTEN_MAX);
        int fd = open_one(word, &a, e);
        if (fd < 0)
            return -1;
        if (!s->n_listen)
            write_url(s->url, sizeof(s->url), &a, s->conf.tls_key.text);
        s->listen_fds[s->n_listen++] = fd;
    }
    s->conf.listen_sockets = s->n_listen;
    return 0;
}
