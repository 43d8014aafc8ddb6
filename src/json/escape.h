// SPDX-License-Identifier: Apache-2.0
// What stands between a JSON string's quotes.
#pragma once
#include <stddef.h>

#define ESCAPE_WORST 6 // bytes for one
// Bytes that one becomes.
unsigned json_escape_len(unsigned char c);
// s is valid UTF-8. `to` has room for n * ESCAPE_WORST bytes, of which as many as the result are used;
// for a single one no more are written.
size_t json_escape(const char *s, size_t n, char *to);
