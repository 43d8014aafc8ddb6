// SPDX-License-Identifier: Apache-2.0
// The bare mirror: made of a few files of our own, so that no template and no configuration of
// the machine gets into it. Its objects are borrowed by workspaces, so they are only ever added.
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define CONFIG                                                                                     \
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"                    \
    "[gc]\n\tauto = 0\n\tpruneExpire = never\n"

static int make_dir(int at, const char *name, struct err *e)
{
    if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
        return err_sys(e, "make the mirror's directory %s", name);
    return 0;
}

static int make_file(int at, const char *name, const char *text, struct err *e)
{
    struct stat st;
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return io_replace_file(at, name, text, strlen(text), 0644, e);
}

static int make_missing(int fd, struct err *e)
{
    static const char *const dirs[] = {"objects", "objects/info", "objects/pack",
                                       "refs",    "refs/heads",   "refs/tags"};
    for (size_t i = 0; i < N_ELEMS(dirs); i++)
        if (make_dir(fd, dirs[i], e) < 0)
            return -1;
    if (make_file(fd, "config", CONFIG, e) < 0)
        return -1;
    return make_file(fd, "HEAD", "ref: refs/heads/main\n", e);
}

static bool is_pack_file(const char *name)
{
    size_t hex = strspn(name + (strncmp(name, "pack-", 5) ? 0 : 5), "0123456789abcdef");
    return !strncmp(name, "pack-", 5) && hex == 40 &&
           (!strcmp(name + 45, ".pack") || !strcmp(name + 45, ".idx"));
}

// What was being written when a predecessor was killed has a name that nobody looks for.
static int remove_leftovers(int fd, struct err *e)
{
    own_fd int pack = openat(fd, "objects/pack", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = pack < 0 ? NULL : fdopendir(pack);
    if (!d)
        return err_sys(e, "open the mirror's packs");
    pack = -1; // the stream owns it
    for (const struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.' || is_pack_file(entry->d_name))
            continue;
        if (unlinkat(dirfd(d), entry->d_name, 0) < 0)
            return err_sys(e, "remove what an interrupted fetch left");
    }
    return 0;
}

// A mirror without references was never finished, so nobody borrows from it. What is in it may be
// half a copy, and a commit there would be taken for a sign that all it needs is there.
static int remove_unfinished(int fd, struct err *e)
{
    struct stat st;
    if (fstatat(fd, "packed-refs", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > REFS_EMPTY_SIZE)
        return 0;
    return io_remove_tree(fd, "objects", e);
}

// Two fetches of one repository wait for each other; the deadline goes on.
static int lock(struct mirror *m, struct err *e)
{
    m->lock_fd = openat(m->fd, "pinfold.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (m->lock_fd < 0)
        return err_sys(e, "open the mirror's lock");
    while (flock(m->lock_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_sys(e, "lock the mirror");
    return 0;
}

static int open_library(struct job *j, struct mirror *m, struct err *e)
{
    if (git_repository_open_bare(&m->repo, m->path) < 0 || git_repository_odb(&m->odb, m->repo) < 0)
        return lib_fail(j, e, "open the mirror");
    return 0;
}

int mirror_open(struct job *j, struct mirror *m, const char *path, bool create, struct err *e)
{
    size_t len = strlen(path);
    if (len >= sizeof(m->path))
        return err_set(e, ERR_LIMIT, "the mirror's path is too long");
    memcpy(m->path, path, len + 1);
    m->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->fd < 0)
        return err_sys(e, "open the mirror");
    if (create && (lock(m, e) < 0 || remove_unfinished(m->fd, e) < 0 ||
                   make_missing(m->fd, e) < 0 || remove_leftovers(m->fd, e) < 0))
        return -1;
    return open_library(j, m, e);
}

void mirror_release(struct mirror *m)
{
    git_odb_free(m->odb);
    git_repository_free(m->repo);
    fd_close(&m->lock_fd);
    fd_close(&m->fd);
    m->odb = NULL;
    m->repo = NULL;
}

// A reference that is neither a branch nor a tag is fetched only when it is asked for.
static void extra_ref(const char *ref, char ret[REPO_REF_MAX])
{
    enum repo_ref_kind kind;
    ret[0] = '\0';
    if (repo_ref_check(ref, strlen(ref), &kind, NULL) < 0)
        return;
    if (kind == REPO_REF_FULL && strncmp(ref, "refs/heads/", 11) && strncmp(ref, "refs/tags/", 10))
        (void)snprintf(ret, REPO_REF_MAX, "%s", ref); // checked above
    else if (kind == REPO_REF_NAME && strchr(ref, '/') && strlen(ref) + 6 < REPO_REF_MAX)
        (void)snprintf(ret, REPO_REF_MAX, "refs/%s", ref);
}

static int write_head(int fd, const char *head, struct err *e)
{
    char text[REPO_REF_MAX + 16];
    if (!head[0])
        return 0;
    own_buf struct buf old = {0};
    buf_init(&old, sizeof(text));
    int n = snprintf(text, sizeof(text), "ref: %s\n", head); // has room
    if (io_read_file(fd, "HEAD", &old, NULL) == 0 && !strcmp(old.data, text))
        return 0;
    return io_replace_file(fd, "HEAD", text, (size_t)n, 0644, e);
}

// A commit id that no branch or tag leads to: some servers give it when asked for by its id.
static bool lacks_commit(const struct mirror *m, const char *ref, git_oid *ret)
{
    enum repo_ref_kind kind;
    return repo_ref_check(ref, strlen(ref), &kind, NULL) == 0 && kind == REPO_REF_COMMIT &&
           git_oid_fromstr(ret, ref) == 0 && !git_odb_exists(m->odb, ret);
}

static int get_objects(struct job *j, struct mirror *m, struct source *s, const char *ref,
                       struct err *e)
{
    git_oid wanted;
    if (s->url->scheme == REPO_FILE)
        return fetch_local(j, m, s, e);
    if (fetch_remote(j, m, s, e) < 0)
        return -1;
    (void)git_odb_refresh(m->odb); // a failure shows as missing objects
    if (!lacks_commit(m, ref, &wanted))
        return 0;
    struct source again = *s;
    again.wanted = &wanted;
    // A server that does not give it says so in its own words; resolve says it in ours.
    struct err refused = {0};
    if (fetch_remote(j, m, &again, &refused) < 0 && refused.code != ERR_BAD_REQUEST) {
        *e = refused;
        return -1;
    }
    j->detail[0] = '\0';
    return 0;
}

int mirror_update(struct job *j, struct mirror *m, const struct repo_url *url, const char *ref,
                  struct err *e)
{
    char extra[REPO_REF_MAX], head[REPO_REF_MAX] = "";
    struct refs refs;
    struct source s = {.url = url, .extra = extra, .refs = &refs, .head = head};
    extra_ref(ref, extra);
    refs_init(&refs);
    int r = get_objects(j, m, &s, ref, e);
    if (r == 0) {
        (void)git_odb_refresh(m->odb); // a failure shows as missing objects
        refs_sort(&refs);
        refs_settle(&refs, m->repo);
        r = refs_write(&refs, m->fd, e);
    }
    if (r == 0)
        r = write_head(m->fd, head, e);
    refs_release(&refs);
    return r;
}
