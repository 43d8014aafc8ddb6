// SPDX-License-Identifier: Apache-2.0
// Commands from their start to the report of their end.
#include "init_int.h"

#include <errno.h>
#include <pinfold/own.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

struct exec_slot *slot_find(struct init *in, uint64_t exec)
{
    for (unsigned i = 0; i < in->top; i++)
        if (in->execs[i].exec == exec)
            return &in->execs[i];
    return exec || in->top == EXECS_MAX ? NULL : &in->execs[in->top++];
}

void slot_release(struct init *in, struct exec_slot *x)
{
    x->exec = 0;
    while (in->top && !in->execs[in->top - 1].exec)
        in->top--;
}

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail, and asks no kernel
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void slot_hold(struct init *in, struct exec_slot *x)
{
    x->held_until_us = now_us() + HOLD_MS * 1000;
    in->n_held++;
}

static void unhold(struct init *in, struct exec_slot *x)
{
    in->n_held -= x->held_until_us != 0;
    x->held_until_us = 0;
}

void tell_held(struct init *in)
{
    uint64_t now = now_us();
    for (unsigned i = 0; i < in->top; i++) {
        struct exec_slot *x = &in->execs[i];
        if (!x->exec || !x->held_until_us || x->held_until_us > now || !spawn_over(x))
            continue;
        if (x->failure.step)
            continue; // its end tells
        struct msg_exec_started ret = {.exec = x->exec, .pid = (uint32_t)x->pid};
        unhold(in, x);
        answer(MSG_EXEC_STARTED, x->exec, &ret, NULL, 0);
    }
}

// --- ends ---------------------------------------------------------------------------------------

static void report_end(struct init *in, struct exec_slot *x)
{
    bool exited = WIFEXITED(x->status), good = exited && !WEXITSTATUS(x->status);
    uint64_t peak = group_peak_bytes(&x->group);
    struct statfs disk = {.f_bavail = UINT32_MAX, .f_ffree = UINT32_MAX, .f_bsize = 4096};
    if (!good)
        (void)statfs("/workspace", &disk); // a workspace that was moved away is not full
    struct msg_exec_exited m = {
        .exec = x->exec,
        .exited = exited,
        .exit_code = exited ? (uint32_t)WEXITSTATUS(x->status) : 0,
        .signal = exited ? 0 : (uint32_t)WTERMSIG(x->status),
        .cpu_us = group_cpu_us(&x->group),
        .max_memory_bytes = peak ? peak : x->rss_bytes,
        .oom_kills = (uint32_t)(group_oom_kills(in, &x->group) - x->oom_base),
        .pids_refused = (uint32_t)(group_pids_refused(in, &x->group) - x->pids_base),
        .disk_free_bytes = (uint64_t)disk.f_bavail * (uint64_t)disk.f_bsize,
        .disk_free_inodes = (uint64_t)disk.f_ffree,
    };
    struct msg_exec_started start = {.exec = x->exec};
    if (x->held_until_us && spawn_failed(x, &start))
        answer(MSG_EXEC_STARTED, x->exec, &start, NULL, 0);
    fd_close(&x->master_fd);
    group_give_back(in, x);
    unhold(in, x);
    slot_release(in, x);
    in->n_execs--;
    keep_end(&in->keep, &m);
    answer(MSG_EXEC_EXITED, 0, &m, NULL, 0);
}

// What a command leaves behind ends with it; it is reported once nothing of it is left.
static void settle(struct init *in)
{
    for (unsigned i = 0; i < in->top; i++) {
        struct exec_slot *x = &in->execs[i];
        if (!x->exec || x->pid)
            continue;
        if (group_populated(&x->group))
            group_kill(&x->group);
        else
            report_end(in, x);
    }
}

void on_child(struct init *in, int signal_fd)
{
    struct signalfd_siginfo info;
    if (read(signal_fd, &info, sizeof(info)) < 0 && errno == EAGAIN)
        return;
    int status;
    struct rusage use;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &use)) > 0;)
        for (unsigned i = 0; i < in->top; i++)
            if (in->execs[i].exec && in->execs[i].pid == pid) {
                in->execs[i].pid = 0;
                in->execs[i].status = status;
                in->execs[i].rss_bytes = (uint64_t)use.ru_maxrss * 1024;
                break;
            }
    settle(in);
}

void end_unkept(struct init *in)
{
    for (unsigned i = 0; i < in->top; i++)
        if (in->execs[i].exec && !keep_has(&in->keep, in->execs[i].exec))
            group_kill(&in->execs[i].group);
}
