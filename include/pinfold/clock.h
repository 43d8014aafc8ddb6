// SPDX-License-Identifier: Apache-2.0
// Deadlines use the monotonic clock, stamps for people the wall clock.
#pragma once
#include <stdint.h>

uint64_t clock_mono_ns(void);
uint64_t clock_mono_ms(void);
uint64_t clock_wall_ms(void); // milliseconds since 1970, UTC
#define CLOCK_TEXT_MAX 32
// RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z
const char *clock_format(uint64_t wall_ms, char out[CLOCK_TEXT_MAX]);
