// SPDX-License-Identifier: Apache-2.0
// pinfoldd: starts the server, the launcher and the egress process, and starts them again.
//
// Theory of operation. It reads the configuration, which nobody but root can write, makes the state
// directory, opens the listening sockets and every directory that a child needs, and makes the
// socket pairs over which the server talks with the other two. Each child is a fresh program with exactly its
// descriptors (conf.h says which). After that pinfoldd reads nothing but signals, one byte of
// readiness from each child and their log lines, bounded in length and rate.
#include "pinfoldd_int.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pinfold/confine.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char usage[] =
    "usage: pinfoldd [--listen ADDR:PORT] [--state DIR] [--config FILE]\n"
    "       pinfoldd --check [--config FILE]   read the configuration and say what is wrong\n"
    "       pinfoldd --settings                print every setting with its default\n"
    "The configuration is " CONF_DEFAULT_FILE " where there is one.\n";

static int parse_options(int argc, char **argv, const char *ret[N_OPTS])
{
    static const struct option longs[] = {
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"state", required_argument, NULL, OPT_STATE},
        {"config", required_argument, NULL, OPT_CONFIG},
        {"check", no_argument, NULL, OPT_CHECK},
        {"settings", no_argument, NULL, OPT_SETTINGS},
        {"help", no_argument, NULL, OPT_HELP},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0 && c < N_OPTS)
        ret[c] = optarg ? optarg : "";
    return c < 0 && optind == argc ? 0 : -1;
}

static int make_pair(int *ret_a, int *ret_b, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return err_sys(e, "make the socket between two processes");
    *ret_a = pair[0];
    *ret_b = pair[1];
    return 0;
}

static int make_pairs(struct super *s, struct err *e)
{
    struct child *c = s->children;
    c[EGRESS].state_fd = c[EGRESS].egress_fd = c[LAUNCHER].egress_fd = s->null_fd;
    if (make_pair(&c[SERVER].peer_fd, &c[LAUNCHER].peer_fd, e) ||
        make_pair(&c[SERVER].egress_fd, &c[EGRESS].peer_fd, e) ||
        make_pair(&s->handover[0], &s->handover[1], e))
        return -1;
    // Room for every connection: one of them takes some 1 KiB.
    int room = 64 << 20;
    bool bad = false;
    for (int i = 0; !bad && i < 2; i++)
        bad = setsockopt(s->handover[i], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) ||
              io_set_nonblock(s->handover[i], true);
    return bad ? err_sys(e, "prepare the sockets that hand over connections") : 0;
}

static int open_all(struct super *s, struct err *e)
{
    s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (s->null_fd < 0)
        return err_sys(e, "open /dev/null");
    s->bin_fd = conf_bin_dir(e);
    if (s->bin_fd < 0 || config_data(s, &s->conf, e))
        return -1;
    int found = conf_find_users(&s->conf, e);
    if (found > 0)
        log_warn("there is no user %s or %s, so a bare number stands in; useradd --system cures it",
                 s->conf.server_user, s->conf.egress_user);
    if (found < 0 || state_open(s, e) || listen_open(s, e) || make_pairs(s, e))
        return -1;
    for (int i = 0; i < N_CHILDREN; i++)
        if (child_settings(&s->children[i], &s->conf, &s->children[i].settings_fd, e))
            return -1;
    explicit_bzero(s->conf.admin_token, sizeof(s->conf.admin_token));
    return 0;
}

static void init_super(struct super *s)
{
    s->lock_fd = s->state_fd = s->bin_fd = s->profiles_fd = s->images_fd = -1;
    s->on_terminal = isatty(STDIN_FILENO);
    static const struct child children[N_CHILDREN] = {
        [LAUNCHER] = {.role = "launcher", .binary = "pinfold-launcher", .who = FOR_LAUNCHER},
        [EGRESS] = {.role = "egress", .binary = "pinfold-egress", .who = FOR_EGRESS},
        [SERVER] = {.role = "server",
                    .binary = "pinfold-server",
                    .who = FOR_SERVER,
                    .listens = true},
    };
    for (int i = 0; i < N_CHILDREN; i++) {
        s->children[i] = children[i];
        s->children[i].super = s;
        s->children[i].settings_fd = s->children[i].turn_fd = -1;
        s->children[i].handover_fd = s->children[i].log_fd = -1;
    }
}

static int serve(struct super *s, struct err *e)
{
    const struct confine how = {
        .uid = CONFINE_KEEP_ID, .gid = CONFINE_KEEP_ID, .strict = s->conf.strict};
    s->loop = loop_new(e);
    if (!s->loop || open_all(s, e) || confine_self(CONFINE_PINFOLDD, &how, e) || super_start(s, e))
        return -1;
    if (loop_run(s->loop))
        return err_sys(e, "wait for events");
    return 0;
}

static int stop_with(const struct err *e)
{
    log_error("%s", e->text);
    return 1;
}

int main(int argc, char **argv)
{
    static struct super s; // large, and there is one
    const char **o = s.options;
    struct err e;
    log_init("pinfoldd", LOG_INFO);
    if (parse_options(argc, argv, o)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (o[OPT_HELP] || o[OPT_SETTINGS]) {
        own_buf struct buf text;
        buf_init(&text, 1 << 20);
        (void)buf_puts(&text, o[OPT_HELP] ? usage : "");
        if (o[OPT_SETTINGS])
            conf_document(&text);
        return fputs(text.data, stdout) < 0;
    }
    init_super(&s);
    // A relative --state is meant from where the command was typed.
    own_free char *here = o[OPT_STATE] && *o[OPT_STATE] != '/' ? getcwd(NULL, 0) : NULL;
    own_free char *state = here ? xasprintf("%s/%s", here, o[OPT_STATE]) : NULL;
    o[OPT_STATE] = state ? state : o[OPT_STATE];
    if (config_read(&s.conf, o, &e))
        return stop_with(&e);
    log_init("pinfoldd", (enum log_level)s.conf.log_level);
    if (o[OPT_CHECK])
        return puts("the configuration is good") < 0;
    if (geteuid() != 0) {
        log_error("pinfoldd must be started by root: it makes namespaces, mounts and cgroups");
        return 1;
    }
    if (serve(&s, &e))
        return stop_with(&e);
    conf_release(&s.conf);
    return s.exit_code;
}
