// SPDX-License-Identifier: Apache-2.0
// What commands without a server need of this host: profiles, images, the sandbox's own set-up.
// Settings come from pinfold.conf where there is one, so that both ways see the same files.
#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/box.h>
#include <pinfold/conf.h>
#include <pinfold/image.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <string.h>
#include <sys/stat.h>

// None, or not ours to read: the defaults.
static int settings(struct conf *ret, struct err *e)
{
    struct err why = {0};
    if (!conf_read(ret, CONF_DEFAULT_FILE, &why) || why.code != ERR_BAD_REQUEST)
        return 0;
    return err_set(e, why.code, "%s", why.text);
}

int host_profiles_dir(struct err *e)
{
    struct conf c;
    return settings(&c, e) ? -1 : conf_open_data(c.profiles_dir, "profiles", e);
}

int host_images_dir(struct err *e)
{
    struct conf c;
    return settings(&c, e) ? -1 : conf_open_data(c.images_dir, "images", e);
}

int host_state_dir(const struct cli *c, struct err *e)
{
    struct conf conf;
    if (settings(&conf, e))
        return -1;
    const char *path = cli_get(c, "state") ? cli_get(c, "state") : conf.state_dir;
    if (mkdir(path, 0700) && errno != EEXIST)
        return err_sys(e, "make the state directory %.150s", path);
    own_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, "open the state directory %.150s", path);
    if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
        return err_set(e, ERR_DENIED, "%.150s must belong to root and be writable by root alone",
                       path);
    return fd_steal(&fd);
}

int host_state_look(const struct cli *c, bool *ret_there, struct err *e)
{
    struct conf conf;
    if (settings(&conf, e))
        return -1;
    own_free char *path = xstrdup(cli_get(c, "state") ? cli_get(c, "state") : conf.state_dir);
    *ret_there = true;
    for (;;) {
        int fd = open(*path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char *slash = strrchr(path, '/');
        if (fd >= 0 || errno != ENOENT || !slash)
            return fd < 0 ? err_sys(e, "open %.150s", path) : fd;
        *slash = '\0';
        *ret_there = false;
    }
}

int host_profile(const char *name, struct profile **ret, struct err *e)
{
    own_fd int dir = host_profiles_dir(e);
    if (dir < 0)
        return -1;
    if (strchr(name, '/'))
        return profile_load_file(AT_FDCWD, name, dir, ret, e);
    own_free char *file = xasprintf("%s.profile", name);
    if (!name_ok(name) || (faccessat(dir, file, F_OK, 0) && errno == ENOENT))
        return err_set(e, ERR_NOT_FOUND, "there is no profile %.64s", name);
    return profile_load_file(dir, file, dir, ret, e);
}

static int load_profiles(struct host *h, const struct profile *only, struct err *e)
{
    if (only) {
        h->profiles = xmalloc(sizeof(*only));
        *h->profiles = *only;
        h->n_profiles = 1;
        return only->internal ? err_set(e, ERR_NOT_FOUND, "there is no profile %.64s", only->name)
                              : 0;
    }
    own_fd int dir = host_profiles_dir(e);
    return dir < 0 ? -1 : profile_load_dir(dir, &h->profiles, &h->n_profiles, e);
}

int host_open(struct host *h, const struct cli *c, const struct profile *only, struct err *e)
{
    *h = (struct host){.conf = xmalloc(sizeof(*h->conf)), .state_fd = -1};
    if (load_profiles(h, only, e) || settings(h->conf, e))
        return -1;
    h->state_fd = host_state_dir(c, e);
    own_fd int helpers = h->state_fd < 0 ? -1 : conf_bin_dir(e);
    if (helpers < 0)
        return -1;
    struct box_host_conf bc = {
        .state_fd = h->state_fd,
        .helper_fd = helpers,
        .group = "pinfold-run",
        .id_base = (uint32_t)h->conf->id_base,
        .id_ranges = (uint32_t)h->conf->id_ranges,
        .net_pool = h->conf->network_range,
        .name_servers = h->conf->name_servers,
        .repo_roots = "",
        .profiles = h->profiles,
        .n_profiles = h->n_profiles,
    };
    h->boxes = box_host_open(&bc, e);
    if (!h->boxes)
        return -1;
    box_sweep(h->boxes);
    return 0;
}

void host_close(struct host *h)
{
    box_host_free(h->boxes);
    free(h->profiles);
    free(h->conf);
    fd_close(&h->state_fd);
    *h = (struct host){0};
}

struct mirrors {
    const struct conf *conf;
    const char *given; // of the command line
};
static const char *mirror_of(void *arg, const char *image)
{
    const struct mirrors *m = arg;
    if (m->given)
        return m->given;
    for (uint64_t i = 0; i < m->conf->n_mirrors; i++)
        if (!strcmp(m->conf->mirrors[i].image, image))
            return m->conf->mirrors[i].url;
    return NULL;
}

struct image *host_image(const char *name, const char *mirror, struct err *e)
{
    struct conf conf;
    own_fd int dir = host_images_dir(e);
    own_fd int profiles = dir < 0 ? -1 : host_profiles_dir(e);
    if (profiles < 0 || settings(&conf, e))
        return NULL;
    struct mirrors m = {&conf, mirror};
    const struct image_settings s = {.mirror = mirror_of, .arg = &m, .profiles_fd = profiles};
    return image_load(dir, name, &s, e);
}
