// SPDX-License-Identifier: Apache-2.0
// A mirror's references live in one packed-refs file, written whole and renamed into place: one
// write for a million of them, and a reader never sees half an update.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

#define HEADER "# pack-refs with: peeled fully-peeled sorted \n"
_Static_assert(sizeof(HEADER) - 1 == REFS_EMPTY_SIZE, "git_int.h tells the size of an empty file");
#define FILE_MAX_BYTES (UINT64_C(4) << 30)

void refs_init(struct refs *r)
{
    *r = (struct refs){0};
    buf_init(&r->names, FILE_MAX_BYTES);
}

void refs_release(struct refs *r)
{
    free(r->list);
    buf_release(&r->names);
    *r = (struct refs){0};
}

int refs_add(struct refs *r, const char *name, const git_oid *id, uint64_t max, struct err *e)
{
    enum repo_ref_kind kind;
    size_t len = strlen(name), at = r->names.len;
    if (repo_ref_check(name, len, &kind, NULL) < 0 || kind != REPO_REF_FULL)
        return 0;
    if (r->n >= max)
        return err_set(e, ERR_LIMIT, "the repository has more than %" PRIu64 " references", max);
    if (r->n == r->room) {
        r->room = r->room ? r->room * 2 : 256;
        r->list = xrealloc(r->list, r->room * sizeof(*r->list));
    }
    if (buf_append(&r->names, name, len + 1) < 0)
        return err_set(e, ERR_LIMIT, "the names of the repository's references are too long");
    r->list[r->n++] = (struct ref){.name = at, .id = *id};
    return 0;
}

static int by_name(const void *a, const void *b, void *arg)
{
    const struct refs *r = arg;
    return strcmp(ref_name(r, a), ref_name(r, b));
}

void refs_sort(struct refs *r)
{
    size_t kept = 0;
    if (r->n == 0)
        return;
    qsort_r(r->list, r->n, sizeof(*r->list), by_name, r);
    for (size_t i = 1; i < r->n; i++) // a name told twice counts once
        if (strcmp(ref_name(r, &r->list[kept]), ref_name(r, &r->list[i])) != 0)
            r->list[++kept] = r->list[i];
    r->n = kept + 1;
}

struct ref *refs_find(const struct refs *r, const char *name)
{
    for (size_t from = 0, to = r->n; from < to;) {
        size_t middle = from + (to - from) / 2;
        int c = strcmp(name, ref_name(r, &r->list[middle]));
        if (c == 0)
            return &r->list[middle];
        if (c < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

// What an annotated tag points to in the end; nothing for other objects.
static void peel(struct ref *one, git_repository *repo)
{
    git_object *tag = NULL, *end = NULL;
    one->has_peeled = false;
    if (git_object_lookup(&tag, repo, &one->id, GIT_OBJECT_TAG) < 0)
        return;
    if (git_object_peel(&end, tag, GIT_OBJECT_ANY) == 0) {
        one->peeled = *git_object_id(end);
        one->has_peeled = true;
    }
    git_object_free(end);
    git_object_free(tag);
}

void refs_settle(struct refs *r, git_repository *repo)
{
    git_odb *odb = NULL;
    size_t kept = 0;
    if (git_repository_odb(&odb, repo) < 0)
        return;
    for (size_t i = 0; i < r->n; i++) {
        if (!git_odb_exists(odb, &r->list[i].id))
            continue;
        r->list[kept] = r->list[i];
        if (!strncmp(ref_name(r, &r->list[kept]), "refs/tags/", 10))
            peel(&r->list[kept], repo);
        kept++;
    }
    r->n = kept;
    git_odb_free(odb);
}

// "<40 hex> <name>" or "^<40 hex>"; others, like the header, say nothing.
static int read_line(struct refs *r, char *line, size_t len, struct err *e)
{
    git_oid id;
    if (len == 41 && line[0] == '^') {
        if (r->n && git_oid_fromstrn(&id, line + 1, 40) == 0) {
            r->list[r->n - 1].peeled = id;
            r->list[r->n - 1].has_peeled = true;
        }
        return 0;
    }
    if (len < 42 || line[40] != ' ' || git_oid_fromstrn(&id, line, 40) < 0)
        return 0;
    return refs_add(r, line + 41, &id, UINT64_MAX, e);
}

int refs_read(struct refs *r, int git_dir, struct err *e)
{
    own_fd int fd = openat(git_dir, "packed-refs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, "open the mirror's references");
    own_file FILE *f = fdopen(fd, "r");
    if (!f)
        return err_sys(e, "open the mirror's references");
    fd = -1; // the stream owns it
    own_free char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (read_line(r, line, (size_t)n, e) < 0)
            return -1;
    }
    return 0;
}

int refs_digest(int git_dir, char ret[REPO_OID_MAX], struct err *e)
{
    git_oid id;
    own_buf struct buf b = {0};
    buf_init(&b, FILE_MAX_BYTES);
    if (io_read_file(git_dir, "packed-refs", &b, e) < 0 && e->code != ERR_NOT_FOUND)
        return -1;
    if (git_odb_hash(&id, b.len ? b.data : "", b.len, GIT_OBJECT_BLOB) < 0)
        return err_set(e, ERR_INTERNAL, "the references have no digest");
    (void)git_oid_tostr(ret, REPO_OID_MAX, &id);
    return 0;
}

static int put_ref(struct buf *b, const char *name, const struct ref *one)
{
    char hex[GIT_OID_HEXSZ + 1];
    (void)buf_printf(b, "%s %s\n", git_oid_tostr(hex, sizeof(hex), &one->id), name);
    if (one->has_peeled)
        (void)buf_printf(b, "^%s\n", git_oid_tostr(hex, sizeof(hex), &one->peeled));
    return b->overflow ? -1 : 0;
}

int refs_write(const struct refs *r, int git_dir, struct err *e)
{
    own_buf struct buf new = {0}, old = {0};
    buf_init(&new, FILE_MAX_BYTES);
    buf_init(&old, FILE_MAX_BYTES);
    (void)buf_puts(&new, HEADER); // an overflow is remembered
    for (size_t i = 0; i < r->n; i++)
        (void)put_ref(&new, ref_name(r, &r->list[i]), &r->list[i]);
    if (new.overflow)
        return err_set(e, ERR_LIMIT, "the names of the repository's references are too long");
    // An update that brings nothing new should cost no flush of the disk.
    if (io_read_file(git_dir, "packed-refs", &old, NULL) == 0 && old.len == new.len &&
        !memcmp(old.data, new.data, new.len))
        return 0;
    return io_replace_file(git_dir, "packed-refs", new.data, new.len, 0644, e);
}

int refs_format_clone(const struct refs *r, const char *branch, const git_oid *commit,
                      struct buf *out)
{
    static const char heads[] = "refs/heads/", tags[] = "refs/tags/";
    char name[REPO_REF_MAX + 32]; // has room for each of the prefixes
    (void)buf_puts(out, HEADER);  // an overflow is remembered
    if (branch[0]) {
        struct ref own = {.id = *commit};
        (void)snprintf(name, sizeof(name), "refs/heads/%s", branch);
        (void)put_ref(out, name, &own);
    }
    // refs/remotes/ sorts before refs/tags/, as refs/heads/ did.
    for (size_t i = 0; i < r->n; i++) {
        const char *full = ref_name(r, &r->list[i]);
        if (!strncmp(full, heads, sizeof(heads) - 1))
            (void)snprintf(name, sizeof(name), "refs/remotes/origin/%s", full + sizeof(heads) - 1);
        else if (!strncmp(full, tags, sizeof(tags) - 1))
            (void)snprintf(name, sizeof(name), "%s", full);
        else
            continue;
        (void)put_ref(out, name, &r->list[i]);
    }
    return out->overflow ? -1 : 0;
}
