// SPDX-License-Identifier: Apache-2.0
// A worker thread: takes all that is queued, brackets it as one batch, posts the ends back.
#include <pinfold/worker.h>

#include <errno.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <signal.h>

struct worker {
    struct loop *loop;
    void (*batch_begin)(void *), (*batch_end)(void *);
    void *arg;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct job *head, **tail;
    bool stopping;
};

static void on_job_post(struct post *p)
{
    struct job *j = (struct job *)p;
    j->done(j);
}

static void run_batch(struct worker *w, struct job *j)
{
    if (w->batch_begin)
        w->batch_begin(w->arg);
    for (struct job *at = j; at; at = at->next)
        at->work(at);
    if (w->batch_end)
        w->batch_end(w->arg);
    while (j) {
        struct job *next = j->next; // the job may be freed once posted
        j->post.on_post = on_job_post;
        loop_post(w->loop, &j->post);
        j = next;
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->head && !w->stopping)
            (void)pthread_cond_wait(&w->more, &w->lock);
        struct job *j = w->head;
        w->head = NULL;
        w->tail = &w->head;
        if (!j)
            break;
        (void)pthread_mutex_unlock(&w->lock);
        run_batch(w, j);
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct worker *worker_new(struct loop *l, void (*batch_begin)(void *), void (*batch_end)(void *),
                          void *arg, struct err *e)
{
    struct worker *w = xcalloc(1, sizeof(*w));
    *w = (struct worker){.loop = l, .batch_begin = batch_begin, .batch_end = batch_end, .arg = arg};
    w->tail = &w->head;
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->more, NULL);
    sigset_t all, old;
    (void)sigfillset(&all); // signals are the loop thread's business
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    errno = pthread_create(&w->thread, NULL, worker_main, w);
    int sys = errno;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!sys)
        return w;
    err_sys(e, "start a worker thread");
    free(w);
    return NULL;
}

void worker_push(struct worker *w, struct job *j)
{
    j->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    *w->tail = j;
    w->tail = &j->next;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stopping = true;
    (void)pthread_cond_signal(&w->more);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)loop_turn(w->loop, 0); // run the ends that were posted
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->more);
    free(w);
}
