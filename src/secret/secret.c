// SPDX-License-Identifier: Apache-2.0
// What a secret is made of, and the checks of it.
#include <pinfold/secret.h>

#include <pinfold/own.h>
#include <string.h>

static const struct secret_kind_row kinds[SECRET_KINDS] = {
    [SECRET_PLAIN] = {"secret", "Authorization", "Bearer {}", NULL, NULL},
    [SECRET_ANTHROPIC] = {"anthropic", "x-api-key", "{}", "ANTHROPIC_BASE_URL",
                          "ANTHROPIC_API_KEY"},
    [SECRET_OPENAI] = {"openai", "Authorization", "Bearer {}", "OPENAI_BASE_URL", "OPENAI_API_KEY"},
    [SECRET_COMPATIBLE] = {"openai-compatible", "Authorization", "Bearer {}", "OPENAI_BASE_URL",
                           "OPENAI_API_KEY"},
    [SECRET_GEMINI] = {"gemini", "x-goog-api-key", "{}", "GOOGLE_GEMINI_BASE_URL",
                       "GEMINI_API_KEY"},
    [SECRET_TOOL] = {"tool", "", "", NULL, NULL},
};

const struct secret_kind_row *secret_kind(enum secret_kind k)
{
    return &kinds[k < SECRET_KINDS ? k : SECRET_PLAIN];
}

bool secret_id_ok(const char *s)
{
    static const char *const roots[] = {"secret/", "provider/", "tool/"};
    for (size_t i = 0; i < N_ELEMS(roots); i++)
        if (!strncmp(s, roots[i], strlen(roots[i])))
            return name_ok(s + strlen(roots[i]));
    return false;
}

const char *secret_placeholder(const char *id, char ret[SECRET_ID_MAX + 32])
{
    const char *slash = strchr(id, '/');
    (void)snprintf(ret, SECRET_ID_MAX + 32, "pinfold-placeholder-%s", slash ? slash + 1 : id);
    return ret;
}

// --- URLs -------------------------------------------------------------------------------------

// Segments of dots would be taken away by whoever reads the URL next.
static int check_path(const char *s, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~' || s[i] == '?' || s[i] == '#' || s[i] == '%' || s[i] == '\\')
            return err_set(e, ERR_BAD_REQUEST,
                           "base_url's path holds more than plain characters; it has no query, "
                           "fragment or escape");
        if (s[i] == '/' && i + 1 < n && (s[i + 1] == '.' || s[i + 1] == '/'))
            return err_set(e, ERR_BAD_REQUEST, "base_url's path holds an empty or dotted segment");
    }
    return 0;
}

int secret_url_parse(const char *s, struct secret_url *ret, struct err *e)
{
    struct secret_url u = {.tls = !strncmp(s, "https://", 8)};
    if (!u.tls && strncmp(s, "http://", 7))
        return err_set(e, ERR_BAD_REQUEST, "base_url does not begin with https://");
    const char *at = s + (u.tls ? 8 : 7);
    size_t n = strcspn(at, "/?#");
    if (memchr(at, '@', n))
        return err_set(e, ERR_BAD_REQUEST, "base_url holds a credential; give it apart");
    if (host_port_parse(at, n, u.tls ? 443 : 80, &u.host, &u.port, e))
        return err_wrap(e, "base_url");
    u.path = at + n;
    u.path_len = strlen(u.path);
    while (u.path_len && u.path[u.path_len - 1] == '/')
        u.path_len--;
    if (strlen(s) >= SECRET_URL_MAX)
        return err_set(e, ERR_LIMIT, "base_url is longer than %d bytes", SECRET_URL_MAX - 1);
    if (check_path(u.path, strlen(u.path), e))
        return -1;
    *ret = u;
    return 0;
}

// --- hosts ------------------------------------------------------------------------------------

#define PLAIN "http://"
#define TLS "https://"

int secret_hosts(const char *hosts, bool plain, struct policy *ret, struct err *e)
{
    struct policy p = {0};
    own_free char *copy = xstrdup(hosts);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, " "));) {
        bool is_plain = !strncmp(word, PLAIN, strlen(PLAIN));
        if (is_plain)
            word += strlen(PLAIN);
        else if (!strncmp(word, TLS, strlen(TLS)))
            word += strlen(TLS);
        if (*word && is_plain == plain && policy_parse(&p, word, e)) {
            policy_release(&p);
            return -1;
        }
    }
    if (policy_ports(&p, plain ? "80" : "443", e)) {
        policy_release(&p);
        return -1;
    }
    *ret = p;
    return 0;
}

// --- checks -----------------------------------------------------------------------------------

static int check_text(const char *s, const char *name, size_t max, struct err *e)
{
    if (strlen(s) >= max)
        return err_set(e, ERR_LIMIT, "%s is longer than %zu bytes", name, max - 1);
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return err_set(e, ERR_BAD_REQUEST, "%s holds a control character", name);
    return 0;
}

static int check_header(const struct secret_record *r, struct err *e)
{
    static const char *const ours[] = {
        "Host",    "Connection", "Content-Length", "Transfer-Encoding",
        "Upgrade", "TE",         "Trailer",        "Expect"};
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    if (!*r->header || r->header[strspn(r->header, token)])
        return err_set(e, ERR_BAD_REQUEST, "header '%.60s' is no name of a header", r->header);
    for (unsigned i = 0; i < N_ELEMS(ours); i++)
        if (!strcasecmp(ours[i], r->header))
            return err_set(e, ERR_BAD_REQUEST,
                           "header cannot be %s, which says how a message is read", ours[i]);
    const char *hole = strstr(r->format, "{}");
    if (!hole || strstr(hole + 2, "{}"))
        return err_set(e, ERR_BAD_REQUEST, "format holds {} not just once");
    return check_text(r->header, "header", SECRET_HEADER_MAX, e) ||
                   check_text(r->format, "format", SECRET_FORMAT_MAX, e)
               ? -1
               : 0;
}

// In plain only to where the operator says so: a key that goes over a public network unencrypted is
// given away.
static int check_plain(const struct policy *private_list, const struct host *h, uint16_t port,
                       struct err *e)
{
    return policy_match(private_list, h, port)
               ? 0
               : err_set(e, ERR_DENIED,
                         "%.100s:%u is reached by plain http, which is for what AllowPrivate= "
                         "lists; use https",
                         h->text, port);
}

static int check_plain_hosts(const struct secret_record *r, const struct policy *private_list,
                             struct err *e)
{
    struct policy p = {0};
    struct host h;
    int bad = secret_hosts(r->hosts, true, &p, e);
    for (unsigned i = 0; i < p.n && !bad; i++) {
        const struct rule *rule = &p.rules[i];
        bad = rule->kind == RULE_BELOW
                  ? err_set(e, ERR_BAD_REQUEST, "hosts: http:// is for one host, not for *.%s",
                            rule->host)
                  : host_parse(rule->host, strlen(rule->host), &h, e) ||
                        check_plain(private_list, &h, rule->port ? rule->port : 80, e);
    }
    policy_release(&p);
    return bad;
}

int secret_check(const struct secret_record *r, const struct policy *private_list, struct err *e)
{
    struct policy p = {0};
    struct secret_url u;
    bool plain = r->kind == SECRET_PLAIN;
    if (!secret_id_ok(r->id) || strncmp(r->id, plain ? "secret/" : "provider/", plain ? 7 : 9))
        return err_set(e, ERR_BAD_REQUEST,
                       "the name is not 1 to %d of letters, digits, dot, underscore, hyphen",
                       NAME_MAX_LEN);
    if (check_text(r->value, plain ? "value" : "api_key", SECRET_VALUE_MAX + 1, e) ||
        check_header(r, e))
        return -1;
    if (!*r->value && r->kind != SECRET_COMPATIBLE)
        return err_set(e, ERR_BAD_REQUEST, "%s is empty", plain ? "value" : "api_key");
    if (!plain)
        return secret_url_parse(r->base_url, &u, e) ||
                       (!u.tls && check_plain(private_list, &u.host, u.port, e))
                   ? -1
                   : 0;
    if (!r->hosts[strspn(r->hosts, " ")])
        return err_set(e, ERR_BAD_REQUEST, "hosts is empty: a secret is for some host");
    if (strlen(r->hosts) >= SECRET_HOSTS_MAX)
        return err_set(e, ERR_LIMIT, "hosts is longer than %d bytes", SECRET_HOSTS_MAX - 1);
    if (secret_hosts(r->hosts, false, &p, e))
        return err_wrap(e, "hosts");
    policy_release(&p);
    return check_plain_hosts(r, private_list, e);
}

int secret_header(const struct secret_record *r, struct buf *out)
{
    const char *hole = strstr(r->format, "{}");
    if (r->kind == SECRET_TOOL)
        return buf_puts(out, r->value);
    if (!hole || !*r->value)
        return *r->value ? -1 : 0;
    return buf_puts(out, r->header) || buf_puts(out, ": ") ||
                   buf_append(out, r->format, (size_t)(hole - r->format)) ||
                   buf_puts(out, r->value) || buf_puts(out, hole + 2) || buf_puts(out, "\r\n")
               ? -1
               : 0;
}
