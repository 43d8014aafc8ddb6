// SPDX-License-Identifier: Apache-2.0
// Replacing launcher, egress and server, one after the other, by the binaries and the configuration that
// are on the disk now.
//
// Theory of operation. The configuration is read and checked first: when it is not good, or asks for
// what only a new pinfoldd can do, nothing happens but a line that says so. Then the launcher is
// told to leave (SIGHUP, see conf.h), its successor is started as soon as it has, and when that is
// ready the turn of egress comes, whose connections end, and then the server's. The listening sockets stay open all the time, so the kernel keeps
// new connections until somebody accepts them; those that are open go through the handover socket.
// What came of it stands in the file pinfoldd.status, which `pinfold upgrade` waits for.
#include "pinfoldd_int.h"

#include <fcntl.h>
#include <pinfold/clock.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STATUS_FILE "pinfoldd.status"

int config_read(struct conf *c, const char *const *o, struct err *e)
{
    const char *path = o[OPT_CONFIG] ? o[OPT_CONFIG] : CONF_DEFAULT_FILE;
    if (conf_read(c, path, e) && (o[OPT_CONFIG] || e->code != ERR_NOT_FOUND))
        return -1;
    if ((o[OPT_LISTEN] && conf_set(c, "Listen", o[OPT_LISTEN], e)) ||
        (o[OPT_STATE] && conf_set(c, "StateDir", o[OPT_STATE], e)))
        return -1;
    const char *strict = getenv("PINFOLD_STRICT"); // for tests: the same as Strict=yes
    if (strict && !strcmp(strict, "1"))
        c->strict = 1;
    return conf_check(c, e) || conf_load_files(c, e) ? -1 : 0;
}

int config_data(struct super *s, const struct conf *c, struct err *e)
{
    own_fd int profiles = conf_open_data(c->profiles_dir, "profiles", e);
    own_fd int images = profiles < 0 ? -1 : conf_open_data(c->images_dir, "images", e);
    if (images < 0)
        return -1;
    fd_close(&s->profiles_fd);
    fd_close(&s->images_fd);
    s->profiles_fd = fd_steal(&profiles);
    s->images_fd = fd_steal(&images);
    return 0;
}

// --- telling what came of it ------------------------------------------------------------------

void status_write(const struct super *s, const char *result)
{
    struct err e;
    own_free char *text =
        xasprintf("Pid=%d\nTurns=%u\nResult=%s\n", (int)getpid(), s->turns, result);
    if (io_replace_file(s->state_fd, STATUS_FILE, text, strlen(text), 0600, &e))
        log_warn("%s", e.text);
}

void turn_end(struct super *s, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    s->turn = TURN_NONE;
    s->turns++;
    for (int i = 0; i < N_CHILDREN; i++)
        fd_close(&s->children[i].turn_fd);
    bool good = !strncmp(text, "ok", 2);
    log_line(good ? LOG_INFO : LOG_ERROR, "replacing launcher and server %s", text);
    status_write(s, text);
    notify_systemd("READY=1");
}

// --- turns ------------------------------------------------------------------------------------

// pinfoldd itself goes on as it is: it is small, and a new one takes a restart.
static bool itself_changed(const struct super *s)
{
    struct stat now, running;
    return !fstatat(s->bin_fd, "pinfoldd", &now, 0) && !stat("/proc/self/exe", &running) &&
           (now.st_ino != running.st_ino || now.st_dev != running.st_dev);
}

static void tell_to_leave(struct child *c, enum turn turn)
{
    if (!c->pid) {
        turn_end(c->super, "failed: the %s does not run; see the log", c->role);
        return;
    }
    c->super->turn = turn;
    c->leaving = true;
    child_signal(c, SIGHUP);
    super_kill_after(c, c->super->conf.upgrade_grace_ms);
}

void turn_ready(struct child *c)
{
    struct super *s = c->super;
    if (s->turn == TURN_LAUNCHER && c == &s->children[LAUNCHER])
        tell_to_leave(&s->children[EGRESS], TURN_EGRESS);
    else if (s->turn == TURN_EGRESS && c == &s->children[EGRESS])
        tell_to_leave(&s->children[SERVER], TURN_SERVER);
    else if (s->turn == TURN_SERVER && c == &s->children[SERVER])
        turn_end(s, "ok: after %llu ms without a server%s",
                 (unsigned long long)(clock_mono_ms() - s->left_ms),
                 itself_changed(s) ? "; pinfoldd itself is new too, and takes a restart" : "");
}

static int check_same(const struct conf *a, const struct conf *b, struct err *e)
{
    const char *other = strcmp(a->listen, b->listen)             ? "Listen"
                        : strcmp(a->state_dir, b->state_dir)     ? "StateDir"
                        : strcmp(a->server_user, b->server_user) ? "ServerUser"
                        : strcmp(a->egress_user, b->egress_user) ? "EgressUser"
                                                                 : NULL;
    return other ? err_set(e, ERR_CONFLICT, "%s= is another one, which takes a restart", other) : 0;
}

static int prepare(struct super *s, struct conf *c, struct err *e)
{
    if (config_read(c, s->options, e) || check_same(&s->conf, c, e))
        return -1;
    c->server_uid = s->conf.server_uid;
    c->server_gid = s->conf.server_gid;
    c->egress_uid = s->conf.egress_uid;
    c->egress_gid = s->conf.egress_gid;
    c->listen_sockets = s->conf.listen_sockets;
    if (state_token(s->state_fd, c, e) || config_data(s, c, e))
        return -1;
    int bad = 0;
    for (int i = 0; !bad && i < N_CHILDREN; i++) {
        struct child *ch = &s->children[i];
        c->take_over = 1;
        bad = child_settings(ch, c, &ch->turn_fd, e);
        c->take_over = 0;
        bad = bad || child_settings(ch, c, &ch->settings_fd, e);
    }
    return bad;
}

void super_reload(struct super *s)
{
    static struct conf fresh; // large
    struct err e;
    if (s->phase != RUNNING || s->turn) {
        log_warn("told to replace server and launcher while that or a start is under way");
        return;
    }
    notify_systemd("RELOADING=1");
    int bad = prepare(s, &fresh, &e);
    explicit_bzero(fresh.admin_token, sizeof(fresh.admin_token));
    if (bad) {
        conf_release(&fresh);
        turn_end(s, "refused: %s", e.text);
        return;
    }
    conf_release(&s->conf);
    s->conf = fresh;
    log_init("pinfoldd", (enum log_level)s->conf.log_level);
    tell_to_leave(&s->children[LAUNCHER], TURN_LAUNCHER);
}
