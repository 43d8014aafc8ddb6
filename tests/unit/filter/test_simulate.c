// SPDX-License-Identifier: Apache-2.0
// The simulator against what the kernel's documentation says of each instruction, and against the
// kernel itself on what it loads.
#include <errno.h>
#include <linux/audit.h>
#include <pinfold/filter.h>
#include <pinfold/own.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "tap.h"

#define LD(k) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, k)
#define IMM(k) BPF_STMT(BPF_LD | BPF_IMM, k)
#define ALU(op, k) BPF_STMT(BPF_ALU | (op) | BPF_K, k)
#define ALUX(op) BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define RET(k) BPF_STMT(BPF_RET | BPF_K, k)
#define RETA BPF_STMT(BPF_RET | BPF_A, 0)

static const struct seccomp_data call = {
    .nr = 7,
    .arch = AUDIT_ARCH_X86_64,
    .instruction_pointer = 0x1122334455667788,
    .args = {0xaaaaaaaabbbbbbbb, 2, 3, 4, 5, 0xccccccccdddddddd}};

// The kernel's opinion: would it load it?
static bool kernel_loads(const struct sock_filter *insns, unsigned n)
{
    (void)fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct sock_filter copy[64];
        memcpy(copy, insns, n * sizeof(*insns));
        struct sock_fprog program = {.len = (unsigned short)n, .filter = copy};
        // Whatever a loaded program says to exit_group, the child is gone.
        (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == -1 && errno == EINVAL)
            _exit(1);
        _exit(0);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

#define GIVES(want, what, ...)                                                                     \
    do {                                                                                           \
        const struct sock_filter insns_[] = {__VA_ARGS__};                                         \
        is_int(filter_simulate(insns_, N_ELEMS(insns_), &call), (uint32_t)(want), what);           \
    } while (0)
#define IS_REFUSED(what, ...)                                                                      \
    do {                                                                                           \
        const struct sock_filter insns_[] = {__VA_ARGS__};                                         \
        is_int(filter_simulate(insns_, N_ELEMS(insns_), &call), SECCOMP_RET_KILL_PROCESS, what);   \
        ok(!kernel_loads(insns_, N_ELEMS(insns_)), "the kernel refuses it too");                   \
    } while (0)

static void test_loads(void)
{
    GIVES(7, "the number", LD(0), RETA);
    GIVES(AUDIT_ARCH_X86_64, "the architecture", LD(4), RETA);
    GIVES(0x55667788, "the instruction pointer's low half", LD(8), RETA);
    GIVES(0xbbbbbbbb, "the first argument's low half", LD(16), RETA);
    GIVES(0xaaaaaaaa, "and its high half", LD(20), RETA);
    GIVES(0xcccccccc, "the last word", LD(60), RETA);
    GIVES(64, "the length", BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETA);
    GIVES(64, "the length in X", BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0),
          BPF_STMT(BPF_MISC | BPF_TXA, 0), RETA);
    GIVES(5, "memory", IMM(5), BPF_STMT(BPF_ST, 15), IMM(6), BPF_STMT(BPF_LD | BPF_MEM, 15), RETA);
    GIVES(9, "memory by X", BPF_STMT(BPF_LDX | BPF_IMM, 9), BPF_STMT(BPF_STX, 0),
          BPF_STMT(BPF_LD | BPF_MEM, 0), RETA);
}

static void test_alu(void)
{
    GIVES(12, "add", IMM(5), ALU(BPF_ADD, 7), RETA);
    GIVES(0xfffffffe, "subtract", IMM(5), ALU(BPF_SUB, 7), RETA);
    GIVES(35, "multiply", IMM(5), ALU(BPF_MUL, 7), RETA);
    GIVES(2, "divide", IMM(15), ALU(BPF_DIV, 7), RETA);
    GIVES(5, "and", IMM(7), ALU(BPF_AND, 13), RETA);
    GIVES(15, "or", IMM(7), ALU(BPF_OR, 13), RETA);
    GIVES(10, "exclusive or", IMM(7), ALU(BPF_XOR, 13), RETA);
    GIVES(28, "shift left", IMM(7), ALU(BPF_LSH, 2), RETA);
    GIVES(1, "shift right", IMM(7), ALU(BPF_RSH, 2), RETA);
    GIVES(0xfffffff9, "negate", IMM(7), BPF_STMT(BPF_ALU | BPF_NEG, 0), RETA);
    GIVES(14, "add X", IMM(7), BPF_STMT(BPF_MISC | BPF_TAX, 0), ALUX(BPF_ADD), RETA);
    GIVES(SECCOMP_RET_KILL_THREAD, "a division by an X of zero ends the program with 0",
          BPF_STMT(BPF_LDX | BPF_IMM, 0), IMM(7), ALUX(BPF_DIV), RET(SECCOMP_RET_ALLOW));
}

static void test_jumps(void)
{
    GIVES(1, "equal", IMM(7), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 7, 0, 1), RET(1), RET(2));
    GIVES(2, "not equal", IMM(7), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 8, 0, 1), RET(1), RET(2));
    GIVES(1, "greater, unsigned", IMM(0x80000000), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 1, 0, 1),
          RET(1), RET(2));
    GIVES(2, "not greater", IMM(7), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 7, 0, 1), RET(1), RET(2));
    GIVES(1, "greater or equal", IMM(7), BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 7, 0, 1), RET(1),
          RET(2));
    GIVES(1, "a bit is set", IMM(6), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 3, 0, 1), RET(1), RET(2));
    GIVES(2, "no bit is set", IMM(4), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 3, 0, 1), RET(1),
          RET(2));
    GIVES(1, "equal to X", BPF_STMT(BPF_LDX | BPF_IMM, 7), IMM(7),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1), RET(1), RET(2));
    GIVES(3, "always", BPF_STMT(BPF_JMP | BPF_JA, 2), RET(1), RET(2), RET(3));
}

static void test_malformed(void)
{
    const struct sock_filter none = RETA;
    is_int(filter_simulate(&none, 0, &call), SECCOMP_RET_KILL_PROCESS, "no program at all");
    IS_REFUSED("no return at the end", LD(0));
    IS_REFUSED("a load that is not aligned", LD(2), RETA);
    IS_REFUSED("a load behind the data", LD(64), RETA);
    IS_REFUSED("a load of a half word", BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETA);
    IS_REFUSED("a load by X", BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETA);
    IS_REFUSED("a jump past the end", BPF_STMT(BPF_JMP | BPF_JA, 1), RETA);
    IS_REFUSED("a jump back", BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RETA);
    IS_REFUSED("a branch past the end", BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETA);
    IS_REFUSED("a division by zero", IMM(1), ALU(BPF_DIV, 0), RETA);
    IS_REFUSED("a shift by 32", IMM(1), ALU(BPF_LSH, 32), RETA);
    IS_REFUSED("memory that is not there", BPF_STMT(BPF_ST, 16), RETA);
    IS_REFUSED("memory read before it is written", BPF_STMT(BPF_LD | BPF_MEM, 3), RETA);
    IS_REFUSED("memory written on one way and not on the other", IMM(1),
               BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 1, 0), BPF_STMT(BPF_ST, 3),
               BPF_STMT(BPF_LD | BPF_MEM, 3), RETA);
    IS_REFUSED("a remainder, which seccomp leaves out", IMM(5), ALU(BPF_MOD, 3), RETA);
    IS_REFUSED("a return of X", BPF_STMT(BPF_RET | BPF_X, 0));
    IS_REFUSED("an unknown instruction", BPF_STMT(0xffff, 0), RETA);
}

int main(void)
{
    test_loads();
    test_alu();
    test_jumps();
    test_malformed();
    return done_testing();
}
