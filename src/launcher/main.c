// SPDX-License-Identifier: Apache-2.0
// pinfold-launcher. Theory of operation: launcher_int.h.
#include "launcher_int.h"

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define LOOK_MS 10

static struct launcher the_launcher;

static void on_peer(struct watch *w, uint32_t events)
{
    (void)events;
    struct launcher *l = container_of(w, struct launcher, peer);
    struct err e;
    int r = wire_recv(w->fd, PEER_SERVER, PEER_LAUNCHER, &l->msg, &e);
    if (r < 0 && e.code == ERR_LOST)
        _exit(1); // pinfoldd, which has the other end, is gone: see on_supervisor
    if (r < 0) {
        // A server that breaks the protocol is treated as captured: no more of its requests.
        log_error("server: %s", e.text);
        loop_stop(l->loop);
        return;
    }
    launcher_handle(l, &l->msg);
    wire_release(&l->msg);
}

void launcher_listen(struct launcher *l)
{
    bool room = l->n_tasks < JOBS_MAX && l->n_starts < STARTS_MAX && !l->leave_by_ms;
    loop_watch_events(&l->peer, room ? EPOLLIN : 0);
}

static void on_supervisor(struct watch *w, uint32_t events)
{
    (void)w;
    if (events & (EPOLLERR | EPOLLHUP))
        _exit(1); // pinfoldd is gone; sandboxes go on until the next one is there
}

static void on_look(struct timer *t)
{
    struct launcher *l = container_of(t, struct launcher, look);
    if ((l->n_tasks || l->n_stops || l->n_starts) && clock_mono_ms() < l->leave_by_ms)
        loop_timer_set(l->loop, t, LOOK_MS, on_look);
    else
        loop_stop(l->loop);
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct launcher *l = &the_launcher;
    int signal = loop_signal(w);
    if (signal && signal != SIGHUP)
        loop_stop(l->loop);
    if (signal != SIGHUP)
        return;
    l->leave_by_ms = clock_mono_ms() + l->conf.upgrade_grace_ms;
    launcher_listen(l);
    on_look(&l->look);
}

// Requests made of an earlier launcher are void; the server hears READY and asks again.
static void drain(struct launcher *l)
{
    struct err e;
    while (recv(START_PEER, l->msg.raw, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        if (wire_recv(START_PEER, PEER_SERVER, PEER_LAUNCHER, &l->msg, &e) >= 0)
            wire_release(&l->msg);
}

static int open_host(struct launcher *l, struct err *e)
{
    // Named after the state directory, so that two servers on one host never take each other's
    // sandboxes for leftovers.
    static char group[48];
    struct stat sb = {0};
    (void)fstat(START_STATE, &sb); // an open directory
    (void)snprintf(group, sizeof(group), "pinfold.%llx-%llx", (unsigned long long)sb.st_dev,
                   (unsigned long long)sb.st_ino);
    own_fd int helpers = conf_bin_dir(e);
    if (helpers < 0 || profile_load_dir(START_PROFILES, &l->profiles, &l->n_profiles, e))
        return -1;
    struct box_host_conf c = {
        .state_fd = START_STATE,
        .helper_fd = helpers,
        .group = group,
        .id_base = (uint32_t)l->conf.id_base,
        .id_ranges = (uint32_t)l->conf.id_ranges,
        .net_pool = l->conf.network_range,
        .name_servers = l->conf.name_servers,
        .repo_roots = l->conf.repository_roots,
        .profiles = l->profiles,
        .n_profiles = l->n_profiles,
        .linger_ms = 60000, // above what it takes to start everything again
    };
    l->host = box_host_open(&c, e);
    return !l->host || box_recover(l->host, boxes_adopt, l, e) ? -1 : 0;
}

static int watch_all(struct launcher *l, struct watch *signals, struct err *e)
{
    return loop_watch_signals(l->loop, signals, on_signal, e) ||
           loop_watch(l->loop, &l->supervisor, START_READY, 0, on_supervisor, e) ||
           loop_watch(l->loop, &l->peer, START_PEER, EPOLLIN, on_peer, e);
}

int main(void)
{
    struct launcher *l = &the_launcher;
    struct err e = {0};
    static struct watch signals;
    log_init("launcher", LOG_INFO);
    const struct confine how = {.uid = CONFINE_KEEP_ID, .gid = CONFINE_KEEP_ID};
    if (conf_inherit(&l->conf, &e) || confine_self(CONFINE_LAUNCHER, &how, &e))
        goto failed;
    log_init("launcher", (enum log_level)l->conf.log_level);
    l->boxes = map_new();
    l->loop = loop_new(&e);
    if (!l->loop || open_host(l, &e))
        goto failed;
    if (!l->conf.take_over)
        drain(l);
    if (io_set_nonblock(START_PEER, true) || watch_all(l, &signals, &e) || conf_ready(&e))
        goto failed;
    if (!l->conf.take_over)
        launcher_send(l, MSG_READY, 0, NULL, NULL, 0);
    log_info("ready cgroups=%s profiles=%u", box_host_cgroup_kind(l->host), l->n_profiles);
    if (loop_run(l->loop))
        log_error("the loop ended");
    if (l->leave_by_ms) // sandboxes go on; the code says whether every answer was given
        return l->n_tasks || l->n_stops || l->n_starts ? 3 : 0;
    boxes_end_all(l);
    box_host_leave(l->host);
    box_host_free(l->host);
    return 0;
failed:
    log_error("%s", e.text);
    return 1;
}
