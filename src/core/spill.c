// SPDX-License-Identifier: Apache-2.0
// Output that must survive this process goes from its pipe into its file by splice, on the disk
// worker: the kernel takes from the pipe exactly what the file got, also when we are killed in the
// middle, so the file's size is the truth about what was read. What is live for followers is read
// back from the file, which the page cache has. One move of a stream is in flight at a time.
#include "sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/own.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PIPE_WIDE (256 << 10)

struct spill {
    struct job job; // first member
    struct core *core;
    struct proc *proc; // NULL: nobody is to be told
    unsigned stream;
    int pipe_fd; // a copy, so that ours may be closed meanwhile
    struct spill_to to;
    char *data;
    size_t len;
    bool eof;
    struct err err;
};

static int move(struct spill *s, int fd, struct err *e)
{
    struct statvfs fs;
    if (!fstatvfs(fd, &fs) &&
        (uint64_t)fs.f_bavail * fs.f_frsize < s->core->conf.disk_reserve_bytes + s->to.max)
        return err_set(e, ERR_FULL, "output file: less than the disk's reserve is free");
    while (s->len < s->to.max) {
        off_t at = (off_t)(s->to.at + s->len);
        ssize_t n = splice(s->pipe_fd, NULL, fd, &at, s->to.max - s->len, SPLICE_F_NONBLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            return err_sys(e, "output file");
        s->eof = n == 0;
        if (n <= 0)
            return 0;
        s->len += (size_t)n;
    }
    return 0;
}

// Who prints faster than is read writes on while what was read is on its way.
static void widen(const struct spill *s)
{
    if (s->len == s->to.max && fcntl(s->pipe_fd, F_GETPIPE_SZ) < PIPE_WIDE)
        (void)fcntl(s->pipe_fd, F_SETPIPE_SZ,
                    PIPE_WIDE); // refused when all our pipes hold too much
}

static char *read_back(const struct spill *s, int fd)
{
    own_free char *data = xmalloc(s->len + 1);
    for (size_t done = 0; done < s->len;) {
        ssize_t n = pread(fd, data + done, s->len - done, (off_t)(s->to.at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL; // it is in the file all the same
        done += (size_t)n;
    }
    return ptr_steal(&data);
}

static void spill_work(struct job *j)
{
    struct spill *s = (struct spill *)j;
    own_fd int fd =
        openat(s->core->output_fd, s->to.name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if ((fd < 0 ? err_sys(&s->err, "output file") : move(s, fd, &s->err)) && !s->err.code)
        s->err.code = ERR_KERNEL;
    widen(s);
    if (s->len)
        s->data = read_back(s, fd);
    else if (fd >= 0 && !s->to.at)
        (void)unlinkat(s->core->output_fd, s->to.name, 0); // it has printed nothing
}

static void spill_done(struct job *j)
{
    struct spill *s = (struct spill *)j;
    struct proc *p = s->proc;
    s->core->disk_jobs--;
    if (p) {
        bool failed = s->err.code != ERR_NONE;
        p->out[s->stream].spill = NULL;
        if (s->len || failed)
            p->on_spilled(p, s->stream, s->data, s->len, failed ? &s->err : NULL);
        proc_spilled(p, s->stream, s->len, s->eof, failed);
    }
    fd_close(&s->pipe_fd);
    free(s->data);
    free(s);
}

bool spill_start(struct proc *p, unsigned stream)
{
    struct proc_stream *from = &p->out[stream];
    struct spill_to to;
    if (from->spill)
        return true;
    if (!p->spill_to || !p->spill_to(p, stream, &to))
        return false;
    int fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return false; // out of descriptors: read it, which is less safe but no loss by itself
    struct spill *s = from->spill = xcalloc(1, sizeof(*s));
    s->job = (struct job){.work = spill_work, .done = spill_done};
    s->core = p->core;
    s->proc = p;
    s->stream = stream;
    s->pipe_fd = fd;
    s->to = to;
    loop_unwatch(&from->watch);
    disk_push(p->core, &s->job);
    return true;
}

void spill_drop(struct spill *s)
{
    if (s)
        s->proc = NULL;
}
