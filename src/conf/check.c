// SPDX-License-Identifier: Apache-2.0
// What a setting's text may be, and what settings must hold together. Pure.
#include "conf_int.h"

#include <arpa/inet.h>
#include <pinfold/id.h>
#include <pinfold/keyfile.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <stdbool.h>
#include <string.h>

int conf_parse_address(const char *s, char host[64], uint16_t *ret_port, struct err *e)
{
    const char *colon = strrchr(s, ':');
    uint64_t port;
    if (!colon || num_parse_u64(colon + 1, 0, UINT16_MAX, &port, NULL))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not ADDR:PORT", s);
    size_t n = (size_t)(colon - s);
    bool six = n >= 2 && s[0] == '[' && s[n - 1] == ']';
    const char *from = six ? s + 1 : s;
    n -= six ? 2 : 0;
    char text[64];
    if (n >= sizeof(text))
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not ADDR:PORT", s);
    memcpy(text, from, n);
    text[n] = '\0';
    struct in6_addr addr;
    if (inet_pton(six ? AF_INET6 : AF_INET, text, &addr) != 1)
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.60s' is not ADDR:PORT with an address in numbers (an IPv6 one in [])",
                       s);
    memcpy(host, text, n + 1);
    *ret_port = (uint16_t)port;
    return 0;
}

// Call one for each word of value.
static int each_word(const char *value, int (*one)(const char *, struct err *), struct err *e)
{
    own_free char *copy = xstrdup(value);
    char *rest = copy, *word;
    int r;
    while ((r = keyfile_word(&rest, &word, e)) > 0)
        if (one(word, e))
            return -1;
    return r;
}

static int check_address(const char *s, struct err *e)
{
    char host[64];
    uint16_t port;
    return conf_parse_address(s, host, &port, e);
}

int conf_check_listen(const char *value, struct err *e)
{
    if (!value[strspn(value, " \t")])
        return err_set(e, ERR_BAD_REQUEST, "there is no address to listen on");
    return each_word(value, check_address, e);
}

int conf_check_directory(const char *value, struct err *e)
{
    if (*value && *value != '/')
        return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not an absolute path", value);
    return 0;
}

int conf_check_directories(const char *value, struct err *e)
{
    return each_word(value, conf_check_directory, e);
}

int conf_check_user(const char *value, struct err *e)
{
    static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!*value || *value == '-' || value[strspn(value, ok)])
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not the name of a user", value);
    if (!strcmp(value, "root") || !strcmp(value, "0"))
        return err_set(e, ERR_BAD_REQUEST, "the server must not run as root");
    return 0;
}

int conf_check_url(const char *value, struct err *e)
{
    static const char *const schemes[] = {"https://", "http://", "git://", "file:///"};
    for (size_t i = 0; i < N_ELEMS(schemes); i++) {
        size_t n = strlen(schemes[i]);
        if (strncmp(value, schemes[i], n) || !value[n])
            continue;
        if (strpbrk(value, " \t\"'\\`$;|&<>"))
            return err_set(e, ERR_BAD_REQUEST, "'%.60s' has a character no URL has", value);
        if (memchr(value + n, '@', strcspn(value + n, "/")))
            return err_set(e, ERR_BAD_REQUEST, "a URL in a setting must not hold a credential");
        return 0;
    }
    return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not an https, http, git or file URL", value);
}

// RFC 1918 and RFC 6598: what is not routed outside can be given to sandboxes.
static bool is_private(uint32_t a)
{
    return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == 0x191;
}

int conf_check_network(const char *value, struct err *e)
{
    const char *slash = strchr(value, '/');
    char text[20];
    struct in_addr addr;
    size_t n = slash ? (size_t)(slash - value) : 0;
    if (!slash || n >= sizeof(text) || strcmp(slash, "/16"))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not A.B.0.0/16", value);
    memcpy(text, value, n);
    text[n] = '\0';
    if (inet_pton(AF_INET, text, &addr) != 1)
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not an IPv4 address", text);
    uint32_t a = ntohl(addr.s_addr);
    if (!is_private(a) || a & 0xffff)
        return err_set(e, ERR_BAD_REQUEST, "%s is not the start of a private range", value);
    return 0;
}

int conf_check_name(const char *value, struct err *e)
{
    if (!name_ok(value))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a name", value);
    return 0;
}

static int check_ip(const char *s, struct err *e)
{
    struct in6_addr addr;
    if (inet_pton(AF_INET, s, &addr) == 1 || inet_pton(AF_INET6, s, &addr) == 1)
        return 0;
    return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not an address in numbers", s);
}

int conf_check_name_servers(const char *value, struct err *e)
{
    return each_word(value, check_ip, e);
}

int conf_check_private(const char *value, struct err *e)
{
    struct policy p = {0};
    int bad = policy_parse(&p, value, e);
    for (unsigned i = 0; i < p.n && !bad; i++)
        if (!p.rules[i].port || p.rules[i].kind == RULE_BELOW)
            bad = err_set(e, ERR_BAD_REQUEST, "'%.60s' is not one host with its port",
                          p.rules[i].host);
    policy_release(&p);
    return bad;
}

static int check_preset(const char *s, struct err *e)
{
    size_t n = strcspn(s, "=");
    own_free char *name = xasprintf("@%.*s", (int)n, s), *rules = xstrdup(s + n + (s[n] == '='));
    struct policy p = {0};
    if (s[n] != '=' || !preset_name_ok(name, strlen(name)))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not NAME=HOST,HOST with a small-letter name",
                       s);
    for (char *c = rules; *c; c++)
        *c = *c == ',' ? ' ' : *c;
    int bad = policy_parse(&p, rules, e);
    policy_release(&p);
    return bad;
}

int conf_check_presets(const char *value, struct err *e)
{
    return each_word(value, check_preset, e);
}

static int check_dialect_host(const char *s, struct err *e)
{
    size_t n = strcspn(s, "=");
    if (n && s[n] == '=' && name_ok(s + n + 1) && !strchr(s, '/'))
        return 0;
    return err_set(e, ERR_BAD_REQUEST, "'%.60s' is not HOST=DIALECT", s);
}

int conf_check_dialect_hosts(const char *value, struct err *e)
{
    return each_word(value, check_dialect_host, e);
}

int conf_check_ports(const char *value, struct err *e)
{
    struct policy p = {0};
    return policy_ports(&p, value, e);
}

int conf_check(const struct conf *c, struct err *e)
{
    if (!*c->tls_certificate.path != !*c->tls_key.path)
        return err_set(e, ERR_BAD_REQUEST, "TLSCertificate= and TLSKey= belong together");
    if (c->http2 && !*c->tls_key.path && !c->tls_key.text)
        return err_set(e, ERR_BAD_REQUEST, "HTTP2=yes needs TLSCertificate= and TLSKey=");
    if (c->exec_timeout_ms > c->exec_timeout_max_ms)
        return err_set(e, ERR_BAD_REQUEST, "ExecTimeout= is above ExecTimeoutMax=");
    if (c->max_execs_per_workspace > c->max_execs)
        return err_set(e, ERR_BAD_REQUEST, "MaxExecsPerWorkspace= is above MaxExecs=");
    if (c->answer_bytes > c->answer_max_bytes)
        return err_set(e, ERR_BAD_REQUEST, "AnswerOutput= is above AnswerOutputMax=");
    if (c->output_keep > c->output_total)
        return err_set(e, ERR_BAD_REQUEST, "OutputKeep= is above OutputTotal=");
    if (!*c->state_dir)
        return err_set(e, ERR_BAD_REQUEST, "StateDir= is empty");
    size_t state = strlen(c->state_dir);
    if (!strncmp(c->secret_key_file, c->state_dir, state) && c->secret_key_file[state] == '/')
        return err_set(e, ERR_BAD_REQUEST,
                       "SecretKeyFile= lies in StateDir=, beside what it is to seal");
    // The kernel takes ids up to 2^32-2; many programs read them as signed, so stay below 2^31.
    if (c->id_base % 65536 || c->id_base + c->id_ranges * 65536 > 0x80000000u)
        return err_set(
            e, ERR_BAD_REQUEST,
            "IdBase= must be a multiple of 65536 and all IdRanges= lie below 2147483648");
    return 0;
}
