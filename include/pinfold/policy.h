// SPDX-License-Identifier: Apache-2.0
// Where a sandbox may connect to: host names in one canonical form, rules over them, classes of
// addresses. Pure. Whoever decides about a host canonicalises it first and compares bytes after.
//
// Canonical: lower case, no trailing dot, labels of letters, digits, hyphen and underscore (names
// in other scripts as their xn-- form); an IPv4 address in any of its spellings (decimal, octal,
// hexadecimal, short, mapped into IPv6) as four numbers, an IPv6 address as RFC 5952 writes it. What
// has a NUL, a control byte, a space, a percent sign or a byte above 127 is refused.
//
// Rules: "example.org" that name; "*.example.org" every name below it, not itself; either with
// ":PORT", else the ports that are open to all rules. An address is a rule only with its port, and
// is good for something only when the operator lists it (AllowPrivate=). "@name" is a preset, which
// policy_parse leaves to its caller. "https://HOST[:PORT]/PATH", with "GET,HEAD+" before it where only
// these methods may be, is about single requests: TLS to that host is opened to see them. PATH is
// whole, or ends in a star for all that begin so; a query is not part of it.
#pragma once
#include <pinfold/err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_ROOM 254 // RFC 1035: 253 characters and the NUL
#define RULE_ROOM (HOST_ROOM + 10 + RULE_WEB_ROOM)
#define RULE_WEB_ROOM 200 // methods and path
#define POLICY_RULES_MAX 256
#define POLICY_TEXT_MAX (12 * 1024) // it rides in one message
#define POLICY_PORTS_MAX 32

struct address {
    bool six;
    unsigned char bytes[16]; // 4 of them without six
};
struct host {
    char text[HOST_ROOM];
    bool numeric; // `address` is what it says
    struct address address;
};

// n bytes from a stranger. ERR_BAD_REQUEST says what is wrong with them.
int host_parse(const char *s, size_t n, struct host *ret, struct err *e);
// "HOST", "HOST:PORT", "[ADDR6]" or "[ADDR6]:PORT"; *ret_port is `port` when there is none.
int host_port_parse(const char *s, size_t n, uint16_t port, struct host *ret, uint16_t *ret_port,
                    struct err *e);

// --- addresses ---------------------------------------------------------------------------------

// What the address is, in a word ("loopback", "private", "metadata" ...); NULL when it is a public
// one. Addresses that carry another inside (mapped, NAT64, 6to4, Teredo) are never public.
const char *address_class(const struct address *a);
// Public, or in the own house: private or loopback. Nobody's metadata service.
bool address_near(const struct address *a);
void address_from4(struct address *ret, const void *bytes4);
void address_from6(struct address *ret, const void *bytes16); // a mapped one becomes IPv4
void address_text(const struct address *a, char ret[HOST_ROOM]);

// --- rules -------------------------------------------------------------------------------------

struct rule {
    enum rule_kind { RULE_NAME, RULE_BELOW, RULE_ADDRESS } kind;
    uint16_t port;           // 0: the open ports
    char host[HOST_ROOM];    // canonical; RULE_BELOW: without the "*."
    char web[RULE_WEB_ROOM]; // of requests: "GET,HEAD+/path*", "+/*"; "": whatever goes there
};
struct policy {
    struct rule *rules;
    unsigned n;
    uint16_t ports[POLICY_PORTS_MAX]; // open to rules that name none
    unsigned n_ports;
};
void policy_release(struct policy *p);
int rule_parse(const char *s, size_t n, struct rule *ret, struct err *e);
const char *rule_text(const struct rule *r, char ret[RULE_ROOM]);
bool preset_name_ok(const char *s, size_t n); // "@npm"
// Rules with blanks between, added to those that are there; one that is there already is not added
// twice. ERR_LIMIT over POLICY_RULES_MAX.
int policy_parse(struct policy *p, const char *text, struct err *e);
int policy_ports(struct policy *p, const char *text, struct err *e); // "80 443"
struct buf;
int policy_format(const struct policy *p, struct buf *out); // rules, a blank between
// The rule that allows all that goes there, or NULL. An empty policy allows nothing.
const struct rule *policy_match(const struct policy *p, const struct host *h, uint16_t port);
// Is there a rule about single requests to this host? Then TLS to it is opened.
bool policy_opens(const struct policy *p, const struct host *h, uint16_t port);
bool policy_opens_any(const struct policy *p);
// The rule that allows this request, of either kind, or NULL. A path in which a server may see another
// one (dots, escaped slashes) is allowed only where all paths are.
struct web_request {
    const char *method, *path; // without query
    size_t method_len, path_len;
};
const struct rule *policy_request(const struct policy *p, const struct host *h, uint16_t port,
                                  const struct web_request *q);
// Does any rule allow this host, on whatever port?
bool policy_knows(const struct policy *p, const struct host *h);
// What both allow, as rules; ports are a's.
int policy_intersect(const struct policy *a, const struct policy *b, struct policy *ret,
                     struct err *e);
// May this name be given an address that lies at `a`? Either `a` is public, or the operator's list
// (rules with ports) has that address or that name with that port.
bool policy_address_ok(const struct policy *operator_list, const struct host *name,
                       const struct address *a, uint16_t port);
