// SPDX-License-Identifier: Apache-2.0
// A thin layer over libsodium, so that no other room knows it.
#include <pinfold/crypt.h>

#include <assert.h>
#include <pinfold/id.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct sha256) >= sizeof(crypto_hash_sha256_state), "room for the state");
static_assert(_Alignof(struct sha256) >= _Alignof(crypto_hash_sha256_state), "aligned");
static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "room for a password hash");

void sha256_init(struct sha256 *s)
{
    (void)crypto_hash_sha256_init((void *)s); // these three always return 0
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
    (void)crypto_hash_sha256_update((void *)s, p, n);
}

void sha256_end(struct sha256 *s, unsigned char ret[SHA256_LEN])
{
    (void)crypto_hash_sha256_final((void *)s, ret);
}

void sha256_of(const void *p, size_t n, unsigned char ret[SHA256_LEN])
{
    (void)crypto_hash_sha256(ret, p, n);
}

const char *hex_encode(const void *p, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = p;
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[at[i] >> 4];
        ret[2 * i + 1] = digits[at[i] & 15];
    }
    ret[2 * n] = '\0';
    return ret;
}

const char *sha256_hex(const void *p, size_t n, char ret[SHA256_HEX])
{
    unsigned char raw[SHA256_LEN];
    sha256_of(p, n, raw);
    return hex_encode(raw, sizeof(raw), ret);
}

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                 unsigned char ret[SHA256_LEN])
{
    crypto_auth_hmacsha256_state s;
    (void)crypto_auth_hmacsha256_init(&s, key, key_len); // always 0
    (void)crypto_auth_hmacsha256_update(&s, p, n);
    (void)crypto_auth_hmacsha256_final(&s, ret);
    sodium_memzero(&s, sizeof(s));
}

bool crypt_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void crypt_wipe(void *p, size_t n)
{
    if (n)
        sodium_memzero(p, n);
}

void crypt_random(void *p, size_t n)
{
    id_random_bytes(p, n);
}

const char *base64url_encode(const void *p, size_t n, char *ret)
{
    return sodium_bin2base64(ret, BASE64URL_ROOM(n), p, n,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

long base64url_decode(const char *s, size_t len, void *ret, size_t room)
{
    size_t got;
    const char *end;
    if (sodium_base642bin(ret, room, s, len, NULL, &got, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) ||
        end != s + len)
        return -1;
    return (long)got;
}

const char *crypt_token(const char *prefix, char ret[CRYPT_TOKEN_MAX])
{
    unsigned char raw[32];
    size_t n = strlen(prefix);
    if (n + 1 + BASE64URL_ROOM(sizeof(raw)) > CRYPT_TOKEN_MAX)
        abort(); // prefixes are constants of the program
    crypt_random(raw, sizeof(raw));
    memcpy(ret, prefix, n);
    ret[n] = '_';
    (void)base64url_encode(raw, sizeof(raw), ret + n + 1);
    sodium_memzero(raw, sizeof(raw));
    return ret;
}

int password_hash(const char *password, char ret[PASSWORD_HASH_MAX])
{
    if (sodium_init() < 0)
        return -1;
    return crypto_pwhash_str_alg(ret, password, strlen(password),
                                 crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                 crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13);
}

bool password_matches(const char *hash, const char *password)
{
    if (sodium_init() < 0 || strlen(hash) >= crypto_pwhash_STRBYTES)
        return false;
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

bool password_is_hash(const char *text)
{
    return !strncmp(text, crypto_pwhash_STRPREFIX, strlen(crypto_pwhash_STRPREFIX)) &&
           strlen(text) < PASSWORD_HASH_MAX;
}
