// SPDX-License-Identifier: Apache-2.0
// Execs of an earlier server: their records are read, what was running is found again in its
// sandbox or recorded as lost, and files that belong to no record are removed.
#include "workspace_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <sys/stat.h>

static uint64_t file_size(const struct core *c, const char *id, unsigned stream)
{
    char name[ID_MAX + 8];
    struct stat st;
    output_file_name(id, stream, name);
    return fstatat(c->output_fd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : (uint64_t)st.st_size;
}

static void load_streams(struct execution *x, const struct store_exec *r)
{
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        struct output *o = &x->source.out[i];
        o->total = r->out[i].total;
        o->kept = r->out[i].kept;
        o->first = r->out[i].first;
        o->in_file = r->out[i].in_file;
        o->in_db = !o->in_file;
        uint64_t n = o->in_file ? file_size(x->core, x->pub.id, i) : 0;
        if (o->in_file && n < o->kept)
            o->kept = n; // what was not written when it was noted, or not synced at a power cut
        o->written = o->in_file ? o->kept : 0;
    }
}

// It ran when the server died. What it had printed by then and was written is there.
static void load_files(struct execution *x)
{
    for (unsigned i = 0; i < EXEC_STREAMS; i++) {
        struct output *o = &x->source.out[i];
        bool ring = x->pub.tty && i == EXEC_STDOUT;
        uint64_t n = ring ? 0 : file_size(x->core, x->pub.id, i);
        o->in_file = n > 0;
        o->in_db = false;
        o->total = o->kept = o->written = n;
        o->eager = true;
        o->ring = ring;
        trail_load(&x->source, i);
    }
}

static void lose(struct execution *x)
{
    struct exec *p = &x->pub;
    p->status = EXEC_ENDED;
    p->ended_ms = clock_wall_ms();
    p->end = (struct outcome){.reason = END_LOST, .exit_code = -1};
    TEXT_PUT(p->end.detail, core_lost_word(x->core, "the server restarted while it ran"));
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        x->source.out[i].synced = true;
    x->source.ended = true;
    list_add_tail(&x->core->unsaved, &x->queue);
}

static int on_row(void *arg, const struct store_exec *r)
{
    struct core *c = arg;
    if (!id_ok(r->id, "exec") || map_get(c->execs, r->id))
        return 0;
    struct execution *x = execution_new(c, r->id);
    struct exec *p = &x->pub;
    TEXT_PUT(p->workspace, r->workspace);
    TEXT_PUT(p->image, r->image);
    TEXT_PUT(p->profile, r->profile);
    x->argv = strings_unpack(r->argv.p, r->argv.len);
    if (*r->box)
        x->box_name = xstrdup(r->box);
    x->cwd = xstrdup(r->cwd);
    x->user = xstrdup(r->user);
    p->command = r->shell && x->argv->n ? x->argv->list[0] : NULL;
    p->argv = p->command ? NULL : x->argv->list;
    p->cwd = x->cwd;
    p->user = x->user;
    p->tty = r->tty;
    p->background = r->background;
    x->noted = true;
    x->handed = r->status >= EXEC_RUNNING;
    p->status = r->status < EXEC_STATUS_N ? (enum exec_status)r->status : EXEC_ENDED;
    p->created_ms = r->created_ms;
    p->started_ms = r->started_ms;
    p->ended_ms = r->ended_ms;
    p->timeout_ms = r->timeout_ms;
    p->end = (struct outcome){
        .reason = r->reason < END_N ? (enum end_reason)r->reason : END_LOST,
        .exit_code = r->exit_code,
        .signal = r->signal,
        .timed_out = r->timed_out,
        .oom_killed = r->oom_killed,
        .duration_ms = r->duration_ms,
        .cpu_us = r->cpu_us,
        .max_memory_bytes = r->max_memory_bytes,
    };
    TEXT_PUT(p->end.detail, r->detail);
    load_streams(x, r);
    struct ws *ws = map_get(c->ws_by_id, p->workspace);
    execution_insert(x, ws);
    x->saved = x->source.ended = p->status == EXEC_ENDED;
    if (!x->saved)
        load_files(x);
    if (!x->saved && c->launcher.fd >= 0) {
        exec_await(x);
    } else {
        if (!x->saved)
            lose(x);
        c->n_execs_ended++;
        if (ws)
            ws->n_execs_ended++;
    }
    exec_totals(x);
    for (unsigned i = 0; i < EXEC_STREAMS; i++)
        c->output_file_bytes += x->source.out[i].in_file ? x->source.out[i].written : 0;
    return 0;
}

// Rows were written when execs ended; lists are in the order in which they were made.
static int by_age(const void *a, const void *b)
{
    const struct execution *x = *(struct execution *const *)a, *y = *(struct execution *const *)b;
    return x->pub.created_ms < y->pub.created_ms   ? -1
           : x->pub.created_ms > y->pub.created_ms ? 1
                                                   : strcmp(x->pub.id, y->pub.id);
}

static void sort(struct core *c)
{
    size_t n = map_count(c->execs), i = 0;
    own_free struct execution **all = xcalloc(n + 1, sizeof(struct execution *));
    list_for (it, &c->exec_list)
        all[i++] = container_of(it, struct execution, all);
    qsort(all, n, sizeof(struct execution *), by_age);
    for (i = 0; i < n; i++) {
        list_del(&all[i]->all);
        list_add_tail(&c->exec_list, &all[i]->all);
        if (all[i]->ws) {
            list_del(&all[i]->of_ws);
            list_add_tail(&all[i]->ws->execs, &all[i]->of_ws);
        }
    }
}

// A name is ID.STREAM; ids of execs, builds and workspaces (their init logs) may have files.
static bool file_is_known(const struct core *c, const char *name)
{
    char id[ID_MAX];
    size_t n = strcspn(name, ".");
    if (n >= sizeof(id))
        return false;
    memcpy(id, name, n);
    id[n] = '\0';
    const struct execution *x = map_get(c->execs, id);
    unsigned stream = name[n] ? (unsigned)(name[n + 1] - '0') : EXEC_STREAMS;
    if (x) // one that has ended may have all in the database, and its file was not removed in time
        return x->live || !x->saved || (stream < EXEC_STREAMS && x->source.out[stream].in_file);
    return map_get(c->builds, id) || map_get(c->ws_by_id, id);
}

static int sweep(struct core *c, struct err *e)
{
    int fd = openat(c->output_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return err_sys(e, "list the output files");
    for (struct dirent *d; (d = readdir(dir));)
        if (d->d_name[0] != '.' && !file_is_known(c, d->d_name))
            (void)unlinkat(c->output_fd, d->d_name, 0); // tried again at the next start
    return 0;
}

int execs_load(struct core *c, struct err *e)
{
    struct err why = {0};
    c->journal = journal_open(c->state_fd, c->db.store, &why);
    if (!c->journal)
        core_notice(c, true, "%s; what is told is safe from a kill a moment later", why.text);
    if (store_exec_each(c->db.store, on_row, c, e))
        return -1;
    sort(c);
    return sweep(c, e);
}
