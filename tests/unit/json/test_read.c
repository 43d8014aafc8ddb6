// SPDX-License-Identifier: Apache-2.0
// The reader: what it fills, and what it refuses with which pointer.
#include <pinfold/json.h>
#include <pinfold/own.h>
#include <tap.h>

struct net {
    uint32_t mode;
    struct json_strings allow;
};
struct file {
    const char *path;
    struct json_text content;
};
struct body {
    uint64_t given;
    bool flag;
    uint32_t small;
    uint64_t big;
    int64_t sign;
    uint64_t wait_ms;
    char name[9];
    const char *text;
    struct json_text any, decoded;
    struct json_map env;
    struct net net;
    struct json_objects files;
    const char *raw;
};
static const char *const modes[] = {"none", "full", NULL};
static const struct json_field net_fields[] = {
    JSON_FIELD(struct net, mode, JSON_ENUM, .names = modes),
    JSON_FIELD(struct net, allow, JSON_STRINGS, .max = 3, .item_max = 8),
};
static const struct json_table net_table = {"net", net_fields, 2, sizeof(struct net), -1};
static const struct json_field file_fields[] = {
    JSON_FIELD(struct file, path, JSON_STRING, .flags = JSON_REQUIRED, .min = 1, .max = 100),
    JSON_FIELD(struct file, content, JSON_TEXT),
};
static const struct json_table file_table = {"file", file_fields, 2, sizeof(struct file), -1};
static const struct json_field fields[] = {
    JSON_FIELD(struct body, flag, JSON_BOOL),
    JSON_FIELD(struct body, small, JSON_U32, .min = 2, .max = 10),
    JSON_FIELD(struct body, big, JSON_U64),
    JSON_FIELD(struct body, sign, JSON_I64),
    JSON_FIELD_AS(struct body, wait_ms, "wait", JSON_MS, .max = 60),
    JSON_FIELD(struct body, name, JSON_CHARS, .flags = JSON_NO_CONTROL, .max = 8),
    JSON_FIELD(struct body, text, JSON_STRING),
    JSON_FIELD(struct body, any, JSON_TEXT),
    JSON_FIELD(struct body, decoded, JSON_BASE64, .max = 6),
    JSON_FIELD(struct body, env, JSON_MAP, .max = 20),
    JSON_FIELD(struct body, net, JSON_OBJECT, .sub = &net_table),
    JSON_FIELD(struct body, files, JSON_OBJECTS, .max = 20, .sub = &file_table),
    JSON_FIELD(struct body, raw, JSON_RAW, .max = 40),
    JSON_FIELD_AS(struct body, big, "made", JSON_U64, .flags = JSON_READ_ONLY),
};
static const struct json_table table = {"body", fields, N_ELEMS(fields), sizeof(struct body),
                                        offsetof(struct body, given)};

static struct json_pool pool;
static struct body b;
static struct json_fault f;

static int read_n(const char *text, size_t n, unsigned flags)
{
    json_pool_release(&pool);
    memset(&b, 0, sizeof(b));
    // an exact copy, so that sanitizers see a read past the end
    char *copy = xmalloc(n ? n : 1);
    memcpy(copy, text, n);
    int r = json_read(&table, copy, n, flags, &pool, &b, &f);
    free(copy);
    return r;
}
static int rd(const char *text)
{
    return read_n(text, strlen(text), 0);
}

static void refuses(const char *text, enum json_fault_kind kind, const char *pointer,
                    const char *detail)
{
    ok(rd(text) == -1 && f.kind == kind, "refused: %s", text);
    is_str(f.pointer, pointer, "  pointer");
    if (!ok(strstr(f.detail, detail) != NULL, "  detail says '%s'", detail))
        printf("# got '%s'\n", f.detail);
}

static void fills(void)
{
    is_int(rd("{\"flag\":true,\"small\":10,\"big\":18446744073709551615,\"sign\":-9,\"wait\":1.25,"
              "\"name\":\"a\\u00e4b\",\"text\":\"x\\ny\",\"any\":\"a\\u0000b\",\"decoded\":"
              "\"AP8Q\",\"env\":{\"A\":\"1\",\"B\":null},\"net\":{\"mode\":\"full\",\"allow\":"
              "[\"h\",\"i\"]},\"files\":[{\"path\":\"p\",\"content\":\"c\"},{\"path\":\"q\"}],"
              "\"raw\" : {\"k\": [1, \"\\u0041\"]} }"),
           0, "a document with every type reads");
    ok(b.flag && b.small == 10 && b.big == UINT64_MAX && b.sign == -9, "booleans and numbers");
    is_int(b.wait_ms, 1250, "seconds with a fraction become milliseconds");
    is_str(b.name,
           "a\xc3\xa4"
           "b",
           "string in an array");
    is_str(b.text, "x\ny", "string");
    ok(b.any.len == 3 && !memcmp(b.any.p, "a\0b", 3), "text keeps a NUL");
    ok(b.decoded.len == 3 && !memcmp(b.decoded.p, "\0\xff\x10", 3), "base 64 is decoded");
    ok(b.env.n == 2 && !strcmp(b.env.at[0].name, "A") && !strcmp(b.env.at[0].value, "1"), "map");
    ok(!strcmp(b.env.at[1].name, "B") && !b.env.at[1].value, "null in a map");
    ok(b.net.mode == 1 && b.net.allow.n == 2 && !strcmp(b.net.allow.at[1], "i"), "nested object");
    struct file *files = b.files.at;
    ok(b.files.n == 2 && !strcmp(files[0].path, "p") && files[0].content.len == 1, "objects");
    ok(!strcmp(files[1].path, "q") && !files[1].content.p, "second object");
    is_str(b.raw, "{\"k\": [1, \"\\u0041\"]}", "raw text is as sent");
    ok(b.given == 0x1fff, "every field's bit is set");
    is_int(rd("{\"raw\":12 ,\"big\":null}"), 0, "raw number and null");
    is_str(b.raw, "12", "raw number is as sent");
    ok(b.given == (JSON_GIVEN(12) | JSON_GIVEN(2)) && b.big == 0, "null is given and empty");
    is_int(read_n("", 0, JSON_EMPTY_OK), 0, "empty text reads where allowed");
    is_int(rd(" {} "), 0, "an empty object reads");
    is_int(rd("{\"text\":\"\\ud83d\\ude00\\\\ud800\"}"), 0, "a surrogate pair reads");
    is_str(b.text, "\xf0\x9f\x98\x80\\ud800", "and an escaped backslash is no surrogate");
}

static void many(void)
{
    char text[4096] = "{\"files\":[";
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text), "%s{\"path\":\"%d\"}", i ? "," : "", i);
    strcat(text, "]}");
    is_int(rd(text), 0, "a list grows");
    struct file *files = b.files.at;
    ok(b.files.n == 20 && !strcmp(files[0].path, "0") && !strcmp(files[19].path, "19"),
       "its elements keep their places");
    strcpy(text + strlen(text) - 2, ",{\"path\":\"x\"}]}");
    refuses(text, JSON_OVER, "/files/20", "more than 20 elements");
    is_str(f.limit, "files", "the limit is named");
    is_int(f.limit_value, 20, "with its value");
}

static void wrong(void)
{
    refuses("", JSON_NOT_JSON, "", "empty");
    refuses("{", JSON_NOT_JSON, "", "ends in the middle");
    refuses("{\"raw\": 5", JSON_NOT_JSON, "", "ends in the middle");
    refuses("{}x", JSON_NOT_JSON, "", "not valid JSON");
    refuses("{\"text\":\"\xff\"}", JSON_NOT_JSON, "", "not valid JSON");
    refuses("{/* c */}", JSON_NOT_JSON, "", "not valid JSON");
    refuses("{\"text\":\"\\ud800\"}", JSON_NOT_JSON, "", "surrogate");
    refuses("{\"text\":\"\\udc00\\ud800\"}", JSON_NOT_JSON, "", "surrogate");
    refuses("[]", JSON_WRONG, "", "must be an object");
    refuses("7", JSON_WRONG, "", "must be an object");
    refuses("null", JSON_WRONG, "", "must be an object");
    refuses("{\"nope\":1}", JSON_WRONG, "/nope", "not a known field");
    refuses("{\"made\":1}", JSON_WRONG, "/made", "not a known field");
    refuses("{\"a/b~c\":1}", JSON_WRONG, "/a~1b~0c", "not a known field");
    refuses("{\"net\":{\"x\":1}}", JSON_WRONG, "/net/x", "not a known field");
    refuses("{\"big\":1,\"big\":1}", JSON_WRONG, "/big", "twice");
    refuses("{\"env\":{\"A\":\"\",\"A\":\"\"}}", JSON_WRONG, "/env/A", "twice");
    refuses("{\"flag\":1}", JSON_WRONG, "/flag", "true or false");
    refuses("{\"flag\":\"true\"}", JSON_WRONG, "/flag", "true or false");
    refuses("{\"text\":1}", JSON_WRONG, "/text", "a string");
    refuses("{\"text\":[]}", JSON_WRONG, "/text", "a string");
    refuses("{\"text\":{}}", JSON_WRONG, "/text", "a string");
    refuses("{\"big\":1.0}", JSON_WRONG, "/big", "whole number");
    refuses("{\"big\":1e2}", JSON_WRONG, "/big", "whole number");
    refuses("{\"big\":18446744073709551616}", JSON_WRONG, "/big",
            "between 0 and 18446744073709551615");
    refuses("{\"big\":-1}", JSON_WRONG, "/big", "between 0 and 18446744073709551615");
    refuses("{\"small\":1}", JSON_OVER, "/small", "between 2 and 10");
    refuses("{\"small\":11}", JSON_OVER, "/small", "between 2 and 10");
    refuses("{\"sign\":9223372036854775808}", JSON_WRONG, "/sign", "64 bits");
    refuses("{\"wait\":60.001}", JSON_OVER, "/wait", "between 0 and 60");
    refuses("{\"name\":\"123456789\"}", JSON_OVER, "/name", "longer than 8 bytes");
    refuses("{\"name\":\"a\\nb\"}", JSON_WRONG, "/name", "control");
    refuses("{\"name\":\"a\\u0000\"}", JSON_WRONG, "/name", "control");
    refuses("{\"text\":\"a\\u0000b\"}", JSON_WRONG, "/text", "NUL");
    refuses("{\"env\":{\"A\":\"\\u0000\"}}", JSON_WRONG, "/env/A", "NUL");
    refuses("{\"env\":{\"\":\"x\"}}", JSON_WRONG, "/env/", "empty name");
    refuses("{\"env\":{\"A\":1}}", JSON_WRONG, "/env/A", "a string");
    refuses("{\"env\":[]}", JSON_WRONG, "/env", "an object of strings");
    refuses("{\"decoded\":\"!\"}", JSON_WRONG, "/decoded", "base 64");
    refuses("{\"decoded\":\"AAAAAAAAAAAA\"}", JSON_OVER, "/decoded", "longer than 6");
    refuses("{\"net\":{\"mode\":\"x\"}}", JSON_WRONG, "/net/mode", "none, full");
    refuses("{\"net\":{\"allow\":[\"a\",1]}}", JSON_WRONG, "/net/allow/1", "a string");
    refuses("{\"net\":{\"allow\":[null]}}", JSON_WRONG, "/net/allow/0", "null");
    refuses("{\"net\":{\"allow\":[\"123456789\"]}}", JSON_OVER, "/net/allow/0", "longer than 8");
    refuses("{\"net\":{\"allow\":[[]]}}", JSON_WRONG, "/net/allow/0", "a string");
    refuses("{\"net\":[]}", JSON_WRONG, "/net", "an object");
    refuses("{\"files\":[{}]}", JSON_WRONG, "/files/0/path", "required");
    refuses("{\"files\":[{\"path\":null}]}", JSON_WRONG, "/files/0/path", "null");
    refuses("{\"files\":[{\"path\":\"\"}]}", JSON_WRONG, "/files/0/path", "empty");
    refuses("{\"files\":[1]}", JSON_WRONG, "/files/0", "an object");
    refuses("{\"files\":{}}", JSON_WRONG, "/files", "array of objects");
    refuses("{\"raw\":\"0123456789012345678901234567890123456789\"}", JSON_OVER, "/raw", "longer");
}

static void deep(void)
{
    char text[300] = "{\"raw\":";
    memset(text + 7, '[', 200);
    text[207] = '\0';
    ok(rd(text) == -1 && f.kind == JSON_OVER && !strcmp(f.limit, "json_depth"),
       "depth is limited in a raw member");
    memcpy(text, "{\"x\"  :", 7);
    ok(read_n(text, 207, JSON_IGNORE_UNKNOWN) == -1 && f.kind == JSON_OVER,
       "depth is limited in an ignored member");
    const char *unknown = "{\"x\":{\"y\":[1,\"a\",null,{\"z\":true}]},\"big\":5,\"w\":null}";
    is_int(read_n(unknown, strlen(unknown), JSON_IGNORE_UNKNOWN), 0, "unknown members are ignored");
    is_int(b.big, 5, "known ones beside them are read");
    // every prefix and every single-byte change of a document must be answered, never crash
    const char *doc = "{\"env\":{\"A\":\"1\"},\"files\":[{\"path\":\"\\u0041\"}],\"raw\":[1,{}]}";
    size_t n = strlen(doc);
    int prefixes = 0;
    char copy[200];
    for (size_t i = 0; i < n; i++) {
        prefixes += read_n(doc, i, 0) == -1;
        memcpy(copy, doc, n);
        for (int c = 0; c < 256; c++) {
            copy[i] = (char)c;
            (void)read_n(copy, n, JSON_IGNORE_UNKNOWN);
        }
    }
    is_int(prefixes, (int)n, "every prefix of a document is refused");
}

static void printed(void)
{
    own_json_pool struct json_pool p;
    char long_one[3000];
    json_pool_init(&p);
    memset(long_one, 'x', sizeof(long_one) - 1);
    long_one[sizeof(long_one) - 1] = '\0';
    const char *a = json_pool_printf(&p, "%s=%d", "n", 7);
    const char *more = json_pool_printf(&p, "<%s>", long_one);
    is_str(a, "n=7", "a text is made in the pool");
    is_int((long)strlen(more), 3001, "one that is longer than its first piece too");
    is_str(json_pool_printf(&p, "%s", ""), "", "and an empty one");
}

int main(void)
{
    printed();
    json_pool_init(&pool);
    fills();
    many();
    wrong();
    deep();
    json_pool_release(&pool);
    return done_testing();
}
