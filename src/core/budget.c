// SPDX-License-Identifier: Apache-2.0
// See budget_int.h.
#include "build_int.h"
#include "repo_int.h"
#include "snapshot_int.h"

#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <stdio.h>

#define SAVED_AS "spent"         // in the database, a line each: kind, name, bytes, when
#define SAVED_MAX (4u << 20)     // bytes: 30,000 of them
#define USED_STEP_MS (60 * 1000) // how exactly a use is written down

struct spent {
    uint64_t bytes; // 0: not counted yet
    uint64_t used_ms;
    bool failed; // could not be counted, or removed: not before the next start
};

static const char *const words[BUDGET_N] = {"layer", "mirror"};

static uint64_t limit_of(const struct core *c, enum budget_kind kind)
{
    return kind == BUDGET_LAYERS ? c->conf.images_total_bytes : c->conf.mirrors_total_bytes;
}

static struct spent *spent_of(struct core *c, enum budget_kind kind, const char *name)
{
    struct map *m = c->budget.spent[kind];
    struct spent *s = map_get(m, name);
    if (s)
        return s;
    s = xcalloc(1, sizeof(*s));
    s->used_ms = clock_wall_ms();
    (void)map_put(m, name, s);
    return s;
}

void budget_used(struct core *c, enum budget_kind kind, const char *name, bool made)
{
    struct spent *s = spent_of(c, kind, name);
    uint64_t now = clock_wall_ms();
    if (now <= c->budget.last_ms) // each use is later than the one before
        now = c->budget.last_ms + 1;
    c->budget.last_ms = now;
    c->budget.dirty |= made || now > s->used_ms + USED_STEP_MS;
    s->used_ms = now;
    if (made)
        s->bytes = 0;
}

void budget_layers_used(struct core *c, const char *layers)
{
    char name[LAYER_NAME_MAX];
    for (const char *at = layers; *at;) {
        size_t n = strcspn(at, ":");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, at);
        budget_used(c, BUDGET_LAYERS, name, false);
        at += n + (at[n] == ':');
    }
}

// --- what is there -----------------------------------------------------------------------------

// Names are 64 hexadecimal digits; beside the layers lies what is no layer.
static bool counts(const char *name)
{
    return strlen(name) == 64;
}

// The next one of a kind that exists, in no order; *at NULL at first.
static const char *next(const struct core *c, enum budget_kind kind, size_t *cursor,
                        struct list **at)
{
    const char *name;
    if (kind == BUDGET_LAYERS) {
        while (map_next(c->layers, cursor, &name))
            if (counts(name))
                return name;
        return NULL;
    }
    for (*at = *at ? (*at)->next : c->repos.next; *at != &c->repos; *at = (*at)->next) {
        const struct rep *r = container_of(*at, struct rep, all);
        if (r->pub.fetched_ms && !r->deleting)
            return r->pub.mirror;
    }
    return NULL;
}

static uint64_t sum(const struct core *c, enum budget_kind kind)
{
    size_t cursor = 0;
    struct list *at = NULL;
    uint64_t bytes = 0;
    for (const char *name; (name = next(c, kind, &cursor, &at));) {
        const struct spent *s = map_get(c->budget.spent[kind], name);
        bytes += s ? s->bytes : 0;
    }
    return bytes;
}

void budget_stats(const struct core *c, struct core_stats *ret)
{
    ret->images_bytes = sum(c, BUDGET_LAYERS);
    ret->mirrors_bytes = sum(c, BUDGET_MIRRORS);
    ret->output_kept_bytes = c->output_file_bytes;
    ret->layers_removed = c->budget.removed[BUDGET_LAYERS];
    ret->mirrors_removed = c->budget.removed[BUDGET_MIRRORS];
}

// --- what is in use ----------------------------------------------------------------------------

static void add_image(struct map *used, const struct image *image)
{
    const char *layers[IMAGE_LAYERS_MAX];
    for (unsigned i = 0, n = image ? image_layers(image, layers) : 0; i < n; i++)
        (void)map_put(used, layers[i], used); // a set: any value does
}

static void add_workspaces(const struct core *c, struct map *used)
{
    list_for (it, &c->workspaces) {
        const struct ws *ws = container_of(it, struct ws, all);
        add_image(used, ws->set.image);
        list_for (s, &ws->snapshots)
            add_image(used, image_named(c, container_of(s, struct snap, link)->pub.image));
    }
}

// All layers that anything stands on or waits for; NULL when that is not known.
static struct map *layers_in_use(const struct core *c)
{
    struct map *used = map_new();
    add_workspaces(c, used);
    list_for (it, &c->build_list) {
        const struct bld *b = container_of(it, struct bld, all);
        if (b->pub.status == BUILD_QUEUED || b->pub.status == BUILD_RUNNING)
            add_image(used, b->image);
    }
    list_for (it, &c->exec_queue) {
        const struct execution *x = container_of(it, struct execution, queue);
        if (x->live && x->live->shot)
            add_image(used, x->live->shot->image);
    }
    list_for (it, &c->boxes) {
        const struct sandbox *sb = container_of(it, struct sandbox, link);
        if (!sb->layers) { // an earlier server started it
            map_free(used);
            return NULL;
        }
        char name[LAYER_NAME_MAX];
        for (const char *at = sb->layers; *at; at += strcspn(at, ":"), at += *at == ':') {
            (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ":"), at);
            (void)map_put(used, name, used);
        }
    }
    return used;
}

// Nor does one go with which a list would go.
static bool mirror_in_use(const struct core *c, const char *name)
{
    const struct rep *r = map_get(c->repos_by_mirror, name);
    return !r || r->deleting || r->allow || !list_empty(&r->jobs) || rep_users(r);
}

// Does a layer that is there stand on it? Without it that one would be of no use.
static bool stood_on(const struct core *c, const char *name)
{
    const char *layers[IMAGE_LAYERS_MAX];
    for (unsigned i = 0; i < c->n_images; i++)
        for (unsigned k = 1, n = image_layers(c->images[i], layers); k < n; k++)
            if (!strcmp(layers[k - 1], name) && map_get(c->layers, layers[k]))
                return true;
    return false;
}

static bool may_go(const struct core *c, enum budget_kind kind, const struct map *used,
                   const char *name)
{
    return kind == BUDGET_LAYERS ? !map_get(used, name) && !stood_on(c, name)
                                 : !mirror_in_use(c, name);
}

// The one of a kind to go next; "" for none.
static void oldest(struct core *c, enum budget_kind kind, const struct map *used,
                   char ret[LAYER_NAME_MAX])
{
    size_t cursor = 0;
    struct list *at = NULL;
    const struct spent *best = NULL;
    ret[0] = '\0';
    for (const char *name; (name = next(c, kind, &cursor, &at));) {
        const struct spent *s = map_get(c->budget.spent[kind], name);
        if (!s || s->failed || (best && s->used_ms >= best->used_ms) ||
            !may_go(c, kind, used, name))
            continue;
        best = s;
        text_put(ret, LAYER_NAME_MAX, name);
    }
}

// --- removing ----------------------------------------------------------------------------------

static void begin(struct core *c, enum budget_kind kind, const char *name)
{
    c->budget.busy = true;
    c->budget.kind = kind;
    TEXT_PUT(c->budget.name, name);
}

static void ended(struct core *c)
{
    c->budget.busy = false;
    budget_look(c);
}

static void removed(struct core *c, const struct err *err)
{
    struct budget *b = &c->budget;
    if (err->code && err->code != ERR_NOT_FOUND) {
        spent_of(c, b->kind, b->name)->failed = true;
        core_notice(c, true, "remove %s %.12s: %s", words[b->kind], b->name, err->text);
        return;
    }
    b->removed[b->kind]++;
    b->dirty = true;
    free(map_del(b->spent[b->kind], b->name));
    core_notice(c, false, "%s %.12s was not used lately and is removed", words[b->kind], b->name);
}

static void on_layer_removed(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct core *c = container_of(container_of(a, struct budget, ask), struct core, budget);
    struct err e = {0};
    (void)map_del(c->making, c->budget.name);
    if (!m) { // the launcher restarted: what is there is asked for anew
        c->budget.busy = false;
        return;
    }
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND)
        (void)map_put(c->layers, c->budget.name, c);
    builds_recheck(c);
    if (e.code == ERR_BUSY) { // by somebody beside this server: it is tried again later
        c->budget.busy = false;
        return;
    }
    removed(c, &e);
    ended(c);
}

// Gone for everybody before it is asked for: what starts from now on does not stand on it. A build
// that wants it waits.
static void remove_layer(struct core *c, const char *name)
{
    struct msg_layer m = {0};
    TEXT_PUT(m.layer, name);
    begin(c, BUDGET_LAYERS, name);
    (void)map_del(c->layers, name);
    (void)map_put(c->making, name, c);
    c->budget.ask.long_work = true;
    launcher_ask(c, &c->budget.ask, MSG_LAYER_DELETE, &m, on_layer_removed);
}

static void on_mirror_removed(struct waiter *w)
{
    struct core *c = container_of(container_of(w, struct budget, waiter), struct core, budget);
    removed(c, &w->err);
    ended(c);
}

static void remove_mirror(struct core *c, const char *name)
{
    struct rep *r = map_get(c->repos_by_mirror, name);
    struct err e = {0};
    begin(c, BUDGET_MIRRORS, name);
    c->budget.waiter = (struct waiter){.on_done = on_mirror_removed};
    if (core_repo_delete(c, &r->pub, &c->budget.waiter, &e)) { // it was looked at: cannot be
        removed(c, &e);
        c->budget.busy = false;
    }
}

static bool remove_one(struct core *c, enum budget_kind kind)
{
    char name[LAYER_NAME_MAX];
    uint64_t limit = limit_of(c, kind);
    if (!limit || sum(c, kind) <= limit)
        return false;
    struct map *used = kind == BUDGET_LAYERS ? layers_in_use(c) : NULL;
    if (kind == BUDGET_LAYERS && !used)
        return false;
    oldest(c, kind, used, name);
    map_free(used);
    if (!name[0])
        return false;
    if (kind == BUDGET_LAYERS)
        remove_layer(c, name);
    else
        remove_mirror(c, name);
    return true;
}

// --- counting ----------------------------------------------------------------------------------

static void on_counted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct core *c = container_of(container_of(a, struct budget, ask), struct core, budget);
    struct spent *s = map_get(c->budget.spent[c->budget.kind], c->budget.name);
    struct err e = {0};
    if (!m) { // the launcher restarted; it is asked again
        c->budget.busy = false;
        return;
    }
    if (s && m->row->type == MSG_DISK_USED) {
        s->bytes = m->body.disk_used.bytes ? m->body.disk_used.bytes : 1;
        c->budget.dirty = true;
    } else if (s) {
        s->failed = true;
        if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND)
            core_notice(c, true, "count %s %.12s: %s", words[c->budget.kind], c->budget.name,
                        e.text);
    }
    ended(c);
}

static bool count_one(struct core *c, enum budget_kind kind)
{
    size_t cursor = 0;
    struct list *at = NULL;
    struct msg_disk_use m = {0};
    for (const char *name; (name = next(c, kind, &cursor, &at));) {
        const struct spent *s = spent_of(c, kind, name);
        const struct rep *r = kind == BUDGET_MIRRORS ? map_get(c->repos_by_mirror, name) : NULL;
        if (s->bytes || s->failed || (r && !list_empty(&r->jobs)))
            continue;
        text_put(r ? m.mirror : m.layer, LAYER_NAME_MAX, name);
        begin(c, kind, name);
        c->budget.ask.long_work = true;
        launcher_ask(c, &c->budget.ask, MSG_DISK_USE, &m, on_counted);
        return true;
    }
    return false;
}

void budget_look(struct core *c)
{
    if (c->budget.busy || c->stopping || c->leaving || !c->layers_known || c->launcher.fd < 0)
        return;
    for (int kind = 0; kind < BUDGET_N; kind++)
        if (count_one(c, (enum budget_kind)kind) || remove_one(c, (enum budget_kind)kind))
            return; // its end looks again
}

// --- over a restart ----------------------------------------------------------------------------

struct spent_save {
    struct db_job job; // first member
    struct buf text;
};

static int save_run(struct db_job *j, struct store *s, struct err *e)
{
    const struct buf *b = &((struct spent_save *)j)->text;
    return store_meta_put(s, SAVED_AS, (struct store_blob){b->data, b->len}, e);
}

static void save_done(struct db_job *j)
{
    struct spent_save *s = (struct spent_save *)j;
    j->core->budget.saving = false;
    buf_release(&s->text);
    free(s);
}

// Only what is there: what is gone is forgotten so.
static void save(struct core *c)
{
    struct spent_save *s = xcalloc(1, sizeof(*s));
    s->job = (struct db_job){.run = save_run, .done = save_done};
    buf_init(&s->text, SAVED_MAX);
    for (int kind = 0; kind < BUDGET_N; kind++) {
        size_t cursor = 0;
        struct list *at = NULL;
        for (const char *name; (name = next(c, (enum budget_kind)kind, &cursor, &at));) {
            const struct spent *t = map_get(c->budget.spent[kind], name);
            if (t) // one that does not fit is counted again
                (void)buf_printf(&s->text, "%s %s %llu %llu\n", words[kind], name,
                                 (unsigned long long)t->bytes, (unsigned long long)t->used_ms);
        }
    }
    c->budget.dirty = false;
    c->budget.saving = true;
    db_push(c, &s->job);
}

void budget_tidy(struct core *c)
{
    budget_look(c);
    if (c->budget.dirty && !c->budget.saving && c->layers_known)
        save(c);
}

static void load_line(struct core *c, char *line)
{
    char *field[4] = {0};
    uint64_t bytes, used_ms;
    for (unsigned i = 0; i < 4; i++)
        field[i] = strsep(&line, " ");
    if (!field[3] || !counts(field[1]) || num_parse_u64(field[2], 0, UINT64_MAX, &bytes, NULL) ||
        num_parse_u64(field[3], 0, UINT64_MAX, &used_ms, NULL))
        return;
    for (int kind = 0; kind < BUDGET_N; kind++)
        if (!strcmp(field[0], words[kind])) {
            struct spent *s = spent_of(c, (enum budget_kind)kind, field[1]);
            s->bytes = bytes;
            s->used_ms = used_ms;
        }
}

int budget_load(struct core *c, struct err *e)
{
    own_buf struct buf b;
    buf_init(&b, SAVED_MAX);
    for (int kind = 0; kind < BUDGET_N; kind++)
        c->budget.spent[kind] = map_new();
    if (store_meta_get(c->db.store, SAVED_AS, &b, e) < 0)
        return -1;
    char *rest = b.len ? b.data : NULL;
    while (rest)
        load_line(c, strsep(&rest, "\n"));
    return 0;
}

void budget_end(struct core *c)
{
    ask_drop(&c->budget.ask);
    waiter_cancel(&c->budget.waiter);
    if (c->budget.dirty && !c->budget.saving && c->layers_known)
        save(c);
}

void budget_free(struct core *c)
{
    for (int kind = 0; kind < BUDGET_N; kind++) {
        size_t cursor = 0;
        const char *name;
        if (!c->budget.spent[kind])
            continue;
        for (struct spent *s; (s = map_next(c->budget.spent[kind], &cursor, &name));)
            free(s);
        map_free(c->budget.spent[kind]);
    }
}
