// SPDX-License-Identifier: Apache-2.0
// The rows of a profile: which calls are allowed, kept sorted and without repetition, so that two
// profiles that allow the same are equal.
#include "profile_int.h"

#include <string.h>

static int cmp_cond(const struct profile_cond *a, const struct profile_cond *b)
{
    if (a->arg != b->arg)
        return a->arg < b->arg ? -1 : 1;
    if (a->op != b->op)
        return a->op < b->op ? -1 : 1;
    if (a->mask != b->mask)
        return a->mask < b->mask ? -1 : 1;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return 0;
}

static int cmp_row(const struct profile_call *a, const struct profile_call *b)
{
    if (a->nr != b->nr)
        return a->nr < b->nr ? -1 : 1;
    if (a->n_conds != b->n_conds)
        return a->n_conds < b->n_conds ? -1 : 1;
    for (unsigned i = 0; i < a->n_conds; i++) {
        int c = cmp_cond(&a->conds[i], &b->conds[i]);
        if (c)
            return c;
    }
    return 0;
}

bool rows_same(const struct profile_call *a, const struct profile_call *b)
{
    return cmp_row(a, b) == 0;
}

// The first row of a call, or where it would stand.
static unsigned first_row(const struct profile *p, int nr)
{
    unsigned low = 0, high = p->n_calls;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (p->calls[middle].nr < nr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void rows_remove(struct profile *p, int nr)
{
    unsigned at = first_row(p, nr), end = at;
    while (end < p->n_calls && p->calls[end].nr == nr)
        end++;
    memmove(&p->calls[at], &p->calls[end], (p->n_calls - end) * sizeof(p->calls[0]));
    p->n_calls -= end - at;
}

int rows_add(struct profile *p, const struct profile_call *row, struct err *e)
{
    unsigned at = first_row(p, row->nr);
    for (unsigned i = at; i < p->n_calls && p->calls[i].nr == row->nr; i++)
        if (!p->calls[i].n_conds || rows_same(&p->calls[i], row))
            return 0; // says nothing new
    if (!row->n_conds)
        rows_remove(p, row->nr);
    if (p->n_calls == PROFILE_CALLS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d lines of system calls", PROFILE_CALLS_MAX);
    while (at < p->n_calls && cmp_row(&p->calls[at], row) < 0)
        at++;
    memmove(&p->calls[at + 1], &p->calls[at], (p->n_calls - at) * sizeof(*row));
    p->calls[at] = *row;
    p->n_calls++;
    return 0;
}

uint16_t rows_reason(struct profile *p, const char *text, struct err *e)
{
    size_t n = strlen(text) + 1;
    if (!p->reasons_len)
        p->reasons_len = 1; // offset 0 is the empty reason
    for (size_t at = 1; at < p->reasons_len; at += strlen(p->reasons + at) + 1)
        if (!strcmp(p->reasons + at, text))
            return (uint16_t)at;
    if (n > sizeof(p->reasons) - p->reasons_len) {
        (void)err_set(e, ERR_LIMIT, "more than %d bytes of reasons", PROFILE_REASONS_MAX);
        return 0;
    }
    uint16_t at = p->reasons_len;
    memcpy(p->reasons + at, text, n);
    p->reasons_len = (uint16_t)(at + n);
    return at;
}

const char *profile_reason(const struct profile *p, const struct profile_call *c)
{
    return p->reasons + c->why;
}

static bool cond_holds(const struct profile_cond *c, uint64_t arg)
{
    uint64_t v = arg & c->mask;
    switch (c->op) {
    case COND_EQ:
    case COND_MASKED_EQ:
        return v == c->value;
    case COND_NE:
        return v != c->value;
    case COND_LE:
        return v <= c->value;
    }
    return false;
}

bool rows_allow(const struct profile_call *row, const uint64_t args[6])
{
    unsigned held = 0;
    while (held < row->n_conds && cond_holds(&row->conds[held], args[row->conds[held].arg]))
        held++;
    return held == row->n_conds;
}

bool profile_allows(const struct profile *p, int nr, const uint64_t args[6])
{
    for (unsigned i = first_row(p, nr); i < p->n_calls && p->calls[i].nr == nr; i++)
        if (rows_allow(&p->calls[i], args))
            return true;
    return false;
}
