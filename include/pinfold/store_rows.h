// SPDX-License-Identifier: Apache-2.0
// Rows of the database, as they go in and come out: one struct for each table.
#pragma once
#include <pinfold/run.h>
#include <pinfold/run_state.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_blob {
    const void *p;
    size_t len;
};

// Strings in rows are never NULL on the way out; NULL on the way in is written as "". Times are
// wall clock in ms. What numbers (status ...) mean is core's.
struct store_workspace {
    const char *id, *name, *image, *profile;
    uint32_t network;
    struct store_blob allow; // rules, each with its NUL
    bool learn;
    struct limits limits;
    const char *repo_url, *repo_ref, *repo_commit, *mirror;
    uint32_t submodules;
    struct store_blob env, labels; // NAME=value, each with its NUL
    const char *init_script;
    uint32_t status;
    uint64_t created_ms, updated_ms, status_ms, used_ms;
    const char *error, *build, *forked_from;
    int32_t init_exit_code;
    uint64_t init_ms;
    bool built, dir_made; // its image part succeeded once; its directory exists
    const char *run;      // whose it is; "" for a workspace of its own
};
struct store_exec {
    const char *id, *workspace, *image, *profile;
    bool shell;             // argv is one string for /bin/sh
    struct store_blob argv; // each with its NUL
    const char *cwd, *user;
    bool tty, background;
    uint32_t status;
    uint64_t created_ms, started_ms, ended_ms, timeout_ms;
    uint32_t reason;
    int32_t exit_code, signal;
    bool timed_out, oom_killed;
    uint64_t duration_ms, cpu_us, max_memory_bytes;
    const char *detail;
    const char *box; // whose name is not the exec's or the workspace's
    struct store_stream {
        uint64_t total, kept, first;
        bool in_file; // else the kept bytes are in the output table, or none are
    } out[2];
};
struct store_build {
    const char *id, *workspace, *image;
    bool rebuild;
    uint32_t status, n_steps, step, n_cached;
    const char *doing;
    uint64_t created_ms, started_ms, ended_ms, log_total, log_kept;
    uint32_t reason;
    int32_t exit_code, signal;
    const char *detail, *error;
};
struct store_repo {
    const char *id, *mirror, *url;
    uint32_t status;
    uint64_t created_ms, fetched_ms, bytes, objects;
    const char *error;
    bool listed; // has an allow-list
    struct store_blob allow;
};
struct store_token {
    const char *id, *name;
    struct store_blob hash;
    uint32_t scopes;
    uint64_t created_ms, expires_ms, used_ms;
};
struct store_user {
    const char *id, *name, *hash;
    uint32_t scopes;
    uint64_t created_ms;
};
struct store_run {
    const char *id, *agent;
    uint32_t state, reason, priority; // priority: with RUN_PRIORITY_MAX added, so not negative
    const char *prompt, *command;
    struct store_blob argv, env, allow; // each with its NUL
    const char *provider, *model, *effort;
    const char *repo_url, *repo_ref, *repo_commit, *image, *profile;
    uint32_t submodules;
    bool result_cut, usage_known, cost_known;
    uint32_t network;
    struct limits limits;
    uint64_t timeout_ms, silence_ms;
    const char *workspace, *exec, *session, *resumed_from;
    struct store_blob result;
    const char *error;
    int32_t exit_code, signal;
    uint64_t input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_microusd;
    uint64_t created_ms, started_ms, ended_ms, n_events;
    uint32_t mode, turn;
    struct store_blob turns, messages; // execs of earlier turns; what waits to be said
    const char *message;               // of this turn
    struct store_blob repos;           // url, ref, path, commit of each
    uint32_t terminal;                 // rows << 16 | columns; 0: none
    const char *webhook_url;
    bool notify, keep_workspace, guest;
    const char *hook_style, *project, *definition, *task;
    struct run_usage totals;     // of the session
    struct store_blob changes;   // status and path of each, with its NUL
    uint64_t n_changes;          // one more than there are; 0: it is not known
    struct store_blob approvals; // core's own fields of each
    uint64_t approval_ms, max_millusd;
    uint32_t wishes, max_turns;
    struct store_blob skills, commands, tools, agents; // texts of each
};
struct store_snapshot {
    const char *id, *workspace, *name, *image;
    uint64_t created_ms;
    bool made;
};
struct store_checkout {
    const char *id, *mirror, *repo_commit, *branch;
    uint64_t bytes, used_ms;
    uint32_t depth;
    bool made;
};
struct store_item {
    const char *id, *project, *name, *text, *agent;
    uint32_t kind, status;
    struct store_blob labels; // NAME=value, each with its NUL
    struct store_blob agents; // texts of each
    uint64_t created_ms, updated_ms;
};
struct store_delivery {
    const char *id, *run, *body, *error;
    uint32_t event, status, attempts, http_status;
    uint64_t created_ms, next_ms, ended_ms;
};
struct store_secret {
    const char *id; // "secret/NAME", "provider/NAME"
    uint32_t kind;
    const char *base_url, *header, *format;
    struct store_blob hosts, models, sealed; // words, each with its NUL
    uint64_t created_ms, updated_ms;
};
