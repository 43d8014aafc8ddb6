// SPDX-License-Identifier: Apache-2.0
// A profile to a program, with libseccomp, which knows the architecture's conventions. It is given
// rules on numbers alone: argument checks are added in look.c, because libseccomp 2.5 cannot say
// "none of these values", compares 64 bits where the kernel reads 32, and has merged 64-bit
// comparisons wrongly (GHSA-4q85-33p6-j5g6).
#include "filter_int.h"

#include <errno.h>
#include <linux/audit.h>
#include <pinfold/own.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "no audit architecture for this processor"
#endif

uint32_t filter_arch(void)
{
    return NATIVE_ARCH;
}

uint32_t refusal(const struct profile *p, bool notify, int nr)
{
    if (p->refuse == REFUSE_KILL)
        return SECCOMP_RET_KILL_PROCESS;
    if (notify)
        return SECCOMP_RET_USER_NOTIF;
    return SECCOMP_RET_ERRNO | (nr == SYS_socket ? EAFNOSUPPORT : EPERM);
}

enum rule { RULE_ALLOW, RULE_LOOK, RULE_REFUSE, RULE_NONE };

static enum rule rule_of(const struct profile *p, int nr)
{
    for (unsigned i = 0; i < p->n_calls; i++)
        if (p->calls[i].nr == nr)
            return p->calls[i].n_conds ? RULE_LOOK : RULE_ALLOW;
    enum profile_call_kind kind = profile_call_kind(nr, NULL);
    return kind == CALL_ABSENT || kind == CALL_UNKNOWN ? RULE_NONE : RULE_REFUSE;
}

static int add_rule(scmp_filter_ctx ctx, uint32_t action, int nr, struct err *e)
{
    int r = seccomp_rule_add(ctx, action, nr, 0);
    if (r)
        return err_set(e, ERR_INTERNAL, "seccomp rule for call %d: %s", nr, strerrordesc_np(-r));
    return 0;
}

static int add_rules(scmp_filter_ctx ctx, const struct profile *p, bool notify, struct looks *looks,
                     struct err *e)
{
    for (int nr = 0; nr <= PROFILE_NR_MAX; nr++) {
        uint32_t action = SCMP_ACT_ALLOW;
        switch (rule_of(p, nr)) {
        case RULE_NONE:
            continue; // the default, ENOSYS
        case RULE_ALLOW:
            break;
        case RULE_REFUSE:
            action = refusal(p, notify, nr);
            break;
        case RULE_LOOK:
            if (looks->n == LOOKS_MAX)
                return err_set(e, ERR_LIMIT, "more than %d calls with conditions", LOOKS_MAX);
            action = VERDICT_LOOK(looks->n);
            looks->nr[looks->n++] = nr;
            break;
        }
        if (add_rule(ctx, action, nr, e))
            return -1;
    }
    return 0;
}

// libseccomp 2.5 writes programs to descriptors only.
static int export(scmp_filter_ctx ctx, struct filter *ret, struct err *e)
{
    own_fd int fd = memfd_create("filter", MFD_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return err_sys(e, "memfd for a filter");
    int r = seccomp_export_bpf(ctx, fd);
    if (r)
        return err_set(e, ERR_INTERNAL, "seccomp export: %s", strerrordesc_np(-r));
    if (fstat(fd, &st))
        return err_sys(e, "memfd of a filter");
    size_t n = (size_t)st.st_size;
    own_free struct sock_filter *insns = xmalloc(n + 1);
    if (pread(fd, insns, n, 0) != (ssize_t)n)
        return err_sys(e, "memfd of a filter");
    ret->insns = ptr_steal(&insns);
    ret->n = (unsigned)(n / sizeof(*insns));
    return 0;
}

static int compile_numbers(const struct profile *p, bool notify, struct looks *looks,
                           struct filter *ret, struct err *e)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!ctx)
        return err_set(e, ERR_INTERNAL, "seccomp filter could not be started");
    int r = 0;
    if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)) // a binary tree
        r = err_set(e, ERR_INTERNAL, "seccomp attributes");
    if (!r)
        r = add_rules(ctx, p, notify, looks, e);
    if (!r)
        r = export(ctx, ret, e);
    seccomp_release(ctx);
    return r;
}

int filter_compile(const struct profile *p, bool notify, struct filter *ret, struct err *e)
{
    struct looks looks = {.n = 0};
    struct filter raw = {0};
    if (compile_numbers(p, notify, &looks, &raw, e))
        return err_wrap(e, "filter of profile %s", p->name);
    int r = pack(&raw, p, notify, &looks, ret, e);
    filter_release(&raw);
    return r ? err_wrap(e, "filter of profile %s", p->name) : 0;
}

void filter_release(struct filter *f)
{
    free(f->insns);
    *f = (struct filter){0};
}
