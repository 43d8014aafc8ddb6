// SPDX-License-Identifier: Apache-2.0
// One git operation: pinfold-git in a sandbox of the internal profile git, which sees the mirror
// and, when there is one, the workspace's directory. Credentials go through its standard input.
#include "repo_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <stdio.h>

static void run_next(struct rep *r);
static void start(struct gitjob *g);
static void finish(struct gitjob *g);

void git_rules(const struct core *c, struct repo_rules *ret)
{
    *ret = (struct repo_rules){
        .base_url = c->conf.repo_base_url ? c->conf.repo_base_url : REPO_BASE_URL_DEFAULT,
        .roots = c->conf.repo_roots ? c->conf.repo_roots : REPO_ROOTS_DEFAULT,
    };
}

static int put_text_checked(char *to, size_t room, const char *text, const char *what,
                            struct err *e)
{
    if (text && strlen(text) >= room)
        return err_set(e, ERR_LIMIT, "%s is longer than %zu bytes", what, room - 1);
    text_put(to, room, text ? text : "");
    return 0;
}

int git_check(const struct core *c, const struct git_spec *s, struct repo_request *ret,
              struct err *e)
{
    struct repo_rules rules;
    struct repo_url url;
    enum repo_ref_kind kind;
    const char *ref = s->ref ? s->ref : "";
    git_rules(c, &rules);
    if (repo_url_parse(s->url, strlen(s->url), &rules, &url, e) ||
        repo_ref_check(ref, strlen(ref), &kind, e))
        return -1;
    repo_request_init(ret, s->op, &url, &rules);
    ret->submodules = s->submodules;
    ret->limits.seconds = c->conf.git_timeout_ms / 1000 ? c->conf.git_timeout_ms / 1000 : 1;
    ret->limits.bytes = c->conf.repo_max_bytes;
    ret->limits.objects = c->conf.repo_max_objects;
    if (put_text_checked(ret->ref, sizeof(ret->ref), ref, "ref", e) ||
        put_text_checked(ret->dir, sizeof(ret->dir), s->dir, "the directory's name", e) ||
        put_text_checked(ret->base, sizeof(ret->base), s->base, "base", e) ||
        put_text_checked(ret->username, sizeof(ret->username), s->user, "the user name", e) ||
        put_text_checked(ret->password, sizeof(ret->password), s->password, "the password", e))
        return -1;
    return repo_limits_check(&ret->limits, e) ? -1 : repo_credentials_check(ret, e);
}

// --- its end ----------------------------------------------------------------------------------

static void free_job(struct gitjob *g)
{
    repo_request_wipe(&g->request);
    repo_reply_free(g->reply);
    buf_release(&g->args.bytes);
    buf_release(&g->text);
    free(g);
}

static void record(struct gitjob *g)
{
    struct rep *r = g->rep;
    if (g->op == REPO_OP_CHANGES) { // it says nothing about the mirror
        if (r->pub.status == REPO_FETCHING)
            r->pub.status = g->status_before;
        return;
    }
    r->pub.status = g->err.code ? REPO_ERROR : REPO_READY;
    TEXT_PUT(r->pub.error, g->err.code ? g->err.text : "");
    if (!g->err.code && g->result.fetched) {
        r->pub.fetched_ms = clock_wall_ms();
        r->pub.bytes += g->result.bytes;
        r->pub.objects += g->result.objects;
        r->core->stats.clones++;
    }
    rep_save(r);
}

static void say_end(const struct gitjob *g)
{
    const char *detail = g->reply ? repo_reply_detail(g->reply) : "";
    if (g->log && g->err.code)
        source_printf(g->log, "clone: %s%s%.200s\n", g->err.text, *detail ? ": " : "", detail);
    else if (g->log && g->op != REPO_OP_CHECKOUT)
        source_printf(g->log, "clone: %s at %.40s\n", g->result.ref[0] ? g->result.ref : "commit",
                      g->result.commit);
}

// Those that wanted the same get it too, or their turn when it was given up.
static void share(struct gitjob *g)
{
    struct rep *r = g->rep;
    struct list *first = r->jobs.next;
    while (!list_empty(&g->same)) {
        struct gitjob *o = container_of(g->same.next, struct gitjob, link);
        list_del(&o->link);
        if (g->cancelled) {
            list_add_tail(first, &o->link);
            continue;
        }
        o->result = g->result;
        o->err = g->err;
        say_end(o);
        o->on_done(o, o->owner, &o->err);
        free_job(o);
    }
}

static void end(struct gitjob *g)
{
    struct rep *r = g->rep;
    list_del(&g->link);
    record(g);
    budget_used(r->core, BUDGET_MIRRORS, r->pub.mirror, g->result.bytes || g->err.code);
    share(g);
    g->on_done(g, g->owner, &g->err);
    free_job(g);
    run_next(r);
    budget_look(r->core); // when on_done has said who uses it now
}

// The egress process ends with all its connections when it is replaced. What broke by that is done
// again, once.
static void on_sure(struct egress_doubt *d, bool replaced)
{
    struct gitjob *g = container_of(d, struct gitjob, doubt);
    if (!replaced || g->cancelled) {
        end(g);
        return;
    }
    repo_reply_free(ptr_steal(&g->reply));
    buf_release(&g->args.bytes);
    buf_release(&g->text);
    g->args = (struct packed){0};
    g->err = (struct err){0};
    g->broken = false;
    start(g);
}

static bool once_more(struct gitjob *g)
{
    struct core *c = g->core;
    if (!g->dials || g->again || g->cancelled || g->err.code != ERR_BUSY || c->closing)
        return false;
    g->again = true;
    g->doubt.on_sure = on_sure;
    if (g->egress_start != c->egress.starts)
        on_sure(&g->doubt, true);
    else
        egress_doubt(c, &g->doubt);
    return true;
}

static void on_box_gone(struct sandbox *sb)
{
    struct gitjob *g = sb->owner;
    sb->on_gone = NULL;
    g->sb = NULL;
    finish(g);
}

// Only when the sandbox is gone: the workspace's own may then have the directory.
static void finish(struct gitjob *g)
{
    if (!g->sb || g->sb->state == SB_NONE) {
        if (g->sb)
            sandbox_release(g->sb);
        g->sb = NULL;
        if (!once_more(g))
            end(g);
        return;
    }
    g->sb->on_gone = on_box_gone;
    sandbox_stop(g->sb);
}

static void why_ended(struct gitjob *g, const struct outcome *o)
{
    switch (o->reason) {
    case END_EXITED:
        (void)repo_reply_finish(g->reply, o->exit_code, &g->result, &g->err);
        return;
    case END_TIMED_OUT:
        err_set(&g->err, ERR_TIMEOUT, "the repository took longer than %llu s",
                (unsigned long long)(g->core->conf.git_timeout_ms / 1000));
        return;
    case END_OOM:
        err_set(&g->err, ERR_LIMIT, "git ran out of memory");
        return;
    case END_CANCELLED:
        err_set(&g->err, ERR_GONE, "it was cancelled");
        return;
    default:
        err_set(&g->err, o->reason == END_LOST ? ERR_LOST : ERR_INTERNAL, "git %s: %s",
                end_reason_name(o->reason), o->detail[0] ? o->detail : signal_name(o->signal));
    }
}

static void on_proc_end(struct proc *p, const struct outcome *o)
{
    struct gitjob *g = container_of(p, struct gitjob, proc);
    if (!g->err.code)
        why_ended(g, o);
    say_end(g);
    finish(g);
}

// --- running ----------------------------------------------------------------------------------

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct gitjob *g = container_of(p, struct gitjob, proc);
    if (stream == EXEC_STDERR) {
        size_t room = g->text.max - g->text.len;
        (void)buf_append(&g->text, data, n < room ? n : room);
        return;
    }
    if (!g->broken && repo_reply_feed(g->reply, data, n, &g->err)) {
        g->broken = true;
        proc_kill(p, END_CANCELLED);
    }
}

static void on_progress(void *arg, const struct repo_progress *p)
{
    struct gitjob *g = arg;
    unsigned tenth = p->total ? (unsigned)(p->done * 10 / p->total) : 0;
    if (!g->log || (p->phase == g->phase && tenth <= g->tenth))
        return;
    g->phase = p->phase;
    g->tenth = tenth;
    if (p->total)
        source_printf(g->log, "clone: %s %llu of %llu\n", repo_phase_name(p->phase),
                      (unsigned long long)p->done, (unsigned long long)p->total);
    else
        source_printf(g->log, "clone: %s\n", repo_phase_name(p->phase));
}

static bool goes_out(const struct gitjob *g)
{
    return g->op == REPO_OP_MIRROR || g->op == REPO_OP_CLONE;
}

// For a workspace with an allow-list, under the rules of its commands.
static bool by_list(const struct gitjob *g)
{
    return g->dials && g->ws && g->ws->set.network == NET_LIST && g->ws->set.profile;
}

static int fill(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    const struct gitjob *g = sb->owner;
    m->host_usr = 1; // pinfold-git's libraries are the host's
    bool looks = g->op == REPO_OP_CHANGES;
    m->network = g->dials ? NET_LIST : NET_NONE;
    if (g->dials && network_for(sb, g->ws, g->rep->pub.url, e))
        return -1;
    m->mirror_write = goes_out(g);
    m->files_read_only = looks;
    TEXT_PUT(m->profile, "git");
    TEXT_PUT(m->mirror, g->rep->pub.mirror);
    TEXT_PUT(m->dir, g->ws && g->op != REPO_OP_MIRROR ? g->ws->pub.id : "");
    TEXT_PUT(m->hostname, "pinfold-git");
    return 0;
}

static int start_proc(struct gitjob *g, struct err *e)
{
    static const char *const env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL};
    struct buf in;
    buf_init(&in, REPO_REQUEST_MAX);
    buf_init(&g->args.bytes, 4096);
    buf_init(&g->text, 1000);
    proc_init(&g->proc, g->core);
    g->reply = repo_reply_new(on_progress, g);
    g->request.proxy_port = g->dials ? NET_PROXY_PORT : 0;
    g->egress_start = g->core->egress.starts;
    int bad = packed_argv(&g->args, repo_argv(g->request.op), e) || packed_env(&g->args, env, e) ||
              repo_request_format(&g->request, &in, e) ||
              proc_give_stdin(&g->proc, in.data, in.len, e);
    crypt_wipe(in.data, in.len);
    buf_release(&in);
    if (bad)
        return -1;
    struct proc *p = &g->proc;
    p->args = (struct wire_bytes){g->args.bytes.data, g->args.bytes.len};
    p->n_argv = g->args.n_argv;
    p->n_env = g->args.n_env;
    p->program = PROGRAM_GIT;
    p->timeout_ms =
        g->core->conf.git_timeout_ms + 10000; // it keeps its own limit, a little earlier
    p->on_output = on_output;
    p->on_end = on_proc_end;
    proc_start(p, g->sb);
    return 0;
}

static void start(struct gitjob *g)
{
    char id[ID_MAX];
    if (!g->err.code) {
        g->sb = sandbox_new(g->core, id_make("git", id), fill, g);
        (void)start_proc(g, &g->err);
    }
    if (g->err.code)
        finish(g);
}

static void on_mirror(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct gitjob *g = container_of(a, struct gitjob, ask);
    struct err e = {0};
    if (g->cancelled)
        err_set(&g->err, ERR_GONE, "it was cancelled");
    else if (ask_result(m, err, &e) && e.code != ERR_CONFLICT) // CONFLICT: it is there already
        g->err = e;
    start(g);
}

// A look at the remote answers everybody who asked before it began, for the same with the same
// credentials. With an allow-list each goes out by his own.
static bool is_same(const struct gitjob *a, const struct gitjob *b)
{
    const struct repo_request *p = &a->request, *q = &b->request;
    return a->op == REPO_OP_MIRROR && b->op == REPO_OP_MIRROR && !by_list(a) && !by_list(b) &&
           !strcmp(p->ref, q->ref) && !strcmp(p->username, q->username) &&
           !strcmp(p->password, q->password) && !strcmp(p->header, q->header);
}

static void run_next(struct rep *r)
{
    if (list_empty(&r->jobs) || r->core->closing)
        return;
    struct gitjob *g = container_of(r->jobs.next, struct gitjob, link);
    struct msg_mirror m = {0};
    if (g->begun) // by on_done of the one before
        return;
    g->begun = true;
    list_for_safe (it, &r->jobs)
        if (it != &g->link && is_same(g, container_of(it, struct gitjob, link))) {
            list_del(it);
            list_add_tail(&g->same, it);
        }
    TEXT_PUT(m.mirror, r->pub.mirror);
    g->status_before = r->pub.status;
    r->pub.status = REPO_FETCHING;
    if (g->op == REPO_OP_CHECKOUT) { // there is a mirror, or nothing to look at
        start(g);
        return;
    }
    launcher_ask(r->core, &g->ask, MSG_MIRROR_CREATE, &m, on_mirror);
}

struct gitjob *git_start(struct core *c, const struct git_spec *s, struct err *e)
{
    struct gitjob *g = xcalloc(1, sizeof(*g));
    char key[REPO_KEY_MAX];
    if (git_check(c, s, &g->request, e)) {
        free_job(g);
        return NULL;
    }
    repo_url_key(&g->request.url, sha256_of, key);
    struct rep *r = rep_for(c, key, g->request.url.canonical);
    if (r->deleting) {
        free_job(g);
        err_set(e, ERR_CONFLICT, "the repository's mirror is being deleted");
        return NULL;
    }
    g->core = c;
    g->op = s->op;
    // What lies on this machine is read without a network, but for its submodules.
    g->dials = goes_out(g) && (g->request.url.scheme != REPO_FILE || s->submodules);
    g->rep = r;
    g->ws = s->ws;
    g->log = s->log;
    g->on_done = s->on_done;
    g->owner = s->owner;
    g->phase = REPO_PHASE_N;
    list_init(&g->same);
    bool first = list_empty(&r->jobs);
    list_add_tail(&r->jobs, &g->link);
    if (s->log && s->op != REPO_OP_CHECKOUT)
        source_printf(s->log, "clone: %s %s\n", g->request.url.canonical, g->request.ref);
    if (first)
        run_next(r);
    return g;
}

static void on_cancelled(struct timer *t)
{
    finish(container_of(t, struct gitjob, proc.timer));
}

void git_jobs_free(struct rep *r)
{
    list_for_safe (it, &r->jobs) {
        struct gitjob *g = container_of(it, struct gitjob, link);
        list_for_safe (other, &g->same)
            free_job(container_of(other, struct gitjob, link));
        list_del(it);
        loop_timer_cancel(r->core->loop, &g->proc.timer);
        egress_doubt_drop(&g->doubt);
        free_job(g);
    }
}

void git_cancel(struct gitjob *g)
{
    g->cancelled = true;
    if (g->sb) {
        proc_kill(&g->proc, END_CANCELLED);
    } else if (!g->ask.id && g->rep->jobs.next != &g->link) {
        // Not its turn yet: it leaves the queue, on the next turn.
        err_set(&g->err, ERR_GONE, "it was cancelled");
        list_del(&g->link);
        loop_timer_set(g->core->loop, &g->proc.timer, 0, on_cancelled);
    }
}
