// SPDX-License-Identifier: Apache-2.0
// Tasks: listed and looked at.
#include "open_commander_int.h"

#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 100
#define EXECUTIONS_MAX 100
#define LOG_MAX (64 * 1024) // of the end of the latest one's

struct item *oc_task(struct http_req *r)
{
    struct err e;
    struct item *it = core_item_find(dialect_core(r), ITEM_TASK, r->params[0], &e);
    if (it && oc_is_task(it))
        return it;
    dialect_error(r, 404, "Task not found");
    return NULL;
}

// --- list -----------------------------------------------------------------------------------

// By status, then what changed last; of one millisecond the newer first.
static int compare(const void *a, const void *b)
{
    const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;
    unsigned rx = oc_task_rank(x->status), ry = oc_task_rank(y->status);
    if (rx != ry)
        return rx < ry ? -1 : 1;
    if (x->updated_ms != y->updated_ms)
        return x->updated_ms > y->updated_ms ? -1 : 1;
    return strcmp(y->id, x->id);
}

// The tasks of a status, NULL for all. *ret is the caller's.
static size_t gather(struct core *c, const char *status, const struct item ***ret)
{
    size_t n = 0, room = 0;
    *ret = NULL;
    for (const struct item *it = NULL; (it = core_item_next(c, ITEM_TASK, it));) {
        if (!oc_is_task(it) || (status && strcmp(oc_task_status(it->status), status)))
            continue;
        if (n == room) {
            room = room ? 2 * room : 64;
            *ret = xrealloc(*ret, room * sizeof(**ret));
        }
        (*ret)[n++] = it;
    }
    if (n)
        qsort(*ret, n, sizeof(**ret), compare);
    return n;
}

// What is no number is taken as not given, as by the original.
static uint64_t number_of(struct http_req *r, const char *name, uint64_t otherwise)
{
    const char *text = http_query(r, name);
    uint64_t n;
    return text && !num_parse_u64(text, 0, UINT32_MAX, &n, NULL) ? n : otherwise;
}

static const char *status_of(struct http_req *r)
{
    const char *status = http_query(r, "status");
    for (unsigned s = 0; status && s < TASK_STATES; s++)
        if (!strcmp(status, oc_task_status((enum task_status)s)))
            return status;
    return NULL;
}

void oc_list(struct http_req *r)
{
    struct core *c = dialect_core(r);
    own_free const struct item **all = NULL;
    uint64_t limit = number_of(r, "limit", LIMIT_DEFAULT), offset = number_of(r, "offset", 0);
    size_t total = gather(c, status_of(r), &all);
    struct dialect_answer a;
    limit = limit > LIMIT_MAX ? LIMIT_MAX : limit;
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin_array(&a.o, "tasks");
    for (size_t i = offset; i < total && i < offset + limit; i++) {
        json_begin(&a.o, NULL);
        oc_write_task(&a.o, all[i]);
        oc_write_brief(&a.o, "latestExecution", core_task_run(c, all[i]));
        json_end(&a.o);
    }
    json_end_array(&a.o);
    json_begin(&a.o, "pagination");
    json_u64(&a.o, "total", total);
    json_u64(&a.o, "limit", limit);
    json_u64(&a.o, "offset", offset);
    json_bool(&a.o, "hasMore", offset + limit < total);
    json_end(&a.o);
    json_end(&a.o);
    dialect_answer_send(r, 200, &a);
}

// --- get ------------------------------------------------------------------------------------

struct get_call {
    struct dialect_call c; // first member
    struct output_read o;
    char task[ID_MAX];
};

static void release(struct dialect_call *c)
{
    waiter_cancel(&container_of(c, struct get_call, c)->o.w);
}

static void write_executions(struct json_out *o, struct core *c, const struct item *it,
                             const char *logs, size_t len)
{
    const struct run_filter f = {.task = it->id};
    struct run *all[EXECUTIONS_MAX];
    bool more;
    size_t n = core_run_list(c, &f, "", all, N_ELEMS(all), &more);
    if (n)
        oc_write_execution(o, "latestExecution", all[0], logs, len);
    else
        json_null(o, "latestExecution");
    json_begin_array(o, "executions");
    for (size_t i = 0; i < n; i++)
        oc_write_execution(o, NULL, all[i], i ? NULL : logs, i ? 0 : len);
    json_end_array(o);
}

static void send(struct get_call *g, const char *logs, size_t len)
{
    struct err e;
    struct dialect_answer a;
    const struct item *it = core_item_find(g->c.core, ITEM_TASK, g->task, &e);
    if (!it) { // it was deleted meanwhile
        dialect_error(g->c.r, 404, "Task not found");
        dialect_call_refused(&g->c);
        return;
    }
    dialect_answer_begin(&a);
    json_begin(&a.o, NULL);
    json_begin(&a.o, "task");
    oc_write_task(&a.o, it);
    write_executions(&a.o, g->c.core, it, logs, len);
    json_end(&a.o);
    json_end(&a.o);
    dialect_call_send(&g->c, 200, &a);
}

static void on_log(struct waiter *w)
{
    struct get_call *g = container_of(container_of(w, struct output_read, w), struct get_call, o);
    if (w->err.code)
        send(g, NULL, 0); // it was forgotten meanwhile
    else
        send(g, g->o.data ? g->o.data : "", g->o.len);
}

void oc_get(struct http_req *r)
{
    struct err e;
    const struct item *it = oc_task(r);
    if (!it)
        return;
    struct get_call *g = dialect_call_new(r, sizeof(*g), NULL);
    const struct run *run = core_task_run(g->c.core, it);
    struct exec *x = run && *run->exec ? core_exec_find(g->c.core, run->exec, &e) : NULL;
    memcpy(g->task, it->id, sizeof(g->task));
    g->c.release = release;
    g->o = (struct output_read){.w.on_done = on_log, .max = LOG_MAX};
    if (x && x->out[EXEC_STDOUT].total > LOG_MAX)
        g->o.offset = x->out[EXEC_STDOUT].total - LOG_MAX;
    if (!x || core_exec_read(g->c.core, x, &g->o, &e))
        send(g, NULL, 0);
}
