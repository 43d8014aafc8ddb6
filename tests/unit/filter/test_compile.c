// SPDX-License-Identifier: Apache-2.0
// Compiled programs: what they say, that filter_verify finds a wrong one, and that conditions of
// every kind are compiled right.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <pinfold/filter.h>
#include <pinfold/guard.h>
#include <pinfold/own.h>
#include <sys/syscall.h>
#include "tap.h"

static uint32_t run(const struct filter *f, uint32_t arch, int nr, uint64_t arg0)
{
    struct seccomp_data d = {.nr = nr, .arch = arch, .args = {arg0}};
    return filter_simulate(f->insns, f->n, &d);
}

static void test_verdicts(const struct profile *p)
{
    struct filter f = {0}, notify = {0};
    struct err e = {0};
    uint32_t arch = filter_arch();
    ok(!filter_compile(p, false, &f, &e) && !filter_verify(p, &f, &e), "%s: compiled and right %s",
       p->name, e.text);
    ok(!filter_compile(p, true, &notify, &e) && !filter_verify(p, &notify, &e),
       "%s: with notification too %s", p->name, e.text);
    is_int(notify.n, f.n, "%s: of the same size", p->name);
    printf("# %s: %u instructions\n", p->name, f.n);
    ok(f.n < 400, "%s: small enough to be loaded quickly", p->name);

    is_int(run(&f, arch, SYS_read, 0), SECCOMP_RET_ALLOW, "an allowed call");
    is_int(run(&f, arch, SYS_keyctl, 0), SECCOMP_RET_ERRNO | EPERM, "a refused one");
    is_int(run(&notify, arch, SYS_keyctl, 0), SECCOMP_RET_USER_NOTIF, "is notified");
    is_int(run(&f, arch, SYS_socket, 38), SECCOMP_RET_ERRNO | EAFNOSUPPORT, "a refused family");
    is_int(run(&notify, arch, SYS_socket, 38), SECCOMP_RET_USER_NOTIF, "is notified");
    is_int(run(&f, arch, 600, 0), SECCOMP_RET_ERRNO | ENOSYS, "an unknown call");
    is_int(run(&notify, arch, 600, 0), SECCOMP_RET_ERRNO | ENOSYS, "is not notified");
    is_int(run(&f, arch, 0x40000000 | SYS_read, 0), SECCOMP_RET_ERRNO | ENOSYS, "x32");
    is_int(run(&f, arch, -1, 0), SECCOMP_RET_ERRNO | ENOSYS, "a call that a tracer skipped");
    is_int(run(&f, AUDIT_ARCH_I386, 3, 0), SECCOMP_RET_KILL_PROCESS, "a 32-bit call");
    is_int(run(&f, arch, SYS_clone3, 0), SECCOMP_RET_ALLOW, "clone3, for init");
    filter_release(&f);
    filter_release(&notify);
    ok(!f.insns && !f.n, "released");
}

// Turn each instruction wrong in turn: verification must see it.
static void test_mutants(const struct profile *p)
{
    struct filter f = {0};
    struct err e = {0};
    if (filter_compile(p, false, &f, &e))
        ok(false, "%s", e.text);
    unsigned survived = 0;
    for (unsigned i = 0; i < f.n; i++) {
        struct sock_filter old = f.insns[i];
        if (BPF_CLASS(old.code) == BPF_RET)
            f.insns[i].k =
                old.k == SECCOMP_RET_ALLOW ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_ALLOW;
        else
            f.insns[i].k ^= 1;
        if (!filter_verify(p, &f, &e)) {
            survived++;
            printf("# instruction %u: code 0x%x k 0x%x\n", i, old.code, old.k);
        }
        f.insns[i] = old;
    }
    ok(!survived, "%s: each of %u instructions matters to filter_verify", p->name, f.n);
    f.insns[f.n - 1].code = BPF_LD | BPF_IMM;
    ok(filter_verify(p, &f, &e) == -1 && strstr(e.text, "malformed"), "%s", e.text);
    filter_release(&f);
}

static void test_wrong_profile(const struct profile *all, unsigned n)
{
    struct filter f = {0};
    struct err e = {0};
    ok(!filter_compile(profile_find(all, n, "debug"), false, &f, &e), "debug's program");
    ok(filter_verify(profile_find(all, n, "default"), &f, &e) == -1, "is not default's: %s",
       e.text);
    ok(strstr(e.text, "default") && strstr(e.text, "ptrace"), "which names profile and call");
    filter_release(&f);
}

static const char *no_base(void *arg, const char *name)
{
    (void)arg, (void)name;
    return NULL;
}

static void test_conditions(const char *lines)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    own_free char *text = xasprintf(
        "format=1\n[Limits]\nMemoryMax=1G\nTasksMax=9\nCPUQuota=9%%\nDiskMax=1G\nFilesMax=99\n"
        "LimitNOFILE=99\nTmpSize=1M\nShmSize=1M\n[Sandbox]\nUser=0\nGroup=0\n"
        "CapabilityBoundingSet=\nNetwork=none\n[SystemCalls]\nSystemCallFilter=@init\n"
        "Allow=clone if arg0 & CLONE_NEWANY == 0 # t\n"
        "Allow=ioctl if arg1 != TIOCSTI and arg1 != TIOCLINUX and arg1 != TIOCSETD # t\n%s",
        lines);
    struct filter f = {0};
    struct err e = {0};
    int r = profile_parse("conditions", text, no_base, NULL, p, &e);
    if (!r)
        r = filter_compile(p, false, &f, &e);
    if (!r)
        r = filter_verify(p, &f, &e);
    ok(!r, "right: %.*s %s", (int)strcspn(lines, "\n"), lines, e.text);
    if (!r)
        test_mutants(p);
    filter_release(&f);
}

// A custom profile may scatter its calls so that the search tree needs its long jumps.
static void test_scattered(const struct profile *all, unsigned n)
{
    own_free struct profile *p = xcalloc(1, sizeof(*p));
    *p = *profile_find(all, n, "default");
    unsigned kept = 0;
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].nr % 2 || p->calls[i].n_conds)
            p->calls[kept++] = p->calls[i];
    p->n_calls = kept;
    struct filter f = {0};
    struct err e = {0};
    ok(!filter_compile(p, false, &f, &e), "every second call, in %u instructions", f.n);
    int r = filter_verify(p, &f, &e);
    ok(r == -1 && strstr(e.text, "with"), "misses what init needs: %s", e.text);
    unsigned wrong = 0;
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++) {
        static const uint64_t none[6];
        bool allowed = run(&f, filter_arch(), nr, 0) == SECCOMP_RET_ALLOW;
        wrong += allowed != profile_allows(p, nr, none);
    }
    is_int(wrong, 0, "and says what the profile says");
    filter_release(&f);
}

static uint32_t run_guard(const struct filter *f, uint32_t arch, int nr, struct guard_key key)
{
    struct seccomp_data d = {.arch = arch, .nr = nr, .args = {1, 2, key.a, key.b}};
    return filter_simulate(f->insns, f->n, &d);
}

static void test_guard(void)
{
    const struct guard_key key = {0x0123456789abcdef, 0xfedcba9876543210}, none = {0, 0};
    const uint32_t rest = SECCOMP_RET_TRACE;
    struct sock_filter insns[GUARD_INSNS + 1];
    guard_write(&key, insns);
    insns[GUARD_INSNS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, rest);
    struct filter f = {insns, N_ELEMS(insns)};
    const uint32_t arch = filter_arch(), absent = SECCOMP_RET_ERRNO | ENOSYS;
    is_int(run_guard(&f, arch, SYS_clone3, key), SECCOMP_RET_ALLOW, "clone3 for who has the key");
    is_int(run_guard(&f, arch, SYS_clone3, none), absent, "no clone3 for others");
    unsigned wrong = 0;
    for (unsigned bit = 0; bit < 64; bit++) {
        struct guard_key a = {key.a ^ 1ull << bit, key.b}, b = {key.a, key.b ^ 1ull << bit};
        wrong += run_guard(&f, arch, SYS_clone3, a) != absent;
        wrong += run_guard(&f, arch, SYS_clone3, b) != absent;
    }
    is_int(wrong, 0, "nor for a key that is wrong in one bit, whichever");
    is_int(run_guard(&f, arch, SYS_clone, none), rest, "clone is left to the program behind it");
    is_int(run_guard(&f, arch, -1, key), rest, "the rest too");
    is_int(run_guard(&f, arch ^ 1, SYS_clone3, key), rest, "and other architectures");
}

int main(void)
{
    own_free struct profile *all = NULL;
    unsigned n = 0;
    struct err e = {0};
    own_fd int fd = open("profiles", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!ok(!profile_load_dir(fd, &all, &n, &e), "profiles load %s", e.text))
        return done_testing();
    for (unsigned i = 0; i < n; i++)
        test_verdicts(&all[i]);
    test_mutants(profile_find(all, n, "default"));
    test_mutants(profile_find(all, n, "bootstrap"));
    test_wrong_profile(all, n);
    test_scattered(all, n);
    test_guard();
    test_conditions("Allow=kcmp if arg0 == 5 # t\n");
    test_conditions("Allow=kcmp if arg5 != 5 # t\n");
    test_conditions("Allow=kcmp if arg1 <= 5 # t\n");
    test_conditions("Allow=kcmp if arg2 & 0xff00 == 0x1200 # t\n");
    test_conditions("Allow=kcmp if arg2 & 0xff00 != 0x1200 # t\n");
    test_conditions("Allow=kcmp if arg2 & 0xff <= 0x12 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xffffffffffffffff == 0x1200000034 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xffffffffffffffff != 0x1200000034 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xffffffffffffffff <= 0x1200000034 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff000000ff00 == 0x120000003400 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff000000ff00 != 0x120000003400 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff000000ff <= 0x1200000034 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff00000000 <= 0x1200000000 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff00000000 == 0x1200000000 # t\n");
    test_conditions("Allow=kcmp if arg3 & 0xff00000000 != 0x1200000000 # t\n");
    test_conditions("Allow=kcmp if arg0 == 1 and arg0 & 0xffffffff00000000 == 0x500000000 and arg1 "
                    "<= 9 # three alternatives that overlap\n"
                    "Allow=kcmp if arg0 & 0xffffffffffffffff <= 7 and arg0 != 3 # t\n"
                    "Allow=kcmp if arg2 != 1 and arg2 != 2 and arg2 != 3 # t\n");
    return done_testing();
}
