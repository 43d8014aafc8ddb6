// SPDX-License-Identifier: Apache-2.0
// Which process of a sandbox connected: init answers what the egress process asks (MSG_WHO). Linked
// into init: no allocation. What it finds is shown to people and decides nothing.
#pragma once
#include <pinfold/wire.h>

struct who {
    int fd, diag_fd; // of the egress process, and NETLINK_SOCK_DIAG; fd is -1 without an allow-list
    uint32_t last;   // the process that was found last
};
// With the descriptors as the set-up left them (init_start.h).
void who_init(struct who *w);
// fd is readable: one question; m is to read it into. fd becomes -1 when the asker breaks the protocol.
void who_serve(struct who *w, struct wire_msg *m);
// What a process calls itself, any bytes; "" when it is gone.
void who_name(uint32_t pid, char ret[COMM_ROOM]);
