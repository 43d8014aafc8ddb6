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

// The answer's length, or 0 for none.
static size_t answer(struct abox *b, const unsigned char *p, size_t n, unsigned char out[DNS_MAX])
{
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
            tell_refused(b, &h, 0, "not_listed");
        return dns_answer(p, &q, DNS_NO_NAME, NULL, out);
    }
    if (q.type != DNS_A)
        return dns_answer(p, &q, DNS_OK, NULL, out);
    box_name_address(b, h.text, address);
    return dns_answer(p, &q, DNS_OK, address, out);
}

void dns_datagrams(struct door *d)
{
    unsigned char in[DNS_MAX], out[DNS_MAX];
    for (int i = 0; i < BURST; i++) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(d->fd, in, sizeof(in), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n < 0)
            return;
        size_t m = answer(d->box, in, (size_t)n, out);
        if (m) // who does not read its answer asks again
            (void)sendto(d->fd, out, m, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, len);
    }
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
        size_t m = answer(c->box, p + 2, n, out + 2);
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
