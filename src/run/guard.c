// SPDX-License-Identifier: Apache-2.0
// See guard.h. Words of a call are 32 bits wide here, and little-endian.
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <pinfold/guard.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "no audit architecture for this processor"
#endif

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define ARG(i, half)                                                                               \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[i]) + 4 * (half))
#define XOR(word) BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, (uint32_t)(word))
// X gathers the differences of all words.
#define GATHER BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0), BPF_STMT(BPF_MISC | BPF_TAX, 0)

void guard_write(const struct guard_key *key, struct sock_filter ret[GUARD_INSNS])
{
    const struct sock_filter insns[] = {
        FIELD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 0, 19),
        FIELD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 17),
        ARG(2, 0),
        XOR(key->a),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        ARG(2, 1),
        XOR(key->a >> 32),
        GATHER,
        ARG(3, 0),
        XOR(key->b),
        GATHER,
        ARG(3, 1),
        XOR(key->b >> 32),
        BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    _Static_assert(sizeof(insns) == GUARD_INSNS * sizeof(ret[0]), "GUARD_INSNS");
    memcpy(ret, insns, sizeof(insns));
}
