// SPDX-License-Identifier: Apache-2.0
// Ids: a type prefix, an underscore and 20 characters of lower-case base 32, as in
// ws_01h2m6k0v7t8b5n3q6jx: 55 bits of time, then 45 random ones, so ids of one type sort by when they
// were made, and what was made in one millisecond has an order too. Opaque to clients, no secret.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define ID_MAX 32 // with the NUL
#define NAME_MAX_LEN 64
void id_random_bytes(void *p, size_t n);
const char *id_make(const char *prefix, char out[ID_MAX]);
// The same from 20 bytes that are given: for things that have one id whenever they are seen.
#define ID_BYTES 20
const char *id_from(const char *prefix, const unsigned char raw[ID_BYTES], char out[ID_MAX]);
// Does s have the grammar of an id with this prefix?
bool id_ok(const char *s, const char *prefix);
// Names people choose: 1 to 64 of letters, digits, dot, underscore, hyphen, not starting with a
// dot or hyphen. The grammar has no slash and no dot-dot, so a name is never a path.
bool name_ok(const char *s);
