// SPDX-License-Identifier: Apache-2.0
// Strict parsing of numbers: whole string, no sign, no space, no overflow.
#pragma once
#include <pinfold/err.h>
#include <stdint.h>

int num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct err *e);
// Octal digits alone, as file modes are written: 0644 or 644.
int num_parse_octal(const char *s, uint32_t max, uint32_t *ret, struct err *e);
// Bytes with an optional suffix K, M, G, T (powers of 1024); "infinity" gives UINT64_MAX.
int num_parse_size(const char *s, uint64_t *ret, struct err *e);
// Milliseconds from "150ms", "30s", "5min", "2h", "1d", or a bare number of seconds.
int num_parse_duration_ms(const char *s, uint64_t *ret, struct err *e);
// "42%" or "42" to 42; over 100 means more than one processor.
int num_parse_percent(const char *s, uint32_t *ret, struct err *e);
