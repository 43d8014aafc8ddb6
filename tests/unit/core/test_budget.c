// SPDX-License-Identifier: Apache-2.0
// What takes room and can be made again: counted, and over its budget the least recently used goes.
#include "fake.h"

#include <pinfold/core_repo.h>

#define M (1ull << 20)

static struct workspace *make(const struct workspace_spec *spec)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    if (core_workspace_create(F.core, spec, &t.w, &e))
        printf("# create: %s\n", e.text);
    (void)TURN_UNTIL(t.done);
    struct workspace *ws = t.w.result;
    (void)TURN_UNTIL(!ws->busy && ws->status != WS_BUILDING);
    return ws;
}

static void drop(const char *name)
{
    struct wait d = wait_make(on_wait);
    struct err e = {0};
    (void)core_workspace_delete(F.core, core_workspace_find(F.core, name, &e), &d.w, &e);
    (void)TURN_UNTIL(d.done);
}

static unsigned mirrors(void)
{
    struct repository *r[10];
    bool more;
    return (unsigned)core_repo_list(F.core, "", r, 10, &more);
}

static bool has_mirror(const char *url)
{
    struct repository *r[10];
    bool more;
    size_t n = core_repo_list(F.core, "", r, 10, &more);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(r[i]->url, url))
            return true;
    return false;
}

static void clone(const char *name)
{
    own_free char *url = xasprintf("https://example.org/%s", name);
    const struct workspace_spec spec = {.name = name, .repo_url = url};
    is_int(make(&spec)->status, WS_READY, "a workspace over %s", name);
}

static void test_mirrors(void)
{
    F.disk_use = M;
    F.conf.mirrors_total_bytes = 2 * M;
    core_free(F.core);
    (void)fake_core_start();
    clone("a"), clone("b"), clone("c");
    ok(TURN_UNTIL(core_stats(F.core)->mirrors_bytes == 3 * M), "mirrors are counted");
    is_int(mirrors(), 3, "what workspaces use stays, over the budget too");
    drop("b");
    ok(TURN_UNTIL(mirrors() == 2), "one that nothing uses any more goes");
    ok(!has_mirror("https://example.org/b"), "that one");
    ok(TURN_UNTIL(core_stats(F.core)->mirrors_removed == 1), "which is counted");
    drop("c");
    drop("a");
    ok(has_mirror("https://example.org/a"), "within the budget unused ones stay");
    clone("d");
    ok(TURN_UNTIL(mirrors() == 2), "with another one there are too many");
    ok(has_mirror("https://example.org/a") && has_mirror("https://example.org/d"),
       "and the one used least recently has gone");
}

static bool has_layer(unsigned i)
{
    return !access(fake_path("layers", fake_built.steps[i].key), F_OK);
}

static struct build *image(void)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    (void)core_image_build(F.core, "built", false, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    struct build *b = t.w.result;
    (void)TURN_UNTIL(b->ended_ms);
    return b;
}

static void test_layers(void)
{
    struct image_info info;
    struct err e = {0};
    F.conf.images_total_bytes = M;
    core_free(F.core);
    (void)fake_core_start();
    is_int(image()->status, BUILD_SUCCEEDED, "an image of two layers");
    ok(TURN_UNTIL(core_stats(F.core)->layers_removed == 1), "is over the budget of one");
    ok(has_layer(0) && !has_layer(1), "and loses the upper one");
    (void)core_image_find(F.core, "built", &info, &e);
    ok(!info.ready && info.n_built == 1, "which it says");

    F.conf.images_total_bytes = 2 * M;
    core_free(F.core);
    (void)fake_core_start();
    const struct workspace_spec spec = {.name = "on", .image = "built", .build = true};
    is_int(make(&spec)->status, WS_READY, "a workspace stands on it, made again");
    F.conf.images_total_bytes = 1;
    (void)TURN_UNTIL(core_stats(F.core)->images_bytes == 2 * M);
    unsigned counted = F.counted;
    core_free(F.core);
    (void)fake_core_start();
    ok(TURN_UNTIL(core_stats(F.core)->images_bytes == 2 * M),
       "over a restart it is known what they take");
    is_int(F.counted, counted, "without counting again");
    for (int i = 0; i < 5; i++)
        (void)loop_turn(F.loop, 10);
    ok(has_layer(0) && has_layer(1), "and they stay, whatever the budget");
    struct wait t = run(core_workspace_find(F.core, "on", &e), "echo $FROM_IMAGE");
    is_str(t.out[0], "1\n", "it is used");
    drop("on");
    ok(TURN_UNTIL(!has_layer(0) && !has_layer(1)), "when it is gone they go");
    (void)TURN_UNTIL(core_stats(F.core)->images_bytes == 0);
    is_int(core_stats(F.core)->images_bytes, 0, "all of them");
}

// One that an earlier server started may stand on anything.
static void test_unknown(void)
{
    struct err e = {0};
    F.conf.images_total_bytes = 0;
    core_free(F.core);
    (void)fake_core_start();
    (void)image();
    const struct workspace_spec spec = {.name = "old"};
    struct wait t = wait_make(on_wait);
    const struct exec_spec sleeps = {.command = "sleep 1000", .background = true};
    struct workspace *ws = make(&spec);
    (void)core_exec_start(F.core, ws, &sleeps, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    F.linger = true;
    F.conf.images_total_bytes = 1;
    own_free char *keep = xasprintf("cp -a '%s/server' '%s/killed'", F.root, F.root);
    own_free char *back =
        xasprintf("cd '%s' && rm -r server && mv killed server", F.root); // as after a kill
    (void)fake_shell(keep);
    core_free(F.core);
    (void)fake_shell(back);
    (void)fake_core_start();
    (void)TURN_UNTIL(core_stats(F.core)->images_bytes == 2 * M && core_stats(F.core)->boxes == 1);
    for (int i = 0; i < 5; i++)
        (void)loop_turn(F.loop, 10);
    ok(has_layer(0) && has_layer(1), "while a sandbox of an earlier server lives no layer goes");
    drop("old");
    ok(TURN_UNTIL(!has_layer(0) && !has_layer(1)), "then they do");
}

int main(void)
{
    if (fake_start())
        return 1;
    test_mirrors();
    test_layers();
    test_unknown();
    fake_stop();
    return done_testing();
}
