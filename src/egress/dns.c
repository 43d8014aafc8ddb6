// SPDX-License-Identifier: Apache-2.0
// The name server inside: a name that some rule allows gets an address of the sandbox's own
// loopback, behind which this process listens; any other does not exist. No question leaves the
// machine, so nothing can be carried out in one.
#include "egress_int.h"

#include <netinet/in.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/socket.h>

#define BURST 32
#define QUESTIONS_MAX 32 // of a sandbox, that wait for who asked; the next is told without

// A refusal will be told, and who asked is wanted for it.
static bool is_refused(struct abox *b, const unsigned char *p, size_t n)
{
    struct peek_dns q;
    struct host h;
    return peek_dns(p, n, &q) >= 0 && q.query && q.internet && q.type != DNS_AAAA &&
           !host_parse(q.name, q.name_len, &h, NULL) && !h.numeric && !policy_knows(&b->policy, &h);
}

// The answer's length, or 0 for none.
static size_t answer(const struct who *who, const unsigned char *p, size_t n,
                     unsigned char out[DNS_MAX])
{
    struct abox *b = who->box;
    struct peek_dns q;
    struct host h;
    unsigned char address[4];
    if (peek_dns(p, n, &q) < 0)
        return q.len < 12 || p[2] & 0x80 ? 0 : dns_answer(p, &q, DNS_FORMAT, NULL, out);
    if (!q.query || !q.internet)
        return dns_answer(p, &q, DNS_NOT_DONE, NULL, out);
    if (host_parse(q.name, q.name_len, &h, NULL) || h.numeric)
        return dns_answer(p, &q, DNS_NO_NAME, NULL, out);
    if (!policy_knows(&b->policy, &h)) {
        if (q.type != DNS_AAAA) // the other half of the same question
            tell_refused(who, &h, 0, "not_listed");
        return dns_answer(p, &q, DNS_NO_NAME, NULL, out);
    }
    if (q.type != DNS_A)
        return dns_answer(p, &q, DNS_OK, NULL, out);
    box_name_address(b, h.text, address);
    return dns_answer(p, &q, DNS_OK, address, out);
}

struct question {
    struct list link;
    struct who who;
    struct sockaddr_in from;
    size_t len;
    unsigned char data[DNS_MAX];
};

static void reply(const struct question *q)
{
    unsigned char out[DNS_MAX];
    size_t m = answer(&q->who, q->data, q->len, out);
    if (m) // who does not read its answer asks again
        (void)sendto(q->who.box->doors[NET_SOCK_DNS].fd, out, m, MSG_DONTWAIT | MSG_NOSIGNAL,
                     (const struct sockaddr *)&q->from, sizeof(q->from));
}

static void question_free(struct question *q)
{
    q->who.box->n_questions--;
    who_drop(&q->who);
    list_del(&q->link);
    free(q);
}

static void on_who(struct who *w)
{
    struct question *q = container_of(w, struct question, who);
    reply(q);
    question_free(q);
}

static bool ask_who(struct question *q)
{
    // Where it was sent to is not told; the socket listens on one address.
    const struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct abox *b = q->who.box;
    return b->n_questions < QUESTIONS_MAX && is_refused(b, q->data, q->len) &&
           who_ask(&q->who, &q->from, &here, true);
}

void dns_datagrams(struct door *d)
{
    for (int i = 0; i < BURST; i++) {
        own_free struct question *q = xcalloc(1, sizeof(*q));
        socklen_t len = sizeof(q->from);
        q->who.box = d->box;
        ssize_t n = recvfrom(d->fd, q->data, sizeof(q->data), MSG_DONTWAIT,
                             (struct sockaddr *)&q->from, &len);
        if (n < 0)
            return;
        q->len = (size_t)n;
        if (!ask_who(q)) {
            reply(q);
            continue;
        }
        list_add_tail(&d->box->questions, &q->link);
        d->box->n_questions++;
        who_wait(&q->who, on_who);
        ptr_steal(&q); // until then
    }
}

void dns_forget(struct abox *b)
{
    while (!list_empty(&b->questions))
        question_free(container_of(b->questions.next, struct question, link));
}

void dns_stream(struct conn *c)
{
    unsigned char out[DNS_MAX + 2];
    while (c->up.len >= 2) {
        const unsigned char *p = (const unsigned char *)c->up.data + c->up.at;
        size_t n = (size_t)p[0] << 8 | p[1];
        if (n > DNS_MAX) {
            conn_free(c);
            return;
        }
        if (c->up.len < n + 2)
            break;
        size_t m = answer(&c->who, p + 2, n, out + 2);
        out[0] = (unsigned char)(m >> 8);
        out[1] = (unsigned char)m;
        flow_drop(&c->up, n + 2);
        if (!m || flow_put(&c->down, out, m + 2)) {
            conn_free(c);
            return;
        }
    }
    if (c->up.eof)
        c->down.eof = true;
    if (flow_write(&c->down, &c->client) || c->down.shut)
        conn_free(c);
    else
        conn_arm(c);
}
