// SPDX-License-Identifier: Apache-2.0
// libseccomp's tree has a leaf for each of 360 numbers. Neighbouring numbers mostly share their
// verdict, so a search over the 60 or so ranges says the same in a fifth of the instructions, and
// the kernel, which walks the program once for each number when it is loaded, takes a third of
// the time. filter_verify proves each packed program against the profile.
#include "filter_int.h"

#include <errno.h>
#include <linux/audit.h>
#include <pinfold/guard.h>
#include <pinfold/own.h>
#include <stddef.h>
#include <string.h>

struct range {
    uint32_t first, verdict;
};
struct ranges {
    struct range r[PROFILE_NR_MAX + 2];
    unsigned n;
};

static uint32_t run_raw(const struct filter *raw, uint32_t arch, uint32_t nr)
{
    struct seccomp_data d = {.nr = (int)nr, .arch = arch};
    return program_run(raw->insns, &d);
}

// What the raw program says to each number. Above the last it must be ENOSYS throughout, which is
// also what x32 numbers get: a kernel built without x32 says so.
static int find_ranges(const struct filter *raw, struct ranges *ret, struct err *e)
{
    if (!program_ok(raw->insns, raw->n))
        return err_set(e, ERR_INTERNAL, "the raw program is malformed");
    for (unsigned i = 0; i < raw->n; i++)
        if (raw->insns[i].code == (BPF_LD | BPF_W | BPF_ABS) &&
            raw->insns[i].k > offsetof(struct seccomp_data, arch))
            return err_set(e, ERR_INTERNAL, "the raw program looks at arguments");
    uint32_t absent = SECCOMP_RET_ERRNO | ENOSYS;
    for (uint32_t nr = 0; nr <= PROFILE_NR_MAX + 1; nr++) {
        uint32_t v = nr > PROFILE_NR_MAX ? absent : run_raw(raw, filter_arch(), nr);
        if (!ret->n || ret->r[ret->n - 1].verdict != v)
            ret->r[ret->n++] = (struct range){nr, v};
    }
    if (run_raw(raw, filter_arch(), PROFILE_NR_MAX + 1) != absent ||
        run_raw(raw, AUDIT_ARCH_I386, 0) != SECCOMP_RET_KILL_PROCESS)
        return err_set(e, ERR_INTERNAL, "the raw program has other defaults");
    return 0;
}

static unsigned tree_len(unsigned n)
{
    if (n == 1)
        return 1;
    unsigned left = tree_len(n / 2);
    return (left > UINT8_MAX ? 2 : 1) + left + tree_len(n - n / 2);
}

// Leaves are RET, those to look at included; depth is the logarithm of the number of ranges.
static void emit_tree(struct code *c, const struct range *r, unsigned n)
{
    if (n == 1) {
        code_add(c, BPF_RET | BPF_K, r->verdict, 0, 0);
        return;
    }
    unsigned half = n / 2, left = tree_len(half);
    if (left > UINT8_MAX) { // further than a conditional jump reaches
        code_add(c, BPF_JMP | BPF_JGE | BPF_K, r[half].first, 0, 1);
        code_add(c, BPF_JMP | BPF_JA, left, 0, 0);
    } else {
        code_add(c, BPF_JMP | BPF_JGE | BPF_K, r[half].first, (uint8_t)left, 0);
    }
    emit_tree(c, r, half);
    emit_tree(c, r + half, n - half);
}

static void emit_looks(struct code *c, const struct profile *p, bool notify,
                       const struct looks *looks)
{
    unsigned tree_end = c->n, starts[LOOKS_MAX];
    for (unsigned i = 0; i < looks->n; i++) {
        starts[i] = c->n;
        look_emit(c, p, looks->nr[i], refusal(p, notify, looks->nr[i]));
    }
    for (unsigned i = 0; i < tree_end; i++) {
        struct sock_filter *insn = &c->insns[i];
        if (insn->code == (BPF_RET | BPF_K) && VERDICT_IS_LOOK(insn->k))
            *insn = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
                                                 starts[VERDICT_LOOK_INDEX(insn->k)] - i - 1);
    }
}

int pack(const struct filter *raw, const struct profile *p, bool notify, const struct looks *looks,
         struct filter *ret, struct err *e)
{
    own_free struct ranges *ranges = xcalloc(1, sizeof(*ranges));
    if (find_ranges(raw, ranges, e))
        return -1;
    struct code c = {0};
    code_add(&c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    code_add(&c, BPF_JMP | BPF_JEQ | BPF_K, filter_arch(), 1, 0);
    code_add(&c, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    code_add(&c, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    emit_tree(&c, ranges->r, ranges->n);
    emit_looks(&c, p, notify, looks);
    if (c.n > BPF_MAXINSNS - GUARD_INSNS) {
        free(c.insns);
        return err_set(e, ERR_LIMIT, "%u instructions; the kernel takes %d, %d of them init's", c.n,
                       BPF_MAXINSNS, GUARD_INSNS);
    }
    *ret = (struct filter){c.insns, c.n};
    return 0;
}
