// SPDX-License-Identifier: Apache-2.0
// pinfold backup: what the server sends is written beside the file, read again, and named when it
// is whole.
#include "archive_int.h"
#include "client_int.h"
#include "commands_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/conf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>

struct to_file {
    struct client_sink sink; // first member
    int fd;
};

static int on_bytes(struct client_sink *s, const void *p, size_t n, struct err *e)
{
    return io_write_full(((struct to_file *)s)->fd, p, n) ? err_sys(e, "write the backup") : 0;
}

static int check_into(const char *file, const char *dir, struct archive *ret, struct err *e)
{
    own_fd int in = open(file, O_RDONLY | O_CLOEXEC);
    own_fd int at = in < 0 ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || mkdirat(at, "output", 0700))
        return err_sys(e, "read %.150s", file);
    if (archive_read(in, at, ret, e) ||
        (geteuid() == 0 && archive_give(at, CONF_FALLBACK_UID, CONF_FALLBACK_UID, e)))
        return -1;
    return archive_verify(dir, e);
}

// Read it as restore would, into a directory beside it that goes again.
static int check(const char *file, struct archive *ret, struct err *e)
{
    own_free char *dir = xasprintf("%s.check-XXXXXX", file);
    if (!mkdtemp(dir))
        return err_sys(e, "make a directory beside %.150s", file);
    int r = check_into(file, dir, ret, e);
    char *slash = strrchr(dir, '/'); // a tree is removed beneath a descriptor
    if (slash)
        *slash = '\0';
    const char *at = !slash ? "." : *dir ? dir : "/";
    own_fd int parent = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)io_remove_tree(parent, slash ? slash + 1 : dir, NULL); // what is left says what it was
    return r;
}

// Files belong to sandboxes' ids and carry attributes: tar knows how to keep them. It writes over
// the end of the archive.
static int add_files(const struct cli *c, const char *file, struct err *e)
{
    bool there;
    own_fd int state = host_state_look(c, &there, e);
    if (state < 0 || !there)
        return state < 0 ? -1 : err_set(e, ERR_NOT_FOUND, "there is no state directory here");
    own_free char *at = xasprintf("--directory=/proc/%d/fd/%d", (int)getpid(), state);
    own_free char *name = xasprintf("--file=%s", file);
    char *const argv[] = {(char *)(uintptr_t) "tar",
                          (char *)(uintptr_t) "--append",
                          name,
                          (char *)(uintptr_t) "--force-local",
                          at,
                          (char *)(uintptr_t) "--numeric-owner",
                          (char *)(uintptr_t) "--acls",
                          (char *)(uintptr_t) "--xattrs",
                          (char *)(uintptr_t) "--xattrs-include=*",
                          (char *)(uintptr_t) "--sparse",
                          (char *)(uintptr_t) "--one-file-system",
                          (char *)(uintptr_t) "--warning=no-file-changed",
                          (char *)(uintptr_t) "--warning=no-file-removed",
                          (char *)(uintptr_t) "dirs",
                          (char *)(uintptr_t) "layers",
                          (char *)(uintptr_t) "mirrors",
                          (char *)(uintptr_t) "strata",
                          NULL};
    int code = run_program(-1, argv, e);
    // 1: something changed while it was read, as it may.
    return code > 1 ? err_set(e, ERR_INTERNAL, "tar could not add the files") : code < 0 ? -1 : 0;
}

static int make(const struct cli *c, const char *part, struct archive *ret, struct err *e)
{
    own_fd int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct to_file to = {.sink = {on_bytes}, .fd = fd};
    if (fd < 0)
        return err_sys(e, "make %.150s", part);
    if (client_fetch(c->client, "/v1/backup", &to.sink, e) || check(part, ret, e) ||
        (cli_get(c, "files") && add_files(c, part, e)))
        return -1;
    return fsync(fd) ? err_sys(e, "write the backup to the disk") : 0;
}

static int tell(const char *file, const struct archive *a)
{
    own_buf struct buf out;
    buf_init(&out, 4096);
    (void)buf_printf(&out,
                     "%s: made by pinfold %s at %s, %llu bytes of records and output, whole\n",
                     file, a->version, a->made, (unsigned long long)a->bytes);
    return cli_print(&out);
}

int cmd_backup(struct cli *c)
{
    struct err e;
    struct archive a;
    const char *file = c->args[0];
    if (cli_get(c, "check"))
        return check(file, &a, &e) ? cli_fail(EXIT_FAILED, &e) : tell(file, &a);
    if (cli_get(c, "files") && geteuid()) {
        (void)err_set(&e, ERR_DENIED, "--files needs root, on the server's own host");
        return cli_fail(EXIT_FAILED, &e);
    }
    own_free char *part = xasprintf("%s.part", file);
    int bad = make(c, part, &a, &e);
    if (!bad && rename(part, file))
        bad = err_sys(&e, "name %.150s", file);
    if (bad)
        (void)unlink(part); // not there is fine
    return bad ? cli_fail(EXIT_FAILED, &e) : tell(file, &a);
}
