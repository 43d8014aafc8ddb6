// SPDX-License-Identifier: Apache-2.0
// pinfold image: list, check, show, and build without a server.
#include "client_int.h"
#include "commands_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/box.h>
#include <pinfold/clock.h>
#include <pinfold/image.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/mman.h>

#define OUT_MAX (4u << 20)

struct row {
    const char *name, *description;
    uint32_t layers, layers_built;
};
static const struct json_field row_fields[] = {
    JSON_FIELD(struct row, name, JSON_STRING),
    JSON_FIELD(struct row, description, JSON_STRING),
    JSON_FIELD(struct row, layers, JSON_U32),
    JSON_FIELD(struct row, layers_built, JSON_U32),
};
static const struct json_table row_table = {"Image", row_fields, N_ELEMS(row_fields),
                                            sizeof(struct row), -1};

static void show_row(const void *item, struct buf *out)
{
    const struct row *r = item;
    (void)buf_printf(out, "%-18s %u/%u layers  %s\n", r->name ? r->name : "", r->layers_built,
                     r->layers, r->description ? r->description : "");
}

static const struct show_list rows = {"/v1/images", &row_table, "", show_row};

// As the server shows it; a bad file shows why in the place of its description.
static void put_image(const char *name, int layers_fd, struct json_out *o)
{
    struct err e;
    struct image *im = host_image(name, NULL, &e);
    const char *keys[IMAGE_LAYERS_MAX];
    unsigned n = im ? image_layers(im, keys) : 0, built = 0;
    for (unsigned i = 0; i < n && layers_fd >= 0; i++)
        built += !faccessat(layers_fd, keys[i], F_OK, 0);
    json_begin(o, NULL);
    json_str(o, "name", name);
    json_str(o, "description", im ? im->description : e.text);
    json_u64(o, "layers", n);
    json_u64(o, "layers_built", built);
    json_bool(o, "ready", im && built == n);
    json_end(o);
    image_free(im);
}

int cmd_image_list(struct cli *c)
{
    struct err e;
    char **names;
    unsigned n;
    struct json_out o;
    own_buf struct buf answer;
    buf_init(&answer, OUT_MAX);
    if (c->client)
        return show_list(c, &rows);
    own_fd int dir = host_images_dir(&e);
    if (dir < 0 || image_list(dir, &names, &n, &e))
        return cli_fail(EXIT_FAILED, &e);
    // Only root may look; others see the images, none of them built.
    own_fd int state = geteuid() == 0 ? host_state_dir(c, &e) : -1;
    own_fd int layers =
        state < 0 ? -1 : openat(state, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    show_local_begin(&o, &answer);
    for (unsigned i = 0; i < n; i++)
        put_image(names[i], layers, &o);
    image_list_free(names, n);
    return show_local_end(c, &rows, &o);
}

static int check_one(const char *path, struct err *e)
{
    own_free char *copy = xstrdup(path);
    char *slash = strrchr(copy, '/'), *name = slash ? slash + 1 : copy, *dot = strrchr(name, '.');
    if (!dot || strcmp(dot, ".image"))
        return err_set(e, ERR_BAD_REQUEST, "%.150s is not named *.image", path);
    *dot = '\0';
    if (slash)
        *slash = '\0';
    own_fd int dir = open(!slash ? "." : *copy ? copy : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(e, "open the directory of %.150s", path);
    own_fd int profiles = host_profiles_dir(e);
    if (profiles < 0)
        return -1;
    const struct image_settings s = {.profiles_fd = profiles};
    struct image *im = image_load(dir, name, &s, e);
    if (!im)
        return -1;
    (void)printf("%s: good, %u steps\n", path, im->n_steps);
    image_free(im);
    return 0;
}

int cmd_image_check(struct cli *c)
{
    struct err e;
    int code = 0;
    for (unsigned i = 0; i < c->n_args; i++)
        if (check_one(c->args[i], &e))
            code = cli_fail(EXIT_FAILED, &e);
    return code;
}

int cmd_image_show(struct cli *c)
{
    struct err e;
    own_buf struct buf out;
    buf_init(&out, OUT_MAX);
    struct image *im = host_image(c->args[0], NULL, &e);
    if (!im)
        return cli_fail(EXIT_FAILED, &e);
    (void)buf_printf(&out, "%s: %s\nkey %s\n", im->name, im->description, im->key);
    for (unsigned i = 0; i < im->n_steps; i++) {
        const struct image_step *s = &im->steps[i];
        (void)buf_printf(&out, "%-8s %.16s  %s:%u  %s\n", image_step_kind_name(s->kind),
                         s->has_layer ? s->key : "-", s->image, s->line, s->text);
    }
    image_free(im);
    return cli_print(&out);
}

// --- build ----------------------------------------------------------------------------------

static int input_file(const struct image_step *s, struct err *e)
{
    own_fd int fd =
        s->input_len ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd < 0 ||
        (s->input_len && (io_write_full(fd, s->input, s->input_len) || lseek(fd, 0, SEEK_SET))))
        return err_sys(e, "hand over a step's input");
    return fd_steal(&fd);
}

static int run_step(struct host *h, const struct image_step *s, const struct box_spec *spec,
                    struct err *e)
{
    struct box b;
    char step[32] = "";
    own_fd int in = input_file(s, e);
    if (in < 0)
        return -1;
    if (box_start(h->boxes, spec, &b, step, e))
        return err_wrap(e, "the sandbox does not start, step %s", step);
    const struct box_run r = {.argv = s->argv,
                              .env = s->env,
                              .cwd = s->cwd,
                              .user = "",
                              .in_fd = in,
                              .out_fd = STDERR_FILENO,
                              .err_fd = STDERR_FILENO};
    e->text[0] = '\0';
    int code = box_run_command(&b, &r, e), status;
    uint64_t oom_kills;
    box_kill(h->boxes, &b);
    box_reap(h->boxes, &b, &status, &oom_kills);
    if (code && !e->text[0])
        (void)err_set(e, ERR_CONFLICT, "it ended with exit code %d%s", code,
                      oom_kills ? ", out of memory" : "");
    return code ? -1 : 0;
}

// Layers of the steps before this one, as a box wants them.
static void put_layer(char *layers, size_t room, const char *key)
{
    size_t n = strlen(layers);
    (void)snprintf(layers + n, room - n, "%s%s", n ? ":" : "", key);
}

// A step that wants a network has its profile's.
static int step_network(const struct host *h, const struct image_step *s, enum net_mode *ret,
                        struct err *e)
{
    const struct profile *p = profile_find(h->profiles, h->n_profiles, s->profile);
    *ret = s->network == NET_FULL && p ? p->network : s->network;
    return *ret == NET_LIST ? err_set(e, ERR_DENIED,
                                      "profile %s has an allow-list, which only a server keeps: "
                                      "POST /v1/images/%s/build",
                                      s->profile, s->image)
                            : 0;
}

static int build_step(struct host *h, const struct image_step *s, const char *layers, struct err *e)
{
    char dir[ID_MAX], id[ID_MAX];
    struct box_spec spec = {.id = id_make("bld", id),
                            .dir = id_make("bld", dir),
                            .dir_fd = -1,
                            .layers = s->host_usr ? "" : layers,
                            .host_usr = s->host_usr,
                            .profile = s->profile,
                            .mirror = "",
                            .hostname = ""};
    if (step_network(h, s, &spec.network, e) || box_dir_create(h->boxes, dir, 0, 0, e))
        return -1;
    int r = run_step(h, s, &spec, e) || box_layer_commit(h->boxes, dir, s->from_files, s->key, e);
    (void)box_dir_delete(h->boxes, dir, NULL); // the first error is the one to report
    return r ? -1 : 0;
}

static int build(struct host *h, const struct image *im, struct err *e)
{
    char layers[IMAGE_LAYERS_MAX * IMAGE_KEY_LEN] = "";
    for (unsigned i = 0; i < im->n_steps; i++) {
        const struct image_step *s = &im->steps[i];
        if (!s->has_layer)
            continue;
        // Held until this process ends: what comes next stands on it.
        bool there = box_layer_hold(h->boxes, s->key, NULL) >= 0;
        cli_progress("step %u/%u %s %.50s%s", i + 1, im->n_steps, image_step_kind_name(s->kind),
                     s->text, there ? ": is there already" : "");
        cli_progress_end();
        if (!there && (build_step(h, s, layers, e) || box_layer_hold(h->boxes, s->key, e) < 0))
            return err_wrap(e, "%s:%u", s->image, s->line);
        put_layer(layers, sizeof(layers), s->key);
    }
    return 0;
}

int cmd_image_build(struct cli *c)
{
    struct err e;
    struct host h;
    uint64_t start = clock_mono_ms();
    struct image *im = host_image(c->args[0], cli_get(c, "mirror"), &e);
    if (!im)
        return cli_fail(EXIT_FAILED, &e);
    int code = host_open(&h, c, NULL, &e) || build(&h, im, &e) ? cli_fail(EXIT_FAILED, &e) : 0;
    if (!code)
        (void)printf("%s is built (%.1f s)\n", im->name, (double)(clock_mono_ms() - start) / 1000);
    host_close(&h);
    image_free(im);
    return code;
}
