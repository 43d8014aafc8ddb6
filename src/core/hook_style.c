// SPDX-License-Identifier: Apache-2.0
// How webhooks look: pinfold's own, and what the APIs add.
#include "run_int.h"

#include <assert.h>
#include <pinfold/own.h>

#define BIT(t) (UINT64_C(1) << (t))

static int write_news(const struct hook_news *n, struct buf *ret)
{
    // Words of ours: neither quote nor backslash is in them.
    (void)buf_printf(ret, "{\"id\":\"%s\",\"event\":\"%s\",\"run_id\":\"%s\",\"payload\":", n->id,
                     event_type_name(n->type), n->run->id);
    size_t head = ret->len;
    if (buf_append(ret, n->payload, n->len) ||
        buf_puts(ret, "}")) { // far more than a result is cut to
        ret->len = head;
        (void)buf_puts(ret, "null}");
    }
    return 0;
}

static const struct hook_style own = {
    .name = "",
    .user_agent = "pinfold-webhooks/1",
    .header = "X-Pinfold",
    .signature = "sha256=",
    .stamped = true,
    .types = BIT(EV_AGENT_NEEDS_ATTENTION),
    .notify = BIT(EV_RUN_STARTED) | BIT(EV_AGENT_MESSAGE),
    .event = event_type_name,
    .write = write_news,
};

void core_hook_style_add(struct core *c, const struct hook_style *s)
{
    assert(c->n_hook_styles < N_ELEMS(c->hook_styles));
    c->hook_styles[c->n_hook_styles++] = s;
}

const struct hook_style *hook_style_find(const struct core *c, const char *name)
{
    for (unsigned i = 0; i < c->n_hook_styles; i++)
        if (!strcmp(c->hook_styles[i]->name, name))
            return c->hook_styles[i];
    return &own;
}
