// SPDX-License-Identifier: Apache-2.0
// A WebSocket to the server: libcurl's connection, and the frames of RFC 6455 over it. The server's
// messages are whole and not compressed.
#include "client_int.h"
#include "curl_int.h"

#include <errno.h>
#include <pinfold/crypt.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <poll.h>
#include <string.h>

#define MESSAGE_MAX (16u << 20)
#define HEAD_MAX 65536 // of an answer, and of a refusal's body
#define CHUNK 65536

enum { OP_MORE, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };

struct client_socket {
    const struct curl_calls *lib;
    CURL *curl;
    int fd;
    struct buf in; // what came and is no whole frame yet
    bool ended;
};

static int send_all(struct client_socket *s, const void *p, size_t n, struct err *e)
{
    for (size_t at = 0, sent = 0; at < n; at += sent) {
        CURLcode r = s->lib->easy_send(s->curl, (const char *)p + at, n - at, &sent);
        struct pollfd out = {.fd = s->fd, .events = POLLOUT};
        if (r == CURLE_AGAIN)
            (void)poll(&out, 1, -1); // an interrupted wait is tried again
        else if (r != CURLE_OK)
            return err_set(e, ERR_LOST, "the connection: %s", s->lib->easy_strerror(r));
        sent = r == CURLE_OK ? sent : 0;
    }
    return 0;
}

// What has come, without waiting. 1: something, 0: nothing now, -1: no more will.
static int receive(struct client_socket *s, struct err *e)
{
    size_t n = 0;
    char *room = buf_reserve(&s->in, CHUNK);
    if (!room)
        return err_set(e, ERR_LIMIT, "a message is larger than %u bytes", MESSAGE_MAX);
    CURLcode r = s->lib->easy_recv(s->curl, room, CHUNK, &n);
    if (r == CURLE_AGAIN)
        return 0;
    if (r != CURLE_OK || !n)
        return err_set(e, ERR_LOST, "the connection ended%s%s", r == CURLE_OK ? "" : ": ",
                       r == CURLE_OK ? "" : s->lib->easy_strerror(r));
    buf_commit(&s->in, n);
    return 1;
}

// --- the handshake --------------------------------------------------------------------------

// Of an answer that is no 101: what its body says, as far as it has come.
static int refused(struct client_socket *s, size_t head, struct err *e)
{
    char digits[4] = "";
    uint64_t status = 0;
    if (s->in.len > 12 && !strncmp(s->in.data, "HTTP/1.1 ", 9))
        memcpy(digits, s->in.data + 9, 3);
    (void)num_parse_u64(digits, 100, 999, &status, NULL); // else 0: it speaks something else
    struct pollfd in = {.fd = s->fd, .events = POLLIN};
    while (s->in.len < HEAD_MAX && poll(&in, 1, 1000) > 0 && receive(s, e) > 0)
        ;
    buf_drop_front(&s->in, head);
    return client_problem((long)status, &s->in, e);
}

static int handshake(struct client_socket *s, const char *request, struct err *e)
{
    struct pollfd in = {.fd = s->fd, .events = POLLIN};
    const char *end = NULL;
    if (send_all(s, request, strlen(request), e))
        return -1;
    while (!end) {
        int r = receive(s, e);
        if (r < 0)
            return -1;
        if (!r && poll(&in, 1, 30000) == 0)
            return err_set(e, ERR_TIMEOUT, "the server does not answer");
        end = s->in.len ? memmem(s->in.data, s->in.len, "\r\n\r\n", 4) : NULL;
        if (!end && s->in.len > HEAD_MAX)
            return err_set(e, ERR_INTERNAL, "the server's answer has no end");
    }
    size_t head = (size_t)(end + 4 - s->in.data);
    if (strncmp(s->in.data, "HTTP/1.1 101 ", 13) != 0)
        return refused(s, head, e);
    buf_drop_front(&s->in, head);
    return 0;
}

struct client_socket *client_socket(struct client *cl, const char *path, struct err *e)
{
    unsigned char raw[16];
    char key[BASE64URL_ROOM(sizeof(raw)) + 2];
    struct client_socket *s = xcalloc(1, sizeof(*s));
    curl_socket_t fd = CURL_SOCKET_BAD;
    crypt_random(raw, sizeof(raw));
    // 22 characters of the other alphabet's; the standard one differs in two, which are as good as 0.
    (void)base64url_encode(raw, sizeof(raw), key);
    for (char *p = key; *p; p++)
        *p = *p == '-' || *p == '_' ? '0' : *p;
    memcpy(key + strlen(key), "==", 3);
    own_free char *request = client_upgrade(cl, path, key);
    buf_init(&s->in, MESSAGE_MAX);
    s->lib = client_connect(cl, &s->curl, e);
    if (s->lib && s->lib->easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        s->fd = fd;
        if (!handshake(s, request, e))
            return s;
    } else if (s->lib) {
        err_set(e, ERR_INTERNAL, "this libcurl gives no connection");
    }
    client_socket_free(s);
    return NULL;
}

void client_socket_free(struct client_socket *s)
{
    if (!s)
        return;
    buf_release(&s->in);
    free(s); // the connection is the client's
}

int client_socket_fd(const struct client_socket *s)
{
    return s->fd;
}

// --- messages -------------------------------------------------------------------------------

static int send_frame(struct client_socket *s, int op, const void *p, size_t n, struct err *e)
{
    unsigned char mask[4], head[14] = {0x80 | (unsigned char)op};
    size_t at = 2;
    own_buf struct buf b;
    buf_init(&b, MESSAGE_MAX);
    crypt_random(mask, sizeof(mask));
    head[1] = 0x80 | (unsigned char)(n < 126 ? n : n < 65536 ? 126 : 127);
    for (int shift = n < 126 ? -8 : n < 65536 ? 8 : 56; shift >= 0; shift -= 8)
        head[at++] = (unsigned char)(n >> shift);
    memcpy(head + at, mask, sizeof(mask));
    (void)buf_append(&b, head, at + sizeof(mask));
    for (size_t i = 0; i < n; i++)
        (void)buf_putc(&b, (char)(((const unsigned char *)p)[i] ^ mask[i % 4]));
    return b.overflow ? err_set(e, ERR_LIMIT, "a message is larger than %u bytes", MESSAGE_MAX)
                      : send_all(s, b.data, b.len, e);
}

int client_socket_send(struct client_socket *s, bool text, const void *p, size_t n, struct err *e)
{
    return send_frame(s, text ? OP_TEXT : OP_BINARY, p, n, e);
}

// The frame at the front. 0: it is not whole yet.
static size_t frame(const struct buf *in, int *ret_op, struct client_message *ret)
{
    const unsigned char *p = (const unsigned char *)in->data;
    size_t head = 2, n;
    if (in->len < 2)
        return 0;
    unsigned bytes = (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
    if (in->len < head + bytes)
        return 0;
    n = bytes ? 0 : p[1] & 127;
    for (unsigned i = 0; i < bytes; i++)
        n = n << 8 | p[head + i];
    head += bytes;
    if (n > MESSAGE_MAX || in->len < head + n)
        return n > MESSAGE_MAX ? SIZE_MAX : 0;
    *ret_op = p[0] & 15;
    *ret = (struct client_message){.text = *ret_op == OP_TEXT, .p = in->data + head, .n = n};
    return head + n;
}

int client_socket_read(struct client_socket *s, void (*on_message)(void *, struct client_message *),
                       void *arg, struct err *e)
{
    struct client_message m;
    int r = 1, op = 0;
    while (r > 0 && !s->ended) {
        size_t n;
        while (!s->ended && (n = frame(&s->in, &op, &m))) {
            if (n == SIZE_MAX)
                return err_set(e, ERR_LIMIT, "a message is larger than %u bytes", MESSAGE_MAX);
            if (op == OP_PING && send_frame(s, OP_PONG, m.p, m.n, e))
                return -1;
            if (op == OP_TEXT || op == OP_BINARY)
                on_message(arg, &m);
            s->ended = op == OP_CLOSE;
            buf_drop_front(&s->in, n);
        }
        if (!s->ended && (r = receive(s, e)) < 0)
            return -1;
    }
    return s->ended;
}
