// SPDX-License-Identifier: Apache-2.0
// A backup of the records while everything goes on: a tar archive of plain files.
//
//   output/ID.STREAM   kept output of commands, logs of builds and init scripts
//   pinfold.db         the database as it was at one moment of the backup, checked; without
//                      admin.token's entry and without the key of sessions
//   pinfold-backup     the last: Key=value lines that tell what it is, and the digest (SHA256=) of
//                      all bytes before its head
//
// Files of workspaces, layers and mirrors are not the server's, and not in it.
#pragma once
#include <pinfold/core.h>

#define BACKUP_FORMAT 1
#define BACKUP_MANIFEST "pinfold-backup"
#define BACKUP_OUTPUT "output/"

// The caller zeroes it, sets the callbacks and keeps it until on_end or core_backup_stop.
struct backup_reader {
    void (*on_data)(struct backup_reader *r, const void *p, size_t n);
    // The last call. err.code ERR_NONE: all was given; else what came is not whole.
    void (*on_end)(struct backup_reader *r, const struct err *err);
    bool paused; // core's own
    void *job;
};
// ERR_CONFLICT while another is made. Nothing is called back before this returns.
int core_backup(struct core *c, struct backup_reader *r, struct err *e);
void core_backup_pause(struct backup_reader *r);
void core_backup_resume(struct backup_reader *r);
void core_backup_stop(struct backup_reader *r); // no callback any more; no-op when not running
