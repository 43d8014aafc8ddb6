// SPDX-License-Identifier: Apache-2.0
// Where a page of a list goes on.
#include "exec_int.h"

#include <pinfold/num.h>
#include <stdio.h>

const char *core_cursor(const char *id, uint64_t created_ms, char ret[CURSOR_MAX])
{
    (void)snprintf(ret, CURSOR_MAX, "%s@%llu", id, (unsigned long long)created_ms);
    return ret;
}

const char *cursor_init(struct cursor *cur, const char *after)
{
    const char *at = strchr(after, '@');
    size_t n = at ? (size_t)(at - after) : strlen(after);
    *cur = (struct cursor){.set = *after != '\0'};
    if (n < sizeof(cur->id))
        memcpy(cur->id, after, n);
    if (at && num_parse_u64(at + 1, 0, UINT64_MAX, &cur->ms, NULL))
        cur->ms = 0;
    return cur->id;
}

static int compare(const struct cursor *cur, const char *id, uint64_t ms)
{
    return ms < cur->ms ? -1 : ms > cur->ms ? 1 : strcmp(id, cur->id);
}

bool cursor_older(const struct cursor *cur, const char *id, uint64_t ms)
{
    return !cur->set || (cur->ms && compare(cur, id, ms) < 0);
}

bool cursor_newer(const struct cursor *cur, const char *id, uint64_t ms)
{
    return !cur->set || (cur->ms && compare(cur, id, ms) > 0);
}
