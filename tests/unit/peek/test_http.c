// SPDX-License-Identifier: Apache-2.0
// HTTP/1 heads and bodies: what is read, what is refused, what goes on.
#include "tap.h"
#include <pinfold/peek.h>

static int read_all(const char *s, struct peek_http *h, struct err *e)
{
    return peek_http(s, strlen(s), h, e);
}

static bool equal(struct slice s, const char *want)
{
    return s.n == strlen(want) && !memcmp(s.p, want, s.n);
}

static void refused(const char *s, const char *what)
{
    struct peek_http h;
    struct err e = {0};
    int r = read_all(s, &h, &e);
    if (!ok(r < 0 && e.text[0], "refused: %s", what))
        printf("# got %d\n", r);
}

static void heads(void)
{
    struct peek_http h = {0};
    struct err e = {0};
    static const char get[] = "GET http://A.example:81/x?y#z HTTP/1.1\r\nHost: b\r\n\r\nrest";
    is_int(read_all(get, &h, &e), 1, "a request to a proxy");
    ok(h.form == FORM_ABSOLUTE && equal(h.authority, "A.example:81") && equal(h.host, "b") &&
           equal(h.path, "/x?y#z") && h.len == strlen(get) - 4,
       "has its parts");
    int wrong = 0;
    for (size_t n = 0; n < h.len; n++)
        wrong += peek_http(get, n, &h, &e) != 0;
    is_int(wrong, 0, "a part of a head is a part");
    ok(read_all("CONNECT a.example:443 HTTP/1.1\r\n\r\n", &h, &e) == 1 &&
           h.form == FORM_AUTHORITY && equal(h.authority, "a.example:443"),
       "CONNECT has an authority");
    ok(read_all("OPTIONS * HTTP/1.1\r\nHost:\ta \r\n\r\n", &h, &e) == 1 && equal(h.host, "a"),
       "blanks around a value are not of it");
    refused("GET / HTTP/1.1\nHost: a\n\n", "lines without a CR");
    refused("GET / HTTP/1.1\r\nHost: a\n\r\n", "one line without a CR");
    refused("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "a folded header");
    refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "a blank before the colon");
    refused("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "a CR inside a line");
    refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "two hosts");
    refused("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "two lengths");
    refused("GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "a list of lengths");
    refused("GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "a sign before a length");
    refused("GET / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n", "a huge length");
    refused("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "a length and chunks");
    refused("GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "another encoding");
    refused("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "chunks twice");
    refused("GET / HTTP/1.1\r\nTransfer-Encoding: \vchunked\r\n\r\n", "a control byte");
    refused("GET http://u:p@a/ HTTP/1.1\r\n\r\n", "a credential in the target");
    refused("GET https://a/ HTTP/1.1\r\n\r\n", "another scheme");
    refused("GET / HTTP/2.0\r\n\r\n", "another version");
    refused("GET /\r\n\r\n", "no version");
    refused("GET /a b HTTP/1.1\r\n\r\n", "a blank in the target");
    refused("G(T / HTTP/1.1\r\n\r\n", "a method that is no word");
    refused("\r\nGET / HTTP/1.1\r\n\r\n", "an empty line in front");
    char big[PEEK_HEAD_MAX + 64];
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET / HTTP/1.1\r\nA: ", 19);
    ok(peek_http(big, PEEK_HEAD_MAX, &h, &e) < 0 && e.code == ERR_LIMIT, "too large: %s", e.text);
    size_t at = (size_t)sprintf(big, "GET / HTTP/1.1\r\n");
    for (int i = 0; i <= PEEK_HEADERS_MAX; i++)
        at += (size_t)sprintf(big + at, "A: b\r\n");
    ok(peek_http(big, at, &h, &e) < 0 && e.code == ERR_LIMIT, "too many headers: %s", e.text);
}

static void goes_on(const char *s, const char *want)
{
    struct peek_http h;
    struct err e = {0};
    own_buf struct buf out;
    buf_init(&out, 4096);
    is_int(read_all(s, &h, &e) == 1 && !peek_http_rewrite(s, &h, "a:81", NULL, &out), 1,
           "it goes on");
    is_str(out.data, want, "as it should");
}

static void rewriting(void)
{
    goes_on("GET http://a:81/x?y#z HTTP/1.1\r\nHost: evil\r\nAccept: b\r\nProxy-Connection: c\r\n"
            "Proxy-Authorization: Basic d\r\nConnection: keep-alive, X-E\r\nX-E: 1\r\n\r\n",
            "GET /x?y HTTP/1.1\r\nHost: a:81\r\nConnection: close\r\nAccept: b\r\n\r\n");
    goes_on(
        "POST http://a:81?q HTTP/1.0\r\nContent-Length: 3\r\nConnection: content-length\r\n\r\n",
        "POST /?q HTTP/1.1\r\nHost: a:81\r\nConnection: close\r\nContent-Length: 3\r\n\r\n");
    goes_on("GET /w HTTP/1.1\r\nHost: a:81\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET /w HTTP/1.1\r\nHost: a:81\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    goes_on("GET /w HTTP/1.1\r\nHost: a:81\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
            "GET /w HTTP/1.1\r\nHost: a:81\r\nConnection: close\r\n\r\n");
}

static void body(const char *head, const char *bytes, int want, size_t want_used)
{
    struct peek_http h;
    struct peek_body b;
    struct err e;
    size_t used = 0;
    (void)read_all(head, &h, &e);
    peek_body_of(&h, &b);
    is_int(peek_body(&b, bytes, strlen(bytes), &used), want, "body '%.20s'", bytes);
    if (want >= 0)
        is_int(used, want_used, "has %zu bytes", want_used);
}

static void bodies(void)
{
    static const char none[] = "GET / HTTP/1.1\r\n\r\n";
    static const char three[] = "GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n";
    static const char chunks[] = "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    body(none, "GET /", 1, 0);
    body(three, "ab", 0, 2);
    body(three, "abcGET /", 1, 3);
    body(chunks, "3\r\nabc\r\n0\r\n\r\nGET /", 1, 13);
    body(chunks, "3;a=\"b\"\r\nabc\r\n0\r\nA: b\r\n\r\nGET /", 1, 25);
    body(chunks, "3\r\nab", 0, 5);
    body(chunks, "3\nabc", -1, 0);
    body(chunks, "3\r\nabcd", -1, 0);
    body(chunks, "x\r\n", -1, 0);
    body(chunks, "\r\n", -1, 0);
    body(chunks, "-1\r\n", -1, 0);
    body(chunks, "0x3\r\nabc", -1, 0);
    body(chunks, "10000000000000000\r\n", -1, 0);
    body(chunks, "0\r\nA\n\r\n", -1, 0);
}

int main(void)
{
    heads();
    rewriting();
    bodies();
    return done_testing();
}
