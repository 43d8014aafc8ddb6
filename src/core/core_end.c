// SPDX-License-Identifier: Apache-2.0
// Ending a core in order: what runs is ended and recorded as lost, what is being written is
// written, then everything is freed.
#include "backup_int.h"
#include "build_int.h"
#include "item_int.h"
#include "file_int.h"
#include "checkout_int.h"
#include "run_int.h"
#include "token_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

#define STOP_MS 5000 // for the disk to take what is still to be written

static void cancel_timers(struct core *c)
{
    struct timer *timers[] = {&c->save_timer, &c->retry_timer, &c->tidy_timer, &c->run_timer,
                              &c->pool.timer};
    for (unsigned i = 0; i < N_ELEMS(timers); i++)
        loop_timer_cancel(c->loop, timers[i]);
}

static void end_commands(struct core *c)
{
    while (!list_empty(&c->boxes))
        sandbox_abandon(container_of(c->boxes.next, struct sandbox, link));
    list_for_safe (it, &c->exec_queue)
        exec_cancel(container_of(it, struct execution, queue));
}

void core_stop(struct core *c)
{
    c->stopping = true;
    list_for_safe (it, &c->exec_list) {
        struct execution *x = container_of(it, struct execution, all);
        if (x->live)
            exec_lose(x, "the server was told to stop");
    }
}

void core_leave(struct core *c)
{
    c->leaving = true;
    waiters_end_timed(c);
}

// What the pipe has not taken goes with this process: whoever sent it hears how much that is.
static void refuse_unread_stdin(struct execution *x)
{
    struct err e = {0};
    err_set(&e, ERR_BUSY,
            "the server was replaced while the command did not read: "
            "the last %zu bytes of standard input were not written; send them again",
            proc_stdin_left(&x->live->proc));
    waiters_fail(&x->live->stdin_waiters, &e);
}

// Who waits for an end hears that there is none yet; what goes with this process is told as lost.
void core_leave_now(struct core *c)
{
    list_for_safe (it, &c->exec_list) {
        struct execution *x = container_of(it, struct execution, all);
        if (x->live && !list_empty(&x->live->stdin_waiters))
            refuse_unread_stdin(x);
        if (!x->live || list_empty(&x->waiters))
            continue;
        if (x->detach || !exec_leave(x, NULL))
            waiters_done(&x->waiters, &x->pub);
        else
            exec_lose(x, "the server was replaced while it ran");
    }
}

static void write_rest(struct core *c)
{
    uint64_t until = clock_mono_ms() + STOP_MS;
    execs_save(c);
    ws_save_dirty(c);
    runs_flush(c);
    while ((c->disk_jobs || c->db.in_flight || !list_empty(&c->unsaved)) &&
           clock_mono_ms() < until && !c->db.failing)
        if (loop_turn(c->loop, 10))
            return;
}

static void free_workspace(struct ws *ws)
{
    while (!list_empty(&ws->debuggers))
        waiter_cancel(container_of(ws->debuggers.next, struct waiter, link));
    file_jobs_free(ws);
    free(ws->patch);
    ws_free(ws);
}

static void free_things(struct core *c)
{
    runs_free(c);
    list_for_safe (it, &c->exec_list) {
        struct execution *x = container_of(it, struct execution, all);
        if (x->live)
            proc_abandon(&x->live->proc);
        exec_live_free(x);
        execution_free(x);
    }
    list_for_safe (it, &c->workspaces)
        free_workspace(container_of(it, struct ws, all));
    builds_free(c);
    repos_free(c);
    checkouts_free(c);
    accounts_free(c);
    secrets_free(c);
    items_free(c);
}

static void free_maps(struct core *c)
{
    struct map *maps[] = {
        c->sandboxes,    c->ws_by_id,       c->ws_by_name,    c->execs, c->builds,
        c->layers,       c->making,         c->repos_by_id,   c->idem,  c->repos_by_mirror,
        c->tokens_by_id, c->tokens_by_hash, c->users_by_name, c->runs,  c->items,
        c->approvals};
    for (unsigned i = 0; i < N_ELEMS(maps); i++)
        map_free(maps[i]);
}

void core_free(struct core *c)
{
    if (!c)
        return;
    bool running = c->db.worker && c->disk && c->packer;
    c->stopping = c->closing = true;
    if (running) {
        if (!c->leaving)
            end_commands(c);
        loop_unwatch(&c->launcher.watch); // its answers would begin new work
        budget_end(c);
        write_rest(c);
    }
    cancel_timers(c);
    worker_free(c->packer);
    worker_free(c->hasher);
    worker_free(c->disk);
    db_close(c);
    journal_close(c->journal);
    backup_free(c);
    launcher_close(c);
    egress_close(c);
    if (c->posted)
        (void)loop_turn(c->loop, 0); // its post must not outlive it
    free_things(c);
    core_free_graves(c);
    idem_free(c);
    budget_free(c);
    free_maps(c);
    crypt_wipe(c->secret, sizeof(c->secret));
    fd_close(&c->null_fd);
    fd_close(&c->output_fd);
    fd_close(&c->state_fd);
    free(c->read_buf);
    free(c);
}
