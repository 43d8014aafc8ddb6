// SPDX-License-Identifier: Apache-2.0
// A byte buffer with a maximum.
#include <pinfold/buf.h>

#include <pinfold/own.h>
#include <stdio.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

static char empty[1];

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.data = empty, .max = max};
}

void buf_release(struct buf *b)
{
    if (b->cap)
        free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->cap)
        b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (n > b->max || b->len > b->max - n) {
        b->overflow = true;
        return NULL;
    }
    size_t need = b->len + n + 1; // one for the NUL
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)
            cap *= 2;
        b->data = xrealloc(b->cap ? b->data : NULL, cap);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
    b->len += n;
    b->data[b->len] = '\0';
}

int buf_append(struct buf *b, const void *p, size_t n)
{
    char *to = buf_reserve(b, n);
    if (!to)
        return -1;
    if (n)
        memcpy(to, p, n);
    buf_commit(b, n);
    return 0;
}

int buf_puts(struct buf *b, const char *s)
{
    return buf_append(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list ap2;
    va_copy(ap2, ap);
    int n = vsnprintf(NULL, 0, fmt, ap2);
    va_end(ap2);
    if (n < 0)
        return -1;
    char *to = buf_reserve(b, (size_t)n);
    if (!to)
        return -1;
    (void)vsnprintf(to, (size_t)n + 1, fmt, ap); // the size was measured above
    buf_commit(b, (size_t)n);
    return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int r = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return r;
}

// By its first letter, in both cases, which are looked for with what the library has for bytes.
const char *find_text(const char *p, size_t n, const char *text, size_t len)
{
    const char *end = p + n;
    if (!len)
        return p;
    for (; (size_t)(end - p) >= len; p++) {
        size_t room = (size_t)(end - p) - len + 1;
        const char *a = memchr(p, tolower((unsigned char)*text), room);
        const char *b = memchr(p, toupper((unsigned char)*text), a ? (size_t)(a - p) + 1 : room);
        p = b ? b : a;
        if (!p || !strncasecmp(p, text, len))
            return p;
    }
    return NULL;
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n >= b->len) {
        buf_clear(b);
        return;
    }
    memmove(b->data, b->data + n, b->len - n + 1);
    b->len -= n;
}

char *buf_steal(struct buf *b, size_t *ret_len)
{
    char *p = b->cap ? b->data : xmemdup0("", 0);
    if (ret_len)
        *ret_len = b->len;
    buf_init(b, b->max);
    return p;
}
