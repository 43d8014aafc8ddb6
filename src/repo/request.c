// SPDX-License-Identifier: Apache-2.0
// What the server asks of pinfold-git: NUL-terminated key=value records, all of them, once each.
// A request that was cut anywhere lacks a record or its last NUL, so it is refused.
#include "fields.h"

#include <pinfold/id.h>
#include <pinfold/own.h>
#include <string.h>

// As it travels: URL and operation as text.
struct wire_request {
    uint64_t protocol;
    char op[16];
    char url[REPO_URL_MAX];
    struct repo_request q;
};
#define PROTOCOL 1

#define Q_TEXT(name) TEXT_FIELD(wire_request, #name, q.name)
#define Q_LIMIT(name) U64_FIELD(wire_request, "limit_" #name, q.limits.name)
static const struct field rows[] = {
    U64_FIELD(wire_request, "protocol", protocol),
    TEXT_FIELD(wire_request, "op", op),
    TEXT_FIELD(wire_request, "url", url),
    Q_TEXT(ref),
    Q_TEXT(dir),
    BOOL_FIELD(wire_request, "submodules", q.submodules),
    BOOL_FIELD(wire_request, "offline_ok", q.offline_ok),
    Q_TEXT(base),
    Q_TEXT(username),
    Q_TEXT(password),
    Q_TEXT(header),
    Q_TEXT(base_url),
    Q_TEXT(roots),
    U64_FIELD(wire_request, "proxy_port", q.proxy_port),
    Q_LIMIT(seconds),
    Q_LIMIT(bytes),
    Q_LIMIT(objects),
    Q_LIMIT(refs),
    Q_LIMIT(files),
    Q_LIMIT(file_bytes),
    Q_LIMIT(tree_bytes),
    Q_LIMIT(depth),
    Q_LIMIT(submodules),
};
static const struct field_table table = {rows, N_ELEMS(rows)};

static void put_string(char *to, size_t room, const char *s)
{
    size_t n = strnlen(s ? s : "", room - 1);
    if (s)
        memcpy(to, s, n);
    to[n] = '\0';
}

void repo_request_init(struct repo_request *q, enum repo_op op, const struct repo_url *url,
                       const struct repo_rules *rules)
{
    memset(q, 0, sizeof(*q));
    q->op = op;
    q->url = *url;
    put_string(q->base_url, sizeof(q->base_url), rules->base_url);
    put_string(q->roots, sizeof(q->roots), rules->roots);
    repo_limits_default(&q->limits);
}

void repo_request_wipe(struct repo_request *q)
{
    explicit_bzero(q, sizeof(*q));
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

int repo_credentials_check(const struct repo_request *q, struct err *e)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    if (has_control(q->username) || has_control(q->password) || has_control(q->header))
        return err_set(e, ERR_BAD_REQUEST, "the repository's credentials hold a control byte");
    if (q->username[0] && !q->password[0])
        return err_set(e, ERR_BAD_REQUEST, "the repository's credentials lack the password");
    if (strchr(q->username, ':'))
        return err_set(e, ERR_BAD_REQUEST, "the repository's user name holds a colon");
    if (!q->header[0])
        return 0;
    if (q->password[0])
        return err_set(e, ERR_BAD_REQUEST, "give a header or a password, not both");
    size_t name = strspn(q->header, token);
    if (name == 0 || q->header[name] != ':' || !q->header[name + 1])
        return err_set(e, ERR_BAD_REQUEST,
                       "the repository's header is not of the form \"Name: value\"");
    return 0;
}

// Checks that both sides make.
static int check(const struct repo_request *q, struct err *e)
{
    enum repo_ref_kind kind = REPO_REF_DEFAULT;
    if (q->dir[0] && !name_ok(q->dir))
        return err_set(e, ERR_BAD_REQUEST, "'%.64s' is not the name of a directory", q->dir);
    if (q->op == REPO_OP_CHANGES &&
        (repo_ref_check(q->ref, strlen(q->ref), &kind, NULL) || kind != REPO_REF_COMMIT))
        return err_set(e, ERR_BAD_REQUEST, "changes are counted from a commit");
    if (repo_ref_check(q->ref, strlen(q->ref), NULL, e) < 0 || repo_credentials_check(q, e) < 0)
        return -1;
    if (q->base[0] &&
        (!repo_is_oid(q->base) || q->op != REPO_OP_CHECKOUT || q->submodules || q->dir[0]))
        return err_set(e, ERR_BAD_REQUEST, "a checkout of '%.40s' is no base", q->base);
    if (q->proxy_port > UINT16_MAX)
        return err_set(e, ERR_BAD_REQUEST, "proxy_port is above %d", UINT16_MAX);
    return repo_limits_check(&q->limits, e);
}

int repo_request_format(const struct repo_request *q, struct buf *out, struct err *e)
{
    if (check(q, e) < 0)
        return -1;
    struct wire_request *w = xcalloc(1, sizeof(*w));
    w->protocol = PROTOCOL;
    put_string(w->op, sizeof(w->op), repo_op_name(q->op));
    put_string(w->url, sizeof(w->url), q->url.canonical);
    w->q = *q;
    int r = fields_format(&table, w, '\0', out);
    explicit_bzero(w, sizeof(*w));
    free(w);
    return r < 0 ? err_set(e, ERR_INTERNAL, "the request to the git helper is too long") : 0;
}

static int take_records(const char *p, size_t len, struct wire_request *w, struct err *e)
{
    uint64_t seen = 0;
    if (len == 0 || len > REPO_REQUEST_MAX || p[len - 1] != '\0')
        return err_set(e, ERR_BAD_REQUEST, "the request is empty, too long or cut");
    for (const char *end = p + len; p < end;) {
        size_t n = strlen(p); // ends at the latest at the NUL found above
        if (fields_take(&table, p, n, &seen, w, e) < 0)
            return -1;
        p += n + 1;
    }
    return fields_complete(&table, seen, e);
}

static int convert(struct wire_request *w, struct repo_request *ret, struct err *e)
{
    struct repo_rules rules = {w->q.base_url, w->q.roots};
    if (w->protocol != PROTOCOL)
        return err_set(e, ERR_BAD_REQUEST, "the request is of another version of the protocol");
    if (repo_op_parse(w->op, &w->q.op) < 0)
        return err_set(e, ERR_BAD_REQUEST, "there is no such operation");
    if (repo_url_parse(w->url, strlen(w->url), &rules, &w->q.url, e) < 0 || check(&w->q, e) < 0)
        return -1;
    if (strcmp(w->url, w->q.url.canonical) != 0)
        return err_set(e, ERR_BAD_REQUEST, "the request's URL is not in canonical form");
    *ret = w->q;
    return 0;
}

int repo_request_parse(const char *p, size_t len, struct repo_request *ret, struct err *e)
{
    struct wire_request *w = xcalloc(1, sizeof(*w));
    int r = take_records(p, len, w, e);
    if (r == 0)
        r = convert(w, ret, e);
    explicit_bzero(w, sizeof(*w));
    free(w);
    return r;
}
