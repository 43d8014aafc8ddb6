// SPDX-License-Identifier: Apache-2.0
// What the machine does as a whole, for people who watch it. Needs no core.
#pragma once
#include <stdint.h>

#define HOST_CPUS_MAX 256
struct host_counters {
    uint64_t at_ns; // monotonic; 0: nothing read yet
    uint64_t busy, total, cpu_busy[HOST_CPUS_MAX], cpu_total[HOST_CPUS_MAX]; // in ticks
    uint64_t rx_bytes, tx_bytes;
};
struct host_use {
    unsigned n_cpus; // of cpu_percent; 0 when it could not be read
    double percent, cpu_percent[HOST_CPUS_MAX];
    uint64_t memory_total, memory_used; // 0 when unknown; used: what could not be had at once
    double rx_per_s, tx_per_s;          // bytes, all interfaces but lo
};
// Percentages and rates since the last call with the same *last; the first time, with *last
// zeroed, percentages since boot and no rates. Opens files in /proc and reads them.
void core_host_use(struct host_counters *last, struct host_use *ret);
