// SPDX-License-Identifier: Apache-2.0
// Requests that carry a secret: services by their path on the proxy's own port, and plain requests
// through the proxy for a host that a secret is for. Redirects are the client's to follow: without
// the secret, since it goes by hosts.
#include "secrets_int.h"

#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX (PEEK_HEAD_MAX + SECRET_URL_MAX + SECRET_VALUE_MAX + 2 * SECRET_FORMAT_MAX)

bool box_may_use(const struct abox *b, const char *secret_id)
{
    char word[SECRET_ID_MAX + 2];
    (void)snprintf(word, sizeof(word), " %s ", secret_id);
    return b->uses && strstr(b->uses, word);
}

// --- the request as it goes on ------------------------------------------------------------------

static void wipe(struct buf *b)
{
    crypt_wipe(b->data, b->len);
}

// What a client may have put its placeholder into; and nothing packed, so that it can be counted.
static const char *const provider_drops[] = {"Authorization",  "x-api-key",       "api-key",
                                             "x-goog-api-key", "Accept-Encoding", NULL};

int request_pass_on(struct conn *c, const struct peek_http *h, const char *host,
                    const struct peek_change *change)
{
    own_buf struct buf head;
    size_t used, rest = c->up.len - h->len;
    const char *p = c->up.data + c->up.at;
    buf_init(&head, HEAD_MAX);
    (void)buf_reserve(&head, HEAD_MAX - 1); // so that it is never moved, and left behind
    peek_body_of(h, &c->body);
    c->switching = h->upgrade;
    int bad = peek_http_rewrite(p, h, host, change, &head) ||
              peek_body(&c->body, p + h->len, rest, &used) < 0 ||
              head.len + used > FLOW_ROOM + FLOW_SLACK;
    if (!bad) {
        own_free char *body = xmemdup0(p + h->len, used);
        c->up.at = c->up.len = 0;
        (void)flow_put(&c->up, head.data, head.len); // it fits: measured above
        (void)flow_put(&c->up, body, used);
    }
    wipe(&head);
    return bad ? -1 : 0;
}

int secret_pass_on(struct conn *c, const struct peek_http *h, const char *host,
                   const struct asecret *s, const char *path)
{
    const char *plain_drops[OPENED_DROPS + 2] = {s->header};
    for (size_t i = 0; c->opened && i < OPENED_DROPS; i++)
        plain_drops[i + 1] = opened_drops[i];
    own_buf struct buf line;
    buf_init(&line, HEAD_MAX);
    (void)buf_reserve(&line, HEAD_MAX - 1);
    buf_commit(&line, 0); // a provider without a key has none
    c->answer = xcalloc(1, sizeof(*c->answer));
    memcpy(c->secret, s->id, sizeof(c->secret));
    int bad = secret_line(c->box->eg, s, &line);
    const struct peek_change change = {
        .path = path,
        .drop = s->kind == SECRET_PLAIN ? plain_drops : provider_drops,
        .add = line.data,
    };
    bad = bad || request_pass_on(c, h, host, &change);
    wipe(&line);
    return bad ? -1 : 0;
}

// --- services -----------------------------------------------------------------------------------

bool service_named(const struct peek_http *h)
{
    static const char *const roots[] = {"/secret/", "/provider/", "/run/", "/tool/"};
    for (size_t i = 0; i < N_ELEMS(roots); i++)
        if (h->path.n > strlen(roots[i]) && !memcmp(h->path.p, roots[i], strlen(roots[i])))
            return true;
    return false;
}

// Segments of dots, in any spelling: the next reader would go up by them.
static bool goes_up(const char *s)
{
    size_t dots = 0, others = 0;
    for (;; s++) {
        bool dot = *s == '.' || !strncasecmp(s, "%2e", 3);
        if (!*s || *s == '/' || *s == '?' || *s == '\\') {
            if (dots && dots <= 2 && !others)
                return true;
            dots = others = 0;
            if (!*s || *s == '?')
                return false;
            continue;
        }
        dots += dot;
        others += !dot;
        if (dot && *s == '%')
            s += 2;
    }
}

// Google's clients put their key, here a placeholder, into the query: it would count before the
// header's.
static void drop_key(char *path)
{
    char *at = strchr(path, '?');
    while (at && *at && *at != '#') {
        size_t n = strcspn(at + 1, "&#");
        bool is_key = !strncmp(at + 1, "key", 3) && (n == 3 || at[4] == '=');
        if (!is_key) {
            at = at[n + 1] ? at + n + 1 : NULL;
            continue;
        }
        if (at[n + 1] == '&') // what separates it from the one before separates the next
            memmove(at + 1, at + n + 2, strlen(at + n + 2) + 1);
        else
            memmove(at, at + n + 1, strlen(at + n + 1) + 1);
    }
}

static const struct asecret *find(struct conn *c, const char *id)
{
    const struct asecret *s = map_get(c->box->eg->secrets, id);
    if (!box_may_use(c->box, id)) {
        tell_refused(&c->who, NULL, 0, "secret_not_named");
        conn_refuse(c, NO_SECRET, "this sandbox was not given %s: name it when it is made", id);
    } else if (!s) {
        conn_refuse(c, NO_SECRET, "there is no %s any more", id);
    } else if (s->why[0]) {
        conn_refuse(c, NO_ANSWER, "%s cannot be used: %s", id, s->why);
    } else if (!*s->base_url) {
        conn_refuse(c, NO_SECRET,
                    "%s is for hosts by pattern: ask for one of them through the proxy", id);
    } else if (!s->url.tls && !policy_match(&c->box->eg->private_list, &s->url.host, s->url.port)) {
        conn_refuse(c, NO_ADDRESS, "%s goes by plain http to what AllowPrivate= does not list", id);
    } else {
        return s;
    }
    return NULL;
}

void host_text(const struct host *name, uint16_t port, bool tls, char ret[HOST_ROOM + 10])
{
    bool six = name->numeric && name->address.six;
    int n = snprintf(ret, HOST_ROOM + 10, "%s%s%s", six ? "[" : "", name->text, six ? "]" : "");
    if (port != (tls ? 443 : 80))
        (void)snprintf(ret + n, (size_t)(HOST_ROOM + 10 - n), ":%u", port);
}

void service_ask(struct conn *c, const struct peek_http *h)
{
    char id[SECRET_ID_MAX], host[HOST_ROOM + 10];
    own_free char *target = xmemdup0(h->path.p, h->path.n);
    char *name = strchr(target + 1, '/') + 1, *rest = name + strcspn(name, "/?#");
    c->service = true;
    if (!strncmp(target, "/run/", 5)) {
        door_ask(c, h, name);
        return;
    }
    if ((size_t)(rest - target) > sizeof(id)) {
        conn_refuse(c, NO_SENSE, "no secret has so long a name");
        return;
    }
    (void)snprintf(id, sizeof(id), "%.*s", (int)(rest - target - 1), target + 1);
    const struct asecret *s = secret_id_ok(id) ? find(c, id) : NULL;
    if (c->phase != PHASE_ASKING)
        return; // refused
    if (!s || goes_up(rest)) {
        conn_refuse(c, NO_SENSE, s ? "the path goes up" : "that is no secret's name");
        return;
    }
    own_free char *path = xasprintf("%.*s%s", (int)s->url.path_len, s->url.path, rest);
    if (s->kind == SECRET_GEMINI)
        drop_key(path + s->url.path_len);
    const struct host name_of = s->url.host;
    uint16_t port = s->url.port;
    host_text(&name_of, port, s->url.tls, host);
    c->by_tls = s->url.tls;
    if (secret_pass_on(c, h, host, s, path)) {
        conn_refuse(c, NO_SENSE, "the request is too large to be passed on with its secret");
        return;
    }
    (void)snprintf(c->rule, sizeof(c->rule), "%s", id);
    conn_go(c, &name_of, port);
}

// --- plain requests through the proxy -----------------------------------------------------------

const struct asecret *secret_for(const struct abox *b, const struct host *name, uint16_t *port,
                                 bool *tls)
{
    uint16_t secure = *port == 80 ? 443 : *port;
    own_free char *uses = xstrdup(b->uses ? b->uses : "");
    char *rest = uses;
    for (char *id; (id = strsep(&rest, " "));) {
        const struct asecret *s = *id ? map_get(b->eg->secrets, id) : NULL;
        if (!s || s->why[0] || s->kind != SECRET_PLAIN)
            continue;
        *tls = false;
        if (policy_match(&s->plain, name, *port) && policy_match(&b->eg->private_list, name, *port))
            return s;
        *tls = true;
        if (policy_match(&s->tls, name, secure)) {
            *port = secure;
            return s;
        }
    }
    *tls = false;
    return NULL;
}
