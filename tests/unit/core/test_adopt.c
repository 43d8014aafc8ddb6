// SPDX-License-Identifier: Apache-2.0
// Commands go on while no server runs: the next one finds them, reads on where the earlier one
// stopped and tells how each ended.
#include "fake.h"

static char ws_id[ID_MAX];

// As when the server is killed: what is on its disk at that moment is what the next one finds.
// The commands print nothing meanwhile, since the old core is still there to read it.
static void die(void)
{
    char cmd[300];
    (void)snprintf(cmd, sizeof(cmd), "cp -a '%s/server' '%s/crashed'", F.root, F.root);
    (void)fake_shell(cmd);
    core_free(F.core);
    F.core = NULL;
    (void)snprintf(cmd, sizeof(cmd), "rm -r '%s/server' && mv '%s/crashed' '%s/server'", F.root,
                   F.root, F.root);
    (void)fake_shell(cmd);
    (void)loop_turn(F.loop, 0); // inits see it
}

static void begin(struct wait *t, struct exec_spec spec, char id[ID_MAX], const char *until)
{
    struct err e = {0};
    struct workspace *ws = core_workspace_find(F.core, ws_id, &e);
    *t = wait_make(on_wait);
    spec.background = true;
    struct exec *x = core_exec_start(F.core, ws, &spec, &t->w, &e);
    ok(x && TURN_UNTIL(t->done && x->status == EXEC_RUNNING), "a command runs");
    memcpy(id, x->id, ID_MAX);
    if (until)
        (void)TURN_UNTIL(x->out[0].total >= strlen(until) || !core_exec_find(F.core, id, &e) ||
                         x->out[0].kept >= strlen(until));
}

struct reading {
    struct output_read r;
    bool done;
    char text[200];
};

static void on_read(struct waiter *w)
{
    struct reading *t = container_of(w, struct reading, r.w);
    t->done = true;
    if (t->r.len < sizeof(t->text))
        memcpy(t->text, t->r.data, t->r.len);
}

static const char *output(const char *id)
{
    static struct reading t;
    struct err e = {0};
    struct exec *x = core_exec_find(F.core, id, &e);
    memset(&t, 0, sizeof(t));
    t.r.max = 190;
    t.r.w.on_done = on_read;
    if (x && !core_exec_read(F.core, x, &t.r, &e))
        (void)TURN_UNTIL(t.done);
    return t.text;
}

static struct exec *ended(const char *id)
{
    struct err e = {0};
    struct exec *x = core_exec_find(F.core, id, &e);
    ok(x && TURN_UNTIL(x->status == EXEC_ENDED), "it ends");
    return x;
}

static void touch(const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof(path), "%s/dirs/%s/%s", F.root, ws_id, name);
    (void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

#define UNTIL(name) "until [ -e " name " ]; do sleep 0.02; done; "

static void goes_on(void)
{
    struct wait t;
    struct err e = {0};
    char a[ID_MAX], b[ID_MAX], c[ID_MAX];
    begin(&t, (struct exec_spec){.command = "echo one; " UNTIL("go") "echo two; exit 7"}, a,
          "one\n");
    begin(&t, (struct exec_spec){.command = "echo one; " UNTIL("went") "echo two; exit 9"}, b,
          "one\n");
    begin(&t, (struct exec_spec){.command = "cat; exit 3", .stdin_open = true}, c, NULL);
    die();
    touch("went");
    struct fake_box *box = container_of(F.boxes.next, struct fake_box, link);
    ok(TURN_UNTIL(container_of(box->children.next->next, struct fake_child, link)->ended),
       "one of them ends while there is no server");
    ok(!fake_core_start(), "the next server starts");
    struct exec *x = core_exec_find(F.core, a, &e);
    ok(x && x->status == EXEC_RUNNING, "a command that runs is told as running at once");
    x = ended(b);
    is_int(x->end.reason, END_EXITED, "what ended meanwhile is told with its true reason");
    is_int(x->end.exit_code, 9, "and its exit code");
    is_str(output(b), "one\ntwo\n", "and all that it printed");
    touch("go");
    x = ended(a);
    is_int(x->end.exit_code, 7, "what went on ends with its own exit code");
    is_str(output(a), "one\ntwo\n", "and nothing that it printed is missing or there twice");
    x = core_exec_find(F.core, c, &e);
    ok(x && x->stdin_open, "standard input is still open");
    struct wait in = wait_make(on_wait);
    ok(!core_exec_stdin(F.core, x, "typed\n", 6, true, &in.w, &e), "and can be written");
    x = ended(c);
    is_int(x->end.exit_code, 3, "its end of file arrives");
    is_str(output(c), "typed\n", "and so do its bytes");
    ok(TURN_UNTIL(F.forgets == 3 && list_empty(&box->children)), "init need not keep their ends");
    struct wait r = run(core_workspace_find(F.core, ws_id, &e), "echo new");
    is_str(r.out[0], "new\n", "new commands run in the same sandbox");
    is_int(F.starts, 1, "which was started once");
}

static void why_it_ended(void)
{
    struct wait t;
    struct err e = {0};
    char a[ID_MAX], b[ID_MAX];
    begin(&t, (struct exec_spec){.command = "sleep 1000"}, a, NULL);
    begin(&t, (struct exec_spec){.command = "sleep 1000", .timeout_ms = 600}, b, NULL);
    F.ignore_kills = true;
    (void)core_exec_cancel(F.core, core_exec_find(F.core, a, &e), &e);
    for (int i = 0; i < 3; i++)
        (void)loop_turn(F.loop, 5);
    die();
    F.ignore_kills = false;
    struct fake_box *box = container_of(F.boxes.next, struct fake_box, link);
    fake_signal(container_of(box->children.next, struct fake_child, link)->pid, SIGKILL);
    ok(!fake_core_start(), "the next server starts");
    is_int(ended(a)->end.reason, END_CANCELLED, "what an earlier server cancelled is cancelled");
    is_int(ended(b)->end.reason, END_TIMED_OUT, "a time limit goes on");
    ok(core_exec_find(F.core, b, &e)->end.duration_ms >= 590, "from when it was started");
    ok(TURN_UNTIL(list_empty(&box->children)), "init may forget both");
}

static void lost(void)
{
    struct wait t;
    struct err e = {0};
    char a[ID_MAX];
    begin(&t, (struct exec_spec){.command = "echo one; sleep 1000"}, a, "one\n");
    die();
    fake_box_free(container_of(F.boxes.next, struct fake_box, link));
    ok(!fake_core_start(), "the next server starts");
    struct exec *x = ended(a);
    is_int(x->end.reason, END_LOST, "what ran in a sandbox that is gone is lost");
    ok(strstr(x->end.detail, "while no server ran") != NULL, "in a sentence: %s", x->end.detail);
    is_str(output(a), "one\n", "with what it had printed");
    struct wait r = run(core_workspace_find(F.core, ws_id, &e), "echo new");
    is_str(r.out[0], "new\n", "and the workspace works");
}

// A foreground command has nobody who waits for it any more.
static void foreground(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_exec_wait);
    struct exec_spec spec = {.command = "sleep 1000"};
    struct workspace *ws = core_workspace_find(F.core, ws_id, &e);
    struct exec *x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    waiter_cancel(&t.w);
    F.ignore_kills = true; // it was cancelled by that: as if the server had died before
    die();
    F.ignore_kills = false;
    unsigned starts = F.starts;
    struct fake_box *box = container_of(F.boxes.next, struct fake_box, link);
    ok(TURN_UNTIL(list_empty(&box->children)), "a command whose client left with the server ends");
    ok(!fake_core_start(), "the next server starts");
    struct wait r = run(core_workspace_find(F.core, ws_id, &e), "echo new");
    is_str(r.out[0], "new\n", "a command that comes before it is known what lives");
    is_int(F.starts, starts, "runs in that sandbox");
}

int main(void)
{
    if (fake_start())
        return 1;
    F.linger = true;
    struct workspace *ws = make_workspace("kept");
    memcpy(ws_id, ws->id, ID_MAX);
    goes_on();
    why_it_ended();
    foreground();
    lost();
    fake_stop();
    return done_testing();
}
