// SPDX-License-Identifier: Apache-2.0
// Workspaces: a root (image or host), a /workspace with perhaps a repository in it, limits,
// environment, network, init script. Its sandbox starts at the first exec and stops when idle.
#pragma once
#include <pinfold/core.h>

enum workspace_status {
    WS_PENDING, // wants a build, or its repository is being cloned
    WS_BUILDING,
    WS_READY,
    WS_ERROR, // `error` says what was wrong; build or rerun-init may cure it
    WS_DELETING,
    WS_N
};
const char *workspace_status_name(enum workspace_status s);

struct workspace {
    char id[ID_MAX];             // ws_...
    char name[NAME_MAX_LEN + 1]; // unique; the id without one
    char image[NAME_MAX_LEN + 1];
    char profile[NAME_MAX_LEN + 1];
    enum net_mode network;
    const char *const *allow; // its rules as asked for; never NULL
    bool learn;
    struct limits limits;            // as asked for; 0: as the profile says
    struct limits limits_effective;  // what the sandbox gets
    const char *repo_url, *repo_ref; // as asked for; "" for none; never a credential
    char repo_commit[72];            // what was checked out; "" before
    const char *const *env;          // NAME=value, NULL-terminated; never NULL
    const char *const *labels;       // the same shape: free for API dialects and users
    const char *init_script;         // "" for none
    uint32_t submodules;             // bits: 1 of the one repository, 1 << i of the i-th of several
    enum workspace_status status;
    uint64_t created_ms, updated_ms, status_ms; // wall clock; status_ms: in this state since
    uint64_t used_ms;                           // last exec started or ended; 0 never
    char error[200];                            // one sentence when status is WS_ERROR, else ""
    char build[ID_MAX];                         // its last build; "" for none
    char forked_from[ID_MAX];
    char run[ID_MAX]; // whose it is: not listed, and deleted with that run; "" for none
    bool busy;        // a clone, build, init script, fork or deletion runs now
    bool alive;       // its sandbox runs
    uint32_t execs_running;
    int init_exit_code; // of the last init script run; -1 none yet or not by exit
    uint64_t init_ms;   // when that ended; 0 never
};

#define WS_ENV_MAX 256            // variables
#define WS_ENV_BYTES (128 * 1024) // together
#define WS_LABELS_MAX 64
#define WS_LABELS_BYTES (16 * 1024)
#define WS_SCRIPT_BYTES (256 * 1024)
#define WS_URL_BYTES 2048
#define WS_REF_BYTES 256

// NULL and 0 mean "not given". Everything is borrowed for the call.
struct workspace_spec {
    const char *name, *image, *profile;
    const char *repo_url, *repo_ref;
    const char *repo_user, *repo_password; // for this clone only; kept in memory, then wiped
    // Of a run, instead of the one: url, ref, directory and "" of each, NULL at the end; or NULL.
    const char *const *repos;
    uint32_t submodules; // bits: 1 of the one repository, 1 << i of the i-th of several
    bool network_given;
    enum net_mode network;
    const char *const *allow;   // rules of mode allow-list, NULL-terminated; NULL: the profile's
    const char *const *secrets; // names of those it may use, NULL-terminated or NULL
    const char *provider;       // that it may use, NULL for none
    bool learn;
    const char *const *env;    // NULL-terminated or NULL
    const char *const *labels; // NULL-terminated or NULL
    const char *init_script;
    struct limits limits;
    const char *run;         // core's own
    const char *const *keep; // core's own: a list whose secrets are known
    bool build;              // start a build right after creation (dialects whose create builds)
};
// on_done once it is recorded; result: struct workspace *. It may still be pending: see
// core_workspace_wait. Cancelling leaves the workspace.
int core_workspace_create(struct core *c, const struct workspace_spec *spec, struct waiter *w,
                          struct err *e);
// By id or by name. NULL with ERR_NOT_FOUND.
struct workspace *core_workspace_find(struct core *c, const char *ref, struct err *e);
// Oldest first, those after the one with id `after` ("" from the start; an id that is gone works).
// Fills up to max, returns how many; *ret_more: there are others behind.
size_t core_workspace_list(struct core *c, const char *after, struct workspace **ret, size_t max,
                           bool *ret_more);
// on_done when nothing is in progress for it (not busy) or after ms; result: struct workspace *,
// or ERR_GONE when it was deleted meanwhile. Being in WS_ERROR is not an error of the wait.
int core_workspace_wait(struct core *c, struct workspace *ws, uint64_t ms, struct waiter *w,
                        struct err *e);

struct workspace_patch {
    const char *name, *profile, *init_script; // NULL: as it is
    const char *image;                        // only while no build succeeded and no exec ran
    const char *const *env;                   // replaces all; NULL: as it is
    const char *const *labels;                // replaces all
    bool network_given, learn_given, limits_given;
    enum net_mode network;
    const char *const *allow;   // replaces all but the secrets
    const char *const *secrets; // replaces all
    bool learn;
    struct limits limits; // members of 0 stay as they are
};
// result: struct workspace *. Rules of an allow-list take hold at once, and end what they no longer
// allow. Limits, network mode and profile take hold when the sandbox starts next
// (at once when it is idle: it is stopped); env at the next exec.
int core_workspace_patch(struct core *c, struct workspace *ws, const struct workspace_patch *p,
                         struct waiter *w, struct err *e);
// Ends its execs (cancelled), its sandbox and its files; on_done when nothing is left. Cancelling
// the waiter does not stop the deletion. A second call waits for the same end.
int core_workspace_delete(struct core *c, struct workspace *ws, struct waiter *w, struct err *e);
struct fork_spec {
    const char *name;     // of the copy; NULL: its id
    const char *snapshot; // of the workspace, to copy instead, by id or name; NULL
};
// A copy with everything but execs and snapshots. Refused with ERR_CONFLICT while execs run in it,
// unless of a snapshot. result: the new struct workspace *, ready.
int core_workspace_fork(struct core *c, struct workspace *ws, const struct fork_spec *spec,
                        struct waiter *w, struct err *e);
// Stop the sandbox now (it starts again by itself). ERR_CONFLICT while execs run.
int core_workspace_stop(struct core *c, struct workspace *ws, struct waiter *w, struct err *e);
// Run the init script again over the workspace as it is. on_done when it has ended: result:
// struct workspace *, with init_exit_code and status. Cancelling leaves it running. ERR_CONFLICT
// without a script, while execs run, or while it is busy. Its log: core_init_log_* in core_exec.h.
int core_workspace_rerun_init(struct core *c, struct workspace *ws, struct waiter *w,
                              struct err *e);
// How it starts with nothing left of what was done in it, keeping id, name and settings: used by
// build with rebuild. Its /workspace is cloned anew.
