// SPDX-License-Identifier: Apache-2.0
// Refused system calls: who made which, and how often.
#include "init_int.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

// Unasked, with id 0: the first one, the tenth, the hundredth ... of a kind.
static void tell(const struct init *in, const struct denial *d)
{
    uint32_t n = d->count;
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    const struct msg_denials m = {.rows = {.p = d, .len = sizeof(*d)}, .total = in->denied_total};
    if (n == 1)
        answer(MSG_DENIALS_ARE, 0, &m, NULL, 0);
}

static void count_denial(struct init *in, uint32_t nr, const char *comm)
{
    in->denied_total++;
    for (unsigned i = 0; i < in->n_denials; i++)
        if (in->denials[i].syscall == nr && !strcmp(in->denials[i].comm, comm)) {
            in->denials[i].count++;
            tell(in, &in->denials[i]);
            return;
        }
    if (in->n_denials == DENIALS_MAX)
        return; // the total still counts it
    struct denial *d = &in->denials[in->n_denials++];
    *d = (struct denial){.syscall = nr, .count = 1};
    (void)snprintf(d->comm, sizeof(d->comm), "%s", comm);
    tell(in, d);
}

// Tells, never decides: the filter refused already, this only counts and passes EPERM on.
void denials_notify(struct init *in)
{
    struct seccomp_notif req = {0};
    struct seccomp_notif_resp resp = {0};
    char comm[COMM_ROOM];
    if (ioctl(in->notify_fd, SECCOMP_IOCTL_NOTIF_RECV, &req))
        return; // the caller died meanwhile
    who_name(req.pid, comm);
    count_denial(in, (uint32_t)req.data.nr, comm);
    resp.id = req.id;
    // As the filter itself would say it (filter.h).
    resp.error = req.data.nr == SYS_socket ? -EAFNOSUPPORT : -EPERM;
    (void)ioctl(in->notify_fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}
