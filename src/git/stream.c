// SPDX-License-Identifier: Apache-2.0
// Every connection of the library goes through here (https as well: TLS is put on top of it), so
// that time, bytes and places are in our hands: libgit2 1.5 has no network timeouts, cannot limit
// a list of references, and would carry credentials along a redirect to another port.
#include "git_int.h"

#include <errno.h>
#include <git2/sys/stream.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_MS 15000
// A server that packs a large repository sends a sign of life every few seconds.
#define SILENCE_MS 120000

struct link {
    git_stream parent;
    char host[REPO_HOST_MAX];
    char port[8];
    int fd;
};

// The library's constructor of streams has no argument for context.
static struct {
    struct stream_rules rules;
    uint16_t proxy_port;
    uint64_t received, limit;
    const char *limit_name;
    struct err failure;
} net;

static int failed(enum err_code code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int failed(enum err_code code, const char *fmt, ...)
{
    char text[sizeof(net.failure.text)];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); // cut at the size on purpose
    va_end(ap);
    (void)git_error_set_str(GIT_ERROR_NET, text);
    return err_set(&net.failure, code, "%s", text);
}

// Milliseconds until the descriptor is ready; 0 once it is, -1 when it did not get ready.
static int wait_ready(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int r;
    do
        r = poll(&p, 1, ms);
    while (r < 0 && errno == EINTR);
    return r > 0 ? 0 : -1;
}

// No repository lies there, but a cloud's metadata service does, whatever name leads to it.
static bool is_link_local(const struct sockaddr *a)
{
    const unsigned char *four = (const unsigned char *)&((const struct sockaddr_in *)a)->sin_addr;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)a)->sin6_addr;
    if (a->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
        four = six->s6_addr + 12;
    else if (a->sa_family == AF_INET6)
        return IN6_IS_ADDR_LINKLOCAL(six);
    return four[0] == 169 && four[1] == 254;
}

static int connect_one(const struct addrinfo *a)
{
    if (is_link_local(a->ai_addr)) {
        errno = EACCES;
        return -1;
    }
    own_fd int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    int broken = 0;
    socklen_t len = sizeof(broken);
    if (fd < 0)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return -1;
        if (wait_ready(fd, POLLOUT, CONNECT_MS) < 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &broken, &len) < 0 || broken) {
            errno = broken ? broken : errno;
            return -1;
        }
    }
    return fd_steal(&fd);
}

static int link_by_proxy(struct link *l)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(net.proxy_port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct addrinfo at = {
        .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&a, .ai_addrlen = sizeof(a)};
    struct err e = {0};
    l->fd = connect_one(&at);
    if (l->fd < 0)
        return failed(ERR_BUSY, "the sandbox's proxy is not there: %s", strerrordesc_np(errno));
    if (proxy_connect(l->fd, l->host, l->port, &e))
        return failed(e.code, "%s", e.text);
    return 0;
}

static int link_connect(git_stream *s)
{
    struct link *l = (struct link *)s;
    if (net.proxy_port)
        return link_by_proxy(l);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *list = NULL;
    int r = getaddrinfo(l->host, l->port, &hints, &list);
    if (r != 0)
        return failed(r == EAI_NONAME ? ERR_NOT_FOUND : ERR_BUSY,
                      "the host %.80s has no address: %s", l->host, gai_strerror(r));
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *a = list; a && l->fd < 0; a = a->ai_next)
        l->fd = connect_one(a);
    int sys = errno;
    freeaddrinfo(list);
    if (l->fd < 0)
        return failed(ERR_BUSY, "no connection to %.80s port %s: %s", l->host, l->port,
                      strerrordesc_np(sys));
    return 0;
}

static int count(size_t n)
{
    net.received += n;
    if (net.received > net.limit)
        return failed(ERR_LIMIT,
                      "the repository is over its limit: more than %" PRIu64 " bytes of %s",
                      net.limit, net.limit_name);
    return 0;
}

static ssize_t link_read(git_stream *s, void *p, size_t len)
{
    struct link *l = (struct link *)s;
    for (;;) {
        ssize_t n = recv(l->fd, p, len, 0);
        if (n >= 0)
            return count((size_t)n) < 0 ? -1 : n;
        if (errno != EAGAIN && errno != EINTR)
            return failed(ERR_BUSY, "the connection to %.80s broke: %s", l->host,
                          strerrordesc_np(errno));
        if (wait_ready(l->fd, POLLIN, SILENCE_MS) < 0)
            return failed(ERR_TIMEOUT, "%.80s sent nothing for %d seconds", l->host,
                          SILENCE_MS / 1000);
    }
}

static ssize_t link_write(git_stream *s, const char *p, size_t len, int flags)
{
    struct link *l = (struct link *)s;
    (void)flags;
    for (;;) {
        ssize_t n = send(l->fd, p, len, MSG_NOSIGNAL);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR)
            return failed(ERR_BUSY, "the connection to %.80s broke: %s", l->host,
                          strerrordesc_np(errno));
        if (wait_ready(l->fd, POLLOUT, SILENCE_MS) < 0)
            return failed(ERR_TIMEOUT, "%.80s read nothing for %d seconds", l->host,
                          SILENCE_MS / 1000);
    }
}

static int link_close(git_stream *s)
{
    fd_close(&((struct link *)s)->fd);
    return 0;
}

static void link_free(git_stream *s)
{
    (void)link_close(s);
    free(s);
}

// May we connect there while credentials are on board? http may become https on its own host.
static bool allowed(const char *host, const char *port)
{
    const struct repo_url *only = net.rules.only;
    uint64_t number;
    if (!only)
        return true;
    if (strcasecmp(only->host, host) != 0 || num_parse_u64(port, 1, 65535, &number, NULL) < 0)
        return false;
    return number == only->port || (only->scheme == REPO_HTTP && only->port == 80 && number == 443);
}

static int link_new(git_stream **ret, const char *host, const char *port)
{
    if (!allowed(host, port))
        return failed(ERR_DENIED,
                      "the server redirects to %.80s port %.5s, where the credentials do not "
                      "belong: use the repository's new URL",
                      host, port);
    if (strlen(host) >= REPO_HOST_MAX || strlen(port) >= sizeof(((struct link *)0)->port))
        return failed(ERR_BAD_REQUEST, "a host name or port is too long");
    struct link *l = xcalloc(1, sizeof(*l));
    memcpy(l->host, host, strlen(host));
    memcpy(l->port, port, strlen(port));
    l->fd = -1;
    l->parent.version = GIT_STREAM_VERSION;
    l->parent.connect = link_connect;
    l->parent.read = link_read;
    l->parent.write = link_write;
    l->parent.close = link_close;
    l->parent.free = link_free;
    *ret = &l->parent;
    return 0;
}

int stream_start(uint16_t proxy_port, struct err *e)
{
    net.proxy_port = proxy_port;
    git_stream_registration r = {.version = GIT_STREAM_VERSION, .init = link_new};
    if (git_stream_register(GIT_STREAM_STANDARD, &r) < 0)
        return err_set(e, ERR_INTERNAL, "the library takes no stream");
    return 0;
}

void stream_set(const struct stream_rules *rules)
{
    net.rules = *rules;
    net.failure.code = ERR_NONE;
}

void stream_limit(uint64_t bytes, const char *what)
{
    net.received = 0;
    net.limit = bytes;
    net.limit_name = what;
}

uint64_t stream_received(void)
{
    return net.received;
}

const struct err *stream_failure(void)
{
    return net.failure.code == ERR_NONE ? NULL : &net.failure;
}
