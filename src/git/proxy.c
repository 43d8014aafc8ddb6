// SPDX-License-Identifier: Apache-2.0
// The way out of a box that has no other: the proxy on its own loopback, which decides by the rules
// of the workspace that the operation is for. It carries bytes: TLS is between us and the server.
#include "git_int.h"

#include <errno.h>
#include <pinfold/own.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MAX 4096
#define ANSWER_MS 60000 // the proxy has limits of its own for names and connections, below this

static int send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL); // a few bytes: they fit a new socket
        if (w < 0 && errno != EINTR)
            return -1;
        p += w > 0 ? w : 0;
        n -= w > 0 ? (size_t)w : 0;
    }
    return 0;
}

// One byte at a time: what follows the head is the server's. 1 a byte, 0 the end, -1.
static int read_byte(int fd, char *ret)
{
    for (;;) {
        ssize_t n = recv(fd, ret, 1, 0);
        if (n >= 0)
            return (int)n;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (errno != EINTR && (errno != EAGAIN || poll(&p, 1, ANSWER_MS) <= 0))
            return -1;
    }
}

// Up to `until`, or the end where that is NULL; its length or -1.
static int read_until(int fd, const char *until, char ret[ANSWER_MAX])
{
    size_t n = 0, tail = until ? strlen(until) : 0;
    int r = 1;
    while (n < ANSWER_MAX - 1 && (r = read_byte(fd, ret + n)) > 0)
        if (++n >= tail && until && !memcmp(ret + n - tail, until, tail))
            break;
    ret[n] = '\0';
    return r < 0 || (until && r == 0) ? -1 : (int)n;
}

// The proxy says why in a line for a person: "pinfold: this sandbox cannot reach ...".
static int refused(int fd, int status, const char *host, const char *port, struct err *e)
{
    char text[ANSWER_MAX];
    enum err_code code = status == 403 ? ERR_DENIED : status == 504 ? ERR_TIMEOUT : ERR_BUSY;
    if (read_until(fd, NULL, text) < 0)
        text[0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    const char *why = strstr(text, host);
    why = why ? strstr(why, ": ") : NULL;
    return err_set(e, code, "%s%.80s port %s%s%.80s",
                   status == 403 ? "the network's rules do not allow " : "no connection to ", host,
                   port, why ? "" : ": the proxy refuses", why ? why : "");
}

int proxy_connect(int fd, const char *host, const char *port, struct err *e)
{
    char text[ANSWER_MAX];
    bool six = strchr(host, ':') != NULL;
    int n = snprintf(text, sizeof(text), "CONNECT %s%s%s:%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n\r\n",
                     six ? "[" : "", host, six ? "]" : "", port, six ? "[" : "", host,
                     six ? "]" : "", port);
    int status = 0;
    if (send_all(fd, text, (size_t)n) || read_until(fd, "\r\n\r\n", text) < 0 ||
        sscanf(text, "HTTP/1.1 %3d ", &status) != 1)
        return err_set(e, ERR_BUSY, "the sandbox's proxy does not answer");
    return status == 200 ? 0 : refused(fd, status, host, port, e);
}
