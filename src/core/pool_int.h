// SPDX-License-Identifier: Apache-2.0
// Started sandboxes that wait for one-shots, so that one costs little more than a command in a live
// workspace.
//
// A kind is all that the launcher is told about a sandbox but its id, byte for byte: what is handed
// out is what would have been started. Kinds are learnt from the one-shots that come, and forgotten
// when none came for as long as an idle workspace's sandbox would live (idle_stop_ms). At most
// conf.warm_pool sandboxes wait, shared evenly by the kinds; they are made one at a time, after the
// answers, and given up before anything else when room for sandboxes is short. Together they hold at
// most conf.warm_pool_bytes: none is made that would be over it if it used as much as the largest so far.
//
// Nothing has run in one that waits but a shell of its image that did nothing, so that what every
// command needs is at hand; and one that was handed out never comes back.
#pragma once
#include <pinfold/list.h>
#include <pinfold/loop.h>
#include <pinfold/wire.h>

struct core;
struct sandbox;

#define POOL_KINDS 8
struct pool_kind {
    struct msg_box_start want; // box is ""; zeroed before it was filled
    uint64_t used_ms;          // monotonic; 0: this place is free
    bool failed;               // could not be started: not tried before the next that wants it
    unsigned n;                // that wait or are being started
};
struct pool {
    struct pool_kind kinds[POOL_KINDS];
    struct list boxes; // struct pool_box
    unsigned n;
    uint64_t bytes;   // of those that are ready
    uint64_t largest; // of all that there were
    struct timer timer;
};
// A sandbox of this kind for one command, LIVE, now the caller's as one of sandbox_new; NULL when
// none waits. Either way the kind is remembered. network must be none.
struct sandbox *pool_take(struct core *c, const struct msg_box_start *want);
// An answer was given: make up for what was taken, soon.
void pool_refill(struct core *c);
// How many wait.
unsigned pool_ready(const struct core *c);
// Stop one that waits; false when none does.
bool pool_give_up(struct core *c);
// What sandboxes are made from may have changed.
void pool_empty(struct core *c);
