// SPDX-License-Identifier: Apache-2.0
// libsodium's sealed boxes (X25519, XSalsa20-Poly1305, a fresh key for each).
#include <pinfold/seal.h>

#include <assert.h>
#include <sodium.h>

static_assert(SEAL_KEY == crypto_box_PUBLICKEYBYTES, "room for a public key");
static_assert(SEAL_KEY == crypto_box_SECRETKEYBYTES, "room for a secret key");
static_assert(SEAL_MORE == crypto_box_SEALBYTES, "room for what sealing adds");

void seal_keys(unsigned char ret_secret[SEAL_KEY], unsigned char ret_public[SEAL_KEY])
{
    (void)crypto_box_keypair(ret_public, ret_secret); // always 0
}

void seal_public_of(const unsigned char secret[SEAL_KEY], unsigned char ret_public[SEAL_KEY])
{
    (void)crypto_scalarmult_base(ret_public, secret); // always 0
}

int seal_close(const unsigned char public_key[SEAL_KEY], const void *p, size_t n, void *ret)
{
    return crypto_box_seal(ret, p, n, public_key);
}

int seal_open(const unsigned char secret[SEAL_KEY], const void *p, size_t n, void *ret)
{
    unsigned char public_key[SEAL_KEY];
    if (n < SEAL_MORE)
        return -1;
    seal_public_of(secret, public_key);
    return crypto_box_seal_open(ret, p, n, public_key, secret);
}
