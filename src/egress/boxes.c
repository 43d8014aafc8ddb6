// SPDX-License-Identifier: Apache-2.0
// Sandboxes by id: their doors, their rules, the names that have an address inside.
#include "egress_int.h"

#include <errno.h>
#include <netinet/in.h>
#include <pinfold/buf.h>
#include <pinfold/crypt.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

// 127.64.0.1 and up: all of 127/8 is the sandbox's own loopback, and nobody else uses this part.
#define NAMES_BASE 0x7f400001u
#define ACCEPT_BURST 16

static void on_door(struct watch *w, uint32_t events);

static void doors_watch(struct abox *b, bool on)
{
    for (int i = 0; i < NET_SOCK_N; i++)
        if (b->doors[i].kind != NET_SOCK_DNS && b->doors[i].kind != NET_SOCK_WHO)
            loop_watch_events(&b->doors[i].watch, on ? EPOLLIN : 0);
}

static bool full(const struct abox *b)
{
    return b->n_conns >= b->eg->conf.max_sandbox_connections ||
           b->eg->n_conns >= b->eg->conf.max_egress_connections;
}

// What waits in the sockets' own queues is bounded by the kernel.
static void pause_box(struct abox *b)
{
    if (b->paused)
        return;
    b->paused = true;
    list_add_tail(&b->eg->paused, &b->link);
    doors_watch(b, false);
}

static void resume(struct abox *b)
{
    b->paused = false;
    list_del(&b->link);
    doors_watch(b, true);
}

void box_conn_ended(struct abox *b)
{
    if (b->paused && !full(b))
        resume(b);
    list_for (it, &b->eg->paused) {
        struct abox *other = container_of(it, struct abox, link);
        if (!full(other)) {
            resume(other);
            return;
        }
    }
}

static void on_door(struct watch *w, uint32_t events)
{
    (void)events;
    struct door *d = container_of(w, struct door, watch);
    if (d->kind == NET_SOCK_DNS || d->kind == NET_SOCK_WHO) {
        (d->kind == NET_SOCK_DNS ? dns_datagrams : who_event)(d);
        return;
    }
    for (int i = 0; i < ACCEPT_BURST; i++) {
        if (full(d->box)) {
            pause_box(d->box);
            return;
        }
        struct sockaddr_in from = {0};
        socklen_t len = sizeof(from);
        int fd = accept4(d->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return; // nobody, or one that left again
        conn_new(d->box, fd, d->kind, &from);
    }
}

static void doors_close(struct abox *b)
{
    for (int i = 0; i < NET_SOCK_N; i++) {
        loop_unwatch(&b->doors[i].watch);
        fd_close(&b->doors[i].fd);
    }
}

static void doors_open(struct abox *b, struct wire_msg *m)
{
    struct err e;
    doors_close(b);
    for (unsigned i = 0; i < NET_SOCK_N; i++) {
        struct door *d = &b->doors[i];
        *d = (struct door){.box = b, .kind = (enum net_socket)i, .fd = wire_take_fd(m, i)};
        if (d->fd < 0 && i == NET_SOCK_WHO)
            continue; // of an earlier version
        if (d->fd < 0 || io_set_nonblock(d->fd, true) ||
            loop_watch(b->eg->loop, &d->watch, d->fd, EPOLLIN, on_door, &e)) {
            log_error("box=%s socket %u cannot be watched", b->id, i);
            fd_close(&d->fd);
        }
    }
    if (b->paused)
        doors_watch(b, false);
}

static void box_free(struct abox *b)
{
    while (!list_empty(&b->conns))
        conn_free(container_of(b->conns.next, struct conn, link));
    dns_forget(b);
    doors_close(b);
    list_del(&b->link);
    (void)map_del(b->eg->boxes, b->id);
    policy_release(&b->policy);
    policy_release(&b->named);
    ca_free(b->ca);
    free(b->uses);
    map_free(b->by_name);
    for (unsigned i = 0; i < b->n_names; i++)
        free(b->names[i]);
    free(b->names);
    free(b);
}

static struct abox *box_new(struct egress *eg, const char *id)
{
    struct abox *b = xcalloc(1, sizeof(*b));
    (void)snprintf(b->id, sizeof(b->id), "%s", id);
    b->eg = eg;
    b->by_name = map_new();
    list_init(&b->conns);
    list_init(&b->asked);
    list_init(&b->questions);
    for (int i = 0; i < NET_SOCK_N; i++)
        b->doors[i] = (struct door){.box = b, .fd = -1};
    (void)map_put(eg->boxes, b->id, b);
    return b;
}

static bool still_allowed(const struct conn *c)
{
    if (c->answer && !box_may_use(c->box, c->secret))
        return false;
    return c->service || c->box->anywhere || policy_match(&c->box->policy, &c->name, c->port) ||
           (c->opened && policy_opens(&c->box->policy, &c->name, c->port));
}

// Connections that the new rules would not allow end now.
static void enforce(struct abox *b)
{
    list_for_safe (it, &b->conns) {
        struct conn *c = container_of(it, struct conn, link);
        if (c->phase > PHASE_OPENING && c->phase != PHASE_LINGER && c->speak != SPEAK_DNS &&
            !still_allowed(c))
            conn_free(c);
    }
}

// Rules that cannot be read allow nothing; the server checked them, so it is at fault. The words
// that are ids of secrets go apart.
static void set_rules(struct abox *b, const struct wire_bytes *rules)
{
    struct policy p = {0};
    struct err e = {0};
    own_free char *text = xmemdup0(rules->p, rules->len);
    own_buf struct buf uses;
    buf_init(&uses, POLICY_TEXT_MAX + 2);
    char *rest = text;
    int bad = buf_putc(&uses, ' ');
    for (char *word; !bad && (word = strsep(&rest, " "));)
        if (strchr(word, '/') && !strstr(word, "://"))
            bad = buf_puts(&uses, word) || buf_putc(&uses, ' ');
        else if (*word)
            bad = policy_parse(&p, word, &e);
    if (bad || policy_ports(&p, b->eg->conf.egress_ports, &e)) {
        log_error("box=%s rules: %s", b->id, e.text);
        policy_release(&p);
        buf_clear(&uses);
    }
    free(b->uses);
    b->uses = xstrdup(uses.data);
    policy_release(&b->policy);
    b->policy = p;
}

// That of an earlier process, which programs in there may have read already, or a new one.
static void get_authority(struct abox *b, const struct wire_bytes *sealed)
{
    struct egress *eg = b->eg;
    struct secret_record r;
    struct err e;
    own_buf struct buf text;
    buf_init(&text, SECRET_SEALED_MAX);
    if (sealed->len && !secret_open(&eg->keys, sealed->p, sealed->len, &text, &r, &e) &&
        !strcmp(r.id, b->id))
        b->ca = ca_read(r.value);
    crypt_wipe(text.data, text.len);
    if (!b->ca)
        b->ca = ca_new(b->id);
    if (!b->ca)
        log_error("box=%s has no authority: no TLS is opened", b->id);
}

static void set_named(struct abox *b, const struct wire_bytes *rules)
{
    own_free char *text = xmemdup0(rules->p, rules->len);
    struct err e;
    policy_release(&b->named);
    if (policy_parse(&b->named, text, &e))
        log_error("box=%s named: %s", b->id, e.text);
}

void boxes_open(struct egress *eg, struct wire_msg *m)
{
    const struct msg_egress_box *q = &m->body.egress.box;
    struct abox *b = map_get(eg->boxes, q->box);
    if (!b)
        b = box_new(eg, q->box);
    b->generation = q->generation;
    if (!q->keep) {
        set_rules(b, &q->rules);
        set_named(b, &q->named);
        b->anywhere = q->anywhere;
    }
    bool opens = policy_opens_any(&b->policy), fresh = opens && !b->ca;
    if (fresh)
        get_authority(b, &q->authority);
    if (b->ca && opens && (fresh || m->n_fds))
        tell_ca(b);
    if (m->n_fds >= NET_SOCK_WHO)
        doors_open(b, m);
    enforce(b);
}

void boxes_close(struct egress *eg, const char *id)
{
    struct abox *b = map_get(eg->boxes, id);
    if (b)
        box_free(b);
}

void boxes_sweep(struct egress *eg, uint64_t generation)
{
    for (bool again = true; again;) {
        size_t cursor = 0;
        again = false;
        for (struct abox *b; (b = map_next(eg->boxes, &cursor, NULL));)
            if (b->generation != generation) {
                box_free(b);
                again = true; // the map has changed
                break;
            }
    }
}

void boxes_free(struct egress *eg)
{
    size_t cursor = 0;
    for (struct abox *b; (b = map_next(eg->boxes, &cursor, NULL)); cursor = 0)
        box_free(b);
    map_free(eg->boxes);
}

// --- names -------------------------------------------------------------------------------------

static void address_of(unsigned index, unsigned char ret[4])
{
    uint32_t a = NAMES_BASE + index;
    for (int i = 0; i < 4; i++)
        ret[i] = (unsigned char)(a >> (24 - 8 * i));
}

void box_name_address(struct abox *b, const char *name, unsigned char ret[4])
{
    char **slot = map_get(b->by_name, name);
    if (slot) {
        address_of((unsigned)(slot - b->names), ret);
        return;
    }
    if (!b->names)
        b->names = xcalloc(NAMES_MAX, sizeof(char *));
    unsigned i = b->next_name;
    b->next_name = (i + 1) % NAMES_MAX;
    if (b->names[i]) {
        (void)map_del(b->by_name, b->names[i]);
        free(b->names[i]);
    } else {
        b->n_names++;
    }
    b->names[i] = xstrdup(name);
    (void)map_put(b->by_name, name, &b->names[i]);
    address_of(i, ret);
}

const char *box_address_name(const struct abox *b, const unsigned char address[4])
{
    uint32_t a = (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 |
                 (uint32_t)address[2] << 8 | address[3];
    uint32_t i = a - NAMES_BASE;
    return b->names && i < NAMES_MAX ? b->names[i] : NULL;
}
