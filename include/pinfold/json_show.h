// SPDX-License-Identifier: Apache-2.0
// Structs out by tables: a shape says which members of a C struct are shown under which names. The
// same shape, and the tables of json.h, are printed as JSON schemas.
#pragma once
#include <pinfold/json_out.h>

enum json_show_type {
    SHOW_BOOL,    // bool
    SHOW_I32,     // int
    SHOW_U32,     // uint32_t
    SHOW_U64,     // uint64_t
    SHOW_CHARS,   // char[]
    SHOW_STRING,  // const char *
    SHOW_TIME,    // uint64_t, milliseconds since 1970; 0 is null
    SHOW_WORD,    // an enum, by `word`
    SHOW_ENV,     // NULL-terminated NAME=value strings, as an object
    SHOW_STRINGS, // NULL-terminated strings, as an array
    SHOW_OBJECT,  // a struct at `offset`, by `sub`
    SHOW_CALL     // `call` writes it; its schema is `sub`, or as `like` says
};
enum json_show_flags { SHOW_EMPTY_NULL = 1 }; // "", 0, NULL, negative SHOW_I32 are null
struct json_shape;
struct json_show {
    const char *name;
    enum json_show_type type, like;
    uint32_t offset;
    uint32_t flags;
    const char *(*word)(uint32_t v); // SHOW_WORD
    uint32_t n_words;
    const struct json_shape *sub;
    bool list; // SHOW_CALL: an array of `sub`
    void (*call)(struct json_out *o, const char *name, const void *at); // at: the whole struct
    const char *doc;
};
struct json_shape {
    const char *name; // of the schema
    const struct json_show *rows;
    uint32_t n_rows;
};
#define JSON_SHOW(st, m, t, ...) JSON_SHOW_AS(st, m, #m, t, ##__VA_ARGS__)
#define JSON_SHOW_AS(st, m, n, t, ...)                                                             \
    {                                                                                              \
        .name = n, .type = t, .offset = offsetof(st, m), ##__VA_ARGS__                             \
    }

// Write one object, or only its members into one that is open.
void json_show(struct json_out *o, const char *name, const struct json_shape *shape,
               const void *at);
void json_show_members(struct json_out *o, const struct json_shape *shape, const void *at);

// The schema of a shape or of a table, as JSON Schema 2020-12. Named sub-schemas are references
// to "#/components/schemas/NAME", which `need` is told of.
typedef void json_need_fn(void *arg, const struct json_shape *shape,
                          const struct json_table *table);
void json_shape_schema(struct json_out *o, const char *name, const struct json_shape *shape,
                       json_need_fn *need, void *arg);
void json_table_schema(struct json_out *o, const char *name, const struct json_table *table,
                       json_need_fn *need, void *arg);
