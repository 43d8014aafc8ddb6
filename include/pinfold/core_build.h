// SPDX-License-Identifier: Apache-2.0
// Builds: making an image's layers, then, for a workspace, cloning its repository and running its
// init script. A layer that exists is not made again; of two builds that want the same one, the
// second waits for the first.
#pragma once
#include <pinfold/core.h>

struct workspace;
struct follower;
struct output_read;

enum build_status {
    BUILD_QUEUED,
    BUILD_RUNNING,
    BUILD_SUCCEEDED,
    BUILD_FAILED,
    BUILD_CANCELLED,
    BUILD_LOST,
    BUILD_N
};
const char *build_status_name(enum build_status s);

struct build {
    char id[ID_MAX];        // bld_...
    char workspace[ID_MAX]; // "" for a build of an image alone
    char image[NAME_MAX_LEN + 1];
    bool rebuild;
    enum build_status status;
    unsigned n_steps, step; // of those that make a layer, clone or run a script; step: 1-based
    unsigned n_cached;      // how many needed nothing
    char doing[80];         // what it does now: "packages build-essential"
    uint64_t created_ms, started_ms, ended_ms;
    uint64_t log_total, log_kept; // bytes
    struct outcome end;           // of the step that failed
    char error[200];              // one sentence when it failed
};

// Build a workspace's root: with rebuild its upper layer is thrown away and its repository cloned
// anew (ERR_CONFLICT while execs run in it). on_done once recorded, result: struct build *;
// core_build_wait for its end. Cancelling the waiter leaves the build.
int core_build_start(struct core *c, struct workspace *ws, bool rebuild, struct waiter *w,
                     struct err *e);
// Build an image's layers for later workspaces.
int core_image_build(struct core *c, const char *image, bool rebuild, struct waiter *w,
                     struct err *e);
struct build *core_build_find(struct core *c, const char *id, struct err *e);
// Newest first, as core_exec_list. workspace "": all.
size_t core_build_list(struct core *c, const char *workspace, const char *after, struct build **ret,
                       size_t max, bool *ret_more);
// on_done at its end or after ms; result: struct build *.
int core_build_wait(struct core *c, struct build *b, uint64_t ms, struct waiter *w, struct err *e);
int core_build_cancel(struct core *c, struct build *b, struct err *e);
// Its log, one stream (EXEC_STDOUT).
int core_build_log_read(struct core *c, struct build *b, struct output_read *r, struct err *e);
int core_build_log_follow(struct core *c, struct build *b, struct follower *f, struct err *e);

// What there is to build on.
struct image_info {
    const struct image *image;  // name, description, base, release, steps
    unsigned n_layers, n_built; // equal: a workspace on it starts without building
    bool ready;
    char build[ID_MAX]; // one that runs now; "" for none
};
unsigned core_n_images(const struct core *c);
void core_image_at(const struct core *c, unsigned i, struct image_info *ret);
int core_image_find(const struct core *c, const char *name, struct image_info *ret, struct err *e);
