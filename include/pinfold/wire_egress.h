// SPDX-License-Identifier: Apache-2.0
// The messages between server and egress; see wire_msgs.h.
#pragma once
#include <pinfold/id.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_ID_MAX (NAME_MAX_LEN + 12) // "secret/NAME", "provider/NAME"
#define SEAL_TEXT 65                      // a key in hexadecimal

#define COMM_ROOM 16 // the kernel's TASK_COMM_LEN

struct wire_bytes {
    const void *p;
    size_t len;
};

struct msg_egress_box {
    char box[ID_MAX];
    uint64_t generation;         // of the server; see SWEEP
    uint32_t keep;               // 1: the rules stay as they are
    struct wire_bytes rules;     // in their canonical form, blanks between
    struct wire_bytes named;     // of these, what a person named: it may lie in a private network
    uint32_t anywhere;           // 1: whatever is public too
    struct wire_bytes authority; // as EGRESS_CA had it for an earlier process, or empty
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
    uint32_t pid;                    // inside, of the process that asked; 0: not known
    char process[COMM_ROOM];         // what it calls itself
};
// Addresses and ports in the host's order.
struct msg_who {
    uint32_t udp;                 // 1: a datagram's sender, 0: a connection's client
    uint32_t address, port;       // its own
    uint32_t to_address, to_port; // what it is connected to
};
struct msg_who_is {
    uint32_t pid; // 0: not found
    char name[COMM_ROOM];
};
// Secrets are sealed to a key that only the egress process has; see seal.h.
struct msg_egress_keys {
    char current[SEAL_TEXT]; // the public key to seal with; "" for none, and why
    char why[200];
    struct wire_bytes key_names; // of all that are there, a blank between
};
struct msg_egress_secret {
    char id[SECRET_ID_MAX];
    uint64_t version; // RESEAL: comes back
    uint32_t code;    // RESEALED: as msg_done; then nothing is sealed
    struct wire_bytes sealed;
};
struct msg_egress_count {
    char box[ID_MAX];
    char id[SECRET_ID_MAX];
    uint32_t status; // of the answer; 0: there was none
    uint64_t input_tokens, output_tokens, cached_tokens;
};
struct msg_egress_ca {
    char box[ID_MAX];
    struct wire_bytes pem;    // a certificate
    struct wire_bytes sealed; // with its key, so that only the next egress process can open it
};
union wire_egress {
    struct msg_egress_box box;
    struct msg_egress_sweep sweep;
    struct msg_egress_decision decision;
    struct msg_egress_keys keys;
    struct msg_egress_secret secret;
    struct msg_egress_count count;
    struct msg_egress_ca ca;
    struct msg_who who;
    struct msg_who_is who_is;
};
