// SPDX-License-Identifier: Apache-2.0
// A workspace as core keeps it. One operation on it runs at a time (`op`); while one does, no exec
// starts, and the workspace's own sandbox is down whenever the operation needs its directory.
#pragma once
#include "exec_int.h"

struct bld;
struct clone;
struct gitjob;
struct script;
struct ws_patching;

enum ws_op {
    OP_NONE,
    OP_CREATE,
    OP_SETUP,
    OP_BUILD,
    OP_INIT,
    OP_FORK,
    OP_SNAPSHOT,
    OP_RESTORE,
    OP_CHANGES,
    OP_DELETE
};

// What a person sets, and patch replaces as a whole.
struct ws_settings {
    char name[NAME_MAX_LEN + 1];
    const struct image *image; // NULL: it is gone, see image_name
    const struct profile *profile;
    char image_name[NAME_MAX_LEN + 1], profile_name[NAME_MAX_LEN + 1];
    enum net_mode network;
    bool learn;
    struct limits limits;
    struct strings *env, *labels, *allow;
    char *init_script;
};
struct ws {
    struct workspace pub;
    struct core *core;
    struct list all, execs; // execs: records of it, oldest first
    struct list file_jobs;
    unsigned n_execs_ended, n_file_jobs;
    struct ws_settings set;
    char *repo_url, *repo_ref;
    struct strings
        *repos;     // several instead: url, ref, directory, commit of each, until they are made
    size_t repo_at; // of them
    char mirror[LAYER_NAME_MAX];
    struct sandbox sb;
    enum ws_op op;
    bool built, dir_made; // as store.h
    bool dirty;           // not written as it is
    bool fresh_dir;       // provisioning keeps what is in it
    bool cancelled;       // the provisioning that runs
    bool wants_build;
    struct ws_patching *patch; // in flight
    struct timer retry;        // of a deletion
    unsigned saving;
    struct list waiters, deleters, stoppers, debuggers;
    struct list creators; // of create and fork: one
    void (*when_down)(struct ws *ws);
    struct ask ask;      // DIR_* of the running operation
    struct clone *clone; // of the running operation
    struct gitjob *git;  // of that
    struct script *script;
    struct bld *build; // that uses it: running or queued
    struct ws *fork_of;
    const char *fork_dir; // a snapshot's directory; NULL: its own
    struct list snapshots;
    struct snap *snap;  // which the running operation makes or restores
    bool restore_waits; // for commands to end
    struct source *clone_log;
    void (*provisioned)(struct ws *ws, const char *error);
    struct source init_log;
    struct network_log *net_log;     // NULL before the first decision
    char *repo_user, *repo_password; // for the next clone, then wiped
};
struct ws *ws_of(struct workspace *w);
struct ws *ws_new(struct core *c, const char *id);
void ws_insert(struct ws *ws);
void ws_free(struct ws *ws);       // out of all lists and maps
void ws_publish(struct ws *ws);    // from the settings into what callers see
void ws_exec_ended(struct ws *ws); // another of its execs has
// May commands run in it? -1 with the sentence why not.
int ws_runnable(struct ws *ws, struct err *e);
// May an operation begin? ERR_CONFLICT when one runs, or commands do.
int ws_op_check(struct ws *ws, struct err *e);
int ws_busy_check(struct ws *ws, struct err *e); // the same, whether commands run or not
void ws_op_begin(struct ws *ws, enum ws_op op);
// The operation has ended: record the state, then tell who waits. error "" for none.
void ws_settle(struct ws *ws, enum workspace_status status, const char *error);
void ws_set_status(struct ws *ws, enum workspace_status status, const char *error);
void ws_when_down(struct ws *ws, void (*fn)(struct ws *ws));
void ws_save(struct ws *ws, void (*on_done)(struct ws *ws, const struct err *err));
void ws_save_dirty(struct core *c);
void ws_delete_step(struct ws *ws);
void ws_delete_failed(struct ws *ws, const struct err *err); // it is tried again later
void ws_delete(struct ws *ws, struct waiter *w); // as core_workspace_delete, a run's too
void file_jobs_free(struct ws *ws);              // at the end of core
void file_jobs_end(struct ws *ws); // those that still have something to read: with an error
int workspaces_load(struct core *c, struct err *e);
void workspaces_resume(struct core *c); // what an earlier server left unfinished
// Settings (ws_settings.c).
struct ws_wish {
    const char *name, *image, *profile, *init_script;
    const char *const *env, *const *labels;
    struct network_wish network;
    bool learn;
    const char *repo_url;
    struct limits limits;
};
// Is there to be a disk of its own, with a hard limit?
bool ws_wants_disk(const struct ws_settings *s);
// Who asks for none gets so much, 0 for none, as far as the profile lets it.
void settings_default_disk(struct ws_settings *s, uint64_t bytes);
int settings_make(struct core *c, const struct ws_wish *wish, const char *id,
                  struct ws_settings *ret, struct err *e);
int settings_change(struct ws *ws, const struct workspace_patch *p, struct ws_settings *ret,
                    struct err *e);
void settings_release(struct ws_settings *s);
int limits_within(const struct limits *base, const struct limits *want, const char *who,
                  struct err *e);
// The directory made anew, then clone and init script, as far as there are any. `provisioned` of
// the workspace is called at the end, with NULL or the sentence what was wrong (ws_provision.c).
void ws_provision(struct ws *ws, struct source *clone_log,
                  void (*provisioned)(struct ws *ws, const char *error));
void ws_run_script(struct ws *ws, void (*provisioned)(struct ws *ws, const char *error));
void ws_provision_cancel(struct ws *ws);
void ws_dir_ask(struct ws *ws, enum wire_type type, const char *source,
                void (*on_answer)(struct ask *, struct wire_msg *, const struct err *));
void ws_setup(struct ws *ws); // of one that needs no build
// What its sandboxes are started from, for the given profile.
void ws_network_changed(struct ws *ws); // its rules, for a sandbox that runs
int ws_fill(struct ws *ws, const struct profile *profile, struct msg_box_start *m, struct err *e);
bool run_reads_only(const struct core *c, const char *run); // run.c: "" and none: false
struct strings *
run_guest_rules(const struct ws *ws); // run_guest.c: its own, and what runs in it need
// Roots of sandboxes (roots.c).
const struct image *image_named(const struct core *c, const char *name);
bool image_needs_build(const struct image *image);
void limits_fill(const struct limits *l, struct msg_box_start *m);
void image_fill(const struct image *image, struct msg_box_start *m);
// Does one stand on a layer that the other has too?
bool image_shares(const struct image *a, const struct image *b);
// Do all its layers exist? ERR_CONFLICT when not.
int image_present(const struct core *c, const struct image *image, struct err *e);
