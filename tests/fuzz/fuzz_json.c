// SPDX-License-Identifier: Apache-2.0
// The reader of JSON by a table with a field of each type.
#include <pinfold/json.h>
#include <pinfold/own.h>
#include <stddef.h>
#include <string.h>

struct inner {
    uint32_t n;
    const char *s;
};
static const struct json_field inner_fields[] = {
    JSON_FIELD(struct inner, n, JSON_U32, .flags = JSON_REQUIRED, .min = 1, .max = 9),
    JSON_FIELD(struct inner, s, JSON_STRING, .max = 8),
};
static const struct json_table inner_table = {"Inner", inner_fields, N_ELEMS(inner_fields),
                                              sizeof(struct inner), -1};
struct all {
    uint64_t given, u64, ms;
    int64_t i64;
    bool b;
    uint32_t u32, word;
    char chars[9];
    const char *string, *raw;
    struct json_text text, bytes;
    struct json_strings strings;
    struct json_map map;
    struct inner object;
    struct json_objects objects;
};
static const char *const words[] = {"one", "two", NULL};
#define F(m, t, ...) JSON_FIELD(struct all, m, t, ##__VA_ARGS__)
static const struct json_field fields[] = {
    F(b, JSON_BOOL),
    F(u32, JSON_U32),
    F(u64, JSON_U64),
    F(i64, JSON_I64),
    F(ms, JSON_MS),
    F(word, JSON_ENUM, .names = words),
    F(chars, JSON_CHARS, .max = 8),
    F(string, JSON_STRING, .max = 100, .flags = JSON_NO_CONTROL),
    F(text, JSON_TEXT, .max = 100),
    F(bytes, JSON_BASE64, .max = 100),
    F(strings, JSON_STRINGS, .max = 10, .item_max = 20),
    F(map, JSON_MAP, .max = 10, .item_max = 20),
    F(object, JSON_OBJECT, .sub = &inner_table),
    F(objects, JSON_OBJECTS, .max = 5, .sub = &inner_table),
    F(raw, JSON_RAW),
};
static const struct json_table table = {"All", fields, N_ELEMS(fields), sizeof(struct all),
                                        offsetof(struct all, given)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    own_json_pool struct json_pool pool;
    struct json_fault f = {0};
    struct all a = {0};
    json_pool_init(&pool);
    unsigned flags = data[0] & 1 ? JSON_IGNORE_UNKNOWN : 0;
    if (json_read(&table, data + 1, size - 1, flags, &pool, &a, &f)) {
        if (f.kind == JSON_FINE || !memchr(f.detail, 0, sizeof(f.detail)))
            abort();
        return 0;
    }
    if (strlen(a.chars) > 8 || a.strings.n > 10 || a.map.n > 10 || a.objects.n > 5 ||
        (a.text.p && a.text.p[a.text.len]) || (a.string && strlen(a.string) > 100))
        abort();
    return 0;
}
