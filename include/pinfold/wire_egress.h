// SPDX-License-Identifier: Apache-2.0
// The messages between server and egress; see wire_msgs.h.
#pragma once
#include <pinfold/id.h>
#include <stddef.h>
#include <stdint.h>

struct wire_bytes {
    const void *p;
    size_t len;
};

struct msg_egress_box {
    char box[ID_MAX];
    uint64_t generation;     // of the server; see SWEEP
    uint32_t keep;           // 1: the rules stay as they are
    struct wire_bytes rules; // in their canonical form, blanks between
};
struct msg_egress_sweep {
    uint64_t generation; // of those to keep
};
struct msg_egress_decision {
    char box[ID_MAX];
    uint64_t conn, time_ms;          // conn: 0 unless it is told again
    char host[256];                  // "" when it was none
    uint32_t port, allowed, ended;   // port 0: a name was looked up
    char rule[270];                  // the rule, or the reason of a refusal: a word
    uint64_t sent, received, untold; // untold: decisions before this one that were not told
};
union wire_egress {
    struct msg_egress_box box;
    struct msg_egress_sweep sweep;
    struct msg_egress_decision decision;
};
