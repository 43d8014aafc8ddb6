// SPDX-License-Identifier: Apache-2.0
// The shipped profiles: loaded, written, read again. Run from the top of the tree.
#include <fcntl.h>
#include <pinfold/buf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <sys/stat.h>
#include "tap.h"

static bool same(const struct profile *a, const struct profile *b)
{
    bool rows = a->n_calls == b->n_calls;
    for (unsigned i = 0; rows && i < a->n_calls; i++) {
        const struct profile_call *x = &a->calls[i], *y = &b->calls[i];
        rows = x->nr == y->nr && x->n_conds == y->n_conds &&
               !strcmp(profile_reason(a, x), profile_reason(b, y));
        for (unsigned k = 0; rows && k < x->n_conds; k++)
            rows = x->conds[k].arg == y->conds[k].arg && x->conds[k].op == y->conds[k].op &&
                   x->conds[k].mask == y->conds[k].mask && x->conds[k].value == y->conds[k].value;
    }
    return rows && !strcmp(a->name, b->name) && !strcmp(a->description, b->description) &&
           a->internal == b->internal && !memcmp(&a->limits, &b->limits, sizeof(a->limits)) &&
           a->uid == b->uid && a->gid == b->gid && a->capabilities == b->capabilities &&
           a->network == b->network && a->workspace_read_only == b->workspace_read_only &&
           a->user_namespaces == b->user_namespaces &&
           a->privileged_mounts == b->privileged_mounts && a->tmp_bytes == b->tmp_bytes &&
           a->shm_bytes == b->shm_bytes && a->refuse == b->refuse;
}

static void test_round_trip(const struct profile *p)
{
    own_free struct profile *again = xcalloc(1, sizeof(*again));
    own_buf struct buf text = {0}, second = {0};
    struct err e = {0};
    buf_init(&text, 1 << 20);
    buf_init(&second, 1 << 20);
    int r = profile_format(p, &text);
    if (!r)
        r = profile_parse(p->name, text.data, NULL, NULL, again, &e);
    ok(!r && same(p, again), "%s: what is written is read as the same %s", p->name, e.text);
    ok(!profile_format(again, &second) && !strcmp(text.data, second.data),
       "%s: and written the same", p->name);
}

static void test_odd(void)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    struct err e = {0};
    const char *text =
        "format=1\n[Profile]\nInternal=yes\n[Limits]\nMemoryMax=infinity\nTasksMax=77\n"
        "CPUQuota=150%\nDiskMax=1025K\nFilesMax=infinity\nOutputMax=3\nLimitNOFILE=1000\n"
        "RuntimeMaxSec=1500ms\nTmpSize=65537\nShmSize=3T\n[Sandbox]\nUser=0\nGroup=5\n"
        "CapabilityBoundingSet=CAP_CHOWN CAP_BPF\nNetwork=host\nWorkspaceReadOnly=yes\n"
        "UserNamespaces=yes\nPrivilegedMounts=yes\n[SystemCalls]\nSystemCallErrorNumber=kill\n"
        "SystemCallFilter=@init\nAllow=clone if arg0 & CLONE_NEWUSER|CLONE_NEWNET == 0 # a\n"
        "Allow=clone # b\n"
        "Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # b # c\n"
        "Allow=kcmp if arg5 <= 0xffffffffffffffff and arg3 & 0xff00ff != 0x11 # d\n"
        "Allow=kcmp if arg5 & 0xf000000000000000 == 0x1000000000000000 # d\n";
    const char *wrong = strstr(text, "3T");
    own_free char *fixed = xasprintf("%.*s1T%s", (int)(wrong - text), text, wrong + 2);
    is_int(profile_parse("odd", text, NULL, NULL, p, &e), -1, "%s", e.text);
    is_int(profile_parse("odd", fixed, NULL, NULL, p, &e), 0, "every key with an odd value");
    test_round_trip(p);
}

static void test_diff(const struct profile *all, unsigned n)
{
    own_buf struct buf out = {0};
    buf_init(&out, 1 << 20);
    const struct profile *plain = profile_find(all, n, "default");
    ok(!profile_diff(plain, plain, &out) && out.len == 0, "a profile adds nothing to itself");
    ok(!profile_diff(plain, profile_find(all, n, "debug"), &out) &&
           strstr(out.data, "adds ptrace\n") && !strstr(out.data, "takes"),
       "debug adds ptrace and takes nothing");
    buf_clear(&out);
    ok(!profile_diff(plain, profile_find(all, n, "build"), &out) &&
           strstr(out.data, "adds CAP_CHOWN\n") && strstr(out.data, "adds chroot # pacman"),
       "build adds a capability, and a call with its reason");
    buf_clear(&out);
    ok(!profile_diff(plain, profile_find(all, n, "strict"), &out) &&
           strstr(out.data, "takes io_setup\n") && !strstr(out.data, "adds"),
       "strict takes and adds nothing");
    own_buf struct buf small = {0};
    buf_init(&small, 10);
    ok(profile_diff(plain, profile_find(all, n, "strict"), &small) == -1 &&
           profile_format(plain, &small) == -1,
       "a full buffer is an error");
}

static void test_promises(const struct profile *all, unsigned n)
{
    static const struct {
        const char *name;
        bool internal, read_only;
        uint32_t uid;
        enum net_mode network;
    } want[] = {
        {"default", false, false, 1000, NET_NONE}, {"strict", false, true, 1000, NET_NONE},
        {"agent", false, false, 1000, NET_FULL},   {"build", false, false, 0, NET_FULL},
        {"debug", false, false, 1000, NET_NONE},   {"git", true, false, 1000, NET_NONE},
        {"bootstrap", true, false, 0, NET_HOST},
    };
    is_int(n, N_ELEMS(want), "the profiles that are shipped");
    for (size_t i = 0; i < N_ELEMS(want); i++) {
        const struct profile *p = profile_find(all, n, want[i].name);
        ok(p && p->internal == want[i].internal && p->workspace_read_only == want[i].read_only &&
               p->uid == want[i].uid && p->network == want[i].network,
           "%s is as the README says", want[i].name);
        ok(p && (p->uid == 0 || !p->capabilities), "%s: no user but root has capabilities",
           want[i].name);
        ok(p && p->limits.memory_bytes && p->limits.pids && p->limits.disk_bytes &&
               p->limits.inodes && p->limits.wall_ms && !limits_check(&p->limits, NULL),
           "%s is limited", want[i].name);
        ok(p && !p->user_namespaces, "%s has no nested namespaces", want[i].name);
    }
    ok(!profile_find(all, n, "nothing"), "and no other is found");
}

static void test_load_errors(void)
{
    char dir[] = "/tmp/pinfold-profile-XXXXXX";
    if (!mkdtemp(dir))
        exit(1);
    own_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct profile *all = NULL;
    unsigned n = 0;
    struct err e = {0};
    ok(profile_load_dir(fd, &all, &n, &e) == -1 && e.code == ERR_NOT_FOUND, "%s", e.text);
    (void)io_replace_file(fd, "a.profile", "format=1\n\nx=1\n", 14, 0644, &e);
    (void)io_replace_file(fd, "readme.txt", "x", 1, 0644, &e);
    ok(profile_load_dir(fd, &all, &n, &e) == -1 && strstr(e.text, "a.profile:3:"), "%s", e.text);
    (void)io_replace_file(fd, "a.profile", "format=1\0\nx=1\n", 14, 0644, &e);
    ok(profile_load_dir(fd, &all, &n, &e) == -1 && strstr(e.text, "NUL"), "%s", e.text);
    ok(profile_load_file(fd, "readme.txt", fd, &all, &e) == -1, "%s", e.text);
    ok(profile_load_file(fd, "b.profile", fd, &all, &e) == -1 && e.code == ERR_NOT_FOUND, "%s",
       e.text);
    own_fd int shipped = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *mine = "format=1\n[Profile]\nExtends=default\n[Limits]\nTasksMax=9\n";
    (void)io_replace_file(fd, "mine.profile", mine, strlen(mine), 0644, &e);
    ok(!profile_load_file(fd, "mine.profile", shipped, &all, &e) && all->limits.pids == 9,
       "a file elsewhere may extend a shipped one %s", e.text);
    free(all);
    (void)io_remove_tree(AT_FDCWD, dir, &e);
}

// Every key and every group stands in the README.
static void test_readme(void)
{
    static const char *const keys[] = {"Description",
                                       "Extends",
                                       "Internal",
                                       "MemoryMax",
                                       "TasksMax",
                                       "CPUQuota",
                                       "DiskMax",
                                       "FilesMax",
                                       "OutputMax",
                                       "LimitNOFILE",
                                       "RuntimeMaxSec",
                                       "TmpSize",
                                       "ShmSize",
                                       "User",
                                       "Group",
                                       "CapabilityBoundingSet",
                                       "Network",
                                       "WorkspaceReadOnly",
                                       "UserNamespaces",
                                       "PrivilegedMounts",
                                       "SystemCallErrorNumber",
                                       "SystemCallFilter",
                                       "Allow"};
    own_buf struct buf text = {0};
    struct err e;
    buf_init(&text, 1 << 20);
    int r = io_read_file(AT_FDCWD, "profiles/README.md", &text, &e);
    for (size_t i = 0; !r && i < N_ELEMS(keys); i++) {
        char word[64];
        (void)snprintf(word, sizeof(word), "`%s=`", keys[i]);
        ok(strstr(text.data, word), "the README explains %s", word);
    }
    ok(!r, "the README is there");
}

int main(void)
{
    own_fd int fd = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_free struct profile *all = NULL;
    unsigned n = 0;
    struct err e = {0};
    if (!ok(!profile_load_dir(fd, &all, &n, &e), "the shipped profiles load %s", e.text))
        return done_testing();
    for (unsigned i = 0; i < n; i++)
        test_round_trip(&all[i]);
    test_odd();
    test_diff(all, n);
    test_promises(all, n);
    test_load_errors();
    test_readme();
    return done_testing();
}
