// SPDX-License-Identifier: Apache-2.0
// The dialect's own parts. Pure: words.c.
#pragma once
#include <pinfold/api_abbado.h>
#include <pinfold/core_item.h>

// --- words.c
#define CLI_DEFAULT "claude-code"
#define BRANCH_DEFAULT "HEAD"
const char *abbado_status(enum run_state s);
// Of a payload that a hook sent: the event it is, or EV_N for one that tells nothing.
enum event_type abbado_hook_event(const char *name);
extern const uint64_t abbado_events; // bits of those that the dialect knows

// Labels of agents, beside those that runs know.
#define LABEL_TOOLS "allowed_tools"
#define LABEL_ROLE "role"
#define LABEL_CONFIG "provider_config"

// --- find.c: of a UUID in the path or in a body. NULL: answered
struct item *abbado_item(struct http_req *r, enum item_kind k, const char *uuid);
struct run *abbado_run(struct http_req *r); // of {id}
void abbado_uuid(struct json_out *o, const char *name, const char *prefix, const char *id);
void abbado_empty(struct waiter *w); // of a call: 204, or the error

void abbado_projects_create(struct http_req *r);
void abbado_projects_list(struct http_req *r);
void abbado_projects_get(struct http_req *r);
void abbado_projects_delete(struct http_req *r);
void abbado_repos_create(struct http_req *r);
void abbado_repos_delete(struct http_req *r);
void abbado_agents_create(struct http_req *r);
void abbado_agents_list(struct http_req *r);
void abbado_agents_get(struct http_req *r);
void abbado_agents_put(struct http_req *r);
void abbado_agents_delete(struct http_req *r);
void abbado_runs_create(struct http_req *r);
void abbado_runs_list(struct http_req *r);
void abbado_runs_get(struct http_req *r);
void abbado_runs_delete(struct http_req *r);
const char *abbado_branch(const struct run *run);           // that it began with
void abbado_run_write(struct json_out *o, const void *run); // struct run
void abbado_runs_cancel(struct http_req *r);
void abbado_runs_pause(struct http_req *r);
void abbado_runs_continue(struct http_req *r);
void abbado_runs_notify(struct http_req *r);
void abbado_runs_hook(struct http_req *r);
void abbado_runs_events(struct http_req *r);
void abbado_runs_stream(struct http_req *r);
void abbado_runs_tasks(struct http_req *r);
void abbado_runs_logs(struct http_req *r);
void abbado_terminal(struct http_req *r);
void abbado_health(struct http_req *r);
void abbado_later(struct http_req *r); // what is not served yet
