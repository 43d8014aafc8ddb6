// SPDX-License-Identifier: Apache-2.0
// Private to the room box.
#pragma once
#include <dirent.h>
#include <pinfold/box.h>
#include <pinfold/init_start.h>
#include <pinfold/list.h>
#include <pinfold/stage.h>
#include <pinfold/strata.h>
#include <stdint.h>

// --- the plan ------------------------------------------------------------------------------

#define RESOLV_FILE "resolv.conf"          // beneath the state directory, when NameServers= is set
#define RESOLV_INSIDE "resolv.inside.conf" // there too, for NET_LIST
#define LAYER_HOST "host"                  // the skeleton under the host's /usr
int plan_make(const struct box_spec *s, const struct profile *p, const char *repo_roots,
              struct plan *ret, struct err *e);

// --- cgroups ---------------------------------------------------------------------------------

struct cgroups;    // the layout, found once
struct box_groups; // one box's groups
struct cgroups *cgroups_open(const char *group, struct err *e);
// Groups of an earlier life: name those to keep, then remove the others, killing what is in them.
DIR *cgroups_list(const struct cgroups *c);
void cgroups_keep(struct cgroups *c, const char *id);
void cgroups_remove_leftovers(struct cgroups *c);
// Where many have groups side by side: those that nobody lives in and no start can be about to use.
void cgroups_remove_empty(struct cgroups *c);
void cgroups_leave(struct cgroups *c, const char *group); // removes our own, when it is empty
void cgroups_free(struct cgroups *c);
const char *cgroups_kind(const struct cgroups *c);
// Before the clone: make the groups with their limits; the v2 one is cloned into.
struct box_groups *groups_make(struct cgroups *c, const char *id, const struct limits *l,
                               uint32_t uid_base, struct err *e);
// The groups of a box that an earlier process made with these limits; NULL unless pid is in them.
// What a box's group is marked with for a later process.
int groups_record(const struct box_groups *g, const void *p, size_t n, struct err *e);
bool cgroups_record(const struct cgroups *c, const char *id, void *p, size_t n);
struct box_groups *groups_reopen(struct cgroups *c, const char *id, pid_t pid,
                                 const struct limits *l);
const struct limits *groups_limits(const struct box_groups *g);
int groups_v2_fd(const struct box_groups *g);   // the delegated directory; of one that starts
int groups_open_v2(const struct box_groups *g); // the same of any; the caller's
void groups_rest(struct box_groups *g);
// What cannot be cloned into: files through which the child joins by writing 0; -1 where there is
// none. The caller's.
#define JOIN_MAX 3
int groups_join_fds(const struct box_groups *g, int fds[JOIN_MAX], struct err *e);
// Descriptors for init: counters and delegated v1 directories; -1 where there is none.
int groups_init_fds(struct box_groups *g, int fds[INIT_FD_END], struct init_start *st,
                    struct err *e);
void groups_kill(struct box_groups *g);
uint64_t groups_oom_kills(const struct box_groups *g);
int groups_stat(struct box_groups *g, struct box_stat *ret, struct err *e);
void groups_remove(struct box_groups *g); // all members are dead; frees g

// --- id ranges, network, trees -----------------------------------------------------------------

// Take a free range: *ret_fd holds its lock, its number is the result, or -1.
int range_take(struct box_host *h, int *ret_fd, struct err *e);
int range_lock(uint32_t slot); // the lock of one, or -1 when it is in use
struct net;
struct net *net_new(const char *pool, struct err *e);
void net_free(struct net *n);
int net_attach(struct net *n, unsigned slot, pid_t pid, char address[48], struct err *e);
void net_sweep(uint32_t n_ranges); // remove the pairs of ranges that nobody holds
int skeleton_make(int layers_fd, int trash_fd, struct err *e);

struct strata_place strata_place(const struct box_host *h);
int box_trash_empty(struct box_host *h, struct err *e); // finish removals
int dir_parts_make(int fd, struct err *e);              // upper, work and files of a directory

// --- disks: directories with a hard limit --------------------------------------------------------

void disks_init(struct box_host *h);
int disk_make(struct box_host *h, int dir_fd, uint64_t bytes, uint64_t inodes, struct err *e);
// *ret_fd: the shared mount, borrowed, or -1 when the directory has no disk of its own.
int disk_use(struct box_host *h, const char *dir, int dir_fd, int *ret_fd, struct err *e);
void disk_unuse(struct box_host *h, const char *dir);
// Take up the mount that the box of pid shows at /workspace.
int disk_reopen(struct box_host *h, const char *dir, pid_t pid);
// Of a directory that no box uses. 0 done, 1 there is no disk to copy, -1.
int disk_copy(int src_fd, int dst_fd, struct err *e);

struct box_host {
    struct box_host_conf conf;
    int layers_fd, dirs_fd, strata_fd, mirrors_fd, trash_fd;
    int ranges_fd; // -1: not opened yet
    int init_fd, tool_fd, git_fd;
    int *filter_fds; // a sealed memfd for each profile
    struct cgroups *cgroups;
    struct net *net;   // made at the first use
    struct list disks; // mounted ones
};
