// SPDX-License-Identifier: Apache-2.0
// Sandboxes by name: start, stop, list, count, and telling the server when one has ended.
#include "launcher_int.h"

#include <pinfold/clock.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define END_ALL_MS 10000 // killed processes are gone in milliseconds unless a disk hangs

static void fill_started(struct msg_box_started *s, const struct box *b)
{
    (void)snprintf(s->box, sizeof(s->box), "%s", b->id);
    (void)snprintf(s->profile, sizeof(s->profile), "%s", b->profile);
    (void)snprintf(s->address, sizeof(s->address), "%s", b->address);
    s->pid = (uint32_t)b->pid;
    s->uid_base = b->uid_base;
}

// control -1: its server has its socket, and all else.
static void send_started(struct launcher *l, uint64_t id, const struct msg_box_started *s,
                         const struct box *b, int control)
{
    own_fd int group = control < 0 ? -1 : box_cgroup_fd(b);
    int fds[WIRE_FDS_MAX] = {control, b->pidfd, group};
    size_t n = group < 0 ? 0 : 3 + box_net_fds(b, fds + 3);
    launcher_send(l, MSG_BOX_STARTED, id, s, fds, n);
    for (size_t i = 3; i < n; i++)
        fd_close(&fds[i]);
}

static void on_box_end(struct watch *w, uint32_t events)
{
    (void)events;
    struct live_box *lb = container_of(w, struct live_box, watch);
    struct launcher *l = lb->l;
    struct msg_box_exited m = {0};
    int status;
    uint64_t oom_kills;
    (void)snprintf(m.box, sizeof(m.box), "%s", lb->box.id);
    loop_unwatch(&lb->watch);
    box_reap(l->host, &lb->box, &status, &oom_kills);
    (void)map_del(l->boxes, m.box);
    m.exit_code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0;
    m.signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
    m.oom_kills = (uint32_t)oom_kills;
    log_debug("box ended box=%s exit=%u signal=%u", m.box, m.exit_code, m.signal);
    launcher_send(l, MSG_BOX_EXITED, 0, &m, NULL, 0);
    l->n_ending -= !list_empty(&lb->stops);
    list_for_safe (it, &lb->stops) {
        struct stop_wait *sw = container_of(it, struct stop_wait, link);
        launcher_answer(l, sw->id, 0, NULL);
        free(sw);
        l->n_stops--;
    }
    free(lb);
}

// What a message may ask for, beyond the grammar of its names: host network and writable mirrors
// only with pinfold's own profiles, which the API refuses to name.
static int check_request(const struct launcher *l, const struct msg_box_start *m, struct err *e)
{
    const struct profile *p = profile_find(l->profiles, l->n_profiles, m->profile);
    if (!p)
        return err_set(e, ERR_NOT_FOUND, "no profile '%s'", m->profile);
    if (m->network >= NET_N || (m->network == NET_HOST && !p->internal))
        return err_set(e, ERR_DENIED, "network mode %u is not for profile %s", m->network, p->name);
    if (m->mirror_write && !p->internal)
        return err_set(e, ERR_DENIED, "profile %s may not write a mirror", p->name);
    if (m->mirror[0] && !layer_name_ok(m->mirror))
        return err_set(e, ERR_BAD_REQUEST, "mirror's name is malformed");
    if (strspn(m->box, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(m->box) || !m->box[0] ||
        strspn(m->dir, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(m->dir))
        return err_set(e, ERR_BAD_REQUEST, "a box's or directory's id is malformed");
    if (map_get(l->boxes, m->box))
        return err_set(e, ERR_CONFLICT, "box %s runs already", m->box);
    size_t live = map_count(l->boxes) - l->n_ending;
    if (live >= l->conf.max_sandboxes)
        return err_set(e, ERR_LIMIT, "%zu sandboxes live; MaxSandboxes= allows more", live);
    return 0;
}

static int begin(struct launcher *l, const struct msg_box_start *m, struct live_box *lb,
                 char step[32], struct err *e)
{
    struct box_spec spec = {
        .id = m->box,
        .dir = m->dir,
        .dir_fd = -1,
        .layers = m->layers,
        .host_usr = m->host_usr,
        .profile = m->profile,
        .network = (enum net_mode)m->network,
        .mirror = m->mirror,
        .mirror_write = m->mirror_write,
        .files_read_only = m->files_read_only, // only ever less than the profile allows
        .hostname = m->hostname,
        .limits = {.memory_bytes = m->memory_bytes,
                   .disk_bytes = m->disk_bytes,
                   .inodes = m->inodes,
                   .pids = m->pids,
                   .cpu_percent = m->cpu_percent,
                   .open_files = m->open_files},
    };
    if (check_request(l, m, e) || limits_check(&spec.limits, e))
        return -1;
    lb->start = box_start_begin(l->host, &spec, step, e);
    return lb->start ? 0 : -1;
}

static void keep(struct launcher *l, struct live_box *lb)
{
    struct err e;
    (void)map_put(l->boxes, lb->box.id, lb);
    if (loop_watch(l->loop, &lb->watch, lb->box.pidfd, EPOLLIN, on_box_end, &e))
        box_kill(l->host, &lb->box); // only without memory; its end is then seen by the stop
}

void boxes_adopt(void *launcher, const struct box *b)
{
    struct live_box *lb = xcalloc(1, sizeof(*lb));
    lb->box = *b;
    lb->l = launcher;
    list_init(&lb->stops);
    keep(launcher, lb);
    log_info("box taken up box=%s pid=%d", b->id, (int)b->pid);
}

static void not_started(struct launcher *l, uint64_t id, const char *box, const char *step,
                        const struct err *e)
{
    struct msg_box_started s = {.code = e->code, .sys = (uint32_t)e->sys};
    (void)snprintf(s.box, sizeof(s.box), "%s", box);
    (void)snprintf(s.step, sizeof(s.step), "%s", step);
    (void)snprintf(s.text, sizeof(s.text), "%s", e->text);
    log_warn("box not started box=%s step=%s: %s", box, step, e->text);
    launcher_send(l, MSG_BOX_STARTED, id, &s, NULL, 0);
}

// Out of those that start.
static struct box_start *end_start(struct live_box *lb)
{
    struct launcher *l = lb->l;
    loop_unwatch(&lb->watch);
    loop_timer_cancel(l->loop, &lb->late);
    l->n_starts--;
    launcher_listen(l);
    return ptr_steal(&lb->start);
}

static void finish(struct live_box *lb)
{
    struct launcher *l = lb->l;
    struct msg_box_started s = {0};
    struct err e = {0};
    struct box_start *start = end_start(lb);
    char id[ID_MAX], step[32] = "init";
    memcpy(id, lb->box.id, sizeof(id));
    if (box_start_finish(start, &lb->box, step, &e)) {
        box_start_abort(start);
        (void)map_del(l->boxes, id);
        not_started(l, lb->start_id, id, step, &e);
        free(lb);
        return;
    }
    keep(l, lb);
    if (box_record(&lb->box, &e))
        log_warn("box would not outlive us box=%s: %s", lb->box.id, e.text);
    fill_started(&s, &lb->box);
    send_started(l, lb->start_id, &s, &lb->box, lb->box.control_fd);
    fd_close(&lb->box.control_fd); // the server's alone, so that init sees the server's end
    box_rest(&lb->box);
    box_start_abort(start);
}

static void on_report(struct watch *w, uint32_t events)
{
    (void)events;
    finish(container_of(w, struct live_box, watch));
}

static void on_late(struct timer *t)
{
    finish(container_of(t, struct live_box, late)); // which finds that nothing was said
}

void boxes_start(struct launcher *l, uint64_t id, const struct msg_box_start *m)
{
    char step[32] = "check";
    struct err e = {0};
    struct live_box *lb = xcalloc(1, sizeof(*lb));
    lb->l = l;
    lb->start_id = id;
    (void)snprintf(lb->box.id, sizeof(lb->box.id), "%s", m->box);
    list_init(&lb->stops);
    if (begin(l, m, lb, step, &e) ||
        loop_watch(l->loop, &lb->watch, box_start_fd(lb->start), EPOLLIN, on_report, &e)) {
        if (lb->start)
            box_start_abort(lb->start);
        not_started(l, id, m->box, step, &e);
        free(lb);
        return;
    }
    loop_timer_set(l->loop, &lb->late, BOX_START_MS, on_late);
    (void)map_put(l->boxes, lb->box.id, lb);
    l->n_starts++;
    launcher_listen(l);
}

// Nobody waits for it any more.
static void give_up(struct live_box *lb)
{
    struct launcher *l = lb->l;
    struct err e = {0};
    box_start_abort(end_start(lb));
    (void)map_del(l->boxes, lb->box.id);
    err_set(&e, ERR_GONE, "it was stopped while it started");
    not_started(l, lb->start_id, lb->box.id, "stop", &e);
    free(lb);
}

static struct live_box *starting(const struct launcher *l)
{
    size_t cursor = 0;
    for (struct live_box *lb; l->n_starts && (lb = map_next(l->boxes, &cursor, NULL));)
        if (lb->start)
            return lb;
    return NULL;
}

void boxes_settle(struct launcher *l)
{
    for (struct live_box *lb; (lb = starting(l));) {
        struct pollfd pfd = {.fd = box_start_fd(lb->start), .events = POLLIN};
        while (poll(&pfd, 1, BOX_START_MS) < 0 && errno == EINTR)
            ;
        finish(lb);
    }
}

void boxes_close_starts(struct launcher *l)
{
    size_t cursor = 0;
    for (struct live_box *lb; l->n_starts && (lb = map_next(l->boxes, &cursor, NULL));)
        if (lb->start)
            box_start_close(lb->start);
}

void boxes_stop(struct launcher *l, uint64_t id, const char *box)
{
    struct live_box *lb = map_get(l->boxes, box);
    if (!lb) {
        launcher_answer(l, id, 0, NULL); // nothing is left of it, which is what was asked
        return;
    }
    if (lb->start) {
        give_up(lb);
        launcher_answer(l, id, 0, NULL);
        return;
    }
    struct stop_wait *sw = xcalloc(1, sizeof(*sw));
    sw->id = id;
    l->n_ending += list_empty(&lb->stops);
    list_add_tail(&lb->stops, &sw->link);
    l->n_stops++;
    box_kill(l->host, &lb->box);
}

void boxes_list(struct launcher *l, uint64_t id)
{
    size_t cursor = 0;
    boxes_settle(l); // what an earlier server asked for is in the list, too
    for (struct live_box *lb; (lb = map_next(l->boxes, &cursor, NULL));) {
        struct msg_box_started s = {0};
        own_fd int control = box_control(&lb->box); // -1: its server has it
        fill_started(&s, &lb->box);
        send_started(l, id, &s, &lb->box, control);
    }
    launcher_answer(l, id, 0, NULL);
}

void boxes_stat(struct launcher *l, uint64_t id, const char *box)
{
    struct msg_box_stats s = {0};
    struct live_box *lb = map_get(l->boxes, box);
    struct box_stat st = {0};
    struct err e = {0};
    int bad = lb && !lb->start ? box_stat(l->host, &lb->box, &st, &e)
                               : err_set(&e, ERR_NOT_FOUND, "box %s does not run", box);
    (void)snprintf(s.box, sizeof(s.box), "%s", box);
    if (bad) {
        s.code = e.code;
        s.sys = (uint32_t)e.sys;
        (void)snprintf(s.text, sizeof(s.text), "%s", e.text);
    }
    s.memory_bytes = st.memory_bytes;
    s.memory_peak_bytes = st.memory_peak_bytes;
    s.cpu_us = st.cpu_us;
    s.oom_kills = st.oom_kills;
    s.pids = st.pids;
    s.pids_refused = st.pids_refused;
    s.memory_limit = st.limits.memory_bytes;
    s.pids_limit = st.limits.pids;
    s.cpu_percent_limit = st.limits.cpu_percent;
    (void)snprintf(s.cgroup, sizeof(s.cgroup), "%s", box_host_cgroup_kind(l->host));
    launcher_send(l, MSG_BOX_STATS, id, &s, NULL, 0);
}

bool boxes_use_dir(const struct launcher *l, const char *dir)
{
    // A box that uses a directory has the directory's id, or one of a helper the server waits for.
    return map_get(l->boxes, dir) != NULL;
}

void boxes_end_all(struct launcher *l)
{
    size_t cursor = 0;
    boxes_settle(l);
    for (struct live_box *lb; (lb = map_next(l->boxes, &cursor, NULL));)
        box_kill(l->host, &lb->box);
    uint64_t end = clock_mono_ms() + END_ALL_MS;
    while (map_count(l->boxes) && clock_mono_ms() < end)
        if (loop_turn(l->loop, 100))
            break;
}
