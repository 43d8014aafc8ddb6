// SPDX-License-Identifier: Apache-2.0
// The dialect's own parts.
#pragma once
#include <pinfold/api_codecloud.h>
#include <pinfold/core_run.h>

extern const struct hook_style codecloud_hooks;
extern const char *const codecloud_modes[]; // in the order of enum run_mode

// words.c: pure
const char *codecloud_status(enum run_state s);                     // "queued"
bool codecloud_states(const char *status, uint64_t *ret);           // the bits of those that are it
const char *codecloud_repo(const struct run *run);                  // owner/repo, or NULL
size_t codecloud_error(const struct run *run, char *ret, size_t n); // of a failed run

// tools.c: as core takes them.
extern const struct json_table codecloud_tool_table;
const struct run_tool *codecloud_tools(const struct json_objects *in, struct json_pool *pool);

// subagents.c: as core takes them.
extern const struct json_table codecloud_subagent_table;
const char *const *codecloud_subagents(const char *agent, const struct json_objects *in,
                                       struct json_pool *pool);

struct run *codecloud_run(struct http_req *r); // of {id}; NULL: answered

void codecloud_create(struct http_req *r);
void codecloud_list(struct http_req *r);
void codecloud_get(struct http_req *r);
void codecloud_message(struct http_req *r);
void codecloud_stop(struct http_req *r);
void codecloud_providers(struct http_req *r);
void codecloud_models(struct http_req *r);
