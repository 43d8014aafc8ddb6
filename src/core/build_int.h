// SPDX-License-Identifier: Apache-2.0
// A build as core keeps it.
#pragma once
#include "exec_int.h"

#include <pinfold/core_build.h>

struct ws;

struct bld {
    struct build pub;
    struct core *core;
    struct ws *ws; // while it runs; NULL: of an image alone
    const struct image *image;
    struct list all, queue; // queue: waiting for a place
    struct list waiters, creators;
    struct source log;
    unsigned at;              // step of the image
    char key[LAYER_NAME_MAX]; // layer being made by this one; "" for none
    struct sandbox *sb;
    struct proc proc;
    struct packed args;
    struct ask ask;
    struct outcome end;
    unsigned n_to_delete; // layers, for a rebuild of an image
    char failed[200];     // what went wrong, while it cleans up
    char decision[600];   // about the network, that the log has last
    bool placed, cancelled, waits_for_layer;
    unsigned saving;
};
struct bld *bld_of(struct build *b);
void build_init(struct bld *b, struct core *c); // its id is set
void build_insert(struct bld *b);
void build_forget(struct bld *b); // an ended one, with its log
void build_cancel(struct bld *b);
void builds_drop(struct core *c, const char *workspace); // of a workspace that is gone
int builds_load(struct core *c, struct err *e);
void builds_resume(struct core *c); // what an earlier server left unfinished
void builds_free(struct core *c);
void build_save(struct bld *b, void (*on_done)(struct bld *b, const struct err *err));
void builds_admit(struct core *c);
// Making the layers of an image (build_image.c), then build_image_done or build_fail.
void build_image(struct bld *b);
void build_image_done(struct bld *b);
void build_fail(struct bld *b, const char *text);
struct msg_egress_decision;
void build_network_decision(struct bld *b, const struct msg_egress_decision *m); // to its log
void builds_recheck(struct core *c); // a layer was made or given up: others may wait for it
// Which layers exist, and directories that builds of an earlier server left.
void layers_ask(struct core *c);
void build_dir_delete(struct core *c, const char *id);
