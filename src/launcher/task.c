// SPDX-License-Identifier: Apache-2.0
// Long work in a child: it has the launcher's rights and descriptors, does one thing by names that
// were checked, writes what it came to into a pipe and exits.
#include "launcher_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void answer(struct task *t, int failed, const struct work_end *end)
{
    const struct msg_disk_used used = {.bytes = end->bytes};
    if (!t->id && failed)
        log_warn("%s", end->err.text);
    else if (t->id && t->counts && !failed)
        launcher_send(t->l, MSG_DISK_USED, t->id, &used, NULL, 0);
    else if (t->id)
        launcher_answer(t->l, t->id, failed, &end->err);
    free(t);
}

static void on_task_end(struct watch *w, uint32_t events)
{
    (void)events;
    struct task *t = container_of(w, struct task, watch);
    struct launcher *l = t->l;
    struct work_end end = {.err = {.code = ERR_LOST, .text = "the work's process died"}};
    int status = 0;
    loop_unwatch(&t->watch);
    while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    struct work_end told;
    if (io_read_full(t->end_fd, &told, sizeof(told)) == sizeof(told))
        end = told; // else the sentence above stands
    end.err.text[sizeof(end.err.text) - 1] = '\0';
    fd_close(&t->pidfd);
    fd_close(&t->end_fd);
    static const struct wire_msg nothing;
    task_work after = t->after;
    answer(t, good ? 0 : -1, &end);
    l->n_tasks--;
    launcher_listen(l);
    if (after && !l->leave_by_ms) // else the next start does it
        task_start(l, &nothing, after, NULL);
}

void task_start(struct launcher *l, const struct wire_msg *m, task_work work, task_work after)
{
    struct work_end end = {0};
    struct err *e = &end.err;
    int pipe_fds[2];
    struct task *t = xcalloc(1, sizeof(*t));
    *t = (struct task){.l = l, .pidfd = -1, .end_fd = -1, .id = m->id, .after = after};
    t->counts = m->row && m->row->type == MSG_DISK_USE;
    if (pipe2(pipe_fds, O_CLOEXEC)) {
        answer(t, err_sys(e, "make a pipe"), &end);
        return;
    }
    struct clone_args args = {
        .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&t->pidfd, .exit_signal = SIGCHLD};
    pid_t launcher = getpid();
    long pid = syscall(SYS_clone3, &args, sizeof(args)); // a plain fork that gives a pidfd
    if (pid == 0) {
        // With the launcher its answer is lost, and the next one must find nobody at work: it
        // empties the trash, and the server takes back what it heard no answer about.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != launcher)
            _exit(2);
        boxes_close_starts(l); // an init is to see when its server's end is gone
        int bad = work(l->host, &m->body, &end);
        if (io_write_full(pipe_fds[1], &end, sizeof(end)))
            _exit(2);
        _exit(bad ? 1 : 0);
    }
    (void)close(pipe_fds[1]);
    t->end_fd = pipe_fds[0];
    t->pid = (pid_t)pid;
    if (pid < 0 || loop_watch(l->loop, &t->watch, t->pidfd, EPOLLIN, on_task_end, e)) {
        fd_close(&t->end_fd);
        fd_close(&t->pidfd);
        answer(t, pid < 0 ? err_sys(e, "start the work's process") : -1, &end);
        return;
    }
    l->n_tasks++;
    launcher_listen(l);
}
