// SPDX-License-Identifier: Apache-2.0
// First bytes of connections; the first one here says of which kind. What is read lies inside what
// was given, a prefix is never read as something else, and a request that goes on is read again.
#include <pinfold/own.h>
#include <pinfold/peek.h>
#include <string.h>

static void http(const char *p, size_t n)
{
    struct peek_http h, again;
    struct err e;
    own_buf struct buf out;
    buf_init(&out, 2 * PEEK_HEAD_MAX);
    if (peek_http(p, n, &h, &e) != 1)
        return;
    if (h.len > n || h.len > PEEK_HEAD_MAX || peek_http(p, h.len, &again, &e) != 1)
        abort();
    if (h.form != FORM_AUTHORITY && h.form != FORM_ASTERISK) {
        // The Host and Connection it gets may be more than a stranger's request may have.
        int r = peek_http_rewrite(p, &h, "a.example", NULL, &out)
                    ? -2
                    : peek_http(out.data, out.len, &again, &e);
        if (r != -1 || e.code != ERR_LIMIT)
            if (r != 1 || again.len != out.len || again.form != FORM_ORIGIN ||
                again.chunked != h.chunked || again.length != h.length || again.host.n != 9)
                abort();
    }
    struct peek_body b, slow;
    size_t used, one, sum = 0;
    peek_body_of(&h, &b);
    slow = b;
    int end = peek_body(&b, p + h.len, n - h.len, &used), s = slow.at == BODY_DONE;
    while (!s && sum < n - h.len) {
        s = peek_body(&slow, p + h.len + sum, 1, &one);
        sum += one;
    }
    if (used > n - h.len || end != s || (end >= 0 && used != sum))
        abort();
}

static void tls(const unsigned char *p, size_t n)
{
    char name[PEEK_NAME_MAX + 1];
    size_t len;
    if (peek_tls(p, n, name, &len) == 1 && (len > PEEK_NAME_MAX || (len && name[len])))
        abort();
}

static void socks(const unsigned char *p, size_t n)
{
    struct peek_socks s;
    size_t len;
    bool good;
    if (peek_socks_hello(p, n, &len, &good) == 1 && len > n)
        abort();
    if (peek_socks(p, n, &s) == 1 && (s.len > n || !s.host_len || s.host_len > PEEK_NAME_MAX))
        abort();
}

static void dns(const unsigned char *p, size_t n)
{
    unsigned char out[DNS_MAX];
    struct peek_dns q, again;
    int r = peek_dns(p, n, &q);
    if (r != 1 && q.len < 12)
        return;
    if (q.len > n || dns_answer(p, &q, DNS_OK, r == 1 ? "\x7f\x40\0\1" : NULL, out) > DNS_MAX)
        abort();
    if (r == 1 && (memchr(q.name, '\0', q.name_len) || peek_dns(out, q.len, &again) == 1))
        abort(); // an answer is no question
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const uint8_t *p = data + 1;
    size_t n = size - 1;
    switch (data[0] & 3) {
    case 0:
        http((const char *)p, n);
        break;
    case 1:
        tls(p, n);
        break;
    case 2:
        socks(p, n);
        break;
    default:
        dns(p, n);
    }
    return 0;
}
