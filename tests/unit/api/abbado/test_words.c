// SPDX-License-Identifier: Apache-2.0
// The words of the dialect, and its table of routes.
#include "../../../../src/api/abbado/abbado_int.h"

#include <pinfold/own.h>
#include <tap.h>

int main(void)
{
    static const char *const statuses[] = {"queued",    "running", "paused",
                                           "completed", "failed",  "cancelled"};
    for (unsigned s = 0; s < RUN_STATES; s++) {
        bool known = false;
        for (size_t i = 0; i < N_ELEMS(statuses); i++)
            known |= !strcmp(abbado_status((enum run_state)s), statuses[i]);
        ok(known, "%s has one of the documented words", run_state_name((enum run_state)s));
    }
    is_int(abbado_hook_event("PreToolUse"), EV_AGENT_TOOL_CALL, "a hook is an event");
    is_int(abbado_hook_event("Stop"), EV_N, "or tells nothing");
    ok(abbado_events >> EV_RUN_CREATED & 1 && !(abbado_events >> EV_RUN_NOTE & 1),
       "only documented events are shown");
    unsigned later = 0;
    for (unsigned i = 0; i < abbado_dialect.n_routes; i++) {
        const struct http_route *r = &abbado_dialect.routes[i];
        bool open = r->flags & HTTP_PUBLIC;
        ok(r->handle && r->doc && *r->doc, "%s: has a handler and a sentence", r->pattern);
        ok(open == !strcmp(r->pattern, "/api/health") && open == !r->scope,
           "%s: only health is public", r->pattern);
        ok(open || r->flags & HTTP_WEBSOCKET || (r->method == HTTP_GET) == (r->scope == SCOPE_READ),
           "%s: only reading needs just read", r->pattern);
        later += r->handle == abbado_later;
    }
    is_int(abbado_dialect.n_routes, 43, "every documented line is there");
    is_int(later, 17, "those that come later say so");
    return done_testing();
}
