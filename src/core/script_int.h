// SPDX-License-Identifier: Apache-2.0
// Running an init script.
#pragma once
#include "workspace_int.h"

struct script {
    struct core *core;
    struct ws *ws;
    struct sandbox *sb;
    struct proc proc;
    struct packed args;
    struct source *log;
    struct outcome end;
    void (*on_done)(struct ws *ws, const struct outcome *o);
};
// on_done when its sandbox is gone too; the script is freed then.
struct script *script_start(struct ws *ws, struct source *log,
                            void (*on_done)(struct ws *, const struct outcome *));
void script_cancel(struct script *s);
void outcome_sentence(const struct outcome *o, const char *what, char *ret, size_t room);
