// SPDX-License-Identifier: Apache-2.0
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <tap.h>

static const struct {
    const char *text;
    int good;
    uint64_t value;
} numbers[] =
    {
        {"0", 1, 0},
        {"18446744073709551615", 1, UINT64_MAX},
        {"18446744073709551616", 0, 0},
        {"99999999999999999999999", 0, 0},
        {"007", 1, 7},
        {"", 0, 0},
        {" 1", 0, 0},
        {"1 ", 0, 0},
        {"+1", 0, 0},
        {"-1", 0, 0},
        {"0x10", 0, 0},
        {"1e3", 0, 0},
},
  sizes[] =
      {
          {"0", 1, 0},
          {"1K", 1, 1024},
          {"3M", 1, 3ull << 20},
          {"2G", 1, 2ull << 30},
          {"16777215T", 1, 16777215ull << 40},
          {"16777216T", 0, 0},
          {"infinity", 1, UINT64_MAX},
          {"1KB", 0, 0},
          {"1k", 0, 0},
          {"K", 0, 0},
          {"1.5G", 0, 0},
          {"-1", 0, 0},
},
  durations[] =
      {
          {"2", 1, 2000},      {"150ms", 1, 150},  {"30s", 1, 30000},
          {"5min", 1, 300000}, {"2h", 1, 7200000}, {"1d", 1, 86400000},
          {"5 min", 0, 0},     {"5m", 0, 0},       {"18446744073709551615d", 0, 0},
          {"", 0, 0},
},
  percents[] = {
      {"42%", 1, 42},   {"42", 1, 42}, {"250%", 1, 250}, {"100000", 1, 100000},
      {"100001", 0, 0}, {"%", 0, 0},   {"4%%", 0, 0},
};

static const struct {
    const char *text;
    int good;
    uint64_t value;
} octals[] = {
    {"0644", 1, 0644}, {"7777", 1, 07777}, {"0", 1, 0},
    {"10000", 0, 0},   {"8", 0, 0},        {"", 0, 0},
    {"0o7", 0, 0},     {"-1", 0, 0},       {"77777777777777777777777", 0, 0},
};

#define TABLE(table, parse, type)                                                                  \
    for (size_t i = 0; i < N_ELEMS(table); i++) {                                                  \
        type v = 77;                                                                               \
        struct err e = {0};                                                                        \
        int r = parse;                                                                             \
        ok(r == (table[i].good ? 0 : -1), #table " '%s' is %s", table[i].text,                     \
           table[i].good ? "read" : "refused");                                                    \
        is_int(v, table[i].good ? table[i].value : 77, "'%s' has its value", table[i].text);       \
        ok(table[i].good || (e.code == ERR_BAD_REQUEST && e.text[0]), "with a sentence or none");  \
    }

int main(void)
{
    TABLE(numbers, num_parse_u64(numbers[i].text, 0, UINT64_MAX, &v, &e), uint64_t)
    TABLE(sizes, num_parse_size(sizes[i].text, &v, &e), uint64_t)
    TABLE(durations, num_parse_duration_ms(durations[i].text, &v, &e), uint64_t)
    TABLE(percents, num_parse_percent(percents[i].text, &v, &e), uint32_t)
    TABLE(octals, num_parse_octal(octals[i].text, 07777, &v, &e), uint32_t)
    uint64_t v = 0;
    struct err e;
    is_int(num_parse_u64("5", 5, 6, &v, &e), 0, "the lower bound is allowed");
    is_int(num_parse_u64("6", 5, 6, &v, &e), 0, "the upper bound is allowed");
    is_int(num_parse_u64("4", 5, 6, &v, &e), -1, "below the bounds is refused");
    is_int(num_parse_u64("7", 5, 6, &v, &e), -1, "above the bounds is refused");
    is_str(e.text, "7 is not between 5 and 6", "and the bounds are named");
    return done_testing();
}
