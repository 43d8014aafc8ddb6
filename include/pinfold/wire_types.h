// SPDX-License-Identifier: Apache-2.0
// The numbers of messages. Those of requests are even, of their answers one more.
#pragma once

enum wire_type {
    MSG_DONE = 1, // answer to any request that has no answer of its own

    MSG_BOX_START = 2,   // server -> launcher: make a sandbox; answer BOX_STARTED
    MSG_BOX_STARTED = 3, // fds: init socket, pidfd, cgroup (v2), with NET_LIST enum net_socket
    MSG_BOX_STOP = 4,    // kill all in it and clean up; answer DONE once nothing is left
    MSG_BOX_LIST = 6,    // answer: one BOX_STARTED for each live one, then DONE
    MSG_BOX_STAT = 8,    // current use; answer BOX_STATS
    MSG_BOX_STATS = 9,
    MSG_BOX_EXITED = 10, // launcher -> server, unasked: the sandbox's init is gone

    MSG_DIR_CREATE = 20,   // make a workspace's directory (upper, work, files)
    MSG_DIR_DELETE = 22,   // remove it; refused while a sandbox uses it
    MSG_DIR_COPY = 24,     // a copy of one as another, or instead of it
    MSG_LAYER_COMMIT = 26, // turn a directory's upper or files/root into an image layer
    MSG_LAYER_DELETE = 28,
    MSG_LAYER_LIST = 30, // fds: one, a directory of the layers to list by name
    MSG_MIRROR_CREATE = 32,
    MSG_MIRROR_DELETE = 34,
    MSG_DISK_USE = 36, // what a layer or a mirror takes; answer DISK_USED, or DONE with the error
    MSG_DISK_USED = 37,
    MSG_READY = 40, // launcher, egress -> server, at its start: what was asked before is void

    MSG_EGRESS_BOX = 50,      // server -> egress: rules of a sandbox; fds: its sockets, or none
    MSG_EGRESS_DECISION = 51, // egress -> server, unasked; again when an allowed one has ended
    MSG_EGRESS_CLOSE = 52,    // it is gone
    MSG_EGRESS_SWEEP = 54,    // forget the sandboxes of earlier servers
    MSG_EGRESS_KEYS = 55,     // egress -> server, unasked: what secrets are to be sealed with
    MSG_EGRESS_SECRET = 56,   // server -> egress: one more, or another of that id
    MSG_EGRESS_UNKNOW = 58,   // it is gone
    MSG_EGRESS_ROTATE = 60,   // make another key; EGRESS_KEYS follows
    MSG_EGRESS_RESEAL = 62,   // seal it with the newest key; answer EGRESS_RESEALED
    MSG_EGRESS_RESEALED = 63,
    MSG_EGRESS_KEYS_ASK = 64, // EGRESS_KEYS follows
    MSG_EGRESS_CA = 67,       // egress -> server, unasked: whom a sandbox is to trust
    MSG_EGRESS_DOOR = 69,     // egress -> server, unasked; fd: a connection that a run's tool made
    MSG_EGRESS_COUNT = 65,    // egress -> server, unasked: a request that used a secret has ended

    MSG_EXEC = 100,         // server -> init; fds: stdin, stdout, stderr, or none with a tty;
                            // then one memfd when the arguments are too long for a message;
                            // then n_kept of the server's own ends, for init to keep
    MSG_EXEC_STARTED = 101, // init -> server; fds: the terminal's master with a tty
    MSG_EXEC_KILL = 102,    // a signal to its process group, or all of it (whole = 1)
    MSG_EXEC_RESIZE = 104,
    MSG_EXEC_EXITED = 106, // init -> server, unasked, once nothing it started is left
    MSG_DENIALS = 108,     // refused system calls so far; answer DENIALS_ARE
    MSG_DENIALS_ARE = 109, // with id 0 unasked: one of a kind, when it was the first, tenth ...
    MSG_EXEC_LIST = 110,   // what is kept; an EXEC_IS for each, EXEC_EXITED if it ended, DONE
    MSG_EXEC_IS = 111,     // fds: stdout, stderr and, if open, stdin; or the terminal's master
    MSG_EXEC_FORGET = 112, // init lets go of what it keeps for it
    MSG_EXEC_KEEP = 113,   // server -> init: keep one that runs; as EXEC_IS will tell of it

    MSG_WHO = 120,    // egress -> init: which process holds the client's end of a connection
    MSG_WHO_IS = 121, // the answer, by its id
};
