// SPDX-License-Identifier: Apache-2.0
// Webhooks of runs: each delivery is kept with its run, and tried again after 1, 5 and 30 seconds.
#pragma once
#include <pinfold/core_run.h>

enum delivery_status { DELIVERY_PENDING, DELIVERY_DONE, DELIVERY_FAILED };
struct delivery {
    char id[ID_MAX]; // whd_...
    uint32_t event;  // enum event_type
    enum delivery_status status;
    uint32_t attempts, http_status; // http_status 0: no answer
    char error[160];                // of the last try, "" for none
    uint64_t created_ms, next_ms, ended_ms;
};
// Oldest first: the one after prev, or the first. NULL at the end.
const struct delivery *core_run_delivery_next(struct run *r, const struct delivery *prev);
// What deliveries are signed with is the hexadecimal text of core_secret for this purpose.
#define HOOK_PURPOSE "webhook"
