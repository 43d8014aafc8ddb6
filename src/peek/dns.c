// SPDX-License-Identifier: Apache-2.0
// DNS messages with one question, RFC 1035, and the short answers we give.
#include <pinfold/peek.h>

#include <string.h>

#define HEADER 12
#define TTL_S 60 // a name keeps its address far longer than that

int peek_dns(const unsigned char *p, size_t n, struct peek_dns *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (n < HEADER)
        return -1;
    ret->len = HEADER;
    // An answer, another operation, or not exactly one question.
    if (p[2] & 0x80 || p[4] || p[5] != 1)
        return -1;
    size_t at = HEADER;
    while (at < n && p[at]) {
        size_t len = p[at];
        if (len > 63 || at + 1 + len >= n || ret->name_len + len + 1 > PEEK_NAME_MAX)
            return -1; // a pointer, an open end, too long
        if (memchr(p + at + 1, '.', len) || memchr(p + at + 1, '\0', len))
            return -1;
        if (ret->name_len)
            ret->name[ret->name_len++] = '.';
        memcpy(ret->name + ret->name_len, p + at + 1, len);
        ret->name_len += len;
        at += 1 + len;
    }
    if (at + 5 > n)
        return -1;
    ret->query = !(p[2] & 0x78);
    ret->type = (unsigned)p[at + 1] << 8 | p[at + 2];
    ret->internet = p[at + 3] == 0 && p[at + 4] == 1;
    ret->len = at + 5;
    return 1;
}

size_t dns_answer(const unsigned char *p, const struct peek_dns *q, enum dns_code code,
                  const void *address4, unsigned char out[DNS_MAX])
{
    bool question = q->len > HEADER;
    size_t n = q->len; // at most 12 + 257 + 4
    memcpy(out, p, n);
    out[2] = 0x80 | (p[2] & 0x79); // an answer; the operation and RD as they were
    out[3] = 0x80 | (unsigned char)code;
    memset(out + 4, 0, 8);
    out[5] = question;
    if (!address4 || !question)
        return n;
    out[7] = 1;
    static const unsigned char head[] = {0xc0, HEADER, 0, DNS_A, 0, 1, 0, 0, 0, TTL_S, 0, 4};
    memcpy(out + n, head, sizeof(head));
    memcpy(out + n + sizeof(head), address4, 4);
    return n + sizeof(head) + 4;
}
