// SPDX-License-Identifier: Apache-2.0
// The dialect's own parts. Pure: words.c.
#pragma once
#include <pinfold/api_open_commander.h>
#include <pinfold/core_item.h>

// Labels of its tasks, which are those that have the first.
#define LABEL_SOURCE "source"
#define SOURCE_API "open_commander"
#define LABEL_REPOSITORY "repository"
#define LABEL_MOUNT "mount_point"

const char *oc_task_status(enum task_status s);      // "todo"
unsigned oc_task_rank(enum task_status s);           // their order in a list
const char *oc_execution_status(enum run_state s);   // "pending"
const char *oc_agent(const char *agent_id);          // the tool of "claude"; NULL: it is none
const char *oc_agent_id(const char *agent);          // and back; NULL for none
const char *oc_trim(const char *s, size_t *ret_len); // without white space around it
bool oc_is_task(const struct item *it);
struct item *oc_task(struct http_req *r); // of {id}; NULL: answered

// --- show.c
void oc_write_task(struct json_out *o, const struct item *it); // its members
void oc_write_brief(struct json_out *o, const char *name, const struct run *run);
void oc_write_execution(struct json_out *o, const char *name, const struct run *run,
                        const char *logs, size_t logs_len);

void oc_list(struct http_req *r);
void oc_create(struct http_req *r);
void oc_get(struct http_req *r);
void oc_verify(struct http_req *r);
