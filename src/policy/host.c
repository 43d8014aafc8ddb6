// SPDX-License-Identifier: Apache-2.0
// One form for each host. Programs disagree about odd spellings, and where two of them read a name
// differently a filter is passed; so what is odd is refused, and what is left has one spelling.
#include <pinfold/policy.h>

#include <arpa/inet.h>
#include <pinfold/num.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// One number of an IPv4 address: decimal, 0 octal, 0x hexadecimal; "0x" alone is 0, as in URLs.
static int number(const char *s, size_t n, uint64_t *ret)
{
    unsigned base = 10;
    uint64_t v = 0;
    if (n > 1 && s[0] == '0' && s[1] == 'x') {
        base = 16;
        s += 2;
        n -= 2;
    } else if (n > 1 && s[0] == '0') {
        base = 8;
    } else if (!n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        int d = hex_value(s[i]);
        if (d < 0 || (unsigned)d >= base)
            return -1;
        v = v * base + (unsigned)d;
        if (v > UINT32_MAX)
            return -1;
    }
    *ret = v;
    return 0;
}

// inet_aton's grammar: a, a.b, a.b.c, a.b.c.d, the last number filling what is left.
static int spelled_v4(const char *s, size_t n, struct address *ret)
{
    uint64_t part[4], value = 0;
    unsigned parts = 0;
    for (size_t at = 0;; at++) {
        const char *dot = memchr(s + at, '.', n - at);
        size_t len = dot ? (size_t)(dot - s) - at : n - at;
        if (parts == 4 || number(s + at, len, &part[parts++]))
            return -1;
        at += len;
        if (!dot)
            break;
    }
    for (unsigned i = 0; i + 1 < parts; i++) {
        if (part[i] > 255)
            return -1;
        value |= part[i] << (24 - 8 * i);
    }
    if (part[parts - 1] >> (8 * (5 - parts)))
        return -1;
    uint32_t be = htonl((uint32_t)(value | part[parts - 1]));
    address_from4(ret, &be);
    return 0;
}

// Does the last label read as a number? Then all of it is an address or nothing.
static bool ends_in_number(const char *s, size_t n)
{
    size_t at = n;
    while (at && s[at - 1] != '.')
        at--;
    uint64_t v;
    bool digits = at < n;
    for (size_t i = at; i < n; i++)
        digits &= digit(s[i]);
    return digits || !number(s + at, n - at, &v);
}

static int check_labels(const char *s, size_t n, struct err *e)
{
    size_t start = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s[i] != '.')
            continue;
        size_t len = i - start;
        if (!len || len > LABEL_MAX)
            return err_set(e, ERR_BAD_REQUEST, "the host name has a part of %zu characters", len);
        if (s[start] == '-' || s[i - 1] == '-')
            return err_set(e, ERR_BAD_REQUEST, "the host name has a part that ends in a hyphen");
        start = i + 1;
    }
    return 0;
}

static int lower(const char *s, size_t n, char *to, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80)
            return err_set(e, ERR_BAD_REQUEST,
                           "the host name is not ASCII; write it in its xn-- form");
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c - 'A' + 'a');
        if (!(c >= 'a' && c <= 'z') && !digit((char)c) && c != '-' && c != '_' && c != '.')
            return err_set(e, ERR_BAD_REQUEST, "the host name has the byte 0x%02x", c);
        to[i] = (char)c;
    }
    to[n] = '\0';
    return 0;
}

static int parse_v6(const char *s, size_t n, struct host *ret, struct err *e)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr a;
    if (n < sizeof(text) && !memchr(s, '\0', n)) {
        memcpy(text, s, n);
        text[n] = '\0';
        if (inet_pton(AF_INET6, text, &a) == 1) {
            address_from6(&ret->address, &a);
            ret->numeric = true;
            address_text(&ret->address, ret->text);
            return 0;
        }
    }
    return err_set(e, ERR_BAD_REQUEST, "the host is not an IPv6 address");
}

int host_parse(const char *s, size_t n, struct host *ret, struct err *e)
{
    struct host h = {0};
    if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
        if (parse_v6(s + 1, n - 2, &h, e))
            return -1;
        *ret = h;
        return 0;
    }
    if (n && memchr(s, ':', n)) {
        if (parse_v6(s, n, &h, e))
            return -1;
        *ret = h;
        return 0;
    }
    if (n && s[n - 1] == '.')
        n--; // the root, which every name ends in
    if (!n)
        return err_set(e, ERR_BAD_REQUEST, "there is no host name");
    if (n >= HOST_ROOM)
        return err_set(e, ERR_BAD_REQUEST, "the host name is longer than %d characters",
                       HOST_ROOM - 1);
    if (lower(s, n, h.text, e) || check_labels(h.text, n, e))
        return -1;
    if (ends_in_number(h.text, n)) {
        if (spelled_v4(h.text, n, &h.address))
            return err_set(e, ERR_BAD_REQUEST, "the host is neither a name nor an IPv4 address");
        h.numeric = true;
        address_text(&h.address, h.text);
    }
    *ret = h;
    return 0;
}

static int parse_port(const char *s, size_t n, uint16_t *ret, struct err *e)
{
    char text[6];
    uint64_t v;
    if (n && n < sizeof(text) && !memchr(s, '\0', n)) {
        memcpy(text, s, n);
        text[n] = '\0';
        if (!num_parse_u64(text, 1, UINT16_MAX, &v, NULL)) {
            *ret = (uint16_t)v;
            return 0;
        }
    }
    return err_set(e, ERR_BAD_REQUEST, "the port is not a number from 1 to 65535");
}

int host_port_parse(const char *s, size_t n, uint16_t port, struct host *ret, uint16_t *ret_port,
                    struct err *e)
{
    size_t host_len = n;
    const char *close = n && s[0] == '[' ? memchr(s, ']', n) : NULL;
    if (close)
        host_len = (size_t)(close - s) + 1;
    else if (n && s[0] != '[')
        host_len = memchr(s, ':', n) ? (size_t)((const char *)memchr(s, ':', n) - s) : n;
    if (host_len < n) {
        if (s[host_len] != ':')
            return err_set(e, ERR_BAD_REQUEST, "something stands between host and port");
        if (parse_port(s + host_len + 1, n - host_len - 1, &port, e))
            return -1;
    }
    struct host h;
    if (host_parse(s, host_len, &h, e))
        return -1;
    *ret = h;
    *ret_port = port;
    return 0;
}
