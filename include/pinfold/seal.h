// SPDX-License-Identifier: Apache-2.0
// Sealed boxes: whoever has the public key can seal, only who has the secret one can open.
#pragma once
#include <stddef.h>

#define SEAL_KEY 32
#define SEAL_MORE 48 // a sealed text is so much longer

void seal_keys(unsigned char ret_secret[SEAL_KEY], unsigned char ret_public[SEAL_KEY]);
void seal_public_of(const unsigned char secret[SEAL_KEY], unsigned char ret_public[SEAL_KEY]);
// ret has room for n + SEAL_MORE. -1: the public key is none.
int seal_close(const unsigned char public_key[SEAL_KEY], const void *p, size_t n, void *ret);
// n bytes as they were sealed; ret has room for n - SEAL_MORE. -1: not sealed to this key, or
// changed since.
int seal_open(const unsigned char secret[SEAL_KEY], const void *p, size_t n, void *ret);
