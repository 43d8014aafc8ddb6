// SPDX-License-Identifier: Apache-2.0
// Files of a workspace. Each operation runs pinfold-tool inside the workspace's sandbox as its
// user, so it can do no more than a command there, and what comes back is checked. Paths are
// relative to /workspace or absolute inside, not NUL-terminated text of any encoding but without
// NUL; tool.h says what each operation does and refuses.
#pragma once
#include <pinfold/core.h>
#include <pinfold/tool.h>

// A request and its answer. The caller zeroes it, sets on_done in w, and keeps it until on_done
// or waiter_cancel(&f->w), which ends the operation. What `out_` members point to is valid in
// on_done only. w.err tells what was wrong: ERR_NOT_FOUND, ERR_DENIED, ERR_FULL, ERR_CONFLICT ...
struct file_request {
    struct waiter w;
    const char *path, *path2; // borrowed for the call
    uint32_t depth, max;      // list: 0 gives 1 and TOOL_LIST_MAX
    const char *after;        // list: NULL from the start
    int mode;                 // write, mkdir: -1 as tool.h says for "-"
    const char *condition;    // write: NULL, "*", "!" or an etag
    bool parents, overwrite, recursive;
    // write, tar in: the body, copied (or sent) during the call
    const void *data;
    size_t len;

    bool out_condition_failed;                // with ERR_CONFLICT: it was the condition
    struct tool_entry out_entry;              // stat, write, mkdir, move
    const struct tool_entry *out_entries;     // list
    const struct tool_process *out_processes; // ps
    size_t out_n;
    struct tool_end out_end; // list, delete, tar in, ps
    const char *out_note;    // what was left out, one line; "" for nothing

    void *job; // core's own
};
struct workspace;
int core_file_stat(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_list(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_write(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_mkdir(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_move(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_delete(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_tar_in(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);
int core_file_ps(struct core *c, struct workspace *ws, struct file_request *f, struct err *e);

// A stream out of a workspace: a file's bytes or a tar archive. Memory is bounded: the tool waits
// while the reader is paused. The caller keeps it until on_end or core_file_stop.
struct file_reader {
    const char *path;                        // borrowed for the call
    const char *range_offset, *range_length; // read: as tool.h's OFFSET and LENGTH; NULL: all
    // read: once, before the first byte, when it is known that the file can be read.
    void (*on_entry)(struct file_reader *r, const struct tool_entry *entry);
    void (*on_data)(struct file_reader *r, const void *p, size_t n);
    // The last call. err.code ERR_NONE: all was given; else what came is not whole.
    void (*on_end)(struct file_reader *r, const struct err *err);
    bool paused; // core's own
    void *job;
};
int core_file_read(struct core *c, struct workspace *ws, struct file_reader *r, struct err *e);
int core_file_tar_out(struct core *c, struct workspace *ws, struct file_reader *r, struct err *e);
void core_file_pause(struct file_reader *r);
void core_file_resume(struct file_reader *r); // may call on_data before it returns
void core_file_stop(struct file_reader *r);   // no callback any more; no-op when not running
