// SPDX-License-Identifier: Apache-2.0
// The verbs of execs but starting: find, list, wait, signal, input, output.
#include "run_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

const char *exec_status_name(enum exec_status s)
{
    static const char *const names[EXEC_STATUS_N] = {"queued", "starting", "running", "ended"};
    return s < EXEC_STATUS_N ? names[s] : "unknown";
}

struct execution *execution_of(struct exec *x)
{
    return container_of(x, struct execution, pub);
}

static struct exec *refresh(struct execution *x)
{
    if (x->live)
        exec_totals(x); // of one that has ended they are final
    return &x->pub;
}

struct exec *core_exec_find(struct core *c, const char *id, struct err *e)
{
    struct execution *x = id_ok(id, "exec") ? map_get(c->execs, id) : NULL;
    if (!x || x->deleting) {
        err_set(e, ERR_NOT_FOUND, "there is no exec '%.40s'", id);
        return NULL;
    }
    return refresh(x);
}

// --- list -------------------------------------------------------------------------------------

struct page {
    struct exec **ret;
    size_t n, max;
    bool more;
    struct cursor cursor;
};

static bool put(struct page *p, struct execution *x)
{
    if (x->deleting || !cursor_older(&p->cursor, x->pub.id, x->pub.created_ms))
        return true;
    if (p->n == p->max) {
        p->more = true;
        return false;
    }
    if (x->live && !x->noted)
        exec_save_early(x, NULL);
    p->ret[p->n++] = refresh(x);
    return true;
}

size_t core_exec_list(struct core *c, const char *workspace, const char *after, struct exec **ret,
                      size_t max, bool *ret_more)
{
    struct page p = {.ret = ret, .max = max};
    struct execution *at =
        after && *after ? map_get(c->execs, cursor_init(&p.cursor, after)) : NULL;
    struct ws *ws = *workspace ? map_get(c->ws_by_id, workspace) : NULL;
    if (at) // go on from its place instead of comparing all that are newer
        p.cursor = (struct cursor){0};
    if (ws) {
        struct list *it = at && at->ws == ws ? at->of_ws.prev : ws->execs.prev;
        while (it != &ws->execs && put(&p, container_of(it, struct execution, of_ws)))
            it = it->prev;
    } else if (!*workspace) {
        struct list *it = at ? at->all.prev : c->exec_list.prev;
        while (it != &c->exec_list && put(&p, container_of(it, struct execution, all)))
            it = it->prev;
    }
    *ret_more = p.more;
    return p.n;
}

// --- waiting and ending -----------------------------------------------------------------------

int core_exec_wait(struct core *c, struct exec *pub, uint64_t ms, struct waiter *w, struct err *e)
{
    (void)e;
    struct execution *x = execution_of(pub);
    if (pub->status == EXEC_ENDED)
        waiter_later(c, w, pub, NULL);
    else
        waiter_add_timed(c, w, &x->timed, pub, ms);
    return 0;
}

static int not_running(const struct exec *pub, struct err *e)
{
    if (pub->status == EXEC_ENDED)
        return err_set(e, ERR_GONE, "exec %s has ended", pub->id);
    return err_set(e, ERR_CONFLICT, "exec %s is %s", pub->id, exec_status_name(pub->status));
}

int core_exec_signal(struct core *c, struct exec *pub, int signal, struct err *e)
{
    (void)c;
    struct execution *x = execution_of(pub);
    if (signal < 1 || signal > 64)
        return err_set(e, ERR_BAD_REQUEST, "%d is not a signal", signal);
    if (!x->live || pub->status == EXEC_QUEUED || x->live->proc.state == PROC_NEW)
        return not_running(pub, e);
    return proc_signal(&x->live->proc, signal, e);
}

int core_exec_cancel(struct core *c, struct exec *pub, struct err *e)
{
    (void)c;
    struct execution *x = execution_of(pub);
    if (!x->live)
        return not_running(pub, e);
    exec_cancel(x);
    return 0;
}

int core_exec_delete(struct core *c, struct exec *pub, struct waiter *w, struct err *e)
{
    (void)c;
    struct execution *x = execution_of(pub);
    if (x->run)
        return err_set(e, ERR_CONFLICT, "exec %s belongs to run %s; delete the run", pub->id,
                       x->run->pub.id);
    x->deleting = true;
    waiter_add(w, &x->deleters, x, NULL);
    if (x->live)
        exec_cancel(x); // and deleted when it has ended
    else if (!x->saving)
        exec_delete_now(x);
    return 0;
}

// --- input ------------------------------------------------------------------------------------

int core_exec_stdin(struct core *c, struct exec *pub, const void *p, size_t n, bool close,
                    struct waiter *w, struct err *e)
{
    struct execution *x = execution_of(pub);
    if (!x->live)
        return not_running(pub, e);
    struct proc *proc = &x->live->proc;
    if (proc_stdin(proc, p, n, close, e))
        return -1;
    if (close)
        pub->stdin_open = false;
    if (proc_stdin_left(proc))
        waiter_add(w, &x->live->stdin_waiters, x, NULL);
    else
        waiter_later(c, w, pub, NULL);
    return 0;
}

int core_exec_resize(struct core *c, struct exec *pub, uint16_t rows, uint16_t cols, struct err *e)
{
    (void)c;
    struct execution *x = execution_of(pub);
    if (!rows || !cols || rows > 4096 || cols > 4096)
        return err_set(e, ERR_BAD_REQUEST, "rows and cols are from 1 to 4096");
    if (!x->live)
        return not_running(pub, e);
    if (x->record && x->pub.tty)
        exec_record_size(x, rows, cols);
    return proc_resize(&x->live->proc, rows, cols, e);
}

bool core_exec_claim(struct exec *pub, const void *who)
{
    struct execution *x = execution_of(pub);
    if (!x->writer)
        x->writer = who;
    return x->shared || x->writer == who;
}

void core_exec_unclaim(struct exec *pub, const void *who)
{
    struct execution *x = execution_of(pub);
    if (x->writer == who)
        x->writer = NULL;
}

// --- recordings -------------------------------------------------------------------------------

void exec_record(struct execution *x, char kind, const void *p, size_t n)
{
    char head[RECORD_HEAD_MAX];
    uint64_t now = clock_wall_ms(), begun = x->pub.started_ms ? x->pub.started_ms : now;
    int len = snprintf(head, sizeof(head), "%c %llu %zu\n", kind,
                       (unsigned long long)(now > begun ? now - begun : 0), n);
    source_append(&x->source, EXEC_STDERR, head, (size_t)len);
    source_append(&x->source, EXEC_STDERR, p, n);
}

void exec_record_size(struct execution *x, uint16_t rows, uint16_t cols)
{
    char size[24];
    int n = snprintf(size, sizeof(size), "%ux%u", cols, rows);
    exec_record(x, 's', size, (size_t)n);
}

// --- output -----------------------------------------------------------------------------------

int core_exec_read(struct core *c, struct exec *pub, struct output_read *r, struct err *e)
{
    (void)c;
    return source_read(&execution_of(pub)->source, r, e);
}

int core_exec_follow(struct core *c, struct exec *pub, struct follower *f, struct err *e)
{
    (void)c;
    return source_follow(&execution_of(pub)->source, f, false, e);
}
