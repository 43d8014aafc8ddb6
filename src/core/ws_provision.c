// SPDX-License-Identifier: Apache-2.0
// What a workspace needs besides its image: a directory, the repository's checkout, the init
// script's work.
#include "checkout_int.h"
#include "script_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>

void ws_dir_ask(struct ws *ws, enum wire_type type, const char *source,
                void (*on_answer)(struct ask *, struct wire_msg *, const struct err *))
{
    struct msg_dir m = {0};
    TEXT_PUT(m.dir, ws->pub.id);
    TEXT_PUT(m.source, source);
    if (type == MSG_DIR_CREATE && ws_wants_disk(&ws->set)) {
        m.disk_bytes = ws->pub.limits_effective.disk_bytes;
        m.inodes = ws->set.limits.inodes;
    }
    ws->ask.long_work = type != MSG_DIR_CREATE || m.disk_bytes;
    launcher_ask(ws->core, &ws->ask, type, &m, on_answer);
}

static void done(struct ws *ws, const char *error)
{
    void (*fn)(struct ws *, const char *) = ws->provisioned;
    ws->provisioned = NULL;
    source_end(&ws->init_log);
    fn(ws, error);
}

// A log for one run; that of the run before is gone.
static void open_init_log(struct ws *ws)
{
    struct source *s = &ws->init_log;
    source_release(s);
    source_unlink(ws->core, ws->pub.id, 1);
    source_init(s, ws->core, ws->pub.id, 1);
    s->out[0].eager = true;
}

// --- the init script --------------------------------------------------------------------------

static void on_script_done(struct ws *ws, const struct outcome *o)
{
    char text[200];
    ws->script = NULL;
    ws->pub.init_exit_code = o->reason == END_EXITED ? o->exit_code : -1;
    ws->pub.init_ms = clock_wall_ms();
    bool good = o->reason == END_EXITED && o->exit_code == 0;
    outcome_sentence(o, "the init script", text, sizeof(text));
    source_printf(&ws->init_log, "[%s]\n", text);
    if (ws->clone_log && ws->clone_log != &ws->init_log)
        source_printf(ws->clone_log, "%s\n", text);
    done(ws, good ? NULL : text);
}

static void script_when_down(struct ws *ws)
{
    ws->script = script_start(ws, &ws->init_log, on_script_done);
}

static void run_script(struct ws *ws)
{
    if (ws->cancelled) {
        done(ws, "it was cancelled");
        return;
    }
    if (!ws->set.init_script[0]) {
        done(ws, NULL);
        return;
    }
    ws_when_down(ws, script_when_down);
}

void ws_run_script(struct ws *ws, void (*provisioned)(struct ws *, const char *))
{
    ws->provisioned = provisioned;
    ws->clone_log = NULL;
    ws->cancelled = false;
    open_init_log(ws);
    run_script(ws);
}

// --- the repository ---------------------------------------------------------------------------

static void clone_when_down(struct ws *ws);

// Of the one of several that has just been made.
static void take_commit(struct ws *ws, const char *commit)
{
    own_free const char **list = xcalloc(ws->repos->n + 1, sizeof(*list));
    memcpy(list, ws->repos->list, ws->repos->n * sizeof(*list));
    list[4 * ws->repo_at++ + 3] = commit;
    struct strings *with = strings_copy(list);
    free(ws->repos);
    ws->repos = with;
}

void ws_cloned(struct ws *ws, const struct clone *k, const char *error)
{
    if (error) {
        done(ws, error);
        return;
    }
    if (ws->repos->n) {
        take_commit(ws, k->result.commit);
        clone_when_down(ws); // the next one
        return;
    }
    TEXT_PUT(ws->pub.repo_commit, k->result.commit);
    TEXT_PUT(ws->mirror, k->mirror);
    run_script(ws);
}

static void clone_when_down(struct ws *ws)
{
    bool more = ws->repos->n ? ws->repos->list[4 * ws->repo_at] != NULL : ws->repo_url[0] != '\0';
    ws->fresh_dir = false;
    if (more && !ws->cancelled)
        clone_start(ws);
    else
        run_script(ws);
}

// --- the directory ----------------------------------------------------------------------------

static void on_dir_made(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct ws *ws = container_of(a, struct ws, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_CONFLICT) { // CONFLICT: it is there already
        done(ws, e.text);
        return;
    }
    ws->dir_made = true;
    clone_when_down(ws);
}

static void on_dir_gone(struct ask *a, struct wire_msg *m, const struct err *err)
{
    struct ws *ws = container_of(a, struct ws, ask);
    struct err e = {0};
    if (ask_result(m, err, &e) && e.code != ERR_NOT_FOUND) {
        done(ws, e.text);
        return;
    }
    ws->dir_made = false;
    ws_dir_ask(ws, MSG_DIR_CREATE, "", on_dir_made);
}

static void make_when_down(struct ws *ws)
{
    if (ws->dir_made)
        clone_when_down(ws);
    else
        ws_dir_ask(ws, MSG_DIR_CREATE, "", on_dir_made);
}

static void reset_when_down(struct ws *ws)
{
    ws->pub.repo_commit[0] = '\0';
    ws_dir_ask(ws, MSG_DIR_DELETE, "", on_dir_gone);
}

void ws_provision(struct ws *ws, struct source *clone_log,
                  void (*provisioned)(struct ws *, const char *))
{
    ws->provisioned = provisioned;
    open_init_log(ws);
    ws->clone_log = clone_log ? clone_log : &ws->init_log;
    ws->cancelled = false;
    ws->repo_at = 0;
    ws_when_down(ws, ws->fresh_dir ? make_when_down : reset_when_down);
}

void ws_provision_cancel(struct ws *ws)
{
    ws->cancelled = true;
    if (ws->clone)
        clone_cancel(ws);
    if (ws->script)
        script_cancel(ws->script);
}
