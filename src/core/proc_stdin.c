// SPDX-License-Identifier: Apache-2.0
// A command's standard input: a pipe that is fed as it takes, or a file that is known at once.
#include "sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#define STDIN_PIPE (64 * 1024) // fits into a pipe at once

void proc_close_stdin(struct proc *p)
{
    loop_unwatch(&p->in_watch);
    fd_close(&p->in_fd);
}

static void on_stdin_ready(struct watch *w, uint32_t events);

static bool fd_error(int err)
{
    return err != EAGAIN && err != EINTR;
}

void proc_write_stdin(struct proc *p)
{
    while (p->in_fd >= 0 && p->in_done < p->in.len) {
        ssize_t n = write(p->in_fd, p->in.data + p->in_done, p->in.len - p->in_done);
        if (n < 0 && fd_error(errno)) { // its other end is closed: nobody reads any more
            p->in_done = p->in.len;
            proc_close_stdin(p);
        } else if (n < 0 && errno == EAGAIN) {
            struct err e = {0};
            if (!p->in_watch.loop &&
                loop_watch(p->core->loop, &p->in_watch, p->in_fd, EPOLLOUT, on_stdin_ready, &e))
                proc_close_stdin(p);
            return;
        } else if (n > 0) {
            p->in_done += (size_t)n;
        }
    }
    loop_unwatch(&p->in_watch);
    buf_clear(&p->in);
    p->in_done = 0;
    if (p->in_close) {
        const char eot = 4; // a terminal's end of file; its descriptor is also its output
        if (p->tty && p->in_fd >= 0 && write(p->in_fd, &eot, 1) < 0)
            proc_close_stdin(p); // full or hung up: then there is nothing more to say either
        proc_close_stdin(p);
        p->stdin_unsent = p->tag && !p->tty && p->sb; // init's copy would keep it open
        if (p->stdin_unsent)
            (void)proc_flush(p); // what is unsent goes when there is room
    }
    if (p->on_stdin)
        p->on_stdin(p);
}

static void on_stdin_ready(struct watch *w, uint32_t events)
{
    (void)events;
    proc_write_stdin(container_of(w, struct proc, in_watch));
}

size_t proc_stdin_left(const struct proc *p)
{
    return p->in.len - p->in_done;
}

int proc_stdin(struct proc *p, const void *data, size_t n, bool close, struct err *e)
{
    bool early =
        p->state == PROC_NEW || p->state == PROC_WAITING || (p->state == PROC_SENT && p->tty);
    if (!p->want_stdin || p->in_close || (p->in_fd < 0 && !early))
        return err_set(e, ERR_CONFLICT, "standard input is closed");
    if (p->in_done) {
        buf_drop_front(&p->in, p->in_done);
        p->in_done = 0;
    }
    if (buf_append(&p->in, data, n))
        return err_set(e, ERR_BUSY, "%zu bytes wait for standard input already", p->in.len);
    p->in_close = close;
    if (!early && !p->in_watch.loop)
        proc_write_stdin(p);
    return 0;
}

// Input that is known at once. What is too large for a pipe goes into a sealed memory file, which
// the command reads at its own pace without costing the loop anything.
int proc_give_stdin(struct proc *p, const void *data, size_t n, struct err *e)
{
    if (!n)
        return 0;
    if (n <= STDIN_PIPE && !p->tag) { // what is kept gets its input whole, whatever becomes of us
        p->want_stdin = true;
        return proc_stdin(p, data, n, true, e);
    }
    own_fd int fd = memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || io_write_full(fd, data, n) || lseek(fd, 0, SEEK_SET) ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
        return err_sys(e, "standard input");
    p->stdin_fd = fd_steal(&fd);
    return 0;
}
