// SPDX-License-Identifier: Apache-2.0
// What runs belong to and what is only remembered: projects, their repositories, agents as stored
// definitions, and tasks. All are of one shape; what an API has beside it is a label.
#pragma once
#include <pinfold/core_run.h>

#define ITEMS_MAX 20000              // of all kinds
#define ITEM_MEMORY_MAX (64u << 20)  // of all of them
#define ITEM_TEXT_MAX RUN_TEXT_BYTES // of a text
#define ITEM_LABELS_MAX 64
#define ITEM_LABELS_BYTES (64 * 1024) // of one's together

enum item_kind { ITEM_PROJECT, ITEM_SOURCE, ITEM_AGENT, ITEM_TASK, ITEM_KINDS }; // stored
const char *item_prefix(enum item_kind k); // of ids: "prj", "src", "agt", "tsk"

// Numbers are stored. A task that has a run follows it.
enum task_status {
    TASK_TODO,
    TASK_DOING,
    TASK_DONE,
    TASK_FAILED,
    TASK_INTERRUPTED,
    TASK_CANCELLED,
    TASK_STATES
};

struct item {
    char id[ID_MAX];
    enum item_kind kind;
    char project[ID_MAX];      // that it belongs to; "" for none
    const char *name;          // of a task its title
    const char *text;          // of a task what is to be done, of an agent its instructions, of a
                               // source the repository's URL
    const char *agent;         // of an agent its tool, of a task who does it; "" for none
    const char *const *labels; // NAME=value; never NULL
    const char *const *agents; // of an agent: SUB_TEXTS texts of each sub-agent; never NULL
    enum task_status status;
    uint64_t created_ms, updated_ms;
};
// Labels of an agent that its runs know.
#define AGENT_MODEL "model"
#define AGENT_PROVIDER "provider"
#define AGENT_MAX_TURNS "max_turns"
const char *item_label(const struct item *it, const char *name); // NULL: not there

// NULL: not given; of a change: as it was. Everything is borrowed for the call.
struct item_spec {
    const char *project, *name, *text, *agent;
    const char *const *labels, *const *agents;
    bool status_given;
    enum task_status status;
};
// on_done once it is recorded; result: struct item *.
int core_item_create(struct core *c, enum item_kind k, const struct item_spec *s, struct waiter *w,
                     struct err *e);
int core_item_change(struct core *c, struct item *it, const struct item_spec *s, struct waiter *w,
                     struct err *e);
// A project takes what belongs to it with it, but its runs. on_done when recorded; result: NULL.
int core_item_delete(struct core *c, struct item *it, struct waiter *w, struct err *e);
struct item *core_item_find(struct core *c, enum item_kind k, const char *id, struct err *e);
// Oldest first: the one of this kind after prev, or the first. NULL at the end.
struct item *core_item_next(struct core *c, enum item_kind k, const struct item *prev);
// Oldest first, those newer than `after` ("" from the start), of one project unless that is NULL.
struct item_filter {
    enum item_kind kind;
    const char *project;
};
size_t core_item_list(struct core *c, const struct item_filter *f, const char *after,
                      struct item **ret, size_t max, bool *ret_more);
// The newest run of a task, NULL for none.
struct run *core_task_run(struct core *c, const struct item *task);
