// SPDX-License-Identifier: Apache-2.0
// A whole connection, as a stranger's bytes: an even first byte puts them behind an upgrade, as frames
// of a WebSocket, an odd one has them be HTTP. Messages come whole, bounded and, as text, as UTF-8;
// nothing of a connection is left when its client has gone.
#include "../../src/http/http_int.h"

#include <pinfold/http_ws.h>
#include <pinfold/own.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TURNS_MAX 10000

static struct http_server *srv;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_len = sizeof(sa_family_t); // the kernel chooses a name

static bool is_utf8(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        unsigned char c = p[i++];
        unsigned more = c < 0x80   ? 0
                        : c < 0xc2 ? 9
                        : c < 0xe0 ? 1
                        : c < 0xf0 ? 2
                        : c < 0xf5 ? 3
                                   : 9;
        if (more > n - i)
            return false;
        while (more--)
            if ((p[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static void on_message(struct http_ws *ws, void *arg, bool text, const void *p, size_t n)
{
    (void)arg;
    if (n > HTTP_WS_MESSAGE_MAX || (text && !is_utf8(p, n)))
        abort();
    if (n && *(const char *)p == 'c')
        http_ws_pause(ws, true);
    if (!http_ws_full(ws))
        http_ws_send(ws, text, p, n);
    http_ws_pause(ws, false);
}
static void on_gone(struct http_ws *ws, void *arg, unsigned code)
{
    (void)arg, (void)code;
    http_ws_close(ws, 1000, "");
}
static void talk(struct http_req *r)
{
    static const struct http_ws_ops ops = {.on_message = on_message, .on_gone = on_gone};
    (void)http_ws_accept(r, NULL, &ops, NULL);
}
static void echo(struct http_req *r)
{
    http_reply(r, 200, "text/plain", r->body, r->body_len);
}
static void refuse(struct http_req *r, const struct http_refusal *why)
{
    http_reply(r, why->status, "text/plain", why->code, strlen(why->code));
}

static void start(void)
{
    static const struct http_route routes[] = {
        {.method = HTTP_GET, .pattern = "/ws", .flags = HTTP_WEBSOCKET, .handle = talk, .doc = "-"},
        {.method = HTTP_POST, .pattern = "/e/*", .max_body = 4096, .handle = echo, .doc = "-"},
    };
    static const struct http_api api = {
        .name = "t", .base = "", .routes = routes, .n_routes = N_ELEMS(routes), .refuse = refuse};
    struct http_limits limits;
    struct err e;
    http_limits_init(&limits);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, address_len) || listen(fd, 16))
        abort();
    address_len = sizeof(address);
    struct loop *l = loop_new(&e);
    if (!l || getsockname(fd, (struct sockaddr *)&address, &address_len) ||
        !(srv = http_server_new(l, &limits, &e)) || http_server_mount(srv, &api, "", &e) ||
        http_server_listen(srv, fd, "t", NULL, &e))
        abort();
}

static void turn(void)
{
    (void)h2o_evloop_run(srv->h2o.loop, 0);
    srv->turn++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char upgrade[] =
        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char in[65536];
    if (!srv)
        start();
    if (!size || size > 64000) // it fits the socket's buffer
        return 0;
    own_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, address_len))
        abort();
    if (!(data[0] & 1))
        (void)send(fd, upgrade, sizeof(upgrade) - 1, MSG_NOSIGNAL);
    (void)send(fd, data + 1, size - 1, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    for (unsigned i = 0; i < 64; i++) {
        turn();
        while (recv(fd, in, sizeof(in), MSG_DONTWAIT) > 0)
            ;
    }
    fd_close(&fd);
    for (unsigned i = 0; srv->counters.connections || srv->counters.websockets; i++) {
        turn();
        if (i == TURNS_MAX)
            abort();
    }
    return 0;
}
