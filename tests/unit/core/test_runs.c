// SPDX-License-Identifier: Apache-2.0
// Runs: their order, their events, their ends, and what is true of them after a restart.
#include "fake.h"

#include <pinfold/core_run.h>

static struct run *create(const struct run_spec *spec)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    if (core_run_create(F.core, spec, &t.w, &e)) {
        printf("# create: %s\n", e.text);
        return NULL;
    }
    (void)TURN_UNTIL(t.done);
    return t.w.result;
}

static struct run *command(const char *text)
{
    return create(&(struct run_spec){.command = text});
}

static bool ended(struct run *r)
{
    struct wait t = wait_make(on_wait);
    (void)core_run_wait(F.core, r, 15000, &t.w, NULL);
    (void)TURN_UNTIL(t.done);
    return run_state_final(r->state);
}

static void refused(const char *why, const struct run_spec *spec, enum err_code code)
{
    struct err e = {0};
    ok(core_run_create(F.core, spec, NULL, &e) == -1 && e.code == code, "refused: %s", why);
}

// --- listening --------------------------------------------------------------------------------

struct ear {
    struct run_listener l;
    char types[2000], ids[2000];
    uint64_t last_id, last_seq;
    unsigned n;
    bool end, in_order, pause_each;
};

static void on_event(struct run_listener *l, const struct run_event *ev)
{
    struct ear *ear = container_of(l, struct ear, l);
    ear->in_order &= ev->id > ear->last_id && (l->types || ev->seq == ear->last_seq + 1);
    ear->last_id = ev->id;
    ear->last_seq = ev->seq;
    ear->n++;
    size_t n = strlen(ear->types);
    (void)snprintf(ear->types + n, sizeof(ear->types) - n, "%s ", event_type_name(ev->type));
    if (ear->pause_each)
        core_run_listener_pause(l);
}

static void on_ear_end(struct run_listener *l)
{
    container_of(l, struct ear, l)->end = true;
}

static struct ear *hear(struct run *r, uint64_t after, uint64_t types)
{
    struct ear *ear = xcalloc(1, sizeof(*ear));
    ear->l = (struct run_listener){
        .on_event = on_event, .on_end = on_ear_end, .after = after, .types = types};
    ear->in_order = true;
    (void)core_run_listen(F.core, r, &ear->l, NULL);
    return ear;
}

// --- the tests --------------------------------------------------------------------------------

static void test_life(void)
{
    struct run *r = command("echo hello; exit 0");
    ok(r && r->state <= RUN_RUNNING, "a run is made");
    struct ear *live = hear(r, 0, 0);
    ok(ended(r) && r->state == RUN_SUCCEEDED, "and succeeds");
    is_str(run_reason_name(r->reason), "completed", "with a reason");
    ok(r->result && r->result_len == 6 && !memcmp(r->result, "hello\n", 6),
       "its result is what it printed");
    is_int(r->exit_code, 0, "its exit code is told");
    ok(r->created_ms <= r->started_ms && r->started_ms <= r->ended_ms, "its times are in order");
    ok(TURN_UNTIL(live->end), "who listens is told of the end");
    is_str(live->types, "run.created run.started run.result run.completed ",
           "and of all that was before");
    ok(live->in_order, "in order, nothing missing, nothing twice");
    struct ear *replay = hear(r, 0, 0);
    ok(TURN_UNTIL(replay->end), "who comes later hears it all the same");
    is_str(replay->types, live->types, "with the same events");
    struct ear *rest = hear(r, live->last_id - 1, 0);
    ok(TURN_UNTIL(rest->end) && rest->n == 1, "who comes back hears what came since");
    struct ear *some = hear(r, 0, 1u << EV_RUN_RESULT);
    ok(TURN_UNTIL(some->end) && !strcmp(some->types, "run.result "), "types can be chosen");
    struct ear *slow = hear(r, 0, 0);
    slow->pause_each = true;
    for (int i = 0; i < 20 && !slow->end; i++) {
        (void)loop_turn(F.loop, 20);
        core_run_listener_resume(&slow->l);
    }
    ok(slow->end && slow->n == 4 && slow->in_order, "who pauses hears each once");
    free(live), free(replay), free(rest), free(some), free(slow);
}

static void test_ends(void)
{
    struct run *r = command("echo oops >&2; exit 3");
    ok(ended(r) && r->state == RUN_FAILED, "another exit code is a failure");
    is_int(r->exit_code, 3, "with that code");
    is_str(r->error, "the command failed (code 3): oops", "and what it said last");
    r = create(&(struct run_spec){.command = "sleep 60", .timeout_ms = 100});
    ok(ended(r) && r->state == RUN_TIMED_OUT, "one that takes too long is timed out");
    is_str(run_reason_name(r->reason), "wall_limit", "by the wall");
    r = create(&(struct run_spec){.command = "echo x; sleep 60", .silence_ms = 200});
    ok(ended(r) && r->state == RUN_TIMED_OUT, "one that is silent too long, too");
    is_str(run_reason_name(r->reason), "silence_limit", "by its silence");
    r = create(&(struct run_spec){.argv = (const char *const[]){"no-such-program", NULL}});
    ok(ended(r) && r->state == RUN_FAILED && !r->started_ms, "what is not there never started");
    is_str(run_reason_name(r->reason), "start_failed", "and says so");
    r = create(&(struct run_spec){.agent = "shell", .prompt = "echo a$((1+1))"});
    ok(ended(r) && r->result_len == 3 && !memcmp(r->result, "a2\n", 3), "a shell runs its prompt");
}

static void test_cancel(void)
{
    struct err e = {0};
    struct run *r = command("echo begun; sleep 60");
    ok(TURN_UNTIL(r->state == RUN_RUNNING), "a run runs");
    ok(core_run_delete(F.core, r, NULL, &e) == -1 && e.code == ERR_CONFLICT,
       "it is not deleted while it does");
    ok(core_exec_delete(F.core, core_exec_find(F.core, r->exec, &e), NULL, &e) == -1,
       "nor is its command forgotten");
    ok(!core_run_cancel(F.core, r, &e) && ended(r) && r->state == RUN_CANCELLED, "it is cancelled");
    ok(core_run_cancel(F.core, r, &e) == -1 && e.code == ERR_GONE, "once");
    r = command("sleep 60");
    ok(!core_run_cancel(F.core, r, &e) && ended(r) && r->state == RUN_CANCELLED,
       "one that has hardly begun can be cancelled");
}

static void test_queue(void)
{
    struct run *r[6], *page[8];
    bool more;
    struct err e = {0};
    for (int i = 0; i < 2; i++)
        r[i] = command("sleep 60");
    ok(TURN_UNTIL(r[0]->state == RUN_RUNNING && r[1]->state == RUN_RUNNING), "two run");
    for (int i = 2; i < 5; i++)
        r[i] = create(&(struct run_spec){.command = "true", .priority = i == 4 ? 10 : 0});
    for (int i = 2; i < 5; i++)
        (void)core_run_find(F.core, r[i]->id, &e);
    is_int(r[4]->queue_position, 1, "the greater priority goes first");
    is_int(r[2]->queue_position, 2, "then the older one");
    is_int(r[3]->queue_position, 3, "then the younger");
    refused("too many wait", &(struct run_spec){.command = "true"}, ERR_LIMIT);
    struct run_filter f = {.states = 1u << RUN_QUEUED};
    is_int(core_run_list(F.core, &f, "", page, 8, &more), 3, "a list can be of those that wait");
    size_t n = core_run_list(F.core, &(struct run_filter){0}, "", page, 2, &more);
    ok(n == 2 && more && page[0] == r[4], "a list begins with the newest");
    n = core_run_list(F.core, &(struct run_filter){0}, page[1]->id, page, 2, &more);
    ok(n == 2 && page[0] == r[2], "and goes on page by page");
    ok(!core_run_cancel(F.core, r[2], &e) && ended(r[2]) && r[2]->state == RUN_CANCELLED &&
           !r[2]->started_ms,
       "one that waits is cancelled without having run");
    (void)core_run_cancel(F.core, r[0], &e);
    ok(ended(r[4]) && ended(r[3]), "when there is a place, those that wait run");
    ok(r[4]->started_ms <= r[3]->started_ms, "in their order");
    (void)core_run_cancel(F.core, r[1], &e);
    (void)ended(r[1]);
}

static void test_refusals(void)
{
    refused("an unknown agent", &(struct run_spec){.agent = "x", .prompt = "y"}, ERR_BAD_REQUEST);
    refused("an agent without a model",
            &(struct run_spec){.agent = "codex", .prompt = "y", .model = "m"}, ERR_BAD_REQUEST);
    refused("no command", &(struct run_spec){0}, ERR_BAD_REQUEST);
    refused("an unknown image", &(struct run_spec){.command = "true", .image = "x"},
            ERR_BAD_REQUEST);
    refused("a timeout of years",
            &(struct run_spec){.command = "true", .timeout_ms = 400ull * 86400000}, ERR_LIMIT);
    refused("a priority of thousands", &(struct run_spec){.command = "true", .priority = 1000},
            ERR_BAD_REQUEST);
    refused("a ref without a repository", &(struct run_spec){.command = "true", .repo_ref = "x"},
            ERR_BAD_REQUEST);
    refused("a repository that is none",
            &(struct run_spec){.command = "true", .repo_url = "gopher://x"}, ERR_BAD_REQUEST);
}

static void test_workspace(void)
{
    struct workspace *all[4];
    bool more;
    struct err e = {0};
    struct wait t = wait_make(on_wait);
    struct run *r = create(&(struct run_spec){.command = "echo $SHARED; pwd >here",
                                              .image = "built",
                                              .env = (const char *const[]){"A=b", NULL}});
    ok(ended(r) && r->state == RUN_SUCCEEDED, "an image that is not there is built for a run");
    if (r->state != RUN_SUCCEEDED)
        printf("# %s: %s\n", run_reason_name(r->reason), r->error);
    ok(*r->workspace, "which has a workspace");
    is_int(core_workspace_list(F.core, "", all, 4, &more), 0, "that is not listed");
    struct workspace *ws = core_workspace_find(F.core, r->workspace, &e);
    ok(ws && !strcmp(ws->run, r->id), "but can be looked at");
    ok(ws && core_workspace_delete(F.core, ws, NULL, &e) == -1 && e.code == ERR_CONFLICT,
       "and is not deleted alone");
    char id[ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", r->workspace);
    ok(!core_run_delete(F.core, r, &t.w, &e) && TURN_UNTIL(t.done) && !t.w.err.code,
       "a run is deleted");
    ok(!core_workspace_find(F.core, id, &e), "with its workspace");
    F.fail_dir = ERR_FULL;
    r = create(&(struct run_spec){.command = "true", .repo_url = "file:///tmp/pinfold-none"});
    ok(r && ended(r) && r->state == RUN_FAILED && r->reason == WHY_SETUP_FAILED && !r->started_ms,
       "without a worktree nothing runs");
    F.fail_dir = ERR_NONE;
}

static void test_delete(void)
{
    struct run *r = command("true");
    ok(ended(r), "a run ends");
    struct err e = {0};
    char id[ID_MAX], exec[ID_MAX];
    (void)snprintf(id, sizeof(id), "%s", r->id);
    (void)snprintf(exec, sizeof(exec), "%s", r->exec);
    ok(!core_run_delete(F.core, r, NULL, &e), "and is deleted");
    ok(TURN_UNTIL(!core_exec_find(F.core, exec, &e)), "with its output");
    ok(!core_run_find(F.core, id, &e) && e.code == ERR_NOT_FOUND, "then it is not there");
}

static void restart(void)
{
    core_free(F.core);
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    (void)fake_core_start();
}

static void test_restart(void)
{
    char ids[4][ID_MAX];
    struct err e = {0};
    struct run *r[4];
    r[0] = command("echo done");
    (void)ended(r[0]);
    uint64_t last = r[0]->n_events;
    r[1] = command("sleep 60");
    r[2] = command("sleep 60");
    (void)TURN_UNTIL(r[1]->state == RUN_RUNNING && r[2]->state == RUN_RUNNING);
    r[3] = command("echo later");
    for (int i = 0; i < 4; i++)
        (void)snprintf(ids[i], ID_MAX, "%s", r[i]->id);
    restart();
    for (int i = 0; i < 4; i++)
        r[i] = core_run_find(F.core, ids[i], &e);
    ok(r[0] && r[1] && r[2] && r[3], "after a restart all runs are there");
    if (!r[0] || !r[1] || !r[2] || !r[3])
        return;
    ok(r[0]->state == RUN_SUCCEEDED && r[0]->n_events == last && r[0]->result_len == 5,
       "what had ended is as it was");
    ok(ended(r[1]) && r[1]->state == RUN_INTERRUPTED, "what ran was interrupted");
    is_str(run_reason_name(r[1]->reason), "lost", "with the true reason");
    ok(ended(r[3]) && r[3]->state == RUN_SUCCEEDED, "what waited runs");
    struct ear *ear = hear(r[1], 0, 0);
    ok(TURN_UNTIL(ear->end) && ear->in_order, "events go on in their order over it");
    is_str(ear->types, "run.created run.started run.failed ", "and tell what became of it");
    free(ear);
}

int main(void)
{
    if (fake_start())
        return 1;
    F.conf.runs_running_max = 2;
    F.conf.runs_queued_max = 3;
    restart();
    test_life();
    test_ends();
    test_cancel();
    test_queue();
    test_refusals();
    test_workspace();
    test_delete();
    test_restart();
    fake_stop();
    return done_testing();
}
