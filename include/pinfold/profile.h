// SPDX-License-Identifier: Apache-2.0
// A profile says what a sandbox may do: limits, user, capabilities, mounts, network, system calls.
// Pure text in, struct or an error with file and line out; no kernel calls. The text format and
// its words are in profiles/README.md.
#pragma once
#include <pinfold/err.h>
#include <pinfold/id.h>
#include <pinfold/run.h>
#include <stdbool.h>
#include <stdint.h>

#define PROFILE_CALLS_MAX 512

// One system call that is allowed, perhaps only with certain arguments.
struct profile_call {
    int nr;           // native number
    uint8_t n_conds;  // all must hold; several rows for one call are alternatives
    struct profile_cond {
        uint8_t arg; // 0 to 5
        enum profile_op { COND_EQ, COND_NE, COND_LE, COND_MASKED_EQ } op;
        uint64_t mask, value; // compared on the low 32 bits unless the mask is wider
    } conds[3];
};

struct profile {
    char name[NAME_MAX_LEN + 1];
    char extends[NAME_MAX_LEN + 1];
    char description[160];
    bool internal;       // for pinfold's own helpers (git, bootstrap); refused from the API
    struct limits limits;
    uint32_t uid, gid;   // of commands that name no user
    uint64_t capabilities; // bounding set, a bit each
    enum net_mode network; // what a workspace gets that asks for nothing
    bool workspace_read_only;
    bool user_namespaces; // nested ones
    bool privileged_mounts; // internal only: mount(2) inside, for image bootstrap
    uint64_t tmp_bytes, shm_bytes; // sizes of /tmp and /dev/shm
    enum profile_refuse { REFUSE_EPERM, REFUSE_KILL } refuse;
    struct profile_call calls[PROFILE_CALLS_MAX]; // sorted by number
    unsigned n_calls;
};

// Parse one file's text. `lookup` finds the text of the profile that this one extends (NULL
// when there is none of that name) and is called at most once.
int profile_parse(const char *name, const char *text, const char *(*lookup)(void *arg, const char *name),
                  void *arg, struct profile *ret, struct err *e);
// The canonical text, after extends; parsing it gives an equal profile. Appends to out.
struct buf;
int profile_format(const struct profile *p, struct buf *out);
// Read all *.profile files of a directory; *ret is an array to free(). A bad file is an error.
int profile_load_dir(int dir_fd, struct profile **ret, unsigned *ret_n, struct err *e);
const struct profile *profile_find(const struct profile *all, unsigned n, const char *name);
