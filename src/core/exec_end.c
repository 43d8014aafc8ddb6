// SPDX-License-Identifier: Apache-2.0
// The end of an exec: outcome, followers, waiters, its place for the next one.
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>

void exec_live_free(struct execution *x)
{
    struct exec_live *live = x->live;
    if (!live)
        return;
    x->live = NULL;
    fd_close(&live->proc.stdin_fd);
    buf_release(&live->proc.in);
    buf_release(&live->args.bytes);
    shot_free(live->shot);
    free(live);
}

static void leave_queue(struct execution *x)
{
    if (x->pub.status == EXEC_QUEUED && x->queue.next && !list_empty(&x->queue)) {
        list_del(&x->queue);
        x->core->stats.execs_queued--;
    }
}

static void leave_place(struct execution *x)
{
    struct core *c = x->core;
    leave_queue(x);
    if (!x->live->placed)
        return;
    c->stats.execs_running--;
    if (x->ws) {
        x->ws->pub.execs_running--;
        x->ws->pub.used_ms = clock_wall_ms();
    }
}

static void set_end(struct execution *x, const struct outcome *o)
{
    struct exec *pub = &x->pub;
    pub->end = *o;
    if (x->live->over_limit && (o->reason == END_EXITED || o->reason == END_SIGNALED))
        pub->end.reason = END_OUTPUT_LIMIT; // it ended by itself right after the limit was passed
    if (pub->end.reason == END_LOST && !pub->end.detail[0] && x->live->lost_because)
        TEXT_PUT(pub->end.detail, x->live->lost_because);
    pub->status = EXEC_ENDED;
    // It may have ended a while ago, while no server ran.
    uint64_t ended_ns = x->live->proc.ended_ns, now_ns = clock_mono_ns();
    pub->ended_ms = clock_wall_ms() - (ended_ns ? (now_ns - ended_ns) / 1000000 : 0);
    if (!pub->started_ms && o->reason != END_START_FAILED)
        pub->started_ms = pub->ended_ms - o->duration_ms;
    pub->stdin_open = false;
}

void exec_totals(struct execution *x)
{
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        const struct output *o = &x->source.out[i];
        x->pub.out[i] = (struct exec_output){
            .total = o->total,
            .kept = o->kept,
            .first = o->first,
            .truncated = o->total > o->kept,
        };
    }
}

static void give_answer(struct execution *x)
{
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        const struct buf *mem = &x->source.out[i].mem;
        x->pub.data[i] = mem->data;
        x->pub.data_len[i] = mem->len < x->answer_bytes ? mem->len : x->answer_bytes;
    }
    waiters_done(&x->waiters, &x->pub);
    waiters_done(&x->timed, &x->pub);
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        x->pub.data[i] = NULL;
        x->pub.data_len[i] = 0;
    }
}

// Its output is where a kill of this process does not reach: now others may be told.
static void tell(struct source *s)
{
    struct execution *x = container_of(s, struct execution, source);
    s->on_written = NULL;
    source_end(s);
    give_answer(x);
    x->saving--;
    if (!x->deleting)
        exec_save_later(x);
    else if (!x->saving)
        exec_delete_now(x);
    if (x->ws)
        ws_exec_ended(x->ws);
}

void exec_ended(struct execution *x, const struct outcome *o)
{
    struct core *c = x->core;
    struct err gone = {0};
    leave_place(x);
    set_end(x, o);
    c->execs_live--;
    c->stats.execs_ended[x->pub.end.reason]++;
    c->stats.exec_ms_sum += o->duration_ms;
    err_set(&gone, ERR_GONE, "exec %s has ended", x->pub.id);
    x->number = x->live->proc.tag ? x->live->proc.number : 0;
    x->saving++; // keeps it until others have been told
    waiters_fail(&x->live->stdin_waiters, &gone);
    exec_live_free(x);
    c->n_execs_ended++;
    if (x->ws)
        x->ws->n_execs_ended++;
    source_seal(&x->source);
    exec_totals(x);
    exec_note(x);
    if (source_written(&x->source))
        tell(&x->source);
    else
        x->source.on_written = tell;
    if (!list_empty(&c->exec_queue))
        execs_admit(c);
}

static void on_box_gone(struct sandbox *sb)
{
    ((struct execution *)sb->owner)->box = NULL; // it frees itself
}

void exec_on_proc_end(struct proc *p, const struct outcome *o)
{
    struct execution *x = container_of(p, struct exec_live, proc)->x;
    struct one_shot *shot = x->live->shot;
    struct outcome copy = *o; // it lies in what is freed
    // Init reports an end when nothing of the command is left, so there is nothing to wait for:
    // the empty sandbox is removed while the answer is on its way.
    // One that is kept for the next server is not known to have ended until its record is written.
    if (shot && shot->sb && p->tag && shot->sb->state == SB_LIVE) {
        x->box = ptr_steal(&shot->sb);
        x->box->owner = x;
        x->box->on_gone = on_box_gone;
    } else if (shot && shot->sb) {
        sandbox_release_soon(ptr_steal(&shot->sb));
    }
    if (shot)
        pool_refill(x->core);
    exec_ended(x, &copy);
}

static void end_early(struct execution *x, enum end_reason why)
{
    struct exec_live *live = x->live;
    if (!live)
        return;
    live->adopting = false; // init is told to end it if it tells of it
    leave_queue(x);
    x->source.no_wait = true; // whoever reads slowly reads what was kept
    source_flow(&x->source);
    if (live->shot && live->shot->putting)
        proc_kill(&live->shot->put, why);
    else if (live->proc.state == PROC_NEW)
        proc_end_later(&live->proc, why, "");
    else
        proc_kill(&live->proc, why);
}

void exec_cancel(struct execution *x)
{
    end_early(x, END_CANCELLED);
}

void exec_lose(struct execution *x, const char *because)
{
    x->live->lost_because = because;
    end_early(x, END_LOST);
}
