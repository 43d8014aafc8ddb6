// SPDX-License-Identifier: Apache-2.0
// Decisions, told to the server. A sandbox that makes many is told about less, and counted.
#include "egress_int.h"

#include <pinfold/buf.h>
#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <stdio.h>
#include <string.h>

#define TOLD_MAX 100 // of one sandbox in a second

static bool may_tell(struct abox *b)
{
    uint64_t now = clock_mono_ms();
    if (now - b->window_ms >= 1000) {
        b->window_ms = now;
        b->told = 0;
    }
    if (b->told++ < TOLD_MAX)
        return true;
    b->untold++;
    return false;
}

static void send_decision(const struct who *w, struct msg_egress_decision *m, const char *host,
                          const char *rule)
{
    struct abox *b = w->box;
    struct err e;
    if (!may_tell(b))
        return;
    (void)snprintf(m->box, sizeof(m->box), "%s", b->id);
    (void)snprintf(m->host, sizeof(m->host), "%s", host);
    (void)snprintf(m->rule, sizeof(m->rule), "%s", rule);
    m->time_ms = clock_wall_ms();
    m->pid = w->process.pid;
    memcpy(m->process, w->process.name, sizeof(m->process));
    m->untold = b->untold;
    if (wire_send(START_PEER, MSG_EGRESS_DECISION, 0, m, NULL, 0, &e))
        b->untold++; // the server is behind or gone; nothing waits for it here
    else
        b->untold = 0;
}

void tell_refused(const struct who *w, const struct host *h, uint16_t port, const char *reason)
{
    struct msg_egress_decision m = {.port = port};
    send_decision(w, &m, h ? h->text : "", reason);
}

void tell_allowed(struct conn *c)
{
    struct msg_egress_decision m = {.conn = c->id, .port = c->port, .allowed = 1};
    send_decision(&c->who, &m, c->name.text, c->rule);
}

void tell_end(struct conn *c)
{
    struct msg_egress_decision m = {.conn = c->id,
                                    .port = c->port,
                                    .allowed = 1,
                                    .ended = 1,
                                    .sent = c->up.total,
                                    .received = c->down.total};
    send_decision(&c->who, &m, c->name.text, c->rule);
}

// As a secret whose id is the sandbox's: it opens for that one alone. Without a key it is not kept.
static void seal_ca(const struct abox *b, struct buf *out)
{
    const struct secret_keys *keys = &b->eg->keys;
    char hex[SEAL_TEXT];
    struct err e;
    own_buf struct buf text;
    buf_init(&text, 8192);
    (void)buf_reserve(&text, 8191); // so that it is never moved, and left behind
    if (keys->n && !ca_write(b->ca, &text)) {
        const struct secret_record r = {.id = b->id,
                                        .base_url = "",
                                        .hosts = "",
                                        .header = "",
                                        .format = "",
                                        .value = text.data};
        secret_key_public(keys, keys->n - 1, hex);
        if (secret_seal(&r, hex, out, &e))
            buf_clear(out);
    }
    crypt_wipe(text.data, text.len);
}

void tell_ca(const struct abox *b)
{
    struct msg_egress_ca m = {0};
    struct err e;
    own_buf struct buf pem, sealed;
    buf_init(&pem, 4096);
    buf_init(&sealed, SECRET_SEALED_MAX);
    (void)snprintf(m.box, sizeof(m.box), "%s", b->id);
    if (ca_text(b->ca, &pem))
        return;
    seal_ca(b, &sealed);
    m.pem = (struct wire_bytes){pem.data, pem.len};
    m.sealed = (struct wire_bytes){sealed.data, sealed.len};
    (void)wire_send(START_PEER, MSG_EGRESS_CA, 0, &m, NULL, 0,
                    &e); // asked for again when it is back
}

void tell_count(const struct conn *c)
{
    struct msg_egress_count m = {.status = c->answer->status};
    struct peek_usage u;
    struct err e;
    peek_answer_usage(c->answer, &u);
    (void)snprintf(m.box, sizeof(m.box), "%s", c->box->id);
    memcpy(m.id, c->secret, sizeof(m.id));
    m.input_tokens = u.input;
    m.output_tokens = u.output;
    m.cached_tokens = u.cached;
    (void)wire_send(START_PEER, MSG_EGRESS_COUNT, 0, &m, NULL, 0, &e); // lost with a server that is
}
