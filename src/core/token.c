// SPDX-License-Identifier: Apache-2.0
// Tokens: shown once, kept as SHA-256, looked up by it.
#include "token_int.h"

#include "exec_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

#define PREFIX_MAX 12
#define USE_STEP_MS 60000 // last use is kept to the minute

static const struct {
    enum token_scope scope;
    const char *name;
} scope_rows[] = {{SCOPE_READ, "read"}, {SCOPE_EXEC, "exec"}, {SCOPE_ADMIN, "admin"}};

const char *token_scope_name(enum token_scope s)
{
    for (unsigned i = 0; i < N_ELEMS(scope_rows); i++)
        if (scope_rows[i].scope == s)
            return scope_rows[i].name;
    return "unknown";
}

int token_scope_parse(const char *s, enum token_scope *ret, struct err *e)
{
    for (unsigned i = 0; i < N_ELEMS(scope_rows); i++)
        if (!strcmp(scope_rows[i].name, s)) {
            *ret = scope_rows[i].scope;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "scope '%.20s' is not one of read, exec, admin", s);
}

unsigned scopes_close(unsigned scopes)
{
    if (scopes & SCOPE_ADMIN)
        scopes |= SCOPE_EXEC;
    if (scopes & SCOPE_EXEC)
        scopes |= SCOPE_READ;
    return scopes & (SCOPE_READ | SCOPE_EXEC | SCOPE_ADMIN);
}

static const char *hash_key(const struct tok *t, char ret[SHA256_HEX])
{
    return hex_encode(t->hash, sizeof(t->hash), ret);
}

static void insert(struct core *c, struct tok *t)
{
    char key[SHA256_HEX];
    t->core = c;
    list_init(&t->waiters);
    list_add_tail(&c->tokens, &t->all);
    (void)map_put(c->tokens_by_id, t->pub.id, t);
    (void)map_put(c->tokens_by_hash, hash_key(t, key), t);
}

static void remove_tok(struct tok *t)
{
    char key[SHA256_HEX];
    list_del(&t->all);
    (void)map_del(t->core->tokens_by_id, t->pub.id);
    (void)map_del(t->core->tokens_by_hash, hash_key(t, key));
    free(t);
}

// --- the record -------------------------------------------------------------------------------

struct tok_job {
    struct db_job job; // first member
    struct tok *tok;
    struct token copy;
    unsigned char hash[SHA256_LEN];
    bool remove;
};

static struct store_token row_of(const struct token *t, const unsigned char *hash)
{
    return (struct store_token){
        .id = t->id,
        .name = t->name,
        .hash = {hash, SHA256_LEN},
        .scopes = t->scopes,
        .created_ms = t->created_ms,
        .expires_ms = t->expires_ms,
        .used_ms = t->used_ms,
    };
}

static int job_run(struct db_job *j, struct store *s, struct err *e)
{
    struct tok_job *k = (struct tok_job *)j;
    struct store_token row = row_of(&k->copy, k->hash);
    return k->remove ? store_token_delete(s, k->copy.id, e) : store_token_put(s, &row, e);
}

static void job_done(struct db_job *j)
{
    struct tok_job *k = (struct tok_job *)j;
    struct tok *t = k->tok;
    if (t) { // of its making or deletion; the record of its use has no tok, as it may be gone
        struct list waiters;
        bool gone = k->remove ? !j->err.code : j->err.code != ERR_NONE;
        list_take(&t->waiters, &waiters);
        t->recorded = true;
        t->deleting = false;
        if (gone)
            remove_tok(t);
        if (j->err.code)
            waiters_fail(&waiters, &j->err);
        else
            waiters_done(&waiters, gone ? NULL : &t->pub);
    }
    free(k);
}

static void push(struct tok *t, bool remove, bool tell)
{
    struct tok_job *k = xcalloc(1, sizeof(*k));
    k->job = (struct db_job){.run = job_run, .done = job_done};
    k->tok = tell ? t : NULL;
    k->copy = t->pub;
    k->remove = remove;
    memcpy(k->hash, t->hash, sizeof(k->hash));
    db_push(t->core, &k->job);
}

static int on_row(void *arg, const struct store_token *r)
{
    struct core *c = arg;
    if (!id_ok(r->id, "tok") || r->hash.len != SHA256_LEN || map_get(c->tokens_by_id, r->id))
        return 0;
    struct tok *t = xcalloc(1, sizeof(*t));
    TEXT_PUT(t->pub.id, r->id);
    TEXT_PUT(t->pub.name, r->name);
    memcpy(t->hash, r->hash.p, SHA256_LEN);
    t->pub.scopes = scopes_close(r->scopes);
    t->pub.created_ms = r->created_ms;
    t->pub.expires_ms = r->expires_ms;
    t->pub.used_ms = r->used_ms;
    t->recorded = true;
    insert(c, t);
    return 0;
}

// The file is the truth about its token: another one in it takes the old one's place.
static int load_file_token(struct core *c, const char *text, struct err *e)
{
    unsigned char hash[SHA256_LEN];
    struct tok *t = NULL;
    sha256_of(text, strlen(text), hash);
    list_for (it, &c->tokens) {
        struct tok *other = container_of(it, struct tok, all);
        if (!strcmp(other->pub.name, FILE_TOKEN))
            t = other;
    }
    if (t && !memcmp(t->hash, hash, sizeof(hash)))
        return 0;
    if (t && store_token_delete(c->db.store, t->pub.id, e))
        return -1;
    if (t)
        remove_tok(t);
    t = xcalloc(1, sizeof(*t));
    (void)id_make("tok", t->pub.id);
    TEXT_PUT(t->pub.name, FILE_TOKEN);
    t->pub.scopes = scopes_close(SCOPE_ADMIN);
    t->pub.created_ms = clock_wall_ms();
    memcpy(t->hash, hash, sizeof(hash));
    t->recorded = true;
    insert(c, t);
    struct store_token row = row_of(&t->pub, t->hash);
    return store_token_put(c->db.store, &row, e);
}

int tokens_load(struct core *c, const char *admin_token, struct err *e)
{
    if (store_token_each(c->db.store, on_row, c, e))
        return -1;
    return admin_token && *admin_token ? load_file_token(c, admin_token, e) : 0;
}

// --- the verbs --------------------------------------------------------------------------------

static bool prefix_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n && n <= PREFIX_MAX && !s[n];
}

int core_token_create(struct core *c, const struct token_spec *spec, char text[TOKEN_TEXT_MAX],
                      struct waiter *w, struct err *e)
{
    uint64_t now = clock_wall_ms();
    const char *prefix = spec->prefix ? spec->prefix : "pft";
    if (!spec->name || !name_ok(spec->name) || !strcmp(spec->name, FILE_TOKEN))
        return err_set(e, ERR_BAD_REQUEST, "name is not 1 to %d of letters, digits, . _ -",
                       NAME_MAX_LEN);
    if (!scopes_close(spec->scopes))
        return err_set(e, ERR_BAD_REQUEST, "scopes is empty; it takes read, exec, admin");
    if (spec->expires_ms && spec->expires_ms <= now)
        return err_set(e, ERR_BAD_REQUEST, "the token would have expired already");
    if (!prefix_ok(prefix))
        return err_set(e, ERR_BAD_REQUEST,
                       "prefix is not 1 to %d small letters, digits or underscores", PREFIX_MAX);
    if (map_count(c->tokens_by_id) >= c->conf.tokens_max) {
        c->stats.denied_limit++;
        return err_set(e, ERR_LIMIT, "there are %u tokens; no more may be", c->conf.tokens_max);
    }
    struct tok *t = xcalloc(1, sizeof(*t));
    (void)id_make("tok", t->pub.id);
    TEXT_PUT(t->pub.name, spec->name);
    t->pub.scopes = scopes_close(spec->scopes);
    t->pub.created_ms = now;
    t->pub.expires_ms = spec->expires_ms;
    (void)crypt_token(prefix, text);
    sha256_of(text, strlen(text), t->hash);
    insert(c, t);
    waiter_add(w, &t->waiters, t, NULL);
    push(t, false, true);
    return 0;
}

struct token *core_token_verify(struct core *c, const char *text, size_t len, struct err *e)
{
    char key[SHA256_HEX];
    struct tok *t =
        len < TOKEN_TEXT_MAX * 4 ? map_get(c->tokens_by_hash, sha256_hex(text, len, key)) : NULL;
    uint64_t now = clock_wall_ms();
    if (!t || !t->recorded || t->deleting || (t->pub.expires_ms && t->pub.expires_ms <= now)) {
        err_set(e, ERR_DENIED, t && t->recorded ? "the token has expired" : "the token is unknown");
        return NULL;
    }
    if (now - t->pub.used_ms >= USE_STEP_MS) {
        t->pub.used_ms = now;
        push(t, false, false);
    }
    return &t->pub;
}

bool rate_take(const struct core *c, struct rate *r)
{
    uint64_t rate = c->conf.requests_per_second, now = clock_mono_ns() / 1000;
    if (!rate)
        return true;
    r->level_us += now - r->at_us; // of one that is new: far more than it holds
    r->at_us = now;
    if (r->level_us > 1000000)
        r->level_us = 1000000;
    if (r->level_us < 1000000 / rate)
        return false;
    r->level_us -= 1000000 / rate;
    return true;
}

bool core_token_within_rate(struct core *c, struct token *t)
{
    return rate_take(c, &container_of(t, struct tok, pub)->rate);
}

struct token *core_token_find(struct core *c, const char *id, struct err *e)
{
    struct tok *t = map_get(c->tokens_by_id, id);
    if (!t || t->deleting || !t->recorded) {
        err_set(e, ERR_NOT_FOUND, "there is no token '%.40s'", id);
        return NULL;
    }
    return &t->pub;
}

size_t core_token_list(struct core *c, const char *after, struct token **ret, size_t max,
                       bool *ret_more)
{
    struct cursor cursor;
    struct tok *at = map_get(c->tokens_by_id, cursor_init(&cursor, after));
    size_t n = 0;
    *ret_more = false;
    for (struct list *it = at ? at->all.next : c->tokens.next; it != &c->tokens; it = it->next) {
        struct tok *t = container_of(it, struct tok, all);
        if (t->deleting || !t->recorded ||
            (!at && !cursor_newer(&cursor, t->pub.id, t->pub.created_ms)))
            continue;
        if (n == max) {
            *ret_more = true;
            break;
        }
        ret[n++] = &t->pub;
    }
    return n;
}

static bool is_last_admin(const struct core *c, const struct tok *t)
{
    list_for (it, &c->tokens) {
        const struct tok *other = container_of(it, struct tok, all);
        if (other != t && !other->deleting && other->recorded && !other->pub.expires_ms &&
            (other->pub.scopes & SCOPE_ADMIN))
            return false;
    }
    return (t->pub.scopes & SCOPE_ADMIN) && !t->pub.expires_ms;
}

int core_token_delete(struct core *c, struct token *pub, struct waiter *w, struct err *e)
{
    struct tok *t = container_of(pub, struct tok, pub);
    if (!strcmp(pub->name, FILE_TOKEN))
        return err_set(e, ERR_CONFLICT, "this token is that of the file %s; replace it there",
                       FILE_TOKEN);
    if (is_last_admin(c, t))
        return err_set(e, ERR_CONFLICT, "it is the last token of scope admin");
    t->deleting = true; // refused from now on, whatever becomes of the record
    waiter_add(w, &t->waiters, t, NULL);
    push(t, true, true);
    return 0;
}
