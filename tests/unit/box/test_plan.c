// SPDX-License-Identifier: Apache-2.0
// The plan: which steps, in which order, for which profile. Pure.
#include <pinfold/box.h>
#include <pinfold/buf.h>
#include <tap.h>

static const char layer[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static struct profile profile = {.name = "default", .uid = 1000, .gid = 1000};
static struct box_spec spec = {
    .id = "ws_1", .dir = "", .dir_fd = -1, .layers = layer, .profile = "default", .mirror = ""};

static int at(const char *text, const char *what)
{
    const char *p = strstr(text, what);
    return p ? (int)(p - text) : -1;
}

static void order(void)
{
    own_buf struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 16);
    is_int(box_plan_print(&spec, &profile, &b, &e), 0, "a plan can be printed");
    const char *t = b.data;
    ok(at(t, "ids") < at(t, "private"), "ids are taken before the first mount");
    ok(at(t, "cgroup_ns") < at(t, "root"), "the cgroup namespace comes before the root");
    ok(at(t, "private") < at(t, "stage"), "mounts are private before anything is mounted");
    ok(at(t, "proc ") < at(t, "no_userns"), "user namespaces are switched off through our /proc");
    ok(at(t, "no_userns") < at(t, "/proc/sys"), "and before /proc/sys is read-only");
    ok(at(t, "/workspace") < at(t, "pivot"), "the workspace is mounted before the old root goes");
    ok(at(t, "pivot") < at(t, "no_new_privs"), "no_new_privs comes after the root");
    ok(strstr(t, "init\n") && !strchr(strstr(t, "init\n"), '\n')[1], "init is the last step");
}

static void variants(void)
{
    own_buf struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 16);
    profile.user_namespaces = true;
    profile.workspace_read_only = true;
    spec.host_usr = true;
    (void)box_plan_print(&spec, &profile, &b, &e);
    ok(at(b.data, "no_userns") < 0, "a profile may leave user namespaces on");
    ok(at(b.data, "/workspace read-only") > 0, "a profile may make the workspace read-only");
    ok(at(b.data, "/usr read-only") > 0, "the host's /usr is read-only");
    ok(at(b.data, "landlock") < 0 && at(b.data, "core_sched") < 0, "what no profile asks for");
    buf_clear(&b);
    profile.landlock = profile.core_scheduling = WISH_YES;
    (void)snprintf(profile.write_paths, sizeof(profile.write_paths), "/tmp /dev/shm");
    (void)box_plan_print(&spec, &profile, &b, &e);
    ok(at(b.data, "core_sched") > 0, "core scheduling is a step");
    ok(at(b.data, "no_new_privs") < at(b.data, "writable     /tmp\n") &&
           at(b.data, "/tmp\n") < at(b.data, "writable     /dev/shm\n") &&
           at(b.data, "writable     /dev/shm\n") < at(b.data, "landlock"),
       "Landlock comes after no_new_privs, with each directory that stays writable");
    ok(at(b.data, "landlock") < at(b.data, "init\n"), "and before init, which loads the filter");
    profile.landlock = profile.core_scheduling = WISH_NO;
    profile.user_namespaces = profile.workspace_read_only = spec.host_usr = false;
    buf_clear(&b);
    spec.network = NET_HOST;
    (void)box_plan_print(&spec, &profile, &b, &e);
    ok(at(b.data, "loopback") < 0, "the host's own loopback is left alone");
    spec.network = NET_NONE;
}

static void strata(void)
{
    struct err e = {0};
    own_buf struct buf with, without;
    buf_init(&with, 1 << 16);
    buf_init(&without, 1 << 16);
    (void)box_plan_print(&spec, &profile, &without, &e);
    spec.strata = "str_00000000000000000000:str_11111111111111111111";
    is_int(box_plan_print(&spec, &profile, &with, &e), 0, "a directory may stand on strata");
    is_int(at(without.data, "lower="), -1, "/workspace is a plain directory without");
    ok(at(with.data, "/workspace lower=s/str_00000000000000000000/files:s/str_1111") > 0,
       "and an overlay with them, the highest first");
    static const char *const bad[] = {"str_0", "l/x", "../str_00000000000000000000",
                                      "str_00000000000000000000/../..", "ws_00000000000000000000"};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        spec.strata = bad[i];
        is_int(box_plan_print(&spec, &profile, &with, &e), -1, "'%s' is no stratum", bad[i]);
    }
    spec.strata = NULL;
}

static void refusals(void)
{
    static const char *const bad[] = {"", "../../etc", "ABCDEF", ":", "l/x", layer + 1};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        own_buf struct buf b;
        struct err e = {0};
        buf_init(&b, 1 << 16);
        spec.layers = bad[i];
        is_int(box_plan_print(&spec, &profile, &b, &e), -1, "layers '%s' are refused", bad[i]);
    }
    spec.layers = layer;
    own_buf struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 16);
    spec.hostname = "a/b";
    is_int(box_plan_print(&spec, &profile, &b, &e), -1, "a hostname with a slash is refused");
    spec.hostname = NULL;
    ok(layer_name_ok(layer), "64 hexadecimal digits name a layer");
    ok(!layer_name_ok("host"), "the skeleton cannot be named from outside");
}

int main(void)
{
    order();
    variants();
    strata();
    refusals();
    return done_testing();
}
