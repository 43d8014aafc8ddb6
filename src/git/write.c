// SPDX-License-Identifier: Apache-2.0
// Writes the files of a plan, by as many threads as there are processors. libgit2's own checkout
// is serial and looks at every path several times; this one starts from an empty directory, or from
// one that holds nothing but what the plan marks as there, so every file and directory is made
// exclusively (O_EXCL, mkdir, symlink): what exists already is there twice in the tree, and no
// symlink that was made is ever followed.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/sys/filter.h>
#include <inttypes.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 64 // entries taken at a time
#define WORKERS_MAX 8

struct crew {
    struct job *job;
    struct plan *plan;
    const char *mirror_path;
    int root_fd;
    atomic_size_t next;
    _Atomic uint64_t bytes;
    atomic_bool stop;
    pthread_mutex_t lock; // of the two below: the first failure
    struct err failure;
    char detail[256];
};
struct worker {
    struct crew *crew;
    bool reports;
    git_repository *repo;
    git_odb *odb;
    int dir_fd; // of the directory `dir`
    uint32_t dir;
    struct err e;
    struct job scratch; // for lib_fail
};

static int path_fail(struct worker *w, const struct entry *en, const char *doing)
{
    if (errno == EEXIST || errno == EISDIR || errno == ENOTDIR)
        return err_set(&w->e, ERR_DENIED, "the repository is refused: '%.100s' is in it twice",
                       plan_path(w->crew->plan, en->path));
    return err_sys(&w->e, "%s '%.100s'", doing, plan_path(w->crew->plan, en->path));
}

static int enter_dir(struct worker *w, const struct entry *en)
{
    const char *path = plan_path(w->crew->plan, w->crew->plan->dirs[en->dir].path);
    if (w->dir_fd >= 0 && w->dir == en->dir)
        return 0;
    fd_close(&w->dir_fd);
    w->dir_fd = io_open_beneath(w->crew->root_fd, path[0] ? path : ".",
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    w->dir = en->dir;
    return w->dir_fd < 0 ? path_fail(w, en, "open the directory of") : 0;
}

static void take_stat(struct entry *en, const struct stat *st)
{
    en->ctime.seconds = (int32_t)st->st_ctim.tv_sec;
    en->ctime.nanoseconds = (uint32_t)st->st_ctim.tv_nsec;
    en->mtime.seconds = (int32_t)st->st_mtim.tv_sec;
    en->mtime.nanoseconds = (uint32_t)st->st_mtim.tv_nsec;
    en->dev = (uint32_t)st->st_dev;
    en->ino = (uint32_t)st->st_ino;
    en->uid = st->st_uid;
    en->gid = st->st_gid;
    en->size = (uint32_t)st->st_size;
}

static int count_bytes(struct worker *w, uint64_t n)
{
    uint64_t max = w->crew->job->q.limits.tree_bytes;
    if (atomic_fetch_add(&w->crew->bytes, n) + n > max)
        return err_set(&w->e, ERR_LIMIT, "the repository's files have more than %" PRIu64 " bytes",
                       max);
    return 0;
}

static int write_link(struct worker *w, struct entry *en, const void *p, size_t len)
{
    const char *name = plan_path(w->crew->plan, en->path) + en->name;
    struct stat st;
    char target[4096];
    if (len == 0 || len >= sizeof(target) || memchr(p, '\0', len))
        return err_set(&w->e, ERR_DENIED,
                       "the repository is refused: the symbolic link '%.80s' has a bad target",
                       plan_path(w->crew->plan, en->path));
    memcpy(target, p, len);
    target[len] = '\0';
    // Targets outside the tree are common and harmless: they are resolved in the sandbox only.
    if (symlinkat(target, w->dir_fd, name) < 0 ||
        fstatat(w->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return path_fail(w, en, "make the symbolic link");
    take_stat(en, &st);
    return 0;
}

static int write_bytes(struct worker *w, struct entry *en, const void *p, size_t len)
{
    const char *name = plan_path(w->crew->plan, en->path) + en->name;
    mode_t mode = en->mode == 0100755 ? 0777 : 0666;
    struct stat st;
    if (count_bytes(w, len) < 0)
        return -1;
    if (en->mode == 0120000)
        return write_link(w, en, p, len);
    own_fd int fd =
        openat(w->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0 || (len && io_write_full(fd, p, len) < 0) || fstat(fd, &st) < 0)
        return path_fail(w, en, "write");
    take_stat(en, &st);
    return 0;
}

static int object_fail(struct worker *w, const struct entry *en)
{
    char doing[160];
    (void)snprintf(doing, sizeof(doing), "the content of '%.100s' is damaged or missing",
                   plan_path(w->crew->plan, en->path)); // cut on purpose
    return lib_fail(&w->scratch, &w->e, doing);
}

static int write_plain(struct worker *w, struct entry *en)
{
    git_odb_object *object = NULL;
    if (git_odb_read(&object, w->odb, &en->id) < 0)
        return object_fail(w, en);
    int r = git_odb_object_type(object) != GIT_OBJECT_BLOB
                ? err_set(&w->e, ERR_BAD_REQUEST, "the content of '%.100s' is not a file's",
                          plan_path(w->crew->plan, en->path))
                : write_bytes(w, en, git_odb_object_data(object), git_odb_object_size(object));
    git_odb_object_free(object);
    return r;
}

// Line ends and $Id$ as .gitattributes of the commit say; the only filters that libgit2 has, and
// none of them runs a program.
static int write_filtered(struct worker *w, struct entry *en)
{
    git_filter_options o = {.version = GIT_FILTER_OPTIONS_VERSION};
    git_filter_list *filters = NULL;
    git_blob *blob = NULL;
    git_buf out = {0};
    o.flags = GIT_FILTER_NO_SYSTEM_ATTRIBUTES | GIT_FILTER_ATTRIBUTES_FROM_COMMIT;
    o.attr_commit_id = w->crew->plan->commit;
    const char *path = plan_path(w->crew->plan, en->path);
    if (git_blob_lookup(&blob, w->repo, &en->id) < 0)
        return object_fail(w, en);
    int r = git_filter_list_load_ext(&filters, w->repo, blob, path, GIT_FILTER_TO_WORKTREE, &o);
    if (r == 0 && filters)
        r = git_filter_list_apply_to_blob(&out, filters, blob);
    if (r < 0)
        r = object_fail(w, en);
    else if (filters)
        r = write_bytes(w, en, out.ptr ? out.ptr : "", out.size);
    else
        r = write_bytes(w, en, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
    git_buf_dispose(&out);
    git_filter_list_free(filters);
    git_blob_free(blob);
    return r;
}

static int write_entry(struct worker *w, struct entry *en)
{
    const char *name = plan_path(w->crew->plan, en->path) + en->name;
    if (enter_dir(w, en) < 0)
        return -1;
    if (en->mode == 0160000) // a submodule: an empty directory, as git makes it
        return mkdirat(w->dir_fd, name, 0777) < 0 ? path_fail(w, en, "make the directory") : 0;
    if (en->mode == 0120000 || !w->crew->plan->has_attributes)
        return write_plain(w, en);
    return write_filtered(w, en);
}

static int work(struct worker *w)
{
    struct crew *c = w->crew;
    size_t n = c->plan->n_entries;
    if (git_repository_open_bare(&w->repo, c->mirror_path) < 0 ||
        git_repository_odb(&w->odb, w->repo) < 0)
        return lib_fail(&w->scratch, &w->e, "open the mirror");
    for (;;) {
        size_t from = atomic_fetch_add(&c->next, CHUNK);
        if (from >= n || c->stop)
            return 0;
        for (size_t i = from; i < n && i < from + CHUNK; i++)
            if (!c->plan->entries[i].kept && write_entry(w, &c->plan->entries[i]) < 0)
                return -1;
        if (w->reports)
            say_progress(REPO_WRITING, from, n, c->bytes);
    }
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct crew *c = w->crew;
    if (work(w) < 0) {
        (void)pthread_mutex_lock(&c->lock); // cannot fail: a plain mutex, held briefly
        if (!atomic_exchange(&c->stop, true)) {
            c->failure = w->e;
            memcpy(c->detail, w->scratch.detail, sizeof(c->detail));
        }
        (void)pthread_mutex_unlock(&c->lock);
    }
    fd_close(&w->dir_fd);
    git_odb_free(w->odb);
    git_repository_free(w->repo);
    return NULL;
}

// By whole paths: what is there already is a directory wherever the plan has one.
static int make_dirs(struct plan *p, int root_fd, struct err *e)
{
    for (size_t i = 1; i < p->n_dirs; i++) {
        const char *path = plan_path(p, p->dirs[i].path);
        if (!p->dirs[i].used || p->dirs[i].there || mkdirat(root_fd, path, 0777) == 0)
            continue;
        if (errno == EEXIST)
            return err_set(e, ERR_DENIED, "the repository is refused: '%.100s' is in it twice",
                           path);
        return err_sys(e, "make the directory '%.100s'", path);
    }
    return 0;
}

static size_t worker_count(size_t n_entries)
{
    cpu_set_t set;
    size_t n = sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
    size_t useful = n_entries / (4 * CHUNK) + 1;
    n = n < useful ? n : useful;
    return n > WORKERS_MAX ? WORKERS_MAX : n;
}

int plan_write(struct job *j, struct plan *p, const char *mirror_path, int root_fd, struct err *e)
{
    struct crew c = {.job = j, .plan = p, .mirror_path = mirror_path, .root_fd = root_fd};
    struct worker workers[WORKERS_MAX];
    pthread_t threads[WORKERS_MAX];
    size_t n = worker_count(p->n_entries), started = 1;
    if (make_dirs(p, root_fd, e) < 0)
        return -1;
    guard_alloc_max(j->q.limits.file_bytes);
    (void)pthread_mutex_init(&c.lock, NULL); // cannot fail with default attributes
    for (size_t i = 0; i < n; i++)
        workers[i] = (struct worker){.crew = &c, .dir_fd = -1, .reports = i == 0};
    // A thread that cannot be started leaves its share to the others.
    while (started < n && pthread_create(&threads[started], NULL, run, &workers[started]) == 0)
        started++;
    run(&workers[0]);
    for (size_t i = 1; i < started; i++)
        (void)pthread_join(threads[i], NULL); // joinable and ours
    (void)pthread_mutex_destroy(&c.lock);
    j->r.files += p->n_entries;
    j->r.tree_bytes += c.bytes;
    if (c.stop) {
        memcpy(j->detail, c.detail, sizeof(j->detail));
        *e = c.failure;
        return -1;
    }
    return 0;
}
