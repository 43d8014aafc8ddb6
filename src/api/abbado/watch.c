// SPDX-License-Identifier: Apache-2.0
// Looking at a run: events, their stream, log, terminal.
#include "abbado_int.h"

#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>

#define COLS 120
#define ROWS 30
#define CLI_DEFAULT_PROGRAM "claude"

// --- events ---------------------------------------------------------------------------------

static void write_event(struct json_out *o, const struct run *run, const struct run_event *ev)
{
    json_begin(o, NULL);
    json_u64(o, "id", ev->id);
    abbado_uuid(o, "run_id", "run", run->id);
    json_u64(o, "sequence", ev->seq);
    json_str(o, "event_type", event_type_name(ev->type));
    if (ev->type == EV_RUN_CREATED) {
        json_begin(o, "payload");
        json_str(o, "task", run->prompt ? run->prompt : "");
        json_str(o, "source_branch", abbado_branch(run));
        json_end(o);
    } else {
        json_raw(o, "payload", ev->payload, ev->len);
    }
    dialect_time(o, "created_at", ev->created_ms);
    json_end(o);
}

void abbado_runs_events(struct http_req *r)
{
    struct run *run = abbado_run(r);
    const struct run_view view = {.types = abbado_events, .write = write_event};
    if (run)
        dialect_events(r, run, &view);
}

void abbado_runs_stream(struct http_req *r)
{
    struct run *run = abbado_run(r);
    struct run_view view = {.types = abbado_events, .write = write_event};
    uint64_t seen;
    if (!run || !dialect_query_u64(r, "last_event_id", 0, INT64_MAX, &view.after))
        return;
    if (!num_parse_u64(http_header(r, "last-event-id"), 0, INT64_MAX, &seen, NULL))
        view.after = seen;
    dialect_stream(r, run, &view);
}

void abbado_runs_logs(struct http_req *r)
{
    const struct run *run = abbado_run(r);
    if (run)
        dialect_log(r, run);
}

// --- terminal -------------------------------------------------------------------------------

static void of_run(struct http_req *r, const char *uuid)
{
    struct err e;
    r->params[0] = uuid;
    const struct run *run = abbado_run(r);
    if (!run)
        return;
    struct exec *x = *run->exec ? core_exec_find(dialect_core(r), run->exec, &e) : NULL;
    if (x && x->tty)
        dialect_terminal(r, x);
    else
        dialect_error(r, 409, "the run is %s and has no terminal", abbado_status(run->state));
}

// A tool in a fresh sandbox, which ends with the connection. It is named, not a path: what is found
// is what the image has.
static void ephemeral(struct http_req *r)
{
    static const char *const env[] = {"TERM=xterm-256color", NULL};
    uint64_t cols = COLS, rows = ROWS;
    const char *cli = http_query(r, "cli"), *task = http_query(r, "task");
    if (!dialect_query_u64(r, "cols", 1, 1000, &cols) ||
        !dialect_query_u64(r, "rows", 1, 1000, &rows))
        return;
    cli = cli && *cli ? cli : CLI_DEFAULT_PROGRAM;
    if (!name_ok(cli)) {
        dialect_error(r, 400, "cli: must be a program's name");
        return;
    }
    const bool tasked = task && *task;
    const char *const argv[] = {cli, tasked ? "-p" : NULL, task, NULL};
    struct exec_spec spec = {
        .argv = argv,
        .cwd = http_query(r, "cwd"),
        .env = env,
        .tty = true,
        .stdin_open = true,
        .rows = (uint16_t)rows,
        .cols = (uint16_t)cols,
        .timeout_ms = core_conf(dialect_core(r))->exec_timeout_max_ms,
    };
    dialect_terminal_new(r, &spec);
}

void abbado_terminal(struct http_req *r)
{
    const char *id = http_query(r, "run_id");
    if (id && *id)
        of_run(r, id);
    else
        ephemeral(r);
}
