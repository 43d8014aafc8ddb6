// SPDX-License-Identifier: Apache-2.0
// The records of secrets, as they are sealed.
#include "exec_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>

struct sec_job {
    struct db_job job; // first member
    char id[SECRET_ID_MAX];
    struct sec *sec; // NULL: it is erased
    bool resealed;
    struct list waiters;
};

static int job_run(struct db_job *j, struct store *st, struct err *e)
{
    struct sec_job *k = (struct sec_job *)j;
    const struct sec *s = k->sec;
    if (!s)
        return store_secret_delete(st, k->id, e);
    const struct store_secret row = {
        .id = s->id,
        .kind = s->kind,
        .base_url = s->base_url,
        .header = s->header,
        .format = s->format,
        .hosts = {s->hosts->packed, s->hosts->packed_len},
        .models = {s->models->packed, s->models->packed_len},
        .sealed = {s->sealed, s->len},
        .created_ms = s->pub.created_ms,
        .updated_ms = s->pub.updated_ms,
    };
    return store_secret_put(st, &row, e);
}

static void job_done(struct db_job *j)
{
    struct sec_job *k = (struct sec_job *)j;
    struct core *c = k->job.core;
    struct sec *s = ptr_steal(&k->sec);
    struct err err = j->err;
    struct list waiters;
    struct sec *old = map_get(c->secrets.by_id, k->id);
    bool outdated = k->resealed && (!old || old->version != s->version);
    list_take(&k->waiters, &waiters);
    if (k->resealed)
        c->secrets.resealing[0] = '\0';
    if (s && (err.code || outdated))
        sec_free(ptr_steal(&s));
    else if (err.code && old)
        old->told = false; // it stays, and egress is to know it again
    else if (s)
        secret_arrived(c, s);
    else
        secret_gone(c, k->id);
    free(k);
    if (c->closing)
        return;
    if (err.code)
        waiters_fail(&waiters, &err);
    else
        waiters_done(&waiters, s ? &s->pub : NULL);
    (void)secrets_tell(c);
    if (!err.code)
        reseal_next(c);
}

static void push(struct core *c, const char *id, struct sec *s, struct waiter *w)
{
    struct sec_job *k = xcalloc(1, sizeof(*k));
    k->job = (struct db_job){.run = job_run, .done = job_done};
    k->sec = s;
    k->resealed = s && !w; // nobody waits for that
    TEXT_PUT(k->id, id);
    list_init(&k->waiters);
    waiter_add(w, &k->waiters, k, NULL);
    db_push(c, &k->job);
}

void secret_save(struct core *c, struct sec *s, struct waiter *w)
{
    push(c, s->id, s, w);
}

void secret_erase(struct core *c, const char *id, struct waiter *w)
{
    push(c, id, NULL, w);
}

// --- at start ---------------------------------------------------------------------------------

static int on_row(void *arg, const struct store_secret *r)
{
    struct core *c = arg;
    if (!secret_id_ok(r->id) || r->kind >= SECRET_TOOL || map_get(c->secrets.by_id, r->id))
        return 0;
    struct sec *s = xcalloc(1, sizeof(*s));
    TEXT_PUT(s->id, r->id);
    s->kind = (enum secret_kind)r->kind;
    s->base_url = xstrdup(r->base_url);
    s->header = xstrdup(r->header);
    s->format = xstrdup(r->format);
    s->hosts = strings_unpack(r->hosts.p, r->hosts.len);
    s->models = strings_unpack(r->models.p, r->models.len);
    s->sealed = xmemdup0(r->sealed.p, r->sealed.len);
    s->len = r->sealed.len;
    s->version = ++c->secrets.next_version;
    s->pub.created_ms = r->created_ms;
    s->pub.updated_ms = r->updated_ms;
    secret_arrived(c, s);
    return 0;
}

int secrets_load(struct core *c, struct err *e)
{
    return store_secret_each(c->db.store, on_row, c, e);
}
