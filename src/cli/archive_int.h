// SPDX-License-Identifier: Apache-2.0
// A backup as a file: core_backup.h says what is in it.
#pragma once
#include "cli_int.h"

struct archive {
    char version[33], made[33]; // what made it, and when
    uint64_t schema, files, bytes;
};
// Read a backup to its manifest and compare digest and count; into_fd: the directory to unpack it
// into, -1: only read. The descriptor is left behind the manifest's last byte.
int archive_read(int fd, int into_fd, struct archive *ret, struct err *e);
// Run one of our binaries, or with bin_dir -1 a program found on PATH: its exit code, or -1.
int run_program(int bin_dir, char *const *argv, struct err *e);
// Is the database that was unpacked there whole, and known to this version? Says why not.
int archive_verify(const char *dir, struct err *e);
// Give what was unpacked into a directory, and the directory, to a user.
int archive_give(int dir_fd, uint32_t uid, uint32_t gid, struct err *e);
