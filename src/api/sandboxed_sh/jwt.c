// SPDX-License-Identifier: Apache-2.0
// JSON web tokens, HS256. Only the one header that is made here is accepted, as text, so there is
// no algorithm to be talked into.
#include "sandboxed_sh_int.h"

#include <pinfold/crypt.h>
#include <string.h>

static const char head[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."; // {"alg":"HS256","typ":"JWT"}
#define HEAD_LEN (sizeof(head) - 1)
#define CLAIMS_MAX 256
#define SIGNATURE_LEN 43

static const struct json_field fields[] = {
    JSON_FIELD(struct jwt, sub, JSON_CHARS, .flags = JSON_REQUIRED, .max = ID_MAX - 1),
    JSON_FIELD(struct jwt, usr, JSON_CHARS, .flags = JSON_REQUIRED, .max = NAME_MAX_LEN),
    JSON_FIELD(struct jwt, iat, JSON_U64, .flags = JSON_REQUIRED),
    JSON_FIELD(struct jwt, exp, JSON_U64, .flags = JSON_REQUIRED),
};
static const struct json_table table = {"claims", fields, 4, sizeof(struct jwt), -1};

static void sign(const unsigned char key[32], const char *text, size_t n, char out[])
{
    unsigned char mac[SHA256_LEN];
    hmac_sha256(key, 32, text, n, mac);
    base64url_encode(mac, sizeof(mac), out);
}

const char *jwt_make(const unsigned char key[32], const struct jwt *claims, char out[JWT_MAX])
{
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, CLAIMS_MAX);
    json_out_init(&o, &b);
    json_begin(&o, NULL);
    json_str(&o, "sub", claims->sub);
    json_str(&o, "usr", claims->usr);
    json_u64(&o, "iat", claims->iat);
    json_u64(&o, "exp", claims->exp);
    json_end(&o);
    // Ids and names need no escapes, so 32 + 64 bytes and two numbers always fit.
    memcpy(out, head, HEAD_LEN);
    base64url_encode(b.data, b.len, out + HEAD_LEN);
    size_t n = strlen(out);
    out[n] = '.';
    sign(key, out, n, out + n + 1);
    return out;
}

bool jwt_looks_like(const char *text)
{
    const char *dot = strchr(text, '.');
    return dot && strchr(dot + 1, '.');
}

bool jwt_read(const unsigned char key[32], const char *text, struct jwt *ret)
{
    size_t n = strlen(text);
    if (n >= JWT_MAX || strncmp(text, head, HEAD_LEN) || n < HEAD_LEN + 1 + SIGNATURE_LEN)
        return false;
    size_t signed_len = n - SIGNATURE_LEN - 1;
    char want[BASE64URL_ROOM(SHA256_LEN)];
    sign(key, text, signed_len, want);
    if (text[signed_len] != '.' || !crypt_equal(want, text + signed_len + 1, SIGNATURE_LEN))
        return false;
    char claims[CLAIMS_MAX];
    long len = base64url_decode(text + HEAD_LEN, signed_len - HEAD_LEN, claims, sizeof(claims));
    if (len < 0)
        return false;
    own_json_pool struct json_pool pool;
    struct json_fault fault;
    json_pool_init(&pool);
    memset(ret, 0, sizeof(*ret));
    return !json_read(&table, claims, (size_t)len, JSON_IGNORE_UNKNOWN, &pool, ret, &fault);
}
