// SPDX-License-Identifier: Apache-2.0
// One thread that does what would block a loop: jobs run there in order, and their ends come back
// on the loop. For the server and git processes; the launcher has no thread.
#pragma once
#include <pinfold/loop.h>

struct worker;
struct job {
    struct post post;            // first member: jobs come back as posts
    void (*work)(struct job *j); // on the worker's thread; touches only the job's own data
    void (*done)(struct job *j); // on the loop's thread; may free the job
    struct job *next;
};
// batch_begin/batch_end, when given, bracket each run of queued jobs on the worker's thread, so
// that a store can commit them as one group; done is called only after batch_end.
struct worker *worker_new(struct loop *l, void (*batch_begin)(void *), void (*batch_end)(void *),
                          void *arg, struct err *e);
void worker_push(struct worker *w, struct job *j);
// Finish what is queued, run its ends, stop the thread.
void worker_free(struct worker *w);
