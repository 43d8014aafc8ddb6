// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

static struct workspace *ws;

struct ear {
    struct follower f;
    struct buf got[2];
    uint64_t next[2], gaps;
    bool ended, in_order;
    int pause_after; // pause at the n-th data
    bool stop_in_data;
    int calls;
};

static void on_data(struct follower *f, enum exec_stream s, uint64_t offset, const void *p,
                    size_t n)
{
    struct ear *ear = container_of(f, struct ear, f);
    if (offset != ear->next[s])
        ear->in_order = false;
    ear->next[s] = offset + n;
    (void)buf_append(&ear->got[s], p, n);
    ear->calls++;
    if (ear->pause_after && ear->calls == ear->pause_after)
        core_follow_pause(f);
    if (ear->stop_in_data)
        core_follow_stop(f);
}

static void on_end(struct follower *f)
{
    container_of(f, struct ear, f)->ended = true;
}

static void on_gap(struct follower *f, enum exec_stream s, uint64_t from, uint64_t to)
{
    struct ear *ear = container_of(f, struct ear, f);
    if (from != ear->next[s])
        ear->in_order = false;
    ear->next[s] = to;
    ear->gaps += to - from;
}

static void ear_init(struct ear *ear)
{
    memset(ear, 0, sizeof(*ear));
    ear->f.on_data = on_data;
    ear->f.on_end = on_end;
    ear->f.on_gap = on_gap;
    ear->in_order = true;
    buf_init(&ear->got[0], 256 << 20);
    buf_init(&ear->got[1], 256 << 20);
}

static void ear_release(struct ear *ear)
{
    core_follow_stop(&ear->f);
    buf_release(&ear->got[0]);
    buf_release(&ear->got[1]);
}

// Read kept bytes; the answer's length, its text in `text`.
struct reading {
    struct output_read r;
    bool done;
    char text[200];
    size_t len;
};

static void on_read(struct waiter *w)
{
    struct reading *t = container_of(w, struct reading, r.w);
    t->done = true;
    t->len = t->r.len;
    if (!w->err.code && t->r.len < sizeof(t->text))
        memcpy(t->text, t->r.data, t->r.len);
}

static struct reading read_at(struct exec *x, enum exec_stream s, uint64_t offset, size_t max)
{
    static struct reading t;
    struct err e = {0};
    memset(&t, 0, sizeof(t));
    t.r = (struct output_read){.stream = s, .offset = offset, .max = max};
    t.r.w.on_done = on_read;
    if (core_exec_read(F.core, x, &t.r, &e))
        printf("# read: %s\n", e.text);
    else
        (void)TURN_UNTIL(t.done);
    return t;
}

static void live(void)
{
    struct ear ear;
    struct err e = {0};
    ear_init(&ear);
    struct exec_spec spec = {.command = "echo one; echo two >&2; echo three", .follower = &ear.f};
    struct exec *x = core_exec_start(F.core, ws, &spec, NULL, &e);
    ok(x && TURN_UNTIL(ear.ended), "a follower is told of the end");
    is_str(ear.got[0].data, "one\nthree\n", "after all of the output");
    is_str(ear.got[1].data, "two\n", "of both streams");
    ok(ear.in_order, "in order");
    is_int(ear.f.exec->end.exit_code, 0, "and finds the outcome in the exec");
    ear_release(&ear);

    ear_init(&ear);
    ear.stop_in_data = true;
    spec.command = "echo x; sleep 1000";
    x = core_exec_start(F.core, ws, &spec, NULL, &e);
    ok(TURN_UNTIL(x->status == EXEC_ENDED), "a stream's client that leaves ends the command");
    is_int(x->end.reason, END_CANCELLED, "as cancelled");
    ok(!ear.ended, "and is not called any more");
    ear_release(&ear);
}

static void back_pressure(void)
{
    struct ear ear;
    struct err e = {0};
    ear_init(&ear);
    ear.pause_after = 1;
    struct exec_spec spec = {.command = "head -c 4000000 /dev/zero; echo done >&2",
                             .follower = &ear.f};
    struct exec *x = core_exec_start(F.core, ws, &spec, NULL, &e);
    (void)TURN_UNTIL(ear.calls);
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 10);
    ok(ear.got[0].len < 2000000, "a slow reader makes the command wait");
    is_int(x->status, EXEC_RUNNING, "which still runs");
    core_follow_resume(&ear.f);
    ok(TURN_UNTIL(ear.ended), "then it goes on");
    is_int(ear.got[0].len, 4000000, "and not a byte is missing");
    ok(ear.in_order && !ear.gaps, "in order, without a gap");
    ear_release(&ear);

    ear_init(&ear);
    ear.pause_after = 1;
    spec.command = "head -c 300000 /dev/zero";
    x = core_exec_start(F.core, ws, &spec, NULL, &e);
    (void)TURN_UNTIL(ear.calls);
    is_int(core_exec_cancel(F.core, x, &e), 0, "a command is cancelled while its reader is slow");
    ok(TURN_UNTIL(x->status == EXEC_ENDED), "it ends without waiting for the reader");
    core_follow_resume(&ear.f);
    ok(TURN_UNTIL(ear.ended) && ear.in_order, "who then reads what was kept");
    ear_release(&ear);
}

static void beyond_keep(void)
{
    struct ear ear, late;
    struct err e = {0};
    ear_init(&ear);
    ear_init(&late);
    struct exec_spec spec = {.command = "head -c 1000000 /dev/zero | tr '\\0' a",
                             .keep_bytes = 100000,
                             .follower = &ear.f};
    struct exec *x = core_exec_start(F.core, ws, &spec, NULL, &e);
    ok(TURN_UNTIL(ear.ended), "more than is kept goes by");
    is_int(ear.got[0].len, 1000000, "the live stream got all of it");
    is_int(x->out[0].total, 1000000, "all is counted");
    is_int(x->out[0].kept, 100000, "the first part is kept");
    ok(x->out[0].truncated, "and it is said that it was cut");
    is_int(core_exec_follow(F.core, x, &late.f, &e), 0, "one who comes later");
    ok(late.calls == 0, "is not called from within the call");
    ok(TURN_UNTIL(late.ended), "reads it again");
    is_int(late.got[0].len, 100000, "as far as it was kept");
    is_int(late.gaps, 900000, "and is told of the gap");
    ok(late.in_order, "in its place");
    struct reading t = read_at(x, EXEC_STDOUT, 99990, 100);
    is_int(t.len, 10, "a read at an offset ends where what is kept ends");
    is_int(t.r.kept_end, 100000, "and says where that is");
    t = read_at(x, EXEC_STDOUT, 500000, 100);
    is_int(t.len, 0, "beyond there is nothing");
    is_int(t.r.offset, 100000, "and it says from where it read");
    ear_release(&ear);
    ear_release(&late);
}

static void background(void)
{
    struct ear ear;
    struct err e = {0};
    struct wait t = wait_make(on_wait), end = wait_make(on_wait);
    ear_init(&ear);
    struct exec_spec spec = {
        .command = "echo first; read line; echo got $line", .background = true, .stdin_open = true};
    struct exec *x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    ok(TURN_UNTIL(t.done) && !t.w.err.code, "a background exec is accepted when it is recorded");
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    struct reading r = {0};
    while (!r.len)
        r = read_at(x, EXEC_STDOUT, 0, 100);
    is_str(r.text, "first\n", "its output can be read while it runs");
    ok(!r.r.ended, "which is not said to be all");
    ear.f.from[0] = 2;
    ear.next[0] = 2;
    is_int(core_exec_follow(F.core, x, &ear.f, &e), 0, "it is followed from an offset");
    (void)TURN_UNTIL(ear.calls);
    is_str(ear.got[0].data, "rst\n", "beginning there");
    is_int(core_exec_wait(F.core, x, 10, &end.w, &e), 0, "a wait for its end");
    ok(TURN_UNTIL(end.done) && x->status == EXEC_RUNNING, "gives up at its time");
    end = wait_make(on_wait);
    (void)core_exec_wait(F.core, x, 100000, &end.w, &e);
    (void)core_exec_stdin(F.core, x, "something\n", 10, true, NULL, &e);
    ok(TURN_UNTIL(ear.ended && end.done), "the follower and the wait are told of the end");
    is_str(ear.got[0].data, "rst\ngot something\n", "with the rest");
    is_int(x->end.exit_code, 0, "it exited");
    ear_release(&ear);
    (void)TURN_UNTIL(!access(fake_path("server/output", x->id), F_OK) || true);
}

static void large_in_file(void)
{
    struct err e = {0};
    struct wait t = wait_make(on_exec_wait);
    struct exec_spec spec = {.command = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); "
                                        "done",
                             .answer_bytes = 1000};
    struct exec *x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    is_int(t.len[0], 1000, "an answer holds as much as was asked for");
    ok(x->out[0].kept == x->out[0].total && x->out[0].total > 200000, "all is kept");
    struct reading r = read_at(x, EXEC_STDOUT, x->out[0].total - 11, 100);
    is_str(r.text, "line 19999\n", "and read from its file");
    r = read_at(x, EXEC_STDOUT, 0, 7);
    is_str(r.text, "line 0\n", "from the beginning too");
    // small output moves from memory into the database once it is recorded
    t = wait_make(on_exec_wait);
    spec = (struct exec_spec){.command = "echo small"};
    x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(t.done);
    for (int i = 0; i < 30; i++)
        (void)loop_turn(F.loop, 10);
    r = read_at(x, EXEC_STDOUT, 1, 3);
    is_str(r.text, "mal", "small output is still there after it was recorded");
    struct ear ear;
    ear_init(&ear);
    (void)core_exec_follow(F.core, x, &ear.f, &e);
    ok(TURN_UNTIL(ear.ended), "also for a follower");
    is_str(ear.got[0].data, "small\n", "as a whole");
    ear_release(&ear);
}

static void terminal(void)
{
    struct ear ear;
    struct err e = {0};
    ear_init(&ear);
    struct exec_spec spec = {.command = "tty >/dev/null && echo a terminal; read x; echo \"<$x>\"; "
                                        "head -c 600000 /dev/zero | tr '\\0' b; echo last",
                             .tty = true,
                             .rows = 30,
                             .cols = 100,
                             .follower = &ear.f};
    struct exec *x = core_exec_start(F.core, ws, &spec, NULL, &e);
    (void)TURN_UNTIL(ear.got[0].len > 10);
    is_int(core_exec_resize(F.core, x, 40, 120, &e), 0, "a terminal is resized");
    is_int(core_exec_resize(F.core, x, 0, 120, &e), -1, "but not to nothing");
    is_int(core_exec_stdin(F.core, x, "hello\n", 6, false, NULL, &e), 0, "typed into");
    ok(TURN_UNTIL(ear.ended), "and ends");
    ok(strstr(ear.got[0].data, "a terminal") != NULL, "it was one");
    ok(strstr(ear.got[0].data, "<hello>") != NULL, "what was typed was read");
    ok(ear.got[0].len > 600000, "the live stream got all of it");
    is_int(x->out[0].kept, 256 * 1024, "the last 256 KiB are kept");
    is_int(x->out[0].first + x->out[0].kept, x->out[0].total, "the last, not the first");
    struct reading r = read_at(x, EXEC_STDOUT, x->out[0].total - 6, 100);
    is_str(r.text, "last\r\n", "and can be read");
    ear_release(&ear);
    ear_init(&ear);
    (void)core_exec_follow(F.core, x, &ear.f, &e);
    ok(TURN_UNTIL(ear.ended), "one who comes later");
    is_int(ear.got[0].len, 256 * 1024, "gets the replay of what is kept");
    ok(ear.in_order && ear.gaps == x->out[0].first, "and knows what came before");
    ear_release(&ear);
}

static void deleted(void)
{
    struct err e = {0};
    struct wait t = run(ws, "head -c 200000 /dev/zero"), d = wait_make(on_wait);
    struct exec *x = core_exec_find(F.core, t.id, &e);
    char id[ID_MAX];
    memcpy(id, t.id, sizeof(id));
    struct ear ear;
    ear_init(&ear);
    ear.pause_after = 1;
    (void)core_exec_follow(F.core, x, &ear.f, &e);
    (void)TURN_UNTIL(ear.calls);
    is_int(core_exec_delete(F.core, x, &d.w, &e), 0, "an exec is deleted");
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "which is told when it is done");
    ok(ear.ended, "who followed it is told of the end");
    ok(!core_exec_find(F.core, id, &e) && e.code == ERR_NOT_FOUND, "it is not found any more");
    ear_release(&ear);
    d = wait_make(on_wait);
    struct exec_spec spec = {.command = "sleep 1000", .background = true};
    t = wait_make(on_wait);
    x = core_exec_start(F.core, ws, &spec, &t.w, &e);
    (void)TURN_UNTIL(x->status == EXEC_RUNNING);
    (void)core_exec_delete(F.core, x, &d.w, &e);
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "a running one is ended first");
}

static void many(void)
{
    struct core_conf *conf = (struct core_conf *)(uintptr_t)core_conf(F.core);
    struct exec *page[10];
    bool more;
    conf->execs_kept_workspace = 5;
    for (int i = 0; i < 12; i++)
        (void)run(ws, "echo out");
    size_t n = 99;
    (void)TURN_UNTIL((n = core_exec_list(F.core, ws->id, "", page, 10, &more)) <= 5);
    ok(n == 5 && !more, "only so many are remembered");
    ok(page[0]->created_ms >= page[4]->created_ms, "newest first");
    char id[ID_MAX], cursor[CURSOR_MAX];
    memcpy(id, page[4]->id, sizeof(id));
    n = core_exec_list(F.core, ws->id, "", page, 3, &more);
    ok(n == 3 && more, "a page says that there are more");
    (void)core_cursor(page[2]->id, page[2]->created_ms, cursor);
    n = core_exec_list(F.core, "", cursor, page, 3, &more);
    ok(n == 2 && !more, "the next one has the rest");
    is_str(page[1]->id, id, "to the last");
    conf->execs_kept_workspace = 1000;
}

int main(void)
{
    if (fake_start())
        return 1;
    ws = make_workspace("out");
    live();
    back_pressure();
    beyond_keep();
    background();
    large_in_file();
    terminal();
    deleted();
    many();
    fake_stop();
    return done_testing();
}
