// SPDX-License-Identifier: Apache-2.0
// Secrets: made, found, deleted, and told to the egress process. There is no plain value here but in
// core_secret_put, from the request to the seal.
#include "exec_int.h"

#include <pinfold/clock.h>
#include <pinfold/map.h>
#include <pinfold/own.h>

void secrets_init(struct core *c)
{
    c->secrets.by_id = map_new();
    list_init(&c->secrets.all);
    list_init(&c->secrets.rotators);
}

void sec_free(struct sec *s)
{
    free(s->base_url);
    free(s->header);
    free(s->format);
    free(s->hosts);
    free(s->models);
    free(s->sealed);
    free(s);
}

void secrets_free(struct core *c)
{
    list_for_safe (it, &c->secrets.all)
        sec_free(container_of(it, struct sec, all));
    map_free(c->secrets.by_id);
    free(c->secrets.key_names);
}

// Is the key that it is sealed with among those of the key file?
static bool usable(const struct sec *s)
{
    const char *names = s->core->secrets.key_names;
    return names && s->pub.sealed_with[0] && strstr(names, s->pub.sealed_with);
}

static void publish(struct sec *s)
{
    struct secret_info *p = &s->pub;
    TEXT_PUT(p->name, strchr(s->id, '/') + 1);
    p->provider = s->kind != SECRET_PLAIN;
    p->kind = secret_kind(s->kind)->name;
    p->base_url = s->base_url;
    p->header = s->header;
    p->format = s->format;
    p->hosts = s->hosts->list;
    p->models = s->models->list;
    secret_sealed_name(s->sealed, s->len, p->sealed_with);
    p->usable = usable(s);
}

// --- what egress knows ------------------------------------------------------------------------

static bool tell(struct sec *s)
{
    struct msg_egress_secret m = {.sealed = {s->sealed, s->len}};
    TEXT_PUT(m.id, s->id);
    return s->told = !egress_send(s->core, MSG_EGRESS_SECRET, &m, NULL, 0);
}

bool secrets_tell(struct core *c)
{
    list_for (it, &c->secrets.all) {
        struct sec *s = container_of(it, struct sec, all);
        if (!s->told && !tell(s))
            return false;
    }
    return true;
}

void secrets_forgotten(struct core *c)
{
    c->secrets.resealing[0] = '\0';
    list_for (it, &c->secrets.all)
        container_of(it, struct sec, all)->told = false;
}

void secret_arrived(struct core *c, struct sec *s)
{
    struct sec *old = map_get(c->secrets.by_id, s->id);
    if (old) {
        s->pub.requests = old->pub.requests;
        s->pub.failures = old->pub.failures;
        s->pub.input_tokens = old->pub.input_tokens;
        s->pub.output_tokens = old->pub.output_tokens;
        s->pub.cached_tokens = old->pub.cached_tokens;
        list_add_tail(&old->all, &s->all); // in its place
        list_del(&old->all);
        sec_free(old);
    } else {
        list_add_tail(&c->secrets.all, &s->all);
    }
    s->core = c;
    (void)map_put(c->secrets.by_id, s->id, s);
    publish(s);
    if (c->egress.fd >= 0)
        (void)tell(s);
}

void secret_gone(struct core *c, const char *id)
{
    struct sec *s = map_del(c->secrets.by_id, id);
    if (!s)
        return;
    list_del(&s->all);
    sec_free(s);
}

// --- keys -------------------------------------------------------------------------------------

static void unusable_notice(struct core *c)
{
    unsigned n = 0;
    const struct sec *one = NULL;
    list_for (it, &c->secrets.all) {
        const struct sec *s = container_of(it, struct sec, all);
        if (!s->pub.usable) {
            one = s;
            n++;
        }
    }
    if (one)
        core_notice(c, true,
                    "%u secrets cannot be used, %s among them: sealed with key %s, which "
                    "SecretKeyFile= does not hold; put its line back, or give the secrets again",
                    n, one->id, one->pub.sealed_with);
}

static bool rotated(const struct core *c)
{
    char name[SECRET_KEY_NAME];
    if (secret_key_name(c->secrets.current, name))
        return false;
    list_for (it, &c->secrets.all) {
        const struct sec *s = container_of(it, struct sec, all);
        if (s->pub.usable && !s->stuck && strcmp(s->pub.sealed_with, name) != 0)
            return false;
    }
    return true;
}

// One after another, so that the socket is never full of them.
void reseal_next(struct core *c)
{
    struct secrets *all = &c->secrets;
    char name[SECRET_KEY_NAME];
    if (all->resealing[0] || c->stopping || secret_key_name(all->current, name))
        return;
    list_for (it, &all->all) {
        struct sec *s = container_of(it, struct sec, all);
        struct msg_egress_secret m = {.version = s->version, .sealed = {s->sealed, s->len}};
        if (!s->pub.usable || s->stuck || !strcmp(s->pub.sealed_with, name))
            continue;
        TEXT_PUT(m.id, s->id);
        if (!egress_send(c, MSG_EGRESS_RESEAL, &m, NULL, 0))
            TEXT_PUT(all->resealing, s->id);
        return;
    }
    if (!all->rotating && rotated(c))
        waiters_done(&all->rotators, NULL);
}

void secrets_keys(struct core *c, const struct msg_egress_keys *m)
{
    struct secrets *all = &c->secrets;
    bool first = !all->key_names;
    free(all->key_names);
    all->key_names = xmemdup0(m->key_names.p, m->key_names.len);
    TEXT_PUT(all->current, m->current);
    TEXT_PUT(all->why, m->why);
    all->rotating = false;
    list_for (it, &all->all)
        publish(container_of(it, struct sec, all));
    if (all->current[0])
        run_tools_seal_old(c);
    if (first || m->why[0])
        unusable_notice(c);
    if (m->why[0]) {
        struct err e;
        err_set(&e, ERR_CONFLICT, "%s", m->why);
        core_notice(c, true, "keys of secrets: %s", m->why);
        waiters_fail(&all->rotators, &e);
    }
    reseal_next(c);
}

void secrets_resealed(struct core *c, const struct msg_egress_secret *m)
{
    struct sec *s = map_get(c->secrets.by_id, m->id);
    c->secrets.resealing[0] = '\0';
    if (s && s->version == m->version && !m->code) {
        struct sec *copy = xcalloc(1, sizeof(*copy));
        *copy = *s;
        copy->base_url = xstrdup(s->base_url);
        copy->header = xstrdup(s->header);
        copy->format = xstrdup(s->format);
        copy->hosts = strings_copy(s->hosts->list);
        copy->models = strings_copy(s->models->list);
        copy->sealed = xmemdup0(m->sealed.p, m->sealed.len);
        copy->len = m->sealed.len;
        TEXT_PUT(c->secrets.resealing, s->id); // until it is recorded
        secret_save(c, copy, NULL);
        return;
    }
    if (s && m->code) {
        s->stuck = true;
        core_notice(c, true, "%s could not be sealed anew", s->id);
    }
    reseal_next(c);
}

// --- verbs ------------------------------------------------------------------------------------

static int kind_parse(const struct secret_spec *spec, enum secret_kind *ret, struct err *e)
{
    *ret = SECRET_PLAIN;
    if (!spec->provider)
        return 0;
    for (unsigned k = SECRET_PLAIN + 1; k < SECRET_TOOL; k++)
        if (!strcmp(secret_kind((enum secret_kind)k)->name, spec->kind)) {
            *ret = (enum secret_kind)k;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST,
                   "kind '%.30s' is not one of anthropic, openai, openai-compatible, gemini",
                   spec->kind);
}

static int check_words(const char *const *words, const char *what, size_t max, struct err *e)
{
    size_t n = 0;
    for (; words && words[n]; n++)
        if (!*words[n] || strlen(words[n]) > max || strchr(words[n], ' ') || n == SECRET_LIST_MAX)
            return err_set(e, ERR_BAD_REQUEST,
                           "%s[%zu] is empty, too long, one too many or has a "
                           "blank in it",
                           what, n);
    return 0;
}

static char *join(const char *const *words)
{
    own_buf struct buf b;
    buf_init(&b, SECRET_HOSTS_MAX * 2);
    for (size_t i = 0; words && words[i]; i++)
        (void)buf_printf(&b, "%s%s", i ? " " : "",
                         words[i]); // the check of its length finds it cut
    return buf_steal(&b, NULL);
}

static int seal(struct core *c, struct sec *s, const struct secret_spec *spec, struct err *e)
{
    struct policy list = {0};
    own_buf struct buf sealed;
    own_free char *hosts = join(spec->hosts);
    const struct secret_record r = {.kind = s->kind,
                                    .id = s->id,
                                    .base_url = s->base_url,
                                    .hosts = hosts,
                                    .header = s->header,
                                    .format = s->format,
                                    .value = spec->value ? spec->value : ""};
    buf_init(&sealed, SECRET_SEALED_MAX);
    int bad = policy_parse(&list, c->conf.allow_private ? c->conf.allow_private : "", e) ||
              secret_check(&r, &list, e) || secret_seal(&r, c->secrets.current, &sealed, e);
    policy_release(&list);
    if (!bad)
        s->sealed = buf_steal(&sealed, &s->len);
    return bad ? -1 : 0;
}

static int check_room(struct core *c, const char *id, struct err *e)
{
    const struct secrets *all = &c->secrets;
    if (!secret_id_ok(id))
        return err_set(e, ERR_BAD_REQUEST,
                       "the name is not 1 to %d of letters, digits, dot, underscore, hyphen",
                       NAME_MAX_LEN);
    if (c->egress.fd < 0 || (!all->key_names && !all->current[0]))
        return err_set(e, ERR_BUSY, "the egress process has not told its key yet; try again");
    if (!all->current[0])
        return err_set(e, ERR_CONFLICT, "there is no key to seal with: %.150s", all->why);
    if (map_count(all->by_id) >= SECRETS_MAX && !map_get(all->by_id, id)) {
        c->stats.denied_limit++;
        return err_set(e, ERR_LIMIT, "there are %d secrets and providers; no more may be",
                       SECRETS_MAX);
    }
    return 0;
}

static void id_of(bool provider, const char *name, char ret[SECRET_ID_MAX])
{
    (void)snprintf(ret, SECRET_ID_MAX, "%s/%s", provider ? "provider" : "secret", name);
}

int core_secret_put(struct core *c, const struct secret_spec *spec, struct waiter *w, struct err *e)
{
    enum secret_kind kind;
    char id[SECRET_ID_MAX];
    id_of(spec->provider, spec->name, id);
    if (kind_parse(spec, &kind, e) || check_room(c, id, e) ||
        check_words(spec->hosts, "hosts", 300, e) || check_words(spec->models, "models", 200, e))
        return -1;
    struct sec *old = map_get(c->secrets.by_id, id);
    struct sec *s = xcalloc(1, sizeof(*s));
    const struct secret_kind_row *row = secret_kind(kind);
    TEXT_PUT(s->id, id);
    s->kind = kind;
    s->base_url = xstrdup(spec->base_url ? spec->base_url : "");
    s->header = xstrdup(spec->header ? spec->header : row->header);
    s->format = xstrdup(spec->format ? spec->format : row->format);
    s->hosts = strings_copy(spec->hosts);
    s->models = strings_copy(spec->models);
    s->pub.updated_ms = clock_wall_ms();
    s->pub.created_ms = old ? old->pub.created_ms : s->pub.updated_ms;
    if (seal(c, s, spec, e)) {
        sec_free(s);
        return -1;
    }
    s->version = ++c->secrets.next_version;
    if (old)
        old->version = s->version; // what is being sealed anew of it is out of date
    secret_save(c, s, w);
    return 0;
}

struct secret_info *core_secret_find(struct core *c, bool provider, const char *name, struct err *e)
{
    char id[SECRET_ID_MAX];
    id_of(provider, name, id);
    struct sec *s = map_get(c->secrets.by_id, id);
    if (s)
        return &s->pub;
    err_set(e, ERR_NOT_FOUND, "there is no %s '%.64s'", provider ? "provider" : "secret", name);
    return NULL;
}

size_t core_secret_list(struct core *c, bool provider, struct secret_info *ret[SECRETS_MAX])
{
    size_t n = 0;
    list_for (it, &c->secrets.all) {
        struct sec *s = container_of(it, struct sec, all);
        if (s->pub.provider == provider && n < SECRETS_MAX)
            ret[n++] = &s->pub;
    }
    return n;
}

int core_secret_delete(struct core *c, struct secret_info *pub, struct waiter *w, struct err *e)
{
    struct sec *s = container_of(pub, struct sec, pub);
    struct msg_egress_secret m = {0};
    (void)e;
    TEXT_PUT(m.id, s->id);
    s->version = ++c->secrets.next_version;
    (void)egress_send(c, MSG_EGRESS_UNKNOW, &m, NULL, 0);
    secret_erase(c, s->id, w);
    return 0;
}

int core_secret_rotate(struct core *c, struct waiter *w, struct err *e)
{
    if (c->egress.fd < 0 || egress_send(c, MSG_EGRESS_ROTATE, NULL, NULL, 0))
        return err_set(e, ERR_BUSY, "the egress process does not listen now; try again");
    c->secrets.rotating = true;
    waiter_add(w, &c->secrets.rotators, c, NULL);
    return 0;
}
