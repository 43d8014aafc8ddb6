// SPDX-License-Identifier: Apache-2.0
// Projects, agents and tasks: made, changed, kept over a restart, followed by their runs.
#include "fake.h"

#include <pinfold/core_item.h>

static void restart(void)
{
    core_free(F.core);
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    ok(!fake_core_start(), "the next server starts");
}

static struct item *make(enum item_kind k, const struct item_spec *s)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    if (core_item_create(F.core, k, s, &t.w, &e)) {
        printf("# create: %s\n", e.text);
        return NULL;
    }
    (void)TURN_UNTIL(t.done);
    return t.w.result;
}

static unsigned count(enum item_kind k)
{
    unsigned n = 0;
    for (struct item *it = NULL; (it = core_item_next(F.core, k, it));)
        n++;
    return n;
}

static void things(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_wait);
    static const char *const labels[] = {"model=m", "role=builder", NULL};
    struct item *project = make(ITEM_PROJECT, &(struct item_spec){.name = "p"});
    char id[ID_MAX], agent_id[ID_MAX];
    memcpy(id, project->id, sizeof(id));
    struct item *agent = make(
        ITEM_AGENT,
        &(struct item_spec){
            .project = id, .name = "a", .agent = "command", .text = "be brief", .labels = labels});
    memcpy(agent_id, agent->id, sizeof(agent_id));
    (void)make(ITEM_AGENT, &(struct item_spec){.name = "of no project"});
    is_str(item_label(agent, "model"), "m", "a label is found");
    ok(!item_label(agent, "mod") && !item_label(agent, "tools"), "another is not");
    is_int(core_item_create(F.core, ITEM_AGENT,
                            &(struct item_spec){.project = "prj_00000000000000000000"}, NULL, &e),
           -1, "a project that is not there is refused");
    ok(!core_item_find(F.core, ITEM_TASK, agent_id, &e) && e.code == ERR_NOT_FOUND,
       "an id of one kind is none of another");
    is_int(core_item_change(F.core, agent, &(struct item_spec){.name = "b"}, &t.w, &e), 0,
           "it is changed");
    (void)TURN_UNTIL(t.done);
    restart();
    agent = core_item_find(F.core, ITEM_AGENT, agent_id, &e);
    ok(agent && !strcmp(agent->name, "b") && !strcmp(agent->text, "be brief") &&
           !strcmp(agent->project, id) && !strcmp(item_label(agent, "role"), "builder"),
       "after a restart it is as it was, with its change");
    is_int(count(ITEM_AGENT), 2, "all are there");
    project = core_item_find(F.core, ITEM_PROJECT, id, &e);
    t = wait_make(on_wait);
    is_int(core_item_delete(F.core, project, &t.w, &e), 0, "a project is deleted");
    ok(!core_item_find(F.core, ITEM_AGENT, agent_id, &e), "what belongs to it is not found then");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "and gone");
    restart();
    is_int(count(ITEM_AGENT), 1, "also from the database");
    is_int(count(ITEM_PROJECT), 0, "like the project");
}

static void bounds(void)
{
    struct err e = {0};
    own_free char *large = xmalloc(ITEM_TEXT_MAX + 2);
    memset(large, 'x', ITEM_TEXT_MAX + 1);
    large[ITEM_TEXT_MAX + 1] = '\0';
    is_int(core_item_create(F.core, ITEM_TASK, &(struct item_spec){.text = large}, NULL, &e), -1,
           "a text over the limit is refused");
    is_int(e.code, ERR_LIMIT, "as a limit");
    large[ITEM_TEXT_MAX] = '\0';
    ok(make(ITEM_TASK, &(struct item_spec){.text = large}), "one at the limit is not");
}

static bool status_is(const char *id, enum task_status status)
{
    struct err e;
    const struct item *it = core_item_find(F.core, ITEM_TASK, id, &e);
    return it && it->status == status;
}

static void tasks(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_wait);
    char id[ID_MAX];
    const struct item *task = make(ITEM_TASK, &(struct item_spec){.text = "do it"});
    memcpy(id, task->id, sizeof(id));
    ok(status_is(id, TASK_TODO) && !core_task_run(F.core, task), "a task is to do, and has no run");
    (void)core_run_create(F.core, &(struct run_spec){.command = "true", .task = id}, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    struct run *run = t.w.result;
    ok(run && !strcmp(run->task, id), "a run of it knows it");
    ok(core_task_run(F.core, task) == run, "and is found");
    ok(TURN_UNTIL(status_is(id, TASK_DONE) || status_is(id, TASK_FAILED)),
       "the task follows it to its end");
    enum task_status was = status_is(id, TASK_DONE) ? TASK_DONE : TASK_FAILED;
    is_int(core_run_create(F.core,
                           &(struct run_spec){.command = "x", .task = "tsk_00000000000000000000"},
                           NULL, &e),
           -1, "a run of no task is refused");
    char cut[ID_MAX];
    memcpy(cut,
           make(ITEM_TASK, &(struct item_spec){.status_given = true, .status = TASK_DOING})->id,
           sizeof(cut));
    restart();
    ok(status_is(id, was), "which is kept");
    ok(status_is(cut, TASK_INTERRUPTED), "one that was cut off before its run is not being done");
    task = core_item_find(F.core, ITEM_TASK, id, &e);
    ok(core_task_run(F.core, task), "with its run");
}

int main(void)
{
    if (fake_start())
        return 1;
    things();
    bounds();
    tasks();
    fake_stop();
    return done_testing();
}
