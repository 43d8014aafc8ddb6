// SPDX-License-Identifier: Apache-2.0
// What of a working tree differs from a commit. What made it is a stranger's: its configuration, its
// index and its objects are read by nothing but the library, which starts no program.
#include "git_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define OBJECT_BYTES_MAX (256u << 20) // of an index, the largest thing that is read

static char letter(git_delta_t status)
{
    switch (status) {
    case GIT_DELTA_ADDED:
    case GIT_DELTA_UNTRACKED:
        return 'A';
    case GIT_DELTA_DELETED:
        return 'D';
    case GIT_DELTA_MODIFIED:
        return 'M';
    case GIT_DELTA_TYPECHANGE:
        return 'T';
    default:
        return '\0';
    }
}

static void say_all(struct job *j, git_diff *diff)
{
    size_t n = git_diff_num_deltas(diff), said = 0;
    for (size_t i = 0; i < n; i++) {
        const git_diff_delta *d = git_diff_get_delta(diff, i);
        const char *path = d->new_file.path ? d->new_file.path : d->old_file.path;
        char c = letter(d->status);
        if (!c || !path)
            continue;
        j->r.files++;
        if (said + strlen(path) > REPO_CHANGES_BYTES)
            continue;
        said += strlen(path) + 2;
        say_change(c, path);
    }
}

static int diff_tree(struct job *j, git_repository *repo, git_tree *tree, struct err *e)
{
    git_diff_options o;
    git_diff *diff = NULL;
    (void)git_diff_options_init(&o, GIT_DIFF_OPTIONS_VERSION); // fails for other versions only
    o.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS |
              GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_SKIP_BINARY_CHECK;
    o.ignore_submodules = GIT_SUBMODULE_IGNORE_ALL;
    if (git_diff_tree_to_workdir_with_index(&diff, repo, tree, &o) < 0)
        return lib_fail(j, e, "the changes cannot be seen");
    say_all(j, diff);
    git_diff_free(diff);
    return 0;
}

int changes_list(struct job *j, struct err *e)
{
    char path[DIR_MAX];
    git_repository *repo = NULL;
    git_commit *commit = NULL;
    git_tree *tree = NULL;
    git_oid id;
    (void)snprintf(path, sizeof(path), "%s%s%s", REPO_WORKSPACE_DIR, j->q.dir[0] ? "/" : "",
                   j->q.dir); // has room
    guard_alloc_max(OBJECT_BYTES_MAX);
    // Safe because this process may do nothing that its sandbox may not, as in local.c.
    (void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    int r = git_repository_open_ext(&repo, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
    if (r == 0) // not where its configuration says
        r = git_repository_set_workdir(repo, path, 0);
    if (r == 0)
        r = git_oid_fromstr(&id, j->q.ref);
    if (r == 0)
        r = git_commit_lookup(&commit, repo, &id);
    if (r == 0)
        r = git_commit_tree(&tree, commit);
    r = r < 0 ? lib_fail(j, e, "the working tree is no repository any more")
              : diff_tree(j, repo, tree, e);
    if (r == 0)
        memcpy(j->r.commit, j->q.ref, sizeof(j->r.commit));
    git_tree_free(tree);
    git_commit_free(commit);
    git_repository_free(repo);
    return r;
}
