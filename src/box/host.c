// SPDX-License-Identifier: Apache-2.0
// What all sandboxes of one caller share: directories, sealed helpers, compiled filters, cgroups.
#include "box_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

// A copy in memory that nobody can write, inside or outside: what runs as pid 1 is never a file
// of the host (CVE-2019-5736).
static int sealed(const char *name, const void *p, size_t n, int from_fd, struct err *e)
{
    own_fd int m = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (m < 0)
        return err_sys(e, "make a memory file for %s", name);
    if (from_fd < 0 && io_write_full(m, p, n))
        return err_sys(e, "fill the memory file %s", name);
    for (ssize_t r = 1; from_fd >= 0 && r > 0;)
        if ((r = sendfile(m, from_fd, NULL, 1u << 20)) < 0)
            return err_sys(e, "copy %s", name);
    if (fcntl(m, F_ADD_SEALS, SEALS))
        return err_sys(e, "seal %s", name);
    return fd_steal(&m);
}

static int sealed_helper(int dir_fd, const char *name, struct err *e)
{
    own_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? err_sys(e, "open %s", name) : sealed(name, NULL, 0, fd, e);
}

static int open_helpers(struct box_host *h, struct err *e)
{
    int dir = h->conf.helper_fd;
    if ((h->init_fd = sealed_helper(dir, "pinfold-init", e)) < 0 ||
        (h->tool_fd = sealed_helper(dir, "pinfold-tool", e)) < 0)
        return -1;
    // Dynamic, so it needs the host's /usr anyway; only the profile git ever gets it.
    h->git_fd = openat(dir, "pinfold-git", O_RDONLY | O_CLOEXEC);
    return h->git_fd < 0 && errno != ENOENT ? err_sys(e, "open pinfold-git") : 0;
}

static int compile_filters(struct box_host *h, struct err *e)
{
    h->filter_fds = xcalloc(h->conf.n_profiles, sizeof(int));
    for (unsigned i = 0; i < h->conf.n_profiles; i++)
        h->filter_fds[i] = -1;
    for (unsigned i = 0; i < h->conf.n_profiles; i++) {
        const struct profile *p = &h->conf.profiles[i];
        struct filter f = {0};
        int bad = filter_compile(p, true, &f, e) || filter_verify(p, &f, e);
        if (!bad)
            h->filter_fds[i] = sealed("filter", f.insns, f.n * sizeof(*f.insns), -1, e);
        filter_release(&f);
        if (h->filter_fds[i] < 0)
            return err_wrap(e, "profile %s", p->name);
    }
    return 0;
}

static int open_trees(struct box_host *h, struct err *e)
{
    const struct {
        const char *name;
        int *fd;
    } rows[] = {{"layers", &h->layers_fd},
                {"dirs", &h->dirs_fd},
                {"strata", &h->strata_fd},
                {"mirrors", &h->mirrors_fd},
                {"trash", &h->trash_fd}};
    for (unsigned i = 0; i < N_ELEMS(rows); i++) {
        own_fd int fd = io_mkdir_beneath(h->conf.state_fd, rows[i].name, 0700, e);
        // 0700 and root's: ids on disk are unshifted, so a setuid file below must not be
        // reachable by users of the host.
        if (fd < 0 || (*rows[i].fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
            fchmod(*rows[i].fd, 0700))
            return fd < 0 ? -1 : err_sys(e, "open %s", rows[i].name);
    }
    return 0;
}

// Only when it changes, so that a full disk does not keep us from starting.
static int write_resolv(const struct box_host_conf *c, const char *file, const char *servers,
                        struct err *e)
{
    own_buf struct buf b, now;
    buf_init(&b, 4096);
    buf_init(&now, 4096);
    for (const char *at = servers; *(at += strspn(at, " ")); at += strcspn(at, " "))
        if (buf_printf(&b, "nameserver %.*s\n", (int)strcspn(at, " "), at))
            return err_set(e, ERR_LIMIT, "NameServers= is too long");
    bool same = !io_read_file(c->state_fd, file, &now, NULL) && now.len == b.len &&
                !memcmp(now.data, b.data, b.len);
    return !b.len || same ? 0 : io_replace_file(c->state_fd, file, b.data, b.len, 0644, e);
}

struct box_host *box_host_open(const struct box_host_conf *c, struct err *e)
{
    struct box_host *h = xcalloc(1, sizeof(*h));
    *h = (struct box_host){.conf = *c,
                           .layers_fd = -1,
                           .dirs_fd = -1,
                           .strata_fd = -1,
                           .mirrors_fd = -1,
                           .trash_fd = -1,
                           .ranges_fd = -1,
                           .init_fd = -1,
                           .tool_fd = -1,
                           .git_fd = -1};
    disks_init(h);
    if (!open_trees(h, e) &&
        !write_resolv(c, RESOLV_FILE, c->name_servers ? c->name_servers : "", e) &&
        !write_resolv(c, RESOLV_INSIDE, "127.0.0.1", e) && !open_helpers(h, e) &&
        !compile_filters(h, e) && !skeleton_make(h->layers_fd, h->trash_fd, e) &&
        (h->cgroups = cgroups_open(c->group, e)))
        return h;
    box_host_free(h);
    return NULL;
}

void box_host_free(struct box_host *h)
{
    if (!h)
        return;
    int *fds[] = {&h->layers_fd, &h->dirs_fd, &h->strata_fd, &h->mirrors_fd, &h->trash_fd,
                  &h->ranges_fd, &h->init_fd, &h->tool_fd,   &h->git_fd};
    for (unsigned i = 0; i < N_ELEMS(fds); i++)
        fd_close(fds[i]);
    for (unsigned i = 0; h->filter_fds && i < h->conf.n_profiles; i++)
        fd_close(&h->filter_fds[i]);
    free(h->filter_fds);
    cgroups_free(h->cgroups);
    net_free(h->net);
    free(h);
}

void box_host_leave(struct box_host *h)
{
    cgroups_leave(h->cgroups, h->conf.group);
}

void box_sweep(struct box_host *h)
{
    cgroups_remove_empty(h->cgroups);
}

const char *box_host_cgroup_kind(const struct box_host *h)
{
    return cgroups_kind(h->cgroups);
}

int box_layers_fd(const struct box_host *h)
{
    return h->layers_fd;
}
