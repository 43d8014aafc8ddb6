// SPDX-License-Identifier: Apache-2.0
// A circular doubly linked list inside the structs it links. A head points to itself when empty.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};
static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline void list_add_tail(struct list *head, struct list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
// Take n out; a second call is harmless.
static inline void list_del(struct list *n)
{
    if (!n->next)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
#define list_for(it, head) for (struct list *it = (head)->next; it != (head); it = it->next)
// As list_for, and `it` may be taken out in the body.
#define list_for_safe(it, head)                                                                    \
    for (struct list *it = (head)->next, *it##_n = it->next; it != (head);                         \
         it = it##_n, it##_n = it->next)
