// SPDX-License-Identifier: Apache-2.0
// The table of messages: who sends what to whom, with which fields and how many descriptors.
#include <pinfold/wire.h>

#define U32(s, m)                                                                                  \
    {                                                                                              \
        WIRE_U32, offsetof(struct s, m), sizeof(((struct s *)0)->m)                                \
    }
#define U64(s, m)                                                                                  \
    {                                                                                              \
        WIRE_U64, offsetof(struct s, m), sizeof(((struct s *)0)->m)                                \
    }
#define STR(s, m)                                                                                  \
    {                                                                                              \
        WIRE_STR, offsetof(struct s, m), sizeof(((struct s *)0)->m)                                \
    }
#define BYTES(s, m)                                                                                \
    {                                                                                              \
        WIRE_BYTES, offsetof(struct s, m), sizeof(((struct s *)0)->m)                              \
    }
#define FIELDS(name) static const struct wire_field fields_##name[]

FIELDS(done) = {U32(msg_done, code), U32(msg_done, sys), STR(msg_done, text)};
FIELDS(box_start) = {
    STR(msg_box_start, box),
    STR(msg_box_start, dir),
    STR(msg_box_start, layers),
    U32(msg_box_start, host_usr),
    STR(msg_box_start, profile),
    U32(msg_box_start, network),
    STR(msg_box_start, mirror),
    U32(msg_box_start, mirror_write),
    U32(msg_box_start, files_read_only),
    STR(msg_box_start, hostname),
    U64(msg_box_start, memory_bytes),
    U64(msg_box_start, disk_bytes),
    U64(msg_box_start, inodes),
    U32(msg_box_start, pids),
    U32(msg_box_start, cpu_percent),
    U32(msg_box_start, open_files),
};
FIELDS(box_started) = {
    STR(msg_box_started, box),      U32(msg_box_started, code),    U32(msg_box_started, sys),
    STR(msg_box_started, text),     STR(msg_box_started, step),    U32(msg_box_started, pid),
    U32(msg_box_started, uid_base), STR(msg_box_started, profile), STR(msg_box_started, address),
};
FIELDS(box_name) = {STR(msg_box_name, box)};
FIELDS(box_stats) = {
    STR(msg_box_stats, box),
    U32(msg_box_stats, code),
    U32(msg_box_stats, sys),
    STR(msg_box_stats, text),
    U64(msg_box_stats, memory_bytes),
    U64(msg_box_stats, memory_peak_bytes),
    U64(msg_box_stats, cpu_us),
    U64(msg_box_stats, oom_kills),
    U64(msg_box_stats, pids),
    U64(msg_box_stats, pids_refused),
    U64(msg_box_stats, memory_limit),
    U64(msg_box_stats, pids_limit),
    U64(msg_box_stats, cpu_percent_limit),
    STR(msg_box_stats, cgroup),
};
FIELDS(box_exited) = {
    STR(msg_box_exited, box),
    U32(msg_box_exited, exit_code),
    U32(msg_box_exited, signal),
    U32(msg_box_exited, oom_kills),
};
FIELDS(dir) = {
    STR(msg_dir, dir),    STR(msg_dir, source),  U64(msg_dir, disk_bytes),
    U64(msg_dir, inodes), U32(msg_dir, replace),
};
FIELDS(layer) = {STR(msg_layer, layer), STR(msg_layer, dir), U32(msg_layer, from_files)};
FIELDS(mirror) = {STR(msg_mirror, mirror)};
FIELDS(disk_use) = {STR(msg_disk_use, layer), STR(msg_disk_use, mirror)};
FIELDS(disk_used) = {U64(msg_disk_used, bytes)};
FIELDS(egress_box) = {STR(msg_egress_box, box),        U64(msg_egress_box, generation),
                      U32(msg_egress_box, keep),       BYTES(msg_egress_box, rules),
                      BYTES(msg_egress_box, named),    U32(msg_egress_box, anywhere),
                      BYTES(msg_egress_box, authority)};
FIELDS(egress_sweep) = {U64(msg_egress_sweep, generation)};
FIELDS(egress_decision) = {
    STR(msg_egress_decision, box),     U64(msg_egress_decision, conn),
    U64(msg_egress_decision, time_ms), STR(msg_egress_decision, host),
    U32(msg_egress_decision, port),    U32(msg_egress_decision, allowed),
    U32(msg_egress_decision, ended),   STR(msg_egress_decision, rule),
    U64(msg_egress_decision, sent),    U64(msg_egress_decision, received),
    U64(msg_egress_decision, untold),  U32(msg_egress_decision, pid),
    STR(msg_egress_decision, process),
};
FIELDS(egress_keys) = {STR(msg_egress_keys, current), STR(msg_egress_keys, why),
                       BYTES(msg_egress_keys, key_names)};
FIELDS(egress_secret) = {STR(msg_egress_secret, id), U64(msg_egress_secret, version),
                         U32(msg_egress_secret, code), BYTES(msg_egress_secret, sealed)};
FIELDS(egress_count) = {
    STR(msg_egress_count, box),           STR(msg_egress_count, id),
    U32(msg_egress_count, status),        U64(msg_egress_count, input_tokens),
    U64(msg_egress_count, output_tokens), U64(msg_egress_count, cached_tokens),
};
FIELDS(egress_ca) = {STR(msg_egress_ca, box), BYTES(msg_egress_ca, pem),
                     BYTES(msg_egress_ca, sealed)};
FIELDS(who) = {U32(msg_who, udp), U32(msg_who, address), U32(msg_who, port),
               U32(msg_who, to_address), U32(msg_who, to_port)};
FIELDS(who_is) = {U32(msg_who_is, pid), STR(msg_who_is, name)};
FIELDS(none) = {U32(msg_none, unused)};
FIELDS(exec) = {
    U64(msg_exec, exec), U32(msg_exec, n_argv),       U32(msg_exec, n_env), U32(msg_exec, program),
    U32(msg_exec, uid),  U32(msg_exec, gid),          U32(msg_exec, tty),   U32(msg_exec, rows),
    U32(msg_exec, cols), U64(msg_exec, memory_bytes), U32(msg_exec, pids),  U32(msg_exec, n_fds),
    STR(msg_exec, cwd),  STR(msg_exec, user),         STR(msg_exec, tag),   U32(msg_exec, n_kept),
    U32(msg_exec, hold), BYTES(msg_exec, args),
};
FIELDS(exec_started) = {
    U64(msg_exec_started, exec), U32(msg_exec_started, code), U32(msg_exec_started, sys),
    STR(msg_exec_started, text), U32(msg_exec_started, pid),
};
FIELDS(exec_kill) = {
    U64(msg_exec_kill, exec),
    U32(msg_exec_kill, signal),
    U32(msg_exec_kill, whole),
    U32(msg_exec_kill, reason),
};
FIELDS(exec_resize) = {
    U64(msg_exec_resize, exec),
    U32(msg_exec_resize, rows),
    U32(msg_exec_resize, cols),
};
FIELDS(exec_exited) = {
    U64(msg_exec_exited, exec),
    U32(msg_exec_exited, exited),
    U32(msg_exec_exited, exit_code),
    U32(msg_exec_exited, signal),
    U64(msg_exec_exited, cpu_us),
    U64(msg_exec_exited, max_memory_bytes),
    U32(msg_exec_exited, oom_kills),
    U32(msg_exec_exited, pids_refused),
    U64(msg_exec_exited, disk_free_bytes),
    U64(msg_exec_exited, disk_free_inodes),
    U64(msg_exec_exited, ended_ns),
};
FIELDS(exec_is) = {
    U64(msg_exec_is, exec),        STR(msg_exec_is, tag), U64(msg_exec_is, started_ns),
    U32(msg_exec_is, kill_reason), U32(msg_exec_is, tty), U32(msg_exec_is, code),
    STR(msg_exec_is, text),
};
FIELDS(exec_forget) = {U64(msg_exec_forget, exec), U32(msg_exec_forget, only_stdin)};
FIELDS(denials) = {BYTES(msg_denials, rows), U64(msg_denials, total)};

#define ROW(type, name, from, to, fields, min, max, doc)                                           \
    {                                                                                              \
        MSG_##type, name, PEER_##from, PEER_##to, fields_##fields,                                 \
            sizeof(fields_##fields) / sizeof(fields_##fields[0]), sizeof(struct msg_##fields),     \
            min, max, doc                                                                          \
    }
const struct wire_row wire_rows[] = {
    {MSG_DONE, "done", PEER_LAUNCHER | PEER_INIT, PEER_SERVER, fields_done, 3,
     sizeof(struct msg_done), 0, 1, "a request's end, with its error or none"},
    ROW(BOX_START, "box_start", SERVER, LAUNCHER, box_start, 0, 0, "make a sandbox"),
    ROW(BOX_STARTED, "box_started", LAUNCHER, SERVER, box_started, 0, 3 + NET_SOCK_N,
        "it runs, or why not"),
    ROW(BOX_STOP, "box_stop", SERVER, LAUNCHER, box_name, 0, 0, "end it and clean up"),
    ROW(BOX_LIST, "box_list", SERVER, LAUNCHER, none, 0, 0, "which sandboxes live"),
    ROW(BOX_STAT, "box_stat", SERVER, LAUNCHER, box_name, 0, 0, "its current use"),
    ROW(BOX_STATS, "box_stats", LAUNCHER, SERVER, box_stats, 0, 0, "the kernel's counters"),
    ROW(BOX_EXITED, "box_exited", LAUNCHER, SERVER, box_exited, 0, 0, "its init is gone"),
    ROW(DIR_CREATE, "dir_create", SERVER, LAUNCHER, dir, 0, 0, "make a workspace's directory"),
    ROW(DIR_DELETE, "dir_delete", SERVER, LAUNCHER, dir, 0, 0, "remove it"),
    ROW(DIR_COPY, "dir_copy", SERVER, LAUNCHER, dir, 0, 0, "copy it"),
    ROW(LAYER_COMMIT, "layer_commit", SERVER, LAUNCHER, layer, 0, 0, "make it an image layer"),
    ROW(LAYER_DELETE, "layer_delete", SERVER, LAUNCHER, layer, 0, 0, "remove a layer"),
    ROW(LAYER_LIST, "layer_list", SERVER, LAUNCHER, none, 0, 0, "a descriptor to list layers by"),
    ROW(MIRROR_CREATE, "mirror_create", SERVER, LAUNCHER, mirror, 0, 0, "room for a repository"),
    ROW(MIRROR_DELETE, "mirror_delete", SERVER, LAUNCHER, mirror, 0, 0, "remove a mirror"),
    ROW(DISK_USE, "disk_use", SERVER, LAUNCHER, disk_use, 0, 0, "how much one of these takes"),
    ROW(DISK_USED, "disk_used", LAUNCHER, SERVER, disk_used, 0, 0, "so much"),
    {MSG_READY, "ready", PEER_LAUNCHER | PEER_EGRESS, PEER_SERVER, fields_none, 1,
     sizeof(struct msg_none), 0, 0, "the launcher, or egress, has started"},
    ROW(EGRESS_BOX, "egress_box", SERVER, EGRESS, egress_box, 0, NET_SOCK_N, "a sandbox's rules"),
    ROW(EGRESS_DECISION, "egress_decision", EGRESS, SERVER, egress_decision, 0, 0, "what became"),
    ROW(EGRESS_CLOSE, "egress_close", SERVER, EGRESS, box_name, 0, 0, "a sandbox is gone"),
    ROW(EGRESS_SWEEP, "egress_sweep", SERVER, EGRESS, egress_sweep, 0, 0, "forget earlier ones"),
    ROW(EGRESS_KEYS, "egress_keys", EGRESS, SERVER, egress_keys, 0, 0, "how to seal secrets"),
    ROW(EGRESS_SECRET, "egress_secret", SERVER, EGRESS, egress_secret, 0, 0, "a sealed secret"),
    ROW(EGRESS_UNKNOW, "egress_unknow", SERVER, EGRESS, egress_secret, 0, 0, "it is gone"),
    ROW(EGRESS_KEYS_ASK, "egress_keys_ask", SERVER, EGRESS, none, 0, 0, "tell them again"),
    ROW(EGRESS_ROTATE, "egress_rotate", SERVER, EGRESS, none, 0, 0, "make another key"),
    ROW(EGRESS_RESEAL, "egress_reseal", SERVER, EGRESS, egress_secret, 0, 0, "with the newest key"),
    ROW(EGRESS_RESEALED, "egress_resealed", EGRESS, SERVER, egress_secret, 0, 0, "so it is"),
    ROW(EGRESS_COUNT, "egress_count", EGRESS, SERVER, egress_count, 0, 0, "a secret was used"),
    ROW(EGRESS_DOOR, "egress_door", EGRESS, SERVER, box_name, 1, 1, "a request out of a sandbox"),
    ROW(EGRESS_CA, "egress_ca", EGRESS, SERVER, egress_ca, 0, 0, "whom a sandbox is to trust"),
    ROW(EXEC, "exec", SERVER, INIT, exec, 0, 7, "run a command"),
    ROW(EXEC_STARTED, "exec_started", INIT, SERVER, exec_started, 0, 1, "it runs, or why not"),
    ROW(EXEC_KILL, "exec_kill", SERVER, INIT, exec_kill, 0, 0, "signal it, or end all of it"),
    ROW(EXEC_RESIZE, "exec_resize", SERVER, INIT, exec_resize, 0, 0, "its terminal's size"),
    ROW(EXEC_EXITED, "exec_exited", INIT, SERVER, exec_exited, 0, 0, "it and its children ended"),
    ROW(DENIALS, "denials", SERVER, INIT, none, 0, 0, "ask for refused system calls"),
    ROW(DENIALS_ARE, "denials_are", INIT, SERVER, denials, 0, 0,
        "refused system calls, unasked too"),
    ROW(EXEC_LIST, "exec_list", SERVER, INIT, none, 0, 0, "what is kept for the server"),
    ROW(EXEC_IS, "exec_is", INIT, SERVER, exec_is, 0, 3, "one command that is kept"),
    ROW(EXEC_FORGET, "exec_forget", SERVER, INIT, exec_forget, 0, 0, "it is not needed any more"),
    ROW(EXEC_KEEP, "exec_keep", SERVER, INIT, exec_is, 2, 3,
        "keep one that runs, as if told so at its start"),
    ROW(WHO, "who", EGRESS, INIT, who, 0, 0, "which process connected"),
    ROW(WHO_IS, "who_is", INIT, EGRESS, who_is, 0, 0, "this one"),
};
const unsigned n_wire_rows = sizeof(wire_rows) / sizeof(wire_rows[0]);
