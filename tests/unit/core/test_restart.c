// SPDX-License-Identifier: Apache-2.0
// What was acknowledged is there after a restart of the server; what ran says what became of it.
#include "fake.h"

static char ws_id[ID_MAX], done_id[ID_MAX], lost_id[ID_MAX], file_id[ID_MAX];

// As when the server is killed: nothing is told to anybody, and its inits lose their server.
static void restart(bool clean)
{
    if (clean) {
        core_free(F.core);
    } else {
        // The state as it is on the disk at this moment, for the next one to find.
        char cmd[300];
        struct core *old = F.core;
        (void)snprintf(cmd, sizeof(cmd), "cp -a '%s/server' '%s/crashed'", F.root, F.root);
        ok(!fflush(stdout) && fake_shell(cmd) == 0, "the state is taken as a crash leaves it");
        core_free(old);
        (void)snprintf(cmd, sizeof(cmd), "rm -r '%s/server' && mv '%s/crashed' '%s/server'", F.root,
                       F.root, F.root);
        (void)fake_shell(cmd);
    }
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    ok(!fake_core_start(), "the next server starts");
}

struct reading {
    struct output_read r;
    bool done;
    char text[200];
};

static void on_read(struct waiter *w)
{
    struct reading *t = container_of(w, struct reading, r.w);
    t->done = true;
    if (t->r.len < sizeof(t->text))
        memcpy(t->text, t->r.data, t->r.len);
}

static const char *output(struct exec *x, uint64_t offset)
{
    static struct reading t;
    struct err e = {0};
    memset(&t, 0, sizeof(t));
    t.r.offset = offset;
    t.r.max = 100;
    t.r.w.on_done = on_read;
    (void)core_exec_read(F.core, x, &t.r, &e);
    (void)TURN_UNTIL(t.done);
    return t.text;
}

static void before(void)
{
    struct err e = {0};
    const char *env[] = {"K=v", NULL};
    struct wait t = wait_make(on_wait);
    struct workspace_spec spec = {
        .name = "kept", .env = env, .init_script = "echo log of init", .limits = {.pids = 33}};
    (void)core_workspace_create(F.core, &spec, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    struct workspace *ws = t.w.result;
    struct wait settled = wait_make(on_wait);
    (void)core_workspace_wait(F.core, ws, 10000, &settled.w, &e);
    (void)TURN_UNTIL(settled.done);
    memcpy(ws_id, ws->id, ID_MAX);
    t = run(ws, "echo small output; exit 5");
    memcpy(done_id, t.id, ID_MAX);
    t = run(ws, "head -c 100000 /dev/zero | tr '\\0' x; echo tail");
    memcpy(file_id, t.id, ID_MAX);
    struct exec_spec bg = {.command = "echo said before; sleep 1000", .background = true};
    struct wait b = wait_make(on_wait);
    struct exec *x = core_exec_start(F.core, ws, &bg, &b.w, &e);
    (void)TURN_UNTIL(b.done && x->status == EXEC_RUNNING);
    memcpy(lost_id, x->id, ID_MAX);
    while (strcmp(output(x, 0), "said before\n"))
        continue;
    for (int i = 0; i < 30; i++) // the group of ended execs is written
        (void)loop_turn(F.loop, 10);
}

static void after(const char *how)
{
    struct err e = {0};
    struct workspace *ws = core_workspace_find(F.core, "kept", &e);
    if (!ok(ws != NULL, "%s: the workspace is there", how))
        return;
    is_str(ws->id, ws_id, "with its id");
    is_int(ws->status, WS_READY, "ready");
    is_str(ws->env[0], "K=v", "its environment");
    is_int(ws->limits.pids, 33, "its limits");
    is_int(ws->init_exit_code, 0, "its init script's end");
    struct exec *x = core_exec_find(F.core, done_id, &e);
    ok(x && x->status == EXEC_ENDED && x->end.exit_code == 5, "an ended exec with its end");
    is_str(x ? x->command : NULL, "echo small output; exit 5", "what it was");
    is_str(x ? output(x, 0) : NULL, "small output\n", "and its output");
    x = core_exec_find(F.core, file_id, &e);
    is_str(x ? output(x, 100000) : NULL, "tail\n", "output in a file too");
    x = core_exec_find(F.core, lost_id, &e);
    ok(x && x->status == EXEC_ENDED, "an exec that ran has ended");
    is_int(x ? x->end.reason : 0, END_LOST, "as lost");
    is_str(x ? output(x, 0) : NULL, "said before\n", "with what it had printed");
    struct wait t = run(ws, "echo works; ls | wc -l");
    is_str(t.out[0], "works\n0\n", "and commands run in it");
    ok(core_token_verify(F.core, "the-admin-token", 15, &e) != NULL, "the admin token counts");
}

// A deletion that was promised goes on; a copy that was not finished is gone.
static void unfinished(void)
{
    struct err e = {0};
    struct workspace *ws = core_workspace_find(F.core, "kept", &e);
    struct wait t = wait_make(on_wait);
    F.hold_copies = true;
    (void)core_workspace_fork(F.core, ws, &(struct fork_spec){.name = "half"}, &t.w, &e);
    for (int i = 0; i < 30 && !F.copies; i++)
        (void)loop_turn(F.loop, 10);
    waiter_cancel(&t.w);
    restart(false);
    F.hold_copies = false;
    ok(TURN_UNTIL(core_stats(F.core)->workspaces == 1), "a copy that was cut off is taken back");
    ws = core_workspace_find(F.core, "kept", &e);
    struct workspace *other = make_workspace("other");
    memcpy(done_id, other->id, ID_MAX);
    t = wait_make(on_wait);
    F.deaf = true; // the launcher hears nothing of it
    (void)core_workspace_delete(F.core, other, &t.w, &e);
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 5);
    is_int(other->status, WS_DELETING, "a deletion is under way");
    waiter_cancel(&t.w);
    restart(false);
    F.deaf = false;
    ok(TURN_UNTIL(!core_workspace_find(F.core, "other", &e)), "it is finished by the next server");
    ok(access(fake_path("dirs", done_id), F_OK) != 0, "with its directory");
}

static void leftovers(void)
{
    struct fake_box *box = xcalloc(1, sizeof(*box));
    struct err e = {0};
    core_free(F.core);
    (void)snprintf(box->id, sizeof(box->id), "ws_00000000000000000000");
    box->sock = box->spare = -1;
    list_init(&box->children);
    list_add_tail(&F.boxes, &box->link);
    unsigned stops = F.stops;
    (void)fake_core_start();
    ok(TURN_UNTIL(list_empty(&F.boxes)), "a sandbox that nobody knows is stopped");
    is_int(F.stops, stops + 1, "once");
    struct workspace *ws = core_workspace_find(F.core, "kept", &e);
    struct wait t = run(ws, "echo on");
    is_str(t.out[0], "on\n", "then commands run");
    int fd = open(fake_path("server/output", "exec_0000.0"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    (void)close(fd);
    restart(true);
    ok(access(fake_path("server/output", "exec_0000.0"), F_OK) != 0,
       "an output file that belongs to nothing is removed");
}

static void interrupted_build(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_wait);
    struct workspace_spec spec = {.name = "building", .image = "built", .build = true};
    free(fake_built.steps[0].argv[2]);
    fake_built.steps[0].argv[2] = strdup("echo half of it; sleep 1000");
    (void)core_workspace_create(F.core, &spec, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    struct workspace *ws = t.w.result;
    char id[ID_MAX];
    (void)TURN_UNTIL(core_stats(F.core)->builds_running == 1 && F.execs);
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 10);
    memcpy(id, ws->build, ID_MAX);
    restart(false);
    ws = core_workspace_find(F.core, "building", &e);
    is_int(ws->status, WS_ERROR, "a workspace whose build was cut off says so");
    ok(strstr(ws->error, "restarted") != NULL, "in a sentence: %s", ws->error);
    struct build *b = core_build_find(F.core, id, &e);
    is_int(b ? b->status : 0, BUILD_LOST, "the build is lost");
    ok(TURN_UNTIL(access(fake_path("dirs", id), F_OK) != 0), "its directory is removed");
}

int main(void)
{
    if (fake_start())
        return 1;
    before();
    restart(true);
    after("after a stop");
    restart(false);
    after("after a crash");
    unfinished();
    leftovers();
    interrupted_build();
    fake_stop();
    return done_testing();
}
