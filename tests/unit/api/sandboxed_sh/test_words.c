// SPDX-License-Identifier: Apache-2.0
// The dialect's words, and fields that are kept as labels.
#include "../../../../src/api/sandboxed_sh/sandboxed_sh_int.h"

#include <tap.h>

static void times(void)
{
    char at[TIME_MAX];
    is_str(time_text(1736762400000, at), "2025-01-13T10:00:00Z", "a time is in whole seconds");
    is_str(time_text(1736762400999, at), "2025-01-13T10:00:00Z", "the fraction is cut off");
}

static void distros(void)
{
    static const char *const documented[] = {"ubuntu-noble", "ubuntu-jammy", "debian-bookworm",
                                             "arch-linux"};
    for (int i = 0; i < 4; i++) {
        is_str(distro_image(documented[i]), documented[i], "%s is an image", documented[i]);
        ok(strstr(distro_list, documented[i]), "%s is named as supported", documented[i]);
        ok(image_is_distro(documented[i]), "%s is shown as a distro", documented[i]);
    }
    is_str(distro_image("arch"), "arch-linux", "nicknames are known");
    ok(!distro_image("fedora") && !distro_image("host") && !distro_image(""), "others are not");
    ok(!image_is_distro("host") && !image_is_distro("noble"), "host is no distro");
    ok(distro_image(distro_default), "the default is one");
}

static void statuses(void)
{
    for (int s = 0; s < WS_N; s++)
        ok(*status_word((enum workspace_status)s) && *status_title((enum workspace_status)s),
           "state %d has its words", s);
    is_str(status_word(WS_PENDING), "pending", "pending");
    is_str(status_word(WS_BUILDING), "building", "building");
    is_str(status_word(WS_READY), "ready", "ready");
    is_str(status_word(WS_ERROR), "error", "error");
}

static void names(void)
{
    ok(!name_fault("my-workspace") && !name_fault("My Project (2)") && !name_fault("ü"),
       "names are free text");
    is_str(name_fault(""), "Name cannot be empty", "empty");
    is_str(name_fault("a/b"), "Name contains invalid characters", "a slash");
    is_str(name_fault("a\\b"), "Name contains invalid characters", "a backslash");
    is_str(name_fault("a..b"), "Name contains invalid characters", "two dots");
    is_str(name_fault(".a"), "Name cannot start with a dot", "a leading dot");
    ok(env_name_ok("A") && env_name_ok("_a1"), "names of variables");
    ok(!env_name_ok("") && !env_name_ok("1A") && !env_name_ok("A-B") && !env_name_ok("A=B") &&
           !env_name_ok("A B"),
       "what is none");
    ok(blank("") && blank(" \n\t") && !blank(" x"), "blank text");
}

static void labels(void)
{
    static const char *const old[] = {"mine=1", LABEL_PATH "=/p", LABEL_PATH "x=no", NULL};
    struct json_pool pool;
    struct label_set set;
    json_pool_init(&pool);
    labels_begin(&set, old, &pool);
    is_str(label_get(set.at, LABEL_PATH), "/p", "a label is found by its whole name");
    ok(!label_get(set.at, LABEL_NAME) && !label_get(NULL, LABEL_NAME), "one that is not there");
    labels_put(&set, LABEL_PATH, "/q");
    is_str(label_get(set.at, LABEL_PATH), "/q", "it can be replaced");
    is_int(set.n, 3, "and takes no second place");
    labels_put(&set, LABEL_PATH, NULL);
    ok(!label_get(set.at, LABEL_PATH), "and be taken away");
    is_str(label_get(set.at, "mine"), "1", "others are left alone");
    for (int i = 0; i < WS_LABELS_MAX + 5; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "n%d", i);
        labels_put(&set, name, "v");
    }
    ok(set.n == WS_LABELS_MAX && !set.at[WS_LABELS_MAX], "there are not more than there may be");
    json_pool_release(&pool);
}

static void lists(void)
{
    const char *at[] = {"skill-1", "with space, comma", "skill-1", "", "two\nlines", "\"quote\""};
    struct json_strings list = {at, 6};
    struct json_pool pool;
    struct label_set set;
    struct json_out o;
    struct buf b;
    json_pool_init(&pool);
    buf_init(&b, 4096);
    labels_begin(&set, NULL, &pool);
    labels_put_list(&set, LABEL_SKILLS, &list);
    json_out_init(&o, &b);
    label_print_list(&o, NULL, label_get(set.at, LABEL_SKILLS));
    is_str(b.data, "[\"skill-1\",\"with space, comma\",\"\\\"quote\\\"\"]",
           "a list comes back without duplicates and what no line can hold");
    list.n = 0;
    labels_put_list(&set, LABEL_SKILLS, &list);
    buf_clear(&b);
    json_out_init(&o, &b);
    label_print_list(&o, NULL, label_get(set.at, LABEL_SKILLS));
    is_str(b.data, "[]", "an empty list takes it away");
    buf_release(&b);
    json_pool_release(&pool);
}

static void missions(void)
{
    uint64_t some;
    for (unsigned i = 0; mission_states[i]; i++)
        is_str(mission_status(mission_statuses[i]), mission_states[i], "%s: there and back",
               mission_states[i]);
    is_str(mission_status(TASK_CANCELLED), "interrupted", "what was cancelled was interrupted");
    is_str(backend_tool("claudecode"), "claude-code", "a backend is a tool");
    is_str(backend_tool("codex"), "codex", "by its own name too");
    ok(!backend_tool("mainframe"), "or it is none");
    for (unsigned t = 0; t < EV_N; t++)
        ok(!mission_event((enum event_type)t) == !(mission_events >> t & 1),
           "%s: has a word, or is not told", event_type_name((enum event_type)t));
    ok(mission_types("thinking,error", &some), "types are read");
    is_int((long)some, 1L << EV_AGENT_THINKING | 1L << EV_RUN_FAILED, "as those events");
    ok(!mission_types("nothing", &some) && !mission_types("", &some) && !mission_types(",,", &some),
       "others are none");
}

int main(void)
{
    times();
    distros();
    statuses();
    names();
    labels();
    lists();
    missions();
    return done_testing();
}
