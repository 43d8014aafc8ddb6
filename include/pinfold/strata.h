// SPDX-License-Identifier: Apache-2.0
// Copies of directories in constant time. A directory holds what a sandbox writes, in the parts
// `upper` (over its root) and `files` (its /workspace). The first copy freezes what was written:
// the directory becomes a stratum (strata/ID) that is never written again, an empty directory takes
// its name, and both it and the copy stand on the stratum; overlayfs (with userxattr) shows them.
//
// Who stands on a stratum has a hard link `below` of its mark `self`, a symlink that says its name:
// so the file system counts them, and a stratum whose mark has no other link belongs to nobody and
// goes. Every change is one rename, so after a kill there is the old state or the new one, and
// strata_sweep finds what was in the making.
//
// Everything goes by names beneath descriptors and follows nothing, since strangers filled it. No
// rights are needed beyond those over the files.
#pragma once
#include <pinfold/err.h>
#include <pinfold/id.h>

#define STRATA_MAX                                                                                 \
    24 // beneath one directory: with an image's layers they fit into a mount's options
struct strata_place {
    int dirs_fd, strata_fd, trash_fd; // on one file system; borrowed
};
struct strata {
    unsigned n;
    char ids[STRATA_MAX][ID_MAX]; // highest first
};
// What a directory stands on.
int strata_chain(const struct strata_place *p, int dir_fd, struct strata *ret, struct err *e);
// Make to_fd, a new and empty directory, a copy of `from`; nobody may write to `from`. *from_fd is
// replaced by what has its name now. Where STRATA_MAX is met, all strata but the lowest, which is
// often by far the largest, become one before: that takes as long as they have names.
int strata_copy(const struct strata_place *p, const char *from, int *from_fd, int to_fd,
                struct err *e);
// Remove a directory that is in the trash, then the strata that nobody stands on any more.
int strata_discard(const struct strata_place *p, const char *name, struct err *e);
// The same for those that a copy put there, old_ID; its caller need not wait for it.
int strata_discard_old(const struct strata_place *p, struct err *e);
// At a start, when nobody works here: remove what is left in the making.
int strata_sweep(const struct strata_place *p, struct err *e);
