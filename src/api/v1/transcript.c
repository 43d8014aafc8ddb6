// SPDX-License-Identifier: Apache-2.0
// A run as a person, or another agent, reads it: its events as Markdown, a page at a time.
#include "live_int.h"
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <pinfold/json_tree.h>
#include <stdio.h>

#define NODES_MAX 20000
#define SHOWN_MAX 4000 // bytes of what a tool was given or gave

struct transcript {
    struct http_req *r;
    struct run *run;
    struct run_page page;
    char contains[CONTAINS_JSON];
    bool begun;
};

static const enum event_type shown[] = {
    EV_RUN_STARTED,          EV_USER_MESSAGE,      EV_AGENT_MESSAGE,
    EV_AGENT_TOOL_CALL,      EV_AGENT_TOOL_RESULT, EV_AGENT_NEEDS_ATTENTION,
    EV_AGENT_SUBAGENT_START, EV_RUN_LIMIT,         EV_RUN_NOTE,
    EV_RUN_RESULT,           EV_RUN_PAUSED,        EV_RUN_COMPLETED,
    EV_RUN_FAILED,           EV_RUN_CANCELLED,
};

static void put_text(struct buf *b, struct json_text t)
{
    if (t.p)
        (void)buf_append(b, t.p, t.len); // the stream's buffer: bounded by one page of events
    (void)buf_puts(b, "\n\n");
}

// As it stands, in a fence that is longer than any in it.
static void put_fenced(struct buf *b, const struct json_node *n)
{
    struct json_text t = !n ? (struct json_text){0} : n->raw.p ? n->raw : n->text;
    size_t run = 0, longest = 2;
    bool cut = t.len > SHOWN_MAX;
    if (!t.p)
        return;
    if (cut) {
        bool in_character;
        t.len = json_utf8_prefix(t.p, SHOWN_MAX, &in_character);
    }
    for (size_t i = 0; i < t.len; i++) {
        run = t.p[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (unsigned end = 0; end < 2; end++) {
        for (size_t i = 0; i <= longest; i++)
            (void)buf_putc(b, '`');
        (void)buf_putc(b, '\n');
        if (!end) {
            (void)buf_append(b, t.p, t.len);
            (void)buf_puts(b, cut ? "\n[cut]\n" : "\n");
        }
    }
    (void)buf_putc(b, '\n');
}

static void put_event(struct buf *b, const struct run_event *ev)
{
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    const struct json_node *n = json_tree(ev->payload, ev->len, NODES_MAX, &pool);
    struct json_text name = json_text_at(n, "name");
    switch (ev->type) {
    case EV_RUN_STARTED:
        (void)buf_printf(b, "# Turn %llu\n\n", (unsigned long long)json_u64_at(n, "turn"));
        return;
    case EV_USER_MESSAGE:
        (void)buf_puts(b, "## User\n\n");
        put_text(b, json_text_at(n, "text"));
        return;
    case EV_AGENT_MESSAGE:
        (void)buf_puts(b, "## Agent\n\n");
        put_text(b, json_text_at(n, "text"));
        return;
    case EV_AGENT_TOOL_CALL:
        (void)buf_printf(b, "### Tool %.*s\n\n", (int)(name.len < 100 ? name.len : 100),
                         name.p ? name.p : "");
        put_fenced(b, json_at(n, "input"));
        return;
    case EV_AGENT_TOOL_RESULT:
        (void)buf_puts(b, json_true_at(n, "is_error") ? "### Error of a tool\n\n"
                                                      : "### Result of a tool\n\n");
        put_fenced(b, json_at(n, "output"));
        return;
    case EV_RUN_RESULT:
        (void)buf_puts(b, json_at(n, "plan") ? "## Plan\n\n" : "## Result\n\n");
        put_text(b, json_text_at(n, json_at(n, "plan") ? "plan" : "result"));
        return;
    default:
        (void)buf_printf(b, "*%s* ", event_type_name(ev->type));
        put_text(b, json_text_at(n, json_at(n, "text")     ? "text"
                                    : json_at(n, "error")  ? "error"
                                    : json_at(n, "limit")  ? "limit"
                                    : json_at(n, "reason") ? "reason"
                                                           : "description"));
    }
}

static void transcript_free(struct transcript *t)
{
    waiter_cancel(&t->page.w);
    free(t);
}

static void read_on(struct transcript *t)
{
    struct err e;
    (void)core_run_events(v1_of(t->r)->core, t->run, &t->page, &e); // never refuses
}

static void on_page(struct waiter *w)
{
    struct run_page *p = container_of(w, struct run_page, w);
    struct transcript *t = container_of(p, struct transcript, page);
    struct http_req *r = t->r;
    if (w->err.code) { // the run is gone
        http_stream_cut(r);
        free(t);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        put_event(http_stream_buf(r), &p->at[i]);
    http_stream_flush(r);
    if (p->n)
        p->after = p->at[p->n - 1].id;
    if (!p->more) {
        http_stream_end(r);
        free(t);
    } else if (!http_stream_full(r)) {
        read_on(t);
    }
}

static void on_gone(struct http_req *r)
{
    http_stream_end(r);
    transcript_free(r->user);
}

static void on_writable(struct http_req *r)
{
    struct transcript *t = r->user;
    if (!waiter_pending(&t->page.w))
        read_on(t);
}
static const struct http_stream_ops stream_ops = {.on_writable = on_writable};

void v1_runs_transcript(struct http_req *r)
{
    struct run *run = v1_find_run(r);
    if (!run || v1_streams_exhausted(r))
        return;
    char contains[CONTAINS_JSON];
    size_t len;
    if (v1_param_contains(r, contains, &len))
        return;
    struct transcript *t = xcalloc(1, sizeof(*t));
    memcpy(t->contains, contains, len + 1);
    t->r = r;
    t->run = run;
    t->page = (struct run_page){.w.on_done = on_page, .max = 50};
    t->page.contains = len ? t->contains : NULL;
    for (unsigned i = 0; i < N_ELEMS(shown); i++)
        t->page.types |= UINT64_C(1) << shown[i];
    r->user = t;
    r->on_gone = on_gone;
    if (!http_stream_begin(r, 200, HTTP_BYTES, "text/markdown; charset=utf-8", &stream_ops)) {
        free(t);
        return;
    }
    struct buf *b = http_stream_buf(r);
    (void)buf_printf(b, "Run %s, %s%s%s\n\n", run->id, run->agent, *run->model ? ", " : "",
                     run->model);
    if (run->prompt || run->command) {
        (void)buf_puts(b, "## User\n\n");
        (void)buf_puts(b, run->prompt ? run->prompt : run->command);
        (void)buf_puts(b, "\n\n");
    }
    http_stream_flush(r);
    read_on(t);
}
