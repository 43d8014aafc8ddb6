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
// How the deliveries of a run look; a run names its style when it is made (run_spec.hook_style).
struct hook_news {
    const char *id; // of the delivery
    const struct run *run;
    enum event_type type;
    const char *payload; // JSON object
    size_t len;
};
struct hook_style {
    const char *name; // kept with the run
    const char *user_agent;
    const char *header;    // "X-Pinfold": -Event, -Delivery and -Signature follow
    const char *signature; // before its hexadecimal digits: "sha256="
    bool stamped;          // the time is a header too, and signed: "TIME.BODY"
    bool id_per_try;       // each try has an id of its own
    uint64_t types;    // bits of events that are told, beside the ends of turns, which always are
    uint64_t notify;   // and those that are when the run's notify says so
    uint64_t fleeting; // told once and not kept; dropped when several are under way
    const char *(*event)(enum event_type t);                  // its name
    int (*write)(const struct hook_news *n, struct buf *ret); // -1: it has no word for this
};
// Beside pinfold's own. Static; before the loop runs, so that what an earlier server left finds it.
void core_hook_style_add(struct core *c, const struct hook_style *s);
// What deliveries are signed with is the hexadecimal text of core_secret for this purpose.
#define HOOK_PURPOSE "webhook"
