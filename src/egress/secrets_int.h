// SPDX-License-Identifier: Apache-2.0
// Secrets in the egress process, the only one that can open them.
//
// What is known of each between requests is where it belongs; its value stays sealed, and is in
// memory for as long as the head of the request that carries it. A value leaves for the hosts that
// were sealed with it and no other, by verified TLS, or in plain to what the operator lists.
#pragma once
#include <pinfold/secret.h>

#include "egress_int.h"

struct asecret {
    char id[SECRET_ID_MAX];
    void *sealed;
    size_t len;
    char why[200]; // "" unless it cannot be opened
    enum secret_kind kind;
    char *base_url, *header;
    struct secret_url url; // of its service; into base_url
    struct policy tls, plain;
};
// Before power is given up: the key file, made if there is none. What is wrong with it is told to
// the server; without a key there are no secrets, and all else goes on.
void keys_open(struct egress *eg);
void keys_close(struct egress *eg);
void keys_tell(struct egress *eg);
void keys_rotate(struct egress *eg);
void keys_reseal(struct egress *eg, const struct wire_msg *m);

void secrets_put(struct egress *eg, const struct wire_msg *m);
void secrets_remove(struct egress *eg, const char *id);
void secrets_free(struct egress *eg);
// Its header as a line, added to out, which is to be wiped. -1: it cannot be opened.
int secret_line(const struct egress *eg, const struct asecret *s, struct buf *out);

// open.c: headers that a request whose TLS was opened does not go on with.
#define OPENED_DROPS 5
extern const char *const opened_drops[OPENED_DROPS + 1];

// door.c: path: behind /run/.
void door_ask(struct conn *c, const struct peek_http *h, const char *path);
// service.c: a request for one by its path: /provider/NAME/..., /secret/NAME/...
bool service_named(const struct peek_http *h);
void service_ask(struct conn *c, const struct peek_http *h);
// The secret that goes with a plain request for this host, if one that the sandbox may use does;
// *port becomes that which is dialled, *tls whether by TLS.
const struct asecret *secret_for(const struct abox *b, const struct host *name, uint16_t *port,
                                 bool *tls);
// As a Host header has it: the port unless it goes without saying.
void host_text(const struct host *name, uint16_t port, bool tls, char ret[HOST_ROOM + 10]);
// Put the request with the secret in it where it goes up from. -1: it does not fit.
int request_pass_on(struct conn *c, const struct peek_http *h, const char *host,
                    const struct peek_change *change); // without one
int secret_pass_on(struct conn *c, const struct peek_http *h, const char *host,
                   const struct asecret *s, const char *path);
