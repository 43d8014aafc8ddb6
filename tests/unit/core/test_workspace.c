// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

#include <pinfold/core_debug.h>
#include <pinfold/core_repo.h>

static struct wait create(const struct workspace_spec *spec)
{
    static struct wait t;
    struct err e = {0};
    t = wait_make(on_wait);
    if (core_workspace_create(F.core, spec, &t.w, &e))
        t.w.err = e;
    else
        (void)TURN_UNTIL(t.done);
    return t;
}

static bool settle(struct workspace *ws)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    (void)core_workspace_wait(F.core, ws, 20000, &t.w, &e);
    return TURN_UNTIL(t.done) && !ws->busy;
}

static bool exists(const char *dir, const char *name)
{
    return !access(fake_path(dir, name), F_OK);
}

static bool delete_it(struct workspace *ws)
{
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    char id[ID_MAX];
    memcpy(id, ws->id, sizeof(id));
    (void)core_workspace_delete(F.core, ws, &t.w, &e);
    return TURN_UNTIL(t.done) && !t.w.err.code && !core_workspace_find(F.core, id, &e) &&
           !exists("dirs", id) && !fake_find(id);
}

static void made(void)
{
    struct err e = {0};
    const char *env[] = {"A=1", "B=two words", NULL}, *labels[] = {"team=x", NULL};
    struct workspace_spec spec = {
        .name = "first", .env = env, .labels = labels, .limits = {.memory_bytes = 512u << 20}};
    struct wait t = create(&spec);
    struct workspace *ws = t.w.result;
    ok(ws && !t.w.err.code, "a workspace is made");
    ok(id_ok(ws->id, "ws"), "it has an id");
    is_int(ws->status, WS_READY, "image host without a repository is ready at once");
    ok(exists("dirs", ws->id), "its directory is there");
    is_str(ws->env[1], "B=two words", "its environment is known");
    is_str(ws->labels[0], "team=x", "its labels too");
    is_int(ws->limits_effective.memory_bytes, 512u << 20, "its limits are those asked for");
    is_int(ws->limits_effective.pids, 100, "or the profile's");
    ok(core_workspace_find(F.core, "first", &e) == ws, "it is found by name");
    ok(core_workspace_find(F.core, ws->id, &e) == ws, "and by id");
    t = create(&spec);
    is_int(t.w.err.code, ERR_CONFLICT, "a name cannot be taken twice");
    (void)run(ws, "true");
    ok(fake_find(ws->id) && fake_find(ws->id)->memory_bytes == 512u << 20,
       "the sandbox gets the limits");
    ok(delete_it(ws), "it is deleted with sandbox and directory");
    ws = create(&spec).w.result;
    ok(ws != NULL, "its name is free again");
    ok(delete_it(ws), "an unused one is deleted too");
}

static void refused(void)
{
    const char *bad_env[] = {"no equals", NULL};
    struct workspace_spec specs[] = {
        {.name = "../x"},
        {.image = "nothing"},
        {.profile = "git"},
        {.env = bad_env},
        {.repo_url = "ssh://example.org/x"},
        {.repo_url = "https://user:pass@example.org/x"},
        {.repo_ref = "main"},
        {.repo_url = "https://example.org/x", .repo_ref = "a..b"},
        {.network_given = true, .network = NET_HOST},
    };
    for (unsigned i = 0; i < N_ELEMS(specs); i++) {
        struct wait t = create(&specs[i]);
        is_int(t.w.err.code, ERR_BAD_REQUEST, "refused: %s", t.w.err.text);
    }
    struct workspace_spec big = {.limits = {.memory_bytes = 2ull << 30}};
    struct wait t = create(&big);
    is_int(t.w.err.code, ERR_LIMIT, "refused: %s", t.w.err.text);
    F.fail_dir = ERR_FULL;
    struct workspace_spec spec = {.name = "nodir"};
    t = create(&spec);
    F.fail_dir = ERR_NONE;
    is_int(t.w.err.code, ERR_FULL, "a full disk refuses a workspace: %s", t.w.err.text);
    ok(TURN_UNTIL(!core_workspace_find(F.core, "nodir", NULL)), "nothing is left of it");
    is_int(core_stats(F.core)->workspaces, 0, "there are none");
}

static void own_files(void)
{
    struct err e = {0};
    struct workspace_spec spec = {.name = "own", .repo_url = "https://example.org/own"};
    unsigned copies = F.copies;
    struct workspace *ws = create(&spec).w.result;
    ok(settle(ws) && ws->status == WS_READY, "one with a repository");
    is_int(F.copies, copies, "has files of its own, unless it is set that they are shared");
    ok(delete_it(ws), "it goes");
    struct repository *r;
    bool more;
    is_int(core_repo_list(F.core, "", &r, 1, &more), 1, "its mirror stays");
    struct wait d = wait_make(on_wait);
    (void)core_repo_delete(F.core, r, &d.w, &e);
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "until it is deleted");
}

static void repositories(void)
{
    struct err e = {0};
    struct workspace_spec spec = {.name = "repo",
                                  .repo_url = "https://example.org/some/repo",
                                  .repo_ref = "main",
                                  .repo_user = "me",
                                  .repo_password = "secret"};
    unsigned copies = F.copies, mirrors = F.mirrors;
    struct workspace *ws = create(&spec).w.result;
    is_int(ws->status, WS_PENDING, "one with a repository is pending");
    ok(ws->busy, "and being set up");
    struct wait t = run(ws, "true");
    is_int(t.w.err.code, ERR_CONFLICT, "no command runs in it: %s", t.w.err.text);
    ok(settle(ws), "a wait lasts until it is cloned");
    is_int(ws->status, WS_READY, "then it is ready");
    is_int(strlen(ws->repo_commit), 40, "at a commit");
    t = run(ws, "ls");
    is_str(t.out[0], "README\n", "its files are there");
    is_int(F.mirrors, mirrors + 1, "through a mirror");
    is_int(F.copies, copies + 1, "and a copy of them is kept");
    struct workspace_spec again = spec;
    again.name = "repo2";
    struct workspace *two = create(&again).w.result;
    ok(settle(two), "another one of it");
    is_int(F.copies, copies + 2, "is a copy of that");
    t = run(two, "ls");
    is_str(t.out[0], "README\n", "with its files");
    ok(delete_it(two), "it goes");
    struct repository *r[2];
    bool more;
    is_int(core_repo_list(F.core, "", r, 2, &more), 1, "that is listed");
    is_str(r[0]->url, "https://example.org/some/repo", "with its URL");
    is_int(r[0]->workspaces, 1, "and its users");
    struct wait d = wait_make(on_wait);
    is_int(core_repo_delete(F.core, r[0], &d.w, &e), -1, "it cannot be deleted while it is used");
    ok(delete_it(ws), "the workspace goes");
    unsigned deletes = F.dir_deletes;
    F.hold_deletes = true;
    is_int(core_repo_delete(F.core, r[0], &d.w, &e), 0, "then the mirror may");
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "and does");
    ok(TURN_UNTIL(F.dir_deletes == deletes + 1), "its checkout is to go too");
    F.hold_deletes = false;
    fake_restart();
    ok(TURN_UNTIL(F.dir_deletes == deletes + 2), "asked for again of a new launcher");
    is_int(core_repo_list(F.core, "", r, 2, &more), 0, "none is left");

    spec.repo_url = "https://example.org/crowd";
    struct wait w[4];
    struct workspace *crowd[4];
    unsigned execs = F.execs;
    own_free char *gate = xasprintf("%s/go", F.root);
    is_int(mkfifo(gate, 0600), 0, "a gate holds git");
    for (unsigned i = 0; i < N_ELEMS(w); i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "crowd%u", i);
        spec.name = name;
        w[i] = wait_make(on_wait);
        is_int(core_workspace_create(F.core, &spec, &w[i].w, &e), 0, "one of a crowd is asked for");
    }
    for (unsigned i = 0; i < N_ELEMS(w); i++) {
        ok(TURN_UNTIL(w[i].done), "and begun");
        crowd[i] = w[i].w.result;
    }
    own_fd int open_gate = open(gate, O_RDWR | O_CLOEXEC);
    (void)open_gate; // until the end
    for (unsigned i = 0; i < N_ELEMS(crowd); i++)
        ok(settle(crowd[i]) && crowd[i]->status == WS_READY, "one of a crowd is made");
    is_int(F.execs - execs, 3, "two looks at the remote and one checkout serve them all");
    for (unsigned i = 0; i < N_ELEMS(crowd); i++)
        ok(delete_it(crowd[i]), "it is deleted");

    spec.name = "repo";
    spec.repo_url = "https://example.org/missing";
    ws = create(&spec).w.result;
    (void)settle(ws);
    is_int(ws->status, WS_ERROR, "one that does not exist is an error");
    is_str(ws->error, "the repository does not exist", "with a sentence");
    t = run(ws, "echo inside");
    is_str(t.out[0], "inside\n", "one can look into it all the same");
    ok(delete_it(ws), "and delete it");

    spec.repo_url = "https://example.org/other";
    ws = create(&spec).w.result;
    ok(delete_it(ws), "one that is being cloned is deleted too");
    ok(list_empty(&F.boxes), "with the clone's sandbox");
}

static void scripts(void)
{
    struct err e = {0};
    struct workspace_spec spec = {
        .name = "script",
        .init_script = "#!/bin/sh -e\necho \"init $0\" | cut -c1-5\ntest ! -e fail\ntouch made\n"};
    struct workspace *ws = create(&spec).w.result;
    (void)settle(ws);
    is_int(ws->status, WS_READY, "an init script is run");
    is_int(ws->init_exit_code, 0, "its exit code is known");
    ok(ws->init_ms > 0, "and its time");
    struct wait t = run(ws, "ls");
    is_str(t.out[0], "made\n", "what it did is there");
    is_str(F.last_profile, "default", "commands run in the workspace's profile");
    (void)run(ws, "touch fail");
    t = wait_make(on_wait);
    is_int(core_workspace_rerun_init(F.core, ws, &t.w, &e), 0, "it is run again");
    ok(TURN_UNTIL(t.done), "which is told when it has ended");
    is_str(F.last_profile, "build", "it runs in the profile build");
    is_int(ws->init_exit_code, 1, "with its exit code");
    is_int(ws->status, WS_ERROR, "a failing one is an error");
    is_str(ws->error, "the init script exited with code 1", "with a sentence");
    (void)run(ws, "rm fail");
    t = wait_make(on_wait);
    (void)core_workspace_rerun_init(F.core, ws, &t.w, &e);
    struct wait t2 = wait_make(on_wait);
    is_int(core_workspace_rerun_init(F.core, ws, &t2.w, &e), -1, "one at a time");
    is_int(e.code, ERR_CONFLICT, "says the refusal");
    (void)TURN_UNTIL(t.done);
    is_int(ws->status, WS_READY, "a good one cures it");
    ok(delete_it(ws), "deleted");
    struct workspace_spec plain = {.name = "plain"};
    ws = create(&plain).w.result;
    is_int(core_workspace_rerun_init(F.core, ws, &t.w, &e), -1, "without a script there is none");
    ok(delete_it(ws), "deleted");
}

static void changes(void)
{
    struct err e = {0};
    struct workspace_spec spec = {.name = "old"}, other = {.name = "taken"};
    struct workspace *ws = create(&spec).w.result, *taken = create(&other).w.result;
    const char *env[] = {"NEW=yes", NULL};
    struct workspace_patch p = {.name = "new",
                                .env = env,
                                .network_given = true,
                                .network = NET_FULL,
                                .limits_given = true,
                                .limits = {.pids = 50}};
    struct wait t = wait_make(on_wait);
    (void)run(ws, "true");
    is_str(F.last_network, "none", "the network is none");
    is_int(core_workspace_patch(F.core, ws, &p, &t.w, &e), 0, "a workspace is changed");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "which is recorded");
    is_str(ws->name, "new", "its name");
    ok(core_workspace_find(F.core, "new", &e) == ws && !core_workspace_find(F.core, "old", &e),
       "by which it is found");
    is_int(ws->limits_effective.pids, 50, "its limits");
    struct wait x = run(ws, "echo $NEW");
    is_str(x.out[0], "yes\n", "its environment holds for the next command");
    is_str(F.last_network, "full", "the network too: the idle sandbox was started anew");
    struct workspace_patch clash = {.name = "taken"};
    is_int(core_workspace_patch(F.core, ws, &clash, &t.w, &e), -1, "a taken name is refused");
    struct workspace_patch image = {.image = "built"};
    t = wait_make(on_wait);
    is_int(core_workspace_patch(F.core, ws, &image, &t.w, &e), 0, "its image is changed");
    (void)TURN_UNTIL(t.done);
    is_int(ws->status, WS_PENDING, "then it wants a build");
    ok(delete_it(ws) && delete_it(taken), "deleted");
}

static void forks(void)
{
    struct err e = {0};
    const char *env[] = {"E=1", NULL};
    struct workspace_spec spec = {.name = "origin", .env = env};
    struct workspace *ws = create(&spec).w.result, *copy;
    (void)run(ws, "echo content >file");
    struct wait t = wait_make(on_wait);
    is_int(core_workspace_fork(F.core, ws, &(struct fork_spec){.name = "copy"}, &t.w, &e), 0,
           "a workspace is copied");
    struct wait x = run(ws, "true");
    is_int(x.w.err.code, ERR_CONFLICT, "meanwhile no command runs in it");
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "which is told when it is done");
    copy = t.w.result;
    is_int(copy->status, WS_READY, "the copy is ready");
    is_str(copy->forked_from, ws->id, "and knows where it is from");
    x = run(copy, "cat file; echo $E; echo changed >file");
    is_str(x.out[0], "content\n1\n", "with files and settings");
    x = run(ws, "cat file");
    is_str(x.out[0], "content\n", "the original is not touched by it");
    struct exec_spec sleep = {.command = "sleep 1000", .background = true};
    struct wait b = wait_make(on_wait);
    struct exec *running = core_exec_start(F.core, ws, &sleep, &b.w, &e);
    (void)TURN_UNTIL(b.done && running->status == EXEC_RUNNING);
    t = wait_make(on_wait);
    is_int(core_workspace_fork(F.core, ws, &(struct fork_spec){0}, &t.w, &e), -1,
           "not while a command runs");
    is_int(e.code, ERR_CONFLICT, "that is a conflict: %s", e.text);
    ok(delete_it(ws), "it is deleted with its running command");
    ok(delete_it(copy), "and the copy");
}

static void lists(void)
{
    char name[8], cursor[CURSOR_MAX];
    struct workspace *page[3];
    bool more;
    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "w%d", i);
        struct workspace_spec spec = {.name = name};
        (void)create(&spec);
    }
    is_int(core_workspace_list(F.core, "", page, 3, &more), 3, "a page");
    ok(more && !strcmp(page[0]->name, "w0"), "oldest first");
    (void)core_cursor(page[2]->id, page[2]->created_ms, cursor);
    ok(delete_it(page[2]), "the last one seen is deleted");
    is_int(core_workspace_list(F.core, cursor, page, 3, &more), 2, "the next page goes on");
    ok(!more && !strcmp(page[0]->name, "w3"), "where it should");
    struct core_conf *conf = (struct core_conf *)(uintptr_t)core_conf(F.core);
    conf->workspaces_max = 4;
    struct workspace_spec spec = {.name = "more"};
    is_int(create(&spec).w.err.code, ERR_LIMIT, "there is a limit");
    conf->workspaces_max = 1000;
    while (core_workspace_list(F.core, "", page, 1, &more))
        if (!delete_it(page[0]))
            break;
    is_int(core_stats(F.core)->workspaces, 0, "all are deleted");
}

static bool debugged;
static void on_debug(struct waiter *w)
{
    struct debug_request *d = container_of(w, struct debug_request, w);
    debugged = true;
    is_str(d->sandbox, "live", "debug tells the sandbox's state");
    is_int(d->uid_base, 655360, "its ids");
    is_str(d->address, "10.213.0.2", "its address");
    ok(d->use.known && d->use.memory_limit == 222, "its use and limits");
    is_int(d->n_denied, 1, "refused system calls");
    is_str(d->denied[0].syscall, "mount", "by name");
    is_int(d->denied[0].count, 3, "with counts");
    is_str(d->denied[0].comm, "mounter", "and who");
    is_int(d->n_processes, 1, "processes");
    is_str(d->processes[0].comm, "pinfold-init", "by name");
    ok(d->namespaces[0] && !strncmp(d->namespaces[0], "cgroup:[", 8), "namespaces");
    ok(strstr(d->mounts, " / ") && strchr("0123456789", d->mounts[0]), "mounts");
    is_int(d->n_execs, 1, "execs");
    ok(strstr(d->init_log.text, "script says hello") != NULL, "the init log");
    is_str(d->missing, "", "and nothing is missing");
}

static void debugging(void)
{
    struct err e = {0};
    struct workspace_spec spec = {.name = "dbg", .init_script = "echo script says hello"};
    struct workspace *ws = create(&spec).w.result;
    (void)settle(ws);
    (void)run(ws, "exit 4");
    struct debug_request d = {.w.on_done = on_debug};
    is_int(core_debug(F.core, ws, &d, &e), 0, "debug is asked");
    ok(TURN_UNTIL(debugged), "and answers");
    struct debug_request left = {.w.on_done = on_debug};
    (void)core_debug(F.core, ws, &left, &e);
    waiter_cancel(&left.w);
    struct debug_request gone = {.w.on_done = on_wait};
    (void)core_debug(F.core, ws, &gone, &e);
    gone.w.on_done = NULL;
    waiter_cancel(&gone.w);
    ok(delete_it(ws), "who asked may leave, and the workspace go");
}

int main(void)
{
    if (fake_start())
        return 1;
    made();
    refused();
    own_files();
    F.conf.workspace_checkouts = true;
    core_free(F.core);
    if (fake_core_start())
        return 1;
    repositories();
    scripts();
    changes();
    forks();
    lists();
    debugging();
    fake_stop();
    return done_testing();
}
