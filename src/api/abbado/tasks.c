// SPDX-License-Identifier: Apache-2.0
// A run's list of things to do, made again from its calls of TaskCreate, TaskUpdate and TodoWrite.
#include "abbado_int.h"

#include <pinfold/json_tree.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

#define TODOS_MAX 1000
#define NODES_MAX 20000
#define PAGE 200

struct todo {
    char *subject, *description;
    char status[24];
};
struct tasks_call {
    struct dialect_call c; // first member
    struct run *run;
    struct run_page page;
    struct todo at[TODOS_MAX];
    unsigned n;
};

static void clear(struct tasks_call *t)
{
    for (unsigned i = 0; i < t->n; i++) {
        free(t->at[i].subject);
        free(t->at[i].description);
        t->at[i] = (struct todo){0};
    }
    t->n = 0;
}

static void release(struct dialect_call *c)
{
    struct tasks_call *t = container_of(c, struct tasks_call, c);
    waiter_cancel(&t->page.w);
    clear(t);
}

static void set(char **field, const struct json_node *p, const char *path)
{
    struct json_text text = json_text_at(p, path);
    if (!text.p)
        return;
    free(*field);
    *field = xmemdup0(text.p, text.len);
}

static void set_status(struct todo *d, const struct json_node *p)
{
    struct json_text text = json_text_at(p, "status");
    if (!text.p || text.len >= sizeof(d->status))
        return;
    memcpy(d->status, text.p, text.len);
    d->status[text.len] = '\0';
}

static struct todo *add(struct tasks_call *t)
{
    if (t->n == TODOS_MAX)
        return NULL;
    struct todo *d = &t->at[t->n++];
    memcpy(d->status, "pending", sizeof("pending"));
    return d;
}

static void created(struct tasks_call *t, const struct json_node *input)
{
    struct todo *d = add(t);
    if (!d)
        return;
    set(&d->subject, input, "subject");
    set(&d->description, input, "description");
}

// They are counted from 1 on.
static void updated(struct tasks_call *t, const struct json_node *input)
{
    struct json_text id = json_text_at(input, "taskId");
    char number[16] = "";
    uint64_t n = json_u64_at(input, "taskId");
    if (id.p && id.len < sizeof(number)) {
        memcpy(number, id.p, id.len);
        (void)num_parse_u64(number, 0, TODOS_MAX, &n, NULL); // else it is none of ours
    }
    if (!n || n > t->n)
        return;
    struct todo *d = &t->at[n - 1];
    set(&d->subject, input, "subject");
    set(&d->description, input, "description");
    set_status(d, input);
}

// The whole list anew.
static void written(struct tasks_call *t, const struct json_node *input)
{
    const struct json_node *todos = json_at(input, "todos");
    clear(t);
    for (const struct json_node *one = todos ? todos->first : NULL; one; one = one->next) {
        struct todo *d = add(t);
        if (!d)
            return;
        set(&d->subject, one, "content");
        set_status(d, one);
    }
}

static void on_call(struct tasks_call *t, const struct run_event *ev)
{
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    const struct json_node *p = json_tree(ev->payload, ev->len, NODES_MAX, &pool);
    const struct json_node *input = json_at(p, "input");
    if (json_is(p, "name", "TaskCreate"))
        created(t, input);
    else if (json_is(p, "name", "TaskUpdate"))
        updated(t, input);
    else if (json_is(p, "name", "TodoWrite"))
        written(t, input);
}

static void send(struct tasks_call *t)
{
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin_array(&a.o, NULL);
    for (unsigned i = 0; i < t->n; i++) {
        const struct todo *d = &t->at[i];
        if (!strcmp(d->status, "deleted"))
            continue;
        json_begin(&a.o, NULL);
        json_u64(&a.o, "id", i + 1);
        json_str(&a.o, "subject", d->subject ? d->subject : "");
        json_str(&a.o, "description", d->description);
        json_str(&a.o, "status", d->status);
        json_end(&a.o);
    }
    json_end_array(&a.o);
    dialect_call_send(&t->c, 200, &a);
}

static void on_page(struct waiter *w)
{
    struct run_page *p = container_of(w, struct run_page, w);
    struct tasks_call *t = container_of(p, struct tasks_call, page);
    struct err e;
    if (w->err.code) {
        dialect_call_fail(&t->c, &w->err);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        on_call(t, &p->at[i]);
    if (p->n)
        p->after = p->at[p->n - 1].id;
    if (p->more)
        (void)core_run_events(t->c.core, t->run, p, &e); // never refuses
    else
        send(t);
}

void abbado_runs_tasks(struct http_req *r)
{
    struct run *run = abbado_run(r);
    struct err e;
    if (!run)
        return;
    struct tasks_call *t = dialect_call_new(r, sizeof(*t), NULL);
    t->c.release = release;
    t->run = run;
    t->page = (struct run_page){
        .w.on_done = on_page, .types = UINT64_C(1) << EV_AGENT_TOOL_CALL, .max = PAGE};
    (void)core_run_events(t->c.core, run, &t->page, &e); // never refuses
}
