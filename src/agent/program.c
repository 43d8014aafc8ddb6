// SPDX-License-Identifier: Apache-2.0
// What is no agent: a program, and a script for the shell. How they end is what their exit code
// says, their result is the end of what they print.
#include "agent_int.h"

static int plan_command(struct planner *p, struct err *e)
{
    const struct agent_wish *w = p->wish;
    if (!w->command == !w->argv)
        return err_set(e, ERR_BAD_REQUEST,
                       w->command ? "command and argv are both given"
                                  : "command or argv is missing");
    p->plan->command = w->command;
    p->plan->argv = w->argv;
    return 0;
}

static int plan_shell(struct planner *p, struct err *e)
{
    const struct agent_wish *w = p->wish;
    if (w->command || w->argv)
        return err_set(e, ERR_BAD_REQUEST,
                       "agent shell runs its prompt; command and argv are for agent command");
    p->plan->command = w->prompt;
    return 0;
}

const struct agent_adapter agent_command = {
    .name = "command",
    .program = "",
    .doc = "Any program: command or argv.",
    .state_dir = "",
    .ignores = "",
    .plan = plan_command,
};
const struct agent_adapter agent_shell = {
    .name = "shell",
    .program = "sh",
    .doc = "The prompt as a script for /bin/sh.",
    .state_dir = "",
    .ignores = "",
    .needs_prompt = true,
    .plan = plan_shell,
};
