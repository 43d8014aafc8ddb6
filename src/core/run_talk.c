// SPDX-License-Identifier: Apache-2.0
// Talking to an agent while it runs, where its tool takes lines: messages in the middle of a turn, an
// interrupt of it. A message waits in the record until the agent has said that it has it; what it has
// not by the end of its turn is the next one.
#include "run_int.h"

#include <pinfold/agent_talk.h>
#include <pinfold/own.h>

#define GRACE_MS 10000 // for an agent that is asked to stop

bool run_talks(const struct runrec *r)
{
    return agent_talks(r->adapter) && !r->pub.rows;
}

void run_write(struct runrec *r, const struct buf *b)
{
    struct err e = {0};
    if (r->x && r->x->pub.stdin_open && b->len &&
        core_exec_stdin(r->core, &r->x->pub, b->data, b->len, false, NULL, &e))
        run_event_words(r, EV_RUN_NOTE, "text", "the agent takes no more lines");
}

// The number of a message counts from the beginning of its turn, those that were taken first.
void run_send_said(struct runrec *r)
{
    own_buf struct buf b;
    buf_init(&b, 8 * 1024 * 1024); // more than all that may wait
    if (!r->x || !run_talks(r) || !r->x->pub.stdin_open)
        return;
    if (r->n_sent < r->n_taken)
        r->n_sent = r->n_taken;
    for (; r->n_sent - r->n_taken < r->said->n; r->n_sent++) {
        char id[AGENT_ID_MAX];
        agent_message_id(r->pub.turn, r->n_sent, id);
        if (!agent_say(r->reader, &b, id, r->said->list[r->n_sent - r->n_taken]))
            break; // run_ready comes
    }
    run_write(r, &b);
}

// The agent has the first of what waits.
void run_message_taken(struct runrec *r, bool known)
{
    r->n_taken++;
    if (known || !r->said->n)
        return;
    r->said = strings_take_with(r->said, 1, NULL);
    r->pub.n_said = (uint32_t)r->said->n;
    r->interrupting = false;
    loop_timer_cancel(r->core->loop, &r->grace);
    run_row_changed(r);
}

// After a restart what it has heard of is known by then: the rest was not written.
void run_ready(void *arg)
{
    struct runrec *r = arg;
    if (r->n_sent > r->n_heard)
        r->n_sent = r->n_heard;
    run_send_said(r);
}

// It need not be told again, though it has not taken it yet.
void run_said(void *arg, uint32_t turn, uint32_t n)
{
    struct runrec *r = arg;
    if (turn != r->pub.turn)
        return;
    if (n >= r->n_sent)
        r->n_sent = n + 1;
    if (n >= r->n_heard)
        r->n_heard = n + 1;
}

void run_over(void *arg)
{
    struct runrec *r = arg;
    struct err e = {0};
    if (!r->known_events && r->x && r->x->pub.stdin_open)
        (void)core_exec_stdin(r->core, &r->x->pub, "", 0, true, NULL, &e); // closed is as good
}

void run_idle(void *arg)
{
    struct runrec *r = arg;
    if (r->known_events || !r->x || !r->x->pub.stdin_open)
        return; // it was, long ago
    run_send_said(r);
    if (r->n_sent <= r->n_taken)
        run_over(r);
}

void run_caught_up(struct runrec *r)
{
    r->replay_until = 0;
    agent_reader_caught_up(r->reader);
    approvals_tell_again(r);
}

static void on_grace(struct timer *t)
{
    struct runrec *r = container_of(t, struct runrec, grace);
    r->pausing = true;
    if (r->x)
        run_stop_work(r);
}

static void interrupt_now(struct runrec *r)
{
    own_buf struct buf b;
    char id[AGENT_ID_MAX];
    buf_init(&b, 4096);
    if (!r->x || !r->interrupting)
        return; // its turn has ended meanwhile
    if (!run_talks(r) || !r->x->pub.stdin_open) {
        r->pausing = true;
        run_stop_work(r);
        return;
    }
    agent_message_id(r->pub.turn, 0xffffff, id);
    agent_interrupt(r->reader, &b, id);
    run_write(r, &b);
    if (agent_forgets(r->adapter))
        r->n_sent = r->n_taken; // it is told again
    run_send_said(r);
    loop_timer_set(r->core->loop, &r->grace, GRACE_MS, on_grace);
}

int core_run_interrupt(struct core *c, struct run *pub, const char *message, struct waiter *w,
                       struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c;
    if (pub->state != RUN_RUNNING && pub->state != RUN_NEEDS_INPUT)
        return err_set(e, ERR_CONFLICT, "run %s is %s: there is no turn to interrupt", pub->id,
                       run_state_name(pub->state));
    if (r->cancelling || r->pausing || !r->x)
        return err_set(e, ERR_CONFLICT, "the turn of run %s ends already", pub->id);
    if (!run_wants_workspace(r))
        return err_set(e, ERR_CONFLICT,
                       "run %s has no workspace to go on in: give it a repository, or an empty "
                       "list of repositories",
                       pub->id);
    if (message && run_check_said(r, message, e))
        return -1;
    waiter_add(w, &r->creators, pub, NULL);
    if (message)
        run_say_more(r, message);
    r->interrupting = true;
    run_row_changed(r);
    run_when_committed(r, interrupt_now);
    return 0;
}
