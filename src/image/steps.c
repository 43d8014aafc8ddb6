// SPDX-License-Identifier: Apache-2.0
// From what the files say to the steps of a build. Pure.
#include "image_int.h"

#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <string.h>

#if defined(__x86_64__)
#define NATIVE_ARCH "x86_64"
#elif defined(__aarch64__)
#define NATIVE_ARCH "aarch64"
#else
#error "no name for this architecture"
#endif

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct assembly {
    const struct image_source *src;
    struct image *im;
    struct strings env; // of the image, so far
    char key[IMAGE_KEY_LEN];
    const char *arch;
};

static const char *text_or(const char *s, const char *otherwise)
{
    return s && *s ? s : otherwise;
}

static struct image_step *new_step(struct assembly *a, enum image_step_kind kind, const char *text,
                                   const struct image_file *f, unsigned line)
{
    struct image_step *step = &a->im->steps[a->im->n_steps++];
    *step = (struct image_step){.kind = kind, .text = xstrdup(text), .line = line};
    (void)snprintf(step->image, sizeof(step->image), "%s", f->name); // same size
    return step;
}

// The environment of a step: what package managers want, then what the image has said so far.
static char **step_env(const struct assembly *a, enum image_step_kind kind)
{
    struct strings env = {0};
    strings_add(&env, DEFAULT_PATH);
    strings_add(&env, "HOME=/root");
    strings_add(&env, "LANG=C.UTF-8");
    if (kind == STEP_BASE || kind == STEP_PACKAGES) {
        strings_add(&env, "DEBIAN_FRONTEND=noninteractive");
        strings_add(&env, "SOURCE_DATE_EPOCH=" IMAGE_SOURCE_DATE);
    }
    for (unsigned i = 0; i < a->env.n; i++)
        strings_set_env(&env, a->env.v[i]);
    return env.v;
}

static void close_step(struct assembly *a, struct image_step *step)
{
    if (step->has_layer)
        step->env = step_env(a, step->kind);
    image_key_step(step, a->key, a->arch);
    memcpy(a->key, step->key, sizeof(a->key));
}

// By the host's own programs, which leave the layer in /workspace/root.
static void over_host(struct image_step *step)
{
    step->has_layer = true;
    step->profile = "bootstrap";
    step->network = NET_HOST;
    step->host_usr = true;
    step->from_files = true;
    step->cwd = "/workspace";
}

static void run_in_build(struct image_step *step, enum net_mode network)
{
    step->has_layer = true;
    step->profile = "build";
    step->network = network;
    step->cwd = "/";
}

// sh -c SCRIPT NAME ARGUMENTS...: the script is in the command, so it needs no file inside.
static struct strings script_argv(const char *script, const char *name)
{
    struct strings argv = {0};
    strings_add(&argv, "/bin/sh");
    strings_add(&argv, "-c");
    strings_add(&argv, script);
    strings_add(&argv, name);
    return argv;
}

static void base_step(struct assembly *a, const struct image_file *f)
{
    const struct image_base_row *row = &image_bases[f->base];
    char text[sizeof(f->release) + 16];
    (void)snprintf(text, sizeof(text), "%s%s%s", row->name, *f->release ? " " : "", f->release);
    struct image_step *step = new_step(a, STEP_BASE, text, f, 0);
    struct strings argv = script_argv(a->src->scripts.bootstrap, row->bootstrap);
    strings_add(&argv, row->name);
    strings_add(&argv, f->release);
    strings_add(&argv, text_or(f->components, row->components));
    strings_add(&argv, a->src->mirror);
    strings_add(&argv, f->keyring);
    step->argv = argv.v;
    over_host(step);
    close_step(a, step);
}

// What the bootstrap may not do, because it has neither /proc nor /dev in the new root.
static void configure_step(struct assembly *a, const struct image_file *f)
{
    const struct image_base_row *row = &image_bases[f->base];
    if (!row->configure)
        return;
    struct image_step *step = new_step(a, STEP_BASE, "configure", f, 0);
    struct strings argv = script_argv(a->src->scripts.configure, row->configure);
    strings_add(&argv, f->keyring);
    step->argv = argv.v;
    run_in_build(step, NET_NONE);
    close_step(a, step);
}

static void packages_step(struct assembly *a, struct image_step *step)
{
    const char *name = image_bases[a->im->base].packages;
    struct strings argv = script_argv(a->src->scripts.packages, name);
    own_free char *copy = xstrdup(step->text);
    char *rest = copy, *word;
    while (keyfile_word(&rest, &word, NULL) > 0)
        strings_add(&argv, word);
    step->argv = argv.v;
    run_in_build(step, NET_FULL);
}

static void run_step(struct image_step *step)
{
    struct strings argv = {0};
    strings_add(&argv, "/bin/sh");
    strings_add(&argv, "-e");
    strings_add(&argv, "-c");
    strings_add(&argv, step->text);
    step->argv = argv.v;
    run_in_build(step, NET_FULL);
}

static void copy_step(struct image_step *step, struct image_line *line)
{
    static const char *const tar[] = {
        "tar",          "--extract",          "--file=-",        "--directory=/",
        "--same-owner", "--same-permissions", "--numeric-owner", "--keep-directory-symlink"};
    struct strings argv = {0};
    for (unsigned i = 0; i < N_ELEMS(tar); i++)
        strings_add(&argv, tar[i]);
    step->argv = argv.v;
    step->input = ptr_steal(&line->input);
    step->input_len = line->input_len;
    run_in_build(step, NET_NONE);
}

// Its tool comes from npm's registry, which the host's own npm knows.
static void agent_step(struct assembly *a, struct image_step *step, const struct agent_source *from)
{
    struct strings argv = script_argv(a->src->scripts.agent, "agent-npm.sh");
    own_free char *copy = xstrdup(from->packages);
    char *rest = copy, *word;
    strings_add(&argv, from->name);
    strings_add(&argv, from->program);
    strings_add(&argv, from->path);
    while (keyfile_word(&rest, &word, NULL) > 0)
        strings_add(&argv, word);
    step->argv = argv.v;
    over_host(step);
}

static int line_step(struct assembly *a, const struct image_file *f, struct image_line *line,
                     struct err *e)
{
    if (a->im->n_steps == IMAGE_STEPS_MAX)
        return err_set(e, ERR_LIMIT, "%s.image:%u: more than %d steps", f->name, line->line,
                       IMAGE_STEPS_MAX);
    if (a->im->base == IMAGE_HOST && line->kind != STEP_ENV)
        return err_set(e, ERR_BAD_REQUEST,
                       "%s.image:%u: an image on Base=host can only have Env= steps", f->name,
                       line->line);
    struct image_step *step = new_step(a, line->kind, line->text, f, line->line);
    if (line->kind == STEP_PACKAGES)
        packages_step(a, step);
    else if (line->kind == STEP_RUN)
        run_step(step);
    else if (line->kind == STEP_COPY)
        copy_step(step, line);
    else if (line->kind == STEP_AGENT)
        agent_step(a, step, line->agent);
    else
        strings_set_env(&a->env, line->text);
    close_step(a, step);
    return 0;
}

static int all_steps(struct assembly *a, struct err *e)
{
    const struct image_source *src = a->src;
    image_key_text(text_or(src->salt, ""), "start", a->key);
    if (a->im->base != IMAGE_HOST) {
        base_step(a, src->chain[0]);
        configure_step(a, src->chain[0]);
    }
    for (unsigned i = 0; i < src->n_chain; i++)
        for (unsigned j = 0; j < src->chain[i]->n_lines; j++)
            if (line_step(a, src->chain[i], &src->chain[i]->lines[j], e))
                return -1;
    const char *ignored[IMAGE_LAYERS_MAX];
    unsigned n = image_layers(a->im, ignored);
    if (n > IMAGE_LAYERS_MAX)
        return err_set(e, ERR_LIMIT,
                       "%s.image: %u steps make a layer, and %d is the most; join some of them",
                       src->name, n, IMAGE_LAYERS_MAX);
    return 0;
}

struct image *image_assemble(const struct image_source *src, struct err *e)
{
    const struct image_file *first = src->chain[0], *last = src->chain[src->n_chain - 1];
    struct assembly a = {.src = src, .im = xcalloc(1, sizeof(struct image))};
    a.arch = text_or(src->arch, NATIVE_ARCH);
    a.im->base = first->base;
    a.im->host_usr = first->base == IMAGE_HOST;
    (void)snprintf(a.im->name, sizeof(a.im->name), "%s", src->name);
    (void)snprintf(a.im->description, sizeof(a.im->description), "%s", last->description);
    (void)snprintf(a.im->release, sizeof(a.im->release), "%s", first->release);
    strings_add(&a.env, DEFAULT_PATH);
    int r = all_steps(&a, e);
    a.im->env = a.env.v;
    if (r) {
        image_free(a.im);
        return NULL;
    }
    image_key_text(a.key, a.arch, a.im->key);
    return a.im;
}

void image_free(struct image *im)
{
    if (!im)
        return;
    for (unsigned i = 0; i < im->n_steps; i++) {
        free(im->steps[i].text);
        strings_free(im->steps[i].argv);
        strings_free(im->steps[i].env);
        free(im->steps[i].input);
    }
    strings_free(im->env);
    free(im);
}

unsigned image_layers(const struct image *im, const char *ret[IMAGE_LAYERS_MAX])
{
    unsigned n = 0;
    for (unsigned i = 0; i < im->n_steps; i++)
        if (im->steps[i].has_layer && n++ < IMAGE_LAYERS_MAX)
            ret[n - 1] = im->steps[i].key;
    return n;
}
