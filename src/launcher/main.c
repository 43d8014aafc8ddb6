// SPDX-License-Identifier: Apache-2.0
// pinfold-launcher. Theory of operation: launcher_int.h.
#include "launcher_int.h"

#include <fcntl.h>
#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct launcher the_launcher;

static void on_peer(struct watch *w, uint32_t events)
{
    (void)events;
    struct launcher *l = container_of(w, struct launcher, peer);
    struct err e;
    int r = wire_recv(w->fd, PEER_SERVER, PEER_LAUNCHER, &l->msg, &e);
    if (r < 0) {
        // A server that breaks the protocol is treated as captured: no more of its requests.
        log_error("server: %s", e.text);
        loop_stop(l->loop);
        return;
    }
    launcher_handle(l, &l->msg);
    wire_release(&l->msg);
}

static void on_supervisor(struct watch *w, uint32_t events)
{
    struct launcher *l = container_of(w, struct launcher, supervisor);
    if (events & (EPOLLERR | EPOLLHUP)) {
        log_warn("pinfoldd is gone, stopping");
        loop_stop(l->loop);
    }
}

static void on_signal(struct watch *w, uint32_t events)
{
    (void)events;
    struct signalfd_siginfo info;
    if (read(w->fd, &info, sizeof(info)) == sizeof(info))
        loop_stop(the_launcher.loop);
}

// The cgroup group's name is the state directory's, so that two servers on one host never take
// each other's sandboxes for leftovers.
static void group_name(char out[48])
{
    struct stat sb;
    memset(&sb, 0, sizeof(sb));
    (void)fstat(START_STATE, &sb); // an open directory
    (void)snprintf(out, 48, "pinfold.%llx-%llx", (unsigned long long)sb.st_dev,
                   (unsigned long long)sb.st_ino);
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
    static char group[48];
    group_name(group);
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
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return err_sys(e, "watch signals");
    return loop_watch(l->loop, signals, fd, EPOLLIN, on_signal, e) ||
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
    drain(l);
    if (io_set_nonblock(START_PEER, true) || watch_all(l, &signals, &e) || conf_ready(&e))
        goto failed;
    launcher_send(l, MSG_READY, 0, NULL, NULL, 0);
    log_info("ready cgroups=%s profiles=%u", box_host_cgroup_kind(l->host), l->n_profiles);
    if (loop_run(l->loop))
        log_error("the loop ended");
    boxes_end_all(l);
    box_host_free(l->host);
    return 0;
failed:
    log_error("%s", e.text);
    return 1;
}
