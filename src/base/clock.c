// SPDX-License-Identifier: Apache-2.0
// Clocks.
#include <pinfold/clock.h>

#include <stdio.h>
#include <time.h>

static uint64_t now_ns(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t); // cannot fail for these two clocks
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
    return now_ns(CLOCK_MONOTONIC) / 1000000u;
}

uint64_t clock_wall_ms(void)
{
    return now_ns(CLOCK_REALTIME) / 1000000u;
}

const char *clock_format(uint64_t wall_ms, char out[CLOCK_TEXT_MAX])
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    char head[20];
    if (!gmtime_r(&s, &tm) || !strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm))
        head[0] = '\0';
    (void)snprintf(out, CLOCK_TEXT_MAX, "%s.%03uZ", head, (unsigned)(wall_ms % 1000));
    return out;
}
