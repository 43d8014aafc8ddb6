// SPDX-License-Identifier: Apache-2.0
// Headers of tools: sealed like secrets, from the request to the call. Only the egress process opens
// them, for the request to the address that was sealed with them.
#include "run_int.h"

#include <pinfold/crypt.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/wire_egress.h>
#include <strings.h>

#define SEALED                                                                                     \
    '=' // before one: its id, a blank, the sealed record; headers as such begin otherwise
#define LINES_MAX TOOL_HEADERS_BYTES

bool tool_is_sealed(const char *text)
{
    return *text == SEALED;
}

// What is behind scheme, host and port.
static const char *rest_of(const char *url)
{
    const char *at = strstr(url, "://");
    return at ? at + 3 + strcspn(at + 3, "/?#") : url + strlen(url);
}

static int check_place(const struct core *c, const char *base, struct err *e)
{
    struct secret_url u;
    struct policy list = {0};
    if (secret_url_parse(base, &u, e) ||
        policy_parse(&list, c->conf.allow_private ? c->conf.allow_private : "", e))
        return -1;
    int bad = !u.tls && !policy_match(&list, &u.host, u.port)
                  ? err_set(e, ERR_DENIED,
                            "headers go by plain http to what AllowPrivate= lists only; use https")
                  : 0;
    policy_release(&list);
    return bad;
}

static bool has(const char *const *headers, const char *name)
{
    size_t n = strlen(name);
    for (; headers && *headers; headers++)
        if (!strncasecmp(*headers, name, n) && (*headers)[n] == ':')
            return true;
    return false;
}

// As they go out, with those that every request has.
static int lines_of(const char *const *headers, bool body, struct buf *ret, struct err *e)
{
    (void)buf_reserve(ret, LINES_MAX - 1); // so that it is never moved, and left behind
    for (const char *const *h = headers; h && *h; h++)
        (void)buf_printf(ret, "%s\r\n", *h);
    if (!has(headers, "User-Agent"))
        (void)buf_puts(ret, "User-Agent: pinfold\r\n");
    if (!has(headers, "Accept"))
        (void)buf_puts(ret, "Accept: */*\r\n");
    if (body && !has(headers, "Content-Type"))
        (void)buf_puts(ret, "Content-Type: application/json\r\n");
    return ret->overflow ? err_set(e, ERR_LIMIT, "headers are larger than %d bytes", LINES_MAX) : 0;
}

static int check_names(const char *const *headers, struct err *e)
{
    static const char *const ours[] = {
        "Host",    "Connection", "Content-Length", "Transfer-Encoding",
        "Upgrade", "TE",         "Trailer",        "Expect"};
    for (unsigned i = 0; i < N_ELEMS(ours); i++)
        if (has(headers, ours[i]))
            return err_set(e, ERR_BAD_REQUEST,
                           "header %s cannot be given: it says how the request is read", ours[i]);
    return 0;
}

int tool_seal(struct core *c, const struct run_tool *t, char **ret, struct err *e)
{
    const char *const *headers = t->headers;
    bool body = !t->method || (strcmp(t->method, "GET") != 0 && strcmp(t->method, "DELETE") != 0);
    char id[ID_MAX];
    own_free char *base = xmemdup0(t->url, (size_t)(rest_of(t->url) - t->url));
    own_buf struct buf lines, sealed, text;
    buf_init(&lines, LINES_MAX);
    buf_init(&sealed, SECRET_SEALED_MAX);
    buf_init(&text, 2 * SECRET_SEALED_MAX);
    if (!c->secrets.current[0])
        return err_set(e, ERR_BUSY, "headers cannot be sealed now: %.150s",
                       c->secrets.why[0] ? c->secrets.why : "the egress process has told no key");
    if (check_names(headers, e) || check_place(c, base, e))
        return -1;
    (void)buf_printf(&text, "%ctool/%s ", SEALED, id_make("tool", id));
    own_free char *name = xmemdup0(text.data + 1, text.len - 2);
    int bad = lines_of(headers, body, &lines, e);
    const struct secret_record r = {.kind = SECRET_TOOL,
                                    .id = name,
                                    .base_url = base,
                                    .hosts = "",
                                    .header = "",
                                    .format = "",
                                    .value = lines.len ? lines.data : ""};
    bad = bad || secret_seal(&r, c->secrets.current, &sealed, e);
    crypt_wipe(lines.data, lines.len);
    char *room = bad ? NULL : buf_reserve(&text, BASE64URL_ROOM(sealed.len));
    if (bad || !room)
        return bad ? -1 : err_set(e, ERR_LIMIT, "headers are larger than %d bytes", LINES_MAX);
    buf_commit(&text, strlen(base64url_encode(sealed.data, sealed.len, room)));
    *ret = buf_steal(&text, NULL);
    return 0;
}

static void id_of(const char *text, char ret[SECRET_ID_MAX])
{
    (void)snprintf(ret, SECRET_ID_MAX, "%.*s", (int)strcspn(text + 1, " "), text + 1);
}

// The egress process knows it from here on. ret_url: what is asked for it, inside of a sandbox that may
// use ret_id.
int tool_tell(struct core *c, const char *text, const char *url, char ret_id[SECRET_ID_MAX],
              struct buf *ret_url, struct err *e)
{
    const char *rest = rest_of(url), *at = strchr(text, ' ');
    char service[SERVICE_URL_MAX];
    unsigned char sealed[SECRET_SEALED_MAX];
    struct msg_egress_secret m = {0};
    long n = at ? base64url_decode(at + 1, strlen(at + 1), sealed, sizeof(sealed)) : -1;
    if (!tool_is_sealed(text) || n < 0)
        return err_set(e, ERR_CONFLICT, "its headers are not sealed yet; try again");
    id_of(text, ret_id);
    TEXT_PUT(m.id, ret_id);
    m.sealed = (struct wire_bytes){sealed, (size_t)n};
    if (egress_send(c, MSG_EGRESS_SECRET, &m, NULL, 0))
        return err_set(e, ERR_BUSY, "the egress process does not listen now");
    (void)buf_printf(ret_url, "%s%s%.*s", service_url(ret_id, service), *rest == '/' ? "" : "/",
                     (int)strcspn(rest, "#"), rest);
    return 0;
}

void tool_forget(struct core *c, const char *text)
{
    struct msg_egress_secret m = {0};
    if (!tool_is_sealed(text))
        return;
    id_of(text, m.id);
    (void)egress_send(c, MSG_EGRESS_UNKNOW, &m, NULL, 0); // or it ends with that process
}
