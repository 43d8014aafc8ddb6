// SPDX-License-Identifier: Apache-2.0
// Lines out of chunks, events out of lines, and the verdict out of what was seen.
#include "agent_int.h"

#include <pinfold/own.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NODES_MAX 200000                     // values in one line
#define ERRORS_MAX 4096                      // the end of standard error, for words about a failure
#define RAW_MAX (48 * 1024)                  // of a tool's input as it stands in a line
#define PAYLOAD_MAX (6 * AGENT_TEXT_MAX * 4) // four texts, each byte an escape

// --- events -----------------------------------------------------------------------------------

struct json_out *event_begin(struct agent_reader *r, struct json_out *o)
{
    buf_clear(&r->payload);
    json_out_init(o, &r->payload);
    json_begin(o, NULL);
    return o;
}

void event_end(struct agent_reader *r, struct json_out *o, enum event_type type)
{
    json_end(o);
    if (json_done(o) && r->expect.on_event)
        r->expect.on_event(r->expect.arg, type, r->payload.data, r->payload.len);
}

// Cut to n bytes or a little less, so that no character is cut.
static size_t cut_to(const char *p, size_t len, size_t n)
{
    bool cut;
    if (len <= n)
        return len;
    size_t good = json_utf8_prefix(p, n, &cut);
    return cut ? good : n;
}

void event_text(struct json_out *o, const char *name, struct json_text t)
{
    if (!t.p)
        return;
    size_t n = cut_to(t.p, t.len, AGENT_TEXT_MAX);
    json_strn(o, name, t.p, n);
    if (n < t.len)
        json_u64(o, "truncated_from_bytes", t.len);
}

void event_raw(struct json_out *o, const char *name, const struct json_node *n)
{
    if (!n)
        return;
    if (n->kind == JSON_STR)
        event_text(o, name, n->text);
    else if (n->kind == JSON_NUMBER)
        json_raw(o, name, n->text.p, n->text.len);
    else if (n->kind == JSON_TRUE || n->kind == JSON_FALSE)
        json_bool(o, name, n->kind == JSON_TRUE);
    else if (n->raw.p && n->raw.len <= RAW_MAX)
        json_raw(o, name, n->raw.p, n->raw.len);
    else if (n->raw.p) // too much for an event: its beginning, as text
        event_text(o, name, n->raw);
    else
        json_null(o, name);
}

void event_payload(struct buf *ret, const struct event_word *words, unsigned n)
{
    struct json_out o;
    json_out_init(&o, ret);
    json_begin(&o, NULL);
    for (unsigned i = 0; i < n; i++) {
        const struct event_word *w = &words[i];
        if (w->is_number)
            json_i64(&o, w->name, w->number);
        else if (w->text)
            event_text(&o, w->name, (struct json_text){w->text, w->len ? w->len : strlen(w->text)});
    }
    json_end(&o);
}

void event_note(struct agent_reader *r, const char *fmt, ...)
{
    char text[400];
    struct json_out o;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap); // cut is fine
    va_end(ap);
    event_begin(r, &o);
    json_str(&o, "text", text);
    event_end(r, &o, EV_RUN_NOTE);
}

void event_words(struct agent_reader *r, enum event_type type, struct json_text text,
                 struct json_text parent)
{
    struct json_out o;
    if (!text.len)
        return;
    event_begin(r, &o);
    event_text(&o, "text", text);
    event_text(&o, "parent_tool_call_id", parent);
    event_end(r, &o, type);
}

// --- what was seen ----------------------------------------------------------------------------

void seen_session(struct agent_reader *r, struct json_text id)
{
    if (!id.len || id.len >= sizeof(r->session) || memchr(id.p, '\0', id.len))
        return;
    if (!r->session[0]) {
        memcpy(r->session, id.p, id.len);
        r->session[id.len] = '\0';
    }
    if (strlen(r->session) != id.len || memcmp(r->session, id.p, id.len) ||
        (r->expected[0] && strcmp(r->expected, r->session)))
        r->session_changed = true;
}

void seen_init(struct agent_reader *r, struct json_text id, struct json_text model)
{
    struct json_out o;
    bool again = r->session[0] != '\0';
    seen_session(r, id);
    if (again || !r->session[0])
        return; // told once, though claude begins each turn with it
    event_begin(r, &o);
    json_str(&o, "session_id", r->session);
    event_text(&o, "model", model);
    event_end(r, &o, EV_SESSION_INIT);
}

void seen_result(struct agent_reader *r, struct json_text text)
{
    if (!text.p)
        return;
    size_t n = cut_to(text.p, text.len, AGENT_RESULT_MAX);
    buf_clear(&r->result);
    (void)buf_append(&r->result, text.p, n); // its maximum is no less
    r->result_cut = n < text.len;
}

void seen_failure(struct agent_reader *r, enum run_reason why, struct json_text text,
                  const char *otherwise)
{
    r->failed = why;
    r->done = false;
    if (text.len)
        (void)snprintf(r->error, sizeof(r->error), "%.*s",
                       (int)cut_to(text.p, text.len, sizeof(r->error) - 1), text.p);
    else
        (void)snprintf(r->error, sizeof(r->error), "%s", otherwise);
}

uint64_t micro_usd(const struct json_node *n, const char *path)
{
    double usd = json_f64_at(n, path);
    return usd > 0 && usd < 1e9 ? (uint64_t)(usd * 1e6 + 0.5) : 0;
}

// --- lines ------------------------------------------------------------------------------------

static void take_line(struct agent_reader *r, const char *p, size_t n)
{
    own_json_pool struct json_pool pool;
    json_pool_init(&pool);
    while (n && strchr(" \t\r", p[n - 1]))
        n--;
    if (!n)
        return;
    const struct json_node *line = *p == '{' ? json_tree(p, n, NODES_MAX, &pool) : NULL;
    if (line)
        r->adapter->on_line(r, line);
    else // words between the lines: of the tool itself or of what it started
        event_note(r, "a line that is not JSON: %.*s", (int)cut_to(p, n, 300), p);
}

static void line_ends(struct agent_reader *r)
{
    if (r->line_cut)
        event_note(r, "a line of more than %d bytes was cut; the log has it whole", AGENT_LINE_MAX);
    else
        take_line(r, r->line.data, r->line.len);
    r->line_cut = false;
    buf_clear(&r->line);
    if (r->line.cap > 1024 * 1024) { // seldom needed again
        buf_release(&r->line);
        buf_init(&r->line, AGENT_LINE_MAX);
    }
}

static void feed_lines(struct agent_reader *r, const char *p, size_t n)
{
    while (n) {
        const char *nl = memchr(p, '\n', n);
        size_t len = nl ? (size_t)(nl - p) : n;
        if (nl && !r->line.len && !r->line_cut) { // whole in this chunk: no copy
            take_line(r, p, len);
        } else {
            if (!r->line_cut && buf_append(&r->line, p, len))
                r->line_cut = true;
            if (nl)
                line_ends(r);
        }
        p += len + (nl != NULL);
        n -= len + (nl != NULL);
    }
}

// The last max bytes, in room for twice as many, so that moving them costs little for each byte.
// true: there were more.
static bool keep_tail(struct buf *b, const char *p, size_t n, size_t max)
{
    bool more = b->len + n > max;
    if (n >= max) {
        buf_clear(b);
        p += n - max;
        n = max;
    } else if (b->len + n > b->max) {
        buf_drop_front(b, b->len - (max - n));
    }
    (void)buf_append(b, p, n); // at most twice max together
    return more;
}

void agent_reader_feed(struct agent_reader *r, unsigned stream, const void *p, size_t n)
{
    if (stream)
        (void)keep_tail(&r->errors, p, n, ERRORS_MAX);
    else if (r->adapter->on_line)
        feed_lines(r, p, n);
    else
        r->result_cut |= keep_tail(&r->result, p, n, AGENT_RESULT_MAX);
}

// --- its life ---------------------------------------------------------------------------------

struct agent_reader *agent_reader_new(const struct agent_adapter *a, const struct agent_expect *x)
{
    struct agent_reader *r = xcalloc(1, sizeof(*r));
    r->adapter = a;
    r->expect = *x;
    if (x->session)
        (void)snprintf(r->expected, sizeof(r->expected), "%s", x->session);
    r->expect.session = NULL;
    r->live = !x->replays;
    r->first = x->first ? xstrdup(x->first) : NULL;
    r->expect.first = NULL;
    r->totals = x->before;
    buf_init(&r->line, AGENT_LINE_MAX);
    buf_init(&r->result, 2 * AGENT_RESULT_MAX);
    buf_init(&r->errors, 2 * ERRORS_MAX);
    buf_init(&r->payload, PAYLOAD_MAX);
    return r;
}

void agent_reader_free(struct agent_reader *r)
{
    if (!r)
        return;
    buf_release(&r->line);
    buf_release(&r->result);
    buf_release(&r->errors);
    buf_release(&r->payload);
    free(r->first);
    free(r->own);
    free(r);
}

const char *agent_reader_session(const struct agent_reader *r)
{
    return r->session;
}

// --- the verdict ------------------------------------------------------------------------------

// Ends that say all by themselves.
static const enum run_reason of_outcome[END_N] = {
    [END_TIMED_OUT] = WHY_WALL_LIMIT,
    [END_OOM] = WHY_OOM,
    [END_PIDS_LIMIT] = WHY_PIDS_LIMIT,
    [END_DISK_FULL] = WHY_DISK_FULL,
    [END_OUTPUT_LIMIT] = WHY_OUTPUT_LIMIT,
    [END_CANCELLED] = WHY_CANCELLED,
    [END_LOST] = WHY_LOST,
    [END_START_FAILED] = WHY_START_FAILED,
};

// The last line of standard error that says something.
static struct json_text last_words(const struct agent_reader *r)
{
    const char *p = r->errors.data;
    size_t n = r->errors.len;
    while (n && strchr(" \t\r\n", p[n - 1]))
        n--;
    const char *nl = memrchr(p, '\n', n);
    size_t from = nl ? (size_t)(nl - p) + 1 : 0;
    return (struct json_text){p + from, n - from};
}

static void say_end(const struct agent_reader *r, const struct outcome *o, const char *what,
                    struct agent_verdict *v)
{
    struct json_text words = last_words(r);
    char end[64];
    if (o->reason == END_SIGNALED)
        (void)snprintf(end, sizeof(end), "%s", signal_name(o->signal));
    else
        (void)snprintf(end, sizeof(end), "code %d", o->exit_code);
    (void)snprintf(v->error, sizeof(v->error), "%s (%s)%s%.*s", what, end, words.len ? ": " : "",
                   (int)cut_to(words.p, words.len, 250), words.p);
}

static void judge_program(const struct agent_reader *r, const struct outcome *o,
                          struct agent_verdict *v)
{
    v->succeeded = o->reason == END_EXITED && o->exit_code == 0;
    v->reason = v->succeeded                ? WHY_COMPLETED
                : o->reason == END_SIGNALED ? WHY_SIGNALED
                                            : WHY_EXITED;
    if (!v->succeeded)
        say_end(r, o, "the command failed", v);
}

static void judge_agent(const struct agent_reader *r, const struct outcome *o,
                        struct agent_verdict *v)
{
    if (r->failed == WHY_SETUP_FAILED) { // it was not begun at all
        v->reason = r->failed;
        memcpy(v->error, r->error, sizeof(v->error));
    } else if (r->session_changed) {
        v->reason = WHY_SESSION_CHANGED;
        (void)snprintf(v->error, sizeof(v->error), "it went on in session %.100s instead of %.100s",
                       r->session, *r->expected ? r->expected : "the one it began");
    } else if (r->expected[0] && !r->session[0]) {
        v->reason = WHY_SESSION_LOST;
        say_end(r, o, "the session to go on with was not found", v);
    } else if (r->failed) {
        v->reason = r->failed;
        memcpy(v->error, r->error, sizeof(v->error));
    } else if (!r->done && r->adapter->turn_limit_code &&
               o->exit_code == r->adapter->turn_limit_code) {
        v->reason = WHY_TURN_LIMIT;
        say_end(r, o, "it took more turns than it may", v);
    } else if (!r->done) {
        v->reason = WHY_NO_RESULT;
        say_end(r, o, "it ended without saying that it was done", v);
    } else if (o->reason != END_EXITED || o->exit_code) {
        v->reason = o->reason == END_SIGNALED ? WHY_SIGNALED : WHY_EXITED;
        say_end(r, o, "it said that it was done, and failed", v);
    } else {
        v->succeeded = true;
        v->reason = r->denials ? WHY_PERMISSION_DENIED : WHY_COMPLETED;
    }
}

void agent_reader_finish(struct agent_reader *r, const struct outcome *o, struct agent_verdict *ret)
{
    if (r->line.len || r->line_cut)
        line_ends(r); // the last line had no end
    if (!r->adapter->on_line && r->result.len > AGENT_RESULT_MAX)
        buf_drop_front(&r->result, r->result.len - AGENT_RESULT_MAX);
    *ret = (struct agent_verdict){.result = r->result.data,
                                  .result_len = r->result.len,
                                  .result_cut = r->result_cut,
                                  .usage = r->usage,
                                  .usage_partial = r->usage_partial,
                                  .totals = r->totals};
    if (o->reason < END_N && of_outcome[o->reason] != WHY_NONE) {
        ret->reason = of_outcome[o->reason];
        (void)snprintf(ret->error, sizeof(ret->error), "%s", o->detail);
    } else if (r->adapter->on_line) {
        judge_agent(r, o, ret);
    } else {
        judge_program(r, o, ret);
    }
}
