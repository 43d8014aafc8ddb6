// SPDX-License-Identifier: Apache-2.0
// Reading backups. They are read as what a stranger wrote: names of one form, plain files only.
#include "archive_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/conf.h>
#include <pinfold/crypt.h>
#include <pinfold/io.h>
#include <pinfold/keyfile.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/ustar.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FORMAT 1
#define MANIFEST "pinfold-backup"
#define DATABASE "pinfold.db"
#define OUTPUT "output/"
#define MANIFEST_MAX 4096
#define COPY_BYTES (64 * 1024)

static int not_whole(const char *how, struct err *e)
{
    return err_set(e, ERR_BAD_REQUEST, "this is no whole backup: %s", how);
}

static int read_block(int fd, char *block, struct err *e)
{
    ssize_t n = io_read_full(fd, block, USTAR_BLOCK);
    if (n < 0)
        return err_sys(e, "read the backup");
    return n == USTAR_BLOCK ? 0 : not_whole("it ends too early", e);
}

static bool name_ok(const char *name)
{
    if (!strcmp(name, DATABASE))
        return true;
    size_t n = strlen(OUTPUT);
    return !strncmp(name, OUTPUT, n) && name[n] && name[n] != '.' &&
           !name[n + strspn(name + n, "abcdefghijklmnopqrstuvwxyz0123456789_.")];
}

// The file's bytes and its padding, through the digest, to `out` unless that is -1.
static int copy(int fd, int out, uint64_t size, struct sha256 *sum, struct err *e)
{
    static char data[COPY_BYTES];
    uint64_t left = size + ustar_padding(size);
    while (left) {
        size_t want = left < sizeof(data) ? (size_t)left : sizeof(data);
        ssize_t n = io_read_full(fd, data, want);
        if (n < 0)
            return err_sys(e, "read the backup");
        if ((size_t)n < want)
            return not_whole("it ends too early", e);
        sha256_add(sum, data, want);
        size_t keep = size < want ? (size_t)size : want;
        if (out >= 0 && io_write_full(out, data, keep))
            return err_sys(e, "unpack the backup");
        size -= keep;
        left -= want;
    }
    return 0;
}

static int take_file(int fd, int into_fd, const struct ustar *u, struct sha256 *sum, struct err *e)
{
    own_fd int out = -1;
    if (!name_ok(u->name))
        return err_set(e, ERR_BAD_REQUEST, "a backup has no file '%.100s'", u->name);
    if (into_fd >= 0) {
        out = io_open_beneath(into_fd, u->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (out < 0)
            return err_sys(e, "make %.100s", u->name);
    }
    return copy(fd, out, u->size, sum, e);
}

struct manifest {
    struct archive *ret;
    uint64_t format;
    char sum[SHA256_HEX];
};

static int manifest_line(struct manifest *m, const struct keyfile_entry *en, struct err *e)
{
    const struct {
        const char *key;
        uint64_t *number;
        char *text;
        size_t room;
    } rows[] = {
        {"Format", &m->format, NULL, 0},
        {"Schema", &m->ret->schema, NULL, 0},
        {"Files", &m->ret->files, NULL, 0},
        {"Version", NULL, m->ret->version, sizeof(m->ret->version)},
        {"Made", NULL, m->ret->made, sizeof(m->ret->made)},
        {"SHA256", NULL, m->sum, sizeof(m->sum)},
    };
    for (size_t i = 0; i < N_ELEMS(rows); i++) {
        if (strcmp(rows[i].key, en->key ? en->key : ""))
            continue;
        if (rows[i].number)
            return num_parse_u64(en->value, 0, UINT64_MAX, rows[i].number, e);
        (void)snprintf(rows[i].text, rows[i].room, "%s", en->value);
        return 0;
    }
    return 0; // of a later version: no harm
}

static int read_manifest(int fd, uint64_t size, struct manifest *m, struct err *e)
{
    char text[MANIFEST_MAX];
    struct keyfile k;
    struct keyfile_entry en;
    size_t padded = size + ustar_padding(size);
    if (padded > sizeof(text) || io_read_full(fd, text, padded) != (ssize_t)padded)
        return not_whole("its manifest is cut", e);
    if (keyfile_init(&k, MANIFEST, text, size, e))
        return -1;
    int r;
    while ((r = keyfile_next(&k, &en, e)) > 0 && !(r = manifest_line(m, &en, e)))
        ;
    keyfile_release(&k);
    if (r < 0)
        return -1;
    if (m->format > FORMAT)
        return err_set(e, ERR_CONFLICT, "the backup has format %llu, made by a newer pinfold (%s)",
                       (unsigned long long)m->format, m->ret->version);
    return m->format == FORMAT ? 0 : not_whole("its manifest has no format", e);
}

int archive_read(int fd, int into_fd, struct archive *ret, struct err *e)
{
    char block[USTAR_BLOCK], hex[SHA256_HEX];
    unsigned char digest[SHA256_LEN];
    struct sha256 sum;
    struct ustar u;
    bool database = false;
    uint64_t outputs = 0;
    *ret = (struct archive){0};
    struct manifest m = {.ret = ret};
    sha256_init(&sum);
    for (;;) {
        if (read_block(fd, block, e))
            return -1;
        int r = ustar_get(block, &u, e);
        if (r <= 0)
            return r ? -1 : not_whole("it has no manifest", e);
        if (!strcmp(u.name, MANIFEST))
            break;
        sha256_add(&sum, block, sizeof(block));
        if (take_file(fd, into_fd, &u, &sum, e))
            return -1;
        ret->bytes += u.size;
        database = database || !strcmp(u.name, DATABASE);
        outputs += strcmp(u.name, DATABASE) != 0;
    }
    sha256_end(&sum, digest);
    if (read_manifest(fd, u.size, &m, e))
        return -1;
    if (!database || outputs != ret->files)
        return not_whole("files are missing from it", e);
    if (strcmp(hex_encode(digest, sizeof(digest), hex), m.sum))
        return not_whole("its digest is another", e);
    return 0;
}

// --- what is run ------------------------------------------------------------------------------

int run_program(int bin_dir, char *const *argv, struct err *e)
{
    char *const no_env[] = {NULL};
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (bin_dir >= 0)
            (void)syscall(SYS_execveat, bin_dir, argv[0], argv, no_env, 0);
        else
            (void)execvp(argv[0], argv);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return err_sys(e, "wait for %s", argv[0]);
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
        return err_set(e, ERR_INTERNAL, "%s cannot be run", argv[0]);
    return WEXITSTATUS(status);
}

int archive_verify(const char *dir, struct err *e)
{
    own_fd int bin = conf_bin_dir(e);
    if (bin < 0)
        return -1;
    own_free char *where = realpath(dir, NULL); // exec's working directory is ours
    char *const argv[] = {(char *)(uintptr_t) "pinfold-server", (char *)(uintptr_t) "--verify",
                          where, NULL};
    if (!where)
        return err_sys(e, "find %.150s", dir);
    int code = run_program(bin, argv, e);
    if (code > 0)
        return err_set(e, ERR_BAD_REQUEST, "the backup's database cannot be used");
    return code;
}

static int give_in(int fd, uint32_t uid, uint32_t gid, struct err *e)
{
    int copy_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = copy_fd < 0 ? NULL : fdopendir(copy_fd);
    if (!d)
        return err_sys(e, "list what was unpacked");
    for (struct dirent *de; (de = readdir(d));)
        if (*de->d_name != '.' && fchownat(fd, de->d_name, uid, gid, AT_SYMLINK_NOFOLLOW))
            return err_sys(e, "give %.100s to the server's user", de->d_name);
    return 0;
}

int archive_give(int dir_fd, uint32_t uid, uint32_t gid, struct err *e)
{
    own_fd int out = openat(dir_fd, "output", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out < 0)
        return err_sys(e, "open what was unpacked");
    if (give_in(out, uid, gid, e) || give_in(dir_fd, uid, gid, e))
        return -1;
    return fchown(dir_fd, uid, gid) ? err_sys(e, "give the directory to the server's user") : 0;
}
