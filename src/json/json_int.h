// SPDX-License-Identifier: Apache-2.0
// Shared inside the json room: the reader's stack and what places values.
#pragma once
#include <pinfold/json.h>
#include <sys/types.h>

enum frame_kind {
    FRAME_OBJECT,  // members by table into `base`
    FRAME_MAP,     // struct json_map under construction
    FRAME_STRINGS, // struct json_strings
    FRAME_OBJECTS, // array of objects
    FRAME_SKIP     // anything: an unknown or raw member
};
struct frame {
    enum frame_kind kind;
    bool array; // in a skipped value: an array, so no key is expected
    const struct json_table *table;
    const struct json_field *field; // of the member that is being read
    char *base;
    uint64_t seen;
    const char *key; // of the current member, for the pointer; not NUL-terminated
    uint32_t key_len;
    uint32_t index, cap; // lists: elements so far, room
    size_t raw_from;     // where the text of a raw member begins
};
struct reader {
    struct json_pool *pool;
    struct json_fault *fault;
    const char *text;
    size_t len;
    unsigned flags;
    const struct json_table *root;
    void *ret;
    void *yajl;
    unsigned depth; // frames in use
    struct frame frames[JSON_DEPTH_MAX + 1];
};

// Fail at the current member; returns 0, what yajl takes as "stop".
int reader_fail(struct reader *r, enum json_fault_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int reader_over(struct reader *r, const char *limit, uint64_t value, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// Place one scalar of the document as `field` into the struct at base; 1, or 0 after a failure.
int place_string(struct reader *r, const struct json_field *field, char *base, const char *s,
                 size_t n);
int place_number(struct reader *r, const struct json_field *field, char *base, const char *s,
                 size_t n);
int place_bool(struct reader *r, const struct json_field *field, char *base, bool v);
const char *json_type_words(enum json_type t); // "a string", for messages
// A copy with a NUL, refused when it holds one.
const char *place_copy(struct reader *r, const char *s, size_t n);
