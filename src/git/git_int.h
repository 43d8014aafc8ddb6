// SPDX-License-Identifier: Apache-2.0
// pinfold-git: one operation on one repository, then exit.
//
// It is started in a box of profile git and trusts nothing it reads there: not the remote, not
// the objects, not a local repository's configuration. It answers on stdout only (say.c).
#pragma once
#include <git2.h>
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <pinfold/repo.h>
#include <stdbool.h>
#include <stdint.h>

#define DIR_MAX 2048 // our own paths: a fixed root and a submodule's path

struct job {
    struct repo_request q;
    struct repo_result r;
    char detail[256]; // what the library said when it failed
    uint64_t started_ms;
};

// --- say.c: what goes to stdout
void say_progress(enum repo_phase phase, uint64_t done, uint64_t total, uint64_t bytes);
void say_change(char status, const char *path);
void say_result(const struct job *j);
void say_error(const struct err *e, const char *detail);
// From a signal handler: an error that was formatted by say_prepare, then _exit.
enum say_fatal { SAY_TIMEOUT, SAY_DISK_FULL, SAY_N };
void say_prepare(uint64_t seconds);
void say_fatal(enum say_fatal what, int exit_code) __attribute__((noreturn));

// --- guard.c: deadline, signals, file size, single allocations
int guard_start(const struct repo_limits *l, struct err *e);
// No allocation of the library may be larger than this from now on.
void guard_alloc_max(uint64_t bytes);
bool guard_alloc_refused(void); // since the last guard_alloc_max

// --- fail.c: the library's last error as ours. Returns -1.
int lib_fail(struct job *j, struct err *e, const char *doing);

// --- stream.c: all connections. Set before each remote is contacted.
struct stream_rules {
    const struct repo_url *only; // connect nowhere else: credentials are sent; NULL: anywhere
};
// proxy_port: all go through the proxy there, on this box's loopback; 0: straight.
int stream_start(uint16_t proxy_port, struct err *e);
// proxy.c: ask the proxy at the other end of fd for a way there.
int proxy_connect(int fd, const char *host, const char *port, struct err *e);
void stream_set(const struct stream_rules *rules);
void stream_limit(uint64_t bytes, const char *what); // counts from 0 again
uint64_t stream_received(void);
const struct err *stream_failure(void); // NULL when no connection failed

// --- refs.c: a mirror's references, all in its packed-refs file
struct ref {
    size_t name; // offset into refs.names
    git_oid id, peeled;
    bool has_peeled;
};
struct refs {
    struct ref *list;
    size_t n, room;
    struct buf names;
};
#define REFS_EMPTY_SIZE 46 // bytes of the file that lists none
void refs_init(struct refs *r);
void refs_release(struct refs *r);
static inline const char *ref_name(const struct refs *r, const struct ref *one)
{
    return r->names.data + one->name;
}
// Ignores names that git would not take.
int refs_add(struct refs *r, const char *name, const git_oid *id, uint64_t max, struct err *e);
void refs_sort(struct refs *r); // before find, write and peel
struct ref *refs_find(const struct refs *r, const char *name);
// Drops what the object store lacks, and fills in what annotated tags point to.
void refs_settle(struct refs *r, git_repository *repo);
int refs_read(struct refs *r, int git_dir, struct err *e);
int refs_write(const struct refs *r, int git_dir, struct err *e);
// Of what refs_read reads.
int refs_digest(int git_dir, char ret[REPO_OID_MAX], struct err *e);
// A clone's packed-refs: its branch (or ""), heads as refs/remotes/origin/, tags; others go.
int refs_format_clone(const struct refs *r, const char *branch, const git_oid *commit,
                      struct buf *out);

// --- mirror.c
struct mirror {
    char path[DIR_MAX];
    int fd, lock_fd;
    git_repository *repo;
    git_odb *odb;
};
#define MIRROR_NONE                                                                                \
    {                                                                                              \
        .fd = -1, .lock_fd = -1                                                                    \
    }
// `create`: make what is missing, take the lock, remove what a killed predecessor left.
int mirror_open(struct job *j, struct mirror *m, const char *path, bool create, struct err *e);
void mirror_release(struct mirror *m);
int mirror_update(struct job *j, struct mirror *m, const struct repo_url *url, const char *ref,
                  struct err *e);

// --- fetch.c, local.c, local_copy.c: get the objects and list the references. `extra` is a full
// reference outside heads and tags, or "". `wanted`, when not NULL, is a commit to ask for by id.
struct source {
    const struct repo_url *url;
    const char *extra;
    const git_oid *wanted;
    struct refs *refs;
    char *head; // REPO_REF_MAX: the default branch's full name, or ""
};
int fetch_remote(struct job *j, struct mirror *m, const struct source *s, struct err *e);
int fetch_local(struct job *j, struct mirror *m, const struct source *s, struct err *e);
// All packs and loose objects of one object directory and its alternates.
int local_copy(struct job *j, struct mirror *m, const char *objects, struct err *e);

// --- resolve.c: what a reference means in a mirror
struct target {
    bool empty; // the repository has no commit at all
    git_oid commit;
    char ref[REPO_REF_MAX], branch[REPO_REF_MAX], default_branch[REPO_REF_MAX];
};
int resolve(struct job *j, struct mirror *m, const char *ref, struct target *ret, struct err *e);

// --- plan.c: a commit's whole tree, checked before the first file is written
struct entry {
    uint32_t path, dir;      // offset into paths; index into dirs
    uint16_t path_len, name; // the name's offset in the path
    uint32_t mode;
    git_oid id;
    bool kept;                   // of a checkout that is there already
    git_index_time ctime, mtime; // once written, or kept
    uint32_t ino, dev, uid, gid, size;
};
struct plan_dir {
    uint32_t path, parent;
    bool used;  // holds a file somewhere beneath
    bool there; // in that checkout
};
struct plan {
    git_oid commit;
    struct buf paths;
    struct entry *entries; // in the index's order
    size_t n_entries, room_entries;
    struct plan_dir *dirs; // parents first; dirs[0] is the root
    size_t n_dirs, room_dirs;
    bool has_attributes, has_modules;
};
int plan_build(struct job *j, git_repository *repo, const git_oid *commit, struct plan *ret,
               struct err *e);
void plan_release(struct plan *p);
static inline const char *plan_path(const struct plan *p, uint32_t offset)
{
    return p->paths.data + offset;
}

// --- update.c: our checkout of commit `base` becomes one that holds nothing but what the plan has
// too, which is marked there.
int update_begin(struct job *j, git_repository *repo, int root_fd, struct plan *p, struct err *e);

// --- write.c: the plan's files that are not there, by several threads
int plan_write(struct job *j, struct plan *p, const char *mirror_path, int root_fd, struct err *e);

// --- workdir.c, gitdir.c: a working tree in the workspace, the repository's or a submodule's
struct workdir {
    char path[DIR_MAX];    // below REPO_WORKSPACE_DIR; "" for the repository's own
    char git_dir[DIR_MAX]; // below REPO_WORKSPACE_DIR: .git or .git/modules/NAME...
    const struct repo_url *url;
    bool own;       // its .git holds all objects, and needs no mirror
    bool submodule; // its .git is a file, which names the directory
};
// Writes the files, then .git. `plan` comes back for its submodules; release it in any case.
int workdir_make(struct job *j, struct mirror *m, const struct target *t, const struct workdir *w,
                 struct plan *plan, struct err *e);
int gitdir_make(struct job *j, struct mirror *m, const struct target *t, const struct workdir *w,
                const struct plan *plan, struct err *e);
// A section [name "subsection"] and a key of it for a git configuration.
void config_section(struct buf *b, const char *name, const char *subsection);
void config_value(struct buf *b, const char *key, const char *value);

// --- changes.c: what of a working tree differs from a commit
int changes_list(struct job *j, struct err *e);

// --- submodules.c: those of the working tree just made, and theirs
int submodules_make(struct job *j, const struct workdir *top, const struct plan *plan,
                    struct err *e);
