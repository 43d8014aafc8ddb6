// SPDX-License-Identifier: Apache-2.0
// The sandbox. A caller (the launcher, or the command line without a server) opens the host once,
// then starts boxes from a spec. Three phases: plan (pure), prepare (opens what the plan needs, in
// the caller), act (in the new child: no allocation, no log, one record when a step fails).
//
// Needs root, one thread and SIGCHLD at its default. Descriptors in structs are owned by them.
#pragma once
#include <pinfold/err.h>
#include <pinfold/filter.h>
#include <pinfold/id.h>
#include <pinfold/profile.h>
#include <pinfold/run.h>
#include <sys/types.h>

struct box_host;
struct box_host_conf {
    int state_fd;             // DIR; layers, dirs and mirrors lie beneath it
    int helper_fd;            // the directory of pinfold-init, pinfold-tool and pinfold-git
    const char *group;        // name of our cgroup under the caller's own: [a-z0-9.-]
    uint32_t id_base;         // first host id of the first range; ranges have 65,536 ids each
    uint32_t id_ranges;       // how many
    const char *net_pool;     // "10.213.0.0/16": for network full, four addresses a box
    const char *name_servers; // addresses, blanks between, for boxes with a network; "": the host's
    const char *repo_roots;   // for the profile git: absolute directories, space between
    const struct profile *profiles; // borrowed for the host's life
    unsigned n_profiles;
    uint32_t linger_ms; // how long a box goes on when nobody holds its socket; 0: it ends at once
};
// Finds the cgroup layout, compiles and verifies every profile's filter, seals the helpers, makes
// the host skeleton.
struct box_host *box_host_open(const struct box_host_conf *c, struct err *e);
void box_host_free(struct box_host *h);
void box_host_leave(struct box_host *h); // at a stop: remove our cgroup, if no box is in it
const char *box_host_cgroup_kind(const struct box_host *h); // "v1", "v2" or "hybrid"

struct box_spec {
    const char *id;  // [a-z0-9_]; names the cgroup
    const char *dir; // id under dirs/, or "" for an upper in memory
    int dir_fd;      // or a directory of the caller to show at /workspace (command line); -1
    uint32_t dir_uid, dir_gid; // who inside its owner is
    // With dir_fd: a user namespace whose maps say whose files are whose, for ids from `base` on.
    int (*dir_idmap)(const struct box_spec *s, uint32_t base, struct err *e);
    const char *layers; // lowest first, ':' between; "" only with host_usr
    const char *strata; // what dir stands on, highest first, ':' between: box_start finds them
    bool host_usr;
    const char *profile;
    enum net_mode network;
    const char *mirror; // "" for none
    bool mirror_write, files_read_only;
    const char *hostname; // "" gives "pinfold"
    struct limits limits; // narrows the profile's
};
// A running sandbox.
struct box {
    char id[ID_MAX];
    char profile[NAME_MAX_LEN + 1];
    char dir[ID_MAX]; // whose disk it holds, or ""
    pid_t pid;
    int pidfd;      // init
    int control_fd; // init's socket, to give away: a box whose socket is closed is orphaned
    uint32_t uid_base;
    char address[48];
    struct box_groups *groups;
    bool listens; // may have what box_net_fds gives
    bool adopted; // taken up from an earlier process: not our child, no control_fd
};
int box_cgroup_fd(const struct box *b); // the v2 directory; the caller's
// Another end of its init's socket, for a box whose socket nobody holds any more; -1 when somebody
// does. The caller's.
int box_control(const struct box *b);
// Copies of what listens inside with NET_LIST: their number, 0 without; close them.
size_t box_net_fds(const struct box *b, int fds[NET_SOCK_N]);
// On failure step names the step of the set-up ("mount", ...), nothing is left behind.
int box_start(struct box_host *h, const struct box_spec *s, struct box *ret, char step[32],
              struct err *e);
// The same in two halves, so that several can be on their way: begin returns what is being started,
// or NULL; its descriptor can be read once finish will not wait. finish gives it back, whatever
// comes: drop what is left of it when who waits for the box has been told. abort ends it instead.
struct box_start;
#define BOX_START_MS 10000 // a loaded machine with cold caches took under one second
struct box_start *box_start_begin(struct box_host *h, const struct box_spec *s, char step[32],
                                  struct err *e);
int box_start_fd(const struct box_start *s); // borrowed
int box_start_finish(struct box_start *s, struct box *ret, char step[32], struct err *e);
void box_start_abort(struct box_start *s); // after finish: only frees
void box_start_close(struct box_start *s); // in a child of the caller's: its copies
// Kill everything in it; harmless on one that is dead.
void box_kill(struct box_host *h, struct box *b);
// After pidfd is readable: reap init, remove the groups, close everything in *b.
void box_reap(struct box_host *h, struct box *b, int *ret_status, uint64_t *ret_oom_kills);
// So that a box outlives this process: a record of it, which goes with its groups.
int box_record(const struct box *b, struct err *e);
void box_rest(struct box *b); // then: keep no more of it open than its pidfd, since each clone pays
// At a start: take up the boxes that an earlier process of this group recorded and that still
// live (on_box gets each, to copy), end and remove everything else of that life.
int box_recover(struct box_host *h, void (*on_box)(void *arg, const struct box *b), void *arg,
                struct err *e);
// For callers of one sandbox each that share a group: remove what killed ones left of theirs, once it
// is older than a start may take.
void box_sweep(struct box_host *h);
struct box_stat {
    uint64_t memory_bytes, memory_peak_bytes, cpu_us, oom_kills, pids, pids_refused;
    struct limits limits; // as set
};
int box_stat(struct box_host *h, const struct box *b, struct box_stat *ret, struct err *e);

// Directories and layers, by id; each blocks, so the launcher calls the long ones in a child.
// disk_bytes 0: on the state's own file system, without a limit of its own.
int box_dir_create(struct box_host *h, const char *dir, uint64_t disk_bytes, uint64_t inodes,
                   struct err *e);
int box_dir_delete(struct box_host *h, const char *dir, struct err *e);
// Takes constant time, unless the directory has a disk of its own, which is copied. `from` goes on
// with the same content; no sandbox may use either. replace: `to` exists and becomes the copy.
int box_dir_copy(struct box_host *h, const char *from, const char *to, bool replace, struct err *e);
int box_trash_old(struct box_host *h, struct err *e); // remove what copies replaced
int box_layer_commit(struct box_host *h, const char *dir, bool from_files, const char *layer,
                     struct err *e);
// For a process that uses a layer beside a server: as long as the descriptor is open it does not go.
int box_layer_hold(const struct box_host *h, const char *layer, struct err *e);
// ERR_BUSY while another process holds it.
int box_layer_delete(struct box_host *h, const char *layer, struct err *e);
int box_layers_fd(const struct box_host *h); // borrowed
int box_mirror_create(struct box_host *h, const char *mirror, struct err *e);
int box_mirror_delete(struct box_host *h, const char *mirror, struct err *e);
// What a layer or a mirror takes of the disk, each file once. Changes the working directory: for a
// child.
int box_layer_use(struct box_host *h, const char *layer, uint64_t *ret_bytes, struct err *e);
int box_mirror_use(struct box_host *h, const char *mirror, uint64_t *ret_bytes, struct err *e);
bool box_dir_in_use(const struct box_host *h, const char *dir); // of those with a disk
bool layer_name_ok(const char *s);

// The plan as text, a step a line, for `pinfold profile plan` and tests. Pure.
struct buf;
int box_plan_print(const struct box_spec *s, const struct profile *p, struct buf *out,
                   struct err *e);
