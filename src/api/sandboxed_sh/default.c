// SPDX-License-Identifier: Apache-2.0
// The default host workspace: it has the nil UUID, is there without being made and cannot be
// deleted. It is made when a request first asks about workspaces, so that servers which nobody
// speaks this dialect to do not have it.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <string.h>

#define PAGE 64
#define NAME "host"

static bool is_default(const struct workspace *ws)
{
    return ws->status != WS_DELETING && label_get(ws->labels, LABEL_DEFAULT);
}

struct workspace *default_find(struct sandboxed_sh *s)
{
    struct err e;
    struct workspace *ws =
        s->default_id[0] ? core_workspace_find(s->core, s->default_id, &e) : NULL;
    if (ws && is_default(ws))
        return ws;
    struct workspace *page[PAGE];
    char after[ID_MAX] = "";
    bool more = true;
    while (more) {
        size_t n = core_workspace_list(s->core, after, page, PAGE, &more);
        for (size_t i = 0; i < n; i++)
            if (is_default(page[i])) {
                memcpy(s->default_id, page[i]->id, ID_MAX);
                return page[i];
            }
        if (!n)
            break;
        memcpy(after, page[n - 1]->id, ID_MAX);
    }
    return NULL;
}

struct waiting_call {
    struct dialect_call c; // first member
    struct list link;
};

static void release(struct dialect_call *c)
{
    list_del(&container_of(c, struct waiting_call, c)->link);
}

// The router leaves the body's size to the gate's end, which was passed by.
static void resume(struct waiting_call *c)
{
    struct http_req *r = c->c.r;
    dialect_call_free(&c->c);
    r->user = NULL;
    r->on_gone = NULL;
    if (r->body_len > r->route->max_body)
        reply_text(r, 413, "the request's body is too large (max_body is %zu)", r->route->max_body);
    else
        r->route->handle(r);
}

static void resume_all(struct sandboxed_sh *s)
{
    struct list todo;
    list_init(&todo);
    while (!list_empty(&s->default_waiting)) {
        struct list *it = s->default_waiting.next;
        list_del(it);
        list_add_tail(&todo, it);
    }
    while (!list_empty(&todo))
        resume(container_of(todo.next, struct waiting_call, link));
}

// Without it requests are handled all the same: it is then missing from lists.
static void on_made(struct waiter *w)
{
    struct sandboxed_sh *s = container_of(w, struct sandboxed_sh, default_made);
    struct workspace *ws = w->err.code ? NULL : w->result;
    if (ws)
        memcpy(s->default_id, ws->id, ID_MAX);
    resume_all(s);
}

static int make(struct sandboxed_sh *s, struct err *e)
{
    struct err ignored;
    bool taken = core_workspace_find(s->core, NAME, &ignored);
    const char *const labels[] = {LABEL_DEFAULT "=yes", taken ? LABEL_NAME "=" NAME : NULL, NULL};
    struct workspace_spec spec = {
        .name = taken ? NULL : NAME, .image = "host", .profile = "agent", .labels = labels};
    s->default_made = (struct waiter){.on_done = on_made};
    return core_workspace_create(s->core, &spec, &s->default_made, e);
}

bool default_ready(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    struct err e;
    if (default_find(s))
        return true;
    if (!waiter_pending(&s->default_made) && make(s, &e))
        return true;
    struct waiting_call *c = dialect_call_new(r, sizeof(*c), NULL);
    c->c.release = release;
    list_add_tail(&s->default_waiting, &c->link);
    return false;
}
