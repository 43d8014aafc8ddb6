// SPDX-License-Identifier: Apache-2.0
// Repositories: what is known of each mirror, and the verbs.
#include "checkout_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/crypt.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/profile.h>

const char *repo_status_name(enum repo_status s)
{
    static const char *const names[REPO_N] = {"empty", "fetching", "ready", "error"};
    return s < REPO_N ? names[s] : "unknown";
}

static struct rep *rep_of(struct repository *r)
{
    return container_of(r, struct rep, pub);
}

static void insert(struct core *c, struct rep *r)
{
    r->core = c;
    list_init(&r->jobs);
    list_init(&r->deleters);
    list_add_tail(&c->repos, &r->all);
    (void)map_put(c->repos_by_id, r->pub.id, r);
    (void)map_put(c->repos_by_mirror, r->pub.mirror, r);
}

static void remove_rep(struct rep *r)
{
    struct core *c = r->core;
    list_del(&r->all);
    (void)map_del(c->repos_by_id, r->pub.id);
    (void)map_del(c->repos_by_mirror, r->pub.mirror);
    free(r->allow);
    free(r->url);
    free(r);
}

// --- the record -------------------------------------------------------------------------------

struct rep_save {
    struct db_job job; // first member
    struct rep *rep;
    struct store_repo row;
    struct repository copy;
    struct strings *allow;
    struct list waiters; // of a change that is to be told of
};

static int save_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_repo_put(s, &((struct rep_save *)j)->row, e);
}

static void save_done(struct db_job *j)
{
    struct rep_save *s = (struct rep_save *)j;
    s->rep->saving--; // a record that could not be written is made again by the next fetch
    if (j->err.code)
        waiters_fail(&s->waiters, &j->err);
    else
        waiters_done(&s->waiters, &s->rep->pub);
    free(s->allow);
    free(s);
}

static void save(struct rep *r, struct waiter *w)
{
    struct rep_save *s = xcalloc(1, sizeof(*s));
    s->job = (struct db_job){.run = save_run, .done = save_done};
    s->rep = r;
    s->copy = r->pub;
    s->row = (struct store_repo){
        .id = s->copy.id,
        .mirror = s->copy.mirror,
        .url = r->url, // never changes
        .status = s->copy.status,
        .created_ms = s->copy.created_ms,
        .fetched_ms = s->copy.fetched_ms,
        .bytes = s->copy.bytes,
        .objects = s->copy.objects,
        .error = s->copy.error,
        .listed = r->allow != NULL,
    };
    list_init(&s->waiters);
    if (w)
        waiter_add(w, &s->waiters, r, NULL);
    if (r->allow) {
        s->allow = strings_copy(r->allow->list);
        s->row.allow = (struct store_blob){s->allow->packed, s->allow->packed_len};
    }
    r->saving++;
    db_push(r->core, &s->job);
}

void rep_save(struct rep *r)
{
    save(r, NULL);
}

static void set_allow(struct rep *r, struct strings *take)
{
    free(r->allow);
    r->allow = take;
    r->pub.allow = take ? take->list : NULL;
}

struct rep *rep_for(struct core *c, const char *mirror, const char *url)
{
    struct rep *r = map_get(c->repos_by_mirror, mirror);
    if (r)
        return r;
    r = xcalloc(1, sizeof(*r));
    (void)id_make("repo", r->pub.id);
    TEXT_PUT(r->pub.mirror, mirror);
    r->url = xstrdup(url);
    r->pub.url = r->url;
    r->pub.created_ms = clock_wall_ms();
    insert(c, r);
    rep_save(r);
    return r;
}

static int on_row(void *arg, const struct store_repo *row)
{
    struct core *c = arg;
    if (!id_ok(row->id, "repo") || map_get(c->repos_by_id, row->id))
        return 0;
    struct rep *r = xcalloc(1, sizeof(*r));
    TEXT_PUT(r->pub.id, row->id);
    TEXT_PUT(r->pub.mirror, row->mirror);
    r->url = xstrdup(row->url);
    r->pub.url = r->url;
    r->pub.status = row->status < REPO_N ? (enum repo_status)row->status : REPO_ERROR;
    if (r->pub.status == REPO_FETCHING)
        r->pub.status = row->fetched_ms ? REPO_READY : REPO_EMPTY;
    r->pub.created_ms = row->created_ms;
    r->pub.fetched_ms = row->fetched_ms;
    r->pub.bytes = row->bytes;
    r->pub.objects = row->objects;
    TEXT_PUT(r->pub.error, row->error);
    if (row->listed)
        set_allow(r, strings_unpack(row->allow.p, row->allow.len));
    insert(c, r);
    return 0;
}

int repos_load(struct core *c, struct err *e)
{
    return store_repo_each(c->db.store, on_row, c, e);
}

void repos_free(struct core *c)
{
    list_for_safe (it, &c->repos) {
        git_jobs_free(container_of(it, struct rep, all));
        remove_rep(container_of(it, struct rep, all));
    }
}

uint32_t rep_users(const struct rep *r)
{
    uint32_t n = 0;
    list_for (it, &r->core->workspaces)
        n += !strcmp(container_of(it, struct ws, all)->mirror, r->pub.mirror);
    return n;
}

// --- the verbs --------------------------------------------------------------------------------

struct fetch_wait {
    struct waiter *waiter;
    struct list waiters; // holds the one, so that it can leave
};

static void on_fetched(struct gitjob *g, void *owner, const struct err *err)
{
    struct fetch_wait *f = owner;
    if (err->code)
        waiters_fail(&f->waiters, err);
    else
        waiters_done(&f->waiters, &g->rep->pub);
    free(f);
}

int core_repo_fetch(struct core *c, const struct repo_spec *spec, struct waiter *w, struct err *e)
{
    struct fetch_wait *f = xcalloc(1, sizeof(*f));
    struct git_spec s = {
        .op = REPO_OP_MIRROR,
        .url = spec->url,
        .user = spec->user,
        .password = spec->password,
        .on_done = on_fetched,
        .owner = f,
    };
    list_init(&f->waiters);
    if (!git_start(c, &s, e)) {
        free(f);
        return -1;
    }
    waiter_add(w, &f->waiters, f, NULL);
    return 0;
}

struct repository *core_repo_find(struct core *c, const char *id, struct err *e)
{
    struct rep *r = map_get(c->repos_by_id, id);
    if (!r || r->deleting) {
        err_set(e, ERR_NOT_FOUND, "there is no repository '%.40s'", id);
        return NULL;
    }
    r->pub.workspaces = rep_users(r);
    return &r->pub;
}

size_t core_repo_list(struct core *c, const char *after, struct repository **ret, size_t max,
                      bool *ret_more)
{
    struct cursor cursor;
    struct rep *at = map_get(c->repos_by_id, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.next : c->repos.next; it != &c->repos; it = it->next) {
        struct rep *r = container_of(it, struct rep, all);
        if (r->deleting || (!at && !cursor_newer(&cursor, r->pub.id, r->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        r->pub.workspaces = rep_users(r);
        ret[n++] = &r->pub;
    }
    return n;
}

struct rep_delete {
    struct db_job job; // first member
    struct rep *rep;
};

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_repo_delete(s, ((struct rep_delete *)j)->rep->pub.id, e);
}

static void delete_failed(struct rep *r, const struct err *err)
{
    struct list waiters;
    list_take(&r->deleters, &waiters);
    r->deleting = false;
    waiters_fail(&waiters, err);
}

static void delete_done(struct db_job *j)
{
    struct rep_delete *d = (struct rep_delete *)j;
    struct rep *r = d->rep;
    if (j->err.code) {
        delete_failed(r, &j->err);
    } else {
        struct list waiters;
        list_take(&r->deleters, &waiters);
        remove_rep(r);
        waiters_done(&waiters, NULL);
    }
    free(d);
}

static void on_mirror_deleted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct rep *r = container_of(a, struct rep, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        delete_failed(r, &e);
        return;
    }
    // Behind any save of it: the worker keeps the order.
    struct rep_delete *d = xcalloc(1, sizeof(*d));
    d->job = (struct db_job){.run = delete_run, .done = delete_done};
    d->rep = r;
    db_push(r->core, &d->job);
}

struct rep *rep_of_url(const struct core *c, const char *url)
{
    struct repo_rules rules;
    struct repo_url u;
    char key[REPO_KEY_MAX];
    git_rules(c, &rules);
    if (!url || !*url || repo_url_parse(url, strlen(url), &rules, &u, NULL))
        return NULL;
    repo_url_key(&u, sha256_of, key);
    return map_get(c->repos_by_mirror, key);
}

int core_repo_network(struct core *c, struct repository *pub, const char *const *allow,
                      struct waiter *w, struct err *e)
{
    static const struct profile no_profile; // whose list cuts nothing
    struct rep *r = rep_of(pub);
    own_buf struct buf rules;
    unsigned full = 0;
    buf_init(&rules, POLICY_TEXT_MAX);
    for (const char *const *a = allow; a && *a; a++)
        if (is_use(*a))
            return err_set(e, ERR_BAD_REQUEST,
                           "network.allow of a repository names no secrets or providers");
    if (allow && network_rules(c, &no_profile, allow, NULL, &rules, e))
        return -1;
    list_for (it, &c->workspaces) {
        const struct ws *ws = container_of(it, struct ws, all);
        full += allow && ws->set.network == NET_FULL && rep_of_url(c, ws->repo_url) == r;
    }
    if (full)
        return err_set(e, ERR_CONFLICT,
                       "%u workspaces of the repository have network mode full: change that first",
                       full);
    set_allow(r, allow ? strings_copy(allow) : NULL);
    save(r, w);
    list_for (it, &c->workspaces) {
        struct ws *ws = container_of(it, struct ws, all);
        if (rep_of_url(c, ws->repo_url) == r)
            ws_network_changed(ws);
    }
    return 0;
}

int core_repo_delete(struct core *c, struct repository *pub, struct waiter *w, struct err *e)
{
    struct rep *r = rep_of(pub);
    uint32_t users = rep_users(r);
    if (users)
        return err_set(e, ERR_CONFLICT, "%u workspaces use the repository", users);
    if (!list_empty(&r->jobs))
        return err_set(e, ERR_CONFLICT, "the repository is being fetched");
    waiter_add(w, &r->deleters, r, NULL);
    if (r->deleting)
        return 0;
    struct msg_mirror m = {0};
    TEXT_PUT(m.mirror, r->pub.mirror);
    r->deleting = true;
    checkouts_drop_mirror(c, r->pub.mirror);
    launcher_ask(c, &r->ask, MSG_MIRROR_DELETE, &m, on_mirror_deleted);
    return 0;
}
