// SPDX-License-Identifier: Apache-2.0
// What a reference means: a branch before a tag before the first digits of a commit, as git
// checkout has it; and the commit behind it.
#include "git_int.h"

#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

// The branch that the mirror's HEAD names, "" when there is no such branch.
static int read_head(const struct mirror *m, const struct refs *refs, char ret[REPO_REF_MAX],
                     struct err *e)
{
    static const char prefix[] = "ref: refs/heads/";
    own_buf struct buf b = {0};
    buf_init(&b, REPO_REF_MAX + 32);
    ret[0] = '\0';
    if (io_read_file(m->fd, "HEAD", &b, e) < 0)
        return -1;
    b.data[strcspn(b.data, "\n")] = '\0';
    const char *name = b.data + sizeof(prefix) - 1;
    if (!strncmp(b.data, prefix, sizeof(prefix) - 1) && strlen(name) < REPO_REF_MAX &&
        (refs->n == 0 || refs_find(refs, b.data + 5)))
        memcpy(ret, name, strlen(name) + 1);
    return 0;
}

static const struct ref *find_named(const struct refs *refs, const char *name)
{
    static const char *const prefixes[] = {"refs/heads/", "refs/tags/", "refs/"};
    for (size_t i = 0; i < N_ELEMS(prefixes); i++) {
        char full[REPO_REF_MAX + 16];
        (void)snprintf(full, sizeof(full), "%s%s", prefixes[i], name); // both have room
        const struct ref *found = refs_find(refs, full);
        if (found)
            return found;
    }
    return NULL;
}

static int find_prefix(struct mirror *m, const char *ref, git_oid *ret, struct err *e)
{
    size_t len = strlen(ref);
    git_oid prefix;
    if (len < 7 || len > 40 || strspn(ref, "0123456789abcdefABCDEF") != len)
        return err_set(e, ERR_NOT_FOUND, "the repository has no branch, tag or commit '%.80s'",
                       ref);
    if (git_oid_fromstrn(&prefix, ref, len) < 0)
        return err_set(e, ERR_NOT_FOUND, "'%.80s' is not a commit id", ref);
    switch (git_odb_exists_prefix(ret, m->odb, &prefix, len)) {
    case 0:
        return 0;
    case GIT_EAMBIGUOUS:
        return err_set(e, ERR_CONFLICT, "'%.40s' begins several objects' ids: give more digits",
                       ref);
    default:
        return err_set(e, ERR_NOT_FOUND,
                       "the repository has no branch, tag or commit '%.80s' (a commit must be on "
                       "a branch or tag)",
                       ref);
    }
}

static int find(struct mirror *m, const struct refs *refs, const char *ref, struct target *t,
                git_oid *ret, struct err *e)
{
    char full[REPO_REF_MAX + 16];
    enum repo_ref_kind kind;
    const struct ref *found = NULL;
    if (repo_ref_check(ref, strlen(ref), &kind, e) < 0)
        return -1;
    if (kind == REPO_REF_DEFAULT) {
        if (!t->default_branch[0])
            return err_set(e, ERR_NOT_FOUND,
                           "the repository has no default branch: name a branch, tag or commit");
        (void)snprintf(full, sizeof(full), "refs/heads/%s", t->default_branch); // both have room
        found = refs_find(refs, full);
    } else if (kind == REPO_REF_FULL) {
        found = refs_find(refs, ref);
    } else if (kind == REPO_REF_NAME) {
        found = find_named(refs, ref);
    }
    if (!found && kind != REPO_REF_NAME && kind != REPO_REF_COMMIT)
        return err_set(e, ERR_NOT_FOUND, "the repository has no '%.100s'", ref);
    if (!found)
        return find_prefix(m, ref, ret, e);
    (void)snprintf(t->ref, sizeof(t->ref), "%s", ref_name(refs, found)); // was checked when added
    *ret = found->id;
    return 0;
}

static int peel(struct job *j, struct mirror *m, const git_oid *id, const char *ref, git_oid *ret,
                struct err *e)
{
    git_object *any = NULL, *commit = NULL;
    guard_alloc_max(j->q.limits.file_bytes);
    int r = git_object_lookup(&any, m->repo, id, GIT_OBJECT_ANY);
    if (r == 0)
        r = git_object_peel(&commit, any, GIT_OBJECT_COMMIT);
    if (r == 0)
        *ret = *git_object_id(commit);
    git_object_free(commit);
    git_object_free(any);
    if (r == GIT_EPEEL || r == GIT_EINVALIDSPEC || r == GIT_EAMBIGUOUS)
        return err_set(e, ERR_BAD_REQUEST, "'%.100s' is not a commit", ref[0] ? ref : "HEAD");
    return r < 0 ? lib_fail(j, e, "the commit is damaged or missing") : 0;
}

int resolve(struct job *j, struct mirror *m, const char *ref, struct target *ret, struct err *e)
{
    struct target t = {0};
    struct refs refs;
    git_oid id;
    refs_init(&refs);
    int r = refs_read(&refs, m->fd, e);
    refs_sort(&refs);
    if (r == 0)
        r = read_head(m, &refs, t.default_branch, e);
    t.empty = refs.n == 0 && (!ref[0] || !strcmp(ref, "HEAD"));
    if (r == 0 && !t.empty) {
        r = find(m, &refs, ref, &t, &id, e);
        if (r == 0)
            r = peel(j, m, &id, ref, &t.commit, e);
    }
    if (t.empty && !t.default_branch[0])
        memcpy(t.default_branch, "main", 5);
    if (t.empty)
        memcpy(t.branch, t.default_branch, sizeof(t.branch));
    else if (!strncmp(t.ref, "refs/heads/", 11))
        memcpy(t.branch, t.ref + 11, strlen(t.ref + 11) + 1);
    refs_release(&refs);
    if (r == 0)
        *ret = t;
    return r;
}
