// SPDX-License-Identifier: Apache-2.0
// Landlock, as much of it as the kernel has: what a process and its children may still do beneath
// which directories. System calls only, so it can be used between clone and exec; errors come back
// as -1 with errno. The header of Debian 12 knows the first version only, so the later bits stand
// here with the version that brought them.
#pragma once
#include <linux/landlock.h>
#include <stdint.h>

#define LANDLOCK_FS_REFER (1ull << 13)     // version 2
#define LANDLOCK_FS_TRUNCATE (1ull << 14)  // 3
#define LANDLOCK_FS_IOCTL_DEV (1ull << 15) // 5
#define LANDLOCK_NET_BIND (1ull << 0)      // 4
#define LANDLOCK_NET_CONNECT (1ull << 1)
#define LANDLOCK_SCOPE_UNIX (1ull << 0) // 6: abstract sockets of processes outside
#define LANDLOCK_SCOPE_SIGNAL (1ull << 1)

#define LANDLOCK_FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
// Everything that changes something. Device nodes are made nowhere, so they are never granted.
#define LANDLOCK_FS_WRITE                                                                          \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                               \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |  \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |   \
     LANDLOCK_FS_REFER | LANDLOCK_FS_TRUNCATE)
#define LANDLOCK_FS_NODES (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
// What can be granted on something that is no directory.
#define LANDLOCK_FS_OF_FILES                                                                       \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |   \
     LANDLOCK_FS_TRUNCATE | LANDLOCK_FS_IOCTL_DEV)

// What is refused unless it is granted. The layout is the kernel's; older ones take a prefix.
struct landlock_rules {
    uint64_t fs, net, scoped;
};
int landlock_abi(void); // the version of this kernel, 0 without
// A ruleset's descriptor; what the kernel does not know is taken out of *r first.
int landlock_make(struct landlock_rules *r);
// Allow `access`, as far as r handles it, on what fd (O_PATH will do) is and beneath it.
int landlock_grant(int rules_fd, const struct landlock_rules *r, int fd, uint64_t access);
int landlock_enforce(int rules_fd); // for good; needs no_new_privs
