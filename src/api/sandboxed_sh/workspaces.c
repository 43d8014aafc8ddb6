// SPDX-License-Identifier: Apache-2.0
// Workspaces: list, create, get, update, delete, sync.
#include "sandboxed_sh_int.h"

#include <pinfold/own.h>
#include <string.h>

#define PAGE 64
#define NO_LIBRARY "Library not initialized"

struct body {
    const char *name;
    uint32_t type;
    const char *path;
    struct json_strings skills, tools;
    const char *template, *distro;
    struct json_map env_vars;
    const char *init_script;
    uint64_t given;
};
enum { TYPE_HOST, TYPE_CONTAINER };
static const char *const type_names[] = {"host", "container", NULL};
enum { NAME, TYPE, PATH, SKILLS, TOOLS, TEMPLATE, DISTRO, ENV_VARS, INIT_SCRIPT };
static const struct json_field fields[] = {
    [NAME] = JSON_FIELD(struct body, name, JSON_STRING, .max = 200),
    [TYPE] = JSON_FIELD_AS(struct body, type, "workspace_type", JSON_ENUM, .names = type_names),
    [PATH] = JSON_FIELD(struct body, path, JSON_STRING, .max = 4096),
    [SKILLS] = JSON_FIELD(struct body, skills, JSON_STRINGS, .max = 256, .item_max = 256),
    [TOOLS] = JSON_FIELD(struct body, tools, JSON_STRINGS, .max = 256, .item_max = 256),
    [TEMPLATE] = JSON_FIELD(struct body, template, JSON_STRING, .max = 256),
    [DISTRO] = JSON_FIELD(struct body, distro, JSON_STRING, .max = 64),
    [ENV_VARS] =
        JSON_FIELD(struct body, env_vars, JSON_MAP, .max = WS_ENV_MAX, .item_max = WS_ENV_BYTES),
    [INIT_SCRIPT] = JSON_FIELD(struct body, init_script, JSON_STRING, .max = WS_SCRIPT_BYTES),
};
static const struct json_table table = {"Workspace", fields, N_ELEMS(fields), sizeof(struct body),
                                        offsetof(struct body, given)};

static bool given(const struct body *b, unsigned field, const void *value)
{
    return value && b->given & JSON_GIVEN(field);
}

// --- list, get ---------------------------------------------------------------------------------

static void print_page(struct json_out *o, struct sandboxed_sh *s, struct workspace **page,
                       size_t n, const struct workspace *but)
{
    for (size_t i = 0; i < n; i++)
        if (page[i] != but && page[i]->status != WS_DELETING)
            workspace_print(o, s, page[i], NULL);
}

void on_list(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    struct workspace *page[PAGE];
    char after[ID_MAX] = "";
    own_buf struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    json_begin_array(&o, NULL);
    const struct workspace *first = default_find(s);
    if (first)
        workspace_print(&o, s, first, NULL);
    for (bool more = true; more;) {
        size_t n = core_workspace_list(s->core, after, page, PAGE, &more);
        print_page(&o, s, page, n, first);
        if (!n)
            break;
        memcpy(after, page[n - 1]->id, ID_MAX);
    }
    json_end_array(&o);
    reply_json(r, &b);
}

void on_get(struct http_req *r)
{
    struct workspace *ws = workspace_of(r);
    if (ws)
        workspace_reply(r, ws);
}

// --- create ------------------------------------------------------------------------------------

static void on_changed(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code) {
        call_fail(c, &w->err);
        return;
    }
    workspace_reply(c->r, w->result);
    dialect_call_free(c);
}

static bool refuse_name(struct http_req *r, const char *name)
{
    const char *fault = name_fault(name);
    if (fault)
        reply_text(r, 400, "%s", fault);
    return fault;
}

static bool refuse_path(struct http_req *r, const struct body *b)
{
    if (!b->path || (*b->path && !strstr(b->path, "..") && !strchr(b->path, '\n')))
        return false;
    reply_text(r, 400, "Custom path must be within the working directory");
    return true;
}

// "" for none, which is allowed. False: answered.
static bool check_distro(struct http_req *r, const char *given_distro, const char **ret_image)
{
    *ret_image = !given_distro || blank(given_distro) ? "" : distro_image(given_distro);
    if (!*ret_image)
        reply_text(r, 400, "Unknown distro '%s'. Supported: %s", given_distro, distro_list);
    return *ret_image;
}

// The core's names are unique and of fewer characters: what it cannot take becomes a label.
static const char *core_name(struct sandboxed_sh *s, const char *name, const struct workspace *own)
{
    struct err e;
    if (!name_ok(name) || id_ok(name, "ws"))
        return NULL;
    const struct workspace *other = core_workspace_find(s->core, name, &e);
    return other && other != own ? NULL : name;
}

// Of a host workspace the distribution and the script are only remembered.
static void put_labels(struct label_set *set, const struct body *b, bool container,
                       const char *image)
{
    if (given(b, PATH, b->path))
        labels_put(set, LABEL_PATH, b->path);
    if (b->given & JSON_GIVEN(SKILLS))
        labels_put_list(set, LABEL_SKILLS, &b->skills);
    if (b->given & JSON_GIVEN(TOOLS))
        labels_put_list(set, LABEL_TOOLS, &b->tools);
    if (given(b, TEMPLATE, b->template))
        labels_put(set, LABEL_TEMPLATE, blank(b->template) ? NULL : b->template);
    if (given(b, DISTRO, b->distro))
        labels_put(set, LABEL_DISTRO, container ? NULL : image);
    if (given(b, INIT_SCRIPT, b->init_script))
        labels_put(set, LABEL_SCRIPT, container || blank(b->init_script) ? NULL : b->init_script);
}

static bool create_refused(struct http_req *r, const struct body *b, const char **ret_image)
{
    if (!b->name) {
        reply_text(r, 422,
                   "Failed to deserialize the JSON body into the target type: "
                   "missing field `name`");
        return true;
    }
    if (refuse_name(r, b->name))
        return true;
    if (b->template && !blank(b->template)) {
        reply_text(r, 503, NO_LIBRARY);
        return true;
    }
    return refuse_path(r, b) || !check_distro(r, b->distro, ret_image);
}

// Containers are for package managers and run as their root, with the network; host workspaces are
// for agents, as an ordinary user with the network. So it is with the original.
static void fill_kind(struct workspace_spec *spec, bool container, const char *image)
{
    spec->image = !container ? "host" : *image ? image : distro_default;
    spec->profile = container ? "build" : "agent";
    spec->network_given = true;
    spec->network = NET_FULL;
}

void on_create(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    own_json_pool struct json_pool pool;
    struct body body = {0};
    struct label_set labels;
    struct workspace_spec spec = {0};
    const char *image;
    struct err e;
    json_pool_init(&pool);
    if (!read_body(r, &table, 0, &pool, &body) || create_refused(r, &body, &image))
        return;
    bool container = body.type == TYPE_CONTAINER;
    fill_kind(&spec, container, image);
    labels_begin(&labels, NULL, &pool);
    put_labels(&labels, &body, container, image);
    spec.name = core_name(s, body.name, NULL);
    labels_put(&labels, LABEL_NAME, spec.name ? NULL : body.name);
    spec.labels = labels.at;
    spec.env = env_of(&pool, &body.env_vars);
    if (container && body.init_script && !blank(body.init_script))
        spec.init_script = body.init_script;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_changed);
    if (core_workspace_create(s->core, &spec, &c->w, &e))
        call_fail(c, &e);
}

// --- update ------------------------------------------------------------------------------------

static void fill_patch(struct workspace_patch *p, const struct workspace *ws, const struct body *b,
                       const char *image, struct json_pool *pool)
{
    if (b->given & JSON_GIVEN(ENV_VARS))
        p->env = env_of(pool, &b->env_vars);
    if (given(b, INIT_SCRIPT, b->init_script) && is_container(ws))
        p->init_script = blank(b->init_script) ? "" : b->init_script;
    if (given(b, DISTRO, b->distro) && is_container(ws)) {
        const char *wanted = *image ? image : distro_default;
        p->image = strcmp(wanted, ws->image) ? wanted : NULL;
    }
}

static bool update_refused(struct http_req *r, const struct body *b, const char **ret_image)
{
    if (b->name && refuse_name(r, b->name))
        return true;
    return refuse_path(r, b) || !check_distro(r, b->distro, ret_image);
}

void on_update(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    own_json_pool struct json_pool pool;
    struct body body = {0};
    struct label_set labels;
    struct workspace_patch patch = {0};
    const char *image;
    struct err e;
    json_pool_init(&pool);
    struct workspace *ws = workspace_of(r);
    if (!ws || !read_body(r, &table, 0, &pool, &body) || update_refused(r, &body, &image))
        return;
    fill_patch(&patch, ws, &body, image, &pool);
    labels_begin(&labels, ws->labels, &pool);
    put_labels(&labels, &body, is_container(ws), image);
    if (body.name) {
        patch.name = core_name(s, body.name, ws);
        labels_put(&labels, LABEL_NAME, patch.name ? NULL : body.name);
    }
    patch.labels = labels.at;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_changed);
    if (core_workspace_patch(s->core, ws, &patch, &c->w, &e))
        call_fail(c, &e);
}

// --- delete, sync --------------------------------------------------------------------------------

static void on_deleted(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    if (w->err.code) {
        call_fail(c, &w->err);
        return;
    }
    reply_text(c->r, 200, "Workspace %s deleted successfully", c->r->params[0]);
    dialect_call_free(c);
}

void on_delete(struct http_req *r)
{
    struct sandboxed_sh *s = dialect_of(r);
    struct workspace *ws = workspace_of(r);
    struct err e;
    if (!ws)
        return;
    if (!strcmp(ws->id, s->default_id)) {
        reply_text(r, 400, "Cannot delete default host workspace");
        return;
    }
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_deleted);
    if (core_workspace_delete(s->core, ws, &c->w, &e))
        call_fail(c, &e);
}

void on_sync(struct http_req *r)
{
    if (workspace_of(r))
        reply_text(r, 503, NO_LIBRARY);
}
