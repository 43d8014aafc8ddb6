// SPDX-License-Identifier: Apache-2.0
// TAP for unit tests: ok(condition, "sentence"), is_str, is_int, then return done_testing().
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_n, tap_failed;

__attribute__((unused, format(printf, 4, 5))) static bool tap_ok(bool good, const char *file,
                                                                 int line, const char *fmt, ...)
{
    char what[300];
    __builtin_va_list ap;
    __builtin_va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    __builtin_va_end(ap);
    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_n, what);
    if (!good) {
        tap_failed++;
        printf("# at %s line %d\n", file, line);
    }
    (void)fflush(stdout);
    return good;
}
#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                                     \
    do {                                                                                           \
        long long g_ = (long long)(got), w_ = (long long)(want);                                   \
        if (!ok(g_ == w_, __VA_ARGS__))                                                            \
            printf("# got %lld, want %lld\n", g_, w_);                                             \
    } while (0)
#define is_str(got, want, ...)                                                                     \
    do {                                                                                           \
        const char *g_ = (got), *w_ = (want);                                                      \
        if (!ok(g_ && w_ && !strcmp(g_, w_), __VA_ARGS__))                                         \
            printf("# got '%s', want '%s'\n", g_ ? g_ : "(null)", w_ ? w_ : "(null)");             \
    } while (0)
__attribute__((unused)) static void skip(const char *what, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tap_n, what, why);
}
__attribute__((unused)) static int done_testing(void)
{
    printf("1..%d\n", tap_n);
    return tap_failed ? 1 : 0;
}
