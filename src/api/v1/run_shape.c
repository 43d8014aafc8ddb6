// SPDX-License-Identifier: Apache-2.0
// Runs as they are shown.
#include "routes_int.h"

#include <pinfold/core_run.h>
#include <string.h>

static const char *state_word(uint32_t v)
{
    return run_state_name((enum run_state)v);
}
static const char *mode_word(uint32_t v)
{
    return run_mode_name((enum run_mode)v);
}
static const char *net_word(uint32_t v)
{
    return net_mode_name((enum net_mode)v);
}

static void write_text(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    const char *reason = run_reason_name(r->reason);
    if (!strcmp(name, "reason"))
        json_str(o, name, *reason ? reason : NULL);
    else if (!strcmp(name, "signal"))
        json_str(o, name, r->signal ? signal_name(r->signal) : NULL);
    else if (!strcmp(name, r->mode == RUN_PLAN ? "plan" : "result") && r->result)
        json_strn(o, name, r->result, r->result_len);
    else
        json_null(o, name);
}

static void write_usage(struct json_out *o, const char *name, const void *at)
{
    const struct run_usage *u = &((const struct run *)at)->usage;
    if (!u->known) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_u64(o, "input_tokens", u->input_tokens);
    json_u64(o, "output_tokens", u->output_tokens);
    json_u64(o, "cached_tokens", u->cached_tokens);
    json_u64(o, "reasoning_tokens", u->reasoning_tokens);
    if (u->cost_known)
        json_f64(o, "cost_usd", (double)u->cost_microusd / 1e6);
    else
        json_null(o, "cost_usd");
    json_end(o);
}

static void write_max_cost(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    if (r->max_millusd)
        json_f64(o, name, (double)r->max_millusd / 1e3);
    else
        json_null(o, name);
}

static void write_terminal(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    if (!r->rows) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_u64(o, "rows", r->rows);
    json_u64(o, "cols", r->cols);
    json_bool(o, "shared", r->shared);
    json_end(o);
}

static void write_repository(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    if (!*r->repo_url) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_str(o, "url", r->repo_url);
    json_str(o, "ref", *r->repo_ref ? r->repo_ref : NULL);
    json_str(o, "commit", *r->repo_commit ? r->repo_commit : NULL);
    json_bool(o, "submodules", r->submodules & 1);
    json_end(o);
}

static void write_repositories(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    json_begin_array(o, name);
    unsigned i = 0;
    for (const char *const *p = r->repos; *p; p += 4, i++) {
        json_begin(o, NULL);
        json_str(o, "url", p[0]);
        json_str(o, "ref", *p[1] ? p[1] : NULL);
        json_str(o, "name", p[2]);
        json_str(o, "commit", *p[3] ? p[3] : NULL);
        json_bool(o, "submodules", r->submodules >> i & 1);
        json_end(o);
    }
    json_end_array(o);
}

static void write_names(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    const struct {
        const char *name;
        const char *const *texts;
        unsigned each; // of texts
    } all[] = {{"skills", r->skills, 2},
               {"commands", r->commands, 2},
               {"tools", r->tools, 5},
               {"agents", r->agents, SUB_TEXTS}};
    json_begin_array(o, name);
    for (unsigned i = 0; i < N_ELEMS(all); i++)
        for (const char *const *p = all[i].texts; !strcmp(all[i].name, name) && *p;
             p += all[i].each)
            json_str(o, NULL, *p);
    json_end_array(o);
}

static void write_changes(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    if (!r->changes_known) {
        json_null(o, name);
        return;
    }
    json_begin_array(o, name);
    for (const char *const *p = r->changes; *p; p++) {
        const char *status = **p == 'A'   ? "added"
                             : **p == 'D' ? "deleted"
                             : **p == 'T' ? "type_changed"
                                          : "modified";
        json_begin(o, NULL);
        json_str(o, "path", *p + 1);
        json_str(o, "status", status);
        json_end(o);
    }
    json_end_array(o);
}

static void write_network(struct json_out *o, const char *name, const void *at)
{
    const struct run *r = at;
    json_begin(o, name);
    json_str(o, "mode", net_mode_name(r->network));
    json_begin_array(o, "allow");
    for (const char *const *rule = r->allow; *rule; rule++)
        json_str(o, NULL, *rule);
    json_end_array(o);
    json_end(o);
}

static const struct json_show usage_rows[] = {
    {.name = "input_tokens", .type = SHOW_U64, .doc = "without what came from the cache"},
    {.name = "output_tokens", .type = SHOW_U64},
    {.name = "cached_tokens", .type = SHOW_U64},
    {.name = "reasoning_tokens", .type = SHOW_U64, .doc = "of the output"},
    {.name = "cost_usd", .type = SHOW_U64, .flags = SHOW_EMPTY_NULL},
};
static const struct json_shape usage_shape = {"Usage", usage_rows, N_ELEMS(usage_rows)};
static const struct json_show worktree_rows[] = {
    {.name = "url", .type = SHOW_STRING},
    {.name = "ref", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "commit", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "submodules", .type = SHOW_BOOL},
};
static const struct json_shape worktree_shape = {"Worktree", worktree_rows, N_ELEMS(worktree_rows)};
static const struct json_show one_of_several_rows[] = {
    {.name = "url", .type = SHOW_STRING},
    {.name = "ref", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "name", .type = SHOW_STRING, .doc = "its directory below /workspace"},
    {.name = "commit", .type = SHOW_STRING, .flags = SHOW_EMPTY_NULL},
    {.name = "submodules", .type = SHOW_BOOL},
};
static const struct json_shape one_of_several_shape = {"OneOfSeveral", one_of_several_rows,
                                                       N_ELEMS(one_of_several_rows)};
static const struct json_show change_rows[] = {
    {.name = "path", .type = SHOW_STRING, .doc = "relative to /workspace"},
    {.name = "status", .type = SHOW_STRING, .doc = "added, modified, deleted or type_changed"},
};
static const struct json_shape change_shape = {"ChangedFile", change_rows, N_ELEMS(change_rows)};
static const struct json_show terminal_rows[] = {
    {.name = "rows", .type = SHOW_U32},
    {.name = "cols", .type = SHOW_U32},
    {.name = "shared", .type = SHOW_BOOL},
};
static const struct json_shape terminal_shape = {"RunTerminal", terminal_rows,
                                                 N_ELEMS(terminal_rows)};
static const struct json_show network_rows[] = {
    {.name = "mode", .type = SHOW_WORD, .word = net_word, .n_words = NET_HOST},
    {.name = "allow", .type = SHOW_STRINGS},
};
static const struct json_shape network_shape = {"RunNetwork", network_rows, N_ELEMS(network_rows)};

#define RN(m, t, ...) JSON_SHOW(struct run, m, t, ##__VA_ARGS__)
#define RN_AS(m, n, t, ...) JSON_SHOW_AS(struct run, m, n, t, ##__VA_ARGS__)
#define RN_TEXT(n, text)                                                                           \
    {                                                                                              \
        .name = n, .type = SHOW_CALL, .like = SHOW_STRING, .call = write_text,                     \
        .flags = SHOW_EMPTY_NULL, .doc = text                                                      \
    }
static const struct json_show run_rows[] = {
    RN(id, SHOW_CHARS),
    RN(agent, SHOW_CHARS),
    RN_AS(state, "status", SHOW_WORD, .word = state_word, .n_words = RUN_STATES),
    RN_TEXT("reason", "why it ended as it did: completed, exited, wall_limit, no_result ..."),
    RN(error, SHOW_CHARS, .flags = SHOW_EMPTY_NULL, .doc = "one sentence when it did not succeed"),
    RN_TEXT("result", "its last word; of a command the end of what it printed"),
    RN_AS(result_cut, "result_truncated", SHOW_BOOL),
    RN_TEXT("plan", "of mode plan, instead of the result"),
    RN(exit_code, SHOW_I32, .flags = SHOW_EMPTY_NULL),
    RN_TEXT("signal", "that ended it"),
    RN_AS(session, "session_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    {.name = "usage",
     .type = SHOW_CALL,
     .call = write_usage,
     .sub = &usage_shape,
     .flags = SHOW_EMPTY_NULL},
    RN(queue_position, SHOW_U32, .flags = SHOW_EMPTY_NULL, .doc = "1: the next"),
    RN(priority, SHOW_I32),
    RN(mode, SHOW_WORD, .word = mode_word, .n_words = RUN_MODES),
    RN(turn, SHOW_U32, .doc = "from 1 on; each continuation and each message is one more"),
    RN_AS(n_said, "messages_waiting", SHOW_U32, .doc = "for the end of the turn"),
    RN(prompt, SHOW_STRING),
    RN(command, SHOW_STRING),
    RN(argv, SHOW_STRINGS, .flags = SHOW_EMPTY_NULL),
    RN(provider, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    RN(model, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    RN(effort, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    {.name = "repository",
     .type = SHOW_CALL,
     .call = write_repository,
     .sub = &worktree_shape,
     .flags = SHOW_EMPTY_NULL},
    {.name = "repositories",
     .type = SHOW_CALL,
     .call = write_repositories,
     .sub = &one_of_several_shape,
     .list = true,
     .doc = "of a run over several"},
    {.name = "changed_files",
     .type = SHOW_CALL,
     .call = write_changes,
     .sub = &change_shape,
     .list = true,
     .flags = SHOW_EMPTY_NULL,
     .doc = "at its end, against the commits it began with; null: not known"},
    RN_AS(n_changes, "n_changed_files", SHOW_U64, .doc = "also those that are too many to list"),
    {.name = "terminal",
     .type = SHOW_CALL,
     .call = write_terminal,
     .sub = &terminal_shape,
     .flags = SHOW_EMPTY_NULL},
    RN(webhook_url, SHOW_STRING, .flags = SHOW_EMPTY_NULL),
    RN(notify, SHOW_BOOL),
    RN(max_turns, SHOW_U32, .flags = SHOW_EMPTY_NULL),
    {.name = "max_cost_usd",
     .type = SHOW_CALL,
     .like = SHOW_U64,
     .call = write_max_cost,
     .flags = SHOW_EMPTY_NULL},
    RN(approval_ms, SHOW_U64, .flags = SHOW_EMPTY_NULL,
       .doc = "how long what it asks waits for an answer; null: it does not ask"),
    RN(image, SHOW_CHARS),
    RN(profile, SHOW_CHARS),
    {.name = "network", .type = SHOW_CALL, .call = write_network, .sub = &network_shape},
    RN(env, SHOW_ENV),
    {.name = "skills", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_names},
    {.name = "commands", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_names},
    {.name = "tools", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_names},
    {.name = "agents", .type = SHOW_CALL, .like = SHOW_STRINGS, .call = write_names},
    RN(limits, SHOW_OBJECT, .sub = &v1_limits_shape, .doc = "as asked for"),
    RN(timeout_ms, SHOW_U64),
    RN(silence_ms, SHOW_U64, .flags = SHOW_EMPTY_NULL),
    RN_AS(workspace, "workspace_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL,
          .doc = "where it ran; null: in a sandbox that is gone"),
    RN(guest, SHOW_BOOL, .doc = "in a workspace that is not its own"),
    RN_AS(project, "project_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    RN_AS(definition, "definition_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    RN_AS(task, "task_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL),
    RN_AS(exec, "exec_id", SHOW_CHARS, .flags = SHOW_EMPTY_NULL, .doc = "its turn's command"),
    RN_AS(turns, "earlier_exec_ids", SHOW_STRINGS, .doc = "those of the turns before"),
    RN_AS(n_events, "events", SHOW_U64, .doc = "how many there are"),
    RN_AS(created_ms, "created_at", SHOW_TIME),
    RN_AS(started_ms, "started_at", SHOW_TIME),
    RN_AS(ended_ms, "ended_at", SHOW_TIME),
};
const struct json_shape v1_run_shape = {"Run", run_rows, N_ELEMS(run_rows)};
