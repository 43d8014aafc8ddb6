// SPDX-License-Identifier: Apache-2.0
// The warm pool: what waits is what would have been started, is handed out once, and makes room.
#include "fake.h"

static uint64_t warm(void)
{
    return core_stats(F.core)->boxes_warm;
}

static uint64_t used(void)
{
    return core_stats(F.core)->boxes_warm_used;
}

// Sandboxes that wait and are alive.
static bool full(unsigned n)
{
    unsigned alive = 0;
    list_for (it, &F.boxes)
        alive += !strncmp(container_of(it, struct fake_box, link)->id, "pool_", 5);
    return warm() == n && alive == n && !core_stats(F.core)->boxes_starting;
}

static struct wait shot(const struct exec_spec *more)
{
    struct exec_spec spec = more ? *more : (struct exec_spec){0};
    spec.command = "echo hi";
    return run_spec(NULL, &spec);
}

static void filled(void)
{
    is_int(warm(), 0, "nothing waits before anybody asked");
    struct wait t = shot(NULL);
    is_str(t.out[0], "hi\n", "the first is started cold");
    is_int(used(), 0, "from no pool");
    ok(TURN_UNTIL(full(2)), "then two wait");
    t = shot(NULL);
    is_str(t.out[0], "hi\n", "the next runs");
    is_int(used(), 1, "in one of them");
    ok(TURN_UNTIL(full(2)), "another takes its place");
    ok(TURN_UNTIL(core_stats(F.core)->boxes == 0), // once the used one is gone
       "those that wait are not counted with those that work");
}

static void once_only(void)
{
    struct wait a = wait_make(on_exec_wait), b = wait_make(on_exec_wait),
                c = wait_make(on_exec_wait);
    struct exec_spec spec = {.command = "sleep 0.1; echo $$"};
    struct err e = {0};
    unsigned stops = F.stops;
    uint64_t before = used();
    (void)core_exec_start(F.core, NULL, &spec, &a.w, &e);
    (void)core_exec_start(F.core, NULL, &spec, &b.w, &e);
    (void)core_exec_start(F.core, NULL, &spec, &c.w, &e);
    ok(TURN_UNTIL(a.done && b.done && c.done), "three at once");
    is_int(used() - before, 2, "get the two and one cold");
    ok(TURN_UNTIL(F.stops == stops + 3), "all three are gone after it: none comes back");
    ok(TURN_UNTIL(full(2)), "and two wait again");
}

static void kinds(void)
{
    uint64_t before = used();
    unsigned starts = F.starts;
    struct exec_spec small = {.profile = "small"}, limited = {.limits = {.pids = 7}},
                     open = {.network_given = true, .network = NET_FULL},
                     background = {.background = true};
    (void)shot(&limited);
    is_int(used(), before, "one of other limits is not equal");
    ok(TURN_UNTIL(F.starts == starts + 2 && full(2)), "the pool is shared among what came");
    (void)shot(&open);
    is_int(used(), before, "one with a network is not equal either");
    (void)shot(&limited);
    is_int(used(), before + 1, "so the next of these finds one");
    ok(TURN_UNTIL(full(2)), "which is replaced");
    (void)shot(&small);
    is_int(used(), before + 1, "one of another profile is not equal");
    background.command = "true";
    struct wait t = wait_make(on_exec_wait);
    struct err e = {0};
    (void)core_exec_start(F.core, NULL, &background, &t.w, &e);
    ok(TURN_UNTIL(t.done && !core_stats(F.core)->execs_running) && used() == before + 1,
       "one that must be found after a restart has a sandbox of its own name");
}

static void gives_way(void)
{
    ok(TURN_UNTIL(full(2)), "two wait");
    struct workspace *a = make_workspace("a"), *b = make_workspace("b"), *c = make_workspace("c");
    (void)run(a, "true");
    (void)run(b, "true");
    struct wait t = run(c, "echo room");
    is_str(t.out[0], "room\n", "with room for three sandboxes a third workspace gets its own");
    is_int(warm(), 0, "what waited gave way");
    t = shot(NULL);
    is_str(t.out[0], "hi\n", "and an idle workspace gives way to a command");
}

static void restarts(void)
{
    F.conf.boxes_max = 1000;
    core_free(F.core);
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    ok(!fake_core_start(), "a server with room");
    (void)shot(NULL);
    ok(TURN_UNTIL(full(2)), "fills its pool");
    fake_restart();
    struct wait t = shot(NULL);
    is_str(t.out[0], "hi\n", "after the launcher restarted a command runs");
    is_int(used(), 0, "not in what the old one made");
    ok(TURN_UNTIL(full(2)), "and two of the new one's wait");
    F.fail_start = "clone";
    unsigned starts = F.starts;
    t = shot(NULL);
    is_str(t.out[0], "hi\n", "what waits is good while none can be started");
    ok(TURN_UNTIL(F.starts > starts && !core_stats(F.core)->boxes_starting), "one is tried");
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 10);
    ok(F.starts == starts + 1 && warm() == 1, "once, not again and again, and the other waits on");
    F.fail_start = NULL;
    t = shot(NULL);
    ok(TURN_UNTIL(full(2)), "the next command makes it try again");
}

static void memory(void)
{
    // Each counts as 1 MiB and the 4 KiB of its shell: room for two of eight.
    F.conf.warm_pool = 8;
    F.conf.boxes_max = 20;
    F.conf.warm_pool_bytes = (3u << 20) + 4096;
    core_free(F.core);
    ok(!fake_core_start(), "more would be allowed than their memory may be");
    (void)shot(NULL);
    ok(TURN_UNTIL(full(2)), "as many wait as have room");
    unsigned starts = F.starts;
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 10);
    ok(F.starts == starts && full(2), "and no more");
    is_int(core_stats(F.core)->boxes_warm_bytes, 2 * ((1u << 20) + 4096), "what they hold is told");
    (void)shot(NULL);
    ok(TURN_UNTIL(full(2)), "what is taken is made up for");
}

int main(void)
{
    if (fake_start())
        return 1;
    F.conf.warm_pool = 2;
    F.conf.boxes_max = 3;
    core_free(F.core);
    if (fake_core_start())
        return 1;
    filled();
    once_only();
    kinds();
    gives_way();
    restarts();
    memory();
    fake_stop();
    return done_testing();
}
