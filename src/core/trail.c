// SPDX-License-Identifier: Apache-2.0
// Trails: a small file beside a live output, for what its own file cannot tell the next server. Of
// an output that is cut, how much was seen; of a terminal, the last bytes too. Written before
// anybody is given the bytes, by the loop itself: they go to the page cache, which outlives us.
#include "output_int.h"

#include <fcntl.h>
#include <pinfold/own.h>
#include <unistd.h>

// The total, then the ring, in which the byte at an offset is at the offset modulo its size. It has
// twice the room, so that what a write was killed in overwrites nothing that the total counts.
#define AREA (2 * OUTPUT_RING)
#define AREA_AT ((off_t)sizeof(uint64_t))

static int open_trail(const struct source *s, unsigned stream, int flags)
{
    char name[ID_MAX + 8];
    output_file_name(s->id, EXEC_STREAMS + stream, name);
    return openat(s->core->output_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int put_at(int fd, const void *p, size_t n, off_t at)
{
    return !n || pwrite(fd, p, n, at) == (ssize_t)n ? 0 : -1;
}

static int put_ring(int fd, uint64_t end, const char *p, size_t n)
{
    size_t at = (size_t)((end - n) % AREA), first = n < AREA - at ? n : AREA - at;
    return put_at(fd, p, first, AREA_AT + (off_t)at) || put_at(fd, p + first, n - first, AREA_AT)
               ? -1
               : 0;
}

void trail_add(struct source *s, unsigned stream, const char *p, size_t n)
{
    struct output *o = &s->out[stream];
    if (!o->eager || o->trail_bad || (!o->ring && o->total == o->kept))
        return;
    size_t last = n < OUTPUT_RING ? n : OUTPUT_RING;
    if (o->trail_fd < 0)
        o->trail_fd = open_trail(s, stream, O_WRONLY | O_CREAT);
    o->trail |= o->trail_fd >= 0;
    if (o->trail_fd >= 0 && (!o->ring || !put_ring(o->trail_fd, o->total, p + n - last, last)) &&
        !put_at(o->trail_fd, &o->total, sizeof(o->total), 0))
        return;
    o->trail_bad = true; // it goes on; only a restart will know less
    core_notice(s->core, true, "output of %s is not kept for a restart: no room", s->id);
}

static ssize_t get_ring(int fd, struct output *o)
{
    uint64_t n = o->total < OUTPUT_RING ? o->total : OUTPUT_RING, from = o->total - n;
    char *to = buf_reserve(&o->mem, (size_t)n);
    size_t at = (size_t)(from % AREA), first = n < AREA - at ? (size_t)n : AREA - at;
    if (pread(fd, to, first, AREA_AT + (off_t)at) != (ssize_t)first ||
        pread(fd, to + first, (size_t)n - first, AREA_AT) != (ssize_t)(n - first))
        return -1;
    buf_commit(&o->mem, (size_t)n);
    return 0;
}

void trail_load(struct source *s, unsigned stream)
{
    struct output *o = &s->out[stream];
    uint64_t total;
    own_fd int fd = open_trail(s, stream, O_RDONLY);
    if (fd < 0)
        return;
    o->trail = true;
    if (pread(fd, &total, sizeof(total), 0) != sizeof(total) || total < o->total)
        return; // killed before its first write was whole
    o->total = total;
    if (o->ring && get_ring(fd, o))
        o->failed = true;
    if (o->ring) {
        o->kept = o->mem.len;
        o->first = total - o->kept;
    } else if (total > o->kept) {
        o->keep_max = o->kept; // what comes now does not follow on it
    }
}

void trail_end(struct output *o)
{
    fd_close(&o->trail_fd);
}
