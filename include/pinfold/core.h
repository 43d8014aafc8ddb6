// SPDX-License-Identifier: Apache-2.0
// The verbs: workspaces, execs, builds, files, repositories, tokens. Knows no HTTP and no JSON.
// One core per process; all calls on the thread of its loop. The verbs are in core_workspace.h,
// core_exec.h, core_run.h, core_file.h, core_build.h, core_repo.h, core_debug.h and core_token.h.
//
// How to call: a verb that must wait takes a `struct waiter` inside the caller's own struct. It
// returns -1 with *e when the request is refused at once (the waiter is then untouched), else 0,
// and calls waiter.on_done exactly once, later, never from within the verb. waiter_cancel ends
// the wait: on_done is not called any more and the waiter may be freed; what that does to the
// work itself is said at each verb.
//
// What verbs return (struct workspace *, struct exec *, ...) is borrowed: callers read it, never
// change it, and keep its id, not the pointer, across turns of the loop, but for an object that a
// pending waiter or follower of theirs is about.
#pragma once
#include <pinfold/err.h>
#include <pinfold/id.h>
#include <pinfold/list.h>
#include <pinfold/run.h>
#include <pinfold/run_state.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct loop;
struct profile;
struct image;

struct waiter {
    void (*on_done)(struct waiter *w); // the waiter is out of core's hands: may be freed in it
    struct err err;                    // code ERR_NONE: success
    void *result;                      // as the verb says; borrowed, for the callback
    // core's own
    struct list link;
    void (*on_cancel)(struct waiter *w);
    void *subject;
    struct wait_timer *timer;
};
void waiter_cancel(struct waiter *w); // no-op unless pending
bool waiter_pending(const struct waiter *w);

// Every number a client can run into. main fills it from the settings; core_conf_init gives the
// defaults named here.
struct core_conf {
    uint32_t workspaces_max;        // 1000
    uint32_t snapshots_max;         // 100 of one workspace
    uint32_t boxes_max;             // 1000 sandboxes alive at a time
    uint32_t warm_pool;             // 0: of them, those that are started before they are wanted
    uint64_t warm_pool_bytes;       // 256 MiB: that those may hold together
    uint32_t execs_running_max;     // 512, over all workspaces
    uint32_t execs_per_workspace;   // 64 running at a time
    uint32_t execs_queued_max;      // 1024 waiting for their turn; over it ERR_LIMIT
    uint32_t execs_kept;            // 10000 ended ones remembered, over all workspaces
    uint32_t execs_kept_workspace;  // 1000 of them for one workspace
    uint32_t builds_running_max;    // 2
    uint32_t builds_queued_max;     // 64
    uint32_t builds_kept;           // 200 ended ones remembered, with their logs
    uint32_t checkouts_kept;        // 64; 0: runs share no files
    bool workspace_checkouts;       // nor do workspaces of their own, unless this is set
    uint32_t runs_running_max;      // 16 at a time
    uint32_t runs_per_repository;   // 8 of them over one repository
    uint32_t runs_queued_max;       // 1000 waiting for their turn; over it ERR_LIMIT
    uint32_t runs_kept;             // 1000 ended ones remembered, with events and workspaces
    uint32_t run_events_max;        // 100000 events kept of one
    uint32_t tokens_max;            // 1000
    uint32_t users_max;             // 1000
    uint32_t requests_per_second;   // 0: no limit; of one token or user
    uint64_t idle_stop_ms;          // 5 min: a sandbox without an exec is stopped; its files stay
    uint64_t exec_timeout_ms;       // 10 min: of a foreground exec that asks for none
    uint64_t exec_timeout_max_ms;   // 24 h: the most one can ask for; background execs get it
    uint64_t run_timeout_ms;        // 1 h: of a run that asks for none
    uint64_t build_timeout_ms;      // 1 h: of one build step or init script
    uint64_t git_timeout_ms;        // 30 min: of one clone or fetch
    uint64_t kill_grace_ms;         // 5 s for init to report the end of what was killed
    uint64_t output_keep_bytes;     // 16 MiB kept of each stream
    uint64_t answer_bytes;          // 1 MiB of each stream in a collected answer
    uint64_t answer_max_bytes;      // 16 MiB: the most a request may ask for there
    uint64_t command_max_bytes;     // 1 MiB of arguments and environment together
    uint64_t stdin_max_bytes;       // 64 MiB given with the request
    uint64_t output_total_bytes;    // 16 GiB of kept output on disk; then the oldest execs go
    uint64_t images_total_bytes;    // 64 GiB of layers; then those that nothing uses go; 0: no end
    uint64_t mirrors_total_bytes;   // 64 GiB of mirrors, likewise
    uint64_t workspace_disk_bytes;  // 0: of one that asks for no disk of its own
    uint64_t run_disk_bytes;        // 0: likewise of a run
    uint64_t file_max_bytes;        // 1 GiB written by one file or archive request
    uint64_t disk_reserve_bytes;    // 1 GiB of the state's disk that is never given away
    uint64_t checkouts_total_bytes; // 8 GiB of them
    uint64_t repo_max_bytes;        // 4 GiB of one mirror
    uint64_t repo_max_objects;      // 10 million
    const char *repo_base_url;      // for owner/repo; NULL for repo.h's own default
    const char *allow_private;      // what allow-lists may open at private addresses; NULL: nothing
    const char *egress_ports;       // of a rule that names none; NULL: "80 443"
    const struct core_preset {
        char name[32]; // without the @
        char *rules;   // blanks between
    } * presets;
    unsigned n_presets;
    const struct agent_source *agents; // where their tools come from
    unsigned n_agents;
    const char *repo_roots;       // absolute directories for local repositories; NULL: as there
    const char *default_image;    // "host"
    const char *default_profile;  // "default"
    struct limits limits_default; // of a workspace that asks for none; 0: as its profile says
};
void core_conf_init(struct core_conf *conf);

// What main hands to core. Arrays and strings are borrowed for core's life; descriptors are taken.
struct core_parts {
    struct loop *loop;
    int launcher_fd;  // SOCK_SEQPACKET; -1 when there is none (then sandboxes are refused)
    int egress_fd;    // SOCK_SEQPACKET to the egress process; 0 or -1: none
    int state_dir_fd; // the server's own directory: database and output files
    const struct profile *profiles;
    unsigned n_profiles;
    const struct image *const *images;
    unsigned n_images;
    const char *admin_token; // its hash becomes a token of scope admin; NULL for none
    const char *password;    // of core_login without a name, plain or a hash; NULL for none
    const char *users;       // lines NAME:PASSWORD or NAME:HASH; NULL for none
    // Told of what a person should know (a lost launcher, a full disk); may be NULL.
    void (*on_notice)(void *arg, bool serious, const char *text);
    // A connection by which a tool in a sandbox asks for a run's own routes; may be NULL.
    void (*on_door)(void *arg, int take_fd);
    void *arg;
};
// Open the database, load what it knows, start the launcher's conversation: commands of an earlier
// server whose id was given out are found again in their sandboxes and go on, or are recorded as
// they ended meanwhile, or as lost when their sandbox is gone. Sandboxes that belong to nothing are
// stopped, unfinished deletions go on.
struct core *core_new(const struct core_conf *conf, const struct core_parts *parts, struct err *e);
// Take no new work and end the commands that run, as lost: who waits for one is told so. Then
// core_free, once nobody waits any more.
void core_stop(struct core *c);
// For a successor: waits with a time are over, clients that leave end nothing any more. Then
// core_leave_now, when those who still wait for an exec cannot be waited for: they get it unended, or
// its end as lost when it cannot outlive this process. Then core_free, which touches no sandbox.
void core_leave(struct core *c);
void core_leave_now(struct core *c);
// Let what is committed be written. Sandboxes are stopped by the launcher when
// its socket closes. Waiters must be cancelled by their owners first.
void core_free(struct core *c);
const struct core_conf *core_conf(const struct core *c);

// Lists take `after`: "" from the start, the id of the last one seen, or the text made here from
// it, which goes on at the right place even when that one has been deleted meanwhile.
#define CURSOR_MAX 64
const char *core_cursor(const char *id, uint64_t created_ms, char ret[CURSOR_MAX]);

// Profiles as files describe them; internal ones are not listed. Images: core_build.h.
unsigned core_n_profiles(const struct core *c);
const struct profile *core_profile_at(const struct core *c, unsigned i);
const struct profile *core_profile_find(const struct core *c, const char *name);

// --- numbers ---------------------------------------------------------------------------------

struct core_stats {
    uint64_t started_ms; // wall clock, of this process
    uint64_t workspaces, workspaces_ready, boxes, boxes_starting;
    uint64_t boxes_warm; // that wait for a one-shot; not in boxes
    uint64_t boxes_warm_bytes;
    uint64_t execs_running, execs_queued, builds_running, builds_queued;
    uint64_t runs_running, runs_queued;
    // since this process started
    uint64_t execs_started, execs_ended[END_N];
    uint64_t boxes_warm_used; // one-shots that found one
    uint64_t boxes_started, boxes_failed, builds_done, builds_failed, layers_cached, clones;
    uint64_t runs_ended[RUN_STATES], run_events;
    uint64_t egress_allowed, egress_denied, egress_bytes;    // of sandboxes with an allow-list
    uint64_t images_bytes, mirrors_bytes, output_kept_bytes; // on disk now, as counted last
    uint64_t checkouts, checkouts_bytes;                     // that are kept
    uint64_t layers_removed, mirrors_removed;                // for their budgets
    uint64_t output_bytes, denied_limit;    // requests refused for a limit of this server
    uint64_t exec_ms_sum, box_start_us_sum; // for means
};
const struct core_stats *core_stats(struct core *c);

struct core_health {
    bool ok;       // all of the below
    bool launcher; // its socket answers
    bool database; // the last commit succeeded
    bool disk;     // the state directory's file system has room
    uint64_t disk_free_bytes, disk_total_bytes;
    char text[200]; // what is wrong, one sentence; "" when ok
};
void core_health(struct core *c, struct core_health *ret);
