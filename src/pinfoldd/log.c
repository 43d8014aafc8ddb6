// SPDX-License-Identifier: Apache-2.0
// What children write to stdout and stderr, line by line to our stderr, with the role we know in
// front. A line is bounded, control characters are replaced, and a flood is cut, since a captured
// child may write what it likes.
#include "pinfoldd_int.h"

#include <errno.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>

// 500 lines a second of 1 KiB are more than a person can use and less than a disk minds.
#define LINES_A_SECOND 500
#define READ_MAX 4096

static bool within_rate(struct child *c)
{
    uint64_t now = clock_mono_ms();
    if (now - c->window_ms >= 1000) {
        if (c->dropped)
            log_warn("%llu lines of %s were dropped", (unsigned long long)c->dropped, c->role);
        c->window_ms = now;
        c->lines = c->dropped = 0;
    }
    if (c->lines++ < LINES_A_SECOND)
        return true;
    c->dropped++;
    return false;
}

static void put_line(struct child *c)
{
    if (!c->line_len || !within_rate(c)) {
        c->line_len = 0;
        return;
    }
    for (size_t i = 0; i < c->line_len; i++) {
        unsigned char b = (unsigned char)c->line[i];
        if ((b < ' ' && b != '\t') || b == 0x7f)
            c->line[i] = '?';
    }
    struct iovec parts[] = {
        {(void *)(uintptr_t)c->role, strlen(c->role)},
        {(void *)(uintptr_t) "| ", 2},
        {c->line, c->line_len},
        {(void *)(uintptr_t) "\n", 1},
    };
    (void)!writev(STDERR_FILENO, parts, N_ELEMS(parts)); // nowhere left to complain
    c->line_len = 0;
}

static void take(struct child *c, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n') {
            put_line(c);
            c->line_cut = false;
        } else if (!c->line_cut) {
            c->line[c->line_len++] = p[i];
            if (c->line_len == sizeof(c->line)) {
                put_line(c);
                c->line_cut = true;
            }
        }
    }
}

static void on_log(struct watch *w, uint32_t events)
{
    (void)events;
    struct child *c = container_of(w, struct child, log_watch);
    char chunk[READ_MAX];
    ssize_t n = read(c->log_fd, chunk, sizeof(chunk));
    if (n > 0)
        take(c, chunk, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        loop_unwatch(&c->log_watch); // its other ends are closed; child_ended closes ours
}

void child_log_open(struct child *c, int fd)
{
    c->log_fd = fd;
    c->line_len = 0;
    c->line_cut = false;
    (void)io_set_nonblock(fd, true); // a pipe we made: cannot fail
    if (loop_watch(c->super->loop, &c->log_watch, fd, EPOLLIN, on_log, NULL))
        abort(); // only lack of memory
}

void child_log_close(struct child *c)
{
    // Bounded: a grandchild that kept the pipe could write for ever.
    char chunk[READ_MAX];
    for (int i = 0; i < 64 && c->log_fd >= 0; i++) {
        ssize_t n = read(c->log_fd, chunk, sizeof(chunk));
        if (n <= 0)
            break;
        take(c, chunk, (size_t)n);
    }
    put_line(c);
    loop_unwatch(&c->log_watch);
    fd_close(&c->log_fd);
}
