// SPDX-License-Identifier: Apache-2.0
// What a connection asks for, by the door it came through, and the decision about it.
#include "secrets_int.h"

#include <netinet/in.h>
#include <pinfold/own.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define REWRITE_MAX (PEEK_HEAD_MAX + 1024)

static void wait_for_more(struct conn *c)
{
    if (c->up.eof)
        conn_free(c); // it left without saying
    else
        conn_arm(c);
}

// --- the decision -------------------------------------------------------------------------------

void conn_want(struct conn *c, const char *host, size_t n, uint16_t port)
{
    struct abox *b = c->box;
    struct err e;
    c->port = port;
    if (host_parse(host, n, &c->name, &e)) {
        tell_refused(&c->who, NULL, port, "bad_name");
        conn_refuse(c, NO_SENSE, "%s", e.text);
        return;
    }
    if (c->speak != SPEAK_HTTP && c->speak != SPEAK_RAW &&
        policy_opens(&b->policy, &c->name, port)) {
        conn_open(c);
        return;
    }
    const struct rule *rule = policy_match(&b->policy, &c->name, port);
    if (!rule && !b->anywhere) {
        tell_refused(&c->who, &c->name, port, "not_listed");
        conn_refuse(c, NO_RULE, "no rule allows it");
        return;
    }
    if (rule)
        rule_text(rule, c->rule);
    else
        memcpy(c->rule, "*", 2);
    conn_go(c, &c->name, port);
}

void conn_go(struct conn *c, const struct host *name, uint16_t port)
{
    c->name = *name;
    c->port = port;
    conn_dial(c);
}

// The name that the address it connected to stands for.
static const char *name_of_door(const struct conn *c)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    if (getsockname(c->client.fd, (struct sockaddr *)&a, &len) || a.sin_family != AF_INET)
        return NULL;
    return box_address_name(c->box, (const unsigned char *)&a.sin_addr);
}

// --- HTTP ---------------------------------------------------------------------------------------

static void ask_connect(struct conn *c, const struct peek_http *h)
{
    struct host name;
    uint16_t port;
    struct err e;
    c->speak = SPEAK_CONNECT;
    if (c->by != NET_SOCK_PROXY) {
        conn_refuse(c, NO_SENSE, "CONNECT is for the proxy, not for this port");
        return;
    }
    // Checked here for its port; its host is decided about from the bytes as they came.
    if (host_port_parse(h->authority.p, h->authority.n, 443, &name, &port, &e)) {
        tell_refused(&c->who, NULL, 0, "bad_name");
        conn_refuse(c, NO_SENSE, "%s", e.text);
        return;
    }
    flow_drop(&c->up, h->len);
    conn_want(c, name.text, strlen(name.text), port);
}

// The request goes on rewritten, for the host that was decided about and no other.
static void ask_request(struct conn *c, const struct peek_http *h, struct slice authority)
{
    struct host name;
    uint16_t port;
    struct err e;
    char host[HOST_ROOM + 10];
    own_buf struct buf head = {0};
    size_t used, rest = c->up.len - h->len;
    if (host_port_parse(authority.p, authority.n, 80, &name, &port, &e)) {
        tell_refused(&c->who, NULL, 0, "bad_name");
        conn_refuse(c, NO_SENSE, "%s", e.text);
        return;
    }
    if (c->by == NET_SOCK_HTTP && port != 80) {
        conn_refuse(c, NO_SENSE, "the Host header names port %u on a connection to port 80", port);
        return;
    }
    const struct asecret *secret = secret_for(c->box, &name, &port, &c->by_tls);
    host_text(&name, port, c->by_tls, host);
    if (secret) {
        if (secret_pass_on(c, h, host, secret, NULL))
            conn_refuse(c, NO_SENSE, "the request is too large to be passed on with its secret");
        else
            conn_want(c, name.text, strlen(name.text), port);
        return;
    }
    buf_init(&head, REWRITE_MAX);
    peek_body_of(h, &c->body);
    c->switching = h->upgrade;
    if (peek_http_rewrite(c->up.data + c->up.at, h, host, NULL, &head) ||
        peek_body(&c->body, c->up.data + c->up.at + h->len, rest, &used) < 0 ||
        head.len + used > FLOW_ROOM + FLOW_SLACK) {
        conn_refuse(c, NO_SENSE, "the request cannot be passed on");
        return;
    }
    own_free char *body = xmemdup0(c->up.data + c->up.at + h->len, used);
    c->up.at = c->up.len = 0;
    (void)flow_put(&c->up, head.data, head.len); // it fits: measured above
    (void)flow_put(&c->up, body, used);
    conn_want(c, name.text, strlen(name.text), port);
}

// Some ask the proxy for its own address, too.
static bool names_us(struct slice authority)
{
    static const char *const names[] = {"127.0.0.1:" NET_PROXY_TEXT, "localhost:" NET_PROXY_TEXT};
    for (size_t i = 0; i < N_ELEMS(names); i++)
        if (authority.n == strlen(names[i]) && !strncasecmp(authority.p, names[i], authority.n))
            return true;
    return false;
}

static void ask_http(struct conn *c)
{
    struct peek_http h;
    struct err e;
    c->speak = SPEAK_HTTP;
    int r = peek_http(c->up.data + c->up.at, c->up.len, &h, &e);
    if (r == 0) {
        wait_for_more(c);
        return;
    }
    if (r < 0) {
        conn_refuse(c, NO_SENSE, "%s", e.text);
        return;
    }
    const char *known = h.host.p ? NULL : name_of_door(c);
    bool own = h.form == FORM_ORIGIN || (h.form == FORM_ABSOLUTE && names_us(h.authority));
    if (h.form == FORM_AUTHORITY)
        ask_connect(c, &h);
    else if (c->by == NET_SOCK_PROXY && own && service_named(&h))
        service_ask(c, &h);
    else if (h.form == FORM_ABSOLUTE)
        ask_request(c, &h, h.authority);
    else if (c->by == NET_SOCK_PROXY)
        conn_refuse(c, NO_SENSE, "this is a proxy: it wants CONNECT or a whole http:// URL");
    else if (h.host.p)
        ask_request(c, &h, h.host);
    else if (known)
        ask_request(c, &h, (struct slice){known, strlen(known)});
    else
        conn_refuse(c, NO_SENSE, "the request has no Host header");
}

// --- SOCKS --------------------------------------------------------------------------------------

static void ask_socks(struct conn *c)
{
    const unsigned char *p = (const unsigned char *)c->up.data + c->up.at;
    struct peek_socks s;
    size_t len;
    bool good;
    c->speak = SPEAK_SOCKS;
    int r = c->greeted ? peek_socks(p, c->up.len, &s) : peek_socks_hello(p, c->up.len, &len, &good);
    if (r == 0) {
        wait_for_more(c);
        return;
    }
    if (r < 0) {
        conn_refuse(c, NO_SENSE, "not SOCKS5");
        return;
    }
    if (c->greeted) {
        flow_drop(&c->up, s.len);
        if (s.command != 1)
            conn_refuse(c, NO_SENSE, "only CONNECT is served");
        else
            conn_want(c, s.host, s.host_len, s.port);
        return;
    }
    const unsigned char answer[] = {5, good ? 0 : 0xff};
    flow_drop(&c->up, len);
    if (flow_put(&c->down, answer, 2) || flow_write(&c->down, &c->client) || !good) {
        conn_free(c); // a client that insists on a password has none here
        return;
    }
    c->greeted = true;
    ask_socks(c);
}

// --- TLS ----------------------------------------------------------------------------------------

static void ask_tls(struct conn *c)
{
    char name[PEEK_NAME_MAX + 1];
    size_t len = 0;
    c->speak = SPEAK_TLS;
    int r = peek_tls((const unsigned char *)c->up.data + c->up.at, c->up.len, name, &len);
    if (r == 0 && c->up.len < FLOW_ROOM) {
        wait_for_more(c);
        return;
    }
    const char *known = name_of_door(c);
    if (r == 1 && len) {
        conn_want(c, name, len, 443);
    } else if (known) { // no TLS, or none with a name: what it looked up is where it goes
        if (r < 1)
            c->speak = SPEAK_RAW;
        conn_want(c, known, strlen(known), 443);
    } else {
        tell_refused(&c->who, NULL, 443, "bad_name");
        conn_refuse(c, NO_SENSE, "it names no host");
    }
}

void conn_ask(struct conn *c)
{
    if (c->speak == SPEAK_DNS)
        dns_stream(c);
    else if (!c->up.len)
        wait_for_more(c);
    else if (c->opened)
        conn_ask_opened(c);
    else if (c->by == NET_SOCK_TLS)
        ask_tls(c);
    else if (c->greeted || (c->by == NET_SOCK_PROXY && c->up.data[c->up.at] == 5))
        ask_socks(c);
    else
        ask_http(c);
}
