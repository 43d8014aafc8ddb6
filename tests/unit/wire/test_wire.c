// SPDX-License-Identifier: Apache-2.0
// Walks the table of messages: each one survives the trip with random contents, and is refused
// from every wrong sender, in every wrong length and with every wrong number of descriptors.
#include <fcntl.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <pinfold/wire.h>
#include <sys/socket.h>
#include <tap.h>

#define PEERS (PEER_SERVER | PEER_LAUNCHER | PEER_INIT | PEER_PINFOLDD | PEER_EGRESS)
static const enum wire_peer peers[] = {PEER_SERVER, PEER_LAUNCHER, PEER_INIT, PEER_PINFOLDD};

static uint32_t dice(uint32_t n)
{
    uint32_t v;
    id_random_bytes(&v, sizeof(v));
    return v % n;
}

static char blob[2000];
static void fill(const struct wire_row *row, union wire_body *body, bool full)
{
    memset(body, 0, sizeof(*body));
    for (unsigned i = 0; i < row->n_fields; i++) {
        const struct wire_field *f = &row->fields[i];
        char *at = (char *)body + f->offset;
        if (f->kind == WIRE_STR) {
            size_t n = full ? f->size - 1u : dice(f->size);
            for (size_t k = 0; k < n; k++)
                at[k] = (char)(1 + dice(255));
        } else if (f->kind == WIRE_BYTES) {
            *(struct wire_bytes *)(void *)at = (struct wire_bytes){blob, dice(sizeof(blob))};
        } else {
            id_random_bytes(at, f->kind == WIRE_U32 ? 4 : 8);
        }
    }
}

static bool same(const struct wire_row *row, const union wire_body *a, const union wire_body *b)
{
    for (unsigned i = 0; i < row->n_fields; i++) {
        const struct wire_field *f = &row->fields[i];
        const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        if (f->kind == WIRE_BYTES) {
            const struct wire_bytes *p = (const void *)x, *q = (const void *)y;
            if (p->len != q->len || memcmp(p->p, q->p, p->len))
                return false;
        } else if (memcmp(x, y, f->size)) {
            return false;
        }
    }
    return true;
}

static enum wire_peer first(unsigned mask)
{
    return (enum wire_peer)(mask & -mask);
}

static struct wire_msg m, copy;

static void shape(const struct wire_row *row)
{
    unsigned covered = 0;
    ok(row->name[0] && row->doc[0], "%s has a name and a sentence", row->name);
    ok(row->from && row->to && !((row->from | row->to) & ~(unsigned)PEERS), "%s has both ends",
       row->name);
    ok(row->min_fds <= row->max_fds && row->max_fds <= WIRE_FDS_MAX, "%s has room for descriptors",
       row->name);
    for (unsigned i = 0; i < row->n_fields; i++)
        covered += row->fields[i].size;
    // Padding before a 64-bit member or at the end is all that may be left over.
    ok(covered <= row->size && row->size - covered < 8u * (row->n_fields + 1u),
       "%s: the fields cover the struct", row->name);
    is_int(wire_find(row->type) == row, 1, "%s is found by its number", row->name);
    for (unsigned i = 0; i < n_wire_rows; i++)
        if (&wire_rows[i] != row && !strcmp(wire_rows[i].name, row->name))
            ok(false, "%s is twice in the table", row->name);
}

static void round_trips(const struct wire_row *row)
{
    union wire_body body;
    int wrong = 0;
    for (int i = 0; i < 50; i++) {
        struct err e;
        uint64_t id;
        id_random_bytes(&id, sizeof(id));
        fill(row, &body, i == 0);
        int n = wire_pack(row, id, &body, m.raw, sizeof(m.raw), &e);
        m.n_fds = row->min_fds;
        wrong += n < 0 || wire_unpack(&m, (size_t)n, first(row->from), first(row->to), &e) ||
                 m.id != id || m.row != row || !same(row, &body, &m.body);
    }
    is_int(wrong, 0, "%s arrives as it was sent", row->name);
}

static void wrong_ends(const struct wire_row *row, size_t n)
{
    int wrong = 0;
    for (size_t f = 0; f < N_ELEMS(peers); f++)
        for (size_t t = 0; t < N_ELEMS(peers); t++) {
            struct err e;
            bool good = row->from & peers[f] && row->to & peers[t];
            memcpy(&m, &copy, sizeof(m));
            wrong += (wire_unpack(&m, n, peers[f], peers[t], &e) == 0) != good;
            wrong += !good && e.code != ERR_INTERNAL;
        }
    is_int(wrong, 0, "%s is refused from and at every wrong end", row->name);
}

static void wrong_lengths(const struct wire_row *row, size_t n)
{
    struct err e;
    int accepted = 0;
    for (size_t cut = 0; cut < n; cut++) {
        memcpy(&m, &copy, sizeof(m));
        accepted += !wire_unpack(&m, cut, first(row->from), first(row->to), &e);
    }
    is_int(accepted, 0, "%s is refused at every shorter length", row->name);
    memcpy(&m, &copy, sizeof(m));
    ok(wire_unpack(&m, n + 1, first(row->from), first(row->to), &e) && strstr(e.text, "left over"),
       "%s is refused with a byte left over", row->name);
}

static void wrong_fds(const struct wire_row *row, size_t n)
{
    int wrong = 0;
    for (size_t k = 0; k <= WIRE_FDS_MAX; k++) {
        struct err e;
        memcpy(&m, &copy, sizeof(m));
        m.n_fds = k;
        bool good = k >= row->min_fds && k <= row->max_fds;
        wrong += (wire_unpack(&m, n, first(row->from), first(row->to), &e) == 0) != good;
    }
    is_int(wrong, 0, "%s is refused with any other number of descriptors", row->name);
}

static void refusals(const struct wire_row *row)
{
    union wire_body body;
    struct err e;
    fill(row, &body, false);
    int n = wire_pack(row, 1, &body, copy.raw, sizeof(copy.raw), &e);
    copy.n_fds = row->min_fds;
    wrong_ends(row, (size_t)n);
    wrong_lengths(row, (size_t)n);
    wrong_fds(row, (size_t)n);
    ok(wire_pack(row, 1, &body, m.raw, (size_t)n - 1, &e) < 0 && e.code == ERR_LIMIT,
       "%s is not packed into too little room", row->name);
}

static void strings(void)
{
    const struct wire_row *row = wire_find(MSG_BOX_STOP);
    struct err e;
    char raw[] = {MSG_BOX_STOP, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 'a', 0, 'b'};
    m.n_fds = 0;
    memcpy(m.raw, raw, sizeof(raw));
    is_int(wire_unpack(&m, sizeof(raw), PEER_SERVER, PEER_LAUNCHER, &e), -1,
           "a NUL in a string is refused");
    m.raw[15] = 'x';
    is_int(wire_unpack(&m, sizeof(raw), PEER_SERVER, PEER_LAUNCHER, &e), 0,
           "without it, it is not");
    is_str(m.body.box_name.box, "axb", "and it is a C string");
    size_t room = row->fields[0].size;
    memset(m.raw + 12, 'y', room + 2);
    uint16_t len = (uint16_t)room;
    memcpy(m.raw + 12, &len, sizeof(len));
    is_int(wire_unpack(&m, 14 + room, PEER_SERVER, PEER_LAUNCHER, &e), -1,
           "one byte too long is refused");
    uint32_t type = 0xffffffff;
    memcpy(m.raw, &type, sizeof(type));
    is_int(wire_unpack(&m, 40, PEER_SERVER, PEER_LAUNCHER, &e), -1, "an unknown number is refused");
}

static int open_fds(void)
{
    own_dir DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (d && readdir(d))
        n++;
    return n;
}

static void over_a_socket(void)
{
    int s[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct err e;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s))
        abort();
    int fds[WIRE_FDS_MAX] = {null, null, null, null, null, null, null, null}, before = open_fds();
    struct msg_box_started body = {.box = "ws_1", .pid = 5};
    is_int(wire_recv(s[1], PEER_LAUNCHER, PEER_SERVER, &m, &e), 0, "nothing there is no error");
    is_int(wire_send(s[0], MSG_BOX_STARTED, 9, &body, fds, 3, &e), 0, "a message is sent");
    is_int(wire_recv(s[1], PEER_LAUNCHER, PEER_SERVER, &m, &e), 1, "and received");
    ok(m.id == 9 && m.n_fds == 3 && !strcmp(m.body.box_started.box, "ws_1"), "as it was");
    int taken = wire_take_fd(&m, 1);
    ok(taken >= 0 && wire_take_fd(&m, 1) == -1 && wire_take_fd(&m, 3) == -1,
       "a descriptor is taken once");
    wire_release(&m);
    is_int(open_fds(), before + 1, "the others go with the message");
    (void)close(taken);

    struct msg_done done = {0};
    (void)wire_send(s[0], MSG_DONE, 9, &done, fds, 2, &e);
    is_int(wire_recv(s[1], PEER_LAUNCHER, PEER_SERVER, &m, &e), -1, "one descriptor too many");
    ok(e.code == ERR_INTERNAL && open_fds() == before, "is refused, and none of them is kept");
    (void)wire_send(s[0], MSG_BOX_STARTED, 9, &body, fds, 3, &e);
    is_int(wire_recv(s[1], PEER_INIT, PEER_SERVER, &m, &e), -1, "from the wrong sender");
    ok(open_fds() == before, "no descriptor is kept either");

    int r;
    do
        r = wire_send(s[0], MSG_BOX_STOP, 1, &(struct msg_box_name){"x"}, NULL, 0, &e);
    while (!r);
    is_int(e.code, ERR_BUSY, "a peer that does not read makes the sender busy, not blocked");
    (void)close(s[1]);
    r = wire_send(s[0], MSG_BOX_STOP, 1, &(struct msg_box_name){"x"}, NULL, 0, &e);
    ok(r == -1 && e.code == ERR_LOST, "a peer that is gone is lost");
    (void)close(s[0]);
    (void)close(null);
}

int main(void)
{
    id_random_bytes(blob, sizeof(blob));
    for (unsigned i = 0; i < n_wire_rows; i++) {
        shape(&wire_rows[i]);
        round_trips(&wire_rows[i]);
        refusals(&wire_rows[i]);
    }
    strings();
    over_a_socket();
    return done_testing();
}
