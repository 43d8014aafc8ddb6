// SPDX-License-Identifier: Apache-2.0
// pinfold's settings: one table (src/conf/settings.c), one struct, one reader. pinfoldd reads
// pinfold.conf and hands each child the rows that are the child's, as text in a sealed memfd.
//
// THE START CONTRACT. pinfoldd starts server, launcher and egress by fork and exec with an empty
// environment, stdin from /dev/null, stdout and stderr on a pipe that pinfoldd reads line by line
// (bounded, tagged by role), the working directory /, and exactly these descriptors:
//
//   3  START_PEER      the process's end of the server<->launcher SOCK_SEQPACKET pair, of egress the
//                      end of its pair with the server. pinfoldd
//                      keeps both ends, so a restarted process gets the same one: there is no end
//                      of file when the peer dies. The launcher drains 3 and then sends READY;
//                      a restarted server asks BOX_LIST.
//   4  START_STATE     launcher: DIR, owned by root, 0700, with DIR/{layers,dirs,mirrors} made.
//                      server: DIR/server, owned by the server's user, 0700. egress: /dev/null.
//   5  START_PROFILES  the directory of profiles, to read
//   6  START_IMAGES    the directory of images, to read
//   7  START_SETTINGS  the sealed memfd with the settings
//   8  START_READY     write end of a pipe: one byte (conf_ready) says that requests can come.
//                      It stays open: EPOLLERR on it means that pinfoldd is gone; exit at once.
//   9  START_HANDOVER  server: one end of a SOCK_SEQPACKET pair whose both ends pinfoldd keeps: what
//                      a leaving server gives its successor (http_server_leave) waits in it
//  10  START_EGRESS    server: its end of another pair as 3, with egress; else /dev/null
//  11  START_LISTEN    server only: conf.listen_sockets listening sockets, in the order of Listen=
//
// All start as root; server and egress become their users by confine_self before they read a byte. A
// child calls conf_inherit first: it reads 7 and makes all of these close-on-exec.
// SIGTERM means: finish what must be finished within StopTimeout= and exit 0.
// SIGHUP means: leave for a successor. Take nothing more, finish what is begun within
// UpgradeGrace=, touch nothing that lives, exit 0. The successor gets TakeOver=yes: what waits on its
// descriptors is for it, and nobody need be told that it is another.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdint.h>

#define PINFOLD_VERSION "0.1.0"

enum start_fd {
    START_PEER = 3,
    START_STATE,
    START_PROFILES,
    START_IMAGES,
    START_SETTINGS,
    START_READY,
    START_HANDOVER,
    START_EGRESS,
    START_LISTEN,
};

// Which processes get a row; a mask.
enum conf_for {
    FOR_PINFOLDD = 1,
    FOR_SERVER = 2,
    FOR_LAUNCHER = 4,
    FOR_CLI = 8, // in-process `pinfold run`
    FOR_EGRESS = 16,
    FOR_ALL = 31,
    FOR_START = 32, // made by pinfoldd for its children, refused in the file
};

// A file named in pinfold.conf that only root can read: pinfoldd reads it, children get the text.
struct conf_file {
    char path[256];
    char *text; // NULL when there is none
    size_t len;
};
#define CONF_MIRRORS_MAX 16
struct conf_mirror {
    char image[65]; // Mirror.IMAGE=
    char url[256];
};

// All numbers are 64 bits wide so that the table needs one kind; times are in milliseconds.
struct conf {
    uint64_t log_level; // enum log_level
    uint64_t strict;    // bool: a call our own filters refuse kills the process
    char listen[512];   // ADDR:PORT, [ADDR6]:PORT, separated by blanks
    char state_dir[256], profiles_dir[256], images_dir[256], server_user[33], egress_user[33];
    uint64_t stop_timeout_ms, upgrade_grace_ms, restart_pause_max_ms;
    struct conf_file tls_certificate, tls_key;
    uint64_t http2;
    // for dialects that log in by password
    struct conf_file password, users; // users: lines NAME:PASSWORD or NAME:HASH
    uint64_t session_ms;
    char dialect_hosts[1024], open_dialects[256];
    uint64_t webhook_progress; // bool
    // made by pinfoldd
    uint64_t server_uid, server_gid, egress_uid, egress_gid, listen_sockets, take_over;
    char admin_token[128];
    // ids and networks of sandboxes
    uint64_t id_base, id_ranges;
    char network_range[64], name_servers[256];
    // what sandboxes with an allow-list may reach
    char allow_private[4096], egress_ports[128], presets[4096];
    char secret_key_file[256], ca_file[256];
    uint64_t max_egress_connections, max_sandbox_connections, egress_idle_ms;
    // repositories and images
    char repository_base[256], repository_roots[1024];
    uint64_t repository_bytes, repository_objects, repository_timeout_ms;
    struct conf_mirror mirrors[CONF_MIRRORS_MAX];
    uint64_t n_mirrors;
    uint64_t build_timeout_ms, init_script_timeout_ms;
    char default_image[65], default_profile[65];
    // limits of HTTP
    uint64_t max_body, max_connections, max_connections_per_address, max_streams,
        request_timeout_ms, max_wait_ms;
    uint64_t requests_per_second; // of one token; 0: no limit
    // limits of the verbs; see struct core_conf
    uint64_t max_workspaces, max_sandboxes, warm_pool, warm_pool_memory, max_execs,
        max_execs_per_workspace, max_execs_queued;
    uint64_t max_builds, max_builds_queued, max_tokens, max_users, max_snapshots;
    uint64_t execs_kept, execs_kept_per_workspace, builds_kept;
    uint64_t checkouts_kept, checkouts_total, workspace_checkouts;
    uint64_t max_runs, max_runs_per_repository, max_runs_queued, runs_kept, run_events;
    uint64_t run_timeout_ms;
    uint64_t exec_timeout_ms, exec_timeout_max_ms, idle_stop_ms, kill_grace_ms;
    uint64_t command_bytes, stdin_bytes, file_bytes;
    uint64_t answer_bytes, answer_max_bytes, output_keep, output_total;
    uint64_t images_total, mirrors_total, workspace_disk, run_disk;
    uint64_t disk_reserve; // bytes of the state directory's disk that are never given away
};

enum conf_type {
    CONF_BOOL,     // yes, no
    CONF_NUMBER,   // min to max
    CONF_SIZE,     // bytes, K, M, G, T
    CONF_DURATION, // s, ms, min, h, d
    CONF_WORD,     // one of `words`
    CONF_TEXT,     // checked by `check` where there is one
    CONF_FILE,     // an absolute path; struct conf_file
    CONF_MIRRORS,  // Mirror.IMAGE=URL, once for each image
};
struct conf_row {
    const char *name;
    enum conf_type type;
    unsigned who;          // mask of conf_for
    uint16_t offset, size; // in struct conf; size: room of a CONF_TEXT
    const char *def;       // as it would stand in the file
    uint64_t min, max;     // bytes, milliseconds or as it is
    const char *const *words;
    int (*check)(const char *value, struct err *e);
    const char *doc;
};
extern const struct conf_row conf_rows[];
extern const unsigned n_conf_rows;

// Every setting at its default.
void conf_init(struct conf *c);
void conf_release(struct conf *c);
// The defaults and a file over them; ERR_NOT_FOUND when it is not there (*c has the defaults then).
int conf_read(struct conf *c, const char *path, struct err *e);
#define CONF_DEFAULT_FILE "/etc/pinfold/pinfold.conf"
// The directory that a setting names, or the one that came with this binary. Close it.
int conf_open_data(const char *setting, const char *name, struct err *e);
// ServerUser= and EgressUser= as numbers: 0, or 1 when one of them is not there and a number that is
// nobody's stands in, this one and the next: Debian reserves 65000 to 65533 and gives none of them
// out, and systemd's own ranges end below or start above.
#define CONF_FALLBACK_UID 65432
int conf_find_users(struct conf *c, struct err *e);
// Read one file's text over what is there; unknown, repeated and child-only keys are errors that
// name file and line. Files named in it are not read.
int conf_parse(struct conf *c, const char *name, const char *text, size_t len, struct err *e);
// Set one by name, as an option of the command line does.
int conf_set(struct conf *c, const char *name, const char *value, struct err *e);
// What no single row can check: pairs that belong together, orders of limits.
int conf_check(const struct conf *c, struct err *e);
// Read the files that settings name; refuses secrets that others than root can read.
int conf_load_files(struct conf *c, struct err *e);
// The rows for `who`, one Key=value a line, in the table's order, texts with %XX for what is not
// plain ASCII, files as their text. conf_parse_start reads it back.
int conf_format(const struct conf *c, unsigned who, struct buf *out);
int conf_parse_start(struct conf *c, const char *text, size_t len, struct err *e);
// The table for people: name, default, bounds and sentence of each row that a file may hold.
void conf_document(struct buf *out);

// For a child of pinfoldd, first of all: read descriptor 7 into *ret and close it, make 3, 4 ...
// close-on-exec.
int conf_inherit(struct conf *ret, struct err *e);
// One byte to START_READY.
int conf_ready(struct err *e);
// The directory of pinfold's own data ("profiles", "images") that belongs to this binary: beside
// it in the build tree, under share/pinfold when installed. Close it.
int conf_data_dir(const char *name, struct err *e);
// The directory this binary lies in, where its siblings are. Close it.
int conf_bin_dir(struct err *e);
// "ADDR:PORT" or "[ADDR6]:PORT" into host and port; host must hold 64 bytes.
int conf_parse_address(const char *s, char host[64], uint16_t *ret_port, struct err *e);
