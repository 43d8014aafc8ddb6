// SPDX-License-Identifier: Apache-2.0
// Requests to the launcher and their answers.
#pragma once
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/wire.h>

struct core;

// A request that waits for its answer. Zero it before first use. m is NULL with err when there was
// no answer (the launcher restarted). The answer's descriptors go with m unless taken.
struct ask {
    uint64_t id; // 0: not pending
    struct list link;
    void (*on_answer)(struct ask *a, struct wire_msg *m, const struct err *err);
    uint64_t sent_ms;
    bool held;      // not sent before it is known what lives
    bool long_work; // may take its time: says nothing about the launcher's health
    bool alone;     // nobody else knows of it: its callback frees it, whatever comes
    void *subject;
};
// Is there one, or will there be again? Not when the server ends. Of a question whose answer is NULL
// this says whether to ask once more.
bool launcher_there(const struct core *c);
void launcher_ask(struct core *c, struct ask *a, enum wire_type type, const void *body,
                  void (*on_answer)(struct ask *, struct wire_msg *, const struct err *));
// Forget about the answer; its descriptors are closed when it comes.
void ask_drop(struct ask *a);
// The error in an answer of type DONE (or in err). 0 or -1 with *e.
int ask_result(const struct wire_msg *m, const struct err *err, struct err *e);

#define ASK_BUCKETS 64
struct launcher {
    int fd;
    struct watch watch;
    struct list asks[ASK_BUCKETS];
    struct list out;  // what did not fit into the socket, in order
    struct list held; // what waits until it is known what lives
    uint64_t next_id;
    bool synced, alive;
    struct ask list_ask;
    unsigned stopping; // leftovers being stopped
    unsigned silent;   // sandboxes to take up whose init has not noticed the earlier server's end
    unsigned rounds;   // of asking for those
    struct timer again;
};
int launcher_open(struct core *c, int fd, struct err *e);
void launcher_close(struct core *c);
bool launcher_ok(const struct core *c);
