// SPDX-License-Identifier: Apache-2.0
// Strict numbers.
#include <pinfold/num.h>

#include <pinfold/own.h>
#include <string.h>

// Digits at *s into *ret; leaves *s behind them. -1 when there is none or on overflow.
static int digits(const char **s, uint64_t *ret)
{
    uint64_t v = 0;
    const char *p = *s;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
            return -1;
    if (p == *s)
        return -1;
    *s = p;
    *ret = v;
    return 0;
}

int num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct err *e)
{
    const char *p = s;
    uint64_t v;
    if (digits(&p, &v) || *p)
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a whole number", s);
    if (v < min || v > max)
        return err_set(e, ERR_BAD_REQUEST, "%.40s is not between %llu and %llu", s,
                       (unsigned long long)min, (unsigned long long)max);
    *ret = v;
    return 0;
}

int num_parse_octal(const char *s, uint32_t max, uint32_t *ret, struct err *e)
{
    uint64_t v = 0;
    size_t n = strlen(s);
    if (!n || n > 12 || strspn(s, "01234567") != n)
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not an octal number", s);
    for (; *s; s++)
        v = v << 3 | (uint64_t)(*s - '0');
    if (v > max)
        return err_set(e, ERR_BAD_REQUEST, "0%llo is above 0%o", (unsigned long long)v, max);
    *ret = (uint32_t)v;
    return 0;
}

struct unit {
    const char *name;
    uint64_t factor;
};

static int with_unit(const char *s, const struct unit *units, size_t n, uint64_t *ret)
{
    const char *p = s;
    uint64_t v;
    if (digits(&p, &v))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(p, units[i].name))
            return __builtin_mul_overflow(v, units[i].factor, ret) ? -1 : 0;
    return -1;
}

int num_parse_size(const char *s, uint64_t *ret, struct err *e)
{
    static const struct unit units[] = {
        {"", 1}, {"K", 1ull << 10}, {"M", 1ull << 20}, {"G", 1ull << 30}, {"T", 1ull << 40},
    };
    if (!strcmp(s, "infinity")) {
        *ret = UINT64_MAX;
        return 0;
    }
    uint64_t v;
    if (with_unit(s, units, N_ELEMS(units), &v))
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a size (bytes, or with K, M, G, T)", s);
    *ret = v;
    return 0;
}

int num_parse_duration_ms(const char *s, uint64_t *ret, struct err *e)
{
    static const struct unit units[] = {
        {"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
    };
    uint64_t v;
    if (with_unit(s, units, N_ELEMS(units), &v))
        return err_set(e, ERR_BAD_REQUEST,
                       "'%.40s' is not a duration (seconds, or with ms, s, min, h, d)", s);
    *ret = v;
    return 0;
}

int num_parse_percent(const char *s, uint32_t *ret, struct err *e)
{
    static const struct unit units[] = {{"", 1}, {"%", 1}};
    uint64_t v;
    if (with_unit(s, units, N_ELEMS(units), &v) || v > 100000)
        return err_set(e, ERR_BAD_REQUEST, "'%.40s' is not a percentage up to 100000%%", s);
    *ret = (uint32_t)v;
    return 0;
}
