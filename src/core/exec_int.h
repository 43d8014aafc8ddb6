// SPDX-License-Identifier: Apache-2.0
// An exec as it is remembered, and what it needs while it lives.
#pragma once
#include "output_int.h"
#include "sandbox_int.h"

struct runrec;
struct ws;

// A place in a list for pages: an id, or id@created_ms, which works when the id is gone.
struct cursor {
    char id[ID_MAX];
    uint64_t ms;
    bool set;
};
const char *cursor_init(struct cursor *cur, const char *after); // returns the id
bool cursor_older(const struct cursor *cur, const char *id, uint64_t ms);
bool cursor_newer(const struct cursor *cur, const char *id, uint64_t ms);

// argv and environment as one run of strings, each with its NUL.
struct packed { // zero is fine to release
    struct buf bytes;
    size_t env_at; // where the environment begins
    uint32_t n_argv, n_env;
};
int packed_argv(struct packed *k, const char *const *argv, struct err *e);
int packed_shell(struct packed *k, const char *command, struct err *e);
// Add those of a list whose name is not there yet: the most important list comes first.
int packed_env(struct packed *k, const char *const *env, struct err *e);
int env_check(const char *const *env, const char *what, size_t max_n, size_t max_bytes,
              struct err *e);
// Relative paths are from /workspace and may not climb out of it. ret has room for CWD_MAX.
#define CWD_MAX 4096
int cwd_check(const char *cwd, char *ret, struct err *e);
// A list of strings in one allocation: free() it.
struct strings {
    size_t n, packed_len;
    const char *packed; // one after another, each with its NUL
    const char *list[]; // NULL at the end
};
struct strings *strings_copy(const char *const *list);
struct strings *strings_unpack(const void *p, size_t len);
// Without the first `skip`, with `add` at the end unless it is NULL. Takes and frees `old`.
struct strings *strings_take_with(struct strings *old, size_t skip, const char *add);

struct put_file {
    char *path;
    void *data;
    size_t len;
    uint32_t mode;
};
// Of a one-shot: its own sandbox, and the files to put into it first.
struct one_shot {
    struct sandbox *sb;
    const struct image *image;
    const struct profile *profile;
    enum net_mode network;
    char *net_rules;       // of mode allow-list
    struct strings *allow; // the same as asked for
    struct limits limits;
    struct put_file *files;
    size_t n_files, n_put;
    struct proc put; // of the tool that puts one
    struct packed put_args;
    struct buf put_text;
    bool putting;
};
struct exec_live {
    struct proc proc;
    struct execution *x;
    struct packed args;
    struct one_shot *shot;
    uint64_t output_limit;
    struct list stdin_waiters;
    char tag[EXEC_TAG_MAX];   // for init; see exec_adopt.c
    bool adopting;            // of an earlier server: it is not known yet what became of it
    bool placed;              // counts as running
    bool over_limit;          // printed more than it may
    const char *lost_because; // a sentence, static
};
struct execution {
    struct exec pub;
    struct core *core;
    struct ws *ws; // NULL: one-shot
    struct source source;
    struct list all, of_ws; // core's and the workspace's, oldest first
    struct list queue;      // core's exec_queue or unsaved
    struct list waiters, timed, deleters;
    struct strings *argv; // or the one command
    char *cwd, *user;
    char *box_name; // of a one-shot that is to go on in a sandbox not named after it, or NULL
    struct exec_live *live;                // NULL once it has ended
    unsigned saving;                       // jobs in flight
    struct runrec *run;                    // whose command it is: it is remembered as long as that
    void (*on_start)(struct execution *x); // may be NULL
    struct sandbox *box; // of a one-shot that has ended: its init keeps the end until it is saved
    uint64_t number;     // init keeps its end by this number, until it is saved; 0: none
    size_t answer_bytes; // of each stream in a collected answer
    unsigned journaled;  // journal's own
    bool noted;          // its id is known outside: so what becomes of it must be
    bool handed;         // to an init: it may have begun
    bool detach, may_leave, saved, deleting;
    bool record, shared; // of a terminal
    const void *writer;  // who types; NULL: whoever comes first
};
// A call of pinfold-tool or the like: argv from `list`, no environment.
void tool_proc(struct proc *p, struct core *c, struct packed *args, const char *const *argv);
struct execution *execution_of(struct exec *x);
// A record with its strings; not in any list yet.
struct execution *execution_new(struct core *c, const char *id);
void execution_free(struct execution *x);
void execution_insert(struct execution *x, struct ws *ws);
// Run what waits for a place, as far as there are places.
void execs_admit(struct core *c);
void exec_ended(struct execution *x, const struct outcome *o);
void exec_on_proc_end(struct proc *p, const struct outcome *o);
void exec_totals(struct execution *x);
void exec_live_free(struct execution *x);
void exec_cancel(struct execution *x);
void exec_lose(struct execution *x, const char *because); // as cancel, for a reason of ours
void exec_live_new(struct execution *x);
// Output straight into its file (exec_start.c has the callbacks' other half).
bool exec_spill_to(struct proc *p, unsigned stream, struct spill_to *ret);
// Of a terminal that is recorded.
void exec_record(struct execution *x, char kind, const void *p, size_t n);
void exec_record_size(struct execution *x, uint16_t rows, uint16_t cols);
void exec_on_spilled(struct proc *p, unsigned stream, const void *data, size_t n,
                     const struct err *err);
// Over a restart of the server (exec_adopt.c).
void exec_set_tag(struct execution *x);
int exec_leave(struct execution *x, struct err *e); // it runs, and is to go on without this server
void exec_await(struct execution *x);               // it ran when the earlier server died
void exec_forget_end(struct execution *x);          // init need not keep its end any more
// One-shots (exec_shot.c).
int shot_prepare(struct execution *x, const struct exec_spec *spec, struct err *e);
void shot_start(struct execution *x);
void shot_free(struct one_shot *s);
// The record (exec_save.c).
void exec_note(struct execution *x); // as it is now, before anybody is told
void exec_save_early(struct execution *x, void (*on_done)(struct execution *x, const struct err *));
void exec_save_later(struct execution *x);
void execs_save(struct core *c);
void execs_trim(struct core *c, struct ws *ws);
int execs_load(struct core *c, struct err *e);
void exec_delete_now(struct execution *x);
void exec_drop(struct execution *x); // its row is gone already: forget it and its files
