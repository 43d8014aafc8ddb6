// SPDX-License-Identifier: Apache-2.0
// Sandboxes and the commands in them, as core's other files see them.
#pragma once
#include "core_int.h"

// --- a sandbox (sandbox.c) -------------------------------------------------------------------

enum sandbox_state { SB_NONE, SB_STARTING, SB_LIVE, SB_STOPPING };

struct sandbox {
    struct core *core;
    char id[ID_MAX];
    enum sandbox_state state;
    uint64_t state_ms; // wall clock
    uint64_t start_ns; // when its start was asked for
    int init_fd;
    struct watch watch;
    uint32_t pid, uid_base;
    char address[48];
    int net_fds[NET_SOCK_N]; // kept for the egress process; -1 without an allow-list
    char *net_rules;         // its rules; set by fill
    char net_of[ID_MAX];     // the workspace that its decisions are told of; "": the same id's
    char *net_repo;          // of one with net_of: the repository whose server it may reach; NULL
    char *net_named;         // of the rules, what may lie in a private network; NULL for none
    bool net_anywhere;       // whatever is public, too
    void *net_ca;            // its authority, sealed by the egress process, for the next one
    size_t net_ca_len;
    char *layers;            // of images below it, joined by ':'; NULL: not known
    struct list procs;       // handed to init
    struct list waiting;     // for it to live, or for room in init's socket
    struct ask ask;          // start or stop
    struct timer idle;       // LIVE without a command; STARTING for too long
    struct timer list_timer; // asked what it keeps
    uint32_t oom_kills;      // as its exit reported
    bool temporary;          // not started again: freed once gone
    bool released;           // its owner has no more use for it
    bool was_live;           // since it was asked for
    bool broken;             // its init is gone or out of order
    bool asked_again;        // its start was lost with a launcher once
    bool buried;             // waits to be freed
    bool gated;              // commands wait until its authority is there (trust.c)
    bool trusting;           // which is being put there
    struct timer gate_timer;
    bool listing;       // taken up; its init has not told all that runs in it
    struct ask denials; // one question to init at a time
    // The owner says how to start it; -1 with *e when it may not start now.
    int (*fill)(struct sandbox *sb, struct msg_box_start *ret, struct err *e);
    void (*on_live)(struct sandbox *sb); // it is, and nothing waits in it; temporary ones only
    void (*on_gone)(struct sandbox *sb); // NONE now; a temporary one is freed after it; may be NULL
    void *owner;
    struct list link; // core's boxes or graves
};
void sandbox_init(struct sandbox *sb, struct core *c, const char *id,
                  int (*fill)(struct sandbox *, struct msg_box_start *, struct err *), void *owner);
struct sandbox *sandbox_new(struct core *c, const char *id,
                            int (*fill)(struct sandbox *, struct msg_box_start *, struct err *),
                            void *owner);
// Ask for it; what waits in it is sent or ended when the answer comes.
void sandbox_start(struct sandbox *sb);
// End everything in it and the sandbox. on_gone when nothing is left.
void sandbox_stop(struct sandbox *sb);
// Its init does not do what it should: as stop, with its commands ending as lost.
void sandbox_break(struct sandbox *sb);
// The server ends: its commands do, without asking the launcher.
void sandbox_abandon(struct sandbox *sb);
// A temporary one that its owner has no more use for.
void sandbox_release(struct sandbox *sb);
void sandbox_release_soon(struct sandbox *sb); // a moment later; its place is free at once
// Its record goes, whatever it does: at the server's end it may live on.
void sandbox_leave(struct sandbox *sb);
bool sandbox_idle(const struct sandbox *sb);
void sandbox_became_idle(struct sandbox *sb);
// Send what could not be sent before.
void sandbox_flush(struct sandbox *sb);
const char *sandbox_state_name(enum sandbox_state s);
// For the launcher's file: unasked messages and what lives after its restart.
void sandbox_exited(struct core *c, const struct msg_box_exited *m);
void sandboxes_reconcile(struct core *c, const struct map *alive);
// It lives already, started by an earlier server (m: BOX_STARTED with its descriptors).
int sandbox_take(struct sandbox *sb, struct wire_msg *m, struct err *e);
// Is there room for one more, perhaps by stopping an idle one?
bool sandbox_room(struct core *c);
// Execs of an earlier server in it (exec_adopt.c): one that its init tells of; all have been told.
void sandbox_adopt(struct core *c, struct wire_msg *m); // m: BOX_STARTED with its descriptors
bool sandbox_wanted(struct core *c, const struct msg_box_started *m); // would it be, with them?
void exec_adopt(struct sandbox *sb, struct wire_msg *m);
void execs_not_found(struct sandbox *sb);
void execs_adopted(struct core *c); // all sandboxes that there are have been told
// One was refused for the first, tenth, hundredth ... time: an event, if it was a run's.
void run_refused_call(struct core *c, const char *box, const struct msg_denials *m);
// Ask init for refused system calls. -1 when it cannot be asked now.
int sandbox_denials(struct sandbox *sb, struct ask *a,
                    void (*on_answer)(struct ask *, struct wire_msg *, const struct err *));

// Opened TLS (trust.c). For a sandbox that just lives: do its commands have to wait?
void trust_gate(struct sandbox *sb);
void trust_forget(struct sandbox *sb); // it is gone
void trust_put(struct core *c, const struct msg_egress_ca *m);
bool trust_wanted(const char *const *allow); // is a rule about single requests?
extern const char *const trust_env[];        // of commands then

// --- a command (proc.c) ----------------------------------------------------------------------

enum proc_state { PROC_NEW, PROC_WAITING, PROC_SENT, PROC_RUNNING, PROC_DRAINING, PROC_DONE };
enum proc_program { PROGRAM_NONE, PROGRAM_TOOL, PROGRAM_GIT };

struct spill;
#define SPILL_UNKNOWN UINT64_MAX // how much is left is seen when the worker is done
struct proc_stream {
    struct watch watch;
    struct proc *proc;
    int fd;
    bool paused;
    uint64_t drain_left; // DRAINING: what was in the pipe at the end
    struct spill *spill; // in flight: fd is the worker's meanwhile
};
// Where the next bytes of a stream go without passing through this process's memory first, so that
// nothing is lost with it: at most max bytes into this output file at this offset.
struct spill_to {
    char name[ID_MAX + 8];
    uint64_t at;
    size_t max;
};
struct proc {
    struct core *core;
    struct sandbox *sb;
    struct list link; // in the sandbox's procs or waiting
    enum proc_state state;
    uint64_t number;
    // Set before proc_start; args is borrowed until the end.
    struct wire_bytes args; // packed argv and env
    uint32_t n_argv, n_env;
    enum proc_program program;
    const char *cwd, *user; // borrowed; NULL: the default
    bool root;              // uid and gid 0
    const char *tag;        // borrowed; init keeps it for the next server; NULL: it ends with this
    bool tty;
    bool ahead; // of those that wait, whatever they wait for
    bool brief; // nobody waits for its first output: init may tell its start late
    uint16_t rows, cols;
    uint64_t memory_bytes, timeout_ms; // timeout_ms 0: none
    uint32_t pids;
    bool want_stdin;                  // a pipe, or the terminal
    int stdin_fd;                     // instead of a pipe; taken; -1
    void (*on_hand)(struct proc *p);  // it is given to init, or tried to; may be NULL
    void (*on_start)(struct proc *p); // it runs; may be NULL
    void (*on_output)(struct proc *p, unsigned stream, const void *data, size_t n);
    void (*on_end)(struct proc *p, const struct outcome *o); // last of all: p may be freed
    // false: bytes of the stream are read and given to on_output. NULL: always.
    bool (*spill_to)(struct proc *p, unsigned stream, struct spill_to *ret);
    // n bytes are in the file; data is NULL when they could not be read back. err: no more can be.
    void (*on_spilled)(struct proc *p, unsigned stream, const void *data, size_t n,
                       const struct err *err);

    struct proc_stream out[EXEC_STREAMS];
    // standard input
    int in_fd;
    struct watch in_watch;
    struct buf in;  // what the pipe did not take yet
    size_t in_done; // of it
    bool in_close;
    void (*on_stdin)(
        struct proc *p); // all queued bytes were taken or the pipe is gone; may be NULL

    struct timer timer;
    uint64_t started_ns, ended_ns; // ended_ns: as init saw it; 0: not known
    enum end_reason kill_reason;   // END_N: nobody ended it
    bool kill_unsent, resize_unsent, stdin_unsent;
    struct outcome end;
};
void proc_init(struct proc *p, struct core *c);
void proc_start(struct proc *p, struct sandbox *sb);
// End everything it started, for this reason; on_end follows, not before this returns.
void proc_kill(struct proc *p, enum end_reason why);
// The same for one that was never started: on_end on the next turn.
void proc_end_later(struct proc *p, enum end_reason why, const char *detail);
void proc_abandon(struct proc *p); // close and forget everything, no callback
int proc_signal(struct proc *p, int signal, struct err *e);
int proc_resize(struct proc *p, uint16_t rows, uint16_t cols, struct err *e);
void proc_pause(struct proc *p, unsigned stream);
void proc_resume(struct proc *p, unsigned stream);
#define STDIN_QUEUE_MAX (1024 * 1024)
int proc_stdin(struct proc *p, const void *data, size_t n, bool close, struct err *e);
int proc_give_stdin(struct proc *p, const void *data, size_t n, struct err *e); // all of it
size_t proc_stdin_left(const struct proc *p);
void proc_write_stdin(struct proc *p); // as much as it takes now
void proc_close_stdin(struct proc *p);

// One that was handed over without a tag, and has one now, is to be kept for the next server: its
// init is told. -1 when it cannot be.
int proc_keep(struct proc *p, struct err *e);
// A command that an earlier server started (m: EXEC_IS): as if this one had.
void proc_adopt(struct proc *p, struct sandbox *sb, struct wire_msg *m);
// Is the stream's output moved by the worker? Then what it moves next is (spill.c). proc_spilled
// is told of the end.
bool spill_start(struct proc *p, unsigned stream);
void spill_drop(struct spill *s); // nobody is to be told
void proc_spilled(struct proc *p, unsigned stream, size_t n, bool eof, bool failed);

// What the sandbox's file tells it.
int proc_send(struct proc *p, struct err *e); // to init; ERR_BUSY: again later
void proc_started(struct proc *p, struct wire_msg *m);
void proc_exited(struct proc *p, const struct msg_exec_exited *m);
bool proc_flush(struct proc *p); // true: some is still unsent
void proc_lost(struct proc *p, enum end_reason why, const char *detail); // ends it now
