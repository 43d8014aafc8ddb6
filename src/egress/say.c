// SPDX-License-Identifier: Apache-2.0
// What a client is told, in the protocol it speaks.
#include "egress_int.h"

#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#define LINGER_MS 2000 // for the answer to arrive before what the client still sends resets it
#define RULES_SHOWN 10

static const struct {
    int status;
    const char *reason;
    unsigned char socks;
    unsigned char alert; // RFC 8446 section 6
} refusals[] = {
    [NO_RULE] = {403, "Forbidden", 2, 49},       [NO_ADDRESS] = {403, "Forbidden", 2, 49},
    [NO_NAME] = {502, "Bad Gateway", 4, 80},     [NO_ANSWER] = {502, "Bad Gateway", 5, 80},
    [NO_TIME] = {504, "Gateway Timeout", 4, 80}, [NO_SENSE] = {400, "Bad Request", 1, 10},
    [NO_SECRET] = {404, "Not Found", 2, 49},
};

static void list_rules(const struct abox *b, struct buf *out)
{
    char text[RULE_ROOM];
    if (!b->policy.n)
        (void)buf_puts(out, "Its allow-list is empty.\n"); // cut is fine, here and below
    else
        (void)buf_puts(out, "Its allow-list:");
    for (unsigned i = 0; i < b->policy.n && i < RULES_SHOWN; i++)
        (void)buf_printf(out, " %s", rule_text(&b->policy.rules[i], text));
    if (b->policy.n > RULES_SHOWN)
        (void)buf_printf(out, " and %u more", b->policy.n - RULES_SHOWN);
    if (b->policy.n)
        (void)buf_puts(out, ".\n");
}

static void say_http(struct conn *c, enum refusal why, const char *what)
{
    own_buf struct buf body, head;
    buf_init(&body, 8192);
    buf_init(&head, 512);
    if (c->name.text[0])
        (void)buf_printf(&body, "pinfold: this sandbox cannot reach %s:%u: %s.\n", c->name.text,
                         c->port, what);
    else
        (void)buf_printf(&body, "pinfold: %s.\n", what);
    if (why == NO_RULE && !c->service) {
        list_rules(c->box, &body);
        (void)buf_printf(&body, "Add a rule with PATCH /v1/workspaces/%s/network.\n", c->box->id);
    }
    (void)buf_printf(&head,
                     "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\nX-Pinfold-Egress: %s\r\n\r\n",
                     refusals[why].status, refusals[why].reason, body.len,
                     refusals[why].status == 403 ? "denied" : "failed");
    (void)flow_put(&c->down, head.data, head.len); // nothing was sent before: it fits
    (void)flow_put(&c->down, body.data, body.len);
}

void conn_refuse(struct conn *c, enum refusal why, const char *fmt, ...)
{
    char what[220];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap); // cut is fine
    va_end(ap);
    const unsigned char socks[] = {5, refusals[why].socks, 0, 1, 0, 0, 0, 0, 0, 0};
    const unsigned char alert[] = {21, 3, 3, 0, 2, 2, refusals[why].alert};
    if (c->lookup)
        lookup_cancel(c->lookup);
    c->lookup = NULL;
    conn_hang_up(c);
    if (c->speak == SPEAK_HTTP || c->speak == SPEAK_CONNECT)
        say_http(c, why, what);
    else if (c->speak == SPEAK_SOCKS && c->greeted)
        (void)flow_put(&c->down, socks, sizeof(socks)); // it fits, as above
    else if (c->speak == SPEAK_TLS)
        (void)flow_put(&c->down, alert, sizeof(alert));
    c->down.eof = true;
    if (flow_write(&c->down, &c->client) || c->up.eof)
        conn_free(c);
    else
        conn_linger(c);
}

void conn_linger(struct conn *c)
{
    conn_hang_up(c);
    c->phase = PHASE_LINGER;
    conn_timeout(c, LINGER_MS);
    conn_arm(c);
}

void conn_say_connected(struct conn *c)
{
    static const char http[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    static const unsigned char socks[] = {5, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    if (c->speak == SPEAK_CONNECT)
        (void)flow_put(&c->down, http, sizeof(http) - 1); // nothing was sent before
    else if (c->speak == SPEAK_SOCKS)
        (void)flow_put(&c->down, socks, sizeof(socks));
}
