// SPDX-License-Identifier: Apache-2.0
// The messages: one struct each, one number each; src/wire/messages.c says who sends what to whom
// with how many descriptors. Strings are NUL-terminated; both ends check ids and names.
#pragma once
#include <pinfold/id.h>
#include <pinfold/run.h>
#include <pinfold/wire_egress.h>
#include <pinfold/wire_types.h>

#define LAYER_NAME_MAX 72 // hex SHA-256 and the NUL fit
#define LAYERS_MAX 24
#define EXEC_TAG_MAX 128

struct msg_done {
    uint32_t code; // enum err_code, ERR_NONE for success
    uint32_t sys;  // errno
    char text[200];
};
struct msg_box_start {
    char box[ID_MAX]; // the sandbox's id: a workspace's, a build's or an exec's
    char dir[ID_MAX]; // whose directory holds upper and files; "" for memory only
    char layers[LAYERS_MAX * LAYER_NAME_MAX]; // image layers, lowest first, joined by ':'
    uint32_t host_usr; // 1: the host's /usr, read-only, over the host skeleton
    char profile[NAME_MAX_LEN + 1];
    uint32_t network;                       // enum net_mode; NET_HOST only with an internal profile
    char mirror[LAYER_NAME_MAX];            // repository mirror to show read-only; "" for none
    uint32_t mirror_write, files_read_only; // the one with the internal profile git; of /workspace
    char hostname[NAME_MAX_LEN + 1];
    uint64_t memory_bytes, disk_bytes, inodes;
    uint32_t pids, cpu_percent, open_files;
};
struct msg_box_started {
    char box[ID_MAX];
    uint32_t code, sys; // as msg_done; descriptors only when code is ERR_NONE
    char text[200];
    char step[32]; // which step of the set-up failed
    uint32_t pid;  // of init, on the host
    uint32_t uid_base;
    char profile[NAME_MAX_LEN + 1];
    char address[48]; // IPv4 address inside, with network full
};
struct msg_box_name {
    char box[ID_MAX];
};
struct msg_box_stats {
    char box[ID_MAX];
    uint32_t code, sys;
    char text[200];
    uint64_t memory_bytes, memory_peak_bytes, cpu_us, oom_kills, pids, pids_refused;
    uint64_t memory_limit, pids_limit, cpu_percent_limit;
    char cgroup[16]; // "v1", "v2" or "hybrid"
};
struct msg_box_exited {
    char box[ID_MAX];
    uint32_t exit_code, signal, oom_kills;
};
struct msg_dir {
    char dir[ID_MAX];
    char source[ID_MAX];         // DIR_COPY
    uint64_t disk_bytes, inodes; // DIR_CREATE: a file system of its own, as large; 0: the state's
    uint32_t replace;            // DIR_COPY, 1: dir is there and becomes the copy
};
struct msg_layer {
    char layer[LAYER_NAME_MAX];
    char dir[ID_MAX];
    uint32_t from_files; // 1: files/root becomes the layer, else upper
};
struct msg_mirror {
    char mirror[LAYER_NAME_MAX];
};
struct msg_disk_use {
    char layer[LAYER_NAME_MAX], mirror[LAYER_NAME_MAX]; // one of them
};
struct msg_disk_used {
    uint64_t bytes; // of the disk, each file once
};
struct msg_none {
    uint32_t unused;
};

// What to run: `args` holds NUL-terminated strings one after another, first n_argv of argv, then
// n_env of the environment (NAME=value). With too many bytes they are in the memfd instead.
struct msg_exec {
    uint64_t exec;
    uint32_t n_argv, n_env;
    uint32_t program;  // 0: argv[0] found on PATH inside; 1: pinfold's own tool; 2: pinfold-git
    uint32_t uid, gid; // inside; UINT32_MAX: the profile's user
    uint32_t tty, rows, cols;
    uint32_t hold;         // 1: EXEC_STARTED may come late by milliseconds, or not at all when
                           // EXEC_EXITED comes by then; without a terminal only
    uint64_t memory_bytes; // 0: only the sandbox's limits
    uint32_t pids;
    uint32_t n_fds;
    char cwd[4096];         // resolved inside
    char user[64];          // a name looked up in /etc/passwd inside, instead of uid; "" for none
    char tag[EXEC_TAG_MAX]; // not "": kept for the next server until EXEC_FORGET, its end too
    uint32_t n_kept;        // 2: stdout, stderr; 3: stdin too; 0 with a terminal
    struct wire_bytes args;
};
struct msg_exec_started {
    uint64_t exec;
    uint32_t code, sys; // as msg_done
    char text[160];     // with code: "step: what"
    uint32_t pid;       // inside
};
struct msg_exec_kill {
    uint64_t exec;
    uint32_t signal;
    uint32_t whole;  // 1: SIGKILL to everything the exec started
    uint32_t reason; // with whole: enum end_reason, given back in EXEC_EXITED and EXEC_IS
};
struct msg_exec_resize {
    uint64_t exec;
    uint32_t rows, cols;
};
struct msg_exec_exited {
    uint64_t exec;
    uint32_t exited, exit_code, signal; // exited: 1 when exit_code counts
    uint64_t cpu_us, max_memory_bytes;
    uint32_t oom_kills, pids_refused;           // during this exec, by the kernel's counters
    uint64_t disk_free_bytes, disk_free_inodes; // of /workspace when it ended
    uint64_t ended_ns;                          // CLOCK_MONOTONIC, of one with a tag; else 0
};
struct msg_exec_is {
    uint64_t exec;
    char tag[EXEC_TAG_MAX];
    uint64_t started_ns;  // CLOCK_MONOTONIC
    uint32_t kill_reason; // enum end_reason; END_N: nobody ended it
    uint32_t tty;
    uint32_t code; // it was not started: as EXEC_STARTED said
    char text[160];
};
struct msg_exec_forget {
    uint64_t exec;
    uint32_t only_stdin; // 1: only the stdin, so that closing it is the end of file
};
struct msg_denials {
    struct wire_bytes rows; // struct denial[], newest last, at most DENIALS_MAX
    uint64_t total;
};
#define DENIALS_MAX 64
struct denial {
    uint32_t syscall, count;
    char comm[16];
};

union wire_body {
    struct msg_done done;
    struct msg_box_start box_start;
    struct msg_box_started box_started;
    struct msg_box_name box_name;
    struct msg_box_stats box_stats;
    struct msg_box_exited box_exited;
    struct msg_dir dir;
    struct msg_layer layer;
    struct msg_mirror mirror;
    struct msg_disk_use disk_use;
    struct msg_disk_used disk_used;
    union wire_egress egress;
    struct msg_none none;
    struct msg_exec exec;
    struct msg_exec_started exec_started;
    struct msg_exec_kill exec_kill;
    struct msg_exec_resize exec_resize;
    struct msg_exec_exited exec_exited;
    struct msg_exec_is exec_is;
    struct msg_exec_forget exec_forget;
    struct msg_denials denials;
};
