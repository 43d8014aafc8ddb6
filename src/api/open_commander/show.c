// SPDX-License-Identifier: Apache-2.0
// Tasks and their executions as this dialect shows them.
#include "open_commander_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

static void write_mount(struct json_out *o, const struct item *it)
{
    const char *mount = item_label(it, LABEL_MOUNT), *repository = item_label(it, LABEL_REPOSITORY);
    char text[400];
    if (!mount && repository)
        (void)snprintf(text, sizeof(text), "repos/%s", repository);
    json_str(o, "mountPoint", mount ? mount : repository ? text : NULL);
}

void oc_write_task(struct json_out *o, const struct item *it)
{
    json_str(o, "id", it->id);
    json_str(o, "title", it->name);
    json_str(o, "body", it->text);
    json_str(o, "status", oc_task_status(it->status));
    json_str(o, "agentId", oc_agent_id(it->agent));
    json_str(o, "repository", item_label(it, LABEL_REPOSITORY));
    write_mount(o, it);
    json_str(o, "source", "api");
    json_begin_array(o, "attachments");
    json_end_array(o);
    json_time(o, "createdAt", it->created_ms);
    json_time(o, "updatedAt", it->updated_ms);
}

static void write_result(struct json_out *o, const struct run *run)
{
    bool failed = !strcmp(oc_execution_status(run->state), "failed");
    const char *text = *run->error ? run->error : run_reason_name(run->reason);
    if (run->state == RUN_SUCCEEDED && run->result)
        json_strn(o, "result", run->result, run->result_len);
    else
        json_null(o, "result");
    if (run->reason == WHY_WALL_LIMIT)
        text = "Task execution timed out";
    else if (run->reason == WHY_CANCELLED)
        text = "Stopped by user";
    json_str(o, "errorMessage", failed ? text : NULL);
}

void oc_write_brief(struct json_out *o, const char *name, const struct run *run)
{
    if (!run) {
        json_null(o, name);
        return;
    }
    json_begin(o, name);
    json_str(o, "id", run->id);
    json_str(o, "status", oc_execution_status(run->state));
    write_result(o, run);
    json_time(o, "createdAt", run->created_ms);
    json_time(o, "finishedAt", run->ended_ms);
    json_end(o);
}

void oc_write_execution(struct json_out *o, const char *name, const struct run *run,
                        const char *logs, size_t logs_len)
{
    char container[sizeof("oc-task-") + ID_MAX];
    uint64_t at = run->ended_ms     ? run->ended_ms
                  : run->started_ms ? run->started_ms
                                    : run->created_ms;
    (void)snprintf(container, sizeof(container), "oc-task-%s", run->id);
    json_begin(o, name);
    json_str(o, "id", run->id);
    json_str(o, "status", oc_execution_status(run->state));
    json_str(o, "agentId", oc_agent_id(run->agent));
    json_str(o, "jobId", run->id);
    json_str(o, "containerName", container);
    json_bool(o, "completed", run->state == RUN_SUCCEEDED);
    json_bool(o, "needsInput", run->state == RUN_NEEDS_INPUT);
    json_null(o, "inputRequest");
    write_result(o, run);
    if (logs)
        json_strn(o, "logs", logs, logs_len);
    else
        json_null(o, "logs");
    json_time(o, "startedAt", run->started_ms);
    json_time(o, "finishedAt", run->ended_ms);
    json_time(o, "createdAt", run->created_ms);
    json_time(o, "updatedAt", at);
    json_end(o);
}
