// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 keep-alive client that costs little itself.
//
//   client ADDR:PORT TOKEN METHOD PATH BODY N C   N requests over C connections; prints the median
//                                                 and 90th percentile in microseconds, then
//                                                 requests per second
//   client ADDR:PORT TOKEN drain PATH BODY TYPE   one request for an answer of that type; prints
//                                                 MiB/s of the answer's body
// Ends with 1 at the first answer that is not 2xx.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 1000000

static struct sockaddr_in address;
static char request[65536];
static int request_len, runs, clients, next_run;
static double times[RUNS_MAX];

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(void)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void send_all(int fd)
{
    for (int at = 0; at < request_len;) {
        ssize_t n = write(fd, request + at, (size_t)(request_len - at));
        if (n <= 0)
            die("write");
        at += (int)n;
    }
}

// Read the head and as much of the body as came with it; returns the body's bytes in buf.
static size_t read_head(int fd, char *buf, size_t room, long long *ret_length)
{
    size_t n = 0;
    char *end = NULL;
    while (!end) {
        ssize_t r = n + 1 < room ? read(fd, buf + n, room - n - 1) : -1;
        if (r <= 0)
            die("read");
        n += (size_t)r;
        buf[n] = '\0';
        end = strstr(buf, "\r\n\r\n");
    }
    if (strncmp(buf, "HTTP/1.1 2", 10)) {
        fprintf(stderr, "%.600s\n", buf);
        exit(1);
    }
    *end = '\0';
    char *length = strcasestr(buf, "\r\ncontent-length:");
    *ret_length = length ? atoll(length + 17) : -1;
    size_t body = n - (size_t)(end + 4 - buf);
    memmove(buf, end + 4, body);
    return body;
}

static void one_request(int fd)
{
    char buf[65536];
    long long length;
    send_all(fd);
    size_t have = read_head(fd, buf, sizeof(buf), &length);
    if (length < 0) { // chunked: the last chunk ends it
        while (have < 5 || memcmp(buf + have - 5, "0\r\n\r\n", 5)) {
            if (have == sizeof(buf))
                have = 0;
            ssize_t r = read(fd, buf + have, sizeof(buf) - have);
            if (r <= 0)
                die("read");
            have += (size_t)r;
        }
        return;
    }
    for (long long left = length - (long long)have; left > 0;) {
        ssize_t r = read(fd, buf, sizeof(buf));
        if (r <= 0)
            die("read");
        left -= r;
    }
}

static void *client(void *unused)
{
    (void)unused;
    int fd = dial();
    for (int i; (i = __atomic_fetch_add(&next_run, 1, __ATOMIC_RELAXED)) < runs;) {
        double t = now_us();
        one_request(fd);
        times[i] = now_us() - t;
    }
    close(fd);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void drain(void)
{
    static char buf[1 << 18];
    long long length, total;
    int fd = dial();
    double t = now_us();
    send_all(fd);
    total = (long long)read_head(fd, buf, sizeof(buf), &length);
    for (ssize_t r; total != length && (r = read(fd, buf, sizeof(buf))) > 0;) {
        total += r;
        if (length < 0 && r >= 5 && !memcmp(buf + r - 5, "0\r\n\r\n", 5))
            break;
    }
    printf("%.1f\n", (double)total / 1048576 / ((now_us() - t) / 1e6));
}

int main(int argc, char **argv)
{
    static pthread_t threads[1024];
    char host[64];
    int port;
    if (argc < 6 || sscanf(argv[1], "%63[^:]:%d", host, &port) != 2)
        return fprintf(stderr, "usage: client ADDR:PORT TOKEN METHOD PATH BODY N C\n"), 2;
    int is_drain = !strcmp(argv[3], "drain");
    char accept[128] = "";
    if (is_drain)
        snprintf(accept, sizeof(accept), "Accept: %s\r\n", argc > 6 ? argv[6] : "*/*");
    const char *method = is_drain ? "POST" : argv[3];
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &address.sin_addr);
    request_len = snprintf(request, sizeof(request),
                           "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
                           "Content-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
                           method, argv[4], argv[1], argv[2], is_drain ? accept : "",
                           strlen(argv[5]), argv[5]);
    if (is_drain) {
        drain();
        return 0;
    }
    runs = argc > 6 ? atoi(argv[6]) : 1;
    clients = argc > 7 ? atoi(argv[7]) : 1;
    if (runs < 1 || runs > RUNS_MAX || clients < 1 || clients > 1024)
        return 2;
    double t = now_us();
    for (int i = 0; i < clients; i++)
        if (pthread_create(&threads[i], NULL, client, NULL))
            die("thread");
    for (int i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    double rate = runs / ((now_us() - t) / 1e6);
    qsort(times, (size_t)runs, sizeof(times[0]), by_value);
    printf("%.1f %.1f %.1f\n", times[runs / 2], times[runs * 9 / 10], rate);
    return 0;
}
