// SPDX-License-Identifier: Apache-2.0
// Webhooks: what a run came to, posted to an address that was given with it.
//
// Theory of operation. A delivery's row is in the database before the first try, so it outlives this
// process; one that was under way when that died is tried again, with the same id. A try is one curl
// in a fresh sandbox of its own, which reaches that one host and no other: the egress process resolves
// the name, refuses private addresses, and what the other side answers is parsed where it can harm
// nothing. Neither address nor signature is on a command line.
#include "run_int.h"

#include <pinfold/clock.h>
#include <pinfold/core_token.h>
#include <pinfold/crypt.h>
#include <pinfold/map.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <stdio.h>

#define TRY_MS 30000          // of one try
#define BODY_MAX (256 * 1024) // a result of 64 KiB, escaped
#define HOOKS_MAX 1000        // of a run; beyond them only what ends or pauses it is sent
#define FLEETING_MAX 4        // of a run, under way; others are dropped meanwhile
static const uint64_t retry_ms[] = {1000, 5000, 30000};

struct hook {
    struct delivery pub;
    struct runrec *r;
    struct list link; // the run's
    char *body;
    bool fleeting; // not recorded, not tried again
    struct timer timer;
    struct waiter w; // of the try that is under way
};

// --- where to ---------------------------------------------------------------------------------

// The rule that allows it and nothing else: HOST:PORT.
int hook_rule(const char *what, const char *url, char ret[NETWORK_RULE_MAX], struct err *e)
{
    struct host h;
    uint16_t port;
    bool tls = !strncmp(url, "https://", 8);
    if (!tls && strncmp(url, "http://", 7))
        return err_set(e, ERR_BAD_REQUEST, "%s begins with https:// or http://", what);
    const char *at = url + (tls ? 8 : 7);
    size_t n = strcspn(at, "/?#");
    for (const char *p = url; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '\\' || *p == 0x7f)
            return err_set(e, ERR_BAD_REQUEST, "%s has a blank, quote or backslash in it", what);
    if (memchr(at, '@', n))
        return err_set(e, ERR_BAD_REQUEST, "%s has a user in it, which is not sent", what);
    if (host_port_parse(at, n, tls ? 443 : 80, &h, &port, e))
        return err_wrap(e, "%s", what);
    (void)snprintf(ret, NETWORK_RULE_MAX, strchr(h.text, ':') ? "[%s]:%u" : "%s:%u", h.text, port);
    return 0;
}

int hook_check(const struct core *c, const char *url, struct err *e)
{
    return hook_check_as(c, "webhook_url", url, e);
}

int hook_check_as(const struct core *c, const char *what, const char *url, struct err *e)
{
    char rule[NETWORK_RULE_MAX];
    const char *const allow[] = {rule, NULL};
    const struct profile *profile = core_profile_find(c, "default");
    own_buf struct buf rules;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (hook_rule(what, url, rule, e))
        return -1;
    if (!profile)
        return err_set(e, ERR_INTERNAL, "there is no profile default");
    return network_rules(c, profile, allow, NULL, &rules, e) ? err_wrap(e, "%s", what) : 0;
}

// --- the record -------------------------------------------------------------------------------

struct hook_job {
    struct db_job job; // first member
    struct hook *h;
    struct delivery copy;
    char *body, *run;
    void (*done)(struct hook *h);
};

static int put_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct hook_job *d = (struct hook_job *)j;
    const struct delivery *p = &d->copy;
    const struct store_delivery row = {.id = p->id,
                                       .run = d->run,
                                       .event = p->event,
                                       .status = p->status,
                                       .attempts = p->attempts,
                                       .http_status = p->http_status,
                                       .body = d->body,
                                       .error = p->error,
                                       .created_ms = p->created_ms,
                                       .next_ms = p->next_ms,
                                       .ended_ms = p->ended_ms};
    return store_delivery_put(s, &row, e);
}

static void put_done(struct db_job *j)
{
    struct hook_job *d = (struct hook_job *)j;
    if (!j->core->closing && d->done)
        d->done(d->h); // also when it could not be written: it is tried all the same
    free(d->body);
    free(d->run);
    free(d);
}

static void save(struct hook *h, void (*done)(struct hook *h))
{
    struct hook_job *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = put_run, .done = put_done};
    d->h = h;
    d->copy = h->pub;
    d->body = xstrdup(h->body);
    d->run = xstrdup(h->r->pub.id);
    d->done = done;
    db_push(h->r->core, &d->job);
}

// --- a try ------------------------------------------------------------------------------------

static void try_now(struct hook *h);

static void on_timer(struct timer *t)
{
    try_now(container_of(t, struct hook, timer));
}

static void hook_free(struct hook *h)
{
    list_del(&h->link);
    free(h->body);
    free(h);
}

static void finish(struct hook *h, enum delivery_status status)
{
    if (h->fleeting) {
        hook_free(h);
        return;
    }
    h->pub.status = status;
    h->pub.ended_ms = clock_wall_ms();
    h->pub.next_ms = 0;
    free(h->body);
    h->body = xstrdup("");
    save(h, NULL);
}

static void failed(struct hook *h, const char *error)
{
    TEXT_PUT(h->pub.error, error);
    if (h->fleeting || h->pub.attempts > N_ELEMS(retry_ms)) {
        finish(h, DELIVERY_FAILED);
        return;
    }
    uint64_t ms = retry_ms[h->pub.attempts - 1];
    h->pub.next_ms = clock_wall_ms() + ms;
    save(h, NULL);
    loop_timer_set(h->r->core->loop, &h->timer, ms, on_timer);
}

static void on_tried(struct waiter *w)
{
    struct hook *h = container_of(w, struct hook, w);
    struct core *c = h->r->core;
    struct exec *x = w->result; // h, with w in it, may be gone at the end
    char text[160] = "";
    if (w->err.code) {
        failed(h, w->err.text);
        return;
    }
    // curl's -w: the answer's status, 000 for none
    size_t n = x->data_len[EXEC_STDOUT] < 3 ? x->data_len[EXEC_STDOUT] : 3;
    if (n)
        memcpy(text, x->data[EXEC_STDOUT], n);
    uint64_t status = 0;
    (void)num_parse_u64(text, 0, 999, &status, NULL); // else there was no answer
    h->pub.http_status = (uint32_t)status;
    if (h->pub.http_status >= 200 && h->pub.http_status < 300 && !x->end.exit_code) {
        h->pub.error[0] = '\0';
        finish(h, DELIVERY_DONE);
    } else if (h->pub.http_status) {
        (void)snprintf(text, sizeof(text), "it answered with status %u", h->pub.http_status);
        failed(h, text);
    } else {
        n = x->data_len[EXEC_STDERR] < 120 ? x->data_len[EXEC_STDERR] : 120;
        (void)snprintf(text, sizeof(text), "%s%.*s",
                       x->end.reason == END_EXITED ? "" : "it was ended: ", (int)n,
                       n ? x->data[EXEC_STDERR] : "");
        for (char *p = text; *p; p++)
            if ((unsigned char)*p < ' ' || *p == 0x7f)
                *p = ' ';
        failed(h, *text ? text : end_reason_name(x->end.reason));
    }
    struct err e;
    (void)core_exec_delete(c, x, NULL, &e); // it is nobody's to look at
}

// What curl reads as its configuration.
static void write_config(const struct hook *h, struct buf *b)
{
    const struct hook_style *s = hook_style_find(h->r->core, h->r->hook_style);
    unsigned char key[32], mac[32];
    char hex[2 * sizeof(mac) + 1], id[ID_MAX];
    own_buf struct buf text;
    unsigned long long now = clock_wall_ms() / 1000;
    buf_init(&text, BODY_MAX + 64);
    if (s->stamped)
        (void)buf_printf(&text, "%llu.", now);
    (void)buf_puts(&text, h->body);
    core_secret(h->r->core, HOOK_PURPOSE, key);
    (void)hex_encode(key, sizeof(key), hex);
    hmac_sha256(hex, strlen(hex), text.data, text.len, mac);
    (void)buf_printf(b,
                     "url = \"%s\"\nheader = \"Content-Type: application/json\"\n"
                     "header = \"User-Agent: %s\"\nheader = \"%s-Event: %s\"\n"
                     "header = \"%s-Delivery: %s\"\nheader = \"%s-Signature: %s%s\"\n",
                     h->r->webhook_url, s->user_agent, s->header,
                     s->event((enum event_type)h->pub.event), s->header,
                     s->id_per_try ? id_make("whd", id) : h->pub.id, s->header, s->signature,
                     hex_encode(mac, sizeof(mac), hex));
    if (s->stamped)
        (void)buf_printf(b, "header = \"%s-Timestamp: %llu\"\n", s->header, now);
    (void)buf_puts(b, "header = \"Expect:\"\ndata-binary = \"@body.json\"\noutput = \"/dev/null\"\n"
                      "write-out = \"%{http_code}\"\nsilent\nshow-error\nmax-time = 20\n"
                      "proto = \"=http,https\"\nnoproxy = \"\"\n");
}

static void try_now(struct hook *h)
{
    static const char *const argv[] = {"curl", "--disable", "--config", "-", NULL};
    struct core *c = h->r->core;
    char rule[NETWORK_RULE_MAX];
    const char *const allow[] = {rule, NULL};
    struct err e = {0};
    own_buf struct buf config = {0};
    if (c->stopping)
        return; // the next server does it
    buf_init(&config, 16 * 1024);
    write_config(h, &config);
    const struct file_put body = {.path = "body.json", .data = h->body, .len = strlen(h->body)};
    const struct exec_spec spec = {.argv = argv,
                                   .stdin_data = config.data,
                                   .stdin_len = config.len,
                                   .timeout_ms = TRY_MS,
                                   .image = "host",
                                   .profile = "default",
                                   .network_given = true,
                                   .network = NET_LIST,
                                   .allow = allow,
                                   .files = &body,
                                   .n_files = 1};
    h->pub.attempts++;
    h->pub.next_ms = 0;
    h->w = (struct waiter){.on_done = on_tried};
    if (hook_rule("webhook_url", h->r->webhook_url, rule, &e) ||
        !core_exec_start(c, NULL, &spec, &h->w, &e))
        failed(h, e.text);
}

// --- of a run ---------------------------------------------------------------------------------

static unsigned count(const struct runrec *r, bool fleeting)
{
    unsigned n = 0;
    list_for (it, &r->hooks)
        n += container_of(it, struct hook, link)->fleeting || !fleeting;
    return n;
}

bool hook_wants(const struct runrec *r, enum event_type type)
{
    const struct hook_style *s = hook_style_find(r->core, r->hook_style);
    return *r->webhook_url && (s->types >> type & 1 || (r->pub.notify && s->notify >> type & 1 &&
                                                        count(r, false) < HOOKS_MAX));
}

static struct hook *hook_new(struct runrec *r)
{
    struct hook *h = xcalloc(1, sizeof(*h));
    h->r = r;
    list_add_tail(&r->hooks, &h->link);
    return h;
}

void hook_send(struct runrec *r, enum event_type type, const char *payload, size_t len)
{
    const struct hook_style *s = hook_style_find(r->core, r->hook_style);
    bool fleeting = s->fleeting >> type & 1;
    own_buf struct buf b = {0};
    if (!*r->webhook_url || (fleeting && count(r, true) >= FLEETING_MAX))
        return;
    struct hook *h = hook_new(r);
    id_make("whd", h->pub.id);
    h->pub.event = type;
    h->pub.created_ms = clock_wall_ms();
    h->fleeting = fleeting;
    const struct hook_news news = {h->pub.id, &r->pub, type, payload, len};
    buf_init(&b, BODY_MAX);
    if (s->write(&news, &b)) {
        hook_free(h);
        return;
    }
    h->body = xstrdup(b.data);
    if (fleeting)
        try_now(h);
    else
        save(h, try_now);
}

void hooks_resume(struct runrec *r)
{
    uint64_t now = clock_wall_ms();
    list_for (it, &r->hooks) {
        struct hook *h = container_of(it, struct hook, link);
        if (h->pub.status != DELIVERY_PENDING)
            continue;
        uint64_t ms = h->pub.next_ms > now ? h->pub.next_ms - now : 0;
        loop_timer_set(r->core->loop, &h->timer, ms < 60000 ? ms : 60000, on_timer);
    }
}

static int on_row(void *arg, const struct store_delivery *row)
{
    struct core *c = arg;
    struct runrec *r = map_get(c->runs, row->run);
    if (!r || !id_ok(row->id, "whd") || row->event >= EV_N)
        return 0;
    struct hook *h = hook_new(r);
    TEXT_PUT(h->pub.id, row->id);
    h->pub.event = row->event;
    h->pub.status =
        row->status <= DELIVERY_FAILED ? (enum delivery_status)row->status : DELIVERY_FAILED;
    h->pub.attempts = row->attempts;
    h->pub.http_status = row->http_status;
    h->pub.created_ms = row->created_ms;
    h->pub.next_ms = row->next_ms;
    h->pub.ended_ms = row->ended_ms;
    TEXT_PUT(h->pub.error, row->error);
    h->body = xstrdup(row->body);
    return 0;
}

int hooks_load(struct core *c, struct err *e)
{
    return store_delivery_each(c->db.store, on_row, c, e);
}

// Its rows go with the run.
int hooks_delete_rows(struct runrec *r, struct store *s, struct err *e)
{
    list_for (it, &r->hooks)
        if (store_delivery_delete(s, container_of(it, struct hook, link)->pub.id, e))
            return -1;
    return 0;
}

void hooks_stop(struct runrec *r)
{
    list_for (it, &r->hooks) {
        struct hook *h = container_of(it, struct hook, link);
        loop_timer_cancel(r->core->loop, &h->timer);
        waiter_cancel(&h->w);
    }
}

void hooks_free(struct runrec *r)
{
    hooks_stop(r);
    list_for_safe (it, &r->hooks)
        hook_free(container_of(it, struct hook, link));
}

const struct delivery *core_run_delivery_next(struct run *pub, const struct delivery *prev)
{
    struct runrec *r = runrec_of(pub);
    bool take = !prev;
    list_for (it, &r->hooks) {
        const struct delivery *d = &container_of(it, struct hook, link)->pub;
        if (take && !container_of(it, struct hook, link)->fleeting)
            return d;
        take |= d == prev;
    }
    return NULL;
}
