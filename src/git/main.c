// SPDX-License-Identifier: Apache-2.0
// pinfold-git OPERATION: the request comes on stdin, the answer goes to stdout, stderr is for a
// person. It starts no program and reads no configuration of the machine or of a user.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int read_request(struct repo_request *ret, struct err *e)
{
    own_free char *text = xmalloc(REPO_REQUEST_MAX + 1);
    ssize_t n = io_read_full(STDIN_FILENO, text, REPO_REQUEST_MAX + 1);
    int r = n < 0 ? err_sys(e, "read the request") : repo_request_parse(text, (size_t)n, ret, e);
    explicit_bzero(text, REPO_REQUEST_MAX + 1); // it held credentials
    return r;
}

// What we may open: the mirror and the workspace to write, the machine's libraries, certificates
// and name service and the roots of local repositories to read.
static int confine(const struct repo_request *q, struct err *e)
{
    static const char *const shown[] = {
        REPO_MIRROR_DIR, REPO_WORKSPACE_DIR, "/usr", "/etc", "/run", "/dev", "/proc"};
    struct confine_path paths[CONFINE_PATHS_MAX];
    struct confine how = {.uid = CONFINE_KEEP_ID, .gid = CONFINE_KEEP_ID, .paths = paths};
    own_free char *roots = xstrdup(q->roots);
    char *rest = roots;
    for (size_t i = 0; i < N_ELEMS(shown); i++) {
        int fd = open(shown[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            paths[how.n_paths++] = (struct confine_path){fd, i < 2};
    }
    for (char *root; (root = strsep(&rest, " ")) && how.n_paths < CONFINE_PATHS_MAX;) {
        int fd = root[0] == '/' ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0)
            paths[how.n_paths++] = (struct confine_path){fd, false};
    }
    int r = confine_self(CONFINE_GIT, &how, e);
    for (unsigned i = 0; i < how.n_paths; i++)
        (void)close(paths[i].fd); // only paths
    return r;
}

static int library_start(struct job *j, struct err *e)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
    if (git_libgit2_init() < 0)
        return lib_fail(j, e, "the library does not start");
    for (size_t i = 0; i < N_ELEMS(levels); i++)
        if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "") < 0)
            return lib_fail(j, e, "the library takes no search path");
    // The mirror outlives this process and the machine's power.
    (void)git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    return stream_start((uint16_t)j->q.proxy_port, e); // checked: at most 65535
}

static bool has_already(const struct job *j, const struct mirror *m)
{
    enum repo_ref_kind kind;
    git_oid id;
    return j->q.offline_ok && repo_ref_check(j->q.ref, strlen(j->q.ref), &kind, NULL) == 0 &&
           kind == REPO_REF_COMMIT && git_oid_fromstr(&id, j->q.ref) == 0 &&
           git_odb_exists(m->odb, &id);
}

static int make_workspace(struct job *j, struct mirror *m, const struct target *t, struct err *e)
{
    struct workdir w = {.git_dir = ".git", .url = &j->q.url, .own = j->q.dir[0]};
    struct plan plan = {0};
    if (w.own) {
        own_fd int top = open(REPO_WORKSPACE_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (top < 0 || (mkdirat(top, j->q.dir, 0777) && errno != EEXIST))
            return err_sys(e, "make the directory %s", j->q.dir);
        (void)snprintf(w.path, sizeof(w.path), "%s", j->q.dir); // both have room
        (void)snprintf(w.git_dir, sizeof(w.git_dir), "%s/.git", j->q.dir);
    }
    // Objects are named by their content; hashing each again while writing files costs a third.
    (void)git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
    int r = workdir_make(j, m, t, &w, &plan, e);
    if (r == 0 && j->q.submodules)
        r = submodules_make(j, &w, &plan, e);
    plan_release(&plan);
    return r;
}

static int run(struct job *j, struct err *e)
{
    struct mirror m = MIRROR_NONE;
    struct target t;
    enum repo_op op = j->q.op;
    if (op == REPO_OP_CHANGES)
        return changes_list(j, e);
    int r = mirror_open(j, &m, REPO_MIRROR_DIR, op != REPO_OP_CHECKOUT, e);
    if (r == 0 && op != REPO_OP_CHECKOUT && !has_already(j, &m))
        r = mirror_update(j, &m, &j->q.url, j->q.ref, e);
    if (r == 0)
        r = resolve(j, &m, j->q.ref, &t, e);
    if (r == 0)
        r = refs_digest(m.fd, j->r.refs_digest, e);
    if (r == 0) {
        // The workspace is nobody else's: from here on the mirror is only read.
        fd_close(&m.lock_fd);
        if (!t.empty)
            (void)git_oid_tostr(j->r.commit, sizeof(j->r.commit), &t.commit);
        memcpy(j->r.ref, t.ref, sizeof(t.ref));
        memcpy(j->r.branch, t.branch, sizeof(t.branch));
        memcpy(j->r.default_branch, t.default_branch, sizeof(t.default_branch));
        if (op != REPO_OP_MIRROR)
            r = make_workspace(j, &m, &t, e);
    }
    mirror_release(&m);
    j->r.duration_ms = clock_mono_ms() - j->started_ms;
    return r;
}

static int serve(struct job *j, const char *op, struct err *e)
{
    if (read_request(&j->q, e) < 0)
        return -1;
    if (strcmp(op, repo_op_name(j->q.op)) != 0)
        return err_set(e, ERR_BAD_REQUEST, "the request is for another operation");
    if (guard_start(&j->q.limits, e) < 0 || confine(&j->q, e) < 0 || library_start(j, e) < 0)
        return -1;
    return run(j, e);
}

int main(int argc, char **argv)
{
    struct job *j = xcalloc(1, sizeof(*j));
    struct err e = {0};
    log_init("git", LOG_WARN);
    if (argc != 2 || !argv[1]) {
        log_error("usage: pinfold-git mirror|checkout|clone|changes, with a request on stdin");
        return REPO_EXIT_USAGE;
    }
    (void)umask(022);
    j->started_ms = clock_mono_ms();
    int r = serve(j, argv[1], &e);
    repo_request_wipe(&j->q);
    if (r == 0)
        say_result(j);
    else
        say_error(&e, j->detail);
    return r == 0 ? REPO_EXIT_OK : REPO_EXIT_FAILED;
}
