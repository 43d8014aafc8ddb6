// SPDX-License-Identifier: Apache-2.0
// Classic BPF as the kernel's seccomp runs it: the instructions that seccomp_check_filter lets
// through, on struct seccomp_data, with 16 words of scratch memory.
#include "filter_int.h"

#include <stddef.h>
#include <string.h>

struct machine {
    uint32_t a, x, mem[BPF_MEMWORDS];
    const struct seccomp_data *data;
};

// Would the kernel load this instruction at this place?
static bool insn_ok(const struct sock_filter *insn, unsigned at, unsigned n)
{
    unsigned left = n - at - 1;
    switch (insn->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return insn->k < sizeof(struct seccomp_data) && insn->k % 4 == 0;
    case BPF_ALU | BPF_DIV | BPF_K:
        return insn->k != 0;
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
        return insn->k < 32;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
        return insn->k < BPF_MEMWORDS;
    case BPF_JMP | BPF_JA:
        return insn->k < left;
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
        return insn->jt < left && insn->jf < left;
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_ALU | BPF_NEG:
        return true;
    default:
        return BPF_CLASS(insn->code) == BPF_ALU && BPF_OP(insn->code) <= BPF_XOR &&
               BPF_OP(insn->code) != BPF_MOD && !(insn->code & 0xff00);
    }
}

// Is each word of memory written before it is read, on every way that leads there?
static bool memory_ok(const struct sock_filter *insns, unsigned n)
{
    uint16_t written_at[BPF_MAXINSNS], written = 0; // a bit for each word
    memset(written_at, 0xff, sizeof(written_at));
    for (unsigned i = 0; i < n; i++) {
        const struct sock_filter *insn = &insns[i];
        written &= written_at[i];
        if (insn->code == BPF_ST || insn->code == BPF_STX) {
            written |= (uint16_t)(1u << insn->k);
        } else if (insn->code == (BPF_LD | BPF_MEM) || insn->code == (BPF_LDX | BPF_MEM)) {
            if (!(written >> insn->k & 1))
                return false;
        } else if (insn->code == (BPF_JMP | BPF_JA)) {
            written_at[i + 1 + insn->k] &= written;
            written = UINT16_MAX; // the next instruction is reached by jumps alone
        } else if (BPF_CLASS(insn->code) == BPF_JMP) {
            written_at[i + 1 + insn->jt] &= written;
            written_at[i + 1 + insn->jf] &= written;
            written = UINT16_MAX;
        }
    }
    return true;
}

bool program_ok(const struct sock_filter *insns, unsigned n)
{
    if (!n || n > BPF_MAXINSNS || BPF_CLASS(insns[n - 1].code) != BPF_RET)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!insn_ok(&insns[i], i, n))
            return false;
    return memory_ok(insns, n);
}

// False when the kernel would end the program: a division by zero.
static bool alu(struct machine *m, const struct sock_filter *insn)
{
    uint32_t v = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
    switch (BPF_OP(insn->code)) {
    case BPF_ADD:
        m->a += v;
        break;
    case BPF_SUB:
        m->a -= v;
        break;
    case BPF_MUL:
        m->a *= v;
        break;
    case BPF_DIV:
        if (!v)
            return false;
        m->a /= v;
        break;
    case BPF_AND:
        m->a &= v;
        break;
    case BPF_OR:
        m->a |= v;
        break;
    case BPF_XOR:
        m->a ^= v;
        break;
    case BPF_LSH:
        m->a <<= v & 31;
        break;
    case BPF_RSH:
        m->a >>= v & 31;
        break;
    case BPF_NEG:
        m->a = -m->a;
        break;
    }
    return true;
}

static bool jump_taken(const struct machine *m, const struct sock_filter *insn)
{
    uint32_t v = BPF_SRC(insn->code) == BPF_X ? m->x : insn->k;
    switch (BPF_OP(insn->code)) {
    case BPF_JEQ:
        return m->a == v;
    case BPF_JGT:
        return m->a > v;
    case BPF_JGE:
        return m->a >= v;
    default: // BPF_JSET
        return (m->a & v) != 0;
    }
}

static uint32_t load(const struct machine *m, const struct sock_filter *insn)
{
    uint32_t v;
    switch (BPF_MODE(insn->code)) {
    case BPF_ABS:
        memcpy(&v, (const char *)m->data + insn->k, sizeof(v));
        return v;
    case BPF_LEN:
        return sizeof(struct seccomp_data);
    case BPF_MEM:
        return m->mem[insn->k];
    default: // BPF_IMM
        return insn->k;
    }
}

static void move(struct machine *m, const struct sock_filter *insn)
{
    switch (BPF_CLASS(insn->code)) {
    case BPF_LD:
        m->a = load(m, insn);
        break;
    case BPF_LDX:
        m->x = load(m, insn);
        break;
    case BPF_ST:
        m->mem[insn->k] = m->a;
        break;
    case BPF_STX:
        m->mem[insn->k] = m->x;
        break;
    default: // BPF_MISC
        if (BPF_MISCOP(insn->code) == BPF_TAX)
            m->x = m->a;
        else
            m->a = m->x;
    }
}

uint32_t program_run(const struct sock_filter *insns, const struct seccomp_data *d)
{
    struct machine m = {.data = d};
    // Jumps go forward and the last instruction returns, so this ends.
    for (unsigned at = 0;; at++) {
        const struct sock_filter *insn = &insns[at];
        switch (BPF_CLASS(insn->code)) {
        case BPF_RET:
            return BPF_RVAL(insn->code) == BPF_A ? m.a : insn->k;
        case BPF_JMP:
            if (BPF_OP(insn->code) == BPF_JA)
                at += insn->k;
            else
                at += jump_taken(&m, insn) ? insn->jt : insn->jf;
            break;
        case BPF_ALU:
            if (!alu(&m, insn))
                return SECCOMP_RET_KILL_THREAD; // the kernel's 0
            break;
        default:
            move(&m, insn);
        }
    }
}

uint32_t filter_simulate(const struct sock_filter *insns, unsigned n, const struct seccomp_data *d)
{
    return program_ok(insns, n) ? program_run(insns, d) : SECCOMP_RET_KILL_PROCESS;
}
