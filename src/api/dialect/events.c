// SPDX-License-Identifier: Apache-2.0
// Events of runs as dialects show them: all that there are as one array, or a stream.
#include "dialect_int.h"

#include <pinfold/http_stream.h>
#include <pinfold/own.h>
#include <stdio.h>

#define PAGE 200
#define PING_MS 15000

// --- an array -----------------------------------------------------------------------------------

struct listing {
    struct http_req *r;
    struct run *run;
    struct run_view view;
    struct run_page page;
    bool comma;
};

static void listing_free(struct listing *l)
{
    waiter_cancel(&l->page.w);
    free(l);
}

static void read_on(struct listing *l)
{
    struct err e;
    (void)core_run_events(dialect_core(l->r), l->run, &l->page, &e); // never refuses
}

static void on_page(struct waiter *w)
{
    struct run_page *p = container_of(w, struct run_page, w);
    struct listing *l = container_of(p, struct listing, page);
    struct http_req *r = l->r;
    if (w->err.code) { // the run is gone
        http_stream_cut(r);
        free(l);
        return;
    }
    struct buf *b = http_stream_buf(r);
    bool full = false;
    for (size_t i = 0; i < p->n && !full; i++) {
        struct json_out o;
        if (l->view.skip) {
            l->view.skip--;
            continue;
        }
        (void)buf_putc(b, l->comma ? ',' : '[');
        l->comma = true;
        json_out_init(&o, b);
        l->view.write(&o, l->run, &p->at[i]);
        full = l->view.max && !--l->view.max;
    }
    if (p->n)
        p->after = p->at[p->n - 1].id;
    full |= !p->more;
    if (full)
        (void)buf_puts(b, l->comma ? "]" : "[]");
    http_stream_flush(r);
    if (full) {
        http_stream_end(r);
        free(l);
    } else if (!http_stream_full(r)) {
        read_on(l);
    }
}

static void listing_gone(struct http_req *r)
{
    http_stream_end(r);
    listing_free(r->user);
}

static void listing_writable(struct http_req *r)
{
    struct listing *l = r->user;
    if (!waiter_pending(&l->page.w))
        read_on(l);
}
static const struct http_stream_ops listing_ops = {.on_writable = listing_writable};

void dialect_events(struct http_req *r, struct run *run, const struct run_view *view)
{
    if (dialect_streams_exhausted(r))
        return;
    struct listing *l = xcalloc(1, sizeof(*l));
    l->r = r;
    l->run = run;
    l->view = *view;
    l->page = (struct run_page){
        .w.on_done = on_page, .after = view->after, .types = view->types, .max = PAGE};
    r->user = l;
    r->on_gone = listing_gone;
    if (http_stream_begin(r, 200, HTTP_BYTES, "application/json", &listing_ops))
        read_on(l);
    else
        free(l);
}

// --- a stream -----------------------------------------------------------------------------------

struct stream {
    struct http_req *r;
    struct run_view view;
    struct run_listener l;
};

static void stream_over(struct stream *s)
{
    struct http_req *r = s->r;
    core_run_listener_stop(&s->l);
    free(s);
    http_stream_end(r);
}

static void on_event(struct run_listener *l, const struct run_event *ev)
{
    struct stream *s = container_of(l, struct stream, l);
    struct json_out o;
    char id[24];
    (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)ev->id);
    json_out_init(&o, http_event_begin(s->r, s->view.name ? s->view.name(ev) : NULL, id));
    s->view.write(&o, l->run, ev);
    http_event_end(s->r);
    if (http_stream_full(s->r))
        core_run_listener_pause(l);
}

static void say_last(struct stream *s, const char *name)
{
    static const char empty[] = "{}";
    (void)buf_puts(http_event_begin(s->r, name, NULL), empty);
    http_event_end(s->r);
    stream_over(s);
}

static void on_end(struct run_listener *l)
{
    say_last(container_of(l, struct stream, l), "end");
}

static void stream_gone(struct http_req *r)
{
    stream_over(r->user);
}

static void stream_writable(struct http_req *r)
{
    core_run_listener_resume(&((struct stream *)r->user)->l);
}

static void stream_stop(struct http_req *r)
{
    struct stream *s = r->user;
    if (s->l.run->state == RUN_RUNNING && !http_leaving(r))
        return; // it is ended, which is told
    say_last(s, http_leaving(r) ? "reconnect" : "end");
}
static const struct http_stream_ops stream_ops = {stream_writable, stream_stop};

void dialect_stream(struct http_req *r, struct run *run, const struct run_view *view)
{
    if (dialect_streams_exhausted(r))
        return;
    struct stream *s = xcalloc(1, sizeof(*s));
    s->r = r;
    s->view = *view;
    s->l = (struct run_listener){
        .on_event = on_event, .on_end = on_end, .after = view->after, .types = view->types};
    r->user = s;
    r->on_gone = stream_gone;
    if (!http_stream_begin(r, 200, HTTP_SSE, NULL, &stream_ops)) {
        free(s);
        return;
    }
    http_stream_heartbeat(r, PING_MS);
    (void)core_run_listen(dialect_core(r), run, &s->l, NULL); // never refuses
}
