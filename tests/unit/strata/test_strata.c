// SPDX-License-Identifier: Apache-2.0
// Directories that stand on strata: copied, merged, discarded, swept.
#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/strata.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <tap.h>

static char root[] = "/tmp/pinfold-strata-XXXXXX";
static struct strata_place place;
static int root_fd;

static int make(int at, const char *name)
{
    if (mkdirat(at, name, 0755))
        abort();
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_dir(const char *dir)
{
    return openat(place.dirs_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(const char *path, const char *text)
{
    own_fd int fd = openat(place.dirs_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || io_write_full(fd, text, strlen(text)))
        abort();
}

static void new_dir(const char *dir)
{
    own_fd int fd = make(place.dirs_fd, dir);
    own_fd int upper = make(fd, "upper"), files = make(fd, "files");
    (void)upper, (void)files;
}

static int copy(const char *from, const char *to, struct err *e)
{
    own_fd int fd = open_dir(from), new_fd = make(place.dirs_fd, to);
    return strata_copy(&place, from, &fd, new_fd, e);
}

static unsigned chain(const char *dir, struct strata *s)
{
    struct err e = {0};
    own_fd int fd = open_dir(dir);
    s->n = 99;
    (void)strata_chain(&place, fd, s, &e);
    return s->n;
}

static unsigned count(int at)
{
    unsigned n = 0;
    own_dir DIR *d = fdopendir(openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *de; (de = readdir(d));)
        n += de->d_name[0] != '.';
    return n;
}

static void discard(const char *dir)
{
    struct err e = {0};
    if (renameat(place.dirs_fd, dir, place.trash_fd, dir) || strata_discard(&place, dir, &e))
        abort();
}

// What is at a path of a stratum: its content, "dir", "whiteout", or "" for nothing.
static const char *in_stratum(const char *id, const char *path)
{
    static char text[64], full[200];
    struct stat st;
    snprintf(full, sizeof(full), "%s/%s", id, path);
    if (fstatat(place.strata_fd, full, &st, AT_SYMLINK_NOFOLLOW))
        return "";
    if (S_ISDIR(st.st_mode))
        return "dir";
    if (S_ISCHR(st.st_mode))
        return "whiteout";
    own_fd int fd = openat(place.strata_fd, full, O_RDONLY | O_CLOEXEC);
    ssize_t n = io_read_full(fd, text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

static void copies(void)
{
    struct err e = {0};
    struct strata a, b;
    new_dir("ws_a");
    is_int(copy("ws_a", "ws_0", &e), 0, "an empty directory is copied");
    is_int((int)chain("ws_0", &a), 0, "and stands on nothing");
    put("ws_a/files/f", "one");
    if (fchmodat(place.dirs_fd, "ws_a/files", 0751, 0))
        abort();
    is_int(copy("ws_a", "ws_b", &e), 0, "a directory is copied");
    ok(chain("ws_a", &a) == 1 && chain("ws_b", &b) == 1 && !strcmp(a.ids[0], b.ids[0]),
       "both stand on one stratum");
    is_str(in_stratum(a.ids[0], "files/f"), "one", "which has the content");
    struct stat st;
    ok(faccessat(place.dirs_fd, "ws_a/files/f", F_OK, 0) && errno == ENOENT, "they are empty");
    ok(!fstatat(place.dirs_fd, "ws_b/files", &st, 0) && (st.st_mode & 07777) == 0751,
       "a part keeps its mode");
    ok(!fstatat(place.dirs_fd, "ws_b/files_work", &st, 0), "and has its work directory");
    is_int(copy("ws_b", "ws_c", &e), 0, "what has not changed is copied");
    is_int((int)chain("ws_c", &b), 1, "without another stratum");
    discard("ws_a");
    discard("ws_c");
    is_int((int)count(place.strata_fd), 1, "a stratum stays while one stands on it");
    discard("ws_b");
    discard("ws_0");
    is_int((int)count(place.strata_fd), 0, "and goes with the last one");
    is_int((int)count(place.trash_fd), 0, "nothing stays in the trash");
}

// Each generation writes one file more, replaces one, deletes one as overlayfs would.
static void generation(unsigned i)
{
    char path[64], text[16];
    snprintf(text, sizeof(text), "%u", i);
    snprintf(path, sizeof(path), "ws_p/files/f%u", i);
    put(path, text);
    put("ws_p/files/same", text);
    own_fd int dir = openat(place.dirs_fd, "ws_p/files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof(path), "f%u", i - 2);
    if (i > 2 && mknodat(dir, path, S_IFCHR, 0))
        abort();
    own_fd int sub = make(dir, "sub");
    if (i > 1 && fsetxattr(sub, "user.overlay.opaque", "y", 1, 0) && errno != ENOTSUP)
        abort();
    own_fd int file = openat(sub, text, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    (void)file; // it is there, which is enough
}

static void merges(void)
{
    struct err e = {0};
    struct strata s;
    unsigned most = 0;
    char name[16], path[64], value[2];
    new_dir("ws_p");
    put("ws_p/files/base", "base");
    put("ws_p/upper/etc", "etc");
    for (unsigned i = 1; i <= STRATA_MAX + 2; i++) {
        generation(i);
        snprintf(name, sizeof(name), "ws_%u", i);
        if (copy("ws_p", name, &e))
            break;
        most = chain("ws_p", &s) > most ? s.n : most;
    }
    is_str(e.text, "", "a directory is copied more often than strata may lie on each other");
    is_int((int)most, STRATA_MAX, "the bound is kept");
    is_int((int)chain("ws_p", &s), 4, "those above the lowest one became one");
    is_str(in_stratum(s.ids[3], "files/base"), "base", "the lowest is as it was");
    is_str(in_stratum(s.ids[3], "upper/etc"), "etc", "in both parts");
    snprintf(path, sizeof(path), "%d", STRATA_MAX);
    is_str(in_stratum(s.ids[2], "files/same"), path, "the last write counts");
    snprintf(path, sizeof(path), "files/f%d", STRATA_MAX - 1);
    ok(*in_stratum(s.ids[2], path), "what was written in between is there");
    is_str(in_stratum(s.ids[2], "files/f1"), "whiteout", "what was deleted hides the lowest one's");
    is_str(in_stratum(s.ids[2], "files/f5"), "whiteout", "or that of another one");
    snprintf(path, sizeof(path), "files/sub/%d", STRATA_MAX);
    ok(*in_stratum(s.ids[2], "files/sub"), "a directory that was made anew");
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", s.ids[2], "files/sub/5");
    ok(fstatat(place.strata_fd, path, &st, 0) && errno == ENOENT,
       "has nothing of its earlier life");
    char full[80];
    snprintf(full, sizeof(full), "%s/strata/%s/files/sub", root, s.ids[2]);
    ssize_t n = getxattr(full, "user.overlay.opaque", value, sizeof(value));
    ok(n == 1 || errno == ENOTSUP, "and hides the lowest one's");
    is_int(strata_discard_old(&place, &e), 0, "what the merge replaced goes");
    is_int((int)count(place.trash_fd), 0, "from the trash");
    is_int((int)chain("ws_5", &s), 5, "an early copy stands where it stood");
    is_str(in_stratum(s.ids[0], "files/same"), "5", "with its own content");
    for (unsigned i = 1; i <= STRATA_MAX + 2; i++) {
        snprintf(name, sizeof(name), "ws_%u", i);
        discard(name);
    }
    is_int((int)count(place.strata_fd), 4, "with the copies, their strata go");
    discard("ws_p");
    is_int((int)count(place.strata_fd), 0, "with the parent, all");
}

// A process that was killed leaves what a sweep finds.
static void sweeps(void)
{
    struct err e = {0};
    struct strata s;
    char id[ID_MAX];
    new_dir("ws_k");
    put("ws_k/files/f", "kept");
    if (symlinkat("str_00000000000000000000", open_dir("ws_k"), "self"))
        abort();
    own_fd int half = make(place.strata_fd, id_make("str", id)); // killed before its mark
    (void)half;
    own_fd int marked = make(place.strata_fd, id_make("str", id)); // before anybody stood on it
    if (symlinkat(id, marked, "self"))
        abort();
    is_int(copy("ws_k", "ws_l", &e), 0, "a freeze that was cut off is done again");
    own_fd int child = open_dir("ws_l");
    is_int(strata_sweep(&place, &e), 0, "a sweep");
    is_int((int)count(place.strata_fd), 1, "removes what nobody stands on");
    is_int((int)chain("ws_k", &s), 1, "and nothing else");
    is_str(in_stratum(s.ids[0], "files/f"), "kept", "the content is there");
    discard("ws_k");
    if (unlinkat(child, "below", 0)) // killed between the removal of a directory and its strata
        abort();
    is_int(strata_sweep(&place, &e), 0, "a sweep");
    is_int((int)count(place.strata_fd), 0, "ends a removal that was cut off");
}

int main(void)
{
    if (!mkdtemp(root))
        abort();
    root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    place = (struct strata_place){make(root_fd, "dirs"), make(root_fd, "strata"),
                                  make(root_fd, "trash")};
    copies();
    merges();
    sweeps();
    struct err e;
    (void)io_remove_tree(AT_FDCWD, root, &e);
    return done_testing();
}
