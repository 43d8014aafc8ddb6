// SPDX-License-Identifier: Apache-2.0
// A profile as text: the canonical form, and what one adds to another.
#include "profile_int.h"

#include <string.h>

int profile_format(const struct profile *p, struct buf *out)
{
    if (buf_puts(out, "format=1\n"))
        return -1;
    return keys_format(p, calls_format, out);
}

static bool has_row(const struct profile *p, const struct profile_call *row)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if (rows_same(&p->calls[i], row))
            return true;
    return false;
}

static int put_missing(const struct profile *from, const struct profile *in, const char *word,
                       struct buf *out)
{
    for (unsigned i = 0; i < from->n_calls; i++) {
        const struct profile_call *c = &from->calls[i];
        const char *name = profile_call_name(c->nr);
        if (has_row(in, c))
            continue;
        if (buf_printf(out, "%s %s%s", word, name, c->n_conds ? " if " : "") ||
            conds_format(name, c, out))
            return -1;
        if (c->why && buf_printf(out, " # %s", profile_reason(from, c)))
            return -1;
        if (buf_putc(out, '\n'))
            return -1;
    }
    return 0;
}

static int put_caps(uint64_t caps, const char *word, struct buf *out)
{
    for (unsigned bit = 0; profile_cap_name(bit); bit++)
        if (caps >> bit & 1 && buf_printf(out, "%s %s\n", word, profile_cap_name(bit)))
            return -1;
    return 0;
}

int profile_diff(const struct profile *base, const struct profile *p, struct buf *out)
{
    if (put_caps(p->capabilities & ~base->capabilities, "adds", out) ||
        put_caps(base->capabilities & ~p->capabilities, "takes", out))
        return -1;
    return put_missing(p, base, "adds", out) || put_missing(base, p, "takes", out) ? -1 : 0;
}
