// SPDX-License-Identifier: Apache-2.0
// Inside room profile: the pieces of the parser and the writer.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/profile.h>

#define CALL_NAME_MAX 32

// --- groups.c ---
bool groups_next_word(const char **rest, char word[CALL_NAME_MAX]);
const struct profile_group *groups_find(const char *name);
const struct profile_group *groups_of_call(int nr); // the first but @init, NULL when in none

// --- rows.c: the sorted rows of allowed calls ---
// Add an alternative; an unconditional row swallows the others of its call, a row that says the
// same as one that is there is dropped.
int rows_add(struct profile *p, const struct profile_call *row, struct err *e);
void rows_remove(struct profile *p, int nr);
uint16_t rows_reason(struct profile *p, const char *text, struct err *e);   // 0 on failure
bool rows_allow(const struct profile_call *row, const uint64_t args[6]);    // these arguments
bool rows_same(const struct profile_call *a, const struct profile_call *b); // reason aside

// --- conds.c: `arg0 & 0x7e020000 == 0 and arg2 <= 5` ---
// text is cut up. call: the name, which decides what words such as AF_UNIX stand for.
int conds_parse(const char *call, char *text, struct profile_call *row, struct err *e);
int conds_format(const char *call, const struct profile_call *row, struct buf *out);

// --- keys.c: the table of keys, each with its reader and its writer ---
struct key_row;
struct parse_state {
    struct profile *p;
    const struct profile *base; // of what it extends, NULL when nothing
    uint32_t seen;              // a bit for each row of the table
};
const struct key_row *keys_find(const char *key);
const char *keys_section(const struct key_row *row);
int keys_put(struct parse_state *s, const struct key_row *row, char *value, struct err *e);
int keys_required(const struct parse_state *s, struct err *e); // all that must be stated, are
// calls: the writer of what [SystemCalls] allows.
int keys_format(const struct profile *p, int (*calls)(const struct profile *p, struct buf *out),
                struct buf *out);

// --- calls_text.c: the keys of [SystemCalls] ---
int calls_put_filter(struct profile *p, char *value, struct err *e);
int calls_put_allow(struct profile *p, char *value, struct err *e);
int calls_format(const struct profile *p, struct buf *out);
int calls_format_allow(const struct profile *p, struct buf *out); // its lines Allow= only

// --- must.c ---
int must_check(const struct profile *p, struct err *e);
