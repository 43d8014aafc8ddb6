// SPDX-License-Identifier: Apache-2.0
// The code that looks at the arguments of one call. Rows are tried in turn; the first whose
// conditions all hold allows the call.
#include "filter_int.h"

#include <pinfold/own.h>
#include <stddef.h>

#define FAIL 0xff // a jump to the end of the row, filled in once that is known

unsigned code_add(struct code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 128;
        c->insns = xrealloc(c->insns, c->cap * sizeof(*c->insns));
    }
    c->insns[c->n] = (struct sock_filter){.code = op, .jt = jt, .jf = jf, .k = k};
    return c->n++;
}

enum half { LOW, HIGH };

// What the accumulator holds, so that several conditions on one argument load it once.
struct held {
    bool any;
    uint32_t offset, mask;
};

static void load(struct code *c, const struct profile_cond *cond, enum half half, struct held *held)
{
    // Both processors are little-endian: the low half comes first.
    uint32_t offset = (uint32_t)offsetof(struct seccomp_data, args) + cond->arg * 8 + half * 4;
    uint32_t mask = half == LOW ? (uint32_t)cond->mask : (uint32_t)(cond->mask >> 32);
    if (held->any && held->offset == offset && held->mask == mask)
        return;
    code_add(c, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
    if (mask != UINT32_MAX)
        code_add(c, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    *held = (struct held){true, offset, mask};
}

static void jump(struct code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf)
{
    code_add(c, BPF_JMP | op | BPF_K, k, jt, jf);
}

// Conditions that one half decides.
static void emit_narrow(struct code *c, const struct profile_cond *cond, enum half half,
                        struct held *held)
{
    uint32_t value = half == LOW ? (uint32_t)cond->value : (uint32_t)(cond->value >> 32);
    load(c, cond, half, held);
    switch (cond->op) {
    case COND_EQ:
    case COND_MASKED_EQ:
        jump(c, BPF_JEQ, value, 0, FAIL);
        break;
    case COND_NE:
        jump(c, BPF_JEQ, value, FAIL, 0);
        break;
    case COND_LE:
        jump(c, BPF_JGT, value, FAIL, 0);
        break;
    }
}

// The upper half decides, or is equal and the lower one does.
static void emit_wide(struct code *c, const struct profile_cond *cond, struct held *held)
{
    uint32_t high = (uint32_t)(cond->value >> 32);
    load(c, cond, HIGH, held);
    if (cond->op == COND_LE)
        jump(c, BPF_JGT, high, FAIL, 0);
    bool equal_only = cond->op == COND_EQ || cond->op == COND_MASKED_EQ;
    unsigned decided = c->n;
    jump(c, BPF_JEQ, high, 0, equal_only ? FAIL : 0);
    emit_narrow(c, cond, LOW, held);
    if (!equal_only)
        c->insns[decided].jf = (uint8_t)(c->n - decided - 1); // two or three instructions
    *held = (struct held){.any = false};                      // two ways lead here
}

static void emit_cond(struct code *c, const struct profile_cond *cond, struct held *held)
{
    bool low = cond->mask & UINT32_MAX, high = cond->mask >> 32;
    if (low && high)
        emit_wide(c, cond, held);
    else if (high)
        emit_narrow(c, cond, HIGH, held);
    else if (cond->op != COND_LE || cond->value <= UINT32_MAX) // else it always holds
        emit_narrow(c, cond, LOW, held);
}

static void emit_row(struct code *c, const struct profile_call *row)
{
    unsigned start = c->n;
    struct held held = {.any = false};
    for (unsigned i = 0; i < row->n_conds; i++)
        emit_cond(c, &row->conds[i], &held);
    code_add(c, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    for (unsigned i = start; i < c->n; i++) {
        struct sock_filter *insn = &c->insns[i];
        uint8_t to_end = (uint8_t)(c->n - i - 1); // a row has at most 25 instructions
        if (BPF_CLASS(insn->code) != BPF_JMP)
            continue;
        if (insn->jt == FAIL)
            insn->jt = to_end;
        if (insn->jf == FAIL)
            insn->jf = to_end;
    }
}

void look_emit(struct code *c, const struct profile *p, int nr, uint32_t refused)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].nr == nr)
            emit_row(c, &p->calls[i]);
    code_add(c, BPF_RET | BPF_K, refused, 0, 0);
}
