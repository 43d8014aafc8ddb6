// SPDX-License-Identifier: Apache-2.0
// How pinfold's own processes talk: typed messages over SOCK_SEQPACKET. A message is a C struct
// described by a table of fields; the generic code here packs and unpacks it and refuses, before
// any handler sees it, what has the wrong sender, size, field length or number of descriptors, or
// has bytes left over. Numbers of requests are even, of their answers one more.
//
// A peer that breaks the protocol is treated as captured: the receiver drops the connection.
#pragma once
#include <pinfold/err.h>
#include <pinfold/run.h>
#include <pinfold/wire_msgs.h>
#include <stddef.h>

enum wire_peer {
    PEER_SERVER = 1,
    PEER_LAUNCHER = 2,
    PEER_INIT = 4,
    PEER_PINFOLDD = 8,
    PEER_EGRESS = 16
};
#define WIRE_FDS_MAX 9       // BOX_STARTED with a network's sockets
#define WIRE_MAX (16 * 1024) // a default SEQPACKET pair carries 128 KiB; bulk goes by descriptor

enum wire_kind { WIRE_U32, WIRE_U64, WIRE_STR, WIRE_BYTES };
struct wire_field {
    enum wire_kind kind;
    uint16_t offset, size; // size: room of a WIRE_STR (NUL included)
};
struct wire_row {
    enum wire_type type;
    const char *name;
    unsigned from, to; // masks of wire_peer
    const struct wire_field *fields;
    uint16_t n_fields, size; // size of the struct
    uint8_t min_fds, max_fds;
    const char *doc;
};
const struct wire_row *wire_find(uint32_t type); // NULL when unknown
extern const struct wire_row wire_rows[];
extern const unsigned n_wire_rows;

// A received message. `body` points into the message; WIRE_BYTES fields too, so it must outlive
// their use. Descriptors are owned by it: take with wire_take_fd, the rest go with wire_release.
struct wire_msg {
    const struct wire_row *row;
    uint64_t id; // the request's number; an answer carries its request's
    int fds[WIRE_FDS_MAX];
    size_t n_fds;
    union wire_body body;
    char raw[WIRE_MAX];
};

// Send one message. ERR_BUSY when the peer's queue is full and sock is non-blocking.
int wire_send(int sock, enum wire_type type, uint64_t id, const void *body, const int *fds,
              size_t n_fds, struct err *e);
// Receive one: 1 a message, 0 nothing now (non-blocking) , -1 with ERR_LOST at end of file or
// ERR_INTERNAL on a breach of protocol.
int wire_recv(int sock, enum wire_peer from, enum wire_peer me, struct wire_msg *m, struct err *e);
void wire_release(struct wire_msg *m);
int wire_take_fd(struct wire_msg *m, size_t i); // leaves -1 behind
// The pure halves, for tests and fuzzing.
int wire_pack(const struct wire_row *row, uint64_t id, const void *body, char *out, size_t room,
              struct err *e); // bytes, or -1
int wire_unpack(struct wire_msg *m, size_t n, enum wire_peer from, enum wire_peer me,
                struct err *e);
