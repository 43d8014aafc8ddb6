// SPDX-License-Identifier: Apache-2.0
// Private to the room egress.
//
// Theory of operation. One process, one loop. For each sandbox with an allow-list the server hands
// over the listening sockets that the launcher made inside its network namespace, and its rules.
// What connects there says where it wants to go (a proxy request, a captured HTTP request or TLS
// hello, a DNS question); the name is brought into its one form, compared with the rules, resolved
// out here, and one of the addresses that may be is dialled. Bytes are then carried both ways. A
// decision is told to the server once when it is made and once, with its bytes, when the
// connection has ended. Which process it was for only the sandbox's own init can see: it is asked over
// a socket of its own, by the addresses of the connection (who.c).
//
// Everything in memory is bounded: connections of a sandbox and of all, bytes of a request, two
// buffers for a connection, names with an address, messages of one sandbox in a second.
#pragma once
#include <pinfold/conf.h>
#include <pinfold/id.h>
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/map.h>
#include <pinfold/peek_answer.h>
#include <pinfold/policy.h>
#include <pinfold/secret.h>
#include <pinfold/wire.h>
#include <sys/types.h>

#define FLOW_ROOM (64 * 1024) // of each direction; more than any request's head or hello
#define FLOW_SLACK (8 * 1024) // and what a head may grow by: a secret, a base URL
#define NAMES_MAX 4096        // with an address in one sandbox; then the oldest is given away
#define ADDRESSES_MAX 8       // of one name that are tried

struct resolver;
struct lookup;
struct egress {
    struct conf conf;
    struct loop *loop;
    struct watch peer, supervisor, signals;
    struct map *boxes;  // id -> struct abox
    struct list paused; // boxes that wait for a connection of another to end
    struct policy private_list;
    struct map *secrets; // id -> struct asecret
    struct secret_keys keys;
    int key_fd;                          // of their file; -1: keys_why
    char keys_why[200];                  // "" when all is well
    struct ssl_ctx_st *tls, *tls_inside; // to servers; with clients whose TLS is opened
    struct resolver *resolver;
    unsigned n_conns;
    uint64_t next_conn,
        next_who; // the latter from a random number on: init may answer an earlier us
    struct wire_msg msg, answer;
};

// --- sandboxes (boxes.c) ------------------------------------------------------------------------

struct process {  // of a sandbox
    uint32_t pid; // 0: not known
    char name[COMM_ROOM];
};
struct door { // a listening socket of a sandbox, or that which asks its init
    struct watch watch;
    struct abox *box;
    enum net_socket kind;
    int fd;
};
struct abox {
    char id[ID_MAX];
    struct egress *eg;
    uint64_t generation;
    struct policy policy;
    struct policy named; // may lie in a private network
    bool anywhere;       // whatever is public is allowed
    char *uses;          // ids of the secrets that it may use, a blank before and after each
    struct ca *ca;       // once a rule is about single requests; NULL
    struct door doors[NET_SOCK_N];
    struct list conns, link;      // link: in egress.paused
    struct list asked, questions; // of its init; of its name server, waiting for that
    unsigned n_questions;
    uint64_t who_window_ms;
    unsigned who_asked;
    unsigned n_conns;
    bool paused;
    // names and their addresses inside
    struct map *by_name; // -> &names[i]
    char **names;
    unsigned n_names, next_name;
    // messages to the server
    uint64_t window_ms;
    unsigned told, untold;
};
void boxes_open(struct egress *eg, struct wire_msg *m);
void boxes_close(struct egress *eg, const char *id);
void boxes_sweep(struct egress *eg, uint64_t generation);
void boxes_free(struct egress *eg);
void box_conn_ended(struct abox *b); // there may be room for one more
// The address inside that stands for a name, and back; NULL when it stands for none.
void box_name_address(struct abox *b, const char *name, unsigned char ret[4]);
const char *box_address_name(const struct abox *b, const unsigned char address[4]);

// --- connections (conn.c, ask.c, dial.c, relay.c) -----------------------------------------------

struct who { // a question to the sandbox's init, in what waits for the answer
    struct list link;
    struct timer timer;
    struct abox *box;
    uint64_t id;
    struct process process;
    void (*on_answer)(struct who *w);
};
// who.c. false: it is not asked, and nothing waits; else who_wait says what comes after.
struct sockaddr_in;
bool who_ask(struct who *w, const struct sockaddr_in *client, const struct sockaddr_in *to,
             bool datagram);
void who_wait(struct who *w, void (*on_answer)(struct who *w));
void who_drop(struct who *w); // no-op when it does not wait
void who_event(struct door *d);

enum phase {
    PHASE_WHO, // nothing is read yet
    PHASE_ASKING,
    PHASE_OPENING, // the client's TLS handshake with us
    PHASE_RESOLVING,
    PHASE_CONNECTING,
    PHASE_HANDSHAKE,
    PHASE_RELAY,
    PHASE_LINGER
};
enum speak {
    SPEAK_NOTHING,
    SPEAK_HTTP,
    SPEAK_CONNECT,
    SPEAK_SOCKS,
    SPEAK_TLS,
    SPEAK_RAW,
    SPEAK_DNS
};

struct flow { // bytes on their way
    char *data;
    size_t at, len;
    bool eof, shut; // no more come; the other side was told
    uint64_t total;
};
struct side {
    struct watch watch;
    struct conn *conn;
    int fd;
    struct tls *tls; // NULL: in plain
};
struct conn {
    struct list link;
    struct abox *box;
    struct loop *loop;
    uint64_t id;
    enum net_socket by;
    enum phase phase;
    enum speak speak;
    struct who who;
    struct side client, server;
    struct flow up, down; // to the server, to the client
    struct timer timer;
    uint64_t used_ms;
    struct host name;
    uint16_t port;
    struct lookup *lookup;
    struct address addresses[ADDRESSES_MAX];
    unsigned n_addresses, at_address;
    bool greeted;          // SOCKS: the first message was answered
    bool answered;         // the client was told that it is connected, or why not
    bool told;             // an allowed decision that wants its end
    struct peek_body body; // SPEAK_HTTP
    bool early;            // the server took no more of a request: what it says still counts
    bool sniffing;         // a tunnel whose first bytes, a client hello perhaps, wait here
    bool switching;        // a WebSocket is asked for: nothing goes up before 101
    char rule[RULE_ROOM];
    // a request that carries a secret
    struct peek_answer *answer; // NULL: it carries none
    char secret[SECRET_ID_MAX];
    bool service; // allowed by the secret's name, not by a rule
    bool by_tls;
    bool opened; // its TLS ends here
};
void conn_new(struct abox *b, int fd, enum net_socket by, const struct sockaddr_in *from);
void conn_free(struct conn *c);
void conn_arm(struct conn *c); // watch what can be done next
void conn_timeout(struct conn *c, uint64_t ms);
int flow_read(struct flow *f, struct side *s); // bytes; 0 nothing now or eof set; -1 broken
int flow_write(struct flow *f, struct side *s);
int flow_put(struct flow *f, const void *p, size_t n);
void flow_drop(struct flow *f, size_t n);

// ask.c: what does it want? Called with each byte until it is known.
void conn_ask(struct conn *c);
// Decide about a name as it came, and go there. SPEAK_* must be set.
void conn_want(struct conn *c, const char *host, size_t n, uint16_t port);
void conn_go(struct conn *c, const struct host *name, uint16_t port); // it was decided
bool box_may_use(const struct abox *b, const char *secret_id);
// open.c: TLS that is opened. The client wants c->name and c->port.
void conn_open(struct conn *c);
void conn_open_event(struct conn *c);
void conn_ask_opened(struct conn *c);
// say.c: refusals and answers in the client's own protocol; the connection ends.
enum refusal { NO_RULE, NO_ADDRESS, NO_NAME, NO_ANSWER, NO_TIME, NO_SENSE, NO_SECRET };
void conn_refuse(struct conn *c, enum refusal why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void conn_linger(struct conn *c); // all is said: until the client has read it
void conn_say_connected(struct conn *c);
void conn_hang_up(struct conn *c); // the server's side
// dial.c
void conn_dial(struct conn *c);
void conn_dial_event(struct conn *c);
void conn_handshake_event(struct conn *c);
// relay.c
void conn_relay(struct conn *c);
void conn_relay_event(struct conn *c, struct side *s, uint32_t events);

// --- TLS (tls.c), authorities of sandboxes (ca.c) -------------------------------------------------

struct tls;
struct ssl_st;
struct ca;
struct ca *ca_new(const char *sandbox);             // NULL: it could not be made
struct ca *ca_read(const char *pem);                // as ca_write wrote it; NULL: it is none
int ca_write(const struct ca *ca, struct buf *out); // its key too: to be sealed, and wiped
void ca_free(struct ca *ca);                        // NULL is fine
int ca_text(const struct ca *ca, struct buf *out);  // its certificate in PEM
int ca_certify(const struct ca *ca, struct ssl_st *ssl, const struct host *name);
struct ssl_ctx_st *tls_open_inside(struct err *e);
// With a client, of whose bytes n were read already.
struct tls *tls_accept(struct ssl_ctx_st *ctx, int fd, const void *p, size_t n);
int tls_present(struct tls *t, const struct ca *ca, const struct host *name);
void tls_bye(struct tls *t); // no more comes
// authorities: a file of certificates that are trusted.
struct ssl_ctx_st *tls_open(const char *authorities, struct err *e);
void tls_close(struct ssl_ctx_st *ctx);
struct tls *tls_new(struct ssl_ctx_st *ctx, int fd, const struct host *name);
void tls_free(struct tls *t);                    // NULL is fine
int tls_handshake(struct tls *t, struct err *e); // 1 done, 0 later, -1 no
bool tls_wants_write(const struct tls *t);
bool tls_pending(const struct tls *t);              // bytes that the socket will not tell of
ssize_t tls_read(struct tls *t, void *p, size_t n); // as recv and send
ssize_t tls_write(struct tls *t, const void *p, size_t n);

// --- names (dns.c, resolve.c) -------------------------------------------------------------------

void dns_datagrams(struct door *d);
void dns_forget(struct abox *b); // questions that wait
void dns_stream(struct conn *c); // SPEAK_DNS: questions in c->up, answers to c->down

struct resolver *resolver_new(struct loop *l, const char *name_servers, struct err *e);
void resolver_free(struct resolver *r);
// done is called later, once, with n of 0 when there is no address; never after lookup_cancel.
struct lookup *lookup_start(struct resolver *r, const char *name,
                            void (*done)(void *arg, const struct address *a, unsigned n,
                                         const char *why),
                            void *arg);
void lookup_cancel(struct lookup *l);

// --- telling the server (tell.c) ----------------------------------------------------------------

// h NULL: what was asked for is no host.
void tell_refused(const struct who *w, const struct host *h, uint16_t port, const char *reason);
void tell_allowed(struct conn *c);
void tell_end(struct conn *c);
void tell_ca(const struct abox *b);    // the certificate of its authority
void tell_count(const struct conn *c); // of a secret that was used
