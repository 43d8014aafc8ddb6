// SPDX-License-Identifier: Apache-2.0
// Projects, sources, agents, tasks: kept in memory as they are in the database, a row each.
#include "item_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

_Static_assert(sizeof(((struct core *)0)->item_lists) == ITEM_KINDS * sizeof(struct list),
               "there is a list for each kind");
static const char *const prefixes[ITEM_KINDS] = {
    [ITEM_PROJECT] = "prj", [ITEM_SOURCE] = "src", [ITEM_AGENT] = "agt", [ITEM_TASK] = "tsk"};

const char *item_prefix(enum item_kind k)
{
    return prefixes[k];
}

const char *item_label(const struct item *it, const char *name)
{
    size_t n = strlen(name);
    for (const char *const *at = it->labels; *at; at++)
        if (!strncmp(*at, name, n) && (*at)[n] == '=')
            return *at + n + 1;
    return NULL;
}

// --- the object -------------------------------------------------------------------------------

static void publish(struct itemrec *t)
{
    struct core *c = t->core;
    t->pub.name = t->name;
    t->pub.text = t->text;
    t->pub.agent = t->agent;
    t->pub.labels = t->labels->list;
    t->pub.agents = t->agents->list;
    c->item_bytes -= t->bytes;
    t->bytes = sizeof(*t) + strlen(t->name) + strlen(t->text) + strlen(t->agent) +
               t->labels->packed_len + t->agents->packed_len;
    c->item_bytes += t->bytes;
}

static void release(struct itemrec *t)
{
    free(t->name);
    free(t->text);
    free(t->agent);
    free(t->labels);
    free(t->agents);
    free(t);
}

static void insert(struct core *c, struct itemrec *t)
{
    t->core = c;
    publish(t);
    (void)map_put(c->items, t->pub.id, t);
    list_add_tail(&c->item_lists[t->pub.kind], &t->all);
}

static void take_out(struct itemrec *t)
{
    t->core->item_bytes -= t->bytes;
    (void)map_del(t->core->items, t->pub.id);
    list_del(&t->all);
    release(t);
}

// --- the record -------------------------------------------------------------------------------

// What is written: a copy, as the loop goes on. Or ids that are erased.
struct item_job {
    struct db_job job; // first member
    struct itemrec *copy;
    struct strings *gone;
    struct list waiters;
};

static int job_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct item_job *k = (struct item_job *)j;
    const struct itemrec *t = k->copy;
    for (size_t i = 0; k->gone && i < k->gone->n; i++)
        if (store_item_delete(s, k->gone->list[i], e))
            return -1;
    if (!t)
        return 0;
    const struct store_item row = {
        .id = t->pub.id,
        .kind = t->pub.kind,
        .project = t->pub.project,
        .name = t->name,
        .text = t->text,
        .agent = t->agent,
        .labels = {t->labels->packed, t->labels->packed_len},
        .agents = {t->agents->packed, t->agents->packed_len},
        .status = t->pub.status,
        .created_ms = t->pub.created_ms,
        .updated_ms = t->pub.updated_ms,
    };
    return store_item_put(s, &row, e);
}

static void job_free(struct item_job *k)
{
    if (k->copy)
        release(k->copy);
    free(k->gone);
    free(k);
}

static void erased(struct core *c, const struct strings *ids, bool failed)
{
    for (size_t i = 0; ids && i < ids->n; i++) {
        struct itemrec *t = map_get(c->items, ids->list[i]);
        if (t && failed)
            t->deleting = false;
        else if (t)
            take_out(t);
    }
}

static void job_done(struct db_job *j)
{
    struct item_job *k = (struct item_job *)j;
    struct core *c = j->core;
    struct itemrec *t = k->copy ? map_get(c->items, k->copy->pub.id) : NULL;
    struct list waiters;
    list_take(&k->waiters, &waiters);
    if (!c->closing) {
        erased(c, k->gone, j->err.code);
        if (t && !j->err.code)
            t->recorded = true;
        if (j->err.code)
            waiters_fail(&waiters, &j->err);
        else
            waiters_done(&waiters, t ? &t->pub : NULL);
        if (t && !t->recorded) // it was never made
            take_out(t);
    }
    job_free(k);
}

static void push(struct core *c, const struct itemrec *t, struct strings *take_gone,
                 struct waiter *w)
{
    struct item_job *k = xcalloc(1, sizeof(*k));
    k->job = (struct db_job){.run = job_run, .done = job_done};
    k->gone = take_gone;
    list_init(&k->waiters);
    if (t) {
        k->copy = xcalloc(1, sizeof(*t));
        k->copy->pub = t->pub;
        k->copy->name = xstrdup(t->name);
        k->copy->text = xstrdup(t->text);
        k->copy->agent = xstrdup(t->agent);
        k->copy->labels = strings_copy(t->labels->list);
        k->copy->agents = strings_copy(t->agents->list);
    }
    waiter_add(w, &k->waiters, k, NULL);
    db_push(c, &k->job);
}

static int on_row(void *arg, const struct store_item *row)
{
    struct core *c = arg;
    if (row->kind >= ITEM_KINDS || !id_ok(row->id, prefixes[row->kind]) ||
        map_get(c->items, row->id))
        return 0;
    struct itemrec *t = xcalloc(1, sizeof(*t));
    TEXT_PUT(t->pub.id, row->id);
    TEXT_PUT(t->pub.project, row->project);
    t->pub.kind = (enum item_kind)row->kind;
    t->pub.status = row->status < TASK_STATES ? (enum task_status)row->status : TASK_FAILED;
    t->pub.created_ms = row->created_ms;
    t->pub.updated_ms = row->updated_ms;
    t->name = xstrdup(row->name);
    t->text = xstrdup(row->text);
    t->agent = xstrdup(row->agent);
    t->labels = strings_unpack(row->labels.p, row->labels.len);
    t->agents = strings_unpack(row->agents.p, row->agents.len);
    t->agents = strings_take_with(t->agents, t->agents->n % SUB_TEXTS, NULL); // whole ones
    t->recorded = true;
    insert(c, t);
    return 0;
}

int items_load(struct core *c, struct err *e)
{
    return store_item_each(c->db.store, on_row, c, e);
}

void items_free(struct core *c)
{
    for (unsigned k = 0; k < ITEM_KINDS; k++)
        list_for_safe (it, &c->item_lists[k])
            take_out(container_of(it, struct itemrec, all));
}

// --- the verbs --------------------------------------------------------------------------------

static int check_text(const char *text, size_t max, const char *what, struct err *e)
{
    if (text && strlen(text) > max)
        return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", what, max);
    return 0;
}

static int check(struct core *c, const struct item_spec *s, struct err *e)
{
    size_t n = 0, bytes = 0;
    for (const char *const *at = s->labels; at && *at; at++, n++)
        bytes += strlen(*at) + 1;
    if (n > ITEM_LABELS_MAX || bytes > ITEM_LABELS_BYTES)
        return err_set(e, ERR_LIMIT, "%zu labels of %zu bytes; at most %d of %d may be", n, bytes,
                       ITEM_LABELS_MAX, ITEM_LABELS_BYTES);
    if (check_text(s->name, 1000, "the name", e) ||
        check_text(s->text, ITEM_TEXT_MAX, "the text", e) ||
        check_text(s->agent, NAME_MAX_LEN, "the agent's name", e) ||
        agent_subagents_check(s->agents, e))
        return -1;
    if (s->project && *s->project && !core_item_find(c, ITEM_PROJECT, s->project, e))
        return -1;
    if (map_count(c->items) < ITEMS_MAX && c->item_bytes < ITEM_MEMORY_MAX)
        return 0;
    c->stats.denied_limit++;
    return err_set(e, ERR_LIMIT,
                   "%zu projects, agents and tasks are kept in %zu bytes; at most %d in %u may be: "
                   "delete some",
                   map_count(c->items), c->item_bytes, ITEMS_MAX, ITEM_MEMORY_MAX);
}

// What stays may be told as what is there: it is copied before it goes.
static void set(char **field, const char *text)
{
    char *old = *field;
    if (!text && old)
        return;
    *field = xstrdup(text ? text : "");
    free(old);
}

static void set_list(struct strings **field, const char *const *list)
{
    struct strings *old = *field;
    if (!list && old)
        return;
    *field = strings_copy(list);
    free(old);
}

static void fill(struct itemrec *t, const struct item_spec *s)
{
    if (s->project && s->project != t->pub.project)
        TEXT_PUT(t->pub.project, s->project);
    set(&t->name, s->name);
    set(&t->text, s->text);
    set(&t->agent, s->agent);
    set_list(&t->labels, s->labels);
    set_list(&t->agents, s->agents);
    if (s->status_given)
        t->pub.status = s->status;
    t->pub.updated_ms = clock_wall_ms();
}

int core_item_create(struct core *c, enum item_kind k, const struct item_spec *s, struct waiter *w,
                     struct err *e)
{
    if (check(c, s, e) || core_disk_room(c, e))
        return -1;
    struct itemrec *t = xcalloc(1, sizeof(*t));
    id_make(prefixes[k], t->pub.id);
    t->pub.kind = k;
    fill(t, s);
    t->pub.created_ms = t->pub.updated_ms;
    insert(c, t);
    push(c, t, NULL, w);
    return 0;
}

int core_item_change(struct core *c, struct item *it, const struct item_spec *s, struct waiter *w,
                     struct err *e)
{
    struct itemrec *t = container_of(it, struct itemrec, pub);
    if (check(c, s, e))
        return -1;
    fill(t, s);
    publish(t);
    push(c, t, NULL, w);
    return 0;
}

int core_item_delete(struct core *c, struct item *it, struct waiter *w, struct err *e)
{
    own_free const char **ids = xcalloc(map_count(c->items) + 1, sizeof(*ids));
    size_t n = 0;
    (void)e;
    for (unsigned k = 0; k < ITEM_KINDS; k++)
        list_for (at, &c->item_lists[k]) {
            struct itemrec *t = container_of(at, struct itemrec, all);
            if (&t->pub != it && (it->kind != ITEM_PROJECT || strcmp(t->pub.project, it->id)))
                continue;
            t->deleting = true;
            ids[n++] = t->pub.id;
        }
    push(c, NULL, strings_copy(ids), w);
    return 0;
}

struct item *core_item_find(struct core *c, enum item_kind k, const char *id, struct err *e)
{
    static const char *const names[ITEM_KINDS] = {"project", "source", "agent", "task"};
    struct itemrec *t = id_ok(id, prefixes[k]) ? map_get(c->items, id) : NULL;
    if (t && t->recorded && !t->deleting)
        return &t->pub;
    err_set(e, ERR_NOT_FOUND, "there is no %s '%.40s'", names[k], id);
    return NULL;
}

struct item *core_item_next(struct core *c, enum item_kind k, const struct item *prev)
{
    const struct list *head = &c->item_lists[k];
    const struct itemrec *p =
        prev ? (const void *)((const char *)prev - offsetof(struct itemrec, pub)) : NULL;
    for (struct list *it = p ? p->all.next : head->next; it != head; it = it->next) {
        struct itemrec *t = container_of(it, struct itemrec, all);
        if (t->recorded && !t->deleting)
            return &t->pub;
    }
    return NULL;
}

size_t core_item_list(struct core *c, const struct item_filter *f, const char *after,
                      struct item **ret, size_t max, bool *ret_more)
{
    struct cursor cursor;
    struct itemrec *at = map_get(c->items, cursor_init(&cursor, after));
    struct item *it = at && at->pub.kind == f->kind ? &at->pub : NULL;
    bool found = it;
    size_t n = 0;
    *ret_more = false;
    while ((it = core_item_next(c, f->kind, it))) {
        if ((f->project && strcmp(f->project, it->project)) ||
            (!found && !cursor_newer(&cursor, it->id, it->created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = it;
    }
    return n;
}

struct run *core_task_run(struct core *c, const struct item *task)
{
    const struct run_filter f = {.task = task->id};
    struct run *one = NULL;
    bool more;
    return core_run_list(c, &f, "", &one, 1, &more) ? one : NULL;
}

// --- tasks follow their runs ------------------------------------------------------------------

static void set_status(struct itemrec *t, enum task_status status)
{
    t->pub.status = status;
    t->pub.updated_ms = clock_wall_ms();
    push(t->core, t, NULL, NULL);
}

// One that was begun, of which no run is known, was cut off between the two.
void items_resume(struct core *c)
{
    list_for (it, &c->item_lists[ITEM_TASK]) {
        struct itemrec *t = container_of(it, struct itemrec, all);
        if (t->pub.status == TASK_DOING && !core_task_run(c, &t->pub))
            set_status(t, TASK_INTERRUPTED);
    }
}

void item_follow_run(struct core *c, const struct run *r)
{
    static const enum task_status by_state[RUN_STATES] = {
        [RUN_QUEUED] = TASK_DOING,       [RUN_BLOCKED] = TASK_DOING,
        [RUN_STARTING] = TASK_DOING,     [RUN_RUNNING] = TASK_DOING,
        [RUN_WAITING] = TASK_DOING,      [RUN_NEEDS_INPUT] = TASK_DOING,
        [RUN_PAUSED] = TASK_INTERRUPTED, [RUN_SUCCEEDED] = TASK_DONE,
        [RUN_FAILED] = TASK_FAILED,      [RUN_CANCELLED] = TASK_CANCELLED,
        [RUN_TIMED_OUT] = TASK_FAILED,   [RUN_INTERRUPTED] = TASK_INTERRUPTED,
    };
    struct itemrec *t = *r->task ? map_get(c->items, r->task) : NULL;
    if (t && !t->deleting && t->pub.status != by_state[r->state])
        set_status(t, by_state[r->state]);
}
