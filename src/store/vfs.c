// SPDX-License-Identifier: Apache-2.0
// SQLite's own way to files, but for one thing: it resolves a path to the real one, step by step,
// which fails when a directory above the database is closed to the server's user, as that of root
// is. Ours leaves "/proc/self/fd/N/pinfold.db" as it is: the kernel goes through the descriptor.
#include "store_int.h"

#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>

#define VFS_NAME "pinfold"

static int full_path(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    int n = snprintf(out, (size_t)room, "%s", name);
    return n < 0 || n >= room ? SQLITE_CANTOPEN : SQLITE_OK;
}

const char *store_vfs(void)
{
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find(NULL);
    if (sqlite3_vfs_find(VFS_NAME) || !unix_vfs)
        return VFS_NAME;
    sqlite3_vfs *ours = xmalloc(sizeof(*ours)); // for as long as the process lives
    memcpy(ours, unix_vfs, sizeof(*ours));
    ours->zName = VFS_NAME;
    ours->xFullPathname = full_path;
    ours->pNext = NULL;
    (void)sqlite3_vfs_register(ours, 0); // if it fails, opening says that there is no such vfs
    return VFS_NAME;
}
