// SPDX-License-Identifier: Apache-2.0
// What a run does: a workspace when it needs one, its command, the verdict.
#include "run_int.h"

#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <pinfold/wire_egress.h>
#include <stdio.h>

#define WAIT_MS                                                                                    \
    (30ull * 86400 * 1000) // as good as for ever: clones and builds have their own limits
#define ENV_MAX 1400       // variables: a workspace's and an adapter's

struct ws *run_ws(const struct runrec *r)
{
    return map_get(r->core->ws_by_id, r->pub.workspace);
}

bool run_wants_workspace(const struct runrec *r)
{
    return r->pub.guest || *r->repo_url || r->repos->n || r->keep_workspace ||
           r->pub.mode == RUN_PLAN || agent_resumes(r->adapter) ||
           image_present(r->core, r->set.image, NULL);
}

// --- its end ----------------------------------------------------------------------------------

// Its files stay until it is deleted, its sandbox need not.
static void stop_sandbox(struct runrec *r)
{
    struct ws *ws = r->pub.guest ? NULL : run_ws(r);
    if (ws && ws->sb.state == SB_LIVE && sandbox_idle(&ws->sb))
        sandbox_stop(&ws->sb);
}

void run_end(struct runrec *r, enum run_state to, enum run_reason why, const char *error)
{
    struct core *c = r->core;
    loop_timer_cancel(c->loop, &r->silence);
    loop_timer_cancel(c->loop, &r->grace);
    approvals_end(r);
    r->pub.reason = why;
    TEXT_PUT(r->pub.error, error);
    run_leave(r);
    run_guest_left(r);
    run_say_end(r, to);
    run_set_state(r, to);
    agent_reader_free(ptr_steal(&r->reader));
    c->stats.runs_ended[to]++;
    c->run_bytes -= r->bytes;
    r->bytes = runrec_bytes(r);
    c->run_bytes += r->bytes;
    stop_sandbox(r);
    runs_admit(c);
}

static enum run_state state_for(const struct agent_verdict *v)
{
    if (v->succeeded)
        return RUN_SUCCEEDED;
    switch (v->reason) {
    case WHY_CANCELLED:
        return RUN_CANCELLED;
    case WHY_LOST:
        return RUN_INTERRUPTED;
    case WHY_WALL_LIMIT:
    case WHY_SILENCE_LIMIT:
        return RUN_TIMED_OUT;
    default:
        return RUN_FAILED;
    }
}

// What it says itself; or what its provider counted, when it says nothing or leaves a part out.
static void count_turn(struct runrec *r, const struct agent_verdict *v)
{
    bool partial = v->usage_partial && *r->pub.provider;
    r->counted = !v->usage.known || partial;
    if (r->counted)
        run_used(r);
    if (!partial)
        run_usage_add(&r->pub.usage, &v->usage);
}

static void finish(struct runrec *r, const struct outcome *o)
{
    struct agent_verdict v;
    struct run *p = &r->pub;
    r->x = NULL;
    loop_timer_cancel(r->core->loop, &r->grace);
    approvals_end(r);
    run_calls_end(r);
    agent_reader_finish(r->reader, o, &v);
    if (r->silent && v.reason == WHY_CANCELLED) {
        v.reason = WHY_SILENCE_LIMIT;
        TEXT_PUT(v.error, "it printed nothing for longer than it may");
    }
    const struct ws *ws = p->guest ? run_ws(r) : NULL;
    if (v.reason == WHY_CANCELLED && !r->cancelling && ws && ws->pub.status == WS_DELETING)
        TEXT_PUT(v.error, "its workspace was deleted while it ran");
    p->exit_code = o->exit_code;
    p->signal = o->signal;
    count_turn(r, &v);
    r->totals = v.totals;
    if (*agent_reader_session(r->reader))
        TEXT_PUT(p->session, agent_reader_session(r->reader));
    free(r->result);
    r->result = v.result_len ? xmemdup0(v.result, v.result_len) : NULL;
    p->result = r->result;
    p->result_len = v.result_len;
    p->result_cut = v.result_cut;
    run_turn_over(r, state_for(&v), v.reason, v.error);
}

// --- its command ------------------------------------------------------------------------------

static void on_started(struct execution *x)
{
    struct runrec *r = x->run;
    const struct run *p = &r->pub;
    if (p->state != RUN_STARTING)
        return;
    const struct event_word words[] = {
        {.name = "exec_id", .text = p->exec},
        {.name = "workspace_id", .text = *p->workspace ? p->workspace : NULL},
        {.name = "commit", .text = *p->repo_commit ? p->repo_commit : NULL},
        {.name = "turn", .is_number = true, .number = p->turn},
    };
    run_set_state(r, RUN_RUNNING);
    run_say_event(r, EV_RUN_STARTED, words, N_ELEMS(words));
    run_send_said(r); // what it was told meanwhile
}

static void on_silence(struct timer *t)
{
    struct runrec *r = container_of(t, struct runrec, silence);
    uint64_t now = clock_mono_ms(), quiet = now - r->heard_ms;
    if (!r->x)
        return;
    if (r->pub.state == RUN_NEEDS_INPUT)
        quiet = 0; // it waits for a person
    if (quiet < r->pub.silence_ms) {
        loop_timer_set(r->core->loop, t, r->pub.silence_ms - quiet, on_silence);
        return;
    }
    r->silent = true;
    exec_cancel(r->x);
}

static void on_data(struct follower *f, enum exec_stream s, uint64_t offset, const void *p,
                    size_t n)
{
    struct runrec *r = container_of(f, struct runrec, follower);
    r->read_at = s == EXEC_STDOUT ? offset : r->read_at;
    if (r->pub.state == RUN_STARTING)
        on_started(r->x); // events of a turn come after its start
    r->heard_ms = clock_mono_ms();
    if (s == EXEC_STDOUT || !r->pub.rows) // the other stream of a terminal is its recording
        agent_reader_feed(r->reader, s, p, n);
    if (s == EXEC_STDOUT && r->replay_until && offset + n >= r->replay_until)
        run_caught_up(r);
}

static void on_command_end(struct follower *f)
{
    struct runrec *r = container_of(f, struct runrec, follower);
    struct outcome o = f->exec->end;
    if (r->pub.state == RUN_STARTING && o.reason != END_START_FAILED && o.reason != END_LOST &&
        o.reason != END_CANCELLED)
        on_started(r->x); // it began and ended between two looks
    finish(r, &o);
}

static void on_agent_event(void *arg, enum event_type type, const char *payload, size_t len)
{
    struct runrec *r = arg;
    bool known = r->known_events != 0;
    if (known)
        r->known_events--;
    else
        run_event_add(r, type, payload, len);
    if (type == EV_USER_MESSAGE_TAKEN)
        run_message_taken(r, known);
}

static void listen_to(struct runrec *r, struct execution *x)
{
    r->x = x;
    x->run = r;
    x->on_start = on_started;
    r->heard_ms = clock_mono_ms();
    if (r->pub.silence_ms)
        loop_timer_set(r->core->loop, &r->silence, r->pub.silence_ms, on_silence);
}

// NULL: it begins one.
static const char *resumed_session(const struct runrec *r)
{
    const struct run *p = &r->pub;
    return p->turn > 1 && *p->session && agent_resumes(r->adapter) ? p->session : NULL;
}

// first: of its plan.
static void new_reader(struct runrec *r, const char *first, bool again)
{
    struct agent_expect expect = {.on_event = on_agent_event,
                                  .arg = r,
                                  .session = resumed_session(r),
                                  .before = r->totals,
                                  .first = first,
                                  .replays = again};
    if (run_talks(r)) {
        expect.on_ready = run_ready;
        expect.on_said = run_said;
        expect.on_over = run_over;
        expect.on_idle = run_idle;
        expect.on_asked = run_asked;
        expect.on_withdrawn = run_withdrawn;
        expect.tools = r->agent_tools;
        expect.n_tools = r->n_tools;
        expect.on_call = run_call;
        expect.write = run_tool_lines;
    }
    r->reader = agent_reader_new(r->adapter, &expect);
    r->follower = (struct follower){.on_data = on_data, .on_end = on_command_end};
}

// Is there no room for it just now?
static bool is_full(struct core *c, const struct err *e)
{
    return e->code == ERR_BUSY ||
           (e->code == ERR_LIMIT &&
            (c->stats.execs_queued >= c->conf.execs_queued_max || !sandbox_room(c)));
}

// It waits again, and begins anew.
static void requeue(struct runrec *r)
{
    struct ws *ws = r->pub.guest ? NULL : run_ws(r);
    if (ws && r->pub.turn == 1) {
        ws_delete(ws, NULL);
        r->pub.workspace[0] = '\0';
    }
    run_leave(r);
    run_set_state(r, RUN_QUEUED);
    r->pub.exec[0] = '\0';
    run_enqueue(r);
    runs_retry_later(r->core);
}

// said: room for what is made here.
static void fill_env(const struct runrec *r, const char *const *plan, bool own, struct buf *said,
                     const char *ret[ENV_MAX + 3])
{
    size_t n = 0;
    for (const char *const *v = plan; *v && n < ENV_MAX; v++)
        ret[n++] = *v;
    for (const char *const *v = own ? r->pub.env : NULL; v && *v && n < ENV_MAX; v++)
        ret[n++] = *v; // a workspace has them itself
    if (r->pub.turn > 1) {
        (void)buf_printf(said, "PINFOLD_TURN=%u", r->pub.turn);
        (void)buf_append(said, "", 1);
        size_t at = said->len;
        (void)buf_printf(said, "PINFOLD_MESSAGE=%s", r->message);
        ret[n++] = said->data;
        ret[n++] = said->data + at;
    }
    ret[n] = NULL;
}

// Where an agent finds its model: its provider's service, or what its user's variables say.
struct model_access {
    char url_text[SERVICE_URL_MAX], key_text[SECRET_ID_MAX + 32], token[RUN_TOKEN_MAX];
    const char *key;
};
static const char *model_access(const struct run *p, struct model_access *ret)
{
    char id[SECRET_ID_MAX];
    if (!*p->provider) {
        ret->key = run_env(p->env, RUN_MODEL_KEY);
        return run_env(p->env, RUN_MODEL_URL);
    }
    (void)snprintf(id, sizeof(id), "provider/%.64s", p->provider);
    ret->key = secret_placeholder(id, ret->key_text);
    return service_url(id, ret->url_text);
}

static struct agent_wish wish_of(const struct runrec *r, struct model_access *m, struct buf *words)
{
    const struct run *p = &r->pub;
    const char *url = model_access(p, m);
    bool door = *p->provider; // whose service is behind the same port
    core_run_token(r->core, p, m->token);
    return (struct agent_wish){.prompt = run_words(r, words),
                               .model = *p->model ? p->model : NULL,
                               .effort = *p->effort ? p->effort : NULL,
                               .session = resumed_session(r),
                               .max_turns = run_max_turns(r),
                               .max_millusd = p->max_millusd,
                               .plan = p->mode == RUN_PLAN,
                               .talk = run_talks(r),
                               .ask = r->approval_ms != 0,
                               .skills = r->skills->list,
                               .commands = r->commands->list,
                               .agents = r->agents->list,
                               .tools = r->n_tools != 0,
                               .tool_list = r->agent_tools,
                               .n_tools = r->n_tools,
                               .command = p->command,
                               .argv = p->argv,
                               .base_url = url,
                               .api_key = m->key,
                               .run = p->id,
                               .token = door ? m->token : NULL};
}

void run_start(struct runrec *r, struct ws *ws)
{
    struct core *c = r->core;
    const char *env[ENV_MAX + 3];
    struct agent_plan plan = {0};
    struct err e = {0};
    const struct run *p = &r->pub;
    struct model_access m;
    own_buf struct buf words, said;
    buf_init(&words, 3 * RUN_TEXT_BYTES + 16);
    buf_init(&said, RUN_TEXT_BYTES + 32);
    const struct agent_wish wish = wish_of(r, &m, &words);
    if (agent_plan_make(r->adapter, &wish, &plan, &e)) {
        run_end(r, RUN_FAILED, WHY_START_FAILED, e.text);
        return;
    }
    fill_env(r, plan.env, !ws || p->guest, &said, env);
    r->used = (struct use_count){0}; // of this turn
    new_reader(r, plan.first, false);
    const struct exec_spec spec = {
        .id = p->exec,
        .command = plan.command,
        .argv = plan.argv,
        .env = env,
        .stdin_open = plan.input != NULL,
        .stdin_data = plan.input,
        .stdin_len = plan.input ? strlen(plan.input) : 0,
        .background = true,
        .tty = p->rows,
        .record = p->rows,
        .shared = p->shared,
        .rows = p->rows,
        .cols = p->cols,
        .timeout_ms = p->timeout_ms,
        .follower = &r->follower,
        .limits = ws ? (struct limits){0} : r->set.limits,
        .image = ws ? NULL : p->image,
        .profile = ws ? NULL : p->profile,
        .network_given = !ws,
        .network = p->network,
        .allow = !ws && p->network == NET_LIST ? p->allow : NULL,
        .keep = p->allow,
    };
    struct exec *x = core_exec_start(c, ws ? &ws->pub : NULL, &spec, NULL, &e);
    agent_plan_release(&plan);
    if (x) {
        listen_to(r, execution_of(x));
        return;
    }
    agent_reader_free(ptr_steal(&r->reader));
    if (is_full(c, &e))
        requeue(r);
    else
        run_end(r, RUN_FAILED, WHY_START_FAILED, e.text);
}

// --- its workspace ----------------------------------------------------------------------------

void run_setup_failed(struct runrec *r, const char *error)
{
    if (r->core->stopping)
        return; // nothing has run: it is begun anew after the restart
    if (r->pausing && !r->cancelling)
        run_end(r, RUN_PAUSED, WHY_NONE, "");
    else if (r->cancelling)
        run_end(r, RUN_CANCELLED, WHY_CANCELLED, "");
    else
        run_end(r, RUN_FAILED, WHY_SETUP_FAILED, error);
}

// Each of several has its own.
static void take_commits(struct runrec *r, const struct ws *ws)
{
    if (!r->repos->n)
        return;
    free(r->repos);
    r->repos = strings_copy(ws->repos->list);
    r->pub.repos = r->repos->list;
    run_row_changed(r);
}

static void on_ready(struct waiter *w)
{
    struct runrec *r = container_of(w, struct runrec, work);
    const struct workspace *ws = w->result;
    if (w->err.code) {
        r->pub.workspace[0] = '\0';
        run_setup_failed(r, w->err.text);
    } else if (r->cancelling || r->pausing || ws->status != WS_READY) {
        run_setup_failed(r, ws->error);
    } else {
        TEXT_PUT(r->pub.repo_commit, ws->repo_commit);
        take_commits(r, ws_of(w->result));
        run_start(r, ws_of(w->result));
    }
}

static void on_created(struct waiter *w)
{
    struct runrec *r = container_of(w, struct runrec, work);
    struct workspace *ws = w->result;
    if (w->err.code) {
        run_setup_failed(r, w->err.text);
        return;
    }
    TEXT_PUT(r->pub.workspace, ws->id);
    run_row_changed(r);
    if (r->cancelling || r->pausing)
        ws_delete(ws_of(ws), NULL);
    r->work.on_done = on_ready;
    (void)core_workspace_wait(r->core, ws, WAIT_MS, &r->work, NULL); // never refuses
}

void run_begin(struct runrec *r)
{
    struct core *c = r->core;
    struct err e = {0};
    if (c->stopping)
        return;
    if (r->cancelling || r->pausing) {
        run_setup_failed(r, "");
        return;
    }
    if (*r->pub.workspace) { // of the turn before, or of others
        struct ws *ws = run_ws(r);
        if (ws && r->pub.guest)
            run_guest_begin(r, ws);
        else if (ws)
            run_start(r, ws);
        else
            run_end(r, RUN_FAILED, WHY_SETUP_FAILED, "its workspace is not there any more");
        return;
    }
    if (!run_wants_workspace(r)) {
        run_start(r, NULL);
        return;
    }
    const struct workspace_spec spec = {
        .run = r->pub.id,
        .image = r->pub.image,
        .profile = r->pub.profile,
        .repo_url = r->repo_url,
        .repo_ref = r->repo_ref,
        .submodules = r->pub.submodules,
        .repos = r->repos->list,
        .network_given = true,
        .network = r->pub.network,
        .allow = r->pub.network == NET_LIST ? r->pub.allow : NULL,
        .keep = r->pub.allow,
        .env = r->pub.env,
        .limits = r->set.limits,
        .build = true,
    };
    r->work = (struct waiter){.on_done = on_created};
    if (core_workspace_create(c, &spec, &r->work, &e))
        run_end(r, RUN_FAILED, WHY_SETUP_FAILED, e.text);
}

// --- what it is refused ------------------------------------------------------------------------

struct runrec *run_of_box(const struct core *c, const char *box)
{
    const struct ws *ws = map_get(c->ws_by_id, box);
    const struct execution *x = ws ? NULL : map_get(c->execs, box); // a one-shot's
    return ws ? map_get(c->runs, ws->pub.run) : x ? x->run : NULL;
}

void run_refused_call(struct core *c, const char *box, const struct msg_denials *m)
{
    struct runrec *r = run_of_box(c, box);
    struct denial d;
    char number[16], process[sizeof(d.comm)];
    if (!r || !r->x || m->rows.len != sizeof(d))
        return;
    memcpy(&d, m->rows.p, sizeof(d));
    const char *name = profile_call_name((int)d.syscall);
    (void)snprintf(number, sizeof(number), "%u", d.syscall);
    (void)snprintf(process, sizeof(process), "%.*s", (int)sizeof(process) - 1, d.comm);
    const struct event_word words[] = {
        {.name = "syscall", .text = name ? name : number},
        {.name = "process", .text = process},
        {.name = "count", .is_number = true, .number = d.count},
    };
    run_say_event(r, EV_SYSCALL_REFUSED, words, N_ELEMS(words));
}

// --- what it reaches --------------------------------------------------------------------------

// One that tries again and again is refused once.
void run_network_decision(struct runrec *r, const struct msg_egress_decision *m)
{
    char key[sizeof(r->refused)];
    const struct event_word words[] = {
        {.name = "host", .text = m->host},
        {.name = "port", .is_number = true, .number = m->port},
        {.name = "decision", .text = m->allowed ? "allowed" : "refused"},
        {.name = m->allowed ? "rule" : "reason", .text = m->rule},
        {.name = "process", .text = m->process},
        {.name = "pid", .is_number = true, .number = m->pid},
    };
    if (!r->x || m->ended)
        return;
    (void)snprintf(key, sizeof(key), "%s:%u", m->host, m->port);
    if (!m->allowed && !strcmp(key, r->refused))
        return;
    TEXT_PUT(r->refused, m->allowed ? "" : key);
    run_say_event(r, EV_NETWORK_DECISION, words, N_ELEMS(words));
}

// --- ending it --------------------------------------------------------------------------------

void run_stop_work(struct runrec *r)
{
    struct ws *ws = run_ws(r);
    if (r->x)
        exec_cancel(r->x);
    else if (r->checkpointing || r->look.now)
        return; // what follows it sees to that
    else if (r->pub.state != RUN_STARTING)
        run_end(r, r->cancelling ? RUN_CANCELLED : RUN_PAUSED,
                r->cancelling ? WHY_CANCELLED : WHY_NONE, "");
    else if (r->pub.guest && waiter_pending(&r->work)) {
        waiter_cancel(&r->work);
        run_setup_failed(r, "");
    } else if (ws && waiter_pending(&r->work))
        ws_delete(ws, NULL); // its clone or build ends; who waits for it is told
}

// Its output is read again from its first byte: what the reader made of that before comes again,
// since it depends on nothing else.
void run_adopt(struct runrec *r)
{
    struct execution *x = map_get(r->core->execs, r->pub.exec);
    struct agent_plan plan = {0};
    struct model_access m;
    struct err e = {0};
    own_buf struct buf words;
    buf_init(&words, 3 * RUN_TEXT_BYTES + 16);
    const struct agent_wish wish = wish_of(r, &m, &words);
    (void)agent_plan_make(r->adapter, &wish, &plan, &e); // it was made before
    new_reader(r, plan.first, true);
    agent_plan_release(&plan);
    r->replay_until = x->source.out[EXEC_STDOUT].total;
    listen_to(r, x);
    if (r->pub.state == RUN_STARTING)
        on_started(x);
    if (!r->replay_until)
        run_caught_up(r);
    (void)core_exec_follow(r->core, &x->pub, &r->follower, NULL); // from its first byte
}
