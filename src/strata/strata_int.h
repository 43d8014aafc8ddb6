// SPDX-License-Identifier: Apache-2.0
// Private to the room strata.
#pragma once
#include <pinfold/strata.h>

// Lay a tree over another one as overlayfs would show them: files by hard links, so both lie on
// one file system; whiteouts and opaque marks stay, since the result may stand on more.
int lay_tree(int from_fd, int to_fd, struct err *e);
// A directory's owner, mode, times, ACLs and user.* attributes but overlay's. 0 or -1 (errno).
int copy_attributes(int from_fd, int to_fd);
