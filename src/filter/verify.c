// SPDX-License-Identifier: Apache-2.0
// Is a compiled program what its profile says? The profile's rows are evaluated directly and
// compared with the program's verdict, call by call.
#include "filter_int.h"

#include <errno.h>
#include <linux/audit.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/syscall.h>

#define X32_BIT 0x40000000
#define HIGH_BITS 0xffffffff00000000ull

struct check {
    const struct profile *p;
    const struct filter *f;
    struct err *e;
    enum profile_call_kind kinds[PROFILE_NR_MAX + 1];
};

static uint32_t verdict(const struct check *c, uint32_t arch, int nr, const uint64_t args[6])
{
    struct seccomp_data d = {.nr = nr, .arch = arch};
    for (unsigned i = 0; i < 6; i++)
        d.args[i] = args[i];
    return program_run(c->f->insns, &d);
}

static bool is_refusal(const struct profile *p, int nr, uint32_t v)
{
    if (p->refuse == REFUSE_KILL)
        return v == refusal(p, false, nr);
    return v == refusal(p, false, nr) || v == refusal(p, true, nr);
}

static bool is_right(const struct check *c, int nr, const uint64_t args[6], uint32_t v)
{
    if (profile_allows(c->p, nr, args))
        return v == SECCOMP_RET_ALLOW;
    enum profile_call_kind kind = nr < 0 || nr > PROFILE_NR_MAX ? CALL_UNKNOWN : c->kinds[nr];
    if (kind == CALL_ABSENT || kind == CALL_UNKNOWN)
        return v == (SECCOMP_RET_ERRNO | ENOSYS);
    return is_refusal(c->p, nr, v);
}

static int wrong(const struct check *c, int nr, const uint64_t args[6], uint32_t v)
{
    const char *name = profile_call_name(nr);
    return err_set(c->e, ERR_INTERNAL,
                   "filter of profile %s: %s (%d) with 0x%llx, 0x%llx, 0x%llx gives 0x%x",
                   c->p->name, name ? name : "call", nr, (unsigned long long)args[0],
                   (unsigned long long)args[1], (unsigned long long)args[2], v);
}

static int check_one(const struct check *c, int nr, const uint64_t args[6])
{
    uint32_t v = verdict(c, filter_arch(), nr, args);
    return is_right(c, nr, args, v) ? 0 : wrong(c, nr, args, v);
}

// Every number, as many beyond the table, those of x32, and samples with other high bits.
static int check_numbers(const struct check *c)
{
    static const uint64_t none[6], all[6] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull};
    for (int nr = 0; nr <= 2 * PROFILE_NR_MAX; nr++)
        if (check_one(c, nr, none) || check_one(c, nr, all))
            return -1;
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++)
        if (check_one(c, X32_BIT | nr, none))
            return -1;
    for (unsigned bit = 11; bit < 32; bit++)
        for (unsigned nr = 0; nr <= PROFILE_NR_MAX; nr += 41)
            if (check_one(c, (int)(1u << bit | nr), none))
                return -1;
    return check_one(c, -1, none);
}

static int check_archs(const struct check *c)
{
    static const uint32_t others[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64,
                                      AUDIT_ARCH_AARCH64, 0};
    static const uint64_t none[6];
    for (size_t i = 0; i < N_ELEMS(others); i++)
        for (int nr = 0; nr <= PROFILE_NR_MAX && others[i] != filter_arch(); nr += 7) {
            uint32_t v = verdict(c, others[i], nr, none);
            if (v != SECCOMP_RET_KILL_PROCESS)
                return wrong(c, nr, none, v);
        }
    return 0;
}

static void put_arg(uint64_t args[6], const struct profile_cond *cond, uint64_t v)
{
    args[cond->arg] = (args[cond->arg] & ~cond->mask) | (v & cond->mask);
}

// Arguments that satisfy a row as far as one value for each argument can.
static void satisfy(const struct profile_call *row, uint64_t args[6])
{
    for (unsigned i = 0; i < row->n_conds; i++) {
        const struct profile_cond *cond = &row->conds[i];
        put_arg(args, cond, cond->op == COND_NE ? ~cond->value : cond->value);
    }
}

static void violate(const struct profile_cond *cond, uint64_t args[6])
{
    put_arg(args, cond,
            cond->op == COND_NE ? cond->value : cond->value + (cond->mask & -cond->mask));
}

// As satisfy, and the row's alternatives fail in their k-th condition where they can: else a row
// that allows much would hide what is wrong with another.
static void satisfy_alone(const struct profile *p, const struct profile_call *row, unsigned k,
                          uint64_t args[6])
{
    for (unsigned i = 0; i < p->n_calls; i++) {
        const struct profile_call *other = &p->calls[i];
        if (other != row && other->nr == row->nr && other->n_conds)
            violate(&other->conds[k % other->n_conds], args);
    }
    satisfy(row, args);
}

// One argument at the edges of a condition and with each bit flipped, the others as they are.
static int check_edges(const struct check *c, int nr, const struct profile_cond *cond,
                       const uint64_t base[6])
{
    uint64_t args[6];
    for (unsigned i = 0; i < 6; i++)
        args[i] = base[i];
    const uint64_t edges[] = {0,
                              ~0ull,
                              cond->value,
                              cond->value - 1,
                              cond->value + 1,
                              cond->value | HIGH_BITS,
                              ~cond->value,
                              cond->mask,
                              ~cond->mask,
                              base[cond->arg],
                              base[cond->arg] | HIGH_BITS};
    for (size_t i = 0; i < N_ELEMS(edges); i++) {
        size_t first = 0;
        while (edges[first] != edges[i])
            first++;
        if (first < i)
            continue; // it has been
        args[cond->arg] = edges[i];
        if (check_one(c, nr, args))
            return -1;
        for (unsigned bit = 0; bit < 64; bit++) {
            args[cond->arg] = edges[i] ^ 1ull << bit;
            if (check_one(c, nr, args))
                return -1;
        }
    }
    return 0;
}

static int check_conds(const struct check *c)
{
    for (unsigned i = 0; i < c->p->n_calls; i++) {
        const struct profile_call *row = &c->p->calls[i];
        uint64_t last[6];
        for (unsigned k = 0; row->n_conds && k < N_ELEMS(row->conds); k++) {
            uint64_t base[6] = {0};
            satisfy_alone(c->p, row, k, base);
            if (k && !memcmp(base, last, sizeof(base)))
                continue; // no alternative has a k-th condition
            memcpy(last, base, sizeof(base));
            for (unsigned cond = 0; cond < row->n_conds; cond++)
                if (check_edges(c, row->nr, &row->conds[cond], base))
                    return -1;
        }
    }
    return 0;
}

static int check_tuples(const struct check *c)
{
    for (unsigned i = 0; i < n_profile_tuples; i++) {
        const struct profile_tuple *t = &profile_tuples[i];
        const uint64_t args[6] = {t->args[0], t->args[1], t->args[2]};
        enum profile_expect expect = profile_expect(c->p, t);
        int nr;
        if (expect == EXPECT_NOTHING || !profile_call_find(t->call, &nr))
            continue;
        uint32_t v = verdict(c, filter_arch(), nr, args);
        if ((v == SECCOMP_RET_ALLOW) != (expect == EXPECT_ALLOWED))
            return wrong(c, nr, args, v);
    }
    return 0;
}

int filter_verify(const struct profile *p, const struct filter *f, struct err *e)
{
    struct check c = {.p = p, .f = f, .e = e};
    if (!program_ok(f->insns, f->n))
        return err_set(e, ERR_INTERNAL, "filter of profile %s: malformed program", p->name);
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++)
        c.kinds[nr] = profile_call_kind(nr, NULL);
    if (check_tuples(&c) || check_numbers(&c) || check_archs(&c) || check_conds(&c))
        return -1;
    return 0;
}
