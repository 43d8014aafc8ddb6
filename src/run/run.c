// SPDX-License-Identifier: Apache-2.0
// Limits and names.
#include <pinfold/run.h>

#include <pinfold/num.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ROW(m, lo, hi, text)                                                                       \
    {                                                                                              \
#m, offsetof(struct limits, m), sizeof(((struct limits *)0)->m), lo, hi, text              \
    }
// The lower bounds are what a shell and its children need to start at all; the upper ones keep
// arithmetic far from overflow and one sandbox from asking for more than a large machine has.
const struct limit_row limit_rows[] = {
    ROW(memory_bytes, 4ull << 20, 4ull << 40, "memory of all processes together; no swap"),
    ROW(pids, 4, 1u << 20, "processes and threads"),
    ROW(cpu_percent, 1, 100000, "processor time per wall time; 100 is one processor"),
    ROW(disk_bytes, 1ull << 20, 64ull << 40, "bytes written below / and /workspace"),
    ROW(inodes, 64, 1ull << 32, "files and directories made"),
    ROW(output_bytes, 1, 1ull << 50, "bytes of one output stream before the exec is ended"),
    ROW(open_files, 16, 1u << 20, "open descriptors of one process"),
    ROW(wall_ms, 1, 30ull * 86400 * 1000, "wall time of one exec"),
};
const unsigned n_limit_rows = N_ELEMS(limit_rows);

uint64_t limit_get(const struct limits *l, const struct limit_row *row)
{
    const char *at = (const char *)l + row->offset;
    uint64_t v8;
    uint32_t v4;
    if (row->size == sizeof(v4)) {
        memcpy(&v4, at, sizeof(v4));
        return v4;
    }
    memcpy(&v8, at, sizeof(v8));
    return v8;
}

void limit_put(struct limits *l, const struct limit_row *row, uint64_t v)
{
    char *at = (char *)l + row->offset;
    uint32_t v4 = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
    if (row->size == sizeof(v4))
        memcpy(at, &v4, sizeof(v4));
    else
        memcpy(at, &v, sizeof(v));
}

int limits_check(const struct limits *l, struct err *e)
{
    for (unsigned i = 0; i < n_limit_rows; i++) {
        const struct limit_row *row = &limit_rows[i];
        uint64_t v = limit_get(l, row);
        if (v && (v < row->min || v > row->max))
            return err_set(e, ERR_LIMIT, "limits.%s is %llu; it must be from %llu to %llu",
                           row->name, (unsigned long long)v, (unsigned long long)row->min,
                           (unsigned long long)row->max);
    }
    return 0;
}

void limits_narrow(struct limits *ret, const struct limits *base, const struct limits *want)
{
    struct limits out = {0};
    for (unsigned i = 0; i < n_limit_rows; i++) {
        uint64_t b = limit_get(base, &limit_rows[i]), w = limit_get(want, &limit_rows[i]);
        limit_put(&out, &limit_rows[i], !w || (b && w > b) ? b : w);
    }
    *ret = out;
}

static const char *const net_names[NET_N] = {"none", "full", "allow-list", "host"};

const char *net_mode_name(enum net_mode m)
{
    return m < NET_N ? net_names[m] : "unknown";
}

int net_mode_parse(const char *s, enum net_mode *ret, struct err *e)
{
    for (enum net_mode m = NET_NONE; m < NET_HOST; m++)
        if (!strcmp(s, net_names[m])) {
            *ret = m;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "network.mode '%.20s' is not one of none, full, allow-list",
                   s);
}

static const char *const end_names[END_N] = {
    [END_EXITED] = "exited",
    [END_SIGNALED] = "signaled",
    [END_TIMED_OUT] = "timed_out",
    [END_OOM] = "oom",
    [END_PIDS_LIMIT] = "pids_limit",
    [END_DISK_FULL] = "disk_full",
    [END_OUTPUT_LIMIT] = "output_limit",
    [END_CANCELLED] = "cancelled",
    [END_LOST] = "lost",
    [END_START_FAILED] = "start_failed",
};

const char *end_reason_name(enum end_reason r)
{
    return r < END_N ? end_names[r] : "unknown";
}

int end_reason_parse(const char *s, enum end_reason *ret)
{
    for (unsigned i = 0; i < END_N; i++)
        if (!strcmp(s, end_names[i])) {
            *ret = (enum end_reason)i;
            return 0;
        }
    return -1;
}

static const char *const signal_names[] = {
    [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT",
    [SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
    [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",       [SIGKILL] = "SIGKILL",
    [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
    [SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
    [SIGSTOP] = "SIGSTOP",     [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
    [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",       [SIGXCPU] = "SIGXCPU",
    [SIGXFSZ] = "SIGXFSZ",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
    [SIGWINCH] = "SIGWINCH",   [SIGPOLL] = "SIGPOLL",     [SIGPWR] = "SIGPWR",
    [SIGSYS] = "SIGSYS",
};

const char *signal_name(int sig)
{
    return sig > 0 && sig < (int)N_ELEMS(signal_names) ? signal_names[sig] : "SIG?";
}

int signal_parse(const char *s, int *ret, struct err *e)
{
    uint64_t n;
    if (!num_parse_u64(s, 1, NSIG - 1, &n, NULL)) {
        *ret = (int)n;
        return 0;
    }
    const char *bare = strncmp(s, "SIG", 3) ? s : s + 3;
    for (int i = 1; i < (int)N_ELEMS(signal_names); i++)
        if (!strcmp(signal_names[i] + 3, bare)) {
            *ret = i;
            return 0;
        }
    return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not a signal's name or number", s);
}
