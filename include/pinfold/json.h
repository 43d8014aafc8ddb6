// SPDX-License-Identifier: Apache-2.0
// JSON into structs by field tables, and out by calls that cannot make invalid JSON.
//
// A table says which members an object may have, where each goes in a C struct and what it may
// hold. Reading fills the struct or fails with one fault that names the member by JSON pointer.
// The same tables are printed as schemas in the API's OpenAPI document.
//
// Memory: what is read lives in the caller's `struct json_pool` and is freed with it at once.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define JSON_DEPTH_MAX 32
#define JSON_FIELDS_MAX 64 // members of one table

enum json_type {
    JSON_BOOL,    // bool
    JSON_U32,     // uint32_t
    JSON_U64,     // uint64_t
    JSON_I64,     // int64_t
    JSON_MS,      // a number of seconds, fraction allowed, into uint64_t milliseconds
    JSON_ENUM,    // one of `names` into uint32_t
    JSON_CHARS,   // string into char[max + 1]
    JSON_STRING,  // string into const char * (pool); no NUL inside
    JSON_TEXT,    // string into struct json_text; may hold NUL
    JSON_BASE64,  // base 64 string, decoded into struct json_text
    JSON_STRINGS, // array of strings into struct json_strings
    JSON_MAP,     // object of strings into struct json_map
    JSON_OBJECT,  // object by table `sub`, in place
    JSON_OBJECTS, // array of objects by table `sub` into struct json_objects
    JSON_RAW      // any value: its text, as sent, into const char * (pool)
};
enum json_flags {
    JSON_REQUIRED = 1,
    JSON_NO_CONTROL = 2, // strings: no control characters
    JSON_READ_ONLY = 4,  // for schemas of answers; refused on input
};
struct json_text {
    const char *p; // NULL when not given; has a NUL behind it
    size_t len;
};
struct json_strings {
    const char **at;
    uint32_t n;
};
struct json_map {
    struct json_pair {
        const char *name, *value; // value NULL for null
    } * at;
    uint32_t n;
};
struct json_objects {
    void *at; // n structs of the sub-table's size
    uint32_t n;
};
struct json_table;
struct json_field {
    const char *name;
    enum json_type type;
    uint32_t offset;
    uint32_t flags;
    uint64_t min, max; // numbers: bounds (max 0: none); strings: bytes; lists, maps: elements
    uint32_t item_max; // lists and maps: bytes of one string; 0: 4096
    const struct json_table *sub;
    const char *const *names; // JSON_ENUM, NULL at the end
    const char *doc;
};
struct json_table {
    const char *name; // of the schema
    const struct json_field *fields;
    uint32_t n_fields, size;
    int32_t given; // offset of a uint64_t that gets a bit for each field sent, or -1
};
// A row of a table: the member `m` of struct `st`, named as the member or otherwise.
#define JSON_FIELD(st, m, t, ...) JSON_FIELD_AS(st, m, #m, t, ##__VA_ARGS__)
#define JSON_FIELD_AS(st, m, n, t, ...)                                                            \
    {                                                                                              \
        .name = n, .type = t, .offset = offsetof(st, m), ##__VA_ARGS__                             \
    }
// The bit of the field at index i of its table.
#define JSON_GIVEN(i) (UINT64_C(1) << (i))

struct json_pool {
    struct json_chunk *chunks;
    size_t used;
    _Alignas(16) char first[1024];
};
void json_pool_init(struct json_pool *p);
void json_pool_release(struct json_pool *p);
void json_pool_wipe(struct json_pool *p); // what was read into it held a secret
void *json_pool_alloc(struct json_pool *p, size_t n);
char *json_pool_printf(struct json_pool *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
#define own_json_pool __attribute__((cleanup(json_pool_release)))

// What was wrong and where.
enum json_fault_kind {
    JSON_FINE,
    JSON_NOT_JSON, // not a JSON text at all
    JSON_WRONG,    // a member is unknown, missing, of the wrong type or has a bad value
    JSON_OVER      // over a limit
};
struct json_fault {
    enum json_fault_kind kind;
    const char *limit; // name of the limit, or NULL
    uint64_t limit_value;
    char pointer[128]; // "/network/mode"; "" is the whole document
    char detail[160];
};
enum json_read_flags {
    JSON_IGNORE_UNKNOWN = 1, // as the dialects' own servers do
    JSON_EMPTY_OK = 2,       // no text at all reads as {}
};
// Read one object of `len` bytes into the zeroed struct *ret. null means "not given", but sets the
// field's bit. 0, or -1 with *f filled and *ret in no useful state.
int json_read(const struct json_table *t, const void *text, size_t len, unsigned flags,
              struct json_pool *pool, void *ret, struct json_fault *f);

// --- text helpers ---------------------------------------------------------------------------

bool json_utf8_ok(const void *p, size_t n);
// How many leading bytes are whole valid UTF-8. *cut is set when what follows is only the start
// of a character, that is, when more bytes could make it valid.
size_t json_utf8_prefix(const void *p, size_t n, bool *cut);
size_t json_base64_len(size_t n);
void json_base64(const void *p, size_t n, char *out); // json_base64_len(n) bytes, no NUL
// Standard alphabet, padding optional; -1 when it is not base 64. out needs n * 3 / 4 bytes.
ssize_t json_base64_decode(const char *p, size_t n, void *out);
