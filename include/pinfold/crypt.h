// SPDX-License-Identifier: Apache-2.0
// Hashes, codes and passwords: the only user of libsodium. Pure but for random bytes.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32
#define SHA256_HEX 65 // with the NUL

struct sha256 {
    uint64_t opaque[16];
};
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
void sha256_end(struct sha256 *s, unsigned char ret[SHA256_LEN]);
void sha256_of(const void *p, size_t n, unsigned char ret[SHA256_LEN]);
const char *sha256_hex(const void *p, size_t n, char ret[SHA256_HEX]);
// Lower-case hexadecimal of any bytes; ret has room for 2 n + 1.
const char *hex_encode(const void *p, size_t n, char *ret);

void hmac_sha256(const void *key, size_t key_len, const void *p, size_t n,
                 unsigned char ret[SHA256_LEN]);
// Equal? In a time that depends on n only.
bool crypt_equal(const void *a, const void *b, size_t n);
void crypt_wipe(void *p, size_t n);
void crypt_random(void *p, size_t n);

// base64url without padding. Encoding: ret has room for BASE64URL_ROOM(n). Decoding is strict;
// returns bytes or -1 (malformed or larger than room).
#define BASE64URL_ROOM(n) ((((n) + 2) / 3) * 4 + 1)
const char *base64url_encode(const void *p, size_t n, char *ret);
long base64url_decode(const char *s, size_t len, void *ret, size_t room);

// A secret to show once: prefix, underscore, 43 characters (256 random bits).
#define CRYPT_TOKEN_MAX 80
const char *crypt_token(const char *prefix, char ret[CRYPT_TOKEN_MAX]);

// argon2id with libsodium's interactive costs (64 MiB, some 50 ms): never on a loop's thread.
#define PASSWORD_HASH_MAX 128
int password_hash(const char *password, char ret[PASSWORD_HASH_MAX]); // -1: out of memory
bool password_matches(const char *hash, const char *password);
bool password_is_hash(const char *text); // does it look like one of ours?
