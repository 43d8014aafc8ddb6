// SPDX-License-Identifier: Apache-2.0
// Inside room confine.
#pragma once
#include <linux/filter.h>
#include <pinfold/confine.h>

#define ROLE_PATHS_MAX 20

enum role_net {
    ROLE_NET_NONE, // makes no socket, connects nowhere
    ROLE_NET_INET, // sockets of IPv4 and IPv6, to dial out by
    ROLE_NET_DIALS // those, and name service
};

struct role {
    const char *name;
    uint64_t capabilities; // what may be left, a bit each; root roles only
    uint32_t open_files;   // RLIMIT_NOFILE unless the caller says
    bool filtered;         // seccomp and Landlock; never for a process that others are born of
    enum role_net net;
    const char *calls[4];                    // lists of names, a space between
    const char *read_paths[ROLE_PATHS_MAX];  // beside the caller's; a missing one is no error
    const char *write_paths[ROLE_PATHS_MAX]; // likewise; device nodes
};
extern const struct role roles[CONFINE_N_ROLES];

// caps.c: leave only what is in `keep`, for good; ids in between, since both orders have a trap:
// the bounding set and securebits need a capability that the change of ids takes away.
int caps_limit_bounding(uint64_t keep, struct err *e);
int caps_lock_securebits(struct err *e);
int caps_limit(uint64_t keep, struct err *e);

// landlock.c
int landlock_apply(const struct role *role, const struct confine *how, struct err *e);

// program.c
int program_load(struct sock_filter *insns, unsigned n, bool log, struct err *e);
