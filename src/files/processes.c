// SPDX-License-Identifier: Apache-2.0
// The processes of this pid namespace, from /proc beneath the root. What has gone between two
// reads is left out.
#include "files_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <string.h>
#include <time.h>

#define PIDS_ROOM (1u << 22) // the kernel's own maximum of pids

struct ps {
    int proc_fd;
    uint64_t now_ticks, tick_hz, page;
};

// "PID (COMM) S PPID ..." where COMM may hold anything: fields start after the last ')'.
static int parse_stat(char *text, const struct ps *ps, struct tool_process *ret)
{
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (!open || !close || close < open)
        return -1;
    *close = 0;
    (void)snprintf(ret->comm, sizeof(ret->comm), "%s", open + 1); // cut is fine
    long long ppid, rss;
    unsigned long long utime, stime, threads, start;
    // Field numbers as in proc(5): 3 state, 4 ppid, 14 utime, 15 stime, 20 threads, 22 start, 24
    // rss.
    if (sscanf(close + 1,
               " %c %lld %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s %llu %*s "
               "%llu %*s %lld",
               &ret->state, &ppid, &utime, &stime, &threads, &start, &rss) != 7)
        return -1;
    ret->ppid = (uint32_t)ppid;
    ret->threads = (uint32_t)threads;
    ret->rss_bytes = rss > 0 ? (uint64_t)rss * ps->page : 0;
    ret->cpu_us = (utime + stime) * 1000000 / ps->tick_hz;
    ret->age_ms = ps->now_ticks > start ? (ps->now_ticks - start) * 1000 / ps->tick_hz : 0;
    return 0;
}

static int read_process(const struct ps *ps, const char *name, struct tool_process *ret,
                        struct buf *cmdline)
{
    char text[1024];
    struct stat st;
    own_fd int dir = openat(ps->proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (dir < 0 || fstat(dir, &st))
        return -1;
    own_fd int stat_fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
    ssize_t n = stat_fd < 0 ? -1 : io_read_full(stat_fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -1;
    text[n] = 0;
    *ret = (struct tool_process){.uid = st.st_uid};
    if (parse_stat(text, ps, ret))
        return -1;
    buf_clear(cmdline);
    own_fd int cmd_fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
    char *room = buf_reserve(cmdline, TOOL_CMDLINE_MAX + 1);
    n = cmd_fd < 0 || !room ? 0 : io_read_full(cmd_fd, room, TOOL_CMDLINE_MAX + 1);
    ret->cmdline = room ? room : "";
    ret->cmdline_cut = n > TOOL_CMDLINE_MAX;
    ret->cmdline_len = n < 0 ? 0 : n > TOOL_CMDLINE_MAX ? TOOL_CMDLINE_MAX : (uint32_t)n;
    return 0;
}

static int compare_pids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int read_pids(int proc_fd, uint32_t **ret, size_t *ret_n, struct err *e)
{
    int dup_fd = openat(proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = dup_fd < 0 ? NULL : fdopendir(dup_fd);
    if (!d) {
        fd_close(&dup_fd);
        return files_sys(e, "read /proc");
    }
    size_t n = 0, room = 0;
    own_free uint32_t *pids = NULL;
    for (struct dirent *de; (de = readdir(d));) {
        uint64_t pid;
        struct err ignored;
        if (num_parse_u64(de->d_name, 1, PIDS_ROOM, &pid, &ignored))
            continue;
        if (n == room) {
            room = room ? room * 2 : 256;
            pids = xrealloc(pids, room * sizeof(*pids));
        }
        pids[n++] = (uint32_t)pid;
    }
    if (n)
        qsort(pids, n, sizeof(*pids), compare_pids);
    *ret = ptr_steal(&pids);
    *ret_n = n;
    return 0;
}

int files_processes(struct files *f, uint64_t max, struct err *e)
{
    if (max < 1 || max > TOOL_PS_MAX)
        return err_set(e, ERR_BAD_REQUEST, "max is not 1 to %d", TOOL_PS_MAX);
    own_fd int proc_fd = io_open_in_root(f->root_fd, "proc", O_RDONLY | O_DIRECTORY, 0);
    if (proc_fd < 0)
        return files_sys(e, "open /proc");
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); // cannot fail: the clock exists
    struct ps ps = {.proc_fd = proc_fd, .tick_hz = (uint64_t)sysconf(_SC_CLK_TCK)};
    ps.page = (uint64_t)sysconf(_SC_PAGESIZE);
    ps.now_ticks =
        (uint64_t)now.tv_sec * ps.tick_hz + (uint64_t)now.tv_nsec / (1000000000 / ps.tick_hz);
    own_free uint32_t *pids = NULL;
    size_t n = 0;
    if (read_pids(proc_fd, &pids, &n, e))
        return -1;
    own_sink struct sink s;
    sink_init(&s, f->out_fd);
    own_buf struct buf cmdline;
    buf_init(&cmdline, TOOL_CMDLINE_MAX + 2);
    struct tool_record end = {.type = TOOL_REC_END};
    for (size_t i = 0; i < n && !end.end.more; i++) {
        char name[16];
        struct tool_record rec = {.type = TOOL_REC_PROCESS};
        (void)snprintf(name, sizeof(name), "%u", pids[i]); // fits
        if (pids[i] == (uint32_t)getpid() || read_process(&ps, name, &rec.process, &cmdline))
            continue;
        rec.process.pid = pids[i];
        end.end.more = end.end.entries == max;
        if (!end.end.more && sink_record(&s, &rec, e))
            return -1;
        end.end.entries += !end.end.more;
    }
    return sink_record(&s, &end, e) || sink_flush(&s, e) ? -1 : 0;
}
