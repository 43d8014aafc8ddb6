// SPDX-License-Identifier: Apache-2.0
// What agents ask. An approval is a part of its run's record: question, state of the run and event are
// committed as one. Its answer is on the disk before the agent hears it, and is told again when it
// asks again, as it seems to after a restart, when its output is read once more.
#include "run_int.h"

#include <pinfold/agent_hook.h>
#include <pinfold/clock.h>
#include <pinfold/core_approval.h>
#include <pinfold/map.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>

#define PENDING_MAX 32 // of a run; more are refused at once
#define KEPT_MAX 200   // of a run
#define FIELDS 10      // of one in the record

struct apr {
    struct approval pub;
    struct runrec *r;
    struct list link, all; // the run's and core's, oldest first
    char question[AGENT_ID_MAX];
    char *input, *message, *changed;
    struct timer timer;
    bool untold;         // answered, and not yet on the disk
    bool again;          // asked again, as it is after a restart
    struct list waiters; // a hook's
};

static const char *const status_names[APPROVAL_N] = {
    [APPROVAL_PENDING] = "pending",     [APPROVAL_ALLOWED] = "allowed",
    [APPROVAL_DENIED] = "denied",       [APPROVAL_EXPIRED] = "expired",
    [APPROVAL_WITHDRAWN] = "withdrawn",
};

const char *approval_status_name(enum approval_status s)
{
    return s < APPROVAL_N ? status_names[s] : "unknown";
}

int approval_status_parse(const char *s, enum approval_status *ret)
{
    for (unsigned i = 0; i < APPROVAL_N; i++)
        if (!strcmp(s, status_names[i])) {
            *ret = (enum approval_status)i;
            return 0;
        }
    return -1;
}

// --- the object -------------------------------------------------------------------------------

static struct apr *at_link(struct list *it)
{
    return container_of(it, struct apr, link);
}

static void insert(struct apr *a)
{
    struct core *c = a->r->core;
    struct list *at = c->approval_list.prev;
    while (at != &c->approval_list &&
           strcmp(container_of(at, struct apr, all)->pub.id, a->pub.id) > 0)
        at = at->prev;                // ids are in the order of making
    list_add_tail(at->next, &a->all); // behind `at`
    list_add_tail(&a->r->approvals, &a->link);
    (void)map_put(c->approvals, a->pub.id, a);
    list_init(&a->waiters);
    a->pub.input = a->input;
    a->pub.message = a->message;
    a->pub.changed = a->changed;
}

static void tell_hook(struct apr *a)
{
    struct list waiters;
    list_take(&a->waiters, &waiters);
    waiters_done(&waiters, &a->pub);
}

static void apr_free(struct apr *a)
{
    struct core *c = a->r->core;
    tell_hook(a);
    loop_timer_cancel(c->loop, &a->timer);
    (void)map_del(c->approvals, a->pub.id);
    list_del(&a->link);
    list_del(&a->all);
    free(a->input);
    free(a->message);
    free(a->changed);
    free(a);
}

void approvals_free(struct runrec *r)
{
    while (!list_empty(&r->approvals))
        apr_free(at_link(r->approvals.next));
}

static unsigned pending(const struct runrec *r)
{
    unsigned n = 0;
    list_for (it, &r->approvals)
        n += at_link(it)->pub.status == APPROVAL_PENDING;
    return n;
}

static void trim(struct runrec *r)
{
    unsigned n = 0;
    list_for (it, &r->approvals)
        n++;
    list_for_safe (it, &r->approvals)
        if (n > KEPT_MAX && at_link(it)->pub.status != APPROVAL_PENDING) {
            apr_free(at_link(it));
            n--;
        }
}

// --- the record -------------------------------------------------------------------------------

struct strings *approvals_pack(const struct runrec *r)
{
    size_t n = 0;
    list_for (it, &r->approvals)
        n++;
    own_free const char **list = xcalloc(FIELDS * n + 1, sizeof(*list));
    own_free char *numbers = xcalloc(4 * n + 1, 24);
    char *number = numbers;
    size_t i = 0;
    list_for (it, &r->approvals) {
        const struct apr *a = at_link(it);
        const char *texts[] = {a->pub.id, a->question, a->pub.tool,
                               a->input,  a->message,  a->changed ? a->changed : ""};
        const uint64_t values[] = {a->pub.status, a->pub.created_ms, a->pub.expires_ms,
                                   a->pub.answered_ms};
        for (size_t k = 0; k < N_ELEMS(texts); k++)
            list[i++] = texts[k];
        for (size_t k = 0; k < N_ELEMS(values); k++, number += 24) {
            (void)snprintf(number, 24, "%llu", (unsigned long long)values[k]);
            list[i++] = number;
        }
    }
    return strings_copy(list);
}

void approvals_unpack(struct runrec *r, const void *p, size_t len)
{
    own_free struct strings *s = strings_unpack(p, len);
    for (size_t i = 0; i + FIELDS <= s->n; i += FIELDS) {
        const char *const *f = s->list + i;
        uint64_t status, created, expires, answered;
        if (!id_ok(f[0], "apr") || map_get(r->core->approvals, f[0]) ||
            num_parse_u64(f[6], 0, APPROVAL_N - 1, &status, NULL) ||
            num_parse_u64(f[7], 0, UINT64_MAX, &created, NULL) ||
            num_parse_u64(f[8], 0, UINT64_MAX, &expires, NULL) ||
            num_parse_u64(f[9], 0, UINT64_MAX, &answered, NULL))
            continue;
        struct apr *a = xcalloc(1, sizeof(*a));
        a->r = r;
        TEXT_PUT(a->pub.id, f[0]);
        TEXT_PUT(a->pub.run, r->pub.id);
        TEXT_PUT(a->question, f[1]);
        TEXT_PUT(a->pub.tool, f[2]);
        a->input = xstrdup(f[3]);
        a->message = xstrdup(f[4]);
        a->changed = *f[5] ? xstrdup(f[5]) : NULL;
        a->pub.status = (enum approval_status)status;
        a->pub.created_ms = created;
        a->pub.expires_ms = expires;
        a->pub.answered_ms = answered;
        insert(a);
    }
}

// --- answers ----------------------------------------------------------------------------------

static void tell(struct apr *a)
{
    own_buf struct buf b;
    const struct agent_answer answer = {
        .id = a->question,
        .allow = a->pub.status == APPROVAL_ALLOWED,
        .message = a->pub.status == APPROVAL_EXPIRED ? "nobody answered in time"
                   : *a->message                     ? a->message
                                                     : NULL,
        .input = a->changed ? a->changed : a->input,
    };
    buf_init(&b, 1024 * 1024); // input and message have their limits
    tell_hook(a);
    if (!a->r->reader || agent_hook_asked(a->question))
        return; // its turn is over, or its hook hears it
    agent_answer(a->r->reader, &b, &answer);
    run_write(a->r, &b);
}

static void tell_all(struct runrec *r)
{
    list_for (it, &r->approvals)
        if (at_link(it)->untold) {
            at_link(it)->untold = false;
            tell(at_link(it));
        }
    run_send_said(r); // it shares the place to be told of a commit
}

// It is on the disk, with the state of its run, before anybody acts on it.
static void settle(struct apr *a, enum approval_status status, const char *message)
{
    struct runrec *r = a->r;
    const struct event_word words[] = {{.name = "approval_id", .text = a->pub.id},
                                       {.name = "status", .text = approval_status_name(status)},
                                       {.name = "message", .text = *message ? message : NULL}};
    own_buf struct buf b;
    buf_init(&b, 64 * 1024);
    loop_timer_cancel(r->core->loop, &a->timer);
    free(a->message);
    a->message = xstrdup(message);
    a->pub.message = a->message;
    a->pub.status = status;
    a->pub.answered_ms = clock_wall_ms();
    event_payload(&b, words, N_ELEMS(words));
    run_event_add(r, EV_APPROVAL_ANSWERED, b.data, b.len);
    if (r->pub.state == RUN_NEEDS_INPUT && !pending(r))
        run_set_state(r, RUN_RUNNING);
    run_row_changed(r);
    r->heard_ms = clock_mono_ms(); // it was silent since it waited
}

static void on_expired(struct timer *t)
{
    struct apr *a = container_of(t, struct apr, timer);
    settle(a, APPROVAL_EXPIRED, "");
    a->untold = true;
    run_when_committed(a->r, tell_all);
}

void approvals_end(struct runrec *r)
{
    list_for (it, &r->approvals)
        if (at_link(it)->pub.status == APPROVAL_PENDING) {
            settle(at_link(it), APPROVAL_WITHDRAWN, "");
            tell_hook(at_link(it));
        }
}

static void watch(struct apr *a)
{
    uint64_t now = clock_wall_ms();
    loop_timer_set(a->r->core->loop, &a->timer,
                   a->pub.expires_ms > now ? a->pub.expires_ms - now : 0, on_expired);
}

// Those that still wait after a restart.
void approvals_resume(struct runrec *r)
{
    list_for (it, &r->approvals)
        if (at_link(it)->pub.status == APPROVAL_PENDING)
            watch(at_link(it));
}

// --- questions ----------------------------------------------------------------------------------

static struct apr *by_question(const struct runrec *r, const char *id)
{
    list_for (it, &r->approvals)
        if (!strcmp(at_link(it)->question, id))
            return at_link(it);
    return NULL;
}

static void say_asked(struct apr *a)
{
    own_buf struct buf b;
    const struct event_word words[] = {
        {.name = "text", .text = "it asks whether it may"},
        {.name = "approval_id", .text = a->pub.id},
        {.name = "source", .text = agent_hook_asked(a->question) ? "hook" : NULL},
        {.name = "name", .text = a->pub.tool},
        {.name = "input", .text = a->input}};
    buf_init(&b, 1024 * 1024);
    event_payload(&b, words, N_ELEMS(words));
    run_event_add(a->r, EV_AGENT_NEEDS_ATTENTION, b.data, b.len);
}

void run_asked(void *arg, const struct agent_question *q)
{
    struct runrec *r = arg;
    struct apr *a = by_question(r, q->id);
    if (a) { // it was read before
        if (r->known_events)
            r->known_events--;
        a->again = true;
        if (r->read_at >= r->replay_until)
            approvals_tell_again(r);
        return;
    }
    a = xcalloc(1, sizeof(*a));
    a->r = r;
    (void)id_make("apr", a->pub.id);
    TEXT_PUT(a->pub.run, r->pub.id);
    TEXT_PUT(a->question, q->id);
    TEXT_PUT(a->pub.tool, q->name);
    a->input = xmemdup0(q->input, q->input_len);
    a->message = xstrdup("");
    a->pub.created_ms = clock_wall_ms();
    a->pub.expires_ms = a->pub.created_ms + r->approval_ms;
    bool many = pending(r) >= PENDING_MAX;
    insert(a);
    say_asked(a);
    if (many) {
        settle(a, APPROVAL_DENIED, "too many questions wait for an answer");
        a->untold = true;
        run_when_committed(r, tell_all);
        return;
    }
    if (r->pub.state == RUN_RUNNING)
        run_set_state(r, RUN_NEEDS_INPUT);
    run_row_changed(r);
    watch(a);
    trim(r);
}

void run_withdrawn(void *arg, const char *id)
{
    struct apr *a = by_question(arg, id);
    if (a)
        a->again = false;
    if (a && a->pub.status == APPROVAL_PENDING)
        settle(a, APPROVAL_WITHDRAWN, "");
}

void approvals_tell_again(struct runrec *r)
{
    list_for (it, &r->approvals) {
        struct apr *a = at_link(it);
        if (a->again && a->pub.status != APPROVAL_PENDING && !a->untold)
            tell(a);
        a->again = false;
    }
}

int core_approval_ask(struct core *c, struct run *pub, const struct agent_question *q, uint64_t ms,
                      struct waiter *w, struct err *e)
{
    struct runrec *r = runrec_of(pub);
    if (!r->approval_ms || !r->x || run_talks(r))
        return err_set(e, ERR_CONFLICT, "run %s does not ask by hooks", pub->id);
    if (!by_question(r, q->id))
        run_asked(r, q);
    struct apr *a = by_question(r, q->id);
    if (a->pub.status == APPROVAL_PENDING || a->untold)
        waiter_add_timed(c, w, &a->waiters, &a->pub, ms);
    else
        waiter_later(c, w, &a->pub, NULL);
    return 0;
}

// --- the verbs --------------------------------------------------------------------------------

struct approval *core_approval_find(struct core *c, const char *id, struct err *e)
{
    struct apr *a = id_ok(id, "apr") ? map_get(c->approvals, id) : NULL;
    if (a && a->r->recorded && !a->r->deleting)
        return &a->pub;
    err_set(e, ERR_NOT_FOUND, "there is no approval '%.40s'", id);
    return NULL;
}

size_t core_approval_list(struct core *c, const struct approval_filter *f, const char *after,
                          struct approval **ret, size_t max, bool *ret_more)
{
    struct cursor cursor;
    struct apr *at = map_get(c->approvals, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.prev : c->approval_list.prev; it != &c->approval_list;
         it = it->prev) {
        struct apr *a = container_of(it, struct apr, all);
        if ((f->run && strcmp(f->run, a->pub.run)) ||
            (f->status_given && a->pub.status != f->status) || a->r->deleting ||
            (!at && !cursor_older(&cursor, a->pub.id, a->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = &a->pub;
    }
    return n;
}

int core_approval_answer(struct core *c, struct approval *pub, const struct approval_answer *answer,
                         struct waiter *w, struct err *e)
{
    struct apr *a = container_of(pub, struct apr, pub);
    (void)c;
    if (pub->status != APPROVAL_PENDING)
        return err_set(e, ERR_GONE, "approval %s is not asked any more: %s", pub->id,
                       approval_status_name(pub->status));
    if (answer->message && strlen(answer->message) > APPROVAL_MESSAGE_BYTES)
        return err_set(e, ERR_LIMIT, "message is larger than %d bytes", APPROVAL_MESSAGE_BYTES);
    if (answer->input && strlen(answer->input) > AGENT_INPUT_MAX)
        return err_set(e, ERR_LIMIT, "input is larger than %d bytes", AGENT_INPUT_MAX);
    if (answer->allow && answer->input && !agent_takes_input(a->r->adapter) &&
        !agent_hook_asked(a->question))
        return err_set(e, ERR_BAD_REQUEST,
                       "input: agent %s does what it asks for as it is, or not at all",
                       agent_name(a->r->adapter));
    if (answer->input && answer->input[strspn(answer->input, " \t\r\n")] != '{')
        return err_set(e, ERR_BAD_REQUEST, "input is not an object");
    a->changed = answer->allow && answer->input ? xstrdup(answer->input) : NULL;
    for (char *p = a->changed; p && *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' '; // between values only: it is a line to the agent
    a->pub.changed = a->changed;
    settle(a, answer->allow ? APPROVAL_ALLOWED : APPROVAL_DENIED,
           answer->message ? answer->message : "");
    a->untold = true;
    waiter_add(w, &a->r->creators, &a->r->pub, NULL);
    run_when_committed(a->r, tell_all);
    return 0;
}
