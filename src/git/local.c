// SPDX-License-Identifier: Apache-2.0
// Mirrors of local repositories: copied whole the first time (local_copy.c), later only what is
// new, as one pack.
#include "git_int.h"

#include <errno.h>
#include <git2/sys/repository.h>
#include <inttypes.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

// Sandboxes are nobody special: what is not open to everybody is not open to us.
static bool unreadable(const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == EACCES;
    return S_ISDIR(st.st_mode) && access(path, R_OK | X_OK) < 0;
}

static int open_source(struct job *j, const char *path, git_repository **ret, struct err *e)
{
    // Safe because this process is as little as any other in the sandbox: it runs no hook, no
    // filter and no program, and what the source's configuration points to is not shown to us.
    (void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    int r = git_repository_open_ext(ret, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    (void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 1);
    if (r < 0 && unreadable(path))
        return err_set(e, ERR_DENIED,
                       "the local repository is not readable for everybody (mode of %.80s)", path);
    if (r == GIT_ENOTFOUND)
        return err_set(e, ERR_NOT_FOUND, "there is no git repository at %.120s", path);
    if (r < 0)
        return lib_fail(j, e, "the local repository cannot be opened");
    if (git_repository_is_shallow(*ret))
        return err_set(e, ERR_BAD_REQUEST,
                       "the local repository is a shallow clone: it lacks commits");
    return 0;
}

static bool wanted(const struct source *s, const char *name)
{
    return !strncmp(name, "refs/heads/", 11) || !strncmp(name, "refs/tags/", 10) ||
           (s->extra[0] && !strcmp(s->extra, name));
}

static int add_one(struct job *j, git_reference *ref, const struct source *s, struct err *e)
{
    git_reference *direct = NULL;
    int r = 0;
    if (++j->r.refs > j->q.limits.refs)
        return err_set(e, ERR_LIMIT, "the repository has more than %" PRIu64 " references",
                       j->q.limits.refs);
    // One that leads nowhere is not an error of the others.
    if (wanted(s, git_reference_name(ref)) && git_reference_resolve(&direct, ref) == 0)
        r = refs_add(s->refs, git_reference_name(ref), git_reference_target(direct),
                     j->q.limits.refs, e);
    git_reference_free(direct);
    return r;
}

static int list_refs(struct job *j, git_repository *src, const struct source *s, struct err *e)
{
    git_reference_iterator *it = NULL;
    git_reference *ref = NULL, *head = NULL;
    int r = 0, got;
    if (git_reference_iterator_new(&it, src) < 0)
        return lib_fail(j, e, "the local repository's references cannot be read");
    while (r == 0 && (got = git_reference_next(&ref, it)) != GIT_ITEROVER) {
        if (got < 0)
            r = lib_fail(j, e, "the local repository's references cannot be read");
        else
            r = add_one(j, ref, s, e);
        git_reference_free(ref);
        ref = NULL;
    }
    git_reference_iterator_free(it);
    if (r == 0 && git_reference_lookup(&head, src, "HEAD") == 0 &&
        git_reference_type(head) == GIT_REFERENCE_SYMBOLIC) {
        const char *target = git_reference_symbolic_target(head);
        if (!strncmp(target, "refs/heads/", 11) && strlen(target) < REPO_REF_MAX &&
            !repo_ref_check(target, strlen(target), NULL, NULL))
            memcpy(s->head, target, strlen(target) + 1);
    }
    git_reference_free(head);
    return r;
}

static int on_pack_progress(int stage, uint32_t done, uint32_t total, void *arg)
{
    const struct job *j = arg;
    (void)stage;
    say_progress(REPO_RESOLVING, done, total, 0);
    return done > j->q.limits.objects ? GIT_EUSER : 0;
}

// The library leaves the byte counts of this callback unset.
static int on_write_progress(const git_indexer_progress *s, void *arg)
{
    (void)arg;
    say_progress(REPO_RECEIVING, s->received_objects, s->total_objects, 0);
    return 0;
}

// The walk begins at the source's references and stops at what the mirror had.
static int fill_pack(git_packbuilder *pack, git_repository *store, const struct refs *new,
                     const struct refs *old)
{
    git_revwalk *walk = NULL;
    int r = git_revwalk_new(&walk, store);
    for (size_t i = 0; r == 0 && i < new->n; i++) {
        git_object *object = NULL, *commit = NULL;
        const git_oid *id = &new->list[i].id;
        if (git_object_lookup(&object, store, id, GIT_OBJECT_ANY) < 0)
            continue;
        if (git_object_type(object) != GIT_OBJECT_COMMIT)
            r = git_packbuilder_insert_recur(pack, id, NULL);
        if (r == 0 && git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0)
            r = git_revwalk_push(walk, git_object_id(commit));
        git_object_free(commit);
        git_object_free(object);
    }
    for (size_t i = 0; r == 0 && i < old->n; i++) {
        const struct ref *one = &old->list[i];
        // A failure means that it is no commit or not in the source: there is nothing to stop at.
        (void)git_revwalk_hide(walk, one->has_peeled ? &one->peeled : &one->id);
    }
    if (r == 0)
        r = git_packbuilder_insert_walk(pack, walk);
    git_revwalk_free(walk);
    return r;
}

// The size of the file is bounded by guard.c, the number of objects was while they were found.
static int write_pack(struct job *j, struct mirror *m, git_packbuilder *pack)
{
    char path[DIR_MAX + 128];
    struct stat st;
    if (git_packbuilder_object_count(pack) == 0)
        return 0;
    (void)snprintf(path, sizeof(path), "%s/objects/pack", m->path); // both have room
    int r = git_packbuilder_write(pack, path, 0444, on_write_progress, j);
    if (r < 0)
        return r;
    (void)snprintf(path, sizeof(path), "%s/objects/pack/pack-%s.pack", m->path,
                   git_packbuilder_name(pack));
    if (stat(path, &st) == 0)
        j->r.bytes += (uint64_t)st.st_size;
    j->r.objects += git_packbuilder_written(pack);
    return 0;
}

// The source's object store without its configuration.
static int copy_new(struct job *j, struct mirror *m, const char *objects, const struct source *s,
                    const struct refs *old, struct err *e)
{
    git_odb *odb = NULL;
    git_repository *store = NULL;
    git_packbuilder *pack = NULL;
    int r = git_odb_open(&odb, objects);
    if (r == 0)
        r = git_repository_wrap_odb(&store, odb);
    if (r == 0)
        r = git_packbuilder_new(&pack, store);
    if (r == 0)
        (void)git_packbuilder_set_threads(pack, 0); // as many as there are processors
    if (r == 0)
        r = git_packbuilder_set_callbacks(pack, on_pack_progress, j);
    if (r == 0)
        r = fill_pack(pack, store, s->refs, old);
    if (r == 0)
        r = write_pack(j, m, pack);
    if (r < 0)
        r = r == GIT_EUSER ? err_set(e, ERR_LIMIT, "the repository is over its limits")
                           : lib_fail(j, e, "the local repository could not be read");
    git_packbuilder_free(pack);
    git_repository_free(store);
    git_odb_free(odb);
    return r;
}

static int get_objects(struct job *j, struct mirror *m, git_repository *src, const struct source *s,
                       struct err *e)
{
    struct refs old;
    bool complete = true;
    own_free char *objects = xasprintf("%sobjects", git_repository_commondir(src));
    refs_init(&old);
    int r = refs_read(&old, m->fd, e);
    for (size_t i = 0; i < s->refs->n && complete; i++)
        complete = git_odb_exists(m->odb, &s->refs->list[i].id) != 0;
    if (r == 0 && old.n == 0)
        r = local_copy(j, m, objects, e);
    else if (r == 0 && !complete)
        r = copy_new(j, m, objects, s, &old, e);
    refs_release(&old);
    return r;
}

int fetch_local(struct job *j, struct mirror *m, const struct source *s, struct err *e)
{
    git_repository *src = NULL;
    struct stream_rules rules = {0};
    stream_set(&rules);
    guard_alloc_max(j->q.limits.file_bytes);
    j->r.fetched = true;
    say_progress(REPO_CONNECTING, 0, 0, 0);
    int r = open_source(j, s->url->path, &src, e);
    if (r == 0)
        r = list_refs(j, src, s, e);
    if (r == 0)
        r = get_objects(j, m, src, s, e);
    git_repository_free(src);
    return r;
}
