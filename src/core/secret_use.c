// SPDX-License-Identifier: Apache-2.0
// Which secrets a sandbox may use. They stand in its allow-list by their ids, so that they are kept,
// copied and changed with it; what commands see of them is a placeholder and an address on loopback.
#include "run_int.h"

#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>

#define WORDS_MAX (POLICY_RULES_MAX + 2 * SECRET_LIST_MAX + 2)

const char *service_url(const char *id, char ret[SERVICE_URL_MAX])
{
    (void)snprintf(ret, SERVICE_URL_MAX, "http://127.0.0.1:" NET_PROXY_TEXT "/%s", id);
    return ret;
}

static int exists(const struct core *c, const char *id, struct err *e)
{
    if (map_get(c->secrets.by_id, id))
        return 0;
    return err_set(e, ERR_BAD_REQUEST, "there is no %.80s: PUT /v1/%ss/... makes it", id,
                   strncmp(id, "provider/", 9) ? "secret" : "provider");
}

int uses_check(const struct core *c, const struct network_wish *w, struct err *e)
{
    char id[SECRET_ID_MAX];
    size_t n = 0;
    for (; w->secrets && w->secrets[n]; n++) {
        if (n == SECRET_LIST_MAX || !name_ok(w->secrets[n]))
            return err_set(e, ERR_BAD_REQUEST, "secrets[%zu] is no name, or one too many", n);
        (void)snprintf(id, sizeof(id), "secret/%s", w->secrets[n]);
        if (exists(c, id, e))
            return -1;
    }
    if (w->provider) {
        (void)snprintf(id, sizeof(id), "provider/%.64s", w->provider);
        if (exists(c, id, e))
            return -1;
    }
    for (n = 0; w->allow && w->allow[n] && !w->keep; n++)
        if (is_use(w->allow[n]) && exists(c, w->allow[n], e))
            return -1;
    return 0;
}

struct strings *uses_join(const struct network_wish *w, const char *const *rules)
{
    const char *words[WORDS_MAX + 1];
    char ids[SECRET_LIST_MAX + 1][SECRET_ID_MAX];
    size_t n = 0, n_ids = 0;
    bool kept = rules == w->keep; // then its secrets are added below, as far as they stay
    for (; rules && *rules && n < POLICY_RULES_MAX; rules++)
        if (!kept || !is_use(*rules))
            words[n++] = *rules;
    for (size_t i = 0; w->secrets && w->secrets[i] && n_ids < SECRET_LIST_MAX; i++)
        (void)snprintf(ids[n_ids++], SECRET_ID_MAX, "secret/%.64s", w->secrets[i]);
    if (w->provider)
        (void)snprintf(ids[n_ids++], SECRET_ID_MAX, "provider/%.64s", w->provider);
    for (size_t i = 0; i < n_ids; i++)
        words[n++] = ids[i];
    for (size_t i = 0; w->keep && w->keep[i] && n < WORDS_MAX; i++)
        if (is_use(w->keep[i]) && !(w->secrets && !strncmp(w->keep[i], "secret/", 7)))
            words[n++] = w->keep[i];
    size_t unique = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < unique && strcmp(words[k], words[i]))
            k++;
        if (k == unique)
            words[unique++] = words[i];
    }
    words[unique] = NULL;
    return strings_copy(words);
}

// --- environment ------------------------------------------------------------------------------

static int add(struct packed *k, const char *name, const char *value, struct err *e)
{
    own_free char *text = xasprintf("%s=%s", name, value);
    const char *const list[] = {text, NULL};
    return packed_env(k, list, e);
}

// PINFOLD_SECRET_NAME and ..._URL, with what no variable's name can have as an underscore.
static int add_plain(struct packed *k, const struct sec *s, const char *key, const char *url,
                     struct err *e)
{
    char name[SECRET_ID_MAX + 32];
    (void)snprintf(name, sizeof(name), "PINFOLD_SECRET_%s", s->pub.name);
    for (char *p = name; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p == '-' || *p == '.' ? '_' : *p;
    if (add(k, name, key, e))
        return -1;
    size_t n = strlen(name);
    (void)snprintf(name + n, sizeof(name) - n, "_URL"); // a name has at most 64 characters: it fits
    return add(k, name, url, e);
}

int uses_env(const struct core *c, const char *const *allow, struct packed *k, struct err *e)
{
    char url[SERVICE_URL_MAX], key[SECRET_ID_MAX + 32];
    for (; *allow; allow++) {
        const struct sec *s = is_use(*allow) ? map_get(c->secrets.by_id, *allow) : NULL;
        if (!s)
            continue;
        const struct secret_kind_row *row = secret_kind(s->kind);
        (void)service_url(s->id, url);
        (void)secret_placeholder(s->id, key);
        if (s->kind == SECRET_PLAIN ? add_plain(k, s, key, url, e)
                                    : add(k, row->env_url, url, e) || add(k, row->env_key, key, e))
            return -1;
    }
    return 0;
}

// --- counts -----------------------------------------------------------------------------------

static void add_count(struct use_count *u, const struct msg_egress_count *m)
{
    u->requests++;
    u->failures += m->status < 200 || m->status >= 400;
    u->input_tokens += m->input_tokens;
    u->output_tokens += m->output_tokens;
    u->cached_tokens += m->cached_tokens;
}

static struct use_count *row_of(struct ws *ws, const char *id)
{
    if (!ws->net_log)
        ws->net_log = xcalloc(1, sizeof(*ws->net_log));
    struct network_log *l = ws->net_log;
    for (unsigned i = 0; i < l->n_uses; i++)
        if (!strcmp(l->uses[i].id, id))
            return &l->uses[i];
    if (l->n_uses == N_ELEMS(l->uses))
        return NULL;
    struct use_count *u = &l->uses[l->n_uses++];
    TEXT_PUT(u->id, id);
    return u;
}

void run_used(struct runrec *r)
{
    const struct run_usage u = {.known = true,
                                .input_tokens = r->used.input_tokens,
                                .output_tokens = r->used.output_tokens,
                                .cached_tokens = r->used.cached_tokens};
    if (!u.input_tokens && !u.output_tokens)
        return;
    run_usage_add(&r->pub.usage, &u);
    r->used = (struct use_count){0};
    run_row_changed(r);
}

void secret_count(struct core *c, const struct msg_egress_count *m)
{
    struct sec *s = map_get(c->secrets.by_id, m->id);
    struct ws *ws = map_get(c->ws_by_id, m->box);
    struct runrec *r = run_of_box(c, m->box);
    struct use_count *u = ws ? row_of(ws, m->id) : NULL;
    if (u)
        add_count(u, m);
    if (r)
        add_count(&r->used, m);
    if (r && r->counted && !r->x)
        run_used(r); // told after its command's end
    if (!s)
        return;
    s->pub.requests++;
    s->pub.failures += m->status < 200 || m->status >= 400;
    s->pub.input_tokens += m->input_tokens;
    s->pub.output_tokens += m->output_tokens;
    s->pub.cached_tokens += m->cached_tokens;
}
