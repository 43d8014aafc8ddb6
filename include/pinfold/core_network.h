// SPDX-License-Identifier: Apache-2.0
// What a workspace's sandbox may reach with network mode allow-list, and what it tried. Rules are
// policy.h's, and presets: "@name" stands for the rules that the machine's configuration gives it.
#pragma once
#include <pinfold/core_workspace.h>

#define NETWORK_DECISIONS_MAX 200 // remembered of one workspace, in memory
#define NETWORK_RULE_MAX 270

// As asked for. A list that is not given is the profile's; an empty one allows nothing.
struct network_wish {
    bool given; // mode counts
    enum net_mode mode;
    const char *const *allow; // NULL-terminated; NULL: not given
    // What it may use, by name; with one of them the mode is allow-list unless it is given.
    const char *const *secrets; // NULL-terminated or NULL
    const char *provider;       // NULL for none
    const char *const *keep;    // a list whose secrets are kept; NULL
};

struct network_decision {
    uint64_t time_ms; // of the newest
    const char *host; // "" when what was asked for is no host
    uint32_t port;    // 0: its address was asked for
    bool allowed;
    bool open;                 // the connection has not ended: bytes are not counted yet
    const char *rule, *reason; // the rule that allowed it, or why not; the other one is ""
    uint64_t bytes_sent, bytes_received;
    uint32_t count;      // refusals in a row that are the same
    const char *process; // what the one that asked calls itself; "" when it is not known
    uint32_t pid;        // inside, of the newest; 0 when it is not known
};
struct network_use { // of a secret or provider
    const char *id;  // "secret/NAME", "provider/NAME"
    uint64_t requests, failures, input_tokens, output_tokens, cached_tokens;
};
struct network_view {
    enum net_mode mode;
    bool learn;
    const char *const *allow; // as asked for; never NULL
    char *effective;          // rules with blanks between: presets spelt out, cut to the profile's
    bool live;                // its sandbox runs with these sockets
    unsigned n_decisions, n_uses;
    uint64_t untold; // decisions that were not recorded: there were too many
};
// Borrowed until the loop turns, but `effective`, which is to be freed.
void core_network_view(struct core *c, struct workspace *ws, struct network_view *ret);
// i-th newest.
void core_network_decision(struct workspace *ws, unsigned i, struct network_decision *ret);
// i-th that was used, since this process started.
void core_network_use(struct workspace *ws, unsigned i, struct network_use *ret);
// Rules for what was refused because no rule allowed it: *ret is to be freed; blanks between.
char *core_network_proposed(struct workspace *ws);
