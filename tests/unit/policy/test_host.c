// SPDX-License-Identifier: Apache-2.0
// One form for each host; what is odd is refused; classes of addresses.
#include "tap.h"
#include <arpa/inet.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>

#define LIT(s) (s), sizeof(s) - 1

static void canonical(const char *s, size_t n, const char *want, bool numeric)
{
    struct host h;
    struct err e = {0};
    int r = host_parse(s, n, &h, &e);
    if (ok(!r, "'%s' is a host", s)) {
        is_str(h.text, want, "'%s' is %s", s, want);
        is_int(h.numeric, numeric, "'%s' is %s", s, numeric ? "an address" : "a name");
    } else {
        printf("# %s\n", e.text);
    }
}

static void refused(const char *s, size_t n, const char *what)
{
    struct host h;
    struct err e = {0};
    ok(host_parse(s, n, &h, &e) && e.code == ERR_BAD_REQUEST, "refused: %s", what);
}

static bool class_is(const char *text, const char *want)
{
    struct host h;
    struct err e;
    if (host_parse(text, strlen(text), &h, &e) || !h.numeric)
        return false;
    const char *got = address_class(&h.address);
    return !strcmp(got ? got : "public", want);
}

static void names(void)
{
    canonical(LIT("Example.ORG"), "example.org", false);
    canonical(LIT("example.org."), "example.org", false);
    canonical(LIT("XN--BCHER-KVA.example"), "xn--bcher-kva.example", false);
    canonical(LIT("_srv.a-b.example"), "_srv.a-b.example", false);
    canonical(LIT("localhost"), "localhost", false);
    canonical(LIT("1.example"), "1.example", false);
    canonical(LIT("127.0.0.1.example"), "127.0.0.1.example", false);
    refused(LIT("evil\0.allowed.example"), "a NUL");
    refused(LIT("a\nb.example"), "a control byte");
    refused(LIT("a b.example"), "a space");
    refused(LIT("b\xc3\xbc"
                "cher.example"),
            "a byte above 127");
    refused(LIT("a%2eb.example"), "a percent sign");
    refused(LIT("a@b.example"), "an at sign");
    refused(LIT("a/b"), "a slash");
    refused(LIT(""), "nothing");
    refused(LIT("."), "the root alone");
    refused(LIT("a..b"), "an empty part");
    refused(LIT("example.org.."), "two trailing dots");
    refused(LIT(".example.org"), "a leading dot");
    refused(LIT("-a.example"), "a leading hyphen");
    refused(LIT("a-.example"), "a trailing hyphen");
    char label[64 + 9];
    memset(label, 'a', 64);
    memcpy(label + 64, ".example", 9);
    refused(label, 72, "a part of 64 characters");
    char name[300];
    memset(name, 'a', sizeof(name));
    for (int i = 50; i < 300; i += 51)
        name[i] = '.';
    refused(name, 254, "254 characters");
}

static void numbers(void)
{
    canonical(LIT("127.0.0.1"), "127.0.0.1", true);
    canonical(LIT("127.1"), "127.0.0.1", true);
    canonical(LIT("2130706433"), "127.0.0.1", true);
    canonical(LIT("0x7f000001"), "127.0.0.1", true);
    canonical(LIT("0X7F.1"), "127.0.0.1", true);
    canonical(LIT("0177.0.0.01"), "127.0.0.1", true);
    canonical(LIT("017700000001"), "127.0.0.1", true);
    canonical(LIT("127.0.0.1."), "127.0.0.1", true);
    canonical(LIT("169.254.43518"), "169.254.169.254", true);
    canonical(LIT("0x"), "0.0.0.0", true);
    canonical(LIT("0"), "0.0.0.0", true);
    canonical(LIT("[::1]"), "::1", true);
    canonical(LIT("::FFFF:127.0.0.1"), "127.0.0.1", true);
    canonical(LIT("[::ffff:a9fe:a9fe]"), "169.254.169.254", true);
    canonical(LIT("2001:DB8:0:0:0:0:0:1"), "2001:db8::1", true);
    refused(LIT("256.1.1.1"), "a part over 255");
    refused(LIT("1.2.3.4.5"), "five numbers");
    refused(LIT("09.1.1.1"), "a digit that octal has not");
    refused(LIT("4294967296"), "33 bits");
    refused(LIT("1.2.3.0x"
                "100"),
            "a last part over its room");
    refused(LIT("a.1"), "a name that ends in a number");
    refused(LIT("a.0x1"), "a name that ends in a hexadecimal number");
    refused(LIT("fe80::1%eth0"), "a zone");
    refused(LIT("[::1"), "an open bracket");
    refused(LIT("::1\0"), "a NUL in an address");
}

static void ports(void)
{
    struct host h;
    struct err e;
    uint16_t port = 0;
    ok(!host_port_parse(LIT("a.example"), 80, &h, &port, &e) && port == 80, "no port: the usual");
    ok(!host_port_parse(LIT("a.example:8443"), 80, &h, &port, &e) && port == 8443, "a port");
    ok(!host_port_parse(LIT("[::1]:99"), 80, &h, &port, &e) && port == 99, "behind a bracket");
    ok(!host_port_parse(LIT("[::1]"), 80, &h, &port, &e) && port == 80, "a bracket without one");
    static const char *const bad[] = {"a.example:",      "a.example:0",  "a.example:65536",
                                      "a.example:+80",   "a:b:c",        "[::1]80",
                                      "a.example:80 ",   ":80",          "::1",
                                      "a.example:80:80", "[a.example]:1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ok(host_port_parse(bad[i], strlen(bad[i]), 80, &h, &port, &e), "refused: %s", bad[i]);
}

static void classes(void)
{
    static const char *const rows[][2] = {
        {"1.1.1.1", "public"},           {"9.255.255.255", "public"},
        {"10.0.0.1", "private"},         {"11.0.0.0", "public"},
        {"100.63.255.255", "public"},    {"100.64.0.1", "private"},
        {"100.100.100.199", "private"},  {"100.100.100.200", "metadata"},
        {"100.128.0.0", "public"},       {"127.255.255.254", "loopback"},
        {"0.0.0.0", "unspecified"},      {"169.254.169.254", "link-local"},
        {"168.63.129.16", "metadata"},   {"172.15.255.255", "public"},
        {"172.31.255.255", "private"},   {"172.32.0.0", "public"},
        {"192.168.1.1", "private"},      {"192.0.0.192", "reserved"},
        {"198.19.0.1", "private"},       {"224.0.0.1", "multicast"},
        {"255.255.255.255", "reserved"}, {"::1", "loopback"},
        {"::", "unspecified"},           {"::ffff:10.0.0.1", "private"},
        {"::ffff:1.1.1.1", "public"}, // it is IPv4's
        {"::127.0.0.1", "compatible"},   {"64:ff9b::127.0.0.1", "nat64"},
        {"64:ff9b:1::1", "nat64"},       {"2002:7f00:1::", "6to4"},
        {"2001::1", "reserved"},         {"2001:db8::1", "documentation"},
        {"2606:4700::1", "public"},      {"fc00::1", "private"},
        {"fd00:ec2::254", "private"},    {"fe80::1", "link-local"},
        {"fec0::1", "private"},          {"ff02::1", "multicast"},
        {"4000::1", "reserved"},         {"100::1", "reserved"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ok(class_is(rows[i][0], rows[i][1]), "%s is %s", rows[i][0], rows[i][1]);
}

// Where a server may lie that a person named, and where nobody's does.
static void houses(void)
{
    static const struct {
        const char *text;
        bool near;
    } rows[] = {
        {"192.0.3.1", true},        {"127.0.0.1", true},        {"10.1.2.3", true},
        {"100.64.0.1", true},       {"fd00::1", true},          {"::1", true},
        {"2606:4700::1", true},     {"169.254.169.254", false}, {"100.100.100.200", false},
        {"168.63.129.16", false},   {"192.0.0.192", false},     {"fe80::1", false},
        {"224.0.0.1", false},       {"0.0.0.0", false},         {"::ffff:169.254.169.254", false},
        {"64:ff9b::7f00:1", false}, {"2002:7f00:1::", false},   {"255.255.255.255", false},
    };
    struct host h;
    for (unsigned i = 0; i < N_ELEMS(rows); i++)
        ok(!host_parse(rows[i].text, strlen(rows[i].text), &h, NULL) &&
               address_near(&h.address) == rows[i].near,
           "%s is %s", rows[i].text, rows[i].near ? "near" : "not to be named");
}

int main(void)
{
    names();
    numbers();
    ports();
    classes();
    houses();
    return done_testing();
}
