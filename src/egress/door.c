// SPDX-License-Identifier: Apache-2.0
// The door to the server, for what a run's tool has to say: its hooks, and what it asks for of
// what its run brings. The tool has a token that is good
// for its run alone; which of the server's paths can be asked for is decided here.
#include "secrets_int.h"

#include <fcntl.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/socket.h>

// ID/WORD: nothing in it that would lead elsewhere.
static bool is_path(const char *s)
{
    static const char *const words[] = {"hook", "mcp"};
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
    for (size_t i = 0; n && n < ID_MAX && s[n] == '/' && i < N_ELEMS(words); i++)
        if (!strcmp(s + n + 1, words[i]))
            return true;
    return false;
}

void door_ask(struct conn *c, const struct peek_http *h, const char *path)
{
    struct msg_box_name m = {0};
    struct err e;
    int pair[2];
    if (!is_path(path)) {
        conn_refuse(c, NO_SENSE, "there is no such door");
        return;
    }
    own_free char *full = xasprintf("/v1/runs/%s", path);
    const struct peek_change change = {.path = full};
    if (request_pass_on(c, h, "pinfold", &change)) {
        conn_refuse(c, NO_SENSE, "the request is too large to be passed on");
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
        conn_refuse(c, NO_ANSWER, "there is no room for it");
        return;
    }
    c->server.fd = pair[0];
    (void)snprintf(m.box, sizeof(m.box), "%s", c->box->id);
    int bad = wire_send(START_PEER, MSG_EGRESS_DOOR, 0, &m, &pair[1], 1, &e);
    (void)close(pair[1]); // the message has its own
    if (bad)
        conn_refuse(c, NO_ANSWER, "the server is busy or gone");
    else
        conn_relay(c);
}
