// SPDX-License-Identifier: Apache-2.0
// The end of a log that is read from its beginning, so that its lines can be counted.
#include "sandboxed_sh_int.h"

#include <pinfold/core_build.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define KEEP (1u << 20)

static void ask(struct log_tail *t);

static void keep(struct log_tail *t, const char *p, size_t n)
{
    if (n > KEEP) {
        p += n - KEEP;
        n = KEEP;
    }
    if (t->text.len + n > KEEP)
        buf_drop_front(&t->text, t->text.len + n - KEEP);
    (void)buf_append(&t->text, p, n); // fits: its maximum is KEEP
}

static void count(struct log_tail *t, const char *p, size_t n)
{
    for (const char *end = p + n; p < end;) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        t->lines += !t->line_open;
        t->line_open = !newline;
        p = newline ? newline + 1 : end;
    }
}

static void end(struct log_tail *t, const struct err *err)
{
    t->on_end(t, err);
}

static void on_read(struct waiter *w)
{
    struct output_read *r = container_of(w, struct output_read, w);
    struct log_tail *t = container_of(r, struct log_tail, read);
    if (w->err.code) {
        end(t, &w->err);
        return;
    }
    keep(t, r->data, r->len);
    count(t, r->data, r->len);
    if (!r->len || r->offset + r->len >= r->kept_end) {
        end(t, &w->err);
        return;
    }
    r->offset += r->len;
    ask(t);
}

static void ask(struct log_tail *t)
{
    struct core *core = dialect_of(t->call->r)->core;
    struct workspace *ws = NULL;
    struct err e = {0};
    uint64_t offset = t->read.offset;
    t->read = (struct output_read){.w.on_done = on_read, .stream = EXEC_STDOUT, .offset = offset};
    // The build's record is the core's and may go while nobody looks: find it again.
    struct build *b = t->build_id[0] ? core_build_find(core, t->build_id, &e) : NULL;
    if (!t->build_id[0])
        ws = core_workspace_find(core, t->call->subject, &e);
    if (b ? core_build_log_read(core, b, &t->read, &e)
          : !ws || core_init_log_read(core, ws, &t->read, &e))
        end(t, &e);
}

void log_tail_start(struct log_tail *t, struct dialect_call *c, const char *build_id,
                    void (*on_end)(struct log_tail *, const struct err *))
{
    log_tail_release(t);
    *t = (struct log_tail){.call = c, .on_end = on_end};
    (void)snprintf(t->build_id, sizeof(t->build_id), "%s", build_id);
    buf_init(&t->text, KEEP);
    ask(t);
}

const char *log_tail_lines(const struct log_tail *t, size_t max_lines, size_t *ret_len)
{
    const char *begin = t->text.data, *at = begin + t->text.len;
    if (at > begin && at[-1] == '\n')
        at--;
    *ret_len = (size_t)(at - begin);
    for (const char *p = at; p > begin; p--)
        if (p[-1] == '\n' && --max_lines == 0) {
            *ret_len = (size_t)(at - p);
            return p;
        }
    return begin;
}

void log_tail_release(struct log_tail *t)
{
    waiter_cancel(&t->read.w);
    if (t->text.data)
        buf_release(&t->text);
    t->text = (struct buf){0};
}
