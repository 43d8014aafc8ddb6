// SPDX-License-Identifier: Apache-2.0
// Inside pinfold-tool.
#pragma once
#include <pinfold/err.h>
#include <stdint.h>

#define TOOL_TRACE_MAX 4096 // different calls of one trace
#define TOOL_TRACE_NR_MAX 1023
struct tool_call {
    unsigned nr;
    uint64_t args[6], count;
    char comm[16]; // of the process that made it first; [A-Za-z0-9._+:?-]
};

// trace.c: run argv[1...] and report its system calls; *ret_code: how it ended, as a shell says it.
int trace_command(int argc, char **argv, int *ret_code, struct err *e);
