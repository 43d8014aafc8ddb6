// SPDX-License-Identifier: Apache-2.0
// The server's end of the egress process's socket: it is told of sandboxes and their rules, and
// tells what it decided. It may die at any time; then all is told again to the next one.
#include "build_int.h"
#include "run_int.h"

#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <sys/epoll.h>

int egress_send(struct core *c, enum wire_type type, const void *body, const int *fds, size_t n_fds)
{
    struct egress_link *l = &c->egress;
    struct err e;
    if (l->fd < 0 || !wire_send(l->fd, type, 0, body, fds, n_fds, &e))
        return 0;
    l->behind = true;
    loop_watch_events(&l->watch, EPOLLIN | EPOLLOUT);
    return -1;
}

void egress_tell(struct sandbox *sb, bool sockets)
{
    struct msg_egress_box m = {.generation = sb->core->egress.generation};
    if (sb->state != SB_LIVE || sb->net_fds[0] < 0)
        return;
    TEXT_PUT(m.box, sb->id);
    m.keep = !sb->net_rules; // one of an earlier server
    m.rules = (struct wire_bytes){sb->net_rules ? sb->net_rules : "",
                                  sb->net_rules ? strlen(sb->net_rules) : 0};
    m.named = (struct wire_bytes){sb->net_named, sb->net_named ? strlen(sb->net_named) : 0};
    m.anywhere = sb->net_anywhere;
    if (sockets)
        m.authority = (struct wire_bytes){sb->net_ca, sb->net_ca_len};
    unsigned n = sb->net_fds[NET_SOCK_WHO] < 0 ? NET_SOCK_WHO : NET_SOCK_N;
    (void)egress_send(sb->core, MSG_EGRESS_BOX, &m, sb->net_fds, sockets ? n : 0);
}

void egress_forget(struct sandbox *sb)
{
    struct msg_box_name m = {0};
    bool known = sb->net_fds[0] >= 0;
    for (unsigned i = 0; i < NET_SOCK_N; i++)
        fd_close(&sb->net_fds[i]);
    free(ptr_steal(&sb->net_rules));
    free(ptr_steal(&sb->net_repo));
    free(ptr_steal(&sb->net_named));
    free(ptr_steal(&sb->net_ca));
    sb->net_ca_len = 0;
    if (!known)
        return;
    TEXT_PUT(m.box, sb->id);
    (void)egress_send(sb->core, MSG_EGRESS_CLOSE, &m, NULL, 0);
}

void egress_sync(struct core *c)
{
    const struct msg_egress_sweep m = {.generation = c->egress.generation};
    c->egress.behind = false;
    if (!secrets_tell(c))
        return; // again when there is room, with those that it does not have yet
    list_for (it, &c->boxes)
        egress_tell(container_of(it, struct sandbox, link), true);
    (void)egress_send(c, MSG_EGRESS_SWEEP, &m, NULL, 0);
    reseal_next(c);
}

// --- was it replaced? ----------------------------------------------------------------------------

#define SURE_MS 5000 // it says nothing, and none has come instead

void egress_doubt_drop(struct egress_doubt *d)
{
    if (!d->core)
        return;
    loop_timer_cancel(d->core->loop, &d->timer);
    list_del(&d->link);
}

static void be_sure(struct core *c, bool replaced)
{
    while (!list_empty(&c->egress.doubts)) {
        struct egress_doubt *d = container_of(c->egress.doubts.next, struct egress_doubt, link);
        egress_doubt_drop(d);
        d->on_sure(d, replaced);
    }
}

static void on_unsure(struct timer *t)
{
    struct egress_doubt *d = container_of(t, struct egress_doubt, timer);
    egress_doubt_drop(d);
    d->on_sure(d, false);
}

void egress_doubt(struct core *c, struct egress_doubt *d)
{
    d->core = c;
    list_add_tail(&c->egress.doubts, &d->link);
    loop_timer_set(c->loop, &d->timer, c->egress.fd < 0 ? 0 : SURE_MS, on_unsure);
    (void)egress_send(c, MSG_EGRESS_KEYS_ASK, NULL, NULL, 0); // one that starts tells unasked
}

// --- decisions -----------------------------------------------------------------------------------

static void row_release(struct network_row *r)
{
    free(r->host);
    free(r->rule);
    *r = (struct network_row){0};
}

void network_log_free(struct network_log *l)
{
    for (unsigned i = 0; l && i < NETWORK_DECISIONS_MAX; i++)
        row_release(&l->rows[i]);
    free(l);
}

static struct network_row *newest(struct network_log *l)
{
    return l->n ? &l->rows[(l->next + NETWORK_DECISIONS_MAX - 1) % NETWORK_DECISIONS_MAX] : NULL;
}

static void ended(struct network_log *l, const struct msg_egress_decision *m)
{
    for (unsigned i = 0; i < l->n; i++) {
        struct network_row *r = &l->rows[i];
        if (r->conn != m->conn)
            continue;
        r->conn = 0;
        r->d.open = false;
        r->d.bytes_sent = m->sent;
        r->d.bytes_received = m->received;
    }
}

static void record(struct network_log *l, const struct msg_egress_decision *m)
{
    struct network_row *r = newest(l);
    l->untold += m->untold;
    if (m->ended) {
        ended(l, m);
        return;
    }
    // A program that tries again and again is one line.
    if (r && !m->allowed && !r->d.allowed && r->d.port == m->port && !strcmp(r->host, m->host) &&
        !strcmp(r->rule, m->rule) && !strcmp(r->process, m->process)) {
        r->d.count++;
        r->d.time_ms = m->time_ms;
        r->d.pid = m->pid;
        return;
    }
    r = &l->rows[l->next];
    l->next = (l->next + 1) % NETWORK_DECISIONS_MAX;
    l->n += l->n < NETWORK_DECISIONS_MAX;
    row_release(r);
    r->host = xstrdup(m->host);
    r->rule = xstrdup(m->rule);
    TEXT_PUT(r->process, m->process);
    r->conn = m->allowed ? m->conn : 0;
    r->d = (struct network_decision){.time_ms = m->time_ms,
                                     .host = r->host,
                                     .port = m->port,
                                     .allowed = m->allowed,
                                     .open = m->allowed,
                                     .rule = m->allowed ? r->rule : "",
                                     .reason = m->allowed ? "" : r->rule,
                                     .process = r->process,
                                     .pid = m->pid,
                                     .count = 1};
}

// Whose decisions those of a sandbox are: its own workspace's, or that which it works for.
static struct ws *ws_told(struct core *c, const char *box)
{
    const struct sandbox *sb = map_get(c->sandboxes, box);
    return map_get(c->ws_by_id, sb && sb->net_of[0] ? sb->net_of : box);
}

// A sandbox may be gone when the ends of its connections are told.
static void ended_anywhere(struct core *c, const struct msg_egress_decision *m)
{
    list_for (it, &c->workspaces) {
        struct network_log *l = container_of(it, struct ws, all)->net_log;
        if (l)
            ended(l, m);
    }
}

// Our own git helper lets nobody look into it; it is alone in its sandbox.
static void name_helper(const struct core *c, struct msg_egress_decision *m)
{
    const struct sandbox *sb = map_get(c->sandboxes, m->box);
    if (sb && sb->net_repo && !*m->process)
        TEXT_PUT(m->process, "pinfold-git");
}

static void on_decision(struct core *c, struct msg_egress_decision *m)
{
    name_helper(c, m);
    struct ws *ws = ws_told(c, m->box);
    if (m->allowed)
        c->stats.egress_allowed += !m->ended;
    else
        c->stats.egress_denied++;
    c->stats.egress_bytes += m->sent + m->received;
    struct runrec *r = run_of_box(c, ws ? ws->pub.id : m->box);
    if (r)
        run_network_decision(r, m);
    struct bld *b = ws ? NULL : map_get(c->builds, m->box);
    if (b)
        build_network_decision(b, m);
    else if (!ws && m->ended)
        ended_anywhere(c, m);
    if (!ws)
        return;
    if (!ws->net_log)
        ws->net_log = xcalloc(1, sizeof(*ws->net_log));
    record(ws->net_log, m);
}

// Connections end with the process, and nobody says how much they carried.
static void all_ended(struct core *c)
{
    list_for (it, &c->workspaces) {
        struct network_log *l = container_of(it, struct ws, all)->net_log;
        for (unsigned i = 0; l && i < l->n; i++) {
            l->rows[i].conn = 0;
            l->rows[i].d.open = false;
        }
    }
}

// For the next egress process; it is as secret as its sealed box.
static void keep_authority(struct core *c, const struct msg_egress_ca *m)
{
    struct sandbox *sb = map_get(c->sandboxes, m->box);
    if (!sb || sb->net_fds[0] < 0)
        return;
    free(sb->net_ca);
    sb->net_ca = m->sealed.len ? xmemdup0(m->sealed.p, m->sealed.len) : NULL;
    sb->net_ca_len = m->sealed.len;
}

// --- the socket ----------------------------------------------------------------------------------

static void on_egress(struct watch *w, uint32_t events)
{
    struct egress_link *l = container_of(w, struct egress_link, watch);
    struct core *c = container_of(l, struct core, egress);
    if (events & EPOLLOUT) {
        loop_watch_events(w, EPOLLIN);
        if (l->behind)
            egress_sync(c);
    }
    for (int i = 0; i < 64 && w->loop; i++) { // bounded, so that others get their turn
        struct err e = {0};
        int r = wire_recv(l->fd, PEER_EGRESS, PEER_SERVER, &l->msg, &e);
        if (r < 0) {
            core_notice(c, true, "from the egress process: %s", e.text);
            if (e.code == ERR_LOST)
                loop_unwatch(w); // both ends are kept by our parent: it is gone too
        }
        if (r <= 0)
            return;
        if (l->msg.row->type == MSG_EGRESS_DECISION) {
            on_decision(c, &l->msg.body.egress.decision);
        } else if (l->msg.row->type == MSG_READY) {
            core_notice(c, false, "the egress process is ready");
            all_ended(c);
            secrets_forgotten(c);
            egress_sync(c);
            l->starts++;
            be_sure(c, true);
        } else if (l->msg.row->type == MSG_EGRESS_KEYS) {
            secrets_keys(c, &l->msg.body.egress.keys);
            be_sure(c, false);
        } else if (l->msg.row->type == MSG_EGRESS_RESEALED) {
            secrets_resealed(c, &l->msg.body.egress.secret);
        } else if (l->msg.row->type == MSG_EGRESS_COUNT) {
            secret_count(c, &l->msg.body.egress.count);
        } else if (l->msg.row->type == MSG_EGRESS_DOOR) {
            if (c->on_door)
                c->on_door(c->notice_arg, wire_take_fd(&l->msg, 0));
        } else if (l->msg.row->type == MSG_EGRESS_CA) {
            keep_authority(c, &l->msg.body.egress.ca);
            trust_put(c, &l->msg.body.egress.ca);
        }
        wire_release(&l->msg);
    }
}

int egress_open(struct core *c, int fd, struct err *e)
{
    struct egress_link *l = &c->egress;
    l->fd = fd > 0 ? fd : -1;
    list_init(&l->doubts);
    if (l->fd < 0)
        return 0;
    id_random_bytes(&l->generation, sizeof(l->generation));
    if (io_set_nonblock(fd, true))
        return err_sys(e, "prepare the egress process's socket");
    if (loop_watch(c->loop, &l->watch, fd, EPOLLIN, on_egress, e))
        return -1;
    (void)egress_send(c, MSG_EGRESS_KEYS_ASK, NULL, NULL, 0); // one that starts tells unasked
    return 0;
}

void egress_close(struct core *c)
{
    loop_unwatch(&c->egress.watch);
    fd_close(&c->egress.fd);
}

// --- the verbs -----------------------------------------------------------------------------------

void core_network_view(struct core *c, struct workspace *pub, struct network_view *ret)
{
    struct ws *ws = ws_of(pub);
    own_buf struct buf rules;
    struct err e;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (ws->set.network == NET_LIST && ws->set.profile &&
        network_rules(c, ws->set.profile, ws->set.allow->list, ws->repo_url, &rules, &e))
        buf_clear(&rules); // a preset that is gone: then nothing is allowed, see ws_fill
    const struct network_log *l = ws->net_log;
    *ret = (struct network_view){
        .mode = ws->set.network,
        .learn = ws->set.learn,
        .allow = ws->set.allow->list,
        .effective = xstrdup(rules.data),
        .live = ws->sb.state == SB_LIVE && ws->sb.net_fds[0] >= 0,
        .n_decisions = l ? l->n : 0,
        .n_uses = l ? l->n_uses : 0,
        .untold = l ? l->untold : 0,
    };
}

void core_network_decision(struct workspace *pub, unsigned i, struct network_decision *ret)
{
    const struct network_log *l = ws_of(pub)->net_log;
    *ret = l->rows[(l->next + 2 * NETWORK_DECISIONS_MAX - 1 - i) % NETWORK_DECISIONS_MAX].d;
}

void core_network_use(struct workspace *pub, unsigned i, struct network_use *ret)
{
    const struct use_count *u = &ws_of(pub)->net_log->uses[i];
    *ret = (struct network_use){u->id,           u->requests,      u->failures,
                                u->input_tokens, u->output_tokens, u->cached_tokens};
}

char *core_network_proposed(struct workspace *pub)
{
    const struct network_log *l = ws_of(pub)->net_log;
    own_buf struct buf out;
    struct policy p = {0};
    struct err e;
    buf_init(&out, POLICY_TEXT_MAX);
    for (unsigned i = 0; l && i < l->n; i++) {
        const struct network_decision *d = &l->rows[i].d;
        char rule[NETWORK_RULE_MAX];
        struct host h;
        if (d->allowed || strcmp(d->reason, "not_listed") ||
            host_parse(d->host, strlen(d->host), &h, &e) || h.numeric)
            continue;
        bool plain = !d->port || d->port == 80 || d->port == 443;
        (void)snprintf(rule, sizeof(rule), plain ? "%s" : "%s:%u", d->host, d->port);
        (void)policy_parse(&p, rule, &e); // full is full
    }
    (void)policy_format(&p, &out); // cut is fine
    policy_release(&p);
    return xstrdup(out.data);
}
