// SPDX-License-Identifier: Apache-2.0
// From a spec and a profile to the list of steps. Pure: no kernel calls, so that a plan can be
// printed, tested and reviewed without rights. The order is the hardening checklist's; README.md
// of this room goes through it line by line.
#include "box_int.h"

#include <pinfold/buf.h>
#include <pinfold/own.h>
#include <string.h>

static struct step *add(struct plan *p, enum step_kind kind)
{
    if (p->n_steps == STEPS_MAX)
        abort(); // the list below is fixed and shorter
    struct step *s = &p->steps[p->n_steps++];
    *s = (struct step){.kind = kind};
    return s;
}

static struct step *add_at(struct plan *p, enum step_kind kind, const char *path)
{
    struct step *s = add(p, kind);
    size_t n = strlen(path);
    if (n >= sizeof(s->path))
        abort(); // paths below are literals; configured ones were measured
    memcpy(s->path, path, n + 1);
    return s;
}

static void add_tree(struct plan *p, enum tree tree, const char *path, bool read_only)
{
    struct step *s = add_at(p, STEP_TREE, path);
    s->tree = tree;
    s->read_only = read_only;
}

static void add_tmpfs(struct plan *p, const char *path, uint64_t bytes, bool exec)
{
    struct step *s = add_at(p, STEP_TMPFS, path);
    s->bytes = bytes;
    s->inodes = bytes / 4096 + 1024;
    s->exec = exec;
}

// Overlay wants the highest layer first; ours come lowest first.
static int reverse_layers(const char *layers, char *out, size_t room, struct err *e)
{
    const char *end = layers + strlen(layers);
    size_t n = 0;
    while (end > layers) {
        const char *start = end;
        while (start > layers && start[-1] != ':')
            start--;
        char name[LAYER_ROOM];
        size_t len = (size_t)(end - start);
        if (len >= sizeof(name))
            return err_set(e, ERR_BAD_REQUEST, "layer name is too long");
        memcpy(name, start, len);
        name[len] = '\0';
        if (!layer_name_ok(name))
            return err_set(e, ERR_BAD_REQUEST, "'%.20s' is not a layer's name", name);
        int w = snprintf(out + n, room - n, "%sl/%s", n ? ":" : "", name);
        if (w < 0 || (size_t)w >= room - n)
            return err_set(e, ERR_LIMIT, "too many layers");
        n += (size_t)w;
        end = start > layers ? start - 1 : layers;
    }
    return n ? 0 : err_set(e, ERR_BAD_REQUEST, "an image has at least one layer");
}

// Strata lie over the image and, without one, under /workspace.
static int plan_strata(struct plan *p, const char *strata, struct err *e)
{
    size_t root = 0, files = 0;
    while (strata && *strata) {
        char id[ID_MAX];
        size_t len = strcspn(strata, ":");
        (void)snprintf(id, sizeof(id), "%.*s", (int)len, strata);
        if (len >= sizeof(id) || !id_ok(id, "str"))
            return err_set(e, ERR_BAD_REQUEST, "'%.31s' is not a stratum's id", id);
        root += (size_t)snprintf(p->layers + root, sizeof(p->layers) - root, "s/%s/upper:", id);
        files += (size_t)snprintf(p->files + files, sizeof(p->files) - files, "%ss/%s/files",
                                  files ? ":" : "", id);
        if (files >= sizeof(p->files))
            return err_set(e, ERR_LIMIT, "too many strata");
        strata += len + (strata[len] == ':');
    }
    return 0;
}

static const struct {
    const char *path;
    enum step_kind kind;
} proc_rows[] = {
    // Kernel state that is not namespaced. Most of it refuses a user namespace's root already; a
    // cover costs a few microseconds and does not depend on that.
    {"proc/sysrq-trigger", STEP_HIDE}, {"proc/kcore", STEP_HIDE},
    {"proc/keys", STEP_HIDE},          {"proc/key-users", STEP_HIDE},
    {"proc/timer_list", STEP_HIDE},    {"proc/latency_stats", STEP_HIDE},
    {"proc/sched_debug", STEP_HIDE},   {"proc/kmsg", STEP_HIDE},
    {"proc/kallsyms", STEP_HIDE},      {"proc/kpagecount", STEP_HIDE},
    {"proc/kpageflags", STEP_HIDE},    {"proc/vmallocinfo", STEP_HIDE},
    {"proc/interrupts", STEP_HIDE},    {"proc/acpi", STEP_HIDE},
    {"proc/asound", STEP_HIDE},        {"proc/scsi", STEP_HIDE},
    {"proc/bus", STEP_READ_ONLY},      {"proc/fs", STEP_READ_ONLY},
    {"proc/irq", STEP_READ_ONLY},      {"proc/sys", STEP_READ_ONLY},
};

static void plan_kernel_views(struct plan *p, const struct profile *prof)
{
    add(p, STEP_DEV);
    add(p, STEP_PTS);
    add_tmpfs(p, "dev/shm", prof->shm_bytes ? prof->shm_bytes : 64u << 20, false);
    add_tmpfs(p, "tmp", prof->tmp_bytes ? prof->tmp_bytes : 256u << 20, true);
    add_at(p, STEP_PROC, "proc");
    if (!p->userns)
        add(p, STEP_NO_USERNS);
    if (prof->privileged_mounts)
        return; // a covered /proc could not be mounted again by the image's own set-up
    for (unsigned i = 0; i < N_ELEMS(proc_rows); i++)
        add_at(p, proc_rows[i].kind, proc_rows[i].path)->optional = true;
}

static int plan_repo_roots(struct plan *p, const char *roots, struct err *e)
{
    enum tree t = TREE_REPO_ROOT;
    while (*(roots += strspn(roots, " "))) {
        size_t n = strcspn(roots, " ");
        char path[64];
        if (roots[0] != '/' || n < 2 || n >= sizeof(path))
            return err_set(e, ERR_BAD_REQUEST, "RepositoryRoots: '%.40s' is not usable", roots);
        if (t > TREE_REPO_ROOT_LAST)
            return err_set(e, ERR_LIMIT, "RepositoryRoots names more than 4 directories");
        memcpy(path, roots + 1, n - 1);
        path[n - 1] = '\0';
        struct step *s = add_at(p, STEP_TREE, path);
        s->tree = t++;
        s->read_only = s->optional = true;
        roots += n;
    }
    return 0;
}

static int plan_trees(struct plan *p, const struct box_spec *s, const struct profile *prof,
                      const char *repo_roots, struct err *e)
{
    if (s->host_usr)
        add_tree(p, TREE_USR, "usr", true);
    struct step *files = add_at(p, STEP_FILES, "workspace");
    files->read_only = prof->workspace_read_only || s->files_read_only;
    if (s->dir_fd >= 0)
        files->tree = TREE_CALLER_DIR;
    if (s->mirror && *s->mirror)
        add_tree(p, TREE_MIRROR, "run/pinfold/repository.git", !s->mirror_write);
    if (s->network != NET_NONE) {
        add_tree(p, TREE_RESOLV, "etc/resolv.conf", true);
        p->steps[p->n_steps - 1].optional = true;
    }
    if (!prof->internal)
        return 0;
    if (prof->privileged_mounts || !strcmp(prof->name, "bootstrap")) {
        add_tree(p, TREE_APT, "etc/apt", true);
        add_tree(p, TREE_NPMRC, "etc/npmrc", true);
        p->steps[p->n_steps - 1].optional = true;
    }
    return !strcmp(prof->name, "git") ? plan_repo_roots(p, repo_roots ? repo_roots : "", e) : 0;
}

static void plan_landlock(struct plan *p, const struct profile *prof)
{
    bool optional = prof->landlock == WISH_YES;
    for (const char *at = prof->write_paths; *at; at += *at == ' ') {
        char path[PROFILE_WRITE_PATH_MAX + 1];
        size_t n = strcspn(at, " ");
        (void)snprintf(path, sizeof(path), "%.*s", (int)n - 1, at + 1); // without the first slash
        add_at(p, STEP_WRITABLE, path)->optional = optional;
        at += n;
    }
    add(p, STEP_LANDLOCK)->optional = optional;
}

int plan_make(const struct box_spec *s, const struct profile *prof, const char *repo_roots,
              struct plan *p, struct err *e)
{
    memset(p, 0, sizeof(*p));
    limits_narrow(&p->limits, &prof->limits, &s->limits);
    p->memory_upper = !s->dir || !*s->dir;
    p->userns = prof->user_namespaces;
    p->disk_bytes = p->limits.disk_bytes ? p->limits.disk_bytes : 1ull << 30;
    p->inodes = p->limits.inodes ? p->limits.inodes : 200000;
    p->net_loopback = s->network != NET_HOST;
    const char *hostname = s->hostname && *s->hostname ? s->hostname : "pinfold";
    if (!name_ok(hostname))
        return err_set(e, ERR_BAD_REQUEST, "hostname '%.20s' is not a name", hostname);
    (void)snprintf(p->hostname, sizeof(p->hostname), "%s", hostname);
    p->start = (struct init_start){.capabilities = prof->capabilities,
                                   .uid = prof->uid,
                                   .gid = prof->gid,
                                   .open_files = p->limits.open_files};
    if (plan_strata(p, s->strata, e))
        return -1;
    size_t n = strlen(p->layers);
    if (s->host_usr)
        (void)snprintf(p->layers + n, sizeof(p->layers) - n, "l/" LAYER_HOST);
    else if (reverse_layers(s->layers, p->layers + n, sizeof(p->layers) - n, e))
        return -1;

    add(p, STEP_IDS);
    add(p, STEP_KEYRING);
    add(p, STEP_CGROUP_NS);
    add(p, STEP_PRIVATE);
    add(p, STEP_STAGE);
    add(p, STEP_UPPER);
    add(p, STEP_ROOT);
    plan_kernel_views(p, prof);
    if (plan_trees(p, s, prof, repo_roots, e))
        return -1;
    add(p, STEP_PIVOT);
    add(p, STEP_HOSTNAME);
    if (p->net_loopback)
        add(p, STEP_LOOPBACK);
    if (s->network == NET_LIST)
        add(p, STEP_LISTEN);
    add(p, STEP_RLIMITS);
    if (prof->core_scheduling)
        add(p, STEP_CORE_SCHED)->optional = prof->core_scheduling == WISH_YES;
    add(p, STEP_NO_NEW_PRIVS);
    if (prof->landlock)
        plan_landlock(p, prof);
    add(p, STEP_INIT);
    return 0;
}

int box_plan_print(const struct box_spec *s, const struct profile *prof, struct buf *out,
                   struct err *e)
{
    own_free struct plan *p = xmalloc(sizeof(*p));
    if (plan_make(s, prof, NULL, p, e))
        return -1;
    for (unsigned i = 0; i < p->n_steps; i++) {
        const struct step *st = &p->steps[i];
        bool more = st->path[0] || st->bytes || st->read_only;
        int r = buf_printf(out, "%2u %-*s", i + 1, more ? 12 : 0, step_names[st->kind]);
        if (st->path[0])
            r |= buf_printf(out, " /%s", st->path);
        if (st->bytes)
            r |= buf_printf(out, " size=%llu", (unsigned long long)st->bytes);
        if (st->kind == STEP_FILES && p->files[0])
            r |= buf_printf(out, " lower=%s", p->files);
        if (st->read_only)
            r |= buf_puts(out, " read-only");
        r |= buf_putc(out, '\n');
        if (r)
            return err_set(e, ERR_LIMIT, "the plan is too long to print");
    }
    return 0;
}
