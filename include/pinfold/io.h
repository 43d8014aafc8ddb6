// SPDX-License-Identifier: Apache-2.0
// Reading and writing whole things, opening beneath a directory, passing descriptors.
// Every descriptor made here is close-on-exec.
#pragma once
#include <pinfold/buf.h>
#include <pinfold/err.h>
#include <stdint.h>
#include <sys/types.h>

// Read until n bytes or end of file; returns the count or -1 (errno).
ssize_t io_read_full(int fd, void *p, size_t n);
// Write all n bytes to a blocking descriptor; 0 or -1 (errno).
int io_write_full(int fd, const void *p, size_t n);
// Append a whole file to *b, refusing more than b->max. at: directory fd or AT_FDCWD.
int io_read_file(int at, const char *path, struct buf *b, struct err *e);
// Write a small file in one go (cgroup and proc files too): no create, no truncate.
int io_write_file(int at, const char *path, const char *text, struct err *e);
// Create or replace atomically (temporary, fsync, rename, fsync of the directory).
int io_replace_file(int at, const char *path, const void *p, size_t n, mode_t mode, struct err *e);
// What processes that were killed in there have left.
void io_remove_temporaries(int dir_fd);
// openat2 with RESOLVE_BENEATH | NO_MAGICLINKS | NO_SYMLINKS: for our own trees.
int io_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);
// openat2 with RESOLVE_IN_ROOT | NO_MAGICLINKS: for a tree a stranger wrote.
int io_open_in_root(int root_fd, const char *path, int flags, mode_t mode);
// mkdirat each component beneath dir_fd, existing ones allowed; returns an O_PATH descriptor of
// the last (close it) or -1.
int io_mkdir_beneath(int dir_fd, const char *path, mode_t mode, struct err *e);
// Remove the tree `name` beneath dir_fd by descriptors only: no symlink is followed, no mount
// crossed. Missing is success.
int io_remove_tree(int dir_fd, const char *name, struct err *e);
int io_set_nonblock(int fd, bool on);
// An exclusive flock, waited for so long; 0 or -1 (errno: EWOULDBLOCK when others have it).
int io_lock(int fd, uint64_t ms);
// A number in a file of the kernel's that is kept open: the line "KEY NUMBER", or with NULL the
// first. 0 when there is none.
uint64_t io_counter(int fd, const char *key);

#define IO_FDS_MAX 16
// sendmsg/recvmsg of one datagram with descriptors. Received descriptors are close-on-exec and
// owned by the caller; n_fds is in: room, out: count. Returns bytes, 0 at end, -1 (errno).
ssize_t io_send_fds(int sock, const void *p, size_t n, const int *fds, size_t n_fds);
ssize_t io_recv_fds(int sock, void *p, size_t n, int *fds, size_t *n_fds, int flags);
