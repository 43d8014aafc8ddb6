// SPDX-License-Identifier: Apache-2.0
// One epoll loop with timers on the monotonic clock. All calls but loop_post are for the thread
// that runs the loop. Watches and timers are intrusive: the caller owns them and must take them
// out before freeing them; doing so inside any callback is safe.
//
// The loop's own descriptor can be watched by another loop (h2o's): when readable, call
// loop_turn(loop, 0).
#pragma once
#include <pinfold/err.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct watch {
    int fd; // -1 when not watched; the loop never closes it
    uint32_t events;
    void (*on_event)(struct watch *w, uint32_t events); // EPOLLIN | EPOLLOUT | EPOLLHUP ...
    struct loop *loop;
};
struct timer {
    uint64_t due_ms; // monotonic
    void (*on_timer)(struct timer *t);
    uint32_t slot; // 1-based place in the heap, 0 when not set
};
struct post {
    void (*on_post)(struct post *p);
    struct post *next;
};

struct loop *loop_new(struct err *e);
void loop_free(struct loop *l);
int loop_fd(const struct loop *l);
// Handle what is ready; wait at most timeout_ms (-1: until something is). 0, or -1 (errno).
int loop_turn(struct loop *l, int timeout_ms);
// Turn until loop_stop.
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events,
               void (*on_event)(struct watch *, uint32_t), struct err *e);
void loop_watch_events(struct watch *w, uint32_t events); // change what is waited for
void loop_unwatch(struct watch *w);                       // no-op when not watched
// Be told of SIGTERM, SIGINT and SIGHUP, which are blocked otherwise, and ignore SIGPIPE. Before the
// process has threads. loop_signal, in the callback: which one, or 0.
int loop_watch_signals(struct loop *l, struct watch *w, void (*on_event)(struct watch *, uint32_t),
                       struct err *e);
int loop_signal(const struct watch *w);
// Call on_timer once, ms from now; setting a set timer moves it.
void loop_timer_set(struct loop *l, struct timer *t, uint64_t ms, void (*on_timer)(struct timer *));
void loop_timer_cancel(struct loop *l, struct timer *t);
// From any thread: run p->on_post on the loop's thread, in order. The caller keeps p alive.
void loop_post(struct loop *l, struct post *p);
