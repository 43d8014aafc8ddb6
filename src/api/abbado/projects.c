// SPDX-License-Identifier: Apache-2.0
// Projects and their repositories.
#include "abbado_int.h"

#include <pinfold/core_repo.h>
#include <pinfold/own.h>
#include <string.h>

struct body {
    const char *name, *repo_path;
};
static const struct json_field fields[] = {
    JSON_FIELD(struct body, name, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL, .min = 1,
               .max = 200),
    JSON_FIELD(struct body, repo_path, JSON_STRING, .flags = JSON_NO_CONTROL, .max = 4096),
};
static const struct json_table table = {"Project", fields, N_ELEMS(fields), sizeof(struct body),
                                        -1};

// --- as they are shown ----------------------------------------------------------------------

static void write_repo(struct json_out *o, const struct item *it)
{
    json_begin(o, NULL);
    abbado_uuid(o, "id", item_prefix(ITEM_SOURCE), it->id);
    json_str(o, "name", it->name);
    json_str(o, "repo_path", it->text);
    json_end(o);
}

static void write_project(struct json_out *o, struct core *c, const struct item *it)
{
    json_begin(o, NULL);
    abbado_uuid(o, "id", item_prefix(ITEM_PROJECT), it->id);
    json_str(o, "name", it->name);
    json_begin_array(o, "repos");
    for (const struct item *s = NULL; (s = core_item_next(c, ITEM_SOURCE, s));)
        if (!strcmp(s->project, it->id))
            write_repo(o, s);
    json_end_array(o);
    dialect_time(o, "created_at", it->created_ms);
    json_end(o);
}

void abbado_projects_list(struct http_req *r)
{
    struct core *c = dialect_core(r);
    struct dialect_answer a;
    dialect_answer_begin(&a);
    json_begin_array(&a.o, NULL);
    for (const struct item *it = NULL; (it = core_item_next(c, ITEM_PROJECT, it));)
        write_project(&a.o, c, it);
    json_end_array(&a.o);
    dialect_answer_send(r, 200, &a);
}

void abbado_projects_get(struct http_req *r)
{
    const struct item *it = abbado_item(r, ITEM_PROJECT, r->params[0]);
    struct dialect_answer a;
    if (!it)
        return;
    dialect_answer_begin(&a);
    write_project(&a.o, dialect_core(r), it);
    dialect_answer_send(r, 200, &a);
}

// --- made and deleted -----------------------------------------------------------------------

static void on_made(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    struct dialect_answer a;
    const struct item *it = w->result;
    if (w->err.code) {
        dialect_call_fail(c, &w->err);
        return;
    }
    dialect_answer_begin(&a);
    if (it->kind == ITEM_PROJECT)
        write_project(&a.o, c->core, it);
    else
        write_repo(&a.o, it);
    dialect_call_send(c, 201, &a);
}

void abbado_projects_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!dialect_body(r, &table, &pool, &b))
        return;
    const struct item_spec spec = {.name = b.name};
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), on_made);
    if (core_item_create(c->core, ITEM_PROJECT, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}

void abbado_projects_delete(struct http_req *r)
{
    struct item *it = abbado_item(r, ITEM_PROJECT, r->params[0]);
    struct err e;
    if (!it)
        return;
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), abbado_empty);
    (void)core_item_delete(c->core, it, &c->w, &e); // never refuses
}

// --- repositories ---------------------------------------------------------------------------

// Whether there is a repository at the path is known when it is mirrored, as its runs need it.
struct repo_call {
    struct dialect_call c; // first member
    char project[ID_MAX];
    char *name, *path;
};

static void repo_release(struct dialect_call *c)
{
    struct repo_call *rc = container_of(c, struct repo_call, c);
    free(rc->name);
    free(rc->path);
}

static void no_repository(struct dialect_call *c, const struct err *e)
{
    const struct repo_call *rc = container_of(c, struct repo_call, c);
    dialect_error(c->r, 400, "repo_path: there is no repository at %s: %s", rc->path, e->text);
    dialect_call_refused(c);
}

static void on_mirrored(struct waiter *w)
{
    struct dialect_call *c = dialect_call_of(w);
    const struct repo_call *rc = container_of(c, struct repo_call, c);
    struct err e;
    if (w->err.code) {
        no_repository(c, &w->err);
        return;
    }
    const struct item_spec spec = {.project = rc->project, .name = rc->name, .text = rc->path};
    c->w = (struct waiter){.on_done = on_made};
    if (core_item_create(c->core, ITEM_SOURCE, &spec, &c->w, &e))
        dialect_call_fail(c, &e);
}

void abbado_repos_create(struct http_req *r)
{
    own_json_pool struct json_pool pool;
    const struct item *project = abbado_item(r, ITEM_PROJECT, r->params[0]);
    struct body b = {0};
    struct err e;
    json_pool_init(&pool);
    if (!project || !dialect_body(r, &table, &pool, &b))
        return;
    if (!b.repo_path || *b.repo_path != '/') {
        dialect_error(r, 400, "repo_path: must be an absolute path");
        return;
    }
    struct repo_call *rc = dialect_call_new(r, sizeof(*rc), on_mirrored);
    rc->c.release = repo_release;
    memcpy(rc->project, project->id, sizeof(rc->project));
    rc->name = xstrdup(b.name);
    rc->path = xstrdup(b.repo_path);
    const struct repo_spec spec = {.url = rc->path};
    if (core_repo_fetch(rc->c.core, &spec, &rc->c.w, &e))
        no_repository(&rc->c, &e);
}

void abbado_repos_delete(struct http_req *r)
{
    const struct item *project = abbado_item(r, ITEM_PROJECT, r->params[0]);
    struct item *it = project ? abbado_item(r, ITEM_SOURCE, r->params[1]) : NULL;
    struct err e;
    if (!it)
        return;
    if (strcmp(it->project, project->id)) {
        dialect_error(r, 404, "there is no repository %s in this project", r->params[1]);
        return;
    }
    struct dialect_call *c = dialect_call_new(r, sizeof(*c), abbado_empty);
    (void)core_item_delete(c->core, it, &c->w, &e); // never refuses
}
