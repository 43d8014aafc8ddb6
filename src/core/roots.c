// SPDX-License-Identifier: Apache-2.0
// What sandboxes are made from: profiles, images, limits, network.
#include "build_int.h"
#include "workspace_int.h"

#include <pinfold/image.h>
#include <pinfold/map.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <stdio.h>

unsigned core_n_profiles(const struct core *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->n_profiles; i++)
        n += !c->profiles[i].internal;
    return n;
}

const struct profile *core_profile_at(const struct core *c, unsigned at)
{
    for (unsigned i = 0; i < c->n_profiles; i++)
        if (!c->profiles[i].internal && at-- == 0)
            return &c->profiles[i];
    return NULL;
}

const struct profile *core_profile_find(const struct core *c, const char *name)
{
    const struct profile *p = profile_find(c->profiles, c->n_profiles, name);
    return p && !p->internal ? p : NULL;
}

const struct image *image_named(const struct core *c, const char *name)
{
    for (unsigned i = 0; i < c->n_images; i++)
        if (!strcmp(c->images[i]->name, name))
            return c->images[i];
    return NULL;
}

bool image_needs_build(const struct image *image)
{
    const char *layers[IMAGE_LAYERS_MAX];
    return image_layers(image, layers) > 0;
}

bool image_shares(const struct image *a, const struct image *b)
{
    const char *la[IMAGE_LAYERS_MAX], *lb[IMAGE_LAYERS_MAX];
    unsigned na = image_layers(a, la), nb = image_layers(b, lb);
    for (unsigned i = 0; i < na; i++)
        for (unsigned j = 0; j < nb; j++)
            if (!strcmp(la[i], lb[j]))
                return true;
    return false;
}

void image_fill(const struct image *image, struct msg_box_start *m)
{
    const char *layers[IMAGE_LAYERS_MAX];
    unsigned n = image_layers(image, layers);
    size_t at = 0;
    m->host_usr = image->host_usr;
    for (unsigned i = 0; i < n; i++) { // they fit: LAYERS_MAX is more than IMAGE_LAYERS_MAX
        int w = snprintf(m->layers + at, sizeof(m->layers) - at, "%s%s", i ? ":" : "", layers[i]);
        at += w > 0 ? (size_t)w : 0;
    }
}

void limits_fill(const struct limits *l, struct msg_box_start *m)
{
    m->memory_bytes = l->memory_bytes;
    m->pids = l->pids;
    m->cpu_percent = l->cpu_percent;
    m->disk_bytes = l->disk_bytes;
    m->inodes = l->inodes;
    m->open_files = l->open_files;
}

int image_present(const struct core *c, const struct image *image, struct err *e)
{
    const char *layers[IMAGE_LAYERS_MAX];
    unsigned n = image_layers(image, layers);
    if (!c->layers_known)
        return 0; // the launcher will say
    for (unsigned i = 0; i < n; i++)
        if (!map_get(c->layers, layers[i]))
            return err_set(e, ERR_CONFLICT, "image %s is not built yet; build it first",
                           image->name);
    return 0;
}

// --- images, as callers see them --------------------------------------------------------------

unsigned core_n_images(const struct core *c)
{
    return c->n_images;
}

void core_image_at(const struct core *c, unsigned i, struct image_info *ret)
{
    const char *layers[IMAGE_LAYERS_MAX];
    *ret = (struct image_info){.image = c->images[i]};
    ret->n_layers = image_layers(ret->image, layers);
    for (unsigned k = 0; k < ret->n_layers; k++)
        ret->n_built += map_get(c->layers, layers[k]) != NULL;
    ret->ready = ret->n_built == ret->n_layers;
    list_for (it, &c->build_list) {
        const struct bld *b = container_of(it, struct bld, all);
        if (b->image == ret->image &&
            (b->pub.status == BUILD_QUEUED || b->pub.status == BUILD_RUNNING))
            TEXT_PUT(ret->build, b->pub.id);
    }
}

int core_image_find(const struct core *c, const char *name, struct image_info *ret, struct err *e)
{
    for (unsigned i = 0; i < c->n_images; i++)
        if (!strcmp(c->images[i]->name, name)) {
            core_image_at(c, i, ret);
            return 0;
        }
    return err_set(e, ERR_NOT_FOUND, "there is no image '%.64s'", name);
}
