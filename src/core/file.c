// SPDX-License-Identifier: Apache-2.0
// File operations: calls of pinfold-tool in the workspace's sandbox. What it prints is checked
// record by record, since it comes from where a stranger's processes run.
#include "file_int.h"
#include "workspace_int.h"

#include <pinfold/clock.h>
#include <pinfold/own.h>
#include <stdio.h>

#define QUICK_MS 60000      // operations on names
#define TRANSFER_MS 3600000 // operations on contents, whose other end may be slow
#define JOBS_MAX 64         // of one workspace at a time
#define TAR_FILES_MAX 1000000

static void free_job(struct file_job *j)
{
    buf_release(&j->args.bytes);
    buf_release(&j->out);
    buf_release(&j->text);
    free(j->array);
    list_del(&j->of_ws);
    j->ws->n_file_jobs--;
    free(j);
}

// --- the answer -------------------------------------------------------------------------------

static void why_ended(struct file_job *j, const struct outcome *o)
{
    struct err *e = &j->err;
    switch (o->reason) {
    case END_EXITED:
        (void)tool_result(o->exit_code, j->text.data, j->text.len, e);
        return;
    case END_TIMED_OUT:
        err_set(e, ERR_TIMEOUT, "the file operation took too long");
        return;
    case END_OOM:
    case END_PIDS_LIMIT:
        err_set(e, ERR_LIMIT, "the workspace has no room for a file operation (%s)",
                end_reason_name(o->reason));
        return;
    case END_CANCELLED:
        err_set(e, ERR_GONE, "the file operation was cancelled");
        return;
    default:
        err_set(e, o->reason == END_LOST ? ERR_LOST : ERR_INTERNAL, "the file operation: %s %s",
                end_reason_name(o->reason), o->detail);
    }
}

// Count the records of a whole answer, checking each; *ret_end is the last one's.
static int count(struct file_job *j, enum tool_record_type want, size_t *ret_n,
                 struct tool_end *ret_end)
{
    struct tool_record rec;
    size_t n = 0;
    for (size_t at = 0; at < j->out.len;) {
        int got = tool_record_get(j->out.data + at, j->out.len - at, &rec, &j->err);
        if (got < 0)
            return -1;
        if (!got)
            break;
        at += (size_t)got;
        if (rec.type == TOOL_REC_END && at == j->out.len) {
            *ret_n = n;
            *ret_end = rec.end;
            return 0;
        }
        if (rec.type != want)
            break;
        n++;
    }
    return err_set(&j->err, ERR_INTERNAL, "the answer of the file operation was cut short");
}

static void collect(struct file_job *j, struct file_request *f, enum tool_record_type type,
                    size_t size)
{
    struct tool_record rec;
    if (count(j, type, &f->out_n, &f->out_end) || !size)
        return;
    char *to = j->array = xcalloc(f->out_n + 1, size);
    size_t at = 0;
    for (size_t i = 0; i < f->out_n; i++, to += size) {
        at += (size_t)tool_record_get(j->out.data + at, j->out.len - at, &rec, NULL);
        memcpy(to, type == TOOL_REC_ENTRY ? (void *)&rec.entry : (void *)&rec.process, size);
    }
    if (type == TOOL_REC_ENTRY)
        f->out_entries = j->array;
    else
        f->out_processes = j->array;
}

static void one_entry(struct file_job *j, struct file_request *f)
{
    struct tool_record rec;
    int got = tool_record_get(j->out.data, j->out.len, &rec, &j->err);
    if (got < 0)
        return;
    if (!got || (size_t)got != j->out.len || rec.type != TOOL_REC_ENTRY)
        err_set(&j->err, ERR_INTERNAL, "the answer of the file operation was cut short");
    else
        f->out_entry = rec.entry;
}

static void answer_request(struct file_job *j, const struct outcome *o)
{
    struct file_request *f = j->request;
    f->out_condition_failed = o->reason == END_EXITED && o->exit_code == TOOL_EXIT_CONDITION;
    f->out_note = j->text.data;
    if (!j->err.code && j->answer == ANSWER_ENTRY)
        one_entry(j, f);
    else if (!j->err.code && j->answer == ANSWER_ENTRIES)
        collect(j, f, TOOL_REC_ENTRY, sizeof(struct tool_entry));
    else if (!j->err.code && j->answer == ANSWER_PROCESSES)
        collect(j, f, TOOL_REC_PROCESS, sizeof(struct tool_process));
    else if (!j->err.code)
        collect(j, f, TOOL_REC_END, 0);
    if (j->err.code)
        waiters_fail(&j->waiters, &j->err);
    else
        waiters_done(&j->waiters, f);
}

void file_answer_take(struct file_request *f, struct buf *ret_bytes, void **ret_array)
{
    struct file_job *j = f->job;
    *ret_bytes = j->out;
    *ret_array = ptr_steal(&j->array);
    buf_init(&j->out, 0);
}

static void on_end(struct proc *p, const struct outcome *o)
{
    struct file_job *j = container_of(p, struct file_job, proc);
    struct ws *ws = j->ws;
    if (!j->err.code)
        why_ended(j, o);
    if (!j->err.code && j->reader && j->wants_entry)
        err_set(&j->err, ERR_INTERNAL, "the answer of the file operation was cut short");
    if (j->request)
        answer_request(j, o);
    if (j->reader) {
        j->reader->job = NULL;
        j->reader->on_end(j->reader, &j->err);
    }
    free_job(j);
    if (ws->pub.status == WS_DELETING)
        ws_delete_step(ws);
}

// --- its output -------------------------------------------------------------------------------

static void on_stream(struct file_job *j, const char *p, size_t n)
{
    struct tool_record rec;
    if (!j->wants_entry) {
        if (j->reader)
            j->reader->on_data(j->reader, p, n);
        return;
    }
    if (buf_append(&j->out, p, n)) {
        err_set(&j->err, ERR_INTERNAL, "the file operation printed too much");
        proc_kill(&j->proc, END_CANCELLED);
        return;
    }
    int got = tool_record_get(j->out.data, j->out.len, &rec, &j->err);
    if (got < 0 || (got > 0 && rec.type != TOOL_REC_ENTRY)) {
        err_set(&j->err, ERR_INTERNAL, "the file operation printed no entry");
        proc_kill(&j->proc, END_CANCELLED);
    } else if (got > 0) {
        j->wants_entry = false;
        if (j->reader && j->reader->on_entry)
            j->reader->on_entry(j->reader, &rec.entry);
        if (j->reader && j->out.len > (size_t)got)
            j->reader->on_data(j->reader, j->out.data + got, j->out.len - (size_t)got);
    }
}

static void on_output(struct proc *p, unsigned stream, const void *data, size_t n)
{
    struct file_job *j = container_of(p, struct file_job, proc);
    if (stream == EXEC_STDERR) {
        size_t room = j->text.max - j->text.len;
        (void)buf_append(&j->text, data, n < room ? n : room);
    } else if (j->answer == ANSWER_STREAM) {
        if (!j->err.code)
            on_stream(j, data, n);
    } else if (!j->err.code && buf_append(&j->out, data, n)) {
        err_set(&j->err, ERR_LIMIT, "the answer is larger than %d bytes; ask for less at a time",
                FILE_OUT_MAX);
        proc_kill(p, END_CANCELLED);
    }
}

void file_jobs_end(struct ws *ws)
{
    list_for (it, &ws->file_jobs) {
        struct file_job *j = container_of(it, struct file_job, of_ws);
        if (!j->err.code)
            err_set(&j->err, ERR_GONE, "the workspace is being deleted");
        proc_resume(&j->proc, EXEC_STDOUT);
        proc_kill(&j->proc, END_CANCELLED);
    }
}

void file_jobs_free(struct ws *ws)
{
    list_for_safe (it, &ws->file_jobs) {
        struct file_job *j = container_of(it, struct file_job, of_ws);
        proc_abandon(&j->proc);
        free_job(j);
    }
}

// --- starting ---------------------------------------------------------------------------------

static struct file_job *new_job(struct core *c, struct workspace *pub, struct err *e)
{
    struct ws *ws = ws_of(pub);
    if (ws_runnable(ws, e))
        return NULL;
    if (ws->n_file_jobs >= JOBS_MAX) {
        c->stats.denied_limit++;
        err_set(e, ERR_LIMIT, "%d file operations run in the workspace; no more may", JOBS_MAX);
        return NULL;
    }
    if (ws->sb.state == SB_NONE && !sandbox_room(c)) {
        c->stats.denied_limit++;
        err_set(e, ERR_LIMIT, "%u sandboxes run already; no more may", c->conf.boxes_max);
        return NULL;
    }
    struct file_job *j = xcalloc(1, sizeof(*j));
    j->core = c;
    j->ws = ws;
    ws->n_file_jobs++;
    list_add_tail(&ws->file_jobs, &j->of_ws);
    list_init(&j->waiters);
    buf_init(&j->out, FILE_OUT_MAX);
    buf_init(&j->text, FILE_TEXT_MAX);
    return j;
}

static int check_path(const char *path, struct err *e)
{
    if (path && strlen(path) > TOOL_PATH_MAX)
        return err_set(e, ERR_LIMIT, "the path is longer than %d bytes", TOOL_PATH_MAX);
    return 0;
}

static void prepare(struct file_job *j, const char *const *argv, uint64_t timeout_ms)
{
    tool_proc(&j->proc, j->core, &j->args, argv);
    j->proc.timeout_ms = timeout_ms;
    j->proc.on_output = on_output;
    j->proc.on_end = on_end;
}

static void on_request_left(struct waiter *w)
{
    struct file_job *j = w->subject;
    j->request = NULL;
    proc_kill(&j->proc, END_CANCELLED);
}

static int start(struct core *c, struct workspace *pub, struct file_request *f,
                 enum file_answer answer, const char *const *argv, struct err *e)
{
    if (check_path(f->path, e) || check_path(f->path2, e))
        return -1;
    if (f->len > c->conf.file_max_bytes)
        return err_set(e, ERR_LIMIT, "the body is %zu bytes; at most %llu are allowed", f->len,
                       (unsigned long long)c->conf.file_max_bytes);
    struct file_job *j = new_job(c, pub, e);
    if (!j)
        return -1;
    j->answer = answer;
    prepare(j, argv, f->len || answer == ANSWER_END ? TRANSFER_MS : QUICK_MS);
    if (proc_give_stdin(&j->proc, f->data, f->len, e)) {
        fd_close(&j->proc.stdin_fd);
        buf_release(&j->proc.in);
        free_job(j);
        return -1;
    }
    j->request = f;
    f->job = j;
    waiter_add(&f->w, &j->waiters, j, on_request_left);
    ws_of(pub)->pub.used_ms = clock_wall_ms();
    proc_start(&j->proc, &j->ws->sb);
    return 0;
}

static const char *path_or_dot(const char *path)
{
    return path && *path ? path : ".";
}

int core_file_stat(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    const char *argv[] = {"pinfold-tool", "stat", path_or_dot(f->path), NULL};
    return start(c, ws, f, ANSWER_ENTRY, argv, e);
}

int core_file_list(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    char depth[12], max[12];
    if (f->depth > TOOL_DEPTH_MAX || f->max > TOOL_LIST_MAX)
        return err_set(e, ERR_LIMIT, "depth is at most %d, the number of entries %d",
                       TOOL_DEPTH_MAX, TOOL_LIST_MAX);
    (void)snprintf(depth, sizeof(depth), "%u", f->depth ? f->depth : 1);
    (void)snprintf(max, sizeof(max), "%u", f->max ? f->max : TOOL_LIST_MAX);
    const char *argv[] = {"pinfold-tool",           "list", path_or_dot(f->path), depth, max,
                          f->after ? f->after : "", NULL};
    return check_path(f->after, e) ? -1 : start(c, ws, f, ANSWER_ENTRIES, argv, e);
}

static const char *mode_text(int mode, char ret[12])
{
    if (mode < 0)
        return "-";
    (void)snprintf(ret, 12, "%o", (unsigned)mode & 07777);
    return ret;
}

int core_file_write(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    char mode[12], size[24];
    (void)snprintf(size, sizeof(size), "%zu", f->len);
    if (f->condition && strlen(f->condition) >= TOOL_ETAG_MAX)
        return err_set(e, ERR_BAD_REQUEST, "the condition is no etag");
    const char *argv[] = {"pinfold-tool",           "write", path_or_dot(f->path),
                          mode_text(f->mode, mode), size,    f->condition ? f->condition : "",
                          f->parents ? "p" : "-",   NULL};
    return core_disk_room(c, e) ? -1 : start(c, ws, f, ANSWER_ENTRY, argv, e);
}

int core_file_mkdir(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    char mode[12];
    const char *argv[] = {"pinfold-tool",         "mkdir",
                          path_or_dot(f->path),   mode_text(f->mode, mode),
                          f->parents ? "p" : "-", NULL};
    return start(c, ws, f, ANSWER_ENTRY, argv, e);
}

int core_file_move(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    const char *flags = f->parents ? f->overwrite ? "po" : "p" : f->overwrite ? "o" : "-";
    const char *argv[] = {"pinfold-tool",        "move", path_or_dot(f->path),
                          path_or_dot(f->path2), flags,  NULL};
    return start(c, ws, f, ANSWER_ENTRY, argv, e);
}

int core_file_delete(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    const char *argv[] = {"pinfold-tool", "delete", path_or_dot(f->path), f->recursive ? "r" : "-",
                          NULL};
    return start(c, ws, f, ANSWER_END, argv, e);
}

int core_file_tar_in(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    char bytes[24], files[12];
    (void)snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)c->conf.file_max_bytes);
    (void)snprintf(files, sizeof(files), "%d", TAR_FILES_MAX);
    const char *argv[] = {"pinfold-tool",         "tar-in", path_or_dot(f->path), bytes, files,
                          f->parents ? "p" : "-", NULL};
    return core_disk_room(c, e) ? -1 : start(c, ws, f, ANSWER_END, argv, e);
}

int core_file_ps(struct core *c, struct workspace *ws, struct file_request *f, struct err *e)
{
    char max[12];
    (void)snprintf(max, sizeof(max), "%u", f->max && f->max < TOOL_PS_MAX ? f->max : TOOL_PS_MAX);
    const char *argv[] = {"pinfold-tool", "ps", max, NULL};
    return start(c, ws, f, ANSWER_PROCESSES, argv, e);
}

// --- streams ----------------------------------------------------------------------------------

static int start_stream(struct core *c, struct workspace *pub, struct file_reader *r,
                        const char *const *argv, struct err *e)
{
    if (check_path(r->path, e))
        return -1;
    struct file_job *j = new_job(c, pub, e);
    if (!j)
        return -1;
    j->answer = ANSWER_STREAM;
    j->reader = r;
    r->job = j;
    r->paused = false;
    prepare(j, argv, TRANSFER_MS);
    proc_start(&j->proc, &j->ws->sb);
    return 0;
}

int core_file_read(struct core *c, struct workspace *ws, struct file_reader *r, struct err *e)
{
    const char *offset = r->range_offset ? r->range_offset : "0";
    const char *length = r->range_length ? r->range_length : "-";
    if (strlen(offset) > 24 || strlen(length) > 24)
        return err_set(e, ERR_BAD_REQUEST, "the range is malformed");
    const char *argv[] = {"pinfold-tool", "read", path_or_dot(r->path), offset, length, NULL};
    if (start_stream(c, ws, r, argv, e))
        return -1;
    ((struct file_job *)r->job)->wants_entry = true;
    return 0;
}

int core_file_tar_out(struct core *c, struct workspace *ws, struct file_reader *r, struct err *e)
{
    const char *argv[] = {"pinfold-tool", "tar-out", path_or_dot(r->path), NULL};
    return start_stream(c, ws, r, argv, e);
}

void core_file_pause(struct file_reader *r)
{
    struct file_job *j = r->job;
    if (j && !r->paused)
        proc_pause(&j->proc, EXEC_STDOUT);
    r->paused = true;
}

void core_file_resume(struct file_reader *r)
{
    struct file_job *j = r->job;
    if (j && r->paused)
        proc_resume(&j->proc, EXEC_STDOUT);
    r->paused = false;
}

void core_file_stop(struct file_reader *r)
{
    struct file_job *j = r->job;
    if (!j)
        return;
    r->job = NULL;
    j->reader = NULL;
    proc_resume(&j->proc, EXEC_STDOUT); // what is left is read and dropped
    proc_kill(&j->proc, END_CANCELLED);
}
