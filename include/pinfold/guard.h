// SPDX-License-Identifier: Apache-2.0
// The instructions that init puts in front of its seccomp program, so that a command inherits that
// one program and needs none of its own: clone3 is for init alone. Its flags lie in memory, where a
// program cannot look, so everybody else is told ENOSYS and uses clone.
//
// Init proves itself by a random key in the third and fourth argument, which clone3 does not have.
// Only init's memory and registers hold it: init cannot be traced or read by what runs beside it,
// and exec clears both. The comparison takes the same time for every wrong key.
#pragma once
#include <linux/filter.h>
#include <stdint.h>

#define GUARD_INSNS 21
struct guard_key {
    uint64_t a, b;
};
// Write the instructions; what they do not decide goes on with the instruction after them.
void guard_write(const struct guard_key *key, struct sock_filter ret[GUARD_INSNS]);
