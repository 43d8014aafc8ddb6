// SPDX-License-Identifier: Apache-2.0
// Carrying bytes both ways. Who does not read is not read from: a full buffer stops its source.
//
// A plain HTTP connection carries one request. What follows its body is not passed on, so a second
// request, or what an odd reader takes for one, never reaches a server that it was not decided
// about; the server was asked to close, and the client comes back on a new connection.
#include "egress_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/epoll.h>

static const char switched[] = "HTTP/1.1 101";

// Of what was just read, only what belongs to the request.
static int keep_body(struct conn *c, size_t fresh)
{
    size_t used = 0;
    char *p = c->up.data + c->up.at + c->up.len - fresh;
    if (c->speak != SPEAK_HTTP || !fresh)
        return 0;
    if (peek_body(&c->body, p, fresh, &used) < 0)
        return -1;
    c->up.len -= fresh - used;
    c->up.total -= fresh - used;
    if (used < fresh)
        c->up.eof = true; // it is read no further
    return 0;
}

static int read_client(struct conn *c)
{
    int n = flow_read(&c->up, &c->client);
    return n < 0 ? -1 : keep_body(c, (size_t)n);
}

// After a server's 101 the connection is a WebSocket's and carries what it likes.
static int read_server(struct conn *c)
{
    int n = flow_read(&c->down, &c->server);
    if (n > 0 && c->answer)
        peek_answer(c->answer, c->down.data + c->down.at + c->down.len - n, (size_t)n);
    if (n > 0 && c->switching && c->down.total >= sizeof(switched) - 1) {
        c->switching = false;
        if (!memcmp(c->down.data + c->down.at, switched, sizeof(switched) - 1))
            c->speak = SPEAK_RAW;
    }
    return n;
}

// A tunnel to an allowed host in which a hello names another: a front that serves many would take it
// there. True when it was refused. What is no TLS, or names nobody, goes on.
static bool refuse_hello(struct conn *c)
{
    const unsigned char *p = (const unsigned char *)c->up.data + c->up.at;
    char name[PEEK_NAME_MAX + 1];
    struct host h;
    struct err e;
    size_t len = 0;
    if (!c->sniffing || (!c->up.len && !c->up.eof))
        return false;
    int r = c->up.len && *p == 22 ? peek_tls(p, c->up.len, name, &len) : -1;
    if (r == 0 && !c->up.eof && c->up.len < FLOW_ROOM)
        return false;
    c->sniffing = false;
    if (r < 1 || !len)
        return false;
    bool bad = host_parse(name, len, &h, &e);
    if (!bad && policy_match(&c->box->policy, &h, c->port))
        return false;
    tell_refused(&c->who, bad ? NULL : &h, c->port, bad ? "bad_name" : "not_listed");
    c->speak = SPEAK_TLS;
    conn_refuse(c, NO_RULE, "the hello names another host");
    return true;
}

static int turn(struct conn *c)
{
    // While a switch is awaited its first bytes stay here together.
    bool held = c->switching && !c->down.eof && c->down.total < sizeof(switched) - 1;
    // One request without its end is no reason to tell the server that no more comes.
    bool quiet = c->speak == SPEAK_HTTP && c->up.eof;
    bool eof = c->up.eof;
    if (quiet)
        c->up.eof = false;
    int bad = c->sniffing ? 0 : flow_write(&c->up, &c->server);
    c->up.eof = eof;
    if (bad && c->speak == SPEAK_HTTP) {
        c->early = c->up.eof = true;
        c->up.len = bad = 0;
    }
    return bad || (!held && flow_write(&c->down, &c->client)) ? -1 : 0;
}

// The server has gone without a byte of an answer: the client is told so.
static bool refuse_silence(struct conn *c, int bad)
{
    if (!c->answer || c->down.total || (bad >= 0 && !c->down.eof))
        return false;
    conn_refuse(c, NO_ANSWER, "it closed the connection without an answer");
    return true;
}

void conn_relay_event(struct conn *c, struct side *s, uint32_t events)
{
    int bad = 0;
    c->used_ms = clock_mono_ms();
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        bad = s == &c->client ? read_client(c) : read_server(c);
    if (s == &c->server && refuse_silence(c, bad))
        return;
    if (bad >= 0 && refuse_hello(c))
        return;
    do {
        if (bad < 0 && c->early && s == &c->server) {
            c->down.eof = true;
            bad = 0;
        }
        if (bad < 0 || turn(c)) {
            conn_free(c);
            return;
        }
        if (c->down.shut && (c->up.shut || c->speak == SPEAK_HTTP)) {
            // Closed with bytes unread, the client might lose what it was told.
            if (c->early || (c->speak == SPEAK_HTTP && c->body.at != BODY_DONE))
                conn_linger(c);
            else
                conn_free(c);
            return;
        }
        // What TLS holds already is no event of the socket.
        if (tls_pending(c->server.tls) && c->down.len < FLOW_ROOM)
            bad = read_server(c);
        else if (tls_pending(c->client.tls) && c->up.len < FLOW_ROOM && !c->up.eof)
            bad = read_client(c);
        else
            break;
    } while (true);
    conn_arm(c);
}

void conn_relay(struct conn *c)
{
    c->phase = PHASE_RELAY;
    c->used_ms = clock_mono_ms();
    c->up.total = c->up.len;
    conn_say_connected(c);
    conn_timeout(c, c->box->eg->conf.egress_idle_ms);
    // An address that the operator lists is that machine, whatever it is called.
    c->sniffing = (c->speak == SPEAK_CONNECT || c->speak == SPEAK_SOCKS) && !c->name.numeric;
    if (refuse_hello(c))
        return;
    if (turn(c))
        conn_free(c);
    else
        conn_arm(c);
}
