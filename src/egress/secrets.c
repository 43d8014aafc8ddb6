// SPDX-License-Identifier: Apache-2.0
// Secrets by id, as the server told them: sealed, and where each belongs.
#include "secrets_int.h"

#include <pinfold/crypt.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>

static void release(struct asecret *s)
{
    free(s->sealed);
    free(s->base_url);
    free(s->header);
    policy_release(&s->tls);
    policy_release(&s->plain);
    free(s);
}

// The service of a secret goes to the first host that is one.
static char *first_host(const struct asecret *s)
{
    char text[RULE_ROOM];
    for (int plain = 0; plain < 2; plain++) {
        const struct policy *p = plain ? &s->plain : &s->tls;
        for (unsigned i = 0; i < p->n; i++)
            if (p->rules[i].kind != RULE_BELOW)
                return xasprintf("http%s://%s", plain ? "" : "s", rule_text(&p->rules[i], text));
    }
    return xstrdup("");
}

static int describe(struct egress *eg, struct asecret *s, struct err *e)
{
    struct secret_record r;
    own_buf struct buf text;
    buf_init(&text, SECRET_SEALED_MAX);
    int bad = secret_open(&eg->keys, s->sealed, s->len, &text, &r, e);
    if (!bad && strcmp(r.id, s->id))
        bad = err_set(e, ERR_BAD_REQUEST, "what is sealed is another secret's");
    if (!bad) {
        s->kind = r.kind;
        s->header = xstrdup(r.header);
        bad = secret_hosts(r.hosts, false, &s->tls, e) || secret_hosts(r.hosts, true, &s->plain, e);
        s->base_url = r.kind == SECRET_PLAIN ? first_host(s) : xstrdup(r.base_url);
        if (!bad && *s->base_url)
            bad = secret_url_parse(s->base_url, &s->url, e);
    }
    crypt_wipe(text.data, text.len);
    return bad;
}

void secrets_put(struct egress *eg, const struct wire_msg *m)
{
    const struct msg_egress_secret *q = &m->body.egress.secret;
    struct asecret *s = xcalloc(1, sizeof(*s));
    struct err e = {0};
    secrets_remove(eg, q->id);
    memcpy(s->id, q->id, sizeof(s->id));
    s->sealed = xmemdup0(q->sealed.p, q->sealed.len);
    s->len = q->sealed.len;
    if (describe(eg, s, &e)) {
        (void)snprintf(s->why, sizeof(s->why), "%s", e.text);
        log_warn("%s: %s", s->id, s->why);
    }
    (void)map_put(eg->secrets, s->id, s);
}

void secrets_remove(struct egress *eg, const char *id)
{
    struct asecret *s = map_get(eg->secrets, id);
    if (!s)
        return;
    (void)map_del(eg->secrets, id);
    release(s);
}

void secrets_free(struct egress *eg)
{
    size_t cursor = 0;
    for (struct asecret *s; (s = map_next(eg->secrets, &cursor, NULL));)
        release(s);
    map_free(eg->secrets);
}

int secret_line(const struct egress *eg, const struct asecret *s, struct buf *out)
{
    struct secret_record r;
    own_buf struct buf text;
    buf_init(&text, SECRET_SEALED_MAX);
    int bad = secret_open(&eg->keys, s->sealed, s->len, &text, &r, NULL) || strcmp(r.id, s->id) ||
              secret_header(&r, out);
    crypt_wipe(text.data, text.len);
    return bad ? -1 : 0;
}
