// SPDX-License-Identifier: Apache-2.0
// Repositories as far as they are text: URLs and the name of their mirror, references, and what
// the server and pinfold-git say to each other. Pure: no file, no network, no libgit2.
//
// One git operation is one EXEC (program 2) in a box of the internal profile git that shows the
// mirror, writable, at REPO_MIRROR_DIR and the workspace at REPO_WORKSPACE_DIR:
//  1. repo_url_parse, repo_ref_check and repo_credentials_check at the edge, for a friendly answer
//  2. argv is repo_argv(op); repo_request_format writes what goes to its stdin, then close stdin
//  3. feed its stdout to repo_reply_feed; progress comes by callback
//  4. repo_reply_finish when it has ended; repo_request_wipe
// The helper enforces limits.seconds itself; the caller's own timeout should be a little longer.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPO_MIRROR_DIR "/run/pinfold/repository.git"
#define REPO_WORKSPACE_DIR "/workspace"
#define REPO_BASE_URL_DEFAULT "https://github.com"
#define REPO_ROOTS_DEFAULT "/srv /tmp"

#define REPO_URL_MAX 1024 // each with its NUL
#define REPO_HOST_MAX 256
#define REPO_REF_MAX 256
#define REPO_OID_MAX 41 // libgit2 1.5 knows SHA-1 only
#define REPO_KEY_MAX 65
#define REPO_ROOTS_MAX 1024
#define REPO_USERNAME_MAX 256
#define REPO_SECRET_MAX 4096

enum repo_scheme { REPO_HTTPS, REPO_HTTP, REPO_GIT, REPO_FILE };

// What settings decide about URLs.
struct repo_rules {
    const char *base_url; // what owner/repo is appended to; https, http or git
    const char *roots;    // absolute directories, separated by spaces, for file: and local paths
};
struct repo_url {
    enum repo_scheme scheme;
    uint16_t port;                // never 0 but for file
    char host[REPO_HOST_MAX];     // lower case, IPv6 without brackets; "" for file
    char path[REPO_URL_MAX];      // with its leading slash; decoded only for file
    char canonical[REPO_URL_MAX]; // holds no credentials; may be shown and logged
};

// https, http, git, file URLs, an absolute local path, or owner/repo. Refused with a sentence that
// says what to do instead: ssh, credentials in the URL, a query or fragment, dot-dot, control
// bytes, anything that looks like an option, a local path outside the roots.
int repo_url_parse(const char *text, size_t len, const struct repo_rules *rules,
                   struct repo_url *ret, struct err *e);
// A submodule's URL as .gitmodules writes it: relative to `parent` when it starts with ./ or ../.
// file: only below a file: parent.
int repo_url_parse_submodule(const char *text, const struct repo_url *parent,
                             const struct repo_rules *rules, struct repo_url *ret, struct err *e);
// May credentials meant for `a` be sent to `b`? Same host and port, and no step down to http.
bool repo_url_same_server(const struct repo_url *a, const struct repo_url *b);
// The mirror's name: hex of sha256(canonical). The digest is a parameter because room crypt is
// not one this room may use: pass sha256_of.
void repo_url_key(const struct repo_url *u,
                  void (*sha256)(const void *p, size_t len, unsigned char out[32]),
                  char out[REPO_KEY_MAX]);

enum repo_ref_kind {
    REPO_REF_DEFAULT, // "" or HEAD: the remote's default branch
    REPO_REF_NAME,    // main, v1.2: a branch, else a tag, else a commit's first letters
    REPO_REF_FULL,    // refs/heads/main, refs/tags/v1, refs/pull/1/head
    REPO_REF_COMMIT   // 40 hexadecimal digits
};
// By git's own grammar (git-check-ref-format(1)).
int repo_ref_check(const char *ref, size_t len, enum repo_ref_kind *ret, struct err *e);

enum repo_op {
    REPO_OP_MIRROR,   // create or update the mirror, resolve the ref
    REPO_OP_CHECKOUT, // resolve the ref in the mirror as it is, make the workspace
    REPO_OP_CLONE,    // both, one after the other: what a new workspace wants
    REPO_OP_CHANGES,  // what of the workspace's files differs from the commit that is `ref`
    REPO_OP_N
};
const char *repo_op_name(enum repo_op op);
int repo_op_parse(const char *name, enum repo_op *ret);
const char *const *repo_argv(enum repo_op op); // NULL-terminated, static

// 0 is never "no limit": repo_limits_default fills all, repo_limits_check bounds them.
struct repo_limits {
    uint64_t seconds;
    uint64_t bytes;      // received, or copied from a local repository
    uint64_t objects;    // received in one pack
    uint64_t refs;       // advertised by the remote
    uint64_t files;      // in the working tree
    uint64_t file_bytes; // of one file
    uint64_t tree_bytes; // of all files
    uint64_t depth;      // directories above a file
    uint64_t submodules; // all levels together
};
void repo_limits_default(struct repo_limits *l);
int repo_limits_check(const struct repo_limits *l, struct err *e);

#define REPO_DIR_MAX 65
struct repo_request {
    enum repo_op op;
    struct repo_url url;
    char ref[REPO_REF_MAX];
    // The directory of the workspace that it is in, by name. "": the workspace itself; otherwise one
    // beside others, with all its objects, since sandboxes are shown only one mirror.
    char dir[REPO_DIR_MAX];
    bool submodules;
    // Use what the mirror has if the ref is a commit id that is in it: no network. Only for a
    // caller who has shown before that it may read the repository.
    bool offline_ok;
    // Of CHECKOUT, without submodules: the workspace is not empty but our checkout of this commit;
    // what differs is written. "" otherwise.
    char base[REPO_OID_MAX];
    char username[REPO_USERNAME_MAX]; // "" with a password: it is a token
    char password[REPO_SECRET_MAX];
    char header[REPO_SECRET_MAX]; // "Name: value", in place of the two
    char base_url[REPO_URL_MAX];  // the rules again, for submodules
    char roots[REPO_ROOTS_MAX];
    uint64_t proxy_port; // on the box's loopback, the only way out of it; 0: it has its own
    struct repo_limits limits;
};
// Sensible defaults: op, url, rules and limits set, the rest empty.
void repo_request_init(struct repo_request *q, enum repo_op op, const struct repo_url *url,
                       const struct repo_rules *rules);
void repo_request_wipe(struct repo_request *q);
// No control byte; a header of one line whose name is a token.
int repo_credentials_check(const struct repo_request *q, struct err *e);
#define REPO_REQUEST_MAX 32768
int repo_request_format(const struct repo_request *q, struct buf *out, struct err *e);
// The helper's side. Every field is checked again; unknown, repeated and missing ones are errors.
int repo_request_parse(const char *p, size_t len, struct repo_request *ret, struct err *e);

enum repo_phase { REPO_CONNECTING, REPO_RECEIVING, REPO_RESOLVING, REPO_WRITING, REPO_PHASE_N };
const char *repo_phase_name(enum repo_phase p);
struct repo_progress {
    enum repo_phase phase;
    uint64_t done, total; // objects (receiving, resolving) or files (writing); total 0: unknown
    uint64_t bytes;
};
struct repo_result {
    char commit[REPO_OID_MAX];
    char ref[REPO_REF_MAX];                 // full name, "" for a commit id
    char branch[REPO_REF_MAX];              // "" when HEAD is detached
    char default_branch[REPO_REF_MAX];      // "" when the remote has none
    char refs_digest[REPO_OID_MAX];         // of all references that a checkout is given
    bool fetched;                           // the remote was asked
    uint64_t bytes, objects, refs;          // received; advertised
    uint64_t files, tree_bytes, submodules; // files: of CHANGES those that differ; bytes: written
    uint64_t duration_ms;
};
// Exit codes of pinfold-git; a reply's own words count, the code must only agree.
enum { REPO_EXIT_OK = 0, REPO_EXIT_FAILED = 1, REPO_EXIT_USAGE = 2, REPO_EXIT_TIMEOUT = 3 };

// A file that differs: 'A'dded, 'M'odified, 'D'eleted, 'T' of another type. Each is a letter and the
// path, with a NUL; those of a longer path, and what comes after so many bytes, are counted only.
#define REPO_CHANGE_PATH_MAX 1000
#define REPO_CHANGES_BYTES (48 * 1024)
int repo_change_format(char status, const char *path, struct buf *out); // -1: the path is too long

// The helper's side: one line, and the last block. `detail` is the library's text, for the log.
void repo_progress_format(const struct repo_progress *p, struct buf *out);
void repo_result_format(const struct repo_result *r, struct buf *out);
void repo_error_format(const struct err *e, const char *detail, struct buf *out);

// The server's side. The helper may have been taken over by what it fetched, so everything is
// checked: length, order, every value's grammar. Nothing of it is trusted but as text.
struct repo_reply;
struct repo_reply *repo_reply_new(void (*on_progress)(void *arg, const struct repo_progress *p),
                                  void *arg);
void repo_reply_free(struct repo_reply *r);
// -1 once the helper has broken the protocol: kill it.
int repo_reply_feed(struct repo_reply *r, const void *p, size_t len, struct err *e);
// After its end. exit_code is -1 when it did not exit by itself. 0 with *ret, or -1 with the
// helper's own error, or with ours when it said none.
int repo_reply_finish(struct repo_reply *r, int exit_code, struct repo_result *ret, struct err *e);
const char *repo_reply_detail(const struct repo_reply *r);        // borrowed; "" when none
const struct buf *repo_reply_changes(const struct repo_reply *r); // the same
