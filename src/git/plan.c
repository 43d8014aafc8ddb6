// SPDX-License-Identifier: Apache-2.0
// Walks a commit's tree and lists what to write, in the order of the index. All names, all counts
// and the sorting are checked here, so a refused repository has not written a single file.
//
// No recursion: the depth comes from outside.
#include "git_int.h"

#include <inttypes.h>
#include <pinfold/own.h>
#include <pinfold/repo_tree.h>
#include <string.h>

#define PATH_BYTES_MAX 4000 // PATH_MAX less /workspace/
#define PATHS_BYTES_MAX (UINT32_MAX - 8192u)
// One tree: a directory of a million files is some 40 MiB.
#define TREE_BYTES_MAX (128u << 20)

struct frame {
    git_tree *tree;
    size_t next;
    size_t path_len; // with the slash
    uint32_t dir;
};
struct walk {
    struct job *job;
    git_repository *repo;
    struct plan *plan;
    struct frame *frames; // limits.depth + 1 of them
    size_t n_frames;
    uint64_t trees;
    char path[PATH_BYTES_MAX + 1];
    struct err *e;
};

static int add_path(struct walk *w, size_t len, uint32_t *ret)
{
    struct plan *p = w->plan;
    *ret = (uint32_t)p->paths.len;
    if (buf_append(&p->paths, w->path, len) < 0 || buf_putc(&p->paths, '\0') < 0)
        return err_set(w->e, ERR_LIMIT, "the names of the repository's files are too long");
    return 0;
}

static int add_dir(struct walk *w, size_t len, uint32_t parent, uint32_t *ret)
{
    struct plan *p = w->plan;
    uint32_t path;
    if (add_path(w, len, &path) < 0)
        return -1;
    if (p->n_dirs == p->room_dirs) {
        p->room_dirs = p->room_dirs ? p->room_dirs * 2 : 64;
        p->dirs = xrealloc(p->dirs, p->room_dirs * sizeof(*p->dirs));
    }
    *ret = (uint32_t)p->n_dirs;
    p->dirs[p->n_dirs++] = (struct plan_dir){.path = path, .parent = parent};
    return 0;
}

static int push_tree(struct walk *w, const git_oid *id, size_t path_len, uint32_t parent)
{
    const struct repo_limits *l = &w->job->q.limits;
    if (w->n_frames > l->depth)
        return err_set(w->e, ERR_LIMIT,
                       "the repository's directories are nested deeper than %" PRIu64, l->depth);
    // Trees without files are no files, but cost as much.
    if (++w->trees > l->files)
        return err_set(w->e, ERR_LIMIT, "the repository has more than %" PRIu64 " directories",
                       l->files);
    struct frame *f = &w->frames[w->n_frames];
    *f = (struct frame){.path_len = path_len};
    if (git_tree_lookup(&f->tree, w->repo, id) < 0)
        return lib_fail(w->job, w->e, "a directory of the commit is damaged or missing");
    w->n_frames++;
    // The path of a directory in the list goes without its slash.
    return add_dir(w, path_len ? path_len - 1 : 0, parent, &f->dir);
}

static void pop_tree(struct walk *w)
{
    git_tree_free(w->frames[--w->n_frames].tree);
}

// git's order: a directory sorts as if its name ended in a slash. Strictly rising, no name can
// stand twice side by side; a file and a directory of one name meet when they are written.
static bool in_order(const git_tree_entry *a, const git_tree_entry *b)
{
    const unsigned char *p = (const unsigned char *)git_tree_entry_name(a);
    const unsigned char *q = (const unsigned char *)git_tree_entry_name(b);
    for (; *p && *p == *q; p++, q++)
        ;
    unsigned c = *p, d = *q;
    if (!c && git_tree_entry_type(a) == GIT_OBJECT_TREE)
        c = '/';
    if (!d && git_tree_entry_type(b) == GIT_OBJECT_TREE)
        d = '/';
    return c < d;
}

// As git keeps it in its index: only the owner's execute bit of a file counts.
static uint32_t index_mode(const git_tree_entry *entry)
{
    switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_BLOB_EXECUTABLE:
        return 0100755;
    case GIT_FILEMODE_LINK:
        return 0120000;
    case GIT_FILEMODE_COMMIT:
        return 0160000;
    case GIT_FILEMODE_TREE:
        return 0040000;
    case GIT_FILEMODE_BLOB:
        return 0100644;
    default:
        return 0;
    }
}

static void mark_used(struct plan *p, uint32_t dir)
{
    while (!p->dirs[dir].used) {
        p->dirs[dir].used = true;
        dir = p->dirs[dir].parent;
    }
}

static int add_entry(struct walk *w, const git_tree_entry *from, uint32_t mode, size_t path_len,
                     const struct frame *f)
{
    struct plan *p = w->plan;
    const char *name = git_tree_entry_name(from);
    if (p->n_entries >= w->job->q.limits.files)
        return err_set(w->e, ERR_LIMIT, "the repository has more than %" PRIu64 " files",
                       w->job->q.limits.files);
    if (p->n_entries == p->room_entries) {
        p->room_entries = p->room_entries ? p->room_entries * 2 : 1024;
        p->entries = xrealloc(p->entries, p->room_entries * sizeof(*p->entries));
    }
    struct entry *e = &p->entries[p->n_entries];
    *e = (struct entry){.dir = f->dir,
                        .path_len = (uint16_t)path_len,
                        .name = (uint16_t)f->path_len,
                        .mode = mode,
                        .id = *git_tree_entry_id(from)};
    if (add_path(w, path_len, &e->path) < 0)
        return -1;
    p->n_entries++;
    mark_used(p, f->dir);
    if (mode == 0100644 && !strcmp(name, ".gitattributes"))
        p->has_attributes = true;
    if (mode == 0100644 && path_len == 11 && !strcmp(name, ".gitmodules"))
        p->has_modules = true;
    return 0;
}

static int take_entry(struct walk *w, struct frame *f)
{
    const git_tree_entry *entry = git_tree_entry_byindex(f->tree, f->next);
    const git_tree_entry *before = f->next ? git_tree_entry_byindex(f->tree, f->next - 1) : NULL;
    const char *name = git_tree_entry_name(entry);
    size_t len = strlen(name), path_len = f->path_len + len;
    uint32_t mode = index_mode(entry);
    f->next++;
    if (repo_name_check(name, mode == 0120000, w->e) < 0)
        return err_wrap(w->e, "the repository is refused");
    if (before && !in_order(before, entry))
        return err_set(w->e, ERR_DENIED,
                       "the repository is refused: '%.60s' stands twice or out of order", name);
    if (path_len + 1 > PATH_BYTES_MAX)
        return err_set(w->e, ERR_LIMIT, "the repository has a path longer than %d bytes",
                       PATH_BYTES_MAX - 1);
    memcpy(w->path + f->path_len, name, len);
    if (mode == 0)
        return err_set(w->e, ERR_DENIED, "the repository is refused: '%.60s' is of no known kind",
                       name);
    if (mode != 0040000)
        return add_entry(w, entry, mode, path_len, f);
    w->path[path_len] = '/';
    return push_tree(w, git_tree_entry_id(entry), path_len + 1, f->dir);
}

static int walk_all(struct walk *w)
{
    while (w->n_frames > 0) {
        struct frame *f = &w->frames[w->n_frames - 1];
        if (f->next == git_tree_entrycount(f->tree))
            pop_tree(w);
        else if (take_entry(w, f) < 0)
            return -1;
    }
    return 0;
}

int plan_build(struct job *j, git_repository *repo, const git_oid *commit, struct plan *ret,
               struct err *e)
{
    git_commit *c = NULL;
    *ret = (struct plan){.commit = *commit};
    buf_init(&ret->paths, PATHS_BYTES_MAX);
    struct walk *w = xcalloc(1, sizeof(*w));
    w->job = j;
    w->repo = repo;
    w->plan = ret;
    w->e = e;
    w->frames = xcalloc((size_t)j->q.limits.depth + 1, sizeof(*w->frames));
    guard_alloc_max(TREE_BYTES_MAX);
    int r = git_commit_lookup(&c, repo, commit) < 0
                ? lib_fail(j, e, "the commit is damaged or missing")
                : push_tree(w, git_commit_tree_id(c), 0, 0);
    if (r == 0) {
        ret->dirs[0].used = true; // where mark_used stops
        r = walk_all(w);
    }
    while (w->n_frames > 0)
        pop_tree(w);
    git_commit_free(c);
    free(w->frames);
    free(w);
    return r;
}

void plan_release(struct plan *p)
{
    buf_release(&p->paths);
    free(p->entries);
    free(p->dirs);
    *p = (struct plan){0};
    buf_init(&p->paths, 0);
}
