// SPDX-License-Identifier: Apache-2.0
// What a command in a sandbox may use and how it can end. Pure data and pure checks, shared by all
// processes: the server checks for a friendly answer, the launcher again for safety.
#pragma once
#include <pinfold/err.h>
#include <stdbool.h>
#include <stdint.h>

// Limits of a sandbox or of one exec in it. 0 means "as the profile says".
struct limits {
    uint64_t memory_bytes; // swap is always 0
    uint32_t pids;
    uint32_t cpu_percent; // of one processor: 200 is two
    uint64_t disk_bytes;
    uint64_t inodes;
    uint64_t output_bytes; // of one stream of one exec; past it the exec ends with output_limit
    uint32_t open_files;   // RLIMIT_NOFILE
    uint64_t wall_ms;
};
struct limit_row {
    const char *name; // the JSON field: memory_bytes
    uint16_t offset, size;
    uint64_t min, max; // hard bounds, whatever a profile or request says
    const char *doc;
};
extern const struct limit_row limit_rows[];
extern const unsigned n_limit_rows;
uint64_t limit_get(const struct limits *l, const struct limit_row *row);
void limit_put(struct limits *l, const struct limit_row *row, uint64_t v);
// Every non-zero member within its row's bounds, or ERR_LIMIT naming the row and its bounds.
int limits_check(const struct limits *l, struct err *e);
// base where want is 0; want where it is lower than base or base is 0; never more than base.
void limits_narrow(struct limits *ret, const struct limits *base, const struct limits *want);

enum net_mode {
    NET_NONE, // lo only
    NET_FULL, // veth, NAT, isolated from other sandboxes and from this host's private networks
    NET_LIST, // lo, and a proxy, a name server and ports 80 and 443 that pinfold-egress serves
    NET_HOST, // the host's namespace; internal profiles only (bootstrap), never by request
    NET_N
};
const char *net_mode_name(enum net_mode m);
int net_mode_parse(const char *s, enum net_mode *ret, struct err *e); // never gives NET_HOST

// The sockets of a sandbox with NET_LIST, in the order they are handed over: all but the last listen
// inside.
enum net_socket {
    NET_SOCK_PROXY,   // 127.0.0.1:NET_PROXY_PORT: HTTP proxy and SOCKS5
    NET_SOCK_HTTP,    // port 80 of every address that is not taken
    NET_SOCK_TLS,     // port 443, likewise
    NET_SOCK_DNS,     // 127.0.0.1:53, datagrams
    NET_SOCK_DNS_TCP, // 127.0.0.1:53, streams
    NET_SOCK_WHO,     // SEQPACKET: asks the sandbox's init which process a peer is (MSG_WHO); last,
    NET_SOCK_N        // since the sandboxes of earlier versions have none
};
#define NET_PROXY_PORT 3128
#define NET_PROXY_TEXT "3128" // the same

// How an exec ended. Names are the wire's `reason`.
enum end_reason {
    END_EXITED,
    END_SIGNALED,
    END_TIMED_OUT,
    END_OOM,
    END_PIDS_LIMIT,
    END_DISK_FULL,
    END_OUTPUT_LIMIT,
    END_CANCELLED,
    END_LOST,
    END_START_FAILED,
    END_N
};
const char *end_reason_name(enum end_reason r);
int end_reason_parse(const char *s, enum end_reason *ret);

struct outcome {
    enum end_reason reason;
    int exit_code; // -1 unless it exited
    int signal;    // 0 unless a signal ended it
    bool timed_out, oom_killed;
    uint64_t duration_ms, cpu_us, max_memory_bytes;
    char detail[120]; // start_failed: "step: text"; else empty or one sentence
};

const char *signal_name(int sig);                         // "SIGKILL"; static; "SIG?" when unknown
int signal_parse(const char *s, int *ret, struct err *e); // "KILL", "SIGKILL" or "9"
