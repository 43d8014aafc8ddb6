// SPDX-License-Identifier: Apache-2.0
// clone3 for a child that shares our memory until it executes, on a stack of its own: it must not
// run on the frame of a caller that is waiting. What the child may do is what a signal handler may.
#pragma once
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>

#if !defined(__x86_64__)
#error "a few lines of assembler, written for x86-64 only so far"
#endif
// fn(arg) must not return. a and b are passed in the two arguments that clone3 does not have
// (guard.h). The child's pid, or -errno.
static inline long clone_apart(struct clone_args *args, const uint64_t key[2], void (*fn)(void *),
                               void *arg)
{
    register void (*at)(void *) __asm__("r8") = fn;
    register uint64_t key_b __asm__("r10") = key[1];
    register void *given __asm__("r9") = arg;
    long r;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%r9, %%rdi\n\t"
                     "callq *%%r8\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(r)
                     : "0"((long)SYS_clone3), "D"(args), "S"(sizeof(*args)), "d"(key[0]),
                       "r"(key_b), "r"(at), "r"(given)
                     : "rcx", "r11", "memory", "cc");
    return r;
}

// A system call that leaves errno alone, which such a child must, when its parent goes on meanwhile:
// its result, or -errno.
static inline long apart_call(long nr, const long arg[6])
{
    register long d __asm__("r10") = arg[3];
    register long e __asm__("r8") = arg[4];
    register long f __asm__("r9") = arg[5];
    long r;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "0"(nr), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(d), "r"(e), "r"(f)
                     : "rcx", "r11", "memory", "cc");
    return r;
}
#define apart(nr, ...) apart_call(nr, (const long[6]){__VA_ARGS__})
