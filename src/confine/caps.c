// SPDX-License-Identifier: Apache-2.0
// Capabilities by the raw calls: two dozen lines, against one more library in every process.
#include "confine_int.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sets {
    uint64_t effective, permitted, inheritable;
};

static int get_sets(struct sets *ret)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2];
    if (syscall(SYS_capget, &h, d))
        return -1;
    ret->effective = d[0].effective | (uint64_t)d[1].effective << 32;
    ret->permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
    ret->inheritable = d[0].inheritable | (uint64_t)d[1].inheritable << 32;
    return 0;
}

static int put_sets(const struct sets *s)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {
        {(uint32_t)s->effective, (uint32_t)s->permitted, (uint32_t)s->inheritable},
        {(uint32_t)(s->effective >> 32), (uint32_t)(s->permitted >> 32),
         (uint32_t)(s->inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &h, d);
}

static bool may_setpcap(void)
{
    struct sets s;
    return !get_sets(&s) && s.effective >> CAP_SETPCAP & 1;
}

int caps_limit_bounding(uint64_t keep, struct err *e)
{
    // Without the capability to drop: safe because no_new_privs follows, and the bounding set
    // counts only for an execve that gains something.
    if (!may_setpcap())
        return 0;
    for (int bit = 0; prctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; bit++)
        if (!(keep >> bit & 1) && prctl(PR_CAPBSET_DROP, bit, 0, 0, 0))
            return err_sys(e, "drop capability %d from the bounding set", bit);
    return 0;
}

int caps_lock_securebits(struct err *e)
{
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                         SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                         SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (may_setpcap() && prctl(PR_SET_SECUREBITS, bits, 0, 0, 0))
        return err_sys(e, "securebits");
    return 0;
}

int caps_limit(uint64_t keep, struct err *e)
{
    struct sets s;
    // EINVAL: a kernel without ambient capabilities
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (get_sets(&s))
        return err_sys(e, "capabilities");
    s.permitted &= keep;
    s.effective &= s.permitted;
    s.inheritable = 0;
    if (put_sets(&s) || get_sets(&s))
        return err_sys(e, "capabilities");
    if ((s.effective | s.permitted) & ~keep || s.inheritable)
        return err_set(e, ERR_INTERNAL, "capabilities 0x%llx are left",
                       (unsigned long long)(s.permitted | s.inheritable));
    return 0;
}
