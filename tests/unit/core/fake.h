// SPDX-License-Identifier: Apache-2.0
// The test's side: a core over the stand-ins of fake_launcher.h, started, restarted and waited for.
#pragma once
#include "fake_launcher.h"

__attribute__((unused)) static void on_fake_notice(void *arg, bool serious, const char *text)
{
    (void)arg;
    printf("# %s: %s\n", serious ? "serious" : "notice", text);
}

static void fake_profile(unsigned i, const char *name, bool internal, enum net_mode network)
{
    struct profile *p = &fake_profiles[i];
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    p->internal = internal;
    p->network = network;
    p->uid = p->gid = 1000;
    p->limits = (struct limits){.memory_bytes = 1ull << 30, .pids = 100, .wall_ms = 60000};
}

static void fake_step(struct image *im, unsigned i, const char *text, const char *script)
{
    struct image_step *s = &im->steps[i];
    *s = (struct image_step){.kind = i ? STEP_RUN : STEP_BASE,
                             .text = strdup(text),
                             .has_layer = true,
                             .profile = i ? "build" : "bootstrap",
                             .network = NET_NONE,
                             .host_usr = !i,
                             .from_files = !i,
                             .cwd = ""};
    (void)snprintf(s->key, sizeof(s->key), "%064u", i + 1);
    s->argv = xcalloc(4, sizeof(char *));
    s->argv[0] = strdup("/bin/sh");
    s->argv[1] = strdup("-c");
    s->argv[2] = strdup(script);
    s->env = xcalloc(2, sizeof(char *));
    s->env[0] = strdup("STEP=yes");
    im->n_steps = i + 1;
}

static int fake_core_start(void)
{
    struct err e = {0};
    struct core_parts parts = {
        .loop = F.loop,
        .launcher_fd = fcntl(F.server_sock, F_DUPFD_CLOEXEC, 3),
        .state_dir_fd = open(fake_path("server", "."), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .profiles = fake_profiles,
        .n_profiles = 5,
        .images = fake_images,
        .n_images = 2,
        .admin_token = "the-admin-token",
        .password = "open sesame",
        .users = "# people\nalice:wonderland\n",
        .on_notice = getenv("FAKE_NOTICES") ? on_fake_notice : NULL,
    };
    F.core = core_new(&F.conf, &parts, &e);
    if (!F.core)
        printf("# core_new: %s\n", e.text);
    return F.core ? 0 : -1;
}

// Temporary state, a launcher, a core over both.
static int fake_start(void)
{
    static char *no_env[] = {NULL};
    static char from[] = "FROM_IMAGE=1", shared[] = "SHARED=image";
    static char *image_env[] = {from, shared, NULL};
    struct err e = {0};
    int pair[2];
    memset(&F, 0, sizeof(F));
    (void)snprintf(F.root, sizeof(F.root), "/tmp/pinfold-test-core-XXXXXX");
    if (!mkdtemp(F.root) || mkdir(fake_path("dirs", ""), 0700) ||
        mkdir(fake_path("layers", ""), 0700) || mkdir(fake_path("server", ""), 0700))
        return -1;
    fake_profile(0, "default", false, NET_NONE);
    fake_profile(1, "build", false, NET_FULL);
    fake_profile(2, "git", true, NET_HOST);
    fake_profile(3, "bootstrap", true, NET_HOST);
    fake_profile(4, "small", false, NET_NONE);
    fake_profiles[4].limits = (struct limits){.memory_bytes = 64u << 20, .output_bytes = 100};
    fake_host = (struct image){.name = "host", .host_usr = true, .env = no_env};
    fake_built = (struct image){.name = "built", .env = image_env};
    fake_step(&fake_built, 0, "debian bookworm", "echo making the base; echo $STEP");
    fake_step(&fake_built, 1, "make things", "echo running things");
    F.loop = loop_new(&e);
    (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
    F.sock = pair[0];
    F.server_sock = pair[1];
    list_init(&F.boxes);
    (void)loop_watch(F.loop, &F.watch, F.sock, EPOLLIN, on_fake_launcher, &e);
    core_conf_init(&F.conf);
    F.conf.disk_reserve_bytes = 0;
    F.conf.repo_roots = "/tmp";
    return fake_core_start();
}

__attribute__((unused)) static void fake_stop(void)
{
    core_free(F.core);
    while (!list_empty(&F.boxes))
        fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    loop_unwatch(&F.watch);
    (void)close(F.sock);
    (void)close(F.server_sock);
    loop_free(F.loop);
    for (unsigned i = 0; i < fake_built.n_steps; i++) {
        struct image_step *s = &fake_built.steps[i];
        for (unsigned k = 0; k < 3; k++)
            free(s->argv[k]);
        free(s->argv);
        free(s->env[0]);
        free(s->env);
        free(s->text);
    }
    (void)io_remove_tree(AT_FDCWD, F.root, NULL);
}

// Turn the loop until the condition holds; a test that would hang fails after 20 s instead.
#define TURN_UNTIL(cond)                                                                           \
    ({                                                                                             \
        uint64_t until_ = clock_mono_ms() + 20000;                                                 \
        while (!(cond) && clock_mono_ms() < until_)                                                \
            (void)loop_turn(F.loop, 100);                                                          \
        (cond);                                                                                    \
    })

struct wait {
    struct waiter w;
    bool done;
    struct exec *x;
    char out[2][4096]; // of a collected exec
    size_t len[2];
    struct outcome end;
    char id[ID_MAX];
};

__attribute__((unused)) static void on_wait(struct waiter *w)
{
    struct wait *t = container_of(w, struct wait, w);
    t->done = true;
}

__attribute__((unused)) static void on_exec_wait(struct waiter *w)
{
    struct wait *t = container_of(w, struct wait, w);
    const struct exec *x = w->result;
    t->done = true;
    for (unsigned i = 0; x && i < 2; i++) {
        size_t n = x->data_len[i] < sizeof(t->out[0]) - 1 ? x->data_len[i] : sizeof(t->out[0]) - 1;
        if (x->data[i])
            memcpy(t->out[i], x->data[i], n);
        t->len[i] = x->data_len[i];
    }
    if (x) {
        t->end = x->end;
        memcpy(t->id, x->id, sizeof(t->id));
    }
}

__attribute__((unused)) static struct wait wait_make(void (*on_done)(struct waiter *))
{
    struct wait t;
    memset(&t, 0, sizeof(t));
    t.w.on_done = on_done;
    return t;
}

// A workspace that is ready, or NULL.
__attribute__((unused)) static struct workspace *make_workspace(const char *name)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    struct workspace_spec spec = {.name = name};
    if (core_workspace_create(F.core, &spec, &t.w, &e)) {
        printf("# create: %s\n", e.text);
        return NULL;
    }
    (void)TURN_UNTIL(t.done);
    if (t.w.err.code)
        printf("# create: %s\n", t.w.err.text);
    return t.w.result;
}

// Run a shell command to its end.
__attribute__((unused)) static struct wait run_spec(struct workspace *ws,
                                                    const struct exec_spec *spec)
{
    static struct wait t;
    struct err e = {0};
    t = wait_make(on_exec_wait);
    if (!core_exec_start(F.core, ws, spec, &t.w, &e)) {
        t.w.err = e;
        return t;
    }
    if (!TURN_UNTIL(t.done))
        waiter_cancel(&t.w);
    return t;
}

__attribute__((unused)) static struct wait run(struct workspace *ws, const char *command)
{
    const struct exec_spec spec = {.command = command};
    return run_spec(ws, &spec);
}
