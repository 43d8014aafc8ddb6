// SPDX-License-Identifier: Apache-2.0
// Reading the directory of images: files, the ones they extend, scripts and what is copied.
#include "image_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <pinfold/buf.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>

static int read_text(int dir_fd, const char *path, struct buf *b, struct err *e)
{
    // Not io_read_file: it follows symlinks, and this directory may be somebody else's.
    own_fd int fd = io_open_beneath(dir_fd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return err_sys(e, "open %s", path);
    char *to = buf_reserve(b, b->max);
    ssize_t n = to ? io_read_full(fd, to, b->max) : -1;
    if (n < 0)
        return err_sys(e, "read %s", path);
    if ((size_t)n == b->max)
        return err_set(e, ERR_LIMIT, "%s is larger than %zu bytes", path, b->max - 1);
    buf_commit(b, (size_t)n);
    return 0;
}

static int read_file(int dir_fd, const char *name, struct image_file *f, struct err *e)
{
    own_buf struct buf b;
    char path[NAME_MAX_LEN + 8];
    buf_init(&b, IMAGE_FILE_MAX);
    (void)snprintf(path, sizeof(path), "%s.image", name);
    return read_text(dir_fd, path, &b, e) ? -1 : image_file_parse(name, b.data, b.len, f, e);
}

static int read_script(int dir_fd, const char *name, char **ret, struct err *e)
{
    own_buf struct buf b;
    char path[80];
    buf_init(&b, IMAGE_FILE_MAX);
    if (!name)
        return 0;
    (void)snprintf(path, sizeof(path), "lib/%s", name);
    if (read_text(dir_fd, path, &b, e))
        return -1;
    if (memchr(b.data, 0, b.len))
        return err_set(e, ERR_BAD_REQUEST, "%s: a NUL byte", path);
    *ret = buf_steal(&b, NULL);
    return 0;
}

static int read_copies(int dir_fd, struct image_source *s, struct image_file *f, struct err *e)
{
    for (unsigned i = 0; i < f->n_lines; i++) {
        struct image_line *line = &f->lines[i];
        if (line->kind != STEP_COPY)
            continue;
        own_free char *src = NULL, *dst = NULL;
        image_copy_words(line->text, &src, &dst);
        if (image_pack(dir_fd, src, dst, &line->input, &line->input_len, e))
            return err_wrap(e, "%s.image:%u", f->name, line->line);
        s->copied += line->input_len;
        if (s->copied > IMAGE_INPUTS_MAX)
            return err_set(e, ERR_LIMIT,
                           "%s.image:%u: all copies together are larger than %u bytes", f->name,
                           line->line, IMAGE_INPUTS_MAX);
    }
    return 0;
}

static int read_agents(const struct image_settings *set, int dir_fd, struct image_source *s,
                       struct image_file *f, struct err *e)
{
    for (unsigned i = 0; i < f->n_lines; i++) {
        struct image_line *line = &f->lines[i];
        if (line->kind != STEP_AGENT)
            continue;
        line->agent = xcalloc(1, sizeof(*line->agent));
        if (!set || !set->profiles_fd)
            return err_set(e, ERR_BAD_REQUEST, "%s.image:%u: no files of agents are at hand",
                           f->name, line->line);
        if (agent_source_load(set->profiles_fd, line->text, line->agent, e))
            return err_wrap(e, "%s.image:%u", f->name, line->line);
        if (!*line->agent->packages)
            return err_set(e, ERR_BAD_REQUEST,
                           "%s.image:%u: agent %s is in no registry; install it with a Run= or "
                           "Copy= step",
                           f->name, line->line, line->text);
        if (!s->scripts.agent && read_script(dir_fd, "agent-npm.sh", &s->scripts.agent, e))
            return -1;
    }
    return 0;
}

// The file of that name and those it extends, then turned round: base first.
static int read_chain(int dir_fd, const struct image_settings *set, struct image_source *s,
                      struct err *e)
{
    char name[NAME_MAX_LEN + 1];
    (void)snprintf(name, sizeof(name), "%s", s->name);
    while (*name) {
        if (s->n_chain == IMAGE_CHAIN_MAX)
            return err_set(e, ERR_BAD_REQUEST,
                           "%s.image: more than %d images extend one another, or they go round "
                           "in a circle",
                           s->name, IMAGE_CHAIN_MAX);
        struct image_file *f = xcalloc(1, sizeof(*f));
        s->chain[s->n_chain++] = f;
        if (read_file(dir_fd, name, f, e) || read_copies(dir_fd, s, f, e) ||
            read_agents(set, dir_fd, s, f, e)) {
            if (s->n_chain > 1 && e)
                return err_wrap(e, "%s.image extends %s", s->chain[s->n_chain - 2]->name, name);
            return -1;
        }
        (void)snprintf(name, sizeof(name), "%s", f->extends);
    }
    for (unsigned i = 0; i < s->n_chain / 2; i++) {
        struct image_file *f = s->chain[i];
        s->chain[i] = s->chain[s->n_chain - 1 - i];
        s->chain[s->n_chain - 1 - i] = f;
    }
    return 0;
}

static int read_all(int dir_fd, const struct image_settings *set, struct image_source *s,
                    struct err *e)
{
    if (!name_ok(s->name))
        return err_set(e, ERR_NOT_FOUND, "'%.70s' is not the name of an image", s->name);
    if (read_chain(dir_fd, set, s, e))
        return -1;
    const struct image_base_row *row = &image_bases[s->chain[0]->base];
    if (read_script(dir_fd, row->bootstrap, &s->scripts.bootstrap, e) ||
        read_script(dir_fd, row->configure, &s->scripts.configure, e) ||
        read_script(dir_fd, row->packages, &s->scripts.packages, e))
        return -1;
    const struct image_file *base = s->chain[0];
    s->mirror = set && set->mirror ? set->mirror(set->arg, base->name) : NULL;
    if (!s->mirror || !*s->mirror)
        s->mirror = base->mirror;
    else if (image_check_url(s->mirror, e))
        return err_wrap(e, "mirror of %s", base->name);
    if (!strcmp(base->keyring, "none") && !*s->mirror)
        return err_set(e, ERR_BAD_REQUEST, "%s.image: Keyring=none needs a Mirror=", base->name);
    return 0;
}

struct image *image_load(int dir_fd, const char *name, const struct image_settings *set,
                         struct err *e)
{
    struct image_source s = {
        .name = name, .arch = set ? set->arch : NULL, .salt = set ? set->salt : NULL};
    struct image *im = read_all(dir_fd, set, &s, e) ? NULL : image_assemble(&s, e);
    for (unsigned i = 0; i < s.n_chain; i++) {
        image_file_release(s.chain[i]);
        free(s.chain[i]);
    }
    free(s.scripts.bootstrap);
    free(s.scripts.configure);
    free(s.scripts.packages);
    free(s.scripts.agent);
    return im;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int image_list(int dir_fd, char ***ret, unsigned *ret_n, struct err *e)
{
    static const char suffix[] = ".image";
    own_fd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    own_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_sys(e, "list the images");
    (void)fd_steal(&fd); // the stream has it now
    struct strings names = {0};
    for (struct dirent *de; (de = readdir(d));) {
        size_t n = strlen(de->d_name), cut = sizeof(suffix) - 1;
        if (n <= cut || strcmp(de->d_name + n - cut, suffix))
            continue;
        de->d_name[n - cut] = '\0';
        if (name_ok(de->d_name))
            strings_add(&names, de->d_name);
    }
    if (names.n)
        qsort(names.v, names.n, sizeof(*names.v), by_name);
    *ret = names.v;
    *ret_n = names.n;
    return 0;
}

void image_list_free(char **names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
