// SPDX-License-Identifier: Apache-2.0
// Tables of key=value fields: what both directions of the helper's protocol are made of.
#pragma once
#include "repo_int.h"

struct field {
    const char *key;
    enum field_type { FIELD_TEXT, FIELD_U64, FIELD_BOOL } type;
    size_t offset, size;
};
#define TEXT_FIELD(type, key, member)                                                              \
    {                                                                                              \
        key, FIELD_TEXT, offsetof(struct type, member), sizeof(((struct type *)0)->member)         \
    }
#define U64_FIELD(type, key, member)                                                               \
    {                                                                                              \
        key, FIELD_U64, offsetof(struct type, member), sizeof(uint64_t)                            \
    }
#define BOOL_FIELD(type, key, member)                                                              \
    {                                                                                              \
        key, FIELD_BOOL, offsetof(struct type, member), sizeof(bool)                               \
    }

struct field_table {
    const struct field *rows;
    unsigned n; // at most 64
};
// One key=value and the separator for each row.
int fields_format(const struct field_table *t, const void *from, char separator, struct buf *out);
// Takes one record; *seen has a bit for each row. Unknown and repeated keys are errors, and so are
// control bytes in a text.
int fields_take(const struct field_table *t, const char *record, size_t len, uint64_t *seen,
                void *to, struct err *e);
// Were all rows seen?
int fields_complete(const struct field_table *t, uint64_t seen, struct err *e);
