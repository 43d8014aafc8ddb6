// SPDX-License-Identifier: Apache-2.0
// A byte buffer that knows its maximum, so no input can grow memory without bound. Appending past
// the maximum returns -1 and keeps what is there. `data` is always NUL-terminated once anything
// was appended, and is never NULL after buf_init.
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, cap, max;
    bool overflow; // an append was refused
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b);
void buf_clear(struct buf *b); // length 0, storage kept
int buf_append(struct buf *b, const void *p, size_t n);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
// Make room for n more bytes and return where to write them; buf_commit what was written.
// NULL if it would pass the maximum.
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
void buf_drop_front(struct buf *b, size_t n);
// Where n bytes have a text of len, which has no NUL; the case of ASCII letters does not matter.
// NULL: nowhere.
const char *find_text(const char *p, size_t n, const char *text, size_t len);
// Hand the storage to the caller (free() it) and leave the buffer empty but usable.
char *buf_steal(struct buf *b, size_t *ret_len);

static inline void own_buf_cleanup(struct buf *b)
{
    buf_release(b);
}
#define own_buf __attribute__((cleanup(own_buf_cleanup)))
