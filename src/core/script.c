// SPDX-License-Identifier: Apache-2.0
// A workspace's init script: run as root in a sandbox of the profile build over the workspace's
// own directory, while its own sandbox is down.
#include "script_int.h"

#include <pinfold/image.h>
#include <pinfold/own.h>
#include <pinfold/profile.h>
#include <stdio.h>

// The script arrives on standard input; it is put into a file because it may read its own input,
// and run by the interpreter its first line names, so the file need not be executable.
static const char runner[] = "f=/tmp/.pinfold-init.$$\n"
                             "cat >\"$f\" || exit 126\n"
                             "\"$@\" \"$f\" </dev/null\n"
                             "r=$?\n"
                             "rm -f \"$f\"\n"
                             "exit $r";

static int fill(struct sandbox *sb, struct msg_box_start *m, struct err *e)
{
    const struct script *s = sb->owner;
    const struct profile *build = profile_find(s->core->profiles, s->core->n_profiles, "build");
    if (!build)
        return err_set(e, ERR_NOT_FOUND, "there is no profile build");
    if (ws_fill(s->ws, build, m, e))
        return -1;
    // Whatever the script runs, packages' own scripts too, is as bound as the workspace's commands.
    bool listed = s->ws->set.network == NET_LIST && s->ws->set.profile;
    m->network = listed ? NET_LIST : build->network;
    return m->network == NET_LIST ? network_for(sb, s->ws, NULL, e) : 0;
}

static void end(struct script *s)
{
    struct outcome o = s->end;
    void (*on_done)(struct ws *, const struct outcome *) = s->on_done;
    struct ws *ws = s->ws;
    buf_release(&s->args.bytes);
    free(s);
    on_done(ws, &o);
}

static void on_box_gone(struct sandbox *sb)
{
    sb->on_gone = NULL;
    end(sb->owner);
}

static void on_proc_end(struct proc *p, const struct outcome *o)
{
    struct script *s = container_of(p, struct script, proc);
    s->end = *o;
    if (s->sb->state == SB_NONE) {
        sandbox_release(s->sb);
        end(s);
        return;
    }
    s->sb->on_gone = on_box_gone;
    sandbox_stop(s->sb);
}

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct script *s = container_of(p, struct script, proc);
    (void)stream; // one log, as a terminal would show it
    source_append(s->log, 0, data, n);
}

// "#!/usr/bin/env python3 -u" into interpreter and one argument, as the kernel splits it.
static size_t interpreter(const char *script, char line[256], const char *argv[3])
{
    size_t n = strcspn(script, "\n");
    argv[0] = "/bin/sh";
    if (strncmp(script, "#!", 2) || n >= 256)
        return 1;
    memcpy(line, script + 2, n - 2);
    line[n - 2] = '\0';
    char *at = line + strspn(line, " \t");
    size_t len = strcspn(at, " \t\r");
    if (!len)
        return 1;
    char *rest = at + len + strspn(at + len, " \t\r");
    at[len] = '\0';
    argv[0] = at;
    rest[strcspn(rest, "\r")] = '\0';
    argv[1] = rest;
    return *rest ? 2 : 1;
}

static int pack(struct script *s, struct err *e)
{
    static const char *const env[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
        "DEBIAN_FRONTEND=noninteractive", NULL};
    char line[256];
    const char *with[3] = {0}, *argv[8] = {"/bin/sh", "-c", runner, "init"};
    size_t n = interpreter(s->ws->set.init_script, line, with);
    for (size_t i = 0; i < n; i++)
        argv[4 + i] = with[i];
    const struct profile *build = profile_find(s->core->profiles, s->core->n_profiles, "build");
    bool listed = s->ws->set.network == NET_LIST;
    buf_init(&s->args.bytes, s->core->conf.command_max_bytes + WS_ENV_BYTES);
    if (packed_argv(&s->args, argv, e) || packed_env(&s->args, s->ws->set.env->list, e) ||
        packed_env(&s->args, (const char *const *)s->ws->set.image->env, e) ||
        (listed &&
         (uses_env(s->core, s->ws->set.allow->list, &s->args, e) ||
          packed_env(&s->args, network_env, e) ||
          (trust_wanted(s->ws->set.allow->list) && packed_env(&s->args, trust_env, e)))) ||
        (!listed && build && build->network == NET_LIST && packed_env(&s->args, network_env, e)) ||
        packed_env(&s->args, env, e))
        return -1;
    return proc_give_stdin(&s->proc, s->ws->set.init_script, strlen(s->ws->set.init_script), e);
}

struct script *script_start(struct ws *ws, struct source *log,
                            void (*on_done)(struct ws *, const struct outcome *))
{
    struct script *s = xcalloc(1, sizeof(*s));
    struct err e = {0};
    char id[ID_MAX];
    s->core = ws->core;
    s->ws = ws;
    s->log = log;
    s->on_done = on_done;
    proc_init(&s->proc, s->core);
    s->sb = sandbox_new(s->core, id_make("init", id), fill, s);
    s->proc.on_output = on_output;
    s->proc.on_end = on_proc_end;
    s->proc.root = true;
    s->proc.timeout_ms = s->core->conf.build_timeout_ms;
    if (pack(s, &e)) {
        proc_end_later(&s->proc, END_START_FAILED, e.text);
        return s;
    }
    s->proc.args = (struct wire_bytes){s->args.bytes.data, s->args.bytes.len};
    s->proc.n_argv = s->args.n_argv;
    s->proc.n_env = s->args.n_env;
    proc_start(&s->proc, s->sb);
    return s;
}

void script_cancel(struct script *s)
{
    proc_kill(&s->proc, END_CANCELLED);
}

// One sentence about an end that is no success; what: "the init script".
void outcome_sentence(const struct outcome *o, const char *what, char *ret, size_t room)
{
    switch (o->reason) {
    case END_EXITED:
        (void)snprintf(ret, room, "%s exited with code %d", what, o->exit_code);
        return;
    case END_SIGNALED:
        (void)snprintf(ret, room, "%s was ended by %s", what, signal_name(o->signal));
        return;
    case END_TIMED_OUT:
        (void)snprintf(ret, room, "%s took longer than allowed (%llu s)", what,
                       (unsigned long long)(o->duration_ms / 1000));
        return;
    case END_OOM:
        (void)snprintf(ret, room, "%s ran out of memory", what);
        return;
    case END_PIDS_LIMIT:
        (void)snprintf(ret, room, "%s reached the limit of processes", what);
        return;
    case END_DISK_FULL:
        (void)snprintf(ret, room, "%s filled the disk", what);
        return;
    case END_CANCELLED:
        (void)snprintf(ret, room, "%s was cancelled", what);
        return;
    default:
        (void)snprintf(ret, room, "%s: %s%s%s", what, end_reason_name(o->reason),
                       o->detail[0] ? ", " : "", o->detail);
    }
}
