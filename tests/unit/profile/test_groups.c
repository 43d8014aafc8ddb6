// SPDX-License-Identifier: Apache-2.0
// The tables of calls: nothing forgotten, nothing twice, every name and number real.
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <seccomp.h>
#include <sys/syscall.h>
#include "tap.h"

struct word_list {
    char words[600][32];
    unsigned n;
};

static void split(const char *text, struct word_list *ret)
{
    own_free char *copy = xstrdup(text);
    char *save = NULL;
    ret->n = 0;
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        (void)snprintf(ret->words[ret->n++], sizeof(ret->words[0]), "%s", w);
}

static void test_group(const struct profile_group *g)
{
    static struct word_list list;
    split(g->calls, &list);
    unsigned unknown = 0, unsorted = 0, never = 0;
    for (unsigned i = 0; i < list.n; i++) {
        int nr = -1;
        if (!profile_call_find(list.words[i], &nr)) {
            printf("# %s: %s\n", g->name, list.words[i]);
            unknown++;
        }
        unsorted += i && strcmp(list.words[i - 1], list.words[i]) >= 0;
        never += nr >= 0 && profile_call_kind(nr, NULL) == CALL_NEVER;
    }
    ok(list.n && !unknown && !never, "%s: every name is a call that may be allowed", g->name);
    ok(!unsorted && strlen(g->doc) > 10 && g->name[0] == '@', "%s: sorted and described", g->name);
}

static bool in_group(const char *name, bool but_init)
{
    static struct word_list list;
    for (unsigned i = but_init; i < n_profile_groups; i++) {
        split(profile_groups[i].calls, &list);
        for (unsigned k = 0; k < list.n; k++)
            if (!strcmp(list.words[k], name))
                return true;
    }
    return false;
}

static void test_complete(void)
{
    unsigned known = 0, homeless = 0, reasonless = 0;
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++) {
        const char *name = profile_call_name(nr), *why;
        if (!name)
            continue;
        known++;
        enum profile_call_kind kind = profile_call_kind(nr, &why);
        if (kind == CALL_USUAL && !in_group(name, true)) {
            printf("# %s is neither in a group nor left out\n", name);
            homeless++;
        }
        reasonless += kind != CALL_USUAL && strlen(why) < 5;
    }
    ok(known > 350 && !homeless, "each of %u calls is in a group or left out", known);
    is_int(reasonless, 0, "with a reason if left out");
    static struct word_list init;
    split(profile_groups[0].calls, &init);
    unsigned only_init = 0;
    for (unsigned i = 0; i < init.n; i++)
        only_init += !in_group(init.words[i], true);
    is_str(profile_groups[0].name, "@init", "the first group is init's");
    is_int(only_init, 0, "which is a part of the others");
}

// libseccomp's table, as far as it goes, against ours.
static void test_numbers(void)
{
    unsigned differ = 0, compared = 0;
    for (int nr = 0; nr < 450; nr++) {
        own_free char *theirs = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
        const char *ours = profile_call_name(nr);
        if (!theirs)
            continue;
        compared++;
        if (!ours || strcmp(ours, theirs)) {
            printf("# %d is %s, not %s\n", nr, theirs, ours ? ours : "(none)");
            differ++;
        }
    }
    ok(compared > 350 && !differ, "%u names are libseccomp's", compared);
    int nr = -1;
    ok(profile_call_find("mseal", &nr) && nr == 462, "mseal, which it does not know");
    ok(profile_call_find("file_setattr", &nr) && nr == 469, "file_setattr");
    ok(profile_call_find("fchmodat2", &nr) && nr == 452, "fchmodat2");
    ok(!profile_call_find("nothing", &nr) && !profile_call_find("", &nr), "no other names");
    ok(!profile_call_name(-1) && !profile_call_name(470) && !profile_call_name(1 << 30),
       "no other numbers");
}

static void test_kinds(void)
{
    const char *why = NULL;
    is_int(profile_call_kind(SYS_read, &why), CALL_USUAL, "read is usual");
    is_str(why, "", "which needs no reason");
    is_int(profile_call_kind(SYS_keyctl, &why), CALL_NEVER, "keyctl is never allowed");
    is_str(why, "keyrings are not namespaced", "because");
    is_int(profile_call_kind(SYS_ptrace, NULL), CALL_NAMED, "ptrace must be named");
    is_int(profile_call_kind(SYS_mount, NULL), CALL_NAMED, "mount must be named");
    is_int(profile_call_kind(451, NULL), CALL_ABSENT, "cachestat is absent");
    is_int(profile_call_kind(500, NULL), CALL_UNKNOWN, "500 is unknown");
    is_int(profile_call_kind(-1, NULL), CALL_UNKNOWN, "-1 is unknown");
}

static void test_caps(void)
{
    unsigned bit = 99, n = 0;
    for (; profile_cap_name(n); n++)
        if (!profile_cap_find(profile_cap_name(n), &bit) || bit != n)
            break;
    is_int(n, 41, "every capability has a name that is found");
    ok(profile_cap_find("CAP_SYS_ADMIN", &bit) && bit == 21, "CAP_SYS_ADMIN is 21");
    ok(profile_cap_find("CAP_CHECKPOINT_RESTORE", &bit) && bit == 40, "the last one is 40");
    ok(!profile_cap_find("sys_admin", &bit), "in no other spelling");
}

static void test_tuples(void)
{
    unsigned unknown = 0;
    for (unsigned i = 0; i < n_profile_tuples; i++) {
        int nr;
        if (!profile_call_find(profile_tuples[i].call, &nr) || strlen(profile_tuples[i].why) < 3) {
            printf("# %s\n", profile_tuples[i].call);
            unknown++;
        }
    }
    ok(n_profile_tuples > 90 && !unknown, "each of %u tuples names a call and a reason",
       n_profile_tuples);
}

int main(void)
{
    for (unsigned i = 0; i < n_profile_groups; i++)
        test_group(&profile_groups[i]);
    test_complete();
    test_numbers();
    test_kinds();
    test_caps();
    test_tuples();
    return done_testing();
}
