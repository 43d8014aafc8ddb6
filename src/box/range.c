// SPDX-License-Identifier: Apache-2.0
// Which range of ids a sandbox has. A range is taken by a lock on a file of its number; init keeps
// the descriptor open, so the range is free exactly when init is dead, whoever started it and
// whatever died in between.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/file.h>

static int open_ranges(struct err *e)
{
    own_fd int run = open("/run", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return run < 0 ? err_sys(e, "open /run") : io_mkdir_beneath(run, "pinfold/ranges", 0700, e);
}

// -1 and EWOULDBLOCK when it is in use.
static int lock_range(int dir, uint32_t slot)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "%u", slot);
    own_fd int fd = io_open_beneath(dir, name, O_RDONLY | O_CREAT, 0600);
    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ? -1 : fd_steal(&fd);
}

int range_lock(uint32_t slot)
{
    own_fd int dir = open_ranges(NULL);
    return dir < 0 ? -1 : lock_range(dir, slot);
}

int range_take(struct box_host *h, int *ret_fd, struct err *e)
{
    static uint32_t next; // where to look first: the one after the last, so ids rest before reuse
    uint32_t n_ranges = h->conf.id_ranges;
    if (h->ranges_fd < 0 && (h->ranges_fd = open_ranges(e)) < 0)
        return -1;
    for (uint32_t i = 0; i < n_ranges; i++) {
        uint32_t slot = (next + i) % n_ranges;
        int fd = lock_range(h->ranges_fd, slot);
        if (fd >= 0) {
            next = slot + 1;
            *ret_fd = fd;
            return (int)slot;
        }
        if (errno != EWOULDBLOCK)
            return err_sys(e, "lock id range %u", slot);
    }
    return err_set(e, ERR_LIMIT, "all %u id ranges are in use; IdRanges= allows more", n_ranges);
}
