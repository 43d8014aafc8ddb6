// SPDX-License-Identifier: Apache-2.0
// The seccomp program of a role: an allow-list of its groups, and the few calls that are allowed
// with certain arguments. Conditions are single equalities under a mask of the low half, the one
// form of libseccomp's comparisons that has no upper half to get wrong.
#include "confine_int.h"

#include <asm/termbits.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pinfold/own.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CALL_NAME_MAX 32
#define LOW_HALF 0xffffffffull

struct masked {
    int nr;
    uint8_t arg;
    uint64_t mask, value;
};

static const struct masked common[] = {
    {SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD}, // threads, no processes
    {SCMP_SYS(ioctl), 1, LOW_HALF, FIONREAD},
    {SCMP_SYS(ioctl), 1, LOW_HALF, FIONBIO},
    {SCMP_SYS(ioctl), 1, LOW_HALF, FIOCLEX},
    {SCMP_SYS(ioctl), 1, LOW_HALF, TCGETS}, // isatty
    {SCMP_SYS(ioctl), 1, LOW_HALF, TIOCGWINSZ},
    {SCMP_SYS(socketpair), 0, LOW_HALF, AF_UNIX},
};
static const struct masked inet[] = {
    {SCMP_SYS(socket), 0, LOW_HALF, AF_INET},
    {SCMP_SYS(socket), 0, LOW_HALF, AF_INET6},
};
static const struct masked dialling[] = {
    {SCMP_SYS(socket), 0, LOW_HALF, AF_UNIX}, // name service
};

static int failed(struct err *e, const char *what, int r)
{
    return err_set(e, ERR_INTERNAL, "%s: %s", what, strerrordesc_np(-r));
}

static int allow_names(scmp_filter_ctx ctx, const char *names, struct err *e)
{
    char word[CALL_NAME_MAX];
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, " ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)n, at);
        at += n + strspn(at + n, " ");
        int nr = seccomp_syscall_resolve_name(word);
        if (nr == __NR_SCMP_ERROR)
            return err_set(e, ERR_INTERNAL, "'%s' is not a system call", word);
        int r = nr < 0 ? 0 : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
        if (r)
            return failed(e, word, r);
    }
    return 0;
}

static int allow_masked(scmp_filter_ctx ctx, const struct masked *m, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, m[i].nr, 1,
                                 SCMP_CMP(m[i].arg, SCMP_CMP_MASKED_EQ, m[i].mask, m[i].value));
        if (r)
            return failed(e, "rule with an argument", r);
    }
    return 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct role *role, struct err *e)
{
    for (size_t i = 0; i < N_ELEMS(role->calls) && role->calls[i]; i++)
        if (allow_names(ctx, role->calls[i], e))
            return -1;
    if (allow_masked(ctx, common, N_ELEMS(common), e))
        return -1;
    if (role->net != ROLE_NET_NONE && allow_masked(ctx, inet, N_ELEMS(inet), e))
        return -1;
    if (role->net == ROLE_NET_DIALS) {
        int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
                                 SCMP_A0(SCMP_CMP_MASKED_EQ, LOW_HALF, AF_NETLINK),
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, LOW_HALF, NETLINK_ROUTE));
        if (r)
            return failed(e, "rule for netlink", r);
        if (allow_masked(ctx, dialling, N_ELEMS(dialling), e))
            return -1;
    }
    // The C library then makes threads with clone, whose flags can be seen.
    int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r ? failed(e, "rule for clone3", r) : 0;
}

// libseccomp 2.5 writes programs to descriptors only.
static int export(scmp_filter_ctx ctx, struct sock_filter **ret, unsigned *ret_n, struct err *e)
{
    own_fd int fd = memfd_create("confine", MFD_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_sys(e, "memfd for a filter");
    int r = seccomp_export_bpf(ctx, fd);
    if (r)
        return failed(e, "seccomp export", r);
    if (fstat(fd, &st))
        return err_sys(e, "memfd of a filter");
    size_t n = (size_t)st.st_size;
    own_free struct sock_filter *insns = xmalloc(n + 1);
    if (pread(fd, insns, n, 0) != (ssize_t)n)
        return err_sys(e, "memfd of a filter");
    *ret = ptr_steal(&insns);
    *ret_n = (unsigned)(n / sizeof(**ret));
    return 0;
}

int confine_program(enum confine_role role, bool strict, struct sock_filter **ret, unsigned *ret_n,
                    struct err *e)
{
    if (!roles[role].filtered) {
        *ret = NULL;
        *ret_n = 0;
        return 0;
    }
    scmp_filter_ctx ctx = seccomp_init(strict ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return err_set(e, ERR_INTERNAL, "seccomp filter could not be started");
    int r = 0;
    if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) // a binary tree
        r = err_set(e, ERR_INTERNAL, "seccomp attributes");
    if (!r)
        r = add_rules(ctx, &roles[role], e);
    if (!r)
        r = export(ctx, ret, ret_n, e);
    seccomp_release(ctx);
    return r ? err_wrap(e, "filter of %s", roles[role].name) : 0;
}

int program_load(struct sock_filter *insns, unsigned n, bool log, struct err *e)
{
    struct sock_fprog program = {.len = (unsigned short)n, .filter = insns};
    unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW | (log ? SECCOMP_FILTER_FLAG_LOG : 0);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program))
        return err_sys(e, "seccomp filter");
    return 0;
}
