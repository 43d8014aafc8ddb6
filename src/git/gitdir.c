// SPDX-License-Identifier: Apache-2.0
// The .git directory of a working tree. It is small: objects stay in the mirror, which the
// sandbox sees read-only at the same path, and come in by objects/info/alternates.
#include "git_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

void config_section(struct buf *b, const char *name, const char *subsection)
{
    (void)buf_printf(b, "[%s", name); // overflows are remembered
    if (subsection) {
        (void)buf_puts(b, " \"");
        for (; *subsection; subsection++) {
            if (*subsection == '"' || *subsection == '\\')
                (void)buf_putc(b, '\\');
            (void)buf_putc(b, *subsection);
        }
        (void)buf_putc(b, '"');
    }
    (void)buf_puts(b, "]\n");
}

void config_value(struct buf *b, const char *key, const char *value)
{
    (void)buf_printf(b, "\t%s = \"", key); // overflows are remembered
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            (void)buf_putc(b, '\\');
        (void)buf_putc(b, *value);
    }
    (void)buf_puts(b, "\"\n");
}

// "../" for each part of a path.
static void climb(struct buf *b, const char *path)
{
    for (const char *p = path; p && *p; p = strchr(p, '/'), p = p ? p + 1 : NULL)
        (void)buf_puts(b, "../"); // overflows are remembered
}

static void format_config(const struct target *t, const struct workdir *w, struct buf *b)
{
    char merge[REPO_REF_MAX + 16];
    own_buf struct buf tree = {0};
    buf_init(&tree, 2 * DIR_MAX);
    (void)buf_puts(b, "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n"
                      "\tlogallrefupdates = true\n"); // overflows are remembered
    if (w->submodule) {
        climb(&tree, w->git_dir);
        (void)buf_puts(&tree, w->path);
        config_value(b, "worktree", tree.data);
    }
    config_section(b, "remote", "origin");
    config_value(b, "url", w->url->canonical);
    config_value(b, "fetch", "+refs/heads/*:refs/remotes/origin/*");
    if (t->branch[0]) {
        (void)snprintf(merge, sizeof(merge), "refs/heads/%s", t->branch); // has room
        config_section(b, "branch", t->branch);
        config_value(b, "remote", "origin");
        config_value(b, "merge", merge);
    }
}

static int put_file(int at, const char *name, const struct buf *b, struct err *e)
{
    own_fd int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 || io_write_full(fd, b->data, b->len) < 0)
        return err_sys(e, "write the repository's %s", name);
    return 0;
}

static int put_text(int at, const char *name, const char *before, const char *text,
                    const char *after, struct err *e)
{
    own_buf struct buf b = {0};
    buf_init(&b, 4 * DIR_MAX);
    (void)buf_puts(&b, before); // all of it fits
    (void)buf_puts(&b, text);
    (void)buf_puts(&b, after);
    return put_file(at, name, &b, e);
}

static int make_dirs(int git_dir, struct err *e)
{
    static const char *const dirs[] = {
        "branches",     "hooks", "info",       "objects",      "objects/info",
        "objects/pack", "refs",  "refs/heads", "refs/remotes", "refs/remotes/origin",
        "refs/tags"};
    for (size_t i = 0; i < N_ELEMS(dirs); i++)
        if (mkdirat(git_dir, dirs[i], 0777) < 0)
            return err_sys(e, "make the repository's %s", dirs[i]);
    return 0;
}

static int put_refs(struct mirror *m, const struct target *t, int git_dir, struct err *e)
{
    struct refs refs;
    own_buf struct buf b = {0};
    char hex[GIT_OID_HEXSZ + 1];
    buf_init(&b, UINT64_C(4) << 30);
    refs_init(&refs);
    int r = refs_read(&refs, m->fd, e);
    if (r == 0 && refs_format_clone(&refs, t->empty ? "" : t->branch, &t->commit, &b) < 0)
        r = err_set(e, ERR_LIMIT, "the names of the repository's references are too long");
    refs_release(&refs);
    if (r < 0 || put_file(git_dir, "packed-refs", &b, e) < 0)
        return -1;
    if (t->default_branch[0] && !t->empty &&
        put_text(git_dir, "refs/remotes/origin/HEAD", "ref: refs/remotes/origin/",
                 t->default_branch, "\n", e) < 0)
        return -1;
    if (t->branch[0])
        return put_text(git_dir, "HEAD", "ref: refs/heads/", t->branch, "\n", e);
    return put_text(git_dir, "HEAD", "", git_oid_tostr(hex, sizeof(hex), &t->commit), "\n", e);
}

static int put_index(struct job *j, const struct workdir *w, const struct plan *p, struct err *e)
{
    char path[2 * DIR_MAX];
    git_index *index = NULL;
    (void)snprintf(path, sizeof(path), "%s/%s/index", REPO_WORKSPACE_DIR, w->git_dir); // has room
    int r = git_index_open(&index, path);
    for (size_t i = 0; r == 0 && i < p->n_entries; i++) {
        const struct entry *from = &p->entries[i];
        git_index_entry to = {.ctime = from->ctime,
                              .mtime = from->mtime,
                              .dev = from->dev,
                              .ino = from->ino,
                              .mode = from->mode,
                              .uid = from->uid,
                              .gid = from->gid,
                              .file_size = from->size,
                              .id = from->id,
                              .path = plan_path(p, from->path)};
        r = git_index_add(index, &to);
    }
    if (r == 0)
        r = git_index_write(index);
    if (r < 0)
        r = lib_fail(j, e, "the index could not be written");
    git_index_free(index);
    return r;
}

// A submodule's .git is a file that names the directory.
static int put_link(const struct workdir *w, int top, struct err *e)
{
    own_buf struct buf b = {0};
    buf_init(&b, 4 * DIR_MAX);
    own_fd int dir = io_open_beneath(top, w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (dir < 0)
        return err_sys(e, "open the submodule's directory %.100s", w->path);
    (void)buf_puts(&b, "gitdir: "); // all of it fits
    climb(&b, w->path);
    (void)buf_printf(&b, "%s\n", w->git_dir);
    return put_file(dir, ".git", &b, e);
}

static int copy_object(int from_dir, int to_dir, const char *name, struct err *e)
{
    own_fd int from = io_open_beneath(from_dir, name, O_RDONLY | O_CLOEXEC, 0);
    own_fd int to = io_open_beneath(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (from < 0 || to < 0)
        return err_sys(e, "copy the object file %s", name);
    ssize_t n = 1;
    while (n > 0)
        n = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);
    return n < 0 ? err_sys(e, "copy the object file %s", name) : 0;
}

// One directory of a mirror's objects: packs, or loose ones whose names begin alike.
static int copy_dir(int from_objects, int to_objects, const char *name, struct err *e)
{
    own_fd int list = openat(from_objects, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    own_dir DIR *d = list < 0 ? NULL : fdopendir(list);
    if (!d)
        return err_sys(e, "list the mirror's objects");
    (void)fd_steal(&list); // the stream has it now
    if (mkdirat(to_objects, name, 0777) && errno != EEXIST)
        return err_sys(e, "make the repository's objects/%s", name);
    own_fd int to = openat(to_objects, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (to < 0)
        return err_sys(e, "open the repository's objects/%s", name);
    for (const struct dirent *entry; (entry = readdir(d));)
        if (entry->d_name[0] != '.' && entry->d_type == DT_REG &&
            copy_object(dirfd(d), to, entry->d_name, e))
            return -1;
    return 0;
}

static int copy_objects(struct mirror *m, int git_dir, struct err *e)
{
    own_fd int to = openat(git_dir, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_fd int from = openat(m->fd, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_fd int list = from < 0 ? -1 : openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = list < 0 ? NULL : fdopendir(list);
    if (to < 0 || !d)
        return err_sys(e, "list the mirror's objects");
    (void)fd_steal(&list); // the stream has it now
    for (const struct dirent *entry; (entry = readdir(d));)
        if ((strlen(entry->d_name) == 2 && strspn(entry->d_name, "0123456789abcdef") == 2) ||
            !strcmp(entry->d_name, "pack"))
            if (copy_dir(from, to, entry->d_name, e))
                return -1;
    return 0;
}

static int put_objects(struct mirror *m, const struct workdir *w, int git_dir, struct err *e)
{
    return w->own ? copy_objects(m, git_dir, e)
                  : put_text(git_dir, "objects/info/alternates", m->path, "/objects", "\n", e);
}

int gitdir_make(struct job *j, struct mirror *m, const struct target *t, const struct workdir *w,
                const struct plan *plan, struct err *e)
{
    own_buf struct buf config = {0};
    own_fd int top = open(REPO_WORKSPACE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    own_fd int made = top < 0 ? -1 : io_mkdir_beneath(top, w->git_dir, 0777, e);
    if (made < 0)
        return top < 0 ? err_sys(e, "open the workspace") : -1;
    own_fd int git_dir = openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_init(&config, 8 * DIR_MAX);
    format_config(t, w, &config);
    if (git_dir < 0)
        return err_sys(e, "open the repository's directory");
    if (make_dirs(git_dir, e) < 0 || put_file(git_dir, "config", &config, e) < 0 ||
        put_objects(m, w, git_dir, e) < 0 || put_refs(m, t, git_dir, e) < 0)
        return -1;
    if (w->submodule && put_link(w, top, e) < 0)
        return -1;
    return plan->n_entries ? put_index(j, w, plan, e) : 0;
}
