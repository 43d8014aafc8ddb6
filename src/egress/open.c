// SPDX-License-Identifier: Apache-2.0
// TLS opened, for hosts that a rule about single requests names: the client speaks TLS with us, by a
// certificate of its sandbox's own authority; its request is read, decided about and sent on by TLS
// whose certificate is verified. A connection carries one request, as one in plain does.
#include "secrets_int.h"

#include <pinfold/own.h>
#include <string.h>

#define HANDSHAKE_MS 20000

void conn_open(struct conn *c)
{
    struct abox *b = c->box;
    conn_say_connected(c);
    if (!b->ca || flow_write(&c->down, &c->client) || c->down.len) {
        conn_free(c); // a client that has no room for a line is none
        return;
    }
    c->opened = true;
    c->client.tls = tls_accept(b->eg->tls_inside, c->client.fd, c->up.data + c->up.at, c->up.len);
    c->up.at = c->up.len = 0;
    c->phase = PHASE_OPENING;
    if (tls_present(c->client.tls, b->ca, &c->name)) {
        conn_free(c);
        return;
    }
    conn_timeout(c, HANDSHAKE_MS);
    conn_open_event(c);
}

void conn_open_event(struct conn *c)
{
    struct err e = {0};
    int r = tls_handshake(c->client.tls, &e);
    if (r == 0) {
        conn_arm(c);
        return;
    }
    if (r < 0) { // most often one that does not trust what only this sandbox trusts
        tell_refused(&c->who, &c->name, c->port, "tls_not_opened");
        conn_free(c);
        return;
    }
    c->phase = PHASE_ASKING;
    c->speak = SPEAK_HTTP;
    if (flow_read(&c->up, &c->client) < 0)
        conn_free(c);
    else
        conn_ask(c);
}

// --- the request ----------------------------------------------------------------------------------

// What makes another method or path of it further on.
const char *const opened_drops[OPENED_DROPS + 1] = {"X-HTTP-Method-Override", "X-HTTP-Method",
                                                    "X-Method-Override",      "X-Original-URL",
                                                    "X-Rewrite-URL",          NULL};

static bool same_host(const struct conn *c, const struct peek_http *h)
{
    struct host name;
    uint16_t port;
    struct err e;
    return h->host.p && !host_port_parse(h->host.p, h->host.n, 443, &name, &port, &e) &&
           port == c->port && !strcmp(name.text, c->name.text);
}

static const struct rule *decide(const struct conn *c, const struct peek_http *h)
{
    const char *end = memchr(h->path.p, '?', h->path.n);
    const char *fragment = memchr(h->path.p, '#', h->path.n);
    size_t n = end ? (size_t)(end - h->path.p) : h->path.n;
    if (fragment && (size_t)(fragment - h->path.p) < n)
        n = (size_t)(fragment - h->path.p);
    const struct web_request q = {h->method.p, h->path.p, h->method.n, n};
    return policy_request(&c->box->policy, &c->name, c->port, &q);
}

static void go(struct conn *c, const struct peek_http *h)
{
    char host[HOST_ROOM + 10];
    uint16_t port = c->port;
    const struct peek_change change = {.drop = opened_drops};
    const struct asecret *s = secret_for(c->box, &c->name, &port, &c->by_tls);
    if (!c->by_tls || port != c->port) // one for requests in plain
        s = NULL;
    c->by_tls = true;
    host_text(&c->name, port, true, host);
    if (s ? secret_pass_on(c, h, host, s, NULL) : request_pass_on(c, h, host, &change))
        conn_refuse(c, NO_SENSE, "the request cannot be passed on");
    else
        conn_dial(c);
}

void conn_ask_opened(struct conn *c)
{
    struct peek_http h;
    struct err e;
    int r = peek_http(c->up.data + c->up.at, c->up.len, &h, &e);
    if (r == 0 && !c->up.eof) {
        conn_arm(c);
    } else if (r == 0) {
        conn_free(c); // it left without asking
    } else if (r < 0) {
        conn_refuse(c, NO_SENSE, "%s", e.text);
    } else if (h.form != FORM_ORIGIN || !same_host(c, &h)) {
        tell_refused(&c->who, &c->name, c->port, "other_host");
        conn_refuse(c, NO_SENSE, "the request is for another host than the connection");
    } else {
        const struct rule *rule = decide(c, &h);
        if (rule) {
            (void)rule_text(rule, c->rule);
            go(c, &h);
            return;
        }
        tell_refused(&c->who, &c->name, c->port, "request_not_listed");
        conn_refuse(c, NO_RULE, "no rule allows %.*s %.*s", h.method.n > 20 ? 20 : (int)h.method.n,
                    h.method.p, h.path.n > 80 ? 80 : (int)h.path.n, h.path.p);
    }
}
