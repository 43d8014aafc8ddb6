// SPDX-License-Identifier: Apache-2.0
// The functions that the table of commands names. Each returns the exit code.
#pragma once
#include "cli_int.h"

int cmd_serve(struct cli *c);
int cmd_run(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_profile_list(struct cli *c);
int cmd_profile_check(struct cli *c);
int cmd_profile_show(struct cli *c);
int cmd_profile_diff(struct cli *c);
int cmd_profile_plan(struct cli *c);
int cmd_profile_learn(struct cli *c);
int cmd_agent_list(struct cli *c);
int cmd_agent_show(struct cli *c);
int cmd_image_list(struct cli *c);
int cmd_image_check(struct cli *c);
int cmd_image_show(struct cli *c);
int cmd_image_build(struct cli *c);
int cmd_ws_list(struct cli *c);
int cmd_ws_create(struct cli *c);
int cmd_ws_get(struct cli *c);
int cmd_ws_build(struct cli *c);
int cmd_ws_debug(struct cli *c);
int cmd_ws_fork(struct cli *c);
int cmd_ws_snapshot(struct cli *c);
int cmd_ws_restore(struct cli *c);
int cmd_ws_delete(struct cli *c);
int cmd_exec(struct cli *c);
int cmd_runs_create(struct cli *c);
int cmd_runs_list(struct cli *c);
int cmd_runs_get(struct cli *c);
int cmd_runs_events(struct cli *c);
int cmd_runs_logs(struct cli *c);
int cmd_runs_cancel(struct cli *c);
int cmd_runs_pause(struct cli *c);
int cmd_runs_continue(struct cli *c);
int cmd_runs_say(struct cli *c);
int cmd_runs_delete(struct cli *c);
int cmd_build(struct cli *c);
int cmd_token_list(struct cli *c);
int cmd_token_create(struct cli *c);
int cmd_token_delete(struct cli *c);
int cmd_secret_list(struct cli *c);
int cmd_secret_put(struct cli *c);
int cmd_secret_delete(struct cli *c);
int cmd_secret_rotate(struct cli *c);
int cmd_provider_list(struct cli *c);
int cmd_provider_put(struct cli *c);
int cmd_provider_delete(struct cli *c);
int cmd_backup(struct cli *c);
int cmd_restore(struct cli *c);
int cmd_upgrade(struct cli *c);
int cmd_help(struct cli *c);
