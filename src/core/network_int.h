// SPDX-License-Identifier: Apache-2.0
// Networks of sandboxes, inside core: rules from wishes (network.c), the conversation with the
// egress process (egress.c).
#pragma once
#include <pinfold/core_network.h>
#include <pinfold/wire.h>

struct sandbox;
struct ws;

// --- the egress process --------------------------------------------------------------------------

// Its socket stays when it dies; a new one says READY and is told all again. Sandboxes of an
// earlier server are swept by their number.
struct egress_link {
    int fd; // -1: none
    struct watch watch;
    struct wire_msg msg;
    uint64_t generation;
    bool behind;        // something did not fit: all is told again when there is room
    uint64_t starts;    // of it, as this server heard
    struct list doubts; // who waits to hear whether it was replaced
};
// A connection broke that went through it: was it the process that ended? It is asked, and on_sure comes
// with its answer, or with its successor, never before egress_doubt has returned.
struct egress_doubt {
    struct list link;
    struct timer timer;
    struct core *core;
    void (*on_sure)(struct egress_doubt *d, bool replaced);
};
void egress_doubt(struct core *c, struct egress_doubt *d);
void egress_doubt_drop(struct egress_doubt *d); // no-op when it does not wait
int egress_open(struct core *c, int fd, struct err *e);
void egress_close(struct core *c);
// Tell it about a live sandbox: its rules, and its sockets too.
void egress_tell(struct sandbox *sb, bool sockets);
void egress_forget(struct sandbox *sb);
// -1: there is no room, and all is told again when there is.
int egress_send(struct core *c, enum wire_type type, const void *body, const int *fds,
                size_t n_fds);
void egress_sync(struct core *c); // all of them, then forget the others

struct network_row {
    struct network_decision d;
    char *host, *rule; // what d points to
    char process[COMM_ROOM];
    uint64_t conn; // while it is open
};
struct use_count { // of a secret
    char id[SECRET_ID_MAX];
    uint64_t requests, failures, input_tokens, output_tokens, cached_tokens;
};
struct network_log {
    struct use_count uses[16]; // those that were used first
    unsigned n_uses;
    struct network_row rows[NETWORK_DECISIONS_MAX];
    unsigned n, next;
    uint64_t untold;
};
void network_log_free(struct network_log *l);

// --- rules ---------------------------------------------------------------------------------------

int network_check(const struct network_wish *w, const struct profile *profile, enum net_mode *ret,
                  struct err *e);
// The list to keep: what was asked for, or the profile's.
struct strings *network_list(const struct network_wish *w, const struct profile *profile);
// What the egress process gets, appended to out: presets spelt out, cut to the profile's rules.
struct buf;
int network_rules(const struct core *c, const struct profile *profile, const char *const *allow,
                  const char *repo_url, struct buf *out, struct err *e);
// Of a sandbox that works for a workspace: what clones its repository, or with NULL runs its init
// script. With an allow-list under the workspace's own rules, and the repository's server; else a clone
// may go anywhere that is public, and to that server also where it lies in a private network. ws: NULL
// for a look at a repository that is nobody's. Fills sb->net_rules.
int network_for(struct sandbox *sb, const struct ws *ws, const char *repo_url, struct err *e);
// Of a sandbox that works for nobody's workspace, an image's step: the list of its profile.
int network_of_profile(struct sandbox *sb, const struct profile *profile, struct err *e);
void network_again(const struct ws *ws); // its rules have changed: for all of those that there are
extern const char *const network_env[];  // of commands in such a sandbox
