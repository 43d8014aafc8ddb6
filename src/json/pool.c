// SPDX-License-Identifier: Apache-2.0
// Memory of one document: a first piece inside the struct, then chunks, all freed together.
#include <pinfold/json.h>

#include <pinfold/own.h>
#include <stdarg.h>
#include <string.h>

#define CHUNK (8 * 1024)

struct json_chunk {
    struct json_chunk *next;
    size_t size;
    _Alignas(16) char bytes[];
};

void json_pool_init(struct json_pool *p)
{
    p->chunks = NULL;
    p->used = 0;
}

void json_pool_release(struct json_pool *p)
{
    for (struct json_chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    json_pool_init(p);
}

void json_pool_wipe(struct json_pool *p)
{
    explicit_bzero(p->first, sizeof(p->first));
    for (struct json_chunk *c = p->chunks; c; c = c->next)
        explicit_bzero(c->bytes, c->size);
}

void *json_pool_alloc(struct json_pool *p, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    size_t room = p->chunks ? p->chunks->size : sizeof(p->first);
    if (n > room - p->used) {
        size_t size = n > CHUNK ? n : CHUNK;
        struct json_chunk *c = xmalloc(sizeof(*c) + size);
        c->next = p->chunks;
        c->size = size;
        p->chunks = c;
        p->used = 0;
    }
    char *at = (p->chunks ? p->chunks->bytes : p->first) + p->used;
    p->used += n;
    return at;
}

char *json_pool_printf(struct json_pool *p, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        abort(); // a format of our own is good
    char *text = json_pool_alloc(p, (size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}
