// SPDX-License-Identifier: Apache-2.0
// The words of the dialect, its table of routes, and its webhooks.
#include "../../../../src/api/codecloud/codecloud_int.h"

#include <pinfold/own.h>
#include <tap.h>

static void states(void)
{
    static const char *const words[] = {"queued", "running", "completed", "failed"};
    uint64_t all = 0, some;
    for (unsigned i = 0; i < 4; i++) {
        ok(codecloud_states(words[i], &some) && !(all & some), "%s: states of its own", words[i]);
        all |= some;
    }
    is_int((long)all, (1L << RUN_STATES) - 1, "every state has a word");
    ok(!codecloud_states("asleep", &some), "no other word");
    is_str(codecloud_status(RUN_CANCELLED), "failed", "what was cancelled has failed");
}

static void routes(void)
{
    for (unsigned i = 0; i < codecloud_dialect.n_routes; i++) {
        const struct http_route *r = &codecloud_dialect.routes[i];
        bool open = r->flags & HTTP_PUBLIC;
        bool may =
            !strcmp(r->pattern, "/api/v1/providers") || !strcmp(r->pattern, "/api/v1/models");
        ok(r->handle && r->doc && *r->doc, "%s: has a handler and a sentence", r->pattern);
        ok(open == may && open == !r->scope, "%s: only the catalog is public", r->pattern);
        ok(open || (r->method == HTTP_GET) == (r->scope == SCOPE_READ),
           "%s: only reading needs just read", r->pattern);
    }
}

static int told(enum event_type type, const char *payload, struct run *run, struct buf *b)
{
    const struct hook_news n = {"whd_1", run, type, payload, strlen(payload)};
    buf_clear(b);
    return codecloud_hooks.write(&n, b);
}

static void hooks(void)
{
    struct run run = {.id = "run_1", .repo_url = "", .reason = WHY_CANCELLED};
    own_buf struct buf b;
    own_free char *large = xmalloc(64 * 1024);
    buf_init(&b, 256 * 1024);
    is_int(told(EV_AGENT_TOOL_RESULT, "{\"name\":\"bash\",\"is_error\":true}", &run, &b), 0,
           "a call that failed is told");
    is_str(
        b.data,
        "{\"event\":\"agent.progress\",\"run_id\":\"run_1\",\"status\":\"running\",\"tool_call\":{"
        "\"name\":\"bash\",\"arguments\":{},\"status\":\"error\"}}",
        "with its status");
    is_int(told(EV_AGENT_MESSAGE, "{}", &run, &b), -1, "nothing said is nothing told");
    is_int(told(EV_AGENT_MESSAGE, "no json", &run, &b), -1, "nor is what is no object");
    is_int(told(EV_RUN_PAUSED, "{}", &run, &b), -1, "there is no word for a pause");
    is_int(told(EV_RUN_CANCELLED, "{}", &run, &b), 0, "a cancelled run is told");
    ok(strstr(b.data, "\"error\":\"Run was cancelled\"") && !strstr(b.data, "\"repo\""),
       "as one that failed, without the repository that it has not");
    memset(large, 1, 64 * 1024);
    run.result = large;
    run.result_len = 64 * 1024;
    is_int(told(EV_RUN_COMPLETED, "{}", &run, &b), 0, "a result that is large when escaped fits");
    ok(strstr(b.data, "\"truncated\":true"), "and says that it is cut");
}

int main(void)
{
    states();
    routes();
    hooks();
    return done_testing();
}
