// SPDX-License-Identifier: Apache-2.0
// Who may call: tokens, users with passwords, secrets for signing; and the memory of what was
// already answered (Idempotency-Key).
#pragma once
#include <pinfold/core.h>

// --- tokens: shown once, kept as SHA-256 -----------------------------------------------------

enum token_scope {   // a mask
    SCOPE_READ = 1,  // GET
    SCOPE_EXEC = 2,  // workspaces, execs, files, builds; has read
    SCOPE_ADMIN = 4, // tokens, users, images, repositories; has exec and read
};
const char *token_scope_name(enum token_scope s); // of one bit: "read", "exec", "admin"
int token_scope_parse(const char *s, enum token_scope *ret, struct err *e);

struct token {
    char id[ID_MAX]; // tok_...
    char name[NAME_MAX_LEN + 1];
    unsigned scopes;                 // closed: admin has exec and read set too
    uint64_t created_ms, expires_ms; // expires 0: never
    uint64_t used_ms;                // last use, to the minute; 0 never
};
#define TOKEN_TEXT_MAX 80
struct token_spec {
    const char *name;
    unsigned scopes;
    uint64_t expires_ms; // wall clock; 0: never
    const char *prefix;  // what its text begins with, as a dialect's clients know it; NULL: "pft"
};
// text gets the token itself, which is not kept. on_done when it is recorded, result: struct
// token *; text must not be shown before.
int core_token_create(struct core *c, const struct token_spec *spec, char text[TOKEN_TEXT_MAX],
                      struct waiter *w, struct err *e);
// Whose is it? NULL with ERR_DENIED when unknown or expired. Answers at once.
struct token *core_token_verify(struct core *c, const char *text, size_t len, struct err *e);
// Has it asked no more than requests_per_second? This request is counted. The same for a user.
bool core_token_within_rate(struct core *c, struct token *t);
struct token *core_token_find(struct core *c, const char *id, struct err *e);
size_t core_token_list(struct core *c, const char *after, struct token **ret, size_t max,
                       bool *ret_more);
// The last token of scope admin that does not expire cannot be deleted: ERR_CONFLICT.
int core_token_delete(struct core *c, struct token *t, struct waiter *w, struct err *e);

// --- users -----------------------------------------------------------------------------------

struct user {
    char id[ID_MAX]; // usr_...
    char name[NAME_MAX_LEN + 1];
    unsigned scopes;
    uint64_t created_ms;
    bool configured; // from the users file: cannot be changed here
};
#define PASSWORD_MAX 256
// Make or change one; the password is hashed elsewhere than on the loop. result: struct user *.
int core_user_put(struct core *c, const char *name, const char *password, unsigned scopes,
                  struct waiter *w, struct err *e);
struct user *core_user_find(struct core *c, const char *name, struct err *e);
bool core_user_within_rate(struct core *c, struct user *u);
size_t core_user_list(struct core *c, const char *after, struct user **ret, size_t max,
                      bool *ret_more);
int core_user_delete(struct core *c, struct user *u, struct waiter *w, struct err *e);
// name NULL: the one configured password, whose user is "admin". ERR_DENIED in on_done for a
// wrong name or password, in the same time for both; ERR_BUSY when too many wait. result: struct
// user *. One at a time and at most 64 waiting, so that guessing cannot eat the machine.
int core_login(struct core *c, const char *name, const char *password, struct waiter *w,
               struct err *e);
// 32 bytes that are the same after every restart, different for each purpose: for signing.
void core_secret(struct core *c, const char *purpose, unsigned char ret[32]);

// --- idempotency -----------------------------------------------------------------------------

#define IDEM_KEY_MAX 255
#define IDEM_ANSWER_MAX (1024 * 1024)
#define IDEM_KEEP_MS (24ull * 3600 * 1000)

enum idem_state {
    IDEM_NEW,     // do it, then core_idem_finish or core_idem_abandon
    IDEM_REPLAY,  // answer as out_ says
    IDEM_RUNNING, // the first request with this key is not answered yet (409)
    IDEM_OTHER,   // the key was used with another body (422)
};
// The caller zeroes it, sets the `in` part (borrowed for the call) and w.on_done.
struct idem_request {
    struct waiter w;
    const char *token; // id, or user's name
    const char *route; // "POST /v1/workspaces"
    const char *key;
    const void *body;
    size_t body_len;

    enum idem_state out_state;
    int out_status;
    const char *out_head; // as given to finish; valid in on_done only
    const void *out_body;
    size_t out_body_len;

    void *entry; // core's own
    struct buf *storage;
};
// ERR_BAD_REQUEST for a key that is empty or too long.
int core_idem_begin(struct core *c, struct idem_request *r, struct err *e);
// After IDEM_NEW: keep this answer. on_done when it is recorded: answer the client then. head is
// opaque text for the caller's headers. A body over IDEM_ANSWER_MAX is not kept: the key is free.
int core_idem_finish(struct core *c, struct idem_request *r, int status, const char *head,
                     const void *body, size_t len);
// After IDEM_NEW: nothing came of it (a refusal, a client that left): the key is free again.
void core_idem_abandon(struct core *c, struct idem_request *r);
