// SPDX-License-Identifier: Apache-2.0
// Names in TLS hellos, SOCKS requests and DNS questions.
#include "tap.h"
#include <pinfold/peek.h>

typedef unsigned char u8;

static size_t put(u8 *to, const void *p, size_t n)
{
    memcpy(to, p, n);
    return n;
}

// A hello with these names, each in an extension of its own, as one handshake message.
static size_t hello(u8 *to, const char *const *names)
{
    u8 ext[1024];
    size_t n = 0, e = 0;
    for (; *names; names++) {
        size_t len = strlen(*names);
        const u8 head[] = {0, 0, 0, (u8)(len + 5), 0, (u8)(len + 3), 0, 0, (u8)len};
        e += put(ext + e, head, sizeof(head));
        e += put(ext + e, *names, len);
    }
    e += put(ext + e, "\0\x10\0\5\0\3\2h2", 9);
    const size_t body = 2 + 32 + 1 + 4 + 2 + 2 + e;
    const u8 front[] = {1, 0, (u8)(body >> 8), (u8)body, 3, 3};
    n += put(to + n, front, sizeof(front));
    memset(to + n, 'r', 32);
    n += 32;
    n += put(to + n, "\0\0\2\x13\1\1\0", 7);
    const u8 len[] = {(u8)(e >> 8), (u8)e};
    n += put(to + n, len, 2);
    return n + put(to + n, ext, e);
}

static size_t record(u8 *to, const u8 *p, size_t n)
{
    const u8 head[] = {22, 3, 1, (u8)(n >> 8), (u8)n};
    return put(to, head, 5) + put(to + 5, p, n);
}

static void tls(void)
{
    static const char *const one[] = {"a.example", NULL}, *const none[] = {NULL};
    static const char *const two[] = {"a.example", "b.example", NULL};
    u8 h[2048], r[4096];
    char name[PEEK_NAME_MAX + 1] = "";
    size_t len = 0, n = hello(h, one), whole = record(r, h, n);
    ok(peek_tls(r, whole, name, &len) == 1 && len == 9, "a hello has a name");
    is_str(name, "a.example", "it is a.example");
    int wrong = 0;
    for (size_t i = 0; i < whole; i++)
        wrong += peek_tls(r, i, name, &len) != 0;
    is_int(wrong, 0, "a part of a hello is a part");
    size_t cut = 0;
    for (size_t i = 0; i < n; i++)
        cut += record(r + cut, h + i, 1);
    ok(peek_tls(r, cut, name, &len) == 1 && len == 9, "in records of one byte each too");
    n = hello(h, none);
    ok(peek_tls(r, record(r, h, n), name, &len) == 1 && !len, "without a name there is none");
    n = hello(h, two);
    ok(peek_tls(r, record(r, h, n), name, &len) < 0, "refused: two names");
    ok(peek_tls((const u8 *)"GET / HTTP/1.1", 14, name, &len) < 0, "refused: no TLS");
    ok(peek_tls((const u8 *)"\x16\2\0", 3, name, &len) < 0, "refused: SSL 2");
    n = hello(h, one);
    h[1] = 1; // 64 KiB long
    ok(peek_tls(r, record(r, h, n), name, &len) < 0, "refused: a huge hello");
    h[1] = 0;
    h[3]++;
    ok(peek_tls(r, record(r, h, n), name, &len) == 0, "one byte is missing");
    h[n] = 0;
    ok(peek_tls(r, record(r, h, n + 1), name, &len) < 0, "refused: bytes left over");
}

static void socks(void)
{
    struct peek_socks s = {0};
    size_t len = 0;
    bool good = false;
    ok(peek_socks_hello((const u8 *)"\5\2\2\0x", 5, &len, &good) == 1 && len == 4 && good, "hello");
    ok(peek_socks_hello((const u8 *)"\5\1\2", 3, &len, &good) == 1 && !good, "with a password");
    ok(peek_socks_hello((const u8 *)"\5\2\0", 3, &len, &good) == 0, "a part of one");
    ok(peek_socks_hello((const u8 *)"\4\1", 2, &len, &good) < 0, "refused: SOCKS4");
    const u8 name[] = "\5\1\0\3\4ev\0l\1\xbb";
    ok(peek_socks(name, 11, &s) == 1 && s.host_len == 4 && !s.host[2] && s.port == 443,
       "a NUL stays in the name, to be seen");
    ok(peek_socks(name, 10, &s) == 0, "a part of a request");
    ok(peek_socks((const u8 *)"\5\1\0\1\x7f\0\0\1\0\x50", 10, &s) == 1, "an address");
    is_str(s.host, "127.0.0.1", "as text");
    ok(peek_socks((const u8 *)"\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50", 22, &s) == 1,
       "an IPv6 one");
    is_str(s.host, "::1", "as text");
    ok(peek_socks((const u8 *)"\5\1\0\3\0\0\x50", 7, &s) < 0, "refused: an empty name");
    ok(peek_socks((const u8 *)"\5\1\0\2\1a\0\x50", 8, &s) < 0, "refused: an unknown kind");
}

static void dns(void)
{
    static const u8 question[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\7Example\0\0\1\0\1";
    const size_t n = sizeof(question) - 1;
    u8 bytes[64], out[DNS_MAX];
    struct peek_dns q;
    ok(peek_dns(question, n, &q) == 1 && q.query && q.internet && q.type == DNS_A, "a question");
    is_str(q.name, "a.Example", "its name");
    is_int(dns_answer(question, &q, DNS_OK, "\x7f\x40\0\1", out), n + 16, "an answer");
    ok(out[2] & 0x80 && out[3] == 0x80 && out[7] == 1 && !memcmp(out + n + 12, "\x7f\x40\0\1", 4),
       "with an address");
    is_int(dns_answer(question, &q, DNS_NO_NAME, NULL, out), n, "one without");
    ok((out[3] & 15) == 3 && !out[7], "says that there is no such name");
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += peek_dns(question, i, &q) != -1;
    is_int(wrong, 0, "refused: a part of a question");
    memcpy(bytes, question, n);
    bytes[12] = 0xc0;
    ok(peek_dns(bytes, n, &q) < 0, "refused: a pointer");
    bytes[12] = 1;
    bytes[13] = '.';
    ok(peek_dns(bytes, n, &q) < 0, "refused: a dot in a label");
    bytes[13] = 0;
    ok(peek_dns(bytes, n, &q) < 0, "refused: a NUL in a label");
    bytes[13] = 'a';
    bytes[5] = 2;
    ok(peek_dns(bytes, n, &q) < 0 && q.len == 12, "refused: two questions");
    bytes[5] = 1;
    bytes[2] |= 0x80;
    ok(peek_dns(bytes, n, &q) < 0, "refused: an answer");
}

int main(void)
{
    tls();
    socks();
    dns();
    return done_testing();
}
