// SPDX-License-Identifier: Apache-2.0
#include "fake.h"

static struct workspace *ws;

struct op {
    struct file_request f;
    bool done;
    char path[100];
    uint64_t size;
};

static void on_op(struct waiter *w)
{
    struct op *o = container_of(w, struct op, f.w);
    o->done = true;
    if (!w->err.code && o->f.out_entry.path_len < sizeof(o->path)) {
        if (o->f.out_entry.path_len)
            memcpy(o->path, o->f.out_entry.path, o->f.out_entry.path_len);
        o->size = o->f.out_entry.size;
    }
}

static struct op op_make(const char *path)
{
    struct op o;
    memset(&o, 0, sizeof(o));
    o.f.w.on_done = on_op;
    o.f.path = path;
    o.f.mode = -1;
    return o;
}

static void requests(void)
{
    struct err e = {0};
    struct op o = op_make("a file");
    o.f.data = "some data";
    o.f.len = 9;
    is_int(core_file_write(F.core, ws, &o.f, &e), 0, "a file is written");
    ok(TURN_UNTIL(o.done) && !o.f.w.err.code, "and the answer is whole");
    is_str(o.path, "a file", "with its entry");
    is_int(o.size, 9, "and size");
    is_int(F.last_program, 1, "by pinfold-tool");
    o = op_make("missing");
    (void)core_file_stat(F.core, ws, &o.f, &e);
    ok(TURN_UNTIL(o.done) && o.f.w.err.code == ERR_NOT_FOUND, "what is not there is not found");
    is_str(o.f.w.err.text, "missing does not exist", "in the tool's words");
    o = op_make("a file");
    o.f.condition = "!";
    (void)core_file_write(F.core, ws, &o.f, &e);
    ok(TURN_UNTIL(o.done) && o.f.w.err.code == ERR_CONFLICT && o.f.out_condition_failed,
       "a condition that does not hold is told apart");
    o = op_make(NULL);
    (void)core_file_list(F.core, ws, &o.f, &e);
    ok(TURN_UNTIL(o.done) && o.f.out_n == 1 && o.f.out_end.entries == 1, "a list has its entries");
    o = op_make(NULL);
    (void)core_file_ps(F.core, ws, &o.f, &e);
    ok(TURN_UNTIL(o.done) && o.f.out_n == 1, "so has ps");
    o = op_make("x");
    o.f.recursive = true;
    (void)core_file_delete(F.core, ws, &o.f, &e);
    ok(TURN_UNTIL(o.done) && !o.f.w.err.code, "a deletion has its end");
    o = op_make("x");
    o.f.depth = TOOL_DEPTH_MAX + 1;
    is_int(core_file_list(F.core, ws, &o.f, &e), -1, "too deep a list is refused");
    struct op left = op_make("a file");
    (void)core_file_stat(F.core, ws, &left.f, &e);
    waiter_cancel(&left.f.w);
    for (int i = 0; i < 10; i++)
        (void)loop_turn(F.loop, 20);
    ok(!left.done, "who leaves is not called");
    struct exec *x[5];
    bool more;
    is_int(core_exec_list(F.core, ws->id, "", x, 5, &more), 0, "none of it is in the history");
}

struct reading {
    struct file_reader r;
    struct buf got;
    bool entry, ended;
    struct err err;
    uint64_t size;
    int pause_after;
};

static void on_entry(struct file_reader *r, const struct tool_entry *entry)
{
    struct reading *t = container_of(r, struct reading, r);
    t->entry = true;
    t->size = entry->size;
}

static void on_data(struct file_reader *r, const void *p, size_t n)
{
    struct reading *t = container_of(r, struct reading, r);
    (void)buf_append(&t->got, p, n);
    if (t->pause_after && !--t->pause_after)
        core_file_pause(r);
}

static void on_end(struct file_reader *r, const struct err *err)
{
    struct reading *t = container_of(r, struct reading, r);
    t->ended = true;
    t->err = *err;
}

static void reading_init(struct reading *t, const char *path)
{
    memset(t, 0, sizeof(*t));
    t->r = (struct file_reader){
        .path = path, .on_entry = on_entry, .on_data = on_data, .on_end = on_end};
    buf_init(&t->got, 64 << 20);
}

static void streams(void)
{
    struct err e = {0};
    struct reading t;
    (void)run(ws, "head -c 3000000 /dev/zero | tr '\\0' z >big");
    reading_init(&t, "big");
    is_int(core_file_read(F.core, ws, &t.r, &e), 0, "a file is read");
    ok(TURN_UNTIL(t.ended) && !t.err.code, "to its end");
    ok(t.entry && t.size == 3000000, "its entry comes first");
    is_int(t.got.len, 3000000, "then all of its bytes");
    buf_release(&t.got);

    reading_init(&t, "big");
    t.pause_after = 1;
    (void)core_file_read(F.core, ws, &t.r, &e);
    (void)TURN_UNTIL(t.got.len);
    for (int i = 0; i < 20; i++)
        (void)loop_turn(F.loop, 10);
    ok(t.got.len < 1500000 && !t.ended, "a slow reader makes the tool wait");
    core_file_resume(&t.r);
    ok(TURN_UNTIL(t.ended) && t.got.len == 3000000, "and gets all of it later");
    buf_release(&t.got);

    reading_init(&t, "big");
    t.pause_after = 1;
    (void)core_file_read(F.core, ws, &t.r, &e);
    (void)TURN_UNTIL(t.got.len);
    core_file_stop(&t.r);
    for (int i = 0; i < 10; i++)
        (void)loop_turn(F.loop, 20);
    ok(!t.ended, "one who stops is not called");
    buf_release(&t.got);

    reading_init(&t, "missing");
    (void)core_file_read(F.core, ws, &t.r, &e);
    ok(TURN_UNTIL(t.ended) && t.err.code == ERR_NOT_FOUND && !t.entry,
       "a file that is not there is not found, before any byte");
    reading_init(&t, ".");
    (void)core_file_tar_out(F.core, ws, &t.r, &e);
    ok(TURN_UNTIL(t.ended) && t.err.code == ERR_FULL, "a stream that was cut short says so");
    is_int(t.got.len, 6, "after what came");
    buf_release(&t.got);

    struct wait d = wait_make(on_wait);
    reading_init(&t, "big");
    t.pause_after = 1;
    (void)core_file_read(F.core, ws, &t.r, &e);
    (void)TURN_UNTIL(t.got.len);
    (void)core_workspace_delete(F.core, ws, &d.w, &e);
    ok(TURN_UNTIL(d.done) && !d.w.err.code, "a workspace goes while a file is read");
    ok(t.ended && t.err.code == ERR_GONE, "and the reader is told");
    buf_release(&t.got);
}

int main(void)
{
    if (fake_start())
        return 1;
    ws = make_workspace("files");
    requests();
    streams();
    fake_stop();
    return done_testing();
}
