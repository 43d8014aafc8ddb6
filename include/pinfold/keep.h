// SPDX-License-Identifier: Apache-2.0
// What a sandbox's init keeps for the next server when its own is killed: of each command with a
// tag its pipes' ends, how it was ended and its end; and a socket for that server to speak on: when
// the other end of init's socket is closed it makes a new pair, and a launcher that has proved who
// init is fetches the other end of that (pidfd_getfd). No allocation: init has one struct keep.
#pragma once
#include <pinfold/wire.h>
#include <stdbool.h>

#define KEPT_MAX 512 // over it those go first that have ended, and then nothing new is kept

struct kept {
    uint64_t exec; // 0: free
    char tag[EXEC_TAG_MAX];
    int fds[3]; // ends of its pipes: stdout, stderr, stdin; or its terminal; -1
    bool tty, ended;
    uint64_t started_ns;
    uint32_t kill_reason;          // enum end_reason; END_N: nobody ended it
    struct msg_exec_started start; // its code and text, when it did not start
    struct msg_exec_exited end;
};
struct keep {
    struct kept all[KEPT_MAX];
    unsigned top;        // from here on all are free
    int control, spare;  // numbers of descriptors: the socket in use, where its other end is put
    uint32_t linger_ms;  // how long to wait for a server; 0: not at all
    uint64_t waiting_ms; // monotonic, until when; 0: there is one
};
void keep_init(struct keep *k, int control, int spare, uint32_t linger_ms);
// m is an EXEC, s what was answered. What m gave to keep is taken from it; the master is copied.
void keep_begin(struct keep *k, struct wire_msg *m, const struct msg_exec_started *s, int master);
// It has ended: adds to *m what the server cannot know later.
void keep_end(struct keep *k, struct msg_exec_exited *m);
bool keep_has(const struct keep *k, uint64_t exec);
// The messages that are about what is kept: EXEC_KILL, EXEC_FORGET, EXEC_KEEP (of one that runs),
// EXEC_LIST; others are let pass.
void keep_handle(struct keep *k, struct wire_msg *m);

// The server is gone: a new socket pair for the next one. -1: nobody is to be waited for.
int keep_wait(struct keep *k);
int keep_patience(const struct keep *k); // ms until waiting is over; -1: there is a server
