// SPDX-License-Identifier: Apache-2.0
// Giving up power, once: bounding set, securebits, permitted set, then the filter, last.
#include "init_int.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

// What init itself keeps: become the command's user, end commands of other users.
#define OWN_CAPS ((1ull << CAP_SETUID) | (1ull << CAP_SETGID) | (1ull << CAP_KILL))

static int set_caps(uint64_t caps)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)caps, .permitted = (uint32_t)caps},
        {.effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32)},
    };
    return (int)syscall(SYS_capset, &head, data);
}

int power_drop(struct init *in)
{
    uint64_t caps = in->start.capabilities;
    // The bounding set is the commands': a command that runs as root gets exactly this by its
    // exec, others get nothing by their change of user.
    for (int c = 0; c < 64; c++)
        if (!(caps & 1ull << c) && prctl(PR_CAPBSET_DROP, c)) {
            if (errno == EINVAL && c > CAP_SETPCAP)
                break; // the kernel's last was the one before
            return -1;
        }
    unsigned bits =
        SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (!caps)
        bits |= SECBIT_NOROOT | SECBIT_NOROOT_LOCKED;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
        prctl(PR_SET_SECUREBITS, bits) || set_caps(caps | OWN_CAPS))
        return -1;
    return prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int power_filter(struct init *in)
{
    static struct sock_filter insns[BPF_MAXINSNS];
    const size_t room = sizeof(insns) - GUARD_INSNS * sizeof(insns[0]);
    ssize_t n = pread(INIT_FD_FILTER, insns + GUARD_INSNS, room, 0);
    if (n <= 0 || (size_t)n == room || getrandom(&in->key, sizeof(in->key), 0) != sizeof(in->key))
        return -1;
    guard_write(&in->key, insns);
    struct sock_fprog prog = {.len = (unsigned short)(GUARD_INSNS + (size_t)n / sizeof(insns[0])),
                              .filter = insns};
    // SPEC_ALLOW: without it every process pays for a mitigation that its own code can ask for.
    in->notify_fd =
        (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
    int saved = errno;
    memset(insns, 0, GUARD_INSNS * sizeof(insns[0])); // one place less that holds the key
    (void)close(INIT_FD_FILTER);
    errno = saved;
    return in->notify_fd < 0 ? -1 : 0;
}
