// SPDX-License-Identifier: Apache-2.0
// Inside room filter.
#pragma once
#include <pinfold/filter.h>

// A call whose arguments matter is compiled to this verdict first, with its place in the list of
// such calls as data; pack turns it into a jump to the code that looks at the arguments.
#define VERDICT_LOOK(i) (SECCOMP_RET_TRACE | (i))
#define VERDICT_IS_LOOK(v) (((v)&SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
#define VERDICT_LOOK_INDEX(v) ((v)&SECCOMP_RET_DATA)

#define LOOKS_MAX 64
struct looks {
    int nr[LOOKS_MAX];
    unsigned n;
};

// The verdict for a known call that the profile refuses.
uint32_t refusal(const struct profile *p, bool notify, int nr);

// A program under construction.
struct code {
    struct sock_filter *insns;
    unsigned n, cap;
};
unsigned code_add(struct code *c, uint16_t op, uint32_t k, uint8_t jt, uint8_t jf); // its index

// simulate.c: the two halves of filter_simulate. Would the kernel load it; run it if so.
bool program_ok(const struct sock_filter *insns, unsigned n);
uint32_t program_run(const struct sock_filter *insns, const struct seccomp_data *d);

// look.c: append the code for one call: ALLOW when a row's conditions hold, else `refused`.
void look_emit(struct code *c, const struct profile *p, int nr, uint32_t refused);

// pack.c: the same verdicts as `raw`, which looks at numbers only, as a binary search over ranges
// of numbers, and with the code that looks at arguments behind it.
int pack(const struct filter *raw, const struct profile *p, bool notify, const struct looks *looks,
         struct filter *ret, struct err *e);
