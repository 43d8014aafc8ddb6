// SPDX-License-Identifier: Apache-2.0
// Rules: what they match, and what two lists have in common.
#include "tap.h"
#include <pinfold/buf.h>
#include <pinfold/policy.h>

static struct policy make(const char *text)
{
    struct policy p = {0};
    struct err e = {0};
    if (policy_parse(&p, text, &e) || policy_ports(&p, "80 443", &e))
        printf("Bail out! %s\n", e.text);
    return p;
}

static const char *matched(const char *rules, const char *host, uint16_t port)
{
    static char text[RULE_ROOM];
    struct policy p = make(rules);
    struct host h;
    struct err e;
    const struct rule *r =
        host_parse(host, strlen(host), &h, &e) ? NULL : policy_match(&p, &h, port);
    (void)snprintf(text, sizeof(text), "none");
    if (r)
        rule_text(r, text);
    policy_release(&p);
    return text;
}

static void matching(void)
{
    static const struct {
        const char *rules, *host;
        uint16_t port;
        const char *want;
    } rows[] = {
        {"", "example.org", 443, "none"},
        {"example.org", "example.org", 443, "example.org"},
        {"example.org", "EXAMPLE.org.", 80, "example.org"},
        {"example.org", "example.org", 22, "none"},
        {"example.org", "www.example.org", 443, "none"},
        {"example.org", "badexample.org", 443, "none"},
        {"example.org", "example.org.evil", 443, "none"},
        {"*.example.org", "www.example.org", 443, "*.example.org"},
        {"*.example.org", "a.b.example.org", 443, "*.example.org"},
        {"*.example.org", "example.org", 443, "none"},
        {"*.example.org", "badexample.org", 443, "none"},
        {"*.example.org", ".example.org", 443, "none"},
        {"Example.org:8443", "example.org", 8443, "example.org:8443"},
        {"example.org:8443", "example.org", 443, "none"},
        {"*.example.org:22", "git.example.org", 22, "*.example.org:22"},
        {"10.0.0.5:8080", "10.0.0.5", 8080, "10.0.0.5:8080"},
        {"10.0.0.5:8080", "0xa000005", 8080, "10.0.0.5:8080"},
        {"10.0.0.5:8080", "10.0.0.5", 80, "none"},
        {"[::1]:8080", "::1", 8080, "[::1]:8080"},

    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        is_str(matched(rows[i].rules, rows[i].host, rows[i].port), rows[i].want,
               "'%s' for %s:%u: %s", rows[i].rules, rows[i].host, rows[i].port, rows[i].want);
}

static void reading(void)
{
    static const char *const bad[] = {"*",     "*.",        "*.10.0.0.1:80", "10.0.0.1",
                                      "a.*.b", "*a.b",      "http://a.b",    "a.b/c",
                                      "a.b:0", "a.b:99999", "@nothing",      "a\tb"};
    struct rule r;
    struct err e;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ok(rule_parse(bad[i], strlen(bad[i]), &r, &e) && e.code == ERR_BAD_REQUEST,
           "no rule: %s (%s)", bad[i], e.text);
    ok(preset_name_ok("@npm", 4) && !preset_name_ok("@", 1) && !preset_name_ok("npm", 3) &&
           !preset_name_ok("@Npm", 4),
       "presets have names");
    struct policy p = {0};
    char text[32];
    int bad_at = 0;
    for (int i = 0; i < POLICY_RULES_MAX && !bad_at; i++) {
        (void)snprintf(text, sizeof(text), "h%d.example h%d.example", i, i);
        bad_at = policy_parse(&p, text, &e);
    }
    is_int(p.n, POLICY_RULES_MAX, "a rule that is there twice is there once");
    ok(policy_parse(&p, "one.more.example", &e) && e.code == ERR_LIMIT, "one too many: %s", e.text);
    policy_release(&p);
    ok(policy_ports(&p, "80 x", &e) && policy_ports(&p, "0", &e), "ports are numbers");
}

static void both(const char *a, const char *b, const char *want)
{
    struct policy pa = make(a), pb = make(b), p = {0};
    struct err e;
    own_buf struct buf out;
    buf_init(&out, POLICY_TEXT_MAX);
    ok(!policy_intersect(&pa, &pb, &p, &e) && !policy_format(&p, &out), "'%s' and '%s'", a, b);
    is_str(out.data, want, "have '%s' in common", want);
    policy_release(&pa);
    policy_release(&pb);
    policy_release(&p);
}

static void addresses(void)
{
    struct policy list = make("10.0.0.5:8080 [fd00::1]:443 mirror.corp:80");
    struct host name, literal, mirror;
    struct err e;
    (void)host_parse("a.example", 9, &name, &e);
    (void)host_parse("mirror.corp", 11, &mirror, &e);
    (void)host_parse("10.0.0.5", 8, &literal, &e);
    struct address public4, private4 = literal.address, other = literal.address;
    address_from4(&public4, "\x01\x01\x01\x01");
    other.bytes[3] = 6;
    ok(policy_address_ok(&list, &name, &public4, 443), "a name may lie at a public address");
    ok(!policy_address_ok(&list, &name, &other, 8080), "not at a private one");
    ok(policy_address_ok(&list, &name, &private4, 8080), "unless the operator lists it");
    ok(!policy_address_ok(&list, &name, &private4, 80), "with that port");
    ok(policy_address_ok(&list, &mirror, &other, 80), "or lists the name");
    ok(!policy_address_ok(&list, &mirror, &other, 443), "with that port too");
    ok(policy_address_ok(&list, &literal, &private4, 8080), "an address of the list");
    literal.address = public4;
    address_text(&public4, literal.text);
    ok(!policy_address_ok(&list, &literal, &public4, 443), "no other, public ones neither");
    policy_release(&list);
}

int main(void)
{
    matching();
    reading();
    both("a.example", "", "");
    both("a.example b.example", "b.example c.example", "b.example");
    both("*.example", "a.example b.other", "a.example");
    both("a.b.example", "*.b.example *.example", "a.b.example");
    both("*.b.example", "*.example", "*.b.example");
    both("*.example", "example", "");
    both("a.example:8443", "a.example", "");
    both("a.example:443", "a.example", "a.example:443");
    both("a.example:8443", "a.example:8443 *.example", "a.example:8443");
    both("a.example:8443", "*.example:8443", "a.example:8443");
    both("a.example:8443", "a.example:8444", "");
    both("10.0.0.1:80", "10.0.0.1:80 a.example", "10.0.0.1:80");
    addresses();
    return done_testing();
}
