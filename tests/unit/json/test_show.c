// SPDX-License-Identifier: Apache-2.0
// Structs out by shapes, and the schemas of shapes and tables.
#include <pinfold/json_show.h>
#include <pinfold/own.h>
#include <tap.h>

struct inner {
    uint32_t n;
};
struct thing {
    char id[8], none[4];
    const char *text, *missing;
    bool on;
    int code, no_code;
    uint32_t small, zero;
    uint64_t big, at_ms;
    uint32_t state;
    const char *const *env, *const *list, *const *no_list;
    struct inner in;
};
static const char *word(uint32_t v)
{
    static const char *const words[] = {"off", "running"};
    return words[v & 1];
}
static void call(struct json_out *o, const char *name, const void *at)
{
    json_u64(o, name, ((const struct thing *)at)->big + 1);
}
static const struct json_show inner_rows[] = {JSON_SHOW(struct inner, n, SHOW_U32)};
static const struct json_shape inner_shape = {"Inner", inner_rows, 1};
static const struct json_show rows[] = {
    JSON_SHOW(struct thing, id, SHOW_CHARS),
    JSON_SHOW(struct thing, none, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct thing, text, SHOW_STRING, .doc = "what it says"),
    JSON_SHOW(struct thing, missing, SHOW_STRING),
    JSON_SHOW(struct thing, on, SHOW_BOOL),
    JSON_SHOW(struct thing, code, SHOW_I32),
    JSON_SHOW(struct thing, no_code, SHOW_I32, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct thing, small, SHOW_U32),
    JSON_SHOW(struct thing, zero, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct thing, big, SHOW_U64),
    JSON_SHOW_AS(struct thing, at_ms, "at", SHOW_TIME),
    JSON_SHOW(struct thing, state, SHOW_WORD, .word = word, .n_words = 2),
    JSON_SHOW(struct thing, env, SHOW_ENV),
    JSON_SHOW(struct thing, list, SHOW_STRINGS),
    JSON_SHOW(struct thing, no_list, SHOW_STRINGS, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct thing, in, SHOW_OBJECT, .sub = &inner_shape),
    {.name = "more", .type = SHOW_CALL, .like = SHOW_U64, .call = call},
};
static const struct json_shape shape = {"Thing", rows, N_ELEMS(rows)};

struct body {
    char name[5];
    uint32_t n, mode;
};
static const char *const modes[] = {"a", "b", NULL};
static const struct json_field fields[] = {
    JSON_FIELD(struct body, name, JSON_CHARS, .flags = JSON_REQUIRED, .min = 1, .max = 4),
    JSON_FIELD(struct body, n, JSON_U32, .max = 9),
    JSON_FIELD(struct body, mode, JSON_ENUM, .names = modes, .doc = "which"),
};
static const struct json_table table = {"Body", fields, N_ELEMS(fields), sizeof(struct body), -1};

static int needed;
static void need(void *arg, const struct json_shape *s, const struct json_table *t)
{
    (void)arg;
    (void)t;
    needed += s == &inner_shape;
}

int main(void)
{
    static const char *const env[] = {"A=1", "B=x=y", "bad", NULL}, *const list[] = {"p", NULL};
    const struct thing t = {.id = "t_1",
                            .text = "hi",
                            .on = true,
                            .code = -3,
                            .no_code = -1,
                            .small = 7,
                            .big = 1ull << 40,
                            .at_ms = 1767323045678,
                            .state = 1,
                            .env = env,
                            .list = list,
                            .in = {5}};
    struct buf b;
    struct json_out o;
    buf_init(&b, 10000);
    json_out_init(&o, &b);
    json_show(&o, NULL, &shape, &t);
    ok(json_done(&o), "a struct is shown");
    is_str(b.data,
           "{\"id\":\"t_1\",\"none\":null,\"text\":\"hi\",\"missing\":null,\"on\":true,\"code\":-3,"
           "\"no_code\":null,\"small\":7,\"zero\":null,\"big\":1099511627776,"
           "\"at\":\"2026-01-02T03:04:05.678Z\",\"state\":\"running\",\"env\":{\"A\":\"1\","
           "\"B\":\"x=y\"},\"list\":[\"p\"],\"no_list\":null,\"in\":{\"n\":5},"
           "\"more\":1099511627777}",
           "with every kind of row");
    buf_clear(&b);
    json_out_init(&o, &b);
    json_shape_schema(&o, NULL, &shape, need, NULL);
    ok(json_done(&o) && needed == 1, "its schema asks for the one it names");
    ok(strstr(b.data, "\"none\":{\"type\":[\"string\",\"null\"]}") != NULL, "null where it may be");
    ok(strstr(b.data, "\"state\":{\"type\":\"string\",\"enum\":[\"off\",\"running\"]}") != NULL,
       "words");
    ok(strstr(b.data, "\"in\":{\"$ref\":\"#/components/schemas/Inner\"}") != NULL, "references");
    ok(strstr(b.data, "\"more\":{\"type\":\"integer\"}") != NULL, "what a call is like");
    ok(strstr(b.data, "\"description\":\"what it says\"") != NULL, "sentences");
    buf_clear(&b);
    json_out_init(&o, &b);
    json_table_schema(&o, NULL, &table, need, NULL);
    is_str(b.data,
           "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"name\":{\"type\":"
           "\"string\",\"minLength\":1,\"maxLength\":4},\"n\":{\"type\":\"integer\",\"minimum\":0,"
           "\"maximum\":9},\"mode\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"],\"description\":"
           "\"which\"}},\"required\":[\"name\"]}",
           "a table's schema");
    buf_release(&b);
    return done_testing();
}
