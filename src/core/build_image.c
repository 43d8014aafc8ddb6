// SPDX-License-Identifier: Apache-2.0
// Making an image's layers, one step after the other. A layer that exists is not made again; one
// that another build makes now is waited for. Each step runs over a fresh directory named after the
// build, which becomes the layer.
#include "build_int.h"
#include "script_int.h"
#include "workspace_int.h"

#include <dirent.h>
#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <stdio.h>

static void make_layer(struct bld *b);

static const struct image_step *step_of(const struct bld *b)
{
    return &b->image->steps[b->at];
}

// --- which layers exist -----------------------------------------------------------------------

static void read_layers(struct core *c, int fd)
{
    own_dir DIR *dir = fdopendir(fd);
    if (!dir) {
        (void)close(fd);
        return;
    }
    map_free(c->layers);
    c->layers = map_new();
    rewinddir(dir);
    for (struct dirent *d; (d = readdir(dir));)
        if (d->d_name[0] != '.' && strlen(d->d_name) < LAYER_NAME_MAX)
            (void)map_put(c->layers, d->d_name, c); // a set: any value does
    c->layers_known = true;
}

static void on_layers(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct core *c = container_of(a, struct core, layers_ask);
    struct err e = {0};
    int fd = m ? wire_take_fd(m, 0) : -1;
    if (!m) {
        layers_ask(c); // the launcher restarted
        return;
    }
    if (ask_result(m, err, &e) || fd < 0)
        core_notice(c, true, "list the image layers: %s", e.text);
    if (fd >= 0)
        read_layers(c, fd);
    builds_admit(c);
    budget_look(c);
}

void layers_ask(struct core *c)
{
    if (c->launcher.fd >= 0)
        launcher_ask(c, &c->layers_ask, MSG_LAYER_LIST, NULL, on_layers);
}

struct dir_delete {
    struct ask ask;
    struct core *core;
    struct msg_dir m;
};

static void on_dir_deleted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct dir_delete *d = container_of(a, struct dir_delete, ask);
    struct err e = {0};
    if (!m && launcher_there(d->core)) { // it restarted, and may have begun
        launcher_ask(d->core, &d->ask, MSG_DIR_DELETE, &d->m, on_dir_deleted);
        return;
    }
    if (ask_result(m, err, &e) && m && e.code != ERR_NOT_FOUND)
        core_notice(d->core, true, "remove a build's directory: %s", e.text);
    free(d);
}

void build_dir_delete(struct core *c, const char *id)
{
    struct dir_delete *d = xcalloc(1, sizeof(*d));
    d->core = c;
    d->ask.long_work = d->ask.alone = true;
    TEXT_PUT(d->m.dir, id);
    launcher_ask(c, &d->ask, MSG_DIR_DELETE, &d->m, on_dir_deleted);
}

// --- the end of a step ------------------------------------------------------------------------

static void leave_key(struct bld *b)
{
    if (!b->key[0])
        return;
    (void)map_del(b->core->making, b->key);
    b->key[0] = '\0';
    builds_recheck(b->core);
}

// Clean up what the step left, then go on or end.
static void on_step_cleaned(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct bld *b = container_of(a, struct bld, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND && !b->failed[0])
        TEXT_PUT(b->failed, e.text);
    buf_release(&b->args.bytes);
    leave_key(b);
    if (b->failed[0] || b->cancelled) {
        build_fail(b, b->failed);
        return;
    }
    b->at++;
    build_image(b);
}

static void clean_step(struct bld *b)
{
    struct msg_dir m = {0};
    TEXT_PUT(m.dir, b->pub.id);
    b->ask.long_work = true;
    launcher_ask(b->core, &b->ask, MSG_DIR_DELETE, &m, on_step_cleaned);
}

static void on_committed(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct bld *b = container_of(a, struct bld, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_CONFLICT) // CONFLICT: it exists, and is the same
        TEXT_PUT(b->failed, e.text);
    else {
        (void)map_put(b->core->layers, b->key, b->core);
        budget_used(b->core, BUDGET_LAYERS, b->key, true);
    }
    clean_step(b);
}

static void step_ran(struct bld *b)
{
    const struct image_step *step = step_of(b);
    if (b->end.reason != END_EXITED || b->end.exit_code != 0) {
        char what[100];
        (void)snprintf(what, sizeof(what), "step %u (%.60s)", b->pub.step, b->pub.doing);
        outcome_sentence(&b->end, what, b->failed, sizeof(b->failed));
        b->pub.end = b->end;
        clean_step(b);
        return;
    }
    struct msg_layer m = {.from_files = step->from_files};
    TEXT_PUT(m.layer, step->key);
    TEXT_PUT(m.dir, b->pub.id);
    b->ask.long_work = true;
    launcher_ask(b->core, &b->ask, MSG_LAYER_COMMIT, &m, on_committed);
}

static void on_box_gone(struct sandbox *sb)
{
    struct bld *b = sb->owner;
    sb->on_gone = NULL;
    b->sb = NULL;
    step_ran(b);
}

static void on_proc_end(struct proc *p, const struct outcome *o)
{
    struct bld *b = container_of(p, struct bld, proc);
    struct sandbox *sb = b->sb;
    b->end = *o;
    if (sb->state == SB_NONE) {
        b->sb = NULL;
        sandbox_release(sb);
        step_ran(b);
        return;
    }
    sb->on_gone = on_box_gone;
    sandbox_stop(sb);
}

// --- running a step ---------------------------------------------------------------------------

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct bld *b = container_of(p, struct bld, proc);
    (void)stream; // one log, as a terminal would show it
    source_append(&b->log, 0, data, n);
}

// Below a step lie the layers of the steps before it.
static void fill_layers(const struct bld *b, struct msg_box_start *m)
{
    size_t at = 0;
    for (unsigned i = 0; i < b->at; i++) {
        const struct image_step *s = &b->image->steps[i];
        if (!s->has_layer)
            continue;
        int w = snprintf(m->layers + at, sizeof(m->layers) - at, "%s%s", at ? ":" : "", s->key);
        at += w > 0 ? (size_t)w : 0; // they fit: the image's reader bounds their number
    }
}

static const struct profile *profile_of(const struct bld *b)
{
    return profile_find(b->core->profiles, b->core->n_profiles, step_of(b)->profile);
}

// A step that wants a network has its profile's.
static enum net_mode network_of(const struct bld *b)
{
    const struct profile *p = profile_of(b);
    return step_of(b)->network == NET_FULL && p ? p->network : step_of(b)->network;
}

static int fill(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    const struct bld *b = sb->owner;
    const struct image_step *step = step_of(b);
    m->host_usr = step->host_usr;
    if (!step->host_usr)
        fill_layers(b, m);
    m->network = network_of(b);
    TEXT_PUT(m->profile, step->profile);
    TEXT_PUT(m->dir, b->pub.id);
    TEXT_PUT(m->hostname, "pinfold-build");
    return m->network == NET_LIST ? network_of_profile(sb, profile_of(b), e) : 0;
}

// The same in a row is one line.
void build_network_decision(struct bld *b, const struct msg_egress_decision *m)
{
    char text[sizeof(b->decision)];
    if (m->ended)
        return;
    (void)snprintf(text, sizeof(text), "network: %s:%u %s (%s)%s%s\n", m->host, m->port,
                   m->allowed ? "is allowed" : "is refused", m->rule,
                   *m->process ? ", asked by " : "", m->process);
    if (strcmp(text, b->decision) != 0)
        source_printf(&b->log, "%s", text);
    TEXT_PUT(b->decision, text);
}

static int start_proc(struct bld *b, struct err *e)
{
    const struct image_step *step = step_of(b);
    struct proc *p = &b->proc;
    proc_init(p, b->core);
    b->args = (struct packed){0};
    buf_init(&b->args.bytes, 4 * 1024 * 1024); // an image file's own limits are lower
    if (packed_argv(&b->args, (const char *const *)step->argv, e) ||
        packed_env(&b->args, (const char *const *)step->env, e) ||
        (network_of(b) == NET_LIST && packed_env(&b->args, network_env, e)) ||
        proc_give_stdin(p, step->input, step->input_len, e))
        return -1;
    p->args = (struct wire_bytes){b->args.bytes.data, b->args.bytes.len};
    p->n_argv = b->args.n_argv;
    p->n_env = b->args.n_env;
    p->cwd = step->cwd;
    p->root = true;
    p->timeout_ms = b->core->conf.build_timeout_ms;
    p->on_output = on_output;
    p->on_end = on_proc_end;
    return 0;
}

static void on_dir(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct bld *b = container_of(a, struct bld, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) || b->cancelled || start_proc(b, &e)) {
        TEXT_PUT(b->failed, e.text);
        clean_step(b);
        return;
    }
    b->sb = sandbox_new(b->core, b->pub.id, fill, b);
    proc_start(&b->proc, b->sb);
}

static void make_layer(struct bld *b)
{
    struct msg_dir m = {0};
    TEXT_PUT(b->key, step_of(b)->key);
    (void)map_put(b->core->making, b->key, b);
    TEXT_PUT(m.dir, b->pub.id);
    launcher_ask(b->core, &b->ask, MSG_DIR_CREATE, &m, on_dir);
}

// --- from step to step ------------------------------------------------------------------------

static void on_layer_deleted(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct bld *b = container_of(a, struct bld, ask);
    const char *layers[IMAGE_LAYERS_MAX];
    struct err e = {0};
    (void)image_layers(b->image, layers);
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        build_fail(b, e.text);
        return;
    }
    (void)map_del(b->core->layers, layers[b->n_to_delete]);
    build_image(b);
}

// A rebuild of an image: its layers first go, the highest first.
static void delete_layer(struct bld *b)
{
    const char *layers[IMAGE_LAYERS_MAX];
    struct msg_layer m = {0};
    (void)image_layers(b->image, layers);
    pool_empty(b->core); // some may show them
    TEXT_PUT(m.layer, layers[--b->n_to_delete]);
    b->ask.long_work = true;
    launcher_ask(b->core, &b->ask, MSG_LAYER_DELETE, &m, on_layer_deleted);
}

void build_image(struct bld *b)
{
    struct core *c = b->core;
    if (c->closing)
        b->cancelled = true;
    if (b->n_to_delete && !b->cancelled) {
        delete_layer(b);
        return;
    }
    for (; b->at < b->image->n_steps && !b->cancelled; b->at++) {
        const struct image_step *step = step_of(b);
        if (!step->has_layer)
            continue;
        if (map_get(c->making, step->key)) {
            if (!b->waits_for_layer)
                source_printf(&b->log, "this layer is being made or removed; waiting for that\n");
            b->waits_for_layer = true;
            return;
        }
        b->waits_for_layer = false;
        b->pub.step++;
        (void)snprintf(b->pub.doing, sizeof(b->pub.doing), "%s: %.60s",
                       image_step_kind_name(step->kind), step->text);
        b->pub.doing[strcspn(b->pub.doing, "\n")] = '\0';
        if (!map_get(c->layers, step->key)) {
            source_printf(&b->log, "[%u/%u] %s\n", b->pub.step, b->pub.n_steps, b->pub.doing);
            make_layer(b);
            return;
        }
        b->pub.n_cached++;
        c->stats.layers_cached++;
        source_printf(&b->log, "[%u/%u] %s: cached\n", b->pub.step, b->pub.n_steps, b->pub.doing);
    }
    if (b->cancelled)
        build_fail(b, "");
    else
        build_image_done(b);
}

void builds_recheck(struct core *c)
{
    for (bool again = true; again;) { // from the front each time: a build that ends leaves the list
        again = false;
        list_for (it, &c->build_list) {
            struct bld *b = container_of(it, struct bld, all);
            if (!b->waits_for_layer || b->pub.status != BUILD_RUNNING)
                continue;
            bool free_now = !map_get(c->making, step_of(b)->key);
            if (!free_now && !b->cancelled)
                continue;
            b->waits_for_layer = false;
            build_image(b);
            again = true;
            break;
        }
    }
}
