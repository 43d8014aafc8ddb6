// SPDX-License-Identifier: Apache-2.0
// Private to the room server.
#pragma once
#include <pinfold/agent_source.h>
#include <pinfold/conf.h>
#include <pinfold/core.h>
#include <pinfold/image.h>
#include <pinfold/profile.h>

#define IMAGES_MAX 64
#define PRESETS_MAX 32
#define AGENTS_MAX 16

// What is read once from the directories pinfoldd handed down.
struct stock {
    struct profile *profiles;
    unsigned n_profiles;
    struct image *images[IMAGES_MAX];
    unsigned n_images;
    struct core_preset presets[PRESETS_MAX];
    unsigned n_presets;
    struct agent_source agents[AGENTS_MAX];
    unsigned n_agents;
};
int stock_load(struct stock *s, const struct conf *conf, struct err *e);
void stock_release(struct stock *s);
// presets.c: also from files of the machine, so before power is given up.
int presets_load(struct stock *s, const struct conf *conf, struct err *e);
void core_conf_from(struct core_conf *ret, const struct conf *conf, const struct stock *stock);

struct dialect;
extern const struct dialect *const dialect_table[]; // dialects.c
extern const unsigned n_dialects;

// Print the routes of all APIs for README.md; an exit code.
int print_routes(void);
// Check the database in a directory; an exit code.
int verify(const char *dir);
