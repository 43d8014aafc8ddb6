// SPDX-License-Identifier: Apache-2.0
// Dialects that have the same path: the request's host decides, then its prefix leaves no doubt, then
// the kind of its token, then the one that answers where none is meant. And who is let in without a
// token. Over a real server, the client on a thread of its own.
#include "../../../../src/api/dialect/dialect_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pinfold/http_server.h>
#include <pinfold/loop.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tap.h>

static struct http_server *srv;
static struct loop *loop;
static uint16_t port;
static struct post stop_post;

static void say_name(struct http_req *r)
{
    http_reply(r, 200, "text/plain", r->api->name, strlen(r->api->name));
}
static void error(struct http_req *r, int status, const char *text)
{
    char all[300];
    int n = snprintf(all, sizeof(all), "%s: %s", r->api->name, text);
    http_reply(r, status, "text/plain", all, (size_t)n);
}
static bool by_key(struct http_req *r)
{
    return !strncmp(http_token(r), "oc_sk_", 6);
}
static bool always(struct http_req *r)
{
    (void)r;
    return true;
}

static const struct http_route tasks[] = {
    {.method = HTTP_GET,
     .pattern = "/api/tasks",
     .flags = HTTP_PUBLIC,
     .handle = say_name,
     .doc = "x"},
    {.method = HTTP_GET, .pattern = "/api/own", .scope = 1, .handle = say_name, .doc = "x"},
};
#define ROW(n, b, ...)                                                                             \
    {                                                                                              \
        .name = n, .title = n, .base = b, .routes = tasks, .n_routes = N_ELEMS(tasks),             \
        .error = error, .no_token = "no token", .bad_token = "bad token", ##__VA_ARGS__            \
    }
static const struct dialect keyed = ROW("keyed", "/keyed", .claims = by_key);
static const struct dialect silent = ROW("silent", "/silent", .tokenless = true);
static const struct dialect last = ROW("last", "/api", .claims = always);
static const struct dialect *const table[] = {&keyed, &silent, &last};

// --- the client -----------------------------------------------------------------------------

static char answer[4096];

static void ask(const char *path, const char *head)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    own_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char request[512];
    size_t n = 0;
    ssize_t got;
    int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nConnection: close\r\n%s\r\n",
                       path, head);
    answer[0] = '\0';
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) || write(fd, request, (size_t)len) != len)
        return;
    while (n + 1 < sizeof(answer) && (got = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
        n += (size_t)got;
    answer[n] = '\0';
}

static void answers(const char *path, const char *head, const char *want, const char *what)
{
    ask(path, head);
    const char *body = strstr(answer, "\r\n\r\n");
    is_str(body ? body + 4 : "", want, "%s", what);
}

static void status(const char *head, const char *want, const char *what)
{
    ask("/silent/api/own", head);
    if (!ok(!strncmp(answer, want, strlen(want)), "%s", what))
        printf("# got: %.200s\n", answer);
}

static void on_stop(struct post *p)
{
    (void)p;
    http_server_stop(srv, 100);
}

#define KEY "Authorization: Bearer oc_sk_x\r\n"
#define H "Host: localhost\r\n"
static void *client(void *arg)
{
    (void)arg;
    answers("/api/tasks", "Host: h\r\n", "last", "where none is meant, one answers");
    answers("/api/tasks", "Host: h\r\n" KEY, "keyed", "a key of its kind means another");
    answers("/api/tasks", "Host: h\r\nAuthorization: Bearer pft_x\r\n", "last",
            "no other key does");
    answers("/api/tasks", "Host: silent.test\r\n", "silent", "a host means the one that it is for");
    answers("/api/tasks", "Host: SILENT.test:8080\r\n", "silent", "on whatever port");
    answers("/api/tasks", "Host: silent.test\r\n" KEY, "silent", "whatever the key");
    answers("/api/tasks", "Host: last.test\r\n" KEY, "last", "of several hosts each its own");
    answers("/api/tasks", "Host: h:7071\r\n", "silent", "a host with its port, too");
    answers("/api/tasks", "Host: h:7072\r\n", "last", "of another port it is another's");
    answers("/api/tasks", "Host: x-silent.test\r\n", "last", "part of a name is none");
    answers("/keyed/api/tasks", "Host: silent.test\r\n", "keyed",
            "beneath its prefix there is no doubt");
    answers("/silent/api/tasks", KEY "Host: last.test\r\n", "silent", "of any of them");
    answers("/api/nothing", "Host: h\r\n", "last: there is nothing at this path",
            "who has the base refuses");
    answers("/keyed/api/nothing", "Host: h\r\n", "keyed: there is nothing at this path",
            "beneath a prefix in its own words");
    status(H, "HTTP/1.1 200", "one that was opened needs no token on this machine");
    status("Host: evil.test\r\n", "HTTP/1.1 401", "but by another name");
    status("Host: localhost.evil.test\r\n", "HTTP/1.1 401", "also one that begins so");
    status("Host: 127.0.0.1.evil.test\r\n", "HTTP/1.1 401", "or looks like an address");
    status(H "Origin: http://evil.test\r\n", "HTTP/1.1 401", "or from a page of somebody else");
    status(H "Origin: null\r\n", "HTTP/1.1 401", "or of nobody");
    status(H "Origin: http://localhost\r\n", "HTTP/1.1 200", "its own page may");
    status("Host: 127.0.0.1:7070\r\n", "HTTP/1.1 200", "so may an address");
    status("Host: [::1]:7070\r\n", "HTTP/1.1 200", "of either kind");
    stop_post.on_post = on_stop;
    loop_post(loop, &stop_post);
    return NULL;
}

static void refused(const char *hosts, const char *open, const char *want)
{
    struct err e = {0};
    const struct dialects_conf conf = {.hosts = hosts, .open = open};
    struct dialects *d = dialects_new(&conf, table, N_ELEMS(table));
    is_int(dialects_mount(d, srv, &e), -1, "refused: %s %s", hosts, open);
    is_str(e.text, want, "and says why");
    dialects_free(d);
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
    loop = loop_new(&e);
    srv = http_server_new(loop, &limits, &e);
    refused("h=nobody", "", "DialectHosts= has 'h=nobody', which is no dialect");
    refused("h=last h", "", "DialectHosts= has 'h', which is no dialect");
    refused("", "last",
            "OpenDialects= has 'last', which is no dialect whose clients have no tokens");
    const struct dialects_conf conf = {
        .hosts = "silent.test=silent  last.test=last h:7071=silent",
        .open = " silent ",
        .max_streams = 1,
        .counters = http_server_counters(srv),
    };
    struct dialects *d = dialects_new(&conf, table, N_ELEMS(table));
    ok(!dialects_mount(d, srv, &e), "dialects are mounted");
    ok(!http_server_listen(srv, listen_somewhere(), "main", NULL, &e), "they are served");
    pthread_t t;
    (void)pthread_create(&t, NULL, client, NULL);
    int end = http_server_run(srv, &e);
    (void)pthread_join(t, NULL);
    is_int(end, 0, "until the end");
    dialects_free(d);
    http_server_free(srv);
    loop_free(loop);
    return done_testing();
}
