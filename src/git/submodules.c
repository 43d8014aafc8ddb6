// SPDX-License-Identifier: Apache-2.0
// Submodules: each is a mirror of its own inside the repository's mirror (so that all workspaces
// of the repository share it) and a working tree like the repository's, with its .git directory
// where git keeps it, in .git/modules/NAME. The same rules hold for their URLs, their trees and
// all limits; credentials go along only to the repository's own server.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/repo_tree.h>
#include <string.h>
#include <sys/stat.h>

// One to make, found in the .gitmodules of its parent.
struct task {
    struct workdir w;
    struct repo_url url;
    git_oid commit;
};
// Worked off in order; what a submodule has itself is added at the end. No recursion.
struct queue {
    struct job *job;
    struct task **tasks;
    size_t n;
    struct err *e;
};

static const struct entry *find_link(const struct plan *p, const char *path)
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (p->entries[i].mode == 0160000 && !strcmp(plan_path(p, p->entries[i].path), path))
            return &p->entries[i];
    return NULL;
}

static int join(char ret[DIR_MAX], const char *a, const char *between, const char *b, struct err *e)
{
    int n = snprintf(ret, DIR_MAX, "%s%s%s", a, between, b);
    if (n < 0 || n >= DIR_MAX)
        return err_set(e, ERR_LIMIT, "a submodule's path is longer than %d bytes", DIR_MAX - 1);
    return 0;
}

static int add_task(struct queue *q, const struct workdir *parent, const struct repo_module *m,
                    const struct entry *link)
{
    const struct repo_request *request = &q->job->q;
    struct repo_rules rules = {request->base_url, request->roots};
    if (q->n >= request->limits.submodules)
        return err_set(q->e, ERR_LIMIT, "the repository has more than %" PRIu64 " submodules",
                       request->limits.submodules);
    struct task *t = xcalloc(1, sizeof(*t));
    q->tasks = xrealloc(q->tasks, (q->n + 1) * sizeof(struct task *));
    q->tasks[q->n++] = t;
    t->commit = link->id;
    if (repo_url_parse_submodule(m->url, parent->url, &rules, &t->url, q->e) < 0)
        return err_wrap(q->e, "the submodule %.60s", m->name);
    t->w.url = &t->url;
    t->w.own = parent->own;
    t->w.submodule = true;
    if (join(t->w.path, parent->path, parent->path[0] ? "/" : "", m->path, q->e) < 0 ||
        join(t->w.git_dir, parent->git_dir, "/modules/", m->name, q->e) < 0)
        return -1;
    return 0;
}

// As git submodule init does it.
static int note_in_config(struct queue *q, const struct workdir *parent, struct buf *b)
{
    char path[2 * DIR_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s/config", REPO_WORKSPACE_DIR,
                   parent->git_dir); // has room
    own_fd int fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (b->overflow || fd < 0 || io_write_full(fd, b->data, b->len) < 0)
        return err_sys(q->e, "write the repository's config");
    return 0;
}

static int take_modules(struct queue *q, const struct workdir *parent, const struct plan *plan,
                        const struct repo_modules *modules)
{
    own_buf struct buf config = {0};
    buf_init(&config, 4u << 20);
    for (size_t i = 0; i < modules->n; i++) {
        const struct repo_module *m = &modules->list[i];
        const struct entry *link = m->path[0] ? find_link(plan, m->path) : NULL;
        if (!link) // named in the file but not in the tree: git ignores it too
            continue;
        if (add_task(q, parent, m, link) < 0)
            return -1;
        config_section(&config, "submodule", m->name);
        config_value(&config, "active", "true");
        config_value(&config, "url", q->tasks[q->n - 1]->url.canonical);
    }
    return config.len ? note_in_config(q, parent, &config) : 0;
}

static int find_modules(struct queue *q, const struct workdir *parent, const struct plan *plan)
{
    struct repo_modules modules = {0};
    char path[2 * DIR_MAX];
    own_buf struct buf text = {0};
    if (!plan->has_modules)
        return 0;
    buf_init(&text, REPO_MODULES_TEXT_MAX);
    (void)snprintf(path, sizeof(path), "%s%s.gitmodules", parent->path,
                   parent->path[0] ? "/" : ""); // has room
    own_fd int top = open(REPO_WORKSPACE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_fd int fd = top < 0 ? -1 : io_open_beneath(top, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(q->e, "open .gitmodules");
    char *to = buf_reserve(&text, REPO_MODULES_TEXT_MAX);
    ssize_t n = io_read_full(fd, to, REPO_MODULES_TEXT_MAX);
    if (n < 0)
        return err_sys(q->e, "read .gitmodules");
    if (repo_modules_parse(to, (size_t)n, q->job->q.limits.submodules, &modules, q->e) < 0)
        return -1;
    int r = take_modules(q, parent, plan, &modules);
    repo_modules_release(&modules);
    return r;
}

// Its mirror's directory, named by a digest of its URL.
static int mirror_path(struct queue *q, const struct task *t, char ret[DIR_MAX])
{
    git_oid key;
    char hex[GIT_OID_HEXSZ + 1];
    const char *url = t->url.canonical;
    if (git_odb_hash(&key, url, strlen(url), GIT_OBJECT_BLOB) < 0)
        return lib_fail(q->job, q->e, "name the submodule's mirror");
    (void)snprintf(ret, DIR_MAX, "%s/modules/%s.git", REPO_MIRROR_DIR,
                   git_oid_tostr(hex, sizeof(hex), &key)); // has room
    if ((mkdir(REPO_MIRROR_DIR "/modules", 0755) < 0 && errno != EEXIST) ||
        (mkdir(ret, 0755) < 0 && errno != EEXIST))
        return err_sys(q->e, "make the submodule's mirror");
    return 0;
}

static int get_commit(struct queue *q, struct mirror *m, const struct task *t)
{
    struct target target;
    char hex[GIT_OID_HEXSZ + 1];
    (void)git_oid_tostr(hex, sizeof(hex), &t->commit);
    // A submodule is pinned to a commit: what has it needs no network.
    if (!git_odb_exists(m->odb, &t->commit) && mirror_update(q->job, m, &t->url, hex, q->e) < 0)
        return -1;
    return resolve(q->job, m, hex, &target, q->e);
}

// Another submodule's directory above or below this one's would mix their files.
static int check_git_dir(struct queue *q, const struct task *t)
{
    for (size_t i = 0; i < q->n && q->tasks[i] != t; i++) {
        const char *a = q->tasks[i]->w.git_dir, *b = t->w.git_dir;
        size_t n = strlen(a), k = strlen(b);
        size_t less = n < k ? n : k;
        const char *modules = "/modules/";
        if (strncmp(a, b, less) != 0)
            continue;
        const char *rest = n < k ? b + less : a + less;
        if (!*rest || (*rest == '/' && strncmp(rest, modules, strlen(modules)) != 0))
            return err_set(q->e, ERR_DENIED, "two submodules' names lie within each other");
    }
    return 0;
}

static int make_one(struct queue *q, const struct task *t)
{
    struct mirror m = MIRROR_NONE;
    struct plan plan = {0};
    struct target target = {.commit = t->commit};
    char path[DIR_MAX];
    if (check_git_dir(q, t) < 0 || mirror_path(q, t, path) < 0)
        return -1;
    int r = mirror_open(q->job, &m, path, true, q->e);
    if (r == 0)
        r = get_commit(q, &m, t);
    if (r == 0)
        r = workdir_make(q->job, &m, &target, &t->w, &plan, q->e);
    if (r == 0)
        r = find_modules(q, &t->w, &plan);
    plan_release(&plan);
    mirror_release(&m);
    return r < 0 ? err_wrap(q->e, "the submodule %.100s", t->w.path) : 0;
}

int submodules_make(struct job *j, const struct workdir *top, const struct plan *plan,
                    struct err *e)
{
    struct queue q = {.job = j, .e = e};
    int r = find_modules(&q, top, plan);
    for (size_t i = 0; r == 0 && i < q.n; i++)
        r = make_one(&q, q.tasks[i]);
    j->r.submodules = q.n;
    for (size_t i = 0; i < q.n; i++)
        free(q.tasks[i]);
    free(q.tasks);
    return r;
}
