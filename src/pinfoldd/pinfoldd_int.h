// SPDX-License-Identifier: Apache-2.0
// Inside the room: what pinfoldd holds.
#pragma once
#include <pinfold/conf.h>
#include <pinfold/loop.h>
#include <pinfold/notify.h>
#include <stdbool.h>
#include <sys/types.h>

#define LISTEN_MAX 16
#define LOG_LINE_MAX 1024

enum { LAUNCHER, EGRESS, SERVER, N_CHILDREN };
enum phase { STARTING, RUNNING, STOPPING_SERVER, STOPPING_OTHERS, STOPPED };

struct super;
struct child {
    struct super *super;
    const char *role, *binary;
    enum conf_for who;
    int peer_fd, egress_fd, state_fd, handover_fd, settings_fd; // kept: a restarted child gets them
    int turn_fd;                                                // settings of a successor; -1
    bool listens;
    // of the process that runs now
    pid_t pid; // 0: none
    int pidfd, ready_fd, log_fd;
    struct watch exit_watch, ready_watch, log_watch;
    bool ready;
    bool leaving; // told to make room for a successor
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

enum { OPT_LISTEN, OPT_STATE, OPT_CONFIG, OPT_CHECK, OPT_SETTINGS, OPT_HELP, N_OPTS };
enum turn { TURN_NONE, TURN_LAUNCHER, TURN_EGRESS, TURN_SERVER }; // which is being replaced

struct super {
    struct loop *loop;
    const char *options[N_OPTS]; // NULL: not given
    struct conf conf;
    enum turn turn;
    unsigned turns;   // ended, well or not
    uint64_t left_ms; // when the server that is replaced had left
    bool on_terminal; // started from one, whose end is ours
    enum phase phase;
    uint64_t stop_ms; // when stopping began
    int exit_code;
    struct child children[N_CHILDREN];
    int state_fd, lock_fd, bin_fd, profiles_fd, images_fd, null_fd;
    int handover[2]; // the server that runs has one, its successor gets the other
    int listen_fds[LISTEN_MAX];
    unsigned n_listen;
    char url[96]; // where the first socket listens
    struct watch signal_watch;
    struct timer start_limit;
};

// state.c: directories, lock, server's user, token
int state_open(struct super *s, struct err *e);
int state_token(int state_fd, struct conf *c, struct err *e); // what admin.token holds
// listen.c
int listen_open(struct super *s, struct err *e);
// child.c: one process
int child_start(struct child *c, struct err *e);
void child_ended(struct child *c); // close what belonged to the process that is gone
void child_signal(const struct child *c, int sig);
// Replace *fd by a sealed file of settings for this child.
int child_settings(const struct child *c, const struct conf *conf, int *fd, struct err *e);
// log.c: what children say
void child_log_open(struct child *c, int fd);
void child_log_close(struct child *c); // what is left is written
// watch.c: when to start, restart and stop
int super_start(struct super *s, struct err *e);
void super_stop(struct super *s);
void super_kill_after(struct child *c, uint64_t ms); // unless it has ended by then
// reload.c: the configuration, server and launcher as they are on the disk now
int config_read(struct conf *c, const char *const *options, struct err *e);
int config_data(struct super *s, const struct conf *c, struct err *e);
void super_reload(struct super *s);
void status_write(const struct super *s, const char *result);
void turn_end(struct super *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void turn_ready(struct child *c); // a successor is ready
