// SPDX-License-Identifier: Apache-2.0
// Records of pinfold-tool: a length (u32, of what follows), a type byte, then the fields in the
// order of the struct, little endian, strings with a u16 length. Every length is checked against
// what is there before anything is taken, and what is left over is an error.
#include <pinfold/tool.h>

#include <endian.h>
#include <stdio.h>
#include <string.h>

// --- writing -----------------------------------------------------------------------------------

static int put_int(struct buf *b, uint64_t v, size_t size)
{
    uint64_t le = htole64(v);
    return buf_append(b, &le, size);
}

static int put_str(struct buf *b, const char *p, size_t len)
{
    if (len > UINT16_MAX || put_int(b, len, 2))
        return -1;
    return len ? buf_append(b, p, len) : 0;
}

static int put_entry(struct buf *b, const struct tool_entry *t)
{
    if (put_int(b, (uint64_t)t->type, 1) || put_int(b, t->mode, 4) || put_int(b, t->uid, 4) ||
        put_int(b, t->gid, 4) || put_int(b, t->size, 8) || put_int(b, t->ino, 8) ||
        put_int(b, (uint64_t)t->mtime_ns, 8) || put_int(b, (uint64_t)t->ctime_ns, 8))
        return -1;
    return put_str(b, t->path, t->path_len) || put_str(b, t->target, t->target_len) ? -1 : 0;
}

static int put_process(struct buf *b, const struct tool_process *t)
{
    if (put_int(b, t->pid, 4) || put_int(b, t->ppid, 4) || put_int(b, t->uid, 4) ||
        put_int(b, t->threads, 4) || put_int(b, (unsigned char)t->state, 1) ||
        put_int(b, t->rss_bytes, 8) || put_int(b, t->cpu_us, 8) || put_int(b, t->age_ms, 8))
        return -1;
    size_t comm_len = strnlen(t->comm, sizeof(t->comm) - 1);
    return put_str(b, t->comm, comm_len) || put_str(b, t->cmdline, t->cmdline_len) ||
                   put_int(b, t->cmdline_cut, 1)
               ? -1
               : 0;
}

static int put_body(struct buf *b, const struct tool_record *rec)
{
    if (put_int(b, (uint64_t)rec->type, 1))
        return -1;
    switch (rec->type) {
    case TOOL_REC_ENTRY:
        return put_entry(b, &rec->entry);
    case TOOL_REC_PROCESS:
        return put_process(b, &rec->process);
    case TOOL_REC_END:
        return put_int(b, rec->end.entries, 8) || put_int(b, rec->end.bytes, 8) ||
                       put_int(b, rec->end.more, 1)
                   ? -1
                   : 0;
    }
    return -1;
}

int tool_record_put(struct buf *out, const struct tool_record *rec)
{
    size_t start = out->len;
    if (put_int(out, 0, 4) || put_body(out, rec) || out->len - start > TOOL_RECORD_MAX) {
        out->len = start; // a half record must not stay behind
        return -1;
    }
    uint32_t le = htole32((uint32_t)(out->len - start - 4));
    memcpy(out->data + start, &le, sizeof(le));
    return 0;
}

// --- reading -----------------------------------------------------------------------------------

struct cursor {
    const unsigned char *p;
    size_t left;
    bool bad;
};

static uint64_t get_int(struct cursor *c, size_t size)
{
    uint64_t le = 0;
    if (c->bad || c->left < size) {
        c->bad = true;
        return 0;
    }
    memcpy(&le, c->p, size);
    c->p += size;
    c->left -= size;
    return le64toh(le);
}

static const char *get_str(struct cursor *c, uint32_t max, uint32_t *ret_len)
{
    uint32_t len = (uint32_t)get_int(c, 2);
    *ret_len = 0;
    if (c->bad || len > max || c->left < len) {
        c->bad = true;
        return "";
    }
    const char *s = (const char *)c->p;
    c->p += len;
    c->left -= len;
    *ret_len = len;
    return s;
}

static bool get_bool(struct cursor *c)
{
    uint64_t v = get_int(c, 1);
    c->bad |= v > 1;
    return v == 1;
}

static void get_entry(struct cursor *c, struct tool_entry *t)
{
    t->type = (enum tool_type)get_int(c, 1);
    t->mode = (uint32_t)get_int(c, 4);
    t->uid = (uint32_t)get_int(c, 4);
    t->gid = (uint32_t)get_int(c, 4);
    t->size = get_int(c, 8);
    t->ino = get_int(c, 8);
    t->mtime_ns = (int64_t)get_int(c, 8);
    t->ctime_ns = (int64_t)get_int(c, 8);
    t->path = get_str(c, TOOL_PATH_MAX, &t->path_len);
    t->target = get_str(c, TOOL_PATH_MAX, &t->target_len);
    c->bad |= !tool_type_name(t->type) || t->mode > 07777 || t->size > INT64_MAX ||
              t->path_len == 0 || memchr(t->path, 0, t->path_len) ||
              memchr(t->target, 0, t->target_len) || (t->target_len && t->type != TOOL_SYMLINK);
}

static void get_process(struct cursor *c, struct tool_process *t)
{
    t->pid = (uint32_t)get_int(c, 4);
    t->ppid = (uint32_t)get_int(c, 4);
    t->uid = (uint32_t)get_int(c, 4);
    t->threads = (uint32_t)get_int(c, 4);
    t->state = (char)get_int(c, 1);
    t->rss_bytes = get_int(c, 8);
    t->cpu_us = get_int(c, 8);
    t->age_ms = get_int(c, 8);
    uint32_t comm_len;
    const char *comm = get_str(c, sizeof(t->comm) - 1, &comm_len);
    memset(t->comm, 0, sizeof(t->comm));
    memcpy(t->comm, comm, comm_len);
    t->cmdline = get_str(c, TOOL_CMDLINE_MAX, &t->cmdline_len);
    t->cmdline_cut = get_bool(c);
    c->bad |= t->pid == 0 || t->state < 'A' || t->state > 'z' || memchr(comm, 0, comm_len);
}

int tool_record_get(const void *p, size_t len, struct tool_record *ret, struct err *e)
{
    struct cursor c = {.p = p, .left = len};
    if (len < 4)
        return 0;
    uint64_t body = get_int(&c, 4);
    if (body < 1 || body > TOOL_RECORD_MAX - 4)
        return err_set(e, ERR_INTERNAL, "record of %llu bytes", (unsigned long long)body);
    if (c.left < body)
        return 0;
    c.left = (size_t)body;
    struct tool_record rec = {.type = (enum tool_record_type)get_int(&c, 1)};
    switch (rec.type) {
    case TOOL_REC_ENTRY:
        get_entry(&c, &rec.entry);
        break;
    case TOOL_REC_PROCESS:
        get_process(&c, &rec.process);
        break;
    case TOOL_REC_END:
        rec.end.entries = get_int(&c, 8);
        rec.end.bytes = get_int(&c, 8);
        rec.end.more = get_bool(&c);
        break;
    default:
        return err_set(e, ERR_INTERNAL, "record of unknown type %d", (int)rec.type);
    }
    if (c.bad || c.left)
        return err_set(e, ERR_INTERNAL, "record of type %c is malformed", (char)rec.type);
    *ret = rec;
    return (int)body + 4;
}

// --- names, etags, exit codes ------------------------------------------------------------------

const char *tool_type_name(enum tool_type t)
{
    switch (t) {
    case TOOL_FILE:
        return "file";
    case TOOL_DIR:
        return "directory";
    case TOOL_SYMLINK:
        return "symlink";
    case TOOL_OTHER:
        return "other";
    }
    return NULL;
}

const char *tool_etag(const struct tool_entry *entry, char out[TOOL_ETAG_MAX])
{
    // Two rounds of FNV-1a over what changes with contents or mode. No secret and no adversary:
    // who can make two states collide here could as well set the times back.
    uint64_t in[5] = {entry->ino, entry->size, (uint64_t)entry->mtime_ns, (uint64_t)entry->ctime_ns,
                      entry->mode};
    uint64_t h[2] = {0xcbf29ce484222325ull, 0x84222325cbf29ce4ull};
    for (size_t i = 0; i < sizeof(in); i++) {
        unsigned char byte = (unsigned char)(in[i / 8] >> (i % 8 * 8));
        h[0] = (h[0] ^ byte) * 0x100000001b3ull;
        h[1] = (h[1] ^ (unsigned char)~byte) * 0x100000001b3ull;
    }
    (void)snprintf(out, TOOL_ETAG_MAX, "%016llx%08llx", (unsigned long long)h[0],
                   (unsigned long long)(h[1] >> 32)); // always 24 digits
    return out;
}

int tool_result(int exit_code, const char *text, size_t len, struct err *e)
{
    if (exit_code == 0)
        return 0;
    enum err_code code = ERR_INTERNAL;
    if (exit_code == TOOL_EXIT_CONDITION)
        code = ERR_CONFLICT;
    else if (exit_code > TOOL_EXIT_BASE && exit_code < TOOL_EXIT_BASE + ERR_N_CODES)
        code = (enum err_code)(exit_code - TOOL_EXIT_BASE);
    char clean[sizeof(e->text)];
    size_t n = 0;
    for (size_t i = 0; i < len && n < sizeof(clean) - 1 && text[i] != '\n'; i++)
        clean[n++] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
    clean[n] = 0;
    if (!n || code == ERR_INTERNAL)
        return err_set(e, code, "pinfold-tool exit code %d%s%s", exit_code, n ? ": " : "", clean);
    return err_set(e, code, "%s", clean);
}
