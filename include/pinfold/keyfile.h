// SPDX-License-Identifier: Apache-2.0
// The one syntax of pinfold.conf, *.profile and *.image, as systemd's unit files have it: lines
// `Key=value` (spaces around both ends of either are not part of them), `[Section]` headings,
// blank lines, and comments that start with # or ;. A backslash at the end of a line joins the
// next one with a space. Which keys exist and which may repeat is for the caller to say.
#pragma once
#include <pinfold/err.h>

#include <stddef.h>

#define KEYFILE_KEY_MAX 64

struct keyfile {
    const char *name;  // for errors: file:line
    char *text, *next; // a private copy that is cut into strings
    const char *section;
    unsigned line; // of the entry returned last, from 1
    unsigned next_line;
};
struct keyfile_entry {
    const char *section; // "" before the first heading; valid until keyfile_release
    const char *key;     // NULL for the heading itself
    char *value;         // "" when there is none; the caller may cut it up
    unsigned line;
};

// name is borrowed until release. len bytes of text; a NUL byte among them is an error.
int keyfile_init(struct keyfile *k, const char *name, const char *text, size_t len, struct err *e);
void keyfile_release(struct keyfile *k);
// The next entry or heading: 1, 0 at the end, -1 for a malformed line.
int keyfile_next(struct keyfile *k, struct keyfile_entry *ret, struct err *e);
// ERR_BAD_REQUEST with "name:line: " in front, for what the caller finds wrong in the last entry.
int keyfile_error(const struct keyfile *k, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
// Put "name:line: " in front of an error that a parser of the value has set. Returns -1.
int keyfile_wrap(const struct keyfile *k, struct err *e);
// A row for a text that is a member of a struct: once, not empty, as long as it may be.
struct keyfile_text {
    const char *section, *key;
    size_t offset, size; // of a char array
    int (*check)(const char *value, struct err *e);
};
#define KEYFILE_TEXT(st, section, key, member, check)                                              \
    {                                                                                              \
        section, key, offsetof(st, member), sizeof(((st *)0)->member), check                       \
    }
// Is the entry one of these n rows? Then it is put into *to: 0, or -1 with *e. 1: it is none.
int keyfile_take(const struct keyfile *k, const struct keyfile_entry *en,
                 const struct keyfile_text *rows, size_t n, void *to, struct err *e);
// The next word of *rest (blanks between; in double quotes with \" and \\ a word may hold blanks):
// 1 with *ret_word, cut out in place, 0 at the end, -1 for an open quote.
int keyfile_word(char **rest, char **ret_word, struct err *e);
