// SPDX-License-Identifier: Apache-2.0
// One command in a fresh sandbox: its own box, whose writable layer is memory, the files it is
// given first, the command, and nothing left.
#include "workspace_int.h"

#include <pinfold/image.h>
#include <pinfold/own.h>
#include <pinfold/policy.h>
#include <pinfold/profile.h>
#include <pinfold/tool.h>
#include <stdio.h>

#define FILES_MAX 256
#define PUT_TIMEOUT_MS 60000

static void describe(const struct one_shot *shot, struct msg_box_start *m)
{
    image_fill(shot->image, m);
    limits_fill(&shot->limits, m);
    TEXT_PUT(m->profile, shot->profile->name);
    TEXT_PUT(m->hostname, "pinfold");
    m->network = shot->network;
}

static int fill(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    const struct execution *x = sb->owner;
    (void)e;
    describe(x->live->shot, m);
    free(sb->net_rules);
    sb->net_rules = xstrdup(x->live->shot->net_rules);
    return 0;
}

static int copy_files(struct one_shot *shot, const struct exec_spec *s, size_t max, struct err *e)
{
    size_t total = 0;
    if (s->n_files > FILES_MAX)
        return err_set(e, ERR_LIMIT, "files has %zu entries; at most %d are allowed", s->n_files,
                       FILES_MAX);
    shot->files = xcalloc(s->n_files + 1, sizeof(*shot->files));
    for (size_t i = 0; i < s->n_files; i++) {
        const struct file_put *f = &s->files[i];
        size_t n = f->path ? strlen(f->path) : 0;
        if (!n || n > TOOL_PATH_MAX)
            return err_set(e, ERR_BAD_REQUEST, "files[%zu].path is empty or too long", i);
        total += f->len;
        if (total > max)
            return err_set(e, ERR_LIMIT, "files are larger than %zu bytes together", max);
        shot->files[i] = (struct put_file){
            .path = xstrdup(f->path),
            .data = xmemdup0(f->data ? f->data : "", f->len),
            .len = f->len,
            .mode = f->mode ? f->mode & 0777 : 0644,
        };
        shot->n_files++;
    }
    return 0;
}

static int shot_network(struct core *c, struct one_shot *shot, const struct exec_spec *s,
                        struct err *e)
{
    const struct network_wish wish = {.given = s->network_given,
                                      .mode = s->network,
                                      .allow = s->allow,
                                      .secrets = s->secrets,
                                      .keep = s->keep};
    own_buf struct buf rules;
    buf_init(&rules, POLICY_TEXT_MAX);
    if (network_check(&wish, shot->profile, &shot->network, e) || uses_check(c, &wish, e))
        return -1;
    shot->allow =
        shot->network == NET_LIST ? network_list(&wish, shot->profile) : strings_copy(NULL);
    if (network_rules(c, shot->profile, shot->allow->list, NULL, &rules, e))
        return -1;
    shot->net_rules = xstrdup(rules.data);
    return 0;
}

int shot_prepare(struct execution *x, const struct exec_spec *s, struct err *e)
{
    struct core *c = x->core;
    const char *image = s->image ? s->image : c->conf.default_image;
    const char *profile = s->profile ? s->profile : c->conf.default_profile;
    struct one_shot *shot = x->live->shot = xcalloc(1, sizeof(*shot));
    shot->image = image_named(c, image);
    shot->profile = core_profile_find(c, profile);
    if (!shot->image)
        return err_set(e, ERR_BAD_REQUEST, "there is no image '%.64s'", image);
    if (!shot->profile)
        return err_set(e, ERR_BAD_REQUEST, "there is no profile '%.64s'", profile);
    if (image_present(c, shot->image, e) || shot_network(c, shot, s, e))
        return -1;
    if (limits_within(&shot->profile->limits, &s->limits, profile, e))
        return -1;
    limits_narrow(&shot->limits, &shot->profile->limits, &s->limits);
    TEXT_PUT(x->pub.image, shot->image->name);
    TEXT_PUT(x->pub.profile, shot->profile->name);
    return copy_files(shot, s, c->conf.stdin_max_bytes, e);
}

void shot_free(struct one_shot *shot)
{
    if (!shot)
        return;
    for (size_t i = 0; i < shot->n_files; i++) {
        free(shot->files[i].path);
        free(shot->files[i].data);
    }
    free(shot->files);
    free(shot->net_rules);
    free(shot->allow);
    buf_release(&shot->put_args.bytes);
    buf_release(&shot->put_text);
    if (shot->sb)
        sandbox_release(shot->sb);
    free(shot);
}

// --- files first ------------------------------------------------------------------------------

static void put_next(struct execution *x);

void tool_proc(struct proc *p, struct core *c, struct packed *args, const char *const *argv)
{
    proc_init(p, c);
    buf_release(&args->bytes);
    *args = (struct packed){0};
    buf_init(&args->bytes, WIRE_MAX * 4);
    struct err e = {0};
    if (packed_argv(args, argv, &e))
        abort(); // paths and numbers were checked: they fit
    p->args = (struct wire_bytes){args->bytes.data, args->bytes.len};
    p->n_argv = args->n_argv;
    p->program = PROGRAM_TOOL;
}

static void on_put_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct one_shot *shot = container_of(p, struct one_shot, put);
    size_t room = shot->put_text.max - shot->put_text.len;
    if (stream == EXEC_STDERR)
        (void)buf_append(&shot->put_text, data, n < room ? n : room);
}

static void on_put_end(struct proc *p, const struct outcome *o)
{
    struct one_shot *shot = container_of(p, struct one_shot, put);
    struct execution *x = shot->sb->owner;
    struct outcome end = *o;
    struct err e = {0};
    shot->putting = false;
    if (o->reason != END_EXITED) {
        exec_on_proc_end(&x->live->proc, &end);
        return;
    }
    if (tool_result(o->exit_code, shot->put_text.data, shot->put_text.len, &e)) {
        end = (struct outcome){.reason = END_START_FAILED, .exit_code = -1};
        (void)snprintf(end.detail, sizeof(end.detail), "files: %.100s", e.text);
        exec_on_proc_end(&x->live->proc, &end);
        return;
    }
    shot->n_put++;
    put_next(x);
}

static void put_next(struct execution *x)
{
    struct one_shot *shot = x->live->shot;
    if (shot->n_put == shot->n_files) {
        proc_start(&x->live->proc, shot->sb);
        return;
    }
    const struct put_file *f = &shot->files[shot->n_put];
    char mode[8], size[24];
    (void)snprintf(mode, sizeof(mode), "%o", f->mode);
    (void)snprintf(size, sizeof(size), "%zu", f->len);
    const char *argv[] = {"pinfold-tool", "write", f->path, mode, size, "", "p", NULL};
    tool_proc(&shot->put, x->core, &shot->put_args, argv);
    buf_release(&shot->put_text);
    buf_init(&shot->put_text, 200);
    shot->put.user = x->live->proc.user;
    shot->put.timeout_ms = PUT_TIMEOUT_MS;
    shot->put.on_output = on_put_output;
    shot->put.on_end = on_put_end;
    shot->put.brief = true;
    shot->putting = true;
    struct err e = {0};
    int bad = proc_give_stdin(&shot->put, f->data, f->len, &e);
    if (bad)
        proc_end_later(&shot->put, END_START_FAILED, e.text);
    else
        proc_start(&shot->put, shot->sb);
}

void shot_start(struct execution *x)
{
    struct one_shot *shot = x->live->shot;
    // Not one whose id was given out: its sandbox must have its id to be found after a restart.
    if (x->live->proc.brief && shot->network == NET_NONE) {
        struct msg_box_start want;
        memset(&want, 0, sizeof(want)); // padding too: it is compared whole
        describe(shot, &want);
        shot->sb = pool_take(x->core, &want);
    }
    if (!shot->sb)
        shot->sb = sandbox_new(x->core, x->pub.id, fill, x);
    shot->sb->owner = x;
    put_next(x);
}
