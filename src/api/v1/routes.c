// SPDX-License-Identifier: Apache-2.0
// Every endpoint of /v1, a row each. What a row says is what the router does, what the gate wants
// and what the OpenAPI document tells.
#include "routes_int.h"

#define PARAMS(...)                                                                                \
    (const struct v1_param[])                                                                      \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, NULL, NULL                                                                       \
        }                                                                                          \
    }
#define WAIT                                                                                       \
    {                                                                                              \
        "wait", "number", "seconds to hold the answer until what was begun has ended"              \
    }
#define PAGE                                                                                       \
    {"limit", "integer", "items of one page"},                                                     \
    {                                                                                              \
        "cursor", "string", "next_cursor of the page before"                                       \
    }
#define OFFSET                                                                                     \
    {"offset", "integer", "first byte"}, {"limit", "integer", "bytes at most"},                    \
    {                                                                                              \
        "follow", "boolean", "stay for what comes, as events"                                      \
    }

#define ROW(m, path, fn, scope_, flags_, body_, text, tag_, status_, ...)                          \
    {                                                                                              \
        .method = HTTP_##m, .pattern = path, .handle = fn, .scope = scope_, .flags = flags_,       \
        .max_body = body_, .doc = text, .extra = &(const struct v1_extra)                          \
        {                                                                                          \
            .tag = tag_, .status = status_, ##__VA_ARGS__                                          \
        }                                                                                          \
    }
#define READ(path, fn, text, ...) ROW(GET, path, fn, SCOPE_READ, 0, BODY_NONE, text, __VA_ARGS__)
#define LIVE(path, fn, text, ...)                                                                  \
    ROW(GET, path, fn, SCOPE_READ, HTTP_STREAM, BODY_NONE, text, __VA_ARGS__)
#define DO(m, path, fn, text, ...) ROW(m, path, fn, SCOPE_EXEC, 0, BODY_JSON, text, __VA_ARGS__)
#define ADMIN(m, path, fn, body_, text, ...)                                                       \
    ROW(m, path, fn, SCOPE_ADMIN, 0, body_, text, __VA_ARGS__)
#define SOCKET(path, fn, text, ...)                                                                \
    ROW(GET, path, fn, SCOPE_EXEC, HTTP_WEBSOCKET, BODY_NONE, text, __VA_ARGS__)

#define W "/v1/workspaces"
#define WI W "/{id}"
#define X "/v1/execs"
#define XI X "/{id}"

const struct http_route v1_routes[] = {
    // workspaces
    DO(POST, W, v1_workspaces_create, "Create a workspace.", "workspaces", 201,
       .body = &v1_create_table, .answer = &v1_workspace_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    READ(W, v1_workspaces_list, "List workspaces, oldest first.", "workspaces", 200,
         .answer = &v1_workspace_shape, .list = true,
         .params = PARAMS(PAGE, {"status", "string", "only those in this state"})),
    READ(WI, v1_workspaces_get, "Show a workspace, by id or name.", "workspaces", 200,
         .answer = &v1_workspace_shape, .params = PARAMS(WAIT)),
    DO(PATCH, WI, v1_workspaces_patch, "Change a workspace; members given replace, null removes.",
       "workspaces", 200, .body = &v1_patch_table, .answer = &v1_workspace_shape),
    READ(WI "/network", v1_network_get, "What it may reach, and what it tried.", "workspaces", 200,
         .answer = &v1_network_view_shape),
    DO(PATCH, WI "/network", v1_network_patch,
       "Change what it may reach; rules take hold at once, a mode when its sandbox starts.",
       "workspaces", 200, .body = &v1_network_table, .answer = &v1_network_view_shape),
    DO(DELETE, WI, v1_workspaces_delete, "Delete a workspace with everything in it.", "workspaces",
       204),
    DO(POST, WI "/fork", v1_workspaces_fork,
       "Copy a workspace as it is now. In constant time, unless it has a disk limit of its own.",
       "workspaces", 201, .body = &v1_fork_table, .answer = &v1_workspace_shape,
       .params = PARAMS(WAIT), .idempotent = true),
    DO(POST, WI "/snapshots", v1_snapshots_create,
       "Keep a workspace as it is now. In constant time, unless it has a disk limit of its own.",
       "workspaces", 201, .body = &v1_snapshot_table, .answer = &v1_snapshot_shape,
       .idempotent = true),
    READ(WI "/snapshots", v1_snapshots_list, "List a workspace's snapshots, oldest first.",
         "workspaces", 200, .answer = &v1_snapshot_shape, .list = true),
    READ(WI "/snapshots/{snapshot}", v1_snapshots_get, "Show a snapshot, by id or name.",
         "workspaces", 200, .answer = &v1_snapshot_shape),
    DO(DELETE, WI "/snapshots/{snapshot}", v1_snapshots_delete, "Delete a snapshot.", "workspaces",
       204),
    DO(POST, WI "/restore", v1_workspaces_restore,
       "Go back to a snapshot; force ends the commands that run.", "workspaces", 200,
       .body = &v1_restore_table, .answer = &v1_workspace_shape),
    DO(POST, WI "/stop", v1_workspaces_stop, "Stop its sandbox, which starts again when needed.",
       "workspaces", 204),
    DO(POST, WI "/build", v1_workspaces_build,
       "Build its root, clone its repository, run its script.", "builds", 202,
       .body = &v1_build_table, .answer = &v1_build_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    READ(WI "/build", v1_workspaces_build_get, "Show its last build.", "builds", 200,
         .answer = &v1_build_shape, .params = PARAMS(WAIT)),
    LIVE(WI "/build/log", v1_workspaces_build_log,
         "The log of its last build, live when asked for.", "builds", 200, .type = "text/plain",
         .params = PARAMS(OFFSET)),
    READ(WI "/debug", v1_workspaces_debug, "Everything that helps to see what is wrong in it.",
         "workspaces", 200),
    LIVE(WI "/init-log", v1_workspaces_init_log, "The log of its init script's last run.",
         "workspaces", 200, .type = "text/plain", .params = PARAMS(OFFSET)),
    DO(POST, WI "/rerun-init", v1_workspaces_rerun_init, "Run its init script again.", "workspaces",
       202, .answer = &v1_workspace_shape, .params = PARAMS(WAIT)),

    // execs
    ROW(POST, WI "/exec", v1_exec_run, SCOPE_EXEC, HTTP_STREAM, BODY_UPLOAD,
        "Run a command: collected, or as events when Accept asks for them.", "execs", 200,
        .body = &v1_exec_table, .answer = &v1_exec_shape, .idempotent = true),
    SOCKET(WI "/exec", v1_exec_socket,
           "Run a command with live input: its body first, then input and control events.", "execs",
           101),
    READ(WI "/execs", v1_execs_of_workspace, "List a workspace's execs, newest first.", "execs",
         200, .answer = &v1_exec_shape, .list = true, .params = PARAMS(PAGE)),
    SOCKET(WI "/terminal", v1_terminal_socket, "A terminal: bytes as binary messages.", "execs",
           101,
           .params = PARAMS({"rows", "integer", "height"}, {"cols", "integer", "width"},
                            {"command", "string", "instead of a login shell"},
                            {"cwd", "string", "where it begins"}, {"user", "string", "as whom"},
                            {"detach", "boolean", "go on when the client leaves"},
                            {"exec", "string", "come back to this one"})),
    ROW(POST, "/v1/exec", v1_exec_once, SCOPE_EXEC, HTTP_STREAM, BODY_UPLOAD,
        "Run one command in a fresh sandbox; nothing of it runs when the answer is sent.", "execs",
        200, .body = &v1_once_table, .answer = &v1_exec_shape, .idempotent = true),
    READ(X, v1_execs_list, "List execs of all workspaces, newest first.", "execs", 200,
         .answer = &v1_exec_shape, .list = true, .params = PARAMS(PAGE)),
    READ(XI, v1_execs_get, "Show an exec.", "execs", 200, .answer = &v1_exec_shape,
         .params = PARAMS(WAIT)),
    READ(XI "/wait", v1_execs_wait, "Show an exec when it has ended.", "execs", 200,
         .answer = &v1_exec_shape, .params = PARAMS(WAIT)),
    LIVE(XI "/output", v1_execs_output,
         "Kept output by offset, or replayed and followed as events.", "execs", 200,
         .params = PARAMS(OFFSET, {"stream", "string", "stdout or stderr"},
                          {"stderr_offset", "integer", "of stderr, when following"})),
    READ(XI "/stdout", v1_execs_stdout, "Kept standard output as it is.", "execs", 200,
         .type = "application/octet-stream", .params = PARAMS(OFFSET)),
    READ(XI "/stderr", v1_execs_stderr, "Kept standard error as it is.", "execs", 200,
         .type = "application/octet-stream", .params = PARAMS(OFFSET)),
    ROW(POST, XI "/stdin", v1_execs_stdin, SCOPE_EXEC, 0, BODY_UPLOAD,
        "Write to its standard input: JSON, or the bytes themselves with another content type.",
        "execs", 204, .body = &v1_stdin_table,
        .params = PARAMS({"close", "boolean", "end of file after this"})),
    DO(POST, XI "/signal", v1_execs_signal, "Send a signal to its process group.", "execs", 204,
       .body = &v1_signal_table),
    DO(POST, XI "/cancel", v1_execs_cancel, "Kill everything it started.", "execs", 204),
    DO(POST, XI "/resize", v1_execs_resize, "Change the size of its terminal.", "execs", 204,
       .body = &v1_resize_table),
    DO(DELETE, XI, v1_execs_delete,
       "Forget an exec and its output; one that runs is cancelled first.", "execs", 204),

    // files
    READ(WI "/files", v1_files_list, "List a directory.", "files", 200,
         .params = PARAMS({"path", "string", "relative to /workspace, or absolute inside"},
                          {"depth", "integer", "levels; 1 is the directory's own entries"},
                          {"limit", "integer", "entries at most"},
                          {"after", "string", "next_after of the list before"})),
    READ(WI "/files/*", v1_files_get, "Read a file; ranges and entity tags are honoured.", "files",
         200, .type = "application/octet-stream"),
    ROW(PUT, WI "/files/*", v1_files_put, SCOPE_EXEC, 0, BODY_UPLOAD,
        "Write a file: it is replaced as a whole or not at all.", "files", 200,
        .answer = &v1_entry_shape, .body_type = "application/octet-stream",
        .params = PARAMS({"mode", "string", "octal"},
                         {"parents", "boolean", "make directories above (default)"})),
    DO(DELETE, WI "/files/*", v1_files_delete, "Delete a file or directory.", "files", 204,
       .params = PARAMS({"recursive", "boolean", "a directory with all that is in it"})),
    READ(WI "/stat", v1_files_stat, "Show what is at a path.", "files", 200,
         .answer = &v1_entry_shape,
         .params = PARAMS({"path", "string", "relative to /workspace, or absolute inside"})),
    DO(POST, WI "/move", v1_files_move, "Move or rename.", "files", 200, .body = &v1_move_table,
       .answer = &v1_entry_shape),
    DO(POST, WI "/mkdir", v1_files_mkdir, "Make a directory.", "files", 201,
       .body = &v1_mkdir_table, .answer = &v1_entry_shape),
    READ(WI "/archive", v1_archive_get, "A tar archive of a directory.", "files", 200,
         .type = "application/x-tar",
         .params = PARAMS({"path", "string", "relative to /workspace, or absolute inside"})),
    ROW(PUT, WI "/archive", v1_archive_put, SCOPE_EXEC, 0, BODY_UPLOAD,
        "Unpack a tar archive into a directory.", "files", 200, .body_type = "application/x-tar",
        .params = PARAMS({"path", "string", "relative to /workspace, or absolute inside"},
                         {"parents", "boolean", "make the directory (default)"})),

    // builds, images, profiles, repositories
    READ("/v1/builds", v1_builds_list, "List builds, newest first.", "builds", 200,
         .answer = &v1_build_shape, .list = true,
         .params = PARAMS(PAGE, {"workspace", "string", "only those of this one"})),
    READ("/v1/builds/{id}", v1_builds_get, "Show a build.", "builds", 200,
         .answer = &v1_build_shape, .params = PARAMS(WAIT)),
    LIVE("/v1/builds/{id}/log", v1_builds_log, "Its log, live when asked for.", "builds", 200,
         .type = "text/plain", .params = PARAMS(OFFSET)),
    DO(POST, "/v1/builds/{id}/cancel", v1_builds_cancel, "Stop a build.", "builds", 204),
    READ("/v1/images", v1_images_list, "List images and how much of each is built.", "images", 200,
         .answer = &v1_image_shape, .list = true),
    READ("/v1/images/{name}", v1_images_get, "Show an image and its steps.", "images", 200,
         .answer = &v1_image_shape),
    ADMIN(POST, "/v1/images/{name}/build", v1_images_build, BODY_JSON, "Build an image's layers.",
          "images", 202, .body = &v1_build_table, .answer = &v1_build_shape, .params = PARAMS(WAIT),
          .idempotent = true),

    // runs
    DO(POST, "/v1/runs", v1_runs_create, "Run an agent or a command in a fresh sandbox.", "runs",
       201, .body = &v1_run_table, .answer = &v1_run_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    READ("/v1/runs", v1_runs_list, "List runs, newest first.", "runs", 200, .answer = &v1_run_shape,
         .list = true,
         .params = PARAMS(PAGE, {"status", "string", "only those in this state"},
                          {"agent", "string", "only those of this agent"},
                          {"repository", "string", "only those over this one, as it was given"},
                          {"task", "string", "only those of this one"})),
    READ("/v1/runs/{id}", v1_runs_get, "Show a run, when it has ended if asked for.", "runs", 200,
         .answer = &v1_run_shape, .params = PARAMS(WAIT)),
    DO(POST, "/v1/runs/{id}/cancel", v1_runs_cancel, "End a run and all that it started.", "runs",
       202, .answer = &v1_run_shape, .params = PARAMS(WAIT)),
    DO(POST, "/v1/runs/{id}/pause", v1_runs_pause,
       "Stop a run and keep its session and workspace; what is not committed is in a snapshot.",
       "runs", 202, .answer = &v1_run_shape, .params = PARAMS(WAIT)),
    DO(POST, "/v1/runs/{id}/continue", v1_runs_continue,
       "A further turn of a run that ended or paused, in the same session and workspace.", "runs",
       202, .body = &v1_continue_table, .answer = &v1_run_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    DO(POST, "/v1/runs/{id}/messages", v1_runs_messages,
       "Tell a run something: it waits for the end of the turn, and is the next one.", "runs", 202,
       .body = &v1_message_table, .answer = &v1_run_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    DO(POST, "/v1/runs/{id}/interrupt", v1_runs_interrupt,
       "End the turn that goes on: a run goes on with what it was told, or is paused.", "runs", 202,
       .body = &v1_interrupt_table, .answer = &v1_run_shape, .params = PARAMS(WAIT),
       .idempotent = true),
    ROW(POST, "/v1/runs/{id}/hook", v1_runs_hook, SCOPE_EXEC, HTTP_INSIDE, BODY_JSON,
        "What a hook of its tool was given: an event, or a question, which 202 says to ask again.",
        "runs", 200),
    ROW(POST, "/v1/runs/{id}/mcp", v1_runs_mcp, SCOPE_EXEC, HTTP_INSIDE, BODY_JSON,
        "A request of the Model Context Protocol, for the tools that a run brings.", "runs", 200),
    READ("/v1/approvals", v1_approvals_list, "List what runs ask, newest first.", "runs", 200,
         .answer = &v1_approval_shape, .list = true,
         .params = PARAMS(PAGE, {"run", "string", "only those of this one"},
                          {"status", "string", "only those in this state"})),
    READ("/v1/approvals/{id}", v1_approvals_get, "Show what a run asks.", "runs", 200,
         .answer = &v1_approval_shape),
    DO(POST, "/v1/approvals/{id}/answer", v1_approvals_answer, "Allow it, or not.", "runs", 200,
       .body = &v1_answer_table, .answer = &v1_approval_shape, .idempotent = true),
    ROW(GET, "/v1/runs/{id}/events", v1_runs_events, SCOPE_READ, HTTP_STREAM | HTTP_EITHER,
        BODY_NONE, "Its events: a page, or replayed and then live, as a stream or a WebSocket.",
        "runs", 200, .answer = &v1_event_shape, .list = true,
        .params = PARAMS({"after", "integer", "id of the last event seen"},
                         {"types", "string", "of these types only, separated by commas"},
                         {"contains", "string", "of a page: those whose payload has this text"},
                         {"limit", "integer", "items of one page"})),
    LIVE("/v1/runs/{id}/logs", v1_runs_logs, "What it printed, live when asked for.", "runs", 200,
         .type = "text/plain",
         .params = PARAMS(OFFSET, {"stream", "string", "stdout or stderr"},
                          {"turn", "integer", "of this one instead of the last"},
                          {"contains", "string",
                           "the lines with this text, each behind its offset; as JSON a page of "
                           "offset and text. limit counts them"})),
    READ("/v1/runs/{id}/transcript", v1_runs_transcript,
         "What was said and done in it, as Markdown for persons and agents.", "runs", 200,
         .type = "text/markdown",
         .params = PARAMS({"contains", "string", "only the parts that have this text"})),
    SOCKET(
        "/v1/runs/{id}/terminal", v1_runs_terminal,
        "The terminal of a run that has one: what it showed last, then live, as binary messages.",
        "runs", 101, .params = PARAMS({"view", "boolean", "only look"})),
    READ("/v1/runs/{id}/recording", v1_runs_recording,
         "What its terminal showed, with times, as asciicast version 2.", "runs", 200,
         .type = "application/x-asciicast",
         .params = PARAMS({"turn", "integer", "of this one instead of the last"})),
    READ("/v1/runs/{id}/deliveries", v1_runs_deliveries,
         "What its webhook was told, and how that went.", "runs", 200, .answer = &v1_delivery_shape,
         .list = true),
    ADMIN(GET, "/v1/webhooks/secret", v1_webhooks_secret, BODY_NONE,
          "What deliveries are signed with.", "runs", 200),
    DO(DELETE, "/v1/runs/{id}", v1_runs_delete, "Delete a run that has ended, with all of it.",
       "runs", 204),
// what runs belong to
#define ITEMS(path, one, many, making, one_body, shape)                                            \
    DO(POST, path, v1_items_create, making, "projects", 201, .body = one_body, .answer = shape,    \
       .idempotent = true),                                                                        \
        READ(path, v1_items_list, "List " many ", oldest first.", "projects", 200,                 \
             .answer = shape, .list = true,                                                        \
             .params = PARAMS(PAGE, {"project", "string", "only those of this one"})),             \
        READ(path "/{id}", v1_items_get, "Show " one ".", "projects", 200, .answer = shape),       \
        DO(PATCH, path "/{id}", v1_items_patch, "Change " one "; members given replace.",          \
           "projects", 200, .body = one_body, .answer = shape),                                    \
        DO(DELETE, path "/{id}", v1_items_delete, "Delete " one ".", "projects", 204)
    ITEMS("/v1/projects", "a project", "projects", "Make a project.", &v1_project_table,
          &v1_project_shape),
    ITEMS("/v1/sources", "a project's repository", "projects' repositories",
          "Add a repository to a project.", &v1_source_table, &v1_source_shape),
    ITEMS(
        "/v1/definitions", "a defined agent", "defined agents",
        "Define an agent: a tool with its model and instructions. Runs name its id as their agent.",
        &v1_definition_table, &v1_definition_shape),
    ITEMS("/v1/tasks", "a task", "tasks", "Make a task. It follows the runs that name it.",
          &v1_task_table, &v1_task_shape),
    READ("/v1/agents", v1_agents_list, "List agents.", "runs", 200, .answer = &v1_agent_shape,
         .list = true),
    READ("/v1/agents/{name}", v1_agents_get, "Show an agent.", "runs", 200,
         .answer = &v1_agent_shape),
    READ("/v1/profiles", v1_profiles_list, "List profiles.", "profiles", 200,
         .answer = &v1_profile_shape, .list = true),
    READ("/v1/profiles/{name}", v1_profiles_get, "Show a profile with its whole text.", "profiles",
         200, .answer = &v1_profile_shape),
    READ("/v1/repositories", v1_repositories_list, "List mirrored repositories.", "repositories",
         200, .answer = &v1_repository_shape, .list = true, .params = PARAMS(PAGE)),
    READ("/v1/repositories/{id}", v1_repositories_get, "Show a mirrored repository.",
         "repositories", 200, .answer = &v1_repository_shape),
    DO(POST, "/v1/repositories", v1_repositories_fetch, "Mirror a repository, or fetch it again.",
       "repositories", 200, .body = &v1_fetch_table, .answer = &v1_repository_shape),
    ADMIN(PATCH, "/v1/repositories/{id}", v1_repositories_patch, BODY_JSON,
          "Change what its workspaces may reach at most.", "repositories", 200,
          .body = &v1_repository_body_table, .answer = &v1_repository_shape),
    ADMIN(DELETE, "/v1/repositories/{id}", v1_repositories_delete, BODY_NONE,
          "Delete a mirror that no workspace uses.", "repositories", 204),

    // tokens and users
    ADMIN(POST, "/v1/tokens", v1_tokens_create, BODY_JSON,
          "Make a token, which is shown this once.", "tokens", 201, .body = &v1_token_table,
          .answer = &v1_token_shape),
    ADMIN(GET, "/v1/tokens", v1_tokens_list, BODY_NONE, "List tokens.", "tokens", 200,
          .answer = &v1_token_shape, .list = true, .params = PARAMS(PAGE)),
    READ("/v1/tokens/self", v1_tokens_get, "Show the token of this request.", "tokens", 200,
         .answer = &v1_token_shape),
    ADMIN(GET, "/v1/tokens/{id}", v1_tokens_get, BODY_NONE, "Show a token.", "tokens", 200,
          .answer = &v1_token_shape),
    ADMIN(DELETE, "/v1/tokens/{id}", v1_tokens_delete, BODY_NONE, "Revoke a token.", "tokens", 204),
    ADMIN(GET, "/v1/users", v1_users_list, BODY_NONE, "List users who log in by password.", "users",
          200, .answer = &v1_user_shape, .list = true, .params = PARAMS(PAGE)),
    ADMIN(PUT, "/v1/users/{name}", v1_users_put, BODY_JSON, "Make or change a user.", "users", 200,
          .body = &v1_user_table, .answer = &v1_user_shape),
    ADMIN(DELETE, "/v1/users/{name}", v1_users_delete, BODY_NONE, "Delete a user.", "users", 204),

    // secrets
    READ("/v1/secrets", v1_secrets_list, "List secrets, without their values.", "secrets", 200,
         .answer = &v1_secret_shape, .list = true),
    READ("/v1/secrets/{name}", v1_secrets_get, "Show a secret without its value.", "secrets", 200,
         .answer = &v1_secret_shape),
    ADMIN(
        PUT, "/v1/secrets/{name}", v1_secrets_put, BODY_JSON,
        "Make or replace a secret; sandboxes that name it have it added to requests for its hosts.",
        "secrets", 200, .body = &v1_secret_table, .answer = &v1_secret_shape),
    ADMIN(DELETE, "/v1/secrets/{name}", v1_secrets_delete, BODY_NONE, "Delete a secret.", "secrets",
          204),
    ADMIN(POST, "/v1/secrets/rotate", v1_secrets_rotate, BODY_NONE,
          "Make another key and seal all secrets and providers with it.", "secrets", 204),
    READ("/v1/providers", v1_providers_list, "List providers of models, without their keys.",
         "secrets", 200, .answer = &v1_provider_shape, .list = true),
    READ("/v1/providers/{name}", v1_providers_get, "Show a provider without its key.", "secrets",
         200, .answer = &v1_provider_shape),
    ADMIN(PUT, "/v1/providers/{name}", v1_providers_put, BODY_JSON,
          "Make or replace a provider; runs and workspaces that name it reach it on loopback.",
          "secrets", 200, .body = &v1_provider_table, .answer = &v1_provider_shape),
    ADMIN(DELETE, "/v1/providers/{name}", v1_providers_delete, BODY_NONE, "Delete a provider.",
          "secrets", 204),

    // the server
    ROW(GET, "/v1/health", v1_system_health, 0, HTTP_PUBLIC, BODY_NONE,
        "Whether launcher, database and disk are well; 503 when not.", "system", 200),
    READ("/v1/info", v1_system_info, "What this server is and allows.", "system", 200),
    READ("/v1/stats", v1_system_stats, "Numbers about what goes on.", "system", 200),
    READ("/v1/metrics", v1_system_metrics, "The same for Prometheus.", "system", 200,
         .type = "text/plain"),
    ADMIN(GET, "/v1/backup", v1_system_backup, BODY_NONE,
          "A backup of all records and kept output, as a tar archive.", "system", 200,
          .type = "application/x-tar"),
    READ("/metrics", v1_system_metrics, "The same for Prometheus.", "system", 200,
         .type = "text/plain"),
    ROW(GET, "/v1/openapi.json", v1_system_openapi, 0, HTTP_PUBLIC, BODY_NONE, "This document.",
        "system", 200),
};
const unsigned n_v1_routes = N_ELEMS(v1_routes);
