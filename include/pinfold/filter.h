// SPDX-License-Identifier: Apache-2.0
// From a profile to a seccomp program, and a simulator that runs programs on made-up calls. Meant
// to be compiled and verified once per profile at start, and loaded ready: profiles/README.md has
// the sizes and times.
//
// Verdicts of the compiled program: allowed calls ALLOW; known but refused ones USER_NOTIF (so
// that init can count who called what, and answer) or, without `notify`, ERRNO. The errno is EPERM,
// but EAFNOSUPPORT for socket: that is what a kernel without the family says, and what shadow's
// tools, for one, accept of the audit socket. Init must answer the same. Numbers that the table
// does not have, calls left out as absent, and x32: ENOSYS. Another architecture: KILL_PROCESS.
//
// clone3 is allowed by this program because init itself needs it; the guard that init puts in front
// (guard.h) makes it ENOSYS for all others, so that flags can be checked on clone.
#pragma once
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pinfold/profile.h>

struct filter {
    struct sock_filter *insns; // free()
    unsigned n;
};
int filter_compile(const struct profile *p, bool notify, struct filter *ret, struct err *e);
void filter_release(struct filter *f);
// Run a program on one call; returns the SECCOMP_RET_* value with its data, as the kernel would.
// A program that the kernel would not load gives SECCOMP_RET_KILL_PROCESS.
uint32_t filter_simulate(const struct sock_filter *insns, unsigned n, const struct seccomp_data *d);
// Compare a compiled program with the plain meaning of its profile: every number, every condition
// at its edges and with each bit flipped, other architectures, and the table of what must be
// allowed or refused whatever the profile says. The error names the profile and the first call
// that is wrong.
int filter_verify(const struct profile *p, const struct filter *f, struct err *e);
// The architecture whose calls the programs are for (AUDIT_ARCH_...).
uint32_t filter_arch(void);
