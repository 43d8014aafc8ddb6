// SPDX-License-Identifier: Apache-2.0
// Starting an exec: check all of the request, make its record, find it a place.
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>

#define EXEC_ENV_MAX 1024
#define SPILL_MAX (256 * 1024)
#define TERM_DEFAULT "TERM=xterm-256color"

static const char *const base_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL};
static const char *const tty_env[] = {TERM_DEFAULT, NULL};

struct execution *execution_new(struct core *c, const char *id)
{
    struct execution *x = xcalloc(1, sizeof(*x));
    x->core = c;
    TEXT_PUT(x->pub.id, id);
    x->pub.end.exit_code = -1;
    source_init(&x->source, c, id, EXEC_STREAMS);
    x->source.exec = &x->pub;
    list_init(&x->waiters);
    list_init(&x->timed);
    list_init(&x->deleters);
    return x;
}

void execution_free(struct execution *x)
{
    if (!x)
        return;
    source_release(&x->source);
    if (x->box)
        sandbox_release(x->box);
    free(x->argv);
    free(x->box_name);
    free(x->cwd);
    free(x->user);
    free(x);
}

void execution_insert(struct execution *x, struct ws *ws)
{
    struct core *c = x->core;
    (void)map_put(c->execs, x->pub.id, x);
    list_add_tail(&c->exec_list, &x->all);
    x->ws = ws;
    if (ws)
        list_add_tail(&ws->execs, &x->of_ws);
}

// --- checks -----------------------------------------------------------------------------------

static int check_user(const char *user, struct err *e)
{
    if (user && (!*user || strlen(user) > 63 || !name_ok(user)))
        return err_set(e, ERR_BAD_REQUEST, "user '%.40s' is not a user's name or number", user);
    return 0;
}

static int check_timeout(const struct core_conf *conf, const struct exec_spec *s, struct err *e)
{
    if (s->timeout_ms > conf->exec_timeout_max_ms)
        return err_set(e, ERR_LIMIT, "the timeout is %llu ms; at most %llu ms are allowed",
                       (unsigned long long)s->timeout_ms,
                       (unsigned long long)conf->exec_timeout_max_ms);
    return 0;
}

static int check_sizes(const struct core_conf *conf, const struct exec_spec *s, struct err *e)
{
    size_t in_max = s->stdin_open ? STDIN_QUEUE_MAX : conf->stdin_max_bytes;
    if (s->stdin_len > in_max)
        return err_set(e, ERR_LIMIT, "standard input is %zu bytes; at most %zu are allowed",
                       s->stdin_len, in_max);
    if (s->answer_bytes > conf->answer_max_bytes)
        return err_set(e, ERR_LIMIT, "max_output_bytes is at most %llu",
                       (unsigned long long)conf->answer_max_bytes);
    if (s->keep_bytes > conf->output_keep_bytes)
        return err_set(e, ERR_LIMIT, "at most %llu bytes of each stream are kept",
                       (unsigned long long)conf->output_keep_bytes);
    return 0;
}

static int check_spec(const struct core *c, const struct exec_spec *s, struct err *e)
{
    if (s->command && s->argv)
        return err_set(e, ERR_BAD_REQUEST, "command and argv are both given");
    if (!s->command && !s->argv && !s->tty)
        return err_set(e, ERR_BAD_REQUEST, "command or argv is missing");
    if (s->command && !*s->command)
        return err_set(e, ERR_BAD_REQUEST, "command is empty");
    if (check_user(s->user, e) || check_timeout(&c->conf, s, e) || check_sizes(&c->conf, s, e) ||
        env_check(s->env, "env", EXEC_ENV_MAX, c->conf.command_max_bytes, e))
        return -1;
    return limits_check(&s->limits, e);
}

// Is there a place, or room to wait for one?
static int check_place(struct core *c, const struct ws *ws, struct err *e)
{
    const struct core_conf *conf = &c->conf;
    if (c->stopping)
        return err_set(e, ERR_BUSY, "the server is stopping");
    if (c->stats.execs_queued >= conf->execs_queued_max) {
        c->stats.denied_limit++;
        return err_set(e, ERR_LIMIT, "%llu execs wait already; at most %u may",
                       (unsigned long long)c->stats.execs_queued, conf->execs_queued_max);
    }
    bool needs_box = !ws || ws->sb.state == SB_NONE;
    if (needs_box && !sandbox_room(c)) {
        c->stats.denied_limit++;
        return err_set(e, ERR_LIMIT, "%u sandboxes run already, none of them idle; at most %u may",
                       c->n_boxes - c->n_stopping, conf->boxes_max);
    }
    return 0;
}

// --- the record -------------------------------------------------------------------------------

static uint64_t timeout_of(const struct core_conf *conf, const struct exec_spec *s,
                           uint64_t wall_ms)
{
    bool goes_on = s->background || s->detach || s->tty;
    uint64_t ms = s->timeout_ms ? s->timeout_ms
                  : goes_on     ? conf->exec_timeout_max_ms
                                : conf->exec_timeout_ms;
    if (s->limits.wall_ms && s->limits.wall_ms < ms)
        ms = s->limits.wall_ms;
    return wall_ms && wall_ms < ms ? wall_ms : ms;
}

static void fill_public(struct execution *x, struct ws *ws, const struct exec_spec *s)
{
    struct exec *pub = &x->pub;
    pub->created_ms = clock_wall_ms();
    pub->tty = s->tty;
    pub->background = s->background;
    pub->stdin_open = s->stdin_open || s->tty;
    if (ws) {
        TEXT_PUT(pub->workspace, ws->pub.id);
        TEXT_PUT(pub->image, ws->pub.image);
        TEXT_PUT(pub->profile, ws->pub.profile);
    }
    const char *command[] = {s->command, NULL};
    x->argv = strings_copy(s->argv ? s->argv : command);
    pub->argv = s->argv ? x->argv->list : NULL;
    pub->command = s->argv ? NULL : x->argv->list[0];
    x->user = xstrdup(s->user ? s->user : "");
    pub->cwd = x->cwd;
    pub->user = x->user;
    x->detach = s->detach || s->background;
    x->may_leave = s->may_leave;
    x->record = s->record;
    x->shared = s->shared;
}

static int pack(struct execution *x, const struct ws *ws, const struct exec_spec *s, struct err *e)
{
    struct packed *k = &x->live->args;
    const struct image *image = ws ? ws->set.image : x->live->shot->image;
    static const char shell[] =
        "if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi";
    buf_init(&k->bytes, x->core->conf.command_max_bytes + WS_ENV_BYTES);
    const char *command = s->command ? s->command : shell;
    if (s->argv ? packed_argv(k, s->argv, e) : packed_shell(k, command, e))
        return -1;
    if (packed_env(k, s->env, e) || (ws && packed_env(k, ws->set.env->list, e)) ||
        (image && packed_env(k, (const char *const *)image->env, e)) ||
        (s->tty && packed_env(k, tty_env, e)))
        return -1;
    enum net_mode network = ws ? ws->set.network : x->live->shot->network;
    const char *const *allow = ws ? ws->set.allow->list : x->live->shot->allow->list;
    if (network == NET_LIST &&
        (uses_env(x->core, s->keep && ws ? s->keep : allow, k, e) ||
         packed_env(k, network_env, e) || (trust_wanted(allow) && packed_env(k, trust_env, e))))
        return -1;
    return packed_env(k, base_env, e);
}

static int set_stdin(struct proc *p, const struct exec_spec *s, struct err *e)
{
    if (!s->stdin_open && !s->tty)
        return proc_give_stdin(p, s->stdin_data, s->stdin_len, e);
    p->want_stdin = true;
    return s->stdin_len ? proc_stdin(p, s->stdin_data, s->stdin_len, false, e) : 0;
}

static void on_stdin(struct proc *p)
{
    struct exec_live *live = container_of(p, struct exec_live, proc);
    if (p->in_fd < 0 && p->state != PROC_WAITING)
        live->x->pub.stdin_open = false;
    waiters_done(&live->stdin_waiters, &live->x->pub);
}

static void on_hand(struct proc *p)
{
    struct execution *x = container_of(p, struct exec_live, proc)->x;
    x->handed = true;
    if (x->noted)
        exec_save_early(x, NULL);
}

static void on_start(struct proc *p)
{
    struct execution *x = container_of(p, struct exec_live, proc)->x;
    x->pub.status = EXEC_RUNNING;
    x->pub.started_ms = clock_wall_ms();
    if (x->on_start)
        x->on_start(x);
}

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct exec_live *live = container_of(p, struct exec_live, proc);
    struct source *s = &live->x->source;
    uint64_t total = s->out[stream].total;
    if (live->output_limit && total + n > live->output_limit) {
        n = live->output_limit > total ? (size_t)(live->output_limit - total) : 0;
        live->over_limit = true;
        proc_kill(p, END_OUTPUT_LIMIT);
    }
    if (n && live->x->record)
        exec_record(live->x, 'o', data, n);
    if (n)
        source_append(s, stream, data, n);
}

bool exec_spill_to(struct proc *p, unsigned stream, struct spill_to *ret)
{
    const struct exec_live *live = container_of(p, struct exec_live, proc);
    const struct source *s = &live->x->source;
    const struct output *o = &s->out[stream];
    uint64_t max = o->keep_max - o->kept;
    if (live->output_limit && live->output_limit - o->total < max)
        max = live->output_limit - o->total;
    // What comes beyond is counted, and given to those who listen, as it is read.
    if (!o->eager || o->ring || o->failed || o->kept != o->written || !max)
        return false;
    output_file_name(s->id, stream, ret->name);
    ret->at = o->written;
    ret->max = max < SPILL_MAX ? (size_t)max : SPILL_MAX;
    return true;
}

void exec_on_spilled(struct proc *p, unsigned stream, const void *data, size_t n,
                     const struct err *err)
{
    struct source *s = &container_of(p, struct exec_live, proc)->x->source;
    if (n)
        source_spilled(s, stream, data, n);
    if (err)
        source_failed(s, stream, err);
}

static void on_flow(struct source *s, bool pause)
{
    struct execution *x = container_of(s, struct execution, source);
    for (unsigned i = 0; x->live && i < EXEC_STREAMS; i++)
        if (pause)
            proc_pause(&x->live->proc, i);
        else
            proc_resume(&x->live->proc, i);
}

static void on_left(struct source *s)
{
    struct execution *x = container_of(s, struct execution, source);
    if (!x->detach && !x->core->leaving)
        exec_cancel(x);
}

static void on_waiter_left(struct waiter *w)
{
    struct execution *x = w->subject;
    if (!x->detach && x->live && !x->core->leaving)
        exec_cancel(x);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return !a || (b && b < a) ? b : a;
}

static int fill_live(struct execution *x, struct ws *ws, const struct exec_spec *s, struct err *e)
{
    struct exec_live *live = x->live;
    struct proc *p = &live->proc;
    const struct core_conf *conf = &x->core->conf;
    const struct limits *base = ws ? &ws->pub.limits_effective : &live->shot->limits;
    live->output_limit = smaller(base->output_bytes, s->limits.output_bytes);
    for (unsigned i = 0; s->keep_bytes && i < EXEC_STREAMS; i++)
        x->source.out[i].keep_max = s->keep_bytes;
    if (s->background || s->detach || s->tty || s->follower)
        exec_set_tag(x); // its id is given out
    if (pack(x, ws, s, e) || set_stdin(p, s, e))
        return -1;
    p->args = (struct wire_bytes){live->args.bytes.data, live->args.bytes.len};
    p->n_argv = live->args.n_argv;
    p->n_env = live->args.n_env;
    p->cwd = x->cwd;
    p->user = s->user ? x->user : NULL;
    p->tty = s->tty;
    p->rows = s->rows;
    p->cols = s->cols;
    p->memory_bytes = ws ? s->limits.memory_bytes : 0;
    p->pids = ws ? s->limits.pids : 0;
    p->timeout_ms = x->pub.timeout_ms = timeout_of(conf, s, base->wall_ms);
    x->answer_bytes = s->answer_bytes ? s->answer_bytes : conf->answer_bytes;
    return 0;
}

static void fill_source(struct execution *x, const struct exec_spec *s, bool collected)
{
    struct source *src = &x->source;
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        struct output *o = &src->out[i];
        if (collected && x->answer_bytes > o->mem_max)
            o->mem_max = x->answer_bytes;
        o->eager = x->live->proc.tag != NULL; // must survive this process
        o->ring = s->tty && i == EXEC_STDOUT;
    }
    if (s->record)
        exec_record_size(x, s->rows, s->cols);
}

void exec_live_new(struct execution *x)
{
    struct exec_live *live = x->live = xcalloc(1, sizeof(*x->live));
    struct proc *p = &live->proc;
    live->x = x;
    list_init(&live->stdin_waiters);
    proc_init(p, x->core);
    p->on_hand = on_hand;
    p->on_start = on_start;
    p->on_output = on_output;
    p->on_stdin = on_stdin;
    p->spill_to = exec_spill_to;
    p->on_spilled = exec_on_spilled;
    p->on_end = exec_on_proc_end;
    x->source.on_flow = on_flow;
    x->source.on_left = on_left;
}

static struct execution *make(struct core *c, struct ws *ws, const struct exec_spec *s,
                              struct err *e)
{
    char id[ID_MAX], cwd[CWD_MAX];
    if (cwd_check(s->cwd, cwd, e))
        return NULL;
    struct execution *x = execution_new(c, s->id ? s->id : id_make("exec", id));
    exec_live_new(x);
    x->cwd = xstrdup(cwd);
    fill_public(x, ws, s);
    if ((ws || !shot_prepare(x, s, e)) && !fill_live(x, ws, s, e))
        return x;
    exec_live_free(x);
    execution_free(x);
    return NULL;
}

// --- finding it a place -----------------------------------------------------------------------

static bool place_free(const struct core *c, const struct execution *x)
{
    return c->stats.execs_running < c->conf.execs_running_max &&
           (!x->ws || x->ws->pub.execs_running < c->conf.execs_per_workspace);
}

static void run(struct execution *x)
{
    struct core *c = x->core;
    x->live->placed = true;
    x->pub.status = EXEC_STARTING;
    c->stats.execs_running++;
    c->stats.execs_started++;
    if (!x->ws) {
        shot_start(x);
        return;
    }
    x->ws->pub.execs_running++;
    x->ws->pub.used_ms = clock_wall_ms();
    proc_start(&x->live->proc, &x->ws->sb);
}

static void run_or_queue(struct execution *x)
{
    struct core *c = x->core;
    if (list_empty(&c->exec_queue) && place_free(c, x)) {
        run(x);
        return;
    }
    list_add_tail(&c->exec_queue, &x->queue);
    c->stats.execs_queued++;
    execs_admit(c); // behind others of a workspace that is full there may be room for it
}

void execs_admit(struct core *c)
{
    list_for_safe (it, &c->exec_queue) {
        struct execution *x = container_of(it, struct execution, queue);
        if (c->stats.execs_running >= c->conf.execs_running_max)
            return;
        if (!place_free(c, x))
            continue;
        list_del(it);
        c->stats.execs_queued--;
        run(x);
    }
}

static void on_recorded(struct execution *x, const struct err *err)
{
    if (err->code) {
        waiters_fail(&x->waiters, err);
        proc_end_later(&x->live->proc, END_START_FAILED, "it could not be recorded");
        return;
    }
    waiters_done(&x->waiters, &x->pub);
    if (x->live && x->live->proc.state == PROC_NEW) // it may have been cancelled meanwhile
        run_or_queue(x);
}

struct exec *core_exec_start(struct core *c, struct workspace *pub, const struct exec_spec *spec,
                             struct waiter *w, struct err *e)
{
    struct ws *ws = pub ? ws_of(pub) : NULL;
    if (check_spec(c, spec, e) || (ws && ws_runnable(ws, e)) || check_place(c, ws, e))
        return NULL;
    struct execution *x = make(c, ws, spec, e);
    if (!x)
        return NULL;
    bool collected = !spec->background && !spec->follower;
    fill_source(x, spec, collected);
    x->live->proc.brief = collected && !spec->detach;
    execution_insert(x, ws);
    c->execs_live++;
    waiter_add(w, &x->waiters, x, spec->background ? NULL : on_waiter_left);
    if (spec->follower)
        (void)source_follow(&x->source, spec->follower, true, NULL); // a fresh one: cannot fail
    if (spec->background) {
        exec_save_early(x, on_recorded);
        return &x->pub;
    }
    x->noted = spec->follower || spec->detach || spec->tty; // the client knows it before it ends
    run_or_queue(x);
    if (x->live && x->noted && !x->handed)
        exec_save_early(x, NULL);
    return &x->pub;
}
