// SPDX-License-Identifier: Apache-2.0
// How one of our own processes gives up power, in one call made before the first byte from a peer
// is read and before any thread is started (ids, capabilities, Landlock and seccomp are per
// thread). What each role keeps is the table in src/confine/roles.c.
//
// Not for the user's programs: those are confined by profile, filter and box.
#pragma once
#include <pinfold/err.h>
#include <stdbool.h>
#include <stdint.h>

enum confine_role {
    CONFINE_PINFOLDD, // root, the capabilities its children need, no filter (it would be inherited)
    CONFINE_LAUNCHER, // root, the capabilities of mounting and mapping, no filter (as above)
    CONFINE_SERVER,   // no capabilities, Landlock, filter without execve, fork, socket, connect
    CONFINE_EGRESS, // as the server, with sockets of IPv4 and IPv6 and no files but the resolver's
    CONFINE_GIT,    // as the server, with outgoing INET sockets; runs inside a sandbox already
    CONFINE_N_ROLES
};
const char *confine_role_name(enum confine_role role);

#define CONFINE_KEEP_ID UINT32_MAX
#define CONFINE_PATHS_MAX 16

// A directory (or file) that the process may open things beneath after the call, by any path.
// What is open already stays usable; opening *beneath* a directory descriptor that arrives later
// is refused unless it lies beneath one of these.
struct confine_path {
    int fd;        // O_PATH will do; borrowed for the call
    bool writable; // create, write, rename, remove; never execute
};

struct confine {
    uint32_t uid, gid; // become these, with no other groups; CONFINE_KEEP_ID: stay as we are
    const struct confine_path *paths;
    unsigned n_paths;
    uint32_t open_files; // RLIMIT_NOFILE, soft and hard; 0: the role's default
    bool strict;         // a refused call kills (CI); else it is logged by the kernel and EPERM.
                         // The environment variable PINFOLD_STRICT=1 does the same.
};

// In order: rlimits, not dumpable, bounding set, ids (read back and compared), securebits,
// capabilities, no_new_privs, Landlock (as much as the kernel knows), seccomp.
int confine_self(enum confine_role role, const struct confine *how, struct err *e);

// The role's seccomp program as the kernel would get it, for tests and for `doctor`; *ret is
// free()d by the caller and stays NULL with *ret_n 0 for a role without one.
struct sock_filter;
int confine_program(enum confine_role role, bool strict, struct sock_filter **ret, unsigned *ret_n,
                    struct err *e);
