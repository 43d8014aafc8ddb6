// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

static struct workspace *ws;

static void collected(void)
{
    struct wait t = run(ws, "echo out; echo err >&2; exit 3");
    ok(t.done && !t.w.err.code, "a command runs to its end");
    is_str(t.out[0], "out\n", "its standard output is collected");
    is_str(t.out[1], "err\n", "its standard error too, apart");
    is_int(t.end.reason, END_EXITED, "it exited");
    is_int(t.end.exit_code, 3, "with its exit code");
    is_int(F.starts, 1, "its sandbox was started for it");
    is_int(t.end.cpu_us, 1234, "what init measured is told");

    t = run(ws, "kill -TERM $$");
    is_int(t.end.reason, END_SIGNALED, "a signal is told as such");
    is_int(t.end.signal, SIGTERM, "which one");
    is_int(t.end.exit_code, -1, "and no exit code is invented");
    is_int(F.starts, 1, "the sandbox was still there");

    t = run(ws, "printf 'a\\0b'");
    ok(t.len[0] == 3 && !memcmp(t.out[0], "a\0b", 3), "bytes arrive as they are");

    const char *argv[] = {"printf", "%s|", "a b", "", "c", NULL};
    struct exec_spec spec = {.argv = argv};
    t = run_spec(ws, &spec);
    is_str(t.out[0], "a b||c|", "argv is passed word by word");

    t = run(ws, "-c oops 2>/dev/null; echo still here");
    is_str(t.out[0], "still here\n", "a command that looks like an option is run as a command");

    const char *none[] = {"no-such-program-here", NULL};
    struct exec_spec missing = {.argv = none};
    t = run_spec(ws, &missing);
    is_int(t.end.reason, END_START_FAILED, "a program that does not exist fails to start");
    is_str(t.end.detail, "exec: No such file or directory", "with the step and the reason");
}

static void environment(void)
{
    const char *env[] = {"A=exec", "EMPTY=", NULL};
    struct exec_spec spec = {.command = "echo $A-$B-${EMPTY-unset}; echo $PATH | grep -c /usr/bin",
                             .env = env};
    struct wait t = run_spec(ws, &spec);
    is_str(t.out[0], "exec-from workspace-\n1\n",
           "the exec's environment goes over the workspace's");

    struct exec_spec cwd = {.command =
                                "mkdir -p sub/deep; cd sub/deep && pwd | sed 's,.*/dirs/[^/]*,,'"};
    t = run_spec(ws, &cwd);
    is_str(t.out[0], "/sub/deep\n", "it starts in /workspace");
    cwd.command = "pwd | sed 's,.*/dirs/[^/]*,,'";
    cwd.cwd = "sub/deep";
    t = run_spec(ws, &cwd);
    is_str(t.out[0], "/sub/deep\n", "or in a directory below it");
    cwd.cwd = "sub/../../..";
    t = run_spec(ws, &cwd);
    is_int(t.w.err.code, ERR_BAD_REQUEST, "but not above it");

    struct exec_spec in = {.command = "wc -c", .stdin_data = "hello", .stdin_len = 5};
    t = run_spec(ws, &in);
    is_int(atoi(t.out[0]), 5, "input is given to it, and its end");
    size_t big = 300000;
    own_free char *data = calloc(1, big);
    in.stdin_data = data;
    in.stdin_len = big;
    t = run_spec(ws, &in);
    is_int(atoi(t.out[0]), (int)big, "also more than a pipe holds");
    t = run(ws, "cat; echo end");
    is_str(t.out[0], "end\n", "input that was not given is closed");

    own_free char *many = malloc(200001);
    memset(many, 'x', 200000);
    many[200000] = '\0';
    const char *argv[] = {"sh", "-c", "printf %s \"$1\" | wc -c", "sh", many, NULL};
    struct exec_spec large = {.argv = argv};
    argv[4] = many + 100000; // an argument has the kernel's own limit of 128 KiB
    t = run_spec(ws, &large);
    is_int(atoi(t.out[0]), 100000, "arguments too large for a message arrive");
}

static void refused(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_exec_wait);
    struct exec_spec none = {0}, both = {.command = "x", .argv = (const char *[]){"x", NULL}};
    struct exec_spec late = {.command = "x", .timeout_ms = 48ull * 3600 * 1000};
    struct exec_spec user = {.command = "x", .user = "../root"};
    const char *bad_env[] = {"=x", NULL};
    struct exec_spec env = {.command = "x", .env = bad_env};
    ok(!core_exec_start(F.core, ws, &none, &t.w, &e) && e.code == ERR_BAD_REQUEST,
       "a request without command is refused");
    ok(!core_exec_start(F.core, ws, &both, &t.w, &e) && e.code == ERR_BAD_REQUEST,
       "one with command and argv is");
    ok(!core_exec_start(F.core, ws, &late, &t.w, &e) && e.code == ERR_LIMIT,
       "one that wants too long is, with the limit");
    ok(!core_exec_start(F.core, ws, &user, &t.w, &e) && e.code == ERR_BAD_REQUEST,
       "a user that is no name is");
    ok(!core_exec_start(F.core, ws, &env, &t.w, &e) && e.code == ERR_BAD_REQUEST,
       "a variable without name is");
    ok(!waiter_pending(&t.w), "and the waiter was left alone");
    is_int(core_stats(F.core)->execs_running, 0, "nothing runs");
}

static void timeouts(void)
{
    struct exec_spec spec = {.command = "echo before; sleep 1000 & sleep 1000", .timeout_ms = 200};
    uint64_t start = clock_mono_ms();
    struct wait t = run_spec(ws, &spec);
    is_int(t.end.reason, END_TIMED_OUT, "at its timeout a command is ended");
    ok(t.end.timed_out && t.end.signal == SIGKILL, "which is said twice, as clients look at both");
    is_str(t.out[0], "before\n", "what it printed until then is in the answer");
    ok(clock_mono_ms() - start < 5000, "it did not take longer");

    struct core_conf *conf = (struct core_conf *)(uintptr_t)core_conf(F.core);
    conf->kill_grace_ms = 100;
    F.ignore_kills = true;
    spec.command = "sleep 1000";
    spec.timeout_ms = 50;
    unsigned stops = F.stops;
    t = run_spec(ws, &spec);
    F.ignore_kills = false;
    is_int(t.end.reason, END_TIMED_OUT, "an init that does not kill costs the sandbox");
    is_int(F.stops, stops + 1, "which is stopped");
    t = run(ws, "echo again");
    is_str(t.out[0], "again\n", "and started again for the next");
}

static void reasons(void)
{
    F.oom_kills = 1;
    struct wait t = run(ws, "kill -KILL $$");
    ok(t.end.reason == END_OOM && t.end.oom_killed, "the kernel's counter makes it oom");
    F.oom_kills = 1;
    t = run(ws, "exit 0");
    ok(t.end.reason == END_EXITED && t.end.oom_killed,
       "a command that went on after a child's oom exited, and says so");
    F.pids_refused = 4;
    t = run(ws, "exit 2");
    is_int(t.end.reason, END_PIDS_LIMIT, "refused forks make it pids_limit");
    is_int(t.end.exit_code, 2, "with the exit code as it was");

    F.disk_full = true;
    t = run(ws, "exit 1");
    is_int(t.end.reason, END_DISK_FULL, "a full disk makes it disk_full");
    t = run(ws, "exit 0");
    is_int(t.end.reason, END_EXITED, "but not of one that did not mind");
    F.disk_full = false;

    struct exec_spec spec = {.command = "yes", .limits = {.output_bytes = 1000}};
    t = run_spec(ws, &spec);
    is_int(t.end.reason, END_OUTPUT_LIMIT, "too much output ends it");
    is_int(t.len[0], 1000, "with exactly the limit's bytes");
    spec.command = "head -c 5000 /dev/zero";
    t = run_spec(ws, &spec);
    is_int(t.end.reason, END_OUTPUT_LIMIT, "also one that had ended by then");
}

static void cancelled(void)
{
    struct wait t = wait_make(on_exec_wait);
    struct err e = {0};
    struct exec_spec spec = {.command = "sleep 1000"};
    struct exec *x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    char id[ID_MAX];
    memcpy(id, x->id, sizeof(id));
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    is_int(core_exec_signal(F.core, x, 999, &e), -1, "a signal that is none is refused");
    waiter_cancel(&t.w);
    ok(TURN_UNTIL(x->status == EXEC_ENDED), "a client that leaves ends its command");
    is_int(x->end.reason, END_CANCELLED, "as cancelled");
    ok(!t.done, "and is not called any more");
    ok(core_exec_find(F.core, id, &e) == x, "it is still known");
    is_int(core_exec_signal(F.core, x, SIGTERM, &e), -1, "but takes no signal");
    is_int(e.code, ERR_GONE, "as it is gone");

    t = wait_make(on_exec_wait);
    x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    is_int(core_exec_signal(F.core, x, SIGTERM, &e), 0, "a running one takes a signal");
    (void)TURN_UNTIL(t.done);
    is_int(t.end.signal, SIGTERM, "and ends by it");

    t = wait_make(on_exec_wait);
    spec.detach = true;
    x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    waiter_cancel(&t.w);
    (void)loop_turn(F.loop, 50);
    is_int(x->status, EXEC_RUNNING, "a detached one goes on when its client leaves");
    is_int(core_exec_cancel(F.core, x, &e), 0, "and is cancelled by name");
    (void)TURN_UNTIL(x->status == EXEC_ENDED);
    is_int(x->end.reason, END_CANCELLED, "which it says");
}

static void places(void)
{
    struct err e = {0};
    struct wait t[5];
    struct exec *x[5];
    struct core_conf *conf = (struct core_conf *)(uintptr_t)core_conf(F.core);
    uint32_t old = conf->execs_per_workspace, old_queue = conf->execs_queued_max;
    conf->execs_per_workspace = 2;
    conf->execs_queued_max = 2;
    struct exec_spec spec = {.command = "cat", .stdin_open = true};
    for (int i = 0; i < 4; i++) {
        t[i] = wait_make(on_exec_wait);
        x[i] = core_exec_start(F.core, ws, &spec, &t[i].w, &e);
    }
    t[4] = wait_make(on_exec_wait);
    ok(x[3] && !core_exec_start(F.core, ws, &spec, &t[4].w, &e) && e.code == ERR_LIMIT,
       "over the queue's limit an exec is refused");
    is_int(core_stats(F.core)->execs_queued, 2, "two wait");
    is_int(x[2]->status, EXEC_QUEUED, "and say so");
    is_int(core_exec_cancel(F.core, x[3], &e), 0, "one that waits can be cancelled");
    ok(TURN_UNTIL(t[3].done) && t[3].end.reason == END_CANCELLED, "without having run");
    is_int(core_exec_stdin(F.core, x[0], "hi", 2, true, NULL, &e), 0, "input is written");
    ok(TURN_UNTIL(t[0].done), "the first ends with its input");
    is_str(t[0].out[0], "hi", "having read it");
    ok(TURN_UNTIL(x[2]->status == EXEC_RUNNING), "then the next one runs");
    (void)core_exec_stdin(F.core, x[1], NULL, 0, true, NULL, &e);
    (void)core_exec_stdin(F.core, x[2], NULL, 0, true, NULL, &e);
    ok(TURN_UNTIL(t[1].done && t[2].done), "and all end");
    is_int(core_stats(F.core)->execs_running, 0, "no place is lost");
    conf->execs_per_workspace = old;
    conf->execs_queued_max = old_queue;
}

static void sandbox_fails(void)
{
    struct err e = {0};
    struct wait t = run(ws, "true");
    struct wait stop = wait_make(on_wait);
    (void)TURN_UNTIL(core_stats(F.core)->execs_running == 0);
    is_int(core_workspace_stop(F.core, ws, &stop.w, &e), 0, "a sandbox is stopped");
    (void)TURN_UNTIL(stop.done);
    F.fail_start = "overlay";
    t = run(ws, "true");
    F.fail_start = NULL;
    is_int(t.end.reason, END_START_FAILED, "when it does not start, the command does not");
    is_str(t.end.detail, "overlay: it went wrong", "with the step that failed");
    t = run(ws, "echo fine");
    is_str(t.out[0], "fine\n", "the next one may");

    // init is killed while commands run
    struct wait a = wait_make(on_exec_wait), b = wait_make(on_exec_wait);
    struct exec_spec spec = {.command = "echo printed; sleep 1000"};
    struct exec *xa = core_exec_start(F.core, ws, &spec, &a.w, &e);
    struct exec *xb = core_exec_start(F.core, ws, &spec, &b.w, &e);
    (void)TURN_UNTIL(xa->status == EXEC_RUNNING && xb->status == EXEC_RUNNING);
    fake_exited(fake_find(ws->id), 0);
    ok(TURN_UNTIL(a.done && b.done), "a killed init ends what ran in it");
    is_int(a.end.reason, END_LOST, "as lost");
    t = run(ws, "echo back");
    is_str(t.out[0], "back\n", "a new sandbox is started for the next");

    a = wait_make(on_exec_wait);
    xa = core_exec_start(F.core, ws, &spec, &a.w, &e);
    (void)TURN_UNTIL(xa->status == EXEC_RUNNING);
    fake_exited(fake_find(ws->id), 7);
    ok(TURN_UNTIL(a.done) && a.end.reason == END_OOM, "one that was out of memory says that");

    // the client leaves while the sandbox starts
    stop = wait_make(on_wait);
    (void)core_workspace_stop(F.core, ws, &stop.w, &e);
    (void)TURN_UNTIL(stop.done);
    F.hold_starts = true;
    unsigned starts = F.starts;
    a = wait_make(on_exec_wait);
    xa = core_exec_start(F.core, ws, &spec, &a.w, &e);
    (void)TURN_UNTIL(F.starts > starts);
    waiter_cancel(&a.w);
    ok(TURN_UNTIL(xa->status == EXEC_ENDED) && xa->end.reason == END_CANCELLED,
       "a client may leave while the sandbox starts");
    F.hold_starts = false;

    // the launcher restarts while it starts still
    a = wait_make(on_exec_wait);
    struct exec_spec quick = {.command = "echo survived"};
    (void)core_exec_start(F.core, ws, &quick, &a.w, &e);
    fake_restart();
    (void)TURN_UNTIL(a.done);
    is_str(a.out[0], "survived\n", "a start that a dying launcher took along is asked for again");
    t = run(ws, "echo new launcher");
    is_str(t.out[0], "new launcher\n", "its successor serves the next");
    a = wait_make(on_exec_wait);
    xa = core_exec_start(F.core, ws, &spec, &a.w, &e);
    (void)TURN_UNTIL(xa->status == EXEC_RUNNING);
    fake_restart();
    ok(TURN_UNTIL(a.done) && a.end.reason == END_LOST, "what ran when it died is lost");
    t = run(ws, "echo and again");
    is_str(t.out[0], "and again\n", "and it goes on");
}

static void one_shots(void)
{
    struct err e = {0};
    struct file_put files[] = {{.path = "a.txt", .data = "content", .len = 7},
                               {.path = "b.txt", .data = "x", .len = 1}};
    struct exec_spec spec = {.command = "cat a.txt b.txt", .files = files, .n_files = 2};
    unsigned stops = F.stops;
    struct wait t = run_spec(NULL, &spec);
    is_str(t.out[0], "contentx", "a one-shot runs with its files in a sandbox of its own");
    ok(TURN_UNTIL(F.stops == stops + 1), "which goes with the answer");
    ok(TURN_UNTIL(fake_find(t.id) == NULL), "for good");
    spec.image = "built";
    t = run_spec(NULL, &spec);
    is_int(t.w.err.code, ERR_CONFLICT, "an image that is not built is refused");
    spec.image = "nothing";
    t = run_spec(NULL, &spec);
    is_int(t.w.err.code, ERR_BAD_REQUEST, "one that does not exist is");
    spec.image = NULL;
    spec.profile = "git";
    t = run_spec(NULL, &spec);
    is_int(t.w.err.code, ERR_BAD_REQUEST, "an internal profile is");
    spec.profile = "small";
    spec.command = "head -c 200 /dev/zero";
    t = run_spec(NULL, &spec);
    is_int(t.end.reason, END_OUTPUT_LIMIT, "its profile's limits hold");
    F.fail_start = "clone";
    t = run_spec(NULL, &spec);
    F.fail_start = NULL;
    is_int(t.end.reason, END_START_FAILED, "its sandbox may fail to start");
    spec = (struct exec_spec){.command = "sleep 1000", .timeout_ms = 100};
    t = run_spec(NULL, &spec);
    is_int(t.end.reason, END_TIMED_OUT, "it has a timeout");
    t = wait_make(on_exec_wait);
    spec.timeout_ms = 0;
    struct exec *x = core_exec_start(F.core, NULL, &spec, &t.w, &e);
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    waiter_cancel(&t.w);
    ok(TURN_UNTIL(x->status == EXEC_ENDED && list_empty(&F.boxes) == false), "a client may leave");
    ok(TURN_UNTIL(fake_find(x->id) == NULL), "then its sandbox goes");
}

int main(void)
{
    if (fake_start())
        return 1;
    struct wait t = wait_make(on_wait);
    struct err e = {0};
    const char *env[] = {"A=workspace", "B=from workspace", NULL};
    struct workspace_spec spec = {.name = "one", .env = env};
    ok(!core_workspace_create(F.core, &spec, &t.w, &e) && TURN_UNTIL(t.done), "a workspace");
    ws = t.w.result;
    is_int(ws->status, WS_READY, "is ready at once");
    collected();
    environment();
    refused();
    timeouts();
    reasons();
    cancelled();
    places();
    sandbox_fails();
    one_shots();
    fake_stop();
    return done_testing();
}
