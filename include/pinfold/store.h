// SPDX-License-Identifier: Apache-2.0
// The database: what was acknowledged and must be found again. The only user of SQLite. No
// decision is made here: rows go in and come out as the structs of store_rows.h.
//
// A store belongs to one thread at a time. Core opens it and reads all rows at start; from then on
// only its worker uses it, with store_begin and store_commit around each batch of jobs.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <pinfold/store_rows.h>
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
STORE_VERBS(checkout)
STORE_VERBS(secret)
STORE_VERBS(item)
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
