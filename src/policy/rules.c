// SPDX-License-Identifier: Apache-2.0
// Rules: reading, writing, matching, intersecting.
#include "policy_int.h"

#include <pinfold/buf.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

void policy_release(struct policy *p)
{
    free(p->rules);
    *p = (struct policy){0};
}

bool preset_name_ok(const char *s, size_t n)
{
    if (n < 2 || n > 32 || s[0] != '@')
        return false;
    for (size_t i = 1; i < n; i++)
        if (!(s[i] >= 'a' && s[i] <= 'z'))
            return false;
    return true;
}

int rule_parse(const char *s, size_t n, struct rule *ret, struct err *e)
{
    struct rule r = {.kind = RULE_NAME};
    struct host h;
    const char *at = s;
    size_t len = n;
    if (web_rule_is(s, n))
        return web_rule_parse(s, n, ret, e);
    if (n && s[0] == '@')
        return err_set(e, ERR_BAD_REQUEST, "there is no preset '%.*s'", n > 32 ? 32 : (int)n, s);
    if (n == 1 && *s == '*')
        return err_set(e, ERR_BAD_REQUEST,
                       "'*' is no rule; network mode full is what reaches every host");
    if (n > 2 && s[0] == '*' && s[1] == '.') {
        r.kind = RULE_BELOW;
        at += 2;
        len -= 2;
    }
    if (host_port_parse(at, len, 0, &h, &r.port, e))
        return err_wrap(e, "'%.*s'", n > 60 ? 60 : (int)n, s);
    if (h.numeric && r.kind == RULE_BELOW)
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is an address; none stands behind a star",
                       h.text);
    if (h.numeric && !r.port)
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.60s' is an address; write it with its port, and the operator must list "
                       "it in AllowPrivate=",
                       h.text);
    if (h.numeric)
        r.kind = RULE_ADDRESS;
    memcpy(r.host, h.text, sizeof(r.host));
    *ret = r;
    return 0;
}

const char *rule_text(const struct rule *r, char ret[RULE_ROOM])
{
    bool six = r->kind == RULE_ADDRESS && strchr(r->host, ':');
    size_t methods = strcspn(r->web, "+");
    int n = snprintf(ret, RULE_ROOM, "%.*s%s%s%s%s%s%s", (int)methods, r->web, methods ? "+" : "",
                     r->web[0] ? "https://" : "",
                     r->kind == RULE_BELOW ? "*."
                     : six                 ? "["
                                           : "",
                     r->host, six ? "]" : "", r->port ? ":" : "");
    if (r->port)
        n += snprintf(ret + n, RULE_ROOM - (size_t)n, "%u", r->port);
    if (r->web[0])
        (void)snprintf(ret + n, RULE_ROOM - (size_t)n, "%s", r->web + methods + 1);
    return ret;
}

static bool same(const struct rule *a, const struct rule *b)
{
    return a->kind == b->kind && a->port == b->port && !strcmp(a->host, b->host) &&
           !strcmp(a->web, b->web);
}

static int add(struct policy *p, const struct rule *r, struct err *e)
{
    for (unsigned i = 0; i < p->n; i++)
        if (same(&p->rules[i], r))
            return 0;
    if (p->n == POLICY_RULES_MAX)
        return err_set(e, ERR_LIMIT, "more than %d rules", POLICY_RULES_MAX);
    if (!(p->n & (p->n - 1))) // grow at 0, 1, 2, 4 ...
        p->rules = xrealloc(p->rules, (p->n ? 2 * p->n : 1) * sizeof(*p->rules));
    p->rules[p->n++] = *r;
    return 0;
}

int policy_parse(struct policy *p, const char *text, struct err *e)
{
    while (*(text += strspn(text, " "))) {
        size_t n = strcspn(text, " ");
        struct rule r;
        if (rule_parse(text, n, &r, e) || add(p, &r, e))
            return -1;
        text += n;
    }
    return 0;
}

int policy_ports(struct policy *p, const char *text, struct err *e)
{
    while (*(text += strspn(text, " "))) {
        size_t n = strcspn(text, " ");
        char word[8];
        uint64_t port;
        if (p->n_ports == POLICY_PORTS_MAX)
            return err_set(e, ERR_LIMIT, "more than %d ports", POLICY_PORTS_MAX);
        (void)snprintf(word, sizeof(word), "%.*s", (int)(n < 7 ? n : 7), text);
        if (num_parse_u64(word, 1, UINT16_MAX, &port, NULL))
            return err_set(e, ERR_BAD_REQUEST, "'%s' is not a port", word);
        p->ports[p->n_ports++] = (uint16_t)port;
        text += n;
    }
    return 0;
}

int policy_format(const struct policy *p, struct buf *out)
{
    char text[RULE_ROOM];
    for (unsigned i = 0; i < p->n; i++)
        if ((i && buf_putc(out, ' ')) || buf_puts(out, rule_text(&p->rules[i], text)))
            return -1;
    return 0;
}

static bool below(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n > k + 1 && name[n - k - 1] == '.' && !strcmp(name + n - k, suffix);
}

static bool port_open(const struct policy *p, const struct rule *r, uint16_t port)
{
    if (r->port)
        return r->port == port;
    for (unsigned i = 0; i < p->n_ports; i++)
        if (p->ports[i] == port)
            return true;
    return false;
}

static bool fits(const struct rule *r, const struct host *h)
{
    if (r->kind == RULE_BELOW)
        return !h->numeric && below(h->text, r->host);
    return h->numeric == (r->kind == RULE_ADDRESS) && !strcmp(h->text, r->host);
}

const struct rule *policy_match(const struct policy *p, const struct host *h, uint16_t port)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct rule *r = &p->rules[i];
        if (!r->web[0] && fits(r, h) && port_open(p, r, port))
            return r;
    }
    return NULL;
}

bool policy_opens(const struct policy *p, const struct host *h, uint16_t port)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->rules[i].web[0] && p->rules[i].port == port && fits(&p->rules[i], h))
            return true;
    return false;
}

bool policy_opens_any(const struct policy *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->rules[i].web[0])
            return true;
    return false;
}

const struct rule *policy_request(const struct policy *p, const struct host *h, uint16_t port,
                                  const struct web_request *q)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct rule *r = &p->rules[i];
        if (r->web[0] && r->port == port && fits(r, h) && web_rule_allows(r, q))
            return r;
    }
    return policy_match(p, h, port);
}

bool policy_knows(const struct policy *p, const struct host *h)
{
    for (unsigned i = 0; i < p->n; i++)
        if (fits(&p->rules[i], h))
            return true;
    return false;
}

// The narrower of two rules when one's hosts hold the other's. Of ports the named one; a rule
// without one has the open ports, so a named port that is not open is not in it.
static bool narrower(const struct policy *ports, const struct rule *a, const struct rule *b,
                     struct rule *ret)
{
    bool equal = a->kind == b->kind && !strcmp(a->host, b->host);
    if (equal || (b->kind == RULE_BELOW && a->kind != RULE_ADDRESS && below(a->host, b->host)))
        *ret = *a;
    else if (a->kind == RULE_BELOW && b->kind != RULE_ADDRESS && below(b->host, a->host))
        *ret = *b;
    else
        return false;
    uint16_t port = a->port ? a->port : b->port;
    if (port && (!port_open(ports, a, port) || !port_open(ports, b, port)))
        return false;
    ret->port = port;
    const char *web = a->web[0] ? a->web : b->web; // of two about requests only equal ones meet
    if (a->web[0] && b->web[0] && strcmp(a->web, b->web))
        return false;
    memmove(ret->web, web, sizeof(ret->web));
    return true;
}

int policy_intersect(const struct policy *a, const struct policy *b, struct policy *ret,
                     struct err *e)
{
    struct policy p = {.n_ports = a->n_ports};
    memcpy(p.ports, a->ports, sizeof(p.ports));
    for (unsigned i = 0; i < a->n; i++)
        for (unsigned k = 0; k < b->n; k++) {
            struct rule r;
            if (narrower(a, &a->rules[i], &b->rules[k], &r) && add(&p, &r, e)) {
                policy_release(&p);
                return -1;
            }
        }
    *ret = p;
    return 0;
}

bool policy_address_ok(const struct policy *operator_list, const struct host *name,
                       const struct address *a, uint16_t port)
{
    if (!address_class(a) && !name->numeric)
        return true;
    struct host where = {.numeric = true, .address = *a};
    address_text(a, where.text);
    return policy_match(operator_list, &where, port) || policy_match(operator_list, name, port);
}
