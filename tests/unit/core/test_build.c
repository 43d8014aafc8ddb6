// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

static struct workspace *make_on(const char *name, const char *image, const char *script)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    struct workspace_spec spec = {.name = name, .image = image, .init_script = script};
    (void)core_workspace_create(F.core, &spec, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    return t.w.result;
}

static struct build *build(struct workspace *ws, bool rebuild)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    if (core_build_start(F.core, ws, rebuild, &t.w, &e)) {
        printf("# %s\n", e.text);
        return NULL;
    }
    (void)TURN_UNTIL(t.done);
    return t.w.result;
}

static bool ended(struct build *b)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    (void)core_build_wait(F.core, b, 20000, &t.w, &e);
    return TURN_UNTIL(t.done) && b->ended_ms;
}

struct log {
    struct output_read r;
    bool done;
    char text[4096];
};

static void on_log(struct waiter *w)
{
    struct log *l = container_of(w, struct log, r.w);
    l->done = true;
    memcpy(l->text, l->r.data, l->r.len < 4095 ? l->r.len : 4095);
}

static const char *log_of(struct build *b)
{
    static struct log l;
    struct err e = {0};
    memset(&l, 0, sizeof(l));
    l.r.w.on_done = on_log;
    (void)core_build_log_read(F.core, b, &l.r, &e);
    (void)TURN_UNTIL(l.done);
    return l.text;
}

static void builds(void)
{
    struct err e = {0};
    struct image_info info;
    struct workspace *ws = make_on("one", "built", "echo the script ran >made");
    is_int(ws->status, WS_PENDING, "a workspace on an image that must be built is pending");
    struct wait t = run(ws, "true");
    is_int(t.w.err.code, ERR_CONFLICT, "nothing runs in it: %s", t.w.err.text);
    struct build *b = build(ws, false);
    is_int(ws->status, WS_BUILDING, "it is being built");
    is_str(ws->build, b->id, "by this build");
    struct wait t2 = wait_make(on_wait);
    is_int(core_build_start(F.core, ws, false, &t2.w, &e), -1, "one at a time: %s", e.text);
    ok(ended(b), "which ends");
    is_int(b->status, BUILD_SUCCEEDED, "well");
    is_int(b->n_steps, 3, "two layers and the workspace's own part");
    is_int(F.commits, 2, "two layers were made");
    const char *text = log_of(b);
    ok(strstr(text, "making the base\nyes\n") != NULL, "the log has what steps print");
    ok(strstr(text, "running things") != NULL, "of each step");
    ok(strstr(text, "[1/3] base: debian bookworm") != NULL, "and which step it is");
    is_int(ws->status, WS_READY, "the workspace is ready");
    t = run(ws, "cat made; echo $FROM_IMAGE");
    is_str(t.out[0], "the script ran\n1\n",
           "its init script ran, the image's environment is there");
    is_int(core_image_find(F.core, "built", &info, &e), 0, "the image");
    ok(info.ready && info.n_built == 2, "is known to be built");

    struct workspace *two = make_on("two", "built", NULL);
    b = build(two, false);
    (void)ended(b);
    is_int(b->n_cached, 2, "a second build needs nothing");
    is_int(F.commits, 2, "and makes nothing");
    ok(strstr(log_of(b), "cached") != NULL, "and says so");

    (void)run(ws, "echo mine >file");
    b = build(ws, false);
    (void)ended(b);
    t = run(ws, "cat file");
    is_str(t.out[0], "mine\n", "a build of what is built leaves it as it is");
    b = build(ws, true);
    (void)ended(b);
    t = run(ws, "ls");
    is_str(t.out[0], "made\n", "a rebuild begins from nothing");
    struct build *page[10];
    bool more;
    is_int(core_build_list(F.core, ws->id, "", page, 10, &more), 3, "builds are listed");
    ok(page[0] == b, "newest first");
}

static void image_builds(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_wait);
    is_int(core_image_build(F.core, "built", true, &t.w, &e), -1,
           "layers that workspaces stand on are not thrown away: %s", e.text);
    for (const char *name = "one"; name; name = strcmp(name, "one") ? NULL : "two") {
        struct wait d = wait_make(on_wait);
        (void)core_workspace_delete(F.core, core_workspace_find(F.core, name, &e), &d.w, &e);
        (void)TURN_UNTIL(d.done);
    }
    is_int(core_image_build(F.core, "built", true, &t.w, &e), 0,
           "without them an image is rebuilt");
    (void)TURN_UNTIL(t.done);
    struct build *b = t.w.result;
    ok(ended(b) && b->status == BUILD_SUCCEEDED, "well");
    is_int(b->n_cached, 0, "with nothing from before");
    is_int(F.commits, 4, "both layers were made again");
    is_int(core_image_build(F.core, "nothing", false, &t.w, &e), -1, "an unknown image is refused");
}

static void drop_layers(void)
{
    (void)unlink(fake_path("layers", fake_built.steps[0].key));
    (void)unlink(fake_path("layers", fake_built.steps[1].key));
    core_free(F.core);
    (void)fake_core_start();
}

static void failures(void)
{
    struct err e = {0};
    drop_layers();
    free(fake_built.steps[1].argv[2]);
    fake_built.steps[1].argv[2] = strdup("echo it breaks here; exit 9");
    struct workspace *ws = make_on("bad", "built", NULL);
    struct build *b = build(ws, false);
    (void)ended(b);
    is_int(b->status, BUILD_FAILED, "a failing step fails the build");
    is_str(b->error, "step 2 (run: make things) exited with code 9", "with a sentence");
    is_int(b->end.exit_code, 9, "and the step's end");
    ok(strstr(log_of(b), "it breaks here") != NULL, "the log says why");
    is_int(ws->status, WS_ERROR, "the workspace is in error");
    is_str(ws->error, b->error, "for the same reason");
    ok(access(fake_path("dirs", b->id), F_OK) != 0, "the build's directory is gone");
    unsigned commits = F.commits;
    free(fake_built.steps[1].argv[2]);
    fake_built.steps[1].argv[2] = strdup("sleep 1000");
    b = build(ws, false);
    (void)TURN_UNTIL(b->step == 2);
    is_int(b->n_cached, 1, "the first step is not made again");
    is_int(F.commits, commits, "nothing was committed");
    for (int i = 0; i < 5; i++)
        (void)loop_turn(F.loop, 10);
    is_int(core_build_cancel(F.core, b, &e), 0, "a build is cancelled");
    ok(ended(b) && b->status == BUILD_CANCELLED, "and ends as that");
    is_int(core_build_cancel(F.core, b, &e), -1, "once");
    b = build(ws, false);
    (void)TURN_UNTIL(b->step == 2);
    struct wait d = wait_make(on_wait);
    is_int(core_workspace_delete(F.core, ws, &d.w, &e), 0, "a workspace that is built is deleted");
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "its build is ended for it");
    ok(list_empty(&F.boxes), "nothing runs");

    free(fake_built.steps[1].argv[2]);
    fake_built.steps[1].argv[2] = strdup("echo fine");
    ws = make_on("box", "built", NULL);
    F.fail_start = "mount";
    b = build(ws, false);
    (void)ended(b);
    F.fail_start = NULL;
    is_str(b->error, "step 2 (run: make things): start_failed, mount: it went wrong",
           "a sandbox that does not start is told by its step");
    b = build(ws, false);
    (void)ended(b);
    is_int(b->status, BUILD_SUCCEEDED, "the next build goes on from there");
}

// Two builds want the same layer: one makes it.
static void shared(void)
{
    struct workspace *ws[3], *page[1];
    struct build *b[3];
    bool more;
    struct err e = {0};
    while (core_workspace_list(F.core, "", page, 1, &more)) {
        struct wait d = wait_make(on_wait);
        (void)core_workspace_delete(F.core, page[0], &d.w, &e);
        (void)TURN_UNTIL(d.done);
    }
    drop_layers();
    unsigned commits = F.commits;
    const char *names[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        ws[i] = make_on(names[i], "built", NULL);
    for (int i = 0; i < 3; i++)
        b[i] = build(ws[i], false);
    is_int(core_stats(F.core)->builds_queued + core_stats(F.core)->builds_running, 3,
           "three are asked for at once");
    ok(core_stats(F.core)->builds_running <= 2, "two run at a time");
    ok(ended(b[0]) && ended(b[1]) && ended(b[2]), "all end");
    is_int(F.commits, commits + 2, "each layer was made once");
    is_int(b[0]->n_cached + b[1]->n_cached + b[2]->n_cached, 4, "the others took it");
    for (int i = 0; i < 3; i++)
        is_int(b[i]->status, BUILD_SUCCEEDED, "well");
}

int main(void)
{
    if (fake_start())
        return 1;
    builds();
    image_builds();
    failures();
    shared();
    fake_stop();
    return done_testing();
}
