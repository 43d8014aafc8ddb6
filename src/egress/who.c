// SPDX-License-Identifier: Apache-2.0
// Which process of a sandbox connected, or asked for a name. Only its init can see that, and is asked
// before the client hears anything, since a program that was refused is gone a moment later. What init
// says is shown and decides nothing; when it says nothing for WHO_MS, all goes on without.
#include "egress_int.h"

#include <netinet/in.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <string.h>

#define WHO_MS 250
#define WHO_MAX 100 // questions in a second: no more decisions are told

static bool may_ask(struct abox *b)
{
    uint64_t now = clock_mono_ms();
    if (now - b->who_window_ms >= 1000) {
        b->who_window_ms = now;
        b->who_asked = 0;
    }
    return b->doors[NET_SOCK_WHO].fd >= 0 && b->who_asked++ < WHO_MAX;
}

bool who_ask(struct who *w, const struct sockaddr_in *client, const struct sockaddr_in *to,
             bool datagram)
{
    const struct msg_who m = {.udp = datagram,
                              .address = ntohl(client->sin_addr.s_addr),
                              .port = ntohs(client->sin_port),
                              .to_address = ntohl(to->sin_addr.s_addr),
                              .to_port = ntohs(to->sin_port)};
    struct abox *b = w->box;
    struct err e;
    if (client->sin_family != AF_INET || to->sin_family != AF_INET || !may_ask(b))
        return false;
    w->id = ++b->eg->next_who;
    if (wire_send(b->doors[NET_SOCK_WHO].fd, MSG_WHO, w->id, &m, NULL, 0, &e))
        return false; // it is behind
    list_add_tail(&b->asked, &w->link);
    return true;
}

void who_drop(struct who *w)
{
    loop_timer_cancel(w->box->eg->loop, &w->timer);
    list_del(&w->link);
}

static void answered(struct who *w)
{
    who_drop(w);
    w->on_answer(w);
}

static void on_patience(struct timer *t)
{
    answered(container_of(t, struct who, timer));
}

void who_wait(struct who *w, void (*on_answer)(struct who *w))
{
    w->on_answer = on_answer;
    loop_timer_set(w->box->eg->loop, &w->timer, WHO_MS, on_patience);
}

// Any program may call itself anything.
static void take_name(struct process *p, const struct msg_who_is *is)
{
    p->pid = is->pid;
    memcpy(p->name, is->name, sizeof(p->name));
    for (char *s = p->name; *s; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
}

static void take(struct abox *b, uint64_t id, const struct msg_who_is *is)
{
    list_for_safe (it, &b->asked) {
        struct who *w = container_of(it, struct who, link);
        if (w->id != id)
            continue;
        take_name(&w->process, is);
        answered(w);
        return;
    }
}

void who_event(struct door *d)
{
    struct abox *b = d->box;
    struct egress *eg = b->eg;
    struct err e;
    int r = wire_recv(d->fd, PEER_INIT, PEER_EGRESS, &eg->answer, &e);
    if (r < 0) { // it is not asked any more
        loop_unwatch(&d->watch);
        fd_close(&d->fd);
    }
    if (r <= 0)
        return;
    take(b, eg->answer.id, &eg->answer.body.egress.who_is);
    wire_release(&eg->answer);
}
