// SPDX-License-Identifier: Apache-2.0
// Rules about single requests.
#include <pinfold/buf.h>
#include <pinfold/policy.h>
#include <string.h>
#include <tap.h>

static const struct {
    const char *in, *out; // out NULL: refused
} texts[] = {
    {"https://API.example.org/repos/*", "https://api.example.org:443/repos/*"},
    {"GET,HEAD+https://*.example.org:8443/", "GET,HEAD+https://*.example.org:8443/"},
    {"https://a.example/*", "https://a.example:443/*"},
    {"https://[::1]:8443/x", "https://[::1]:8443/x"},
    {"http://a.example/x", NULL},
    {"https://a.example", NULL},
    {"https:///x", NULL},
    {"get+https://a.example/", NULL},
    {"GET,+https://a.example/", NULL},
    {",GET+https://a.example/", NULL},
    {"https://a.example/*/x", NULL},
    {"https://a.example/a?b", NULL},
    {"https://a.example/%41", NULL},
    {"https://a.example/a/../b", NULL},
    {"https://a.example//b", NULL},
    {"https://u@a.example/b", NULL},
    {"https://10.0.0.1/b", NULL},
};

static const struct {
    const char *method, *path;
    bool allowed;
} requests[] = {
    {"GET", "/repos/me/one", true},
    {"HEAD", "/repos/me/", true},
    {"GET", "/repos/me", false},
    {"POST", "/repos/me/one", false},
    {"POST", "/login", true},
    {"POST", "/login/x", false},
    {"DELETE", "/login", true},
    {"GET", "/repos/me/../you", false},
    {"GET", "/repos/me/..", false},
    {"GET", "/repos/me/..;/you", false},
    {"GET", "/repos/me/.;/you", false},
    {"GET", "/repos/me/%2e%2E/you", false},
    {"GET", "/repos/me/%2fyou", false},
    {"GET", "/repos/me/%5cyou", false},
    {"GET", "/repos/me/%252e", false},
    {"GET", "/repos/me/a%20b", true},
    {"GET", "/repos/me//you", false},
    {"GET", "/repos/me/\\you", false},
    {"GET", "/repos/me/.hidden", true},
    {"GET", "/repos/me/a..b", true},
    {"GET", "/repos/me/%2", false},
    {"get", "/repos/me/one", false},
    {"GET", "", false},
    {"GET", "*", false},
};

static struct host host(const char *name)
{
    struct host h = {0};
    (void)host_parse(name, strlen(name), &h, NULL);
    return h;
}

static const struct rule *ask(const struct policy *p, const char *name, uint16_t port,
                              const char *method, const char *path)
{
    struct host h = host(name);
    const struct web_request q = {method, path, strlen(method), strlen(path)};
    return policy_request(p, &h, port, &q);
}

static void matching(void)
{
    struct policy p = {0};
    struct err e = {0};
    struct host api = host("api.example"), all = host("all.example"), open = host("open.example");
    is_int(policy_parse(&p,
                        "GET,HEAD+https://api.example/repos/me/* https://api.example/login "
                        "https://all.example/* open.example",
                        &e),
           0, "rules of both kinds");
    (void)policy_ports(&p, "80 443", &e);
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        ok((ask(&p, "api.example", 443, requests[i].method, requests[i].path) != NULL) ==
               requests[i].allowed,
           "%s %s: %s", requests[i].method, requests[i].path,
           requests[i].allowed ? "allowed" : "not");
    ok(!policy_match(&p, &api, 443), "nothing goes there unseen");
    ok(policy_opens(&p, &api, 443) && !policy_opens(&p, &api, 80) && policy_opens(&p, &all, 443) &&
           !policy_opens(&p, &open, 443),
       "what is opened is what the rules are about");
    ok(policy_knows(&p, &api), "its name is answered");
    ok(ask(&p, "all.example", 443, "PUT", "/a/../b") != NULL,
       "where all paths are allowed none is looked at");
    ok(!ask(&p, "api.example", 8443, "POST", "/login"), "another port is another server");
    policy_release(&p);
}

static void meeting(void)
{
    struct policy a = {0}, b = {0}, both = {0};
    struct err e = {0};
    struct buf out;
    buf_init(&out, 1000);
    (void)policy_parse(&a, "GET+https://a.example/x https://b.example/* c.example", &e);
    (void)policy_parse(&b, "*.example https://b.example/*", &e);
    (void)policy_ports(&a, "80 443", &e);
    (void)policy_ports(&b, "80 443", &e);
    is_int(policy_intersect(&a, &b, &both, &e), 0, "two lists meet");
    (void)policy_format(&both, &out);
    is_str(out.data, "GET+https://a.example:443/x https://b.example:443/* c.example",
           "in what both allow");
    policy_release(&a);
    policy_release(&b);
    policy_release(&both);
    buf_release(&out);
}

int main(void)
{
    char text[RULE_ROOM];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rule r = {0};
        struct err e = {0};
        int bad = rule_parse(texts[i].in, strlen(texts[i].in), &r, &e);
        if (texts[i].out)
            is_str(bad ? e.text : rule_text(&r, text), texts[i].out, "%s is a rule", texts[i].in);
        else
            ok(bad, "%s is none: %s", texts[i].in, e.text);
    }
    matching();
    meeting();
    return done_testing();
}
