// SPDX-License-Identifier: Apache-2.0
// The server over real loopback sockets: the server's loop on the main thread, a blocking client
// on another one, which also prints the results.
#include "../../../src/http/http_int.h"
#include <tap.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <stdatomic.h>

static struct http_server *srv;
static struct loop *loop;
static uint16_t port;
static atomic_int gone, ended, stream_pauses, ws_gone;
static atomic_ullong produced;

// --- the served API -------------------------------------------------------------------------

static void hello(struct http_req *r)
{
    http_set_header(r, "x-evil", "a\r\nx-injected: 1");
    http_reply(r, 200, "text/plain", "hi", 2);
}
static void echo(struct http_req *r)
{
    struct buf b;
    buf_init(&b, 10000);
    const char *q = http_query(r, "q");
    (void)buf_printf(&b, "%s|%s|%s|%s|%s", r->path, r->params[0], r->params[1], q ? q : "-",
                     http_token(r));
    http_reply_take(r, 200, "text/plain", &b);
}
static void body(struct http_req *r)
{
    http_reply(r, 201, "application/octet-stream", r->body, r->body_len);
}
static void empty(struct http_req *r)
{
    http_reply_empty(r, 204);
}

struct late {
    struct timer t;
    struct http_req *r;
};
static void on_late(struct timer *t)
{
    struct late *l = container_of(t, struct late, t);
    http_reply(l->r, 200, "text/plain", "late", 4);
    free(l);
    ended++;
}
static void late(struct http_req *r)
{
    struct late *l = xcalloc(1, sizeof(*l));
    l->r = r;
    loop_timer_set(loop, &l->t, 30, on_late);
}
static void on_gone(struct http_req *r)
{
    gone++;
    http_reply_empty(r, 200);
}
static void never(struct http_req *r)
{
    r->on_gone = on_gone;
}
static void drop(struct http_req *r)
{
    http_drop(r);
}

// Writes `n` bytes as fast as the client takes them.
static void produce(struct http_req *r)
{
    static const char piece[16 * 1024] = {0};
    uint64_t *left = r->user;
    while (*left) {
        if (http_stream_full(r)) {
            stream_pauses++;
            return;
        }
        size_t n = *left < sizeof(piece) ? *left : sizeof(piece);
        http_stream_write(r, piece, n);
        *left -= n;
        produced += n;
    }
    free(left);
    r->user = NULL;
    http_stream_end(r);
    ended++;
}
static void stream_gone(struct http_req *r)
{
    gone++;
    free(r->user);
    http_stream_end(r);
}
static const struct http_stream_ops stream_ops = {.on_writable = produce};
static void stream(struct http_req *r)
{
    uint64_t *left = xmalloc(sizeof(*left));
    *left = strtoull(http_query(r, "n"), NULL, 10);
    r->user = left;
    r->on_gone = stream_gone;
    if (!http_stream_begin(r, 200, HTTP_BYTES, NULL, &stream_ops)) {
        free(left);
        return;
    }
    produce(r);
}
static void sized(struct http_req *r)
{
    http_stream_length(r, 5);
    if (!http_stream_begin(r, 200, HTTP_BYTES, "text/plain", NULL))
        return;
    http_stream_write(r, "12345", http_query(r, "short") ? 3 : 5);
    http_stream_end(r);
}
static void idle_gone(struct http_req *r)
{
    gone++;
    http_stream_end(r);
}
static void idle_stop(struct http_req *r)
{
    struct buf *b = http_event_begin(r, "error", NULL);
    (void)buf_puts(b, "{\"event\":\"error\"}");
    http_event_end(r);
    http_stream_end(r);
}
static const struct http_stream_ops idle_ops = {.on_stop = idle_stop};
static void events(struct http_req *r)
{
    r->on_gone = idle_gone;
    if (!http_stream_begin(r, 200, http_wants(r), NULL, &idle_ops))
        return;
    http_stream_heartbeat(r, 40);
    for (int i = 0; i < 2; i++) {
        struct buf *b = http_event_begin(r, "tick", i ? "7" : NULL);
        (void)buf_puts(b, "{\"event\":\"tick\"}");
        http_event_end(r);
    }
    if (http_query(r, "end"))
        http_stream_end(r);
    else if (http_query(r, "cut"))
        http_stream_cut(r);
}

static void ws_message(struct http_ws *ws, void *arg, bool text, const void *p, size_t n)
{
    (void)arg;
    if (text && n == 4 && !memcmp(p, "last", 4)) {
        http_ws_send(ws, true, "word", 4);
        http_ws_close(ws, 4001, "");
    } else if (text && n == 3 && !memcmp(p, "bye", 3))
        http_ws_close(ws, 4000, "you said bye");
    else
        http_ws_send(ws, text, p, n);
}
static void ws_is_gone(struct http_ws *ws, void *arg, unsigned code)
{
    (void)arg;
    ws_gone = (int)code;
    http_ws_close(ws, 1000, "");
}
static void ws(struct http_req *r)
{
    static const struct http_ws_ops ops = {.on_message = ws_message, .on_gone = ws_is_gone};
    (void)http_ws_accept(r, NULL, &ops, NULL);
}

static bool gate(struct http_req *r)
{
    if (r->route->flags & HTTP_PUBLIC || !strcmp(http_token(r), "secret"))
        return true;
    http_reply(r, 401, "text/plain", "who?", 4);
    return false;
}
static void refuse(struct http_req *r, const struct http_refusal *why)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "code=%s limit=%s value=%llu", why->code,
                     why->limit ? why->limit : "-", (unsigned long long)why->limit_value);
    http_reply(r, why->status, "text/plain", text, (size_t)n);
}
static const struct http_route routes[] = {
    {.method = HTTP_GET, .pattern = "/t/hello", .flags = HTTP_PUBLIC, .handle = hello},
    {.method = HTTP_GET, .pattern = "/t/echo/{x}/*", .handle = echo},
    {.method = HTTP_POST,
     .pattern = "/t/body",
     .flags = HTTP_PUBLIC,
     .max_body = 10,
     .handle = body},
    {.method = HTTP_DELETE, .pattern = "/t/body", .flags = HTTP_PUBLIC, .handle = empty},
    {.method = HTTP_GET, .pattern = "/t/late", .flags = HTTP_PUBLIC, .handle = late},
    {.method = HTTP_GET, .pattern = "/t/never", .flags = HTTP_PUBLIC, .handle = never},
    {.method = HTTP_GET, .pattern = "/t/drop", .flags = HTTP_PUBLIC, .handle = drop},
    {.method = HTTP_GET, .pattern = "/t/stream", .flags = HTTP_PUBLIC, .handle = stream},
    {.method = HTTP_GET, .pattern = "/t/sized", .flags = HTTP_PUBLIC, .handle = sized},
    {.method = HTTP_GET, .pattern = "/t/events", .flags = HTTP_PUBLIC, .handle = events},
    {.method = HTTP_GET, .pattern = "/t/ws", .flags = HTTP_PUBLIC | HTTP_WEBSOCKET, .handle = ws},
};
static const struct http_api api = {.name = "t",
                                    .base = "/t",
                                    .routes = routes,
                                    .n_routes = N_ELEMS(routes),
                                    .gate = gate,
                                    .refuse = refuse};

// --- the client -----------------------------------------------------------------------------

static char answer[1 << 20];
static size_t answer_len;

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 10};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
        abort();
    return fd;
}
static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}
// Read until `mark` stands in the answer, or the end.
static void hear(int fd, const char *mark)
{
    answer_len = 0;
    answer[0] = '\0';
    while (answer_len + 1 < sizeof(answer)) {
        ssize_t n = read(fd, answer + answer_len, sizeof(answer) - 1 - answer_len);
        if (n <= 0)
            return;
        answer_len += (size_t)n;
        answer[answer_len] = '\0';
        if (mark && strstr(answer, mark))
            return;
    }
}
static const char *ask(const char *request)
{
    int fd = dial();
    say(fd, request);
    hear(fd, NULL);
    (void)close(fd);
    return answer;
}
static void wants(const char *request, const char *want, const char *what)
{
    if (!ok(strstr(ask(request), want) != NULL, "%s", what))
        printf("# got: %.300s\n", answer);
}
// Wait for the server's thread to have seen something.
static bool comes(atomic_int *what, int value)
{
    for (int i = 0; i < 5000 && *what != value; i++)
        (void)usleep(1000);
    return *what == value;
}
#define END " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

static void plain(void)
{
    wants("GET /t/hello" END, "\r\n\r\nhi", "a request is answered");
    ok(strstr(answer, "x-request-id: req_") != NULL, "it has an id");
    ok(!strstr(answer, "h2o"), "the library is not named");
    ok(strstr(answer, "\nx-injected") == NULL, "a line break in a header value is dropped");
    wants("GET /t/hello HTTP/1.1\r\nHost: h\r\nX-Request-Id: my-id.1\r\nConnection: close\r\n\r\n",
          "x-request-id: my-id.1", "the client's request id is kept");
    wants("GET /t/hello HTTP/1.1\r\nHost: h\r\nX-Request-Id: a b\r\nConnection: close\r\n\r\n",
          "x-request-id: req_", "a strange one is not");
    wants("HEAD /t/hello" END, "Content-Length: 2\r\n", "HEAD has the length");
    ok(!strstr(answer, "\r\n\r\nhi"), "and no body");
    wants("GET /t/echo/a%20b/c/d?q=1%2B1 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n"
          "Connection: close\r\n\r\n",
          "/t/echo/a%20b/c/d|a b|c/d|1+1|secret", "path, query and token are decoded");
    wants("GET /t/echo/a/c HTTP/1.1\r\nX-Api-Key: secret\r\nConnection: close\r\n\r\n", "|secret",
          "X-API-Key is a token too");
    wants("GET /t/echo/a/c" END, "401", "without one the gate refuses");
    wants("GET /t/late" END, "late", "a late answer");
    wants("GET /t/drop" END, "", "a dropped request");
    is_int((int)answer_len, 0, "has no answer");
    wants("GET /t/hello HTTP/1.1\r\nHost: h\r\n\r\nGET /t/late HTTP/1.1\r\n\r\nGET /t/hello" END,
          "late", "pipelined requests");
    ok(strstr(strstr(answer, "late"), "\r\n\r\nhi") != NULL, "are answered in order");
    wants("DELETE /t/body" END, "204 No Content", "an answer without a body");
    ok(!strcasestr(answer, "content-length") && !strcasestr(answer, "chunked"), "says no length");
}

static void bad(void)
{
    wants("GET /t/none" END, "404 Not Found", "an unknown path");
    ok(strstr(answer, "code=no_such_route") != NULL, "in the API's words");
    wants("GET /elsewhere" END, "code=no_such_route", "a path of no API");
    wants("PUT /t/body" END, "405 Method", "a method without a row");
    ok(strstr(answer, "allow: POST, DELETE, OPTIONS") != NULL, "names the allowed ones");
    wants("OPTIONS /t/hello" END, "allow: GET, HEAD, OPTIONS", "OPTIONS");
    wants("BREW /t/hello" END, "501", "an unknown method");
    wants("GET /t/%2e%2e/x" END, "400 Bad", "dots");
    wants("GET /t/a%2fb" END, "400 Bad", "an encoded slash");
    wants("GET /t/hello?x=%zz" END, "400 Bad", "a broken query");
    wants("OPTIONS *" END, "400 Bad", "a star");
    wants("POST /t/body HTTP/1.1\r\nContent-Length: 11\r\nConnection: close\r\n\r\n01234567890",
          "413 Content Too Large", "a body over the route's limit");
    ok(strstr(answer, "limit=max_body value=10") != NULL, "names the limit");
    wants("POST /t/body HTTP/1.1\r\nContent-Length: 1048577\r\nConnection: close\r\n\r\n", "413 ",
          "a body over the server's limit is refused at once");
    ok(strstr(answer, "code=body_too_large limit=max_upload value=1048576") != NULL,
       "in the API's words too");
    wants("POST /t/body HTTP/1.1\r\nContent-Length: x\r\nConnection: close\r\n\r\n",
          "code=bad_framing", "a length that is none");
    wants("POST /t/body HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", "\r\nabc",
          "a body within it");
    wants("POST /t/body HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
          "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
          "\r\nabc", "a chunked body");
    wants("nonsense\r\n\r\n", "400 Bad Request", "no HTTP at all");
    static char big[60000];
    int n = sprintf(big, "GET /t/hello HTTP/1.1\r\nConnection: close\r\nX-Big: ");
    memset(big + n, 'a', 40000);
    strcpy(big + n + 40000, "\r\n\r\n");
    wants(big, "431 ", "too many headers");
    n = sprintf(big, "GET /t/hello?");
    memset(big + n, 'a', 20000);
    strcpy(big + n + 20000, END);
    wants(big, "414 ", "too long a path");
}

static void streams(void)
{
    wants("GET /t/events?end=1 HTTP/1.1\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n",
          "event: tick\nid: 7\ndata: {\"event\":\"tick\"}\n\n", "server-sent events");
    ok(strstr(answer, "content-type: text/event-stream") && strstr(answer, "0\r\n\r\n"),
       "with type and end");
    int fd = dial();
    say(fd, "GET /t/events?end=1 HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n");
    hear(fd, NULL);
    (void)close(fd);
    ok(strstr(answer, "\r\n\r\n{\"event\":\"tick\"}\n{\"event\":\"tick\"}\n") != NULL,
       "lines of JSON, to an old client without chunks");
    wants("GET /t/events?cut=1" END, "200 OK", "a stream that is cut");
    ok(!strstr(answer, "0\r\n\r\n"), "has no proper end");
    wants("GET /t/sized" END, "Content-Length: 5\r\n", "a stream of known length");
    ok(strstr(answer, "\r\n\r\n12345") && !strstr(answer, "chunked"), "is sent as it is");
    wants("GET /t/sized?short=1" END, "", "one that ends early");
    ok(!strstr(answer, "12345"), "is cut");
    wants("HEAD /t/sized" END, "Content-Length: 5\r\n", "HEAD has its length");
    wants("HEAD /t/events" END, "200 OK", "HEAD of a stream ends at once");

    fd = dial();
    say(fd, "GET /t/events HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n");
    hear(fd, "ping");
    ok(strstr(answer, "event: ping") != NULL, "a quiet stream has heartbeats");
    int before = gone;
    (void)close(fd);
    ok(comes(&gone, before + 1), "a client that leaves a stream is noticed");

    fd = dial();
    say(fd, "GET /t/never HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)usleep(150000); // long enough for the request to be watched
    before = gone;
    (void)close(fd);
    ok(comes(&gone, before + 1), "and one that leaves before there is an answer");
}

static void flood(void)
{
    int fd = dial();
    int was_ended = ended;
    produced = 0;
    say(fd, "GET /t/stream?n=100000000 HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(fd, "200 OK");
    // The kernel's buffers take some; then the producer must stand still while nobody reads.
    unsigned long long at = 0;
    for (int still = 0; still < 20; still = produced == at ? still + 1 : 0, (void)usleep(5000))
        at = produced;
    ok(at < 20000000 && stream_pauses > 0, "a slow reader holds its producer back (%llu)", at);
    int before = gone;
    (void)close(fd);
    ok(comes(&gone, before + 1), "and frees it by leaving");

    fd = dial();
    say(fd, "GET /t/stream?n=30000000" END);
    size_t sum = 0;
    for (ssize_t n; (n = read(fd, answer, sizeof(answer))) > 0;)
        sum += (size_t)n;
    (void)close(fd);
    ok(sum > 30000000 && comes(&ended, was_ended + 1), "a fast one gets everything");
}

// --- WebSocket ------------------------------------------------------------------------------

static void frame(int fd, int opcode, const char *p, size_t n)
{
    unsigned char head[8] = {(unsigned char)(0x80 | opcode)};
    size_t len = 2;
    head[1] = (unsigned char)(0x80 | (n < 126 ? n : 126));
    if (n >= 126) {
        head[2] = (unsigned char)(n >> 8);
        head[3] = (unsigned char)n;
        len = 4;
    }
    (void)!write(fd, head, len);
    (void)!write(fd, "\0\0\0\0", 4); // the mask that changes nothing
    (void)!write(fd, p, n);
}
static int shake(void)
{
    int fd = dial();
    say(fd, "GET /t/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    hear(fd, "\r\n\r\n");
    return fd;
}

static void websockets(void)
{
    wants("GET /t/ws" END, "426 Upgrade Required", "a WebSocket route wants an upgrade");
    wants("GET /t/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n\r\n",
          "code=bad_handshake", "and a proper handshake");
    int fd = shake();
    ok(strstr(answer, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL,
       "the handshake is that of the standard's example");
    frame(fd, 1, "hello", 5);
    hear(fd, "hello");
    ok(answer_len == 7 && !memcmp(answer, "\x81\x05hello", 7), "text comes back");
    static char big[50000];
    memset(big, 'x', sizeof(big));
    frame(fd, 2, big, sizeof(big));
    size_t sum = 0;
    for (ssize_t n; sum < sizeof(big) + 4 && (n = read(fd, answer, sizeof(answer))) > 0;)
        sum += (size_t)n;
    is_int(sum, sizeof(big) + 4, "many bytes come back");
    frame(fd, 9, "p", 1);
    hear(fd, "p");
    ok(!memcmp(answer, "\x8a\x01p", 3), "a ping is answered");
    frame(fd, 1, "bye", 3);
    hear(fd, "bye");
    ok(!memcmp(answer, "\x88\x0e\x0f\xa0you said bye", 16), "the server closes with its code");
    frame(fd, 8, "\x0f\xa0", 2);
    is_int(read(fd, answer, 1), 0, "and the connection ends after the peer's answer");
    (void)close(fd);

    fd = shake();
    frame(fd, 1, "last", 4);
    hear(fd, "\x0f\xa1");
    ok(answer_len == 10 && !memcmp(answer, "\x81\x04word\x88\x02\x0f\xa1", 10),
       "what was sent before a close comes before it");
    (void)close(fd);

    fd = shake();
    frame(fd, 8, "\x03\xe9", 2);
    ok(comes(&ws_gone, 1001), "the peer's close is told with its code");
    (void)close(fd);
    ws_gone = 0;
    fd = shake();
    (void)close(fd);
    ok(comes(&ws_gone, 1006), "a peer that vanishes is told too");
    fd = shake();
    (void)!write(fd, "\x81\x05hello", 7);
    hear(fd, "xx");
    ok(!memcmp(answer, "\x88", 1) && !memcmp(answer + 2, "\x03\xea", 2),
       "an unmasked frame is a breach of protocol");
    (void)close(fd);
}

static void many_connections(void)
{
    int fds[12];
    for (int i = 0; i < 12; i++) // the limit is 8: the others wait in the kernel's queue
        fds[i] = dial();
    for (int i = 0; i < 12; i++)
        say(fds[i], "GET /t/hello" END);
    int answered = 0;
    for (int i = 0; i < 12; i++) {
        hear(fds[i], NULL);
        answered += strstr(answer, "\r\n\r\nhi") != NULL;
        (void)close(fds[i]);
    }
    is_int(answered, 12, "more clients than connections: all are served in the end");
}

static struct post stop_post;
static void on_stop_post(struct post *p)
{
    (void)p;
    http_server_stop(srv, 300);
}
static void stopping(void)
{
    int quiet = dial(), sse = dial(), hung = dial();
    say(sse, "GET /t/events HTTP/1.1\r\nAccept: text/event-stream\r\n\r\n");
    hear(sse, "tick");
    say(hung, "GET /t/never HTTP/1.1\r\n\r\n");
    say(quiet, "GET /t/hello HTTP/1.1\r\n\r\n");
    hear(quiet, "hi");
    stop_post.on_post = on_stop_post;
    int before = gone;
    loop_post(loop, &stop_post);
    hear(sse, NULL);
    ok(strstr(answer, "event: error") && strstr(answer, "0\r\n\r\n"),
       "stopping lets a stream say its last event");
    is_int(read(quiet, answer, 1), 0, "closes idle connections");
    is_int(read(hung, answer, 1), 0, "and cuts what hangs when the grace is over");
    ok(comes(&gone, before + 1), "telling its handler");
    (void)close(quiet);
    (void)close(sse);
    (void)close(hung);
}

static void *client(void *arg)
{
    (void)arg;
    plain();
    bad();
    streams();
    flood();
    websockets();
    many_connections();
    stopping();
    return NULL;
}

static int listen_somewhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) || listen(fd, 64) ||
        getsockname(fd, (struct sockaddr *)&a, &n))
        abort();
    port = ntohs(a.sin_port);
    return fd;
}

int main(void)
{
    struct err e;
    struct http_limits limits;
    http_limits_init(&limits);
    limits.body_bytes = 1024 * 1024;
    limits.connections = 8;
    loop = loop_new(&e);
    srv = http_server_new(loop, &limits, &e);
    ok(srv != NULL, "a server is made");
    ok(!http_server_mount(srv, &api, "", &e), "an API is mounted");
    ok(!http_server_listen(srv, listen_somewhere(), "main", NULL, &e), "it listens");
    pthread_t t;
    (void)pthread_create(&t, NULL, client, NULL);
    int end = http_server_run(srv, &e);
    (void)pthread_join(t, NULL);
    is_int(end, 0, "it runs until it is stopped");
    is_int((long long)http_server_counters(srv)->requests, 0, "no request is left");
    is_int((long long)http_server_counters(srv)->websockets, 0, "no WebSocket is left");
    is_int((long long)http_server_counters(srv)->connections, 0, "no connection is left");
    http_server_free(srv);
    loop_free(loop);
    return done_testing();
}
