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
#define PROFILE_REASONS_MAX 8192
#define PROFILE_WRITE_PATHS 8     // each is a step of a plan
#define PROFILE_WRITE_PATH_MAX 60 // bytes of one
#define PROFILE_ALLOW_MAX 4096
#define PROFILE_NR_MAX 1023 // no system call has a higher number

// One system call that is allowed, perhaps only with certain arguments.
struct profile_call {
    int nr;          // native number
    uint8_t n_conds; // all must hold; several rows for one call are alternatives
    uint16_t why;    // who needs it: offset into profile.reasons, 0 for a group's call
    struct profile_cond {
        uint8_t arg; // 0 to 5
        enum profile_op { COND_EQ, COND_NE, COND_LE, COND_MASKED_EQ } op;
        // (argument & mask) op value. The mask is 0xffffffff, the half that the kernel reads of
        // an int, unless the text gives one; COND_EQ with another mask is COND_MASKED_EQ.
        uint64_t mask, value;
    } conds[3];
};

struct profile {
    char name[NAME_MAX_LEN + 1];
    char extends[NAME_MAX_LEN + 1];
    char description[160];
    bool internal; // for pinfold's own helpers (git, bootstrap); refused from the API
    struct limits limits;
    uint32_t uid, gid;     // of commands that name no user
    uint64_t capabilities; // bounding set, a bit each
    enum net_mode network; // what a workspace gets that asks for nothing
    bool network_listed;   // by NetworkAllow=: no list reaches further, and mode full is refused
    char network_allow[PROFILE_ALLOW_MAX]; // rules and presets (policy.h), a blank between
    bool workspace_read_only;
    bool user_namespaces;   // nested ones
    bool privileged_mounts; // internal only: mount(2) inside, for image bootstrap
    // Where the kernel lacks it, WISH_YES does without and WISH_REQUIRED starts nothing.
    enum profile_wish { WISH_NO, WISH_YES, WISH_REQUIRED } core_scheduling, landlock;
    char write_paths[256];         // with landlock: absolute directories, a space between
    uint64_t tmp_bytes, shm_bytes; // sizes of /tmp and /dev/shm
    enum profile_refuse { REFUSE_EPERM, REFUSE_KILL } refuse;
    struct profile_call calls[PROFILE_CALLS_MAX]; // sorted by number
    unsigned n_calls;
    char reasons[PROFILE_REASONS_MAX]; // NUL-terminated strings, the first one empty
    uint16_t reasons_len;
};

// Parse one file's text. `lookup` finds the text of the profile that this one extends (NULL
// when there is none of that name) and is called at most once.
int profile_parse(const char *name, const char *text,
                  const char *(*lookup)(void *arg, const char *name), void *arg,
                  struct profile *ret, struct err *e);
// The canonical text, after extends; parsing it gives a profile that is equal but for `extends`.
// Appends to out.
struct buf;
int profile_format(const struct profile *p, struct buf *out);
// Read all *.profile files of a directory; *ret is an array to free(), sorted by name. A bad file
// is an error.
int profile_load_dir(int dir_fd, struct profile **ret, unsigned *ret_n, struct err *e);
const struct profile *profile_find(const struct profile *all, unsigned n, const char *name);
// Read one file, which may be outside the directory of what it extends: `pinfold profile check`.
int profile_load_file(int at, const char *path, int dir_fd, struct profile **ret, struct err *e);
// What p adds to and takes from base, one line each; nothing when they allow the same.
int profile_diff(const struct profile *base, const struct profile *p, struct buf *out);

// Does it allow this call with these arguments? The plain meaning of the rows, which the compiled
// program is checked against.
bool profile_allows(const struct profile *p, int nr, const uint64_t args[6]);
const char *profile_reason(const struct profile *p, const struct profile_call *c);

// --- system calls ------------------------------------------------------------------------------

// True when the name is one of Linux's; *ret_nr is -1 when this processor has no such call.
bool profile_call_find(const char *name, int *ret_nr);
const char *profile_call_name(int nr); // NULL when the number is not in the table

enum profile_call_kind {
    CALL_USUAL,   // in a group
    CALL_NAMED,   // in no group; a profile may name it, with its reason
    CALL_NEVER,   // no profile may allow it
    CALL_ABSENT,  // as named, but refused with ENOSYS, as on a kernel that lacks it
    CALL_UNKNOWN, // not in the table: ENOSYS
    CALL_N_KINDS
};
// *ret_why (may be NULL) gets the reason for leaving it out, "" for a usual one; static.
enum profile_call_kind profile_call_kind(int nr, const char **ret_why);

struct profile_group {
    const char *name, *doc;
    const char *calls; // names, a space between
};
extern const struct profile_group profile_groups[];
extern const unsigned n_profile_groups;

// Calls with arguments and what each profile must answer, whatever its text says: init's own
// needs, and what no sandbox may do. profile_parse and filter_verify both go by this table.
struct profile_tuple {
    const char *call;
    uint64_t args[3];
    enum profile_must {
        MUST_ALLOW,
        MUST_REFUSE,
        MUST_REFUSE_USERNS, // unless nested user namespaces are on
        MUST_REFUSE_MOUNTS  // unless those or privileged mounts are on
    } must;
    const char *why;
};
extern const struct profile_tuple profile_tuples[];
extern const unsigned n_profile_tuples;
enum profile_expect { EXPECT_ALLOWED, EXPECT_REFUSED, EXPECT_NOTHING };
enum profile_expect profile_expect(const struct profile *p, const struct profile_tuple *t);

// --- learning ------------------------------------------------------------------------------------

// One call that a command made; of the arguments only those that some row looks at.
struct profile_seen {
    int nr;
    uint64_t args[6];
    uint64_t count;
    char comm[16]; // of the process that made it first
};
// Make p allow what any profile of its limits, mounts and namespaces may: to learn under.
int profile_widen(struct profile *p, struct err *e);
// A bit for each argument that decides whether p allows this call.
uint8_t profile_looks_at(const struct profile *p, int nr);
// From what was seen under `wide` the smallest profile that allows the same, and what init needs.
int profile_learn(const struct profile *wide, const struct profile_seen *seen, unsigned n,
                  struct profile *ret, struct err *e);
// As profile_format, with the name of a group where the whole of it is allowed.
int profile_format_short(const struct profile *p, struct buf *out);

const char *profile_cap_name(unsigned bit); // "CAP_CHOWN"; NULL above the newest known
bool profile_cap_find(const char *name, unsigned *ret_bit);
