// SPDX-License-Identifier: Apache-2.0
// What is in a backup, and how it becomes bytes.
//
// The database was copied first. Files of output only grow until their command ends, and go only
// with its record; so whatever the copy names is there and whole, or its command was deleted since,
// and then its record goes from the copy too.
#include "backup_int.h"
#include "token_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/conf.h>
#include <pinfold/core_backup.h>
#include <pinfold/own.h>
#include <pinfold/ustar.h>
#include <stdio.h>
#include <sys/stat.h>

#include "output_int.h"

#define CHUNK (256 * 1024)

// --- the list ---------------------------------------------------------------------------------

static void add(struct pack *p, const char *id, unsigned stream, bool must)
{
    if (p->n_files % 256 == 0)
        p->files = xrealloc(p->files, (p->n_files + 256) * sizeof(struct pack_file));
    struct pack_file *f = &p->files[p->n_files++];
    output_file_name(id, stream, f->name);
    text_put(f->exec, sizeof(f->exec), must ? id : "");
}

static int on_exec(void *arg, const struct store_exec *r)
{
    for (unsigned i = 0; i < EXEC_STREAMS && id_ok(r->id, "exec"); i++)
        if (r->out[i].in_file || r->status != EXEC_ENDED)
            add(arg, r->id, i, r->out[i].in_file);
    return 0;
}

static int on_build(void *arg, const struct store_build *r)
{
    if (id_ok(r->id, "bld"))
        add(arg, r->id, 0, false);
    return 0;
}

static int on_workspace(void *arg, const struct store_workspace *r)
{
    if (id_ok(r->id, "ws"))
        add(arg, r->id, 0, false);
    return 0;
}

static int on_token(void *arg, const struct store_token *r)
{
    if (!strcmp(r->name, FILE_TOKEN))
        text_put(arg, ID_MAX, r->id);
    return 0;
}

// Who has a backup must not be able to make sessions with it, nor be known as root's token.
static int take_out_secrets(struct store *copy, struct err *e)
{
    char admin[ID_MAX] = "";
    const struct store_blob none = {"", 0};
    if (store_meta_put(copy, "secret", none, e) || store_meta_put(copy, "boot", none, e) ||
        store_token_each(copy, on_token, admin, e))
        return -1;
    return *admin ? store_token_delete(copy, admin, e) : 0;
}

int pack_open(struct pack *p, int take_dir_fd, int output_fd, struct err *e)
{
    *p = (struct pack){.dir_fd = take_dir_fd, .output_fd = output_fd, .fd = -1};
    buf_init(&p->out, 2 * CHUNK);
    sha256_init(&p->sum);
    if (store_verify(p->dir_fd, e) || !(p->copy = store_open(p->dir_fd, e)))
        return -1;
    return take_out_secrets(p->copy, e) || store_exec_each(p->copy, on_exec, p, e) ||
                   store_build_each(p->copy, on_build, p, e) ||
                   store_workspace_each(p->copy, on_workspace, p, e)
               ? -1
               : 0;
}

void pack_close(struct pack *p)
{
    store_close(ptr_steal(&p->copy));
    fd_close(&p->fd);
    fd_close(&p->dir_fd);
    free(ptr_steal(&p->files));
    buf_release(&p->out);
}

// --- bytes ------------------------------------------------------------------------------------

// Bounded by CHUNK and a few heads: never over the buffer's maximum.
static void put(struct pack *p, const void *data, size_t n)
{
    (void)buf_append(&p->out, data, n);
    sha256_add(&p->sum, data, n);
}

static int put_head(struct pack *p, const char *folder, const char *name, uint64_t size)
{
    char block[USTAR_BLOCK];
    struct ustar u = {.size = size, .mtime_s = clock_wall_ms() / 1000};
    (void)snprintf(u.name, sizeof(u.name), "%s%s", folder, name);
    ustar_put(&u, block);
    put(p, block, sizeof(block));
    p->left = size;
    p->padding = ustar_padding(size);
    return 0;
}

static int put_data(struct pack *p, struct err *e)
{
    static const char zeros[USTAR_BLOCK];
    char some[32 * 1024];
    size_t want = p->left < sizeof(some) ? (size_t)p->left : sizeof(some);
    ssize_t n = read(p->fd, some, want);
    if (n < 0)
        return err_sys(e, "read what is backed up");
    if (n == 0)
        return err_set(e, ERR_INTERNAL, "a file that is backed up became shorter");
    put(p, some, (size_t)n);
    p->left -= (uint64_t)n;
    if (!p->left)
        put(p, zeros, (size_t)p->padding);
    return 0;
}

static int begin_file(struct pack *p, int dir_fd, const char *folder, const char *name)
{
    struct stat st;
    fd_close(&p->fd);
    p->fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (p->fd < 0 || fstat(p->fd, &st))
        return -1;
    return put_head(p, folder, name, (uint64_t)st.st_size);
}

static int next_output(struct pack *p, struct err *e)
{
    if (p->at == p->n_files) {
        p->part = PACK_DATABASE;
        store_close(ptr_steal(&p->copy)); // all of it is in the one file then
        return begin_file(p, p->dir_fd, "", STORE_FILE) ? err_sys(e, "open the copy") : 0;
    }
    const struct pack_file *f = &p->files[p->at++];
    if (!begin_file(p, p->output_fd, BACKUP_OUTPUT, f->name)) {
        p->n_packed++;
        return 0;
    }
    if (errno != ENOENT)
        return err_sys(e, "open the output file %s", f->name);
    return *f->exec ? store_exec_delete(p->copy, f->exec, e) : 0;
}

static int put_manifest(struct pack *p, struct err *e)
{
    unsigned char sum[SHA256_LEN];
    char hex[SHA256_HEX], when[CLOCK_TEXT_MAX];
    static const char zeros[2 * USTAR_BLOCK];
    sha256_end(&p->sum, sum);
    own_free char *text =
        xasprintf("Format=%d\nVersion=" PINFOLD_VERSION "\nSchema=%u\nMade=%s\nFiles=%zu\n"
                  "SHA256=%s\n",
                  BACKUP_FORMAT, store_n_steps(), clock_format(clock_wall_ms(), when), p->n_packed,
                  hex_encode(sum, sizeof(sum), hex));
    sha256_init(&p->sum); // of no use any more, but put() adds to it
    (void)put_head(p, "", BACKUP_MANIFEST, strlen(text));
    put(p, text, strlen(text));
    put(p, zeros, (size_t)p->padding);
    put(p, zeros, sizeof(zeros));
    p->left = 0;
    p->part = PACK_ENDED;
    return p->out.overflow ? err_set(e, ERR_INTERNAL, "the manifest does not fit") : 0;
}

int pack_fill(struct pack *p, struct err *e)
{
    buf_clear(&p->out);
    while (p->out.len < CHUNK && p->part != PACK_ENDED) {
        int bad;
        if (p->left)
            bad = put_data(p, e);
        else if (p->part == PACK_OUTPUT)
            bad = next_output(p, e);
        else
            bad = put_manifest(p, e);
        if (bad)
            return -1;
    }
    return 0;
}
