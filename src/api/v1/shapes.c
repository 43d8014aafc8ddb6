// SPDX-License-Identifier: Apache-2.0
// How workspaces, execs, builds and the rest are shown.
#include "v1_int.h"

#include <pinfold/core_repo.h>
#include <pinfold/core_snapshot.h>
#include <pinfold/image.h>
#include <pinfold/profile.h>
#include <stdio.h>

#define SHAPE(var, title)                                                                          \
    const struct json_shape v1_##var##_shape = {title, var##_rows, N_ELEMS(var##_rows)}

static const struct json_show limits_rows[] = {
    JSON_SHOW(struct limits, memory_bytes, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, pids, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, cpu_percent, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, disk_bytes, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, inodes, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, output_bytes, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, open_files, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    JSON_SHOW(struct limits, wall_ms, SHOW_U64, .flags = SHOW_EMPTY_NULL),
};
SHAPE(limits, "Limits");

// --- workspaces -----------------------------------------------------------------------------

static const char *ws_word(uint32_t v)
{
    return workspace_status_name((enum workspace_status)v);
}
static const char *net_word(uint32_t v)
{
    return net_mode_name((enum net_mode)v);
}

static void write_repository(struct json_out *o, const char *name, const void *at)
{
    const struct workspace *ws = at;
    if (!*ws->repo_url) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_str(o, "url", ws->repo_url);
    json_str(o, "ref", *ws->repo_ref ? ws->repo_ref : NULL);
    json_str(o, "commit", *ws->repo_commit ? ws->repo_commit : NULL);
    json_bool(o, "submodules", ws->submodules & 1);
    json_end(o);
}

static void write_network(struct json_out *o, const char *name, const void *at)
{
    const struct workspace *ws = at;
    json_begin(o, name);
    json_str(o, "mode", net_mode_name(ws->network));
    json_begin_array(o, "allow");
    for (const char *const *a = ws->allow; *a; a++)
        json_str(o, NULL, *a);
    json_end_array(o);
    json_end(o);
}

static const struct json_show checkout_rows[] = {
    {.name = "url", .type = SHOW_STRING},
    {.name = "ref", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "commit", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "submodules", .type = SHOW_BOOL},
};
static const struct json_shape checkout_shape = {"Checkout", checkout_rows, N_ELEMS(checkout_rows)};
static const struct json_show network_rows[] = {
    {.name = "mode", .type = SHOW_WORD, .word = net_word, .n_words = NET_HOST},
    {.name = "allow", .type = SHOW_STRINGS},
};
static const struct json_shape network_shape = {"Network", network_rows, N_ELEMS(network_rows)};

#define WS(m, t, ...) JSON_SHOW(struct workspace, m, t, ##__VA_ARGS__)
#define WS_AS(m, n, t, ...) JSON_SHOW_AS(struct workspace, m, n, t, ##__VA_ARGS__)
static const struct json_show workspace_rows[] = {
    WS(id, SHOW_CHARS),
    WS(name, SHOW_CHARS, .doc = "unique; the id when none was given"),
    WS(status, SHOW_WORD, .word = ws_word, .n_words = WS_N),
    WS(error, SHOW_CHARS, .flags = SHOW_EMPTY_NULL,
       .doc = "what was wrong, in one sentence, when status is error"),
    WS(image, SHOW_CHARS),
    WS(profile, SHOW_CHARS),
    {.name = "repository",
     .type = SHOW_CALL,
     .call = write_repository,
     .sub = &checkout_shape,
     .flags = SHOW_EMPTY_NULL},
    {.name = "network", .type = SHOW_CALL, .call = write_network, .sub = &network_shape},
    WS(env, SHOW_ENV),
    WS(labels, SHOW_ENV),
    WS(init_script, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    WS(limits, SHOW_OBJECT, .sub = &v1_limits_shape, .doc = "as asked for"),
    WS(limits_effective, SHOW_OBJECT, .sub = &v1_limits_shape, .doc = "what the sandbox gets"),
    WS_AS(build, "build_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL, .doc = "its last build"),
    WS(forked_from, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    WS(busy, SHOW_BOOL, .doc = "a clone, build, init script, fork or deletion runs now"),
    WS(alive, SHOW_BOOL, .doc = "its sandbox runs; it starts by itself when it is needed"),
    WS(execs_running, SHOW_U32),
    WS(init_exit_code, SHOW_I32, .flags = SHOW_EMPTY_NULL,
       .doc = "of the last run of the init script"),
    WS_AS(init_ms, "init_ended_at", SHOW_TIME),
    WS_AS(created_ms, "created_at", SHOW_TIME),
    WS_AS(updated_ms, "updated_at", SHOW_TIME),
    WS_AS(status_ms, "status_since", SHOW_TIME),
    WS_AS(used_ms, "last_used_at", SHOW_TIME),
};
SHAPE(workspace, "Workspace");

// --- execs ----------------------------------------------------------------------------------

static const char *exec_word(uint32_t v)
{
    return exec_status_name((enum exec_status)v);
}

void v1_exec_view_of(const struct exec *x, struct exec_view *v)
{
    *v = (struct exec_view){
        .x = x,
        .id = x->id,
        .workspace = x->workspace,
        .image = x->image,
        .profile = x->profile,
        .command = x->command,
        .argv = x->argv,
        .cwd = x->cwd,
        .user = x->user,
        .detail = "",
        .tty = x->tty,
        .background = x->background,
        .stdin_open = x->stdin_open,
        .status = x->status,
        .created_ms = x->created_ms,
        .started_ms = x->started_ms,
        .ended_ms = x->ended_ms,
        .timeout_ms = x->timeout_ms,
        .exit_code = -1,
        .stdout_bytes = x->out[EXEC_STDOUT].total,
        .stderr_bytes = x->out[EXEC_STDERR].total,
        .truncated = {x->out[EXEC_STDOUT].truncated, x->out[EXEC_STDERR].truncated},
    };
    if (x->status != EXEC_ENDED)
        return;
    v->reason = end_reason_name(x->end.reason);
    v->detail = x->end.detail;
    v->exit_code = x->end.exit_code;
    v->signal = x->end.signal ? signal_name(x->end.signal) : NULL;
    v->signal_number = (uint32_t)x->end.signal;
    v->timed_out = x->end.timed_out;
    v->oom_killed = x->end.oom_killed;
    v->duration_ms = x->end.duration_ms;
    v->cpu_ms = x->end.cpu_us / 1000;
    v->max_memory_bytes = x->end.max_memory_bytes;
}

static const struct json_show truncated_rows[] = {
    JSON_SHOW_AS(struct exec_truncated, out, "stdout", SHOW_BOOL),
    JSON_SHOW_AS(struct exec_truncated, err, "stderr", SHOW_BOOL),
};
static const struct json_shape truncated_shape = {"Truncated", truncated_rows,
                                                  N_ELEMS(truncated_rows)};

#define EX(m, t, ...) JSON_SHOW(struct exec_view, m, t, ##__VA_ARGS__)
#define EX_AS(m, n, t, ...) JSON_SHOW_AS(struct exec_view, m, n, t, ##__VA_ARGS__)
static const struct json_show exec_rows[] = {
    EX(id, SHOW_STRING),
    EX_AS(workspace, "workspace_id", SHOW_STRING, .flags = SHOW_EMPTY_NULL,
          .doc = "null: it ran in a fresh sandbox"),
    EX(status, SHOW_WORD, .word = exec_word, .n_words = EXEC_STATUS_N),
    EX(reason, SHOW_STRING, .flags = SHOW_EMPTY_NULL,
       .doc =
           "how it ended: exited, signaled, timed_out, oom, pids_limit, disk_full, output_limit, "
           "cancelled, lost, start_failed"),
    EX(exit_code, SHOW_I32, .flags = SHOW_EMPTY_NULL, .doc = "null unless it exited"),
    EX(signal, SHOW_STRING, .flags = SHOW_EMPTY_NULL, .doc = "name of the signal that ended it"),
    EX(signal_number, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    EX(detail, SHOW_STRING, .flags = SHOW_EMPTY_NULL,
       .doc = "one sentence about its end; with start_failed the step that failed"),
    EX(timed_out, SHOW_BOOL),
    EX(oom_killed, SHOW_BOOL),
    EX(truncated, SHOW_OBJECT, .sub = &truncated_shape,
       .doc = "the stream is longer than what is shown or kept"),
    EX(duration_ms, SHOW_U64),
    EX(cpu_ms, SHOW_U64),
    EX(max_memory_bytes, SHOW_U64),
    EX(stdout_bytes, SHOW_U64, .doc = "all that was written, kept or not"),
    EX(stderr_bytes, SHOW_U64),
    EX(command, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    EX(argv, SHOW_STRINGS, .flags = SHOW_EMPTY_NULL),
    EX(cwd, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    EX(user, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    EX(image, SHOW_STRING),
    EX(profile, SHOW_STRING),
    EX(tty, SHOW_BOOL),
    EX(background, SHOW_BOOL),
    EX(stdin_open, SHOW_BOOL, .doc = "more input can be written"),
    EX(timeout_ms, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    EX_AS(created_ms, "created_at", SHOW_TIME),
    EX_AS(started_ms, "started_at", SHOW_TIME),
    EX_AS(ended_ms, "ended_at", SHOW_TIME),
};
SHAPE(exec, "Exec");

// --- builds and images ----------------------------------------------------------------------

static const char *build_word(uint32_t v)
{
    return build_status_name((enum build_status)v);
}

#define BD(m, t, ...) JSON_SHOW(struct build, m, t, ##__VA_ARGS__)
#define BD_AS(m, n, t, ...) JSON_SHOW_AS(struct build, m, n, t, ##__VA_ARGS__)
static const struct json_show build_rows[] = {
    BD(id, SHOW_CHARS),
    BD_AS(workspace, "workspace_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    BD(image, SHOW_CHARS),
    BD(rebuild, SHOW_BOOL),
    BD(status, SHOW_WORD, .word = build_word, .n_words = BUILD_N),
    BD(error, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    BD_AS(n_steps, "steps", SHOW_U32),
    BD(step, SHOW_U32),
    BD_AS(n_cached, "steps_cached", SHOW_U32, .doc = "steps that needed nothing to be done"),
    BD(doing, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    BD_AS(log_total, "log_bytes", SHOW_U64),
    BD_AS(created_ms, "created_at", SHOW_TIME),
    BD_AS(started_ms, "started_at", SHOW_TIME),
    BD_AS(ended_ms, "ended_at", SHOW_TIME),
};
SHAPE(build, "Build");

static void write_image_text(struct json_out *o, const char *name, const void *at)
{
    const struct image_info *i = at;
    const char *text = !strcmp(name, "name")          ? i->image->name
                       : !strcmp(name, "description") ? i->image->description
                       : !strcmp(name, "base")        ? image_base_name(i->image->base)
                                                      : i->image->release;
    json_str(o, name, *text ? text : NULL);
}

static void write_steps(struct json_out *o, const char *name, const void *at)
{
    const struct image_info *i = at;
    json_begin_array(o, name);
    for (unsigned s = 0; s < i->image->n_steps; s++) {
        const struct image_step *step = &i->image->steps[s];
        json_begin(o, NULL);
        json_str(o, "kind", image_step_kind_name(step->kind));
        json_str(o, "text", step->text);
        json_str(o, "layer", step->has_layer ? step->key : NULL);
        json_end(o);
    }
    json_end_array(o);
}

static const struct json_show step_rows[] = {
    {.name = "kind", .type = SHOW_STRING},
    {.name = "text", .type = SHOW_STRING},
    {.name = "layer", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
};
static const struct json_shape step_shape = {"ImageStep", step_rows, N_ELEMS(step_rows)};

#define IMAGE_TEXT(n)                                                                              \
    {                                                                                              \
        .name = n, .type = SHOW_CALL, .like = SHOW_STRING, .call = write_image_text,               \
        .flags = SHOW_EMPTY_NULL                                                                   \
    }
static const struct json_show image_rows[] = {
    IMAGE_TEXT("name"),
    IMAGE_TEXT("description"),
    IMAGE_TEXT("base"),
    IMAGE_TEXT("release"),
    JSON_SHOW(struct image_info, ready, SHOW_BOOL, .doc = "needs no building"),
    JSON_SHOW_AS(struct image_info, n_layers, "layers", SHOW_U32),
    JSON_SHOW_AS(struct image_info, n_built, "layers_built", SHOW_U32),
    JSON_SHOW_AS(struct image_info, build, "build_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL,
                 .doc = "a build that runs now"),
    {.name = "steps", .type = SHOW_CALL, .call = write_steps, .sub = &step_shape, .list = true},
};
SHAPE(image, "Image");

// --- profiles, tokens, users, repositories --------------------------------------------------

#define PR(m, t, ...) JSON_SHOW(struct profile, m, t, ##__VA_ARGS__)
static const struct json_show profile_rows[] = {
    PR(name, SHOW_CHARS),
    PR(description, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    PR(extends, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    PR(limits, SHOW_OBJECT, .sub = &v1_limits_shape),
    PR(network, SHOW_WORD, .word = net_word, .n_words = NET_N),
    PR(workspace_read_only, SHOW_BOOL),
    PR(user_namespaces, SHOW_BOOL),
    PR(uid, SHOW_U32),
    PR(gid, SHOW_U32),
};
SHAPE(profile, "Profile");

static void write_scopes(struct json_out *o, const char *name, unsigned scopes)
{
    json_begin_array(o, name);
    for (unsigned bit = SCOPE_READ; bit <= SCOPE_ADMIN; bit <<= 1)
        if (scopes & bit)
            json_str(o, NULL, token_scope_name((enum token_scope)bit));
    json_end_array(o);
}
static void write_token_scopes(struct json_out *o, const char *name, const void *at)
{
    write_scopes(o, name, ((const struct token *)at)->scopes);
}
static void write_user_scopes(struct json_out *o, const char *name, const void *at)
{
    write_scopes(o, name, ((const struct user *)at)->scopes);
}

static const struct json_show snapshot_rows[] = {
    JSON_SHOW(struct snapshot, id, SHOW_CHARS),
    JSON_SHOW(struct snapshot, name, SHOW_CHARS),
    JSON_SHOW(struct snapshot, workspace, SHOW_CHARS),
    JSON_SHOW(struct snapshot, image, SHOW_CHARS),
    JSON_SHOW_AS(struct snapshot, created_ms, "created_at", SHOW_TIME),
};
SHAPE(snapshot, "Snapshot");

static const struct json_show token_rows[] = {
    JSON_SHOW(struct token, id, SHOW_CHARS),
    JSON_SHOW(struct token, name, SHOW_CHARS),
    {.name = "scopes", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_token_scopes},
    JSON_SHOW_AS(struct token, created_ms, "created_at", SHOW_TIME),
    JSON_SHOW_AS(struct token, expires_ms, "expires_at", SHOW_TIME),
    JSON_SHOW_AS(struct token, used_ms, "last_used_at", SHOW_TIME),
};
SHAPE(token, "Token");

static const struct json_show user_rows[] = {
    JSON_SHOW(struct user, id, SHOW_CHARS),
    JSON_SHOW(struct user, name, SHOW_CHARS),
    {.name = "scopes", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_user_scopes},
    JSON_SHOW(struct user, configured, SHOW_BOOL, .doc = "from the users file"),
    JSON_SHOW_AS(struct user, created_ms, "created_at", SHOW_TIME),
};
SHAPE(user, "User");

static const char *repo_word(uint32_t v)
{
    return repo_status_name((enum repo_status)v);
}
static void write_repo_network(struct json_out *o, const char *name, const void *at)
{
    const struct repository *repo = at;
    if (!repo->allow) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_begin_array(o, "allow");
    for (const char *const *a = repo->allow; *a; a++)
        json_str(o, NULL, *a);
    json_end_array(o);
    json_end(o);
}
static const struct json_show repo_network_rows[] = {
    {.name = "allow", .type = SHOW_STRINGS},
};
static const struct json_shape repo_network_shape = {"RepositoryNetwork", repo_network_rows, 1};
#define RP(m, t, ...) JSON_SHOW(struct repository, m, t, ##__VA_ARGS__)
static const struct json_show repository_rows[] = {
    RP(id, SHOW_CHARS),
    RP(url, SHOW_STRING),
    RP(status, SHOW_WORD, .word = repo_word, .n_words = REPO_N),
    RP(error, SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    RP(bytes, SHOW_U64),
    RP(objects, SHOW_U64),
    RP(workspaces, SHOW_U32),
    {.name = "network",
     .type = SHOW_CALL,
     .sub = &repo_network_shape,
     .flags = SHOW_EMPTY_NULL,
     .call = write_repo_network,
     .doc = "what its workspaces may reach at most; null: no such list"},
    JSON_SHOW_AS(struct repository, created_ms, "created_at", SHOW_TIME),
    JSON_SHOW_AS(struct repository, fetched_ms, "fetched_at", SHOW_TIME),
};
SHAPE(repository, "Repository");
