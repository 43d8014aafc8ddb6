// SPDX-License-Identifier: Apache-2.0
// One image file: text to lines, each checked by itself.
#include "image_int.h"

#include <pinfold/keyfile.h>
#include <pinfold/own.h>
#include <string.h>

// Debian's components: main is what is free and supported. Ubuntu keeps most of what people
// install in universe. Arch has two repositories that everything else builds on.
const struct image_base_row image_bases[IMAGE_N_BASES] = {
    [IMAGE_DEBIAN] = {"debian", "bootstrap-apt.sh", NULL, "packages-apt.sh", "main", true},
    [IMAGE_UBUNTU] = {"ubuntu", "bootstrap-apt.sh", NULL, "packages-apt.sh", "main universe", true},
    [IMAGE_ARCH] = {"arch", "bootstrap-pacman.sh", "configure-pacman.sh", "packages-pacman.sh",
                    "core extra", false},
    [IMAGE_HOST] = {"host", NULL, NULL, NULL, "", false},
};

static const char *const kind_names[STEP_N_KINDS] = {
    [STEP_BASE] = "base", [STEP_PACKAGES] = "packages", [STEP_RUN] = "run",
    [STEP_COPY] = "copy", [STEP_ENV] = "env",           [STEP_AGENT] = "agent",
};
// What stands before the = in a [Steps] section.
static const char *const kind_keys[STEP_N_KINDS] = {
    [STEP_PACKAGES] = "Packages", [STEP_RUN] = "Run",     [STEP_COPY] = "Copy",
    [STEP_ENV] = "Env",           [STEP_AGENT] = "Agent",
};

const char *image_base_name(enum image_base b)
{
    return b < IMAGE_N_BASES ? image_bases[b].name : "unknown";
}

const char *image_step_kind_name(enum image_step_kind k)
{
    return k < STEP_N_KINDS ? kind_names[k] : "unknown";
}

#define TEXT(key, member, check) KEYFILE_TEXT(struct image_file, "Image", key, member, check)
// The keys of [Image] that are kept as text. Base= is the other one.
static const struct keyfile_text text_keys[] = {
    TEXT("Description", description, image_check_text),
    TEXT("Extends", extends, image_check_name),
    TEXT("Release", release, image_check_name),
    TEXT("Components", components, image_check_components),
    TEXT("Mirror", mirror, image_check_url),
    TEXT("Keyring", keyring, image_check_keyring),
};

static int take_base(const struct keyfile *k, const char *value, struct image_file *f,
                     struct err *e)
{
    if (f->base != IMAGE_N_BASES)
        return keyfile_error(k, e, "Base= stands here a second time");
    for (enum image_base b = 0; b < IMAGE_N_BASES; b++)
        if (!strcmp(value, image_bases[b].name)) {
            f->base = b;
            return 0;
        }
    return keyfile_error(k, e, "'%.40s' is not one of debian, ubuntu, arch, host", value);
}

static int take_image_key(const struct keyfile *k, const struct keyfile_entry *en,
                          struct image_file *f, struct err *e)
{
    if (!strcmp(en->key, "Base"))
        return take_base(k, en->value, f, e);
    int r = keyfile_take(k, en, text_keys, N_ELEMS(text_keys), f, e);
    return r > 0 ? keyfile_error(k, e, "unknown key '%s' in [Image]", en->key) : r;
}

static int take_step(const struct keyfile *k, const struct keyfile_entry *en, struct image_file *f,
                     struct err *e)
{
    for (enum image_step_kind kind = 0; kind < STEP_N_KINDS; kind++) {
        if (!kind_keys[kind] || strcmp(en->key, kind_keys[kind]))
            continue;
        if (image_step_checks[kind](en->value, e))
            return keyfile_wrap(k, e);
        if (f->n_lines == IMAGE_STEPS_MAX)
            return keyfile_error(k, e, "more than %d steps", IMAGE_STEPS_MAX);
        f->lines[f->n_lines++] =
            (struct image_line){.kind = kind, .text = xstrdup(en->value), .line = en->line};
        return 0;
    }
    return keyfile_error(k, e, "unknown step '%s': Packages, Run, Copy, Env and Agent are known",
                         en->key);
}

static int take(const struct keyfile *k, const struct keyfile_entry *en, struct image_file *f,
                struct err *e)
{
    bool in_image = !strcmp(en->section, "Image"), in_steps = !strcmp(en->section, "Steps");
    if (!en->key)
        return in_image || in_steps
                   ? 0
                   : keyfile_error(k, e, "unknown section [%s]: Image and Steps are known",
                                   en->section);
    if (!*en->section)
        return keyfile_error(k, e, "'%s' stands before the first [Section]", en->key);
    return in_image ? take_image_key(k, en, f, e) : take_step(k, en, f, e);
}

// What the keys must be to one another. No single line is wrong, so no line is named.
static int check_whole(const struct image_file *f, const char *file, struct err *e)
{
    if (!*f->extends == (f->base == IMAGE_N_BASES))
        return err_set(e, ERR_BAD_REQUEST, "%s: needs either Base= or Extends=", file);
    if (*f->extends && (*f->release || *f->components || *f->mirror || *f->keyring))
        return err_set(e, ERR_BAD_REQUEST,
                       "%s: Release=, Components=, Mirror= and Keyring= belong to the image that "
                       "names the base",
                       file);
    if (*f->extends)
        return 0;
    const struct image_base_row *row = &image_bases[f->base];
    if (!!*f->release != row->has_release)
        return err_set(e, ERR_BAD_REQUEST, "%s: Base=%s %s Release=", file, row->name,
                       row->has_release ? "needs a" : "has no");
    if (!row->bootstrap && (*f->components || *f->mirror || *f->keyring))
        return err_set(e, ERR_BAD_REQUEST,
                       "%s: Base=host has no Components=, Mirror= or Keyring=", file);
    return 0;
}

int image_file_parse(const char *name, const char *text, size_t len, struct image_file *ret,
                     struct err *e)
{
    char file[NAME_MAX_LEN + 8];
    struct keyfile k;
    struct keyfile_entry en;
    *ret = (struct image_file){.base = IMAGE_N_BASES};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name); // longer ones fail name_ok
    (void)snprintf(file, sizeof(file), "%s.image", name);
    if (keyfile_init(&k, file, text, len, e))
        return -1;
    int r;
    while ((r = keyfile_next(&k, &en, e)) > 0)
        if (take(&k, &en, ret, e)) {
            r = -1;
            break;
        }
    keyfile_release(&k);
    if (!r)
        r = check_whole(ret, file, e);
    if (r)
        image_file_release(ret);
    return r;
}

int image_check(const char *name, const char *text, size_t len, struct err *e)
{
    struct image_file f;
    if (image_file_parse(name, text, len, &f, e))
        return -1;
    image_file_release(&f);
    return 0;
}

void image_file_release(struct image_file *f)
{
    for (unsigned i = 0; i < f->n_lines; i++) {
        free(f->lines[i].text);
        free(f->lines[i].input);
        free(f->lines[i].agent);
    }
    f->n_lines = 0;
}
