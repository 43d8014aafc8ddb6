// SPDX-License-Identifier: Apache-2.0
// Execs: one command in a workspace's sandbox, or in a fresh one (one-shot). Output is addressed
// by byte offset: the first keep_bytes of each stream are kept and can be read again, what is
// beyond is counted and only given to a lossless follower.
#pragma once
#include <pinfold/core.h>

struct build;
struct workspace;

enum exec_status { EXEC_QUEUED, EXEC_STARTING, EXEC_RUNNING, EXEC_ENDED, EXEC_STATUS_N };
const char *exec_status_name(enum exec_status s);
enum exec_stream { EXEC_STDOUT, EXEC_STDERR, EXEC_STREAMS }; // a terminal has only the first

struct exec {
    char id[ID_MAX];        // exec_...
    char workspace[ID_MAX]; // "" for a one-shot
    char image[NAME_MAX_LEN + 1], profile[NAME_MAX_LEN + 1];
    const char *command;     // shell text; NULL when argv was given
    const char *const *argv; // NULL when command was given
    const char *cwd, *user;  // user "" : the profile's
    bool tty, background;
    bool stdin_open; // more input can be written
    enum exec_status status;
    uint64_t created_ms, started_ms, ended_ms; // wall clock, 0: not yet
    uint64_t timeout_ms;
    struct outcome end; // when ended
    struct exec_output {
        uint64_t total, kept; // bytes seen; bytes kept from `first` on
        uint64_t first;       // offset of the first kept byte; 0 but on a terminal
        bool truncated;       // total is more than what is kept
    } out[EXEC_STREAMS];
    // The beginning of each stream, for a collected answer: at most answer_bytes of the request,
    // valid in the waiter's on_done only.
    const char *data[EXEC_STREAMS];
    size_t data_len[EXEC_STREAMS];
};

// A listener on output. Set the callbacks and `from` before it is attached; it is the caller's
// memory. Callbacks may stop or pause it, and free it once stopped or in on_end.
struct follower {
    void (*on_data)(struct follower *f, enum exec_stream s, uint64_t offset, const void *p,
                    size_t n);
    // Everything up to the end was given, in order; the last call. `exec` or `build` is set.
    void (*on_end)(struct follower *f);
    // Bytes [from, to) are not kept any more or were never kept; may be NULL.
    void (*on_gap)(struct follower *f, enum exec_stream s, uint64_t from, uint64_t to);
    uint64_t from[EXEC_STREAMS]; // offset to begin at; UINT64_MAX: from now on
    // core's own, but for reading
    const struct exec *exec;
    const struct build *build;
    void *source;
    struct list link;
    uint64_t at[EXEC_STREAMS];
    bool paused, lossless, stopped, reading, fresh;
    struct list fresh_link;
    void *job;
};
void core_follow_pause(struct follower *f);  // on_data is not called until resumed
void core_follow_resume(struct follower *f); // may call on_data before it returns
void core_follow_stop(struct follower *f);   // no callback any more; no-op when not attached

struct file_put {
    const char *path; // relative to /workspace, or absolute inside
    const void *data;
    size_t len;
    uint32_t mode; // 0: 0644
};

// NULL and 0 mean "not given". Everything is borrowed for the call, but the follower.
struct exec_spec {
    const char *id;          // core's own: the id it is to have
    const char *command;     // run by /bin/sh -c; or
    const char *const *argv; // NULL-terminated, argv[0] found on PATH inside
    const char *cwd;         // relative to /workspace (may not climb out of it) or absolute inside
    const char *const *env;  // NAME=value, NULL-terminated, over the workspace's
    const char *user;        // a name in the sandbox's /etc/passwd or a number
    const void *stdin_data;  // given first
    size_t stdin_len;
    bool stdin_open; // then core_exec_stdin may write more; else end of file follows
    bool tty;
    bool record, shared; // of a terminal: see core_exec_claim
    uint16_t rows, cols;
    bool background; // goes on whoever leaves; on_done once accepted and recorded
    bool detach;     // a foreground exec that goes on when its client leaves
    bool may_leave;  // on_done may come before its end, when the server is replaced and it goes on
    uint64_t timeout_ms;
    uint64_t keep_bytes;       // at most conf's output_keep_bytes
    uint64_t answer_bytes;     // of each stream in a collected answer; at most conf's maximum
    struct limits limits;      // memory_bytes, pids, output_bytes, wall_ms of this exec; for a
                               // one-shot all of them, of its sandbox
    struct follower *follower; // lossless: the command waits while it is paused. Leaving
                               // (core_follow_stop) cancels the exec unless background or detach
    // one-shot only
    const char *image, *profile;
    bool network_given;
    enum net_mode network;
    const char *const *allow;   // of mode allow-list; NULL: the profile's
    const char *const *secrets; // of a one-shot, too: names, NULL-terminated or NULL
    const char *const *keep;    // core's own: a list whose secrets are known
    const struct file_put *files;
    size_t n_files;
};
// Start in a workspace, or with ws NULL in a fresh sandbox. NULL with *e when refused: ERR_LIMIT,
// ERR_CONFLICT (the workspace is not ready), ERR_BAD_REQUEST. w: on_done at the end (foreground)
// or when it is recorded (background), result: struct exec *; cancelling it cancels a foreground
// exec unless detach. w may be NULL when a follower is given. A command that cannot be started is
// an end with reason start_failed, not an error.
struct exec *core_exec_start(struct core *c, struct workspace *ws, const struct exec_spec *spec,
                             struct waiter *w, struct err *e);
struct exec *core_exec_find(struct core *c, const char *id, struct err *e);
// Newest first, those older than the one with id `after` ("" from the start). workspace "" : all.
size_t core_exec_list(struct core *c, const char *workspace, const char *after, struct exec **ret,
                      size_t max, bool *ret_more);
// on_done at its end or after ms (then status is not EXEC_ENDED); result: struct exec *.
int core_exec_wait(struct core *c, struct exec *x, uint64_t ms, struct waiter *w, struct err *e);
// signal: to its process group. whole: SIGKILL to everything it started, end reason cancelled.
int core_exec_signal(struct core *c, struct exec *x, int signal, struct err *e);
int core_exec_cancel(struct core *c, struct exec *x, struct err *e);
// Queue bytes for its stdin (a terminal's too), copied; `close`: end of file after them. on_done
// when the pipe took them all. ERR_CONFLICT when stdin is not open, ERR_BUSY when over 1 MiB waits
// already, ERR_GONE in on_done when it ended before. w may be NULL.
int core_exec_stdin(struct core *c, struct exec *x, const void *p, size_t n, bool close,
                    struct waiter *w, struct err *e);
int core_exec_resize(struct core *c, struct exec *x, uint16_t rows, uint16_t cols, struct err *e);
// Who types into a terminal: the first that tries, until it gives it up; anybody when it is shared.
// `who` only has to be unique.
bool core_exec_claim(struct exec *x, const void *who);
void core_exec_unclaim(struct exec *x, const void *who);
// What a recorded terminal showed is its stream EXEC_STDERR: records of "KIND MS BYTES\n" and so many
// bytes, MS since its start; KIND o: output, s: its size as "COLSxROWS", which comes first.
#define RECORD_HEAD_MAX 48
// Forget an ended exec and its output; a running one is cancelled first. on_done when recorded.
int core_exec_delete(struct core *c, struct exec *x, struct waiter *w, struct err *e);

// Read kept output at an offset. result: this struct, filled; data valid in on_done only.
struct output_read {
    struct waiter w;
    enum exec_stream stream;
    uint64_t offset; // moved to where what is kept begins or ends
    size_t max;      // at most 1 MiB is given at once; 0: that
    const char *data;
    size_t len;
    uint64_t total, kept_end; // seen so far; the offset where what is kept ends
    bool ended;               // nothing more will come
    void *job;                // core's own
};
int core_exec_read(struct core *c, struct exec *x, struct output_read *r, struct err *e);
// Replay from f->from, then live, then on_end. Not lossless: the command never waits for it.
int core_exec_follow(struct core *c, struct exec *x, struct follower *f, struct err *e);
// The same for the log of a workspace's last init script run (stream EXEC_STDOUT only).
int core_init_log_read(struct core *c, struct workspace *ws, struct output_read *r, struct err *e);
int core_init_log_follow(struct core *c, struct workspace *ws, struct follower *f, struct err *e);
