// SPDX-License-Identifier: Apache-2.0
// A file is a head and records, one after the other. Each record begins with its length and a hash
// whose seed is the head's: what is left of an earlier use of the file, and what a kill or a power
// cut left of a write, is not taken for one, nor is what a command printed.
#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/id.h>
#include <pinfold/own.h>
#include <pinfold/store_journal.h>
#include <string.h>
#include <unistd.h>

#define TURN_BYTES (4u << 20) // from then on the other file, when that is free
#define FILE_MAX (64u << 20)
#define HALVES 2

enum { RECORD_PUT = 1, RECORD_DELETE = 2 };

struct head {
    uint64_t order; // 0: it holds nothing
    uint64_t seed;
};
struct record {
    uint64_t hash;
    uint32_t len, kind; // of what follows
};
struct half {
    int fd;
    struct head head;
    uint64_t end;  // 0: it holds nothing
    unsigned held; // execs that are not in the database as they are here
};
struct journal {
    struct half halves[HALVES];
    unsigned at; // the one that is written to
    uint64_t order;
    struct buf buf;
};

static uint64_t hash_of(uint64_t seed, const struct record *r, const char *p)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u; // any odd number with as many ones as zeros does
    // Rows are written as this schema has them.
    uint64_t h = (seed + store_n_steps()) ^ ((uint64_t)r->kind << 32 | r->len);
    for (size_t i = 0; i < r->len; i += sizeof(h)) {
        uint64_t word = 0;
        memcpy(&word, p + i, r->len - i < sizeof(word) ? r->len - i : sizeof(word));
        h = (h ^ word) * odd;
        h ^= h >> 29;
    }
    return h;
}

// --- a row as bytes: its fields, in the order of the table ------------------------------------

static void put_bytes(struct buf *b, const void *p, size_t len)
{
    uint32_t n = (uint32_t)len; // rows are far below 4 GiB
    (void)buf_append(b, &n, sizeof(n));
    (void)buf_append(b, p, len);
}

static void put_field(struct buf *b, const struct store_field *f, const char *row)
{
    const void *at = row + f->offset;
    const char *text;
    const struct store_blob *blob = at;
    switch (f->kind) {
    case COL_TEXT:
        text = *(const char *const *)at ? *(const char *const *)at : "";
        put_bytes(b, text, strlen(text) + 1);
        return;
    case COL_BLOB:
        put_bytes(b, blob->p, blob->len);
        return;
    default:
        (void)buf_append(b, at, store_kind_size(f->kind));
        return;
    }
}

struct reading {
    const char *p;
    size_t left;
    bool bad;
};

static const void *get(struct reading *r, size_t n)
{
    const char *p = r->p;
    if (n > r->left) {
        r->bad = true;
        return NULL;
    }
    r->p += n;
    r->left -= n;
    return p;
}

static struct store_blob get_bytes(struct reading *r)
{
    uint32_t n = 0;
    const void *len = get(r, sizeof(n)), *p;
    if (len)
        memcpy(&n, len, sizeof(n));
    p = get(r, n);
    return p ? (struct store_blob){p, n} : (struct store_blob){"", 0};
}

static void get_field(struct reading *r, const struct store_field *f, char *row)
{
    if (f->kind == COL_TEXT || f->kind == COL_BLOB) {
        struct store_blob b = get_bytes(r);
        if (f->kind == COL_BLOB)
            *(struct store_blob *)(void *)(row + f->offset) = b;
        else if (!b.len || ((const char *)b.p)[b.len - 1])
            r->bad = true;
        else
            *(const char **)(void *)(row + f->offset) = b.p;
        return;
    }
    const void *p = get(r, store_kind_size(f->kind));
    if (p)
        memcpy(row + f->offset, p, store_kind_size(f->kind));
}

// --- writing ----------------------------------------------------------------------------------

static int write_at(const struct half *h, const struct buf *b, off_t at)
{
    for (size_t done = 0; done < b->len;) {
        ssize_t n = pwrite(h->fd, b->data + done, b->len - done, at + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        done += (size_t)n;
    }
    return 0;
}

// Give a file free whose execs are all in the database. The older one first: a deletion in the
// younger is about what is there.
static void free_halves(struct journal *j)
{
    static const struct head nothing;
    for (unsigned turn = 1; turn <= HALVES; turn++) {
        struct half *h = &j->halves[(j->at + turn) % HALVES];
        if (h->held)
            return;
        if (h->end && pwrite(h->fd, &nothing, sizeof(nothing), 0) != sizeof(nothing))
            return; // tried again with the next one
        h->end = 0;
    }
}

static struct half *choose(struct journal *j, size_t len)
{
    struct half *h = &j->halves[j->at], *other = &j->halves[(j->at + 1) % HALVES];
    if (h->end > TURN_BYTES && !other->end) {
        j->at = (j->at + 1) % HALVES;
        h = other;
    }
    return h->end + len > FILE_MAX ? NULL : h;
}

// j->buf is a head, a record's and what follows it.
static struct half *append(struct journal *j, uint32_t kind, struct err *e)
{
    const size_t skip = sizeof(struct head) + sizeof(struct record);
    struct buf *b = &j->buf;
    struct half *h = choose(j, b->len);
    if (!h) {
        err_set(e, ERR_LIMIT, "the journal is full: the database takes nothing");
        return NULL;
    }
    if (!h->end) {
        h->head.order = ++j->order;
        h->head.seed += h->head.order << 1;
    }
    struct record r = {.len = (uint32_t)(b->len - skip), .kind = kind};
    r.hash = hash_of(h->head.seed, &r, b->data + skip);
    memcpy(b->data, &h->head, sizeof(h->head));
    memcpy(b->data + sizeof(h->head), &r, sizeof(r));
    off_t at = (off_t)h->end;
    if (at) // the head is there
        buf_drop_front(b, sizeof(h->head));
    if (write_at(h, b, at)) {
        err_sys(e, "write the journal");
        return NULL;
    }
    h->end += b->len;
    return h;
}

static void begin(struct journal *j)
{
    static const char room[sizeof(struct head) + sizeof(struct record)];
    buf_clear(&j->buf);
    (void)buf_append(&j->buf, room, sizeof(room));
}

int journal_put(struct journal *j, const struct journal_exec *x, unsigned *held, struct err *e)
{
    const struct store_table *t = &store_tables[T_EXEC];
    if (!j)
        return 0;
    begin(j);
    for (unsigned i = 0; i < t->n_fields; i++)
        put_field(&j->buf, &t->fields[i], (const char *)x->row);
    for (unsigned i = 0; i < JOURNAL_OUTPUTS; i++)
        put_bytes(&j->buf, x->out[i].p, x->out[i].len);
    struct half *h = append(j, RECORD_PUT, e);
    if (!h)
        return -1;
    unsigned bit = 1u << (h - j->halves);
    h->held += !(*held & bit);
    *held |= bit;
    return 0;
}

void journal_settle(struct journal *j, unsigned *held)
{
    for (unsigned i = 0; j && i < HALVES; i++)
        j->halves[i].held -= *held >> i & 1;
    if (j && *held)
        free_halves(j);
    *held = 0;
}

void journal_delete(struct journal *j, const char *id)
{
    if (!j || (!j->halves[0].end && !j->halves[1].end))
        return;
    begin(j);
    put_bytes(&j->buf, id, strlen(id) + 1);
    (void)append(j, RECORD_DELETE, NULL); // without room it comes back at the next start, whole
}

// --- reading ----------------------------------------------------------------------------------

static int replay_put(struct store *s, struct reading *r, struct err *e)
{
    const struct store_table *t = &store_tables[T_EXEC];
    struct store_exec row = {0};
    struct store_blob out[JOURNAL_OUTPUTS];
    for (unsigned i = 0; i < t->n_fields; i++)
        get_field(r, &t->fields[i], (char *)&row);
    for (unsigned i = 0; i < JOURNAL_OUTPUTS; i++)
        out[i] = get_bytes(r);
    if (r->bad)
        return 0; // of a version with other fields
    int wanted = store_exec_is_news(s, &row, e);
    if (wanted <= 0)
        return wanted;
    if (store_exec_put(s, &row, e))
        return -1;
    for (unsigned i = 0; i < JOURNAL_OUTPUTS; i++)
        if (out[i].len && store_output_put(s, row.id, i, out[i], e))
            return -1;
    return 0;
}

static int replay_one(struct store *s, uint32_t kind, struct reading *r, struct err *e)
{
    if (kind == RECORD_PUT)
        return replay_put(s, r, e);
    struct store_blob id = get_bytes(r);
    bool good = kind == RECORD_DELETE && id.len && !((const char *)id.p)[id.len - 1];
    return good ? store_exec_delete(s, id.p, e) : 0;
}

static int replay_half(struct store *s, const struct half *h, const struct buf *b, struct err *e)
{
    size_t at = sizeof(struct head);
    struct record r;
    for (; at + sizeof(r) <= b->len; at += sizeof(r) + r.len) {
        memcpy(&r, b->data + at, sizeof(r));
        const char *body = b->data + at + sizeof(r);
        if (r.len > b->len - at - sizeof(r) || r.hash != hash_of(h->head.seed, &r, body))
            return 0; // the end, or a write that was cut
        struct reading in = {.p = body, .left = r.len};
        if (replay_one(s, r.kind, &in, e))
            return -1;
    }
    return 0;
}

static int read_half(struct half *h, struct buf *b, struct err *e)
{
    for (ssize_t n = 1; n > 0;) {
        char *to = buf_reserve(b, 1 << 16);
        n = to ? pread(h->fd, to, 1 << 16, (off_t)b->len) : 0;
        if (n < 0)
            return err_sys(e, "read the journal");
        buf_commit(b, (size_t)n);
    }
    if (b->len >= sizeof(h->head))
        memcpy(&h->head, b->data, sizeof(h->head));
    return 0;
}

static int replay(struct journal *j, struct store *s, struct err *e)
{
    struct buf text[HALVES];
    int bad = 0;
    for (unsigned i = 0; i < HALVES; i++) {
        buf_init(&text[i], FILE_MAX + (1 << 16));
        bad |= read_half(&j->halves[i], &text[i], e);
    }
    unsigned first = j->halves[0].head.order > j->halves[1].head.order;
    bool any = j->halves[0].head.order || j->halves[1].head.order;
    if (!bad && any) {
        bad = store_begin(s, e);
        for (unsigned i = 0; !bad && i < HALVES; i++) {
            const struct half *h = &j->halves[first ^ i];
            bad = h->head.order ? replay_half(s, h, &text[first ^ i], e) : 0;
        }
        if (store_commit(s, bad ? NULL : e))
            bad = -1;
    }
    for (unsigned i = 0; i < HALVES; i++)
        buf_release(&text[i]);
    return bad ? -1 : 0;
}

// --- its files --------------------------------------------------------------------------------

static int open_halves(struct journal *j, int dir_fd, struct err *e)
{
    static const char *const names[HALVES] = {"journal.0", "journal.1"};
    for (unsigned i = 0; i < HALVES; i++) {
        j->halves[i].fd = openat(dir_fd, names[i], O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (j->halves[i].fd < 0)
            return err_sys(e, "open the journal");
    }
    return 0;
}

struct journal *journal_open(int dir_fd, struct store *s, struct err *e)
{
    struct journal *j = xcalloc(1, sizeof(*j));
    j->halves[0].fd = j->halves[1].fd = -1;
    buf_init(&j->buf, FILE_MAX);
    if (open_halves(j, dir_fd, e) || replay(j, s, e))
        goto fail;
    for (unsigned i = 0; i < HALVES; i++) {
        if (ftruncate(j->halves[i].fd, 0)) {
            err_sys(e, "empty the journal");
            goto fail;
        }
        j->halves[i].head.order = 0;
        id_random_bytes(&j->halves[i].head.seed, sizeof(j->halves[i].head.seed));
    }
    return j;
fail:
    journal_close(j);
    return NULL;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    for (unsigned i = 0; i < HALVES; i++)
        fd_close(&j->halves[i].fd);
    buf_release(&j->buf);
    free(j);
}
