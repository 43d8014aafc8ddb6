// SPDX-License-Identifier: Apache-2.0
// pinfold restore: unpacks beside what is there, checks it, and only then puts it in its place.
#include "archive_int.h"
#include "commands_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/conf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define NEW "server.restored"
#define OLD "server.before"

// pinfoldd locks "layers" as long as it lives, its processes their directories.
static int lock(int state, const char *part, struct err *e)
{
    int fd = openat(state, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return err_sys(e, "open %s", part);
    if (!flock(fd, LOCK_EX | LOCK_NB))
        return 0; // held, with the descriptor, until this process ends
    if (errno != EWOULDBLOCK)
        return err_sys(e, "lock %s", part);
    return err_set(e, ERR_CONFLICT, "pinfoldd uses this state directory: stop it first");
}

static int unpack(int state, const char *file, struct archive *ret, struct err *e)
{
    own_fd int in = open(file, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return err_sys(e, "open %.150s", file);
    if (io_remove_tree(state, NEW, e))
        return -1;
    if (mkdirat(state, NEW, 0700) || mkdirat(state, NEW "/output", 0700))
        return err_sys(e, "make a directory to unpack into");
    own_fd int at = io_open_beneath(state, NEW, O_RDONLY | O_DIRECTORY, 0);
    if (at < 0)
        return err_sys(e, "open the directory to unpack into");
    struct stat st = {.st_uid = 0};
    if (fstatat(state, "server", &st, AT_SYMLINK_NOFOLLOW) || !st.st_uid)
        st.st_uid = st.st_gid = CONF_FALLBACK_UID;
    own_free char *dir = xasprintf("/proc/%d/fd/%d", (int)getpid(), at);
    if (archive_read(in, at, ret, e) || archive_give(at, st.st_uid, st.st_gid, e) ||
        archive_verify(dir, e))
        return -1;
    return syncfs(at) ? err_sys(e, "write to the disk") : 0;
}

// What was there stays as OLD, until the next time.
static int put_in_place(int state, struct err *e)
{
    if (io_remove_tree(state, OLD, e))
        return -1;
    bool first = renameat2(state, NEW, state, "server", RENAME_NOREPLACE) == 0;
    if (!first && (errno != EEXIST || renameat2(state, NEW, state, "server", RENAME_EXCHANGE) ||
                   renameat(state, NEW, state, OLD)))
        return err_sys(e, "put it in place");
    return fsync(state) ? err_sys(e, "write to the disk") : 0;
}

static int unpack_files(int state, const char *file, struct err *e)
{
    own_free char *at = xasprintf("--directory=/proc/%d/fd/%d", (int)getpid(), state);
    own_free char *name = xasprintf("--file=%s", file);
    char *const argv[] = {(char *)(uintptr_t) "tar",
                          (char *)(uintptr_t) "--extract",
                          name,
                          (char *)(uintptr_t) "--force-local",
                          at,
                          (char *)(uintptr_t) "--numeric-owner",
                          (char *)(uintptr_t) "--same-owner",
                          (char *)(uintptr_t) "--preserve-permissions",
                          (char *)(uintptr_t) "--acls",
                          (char *)(uintptr_t) "--xattrs",
                          (char *)(uintptr_t) "--xattrs-include=*",
                          (char *)(uintptr_t) "dirs",
                          (char *)(uintptr_t) "layers",
                          (char *)(uintptr_t) "mirrors",
                          (char *)(uintptr_t) "strata",
                          NULL};
    int code = run_program(-1, argv, e);
    return code > 0 ? err_set(e, ERR_INTERNAL, "tar could not unpack the files") : code;
}

static int restore(const struct cli *c, struct archive *ret, struct err *e)
{
    static const char *const parts[] = {"layers", "server", "."};
    own_fd int state = host_state_dir(c, e);
    if (state < 0)
        return -1;
    for (size_t i = 0; i < N_ELEMS(parts); i++)
        if (lock(state, parts[i], e))
            return -1;
    bool files = cli_get(c, "files") != NULL;
    int bad = unpack(state, c->args[0], ret, e) || (files && unpack_files(state, c->args[0], e)) ||
              put_in_place(state, e);
    if (bad)
        (void)io_remove_tree(state, NEW, NULL); // the first error is the one to report
    return bad ? -1 : 0;
}

int cmd_restore(struct cli *c)
{
    struct err e;
    struct archive a;
    own_buf struct buf out;
    buf_init(&out, 4096);
    if (restore(c, &a, &e))
        return cli_fail(EXIT_FAILED, &e);
    (void)buf_printf(&out,
                     "restored: made by pinfold %s at %s, %llu bytes of records and output; what "
                     "was there is in " OLD "\n",
                     a.version, a.made, (unsigned long long)a.bytes);
    return cli_print(&out);
}
