// SPDX-License-Identifier: Apache-2.0
// Packing, unpacking and the refusals that every message goes through.
//
// On the wire: u32 type, u64 id, then the fields in table order, little end first (both ends are
// one machine): U32 and U64 as they are, STR and BYTES as u16 length and bytes, no NUL.
#include <pinfold/wire.h>

#include <errno.h>
#include <pinfold/io.h>
#include <string.h>
#include <unistd.h>

struct cursor {
    char *p;
    size_t left;
};

static int put(struct cursor *c, const void *p, size_t n)
{
    if (n > c->left)
        return -1;
    if (n)
        memcpy(c->p, p, n);
    c->p += n;
    c->left -= n;
    return 0;
}

static int get(struct cursor *c, void *p, size_t n)
{
    if (n > c->left)
        return -1;
    memcpy(p, c->p, n);
    c->p += n;
    c->left -= n;
    return 0;
}

const struct wire_row *wire_find(uint32_t type)
{
    for (unsigned i = 0; i < n_wire_rows; i++)
        if (wire_rows[i].type == type)
            return &wire_rows[i];
    return NULL;
}

static int put_counted(struct cursor *c, const void *p, size_t len)
{
    uint16_t n = (uint16_t)len;
    return len > UINT16_MAX || put(c, &n, sizeof(n)) || put(c, p, len);
}

static int put_field(struct cursor *c, const struct wire_field *f, const char *body)
{
    const char *at = body + f->offset;
    switch (f->kind) {
    case WIRE_U32:
        return put(c, at, sizeof(uint32_t));
    case WIRE_U64:
        return put(c, at, sizeof(uint64_t));
    case WIRE_STR:
        return put_counted(c, at, strnlen(at, f->size - 1u));
    case WIRE_BYTES: {
        const struct wire_bytes *b = (const void *)at;
        return put_counted(c, b->p, b->len);
    }
    }
    return -1;
}

static int get_field(struct cursor *c, const struct wire_field *f, char *body)
{
    char *at = body + f->offset;
    uint16_t n;
    switch (f->kind) {
    case WIRE_U32:
        return get(c, at, sizeof(uint32_t));
    case WIRE_U64:
        return get(c, at, sizeof(uint64_t));
    case WIRE_STR:
        if (get(c, &n, sizeof(n)) || n >= f->size || n > c->left || memchr(c->p, 0, n))
            return -1;
        at[n] = '\0';
        return get(c, at, n);
    case WIRE_BYTES:
        if (get(c, &n, sizeof(n)) || n > c->left)
            return -1;
        *(struct wire_bytes *)(void *)at = (struct wire_bytes){.p = c->p, .len = n};
        c->p += n;
        c->left -= n;
        return 0;
    }
    return -1;
}

int wire_pack(const struct wire_row *row, uint64_t id, const void *body, char *out, size_t room,
              struct err *e)
{
    struct cursor c = {out, room};
    uint32_t type = row->type;
    bool bad = put(&c, &type, sizeof(type)) || put(&c, &id, sizeof(id));
    for (unsigned i = 0; i < row->n_fields && !bad; i++)
        bad = put_field(&c, &row->fields[i], body);
    if (bad)
        return err_set(e, ERR_LIMIT, "message %s is larger than %zu bytes", row->name, room);
    return (int)(room - c.left);
}

int wire_unpack(struct wire_msg *m, size_t n, enum wire_peer from, enum wire_peer me, struct err *e)
{
    struct cursor c = {m->raw, n};
    uint32_t type;
    if (get(&c, &type, sizeof(type)) || get(&c, &m->id, sizeof(m->id)))
        return err_set(e, ERR_INTERNAL, "message of %zu bytes is too short", n);
    const struct wire_row *row = m->row = wire_find(type);
    if (!row)
        return err_set(e, ERR_INTERNAL, "unknown message %u", type);
    if (!(row->from & from) || !(row->to & me))
        return err_set(e, ERR_INTERNAL, "message %s is not for this direction", row->name);
    if (m->n_fds < row->min_fds || m->n_fds > row->max_fds)
        return err_set(e, ERR_INTERNAL, "message %s with %zu descriptors", row->name, m->n_fds);
    memset(&m->body, 0, row->size);
    for (unsigned i = 0; i < row->n_fields; i++)
        if (get_field(&c, &row->fields[i], (char *)&m->body))
            return err_set(e, ERR_INTERNAL, "message %s: field %u is malformed", row->name, i);
    if (c.left)
        return err_set(e, ERR_INTERNAL, "message %s: %zu bytes left over", row->name, c.left);
    return 0;
}

int wire_send(int sock, enum wire_type type, uint64_t id, const void *body, const int *fds,
              size_t n_fds, struct err *e)
{
    const struct wire_row *row = wire_find(type);
    static const struct msg_none none;
    char out[WIRE_MAX];
    int n = wire_pack(row, id, body ? body : &none, out, sizeof(out), e);
    if (n < 0)
        return -1;
    if (io_send_fds(sock, out, (size_t)n, fds, n_fds) < 0) {
        if (errno == EAGAIN)
            return err_set(e, ERR_BUSY, "the peer does not keep up");
        if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            return err_set(e, ERR_LOST, "the peer is gone");
        return err_sys(e, "send %s", row->name);
    }
    return 0;
}

int wire_recv(int sock, enum wire_peer from, enum wire_peer me, struct wire_msg *m, struct err *e)
{
    ssize_t n;
    int tries = 2; // a reset is told once, before what the peer had sent; that comes all the same
    do {
        m->n_fds = WIRE_FDS_MAX;
        n = io_recv_fds(sock, m->raw, sizeof(m->raw), m->fds, &m->n_fds, 0);
    } while (n < 0 && errno == ECONNRESET && --tries);
    if (n < 0) {
        m->n_fds = 0;
        if (errno == EAGAIN)
            return 0;
        return errno == ECONNRESET ? err_set(e, ERR_LOST, "the peer is gone")
                                   : err_sys(e, "receive a message");
    }
    if (n == 0) {
        m->n_fds = 0;
        return err_set(e, ERR_LOST, "the peer is gone");
    }
    if (wire_unpack(m, (size_t)n, from, me, e)) {
        wire_release(m);
        return -1;
    }
    return 1;
}

int wire_take_fd(struct wire_msg *m, size_t i)
{
    if (i >= m->n_fds)
        return -1;
    int fd = m->fds[i];
    m->fds[i] = -1;
    return fd;
}

void wire_release(struct wire_msg *m)
{
    for (size_t i = 0; i < m->n_fds; i++)
        if (m->fds[i] >= 0)
            (void)close(m->fds[i]);
    m->n_fds = 0;
}
