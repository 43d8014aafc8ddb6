// SPDX-License-Identifier: Apache-2.0
// Signals that a process is told something by, as events of its loop.
#include <pinfold/loop.h>

#include <pinfold/own.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

int loop_watch_signals(struct loop *l, struct watch *w, void (*on_event)(struct watch *, uint32_t),
                       struct err *e)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    // Writes to who is gone are errors, not signals.
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL); // a valid signal: cannot fail
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? err_sys(e, "watch signals") : loop_watch(l, w, fd, EPOLLIN, on_event, e);
}

int loop_signal(const struct watch *w)
{
    struct signalfd_siginfo si;
    return read(w->fd, &si, sizeof(si)) == sizeof(si) ? (int)si.ssi_signo : 0;
}
