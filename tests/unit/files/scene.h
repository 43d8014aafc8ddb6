// SPDX-License-Identifier: Apache-2.0
// A scratch root with a workspace in it, as an operation would see it inside a sandbox, and what
// the operation printed. Beside "workspace" stands "outside", which no operation on the
// workspace may ever touch.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <pinfold/files.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tap.h>

struct scene {
    char root[64];
    struct files f;
    struct err e;
    int root_fd, ws; // descriptors of the root and the workspace
    char *out;       // what was printed
    size_t out_len;
};

static void scene_init(struct scene *s)
{
    memset(s, 0, sizeof(*s));
    (void)snprintf(s->root, sizeof(s->root), "/tmp/pinfold-files-XXXXXX");
    if (!mkdtemp(s->root))
        abort();
    s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mkdirat(s->root_fd, "workspace", 0755) || mkdirat(s->root_fd, "outside", 0755))
        abort();
    s->ws = openat(s->root_fd, "workspace", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    s->f = (struct files){.root_fd = s->root_fd,
                          .base = "workspace",
                          .in_fd = memfd_create("in", MFD_CLOEXEC),
                          .out_fd = memfd_create("out", MFD_CLOEXEC)};
}

static void scene_release(struct scene *s)
{
    struct err e;
    (void)io_remove_tree(AT_FDCWD, s->root, &e);
    close(s->root_fd);
    close(s->ws);
    close(s->f.in_fd);
    close(s->f.out_fd);
    free(s->out);
}

// Before an operation: nothing printed yet, no error, this on stdin.
static struct files *scene_input(struct scene *s, const void *in, size_t len)
{
    memset(&s->e, 0, sizeof(s->e));
    s->f.note[0] = 0;
    free(s->out);
    s->out = NULL;
    if (ftruncate(s->f.in_fd, 0) || lseek(s->f.in_fd, 0, SEEK_SET) ||
        io_write_full(s->f.in_fd, in, len) || lseek(s->f.in_fd, 0, SEEK_SET) ||
        ftruncate(s->f.out_fd, 0) || lseek(s->f.out_fd, 0, SEEK_SET))
        abort();
    return &s->f;
}
__attribute__((unused)) static struct files *scene_ready(struct scene *s)
{
    return scene_input(s, "", 0);
}

// After it: read what was printed.
static size_t scene_output(struct scene *s)
{
    off_t n = lseek(s->f.out_fd, 0, SEEK_END);
    free(s->out);
    s->out = malloc((size_t)n + 1);
    s->out_len = (size_t)pread(s->f.out_fd, s->out, (size_t)n, 0);
    s->out[s->out_len] = 0;
    return s->out_len;
}

// The paths of all entries printed, joined by spaces, and "more" or "end" last.
__attribute__((unused)) static const char *scene_paths(struct scene *s, char *out, size_t room)
{
    size_t n = 0, len = scene_output(s);
    out[0] = 0;
    for (size_t at = 0; at < len;) {
        struct tool_record rec;
        int r = tool_record_get(s->out + at, len - at, &rec, &s->e);
        if (r <= 0)
            return "malformed";
        at += (size_t)r;
        int w = rec.type == TOOL_REC_ENTRY
                    ? snprintf(out + n, room - n, "%.*s ", (int)rec.entry.path_len, rec.entry.path)
                    : snprintf(out + n, room - n, "%s", rec.end.more ? "more" : "end");
        n += (size_t)w;
    }
    return out;
}

__attribute__((unused)) static void put_file(int at, const char *path, const char *text)
{
    own_fd int fd = openat(at, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || io_write_full(fd, text, strlen(text)))
        abort();
}

// The contents of a small file, or why there are none.
__attribute__((unused)) static const char *get_file(int at, const char *path)
{
    static char text[4096];
    own_fd int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? "(missing)" : errno == ELOOP ? "(symlink)" : "(error)";
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

__attribute__((unused)) static bool exists(int at, const char *path)
{
    struct stat st;
    return !fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW);
}

__attribute__((unused)) static unsigned mode_of(int at, const char *path)
{
    struct stat st;
    return fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_mode & 07777;
}

__attribute__((unused)) static int count_entries(int at)
{
    own_dir DIR *d = fdopendir(openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int n = 0;
    while (d && readdir(d))
        n++;
    return n - 2;
}
