// SPDX-License-Identifier: Apache-2.0
// Kept output looked through for a text: the lines that have it, with the offsets of what was found.
// Of a long line that which is around it. The case of ASCII letters does not matter.
#include "live_int.h"
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <stdio.h>

#define READ_MAX (256 * 1024)
#define AROUND 300 // bytes of a line, before and behind
#define FOUND_MAX 1000

struct search {
    struct http_req *r;
    struct output_read o;
    output_read_fn *read_fn;
    char text[CONTAINS_MAX + 1];
    size_t len;
    struct buf window; // of the output, from `from` on
    uint64_t from;
    size_t at;      // in it: what is before was looked at
    bool same_line; // as one that was found: passed over up to its end
    size_t n, max;
    bool json;
    struct answer a;
    struct buf lines;
};

static void search_free(struct search *s)
{
    waiter_cancel(&s->o.w);
    buf_release(&s->window);
    buf_release(&s->lines);
    if (s->json)
        buf_release(&s->a.b);
    free(s);
}

static void on_gone(struct http_req *r)
{
    struct search *s = r->user;
    http_drop(r);
    search_free(s);
}

static void found(struct search *s, size_t at)
{
    const char *p = s->window.data;
    size_t begin = at, end = at + s->len;
    while (begin && at - begin < AROUND && p[begin - 1] != '\n')
        begin--;
    while (end < s->window.len && end - at - s->len < AROUND && p[end] != '\n')
        end++;
    if (s->json) {
        json_begin(&s->a.o, NULL);
        json_u64(&s->a.o, "offset", s->from + at);
        json_bytes(&s->a.o, "text", p + begin, end - begin);
        json_end(&s->a.o);
    } else { // FOUND_MAX of these have room
        (void)buf_printf(&s->lines, "%llu: ", (unsigned long long)(s->from + at));
        (void)buf_append(&s->lines, p + begin, end - begin);
        (void)buf_putc(&s->lines, '\n');
    }
    s->n++;
    s->at = at + s->len;
    s->same_line = true;
}

// Looks through what is there. Without what follows a find may lack its end, so the last bytes wait.
static void look(struct search *s, bool last)
{
    size_t wait = last ? 0 : s->len + AROUND;
    size_t upto = s->window.len > wait ? s->window.len - wait : 0;
    while (s->n < s->max && s->at < upto) {
        const char *p = s->window.data + s->at;
        const char *nl = s->same_line ? memchr(p, '\n', upto - s->at) : NULL;
        if (s->same_line && !nl) {
            s->at = upto;
            return;
        }
        s->at = nl ? (size_t)(nl - s->window.data) + 1 : s->at;
        s->same_line = false;
        size_t room = upto + (last ? 0 : s->len - 1) - s->at; // begins before `upto`
        const char *hit = find_text(s->window.data + s->at, room, s->text, s->len);
        if (hit)
            found(s, (size_t)(hit - s->window.data));
        else
            s->at = upto;
    }
}

static void search_over(struct search *s, bool all)
{
    struct http_req *r = s->r;
    char next[24];
    (void)snprintf(next, sizeof(next), "%llu", (unsigned long long)(s->from + s->at));
    if (s->json) {
        v1_page_send(r, &s->a, all ? NULL : next);
        s->json = false; // what was written is sent
    } else {
        if (!all)
            http_set_header(r, "x-next-offset", next);
        http_reply(r, 200, "text/plain; charset=utf-8", s->lines.len ? s->lines.data : "",
                   s->lines.len);
    }
    search_free(s);
}

static void read_on(struct search *s);

static void on_read(struct waiter *w)
{
    struct search *s = container_of(container_of(w, struct output_read, w), struct search, o);
    struct http_req *r = s->r;
    if (w->err.code) {
        struct err e = w->err;
        search_free(s);
        v1_err(r, &e);
        return;
    }
    if (!s->window.len) // what is kept may begin later
        s->from = s->o.offset;
    bool last = !s->o.len || s->o.offset + s->o.len >= s->o.kept_end;
    (void)buf_append(&s->window, s->o.data ? s->o.data : "", s->o.len); // bounded by READ_MAX
    s->o.offset += s->o.len;
    look(s, last);
    if (last || s->n == s->max) {
        search_over(s, last && s->n < s->max);
        return;
    }
    if (s->at > AROUND) {
        s->from += s->at - AROUND;
        buf_drop_front(&s->window, s->at - AROUND);
        s->at = AROUND;
    }
    read_on(s);
}

static void read_on(struct search *s)
{
    struct err e;
    struct http_req *r = s->r;
    s->o.max = READ_MAX;
    s->o.w = (struct waiter){.on_done = on_read};
    if (!s->read_fn(r, &s->o, &e))
        return;
    search_free(s);
    v1_err(r, &e);
}

void v1_output_search(struct http_req *r, output_read_fn *read_fn)
{
    static const char *const types[] = {"text/plain", "application/json", NULL};
    uint64_t offset, limit;
    char escaped[CONTAINS_JSON];
    size_t len;
    const char *from = http_query(r, "cursor") ? "cursor" : "offset";
    if (v1_param_u64(r, from, 0, UINT64_MAX, &offset) ||
        v1_param_u64(r, "limit", 100, FOUND_MAX, &limit) || v1_param_contains(r, escaped, &len))
        return;
    struct search *s = xcalloc(1, sizeof(*s));
    s->r = r;
    s->read_fn = read_fn;
    s->o.offset = offset;
    s->max = limit ? (size_t)limit : 1;
    s->len = strlen(http_query(r, "contains")); // checked above
    memcpy(s->text, http_query(r, "contains"), s->len + 1);
    s->json = http_accepts(http_header(r, "accept"), types) == 1;
    buf_init(&s->window, 2 * READ_MAX);
    buf_init(&s->lines, (size_t)FOUND_MAX * (2 * AROUND + CONTAINS_MAX + 32));
    if (s->json)
        v1_page_begin(&s->a);
    r->user = s;
    r->on_gone = on_gone;
    read_on(s);
}
