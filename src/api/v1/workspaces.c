// SPDX-License-Identifier: Apache-2.0
// Workspaces: create, look at, change, delete, fork, stop.
#include "routes_int.h"

#include <stdio.h>

struct repository_body {
    const char *url, *ref, *username, *password;
    bool submodules;
};
static const struct json_field repository_fields[] = {
    JSON_FIELD(struct repository_body, url, JSON_STRING, .flags = JSON_REQUIRED | JSON_NO_CONTROL,
               .min = 1, .max = WS_URL_BYTES - 1,
               .doc = "https, http, git or file URL, or owner/repo"),
    JSON_FIELD(struct repository_body, ref, JSON_STRING, .flags = JSON_NO_CONTROL,
               .max = WS_REF_BYTES - 1, .doc = "branch, tag or commit"),
    JSON_FIELD(struct repository_body, submodules, JSON_BOOL),
    JSON_FIELD(struct repository_body, username, JSON_STRING, .max = 255,
               .doc = "for this clone only; not kept"),
    JSON_FIELD(struct repository_body, password, JSON_STRING, .max = 4096),
};
static const struct json_table repository_table = {"RepositoryBody", repository_fields,
                                                   N_ELEMS(repository_fields),
                                                   sizeof(struct repository_body), -1};

struct workspace_body {
    uint64_t given;
    char name[NAME_MAX_LEN + 1], image[NAME_MAX_LEN + 1], profile[NAME_MAX_LEN + 1];
    struct repository_body repository;
    struct network_body network;
    struct json_strings secrets;
    const char *provider;
    struct json_map env, labels;
    const char *init_script;
    struct limits limits;
    bool build;
};
#define WB(m, t, ...) JSON_FIELD(struct workspace_body, m, t, ##__VA_ARGS__)
enum { F_NAME, F_IMAGE, F_PROFILE, F_NETWORK, F_SECRETS, F_ENV, F_LABELS, F_SCRIPT, F_LIMITS };
#define SHARED_FIELDS                                                                              \
    [F_NAME] = WB(name, JSON_CHARS, .max = NAME_MAX_LEN, .doc = "unique"),                         \
    [F_IMAGE] = WB(image, JSON_CHARS, .max = NAME_MAX_LEN),                                        \
    [F_PROFILE] = WB(profile, JSON_CHARS, .max = NAME_MAX_LEN),                                    \
    [F_NETWORK] = WB(network, JSON_OBJECT, .sub = &v1_network_table),                              \
    [F_SECRETS] = WB(secrets, JSON_STRINGS, .max = 64, .item_max = NAME_MAX_LEN,                   \
                     .doc = "names of those that it may use; needs mode allow-list"),              \
    [F_ENV] = WB(env, JSON_MAP, .max = WS_ENV_MAX, .item_max = WS_ENV_BYTES,                       \
                 .doc = "of every command; in a change null removes one"),                         \
    [F_LABELS] =                                                                                   \
        WB(labels, JSON_MAP, .max = WS_LABELS_MAX, .item_max = 1024, .doc = "free for clients"),   \
    [F_SCRIPT] = WB(init_script, JSON_STRING, .max = WS_SCRIPT_BYTES,                              \
                    .doc = "run as root when the workspace is built"),                             \
    [F_LIMITS] = WB(limits, JSON_OBJECT, .sub = &v1_limits_table)

static const struct json_field create_fields[] = {
    SHARED_FIELDS,
    WB(repository, JSON_OBJECT, .sub = &repository_table),
    WB(provider, JSON_STRING, .min = 1, .max = NAME_MAX_LEN,
       .doc = "of models, that it may use; needs mode allow-list"),
    WB(build, JSON_BOOL, .doc = "start a build right away"),
};
const struct json_table v1_create_table = {"WorkspaceBody", create_fields, N_ELEMS(create_fields),
                                           sizeof(struct workspace_body),
                                           offsetof(struct workspace_body, given)};
static const struct json_field patch_fields[] = {SHARED_FIELDS};
const struct json_table v1_patch_table = {"WorkspacePatch", patch_fields, N_ELEMS(patch_fields),
                                          sizeof(struct workspace_body),
                                          offsetof(struct workspace_body, given)};

static void set_etag(struct http_req *r, const struct workspace *ws, char out[40])
{
    (void)snprintf(out, 40, "\"%llx-%x\"", (unsigned long long)ws->updated_ms,
                   (unsigned)ws->status);
    http_set_header(r, "etag", out);
}

static void send_workspace(struct call *c, const struct workspace *ws)
{
    char etag[40];
    memcpy(c->id, ws->id, sizeof(c->id));
    set_etag(c->r, ws, etag);
    v1_call_show(c, c->status, &v1_workspace_shape, ws);
}

static void on_waited(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        send_workspace(c, w->result);
}

// Done with the verb: answer, or wait first for what goes on in the workspace.
static void on_done(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    struct workspace *ws = w->result;
    struct err e;
    if (w->err.code) {
        v1_call_err(c, &w->err);
    } else if (c->wait_ms && ws->busy) {
        c->w.on_done = on_waited;
        (void)v1_call_started(c, core_workspace_wait(c->v->core, ws, c->wait_ms, &c->w, &e), &e);
    } else {
        send_workspace(c, ws);
    }
}

// --- create ---------------------------------------------------------------------------------

static int spec_of(struct http_req *r, struct workspace_body *b, struct json_pool *pool,
                   struct workspace_spec *ret)
{
    struct json_fault f;
    *ret = (struct workspace_spec){
        .name = *b->name ? b->name : NULL,
        .image = *b->image ? b->image : NULL,
        .profile = *b->profile ? b->profile : NULL,
        .repo_url = b->repository.url,
        .repo_ref = b->repository.ref,
        .repo_user = b->repository.username,
        .repo_password = b->repository.password,
        .submodules = b->repository.submodules,
        .network_given = b->given & JSON_GIVEN(F_NETWORK),
        .learn = b->network.learn,
        .secrets = b->given & JSON_GIVEN(F_SECRETS) ? v1_strings(&b->secrets, pool) : NULL,
        .provider = b->provider,
        .init_script = b->init_script,
        .limits = b->limits,
        .build = b->build,
    };
    if (b->given & JSON_GIVEN(F_NAME) && !name_ok(b->name)) {
        v1_bad(r, "/name", "must be 1 to 64 of letters, digits, dot, underscore and hyphen");
        return -1;
    }
    if (v1_network_of(&b->network, pool, &ret->network, &ret->allow, &f) ||
        v1_check_limits(&b->limits, &f)) {
        v1_fault(r, &f);
        return -1;
    }
    if (!(ret->env = v1_map_to_env(r, pool, "/env", &b->env)) ||
        !(ret->labels = v1_map_to_env(r, pool, "/labels", &b->labels)))
        return -1;
    return 0;
}

static void create(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct workspace_body b = {0};
    struct workspace_spec spec;
    json_pool_init(&pool);
    if (v1_param_wait(c->r, &c->wait_ms) || v1_read_body(c->r, &v1_create_table, &pool, &b) ||
        spec_of(c->r, &b, &pool, &spec)) {
        v1_call_refused(c);
        return;
    }
    c->w.on_done = on_done;
    c->status = 201;
    c->location = "/v1/workspaces/";
    (void)v1_call_started(c, core_workspace_create(c->v->core, &spec, &c->w, &e), &e);
}

void v1_workspaces_create(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), create);
}

// --- look -----------------------------------------------------------------------------------

void v1_workspaces_get(struct http_req *r)
{
    char etag[40];
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    uint64_t wait_ms;
    if (v1_param_wait(r, &wait_ms))
        return;
    if (wait_ms && ws->busy) {
        struct err e;
        struct call *c = v1_call_new(r, sizeof(*c));
        c->status = 200;
        c->w.on_done = on_waited;
        (void)v1_call_started(c, core_workspace_wait(c->v->core, ws, wait_ms, &c->w, &e), &e);
        return;
    }
    set_etag(r, ws, etag);
    if (http_etag_in(http_header(r, "if-none-match"), etag))
        http_reply_empty(r, 304);
    else
        v1_answer_show(r, 200, &v1_workspace_shape, ws);
}

#define BATCH 100
void v1_workspaces_list(struct http_req *r)
{
    struct page page;
    if (v1_page_parse(r, &page))
        return;
    const char *status = http_query(r, "status");
    char cursor[CURSOR_MAX];
    const char *after = page.after;
    struct workspace *all[BATCH];
    struct answer a;
    size_t shown = 0;
    bool more = true;
    v1_page_begin(&a);
    while (more && shown < page.limit) {
        size_t want = page.limit - shown < BATCH ? page.limit - shown : BATCH;
        size_t n = core_workspace_list(v1_of(r)->core, after, all, want, &more);
        for (size_t i = 0; i < n; i++) {
            if (status && strcmp(status, workspace_status_name(all[i]->status)))
                continue;
            json_show(&a.o, NULL, &v1_workspace_shape, all[i]);
            shown++;
        }
        if (n)
            after = core_cursor(all[n - 1]->id, all[n - 1]->created_ms, cursor);
        else
            more = false;
    }
    v1_page_send(r, &a, more ? after : NULL);
}

// --- change ---------------------------------------------------------------------------------

// RFC 7396: members given replace, null removes.
static const char *const *merge(struct json_pool *pool, const char *const *old,
                                const struct json_map *change)
{
    size_t n_old = 0, n = 0;
    while (old[n_old])
        n_old++;
    const char **all = json_pool_alloc(pool, (n_old + change->n + 1) * sizeof(*all));
    for (size_t i = 0; i < n_old; i++) {
        size_t len = strcspn(old[i], "=");
        bool keep = true;
        for (uint32_t k = 0; k < change->n && keep; k++)
            keep = strncmp(old[i], change->at[k].name, len) || change->at[k].name[len];
        if (keep)
            all[n++] = old[i];
    }
    for (uint32_t k = 0; k < change->n; k++) {
        if (change->at[k].value)
            all[n++] = json_pool_printf(pool, "%s=%s", change->at[k].name, change->at[k].value);
    }
    all[n] = NULL;
    return all;
}

static int patch_of(struct http_req *r, const struct workspace *ws, struct workspace_body *b,
                    struct json_pool *pool, struct workspace_patch *ret)
{
    struct json_fault f;
    static const char *const none[] = {NULL};
#define GIVEN(f) (b->given & JSON_GIVEN(f))
    *ret = (struct workspace_patch){
        .name = *b->name ? b->name : NULL,
        .profile = *b->profile ? b->profile : NULL,
        .image = *b->image ? b->image : NULL,
        .init_script = b->init_script,
        .network_given = b->network.given & JSON_GIVEN(NETWORK_MODE),
        .learn_given = b->network.given & JSON_GIVEN(NETWORK_LEARN),
        .learn = b->network.learn,
        .secrets = GIVEN(F_SECRETS) ? v1_strings(&b->secrets, pool) : NULL,
        .limits_given = GIVEN(F_LIMITS),
        .limits = b->limits,
    };
    if (GIVEN(F_NAME) && !name_ok(b->name)) {
        v1_bad(r, "/name", "must be 1 to 64 of letters, digits, dot, underscore and hyphen");
        return -1;
    }
    if (v1_network_of(&b->network, pool, &ret->network, &ret->allow, &f) ||
        v1_check_limits(&b->limits, &f)) {
        v1_fault(r, &f);
        return -1;
    }
    if (GIVEN(F_SCRIPT) && !b->init_script)
        ret->init_script = "";
    if (!v1_map_to_env(r, pool, "/env", &b->env) || !v1_map_to_env(r, pool, "/labels", &b->labels))
        return -1;
    if (GIVEN(F_ENV))
        ret->env = b->env.n ? merge(pool, ws->env, &b->env) : none;
    if (GIVEN(F_LABELS))
        ret->labels = b->labels.n ? merge(pool, ws->labels, &b->labels) : none;
#undef GIVEN
    return 0;
}

void v1_workspaces_patch(struct http_req *r)
{
    static const struct http_refusal changed = {
        412, "precondition_failed", "the workspace has changed since; read it again", NULL, 0};
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    char etag[40];
    const char *match = http_header(r, "if-match");
    set_etag(r, ws, etag);
    if (*match && !http_etag_in(match, etag)) {
        v1_refuse(r, &changed);
        return;
    }
    own_json_pool struct json_pool pool;
    struct workspace_body b = {0};
    struct workspace_patch patch;
    json_pool_init(&pool);
    if (v1_read_body(r, &v1_patch_table, &pool, &b) || patch_of(r, ws, &b, &pool, &patch))
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_done;
    c->status = 200;
    (void)v1_call_started(c, core_workspace_patch(c->v->core, ws, &patch, &c->w, &e), &e);
}

// --- delete, fork, stop ---------------------------------------------------------------------

static void on_gone_or_stopped(struct waiter *w)
{
    struct call *c = container_of(w, struct call, w);
    if (w->err.code)
        v1_call_err(c, &w->err);
    else
        v1_call_empty(c, 204);
}

void v1_workspaces_delete(struct http_req *r)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_gone_or_stopped;
    (void)v1_call_started(c, core_workspace_delete(c->v->core, ws, &c->w, &e), &e);
}

void v1_workspaces_stop(struct http_req *r)
{
    struct err e;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws)
        return;
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_gone_or_stopped;
    (void)v1_call_started(c, core_workspace_stop(c->v->core, ws, &c->w, &e), &e);
}

struct fork_body {
    char name[NAME_MAX_LEN + 1], snapshot[NAME_MAX_LEN + 1];
};
static const struct json_field fork_fields[] = {
    JSON_FIELD(struct fork_body, name, JSON_CHARS, .max = NAME_MAX_LEN, .doc = "of the copy"),
    JSON_FIELD(struct fork_body, snapshot, JSON_CHARS, .max = NAME_MAX_LEN,
               .doc = "of the workspace, by id or name: copied instead of what it is now"),
};
const struct json_table v1_fork_table = {"ForkBody", fork_fields, N_ELEMS(fork_fields),
                                         sizeof(struct fork_body), -1};

static void fork_it(struct call *c)
{
    struct err e;
    own_json_pool struct json_pool pool;
    struct fork_body b = {0};
    json_pool_init(&pool);
    struct workspace *ws = v1_find_workspace(c->r);
    if (!ws || v1_read_body(c->r, &v1_fork_table, &pool, &b)) {
        v1_call_refused(c);
        return;
    }
    c->w.on_done = on_done;
    c->status = 201;
    c->location = "/v1/workspaces/";
    const struct fork_spec spec = {*b.name ? b.name : NULL, *b.snapshot ? b.snapshot : NULL};
    (void)v1_call_started(c, core_workspace_fork(c->v->core, ws, &spec, &c->w, &e), &e);
}

void v1_workspaces_fork(struct http_req *r)
{
    v1_call_begin(v1_call_new(r, sizeof(struct call)), fork_it);
}

void v1_workspaces_rerun_init(struct http_req *r)
{
    struct err e;
    uint64_t wait_ms;
    struct workspace *ws = v1_find_workspace(r);
    if (!ws || v1_param_wait(r, &wait_ms))
        return;
    if (core_workspace_rerun_init(v1_of(r)->core, ws, NULL, &e)) {
        v1_err(r, &e);
        return;
    }
    if (!wait_ms) { // it goes on by itself; its end shows in the workspace and its log
        v1_answer_show(r, 202, &v1_workspace_shape, ws);
        return;
    }
    struct call *c = v1_call_new(r, sizeof(*c));
    c->w.on_done = on_waited;
    c->status = 200;
    (void)v1_call_started(c, core_workspace_wait(c->v->core, ws, wait_ms, &c->w, &e), &e);
}
