// SPDX-License-Identifier: Apache-2.0
// The loop and the worker thread. Nothing here waits for a clock: timers of 0 ms are due at once,
// and what a thread does is awaited by its event.
#include <pinfold/loop.h>
#include <pinfold/own.h>
#include <pinfold/worker.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <tap.h>

static struct loop *loop;
static char order[64];
static void note(char c)
{
    size_t n = strlen(order);
    if (n + 1 < sizeof(order)) {
        order[n] = c;
        order[n + 1] = '\0';
    }
}

// --- watches --------------------------------------------------------------------------------

static struct watch watches[2];
static void on_first(struct watch *w, uint32_t events)
{
    (void)events;
    note('1');
    loop_unwatch(w);
    loop_unwatch(&watches[1]); // it is ready in the same turn
}
static void on_second(struct watch *w, uint32_t events)
{
    (void)events;
    note('2');
    loop_unwatch(w);
    loop_unwatch(&watches[0]);
}

static void unwatching_in_a_turn(void)
{
    own_fd int a = eventfd(1, EFD_CLOEXEC), b = eventfd(1, EFD_CLOEXEC);
    order[0] = '\0';
    ok(!loop_watch(loop, &watches[0], a, EPOLLIN, on_first, NULL) &&
           !loop_watch(loop, &watches[1], b, EPOLLIN, on_second, NULL),
       "two descriptors are watched");
    (void)loop_turn(loop, 0);
    is_int(strlen(order), 1, "the one that takes the other out is the only one called");
    order[0] = '\0';
    (void)loop_turn(loop, 0);
    is_str(order, "", "neither is called again");
    loop_unwatch(&watches[0]);
    struct watch w;
    struct err e;
    is_int(loop_watch(loop, &w, 9999, EPOLLIN, on_first, &e), -1, "a closed one cannot be watched");
    is_int(w.fd, -1, "and is not");
    loop_unwatch(&w);
}

// --- timers ---------------------------------------------------------------------------------

static struct timer timers[300];
static uint64_t last_due;
static int fired, disorder;
static void on_timer(struct timer *t)
{
    fired++;
    disorder += t->due_ms < last_due;
    last_due = t->due_ms;
}
static void on_stop(struct timer *t)
{
    (void)t;
    note('s');
    loop_stop(loop);
}
static struct timer stop_timer;
static void on_cancel_other(struct timer *t)
{
    (void)t;
    loop_timer_cancel(loop, &timers[1]);
}

static void timers_in_order(void)
{
    for (int i = 0; i < 300; i++)
        loop_timer_set(loop, &timers[i], (uint64_t)((i * 7919) % 5), on_timer);
    for (int i = 0; i < 300; i += 3)
        loop_timer_cancel(loop, &timers[i]);
    loop_timer_cancel(loop, &timers[0]);
    loop_timer_set(loop, &timers[1], 3600000, on_timer);
    loop_timer_set(loop, &timers[1], 0, on_timer);
    loop_timer_set(loop, &stop_timer, 6, on_stop);
    order[0] = '\0';
    (void)loop_run(loop);
    is_str(order, "s", "the loop runs until it is stopped");
    is_int(fired, 200, "each timer that was not cancelled fired once");
    is_int(disorder, 0, "in the order they were due");
    fired = 0;
    loop_timer_set(loop, &timers[0], 0, on_cancel_other);
    loop_timer_set(loop, &timers[1], 0, on_timer);
    loop_timer_set(loop, &stop_timer, 1, on_stop);
    timers[1].due_ms = timers[0].due_ms; // the same turn
    (void)loop_run(loop);
    ok(fired <= 1 && !timers[1].slot, "a timer may cancel another");
    loop_timer_set(loop, &timers[2], UINT64_MAX, on_timer);
    ok(timers[2].due_ms > UINT64_MAX / 4, "a time past all time does not wrap around");
    loop_timer_cancel(loop, &timers[2]);
}

// --- posts and the worker -------------------------------------------------------------------

static struct job jobs[100];
static int worked[100], n_worked, n_done, batches, in_batch, done_in_batch;
static void work(struct job *j)
{
    worked[n_worked++] = (int)(j - jobs);
}
static void done(struct job *j)
{
    (void)j;
    done_in_batch += in_batch;
    if (++n_done == 100)
        loop_stop(loop);
}
static void batch_begin(void *arg)
{
    (void)arg;
    batches++;
    in_batch = 1;
}
static void batch_end(void *arg)
{
    (void)arg;
    in_batch = 0;
}

static void jobs_in_order(void)
{
    struct err e;
    struct worker *w = worker_new(loop, batch_begin, batch_end, NULL, &e);
    ok(w, "a worker starts");
    for (int i = 0; i < 100; i++) {
        jobs[i] = (struct job){.work = work, .done = done};
        worker_push(w, &jobs[i]);
    }
    (void)loop_run(loop);
    int wrong = 0;
    for (int i = 0; i < 100; i++)
        wrong += worked[i] != i;
    ok(n_worked == 100 && !wrong, "jobs run in the order they were given");
    is_int(n_done, 100, "each comes back once");
    ok(batches >= 1 && batches <= 100, "in batches");
    n_done = n_worked = 0;
    for (int i = 0; i < 10; i++)
        worker_push(w, &jobs[i]);
    worker_free(w);
    ok(n_worked == 10 && n_done == 10, "freeing a worker finishes what was given and says so");
    worker_free(NULL);
}

static void on_post_1(struct post *p)
{
    (void)p;
    note('a');
}
static void on_post_2(struct post *p)
{
    (void)p;
    note('b');
}

static void nested(void)
{
    struct post p[] = {{.on_post = on_post_1}, {.on_post = on_post_2}};
    order[0] = '\0';
    loop_post(loop, &p[0]);
    loop_post(loop, &p[1]);
    own_fd int outer = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event ev = {.events = EPOLLIN};
    (void)epoll_ctl(outer, EPOLL_CTL_ADD, loop_fd(loop), &ev);
    is_int(epoll_wait(outer, &ev, 1, 0), 1, "the loop's own descriptor is ready when it has work");
    (void)loop_turn(loop, 0);
    is_str(order, "ab", "posts run in order");
    is_int(epoll_wait(outer, &ev, 1, 0), 0, "and then it is not");
}

int main(void)
{
    struct err e;
    loop = loop_new(&e);
    if (!ok(loop, "a loop is made"))
        return done_testing();
    unwatching_in_a_turn();
    timers_in_order();
    jobs_in_order();
    nested();
    loop_free(loop);
    loop_free(NULL);
    return done_testing();
}
