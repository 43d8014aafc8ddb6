// SPDX-License-Identifier: Apache-2.0
// Private to the room init.
//
// Theory of operation. Init is pid 1 of one sandbox: static, one thread, no allocation. It gives
// up power once (capabilities, seccomp), then serves requests from its control socket: start a
// command, signal it, resize its terminal. Each command gets a cgroup of its own, so that all it
// started ends with it; the groups are reused, since making one costs more than the command's own
// bookkeeping. Commands inherit the seccomp program that init already carries; the guard in front of
// it (guard.h) leaves clone3 to init alone. What runs for a moment only is told in one message.
//
// Init outlives its server for a while, with the commands that have a tag: keep.h.
//
// Init trusts nobody inside; commands run with other ids, or as its own id without its
// capabilities, and can neither trace it (it is not dumpable) nor signal it (pid 1).
#pragma once
#include <pinfold/birth.h>
#include <pinfold/guard.h>
#include <pinfold/init_start.h>
#include <pinfold/keep.h>
#include <pinfold/who.h>
#include <pinfold/wire.h>
#include <stdbool.h>
#include <sys/types.h>

#define EXECS_MAX 512 // commands at once in one sandbox; the server's own limit is lower
#define GROUPS_IDLE_MAX                                                                            \
    16 // kept for reuse: as many as often run at once; making one costs more than a start
#define LAUNCHES_MAX 8     // starts under way at once
#define STRINGS_MAX 16384u // argv and env entries together

// A cgroup for one command, with what is read and written in it kept open.
struct exec_group {
    unsigned number; // x<number>
    int dir_fd, events_fd, kill_fd, cpu_fd, peak_fd;
    int oom_fd, pids_fd;  // its own counters, where it has some; -1
    uint64_t cpu_base_us; // cpu.stat when its last command ended: groups are reused
    bool in_use;
    bool spent; // was killed: what is cloned into it later dies at once on newer kernels
};
struct exec_slot {
    uint64_t exec; // the server's number; 0: free
    pid_t pid;     // 0 once reaped
    struct exec_group group;
    int status;
    uint64_t rss_bytes;
    uint64_t oom_base, pids_base;
    int master_fd;          // of its terminal, for resizing; -1
    uint64_t held_until_us; // its start is not told before that; 0: it was told
    bool limited;
    struct launch *launch; // its start, maybe under way
    struct birth_failure failure;
};
// A start that is under way, and what its child reads until it has executed.
struct launch {
    uint32_t tid; // 0: free. The kernel makes it so when the child has executed or ended
    struct exec_slot *slot;
    struct wire_msg m;
    char *strings[STRINGS_MAX + 8]; // argv and envp
    char home_env[272];
    struct birth birth;
    char stack[16u << 10] __attribute__((aligned(16)));
};
struct init {
    struct init_start start;
    struct guard_key key; // what lets init, and nobody else, call clone3
    int notify_fd;        // refused system calls arrive here
    struct exec_slot execs[EXECS_MAX];
    struct keep keep;
    struct who who;
    struct exec_group idle[GROUPS_IDLE_MAX];
    unsigned n_idle, next_group;
    unsigned n_execs, n_held;
    bool was_alone;               // nothing else ran when the last command started
    unsigned top;                 // slots from here on are free
    uint64_t oom_last, pids_last; // the sandbox's counters when the last exec ended
    struct denial denials[DENIALS_MAX];
    unsigned n_denials;
    uint64_t denied_total;
};

// main.c
void answer(enum wire_type type, uint64_t id, const void *body, const int *fds, size_t n);

// ends.c
#define HOLD_MS 2 // the start of a command that takes no longer is told with its end
struct exec_slot *slot_find(struct init *in, uint64_t exec); // 0: a free one
void slot_release(struct init *in, struct exec_slot *x);
void slot_hold(struct init *in, struct exec_slot *x);
void tell_held(struct init *in);
void on_child(struct init *in, int signal_fd);
void end_unkept(struct init *in); // those that nobody can ask about any more

// power.c: once, at the start. Errors come back as errno.
int power_drop(struct init *in);
int power_filter(struct init *in); // leaves notify_fd

// groups.c
int group_take(struct init *in, const struct msg_exec *m, struct exec_slot *x);
uint64_t group_oom_kills(struct init *in, const struct exec_group *g);
uint64_t group_pids_refused(struct init *in, const struct exec_group *g);
bool group_populated(const struct exec_group *g);
void group_kill(struct exec_group *g);
uint64_t group_cpu_us(struct exec_group *g);
uint64_t group_peak_bytes(const struct exec_group *g); // 0 when the kernel keeps none
void group_give_back(struct init *in, struct exec_slot *x);
int groups_init(struct init *in);
void groups_prepare(struct init *in); // one ahead, while the first command is on its way

// spawn.c
// One that is free, to receive a message into; waits for one when all are under way.
struct launch *launch_free(void);
// Start the command of l's message in slot x; fills *ret, whose code is not 0 when it did not start.
// Of one that is to be held it may be known only at its end.
void spawn(struct init *in, struct exec_slot *x, struct launch *l, struct msg_exec_started *ret);
// Why it did not execute, into *ret; false when it did, or is still about to.
bool spawn_failed(const struct exec_slot *x, struct msg_exec_started *ret);
bool spawn_over(const struct exec_slot *x); // it has executed, or ended

// denials.c: the filter's listener is readable.
void denials_notify(struct init *in);

// user.c: from the sandbox's /etc/passwd; 0 or -1.
int user_find(const char *name, uint32_t uid, struct passwd_user *ret);
