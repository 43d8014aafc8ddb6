// SPDX-License-Identifier: Apache-2.0
// Looking into a workspace: several questions at once, to the launcher, to init, to pinfold-tool,
// to the logs. What has not answered in time is named as missing.
#include "build_int.h"
#include "file_int.h"
#include "workspace_int.h"

#include <pinfold/core_debug.h>

#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <stdio.h>

#define DEBUG_MS 5000
#define MOUNTS_MAX (256 * 1024)
#define NAMESPACES_MAX 32

enum part { PART_USE, PART_DENIED, PART_PS, PART_VIEW, PART_BUILD_LOG, PART_INIT_LOG, PART_N };
static const char *const part_names[PART_N] = {
    "use of resources", "refused system calls", "processes", "namespaces and mounts", "build log",
    "init log",
};

struct debug_job {
    struct core *core;
    struct ws *ws;
    struct debug_request *d;
    unsigned pending; // a bit for each part
    struct timer timer;
    struct ask stat, denials;
    struct file_request ps;
    struct view *view;
    struct output_read build_log, init_log;
    struct buf ps_bytes, view_text, logs[2], missing;
    void *ps_array;
    const char *layers[IMAGE_LAYERS_MAX + 1];
    const char *namespaces[NAMESPACES_MAX + 1];
    char address[48];
};

// What /proc says to a command. pinfold-tool cannot tell it: it may not be looked into, so its own
// /proc/self is root's, and mountinfo has the size 0.
struct view {
    struct proc proc;
    struct packed args;
    struct debug_job *j; // NULL: it left
};

static void release(struct debug_job *j)
{
    loop_timer_cancel(j->core->loop, &j->timer);
    ask_drop(&j->stat);
    waiter_cancel(&j->ps.w);
    waiter_cancel(&j->build_log.w);
    waiter_cancel(&j->init_log.w);
    if (j->view) {
        j->view->j = NULL;
        proc_kill(&j->view->proc, END_CANCELLED);
    }
    buf_release(&j->ps_bytes);
    buf_release(&j->view_text);
    buf_release(&j->logs[0]);
    buf_release(&j->logs[1]);
    buf_release(&j->missing);
    free(j->ps_array);
    free(j);
}

static void forget_denials(struct debug_job *j)
{
    // init's answer cannot be taken back: the sandbox must not point here any more.
    if (j->ws->sb.denials.subject == &j->denials)
        j->ws->sb.denials.subject = NULL;
}

static void finish(struct debug_job *j)
{
    struct debug_request *d = j->d;
    struct ws *ws = j->ws;
    for (unsigned i = 0; i < PART_N; i++)
        if (j->pending & (1u << i))
            (void)buf_printf(&j->missing, "%s%s: no answer in time", j->missing.len ? "; " : "",
                             part_names[i]);
    forget_denials(j);
    for (struct list *it = ws->execs.prev; it != &ws->execs && d->n_execs < DEBUG_EXECS_MAX;
         it = it->prev)
        d->execs[d->n_execs++] = &container_of(it, struct execution, of_ws)->pub;
    d->missing = j->missing.data;
    waiter_done(&d->w, d);
    release(j);
}

static void part_done(struct debug_job *j, enum part part, const struct err *err)
{
    j->pending &= ~(1u << part);
    if (err && err->code)
        (void)buf_printf(&j->missing, "%s%s: %s", j->missing.len ? "; " : "", part_names[part],
                         err->text);
    if (!j->pending)
        finish(j);
}

// --- the launcher and init --------------------------------------------------------------------

static void on_stats(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct debug_job *j = container_of(a, struct debug_job, stat);
    struct debug_use *u = &j->d->use;
    struct err e = {0};
    if (!m || m->row->type != MSG_BOX_STATS) {
        if (!ask_result(m, err, &e))
            err_set(&e, ERR_INTERNAL, "the launcher gave none");
    } else if (m->body.box_stats.code) {
        err_set(&e, ERR_INTERNAL, "%s", m->body.box_stats.text);
    } else {
        const struct msg_box_stats *s = &m->body.box_stats;
        *u = (struct debug_use){
            true,    s->memory_bytes, s->memory_peak_bytes, s->cpu_us,     s->oom_kills,
            s->pids, s->pids_refused, s->memory_limit,      s->pids_limit, s->cpu_percent_limit,
            ""};
        TEXT_PUT(u->cgroup, s->cgroup);
    }
    part_done(j, PART_USE, &e);
}

static void on_denials(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct debug_job *j = container_of(a, struct debug_job, denials);
    struct debug_request *d = j->d;
    if (!m) {
        part_done(j, PART_DENIED, err);
        return;
    }
    const struct msg_denials *r = &m->body.denials;
    size_t n = r->rows.len / sizeof(struct denial);
    for (size_t i = 0; i < n && i < DEBUG_DENIED_MAX; i++) {
        struct denial row;
        memcpy(&row, (const char *)r->rows.p + i * sizeof(row), sizeof(row));
        struct debug_denied *to = &d->denied[d->n_denied++];
        const char *name = profile_call_name((int)row.syscall);
        to->nr = row.syscall;
        to->count = row.count;
        row.comm[sizeof(row.comm) - 1] = '\0';
        TEXT_PUT(to->comm, row.comm);
        if (name)
            TEXT_PUT(to->syscall, name);
        else
            (void)snprintf(to->syscall, sizeof(to->syscall), "%u", row.syscall);
    }
    d->denied_total = r->total;
    part_done(j, PART_DENIED, NULL);
}

// --- from inside ------------------------------------------------------------------------------

static void on_ps(struct waiter *w)
{
    struct debug_job *j = container_of(w, struct debug_job, ps.w);
    if (!w->err.code) {
        file_answer_take(&j->ps, &j->ps_bytes, &j->ps_array);
        j->d->processes = j->ps.out_processes;
        j->d->n_processes = j->ps.out_n;
    }
    part_done(j, PART_PS, &w->err);
}

// The probe's answer: a line for each namespace, an empty one, the mounts.
static void split_view(struct debug_job *j)
{
    struct buf *b = &j->view_text;
    size_t n = 0;
    char *at = b->data;
    for (size_t len; (len = strcspn(at, "\n")) && at[len]; at += len + 1)
        if (n < NAMESPACES_MAX) {
            at[len] = '\0';
            j->namespaces[n++] = at;
        }
    at += *at == '\n';
    j->d->mounts = at;
    j->d->mounts_len = b->len - (size_t)(at - b->data);
}

static void on_view_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct view *m = container_of(p, struct view, proc);
    if (m->j && stream == EXEC_STDOUT)
        (void)buf_append(&m->j->view_text, data, n); // over its maximum the rest is left out
}

static void on_view_end(struct proc *p, const struct outcome *o)
{
    struct view *m = container_of(p, struct view, proc);
    struct debug_job *j = m->j;
    struct err e = {0};
    if (o->reason != END_EXITED || o->exit_code)
        err_set(&e, ERR_INTERNAL, "the command that looks ended with %d, %s", o->exit_code,
                end_reason_name(o->reason));
    buf_release(&m->args.bytes);
    free(m);
    if (!j)
        return;
    j->view = NULL;
    split_view(j);
    part_done(j, PART_VIEW, &e);
}

static void ask_view(struct debug_job *j, struct ws *ws)
{
    static const char *const argv[] = {
        "/bin/sh", "-c",
        "for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n; done; echo; "
        "exec cat /proc/self/mountinfo",
        NULL};
    struct view *m = j->view = xcalloc(1, sizeof(*m));
    m->j = j;
    tool_proc(&m->proc, j->core, &m->args, argv);
    m->proc.program = PROGRAM_NONE;
    m->proc.timeout_ms = DEBUG_MS;
    m->proc.on_output = on_view_output;
    m->proc.on_end = on_view_end;
    proc_start(&m->proc, &ws->sb);
}

// --- logs -------------------------------------------------------------------------------------

static void take_log(struct output_read *r, struct buf *storage, struct debug_log *ret)
{
    if (r->w.err.code)
        return;
    (void)buf_append(storage, r->data, r->len);
    *ret = (struct debug_log){storage->data, storage->len, r->offset, r->total};
}

static void on_build_log(struct waiter *w)
{
    struct debug_job *j = container_of(w, struct debug_job, build_log.w);
    take_log(&j->build_log, &j->logs[0], &j->d->build_log);
    part_done(j, PART_BUILD_LOG, &w->err);
}

static void on_init_log(struct waiter *w)
{
    struct debug_job *j = container_of(w, struct debug_job, init_log.w);
    take_log(&j->init_log, &j->logs[1], &j->d->init_log);
    part_done(j, PART_INIT_LOG, &w->err);
}

static void ask_log(struct debug_job *j, struct source *s, struct output_read *r, enum part part,
                    void (*on_done)(struct waiter *))
{
    const struct output *o = &s->out[0];
    uint64_t end = o->first + o->kept;
    r->w.on_done = on_done;
    r->offset = end > DEBUG_LOG_BYTES ? end - DEBUG_LOG_BYTES : 0;
    r->max = DEBUG_LOG_BYTES;
    struct err e = {0};
    if (source_read(s, r, &e))
        part_done(j, part, &e);
}

// --- the whole --------------------------------------------------------------------------------

static void fill_known(struct debug_job *j, struct ws *ws)
{
    struct debug_request *d = j->d;
    const struct sandbox *sb = &ws->sb;
    d->workspace = &ws->pub;
    d->problem = ws->pub.error;
    d->sandbox = sandbox_state_name(sb->state);
    d->sandbox_ms = sb->state_ms;
    d->init_pid = sb->state == SB_LIVE ? sb->pid : 0;
    d->uid_base = sb->state == SB_LIVE ? sb->uid_base : 0;
    TEXT_PUT(j->address, sb->state == SB_LIVE ? sb->address : "");
    d->address = j->address;
    d->host_usr = ws->set.image && ws->set.image->host_usr;
    if (ws->set.image)
        (void)image_layers(ws->set.image, j->layers); // NULL at the end: the array has one more
    d->layers = j->layers;
    d->namespaces = j->namespaces;
    d->build_log.text = d->init_log.text = d->mounts = "";
    d->missing = "";
}

static void ask_inside(struct debug_job *j, struct ws *ws)
{
    struct core *c = j->core;
    struct err e = {0};
    struct msg_box_name name = {0};
    TEXT_PUT(name.box, ws->pub.id);
    launcher_ask(c, &j->stat, MSG_BOX_STAT, &name, on_stats);
    if (sandbox_denials(&ws->sb, &j->denials, on_denials)) {
        err_set(&e, ERR_BUSY, "init is asked already");
        part_done(j, PART_DENIED, &e);
    }
    j->ps.w.on_done = on_ps;
    if (core_file_ps(c, &ws->pub, &j->ps, &e))
        part_done(j, PART_PS, &e);
    ask_view(j, ws);
}

static void on_timer(struct timer *t)
{
    finish(container_of(t, struct debug_job, timer));
}

static void on_left(struct waiter *w)
{
    struct debug_job *j = w->subject;
    forget_denials(j);
    release(j);
}

int core_debug(struct core *c, struct workspace *pub, struct debug_request *d, struct err *e)
{
    struct ws *ws = ws_of(pub);
    (void)e;
    struct debug_job *j = xcalloc(1, sizeof(*j));
    j->core = c;
    j->ws = ws;
    j->d = d;
    d->job = j;
    buf_init(&j->view_text, MOUNTS_MAX);
    buf_init(&j->logs[0], DEBUG_LOG_BYTES);
    buf_init(&j->logs[1], DEBUG_LOG_BYTES);
    buf_init(&j->missing, 2000);
    buf_init(&j->ps_bytes, 0);
    fill_known(j, ws);
    waiter_add(&d->w, &ws->debuggers, j, on_left);
    // One bit more while questions are asked, so that no early answer ends the job.
    j->pending = 1u << PART_N | 1u << PART_INIT_LOG;
    struct bld *b = map_get(c->builds, pub->build);
    j->pending |= b ? 1u << PART_BUILD_LOG : 0;
    bool live = ws->sb.state == SB_LIVE;
    if (live)
        j->pending |= 1u << PART_USE | 1u << PART_DENIED | 1u << PART_PS | 1u << PART_VIEW;
    if (b)
        ask_log(j, &b->log, &j->build_log, PART_BUILD_LOG, on_build_log);
    ask_log(j, &ws->init_log, &j->init_log, PART_INIT_LOG, on_init_log);
    if (live)
        ask_inside(j, ws);
    j->pending &= ~(1u << PART_N);
    loop_timer_set(c->loop, &j->timer, j->pending ? DEBUG_MS : 0, on_timer);
    return 0;
}
