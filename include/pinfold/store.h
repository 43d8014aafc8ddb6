// SPDX-License-Identifier: Apache-2.0
// The database: what was acknowledged and must be found again. The only user of SQLite. No
// decision is made here: rows go in and come out as the structs below.
//
// A store belongs to one thread at a time. Core opens it and reads all rows at start; from then on
// only its worker uses it, with store_begin and store_commit around each batch of jobs.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <pinfold/run.h>
#include <pinfold/run_state.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
#define STORE_FILE "pinfold.db"
// Open or make it in a directory, check it, bring it to this version's schema. A database of a
// newer version is refused with ERR_CONFLICT, a damaged one with ERR_INTERNAL.
struct store *store_open(int dir_fd, struct err *e);
void store_close(struct store *s); // NULL is fine
// The schema's steps, from 1, for their tests.
unsigned store_n_steps(void);
const char *store_step(unsigned n);
// Give some of the pages that deletions left empty back to the disk, if there are many. For every
// now and then; in a batch or outside.
int store_shrink(struct store *s, struct err *e);

// A copy of it as STORE_FILE in another directory, some pages at a time, while it goes on being
// used: what changes meanwhile is in the copy too. Each call on the store's thread, outside of a
// batch. step: 1 there is more to do, 0 it is whole. free ends it at any time.
struct store_copy;
struct store_copy *store_copy_new(struct store *s, int dir_fd, struct err *e);
int store_copy_step(struct store_copy *c, int pages, struct err *e);
void store_copy_free(struct store_copy *c); // NULL is fine
// Look at everything in a database that nobody uses: damage and versions as store_open says.
int store_verify(int dir_fd, struct err *e);

// One write transaction. A statement that fails in it makes commit fail with the same error:
// all or nothing. Outside of one every statement is its own.
int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e);

struct store_blob {
    const void *p;
    size_t len;
};

// Strings in rows are never NULL on the way out; NULL on the way in is written as "". Times are
// wall clock in ms. What numbers (status ...) mean is core's.
struct store_workspace {
    const char *id, *name, *image, *profile;
    uint32_t network;
    struct store_blob allow; // rules, each with its NUL
    bool learn;
    struct limits limits;
    const char *repo_url, *repo_ref, *repo_commit, *mirror;
    bool submodules;
    struct store_blob env, labels; // NAME=value, each with its NUL
    const char *init_script;
    uint32_t status;
    uint64_t created_ms, updated_ms, status_ms, used_ms;
    const char *error, *build, *forked_from;
    int32_t init_exit_code;
    uint64_t init_ms;
    bool built, dir_made; // its image part succeeded once; its directory exists
    const char *run;      // whose it is; "" for a workspace of its own
};
struct store_exec {
    const char *id, *workspace, *image, *profile;
    bool shell;             // argv is one string for /bin/sh
    struct store_blob argv; // each with its NUL
    const char *cwd, *user;
    bool tty, background;
    uint32_t status;
    uint64_t created_ms, started_ms, ended_ms, timeout_ms;
    uint32_t reason;
    int32_t exit_code, signal;
    bool timed_out, oom_killed;
    uint64_t duration_ms, cpu_us, max_memory_bytes;
    const char *detail;
    const char *box; // whose name is not the exec's or the workspace's
    struct store_stream {
        uint64_t total, kept, first;
        bool in_file; // else the kept bytes are in the output table, or none are
    } out[2];
};
struct store_build {
    const char *id, *workspace, *image;
    bool rebuild;
    uint32_t status, n_steps, step, n_cached;
    const char *doing;
    uint64_t created_ms, started_ms, ended_ms, log_total, log_kept;
    uint32_t reason;
    int32_t exit_code, signal;
    const char *detail, *error;
};
struct store_repo {
    const char *id, *mirror, *url;
    uint32_t status;
    uint64_t created_ms, fetched_ms, bytes, objects;
    const char *error;
};
struct store_token {
    const char *id, *name;
    struct store_blob hash;
    uint32_t scopes;
    uint64_t created_ms, expires_ms, used_ms;
};
struct store_user {
    const char *id, *name, *hash;
    uint32_t scopes;
    uint64_t created_ms;
};
struct store_run {
    const char *id, *agent;
    uint32_t state, reason, priority; // priority: with RUN_PRIORITY_MAX added, so not negative
    const char *prompt, *command;
    struct store_blob argv, env, allow; // each with its NUL
    const char *provider, *model, *effort;
    const char *repo_url, *repo_ref, *repo_commit, *image, *profile;
    bool submodules, result_cut, usage_known, cost_known;
    uint32_t network;
    struct limits limits;
    uint64_t timeout_ms, silence_ms;
    const char *workspace, *exec, *session, *resumed_from;
    struct store_blob result;
    const char *error;
    int32_t exit_code, signal;
    uint64_t input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_microusd;
    uint64_t created_ms, started_ms, ended_ms, n_events;
    uint32_t mode, turn;
    struct store_blob turns, messages; // execs of earlier turns; what waits to be said
    const char *message;               // of this turn
    struct store_blob repos;           // url, ref, path, commit of each
    uint32_t terminal;                 // rows << 16 | columns; 0: none
    const char *webhook_url;
    bool notify, keep_workspace;
    struct run_usage totals; // of the session
};
struct store_snapshot {
    const char *id, *workspace, *name, *image;
    uint64_t created_ms;
    bool made;
};
struct store_delivery {
    const char *id, *run, *body, *error;
    uint32_t event, status, attempts, http_status;
    uint64_t created_ms, next_ms, ended_ms;
};
struct store_secret {
    const char *id; // "secret/NAME", "provider/NAME"
    uint32_t kind;
    const char *base_url, *header, *format;
    struct store_blob hosts, models, sealed; // words, each with its NUL
    uint64_t created_ms, updated_ms;
};
// put replaces a row with the same id. delete of what is not there is success. each calls on_row
// for every row, oldest first, with strings borrowed for the call; a return other than 0 ends it.
#define STORE_VERBS(thing)                                                                         \
    int store_##thing##_put(struct store *s, const struct store_##thing *row, struct err *e);      \
    int store_##thing##_delete(struct store *s, const char *id, struct err *e);                    \
    int store_##thing##_each(struct store *s,                                                      \
                             int (*on_row)(void *arg, const struct store_##thing *row), void *arg, \
                             struct err *e);
STORE_VERBS(workspace) // delete takes its execs and builds with it
STORE_VERBS(exec)      // delete takes its output with it
STORE_VERBS(build)
STORE_VERBS(repo)
STORE_VERBS(token)
STORE_VERBS(user)
STORE_VERBS(snapshot)
STORE_VERBS(delivery)
STORE_VERBS(secret)
STORE_VERBS(run) // its events are deleted before

// Kept output that is too small for a file.
int store_output_put(struct store *s, const char *exec, unsigned stream, struct store_blob data,
                     struct err *e);
// Append at most max bytes from `offset` of what is kept to *ret; nothing there is success.
int store_output_get(struct store *s, const char *exec, unsigned stream, uint64_t offset,
                     size_t max, struct buf *ret, struct err *e);

// Answers by idempotency key. get: 1 found, 0 not, -1 error; the body is appended to *ret_body,
// the head to *ret_head.
struct store_idem {
    const char *key; // a digest of token, route and key
    struct store_blob digest;
    int32_t status;
    const char *head;
    struct store_blob body;
    uint64_t created_ms;
};
int store_idem_put(struct store *s, const struct store_idem *row, struct err *e);
int store_idem_get(struct store *s, const char *key, struct store_idem *ret, struct buf *ret_head,
                   struct buf *ret_body, struct err *e);
int store_idem_expire(struct store *s, uint64_t before_ms, struct err *e);

// Small named values. get: 1 found, 0 not, -1 error.
int store_meta_put(struct store *s, const char *name, struct store_blob value, struct err *e);
int store_meta_get(struct store *s, const char *name, struct buf *ret, struct err *e);
