// SPDX-License-Identifier: Apache-2.0
// The server name in a TLS client hello (RFC 8446 section 4.1.2, RFC 6066 section 3). A hello may be
// cut into records anywhere, so the records' payloads are joined first.
#include <pinfold/peek.h>

#include <pinfold/own.h>
#include <string.h>

struct reader {
    const unsigned char *p;
    size_t n;
    bool bad;
};

static size_t get(struct reader *r, unsigned bytes)
{
    size_t v = 0;
    if (r->bad || r->n < bytes) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | r->p[i];
    r->p += bytes;
    r->n -= bytes;
    return v;
}

// A vector with its length in so many bytes in front.
static struct reader vector(struct reader *r, unsigned bytes)
{
    size_t n = get(r, bytes);
    struct reader v = {r->p, n, r->bad || n > r->n};
    r->bad = v.bad;
    if (!v.bad) {
        r->p += n;
        r->n -= n;
    }
    return v;
}

static int server_name(struct reader *ext, char ret[PEEK_NAME_MAX + 1], size_t *ret_len)
{
    struct reader list = vector(ext, 2);
    size_t kind = get(&list, 1);
    struct reader name = vector(&list, 2);
    // One host name and nothing else: what further entries mean nobody agrees on.
    if (list.bad || name.bad || kind || list.n || ext->n || !name.n || name.n > PEEK_NAME_MAX)
        return -1;
    memcpy(ret, name.p, name.n);
    ret[name.n] = '\0';
    *ret_len = name.n;
    return 1;
}

static int hello(struct reader r, char ret[PEEK_NAME_MAX + 1], size_t *ret_len)
{
    size_t len = 0;
    (void)get(&r, 2);
    struct reader random = {r.p, 32, r.n < 32};
    if (random.bad)
        return -1;
    r.p += 32;
    r.n -= 32;
    (void)vector(&r, 1); // session
    (void)vector(&r, 2); // ciphers
    (void)vector(&r, 1); // compressions
    if (r.bad)
        return -1;
    struct reader all = {r.p, 0, false};
    if (r.n)
        all = vector(&r, 2);
    while (!all.bad && all.n) {
        size_t type = get(&all, 2);
        struct reader ext = vector(&all, 2);
        if (!all.bad && !type && (len || server_name(&ext, ret, &len) < 0))
            return -1;
    }
    if (all.bad || r.bad || r.n)
        return -1;
    *ret_len = len;
    return 1;
}

int peek_tls(const unsigned char *p, size_t n, char ret[PEEK_NAME_MAX + 1], size_t *ret_len)
{
    own_free unsigned char *joined = xmalloc(PEEK_HELLO_MAX);
    size_t len = 0, want = 4;
    for (size_t at = 0; len < want;) {
        if (at < n && p[at] != 22)
            return -1; // not a handshake
        if (n - at >= 2 && p[at + 1] != 3)
            return -1;
        if (n - at < 5)
            return 0;
        size_t record = (size_t)p[at + 3] << 8 | p[at + 4];
        if (!record || record > 16384 || len + record > PEEK_HELLO_MAX)
            return -1;
        at += 5;
        size_t have = n - at < record ? n - at : record;
        memcpy(joined + len, p + at, have);
        len += have;
        at += have;
        if (len >= 4) {
            want = 4 + ((size_t)joined[1] << 16 | (size_t)joined[2] << 8 | joined[3]);
            if (joined[0] != 1 || want > PEEK_HELLO_MAX - 512)
                return -1;
        }
        if (have < record && len < want)
            return 0;
    }
    return hello((struct reader){joined + 4, want - 4, false}, ret, ret_len);
}
