// SPDX-License-Identifier: Apache-2.0
// What clients were told of execs before it is in the database. Rows are written to files beside it
// at once, so that whoever kills this process finds them at the next start: the page cache outlives
// a process. It does not outlive the machine; for that the database is there, a moment later.
//
// Used by the thread that makes rows, while another uses the store. Two files take turns: one is
// used again when all that it holds is in the database.
#pragma once
#include <pinfold/store.h>

struct journal;
#define JOURNAL_OUTPUTS 2
struct journal_exec {
    const struct store_exec *row;
    struct store_blob out[JOURNAL_OUTPUTS]; // what is to be in the output table; len 0: nothing
};
// Open or make its files in the database's directory, and put into the database what they hold.
// On failure they stay as they are, for the next start.
struct journal *journal_open(int dir_fd, struct store *s, struct err *e);
void journal_close(struct journal *j); // NULL is fine
// *held says which files hold something of this exec; 0 at first. -1 with *e when there is no room
// for it. With j NULL all of these do nothing.
int journal_put(struct journal *j, const struct journal_exec *x, unsigned *held, struct err *e);
// What was put is in the database too.
void journal_settle(struct journal *j, unsigned *held);
// It was deleted from the database.
void journal_delete(struct journal *j, const char *id);
