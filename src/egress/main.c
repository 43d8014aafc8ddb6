// SPDX-License-Identifier: Apache-2.0
// pinfold-egress. Theory of operation: egress_int.h. It starts as root with the descriptors of
// conf.h's start contract, reads the resolver's files, becomes a user without rights (no
// capabilities, Landlock that leaves those files alone, a filter without execve, fork, open sockets
// but IPv4 and IPv6), and only then reads its first byte.
#include "secrets_int.h"

#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static struct egress E;

static void on_message(struct egress *eg, struct wire_msg *m)
{
    switch (m->row->type) {
    case MSG_EGRESS_BOX:
        boxes_open(eg, m);
        return;
    case MSG_EGRESS_CLOSE:
        boxes_close(eg, m->body.box_name.box);
        return;
    case MSG_EGRESS_SWEEP:
        boxes_sweep(eg, m->body.egress.sweep.generation);
        return;
    case MSG_EGRESS_SECRET:
        secrets_put(eg, m);
        return;
    case MSG_EGRESS_UNKNOW:
        secrets_remove(eg, m->body.egress.secret.id);
        return;
    case MSG_EGRESS_KEYS_ASK:
        keys_tell(eg);
        return;
    case MSG_EGRESS_ROTATE:
        keys_rotate(eg);
        return;
    case MSG_EGRESS_RESEAL:
        keys_reseal(eg, m);
        return;
    default:
        log_error("no handler for message %s", m->row->name); // a test walks both tables
    }
}

static void on_peer(struct watch *w, uint32_t events)
{
    (void)events;
    struct egress *eg = container_of(w, struct egress, peer);
    struct err e;
    int r = wire_recv(w->fd, PEER_SERVER, PEER_EGRESS, &eg->msg, &e);
    if (r < 0) {
        log_error("server: %s", e.text);
        loop_stop(eg->loop);
    } else if (r > 0) {
        on_message(eg, &eg->msg);
        wire_release(&eg->msg);
    }
}

static void on_supervisor(struct watch *w, uint32_t events)
{
    if (!(events & (EPOLLERR | EPOLLHUP)))
        return;
    log_warn("pinfoldd is gone, stopping");
    loop_stop(container_of(w, struct egress, supervisor)->loop);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct signalfd_siginfo info;
    if (read(w->fd, &info, sizeof(info)) == sizeof(info))
        loop_stop(E.loop);
}

static int watch_all(struct egress *eg, struct err *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP); // for a successor, which is told all again
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_sys(e, "watch signals");
    return loop_watch(eg->loop, &eg->signals, fd, EPOLLIN, on_signal, e) ||
           loop_watch(eg->loop, &eg->supervisor, START_READY, 0, on_supervisor, e) ||
           loop_watch(eg->loop, &eg->peer, START_PEER, EPOLLIN, on_peer, e);
}

// What was sent to an earlier process goes; the server hears READY and sends it again.
static void drain(struct egress *eg)
{
    struct err e;
    while (recv(START_PEER, eg->msg.raw, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        if (wire_recv(START_PEER, PEER_SERVER, PEER_EGRESS, &eg->msg, &e) >= 0)
            wire_release(&eg->msg);
}

static int give_up_power(const struct egress *eg, struct err *e)
{
    const struct confine how = {.uid = (uint32_t)eg->conf.egress_uid,
                                .gid = (uint32_t)eg->conf.egress_gid,
                                .strict = eg->conf.strict};
    return confine_self(CONFINE_EGRESS, &how, e);
}

// What the operator named: AllowPrivate=, and the server that owner/repo is cloned from.
static int private_list(struct egress *eg, struct err *e)
{
    struct secret_url base;
    char server[HOST_ROOM + 16];
    if (policy_parse(&eg->private_list, eg->conf.allow_private, e))
        return -1;
    if (secret_url_parse(eg->conf.repository_base, &base, NULL))
        return 0; // git's other protocols name no server that is asked for by HTTP
    bool six = strchr(base.host.text, ':') != NULL;
    (void)snprintf(server, sizeof(server), six ? "[%s]:%u" : "%s:%u", base.host.text, base.port);
    return policy_parse(&eg->private_list, server, e);
}

int main(void)
{
    struct egress *eg = &E;
    struct err e = {0};
    log_init("egress", LOG_INFO);
    if (conf_inherit(&eg->conf, &e))
        goto failed;
    log_init("egress", (enum log_level)eg->conf.log_level);
    id_random_bytes(&eg->next_who, sizeof(eg->next_who));
    eg->boxes = map_new();
    eg->secrets = map_new();
    list_init(&eg->paused);
    eg->loop = loop_new(&e);
    if (!eg->loop || private_list(eg, &e) ||
        !(eg->resolver = resolver_new(eg->loop, eg->conf.name_servers, &e)) ||
        !(eg->tls = tls_open(eg->conf.ca_file, &e)) || !(eg->tls_inside = tls_open_inside(&e)))
        goto failed;
    keys_open(eg);
    if (give_up_power(eg, &e))
        goto failed;
    drain(eg);
    if (io_set_nonblock(START_PEER, true) || watch_all(eg, &e) || conf_ready(&e) ||
        wire_send(START_PEER, MSG_READY, 0, NULL, NULL, 0, &e))
        goto failed;
    keys_tell(eg);
    log_info("ready private=%u", eg->private_list.n);
    if (loop_run(eg->loop))
        log_error("the loop ended");
    boxes_free(eg);
    secrets_free(eg);
    keys_close(eg);
    tls_close(eg->tls);
    tls_close(eg->tls_inside);
    resolver_free(eg->resolver);
    return 0;
failed:
    log_error("%s", e.text);
    return 1;
}
