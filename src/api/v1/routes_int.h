// SPDX-License-Identifier: Apache-2.0
// The table of routes: what its rows hold, its handlers and the bodies it names.
#pragma once
#include "v1_int.h"

struct v1_param {
    const char *name, *type, *doc; // type: "string", "integer", "boolean", "number"
};
struct v1_extra {
    const char *tag;
    int status; // of success
    const struct json_table *body;
    const struct json_shape *answer;
    bool list;             // answer is a page of them
    const char *body_type; // of a raw body, NULL: JSON
    const char *type;      // of the answer when it is not JSON
    const struct v1_param *params;
    bool idempotent; // honours Idempotency-Key
};
bool v1_gate(struct http_req *r); // gate.c
void v1_openapi(struct json_out *o, const char *version);
// Which limit of conf a row's max_body stands for.
enum { BODY_NONE = 0, BODY_JSON = 1, BODY_UPLOAD = 2 };

// --- handlers, by file ------------------------------------------------------------------------

#define HANDLER(name) void name(struct http_req *r);
HANDLER(workspaces_create)
HANDLER(workspaces_list)
HANDLER(workspaces_get)
HANDLER(workspaces_patch)
HANDLER(workspaces_delete)
HANDLER(workspaces_fork)
HANDLER(workspaces_stop)
HANDLER(workspaces_build)
HANDLER(workspaces_build_get)
HANDLER(workspaces_build_log)
HANDLER(workspaces_init_log)
HANDLER(workspaces_rerun_init)
HANDLER(workspaces_debug)
HANDLER(exec_run)
HANDLER(exec_once)
HANDLER(exec_socket)
HANDLER(terminal_socket)
HANDLER(execs_list)
HANDLER(execs_of_workspace)
HANDLER(execs_get)
HANDLER(execs_wait)
HANDLER(execs_output)
HANDLER(execs_stdout)
HANDLER(execs_stderr)
HANDLER(execs_stdin)
HANDLER(execs_signal)
HANDLER(execs_cancel)
HANDLER(execs_resize)
HANDLER(execs_delete)
HANDLER(files_list)
HANDLER(files_get)
HANDLER(files_put)
HANDLER(files_delete)
HANDLER(files_stat)
HANDLER(files_move)
HANDLER(files_mkdir)
HANDLER(archive_get)
HANDLER(archive_put)
HANDLER(images_list)
HANDLER(images_get)
HANDLER(images_build)
HANDLER(builds_list)
HANDLER(builds_get)
HANDLER(builds_log)
HANDLER(builds_cancel)
HANDLER(profiles_list)
HANDLER(profiles_get)
HANDLER(repositories_list)
HANDLER(repositories_get)
HANDLER(repositories_fetch)
HANDLER(repositories_delete)
HANDLER(tokens_create)
HANDLER(tokens_list)
HANDLER(tokens_get)
HANDLER(tokens_delete)
HANDLER(users_list)
HANDLER(users_put)
HANDLER(users_delete)
HANDLER(system_health)
HANDLER(system_info)
HANDLER(system_stats)
HANDLER(system_metrics)
HANDLER(system_openapi)
#undef HANDLER
extern const struct json_table create_table, patch_table, build_table, fork_table, signal_table,
    stdin_table, resize_table, move_table, mkdir_table, token_table, user_table, fetch_table;
