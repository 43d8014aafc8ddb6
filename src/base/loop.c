// SPDX-License-Identifier: Apache-2.0
// The loop: epoll for descriptors, a binary heap on one timerfd for timers, an eventfd for posts.
#include <pinfold/loop.h>

#include <assert.h>
#include <errno.h>
#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#define BATCH 64

struct loop {
    int epoll_fd, timer_fd, post_fd;
    bool stopping;
    struct epoll_event batch[BATCH];
    int batch_len, batch_at; // what loop_unwatch must look through while a turn runs
    struct timer **heap;     // 1-based
    uint32_t n_timers, cap_timers;
    uint64_t armed_ms; // what the timerfd is set to; 0: nothing
    pthread_mutex_t post_lock;
    struct post *posts, **posts_tail;
    struct watch timer_watch, post_watch;
};

static void on_timer_fd(struct watch *w, uint32_t events);
static void on_post_fd(struct watch *w, uint32_t events);

struct loop *loop_new(struct err *e)
{
    struct loop *l = xcalloc(1, sizeof(*l));
    l->posts_tail = &l->posts;
    (void)pthread_mutex_init(&l->post_lock, NULL); // cannot fail for default attributes
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    l->post_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll_fd < 0 || l->timer_fd < 0 || l->post_fd < 0)
        err_sys(e, "make an event loop");
    else if (!loop_watch(l, &l->timer_watch, l->timer_fd, EPOLLIN, on_timer_fd, e) &&
             !loop_watch(l, &l->post_watch, l->post_fd, EPOLLIN, on_post_fd, e))
        return l;
    loop_free(l);
    return NULL;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    fd_close(&l->epoll_fd);
    fd_close(&l->timer_fd);
    fd_close(&l->post_fd);
    (void)pthread_mutex_destroy(&l->post_lock);
    free(l->heap);
    free(l);
}

int loop_fd(const struct loop *l)
{
    return l->epoll_fd;
}

int loop_watch(struct loop *l, struct watch *w, int fd, uint32_t events,
               void (*on_event)(struct watch *, uint32_t), struct err *e)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
        w->fd = -1;
        w->loop = NULL;
        return err_sys(e, "watch descriptor %d", fd);
    }
    *w = (struct watch){.fd = fd, .events = events, .on_event = on_event, .loop = l};
    return 0;
}

void loop_watch_events(struct watch *w, uint32_t events)
{
    if (!w->loop || w->events == events)
        return;
    struct epoll_event ev = {.events = events, .data.ptr = w};
    w->events = events;
    (void)epoll_ctl(w->loop->epoll_fd, EPOLL_CTL_MOD, w->fd, &ev); // it is watched: cannot fail
}

void loop_unwatch(struct watch *w)
{
    struct loop *l = w->loop;
    if (!l)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    for (int i = l->batch_at; i < l->batch_len; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
    w->loop = NULL;
    w->fd = -1;
}

int loop_turn(struct loop *l, int timeout_ms)
{
    int n = epoll_wait(l->epoll_fd, l->batch, BATCH, timeout_ms);
    if (n < 0)
        return errno == EINTR ? 0 : -1;
    l->batch_len = n;
    for (l->batch_at = 0; l->batch_at < l->batch_len;) {
        struct epoll_event *ev = &l->batch[l->batch_at++];
        struct watch *w = ev->data.ptr;
        if (w)
            w->on_event(w, ev->events);
    }
    l->batch_len = l->batch_at = 0;
    return 0;
}

int loop_run(struct loop *l)
{
    l->stopping = false;
    while (!l->stopping)
        if (loop_turn(l, -1))
            return -1;
    return 0;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

// --- timers -------------------------------------------------------------------------------

static void put(struct loop *l, uint32_t at, struct timer *t)
{
    l->heap[at] = t;
    t->slot = at;
}

static void sift_up(struct loop *l, uint32_t at, struct timer *t)
{
    for (; at > 1 && l->heap[at / 2]->due_ms > t->due_ms; at /= 2)
        put(l, at, l->heap[at / 2]);
    put(l, at, t);
}

static void sift_down(struct loop *l, uint32_t at, struct timer *t)
{
    for (uint32_t child; (child = at * 2) <= l->n_timers; at = child) {
        if (child < l->n_timers && l->heap[child + 1]->due_ms < l->heap[child]->due_ms)
            child++;
        if (l->heap[child]->due_ms >= t->due_ms)
            break;
        put(l, at, l->heap[child]);
    }
    put(l, at, t);
}

// The timerfd is only ever moved earlier here; a cancelled timer costs one early wake-up instead
// of a system call for each cancel.
static void arm(struct loop *l)
{
    if (!l->n_timers)
        return;
    uint64_t due = l->heap[1]->due_ms;
    if (l->armed_ms && l->armed_ms <= due)
        return;
    l->armed_ms = due;
    struct itimerspec its = {
        .it_value = {.tv_sec = (time_t)(due / 1000), .tv_nsec = (long)(due % 1000) * 1000000 + 1}};
    (void)timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL); // arguments are valid
}

void loop_timer_cancel(struct loop *l, struct timer *t)
{
    uint32_t at = t->slot;
    if (!at)
        return;
    assert(l->heap[at] == t);
    t->slot = 0;
    struct timer *last = l->heap[l->n_timers--];
    if (last == t)
        return;
    if (at > 1 && l->heap[at / 2]->due_ms > last->due_ms)
        sift_up(l, at, last);
    else
        sift_down(l, at, last);
}

void loop_timer_set(struct loop *l, struct timer *t, uint64_t ms, void (*on_timer)(struct timer *))
{
    loop_timer_cancel(l, t);
    if (l->n_timers + 2 > l->cap_timers) {
        l->cap_timers = l->cap_timers ? l->cap_timers * 2 : 32;
        l->heap = xrealloc(l->heap, l->cap_timers * sizeof(struct timer *));
    }
    uint64_t now = clock_mono_ms();
    t->due_ms = ms > UINT64_MAX / 2 - now ? UINT64_MAX / 2 : now + ms;
    t->on_timer = on_timer;
    l->n_timers++;
    sift_up(l, l->n_timers, t);
    arm(l);
}

static void on_timer_fd(struct watch *w, uint32_t events)
{
    (void)events;
    struct loop *l = container_of(w, struct loop, timer_watch);
    uint64_t ticks;
    if (read(l->timer_fd, &ticks, sizeof(ticks)) < 0 && errno == EAGAIN)
        return;
    l->armed_ms = 0;
    uint64_t now = clock_mono_ms();
    while (l->n_timers && l->heap[1]->due_ms <= now) {
        struct timer *t = l->heap[1];
        loop_timer_cancel(l, t);
        t->on_timer(t);
    }
    arm(l);
}

// --- posts --------------------------------------------------------------------------------

void loop_post(struct loop *l, struct post *p)
{
    p->next = NULL;
    (void)pthread_mutex_lock(&l->post_lock);
    bool wake = !l->posts;
    *l->posts_tail = p;
    l->posts_tail = &p->next;
    (void)pthread_mutex_unlock(&l->post_lock);
    if (wake && eventfd_write(l->post_fd, 1))
        abort(); // the counter cannot overflow by ones
}

static void on_post_fd(struct watch *w, uint32_t events)
{
    (void)events;
    struct loop *l = container_of(w, struct loop, post_watch);
    eventfd_t n;
    (void)eventfd_read(l->post_fd, &n); // empty is fine: the list below decides
    (void)pthread_mutex_lock(&l->post_lock);
    struct post *p = l->posts;
    l->posts = NULL;
    l->posts_tail = &l->posts;
    (void)pthread_mutex_unlock(&l->post_lock);
    while (p) {
        struct post *next = p->next;
        p->on_post(p);
        p = next;
    }
}
