// SPDX-License-Identifier: Apache-2.0
// Leaving for a successor: connections at rest are given to it as they are, so that clients notice
// nothing; what is being answered is finished first.
//
// A connection is at rest when it has no request and nothing of one has been read. The library
// may have an event of it pending, so it is told to stop reading first, and looked at again a
// moment later: what had come by then is served, else its descriptor goes into the socket that the
// successor reads. Ours stays open until this process ends; the connection lives as long as any.
#include "http_int.h"

#include <errno.h>
#include <pinfold/io.h>

#define LOOK_MS 5

static void on_look(struct timer *t);

bool http_leaving(const struct http_req *r)
{
    return request_of((struct http_req *)(uintptr_t)r)->server->leaving;
}

static unsigned number_of(const struct http_server *s, const struct conn *c)
{
    unsigned n = 0;
    list_for (it, &s->listeners) {
        if (container_of(it, struct listener, link) == c->listener)
            break;
        n++;
    }
    return n;
}

static void give(struct http_server *s, struct conn *c)
{
    unsigned char listener = (unsigned char)number_of(s, c);
    int fd = h2o_socket_get_fd(c->sock);
    if (io_send_fds(s->handover_fd, &listener, 1, &fd, 1) == 1)
        c->rest = CONN_GIVEN;
    // Else the queue is full, and it is tried again.
}

static void look_at(struct http_server *s, struct conn *c)
{
    bool quiet = !c->open && !c->upgraded && !c->sock->input->size;
    if (c->rest == CONN_BUSY && quiet && c->sock->_cb.read) {
        c->on_read = c->sock->_cb.read;
        h2o_socket_read_stop(c->sock);
        c->rest = CONN_STILL;
    } else if (c->rest == CONN_STILL && quiet) {
        give(s, c);
    } else if (c->rest == CONN_STILL) {
        c->rest = CONN_BUSY;
        h2o_socket_read_start(c->sock, c->on_read);
        c->on_read(c->sock, NULL);
    }
}

static void look(struct http_server *s)
{
    list_for_safe (it, &s->conns) {
        look_at(s, container_of(it, struct conn, link));
    }
    unsigned left = 0;
    list_for (it, &s->conns) {
        left += container_of(it, struct conn, link)->rest != CONN_GIVEN;
    }
    if (!left && !s->counters.websockets)
        s->stopped = true;
    else
        loop_timer_set(s->loop, &s->look, LOOK_MS, on_look);
}

static void on_look(struct timer *t)
{
    struct http_server *s = container_of(t, struct http_server, look);
    if (!s->stopped)
        look(s);
}

void http_server_leave(struct http_server *s, int handover_fd, uint64_t grace_ms)
{
    bool tls = false;
    list_for (it, &s->listeners) {
        tls = tls || container_of(it, struct listener, link)->tls;
    }
    s->leaving = true;
    // What TLS has agreed on cannot be handed over: such connections are closed when idle.
    if (!tls && handover_fd >= 0 && !s->stopping)
        s->handover_fd = handover_fd;
    http_server_stop(s, grace_ms);
    if (s->handover_fd >= 0)
        look(s);
}

int http_server_take_over(struct http_server *s, int handover_fd, struct err *e)
{
    for (;;) {
        unsigned char number;
        int fd = -1;
        size_t n_fds = 1;
        ssize_t n = io_recv_fds(handover_fd, &number, 1, &fd, &n_fds, MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            return err_sys(e, "take over connections");
        if (n <= 0)
            return 0;
        struct listener *ln = NULL;
        list_for (it, &s->listeners) {
            ln = container_of(it, struct listener, link);
            if (!number--)
                break;
            ln = NULL;
        }
        if (!n_fds)
            continue;
        if (ln && !ln->tls)
            server_take_conn(ln, h2o_evloop_socket_create(s->h2o.loop, fd, 0));
        else
            (void)close(fd); // the listener is another one now: the client connects again
    }
}
