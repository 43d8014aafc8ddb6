// SPDX-License-Identifier: Apache-2.0
// Private to the room launcher.
//
// Theory of operation. The launcher is root, has one thread and one peer: the server, which it
// does not trust. It receives names (of boxes, directories, layers, mirrors, profiles), checks
// their grammar, looks them up beneath descriptors opened at its start, and acts through the room
// box. A sandbox that is being set up works by itself; until it says that it is ready, other requests
// are taken, so that several start side by side. What takes long (removing or copying a directory) runs in a forked child, one job each; the
// answer is sent when the child ends.
#pragma once
#include <pinfold/box.h>
#include <pinfold/conf.h>
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/map.h>
#include <pinfold/wire.h>

#define JOBS_MAX 8   // children that remove or copy; more wait in the socket
#define STARTS_MAX 8 // sandboxes that are being set up; the same

struct live_box {
    struct box box;
    struct watch watch; // its pidfd; while it starts, what box_start_fd says
    struct launcher *l;
    struct box_start *start; // NULL: it lives
    uint64_t start_id;       // of the request
    struct timer late;
    struct list stops; // requests that wait for its end: struct stop_wait
};
struct stop_wait {
    struct list link;
    uint64_t id;
};
struct work_end { // what a child's work came to: written into its pipe
    struct err err;
    uint64_t bytes; // DISK_USE
};
typedef int (*task_work)(struct box_host *h, const union wire_body *b, struct work_end *end);
struct task {           // a child that works for one request
    struct watch watch; // its pidfd
    struct launcher *l;
    int pidfd, end_fd;
    pid_t pid;
    uint64_t id; // 0: nobody waits for an answer
    bool counts; // the answer is DISK_USED
    task_work after;
};
struct launcher {
    struct conf conf;
    struct loop *loop;
    struct box_host *host;
    struct profile *profiles;
    unsigned n_profiles;
    struct map *boxes; // id -> live_box
    unsigned n_ending; // of them: killed, not reaped yet; their place is free
    struct watch peer, supervisor;
    unsigned n_tasks, n_stops, n_starts; // answers owed
    struct timer look;
    uint64_t leave_by_ms; // for a successor, whose business is what waits in the socket; 0: not
    struct wire_msg msg;
};

// handle.c: one message that the table of messages let through.
void launcher_handle(struct launcher *l, struct wire_msg *m);
void launcher_answer(struct launcher *l, uint64_t id, int failed, const struct err *e);
void launcher_listen(
    struct launcher *l); // to the server, as long as there is room for its requests
void launcher_send(struct launcher *l, enum wire_type type, uint64_t id, const void *body,
                   const int *fds, size_t n_fds);
// boxes.c
void boxes_adopt(void *launcher, const struct box *b);
void boxes_start(struct launcher *l, uint64_t id, const struct msg_box_start *m);
void boxes_stop(struct launcher *l, uint64_t id, const char *box);
void boxes_list(struct launcher *l, uint64_t id);
void boxes_stat(struct launcher *l, uint64_t id, const char *box);
bool boxes_use_dir(const struct launcher *l, const char *dir);
void boxes_settle(struct launcher *l);       // wait for those that start
void boxes_close_starts(struct launcher *l); // in a child: its copies
void boxes_end_all(struct launcher *l);
// task.c: run work(l->host, m) in a child; answers id when it ends. Then `after`, unless NULL.
void task_start(struct launcher *l, const struct wire_msg *m, task_work work, task_work after);
