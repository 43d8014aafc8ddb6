// SPDX-License-Identifier: Apache-2.0
// Things by their UUIDs.
#include "abbado_int.h"

#include <string.h>

static const char *const nouns[ITEM_KINDS] = {"project", "repository", "agent", "task"};

static bool id_of(struct http_req *r, const char *prefix, const char *noun, const char *uuid,
                  char id[ID_MAX])
{
    bool nil;
    if (uuid && uuid_parse(prefix, uuid, id, &nil))
        return true;
    dialect_error(r, 400, "'%.60s' is no %s's id", uuid ? uuid : "", noun);
    return false;
}

struct item *abbado_item(struct http_req *r, enum item_kind k, const char *uuid)
{
    char id[ID_MAX];
    struct err e;
    if (!id_of(r, item_prefix(k), nouns[k], uuid, id))
        return NULL;
    struct item *it = *id ? core_item_find(dialect_core(r), k, id, &e) : NULL;
    if (!it)
        dialect_error(r, 404, "there is no %s %s", nouns[k], uuid);
    return it;
}

struct run *abbado_run(struct http_req *r)
{
    char id[ID_MAX];
    struct err e;
    if (!id_of(r, "run", "run", r->params[0], id))
        return NULL;
    struct run *run = *id ? core_run_find(dialect_core(r), id, &e) : NULL;
    if (!run)
        dialect_error(r, 404, "there is no run %s", r->params[0]);
    return run;
}

void abbado_uuid(struct json_out *o, const char *name, const char *prefix, const char *id)
{
    char uuid[UUID_MAX];
    json_str(o, name, *id ? uuid_of(prefix, id, uuid) : NULL);
}

void abbado_empty(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    http_reply_empty(c->r, 204);
    dialect_call_free(c);
}
