// SPDX-License-Identifier: Apache-2.0
// Theory of operation. Everything runs on the loop's thread but four workers: `db` (SQLite, one
// transaction for each run of queued jobs), `disk` (output files), `hasher` (passwords) and
// `packer` (backups).
//
//   execution, build, file job, git job      what is wanted (exec.c, build.c, file.c, git.c)
//        |
//      proc                                  one command in a sandbox: pipes, kill, reason (proc.c)
//        |
//      sandbox                               starts lazily, init's socket, stops idle (sandbox.c)
//        |
//      launcher                              requests by number, READY, what lives (launcher.c)
//
// When this process is killed, commands whose id was given out go on: their inits keep them
// (exec_adopt.c), and what they print is never in this process's memory alone (spill.c).
//
// Lifetimes: an owner is told of an end by the last callback of what it started, and frees then.
// Nothing is freed while a job of a worker or an unanswered request points to it.
#pragma once
#include <pinfold/core.h>
#include <pinfold/core_build.h>
#include <pinfold/core_exec.h>
#include <pinfold/core_workspace.h>
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/store.h>
#include <pinfold/store_journal.h>
#include <pinfold/worker.h>
#include <string.h>

#include "budget_int.h"
#include "launcher_int.h"
#include "network_int.h"
#include "secret_int.h"
#include "pool_int.h"

struct map;
struct profile;

// --- the database (db.c) ---------------------------------------------------------------------

// A job for the database. `run` is on the worker's thread and touches only the job and what the
// loop leaves alone meanwhile; `done` on the loop, with err as the batch's commit left it.
struct db_job {
    struct job job; // first member
    struct core *core;
    int (*run)(struct db_job *j, struct store *s, struct err *e); // may be NULL
    // The same, after the batch's transaction has ended: for what cannot be in one. May be NULL.
    int (*after)(struct db_job *j, struct store *s, struct err *e);
    void (*done)(struct db_job *j);
    struct err err;
    struct db_job *batch_next;
};
void db_push(struct core *c, struct db_job *j);
struct db {
    struct store *store;
    struct worker *worker;
    struct db_job *batch; // the worker's: what the commit decides about
    struct err begin_err;
    struct store_copy *copy; // the worker's: of a backup
    bool failing;            // the last batch did not commit
    unsigned in_flight;
};
void db_tidy(struct core *c); // give back what it does not need
int db_open(struct core *c, int dir_fd, struct err *e);
void db_close(struct core *c);

// --- waiters (waiter.c) ----------------------------------------------------------------------

struct wait_timer {
    struct timer timer;
    struct list link; // core's waiting
    struct core *core;
    struct waiter *waiter;
    void *result;
};
// Queue a waiter; on_cancel may be NULL. w may be NULL everywhere here.
void waiter_add(struct waiter *w, struct list *head, void *subject,
                void (*on_cancel)(struct waiter *w));
// The same, and done with `result` after ms if nothing else ends it before.
void waiter_add_timed(struct core *c, struct waiter *w, struct list *head, void *result,
                      uint64_t ms);
void waiters_end_timed(struct core *c); // as if the time of each were over
void waiter_done(struct waiter *w, void *result);
void waiter_fail(struct waiter *w, const struct err *err);
void waiters_done(struct list *head, void *result);
void waiters_fail(struct list *head, const struct err *err);
// On the next turn of the loop, for verbs whose answer is known at once.
void waiter_later(struct core *c, struct waiter *w, void *result, const struct err *err);

struct execution;
struct ws;

// --- core ------------------------------------------------------------------------------------

struct core {
    struct core_conf conf;
    struct loop *loop;
    const struct profile *profiles;
    const struct image *const *images;
    unsigned n_profiles, n_images;
    void (*on_notice)(void *arg, bool serious, const char *text);
    void *notice_arg;
    void (*on_door)(void *arg, int take_fd);
    struct core_stats stats;

    struct db db;
    struct journal *journal; // NULL: there was no room for one
    bool journal_failing;
    struct worker *disk, *hasher; // hasher: passwords, which take long
    struct worker *packer;        // backups
    struct backup *backup;        // being made
    unsigned disk_jobs;           // in flight
    int state_fd, output_fd, null_fd;
    struct launcher launcher;
    struct egress_link egress;
    struct secrets secrets;
    struct wire_msg msg, init_msg; // being handled: the launcher's, an init's
    char *read_buf;                // READ_BUF bytes, for one read at a time

    struct list waiting; // the timers of waiters that have one
    struct list later;   // waiters to finish on the next turn
    struct list fresh;   // followers to be served for the first time
    struct list fetched; // reads that needed no worker
    struct list graves;  // sandboxes to free on the next turn
    struct post post;
    bool posted;
    bool rebooted; // since the last server of this state
    bool stopping; // nothing new is taken
    bool leaving;  // for a successor: what has an id goes on without its client and this process
    bool closing;  // and nobody is told any more
    unsigned n_tidied;

    struct map *sandboxes;                    // by id: those that are not NONE
    struct list boxes;                        // the same
    unsigned n_boxes, n_starting, n_stopping; // all; of them
    struct pool pool;

    struct map *ws_by_id, *ws_by_name;
    struct list workspaces; // oldest first
    struct map *execs;      // by id
    struct list exec_list;  // oldest first
    struct list exec_queue; // waiting for a place
    struct list unsaved;    // ended, not yet in the database
    struct timer save_timer, retry_timer, tidy_timer;
    unsigned n_execs_ended, execs_live;
    uint64_t next_exec, output_file_bytes;
    bool saving;

    struct map *runs;
    struct list run_list;      // oldest first
    struct list approval_list; // the same
    struct map *approvals;
    struct list run_queue, run_placed; // those that wait, the next one first; those that go on
    struct list run_dirty;             // that have something to be written
    struct list run_watches;
    unsigned n_runs_queued, n_runs_placed, n_runs_settled;
    uint64_t next_event_id;
    size_t run_bytes;
    struct timer run_timer;
    struct map *items;         // projects, agents, tasks
    struct list item_lists[4]; // by their kind
    size_t item_bytes;
    const struct hook_style *hook_styles[8];
    unsigned n_hook_styles;

    struct map *builds;
    struct list build_list, build_queue;
    unsigned builds_running, n_builds_ended;
    struct budget budget;
    struct map *layers; // names of those that exist
    struct map *making; // keys of layers that are being made, or removed
    bool layers_known;
    struct ask layers_ask;

    struct map *repos_by_mirror, *repos_by_id;
    struct list repos, checkouts;

    struct map *tokens_by_id, *tokens_by_hash;
    struct list tokens;
    struct map *users_by_name;
    struct list users;
    struct list logins;
    unsigned n_logins;
    bool login_running;
    char *dummy_hash; // verified for names that do not exist, so that both take the same time
    unsigned char secret[32];
    struct map *idem; // keys being worked on
};
#define READ_BUF (512 * 1024)

// Copy text into a field of fixed size, cut to what fits.
static inline void text_put(char *to, size_t room, const char *text)
{
    size_t n = 0;
    for (; n + 1 < room && text[n]; n++)
        to[n] = text[n];
    to[n] = '\0';
}
#define TEXT_PUT(field, text) text_put(field, sizeof(field), text)

// Move everything to another head, so that what joins meanwhile waits for the next time.
static inline void list_take(struct list *from, struct list *ret)
{
    list_init(ret);
    if (list_empty(from))
        return;
    *ret = *from;
    ret->next->prev = ret->prev->next = ret;
    list_init(from);
}

void core_notice(struct core *c, bool serious, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void core_wake(struct core *c); // run `later` and `graves` on the next turn
void disk_push(struct core *c, struct job *j);
// Why what an earlier server ran is lost: the machine's restart, or else this.
const char *core_lost_word(const struct core *c, const char *otherwise);
void core_free_graves(struct core *c);
// May something be made that takes room? What runs and what frees room is never refused for it.
int core_disk_room(const struct core *c, struct err *e);
void idem_expire(struct core *c);
void idem_free(struct core *c);
