// SPDX-License-Identifier: Apache-2.0
// Learning: a profile as wide as any may be, and from what a command was seen to call under it
// the smallest one that allows the same.
#include "profile_int.h"

#include <pinfold/own.h>
#include <string.h>

// Does the table of what every profile must refuse have something of this call that p allows?
static bool breaks_a_must(const struct profile *p, int nr)
{
    for (unsigned i = 0; i < n_profile_tuples; i++) {
        const struct profile_tuple *t = &profile_tuples[i];
        uint64_t args[6] = {t->args[0], t->args[1], t->args[2]};
        int of;
        if (profile_call_find(t->call, &of) && of == nr && profile_expect(p, t) == EXPECT_REFUSED &&
            profile_allows(p, nr, args))
            return true;
    }
    return false;
}

static bool has_call(const struct profile *p, int nr)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].nr == nr)
            return true;
    return false;
}

int profile_widen(struct profile *p, struct err *e)
{
    p->refuse = REFUSE_EPERM; // a learner that dies learns no more
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++) {
        enum profile_call_kind kind = profile_call_kind(nr, NULL);
        struct profile_call row = {.nr = nr};
        if ((kind != CALL_USUAL && kind != CALL_NAMED) || has_call(p, nr))
            continue;
        if (rows_add(p, &row, e))
            return -1;
        if (breaks_a_must(p, nr))
            rows_remove(p, nr);
    }
    return must_check(p, e);
}

uint8_t profile_looks_at(const struct profile *p, int nr)
{
    uint8_t mask = 0;
    for (unsigned i = 0; i < p->n_calls; i++)
        for (unsigned k = 0; p->calls[i].nr == nr && k < p->calls[i].n_conds; k++)
            mask |= (uint8_t)(1u << p->calls[i].conds[k].arg);
    return mask;
}

// The row of wide that allows this call, into ret with its reason.
static int take_row(const struct profile *wide, const struct profile_seen *seen,
                    struct profile *ret, bool *ret_found, struct err *e)
{
    *ret_found = false;
    for (unsigned i = 0; i < wide->n_calls; i++) {
        struct profile_call row = wide->calls[i];
        if (row.nr != seen->nr || !rows_allow(&row, seen->args))
            continue;
        *ret_found = true;
        char why[64];
        (void)snprintf(why, sizeof(why), "seen in %s", seen->comm);
        // Calls of a group need no reason; the others keep who needed them first.
        row.why = !row.n_conds && profile_call_kind(row.nr, NULL) == CALL_USUAL
                      ? 0
                      : rows_reason(ret, row.why ? profile_reason(wide, &row) : why, e);
        return (row.n_conds || profile_call_kind(row.nr, NULL) != CALL_USUAL) && !row.why
                   ? -1
                   : rows_add(ret, &row, e);
    }
    return 0;
}

static int take_musts(const struct profile *wide, struct profile *ret, struct err *e)
{
    const struct profile_group *init = groups_find("@init");
    const char *rest = init->calls;
    char name[CALL_NAME_MAX];
    bool found;
    while (groups_next_word(&rest, name)) {
        struct profile_call row = {0};
        if (profile_call_find(name, &row.nr) && row.nr >= 0 && rows_add(ret, &row, e))
            return -1;
    }
    for (unsigned i = 0; i < n_profile_tuples; i++) {
        const struct profile_tuple *t = &profile_tuples[i];
        struct profile_seen s = {.args = {t->args[0], t->args[1], t->args[2]},
                                 .comm = "pinfold-init"};
        if (t->must == MUST_ALLOW && profile_call_find(t->call, &s.nr) && s.nr >= 0 &&
            !profile_allows(ret, s.nr, s.args) && take_row(wide, &s, ret, &found, e))
            return -1;
    }
    return 0;
}

int profile_learn(const struct profile *wide, const struct profile_seen *seen, unsigned n,
                  struct profile *ret, struct err *e)
{
    own_free struct profile *p = xmalloc(sizeof(*p));
    *p = *wide;
    p->n_calls = 0;
    p->reasons_len = 0;
    memset(p->calls, 0, sizeof(p->calls));
    memset(p->reasons, 0, sizeof(p->reasons));
    memset(p->extends, 0, sizeof(p->extends));
    bool found;
    for (unsigned i = 0; i < n; i++)
        if (take_row(wide, &seen[i], p, &found, e)) // what wide refuses stays refused
            return -1;
    if (take_musts(wide, p, e) || must_check(p, e))
        return -1;
    *ret = *p;
    return 0;
}

// --- as text, with groups where the whole of one is there ----------------------------------------

static bool plain(const struct profile *p, int nr)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].nr == nr)
            return !p->calls[i].n_conds && !p->calls[i].why;
    return false;
}

static bool whole(const struct profile *p, const struct profile_group *g)
{
    const char *rest = g->calls;
    char name[CALL_NAME_MAX];
    int nr;
    while (groups_next_word(&rest, name))
        if (profile_call_find(name, &nr) && nr >= 0 && !plain(p, nr))
            return false;
    return true;
}

static void mark(const struct profile_group *g, bool said[PROFILE_NR_MAX + 1])
{
    const char *rest = g->calls;
    char name[CALL_NAME_MAX];
    int nr;
    while (groups_next_word(&rest, name))
        if (profile_call_find(name, &nr) && nr >= 0)
            said[nr] = true;
}

static int format_by_group(const struct profile *p, struct buf *out)
{
    bool said[PROFILE_NR_MAX + 1] = {false};
    size_t line = 0;
    for (unsigned i = 0; i < n_profile_groups; i++)
        if (whole(p, &profile_groups[i])) {
            mark(&profile_groups[i], said);
            if (buf_printf(out, "SystemCallFilter=%s\n", profile_groups[i].name))
                return -1;
        }
    for (unsigned i = 0; i < p->n_calls; i++) {
        const char *name = profile_call_name(p->calls[i].nr);
        if (said[p->calls[i].nr] || p->calls[i].n_conds || p->calls[i].why)
            continue;
        bool wrap = !line || line + strlen(name) > 80;
        if (buf_printf(out, "%s%s",
                       wrap ? (line ? "\nSystemCallFilter=" : "SystemCallFilter=") : " ", name))
            return -1;
        line = (wrap ? 0 : line + 1) + strlen(name);
    }
    if (line && buf_putc(out, '\n'))
        return -1;
    return calls_format_allow(p, out);
}

int profile_format_short(const struct profile *p, struct buf *out)
{
    if (buf_puts(out, "format=1\n"))
        return -1;
    return keys_format(p, format_by_group, out);
}
