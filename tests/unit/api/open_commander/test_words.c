// SPDX-License-Identifier: Apache-2.0
// The words of the dialect, and its table of routes.
#include "../../../../src/api/open_commander/open_commander_int.h"

#include <pinfold/own.h>
#include <tap.h>

static bool one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(*words, word))
            return true;
    return false;
}

int main(void)
{
    static const char *const tasks[] = {"todo", "doing", "done", "canceled", NULL};
    static const char *const runs[] = {"pending", "running",     "completed",
                                       "failed",  "needs_input", NULL};
    size_t n;
    for (unsigned s = 0; s < TASK_STATES; s++)
        ok(one_of(oc_task_status((enum task_status)s), tasks) &&
               !strcmp(tasks[oc_task_rank((enum task_status)s)],
                       oc_task_status((enum task_status)s)),
           "state %u of a task has a documented word, at its place", s);
    for (unsigned s = 0; s < RUN_STATES; s++)
        ok(one_of(oc_execution_status((enum run_state)s), runs), "%s has a documented word",
           run_state_name((enum run_state)s));
    ok(agent_find(oc_agent("claude")) && agent_find(oc_agent("codex")) &&
           agent_find(oc_agent("opencode")) && agent_find(oc_agent("cursor")),
       "every agent has its tool");
    ok(!oc_agent("claude-code") && !oc_agent(""), "no other word is an agent");
    is_str(oc_agent_id("claude-code"), "claude", "and back");
    ok(!oc_agent_id(""), "none is none");
    ok(!strncmp(oc_trim(" \n a b\t ", &n), "a b", n) && n == 3, "white space around goes");
    (void)oc_trim(" \n", &n);
    is_int((long)n, 0, "all of it, where there is nothing else");
    is_int(open_commander_dialect.n_routes, 4, "every documented line is there");
    for (unsigned i = 0; i < open_commander_dialect.n_routes; i++) {
        const struct http_route *r = &open_commander_dialect.routes[i];
        ok(r->handle && *r->doc && r->scope && !(r->flags & HTTP_PUBLIC), "%s is guarded",
           r->pattern);
    }
    return done_testing();
}
