// SPDX-License-Identifier: Apache-2.0
// The record of runs: rows, what is found of them at start, and their deletion.
#include "run_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/store_event.h>

#define MEMORY_MAX (64u << 20) // of all that are remembered
#define TERMINAL_SHARED (1u << 31)
// What only readers of agents say.
#define READER_EVENTS                                                                              \
    (UINT64_C(1) << EV_SESSION_INIT | UINT64_C(1) << EV_AGENT_TOKEN |                              \
     UINT64_C(1) << EV_AGENT_MESSAGE | UINT64_C(1) << EV_AGENT_THINKING |                          \
     UINT64_C(1) << EV_AGENT_TOOL_CALL | UINT64_C(1) << EV_AGENT_TOOL_RESULT |                     \
     UINT64_C(1) << EV_AGENT_NEEDS_ATTENTION | UINT64_C(1) << EV_AGENT_SUBAGENT_START |            \
     UINT64_C(1) << EV_AGENT_SUBAGENT_STOP | UINT64_C(1) << EV_RUN_NOTE |                          \
     UINT64_C(1) << EV_USER_MESSAGE_TAKEN)

void run_copy_of(const struct runrec *r, struct run_copy *ret)
{
    *ret = (struct run_copy){
        .pub = r->pub,
        .message = xstrdup(r->message),
        .result = r->result ? xmemdup0(r->result, r->pub.result_len) : NULL,
        .turns = strings_copy(r->turns->list),
        .said = strings_copy(r->said->list),
        .repos = strings_copy(r->repos->list),
        .changes = strings_copy(r->changes->list),
        .tools = strings_copy(r->tools->list),
        .approvals = approvals_pack(r),
        .wishes = (r->cancelling ? RUN_WISH_CANCEL : 0) | (r->pausing ? RUN_WISH_PAUSE : 0) |
                  (r->interrupting ? RUN_WISH_INTERRUPT : 0),
        .totals = r->totals,
    };
}

void run_copy_release(struct run_copy *c)
{
    free(c->message);
    free(c->result);
    free(c->turns);
    free(c->said);
    free(c->repos);
    free(c->changes);
    free(c->tools);
    free(c->approvals);
}

static void put_usage(const struct run_usage *u, struct store_run *ret)
{
    ret->input_tokens = u->input_tokens;
    ret->output_tokens = u->output_tokens;
    ret->cached_tokens = u->cached_tokens;
    ret->reasoning_tokens = u->reasoning_tokens;
    ret->cost_microusd = u->cost_microusd;
    ret->usage_known = u->known;
    ret->cost_known = u->cost_known;
}

static struct store_blob packed(const struct strings *s)
{
    return (struct store_blob){s->packed, s->packed_len};
}

static void put_lists(const struct runrec *r, const struct run_copy *c, struct store_run *ret)
{
    ret->turns = packed(c->turns);
    ret->messages = packed(c->said);
    ret->repos = packed(c->repos);
    ret->changes = packed(c->changes);
    ret->approvals = packed(c->approvals);
    ret->wishes = c->wishes;
    ret->skills = packed(r->skills);
    ret->commands = packed(r->commands);
    ret->agents = packed(r->agents);
    ret->tools = packed(c->tools);
}

// Texts that never change are the record's, the rest is of the copy: the database's thread reads
// while the loop goes on.
void run_row_of(const struct runrec *r, const struct run_copy *c, struct store_run *ret)
{
    const struct run *p = &c->pub;
    *ret = (struct store_run){
        .id = p->id,
        .agent = p->agent,
        .state = p->state,
        .reason = p->reason,
        .priority = (uint32_t)(p->priority + RUN_PRIORITY_MAX),
        .prompt = r->prompt,
        .command = r->command,
        .argv = {r->argv->packed, r->argv->packed_len},
        .env = {r->set.env->packed, r->set.env->packed_len},
        .allow = {r->set.allow->packed, r->set.allow->packed_len},
        .provider = r->provider,
        .model = r->model,
        .effort = r->effort,
        .repo_url = r->repo_url,
        .repo_ref = r->repo_ref,
        .repo_commit = p->repo_commit,
        .submodules = p->submodules,
        .image = p->image,
        .profile = p->profile,
        .network = p->network,
        .limits = p->limits,
        .timeout_ms = p->timeout_ms,
        .silence_ms = p->silence_ms,
        .workspace = p->workspace,
        .guest = p->guest,
        .exec = p->exec,
        .session = p->session,
        .result = {c->result, c->result ? p->result_len : 0},
        .result_cut = p->result_cut,
        .error = p->error,
        .exit_code = p->exit_code,
        .signal = p->signal,
        .created_ms = p->created_ms,
        .started_ms = p->started_ms,
        .ended_ms = p->ended_ms,
        .n_events = p->n_events,
        .mode = p->mode,
        .turn = p->turn,
        .message = c->message,
        .n_changes = p->changes_known ? p->n_changes + 1 : 0,
        .approval_ms = r->approval_ms,
        .max_turns = p->max_turns,
        .max_millusd = p->max_millusd,
        .terminal = (p->shared ? TERMINAL_SHARED : 0) | (uint32_t)p->rows << 16 | p->cols,
        .webhook_url = r->webhook_url,
        .notify = p->notify,
        .hook_style = r->hook_style,
        .project = p->project,
        .definition = p->definition,
        .task = p->task,
        .keep_workspace = r->keep_workspace,
        .totals = c->totals,
    };
    put_usage(&p->usage, ret);
    put_lists(r, c, ret);
}

// --- at start ---------------------------------------------------------------------------------

static void load_settings(struct runrec *r, const struct store_run *row)
{
    struct ws_settings *s = &r->set;
    TEXT_PUT(s->image_name, row->image);
    TEXT_PUT(s->profile_name, row->profile);
    s->image = image_named(r->core, row->image);
    s->profile = core_profile_find(r->core, row->profile);
    s->network = row->network < NET_HOST ? (enum net_mode)row->network : NET_NONE;
    s->limits = row->limits;
    s->env = strings_unpack(row->env.p, row->env.len);
    s->allow = strings_unpack(row->allow.p, row->allow.len);
    s->labels = strings_copy(NULL);
    s->init_script = xstrdup("");
}

static void load_texts(struct runrec *r, const struct store_run *row)
{
    struct run *p = &r->pub;
    const struct agent_adapter *a = agent_find(row->agent);
    r->adapter = a ? a : agent_find("command");
    r->prompt = xstrdup(row->prompt);
    r->command = xstrdup(row->command);
    r->provider = xstrdup(row->provider);
    r->model = xstrdup(row->model);
    r->effort = xstrdup(row->effort);
    r->repo_url = xstrdup(row->repo_url);
    r->repo_ref = xstrdup(row->repo_ref);
    TEXT_PUT(r->repo_key, row->repo_url); // of ended ones nobody asks, of others it is near enough
    r->argv = strings_unpack(row->argv.p, row->argv.len);
    r->message = xstrdup(row->message);
    r->webhook_url = xstrdup(row->webhook_url);
    p->notify = row->notify;
    TEXT_PUT(r->hook_style, row->hook_style);
    r->turns = strings_unpack(row->turns.p, row->turns.len);
    r->said = strings_unpack(row->messages.p, row->messages.len);
    r->repos = strings_unpack(row->repos.p, row->repos.len);
    r->repos = strings_take_with(r->repos, r->repos->n % 4, NULL); // whole ones
    r->changes = strings_unpack(row->changes.p, row->changes.len);
    r->skills = strings_unpack(row->skills.p, row->skills.len);
    r->commands = strings_unpack(row->commands.p, row->commands.len);
    r->agents = strings_unpack(row->agents.p, row->agents.len);
    r->agents = strings_take_with(r->agents, r->agents->n % SUB_TEXTS, NULL); // whole ones
    r->tools = strings_unpack(row->tools.p, row->tools.len);
    r->tools = strings_take_with(r->tools, r->tools->n % 5, NULL); // whole ones
    r->approval_ms = row->approval_ms;
    p->max_turns = row->max_turns;
    p->max_millusd = row->max_millusd;
    r->cancelling = row->wishes & RUN_WISH_CANCEL;
    r->pausing = row->wishes & RUN_WISH_PAUSE;
    r->interrupting = row->wishes & RUN_WISH_INTERRUPT;
    approvals_unpack(r, row->approvals.p, row->approvals.len);
    r->keep_workspace = row->keep_workspace;
    r->totals = row->totals;
    if (row->result.len) {
        r->result = xmemdup0(row->result.p, row->result.len);
        p->result_len = row->result.len;
    }
    TEXT_PUT(p->repo_commit, row->repo_commit);
    TEXT_PUT(p->workspace, row->workspace);
    TEXT_PUT(p->exec, row->exec);
    TEXT_PUT(p->session, row->session);
    TEXT_PUT(p->project, row->project);
    TEXT_PUT(p->definition, row->definition);
    TEXT_PUT(p->task, row->task);
    TEXT_PUT(p->error, row->error);
}

static void load_numbers(struct run *p, const struct store_run *row)
{
    p->state = row->state < RUN_STATES ? (enum run_state)row->state : RUN_FAILED;
    p->reason = row->reason < WHY_N ? (enum run_reason)row->reason : WHY_LOST;
    p->priority = (int)row->priority - RUN_PRIORITY_MAX;
    p->mode = row->mode < RUN_MODES ? (enum run_mode)row->mode : RUN_PLAN;
    p->turn = row->turn;
    p->rows = (row->terminal & ~TERMINAL_SHARED) >> 16;
    p->cols = row->terminal & 0xffff;
    p->shared = row->terminal & TERMINAL_SHARED;
    p->submodules = row->submodules;
    p->guest = row->guest;
    p->timeout_ms = row->timeout_ms;
    p->silence_ms = row->silence_ms;
    p->result_cut = row->result_cut;
    p->exit_code = row->exit_code;
    p->signal = row->signal;
    p->usage = (struct run_usage){
        .input_tokens = row->input_tokens,
        .output_tokens = row->output_tokens,
        .cached_tokens = row->cached_tokens,
        .reasoning_tokens = row->reasoning_tokens,
        .cost_microusd = row->cost_microusd,
        .known = row->usage_known,
        .cost_known = row->cost_known,
    };
    p->created_ms = row->created_ms;
    p->started_ms = row->started_ms;
    p->ended_ms = row->ended_ms;
    p->n_events = row->n_events;
    p->changes_known = row->n_changes != 0;
    p->n_changes = row->n_changes ? row->n_changes - 1 : 0;
}

static int on_row(void *arg, const struct store_run *row)
{
    struct core *c = arg;
    if (!id_ok(row->id, "run") || map_get(c->runs, row->id))
        return 0;
    struct runrec *r = runrec_new(c, row->id);
    load_settings(r, row);
    load_texts(r, row);
    load_numbers(&r->pub, row);
    r->seq = r->committed = row->n_events;
    r->recorded = true;
    r->settled = run_state_at_rest(r->pub.state);
    c->n_runs_settled += r->settled;
    runrec_publish(r);
    runrec_insert(r);
    return 0;
}

// Those of this turn count: it began with the last run.started.
static int on_known_event(void *arg, const struct store_event *ev)
{
    struct runrec *r = arg;
    static const char by_hook[] = "\"source\":\"hook\""; // its lines do not tell that again
    bool begins = ev->type == EV_RUN_STARTED;
    if (memmem(ev->payload, ev->len, by_hook, sizeof(by_hook) - 1))
        return 0;
    r->known_events = begins ? 0 : r->known_events + 1;
    r->n_sent = begins ? 0 : r->n_sent + (ev->type == EV_USER_MESSAGE_TAKEN);
    return 0;
}

// The row of one that goes on is older than its last events.
static int load_events(struct runrec *r, struct err *e)
{
    struct store *s = r->core->db.store;
    const struct store_event all = {.run = r->pub.id};
    if (store_event_seq(s, r->pub.id, UINT64_MAX, &r->seq, e) ||
        store_event_page(s, &all, READER_EVENTS | UINT64_C(1) << EV_RUN_STARTED, INT64_MAX,
                         on_known_event, r, e))
        return -1;
    r->n_sent += (uint32_t)r->said->n; // written too, as far as is known: said again is worse
    if (r->pub.state == RUN_STARTING)
        r->known_events = r->n_sent = 0; // this turn has said nothing
    return 0;
}

static void mark_execs(struct runrec *r, struct runrec *owner)
{
    struct execution *x = map_get(r->core->execs, r->pub.exec);
    if (x)
        x->run = owner;
    for (size_t i = 0; i < r->turns->n; i++)
        if ((x = map_get(r->core->execs, r->turns->list[i])))
            x->run = owner;
}

int runs_load(struct core *c, struct err *e)
{
    if (store_event_next_id(c->db.store, &c->next_event_id, e) ||
        store_run_each(c->db.store, on_row, c, e) || hooks_load(c, e))
        return -1;
    list_for (it, &c->run_list) {
        struct runrec *r = container_of(it, struct runrec, all);
        mark_execs(r, r);
        if (!r->settled && load_events(r, e))
            return -1;
        r->committed = r->pub.n_events = r->seq;
    }
    return 0;
}

// No init was given its command. After a power cut that is known of one without a record only.
static bool not_begun(const struct core *c, const struct execution *x)
{
    return !x || (!x->handed && !c->rebooted);
}

// Those that wait are in their order before any of them may begin. One that was about to start
// and has run nothing begins anew.
static void requeue(struct runrec *r)
{
    struct run *p = &r->pub;
    struct execution *x = map_get(r->core->execs, p->exec);
    if (p->state == RUN_STARTING && not_begun(r->core, x)) {
        if (x) {
            x->run = NULL;
            if (x->live)
                exec_lose(x, "its run begins anew");
        }
        p->exec[0] = '\0';
        if (p->turn == 1 && !p->guest)
            p->workspace[0] = '\0';
        run_set_state(r, RUN_QUEUED);
    }
    if (p->state == RUN_QUEUED)
        run_enqueue(r);
}

static void resume(struct runrec *r)
{
    struct run *p = &r->pub;
    const struct execution *x = map_get(r->core->execs, p->exec);
    if (p->state == RUN_BLOCKED)
        return;
    if (p->state == RUN_QUEUED) {
        if (!r->set.image || !r->set.profile)
            run_end(r, RUN_FAILED, WHY_START_FAILED,
                    "its image or profile does not exist any more");
        return;
    }
    list_add_tail(&r->core->run_placed, &r->place);
    r->core->n_runs_placed++;
    approvals_resume(r);
    if (x && (x->live || x->pub.end.reason != END_LOST)) // what has ended says how by its output
        run_adopt(r);
    else
        run_end(r, RUN_INTERRUPTED, WHY_LOST,
                core_lost_word(r->core, "the server restarted while it ran"));
    if (r->x && r->x->live && (r->cancelling || r->pausing))
        run_stop_work(r); // as a person wanted before
}

// A workspace whose run is gone, or begins anew with another one.
static void delete_orphans(struct core *c)
{
    list_for_safe (it, &c->workspaces) {
        struct ws *ws = container_of(it, struct ws, all);
        const struct runrec *r = map_get(c->runs, ws->pub.run);
        if (ws->pub.run[0] && (!r || strcmp(r->pub.workspace, ws->pub.id)))
            ws_delete(ws, NULL);
    }
}

void runs_resume(struct core *c)
{
    list_for (it, &c->run_list)
        requeue(container_of(it, struct runrec, all));
    list_for (it, &c->run_list) {
        struct runrec *r = container_of(it, struct runrec, all);
        if (!r->settled)
            resume(r);
        hooks_resume(r);
    }
    delete_orphans(c);
    runs_admit(c);
}

// --- deletion ---------------------------------------------------------------------------------

struct run_delete {
    struct db_job job; // first member
    struct runrec *r;
    bool row, more;
};

static void delete_failed(struct runrec *r, const struct err *err)
{
    r->deleting = false; // what is left of it is there
    r->core->n_runs_settled++;
    waiters_fail(&r->deleters, err);
}

static void delete_rows(struct runrec *r, bool row);

static void on_things_gone(struct waiter *w)
{
    struct runrec *r = container_of(w, struct runrec, work);
    if (w->err.code && w->err.code != ERR_GONE)
        delete_failed(r, &w->err);
    else
        delete_rows(r, true);
}

static void delete_things(struct runrec *r)
{
    struct core *c = r->core;
    struct ws *ws = map_get(c->ws_by_id, r->pub.workspace);
    struct execution *x = map_get(c->execs, r->pub.exec);
    r->work = (struct waiter){.on_done = on_things_gone};
    mark_execs(r, NULL);
    if (r->pub.guest) {
        if (!run_guest_forget(r, &r->work))
            delete_rows(r, true);
    } else if (ws)
        ws_delete(ws, &r->work); // its execs go with it
    else if (x)
        (void)core_exec_delete(c, &x->pub, &r->work, NULL); // never refuses this one
    else
        delete_rows(r, true);
}

static int delete_work(struct db_job *j, struct store *s, struct err *e)
{
    struct run_delete *d = (struct run_delete *)j;
    if (d->row)
        return hooks_delete_rows(d->r, s, e) || store_run_delete(s, d->r->pub.id, e) ? -1 : 0;
    return store_event_delete_some(s, d->r->pub.id, &d->more, e);
}

static void delete_done(struct db_job *j)
{
    struct run_delete *d = (struct run_delete *)j;
    struct runrec *r = d->r;
    struct err err = j->err;
    bool row = d->row, more = d->more;
    free(d);
    if (r->core->closing)
        return;
    if (err.code) {
        delete_failed(r, &err);
    } else if (!row && more) {
        delete_rows(r, false);
    } else if (!row) {
        delete_things(r);
    } else {
        struct list deleters;
        list_take(&r->deleters, &deleters);
        runrec_free(r);
        waiters_done(&deleters, NULL);
    }
}

static void delete_rows(struct runrec *r, bool row)
{
    struct run_delete *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = delete_work, .done = delete_done};
    d->r = r;
    d->row = row;
    db_push(r->core, &d->job);
}

void run_delete_now(struct runrec *r)
{
    if (r->deleting)
        return;
    r->deleting = true;
    hooks_stop(r);
    r->core->n_runs_settled--;
    run_listeners_end(r);
    delete_rows(r, false);
}

// Over what is remembered: the oldest go.
void runs_trim(struct core *c)
{
    list_for_safe (it, &c->run_list) {
        struct runrec *r = container_of(it, struct runrec, all);
        bool over = c->n_runs_settled > c->conf.runs_kept || c->run_bytes > MEMORY_MAX;
        if (!over)
            return;
        if (!r->settled || r->deleting || !list_empty(&r->listeners) || r->pub.state == RUN_PAUSED)
            continue;
        c->run_bytes -= r->bytes;
        r->bytes = 0;
        run_delete_now(r);
    }
}

void runs_free(struct core *c)
{
    list_for_safe (it, &c->run_list) {
        struct runrec *r = container_of(it, struct runrec, all);
        core_follow_stop(&r->follower);
        waiter_cancel(&r->work);
        run_forget_batch(r);
        runrec_free(r);
    }
}
