// SPDX-License-Identifier: Apache-2.0
// Answers by Idempotency-Key: what was answered once is answered the same way again.
#include "core_int.h"

#include <pinfold/clock.h>
#include <pinfold/core_token.h>
#include <pinfold/crypt.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

#define HEAD_MAX (16 * 1024)

// A key that is being worked on. It is core's; the request points to it and it to the request,
// until either side is through.
struct idem_entry {
    struct db_job job; // first member: one look-up or one write at a time
    struct core *core;
    struct idem_request *request; // NULL: it left
    struct list waiters;
    char key[SHA256_HEX];
    unsigned char digest[SHA256_LEN];
    struct buf head, body;
    struct store_idem row;
    int found;
    bool abandoned;
};

static void free_entry(struct idem_entry *n)
{
    if (map_get(n->core->idem, n->key) == n)
        (void)map_del(n->core->idem, n->key);
    buf_release(&n->head);
    buf_release(&n->body);
    free(n);
}

static void make_key(const struct idem_request *r, char ret[SHA256_HEX])
{
    struct sha256 s;
    unsigned char raw[SHA256_LEN];
    sha256_init(&s);
    sha256_add(&s, r->token, strlen(r->token) + 1);
    sha256_add(&s, r->route, strlen(r->route) + 1);
    sha256_add(&s, r->key, strlen(r->key) + 1);
    sha256_end(&s, raw);
    (void)hex_encode(raw, sizeof(raw), ret);
}

// --- begin ------------------------------------------------------------------------------------

static int get_run(struct db_job *j, struct store *s, struct err *e)
{
    struct idem_entry *n = (struct idem_entry *)j;
    n->found = store_idem_get(s, n->key, &n->row, &n->head, &n->body, e);
    return n->found < 0 ? -1 : 0;
}

static void replay(struct idem_entry *n)
{
    struct idem_request *r = n->request;
    bool same = n->row.digest.len == SHA256_LEN && !memcmp(n->row.digest.p, n->digest, SHA256_LEN);
    r->out_state = same ? IDEM_REPLAY : IDEM_OTHER;
    r->out_status = n->row.status;
    r->out_head = n->row.head;
    r->out_body = n->row.body.p;
    r->out_body_len = n->row.body.len;
    r->entry = NULL;
    waiters_done(&n->waiters, r);
    free_entry(n);
}

static void get_done(struct db_job *j)
{
    struct idem_entry *n = (struct idem_entry *)j;
    struct idem_request *r = n->request;
    if (!r || n->core->closing) {
        free_entry(n);
        return;
    }
    if (j->err.code) {
        r->entry = NULL;
        waiters_fail(&n->waiters, &j->err);
        free_entry(n);
        return;
    }
    if (n->found && n->row.created_ms + IDEM_KEEP_MS > clock_wall_ms()) {
        replay(n);
        return;
    }
    r->out_state = IDEM_NEW;
    waiters_done(&n->waiters, r); // the entry stays until finish or abandon
}

static void on_left(struct waiter *w)
{
    struct idem_entry *n = w->subject;
    n->request->entry = NULL;
    n->request = NULL;
}

int core_idem_begin(struct core *c, struct idem_request *r, struct err *e)
{
    char key[SHA256_HEX];
    unsigned char digest[SHA256_LEN];
    size_t len = strlen(r->key);
    if (!len || len > IDEM_KEY_MAX)
        return err_set(e, ERR_BAD_REQUEST, "the idempotency key is not 1 to %d bytes",
                       IDEM_KEY_MAX);
    make_key(r, key);
    sha256_of(r->body ? r->body : "", r->body_len, digest);
    const struct idem_entry *other = map_get(c->idem, key);
    r->entry = NULL;
    if (other) {
        r->out_state = memcmp(other->digest, digest, sizeof(digest)) ? IDEM_OTHER : IDEM_RUNNING;
        waiter_later(c, &r->w, r, NULL);
        return 0;
    }
    struct idem_entry *n = xcalloc(1, sizeof(*n));
    n->core = c;
    n->request = r;
    list_init(&n->waiters);
    memcpy(n->key, key, sizeof(key));
    memcpy(n->digest, digest, sizeof(digest));
    buf_init(&n->head, HEAD_MAX);
    buf_init(&n->body, IDEM_ANSWER_MAX + SHA256_LEN);
    (void)map_put(c->idem, n->key, n);
    r->entry = n;
    waiter_add(&r->w, &n->waiters, n, on_left);
    n->job = (struct db_job){.run = get_run, .done = get_done};
    db_push(c, &n->job);
    return 0;
}

// --- end --------------------------------------------------------------------------------------

static int put_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_idem_put(s, &((struct idem_entry *)j)->row, e);
}

static void put_done(struct db_job *j)
{
    struct idem_entry *n = (struct idem_entry *)j;
    struct err err = j->err;
    if (n->request)
        n->request->entry = NULL;
    if (err.code)
        waiters_fail(&n->waiters, &err);
    else
        waiters_done(&n->waiters, n->request);
    free_entry(n);
}

int core_idem_finish(struct core *c, struct idem_request *r, int status, const char *head,
                     const void *body, size_t len)
{
    struct idem_entry *n = r->entry;
    if (!n)
        return -1;
    buf_clear(&n->head);
    buf_clear(&n->body);
    if (len > IDEM_ANSWER_MAX || buf_puts(&n->head, head ? head : "") ||
        buf_append(&n->body, body ? body : "", len)) {
        r->entry = NULL;
        free_entry(n);
        waiter_later(c, &r->w, r, NULL);
        return 0;
    }
    n->row = (struct store_idem){
        .key = n->key,
        .digest = {n->digest, SHA256_LEN},
        .status = status,
        .head = n->head.data,
        .body = {n->body.data, n->body.len},
        .created_ms = clock_wall_ms(),
    };
    waiter_add(&r->w, &n->waiters, n, on_left);
    n->job = (struct db_job){.run = put_run, .done = put_done};
    db_push(c, &n->job);
    return 0;
}

void core_idem_abandon(struct core *c, struct idem_request *r)
{
    struct idem_entry *n = r->entry;
    (void)c;
    if (!n || waiter_pending(&r->w))
        return; // while it is looked up or written, waiter_cancel is what ends it
    r->entry = NULL;
    free_entry(n);
}

void idem_free(struct core *c)
{
    size_t cursor = 0;
    struct idem_entry *n;
    while ((n = map_next(c->idem, &cursor, NULL))) {
        free_entry(n); // takes it out of the map: begin again
        cursor = 0;
    }
}

struct idem_old {
    struct db_job job; // first member
    uint64_t before_ms;
};

static int expire_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_idem_expire(s, ((struct idem_old *)j)->before_ms, e);
}

static void expire_done(struct db_job *j)
{
    free(j); // tried again at the next turn
}

void idem_expire(struct core *c)
{
    struct idem_old *o = xcalloc(1, sizeof(*o));
    o->job = (struct db_job){.run = expire_run, .done = expire_done};
    o->before_ms = clock_wall_ms() - IDEM_KEEP_MS;
    db_push(c, &o->job);
}
