// SPDX-License-Identifier: Apache-2.0
// Users with passwords. Hashing takes tens of milliseconds and 64 MiB, so it is done on a worker of
// its own, one at a time, and as long for a name that does not exist.
#include "token_int.h"

#include "exec_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

#define LOGINS_MAX 64

static struct usr *usr_new(struct core *c, const char *name, unsigned scopes)
{
    struct usr *u = xcalloc(1, sizeof(*u));
    u->core = c;
    TEXT_PUT(u->pub.name, name);
    (void)id_make("usr", u->pub.id);
    u->pub.scopes = scopes_close(scopes);
    u->pub.created_ms = clock_wall_ms();
    return u;
}

static void insert(struct usr *u)
{
    list_add_tail(&u->core->users, &u->all);
    (void)map_put(u->core->users_by_name, u->pub.name, u);
}

static void usr_free(struct usr *u)
{
    if (u->plain)
        crypt_wipe(u->plain, strlen(u->plain));
    free(u->plain);
    free(u->hash);
    free(u);
}

static void remove_usr(struct usr *u)
{
    list_del(&u->all);
    if (map_get(u->core->users_by_name, u->pub.name) == u)
        (void)map_del(u->core->users_by_name, u->pub.name);
    usr_free(u);
}

// --- at start ---------------------------------------------------------------------------------

static int on_row(void *arg, const struct store_user *r)
{
    struct core *c = arg;
    if (map_get(c->users_by_name, r->name))
        return 0; // the file's users come first
    struct usr *u = usr_new(c, r->name, r->scopes);
    TEXT_PUT(u->pub.id, r->id);
    u->pub.created_ms = r->created_ms;
    u->hash = xstrdup(r->hash);
    insert(u);
    return 0;
}

// The same at every start, so that what was signed for them still counts, and another one for
// another password, so that it does not any more.
static void set_stable_id(struct core *c, struct user *u, const char *secret)
{
    struct sha256 sha;
    unsigned char digest[SHA256_LEN], mac[SHA256_LEN];
    sha256_init(&sha);
    sha256_add(&sha, u->name, strlen(u->name) + 1);
    sha256_add(&sha, secret, strlen(secret));
    sha256_end(&sha, digest);
    hmac_sha256(c->secret, sizeof(c->secret), digest, sizeof(digest), mac);
    (void)id_from("usr", mac, u->id);
}

static void add_configured(struct core *c, const char *name, const char *secret, size_t len)
{
    if (map_get(c->users_by_name, name))
        return;
    struct usr *u = usr_new(c, name, SCOPE_ADMIN);
    char *text = xmemdup0(secret, len);
    u->pub.configured = true;
    set_stable_id(c, &u->pub, text);
    if (password_is_hash(text))
        u->hash = text;
    else
        u->plain = text;
    insert(u);
}

int users_load(struct core *c, const char *password, const char *lines, struct err *e)
{
    if (password && *password)
        add_configured(c, "admin", password, strcspn(password, "\r\n"));
    for (unsigned line = 1; lines && *lines; line++) {
        size_t len = strcspn(lines, "\n"), name_len = strcspn(lines, ":\n");
        char name[NAME_MAX_LEN + 1] = "";
        if (len && lines[0] != '#') {
            if (name_len < sizeof(name))
                memcpy(name, lines, name_len);
            size_t end = len && lines[len - 1] == '\r' ? len - 1 : len;
            if (name_len + 1 >= end || !name_ok(name))
                return err_set(e, ERR_BAD_REQUEST, "users, line %u: expected NAME:PASSWORD", line);
            add_configured(c, name, lines + name_len + 1, end - name_len - 1);
        }
        lines += len + (lines[len] == '\n');
    }
    return store_user_each(c->db.store, on_row, c, e);
}

// --- hashing ----------------------------------------------------------------------------------

// A login or a new password. One runs; the others wait in core's list.
struct hashing {
    struct job job; // first member
    struct core *core;
    struct list link, waiters;
    char *password, *plain; // plain: what it must equal, when no hash is known
    char name[NAME_MAX_LEN + 1];
    char hash[PASSWORD_HASH_MAX]; // to match, or made
    bool login, known, dummy, matches;
    unsigned scopes;
};

static void free_hashing(struct hashing *h)
{
    crypt_wipe(h->password, strlen(h->password));
    free(h->password);
    if (h->plain)
        crypt_wipe(h->plain, strlen(h->plain));
    free(h->plain);
    free(h);
}

static bool same_text(const char *a, const char *b)
{
    unsigned char x[SHA256_LEN], y[SHA256_LEN];
    sha256_of(a, strlen(a), x);
    sha256_of(b, strlen(b), y);
    return crypt_equal(x, y, sizeof(x));
}

static void hash_work(struct job *j)
{
    struct hashing *h = (struct hashing *)j;
    if (!h->login) {
        h->matches = !password_hash(h->password, h->hash);
        return;
    }
    if (!h->hash[0]) // the first one with nothing to compare with makes it
        h->dummy = !password_hash("", h->hash);
    bool good = password_matches(h->hash, h->password);
    h->matches = h->plain ? same_text(h->plain, h->password) : h->known && good;
}

static void start_next(struct core *c);
static void put_user(struct hashing *h);

static void hash_done(struct job *j)
{
    struct hashing *h = (struct hashing *)j;
    struct core *c = h->core;
    struct err e = {0};
    c->login_running = false;
    c->n_logins--;
    if (h->dummy && !c->dummy_hash)
        c->dummy_hash = xstrdup(h->hash);
    struct usr *u = map_get(c->users_by_name, h->name);
    if (c->closing) {
        free_hashing(h);
        return;
    }
    if (!h->login && h->matches) {
        put_user(h);
    } else {
        if (!h->login)
            err_set(&e, ERR_INTERNAL, "the password could not be hashed");
        else if (!h->matches || !u)
            err_set(&e, ERR_DENIED, "the name or the password is wrong");
        if (e.code)
            waiters_fail(&h->waiters, &e);
        else
            waiters_done(&h->waiters, &u->pub);
        free_hashing(h);
    }
    start_next(c);
}

static void start_next(struct core *c)
{
    if (c->login_running || list_empty(&c->logins) || c->closing)
        return;
    struct hashing *h = container_of(c->logins.next, struct hashing, link);
    list_del(&h->link);
    if (h->login) {
        const struct usr *u = map_get(c->users_by_name, h->name);
        const char *dummy = c->dummy_hash ? c->dummy_hash : "";
        h->known = u && u->hash;
        TEXT_PUT(h->hash, h->known ? u->hash : dummy);
        h->plain = u && u->plain ? xstrdup(u->plain) : NULL;
    }
    c->login_running = true;
    h->job = (struct job){.work = hash_work, .done = hash_done};
    worker_push(c->hasher, &h->job);
}

static struct hashing *enqueue(struct core *c, const char *name, const char *password,
                               struct waiter *w, struct err *e)
{
    if (strlen(password) > PASSWORD_MAX) {
        err_set(e, ERR_LIMIT, "the password is longer than %d bytes", PASSWORD_MAX);
        return NULL;
    }
    if (c->n_logins >= LOGINS_MAX) {
        c->stats.denied_limit++;
        err_set(e, ERR_BUSY, "%d logins wait already; try again", LOGINS_MAX);
        return NULL;
    }
    struct hashing *h = xcalloc(1, sizeof(*h));
    h->core = c;
    h->password = xstrdup(password);
    TEXT_PUT(h->name, name);
    list_init(&h->waiters);
    waiter_add(w, &h->waiters, h, NULL);
    list_add_tail(&c->logins, &h->link);
    c->n_logins++;
    return h;
}

int core_login(struct core *c, const char *name, const char *password, struct waiter *w,
               struct err *e)
{
    struct hashing *h = enqueue(c, name ? name : "admin", password, w, e);
    if (!h)
        return -1;
    h->login = true;
    start_next(c);
    return 0;
}

// --- the record -------------------------------------------------------------------------------

struct usr_job {
    struct db_job job; // first member
    struct core *core;
    struct hashing *h; // of a put
    struct store_user row;
    char id[ID_MAX], name[NAME_MAX_LEN + 1];
    struct list waiters;
};

static int put_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_user_put(s, &((struct usr_job *)j)->row, e);
}

static void put_done(struct db_job *j)
{
    struct usr_job *k = (struct usr_job *)j;
    struct core *c = k->core;
    struct hashing *h = k->h;
    if (j->err.code) {
        waiters_fail(&h->waiters, &j->err);
    } else {
        struct usr *u = map_get(c->users_by_name, k->name);
        if (!u) {
            u = usr_new(c, k->name, h->scopes);
            TEXT_PUT(u->pub.id, k->id);
            insert(u);
        }
        free(u->hash);
        u->hash = xstrdup(h->hash);
        u->pub.scopes = scopes_close(h->scopes);
        waiters_done(&h->waiters, &u->pub);
    }
    free_hashing(h);
    free(k);
}

static void put_user(struct hashing *h)
{
    struct core *c = h->core;
    const struct usr *u = map_get(c->users_by_name, h->name);
    struct usr_job *k = xcalloc(1, sizeof(*k));
    k->job = (struct db_job){.run = put_run, .done = put_done};
    k->core = c;
    k->h = h;
    TEXT_PUT(k->name, h->name);
    if (u)
        TEXT_PUT(k->id, u->pub.id);
    else
        (void)id_make("usr", k->id);
    k->row = (struct store_user){.id = k->id,
                                 .name = k->name,
                                 .hash = h->hash,
                                 .scopes = scopes_close(h->scopes),
                                 .created_ms = u ? u->pub.created_ms : clock_wall_ms()};
    db_push(c, &k->job);
}

int core_user_put(struct core *c, const char *name, const char *password, unsigned scopes,
                  struct waiter *w, struct err *e)
{
    const struct usr *u = map_get(c->users_by_name, name);
    if (!name_ok(name))
        return err_set(e, ERR_BAD_REQUEST, "name is not 1 to %d of letters, digits, . _ -",
                       NAME_MAX_LEN);
    if (!*password)
        return err_set(e, ERR_BAD_REQUEST, "the password is empty");
    if (!scopes_close(scopes))
        return err_set(e, ERR_BAD_REQUEST, "scopes is empty; it takes read, exec, admin");
    if (u && u->pub.configured)
        return err_set(e, ERR_CONFLICT, "user %s stands in the configuration", name);
    if (!u && map_count(c->users_by_name) >= c->conf.users_max) {
        c->stats.denied_limit++;
        return err_set(e, ERR_LIMIT, "there are %u users; no more may be", c->conf.users_max);
    }
    struct hashing *h = enqueue(c, name, password, w, e);
    if (!h)
        return -1;
    h->scopes = scopes;
    start_next(c);
    return 0;
}

static int delete_run(struct db_job *j, struct store *s, struct err *e)
{
    return store_user_delete(s, ((struct usr_job *)j)->id, e);
}

static void delete_done(struct db_job *j)
{
    struct usr_job *k = (struct usr_job *)j;
    struct usr *u = map_get(k->core->users_by_name, k->name);
    if (!j->err.code && u && !strcmp(u->pub.id, k->id))
        remove_usr(u);
    if (j->err.code)
        waiters_fail(&k->waiters, &j->err);
    else
        waiters_done(&k->waiters, NULL);
    free(k);
}

int core_user_delete(struct core *c, struct user *pub, struct waiter *w, struct err *e)
{
    if (pub->configured)
        return err_set(e, ERR_CONFLICT, "user %s stands in the configuration", pub->name);
    struct usr_job *k = xcalloc(1, sizeof(*k));
    k->job = (struct db_job){.run = delete_run, .done = delete_done};
    k->core = c;
    TEXT_PUT(k->id, pub->id);
    TEXT_PUT(k->name, pub->name);
    list_init(&k->waiters);
    waiter_add(w, &k->waiters, k, NULL);
    db_push(c, &k->job);
    return 0;
}

bool core_user_within_rate(struct core *c, struct user *u)
{
    return rate_take(c, &container_of(u, struct usr, pub)->rate);
}

struct user *core_user_find(struct core *c, const char *name, struct err *e)
{
    struct usr *u = map_get(c->users_by_name, name);
    if (!u) {
        err_set(e, ERR_NOT_FOUND, "there is no user '%.64s'", name);
        return NULL;
    }
    return &u->pub;
}

size_t core_user_list(struct core *c, const char *after, struct user **ret, size_t max,
                      bool *ret_more)
{
    struct cursor cursor;
    const char *id = cursor_init(&cursor, after);
    struct list *at = NULL;
    size_t n = 0;
    *ret_more = false;
    list_for (it, &c->users)
        if (!strcmp(container_of(it, struct usr, all)->pub.id, id))
            at = it;
    for (struct list *it = at ? at->next : c->users.next; it != &c->users; it = it->next) {
        struct usr *u = container_of(it, struct usr, all);
        if (!at && !cursor_newer(&cursor, u->pub.id, u->pub.created_ms))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = &u->pub;
    }
    return n;
}

void core_secret(struct core *c, const char *purpose, unsigned char ret[32])
{
    hmac_sha256(c->secret, sizeof(c->secret), purpose, strlen(purpose), ret);
}

void accounts_free(struct core *c)
{
    list_for_safe (it, &c->users)
        remove_usr(container_of(it, struct usr, all));
    list_for_safe (it, &c->tokens) {
        list_del(it);
        free(container_of(it, struct tok, all));
    }
    list_for_safe (it, &c->logins) {
        list_del(it);
        free_hashing(container_of(it, struct hashing, link));
    }
    free(c->dummy_hash);
}
