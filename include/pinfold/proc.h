// SPDX-License-Identifier: Apache-2.0
// Who a process is: its number may be another's by now, number and start time are not.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// In clock ticks since the machine's start; 0: there is none, or it cannot be read.
uint64_t proc_start_time(pid_t pid);
