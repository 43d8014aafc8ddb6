// SPDX-License-Identifier: Apache-2.0
// Which system calls a command makes, with everything it starts: the tool traces it. Contract:
// tool.h. It decides nothing: the sandbox's filter answers each call as ever.
#include "tool_int.h"

#include <errno.h>
#include <linux/audit.h>
#include <fcntl.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/tool.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

static struct tracer {
    uint8_t looks_at[TOOL_TRACE_NR_MAX + 1]; // arguments that matter, a bit each
    struct tool_call calls[TOOL_TRACE_MAX];
    unsigned n;
    uint64_t lost; // calls that found no room, or of another entry
    bool started;  // the command itself runs; what went before was this file's
} T;

// NR:MASK,NR:MASK ... or "-".
static int parse_looks(char *spec, struct err *e)
{
    char *save = NULL;
    if (!strcmp(spec, "-"))
        return 0;
    for (char *w = strtok_r(spec, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        char *colon = strchr(w, ':');
        uint64_t nr, mask;
        if (!colon)
            return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not NR:MASK", w);
        *colon = '\0';
        if (num_parse_u64(w, 0, TOOL_TRACE_NR_MAX, &nr, e) ||
            num_parse_u64(colon + 1, 0, 63, &mask, e))
            return -1;
        T.looks_at[nr] = (uint8_t)mask;
    }
    return 0;
}

static void read_comm(pid_t pid, char out[16])
{
    char path[40];
    (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, 15);
    out[n > 0 ? n - (out[n - 1] == '\n') : 0] = '\0';
    for (char *c = out; *c; c++)
        if (!strchr("._+-:", *c) && !(*c >= '0' && *c <= '9') && !(*c >= 'A' && *c <= 'Z') &&
            !(*c >= 'a' && *c <= 'z'))
            *c = '?';
    if (!*out)
        (void)snprintf(out, 16, "?");
}

static void count(pid_t pid, const struct __ptrace_syscall_info *info)
{
    if (info->arch != NATIVE_ARCH || info->entry.nr > TOOL_TRACE_NR_MAX) {
        T.lost++;
        return;
    }
    struct tool_call c = {.nr = (unsigned)info->entry.nr, .count = 1};
    for (int i = 0; i < 6; i++)
        if (T.looks_at[c.nr] >> i & 1)
            c.args[i] = info->entry.args[i];
    for (unsigned i = 0; i < T.n; i++)
        if (T.calls[i].nr == c.nr && !memcmp(T.calls[i].args, c.args, sizeof(c.args))) {
            T.calls[i].count++;
            return;
        }
    if (T.n == TOOL_TRACE_MAX) {
        T.lost++;
        return;
    }
    read_comm(pid, c.comm);
    T.calls[T.n++] = c;
}

// A process stopped: look, and return the signal to go on with.
static int on_stop(pid_t pid, int status)
{
    int sig = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC)
        T.started = true;
    if (event)
        return 0;
    if (sig == (SIGTRAP | 0x80)) {
        struct __ptrace_syscall_info info = {0};
        if (T.started && ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) > 0 &&
            info.op == PTRACE_SYSCALL_INFO_ENTRY)
            count(pid, &info);
        return 0;
    }
    // A new process stops once so that it can be traced; one that stops itself is not left so.
    return sig == SIGSTOP ? 0 : sig;
}

static int follow(pid_t command)
{
    int status, end = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid > 0 && WIFSTOPPED(status))
            (void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)on_stop(pid, status));
        else if (pid == command)
            break; // the rest ends with it, as in every exec
    }
    if (WIFEXITED(status))
        end = WEXITSTATUS(status);
    else if (WIFSIGNALED(status))
        end = 128 + WTERMSIG(status);
    return end;
}

static _Noreturn void become(char **argv)
{
    // Its output goes the way of its errors: stdout is the report's.
    if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
        _exit(TOOL_EXIT_BASE);
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &dfl, NULL);
    (void)execvp(argv[0], argv);
    (void)dprintf(STDERR_FILENO, "%.100s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static int report(struct err *e)
{
    for (unsigned i = 0; i < T.n; i++) {
        const struct tool_call *c = &T.calls[i];
        const unsigned long long *a = (const unsigned long long *)c->args;
        if (dprintf(STDOUT_FILENO, "%u %llu %llu %llu %llu %llu %llu %llu %s\n", c->nr,
                    (unsigned long long)c->count, a[0], a[1], a[2], a[3], a[4], a[5], c->comm) < 0)
            return err_sys(e, "write the report");
    }
    return dprintf(STDOUT_FILENO, "end %llu\n", (unsigned long long)T.lost) < 0
               ? err_sys(e, "write the report")
               : 0;
}

int trace_command(int argc, char **argv, int *ret_code, struct err *e)
{
    if (argc < 2)
        return err_set(e, ERR_BAD_REQUEST, "trace takes what to look at and a command");
    if (parse_looks(argv[0], e))
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return err_sys(e, "fork");
    if (pid == 0)
        become(argv + 1);
    int status;
    if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
        return err_set(e, ERR_DENIED, "the command cannot be traced here");
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
               (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                        PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) ||
        ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
        return err_sys(e, "trace the command");
    *ret_code = follow(pid);
    return report(e);
}
