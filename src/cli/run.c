// SPDX-License-Identifier: Apache-2.0
// pinfold run: one command in a fresh sandbox, in this process, without a server.
#include "commands_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/box.h>
#include <pinfold/conf.h>
#include <pinfold/image.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <pinfold/run.h>
#include <string.h>

extern char **environ;

// What the command finds besides the image's own variables and --env.
static const char *const basic_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/home/user",
    "LANG=C.UTF-8",
};

struct plan {
    struct box_spec spec;
    struct image *image;
    char layers[IMAGE_LAYERS_MAX * IMAGE_KEY_LEN];
    char **env;
    unsigned n_env;
    int workspace_fd;
    int layer_fds[IMAGE_LAYERS_MAX]; // held: a server does not remove them meanwhile
    unsigned n_layers;
    struct box_run run;
};

static void release(struct plan *p)
{
    image_free(p->image);
    for (unsigned i = 0; i < p->n_env; i++)
        free(p->env[i]);
    free(p->env);
    fd_close(&p->workspace_fd);
    while (p->n_layers)
        fd_close(&p->layer_fds[--p->n_layers]);
}

// A later value of the same name takes the place of an earlier one.
static void put_env(struct plan *p, const char *pair)
{
    size_t n = strcspn(pair, "=") + 1;
    for (unsigned i = 0; i < p->n_env; i++)
        if (!strncmp(p->env[i], pair, n)) {
            free(p->env[i]);
            p->env[i] = xstrdup(pair);
            return;
        }
    p->env = xrealloc(p->env, (p->n_env + 2) * sizeof(*p->env));
    p->env[p->n_env++] = xstrdup(pair);
    p->env[p->n_env] = NULL;
}

static int fill_env(struct plan *p, const struct cli *c, struct err *e)
{
    unsigned at = 0;
    for (size_t i = 0; i < N_ELEMS(basic_env); i++)
        put_env(p, basic_env[i]);
    for (char **v = p->image->env; v && *v; v++)
        put_env(p, *v);
    if (p->run.tty && getenv("TERM")) {
        own_free char *term = xasprintf("TERM=%s", getenv("TERM"));
        put_env(p, term);
    }
    for (const char *v; (v = cli_each(c, "env", &at));) {
        if (!*v || *v == '=')
            return err_set(e, ERR_BAD_REQUEST, "--env '%.40s' has no name", v);
        const char *value = strchr(v, '=') ? "" : getenv(v);
        if (!value)
            continue; // a name that is not set here
        own_free char *pair = strchr(v, '=') ? xstrdup(v) : xasprintf("%s=%s", v, value);
        put_env(p, pair);
    }
    return 0;
}

static int fill_layers(struct plan *p, struct err *e)
{
    const char *keys[IMAGE_LAYERS_MAX];
    unsigned n = image_layers(p->image, keys);
    size_t at = 0;
    for (unsigned i = 0; i < n; i++)
        at +=
            (size_t)snprintf(p->layers + at, sizeof(p->layers) - at, "%s%s", i ? ":" : "", keys[i]);
    if (at >= sizeof(p->layers))
        return err_set(e, ERR_LIMIT, "image %s has too many layers", p->image->name);
    p->spec.layers = p->layers;
    p->spec.host_usr = p->image->host_usr;
    return 0;
}

// Missing layers are told here, by the command that makes them, not as a mount that fails.
static int layers_there(struct plan *p, const struct host *h, struct err *e)
{
    const char *keys[IMAGE_LAYERS_MAX];
    unsigned n = image_layers(p->image, keys);
    for (; p->n_layers < n; p->n_layers++)
        if ((p->layer_fds[p->n_layers] = box_layer_hold(h->boxes, keys[p->n_layers], e)) < 0)
            return err_set(e, ERR_NOT_FOUND,
                           "image %s is not built here; pinfold image build %s does",
                           p->image->name, p->image->name);
    return 0;
}

static int fill_limits(struct limits *l, const struct cli *c, struct err *e)
{
    uint64_t pids = 0;
    const char *cpu = cli_get(c, "cpu");
    if (cli_size(c, "memory", &l->memory_bytes, e) || cli_size(c, "disk", &l->disk_bytes, e) ||
        cli_number(c, "pids", UINT32_MAX, &pids, e) ||
        (cpu && num_parse_percent(cpu, &l->cpu_percent, e)))
        return -1;
    l->pids = (uint32_t)pids;
    return limits_check(l, e);
}

static int fill_user(struct box_run *r, const struct cli *c, struct err *e)
{
    const char *user = cli_get(c, "user");
    uint64_t uid;
    r->uid = r->gid = UINT32_MAX;
    r->user = "";
    if (!user)
        return 0;
    if (!num_parse_u64(user, 0, 65535, &uid, NULL)) {
        r->uid = r->gid = (uint32_t)uid;
        return 0;
    }
    if (strlen(user) >= 64)
        return err_set(e, ERR_BAD_REQUEST, "the user's name is too long");
    r->user = user;
    return 0;
}

static int fill_run(struct plan *p, const struct cli *c, const struct run_how *how, struct err *e)
{
    struct box_run *r = &p->run;
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    *r = (struct box_run){.argv = how->argv,
                          .tool = how->tool,
                          .in_fd = STDIN_FILENO,
                          .out_fd = how->out_fd,
                          .err_fd = STDERR_FILENO};
    r->tty = (terminal || cli_get(c, "tty")) && !cli_get(c, "no-tty") && !how->tool;
    r->cwd = cli_get(c, "cwd") ? cli_get(c, "cwd") : "/workspace";
    if (strlen(r->cwd) >= 4096)
        return err_set(e, ERR_BAD_REQUEST, "--cwd is too long");
    if (cli_duration(c, "timeout", &r->timeout_ms, e) || fill_user(r, c, e) || fill_env(p, c, e))
        return -1;
    r->env = p->env;
    return 0;
}

static int open_workspace(struct plan *p, const struct cli *c, struct err *e)
{
    const char *dir = cli_get(c, "workspace");
    if (!dir)
        return 0;
    p->workspace_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return p->workspace_fd < 0 ? err_sys(e, "open --workspace %.150s", dir) : 0;
}

const char *run_profile_name(const struct cli *c)
{
    return cli_get(c, "profile") ? cli_get(c, "profile") : "default";
}

static int fill(struct plan *p, const struct cli *c, const struct run_how *how,
                const struct host *h, struct err *e)
{
    p->spec.profile = how->profile->name;
    p->spec.network = how->profile->network;
    if (cli_get(c, "net") && net_mode_parse(cli_get(c, "net"), &p->spec.network, e))
        return -1;
    if (p->spec.network == NET_LIST)
        return err_set(
            e, ERR_BAD_REQUEST,
            "network mode allow-list needs a running server, which decides about each "
            "connection; use pinfold ws create --net allow-list --allow HOST, then exec");
    p->image = host_image(cli_get(c, "image") ? cli_get(c, "image") : "host", NULL, e);
    if (!p->image || fill_layers(p, e) || fill_limits(&p->spec.limits, c, e) ||
        fill_run(p, c, how, e) || open_workspace(p, c, e) || layers_there(p, h, e))
        return -1;
    p->spec.dir = "";
    p->spec.dir_fd = p->workspace_fd;
    p->spec.dir_idmap = idmap_open;
    bool numbered = p->run.uid != UINT32_MAX, root = !strcmp(p->run.user, "root");
    p->spec.dir_uid = numbered ? p->run.uid : root ? 0 : how->profile->uid;
    p->spec.dir_gid = numbered ? p->run.gid : root ? 0 : how->profile->gid;
    p->spec.mirror = p->spec.hostname = "";
    return 0;
}

int cmd_run(struct cli *c)
{
    own_free struct profile *p = NULL;
    struct err e;
    if (host_profile(run_profile_name(c), &p, &e))
        return cli_fail(EXIT_NOT_STARTED, &e);
    struct run_how how = {.profile = p, .argv = c->rest, .out_fd = STDOUT_FILENO};
    return run_in_box(c, &how);
}

int run_in_box(const struct cli *c, const struct run_how *how)
{
    struct host h;
    struct plan p = {.workspace_fd = -1};
    struct box b;
    struct err e;
    char id[ID_MAX], step[32] = "";
    int code = EXIT_NOT_STARTED;
    p.spec.id = id_make("run", id);
    if (host_open(&h, c, how->profile, &e) || fill(&p, c, how, &h, &e)) {
        code = cli_fail(code, &e);
    } else if (box_start(h.boxes, &p.spec, &b, step, &e)) {
        (void)err_wrap(&e, "the sandbox does not start, step %s", step);
        code = cli_fail(code, &e);
    } else {
        e.text[0] = '\0';
        code = box_run_command(&b, &p.run, &e);
        if (e.text[0])
            (void)cli_fail(code, &e);
        int status;
        uint64_t oom_kills;
        box_kill(h.boxes, &b);
        box_reap(h.boxes, &b, &status, &oom_kills);
        if (oom_kills)
            (void)fprintf(stderr, "pinfold: the sandbox ran out of memory; --memory allows more\n");
    }
    release(&p);
    host_close(&h);
    return code;
}
