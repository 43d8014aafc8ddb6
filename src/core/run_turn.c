// SPDX-License-Identifier: Apache-2.0
// Turns of a run: pausing it, going on with it, and what it is told meanwhile.
#include "item_int.h"
#include "run_int.h"
#include "snapshot_int.h"

#include <pinfold/map.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>

#define SAID_BYTES (1024 * 1024) // of all messages that wait

bool run_began(const struct runrec *r)
{
    return map_get(r->core->execs, r->pub.exec) != NULL;
}

void run_say_more(struct runrec *r, const char *text)
{
    own_buf struct buf b;
    const struct event_word words[] = {{.name = "text", .text = text}};
    buf_init(&b, 1024 * 1024);
    event_payload(&b, words, 1);
    r->said = strings_take_with(r->said, 0, text);
    r->pub.n_said = (uint32_t)r->said->n;
    run_event_add(r, EV_USER_MESSAGE, b.data, b.len);
    run_row_changed(r);
}

// The first of what waits is what the next turn is about. What is on the disk from here on is enough
// to begin it, and its command has another id: no turn runs twice.
static void next_turn(struct runrec *r)
{
    struct run *p = &r->pub;
    r->turns = strings_take_with(r->turns, 0, p->exec);
    p->turns = r->turns->list;
    p->exec[0] = '\0';
    p->turn++;
    free(r->message);
    r->message = xstrdup(r->said->n ? r->said->list[0] : "");
    r->said = strings_take_with(r->said, 1, NULL);
    p->n_said = (uint32_t)r->said->n;
}

static void enqueue(struct runrec *r)
{
    struct run *p = &r->pub;
    p->reason = WHY_NONE;
    p->error[0] = '\0';
    p->exit_code = -1;
    p->signal = 0;
    r->silent = r->cancelling = r->pausing = r->interrupting = false;
    r->n_sent = r->n_taken = r->n_heard = 0;
    r->read_at = r->replay_until = 0;
    loop_timer_cancel(r->core->loop, &r->grace);
    run_leave(r);
    run_guest_left(r);
    run_set_state(r, RUN_QUEUED);
    run_enqueue(r);
    run_when_committed(r, run_admit_all);
}

static const struct item *definition(const struct runrec *r)
{
    struct err e;
    const char *id = r->pub.definition;
    return *id ? core_item_find(r->core, ITEM_AGENT, id, &e) : NULL;
}

uint32_t run_max_turns(const struct runrec *r)
{
    const struct item *def = definition(r);
    const char *text = def ? item_label(def, AGENT_MAX_TURNS) : NULL;
    uint64_t n = 0;
    if (r->pub.max_turns)
        return r->pub.max_turns;
    return text && !num_parse_u64(text, 1, UINT32_MAX, &n, NULL) ? (uint32_t)n : 0;
}

// What its definition tells an agent stands before what it is to do.
static const char *first_words(const struct runrec *r, struct buf *b)
{
    const struct item *def = agent_resumes(r->adapter) ? definition(r) : NULL;
    if (!def || !*def->text)
        return r->pub.prompt;
    (void)buf_printf(b, "%s\n\n%s", def->text, r->prompt);
    return b->data;
}

const char *run_words(const struct runrec *r, struct buf *b)
{
    const struct run *p = &r->pub;
    const char *more = *r->message ? r->message : "Go on from where you were stopped.";
    if (p->turn == 1)
        return first_words(r, b);
    if (!agent_resumes(r->adapter))
        return *r->message ? r->message : p->prompt; // a script
    if (*p->session)
        return more;
    // It was stopped before it named a session: one that is new has to be told all of it.
    if (first_words(r, b) != b->data)
        (void)buf_puts(b, r->prompt);
    (void)buf_printf(b, "\n\n%s", more);
    return b->data;
}

// --- the end of a turn ------------------------------------------------------------------------

static void on_checkpoint(struct waiter *w)
{
    struct runrec *r = container_of(w, struct runrec, work);
    const struct snapshot *s = w->result;
    r->checkpointing = false;
    if (w->err.code && !r->core->stopping) {
        const struct event_word words[] = {
            {.name = "text", .text = "there is no checkpoint of what it had not committed"},
            {.name = "error", .text = w->err.text}};
        own_buf struct buf b;
        buf_init(&b, 4096);
        event_payload(&b, words, N_ELEMS(words));
        run_event_add(r, EV_RUN_NOTE, b.data, b.len);
    }
    if (!w->err.code && s)
        TEXT_PUT(r->checkpoint, s->id);
    if (r->cancelling)
        run_end(r, RUN_CANCELLED, WHY_CANCELLED, "");
    else
        run_end(r, RUN_PAUSED, WHY_NONE, "");
}

// Its files stay as they are; a copy of them is what can be gone back to, if they are its own.
static void pause_now(struct runrec *r)
{
    struct ws *ws = map_get(r->core->ws_by_id, r->pub.workspace);
    struct err e = {0};
    char name[40];
    agent_reader_free(ptr_steal(&r->reader));
    (void)snprintf(name, sizeof(name), "turn-%u", r->pub.turn);
    r->checkpointing = true;
    r->work = (struct waiter){.on_done = on_checkpoint};
    if (!ws || r->pub.guest || core_snapshot_create(r->core, &ws->pub, name, &r->work, &e))
        waiter_later(r->core, &r->work, NULL, &e);
}

void run_turn_over(struct runrec *r, enum run_state to, enum run_reason why, const char *error)
{
    bool more = to == RUN_SUCCEEDED && r->said->n && !r->cancelling;
    bool stopped = r->interrupting && !r->cancelling && !r->silent &&
                   (why == WHY_ABORTED || why == WHY_CANCELLED);
    if (stopped && r->said->n) {
        more = true;
    } else if (stopped || (r->pausing && (why == WHY_CANCELLED || more))) {
        pause_now(r);
        return;
    }
    if (more) {
        loop_timer_cancel(r->core->loop, &r->silence);
        agent_reader_free(ptr_steal(&r->reader));
        run_say_result(r);
        next_turn(r);
        enqueue(r);
    } else if (!run_look(r, to, why, error)) {
        run_end(r, to, why, error);
    }
}

// --- the verbs --------------------------------------------------------------------------------

static void pause_work(struct runrec *r)
{
    if (r->pausing && !run_state_at_rest(r->pub.state))
        run_stop_work(r);
}

int core_run_pause(struct core *c, struct run *pub, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c;
    if (run_state_final(pub->state))
        return err_set(e, ERR_GONE, "run %s has ended: %s", pub->id, run_state_name(pub->state));
    if (pub->state == RUN_PAUSED)
        return err_set(e, ERR_CONFLICT, "run %s is paused already", pub->id);
    if (r->cancelling)
        return err_set(e, ERR_CONFLICT, "run %s is being cancelled", pub->id);
    if (!run_wants_workspace(r))
        return err_set(e, ERR_CONFLICT,
                       "run %s has no workspace to keep: give it a repository, or an empty list of "
                       "repositories, to be able to pause it",
                       pub->id);
    if (r->pausing)
        return 0;
    r->pausing = true;
    run_row_changed(r);
    run_when_committed(r, pause_work); // it is known after a crash why its command ended
    return 0;
}

int run_check_said(const struct runrec *r, const char *text, struct err *e)
{
    if (!*text)
        return err_set(e, ERR_BAD_REQUEST, "the message is empty");
    if (strlen(text) > RUN_SAY_BYTES)
        return err_set(e, ERR_LIMIT, "the message is larger than %d bytes; put it into a file",
                       RUN_SAY_BYTES);
    if (r->said->n >= RUN_SAID_MAX || r->said->packed_len + strlen(text) > SAID_BYTES)
        return err_set(e, ERR_LIMIT,
                       "%zu messages wait already; at most %d of together %d bytes may", r->said->n,
                       RUN_SAID_MAX, SAID_BYTES);
    return 0;
}

// Can there be a further turn?
static int check_kept(const struct runrec *r, const struct run_more *m, struct err *e)
{
    const struct run *p = &r->pub;
    const struct ws *ws = map_get(r->core->ws_by_id, p->workspace);
    if (p->guest && !ws)
        return err_set(e, ERR_CONFLICT, "the workspace of run %s is not there any more", p->id);
    if (!run_began(r))
        return 0; // nothing of this turn has run
    if (!ws || ws->pub.status != WS_READY)
        return err_set(e, ERR_CONFLICT,
                       "run %s kept no workspace to go on in: give a run a repository, or an empty "
                       "list of repositories, to be able to continue it",
                       p->id);
    if (!m->message && !r->said->n && p->state != RUN_PAUSED)
        return err_set(e, ERR_BAD_REQUEST,
                       "message is missing: run %s has ended, say what it is to do next", p->id);
    return 0;
}

static int check_tools(const struct runrec *r, const struct run_more *m, struct err *e)
{
    if (m->n_tools && !agent_serves(r->adapter, run_talks(r), *r->pub.provider))
        return err_set(e, ERR_BAD_REQUEST, "run %s cannot be served tools", r->pub.id);
    if (agent_keeps_tools(r->adapter) && *r->pub.session)
        return err_set(e, ERR_BAD_REQUEST,
                       "tools: a session of agent %s keeps those that it began with",
                       agent_name(r->adapter));
    return run_tools_check(r->core, m->tools, m->n_tools, e);
}

// What was made for a turn that never began is made anew.
static void forget_setup(struct runrec *r)
{
    struct ws *ws = map_get(r->core->ws_by_id, r->pub.workspace);
    r->pub.exec[0] = '\0';
    if (r->pub.turn > 1 || r->pub.guest)
        return;
    r->pub.workspace[0] = '\0';
    if (ws)
        ws_delete(ws, NULL);
}

int core_run_continue(struct core *c, struct run *pub, const struct run_more *m, struct waiter *w,
                      struct err *e)
{
    struct runrec *r = runrec_of(pub);
    if (!r->settled)
        return err_set(e, ERR_CONFLICT,
                       "run %s is %s: send it a message, or pause it or wait for its end first",
                       pub->id, run_state_name(pub->state));
    if (run_check_room(c, e) || (m->message && run_check_said(r, m->message, e)) ||
        check_kept(r, m, e) || (m->tools && check_tools(r, m, e)))
        return -1;
    if (!r->set.image || !r->set.profile)
        return err_set(e, ERR_CONFLICT, "its image or profile does not exist any more");
    struct strings *tools = m->tools ? run_tools_pack(c, m->tools, m->n_tools, e) : NULL;
    if (m->tools && !tools)
        return -1;
    r->settled = false;
    c->n_runs_settled--;
    waiter_add(w, &r->creators, pub, NULL);
    if (m->mode_given)
        pub->mode = m->mode;
    if (tools)
        run_tools_replace(r, tools);
    if (m->message)
        run_say_more(r, m->message);
    if (run_began(r))
        next_turn(r);
    else
        forget_setup(r);
    enqueue(r);
    return 0;
}

int core_run_say(struct core *c, struct run *pub, const char *text, struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    (void)c;
    if (run_state_at_rest(pub->state))
        return err_set(e, ERR_CONFLICT, "run %s is %s: continue it with the message", pub->id,
                       run_state_name(pub->state));
    if (run_check_said(r, text, e))
        return -1;
    waiter_add(w, &r->creators, pub, NULL);
    run_say_more(r, text);
    if (r->x && run_talks(r) && pub->state != RUN_STARTING)
        run_when_committed(r, run_send_said);
    return 0;
}
