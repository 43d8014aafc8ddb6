// SPDX-License-Identifier: Apache-2.0
// Inside the room: what pinfoldd holds.
#pragma once
#include <pinfold/conf.h>
#include <pinfold/loop.h>
#include <stdbool.h>
#include <sys/types.h>

#define LISTEN_MAX 16
#define LOG_LINE_MAX 1024

enum { LAUNCHER, SERVER, N_CHILDREN };
enum phase { STARTING, RUNNING, STOPPING_SERVER, STOPPING_LAUNCHER, STOPPED };

struct super;
struct child {
    struct super *super;
    const char *role, *binary;
    enum conf_for who;
    int peer_fd, state_fd, settings_fd; // kept, so that a restarted child gets the same
    bool listens;
    // of the process that runs now
    pid_t pid; // 0: none
    int pidfd, ready_fd, log_fd;
    struct watch exit_watch, ready_watch, log_watch;
    bool ready;
    // between processes
    struct timer restart, kill;
    uint64_t started_ms, backoff_ms;
    // its log
    char line[LOG_LINE_MAX];
    size_t line_len;
    bool line_cut;             // the rest of an over-long line is dropped
    uint64_t window_ms, lines; // lines since then, against floods
    uint64_t dropped;
};

struct super {
    struct loop *loop;
    struct conf conf;
    enum phase phase;
    uint64_t stop_ms; // when stopping began
    int exit_code;
    struct child children[N_CHILDREN];
    int state_fd, lock_fd, bin_fd, profiles_fd, images_fd, null_fd, signal_fd;
    int listen_fds[LISTEN_MAX];
    unsigned n_listen;
    char url[96]; // where the first socket listens
    struct watch signal_watch;
    struct timer start_limit;
};

// state.c: directories, lock, server's user, token
int state_open(struct super *s, struct err *e);
int state_server_user(struct conf *c, struct err *e);
// listen.c
int listen_open(struct super *s, struct err *e);
// child.c: one process
int child_start(struct child *c, struct err *e);
void child_ended(struct child *c); // close what belonged to the process that is gone
void child_signal(const struct child *c, int sig);
int child_settings(struct child *c, const struct conf *conf, struct err *e);
// log.c: what children say
void child_log_open(struct child *c, int fd);
void child_log_close(struct child *c); // what is left is written
// watch.c: when to start, restart and stop
int super_start(struct super *s, struct err *e);
void super_stop(struct super *s);
// notify.c: tell systemd, when it asks
void notify_systemd(const char *state);
