// SPDX-License-Identifier: Apache-2.0
// A workspace as this dialect shows it.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <string.h>

#define HOST_IMAGE "host"
#define PATH_INSIDE "/workspace"

bool is_container(const struct workspace *ws)
{
    return strcmp(ws->image, HOST_IMAGE) != 0;
}

const char *workspace_uuid(struct sandboxed_sh *s, const struct workspace *ws, char out[UUID_MAX])
{
    if (!strcmp(ws->id, s->default_id))
        return memcpy(out, UUID_NIL, UUID_MAX);
    return uuid_of("ws", ws->id, out);
}

const char *workspace_name(const struct workspace *ws)
{
    const char *name = label_get(ws->labels, LABEL_NAME);
    return name ? name : ws->name;
}

// The path that was asked for is only shown: what the workspace has is at /workspace inside.
const char *workspace_path(const struct workspace *ws)
{
    const char *path = label_get(ws->labels, LABEL_PATH);
    return path ? path : PATH_INSIDE;
}

const char *workspace_distro(const struct workspace *ws)
{
    return image_is_distro(ws->image) ? ws->image : label_get(ws->labels, LABEL_DISTRO);
}

const char *workspace_script(const struct workspace *ws)
{
    return *ws->init_script ? ws->init_script : label_get(ws->labels, LABEL_SCRIPT);
}

static void print_env(struct json_out *o, const struct workspace *ws)
{
    json_begin(o, "env_vars");
    for (const char *const *env = ws->env; *env; env++) {
        char name[256];
        size_t n = strcspn(*env, "=");
        if (n >= sizeof(name) || !(*env)[n])
            continue;
        memcpy(name, *env, n);
        name[n] = '\0';
        json_str(o, name, *env + n + 1);
    }
    json_end(o);
}

// `status` NULL: as it is.
void workspace_print(struct json_out *o, struct sandboxed_sh *s, const struct workspace *ws,
                     const char *status)
{
    char id[UUID_MAX], at[TIME_MAX];
    const char *error = ws->status == WS_ERROR && !status ? ws->error : NULL;
    json_begin(o, NULL);
    json_str(o, "id", workspace_uuid(s, ws, id));
    json_str(o, "name", workspace_name(ws));
    json_str(o, "workspace_type", is_container(ws) ? "container" : "host");
    json_str(o, "path", workspace_path(ws));
    json_str(o, "status", status ? status : status_word(ws->status));
    json_str(o, "error_message", error);
    label_print_list(o, "skills", label_get(ws->labels, LABEL_SKILLS));
    label_print_list(o, "tools", label_get(ws->labels, LABEL_TOOLS));
    json_str(o, "template", label_get(ws->labels, LABEL_TEMPLATE));
    json_str(o, "distro", workspace_distro(ws));
    print_env(o, ws);
    json_str(o, "init_script", workspace_script(ws));
    json_str(o, "created_at", time_text(ws->created_ms, at));
    json_end(o);
}

void workspace_reply(struct http_req *r, const struct workspace *ws)
{
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    workspace_print(&o, dialect_of(r), ws, NULL);
    reply_json(r, &b);
}

static struct workspace *find(struct sandboxed_sh *s, const char *id)
{
    struct err e;
    struct workspace *ws = core_workspace_find(s->core, id, &e);
    // The core finds names too, and a name can look like an id.
    return ws && ws->status != WS_DELETING && !strcmp(ws->id, id) ? ws : NULL;
}

struct workspace *workspace_of(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    char id[ID_MAX];
    bool nil;
    if (!uuid_parse("ws", r->params[0], id, &nil)) {
        reply_text(r, 400, "Invalid URL: Cannot parse `id` with value `%.100s` to a UUID",
                   r->params[0]);
        return NULL;
    }
    struct workspace *ws = nil ? default_find(s) : *id ? find(s, id) : NULL;
    if (ws && !nil && !strcmp(ws->id, s->default_id))
        ws = NULL; // it has one UUID, not two
    if (!ws)
        reply_text(r, 404, "Workspace %s not found", r->params[0]);
    return ws;
}

struct workspace *workspace_again(struct dialect_call *c)
{
    struct workspace *ws = find(dialect_of(c->r), c->subject);
    if (!ws) {
        reply_text(c->r, 404, "Workspace %s not found", c->r->params[0]);
        dialect_call_free(c);
    }
    return ws;
}

const char *const *env_of(struct json_pool *pool, const struct json_map *map)
{
    const char **env = json_pool_alloc(pool, (map->n + 1) * sizeof(*env));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->n; i++) {
        const char *name = map->at[i].name, *value = map->at[i].value;
        if (!value || !env_name_ok(name))
            continue; // dropped without a word, as by the original
        size_t n = strlen(name), len = strlen(value);
        char *text = json_pool_alloc(pool, n + len + 2);
        memcpy(text, name, n);
        text[n] = '=';
        memcpy(text + n + 1, value, len + 1);
        env[kept++] = text;
    }
    env[kept] = NULL;
    return env;
}
