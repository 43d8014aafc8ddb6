// SPDX-License-Identifier: Apache-2.0
// Looking into a workspace: everything core_debug gathers, as JSON.
#include "routes_int.h"

#include <pinfold/core_debug.h>
#include <pinfold/profile.h>
#include <stdio.h>

struct debug_call {
    struct call c; // first member
    struct debug_request d;
};

static const struct json_show use_rows[] = {
    JSON_SHOW(struct debug_use, memory_bytes, SHOW_U64),
    JSON_SHOW(struct debug_use, memory_peak_bytes, SHOW_U64),
    JSON_SHOW(struct debug_use, memory_limit, SHOW_U64),
    JSON_SHOW(struct debug_use, pids, SHOW_U64),
    JSON_SHOW(struct debug_use, pids_limit, SHOW_U64),
    JSON_SHOW(struct debug_use, pids_refused, SHOW_U64),
    JSON_SHOW(struct debug_use, cpu_us, SHOW_U64),
    JSON_SHOW(struct debug_use, cpu_percent_limit, SHOW_U64),
    JSON_SHOW(struct debug_use, oom_kills, SHOW_U64),
    JSON_SHOW(struct debug_use, cgroup, SHOW_CHARS),
};
static const struct json_shape use_shape = {"Use", use_rows, N_ELEMS(use_rows)};

static void show_mounts(struct json_out *o, const char *text, size_t len)
{
    json_begin_array(o, "mounts");
    for (const char *p = text, *end = text + len; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
        json_strn(o, NULL, p, n);
        p += n + 1;
    }
    json_end_array(o);
}

static void show_processes(struct json_out *o, const struct debug_request *d)
{
    json_begin_array(o, "processes");
    for (size_t i = 0; i < d->n_processes; i++) {
        const struct tool_process *p = &d->processes[i];
        char line[TOOL_CMDLINE_MAX], state[2] = {p->state, '\0'};
        size_t n = p->cmdline_len < sizeof(line) ? p->cmdline_len : sizeof(line);
        for (size_t k = 0; k < n; k++) // arguments end with NUL
            line[k] = (char)(p->cmdline[k] ? p->cmdline[k] : ' ');
        while (n && line[n - 1] == ' ')
            n--;
        json_begin(o, NULL);
        json_u64(o, "pid", p->pid);
        json_u64(o, "ppid", p->ppid);
        json_u64(o, "uid", p->uid);
        json_str(o, "state", state);
        json_u64(o, "threads", p->threads);
        json_u64(o, "memory_bytes", p->rss_bytes);
        json_u64(o, "cpu_ms", p->cpu_us / 1000);
        json_u64(o, "age_ms", p->age_ms);
        json_strn(o, "name", p->comm, strnlen(p->comm, sizeof(p->comm)));
        json_strn(o, "command", line, n);
        json_end(o);
    }
    json_end_array(o);
}

static void show_execs(struct json_out *o, const struct debug_request *d)
{
    json_begin_array(o, "execs");
    for (size_t i = 0; i < d->n_execs; i++) {
        struct exec_view v;
        v1_exec_view_of(d->execs[i], &v);
        json_show(o, NULL, &v1_exec_shape, &v);
    }
    json_end_array(o);
}

// In one sentence, for somebody who wonders why a program does not work in here.
static void show_why(struct json_out *o, const struct debug_denied *c)
{
    const char *left_out = "";
    char why[300];
    enum profile_call_kind kind = profile_call_kind((int)c->nr, &left_out);
    (void)snprintf(why, sizeof(why), "%s%s%s",
                   kind == CALL_NEVER   ? "no profile may allow it"
                   : kind == CALL_NAMED ? "only profiles that name it allow it, or some arguments"
                                        : "this workspace's profile leaves it out",
                   *left_out ? ": " : "", left_out);
    json_str(o, "why", why);
}

static void show_denied(struct json_out *o, const struct debug_request *d)
{
    json_begin(o, "denied_syscalls");
    json_u64(o, "total", d->denied_total);
    json_begin_array(o, "calls");
    for (size_t i = 0; i < d->n_denied; i++) {
        const struct debug_denied *c = &d->denied[i];
        json_begin(o, NULL);
        json_str(o, "syscall", c->syscall);
        json_u64(o, "number", c->nr);
        json_u64(o, "count", c->count);
        json_strn(o, "process", c->comm, strnlen(c->comm, sizeof(c->comm)));
        show_why(o, c);
        json_end(o);
    }
    json_end_array(o);
    json_str(o, "remedy",
             d->denied_total ? "pinfold profile learn -- COMMAND prints the smallest profile that "
                               "COMMAND works in"
                             : NULL);
    json_end(o);
}

static void show_log(struct json_out *o, const char *name, const struct debug_log *l)
{
    json_begin(o, name);
    json_u64(o, "offset", l->offset);
    json_u64(o, "total_bytes", l->total);
    json_strn(o, "text", l->text ? l->text : "", l->len);
    json_end(o);
}

static void show_sandbox(struct json_out *o, const struct debug_request *d)
{
    json_begin(o, "sandbox");
    json_str(o, "state", d->sandbox);
    json_time(o, "since", d->sandbox_ms);
    json_u64(o, "init_pid", d->init_pid);
    json_u64(o, "uid_base", d->uid_base);
    json_str(o, "address", d->address && *d->address ? d->address : NULL);
    json_end(o);
    json_begin_array(o, "layers");
    for (const char *const *l = d->layers; l && *l; l++)
        json_str(o, NULL, *l);
    json_end_array(o);
    json_bool(o, "host_usr", d->host_usr);
    json_begin_array(o, "namespaces");
    for (const char *const *n = d->namespaces; n && *n; n++)
        json_str(o, NULL, *n);
    json_end_array(o);
    show_mounts(o, d->mounts ? d->mounts : "", d->mounts_len);
    if (d->use.known)
        json_show(o, "use", &use_shape, &d->use);
    else
        json_null(o, "use");
}

static void on_done(struct waiter *w)
{
    struct debug_call *dc =
        container_of(container_of(w, struct debug_request, w), struct debug_call, d);
    const struct debug_request *d = &dc->d;
    struct answer a;
    if (w->err.code) {
        v1_call_err(&dc->c, &w->err);
        return;
    }
    v1_answer_begin(&a);
    json_str(&a.o, "problem", d->problem && *d->problem ? d->problem : NULL);
    json_str(&a.o, "status", workspace_status_name(d->workspace->status));
    json_time(&a.o, "status_since", d->workspace->status_ms);
    json_show(&a.o, "workspace", &v1_workspace_shape, d->workspace);
    show_sandbox(&a.o, d);
    json_begin(&a.o, "network");
    json_str(&a.o, "mode", net_mode_name(d->workspace->network));
    json_str(&a.o, "address", d->address && *d->address ? d->address : NULL);
    json_end(&a.o);
    json_show(&a.o, "limits", &v1_limits_shape, &d->workspace->limits_effective);
    show_processes(&a.o, d);
    show_execs(&a.o, d);
    show_denied(&a.o, d);
    show_log(&a.o, "build_log", &d->build_log);
    show_log(&a.o, "init_log", &d->init_log);
    json_str(&a.o, "missing", d->missing && *d->missing ? d->missing : NULL);
    v1_call_answer(&dc->c, 200, &a);
}

static void on_gone(struct http_req *r)
{
    struct debug_call *dc = r->user;
    waiter_cancel(&dc->d.w);
    http_drop(r);
    v1_call_free(&dc->c);
}

void v1_workspaces_debug(struct http_req *r)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct debug_call *dc = v1_call_new(r, sizeof(*dc));
    r->on_gone = on_gone;
    dc->d.w.on_done = on_done;
    (void)v1_call_started(&dc->c, core_debug(dc->c.v->core, ws, &dc->d, &e), &e);
}
