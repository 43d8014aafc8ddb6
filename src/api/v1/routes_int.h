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
HANDLER(v1_workspaces_create)
HANDLER(v1_workspaces_list)
HANDLER(v1_workspaces_get)
HANDLER(v1_workspaces_patch)
HANDLER(v1_workspaces_delete)
HANDLER(v1_workspaces_fork)
HANDLER(v1_snapshots_create)
HANDLER(v1_snapshots_list)
HANDLER(v1_snapshots_get)
HANDLER(v1_snapshots_delete)
HANDLER(v1_workspaces_restore)
HANDLER(v1_workspaces_stop)
HANDLER(v1_workspaces_build)
HANDLER(v1_workspaces_build_get)
HANDLER(v1_workspaces_build_log)
HANDLER(v1_workspaces_init_log)
HANDLER(v1_workspaces_rerun_init)
HANDLER(v1_workspaces_debug)
HANDLER(v1_network_get)
HANDLER(v1_network_patch)
HANDLER(v1_exec_run)
HANDLER(v1_exec_once)
HANDLER(v1_exec_socket)
HANDLER(v1_terminal_socket)
HANDLER(v1_execs_list)
HANDLER(v1_execs_of_workspace)
HANDLER(v1_execs_get)
HANDLER(v1_execs_wait)
HANDLER(v1_execs_output)
HANDLER(v1_execs_stdout)
HANDLER(v1_execs_stderr)
HANDLER(v1_execs_stdin)
HANDLER(v1_execs_signal)
HANDLER(v1_execs_cancel)
HANDLER(v1_execs_resize)
HANDLER(v1_execs_delete)
HANDLER(v1_files_list)
HANDLER(v1_files_get)
HANDLER(v1_files_put)
HANDLER(v1_files_delete)
HANDLER(v1_files_stat)
HANDLER(v1_files_move)
HANDLER(v1_files_mkdir)
HANDLER(v1_archive_get)
HANDLER(v1_archive_put)
HANDLER(v1_images_list)
HANDLER(v1_images_get)
HANDLER(v1_images_build)
HANDLER(v1_builds_list)
HANDLER(v1_builds_get)
HANDLER(v1_builds_log)
HANDLER(v1_builds_cancel)
HANDLER(v1_runs_create)
HANDLER(v1_runs_list)
HANDLER(v1_runs_get)
HANDLER(v1_runs_cancel)
HANDLER(v1_runs_pause)
HANDLER(v1_runs_continue)
HANDLER(v1_runs_messages)
HANDLER(v1_runs_events)
HANDLER(v1_runs_deliveries)
HANDLER(v1_runs_transcript)
HANDLER(v1_webhooks_secret)
HANDLER(v1_runs_terminal)
HANDLER(v1_runs_recording)
HANDLER(v1_runs_logs)
HANDLER(v1_runs_delete)
HANDLER(v1_runs_hook)
HANDLER(v1_runs_mcp)
HANDLER(v1_runs_interrupt)
HANDLER(v1_approvals_list)
HANDLER(v1_approvals_get)
HANDLER(v1_approvals_answer)
HANDLER(v1_items_create)
HANDLER(v1_items_list)
HANDLER(v1_items_get)
HANDLER(v1_items_patch)
HANDLER(v1_items_delete)
HANDLER(v1_agents_list)
HANDLER(v1_agents_get)
HANDLER(v1_profiles_list)
HANDLER(v1_profiles_get)
HANDLER(v1_repositories_list)
HANDLER(v1_repositories_get)
HANDLER(v1_repositories_fetch)
HANDLER(v1_repositories_patch)
HANDLER(v1_repositories_delete)
HANDLER(v1_tokens_create)
HANDLER(v1_tokens_list)
HANDLER(v1_tokens_get)
HANDLER(v1_tokens_delete)
HANDLER(v1_users_list)
HANDLER(v1_users_put)
HANDLER(v1_users_delete)
HANDLER(v1_secrets_list)
HANDLER(v1_secrets_get)
HANDLER(v1_secrets_put)
HANDLER(v1_secrets_delete)
HANDLER(v1_secrets_rotate)
HANDLER(v1_providers_list)
HANDLER(v1_providers_get)
HANDLER(v1_providers_put)
HANDLER(v1_providers_delete)
HANDLER(v1_system_health)
HANDLER(v1_system_info)
HANDLER(v1_system_stats)
HANDLER(v1_system_metrics)
HANDLER(v1_system_backup)
HANDLER(v1_system_openapi)
#undef HANDLER
extern const struct json_table v1_create_table, v1_patch_table, v1_build_table, v1_fork_table,
    v1_snapshot_table, v1_restore_table, v1_signal_table, v1_stdin_table, v1_resize_table,
    v1_move_table, v1_mkdir_table, v1_token_table, v1_user_table, v1_fetch_table,
    v1_repository_body_table, v1_run_table, v1_continue_table, v1_message_table, v1_interrupt_table,
    v1_answer_table, v1_secret_table, v1_provider_table, v1_project_table, v1_source_table,
    v1_definition_table, v1_task_table;
// Tools (tools.c): as core takes them.
struct run_tool;
extern const struct json_table v1_tool_table;
const struct run_tool *v1_tools(const struct json_objects *in, struct json_pool *pool);
// Sub-agents (subagents.c): as texts, NULL when it is answered; and those of an item, as they are.
extern const struct json_table v1_subagent_table;
const char *const *v1_subagents(struct http_req *r, const struct json_objects *in,
                                struct json_pool *pool);
void v1_write_subagents(struct json_out *o, const char *name, const void *item);
// Runs, for the files that deal with them (runs.c).
struct run;
extern const char *const v1_run_modes[];
struct run *v1_find_run(struct http_req *r); // by params[0]; NULL: finished
// The command of a turn, 0: of this one (output.c). NULL with *e.
struct exec *v1_run_exec(struct http_req *r, const struct run *run, uint64_t turn, struct err *e);
void v1_run_show_or_wait(struct call *c, struct run *run); // when it has come to rest
void v1_run_recorded(struct waiter *w);                    // of a call's waiter: the same
extern const struct json_shape v1_delivery_shape, v1_run_shape, v1_event_shape, v1_agent_shape,
    v1_approval_shape, v1_secret_shape, v1_provider_shape, v1_project_shape, v1_source_shape,
    v1_definition_shape, v1_task_shape, v1_subagent_shape;
